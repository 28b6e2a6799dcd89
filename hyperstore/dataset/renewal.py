"""ROI ids of frames whose write lost a race: derived anew, against the frames they do replace.

An id that nobody gave depends on the frame that is replaced (see `frames/derive.py`), and that one
is certain only when the draft moves. Where somebody else was first with another frame, an ROI would
else get the id under which that frame has something different.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from hyperstore.codec import decoder
from hyperstore.dataset.edit import FrameEdit, root
from hyperstore.dataset.spill import Sorter
from hyperstore.dataset.staging import Staging
from hyperstore.frames.derive import derive_again
from hyperstore.history.commit import Snapshot
from hyperstore.ids import ObjectId
from hyperstore.tree.cursor import get_many

__all__ = ["Derived", "Renewal", "derived_frames"]

Derived: TypeAlias = tuple[bytes, bytes, tuple[str, ...]]
"""Frame key, frame object, and which ROI ids in it were given; all others were derived."""

_CHUNK = 512

_decode_derived: Callable[[bytes], list[Derived]] = decoder(list[Derived])


def derived_frames(scratch: Path) -> Sorter[Derived]:
    """Return an empty sorter of frames with derived ROI ids."""
    return Sorter(scratch, _decode_derived)


class Renewal:
    """Derives ROI ids again where an edit replaces another frame than it was prepared for."""

    def __init__(self, staging: Staging, derived: Sorter[Derived]) -> None:
        self._staging = staging
        self._derived = derived
        self.renewed: dict[ObjectId, tuple[ObjectId, list[str]]] = {}
        """Frames that came out otherwise: old to new object, and the new one's ROI ids."""

    def edits(
        self, base: Snapshot, theirs: Snapshot, edits: Iterator[FrameEdit]
    ) -> Iterator[FrameEdit]:
        """Yield edits prepared on `base`, sorted by key, as they are to be done on `theirs`."""
        self.renewed = {}
        rows = iter(self._derived)
        row = next(rows, None)
        while chunk := list(islice(edits, _CHUNK)):
            given: dict[bytes, tuple[str, ...]] = {}
            for key, _, made, _, _ in chunk:
                while row is not None and row[0] <= key:
                    if row[:2] == (key, made):  # Not a frame that came later in the same batch.
                        given[key] = row[2]
                    row = next(rows, None)
            yield from self._chunk(chunk, self._moved(given, base, theirs), given)

    def _moved(
        self, given: dict[bytes, tuple[str, ...]], base: Snapshot, theirs: Snapshot
    ) -> dict[bytes, ObjectId | None]:
        """Return what the keys lead to now, for those of which it is not what it was."""
        keys = list(given)
        before = get_many(self._staging.nodes, root(base, "frames"), keys)
        now = get_many(self._staging.nodes, root(theirs, "frames"), keys)
        return {
            key: None if found is None else ObjectId(found)
            for key, old, found in zip(keys, before, now, strict=True)
            if found != old
        }

    def _chunk(
        self,
        chunk: list[FrameEdit],
        moved: dict[bytes, ObjectId | None],
        given: dict[bytes, tuple[str, ...]],
    ) -> Iterator[FrameEdit]:
        mine = {edit[0]: ObjectId(edit[2]) for edit in chunk if edit[0] in moved and edit[2]}
        payloads = self._staging.frames([*mine.values(), *moved.values()])
        for key, place, made, order_key, rois in chunk:
            if key in moved and made is not None:
                old = moved[key]
                payload, ids = derive_again(
                    payloads[mine[key]],
                    given=frozenset(given[key]),
                    previous=None if old is None else payloads[old],
                )
                new = self._staging.take(payload)
                if new != made:
                    self.renewed[ObjectId(made)] = new, ids
                made = new
            yield key, place, made, order_key, rois
