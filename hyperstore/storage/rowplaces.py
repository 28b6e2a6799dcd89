"""Where records lie, remembered: of each number its row, its place and its offset in there.

The rows themselves are remembered as views of the map, for as long as nobody writes and the map
stays where it is: between two reads of one state of the store no page of it changes.
"""

from array import array

from hyperstore.limits import ROW_CHUNKS_MAX, ROW_RECORDS_MAX, ROW_VIEWS_MAX
from hyperstore.storage.packing import OFFSET_BITS

__all__ = ["CHUNK_BITS", "CHUNK_MASK", "OFFSET_MASK", "Moment", "RowPlaces"]

Moment = tuple[int, int]
"""Which file or map of it, and which state of the store: between equal ones, nothing moved."""

CHUNK_BITS = 10
CHUNK_MASK = (1 << CHUNK_BITS) - 1
OFFSET_MASK = (1 << OFFSET_BITS) - 1
_NOTHING = array("I", bytes(4 << CHUNK_BITS))

assert (ROW_RECORDS_MAX - 1) << OFFSET_BITS < 2**32
assert array("I").itemsize == 4


class RowPlaces:
    """What is known of one open file; threads may share it."""

    __slots__ = ("_views", "chunks")

    def __init__(self) -> None:
        # By the high bits of numbers: place and offset of each, 0 where none is known.
        self.chunks: dict[int, array[int]] = {}
        self._views: tuple[Moment | None, dict[int, memoryview]] = (None, {})

    def views(self, moment: Moment | None) -> dict[int, memoryview]:
        """Return the rows known at a moment, by number; None is one that nobody else shares."""
        if moment is None:
            return {}
        known, views = self._views
        if known != moment or len(views) >= ROW_VIEWS_MAX:
            views = {}
            self._views = moment, views  # At once, for threads: each goes on with its own.
        return views

    def learn(self, first: int, found: list[int]) -> None:
        """Remember place and offset of each record of the row whose number is `first`."""
        chunks = self.chunks
        if len(chunks) >= ROW_CHUNKS_MAX:
            chunks = {}
        at, count = first & CHUNK_MASK, len(found)
        if count and found[-1] >> OFFSET_BITS == count - 1 and at + count <= len(_NOTHING):
            # As nearly all rows are: nothing of it was taken out. Were it otherwise after all,
            # as in a damaged row, the places would not fit whoever reads by them.
            chunk = chunks.setdefault(first >> CHUNK_BITS, _NOTHING[:])
            chunk[at : at + count] = array("I", found)
        else:
            for one in found:
                number = first + (one >> OFFSET_BITS)
                chunks.setdefault(number >> CHUNK_BITS, _NOTHING[:])[number & CHUNK_MASK] = one
        self.chunks = chunks
