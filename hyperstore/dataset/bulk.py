"""One edit at a time, written many at once.

A version has one bulk context in a process, whoever asks for it. What it gathered is written when
there are `flush_threshold` edits, when a block of it ends, also by an exception, and at `flush()`;
each write is one operation, unless raw data is deleted with frames. Edits keep their order: a frame
that is added, then deleted, is gone. What a frame says counts as of when it is given.
One that cannot be done is a failure and stops no other.
"""

import atexit
import threading
import warnings
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self
from weakref import WeakKeyDictionary

from hyperstore.dataset.arguments import documented
from hyperstore.dataset.draft import Place
from hyperstore.dataset.editor import frame_id_of
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.ingest import Failure, FrameLike
from hyperstore.dataset.taken import Taken, tell_ids
from hyperstore.dataset.uploading_wish import UploadDefault
from hyperstore.errors import FrameError, HyperstoreError, UsageError, count_of, warn
from hyperstore.frames.words import brief

if TYPE_CHECKING:  # Its import takes longer than those of this layer.
    from logging import Logger

__all__ = ["BulkContext", "Edited", "open_bulk", "pending_bulk", "warn_of"]

FLUSH_THRESHOLD = 1_000


class Edited(Protocol):
    """The version that a bulk context writes to."""

    def write_bulk(self, edits: Sequence["Edit"]) -> list[Failure]: ...


Edit = tuple[str, str | FrameLike]
"""What to do, one of `add`, `merge`, `delete` and `delete sources`, and with which frame."""

_Gathered = tuple[str, str | Taken]


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
        self._edits: list[_Gathered] = []
        self._blocks = 0  # That are open now, one inside of another.
        self._untold: list[Failure] = []
        self.failures: list[Failure] = []

    def __enter__(self) -> Self:
        with self._lock:
            self._blocks += 1
            self._registry.setdefault(self._place, self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._blocks -= 1
            failures = self.settle()  # Where that raises, what waits can still be written.
            if not self._blocks and self._registry.get(self._place) is self:
                del self._registry[self._place]
        warn_of(failures, self._log)

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
            failures = self._flushed()
            del self._untold[len(self._untold) - len(failures) :]
            return failures

    def settle(self) -> list[Failure]:
        """Write what was gathered; return all failures that no `flush` and no block told of."""
        with self._lock:
            self._flushed()
            untold, self._untold = self._untold, []
            return untold

    def _flushed(self) -> list[Failure]:
        gathered, self._edits = self._edits, []
        if not gathered:
            return []
        try:
            edits = [
                (verb, one.frame() if isinstance(one, Taken) else one) for verb, one in gathered
            ]
            failures = self._write(edits)
        except BaseException:
            self._edits = gathered + self._edits  # To write twice is to write once.
            raise
        tell_ids([one for _, one in gathered if isinstance(one, Taken)])
        self.failures += failures
        self._untold += failures
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
            registered = self._registry.setdefault(self._place, self)
            if registered is self:
                self._edits.append((verb, frame if isinstance(frame, str) else Taken(frame)))
                return self._flushed() if len(self._edits) >= self._threshold else []
        return registered._take(verb, frame)  # Its block ended, and others use another one now.


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


def warn_of(failures: Sequence[Failure], log: "Logger | None" = None) -> None:
    """Say how many frames of a bulk context could not be stored, and why the first one."""
    if not failures:
        return
    first = failures[0]["error"]
    said = f"{count_of(len(failures), 'frame')} could not be stored, the first because: {first}"
    if log is not None:
        log.warning("%s", said)
    warn(f"{said}; the bulk context keeps them as `failures`")


@atexit.register
def _warn_of_waiting() -> None:
    for contexts in list(_open.values()):
        for waiting in contexts.values():
            if len(waiting):
                warnings.warn(
                    f"{count_of(len(waiting), 'edit')} of a bulk context were never written; "
                    "end its block, or call flush()",
                    UserWarning,
                    stacklevel=1,
                )
