"""Where the records of rows lie, remembered: where to look, and how to tell that they are."""

from array import array
from bisect import bisect_right, insort
from typing import NamedTuple

from hyperstore.limits import ROW_PLACES_MAX

__all__ = ["MARK_BYTES", "KnownRow", "RowPlaces"]

MARK_BYTES = 4


class KnownRow(NamedTuple):
    """What a row was like when its head was compared with its check."""

    first: int  # Its number.
    key: bytes
    offsets: "array[int]"  # Of the record at each place, 0 where there is none,
    marks: bytes  # and the first bytes of its id.


class RowPlaces:
    """The rows of one open file that are known; threads may share it."""

    __slots__ = ("_firsts", "_rows")

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._rows: dict[int, KnownRow] = {}

    def holding(self, number: int) -> KnownRow | None:
        """Return the known row in which a number has its place, unless that is in another row."""
        firsts = self._firsts
        at = bisect_right(firsts, number)
        return self._rows.get(firsts[at - 1]) if at else None

    def learn(self, row: KnownRow) -> None:
        """Remember a row as it is now."""
        if len(self._rows) >= ROW_PLACES_MAX:
            self._firsts, self._rows = [], {}
        if row.first not in self._rows:
            insort(self._firsts, row.first)
        self._rows[row.first] = row
