"""A test of one field over one segment of the index: which places have a value that fits.

Tests of text are taken to the distinct strings, each once: a term and a range by bisection, a
pattern to those that hold its longest literal text, or to all where it has none.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from pyroaring import BitMap

from hyperstore.frames.roots import Roots
from hyperstore.query.index.column import Column, Strings
from hyperstore.query.index.columnbuilder import folded_words
from hyperstore.query.index.extractor import STORED_CONTEXT
from hyperstore.query.index.segment import Segment
from hyperstore.query.index.shownuris import Shown, bound_in, shown_runs
from hyperstore.query.index.stringsearch import Pattern, fitting, listed
from hyperstore.query.language.condition import (
    Exists,
    Field,
    Leaf,
    Range,
    Regex,
    Scope,
    Term,
    Wildcard,
)
from hyperstore.query.language.fields import ROIS, analysed, is_path_like
from hyperstore.query.language.literals import BOOLEANS, instant_of, number

__all__ = ["Answers", "Costs"]


_NUMBERS = ("int", "float", "big")

Seen = Callable[[Strings], Iterable[Shown]]
"""How the strings of a column are seen by a user."""


def _plain(strings: Strings) -> Iterable[Shown]:
    return shown_runs(strings, None)


class Costs:
    """What a query read: columns and their bytes, and frames that had to be decoded."""

    def __init__(self) -> None:
        self.segments = 0
        self.columns = 0
        self.column_bytes = 0
        self.frames_decoded = 0
        self.objects_indexed = 0  # Those that came since the last query.

    def __repr__(self) -> str:
        return (
            f"Costs(segments={self.segments}, columns={self.columns}, "
            f"column_bytes={self.column_bytes}, frames_decoded={self.frames_decoded}, "
            f"objects_indexed={self.objects_indexed})"
        )


class Answers:
    """Answers the tests of one query. `roots` are the folders in which files lie now."""

    def __init__(self, roots: Roots, costs: Costs) -> None:
        self._uris: Seen = lambda strings: shown_runs(strings, roots)
        self._contexts: Seen = lambda strings: shown_runs(strings, roots, paths=False)
        self._costs = costs
        self._patterns: dict[Leaf, Pattern] = {}

    def places(self, leaf: Leaf, segment: Segment) -> BitMap:
        """Return the places of a segment that have a value which fits."""
        found = [
            one
            for column, seen in self._columns(leaf, segment)
            if (one := self._in_column(leaf, column, seen))
        ]
        if len(found) == 1:
            return found[0]
        return BitMap.union(BitMap(), *found)

    def _columns(self, leaf: Leaf, segment: Segment) -> Iterator[tuple[Column, Seen]]:
        """Yield the columns of a field, with how their strings are seen."""
        scope, path = leaf.field.scope, leaf.field.path
        if isinstance(leaf.test, Exists) and path.partition(".")[0] == "meta":
            for column in segment.below(scope, path):
                yield self._touched(column), _plain
            return
        if scope is Scope.FRAME and path == ROIS:
            scope, path = Scope.ROI, ""
        found = segment.column(scope, path)
        if found is not None:
            stored = scope is Scope.SOURCE and is_path_like(leaf.field) and path[:5] != "meta."
            yield self._touched(found), self._uris if stored else _plain
        if scope is Scope.FRAME and path == "context_id":
            found = segment.column(scope, STORED_CONTEXT)
            if found is not None:
                yield self._touched(found), self._contexts

    def _touched(self, column: Column) -> Column:
        self._costs.columns += 1
        self._costs.column_bytes += column.size
        return column

    def _in_column(self, leaf: Leaf, column: Column, seen: Seen) -> BitMap:
        test = leaf.test
        if isinstance(test, Exists):
            return column.present
        if column.piece("listed.text"):
            return column.listed_places(listed(leaf, column.listed))
        if isinstance(test, Term):
            return _term(leaf.field, test.text, column, seen)
        if isinstance(test, Range):
            return _range(test, column, seen)
        if isinstance(test, (Wildcard, Regex)):
            pattern = self._patterns.get(leaf)
            if pattern is None:
                pattern = self._patterns[leaf] = Pattern(test, folded=analysed(leaf.field))
            return _matching(leaf.field, pattern, column, seen)
        return BitMap()


def _term(field: Field, text: str, column: Column, seen: Seen) -> BitMap:
    found = [_term_in_strings(field, text, column, seen)]
    asked = number(text)
    if asked is not None:
        for kind in _NUMBERS:
            numbers = column.numbers(kind)
            if numbers is not None:
                found.append(numbers.between(asked, asked))
    truth = BOOLEANS.get(text.lower())
    if truth is not None:
        found.append(column.flags(wanted=truth))
    return found[0] if len(found) == 1 else BitMap.union(*found)


def _term_in_strings(field: Field, text: str, column: Column, seen: Seen) -> BitMap:
    strings = column.strings
    if analysed(field):
        wanted = folded_words(text)
        if wanted:
            return column.places_of(_with_words(wanted, column))
    numbers = []
    for run in seen(strings):
        if text.startswith(run.prefix):
            found = strings.number_of(run.own + text[len(run.prefix) :].encode())
            if found is not None and run.first <= found < run.end:
                numbers.append(found)
    return column.places_of(numbers)


def _with_words(wanted: list[str], column: Column) -> list[int]:
    """Return the numbers of the strings that hold these words one after another."""
    holders: BitMap | None = None
    for word in dict.fromkeys(wanted):
        number_of_word = column.words.number_of(word.encode())
        if number_of_word is None:
            return []
        found = BitMap(column.strings_with_word(number_of_word))
        holders = found if holders is None else holders & found
    assert holders is not None
    if len(wanted) == 1:
        return list(holders)
    texts = column.strings.spans(holders)
    return [number for number, text in texts if _holds(folded_words(text), wanted)]


def _holds(words: list[str], wanted: list[str]) -> bool:
    count = len(wanted)
    return any(
        words[at] == wanted[0] and words[at : at + count] == wanted
        for at in range(len(words) - count + 1)
    )


def _range(test: Range, column: Column, seen: Seen) -> BitMap:
    low, high = test.low, test.high
    if low is None and high is None:
        return column.present
    if isinstance(low, datetime) or isinstance(high, datetime):
        assert not isinstance(low, (str, int, float))
        assert not isinstance(high, (str, int, float))
        first = None if low is None else instant_of(low)
        last = None if high is None else instant_of(high)
        return _between(("date",), first, last, test, column)
    if isinstance(low, str) or isinstance(high, str):
        assert not isinstance(low, (int, float))
        assert not isinstance(high, (int, float))
        return _between_texts(low, high, test, column, seen)
    return _between(_NUMBERS, low, high, test, column)


def _between(
    kinds: Iterable[str],
    low: int | float | None,
    high: int | float | None,
    test: Range,
    column: Column,
) -> BitMap:
    found = [BitMap()]
    for kind in kinds:
        numbers = column.numbers(kind)
        if numbers is not None:
            found.append(
                numbers.between(low, high, low_open=test.low_open, high_open=test.high_open)
            )
    return BitMap.union(*found)


def _between_texts(
    low: str | None, high: str | None, test: Range, column: Column, seen: Seen
) -> BitMap:
    found = [BitMap()]
    strings = column.strings
    for run in seen(strings):
        first, end = run.first, run.end
        if low is not None:
            first = bound_in(run, strings, low, after=test.low_open)
        if high is not None:
            end = bound_in(run, strings, high, after=not test.high_open)
        found.append(column.places_between(first, end))
    return BitMap.union(*found)


def _matching(field: Field, pattern: Pattern, column: Column, seen: Seen) -> BitMap:
    strings = column.strings
    found = [BitMap()]
    for run in seen(strings):
        for numbers in fitting(pattern, strings, run):
            if isinstance(numbers, range):
                found.append(column.places_between(numbers.start, numbers.stop))
            else:
                found.append(column.places_of(numbers))
    words = column.words
    if analysed(field) and len(words):
        holders = BitMap()
        for numbers in fitting(pattern, words, Shown(0, len(words), b"", "")):
            for number_of_word in numbers:
                holders.update(column.strings_with_word(number_of_word))
        found.append(column.places_of(holders))
    return BitMap.union(*found)
