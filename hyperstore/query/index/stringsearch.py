"""Which of the distinct strings of a column fit a pattern.

What all strings of a run begin with is taken through the pattern once. What may still come then
is looked for as is quickest: a beginning by bisection, an end or a piece of literal text in the
joined strings, and only what is left is tried string by string.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, compress, islice, repeat
from operator import sub

from pyroaring import BitMap

from hyperstore.query.index.column import Strings
from hyperstore.query.index.shownuris import Shown, run_of
from hyperstore.query.language.condition import Leaf, Regex, Term, Wildcard
from hyperstore.query.language.regex import compiled
from hyperstore.query.language.tokens import Parts
from hyperstore.query.language.valuetests import passes
from hyperstore.query.language.wildcard import finder, longest_literal, matcher, residuals

__all__ = ["Pattern", "fitting", "listed"]

_PREFIX_MAX = 1_024  # Characters that are taken through a pattern.


class Pattern:
    """A pattern as it is looked for. With `folded`, strings are folded before they are compared."""

    __slots__ = ("fits", "folded", "literal", "parts")

    def __init__(self, test: Wildcard | Regex, *, folded: bool) -> None:
        self.folded = folded
        self.parts: Parts | None = None
        self.literal = ""  # It stands in all strings that fit.
        self.fits: Callable[[str], object]
        if isinstance(test, Wildcard):
            self.fits = matcher(test.parts, folded)
            self.parts = None if folded else test.parts
        else:
            self.fits = found = compiled(test.pattern, folded)
            self.literal = "" if folded else found.literal


def fitting(pattern: Pattern, strings: Strings, run: Shown) -> Iterator[Sequence[int]]:
    """Yield the numbers of the strings of a run that fit, in runs of which each rises."""
    fits = pattern.fits
    if run.first >= run.end:
        return
    if pattern.folded:
        yield [number for number, text in _seen(strings, run) if fits(text.casefold())]
        return
    begin = _common(strings[run.first], strings[run.end - 1])
    held = begin[len(run.own) :].decode(errors="ignore")[:_PREFIX_MAX]
    if pattern.parts is None:
        # The literal may begin in what is not stored, or be in all strings.
        searched = pattern.literal and not run.prefix and not run.own
        literal = pattern.literal if searched and pattern.literal not in held else ""
        yield _tested(fits, strings, run, literal.encode(), 0)
        return
    begin = run.own + held.encode()
    rests = residuals(pattern.parts, run.prefix + held)
    for rest in ((None,),) if (None,) in rests else rests:
        yield _fitting_rest(fits, rest, strings, run, begin)


def _fitting_rest(
    fits: Callable[[str], object], rest: Parts, strings: Strings, run: Shown, begin: bytes
) -> Sequence[int]:
    """Return the numbers of the strings that fit by what follows the `begin` of them all."""
    if rest and isinstance(rest[0], str):  # They begin with it, too, and so lie together.
        begin += rest[0].encode()
        first, end = run_of(strings, begin, run.first, run.end)
        run = run._replace(first=first, end=end)
        rest = rest[1:]
    if rest == (None,):
        return range(run.first, run.end)
    literal = max((one for one in rest if isinstance(one, str)), key=len, default="").encode()
    if len(rest) == 2 and rest[0] is None and literal:
        if _in_many(strings, run, literal, len(begin), one_in=2):
            return _ending(strings, run, literal, len(begin))
        return _holding(strings, run, literal, len(begin), at_end=True)
    if not rest:
        number = strings.number_of(begin)
        return () if number is None or not run.first <= number < run.end else (number,)
    return _matching(fits, rest, strings, run, literal, begin)


def _matching(
    fits: Callable[[str], object],
    rest: Parts,
    strings: Strings,
    run: Shown,
    literal: bytes,
    begin: bytes,
) -> Sequence[int]:
    """Return what `_tested` does, by what matches the rest behind the `begin` of each.

    They are tried where they lie, which takes a third of what it takes to make each a text.
    """
    # Single letters are likely to be behind it, too, so they are not worth the look.
    longer = [one.encode() for one in rest if isinstance(one, str) and len(one) > 1]
    if any(_only_in(begin, one, strings, run) for one in longer):
        return ()
    skip, numbers = len(begin), range(run.first, run.end)
    # What stands at a known place fails sooner than it is looked for.
    one_in = 2 if rest[0] is None else 8
    if literal and not _in_many(strings, run, literal, skip, one_in=one_in):
        if len(rest) == 3 and rest[0] is rest[2] is None:
            return _holding(strings, run, literal, skip, at_end=False)
        return _tested(fits, strings, run, literal, skip)
    begins = strings.offsets[run.first : run.end + 1].tolist()
    base = begins[0]
    joined = strings.text[base : begins[-1]].tobytes()
    if not joined.isascii():
        return _tested(fits, strings, run, literal, skip)
    starts = map((skip - base).__add__, begins)
    ends = islice(map((-base).__add__, begins) if base else begins, 1, None)
    found = [*compress(numbers, map(finder(rest), repeat(joined.decode()), starts, ends))]
    return numbers if len(found) == len(numbers) else found


def _only_in(begin: bytes, literal: bytes, strings: Strings, run: Shown) -> bool:
    """Tell whether a literal is in the `begin` of all strings of a run, and nowhere behind it."""
    before = begin.count(literal)
    if not before:
        return False
    text = strings.text[strings.offsets[run.first] : strings.offsets[run.end]].tobytes()
    # A further one would add to the count, since it overlaps none of those.
    return text.count(literal) == before * (run.end - run.first)


def listed(leaf: Leaf, strings: Strings) -> Sequence[int]:
    """Return the numbers of the strings, which are in no order, that pass a leaf's test."""
    fits = passes(leaf).string
    if fits is None or not len(strings):
        return []
    literal = ""
    if isinstance(leaf.test, Term):
        literal = leaf.test.text
    elif isinstance(leaf.test, Wildcard):
        literal = longest_literal(leaf.test.parts, fold=False)
    if literal.encode() not in strings.text.tobytes():
        return []  # As most segments answer for an id; `bytes.find` is quickest at random digits.
    return _tested(fits, strings, Shown(0, len(strings), b"", ""), literal.encode(), 0)


def _tested(
    fits: Callable[[str], object], strings: Strings, run: Shown, literal: bytes, skip: int
) -> Sequence[int]:
    """Return the numbers of the strings that fit, of which each holds the literal."""
    if literal and not _in_many(strings, run, literal, skip, one_in=2):
        held = _holding(strings, run, literal, skip, at_end=False)
        return [number for number, text in _seen(strings, run, held) if fits(text)]
    numbers = range(run.first, run.end)
    found = [*compress(numbers, map(fits, _texts(strings, run)))]
    return numbers if len(found) == len(numbers) else found


def _ending(strings: Strings, run: Shown, literal: bytes, skip: int) -> Sequence[int]:
    """Return what `_holding` does of a literal at the end, quickly where most strings have it."""
    begins = strings.offsets[run.first : run.end + 1].tolist()
    ends, size = begins[1:], len(literal)
    overlaps = any(literal[:at] == literal[-at:] for at in range(1, size))
    if overlaps or min(map(sub, ends, begins)) < skip + size:
        return _holding(strings, run, literal, skip, at_end=True)
    pieces = strings.text[begins[0] : begins[-1]].tobytes().split(literal)
    hits = accumulate(map(size.__add__, map(len, pieces)), initial=begins[0])
    found = BitMap(array("I", islice(hits, 1, len(pieces)))) & BitMap(array("I", ends))
    numbers = range(run.first, run.end)
    if len(found) == len(numbers):
        return numbers
    return [*compress(numbers, map(found.__contains__, ends))]


def _in_many(strings: Strings, run: Shown, literal: bytes, skip: int, *, one_in: int) -> bool:
    """Tell by some strings whether so many hold it behind their first `skip` bytes.

    To look for it then costs more than to try all of them.
    """
    sample = range(run.first, run.end, (run.end - run.first) // 32 + 1)
    held = sum(literal in strings[number][skip:] for number in sample)
    return one_in * held >= max(1, len(sample))


def _texts(strings: Strings, run: Shown) -> Iterator[str]:
    """Return all strings of a run as they are seen."""
    if run.first < run.end:
        base = strings.offsets[run.first]
        joined = strings.text[base : strings.offsets[run.end]].tobytes()
        if joined.isascii():
            cut = len(run.own)
            ends = [at - base for at in strings.offsets[run.first : run.end + 1].tolist()]
            begins = [at + cut for at in ends] if cut else ends
            texts = map(joined.decode().__getitem__, map(slice, begins, islice(ends, 1, None)))
            return map(run.prefix.__add__, texts) if run.prefix else texts
    return (text for _, text in _seen(strings, run))


def _seen(
    strings: Strings, run: Shown, numbers: Sequence[int] | None = None
) -> Iterator[tuple[int, str]]:
    """Yield strings of a run as they are seen, with their numbers."""
    cut, shown, offsets = len(run.own), run.prefix, strings.offsets
    if numbers is None:
        numbers = range(run.first, run.end)
    if 8 * len(numbers) < run.end - run.first:
        text = strings.text
        for number in numbers:
            yield number, shown + str(text[offsets[number] + cut : offsets[number + 1]], "utf-8")
        return
    base = offsets[run.first]
    joined = strings.text[base : offsets[run.end]].tobytes()
    begins = offsets[run.first : run.end + 1].tolist()
    if joined.isascii():
        whole = joined.decode()
        for number in numbers:
            at = number - run.first
            yield number, shown + whole[begins[at] - base + cut : begins[at + 1] - base]
        return
    for number in numbers:
        at = number - run.first
        yield number, shown + joined[begins[at] - base + cut : begins[at + 1] - base].decode()


def _common(first: bytes, last: bytes) -> bytes:
    """Return what two strings both begin with: so do all that are sorted between them."""
    low, high = 0, min(len(first), len(last))
    while low < high:
        middle = (low + high + 1) // 2
        if first[:middle] == last[:middle]:
            low = middle
        else:
            high = middle - 1
    return first[:low]


def _holding(strings: Strings, run: Shown, literal: bytes, skip: int, *, at_end: bool) -> list[int]:
    """Return the numbers of the strings that hold a literal behind their first `skip` bytes.

    With `at_end`, of those that end in it.
    """
    if run.first >= run.end:
        return []
    base = strings.offsets[run.first]
    text = strings.text[base : strings.offsets[run.end]]
    search = re.compile(re.escape(literal)).search  # Twice as quick as `bytes.find` at URIs.
    found: list[int] = []
    size, number, hit = len(literal), 0, search(text)
    begins = [] if hit is None else strings.offsets[run.first : run.end + 1].tolist()
    while hit is not None:
        at = hit.start() + base
        number = bisect_right(begins, at, number) - 1
        following = begins[number + 1]
        if at + size > following:  # It goes over the end of the string.
            at += 1
        elif at < begins[number] + skip:
            at = begins[number] + skip
        elif at_end and at + size < following:
            at = following - size
        else:
            found.append(run.first + number)
            at = following
        hit = search(text, at - base)
    return found
