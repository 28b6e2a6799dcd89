"""Where records lie, remembered: of each number its row, its place and its offset in there.

The rows themselves are remembered as views of the map, for as long as nobody writes and the map
stays where it is: between two reads of one state of the store no page of it changes.
"""

from array import array

from hyperstore.limits import ROW_BYTES_MAX, ROW_CHUNKS_MAX, ROW_VIEWS_MAX

__all__ = ["CHUNK_BITS", "CHUNK_MASK", "OFFSET_BITS", "OFFSET_MASK", "Moment", "RowPlaces"]

Moment = tuple[int, int]
"""Which file or map of it, and which state of the store: between equal ones, nothing moved."""

CHUNK_BITS = 10
CHUNK_MASK = (1 << CHUNK_BITS) - 1
OFFSET_BITS = 16
OFFSET_MASK = (1 << OFFSET_BITS) - 1
_NOTHING = array("I", bytes(4 << CHUNK_BITS))

assert ROW_BYTES_MAX <= OFFSET_MASK
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

    def learn(self, first: int, found: list[tuple[int, int]]) -> None:
        """Remember places and offsets of the records of the row whose number is `first`."""
        chunks = self.chunks
        if len(chunks) >= ROW_CHUNKS_MAX:
            chunks = {}
        known, chunk = -1, _NOTHING
        for place, offset in found:
            if offset <= OFFSET_MASK:
                number = first + place
                if number >> CHUNK_BITS != known:
                    known = number >> CHUNK_BITS
                    chunk = chunks.setdefault(known, _NOTHING[:])
                chunk[number & CHUNK_MASK] = place << OFFSET_BITS | offset
        self.chunks = chunks
