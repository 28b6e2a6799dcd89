"""Lucene's regular expressions, from text to a tree.

    either  = both { | both }                  one of them
    both    = chain { & chain }                all of them, of the same text
    chain   = piece { piece }
    piece   = other { ? | * | + | {n} | {n,} | {n,m} }
    other   = ~ other | atom                   any text but those of the atom
    atom    = . | @ | # | () | ( either ) | "text" | <n-m> | [class] | [^class] | \\escape | letter

`.` is any character, `@` any text, `#` no text at all, `()` the empty one, `<n-m>` a number between
the two: of as many digits, where both have the same number of them, else with any zeros before it.
`\\d`, `\\w` and `\\s`, and in capitals what is none of them, are those of ASCII; any other escaped
character is itself. `^` and `$` mean nothing, since a whole text is matched.

An expression that is to match folded text (`fold`) is folded itself: a literal by `str.casefold`, a
class by the addition of what its characters fold to, where that is one character.
"""

import functools
import re
import sys
from typing import TypeAlias

from hyperstore.codec import Struct
from hyperstore.errors import QueryError
from hyperstore.limits import QUERY_DEPTH_MAX, REGEX_CHARS_MAX, REGEX_REPEATS_MAX

__all__ = [
    "LAST",
    "Alternatives",
    "Chain",
    "Characters",
    "Complement",
    "Repeat",
    "Tree",
    "Whole",
    "parse_pattern",
]

LAST = sys.maxunicode

Spans = tuple[tuple[int, int], ...]


class Characters(Struct, frozen=True):
    """One character, between the two ends of any of the spans, both inside."""

    spans: Spans


class Chain(Struct, frozen=True):
    """One part behind another; with none, the empty text."""

    parts: tuple["Tree", ...]


class Alternatives(Struct, frozen=True):
    """Any of the parts; with none, no text at all."""

    parts: tuple["Tree", ...]


class Repeat(Struct, frozen=True):
    """The part so many times; None for any number."""

    part: "Tree"
    least: int
    most: int | None


class Complement(Struct, frozen=True):
    """Any text but those that fit the part."""

    part: "Tree"


Tree: TypeAlias = Characters | Chain | Alternatives | Repeat | Complement

Whole = Characters(((0, LAST),))
_EMPTY = Chain(())
_DIGITS = ((0x30, 0x39),)
_ASCII = {
    "d": _DIGITS,
    "w": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
    "s": ((0x09, 0x0A), (0x0D, 0x0D), (0x20, 0x20)),
}
_COUNT = re.compile(r"\{([0-9]{1,6})(,([0-9]{1,6})?)?\}")
_INTERVAL = re.compile(r"<([0-9]{1,18})-([0-9]{1,18})>")


def parse_pattern(pattern: str, *, fold: bool) -> Tree:
    """Return the tree of an expression; QueryError says which character of it is at fault."""
    if len(pattern) > REGEX_CHARS_MAX:
        raise QueryError(
            f"the regular expression is {len(pattern):,} characters long; "
            f"{REGEX_CHARS_MAX:,} are the limit"
        )
    return _Reader(pattern, fold).whole()


class _Reader:
    def __init__(self, pattern: str, fold: bool) -> None:
        self.text = pattern
        self.fold = fold
        self.at = 0
        self.depth = 0

    def fault(self, fault: str) -> QueryError:
        return QueryError(
            f"the regular expression /{self.text[:80]}/, character {self.at + 1}: {fault}"
        )

    @property
    def next(self) -> str:
        return self.text[self.at : self.at + 1]

    def taken(self, char: str) -> bool:
        if self.next != char:
            return False
        self.at += 1
        return True

    def whole(self) -> Tree:
        if not self.text:
            return _EMPTY
        tree = self.either()
        if self.at < len(self.text):
            raise self.fault("this ')' closes nothing")
        return tree

    def either(self) -> Tree:
        parts = [self.both()]
        while self.taken("|"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Alternatives(tuple(parts))

    def both(self) -> Tree:
        parts = [self.chain()]
        while self.taken("&"):
            parts.append(self.chain())
        if len(parts) == 1:
            return parts[0]
        return Complement(Alternatives(tuple(Complement(part) for part in parts)))

    def chain(self) -> Tree:
        parts = [self.piece()]
        while self.next and self.next not in "|&)":
            parts.append(self.piece())
        return parts[0] if len(parts) == 1 else Chain(tuple(parts))

    def piece(self) -> Tree:
        tree = self.other()
        while True:
            if self.taken("?"):
                tree = Repeat(tree, 0, 1)
            elif self.taken("*"):
                tree = tree if isinstance(tree, Repeat) and _any(tree) else Repeat(tree, 0, None)
            elif self.taken("+"):
                tree = tree if isinstance(tree, Repeat) and _any(tree) else Repeat(tree, 1, None)
            elif self.next == "{":
                tree = self.counted(tree)
            else:
                return tree

    def counted(self, tree: Tree) -> Tree:
        found = _COUNT.match(self.text, self.at)
        if found is None:
            raise self.fault("a repetition is {n}, {n,} or {n,m}; a plain '{' is written '\\{'")
        least = int(found[1])
        most = least if found[2] is None else int(found[3]) if found[3] else None
        if max(least, most or 0) > REGEX_REPEATS_MAX or (most is not None and most < least):
            raise self.fault(f"a repetition goes from low to high, up to {REGEX_REPEATS_MAX:,}")
        self.at = found.end()
        return Repeat(tree, least, most)

    def other(self) -> Tree:
        negated = False
        while self.taken("~"):
            negated = not negated
        tree = self.atom()
        return Complement(tree) if negated else tree

    def atom(self) -> Tree:
        char = self.next
        if char == "" or char in "|&)":
            raise self.fault("something is missing; '()' is the empty text")
        if char in "?*+{":
            raise self.fault(f"nothing stands before this {char!a}; a plain one is '\\{char}'")
        if char in "]}":
            self.at += 1
            return self.literal(char)
        if char == "<":
            return self.interval()
        if char == '"':
            end = self.text.find('"', self.at + 1)
            if end < 0:
                raise self.fault("this quote is not closed; a plain one is '\\\"'")
            text = self.text[self.at + 1 : end]
            self.at = end + 1
            return self.literal(text)
        self.at += 1
        if char == "(":
            return self.group()
        if char == "[":
            return self.characters()
        if char == "\\":
            return self.escaped()
        if char == ".":
            return Whole
        if char == "@":
            return Repeat(Whole, 0, None)
        return Alternatives(()) if char == "#" else self.literal(char)

    def group(self) -> Tree:
        start = self.at - 1
        if self.taken(")"):
            return _EMPTY
        self.depth += 1
        if self.depth > QUERY_DEPTH_MAX:
            raise self.fault(f"groups are nested deeper than {QUERY_DEPTH_MAX}")
        tree = self.either()
        if not self.taken(")"):
            self.at = start
            raise self.fault("this '(' is not closed")
        self.depth -= 1
        return tree

    def escaped(self) -> Tree:
        char = self.next
        if not char:
            raise self.fault("a backslash with nothing behind it")
        self.at += 1
        spans = _ASCII.get(char.lower()) if char.isascii() else None
        if spans is None:
            return self.literal(char)
        return Characters(spans if char.islower() else inverted(spans))

    def literal(self, text: str) -> Tree:
        folded = text.casefold() if self.fold else text
        parts = tuple(Characters(((ord(char), ord(char)),)) for char in folded)
        return parts[0] if len(parts) == 1 else Chain(parts)

    def characters(self) -> Tree:
        """Read a class, whose bracket was taken."""
        start = self.at - 1
        negated = self.taken("^")
        plain: list[tuple[int, int]] = []
        short: list[tuple[int, int]] = []
        while not self.taken("]"):
            if not self.next:
                self.at = start
                raise self.fault("this '[' is not closed; a plain one is '\\['")
            if self.next == "\\" and self.text[self.at + 1 : self.at + 2] in tuple("dwsDWS"):
                char = self.text[self.at + 1]
                self.at += 2
                spans = _ASCII[char.lower()]
                short.extend(spans if char.islower() else inverted(spans))
                continue
            low = high = self.one()
            if self.next == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self.one()
                if high < low:
                    raise self.fault("this range of characters goes from high to low")
            plain.append((low, high))
        if not plain and not short:
            self.at = start
            raise self.fault("this class is empty")
        if self.fold:
            plain.extend(_folds(plain))
        spans = _merged(plain + short)
        return Characters(inverted(spans) if negated else spans)

    def one(self) -> int:
        """Return the next character of a class."""
        self.taken("\\")
        char = self.next
        if not char:
            raise self.fault("this class ends where a character is missing")
        self.at += 1
        return ord(char)

    def interval(self) -> Tree:
        found = _INTERVAL.match(self.text, self.at)
        if found is None:
            raise self.fault("an interval is <n-m>, of up to 18 digits; a plain '<' is '\\<'")
        self.at = found.end()
        low, high = sorted((int(found[1]), int(found[2])))
        if len(found[1]) == len(found[2]):
            width = len(found[1])
            return _numbers(f"{low:0{width}d}", f"{high:0{width}d}")
        parts = []
        for width in range(len(str(low)), len(str(high)) + 1):
            least = max(low, 10 ** (width - 1) if width > 1 else 0)
            parts.append(_numbers(str(least), str(min(high, 10**width - 1))))
        zeros = Repeat(Characters(((0x30, 0x30),)), 0, None)
        return Chain((zeros, Alternatives(tuple(parts))))


def _any(tree: Repeat) -> bool:
    return tree.most is None and tree.least == 0


def _merged(spans: list[tuple[int, int]]) -> Spans:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def inverted(spans: Spans) -> Spans:
    """Return what is between the spans, which are sorted and apart."""
    found, start = [], 0
    for low, high in spans:
        if start < low:
            found.append((start, low - 1))
        start = high + 1
    if start <= LAST:
        found.append((start, LAST))
    return tuple(found)


@functools.cache
def _folding() -> tuple[tuple[int, int], ...]:
    """Return each character that folds to one other, and that one."""
    # Behind the first two planes come ideographs, tags and private characters, without case.
    folded = ((code, chr(code).casefold()) for code in range(0x20000))
    return tuple((code, ord(to)) for code, to in folded if len(to) == 1 and ord(to) != code)


def _folds(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(to, to) for code, to in _folding() if any(low <= code <= high for low, high in spans)]


def _numbers(low: str, high: str) -> Tree:
    """Return the numbers from low to high, of as many digits as both have."""
    if not low:
        return _EMPTY
    if not low.strip("0") and not high.strip("9"):  # All of them; their halves would double.
        return Repeat(Characters(_DIGITS), len(low), len(low))
    first, last = int(low[0]), int(high[0])
    if first == last:
        return Chain((_digit(first, first), _numbers(low[1:], high[1:])))
    rest = len(low) - 1
    parts = [
        Chain((_digit(first, first), _numbers(low[1:], "9" * rest))),
        Chain((_digit(last, last), _numbers("0" * rest, high[1:]))),
    ]
    if first + 1 < last:
        digits = Repeat(Characters(_DIGITS), rest, rest)
        parts.append(Chain((_digit(first + 1, last - 1), digits)))
    return Alternatives(tuple(parts))


def _digit(low: int, high: int) -> Tree:
    return Characters(((0x30 + low, 0x30 + high),))
