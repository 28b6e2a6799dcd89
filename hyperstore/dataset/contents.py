"""What a version holds, with the documented calls: frames, metadata, mask labels, statistics."""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import TYPE_CHECKING, overload

from hyperstore.dataset import masklabels, schema, updating
from hyperstore.dataset.arguments import documented, number_of
from hyperstore.dataset.bulk import BulkContext, Edit, open_bulk, pending_bulk, warn_of
from hyperstore.dataset.edit import root
from hyperstore.dataset.editor import frame_id_of, listed
from hyperstore.dataset.ingest import Failure, FrameLike, frames_in
from hyperstore.dataset.lastchange import Saved, SavedTimes
from hyperstore.dataset.metadata import check_metadata
from hyperstore.dataset.projection import Projection
from hyperstore.dataset.statistics import Stats, stats_of
from hyperstore.dataset.uploading_wish import upload_default
from hyperstore.dataset.view import Frame, View
from hyperstore.dataset.view import Place as OrderPlace
from hyperstore.dataset.writing import VersionWriting
from hyperstore.errors import PublishedError
from hyperstore.ids import NodeId

if TYPE_CHECKING:  # Its import takes longer than those of this layer.
    from logging import Logger

__all__ = ["OVERRIDDEN", "VersionContents"]

OVERRIDDEN = "override_stats"  # Where a version's record keeps statistics that were given to it.

_CHUNK = 256
_Wire = dict[str, object]


class VersionContents(VersionWriting):
    """A version with the calls on what it holds. Every write is on disk when it returns."""

    _stats_root: NodeId | None = None  # Of the frames whose statistics were asked for last.

    # Writing frames.

    @documented
    def add_frames(
        self,
        frames: Iterable[FrameLike],
        warn_on_duplicate_frames: bool = False,
        batch_size: int = 1000,
        refresh_version_stats: bool = True,
        auto_upload_destination: str | None = None,
        local_dataset_root_path: str | None = None,
        force_upload: bool = False,
        progress_report: int = 1,
        register_on_upload_failure: bool = False,
        upload_retries: int = 5,
        src_to_dst_mapping: Mapping[str, str] | None = None,
        unregister_on_upload_fail: bool = True,
        max_request_size_mb: float | None = None,
        *,
        strict: bool = False,
        strict_schema: bool = False,
        copy_media: bool = False,
    ) -> list[Failure]:
        """Add frames, or replace those of the same ids; return what could not be stored.

        Takes frames, wire dicts, or failures of an earlier call, from any iterable, in constant
        memory. A failure is a dict with `frame`, `error` and `error_type`; with `strict` the first
        one is raised as FrameError, and nothing is stored. A frame larger than
        `max_request_size_mb`, where that is given, is a failure, and with `strict_schema` one whose
        metadata has another type than that of this version's frames. With `copy_media` the store
        keeps the files of sources, masks and previews, and the frames name those: see Keeper.
        Nothing is committed.

        With `auto_upload_destination` the local files of sources, masks and previews, all of them
        below `local_dataset_root_path`, are sent there first; with `src_to_dst_mapping` those below
        each source prefix go to its destination. The frames then name them where they lie: see
        Uploader. A frame of which one could not be sent is a failure, and is not stored unless
        `register_on_upload_failure`. Each is tried `upload_retries` times more. How it goes is said
        in the log `hyperstore.uploads` every `progress_report` minutes.
        """
        most = None
        if max_request_size_mb is not None:
            most = int(number_of(max_request_size_mb, what="max_request_size_mb") * 1024 * 1024)
        uploader = self._uploader(
            strict=strict,
            bytes_max=most,
            auto_upload_destination=auto_upload_destination,
            local_dataset_root_path=local_dataset_root_path,
            src_to_dst_mapping=src_to_dst_mapping,
            force_upload=force_upload,
            register_on_upload_failure=register_on_upload_failure,
            unregister_on_upload_fail=unregister_on_upload_fail,
            upload_retries=upload_retries,
            progress_report=progress_report,
        )
        refused: list[Failure] = []
        if strict_schema:
            fitting = schema.StrictSchema(self.view())
            refused = fitting.failures
            frames = fitting.passed(frames_in(frames), strict=strict)
        failures = self._put(
            frames,
            "add frames",
            self._stage(uploader, copy_media, strict=strict),
            strict=strict,
            warn_replaced=warn_on_duplicate_frames,
            bytes_max=most,
        )
        return refused + failures

    @documented
    def update_frames(
        self,
        frames: Iterable[FrameLike],
        batch_size: int = 1000,
        refresh_version_stats: bool = True,
        without_fields: Sequence[str] | bool | None = None,
        *,
        strict: bool = False,
        if_unchanged: bool = False,
        copy_media: bool = False,
    ) -> list[Failure]:
        """Replace frames whole, by id; like add_frames.

        Where `without_fields` is not None, an empty list and False included, frames are merged
        into those stored, without the fields that it lists; nothing is taken away then. A frame
        that somebody else changed since it was read is overwritten with a warning, or with
        `if_unchanged` refused as a failure of type `conflict`.
        """
        if without_fields is not None:
            without = updating.unsent_fields(without_fields)
            stored = self.view().get_frames_by_ids
            frames = updating.merged_frames(frames_in(frames), without, stored)
        failures = self._put(
            frames,
            "update frames",
            self._stage(self._uploader(strict=strict), copy_media, strict=strict),
            strict=strict,
            if_unchanged=if_unchanged,
        )
        return updating.as_given(failures)

    @documented
    def delete_frames(
        self,
        frames: Iterable[str | FrameLike],
        batch_size: int = 1000,
        refresh_version_stats: bool = True,
        delete_sources: bool = False,
    ) -> int:
        """Delete frames, given by id or as frames; return how many there were.

        With `delete_sources` the objects of s3, gs and azure that they name go first, but for those
        that other frames name too: see `deleting`. Where one cannot be deleted, no frame is.
        """
        if delete_sources:
            self._editor.refuse_batch("delete_sources")
            self._state().writable()
            # It brings threads, a database and clients, which most processes do without.
            from hyperstore.dataset.deleting import delete_sources_of_frames

            ids = [frame_id_of(one) for one in listed(frames)]
            delete_sources_of_frames(self._handle, self._place, ids)
            return self._editor.delete(ids)
        return self._editor.delete(frames)

    @documented
    def get_bulk_context(
        self,
        flush_threshold: int | None = None,
        log: "Logger | None" = None,
        refresh_version_stats: bool = True,
        auto_upload_destination: str | None = None,
        local_dataset_root_path: str | None = None,
        allow_update: bool = False,
        *,
        copy_media: bool = False,
    ) -> BulkContext:
        """Return what gathers single edits of this version; the same until its block ends.

        With `copy_media` the store keeps the files of its frames: see add_frames.
        """
        self._state().writable()
        uploads = upload_default(auto_upload_destination, local_dataset_root_path)
        return open_bulk(
            self._uploading_to(uploads, keeps=copy_media),
            self._handle,
            self._place,
            flush_threshold=flush_threshold,
            log=log,
            allow_update=allow_update,
            uploads=uploads,
            keeps=copy_media,
        )

    def flush(self, refresh_version_stats: bool = True) -> list[Failure]:
        """Write what this version's bulk context gathered; return what could not be stored."""
        bulk = pending_bulk(self._handle, self._place)
        return [] if bulk is None else bulk.flush()

    def _settled(self) -> list[Failure]:
        """Write what this version's bulk context gathered; return the failures, with a warning."""
        bulk = pending_bulk(self._handle, self._place)
        failures = [] if bulk is None else bulk.settle()
        warn_of(failures)
        return failures

    def write_bulk(self, edits: Sequence[Edit]) -> list[Failure]:
        """Do the edits of a bulk context in their order, as one operation."""
        failures: list[Failure] = []
        if any(verb == "delete sources" for verb, _ in edits):
            # Nobody can take that back, so it is no part of an operation with others.
            for alone, part in groupby(edits, key=lambda edit: edit[0] == "delete sources"):
                if alone:
                    self.delete_frames([frame for _, frame in part], delete_sources=True)
                else:
                    failures += self.write_bulk(list(part))
            return failures
        if self._editor.pending is None:
            with self.batch():
                return self.write_bulk(edits)
        for verb, run in groupby(edits, key=lambda edit: edit[0]):
            frames = [frame for _, frame in run]
            if verb == "delete":
                self.delete_frames(frames)
                continue
            known = [one for one in frames if not isinstance(one, str)]
            if verb == "merge":
                failures += self.update_frames(known, without_fields=False)
            else:
                failures += self.add_frames(known, warn_on_duplicate_frames=verb != "add")
        return failures

    # Reading frames.

    @overload
    def get_iterator(
        self,
        projection: None = None,
        *,
        start: OrderPlace = None,
        stop: OrderPlace = None,
        context: str | None = None,
        reverse: bool = False,
    ) -> Iterator[Frame]: ...

    @overload
    def get_iterator(
        self,
        projection: Sequence[str],
        *,
        start: OrderPlace = None,
        stop: OrderPlace = None,
        context: str | None = None,
        reverse: bool = False,
    ) -> Iterator[_Wire]: ...

    def get_iterator(
        self,
        projection: Sequence[str] | None = None,
        *,
        start: OrderPlace = None,
        stop: OrderPlace = None,
        context: str | None = None,
        reverse: bool = False,
    ) -> Iterator[Frame] | Iterator[_Wire]:
        """Yield frames ordered by context_id, timestamp, id, as they are now; see View.

        With a projection, a list of paths such as `rois.*.label`, yield these parts as dicts.
        """
        view = self.view()
        frames = view.get_iterator(start=start, stop=stop, context=context, reverse=reverse)
        return frames if projection is None else self._projected(view, frames, projection)

    def _projected(
        self, view: View, frames: Iterator[Frame], projection: Sequence[str]
    ) -> Iterator[_Wire]:
        chosen = Projection(projection)
        times = self._saved_times(view) if chosen.wants_saved else None
        return (
            chosen.apply(wire)
            for chunk in iter(lambda: list(islice(frames, _CHUNK)), [])
            for wire in self._wires(chunk, times)
        )

    def _saved_times(self, view: View) -> SavedTimes:
        return SavedTimes(self._handle, self._place, view.snapshot, self._state().head)

    def _wires(self, frames: list[Frame], known: SavedTimes | None) -> Iterator[_Wire]:
        """Yield frames as the wire has them when they are read: with what only a reader knows."""
        times: list[Saved | None] = [None] * len(frames)
        if known is not None:
            times = known.of([frame.id for frame in frames])
        for frame, one in zip(frames, times, strict=True):
            wire = frame.to_dict()
            wire.setdefault("context_id", frame.context_id)
            wire.setdefault("timestamp", frame.timestamp or 0)
            wire["dataset"] = {"id": self._place.dataset, "version": self._place.version}
            wire["num_frames"] = 1
            if known is not None:
                wire["saved"] = wire["updated"] = None if one is None else one.time_ms
                where = None if one is None else one.version_id
                wire["saved_in_version"] = wire["updated_in_version"] = where
            yield wire

    def describe_frame(self, frame_id: str) -> _Wire:
        """Return one frame as a viewer shows it: its wire form, where it is, when it was saved."""
        view = self.view()
        return next(self._wires([view.get_frame(frame_id)], self._saved_times(view)))

    def last_saved(self, frame_ids: Sequence[str]) -> list[Saved | None]:
        """Return when each frame was saved last and in which version; None where nobody knows."""
        return self._saved_times(self.view()).of(frame_ids)

    # Metadata, mask labels, statistics.

    def set_metadata(self, metadata: Mapping[str, object]) -> bool:
        """Replace the version's metadata; False for a published version, which does not change.

        Keys hold no `$` and no `.`.
        """
        checked = check_metadata(metadata)
        try:
            self._editor.change_metadata(lambda _: checked)
        except PublishedError:
            return False
        return True

    @documented
    def set_masks_labels(self, labels: Mapping[tuple[int, ...], Iterable[str]]) -> bool:
        """Say which labels each colour of a mask means; other metadata stays.

        False for a published version, which does not change.
        """
        masklabels.with_labels({}, labels)  # What is wrong shows before anything else.
        try:
            self._editor.change_metadata(
                lambda meta: check_metadata(masklabels.with_labels(meta, labels))
            )
        except PublishedError:
            return False
        return True

    def get_masks_labels(self) -> masklabels.MaskLabels:
        """Return the labels of each colour of a mask."""
        return masklabels.labels_of(self.get_metadata())

    def get_stats(self) -> Stats:
        """Return how many ROIs have each label, how many frames are annotated, types of content.

        Those that `commit_version` was given stand as long as the frames are those it committed.
        """
        view = self.view()
        given = self.record.extra.get(OVERRIDDEN)
        if isinstance(given, dict) and given.get("content") == view.content_id:
            return copy.deepcopy(given["stats"])
        stats = stats_of(view, self._stats_root)
        self._stats_root = root(view.snapshot, "frames")
        return stats

    def get_schema(self, schema_type: str = "frame") -> schema.Schema:
        """Return the fields of frames, sources (`source`) or ROIs (`roi`), with their types."""
        return schema.field_types(self.view(), schema_type)

    def get_schema_keys(self, schema_type: str = "frame") -> list[str]:
        """Return the names of these fields."""
        return list(self.get_schema(schema_type))

    def get_source_ids(self, max_count: int = 100) -> list[str]:
        """Return the ids of sources, by name."""
        return schema.source_ids(self.view(), int(number_of(max_count, what="max_count")))

    def get_sources(self, max_count: int = 100) -> dict[str, str]:
        """Return for each URI of a source the id of the first frame that has it."""
        most = int(number_of(max_count, what="max_count"))
        return schema.source_uris(self.view(), self._handle.roots, most)

    def get_snippets(self, max_count: int = 100) -> list[_Wire]:
        """Return the first frame of each context as a dict, with the number of its frames."""
        return schema.snippets(self.view(), int(number_of(max_count, what="max_count")))
