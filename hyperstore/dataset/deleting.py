"""Raw data deleted with the frames that name it: objects in buckets, and nothing on this machine.

What any other frame names stays: of this version, of the working frames and the newest commit of
every other version of any dataset of the store, and of every tag. What only past commits of the
version itself still name goes; that is what is asked for. One object has many names, by host, by
endpoint, on the web; what has a bucket and a key in common with what stays is taken for it.
Objects go before frames do, so whoever is interrupted asks again, and one that is gone already is
as good as deleted.
"""

import contextlib
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from hyperstore.codec import Struct, decoder
from hyperstore.dataset.draft import Place, dataset_snapshots, held_snapshot
from hyperstore.dataset.edit import empty_snapshot, root
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.scratchtable import ScratchTable
from hyperstore.dataset.staging import Staging
from hyperstore.errors import HyperstoreError, MediaError, RefusedError, count_of, warn
from hyperstore.frames.keys import frame_key
from hyperstore.history.branches import datasets, read_commit, read_snapshot, tags
from hyperstore.history.commit import Snapshot
from hyperstore.ids import CommitId, NodeId, ObjectId, SnapshotId
from hyperstore.limits import UPLOAD_AHEAD, UPLOAD_RETRIES, UPLOAD_THREADS
from hyperstore.media.cloud import object_keys, place_of
from hyperstore.media.send import Sender
from hyperstore.media.settings import media_settings
from hyperstore.media.uri import Bucket, locate, shown
from hyperstore.tree.cursor import get_many
from hyperstore.tree.diff import diff

__all__ = ["delete_sources_of_dataset", "delete_sources_of_frames"]

_CHUNK = 1_024
_PROGRESS_S = 1.0


class _Pointer(Struct):
    uri: str


class _Source(Struct):
    uri: str
    masks: list[_Pointer] | None = None
    preview: _Pointer | None = None


class _Pointing(Struct):
    """What of a stored frame names raw data; all else is skipped unread."""

    sources: list[_Source]


_read = decoder(_Pointing)


def delete_sources_of_frames(handle: Handle, place: Place, frame_ids: Iterable[str]) -> int:
    """Delete the objects that frames of a draft name and no other frame does; return how many."""
    _refuse(handle)
    staging = handle.staging()
    with contextlib.closing(_Doomed()) as doomed:
        try:
            _, mine = held_snapshot(handle, staging, place)
            here = root(mine, "frames")
            keys = sorted({frame_key(one) for one in frame_ids})
            gone = get_many(staging.nodes, here, keys)
            doomed.add(staging, gone)
            leaving = frozenset(keys)
            changes = diff(staging.nodes, _empty(staging), here)
            doomed.spare(staging, (one.new for one in changes if one.key not in leaving))
            for other in _snapshots(handle, staging, without=place):
                there = root(other, "frames")
                # What both have was looked at here, but for the frames that leave.
                doomed.spare(staging, (one.new for one in diff(staging.nodes, here, there)))
                doomed.spare(staging, get_many(staging.nodes, there, keys))
        finally:
            staging.clear()
        return doomed.delete(handle, show_progress=False)


def delete_sources_of_dataset(handle: Handle, dataset_id: str, *, show_progress: bool) -> int:
    """Delete the objects that frames of a dataset name and none of another one does."""
    _refuse(handle)
    staging = handle.staging()
    with contextlib.closing(_Doomed()) as doomed:
        try:
            mine = [snapshot for _, snapshot in dataset_snapshots(handle, staging, dataset_id)]
            for objects in _frames_of(staging, mine):
                doomed.add(staging, objects)
            for objects in _frames_of(staging, _snapshots(handle, staging, without=dataset_id)):
                doomed.spare(staging, objects)
        finally:
            staging.clear()
        return doomed.delete(handle, show_progress=show_progress)


class _Doomed:
    """URIs that are to go, in a table on disk."""

    def __init__(self) -> None:
        self._table = ScratchTable(
            "CREATE TABLE doomed (key TEXT, place TEXT, uri TEXT, PRIMARY KEY (key, place)) "
            "WITHOUT ROWID"
        )
        self._count = 0
        self._spared = 0

    def close(self) -> None:
        self._table.close()

    def add(self, staging: Staging, objects: Iterable[bytes | None]) -> None:
        """Doom what frames name in buckets."""

        def row(uri: str) -> Iterator[tuple[str, str, str]]:
            for key in islice(object_keys(uri), 1):
                if isinstance(locate(uri), Bucket):
                    yield key, place_of(uri), uri

        statement = "INSERT OR IGNORE INTO doomed VALUES (?, ?, ?)"
        self._count += self._each(staging, objects, statement, row)

    def spare(self, staging: Staging, objects: Iterable[bytes | None]) -> None:
        """Let what frames name stay."""
        if self._count:

            def rows(uri: str) -> Iterator[tuple[str]]:
                return ((key,) for key in object_keys(uri))

            spared = self._each(staging, objects, "DELETE FROM doomed WHERE key = ?", rows)
            self._spared += spared
            self._count -= spared

    def delete(self, handle: Handle, *, show_progress: bool) -> int:
        """Delete the objects; MediaError at the first that cannot be."""
        if self._spared:
            warn(
                f"{count_of(self._spared, 'object')} of raw data not deleted: other frames of the "
                "store name what they hold"
            )
        settings = media_settings(str(handle.folder))
        sender = Sender(timeout_s=settings.timeout_s, retries=UPLOAD_RETRIES)
        pool = ThreadPoolExecutor(UPLOAD_THREADS, "hyperstore-delete")
        progress = _Progress(self._count, show_progress)
        waiting: deque[tuple[str, Future[None]]] = deque()
        uris = (str(row[0]) for row in self._table.rows("SELECT uri FROM doomed"))
        try:
            while True:
                for uri in islice(uris, UPLOAD_AHEAD - len(waiting)):
                    waiting.append((uri, pool.submit(sender.delete, uri)))
                if not waiting:
                    break
                uri, job = waiting.popleft()
                try:
                    job.result()
                except HyperstoreError as error:
                    raise MediaError(
                        f"{shown(uri)} cannot be deleted: {error}; no frame is deleted, but of "
                        f"{progress.total} objects {progress.done} or more are"
                    ) from None
                progress.step()
            progress.end()
        finally:
            sender.stop()
            pool.shutdown(cancel_futures=True)
            sender.close()
        return progress.done

    def _each(
        self,
        staging: Staging,
        objects: Iterable[bytes | None],
        statement: str,
        rows_of: Callable[[str], Iterable[tuple[str, ...]]],
    ) -> int:
        """Do a statement with the rows of each URI that frames name; return how many it changed."""
        changed = 0
        source = (ObjectId(one) for one in objects if one is not None)
        while chunk := list(islice(source, _CHUNK)):
            payloads = staging.frames(chunk).values()
            rows = [
                row for payload in payloads for uri in _uris_of(payload) for row in rows_of(uri)
            ]
            changed += self._table.change(statement, rows)
        return changed


class _Progress:
    """How many objects are deleted, said on standard error every second where that is wanted."""

    def __init__(self, total: int, shown: bool) -> None:
        self.total = total
        self.done = 0
        self._shown = shown
        self._said = time.monotonic()

    def step(self) -> None:
        self.done += 1
        if self._shown and time.monotonic() - self._said >= _PROGRESS_S:
            self._said = time.monotonic()
            self.end()

    def end(self) -> None:
        if self._shown:
            sys.stderr.write(f"deleted {self.done} of {count_of(self.total, 'object')}\n")


def _uris_of(payload: bytes) -> Iterator[str]:
    """Yield the URIs of a stored frame."""
    for source in _read(payload, what="frame").sources:
        yield source.uri
        yield from (mask.uri for mask in source.masks or ())
        if source.preview is not None:
            yield source.preview.uri


def _snapshots(handle: Handle, staging: Staging, *, without: Place | str) -> list[Snapshot]:
    """Return what all versions and tags of the store hold, but those of a version or a dataset.

    The tags of a dataset count where one version of it is left out.
    """
    found: list[Snapshot] = []
    with handle.database.reading() as reader:
        known = [record.id for _, record in datasets(reader) if record.id != without]
        for dataset_id in known:
            for one in tags(reader, dataset_id):
                commit = read_commit(reader, CommitId(ObjectId(one.tag.commit)))
                found.append(read_snapshot(reader, SnapshotId(ObjectId(commit.snapshot))))
    for dataset_id in known:
        for version_id, snapshot in dataset_snapshots(handle, staging, dataset_id):
            if Place(dataset_id, version_id) != without:
                found.append(snapshot)
    return found


def _frames_of(staging: Staging, snapshots: Sequence[Snapshot]) -> Iterator[Iterator[bytes | None]]:
    """Yield the frames of each snapshot, without those that the one before it has too."""
    before = _empty(staging)
    for snapshot in snapshots:
        now = root(snapshot, "frames")
        yield (change.new for change in diff(staging.nodes, before, now))
        before = now


def _empty(staging: Staging) -> NodeId:
    return root(empty_snapshot(staging.nodes), "frames")


def _refuse(handle: Handle) -> None:
    """Raise RefusedError where no raw data may be deleted, or no frame could be after it."""
    if handle.database.readonly:
        raise RefusedError(f"{handle.folder} is open for reading only; nothing is deleted")
    if handle.database.trust == "foreign":
        raise RefusedError(
            "the store came from somebody else, whose frames may name anything that your "
            "credentials reach; raw data that they name is not deleted"
        )
