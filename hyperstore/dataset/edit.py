"""From a set of changed frames to the next snapshot: both trees, the count and the totals.

The order tree's edits follow from each frame's change, and from nothing else, so the two trees
cannot drift apart. All of it streams: chunks of changes are looked up, counted and passed on.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from hyperstore.codec import decoder
from hyperstore.dataset.spill import Sorter
from hyperstore.dataset.staging import Staging
from hyperstore.frames.stored import order_key_of, roi_count_of
from hyperstore.history.commit import Snapshot, Totals
from hyperstore.ids import NodeId, ObjectId
from hyperstore.tree.build import build
from hyperstore.tree.cursor import get_many
from hyperstore.tree.edit import edit
from hyperstore.tree.nodes import Nodes

__all__ = ["FrameEdit", "edit_snapshot", "empty_snapshot", "frame_edits", "root"]

FrameEdit = tuple[bytes, int, bytes | None, bytes, int]
"""Frame key, place in the call, object id (None deletes), order key, number of ROIs."""

_OrderEdit = tuple[bytes, bytes | None]

_CHUNK = 4_096

_decode_frame_edits: Callable[[bytes], list[FrameEdit]] = decoder(list[FrameEdit])
_decode_order_edits: Callable[[bytes], list[_OrderEdit]] = decoder(list[_OrderEdit])


def root(snapshot: Snapshot, name: str) -> NodeId:
    """Return the root of one of a snapshot's trees, `frames` or `order`."""
    return NodeId(ObjectId(snapshot.roots[name]))


def empty_snapshot(nodes: Nodes) -> Snapshot:
    """Return the snapshot of no frames."""
    empty = build(nodes, ())
    return Snapshot(roots={"frames": empty, "order": empty})


def frame_edits(scratch: Path) -> Sorter[FrameEdit]:
    """Return an empty sorter of frame edits, which may spill into the folder `scratch`."""
    return Sorter(scratch, _decode_frame_edits)


def edit_snapshot(staging: Staging, base: Snapshot, edits: Iterable[FrameEdit]) -> Snapshot:
    """Return `base` with the edits done. Edits are sorted, one for a key at most."""
    order_edits = Sorter(staging.scratch, _decode_order_edits)
    try:
        counter = _Counter(staging, base, order_edits)
        if base.count:
            frames = edit(staging.nodes, root(base, "frames"), counter.changed(edits))
            order = edit(staging.nodes, root(base, "order"), order_edits)
        else:
            frames = build(staging.nodes, counter.added(edits))
            order = build(staging.nodes, _kept(order_edits))
    finally:
        order_edits.close()
    if frames == base.roots["frames"]:
        return base
    return Snapshot(
        count=base.count + counter.count,
        extra=base.extra,
        meta=base.meta,
        roots={"frames": frames, "order": order},
        totals=Totals(
            annotated=base.totals.annotated + counter.annotated,
            rois=base.totals.rois + counter.rois,
        ),
    )


class _Counter:
    """Passes frame changes on to their tree, and keeps what follows from them."""

    def __init__(self, staging: Staging, base: Snapshot, order_edits: Sorter[_OrderEdit]) -> None:
        self._staging = staging
        self._base = base
        self._order_edits = order_edits
        self.count = 0
        self.annotated = 0
        self.rois = 0

    def added(self, edits: Iterable[FrameEdit]) -> Iterator[tuple[bytes, bytes]]:
        """Pass on what is added to no frames."""
        source = iter(edits)
        while chunk := list(islice(source, _CHUNK)):
            kept = [(edit, new) for edit in chunk if (new := edit[2]) is not None]
            self.count += len(kept)
            self.rois += sum(edit[4] for edit, _ in kept)
            self.annotated += sum(1 for edit, _ in kept if edit[4])
            self._order_edits.extend([(edit[3], new) for edit, new in kept])
            yield from [(edit[0], new) for edit, new in kept]

    def changed(self, edits: Iterable[FrameEdit]) -> Iterator[tuple[bytes, bytes | None]]:
        """Pass on what is added to, replaced in and removed from the frames of the base."""
        source = iter(edits)
        while chunk := list(islice(source, _CHUNK)):
            keys = [edit[0] for edit in chunk]
            olds = get_many(self._staging.nodes, root(self._base, "frames"), keys)
            moved = [(edit, old) for edit, old in zip(chunk, olds, strict=True) if edit[2] != old]
            payloads = self._staging.frames(ObjectId(old) for _, old in moved if old is not None)
            for one, old in moved:
                self._change(one, None if old is None else payloads[ObjectId(old)])
                yield one[0], one[2]

    def _change(self, edit: FrameEdit, old: bytes | None) -> None:
        _, _, new, order_key, rois = edit
        if old is not None:
            old_order_key = order_key_of(old)
            self._count(-1, roi_count_of(old))
            if new is None or old_order_key != order_key:
                self._order_edits.extend([(old_order_key, None)])
        if new is not None:
            self._count(+1, rois)
            self._order_edits.extend([(order_key, new)])

    def _count(self, sign: int, rois: int) -> None:
        self.count += sign
        self.rois += sign * rois
        self.annotated += sign * (rois > 0)


def _kept(edits: Iterable[_OrderEdit]) -> Iterator[tuple[bytes, bytes]]:
    for key, value in edits:
        assert value is not None  # Nothing is removed from no frames.
        yield key, value
