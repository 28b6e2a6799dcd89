"""Reading one column of the index: which places have a value that fits.

Nothing is taken apart before it is asked for, and what is read is a view of its bytes. The
sets that are given out belong to whoever asked, except `present`, which must not be changed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from pyroaring import BitMap

from hyperstore.limits import INDEX_BUCKET
from hyperstore.query.index.layout import PIECES, ColumnEntry

__all__ = ["Column", "Numbers", "Strings", "read_set"]

_EMPTY = memoryview(b"")


def read_set(data: memoryview) -> BitMap:
    """Return a set of places that was written."""
    return BitMap.deserialize(data)  # type: ignore[arg-type] # It takes any buffer.


class Column:
    """The values of one field of one segment."""

    def __init__(self, data: memoryview, entry: ColumnEntry) -> None:
        self.types = frozenset(entry.types)
        self.size = len(data)
        self._pieces: dict[str, memoryview] = {}
        at = 0
        numbers = iter(entry.pieces)
        for number, length in zip(numbers, numbers, strict=True):
            self._pieces[PIECES[number]] = data[at : at + length]
            at += length
        self._present: BitMap | None = None
        self._strings: Strings | None = None
        self._words: Strings | None = None

    def piece(self, name: str) -> memoryview:
        """Return the bytes of a piece, none where the column lacks it."""
        return self._pieces.get(name, _EMPTY)

    def integers(self, name: str) -> memoryview:
        """Return a piece of 32-bit numbers."""
        return self.piece(name).cast("I")

    @property
    def present(self) -> BitMap:
        """The places that have any value."""
        if self._present is None:
            self._present = self._set("present")
        return self._present

    def flags(self, *, wanted: bool) -> BitMap:
        """Return the places that have this boolean."""
        return self._set("true" if wanted else "false")

    def _set(self, name: str) -> BitMap:
        data = self._pieces.get(name)
        return BitMap() if data is None else read_set(data)

    def numbers(self, kind: str) -> "Numbers | None":
        """Return the numbers of one type: int, float, big or date."""
        values = self._pieces.get(f"{kind}.values")
        if values is None:
            return None
        return Numbers(
            values.cast("d") if kind == "float" else values.cast("Q" if kind == "big" else "q"),
            self.integers(f"{kind}.places"),
            self.integers(f"{kind}.bucket_ends"),
            self.piece(f"{kind}.buckets"),
        )

    @property
    def strings(self) -> "Strings":
        """The distinct strings, sorted."""
        if self._strings is None:
            self._strings = Strings(self.integers("string.offsets"), self.piece("string.text"))
        return self._strings

    @property
    def listed(self) -> "Strings":
        """Strings in no order, of which some may be equal; see `listed_places`."""
        return Strings(self.integers("listed.offsets"), self.piece("listed.text"))

    def listed_places(self, numbers: Iterable[int]) -> BitMap:
        """Return the places of strings of `listed`."""
        places = self.integers("listed.places")
        return BitMap([places[number] for number in numbers])

    @property
    def words(self) -> "Strings":
        """The distinct words of the strings, sorted; none where nobody asks for words."""
        if self._words is None:
            self._words = Strings(
                self.integers("string.word_offsets"), self.piece("string.word_text")
            )
        return self._words

    def strings_with_word(self, number: int) -> memoryview:
        """Return the numbers of the strings that hold a word, rising."""
        starts = self.integers("string.word_starts")
        return self.integers("string.word_strings")[starts[number] : starts[number + 1]]

    def places_of(self, numbers: Iterable[int]) -> BitMap:
        """Return the places of all these strings."""
        places = self.integers("string.places")
        if "string.starts" not in self._pieces:  # Each string has one place, at its own number.
            return BitMap([places[number] for number in numbers])
        starts, heavy = self.integers("string.starts"), self.integers("string.heavy")
        light: list[int] = []
        sets: list[BitMap] = []
        for number in numbers:
            start, end = starts[number], starts[number + 1]
            if start != end:
                light += places[start:end]
            else:
                sets.append(self._heavy(bisect_left(heavy, number)))
        if light or not sets:
            sets.append(BitMap(light))
        return sets[0] if len(sets) == 1 else BitMap.union(*sets)

    def places_between(self, first: int, end: int) -> BitMap:
        """Return the places of the strings from number `first` up to before `end`."""
        if first >= end:
            return BitMap()
        places = self.integers("string.places")
        if "string.starts" not in self._pieces:
            return BitMap(places[first:end])
        starts, heavy = self.integers("string.starts"), self.integers("string.heavy")
        sets = [BitMap(places[starts[first] : starts[end]])]
        sets += map(self._heavy, range(bisect_left(heavy, first), bisect_left(heavy, end)))
        return BitMap.union(*sets)

    def _heavy(self, number: int) -> BitMap:
        ends = self.integers("string.heavy_ends")
        start = ends[number - 1] if number else 0
        return read_set(self.piece("string.heavy_sets")[start : ends[number]])


class Numbers:
    """Numbers of one type, sorted, with their places."""

    def __init__(
        self,
        values: Sequence[int | float],
        places: memoryview,
        ends: memoryview,
        buckets: memoryview,
    ) -> None:
        self._values, self._places = values, places
        self._ends, self._buckets = ends, buckets
        self._bucket = INDEX_BUCKET if len(places) else 1  # Values that share a bitmap.

    def between(
        self,
        low: int | float | None,
        high: int | float | None,
        *,
        low_open: bool = False,
        high_open: bool = False,
    ) -> BitMap:
        """Return the places that have a number between two bounds; None for no bound."""
        values = self._values
        first, end = 0, len(values)
        if low is not None:
            first = (bisect_right if low_open else bisect_left)(values, low)
        if high is not None:
            end = (bisect_left if high_open else bisect_right)(values, high)
        return self._places_between(first, end)

    def _places_between(self, first: int, end: int) -> BitMap:
        places, size = self._places, self._bucket
        low, high = -(-first // size), end // size
        if end == len(self._values):
            high = -(-end // size)  # The last bucket is whole, however small.
        if not len(self._ends) or low >= high:
            return BitMap(places[first:end])
        ends, buckets = self._ends, self._buckets
        start = ends[low - 1] if low else 0
        sets: list[BitMap] = []
        for number in range(low, high):
            stop = ends[number]
            sets.append(read_set(buckets[start:stop]))
            start = stop
        if first < low * size:
            sets.append(BitMap(places[first : low * size]))
        if high * size < end:
            sets.append(BitMap(places[high * size : end]))
        return BitMap.union(*sets)


class Strings(Sequence[bytes]):
    """Distinct strings as UTF-8, sorted: by code points, which is the order of the bytes too."""

    def __init__(self, offsets: memoryview, text: memoryview) -> None:
        self._offsets, self._text = offsets, text

    def __len__(self) -> int:
        return max(0, len(self._offsets) - 1)

    def __getitem__(self, number):  # type: ignore[no-untyped-def]
        return self._text[self._offsets[number] : self._offsets[number + 1]].tobytes()

    @property
    def text(self) -> memoryview:
        """All of them, joined."""
        return self._text

    @property
    def offsets(self) -> memoryview:
        """Where each begins, and the end of the last."""
        return self._offsets

    def number_of(self, wanted: bytes) -> int | None:
        """Return the number of a string, None where it is not here."""
        number = bisect_left(self, wanted)
        return number if number < len(self) and self[number] == wanted else None

    def spans(self, numbers: Iterable[int]) -> Iterator[tuple[int, str]]:
        """Yield strings with their numbers."""
        for number in numbers:
            yield number, self[number].decode()
