"""Edits of one draft: one call at a time, or gathered in a batch."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from hyperstore.dataset.draft import Place, held_snapshot, move_working, with_meta
from hyperstore.dataset.edit import edit_snapshot
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.ingest import (
    Expected,
    Failure,
    FrameLike,
    Ingest,
    Receipt,
    changed_by_others,
    deletions,
    failure_of,
)
from hyperstore.dataset.renewal import Derived, Renewal, derived_frames
from hyperstore.dataset.spill import Sorter
from hyperstore.dataset.staging import Staging
from hyperstore.errors import ConflictError, UsageError, count_of, warn
from hyperstore.frames import keys
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.group import FrameGroup
from hyperstore.frames.home import Home
from hyperstore.history.commit import Snapshot
from hyperstore.ids import ObjectId, SnapshotId

__all__ = ["Editor", "Ending", "FrameLike", "frame_id_of", "listed"]


Ending = Callable[[bool], None]
"""Told at the end of edits, of a batch too, whether they are stored. Never raises."""


@dataclass(slots=True)
class _Work:
    """Edits under way: what they began on, and where they have come to."""

    staging: Staging
    base_id: SnapshotId
    base: Snapshot
    snapshot: Snapshot
    derived: Sorter[Derived]
    expected: dict[bytes, Expected] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)
    lost: list[Expected] = field(default_factory=list)
    strict: bool = False
    batch: bool = False
    done: list[str] = field(default_factory=list)  # What a batch gathers, each once.
    endings: list[Ending] = field(default_factory=list)
    stored: bool = False

    def close(self) -> None:
        self.staging.clear()
        self.derived.close()
        for ending in reversed(self.endings):
            ending(self.stored)


class _Own(threading.local):
    """The batch that is open in this thread; those of other threads are not its business."""

    work: _Work | None = None


class Editor:
    """The write side of one DatasetVersion handle. A batch belongs to the thread that opened it."""

    def __init__(self, handle: Handle, place: Place) -> None:
        self._handle = handle
        self._place = place
        self._own = _Own()

    @property
    def pending(self) -> tuple[Snapshot, Staging] | None:
        """What an open batch has made so far, and where its objects are; None outside of one."""
        work = self._own.work
        return None if work is None else (work.snapshot, work.staging)

    def put(
        self,
        frames: Iterable[FrameLike],
        command: str,
        *,
        home: Home,
        strict: bool,
        if_unchanged: bool = False,
        warn_replaced: bool = False,
        bytes_max: int | None = None,
        ending: Ending | None = None,
    ) -> list[Failure]:
        """Add or replace frames; return the failures."""
        roots = self._handle.roots
        with self._editing(command) as work:
            if ending is not None:
                work.endings.append(ending)
            ingest = Ingest(
                work.staging,
                work.snapshot,
                roots,
                home,
                strict=strict,
                if_unchanged=if_unchanged,
                derived=work.derived,
                bytes_max=bytes_max,
            )
            before = work.snapshot.count
            with ingest:
                ingest.take(frames)
                work.snapshot = edit_snapshot(work.staging, work.snapshot, ingest.sorted())
            replaced = ingest.stored - ingest.repeated - (work.snapshot.count - before)
            work.expected = {**ingest.expected, **work.expected}  # What came first was in the base.
            work.receipts += ingest.receipts
            work.strict = strict
        for one in work.lost:
            error = changed_by_others(one.frame_id)
            ingest.failures.append(failure_of(one.frame, error, "conflict"))
        if ingest.repeated:
            warn(f"{count_of(ingest.repeated, 'frame')} came again in one call; the last ones hold")
        if ingest.dotted is not None:
            key, frame_id = ingest.dotted
            warn(
                f"the metadata key {key!a} (first in {frame_id!a}) holds a dot: queries take it "
                "for a path, as if it were nested, but a projection does not name it; rename it"
            )
        if warn_replaced and replaced:
            warn(f"{count_of(replaced, 'frame')} replaced those of the same ids")
        if ingest.stale and not if_unchanged:
            warn(
                f"{count_of(ingest.stale, 'frame')} had been changed by others since they were read"
            )
        return ingest.failures

    def delete(
        self, frames: Iterable[str | FrameLike], *, only_as: Iterable[ObjectId] | None = None
    ) -> int:
        """Delete frames by id; return how many there were.

        `only_as` are the objects that they were when it was decided, in their order: ConflictError
        where somebody has left another one meanwhile.
        """
        ids = [frame_id_of(one) for one in listed(frames)]
        wanted = [keys.frame_key(one) for one in ids]
        with self._editing("delete frames") as work:
            before = work.snapshot.count
            if only_as is not None:
                expected = {
                    key: Expected({"id": frame_id}, frame_id, object_id)
                    for key, frame_id, object_id in zip(wanted, ids, only_as, strict=True)
                }
                work.expected = {**expected, **work.expected}
                work.strict = True
            work.snapshot = edit_snapshot(work.staging, work.snapshot, deletions(wanted))
            return before - work.snapshot.count

    def change_metadata(self, change: Callable[[dict[str, object]], dict[str, object]]) -> None:
        """Replace the version's metadata by what `change` makes of it, checked by the caller."""
        with self._editing("set metadata") as work:
            work.snapshot = with_meta(work.snapshot, change(work.snapshot.meta))

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Gather edits, and publish them when the block ends without an exception."""
        self.refuse_batch("a batch")
        work = self._begin()
        work.batch = True
        self._own.work = work
        self._handle.batches.add(id(work))
        try:
            try:
                yield
            finally:
                self._own.work = None
                self._handle.batches.discard(id(work))
            self._finish(work, ", ".join(work.done) or "batch")
            work.stored = True
        finally:
            work.close()

    def refuse_batch(self, verb: str) -> None:
        """Raise UsageError inside a batch, where `verb` has no place."""
        if self._own.work is not None:
            raise UsageError(f"{verb} has no place inside a batch; end the batch first")

    @contextmanager
    def _editing(self, command: str) -> Iterator[_Work]:
        gathered = self._own.work
        if gathered is not None:
            yield gathered
            if command not in gathered.done:
                gathered.done.append(command)
            return
        work = self._begin()
        try:
            yield work
            self._finish(work, command)
            work.stored = True
        finally:
            work.close()

    def _begin(self) -> _Work:
        staging = self._handle.staging()
        base_id, base = held_snapshot(self._handle, staging, self._place)
        return _Work(staging, base_id, base, base, derived_frames(self._handle.scratch))

    def _finish(self, work: _Work, command: str) -> None:
        def refuse(lost: list[bytes]) -> None:
            if lost and work.batch:
                raise ConflictError(
                    f"somebody else changed {count_of(len(lost), 'frame')} of the batch meanwhile, "
                    f"first {work.expected[lost[0]].frame_id!a}; read them again, then repeat it"
                )
            if lost and work.strict:
                raise changed_by_others(work.expected[lost[0]].frame_id)

        lost: list[bytes] = []
        renewal = Renewal(work.staging, work.derived)
        if work.snapshot is not work.base:
            lost = move_working(
                self._handle,
                work.staging,
                self._place,
                command,
                base=(work.base_id, work.base),
                mine=work.snapshot,
                expected={key: one.object_id for key, one in work.expected.items()},
                refuse=refuse,
                renewal=renewal,
            )
        work.lost = [work.expected[key] for key in lost]
        unsaid = {id(one.frame) for one in work.lost}
        for receipt in work.receipts:
            if id(receipt.frame()) not in unsaid:
                receipt.hand_over(renewal.renewed.get(receipt.object_id))


def listed(frames: Iterable[str | FrameLike]) -> Iterable[str | FrameLike]:
    """Return frames as they came; UsageError where it is one."""
    if isinstance(frames, (str, bytes, Mapping, SingleFrame, FrameGroup)):
        raise UsageError(f"frames come in a list, not as one {type(frames).__name__}")
    return frames


def frame_id_of(frame: object) -> str:
    """Return the id of a frame that is to be deleted, given as a frame or by its id."""
    if isinstance(frame, str):
        keys.frame_key(frame)  # Which refuses what can be no id.
        return frame
    found = getattr(frame, "id", None)  # Of a group too, which is a mapping of its members.
    if found is None and isinstance(frame, Mapping):
        found = frame.get("id")
    if not isinstance(found, str):
        raise UsageError(f"{type(frame).__name__} has no frame id to delete by")
    return found
