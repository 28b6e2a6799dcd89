"""From the text of a query to its tokens, each of which knows where it stands.

What a character means depends on where it stands, so the tokeniser follows three things: whether
a value is to come (after `field:`, and in the group of a field), whether it is within the brackets
of a range, and how groups nest.

- A backslash takes the next character as it is, in terms and in quotes.
- `+`, `-` and `!` are operators at the beginning of a token only, so that `t-shirt` is one term.
  Directly before a digit, in `field:-5` and in comparisons, a sign belongs to the number, and in
  ranges always.
- A colon ends the name of a field. It belongs to a value in a time (`2024-10-20T10:30`), in a
  range, and after the scheme of a URI (`uri:s3://bucket/*.jpg`).
- A slash begins a regular expression, which the next slash ends; in `uri:/data/*.jpg`, where none
  ends it, the token says `path`, and whoever knows the field decides what that is.
"""

import re
from enum import Enum, auto

from hyperstore.codec import Struct
from hyperstore.errors import QueryError
from hyperstore.limits import QUERY_CHARS_MAX

__all__ = ["Kind", "Parts", "Token", "fault_at", "tokens_of"]

Parts = tuple[str | bool | None, ...]


class Kind(Enum):
    """What a token is."""

    TERM = auto()
    PHRASE = auto()
    REGEX = auto()
    AND = auto()
    OR = auto()
    NOT = auto()  # Also `!`
    PLUS = auto()
    MINUS = auto()
    COLON = auto()
    OPEN = auto()
    CLOSE = auto()
    BEGIN = auto()  # Of a range: `[` or `{`
    END = auto()
    TO = auto()
    COMPARE = auto()  # `>`, `>=`, `<` or `<=`
    BOOST = auto()
    FUZZY = auto()
    STOP = auto()  # The end of the text.


class Token(Struct, frozen=True):
    """One token, which begins at the character `at`, counted from 0.

    `text` is what it says, with escapes resolved; of a term with wildcards, `parts` tells them from
    literal text. `path` marks a term that begins with a slash and ends with none.
    """

    kind: Kind
    at: int
    text: str = ""
    parts: Parts = ()
    path: bool = False


def fault_at(text: str, at: int, fault: str) -> QueryError:
    """Return the error that says where in a query something is wrong, counting from 1."""
    around = text[max(at - 20, 0) : at + 20]
    shown = text if len(text) <= 60 else ("..." if at > 20 else "") + around + "..."
    return QueryError(f"column {at + 1} of the query {shown!a}: {fault}")


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a query, with STOP as the last; QueryError names the column."""
    if len(text) > QUERY_CHARS_MAX:
        raise QueryError(
            f"the query is {len(text):,} characters long; at most {QUERY_CHARS_MAX:,} are read"
        )
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        raise fault_at(text, fault.start, "an unpaired surrogate is no character") from None
    return _Tokeniser(text).all()


_SPACE = re.compile(r"\s+")
_WORDS = {"AND": Kind.AND, "OR": Kind.OR, "NOT": Kind.NOT}
_SINGLE = {"(": Kind.OPEN, ")": Kind.CLOSE, ":": Kind.COLON, "!": Kind.NOT}
_SIGNS = {"+": Kind.PLUS, "-": Kind.MINUS}
_NUMBER_AHEAD = re.compile(r"[+-]\.?[0-9]")
# What one step through a term takes: plain text in one go, then each character that may mean more.
_PLAIN = re.compile(r"[^\s\\:^~(){}\[\]\"*?]+")
_PLAIN_BOUND = re.compile(r"[^\s\\{}\[\]\"*?]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
_BEFORE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}(:[0-9]{2}(:[0-9]{2})?([.,][0-9]+)?([+-][0-9]{2})?)?\Z"
)
_TWO_DIGITS = re.compile(r"[0-9]{2}(?![0-9])")
_REGEX = re.compile(r"/((?:[^\\/]|\\.)*)/(?=[\s()^~\]}]|\Z)", re.DOTALL)
_REGEX_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BOOST = re.compile(r"\^([0-9]+(?:\.[0-9]+)?)")
_FUZZY = re.compile(r"~[0-9.]*")


class _Tokeniser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: list[Token] = []
        self.in_range = False
        self.groups: list[bool] = []  # Of each open group, whether it is one of values.

    def all(self) -> list[Token]:
        text = self.text
        while True:
            space = _SPACE.match(text, self.at)
            if space is not None:
                self.at = space.end()
            if self.at == len(text):
                self.found.append(Token(Kind.STOP, self.at))
                return self.found
            self.found.append(self.in_bounds() if self.in_range else self.outside())

    def fault(self, fault: str, at: int | None = None) -> QueryError:
        return fault_at(self.text, self.at if at is None else at, fault)

    @property
    def after_colon(self) -> bool:
        return bool(self.found) and self.found[-1].kind in (Kind.COLON, Kind.COMPARE)

    def take(self, kind: Kind, length: int) -> Token:
        at = self.at
        self.at += length
        return Token(kind, at, self.text[at : self.at])

    def outside(self) -> Token:
        """Return the next token, outside of ranges."""
        text, at = self.text, self.at
        first = text[at]
        if first in _SINGLE:
            if first == "(":
                inherited = bool(self.groups) and self.groups[-1]
                self.groups.append(inherited or self.after_colon)
            elif first == ")" and self.groups:
                self.groups.pop()
            return self.take(_SINGLE[first], 1)
        if first in "\"'":
            return self.phrase(first)
        if first in "[{":
            self.in_range = True
            return self.take(Kind.BEGIN, 1)
        if first in "]}":
            raise self.fault(f"{first!a} ends no range")
        if first in "<>":
            return self.take(Kind.COMPARE, 2 if text[at + 1 : at + 2] == "=" else 1)
        if first in _SIGNS and not (self.after_colon and _NUMBER_AHEAD.match(text, at)):
            return self.take(_SIGNS[first], 1)
        if text.startswith(("&&", "||"), at):
            return self.take(Kind.AND if first == "&" else Kind.OR, 2)
        if first == "^":
            return self.modifier(_BOOST, Kind.BOOST)
        if first == "~":
            return self.modifier(_FUZZY, Kind.FUZZY)
        if first == "/":
            return self.regex()
        return self.term(bool(self.after_colon or (self.groups and self.groups[-1])))

    def in_bounds(self) -> Token:
        """Return the next token within the brackets of a range."""
        first = self.text[self.at]
        if first in "]}":
            self.in_range = False
            return self.take(Kind.END, 1)
        if first in "[{":
            raise self.fault("a range within a range")
        if first in "\"'":
            return self.phrase(first)
        start = self.at
        token = self.term(True)
        return Token(Kind.TO, start, "TO") if self.text[start : self.at] == "TO" else token

    def modifier(self, pattern: re.Pattern[str], kind: Kind) -> Token:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise self.fault("a boost is '^' and a number; a plain '^' is written '\\^'")
        return self.take(kind, found.end() - self.at)

    def phrase(self, quote: str) -> Token:
        text, start = self.text, self.at
        at = start + 1
        said = []
        while at < len(text) and text[at] != quote:
            if text[at] == "\\":
                at += 1
            said.append(text[at : at + 1])
            at += 1
        if at >= len(text):
            hint = "; an apostrophe is written \"'\" or \\'" if quote == "'" else ""
            raise self.fault(f"this quote is not closed{hint}", start)
        self.at = at + 1
        return Token(Kind.PHRASE, start, "".join(said))

    def regex(self) -> Token:
        found = _REGEX.match(self.text, self.at)
        if found is None:
            start = self.at
            token = self.term(bool(self.after_colon or (self.groups and self.groups[-1])))
            return Token(Kind.TERM, start, token.text, token.parts, path=True)
        token = self.take(Kind.REGEX, found.end() - self.at)
        # The slash needs its backslash only here, to tell it from the end.
        pattern = _REGEX_ESCAPE.sub(lambda one: "/" if one[1] == "/" else one[0], found[1])
        return Token(Kind.REGEX, token.at, pattern)

    def term(self, is_value: bool) -> Token:
        """Return a term; in a value, colons of times and URIs belong to it."""
        text, start = self.text, self.at
        plain = _PLAIN_BOUND if self.in_range else _PLAIN
        parts: list[str | bool | None] = []
        literal: list[str] = []
        in_uri = False
        at = start
        while at < len(text):
            run = plain.match(text, at)
            if run is not None:
                literal.append(run[0])
                at = run.end()
                continue
            char = text[at]
            if char == "\\":
                if at + 1 == len(text):
                    raise self.fault("a backslash with nothing behind it", at)
                literal.append(text[at + 1])
                at += 2
            elif char in "*?":
                self.end_literal(parts, literal)
                if char == "?" or not parts or parts[-1] is not None:
                    parts.append(True if char == "?" else None)
                at += 1
            elif char == '"':
                raise self.fault("a quote within a term; write '\\\"' if it belongs to it", at)
            elif char == ":" and is_value and (in_uri or self.joins(start, at)):
                in_uri = in_uri or text.startswith("//", at + 1)
                literal.append(char)
                at += 1
            else:
                break
        self.at = at
        raw = text[start:at]
        if raw in _WORDS and not self.in_range:
            return Token(_WORDS[raw], start, raw)
        self.end_literal(parts, literal)
        whole = "".join("*" if one is None else "?" if one is True else str(one) for one in parts)
        return Token(Kind.TERM, start, whole, tuple(parts))

    @staticmethod
    def end_literal(parts: list[str | bool | None], literal: list[str]) -> None:
        if literal:
            parts.append("".join(literal))
            literal.clear()

    def joins(self, start: int, at: int) -> bool:
        """Tell whether the colon at `at` belongs to the value that began at `start`."""
        before = self.text[start:at]
        if self.text.startswith("//", at + 1):
            return _SCHEME.match(before) is not None
        return bool(_BEFORE_TIME.match(before) and _TWO_DIGITS.match(self.text, at + 1))
