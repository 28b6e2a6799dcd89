"""Which values of a field pass a test: one answer for whoever asks, record by record or by index.

Values are strings, numbers and booleans; null is no value, and lists and maps are walked before.
"""

import functools
import re
from collections.abc import Callable
from datetime import datetime

from hyperstore.codec import Struct
from hyperstore.errors import QueryError
from hyperstore.frames.roots import local_path
from hyperstore.query.language.condition import Exists, Leaf, Range, Regex, Since, Term, Wildcard
from hyperstore.query.language.fields import analysed
from hyperstore.query.language.literals import BOOLEANS, instant, instant_of, number
from hyperstore.query.language.regex import compiled
from hyperstore.query.language.wildcard import wildcard

__all__ = ["Passes", "passes", "uri_forms", "words_of"]

Number = int | float

words_of = re.compile(r"\w+").findall
"""The words of a text that was folded (`str.casefold`)."""


class Passes(Struct, frozen=True):
    """What tells of a value whether it passes; None where no value of the type does."""

    string: Callable[[str], bool] | None = None
    number: Callable[[Number], bool] | None = None
    boolean: Callable[[bool], bool] | None = None

    def __call__(self, value: object) -> bool:
        """Tell whether a value passes; None, lists and maps do not."""
        if isinstance(value, str):
            return self.string is not None and self.string(value)
        if isinstance(value, bool):
            return self.boolean is not None and self.boolean(value)
        if isinstance(value, (int, float)):
            return self.number is not None and self.number(value)
        return False


def uri_forms(uri: str) -> tuple[str, ...]:
    """Return what a URI, as a reader sees it, may be asked for by: a local file by its path, too.

    A test fits the URI if any of these passes it.
    """
    path = local_path(uri)
    return (uri,) if path == uri else (uri, path)


@functools.lru_cache(maxsize=256)
def passes(leaf: Leaf) -> Passes:
    """Return what tells which values of the leaf's field pass its test."""
    test, words = leaf.test, analysed(leaf.field)
    if isinstance(test, Exists):
        return Passes(_always, _always, _always)
    if isinstance(test, Term):
        return _term(test.text, words)
    if isinstance(test, Range):
        return _range(test)
    if isinstance(test, Wildcard):
        fits = wildcard(test.parts, words)
        return Passes(_whole_or_word(fits) if words else fits)
    if isinstance(test, Regex):
        matcher = compiled(test.pattern, words)
        return Passes(_whole_or_word(matcher) if words else matcher)
    assert isinstance(test, Since)
    raise QueryError(f"{leaf.field.path!a} is asked of a version, not of values")


def _always(_: object) -> bool:
    return True


def _term(text: str, words: bool) -> Passes:
    wanted_number = number(text)
    wanted_truth = BOOLEANS.get(text.lower())
    return Passes(
        _holding(text) if words else text.__eq__,
        None if wanted_number is None else lambda value: value == wanted_number,
        None if wanted_truth is None else lambda value: value is wanted_truth,
    )


def _holding(text: str) -> Callable[[str], bool]:
    """Return what tells whether a string has the words of a text, one behind another."""
    wanted = words_of(text.casefold())
    if not wanted:
        return text.__eq__
    # No word holds a space, so this is where words end.
    phrase = f" {' '.join(wanted)} "
    first = wanted[0]

    def holds(value: str) -> bool:
        folded = value.casefold()
        return first in folded and phrase in f" {' '.join(words_of(folded))} "

    return holds


def _whole_or_word(fits: Callable[[str], bool]) -> Callable[[str], bool]:
    def any_fits(value: str) -> bool:
        folded = value.casefold()
        return fits(folded) or any(fits(word) for word in words_of(folded))

    return any_fits


def _range(test: Range) -> Passes:
    low, high = test.low, test.high
    if isinstance(low, datetime) or isinstance(high, datetime):
        assert not isinstance(low, (str, int, float))
        assert not isinstance(high, (str, int, float))
        first = None if low is None else instant_of(low)
        last = None if high is None else instant_of(high)
        between = _between(first, last, test)

        def dated(value: str) -> bool:
            moment = instant(value)
            return moment is not None and between(moment)

        return Passes(string=dated)
    if isinstance(low, str) or isinstance(high, str):
        assert not isinstance(low, (int, float))
        assert not isinstance(high, (int, float))
        return Passes(string=_between_texts(low, high, test))
    if low is None and high is None:
        return Passes(_always, _always, _always)
    return Passes(number=_between(low, high, test))


def _between(low: Number | None, high: Number | None, test: Range) -> Callable[[Number], bool]:
    low_open, high_open = test.low_open, test.high_open

    def between(value: Number) -> bool:
        if low is not None and not (low < value if low_open else low <= value):
            return False
        return high is None or (value < high if high_open else value <= high)

    return between


def _between_texts(low: str | None, high: str | None, test: Range) -> Callable[[str], bool]:
    low_open, high_open = test.low_open, test.high_open

    def between(value: str) -> bool:
        if low is not None and not (low < value if low_open else low <= value):
            return False
        return high is None or (value < high if high_open else value <= high)

    return between
