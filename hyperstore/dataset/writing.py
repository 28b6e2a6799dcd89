"""How a version writes frames: by way of what moves their files first, where something does."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Self

from hyperstore.dataset.ingest import Failure, FrameLike
from hyperstore.dataset.relocate import Counted, Place, lead_of, relocated, tried
from hyperstore.dataset.uploading_wish import UploadDefault, upload_wish
from hyperstore.dataset.version import VersionCore
from hyperstore.dataset.view import View
from hyperstore.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from hyperstore.dataset.fetching import Fetched
    from hyperstore.dataset.keeping import Keeper
    from hyperstore.dataset.uploading import Uploader

__all__ = ["VersionWriting"]


class VersionWriting(VersionCore):
    """A version with what its calls on frames write through."""

    _keeps = False  # Whether the store keeps the files of all that is written through this handle.

    def move_sources(self, prefix: Place, new: Place, *, dry_run: bool = False) -> int:
        """Lead the URIs under one prefix to another in one edit; return of how many frames.

        Both are local paths or URIs. No file is touched; ids, annotations and metadata stay.
        NotFoundError, naming the closest, where no URI is under the prefix.
        """
        view = self.view()
        found = relocated(view, lead_of(prefix, new, view.roots))
        if dry_run:
            return tried(found, view.roots)
        counted = Counted(found)
        self._editor.put(
            counted, "move sources", home=self._home(None), strict=True, if_unchanged=True
        )
        return counted.count

    def fetch_media(
        self, *, keep: bool = False, progress: Callable[[str, int, int], None] | None = None
    ) -> "Fetched":
        """Make all that the frames name elsewhere present on this machine, in the cache.

        With `keep` the store keeps it instead, and the frames of this draft name that, by one
        edit. What cannot be had is among the failures, as of add_frames; a second call goes on
        where one was stopped.
        """
        # These bring threads, which most processes do without; so does keeping.
        from hyperstore.dataset.fetching import Fetched, fetch_into_cache, is_elsewhere
        from hyperstore.dataset.keeping import Keeper

        frames = self.view().get_iterator()
        if not keep:
            return fetch_into_cache(frames, str(self._handle.folder), progress)
        keeper = Keeper(self._handle, strict=False, remote_only=True, progress=progress)
        done = Fetched()
        elsewhere = (frame for frame in frames if is_elsewhere(frame))
        done.failures = self._put(elsewhere, "fetch media", keeper, strict=False, if_unchanged=True)
        done.frames, done.files = keeper.frames, keeper.files
        return done

    def _put(
        self,
        frames: Iterable[FrameLike],
        command: str,
        stage: "Keeper | Uploader | None",
        *,
        strict: bool,
        if_unchanged: bool = False,
        warn_replaced: bool = False,
        bytes_max: int | None = None,
    ) -> list[Failure]:
        """Write frames, by way of what moves their files first; return the failures of both."""
        try:
            failures = self._editor.put(
                frames if stage is None else stage.passed(frames),
                command,
                home=self._home(None),
                strict=strict,
                if_unchanged=if_unchanged,
                warn_replaced=warn_replaced,
                bytes_max=bytes_max,
                ending=None if stage is None else stage.end,
            )
        except BaseException:
            if stage is not None:
                stage.end(False)  # Whatever becomes of the batch around it.
            raise
        return failures if stage is None else stage.as_given(stage.failures + failures)

    def _uploader(
        self, *, strict: bool, bytes_max: int | None = None, **asked: object
    ) -> "Uploader | None":
        """Return what uploads for one call, its destinations checked; None where nothing does."""
        place = self._place
        wish = upload_wish(
            self._upload_to,
            dataset_id=place.dataset,
            version_id=place.version,
            named=lambda: self.name,
            store=str(self._handle.folder),
            **asked,
        )
        if wish is None:
            return None
        self._state().writable()
        if self._handle.database.readonly:
            raise RefusedError(f"{self._handle.folder} is open for reading only; nothing is sent")
        # These bring threads, a database and clients, which most processes do without.
        from hyperstore.dataset.uploading import Uploader
        from hyperstore.dataset.uploading_known import known_contents

        known = known_contents(self._handle, place.dataset)
        pending = self._editor.pending
        if pending is not None:
            view = View(self._handle, pending[0], self._home(None), pending[1])
        else:  # Not by view(): who adds frames does not look at the others.
            with self._handle.database.reading() as reader:
                view = self._view_in(reader)
        return Uploader(self._handle, view, wish, known, strict=strict, bytes_max=bytes_max)

    def _stage(
        self, uploader: "Uploader | None", copy_media: bool, *, strict: bool
    ) -> "Keeper | Uploader | None":
        """Return what moves the files of one call, if something does."""
        if not (copy_media or self._keeps):
            return uploader
        if uploader is not None:
            raise UsageError("frames keep their files here or upload them; leave out copy_media")
        from hyperstore.dataset.keeping import Keeper  # As in `fetch_media`.

        return Keeper(self._handle, strict=strict)

    def _uploading_to(self, default: UploadDefault | None, *, keeps: bool = False) -> Self:
        """Return this version, batch and all, with another place for files; itself for none."""
        if default is None and not keeps:
            return self
        other = type(self)(self._handle, place=self._place, dataset_name=self._dataset_name)
        other._editor, other._keeps = self._editor, keeps
        other._upload_to = self._upload_to if default is None else default
        return other
