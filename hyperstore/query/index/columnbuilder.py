"""Values of one field, gathered frame by frame while a segment of the index is built.

Many equal strings are dealt out to lists of places as they come; where nearly all differ, as ids
do, they are listed beside their places and sorted at the end, which takes a third of the memory.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, islice
from operator import eq

from hyperstore.limits import INDEX_DEALT_MAX, INDEX_DEALT_NUMBERS_MAX
from hyperstore.query.index.layout import (
    pack_dealt_numbers,
    pack_numbers,
    pack_strings,
    pack_words,
    set_bytes,
)
from hyperstore.query.language.valuetests import words_of

__all__ = ["Gathered", "Moment", "Words", "folded_words"]

Words = Callable[[str], Sequence[str]]
"""Splits a string into the words of it that a query may name."""

Moment = Callable[[str], int | None]
"""Returns the moment that a string says, in microseconds since 1970; None where it says none."""

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


def folded_words(text: str) -> list[str]:
    """Return the words of a string, as they are compared, in order."""
    return words_of(text.casefold())


class Gathered:
    """The values of one field, each with the place of what has it."""

    __slots__ = (
        "big_places",
        "bigs",
        "came",
        "dealt",
        "floats",
        "held",
        "ints",
        "listed",
        "listed_places",
        "no",
        "opaque",
        "yes",
    )

    def __init__(self, *, distinct: bool = False, as_came: bool = False) -> None:
        """`distinct` says that no two strings are expected to be equal.

        With `as_came`, strings are kept in the order in which they came, one like the other.
        """
        self.came = Came() if as_came else None
        self.dealt: dict[str, array[int]] | None = None if distinct else {}
        self.listed: list[str] = []
        self.listed_places = array("I")
        self.ints, self.floats = _Numbers("q"), _Numbers("d")
        self.bigs, self.big_places = list[int](), array("I")
        self.yes, self.no = array("I"), array("I")
        # Places with more values than are taken in, and those of them that have any at all.
        self.opaque, self.held = array("I"), array("I")

    def extend(self, values: Sequence[object], places: "array[int]") -> None:
        """Add values, each with its place; None is no value."""
        kinds = set(map(type, values))
        if len(kinds) > 1:
            for kind in kinds:
                same = [number for number, value in enumerate(values) if type(value) is kind]
                self.extend(
                    [values[number] for number in same],
                    array("I", [places[number] for number in same]),
                )
        elif str in kinds:
            self._texts(values, places)  # type: ignore[arg-type]
        elif float in kinds:
            self.floats.extend(values, places)  # type: ignore[arg-type]
        elif bool in kinds:
            for value, place in zip(values, places, strict=True):
                (self.yes if value else self.no).append(place)
        elif int in kinds:
            self._integers(values, places)  # type: ignore[arg-type]

    def _integers(self, values: Sequence[int], places: "array[int]") -> None:
        if min(values) >= _INT64_MIN and max(values) <= _INT64_MAX:
            self.ints.extend(values, places)
            return
        for value, place in zip(values, places, strict=True):
            if value <= _INT64_MAX:
                self.ints.extend((value,), array("I", (place,)))
            else:
                self.bigs.append(value)
                self.big_places.append(place)

    def _texts(self, values: Sequence[str], places: "array[int]") -> None:
        if self.came is not None:
            self.came.extend(values, places)
            return
        dealt = self.dealt
        if dealt is None:
            self.listed += values
            self.listed_places += places
            return
        first = values[0]
        if values.count(first) == len(values):
            if first in dealt:
                dealt[first] += places
            else:
                dealt[first] = places[:]
            return
        known = dealt.get
        for value, place in zip(values, places, strict=True):
            found = known(value)
            if found is None:
                dealt[value] = array("I", (place,))
            else:
                found.append(place)
        if len(dealt) > INDEX_DEALT_MAX:
            self._list_all()

    def _list_all(self) -> None:
        """Go on as where nearly all strings differ."""
        for value, places in (self.dealt or {}).items():
            self.listed += [value] * len(places)
            self.listed_places += places
        self.dealt = None

    def pieces(
        self, words: Words | None, moment: Moment, everywhere: tuple["array[int]", bytes]
    ) -> tuple[dict[str, bytes], list[str]]:
        """Return the pieces of the column, and the names of the types of its values.

        `everywhere` are the places of all that could have the field, as they came and as a set.
        """
        pieces: dict[str, bytes] = {}
        came = self.listed_places if self.dealt is None else array("I")
        if self.came is not None:
            pieces.update(self.came.pieces())
            came = self.came.places
        for places in (self.dealt or {}).values():
            came += places
        types = ["string"] if came else []
        pieces.update(self._strings(words, moment))
        if "date.values" in pieces:
            types.append("date")
        for kind, numbers in (("int", self.ints), ("float", self.floats)):
            came += numbers.came()
            pieces.update(numbers.pieces(kind))
        pieces.update(pack_numbers("big", "Q", self.bigs, self.big_places))
        if self.ints or self.floats or self.bigs:
            types.append("number")
        came += self.big_places + self.yes + self.no + self.held
        if self.opaque:
            pieces["opaque"] = set_bytes(self.opaque)
            types.append("list")
        if self.yes:
            pieces["true"] = set_bytes(self.yes)
        if self.no:
            pieces["false"] = set_bytes(self.no)
        if self.yes or self.no:
            types.append("boolean")
        pieces["present"] = everywhere[1] if came == everywhere[0] else set_bytes(came)
        return pieces, types

    def _strings(self, words: Words | None, moment: Moment) -> Iterator[tuple[str, bytes]]:
        """Yield the pieces of the strings, and of the dates among them."""
        distinct, counts, places = self._sorted()
        if words is not None:
            yield from pack_words(_positions(distinct, words))
        dated = _dated(distinct, moment)
        yield from pack_strings(distinct, counts, places)
        if dated:
            moments, dated_places = array("q"), array("I")
            for number, run in _runs(dated, counts, places):
                moments.extend([dated[number]] * len(run))
                dated_places += run
            yield from pack_numbers("date", "q", moments, dated_places)

    def _sorted(self) -> tuple[list[str], list[int] | None, "array[int]"]:
        """Return the distinct strings, how many places each has, and the places in turn."""
        dealt = self.dealt
        if dealt is None:
            listed, order = (
                self.listed,
                sorted(range(len(self.listed)), key=self.listed.__getitem__),
            )
            places = array("I", map(self.listed_places.__getitem__, order))
            found = list(map(listed.__getitem__, order))
            if not any(map(eq, found, islice(found, 1, None))):
                return found, None, places
            counts: dict[str, int] = {}
            for text in found:
                counts[text] = counts.get(text, 0) + 1
            return list(counts), list(counts.values()), places
        places = array("I")
        distinct = sorted(dealt)
        for text in distinct:
            places += dealt[text]
        return distinct, [len(dealt[text]) for text in distinct], places


class Came:
    """Strings in the order in which they came, joined batch by batch."""

    __slots__ = ("_lengths", "_texts", "places")

    def __init__(self) -> None:
        self._texts: list[bytes] = []
        self._lengths = array("I")
        self.places = array("I")

    def extend(self, values: Sequence[str], places: "array[int]") -> None:
        """Add strings, each with its place."""
        joined = "".join(values)
        data = joined.encode()
        self._texts.append(data)
        ascii_only = len(data) == len(joined)
        self._lengths.extend(map(len, values if ascii_only else map(str.encode, values)))
        self.places += places

    def pieces(self) -> Iterator[tuple[str, bytes]]:
        """Yield what is written of them; they are used up."""
        yield "listed.offsets", array("I", accumulate(self._lengths, initial=0)).tobytes()
        yield "listed.text", b"".join(self._texts)
        self._texts.clear()
        yield "listed.places", self.places.tobytes()


class _Numbers:
    """Numbers of one type: few different ones dealt out, many in the order in which they came."""

    __slots__ = ("_code", "_dealt", "_places", "_values")

    def __init__(self, code: str) -> None:
        self._code = code
        self._dealt: dict[int | float, array[int]] | None = {}
        self._values: array[int] | array[float] = array(code)
        self._places = array("I")

    def __bool__(self) -> bool:
        return bool(self._dealt or self._values)

    def extend(self, values: Sequence[int | float], places: "array[int]") -> None:
        """Add numbers, each with its place."""
        dealt = self._dealt
        if dealt is None:
            self._values.extend(values)  # type: ignore[arg-type]
            self._places += places
            return
        first = values[0]
        if values.count(first) == len(values):
            dealt.setdefault(first, array("I")).extend(places)
        else:
            known = dealt.get
            for value, place in zip(values, places, strict=True):
                found = known(value)
                if found is None:
                    dealt[value] = array("I", (place,))
                else:
                    found.append(place)
        if len(dealt) > INDEX_DEALT_NUMBERS_MAX:
            self._dealt = None
            for value, found in dealt.items():
                self.extend([value] * len(found), found)

    def came(self) -> "array[int]":
        """Return all places, those of one value together."""
        places = self._places[:]
        for found in (self._dealt or {}).values():
            places += found
        return places

    def pieces(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """Yield what is written of them."""
        if self._dealt is None:
            return pack_numbers(kind, self._code, self._values, self._places)
        return pack_dealt_numbers(kind, self._code, self._dealt)


def _dated(strings: Sequence[str], moment: Moment) -> dict[int, int]:
    """Return the numbers of the strings that are dates, each with its moment."""
    first, end = bisect_left(strings, "0"), bisect_left(strings, ":")  # They begin with a digit.
    return {
        number: when
        for number, text in enumerate(islice(strings, first, end), first)
        if text[4:5] == "-" and (when := moment(text)) is not None
    }


def _positions(strings: Sequence[str], words: Words) -> Mapping[str, Sequence[int]]:
    """Return each word, in order, with the numbers of the strings that hold it."""
    found: dict[str, array[int]] = {}
    for number, text in enumerate(strings):
        for word in set(words(text)):
            known = found.get(word)
            if known is None:
                found[word] = array("I", (number,))
            else:
                known.append(number)
    return {word: found[word] for word in sorted(found)}


def _runs(
    wanted: Mapping[int, object], counts: Sequence[int] | None, places: "array[int]"
) -> Iterator[tuple[int, "array[int]"]]:
    """Yield the numbers that are wanted, in order, with the places of each."""
    if counts is None:
        for number in wanted:
            yield number, places[number : number + 1]
        return
    begin = 0
    for number, count in enumerate(counts):
        if number in wanted:
            yield number, places[begin : begin + count]
        begin += count
