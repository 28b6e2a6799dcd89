"""What differs between two snapshots: frame by frame, and as counts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from hyperstore.dataset.edit import FrameEdit, root
from hyperstore.dataset.staging import Staging
from hyperstore.frames import keys
from hyperstore.frames.change import FrameChange, frame_change, roi_changes
from hyperstore.frames.stored import order_key_of, roi_count_of
from hyperstore.history.commit import Changes, Count, Snapshot
from hyperstore.ids import ObjectId
from hyperstore.tree.diff import diff

__all__ = [
    "ChangedFrame",
    "changed_frames",
    "count_changes",
    "edits_between",
    "edits_of",
    "frame_changes",
]

_CHUNK = 1_024


@dataclass(frozen=True)
class ChangedFrame:
    """One frame that differs: its id, the two objects, None on the side where it is not."""

    frame_id: str
    old: ObjectId | None
    new: ObjectId | None
    staging: Staging = field(repr=False, compare=False)

    @property
    def kind(self) -> str:
        """`added`, `removed` or `changed`."""
        if self.old is None:
            return "added"
        return "removed" if self.new is None else "changed"

    @cached_property
    def change(self) -> FrameChange:
        """What differs in the frame. Both sides are read when this is first asked for."""
        payloads = self.staging.frames((self.old, self.new))
        return frame_change(
            None if self.old is None else payloads[self.old],
            None if self.new is None else payloads[self.new],
        )


def changed_frames(staging: Staging, old: Snapshot, new: Snapshot) -> Iterator[ChangedFrame]:
    """Yield the frames that differ, in the order of their keys. Reads no frame."""
    for key, before, after in diff(staging.nodes, root(old, "frames"), root(new, "frames")):
        yield ChangedFrame(
            keys.frame_id(key),
            None if before is None else ObjectId(before),
            None if after is None else ObjectId(after),
            staging,
        )


def frame_changes(
    staging: Staging, old: Snapshot, new: Snapshot, only: frozenset[str] | None = None
) -> Iterator[tuple[ChangedFrame, FrameChange]]:
    """Yield each frame that differs with what differs in it; `only` narrows to some frame ids."""
    found = changed_frames(staging, old, new)
    if only is not None:
        found = (one for one in found if one.frame_id in only)
    while chunk := list(islice(found, _CHUNK)):
        payloads = staging.frames(one for pair in chunk for one in (pair.old, pair.new))
        for one in chunk:
            before = None if one.old is None else payloads[one.old]
            after = None if one.new is None else payloads[one.new]
            yield one, frame_change(before, after)


def count_changes(staging: Staging, old: Snapshot, new: Snapshot) -> Changes:
    """Count what `new` changed against `old`, exactly.

    Frames that were added are not read: their ROIs follow from the two snapshots' totals, once
    those of the changed and the removed frames are known.
    """
    if old.count == 0:
        return Changes(frames=Count(added=new.count), rois=Count(added=new.totals.rois))
    added = changed = removed = 0
    roi_removed = roi_changed = roi_added = 0
    differing = changed_frames(staging, old, new)
    while chunk := list(islice(differing, _CHUNK)):
        gone = [(one.old, one.new) for one in chunk if one.old is not None]
        added += len(chunk) - len(gone)
        payloads = staging.frames(one for pair in gone for one in pair)
        for old_id, new_id in gone:
            if new_id is None:
                removed += 1
                roi_removed += roi_count_of(payloads[old_id])
                continue
            changed += 1
            counts = roi_changes(payloads[old_id], payloads[new_id])
            roi_added += counts.added
            roi_removed += counts.removed
            roi_changed += counts.changed
    in_added_frames = (new.totals.rois - old.totals.rois) - (roi_added - roi_removed)
    return Changes(
        frames=Count(added=added, changed=changed, removed=removed),
        rois=Count(added=roi_added + in_added_frames, changed=roi_changed, removed=roi_removed),
    )


def edits_between(staging: Staging, old: Snapshot, new: Snapshot) -> Iterator[FrameEdit]:
    """Yield the edits that lead from `old` to `new`, sorted, to be done on a third snapshot."""
    source = diff(staging.nodes, root(old, "frames"), root(new, "frames"))
    return edits_of(staging, ((key, after) for key, _, after in source))


def edits_of(staging: Staging, source: Iterable[tuple[bytes, bytes | None]]) -> Iterator[FrameEdit]:
    """Yield frame edits for pairs of a frame key and an object that is stored, or None."""
    pairs = iter(source)
    while chunk := list(islice(pairs, _CHUNK)):
        payloads = staging.frames((None if one is None else ObjectId(one) for _, one in chunk))
        for key, one in chunk:
            if one is None:
                yield key, 0, None, b"", 0
            else:
                payload = payloads[ObjectId(one)]
                yield key, 0, one, order_key_of(payload), roi_count_of(payload)
