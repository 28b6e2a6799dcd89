"""ROI ids of frames whose write lost a race: derived anew, against the frames they do replace.

An id that nobody gave depends on the frame that is replaced (see `frames/derive.py`), and that one
is certain only when the draft moves. Where somebody else was first with another frame, an ROI would
else get the id under which that frame has something different.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeAlias

from hyperstore.codec import decoder
from hyperstore.dataset.edit import FrameEdit, root
from hyperstore.dataset.spill import Sorter
from hyperstore.dataset.staging import Staging
from hyperstore.frames.derive import derive_again
from hyperstore.frames.records import read_whole
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
            keys = [key for key, _, made, _, _ in chunk if made is not None and row is not None]
            moved = self._moved(keys, base, theirs)
            derived: dict[bytes, set[str]] = {}
            for key, _, made, _, _ in chunk:
                while row is not None and row[0] <= key:
                    if row[0] == key and key in moved:
                        known = None if row[1] == made else moved[key].before
                        derived.setdefault(key, set()).update(self._derived_ids(row, known))
                    row = next(rows, None)
            yield from self._chunk(chunk, moved, derived)

    def _moved(self, keys: list[bytes], base: Snapshot, theirs: Snapshot) -> dict[bytes, "_Moved"]:
        """Return what the keys led to and lead to, of those of which it is not the same."""
        before = get_many(self._staging.nodes, root(base, "frames"), keys)
        now = get_many(self._staging.nodes, root(theirs, "frames"), keys)
        return {
            key: _Moved(_object(old), _object(found))
            for key, old, found in zip(keys, before, now, strict=True)
            if found != old
        }

    def _derived_ids(self, row: Derived, known: ObjectId | None) -> set[str]:
        """Return the ids that one call derived, without those of the frame `known`.

        In a later call of the same batch they come back as if given, with a frame that was read
        inside of it. Nobody else can have seen them, so they are derived anew all the same: as if
        the batch had begun after whoever was first. What the frame had before the batch may have
        been read there, and stays.
        """
        made = ObjectId(row[1])
        payloads = self._staging.frames([made, known])
        found = _roi_ids(payloads[made]) - {*row[2]}
        return found if known is None else found - _roi_ids(payloads[known])

    def _chunk(
        self,
        chunk: list[FrameEdit],
        moved: dict[bytes, "_Moved"],
        derived: dict[bytes, set[str]],
    ) -> Iterator[FrameEdit]:
        mine = {edit[0]: ObjectId(edit[2]) for edit in chunk if edit[0] in derived and edit[2]}
        payloads = self._staging.frames([*mine.values(), *(moved[key].now for key in mine)])
        for key, place, made, order_key, rois in chunk:
            if key in mine and made is not None:
                old = moved[key].now
                payload, ids = derive_again(
                    payloads[mine[key]],
                    given=_roi_ids(payloads[mine[key]]) - derived[key],
                    previous=None if old is None else payloads[old],
                )
                new = self._staging.take(payload)
                if new != made:
                    self.renewed[ObjectId(made)] = new, ids
                made = new
            yield key, place, made, order_key, rois


class _Moved(NamedTuple):
    """What a key led to when the edit began, and leads to now that somebody else was first."""

    before: ObjectId | None
    now: ObjectId | None


def _object(found: bytes | None) -> ObjectId | None:
    return None if found is None else ObjectId(found)


def _roi_ids(payload: bytes) -> set[str]:
    rois = read_whole(payload, what="frame").rois or ()
    return {roi.id for roi in rois if roi.id is not None}
