"""One edit at a time, written many at once.

A version has one bulk context in a process, whoever asks for it. What it gathered is written when
there are `flush_threshold` edits, when its block ends, also by an exception, and at `flush()`; each
write is one operation, unless raw data is deleted with frames. Edits keep their order: a frame that
is added, then deleted, is gone. One that cannot be done is a failure and stops no other.
"""

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self
from weakref import WeakKeyDictionary

from hyperstore.dataset.arguments import documented
from hyperstore.dataset.draft import Place
from hyperstore.dataset.editor import frame_id_of
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.ingest import Failure, FrameLike
from hyperstore.dataset.uploading_wish import UploadDefault
from hyperstore.errors import FrameError, HyperstoreError, UsageError
from hyperstore.frames.words import brief

if TYPE_CHECKING:  # Its import takes longer than those of this layer.
    from logging import Logger

__all__ = ["BulkContext", "Edited", "open_bulk", "pending_bulk"]

FLUSH_THRESHOLD = 1_000


class Edited(Protocol):
    """The version that a bulk context writes to."""

    def write_bulk(self, edits: Sequence["Edit"]) -> list[Failure]: ...


Edit = tuple[str, str | FrameLike]
"""What to do, one of `add`, `merge`, `delete` and `delete sources`, and with which frame."""


class BulkContext:
    """Gathers edits of one version. Got by `get_bulk_context()`, best in a `with` block."""

    def __init__(
        self,
        version: Edited,
        registry: "dict[Place, BulkContext]",
        place: Place,
        *,
        flush_threshold: int,
        log: "Logger | None",
        allow_update: bool,
        uploads: UploadDefault | None = None,
        keeps: bool = False,
    ) -> None:
        self._version = version
        self._registry = registry
        self._place = place
        self._threshold = flush_threshold
        self._log = log
        self._allow_update = allow_update
        self.uploads = uploads  # Where the version that it was given sends files,
        self.keeps = keeps  # and whether it keeps them.
        self._lock = threading.RLock()
        self._edits: list[Edit] = []
        self.failures: list[Failure] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._registry.pop(self._place, None)
            self.flush()

    def __len__(self) -> int:
        """Return how many edits wait to be written."""
        return len(self._edits)

    @documented
    def add_frame(self, frame: FrameLike, warn_on_duplicate_frames: bool = False) -> list[Failure]:
        """Add a frame, or replace the one of its id; return the failures of what was written."""
        return self._take("add with warning" if warn_on_duplicate_frames else "add", frame)

    def update_frame(self, frame: FrameLike) -> list[Failure]:
        """Replace a frame; with `allow_update` merge it into the one of its id."""
        return self._take("merge" if self._allow_update else "add", frame)

    @documented
    def delete_frame(self, frame: str | FrameLike, delete_sources: bool = False) -> list[Failure]:
        """Delete a frame, given by id or as a frame; see `delete_frames` for its sources."""
        return self._take("delete sources" if delete_sources else "delete", frame_id_of(frame))

    def flush(self) -> list[Failure]:
        """Write what was gathered; return what could not be stored, which `failures` keeps."""
        with self._lock:
            edits, self._edits = self._edits, []
            if not edits:
                return []
            try:
                failures = self._write(edits)
            except BaseException:
                self._edits = edits + self._edits  # To write twice is to write once.
                raise
            self.failures += failures
            if self._log is not None:
                self._log.info("wrote %d edits, %d failed", len(edits), len(failures))
            return failures

    def _write(self, edits: list[Edit]) -> list[Failure]:
        """Write edits in their order; one that raises for itself is a failure and stops no other.

        Whatever is wrong with the store, or with the call, is raised: that is no edit's fault.
        """
        try:
            return self._version.write_bulk(edits)
        except (HyperstoreError, OSError, MemoryError) as fault:
            if not isinstance(fault, FrameError):
                raise
            error: Exception = fault
        except Exception as fault:  # noqa: BLE001 - what an object of a user raises.
            error = fault
        if len(edits) == 1:
            said = str(error) if isinstance(error, FrameError) else brief(error)
            return [{"frame": edits[0][1], "error": said, "error_type": "validation"}]
        half = len(edits) // 2
        return self._write(edits[:half]) + self._write(edits[half:])

    def _take(self, verb: str, frame: str | FrameLike) -> list[Failure]:
        with self._lock:
            self._edits.append((verb, frame))
            return self.flush() if len(self._edits) >= self._threshold else []


_open: WeakKeyDictionary[Handle, dict[Place, BulkContext]] = WeakKeyDictionary()


def open_bulk(
    version: Edited,
    handle: Handle,
    place: Place,
    *,
    flush_threshold: int | None,
    log: "Logger | None",
    allow_update: bool,
    uploads: UploadDefault | None = None,
    keeps: bool = False,
) -> BulkContext:
    """Return the bulk context of a version, which the first call of several makes."""
    threshold = FLUSH_THRESHOLD if flush_threshold is None else flush_threshold
    if type(threshold) is not int or threshold < 1:
        raise UsageError(f"flush_threshold is a number of edits, 1 or more, not {threshold!a}")
    registry = _open.setdefault(handle, {})
    made = BulkContext(
        version,
        registry,
        place,
        flush_threshold=threshold,
        log=log,
        allow_update=allow_update,
        uploads=uploads,
        keeps=keeps,
    )
    found = registry.setdefault(place, made)
    if uploads not in (None, found.uploads):
        raise UsageError("the bulk context that is open uploads elsewhere; end its block first")
    if keeps and not found.keeps:
        raise UsageError("the bulk context that is open keeps no files; end its block first")
    return found


def pending_bulk(handle: Handle, place: Place) -> BulkContext | None:
    """Return the bulk context that is open on a version, if one is."""
    return _open.get(handle, {}).get(place)
