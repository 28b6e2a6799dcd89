"""The ids of all frames of a selection, in order, many at a time.

Out of the index where one is there, which takes half the time of a walk over the tree (1.3 s and
2.7 s for a million frames); it is not made for that.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from hyperstore.dataset.handle import Handle
from hyperstore.frames.keys import frame_id, frame_key_of
from hyperstore.limits import INDEX_TAIL, LOCK_CHUNK
from hyperstore.query.index import FrameIndex
from hyperstore.query.selection import Selection
from hyperstore.query.shelf import gaps, index_folder, open_segments

__all__ = ["frame_ids"]


def frame_ids(selection: Selection) -> Iterator[Sequence[str]]:
    """Yield the ids in order, each frame once."""
    if _is_indexed(selection.handle):
        yield from _indexed(selection)
        return
    entries = selection.entries()
    while chunk := [found for found, _ in islice(entries, LOCK_CHUNK)]:
        yield chunk


def _indexed(selection: Selection) -> Iterator[Sequence[str]]:
    selection.hold()
    index = FrameIndex.of(selection.handle)
    numbers = selection.numbers
    for start in range(0, len(numbers), LOCK_CHUNK):
        keys = map(frame_key_of, index.order_keys(numbers[start : start + LOCK_CHUNK]))
        # A key of hex digits stands for itself; all others are read as anywhere else.
        yield [key[1:].hex() if key[0] == 1 else frame_id(key) for key in keys]


def _is_indexed(handle: Handle) -> bool:
    """Tell whether the index has all frames but some that came lately."""
    with handle.database.reading() as reader:
        end = reader.last_sequence() + 1
        segments = open_segments(index_folder(handle.folder), reader, handle.database.store_id, ())
    return sum(high - low for low, high in gaps(segments, end)) <= INDEX_TAIL
