"""The ids of all frames of a selection, in order, many at a time.

Out of the index where one is there, which takes half the time of a walk over the tree (a lock of a
million frames 0.9 s of one core, and 1.6 s); it is not made for that.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from hyperstore.dataset.edit import root
from hyperstore.dataset.handle import Handle
from hyperstore.frames.keys import frame_id, frame_key_of
from hyperstore.limits import INDEX_TAIL, LOCK_CHUNK
from hyperstore.query.index.frameindex import FrameIndex
from hyperstore.query.index.segmentfiles import gaps, index_folder, open_segments
from hyperstore.query.selection.selection import Selection
from hyperstore.query.versionsets.parts import EVERY_FRAME
from hyperstore.tree.cursor import scan_leaves

__all__ = ["frame_ids"]


def frame_ids(selection: Selection) -> Iterator[Sequence[str]]:
    """Yield the ids in order, each frame once."""
    if _is_indexed(selection.handle):
        yield from _indexed(selection)
        return
    if len(selection.parts) == 1 and selection.parts[0].condition == EVERY_FRAME:
        yield from _walked(selection)
        return
    entries = selection.entries()
    while chunk := [found for found, _ in islice(entries, LOCK_CHUNK)]:
        yield chunk


def _indexed(selection: Selection) -> Iterator[Sequence[str]]:
    selection.hold()
    index = FrameIndex.of(selection.handle)
    numbers = selection.numbers
    for start in range(0, len(numbers), LOCK_CHUNK):
        yield _ids_of(index.order_keys(numbers[start : start + LOCK_CHUNK]))


def _walked(selection: Selection) -> Iterator[Sequence[str]]:
    selection.hold()
    nodes = selection.handle.staging().nodes
    order = root(selection.parts[0].view.snapshot, "order")
    ids: list[str] = []
    for leaf in scan_leaves(nodes, order):
        ids += _ids_of(key for key, _ in leaf)
        if len(ids) >= LOCK_CHUNK:
            yield ids
            ids = []
    yield ids


def _ids_of(order_keys: Iterable[bytes]) -> list[str]:
    """Return the frame ids of order keys that a sound tree holds."""
    # A key of hex digits stands for itself; all others are read as anywhere else.
    keys = map(frame_key_of, order_keys)
    return [key[1:].hex() if key[0] == 1 else frame_id(key) for key in keys]


def _is_indexed(handle: Handle) -> bool:
    """Tell whether the index has all frames but some that came lately."""
    with handle.database.reading() as reader:
        end = reader.last_sequence() + 1
        segments = open_segments(index_folder(handle.folder), reader, handle.database.store_id, ())
    return sum(high - low for low, high in gaps(segments, end)) <= INDEX_TAIL
