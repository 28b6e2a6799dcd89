"""Which of the distinct strings of a column fit a pattern.

What all strings of a view begin with is taken through the pattern once. If nothing can fail any
more, all fit; else the longest literal text that must still come is searched for in the joined
strings, and only those that hold it are looked at.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

from hyperstore.query.column import Strings
from hyperstore.query.expression import Regex, Wildcard
from hyperstore.query.regex import compiled
from hyperstore.query.tokens import Parts
from hyperstore.query.views import View
from hyperstore.query.wildcard import residuals, wildcard

__all__ = ["Pattern", "fitting"]

_PREFIX_MAX = 1_024  # Characters that are taken through a pattern.


class Pattern:
    """A pattern as it is looked for. With `folded`, strings are folded before they are compared."""

    __slots__ = ("fits", "folded", "literal", "parts")

    def __init__(self, test: Wildcard | Regex, *, folded: bool) -> None:
        self.folded = folded
        self.parts: Parts | None = None
        self.literal = ""  # It stands in all strings that fit.
        self.fits: Callable[[str], bool]
        if isinstance(test, Wildcard):
            self.fits = wildcard(test.parts, folded)
            self.parts = None if folded else test.parts
        else:
            self.fits = matcher = compiled(test.pattern, folded)
            self.literal = "" if folded else matcher.literal


def fitting(pattern: Pattern, strings: Strings, view: View) -> Sequence[int]:
    """Return the numbers of the strings of a view that fit, rising."""
    first, end = view.first, view.end
    if first >= end:
        return range(0)
    fits = pattern.fits
    if pattern.folded:
        return [number for number, text in _seen(strings, view) if fits(text.casefold())]
    held = _common(strings[first], strings[end - 1])[len(view.own) :].decode(errors="ignore")
    held = held[:_PREFIX_MAX]
    sure, skip, literal = False, 0, pattern.literal
    if pattern.parts is not None:
        rests = residuals(pattern.parts, view.shown + held)
        if not rests:
            return range(0)
        if (None,) in rests:
            return range(first, end)
        # The last is what the others end in, so what it holds literally must come in any case.
        literal = max((one for one in rests[-1] if isinstance(one, str)), key=len, default="")
        # Where nothing is asked but that the literal comes somewhere behind, holding it is all.
        sure = rests == ((None, literal, None),)
        skip = len(view.own) + len(held.encode())
    elif view.own or view.shown or literal in held:
        literal = ""  # It may begin in what is not stored, or be in all of them.
    if not literal:
        return [number for number, text in _seen(strings, view) if fits(text)]
    numbers = _holding(strings, view, literal.encode(), skip)
    if sure:
        return list(numbers)
    return [number for number, text in _seen(strings, view, numbers) if fits(text)]


def _seen(
    strings: Strings, view: View, numbers: Iterable[int] | None = None
) -> Iterator[tuple[int, str]]:
    """Yield strings of a view as they are seen, with their numbers."""
    text, offsets = strings.text, strings.offsets
    cut, shown = len(view.own), view.shown
    for number in range(view.first, view.end) if numbers is None else numbers:
        yield number, shown + str(text[offsets[number] + cut : offsets[number + 1]], "utf-8")


def _common(first: bytes, last: bytes) -> bytes:
    """Return what two strings both begin with: so do all that are sorted between them."""
    most = min(len(first), len(last))
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if first[:middle] == last[:middle]:
            low = middle
        else:
            high = middle - 1
    return first[:low]


def _holding(strings: Strings, view: View, literal: bytes, skip: int) -> Iterator[int]:
    """Yield the numbers of the strings that hold a literal behind their first `skip` bytes."""
    offsets = strings.offsets
    begin, stop = offsets[view.first], offsets[view.end]
    text = strings.text[begin:stop].tobytes()
    at, size, number = text.find(literal), len(literal), view.first
    while at >= 0:
        at += begin
        number = bisect_right(offsets, at, number, view.end + 1) - 1
        following = offsets[number + 1]
        if at + size > following:  # It goes over the end of the string.
            at = text.find(literal, at - begin + 1)
        elif at < offsets[number] + skip:
            at = text.find(literal, offsets[number] + skip - begin)
        else:
            yield number
            at = text.find(literal, following - begin)
