"""From the values of a query to tests of a field, checked against what the field can hold."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from hyperstore.errors import QueryError
from hyperstore.limits import NUMBER_DIGITS_MAX, WILDCARD_PARTS_MAX
from hyperstore.query.language.condition import (
    Exists,
    Field,
    Leaf,
    Range,
    Regex,
    Since,
    Term,
    Wildcard,
)
from hyperstore.query.language.fields import Holds, analysed, holds, is_path_like
from hyperstore.query.language.literals import bound_of, is_like_date, is_like_number, number
from hyperstore.query.language.regex import compiled
from hyperstore.query.language.tokens import Kind, Token

__all__ = ["Fail", "leaf_of_comparison", "leaf_of_range", "leaf_of_token"]

Fail: TypeAlias = Callable[[str, Token], QueryError]
"""What makes the error that names the column of a token."""

Bound: TypeAlias = int | float | str | datetime
_Edge: TypeAlias = tuple[Bound | None, bool]


def leaf_of_token(field: Field, token: Token, fail: Fail) -> Leaf:
    """Return the test that a term, a phrase or a regular expression asks for."""
    kind = holds(field)
    if kind == Holds.PRESENCE:
        raise fail(
            f"of {field.path!a} can only be asked whether it exists: '{field.path}:*'", token
        )
    if token.kind is Kind.REGEX:
        _refuse_pattern(kind, field, token, fail)
        try:
            compiled(token.text, analysed(field))
        except QueryError as fault:
            raise fail(str(fault), token) from None
        return Leaf(field, Regex(token.text))
    if token.path and not is_path_like(field):
        raise fail("this regular expression is not closed; a plain '/' is written '\\/'", token)
    if any(not isinstance(part, str) for part in token.parts):
        _refuse_pattern(kind, field, token, fail)
        if len(token.parts) > WILDCARD_PARTS_MAX:
            raise fail(f"more than {WILDCARD_PARTS_MAX:,} wildcards and pieces of text", token)
        return Leaf(field, Wildcard(token.parts))
    if kind == Holds.STORY:
        if not token.text:
            raise fail(f"'{field.path}:' goes with a commit, tag or version", token)
        return Leaf(field, Since(token.text))
    if kind == Holds.NUMBERS and number(token.text) is None:
        raise fail(f"{field.path} holds numbers, and {token.text[:80]!a} is none", token)
    return Leaf(field, Term(token.text))


def leaf_of_comparison(field: Field, sign: Token, token: Token, fail: Fail) -> Leaf:
    """Return the test that `>` and its like ask for."""
    upper, is_open = sign.text[0] == "<", len(sign.text) == 1
    if _is_star(token):
        raise fail(f"{sign.text!a} goes with a value", token)
    bound, is_open = _edge(field, token, upper, is_open, fail)
    _refuse_range(field, sign, fail)
    if upper:
        return Leaf(field, Range(None, bound, high_open=is_open))
    return Leaf(field, Range(bound, None, low_open=is_open))


def leaf_of_range(field: Field, begin: Token, rest: tuple[Token, Token, Token], fail: Fail) -> Leaf:
    """Return the test that `[low TO high]` asks for; `rest` is low, high and the bracket."""
    low_token, high_token, end = rest
    _refuse_range(field, begin, fail)
    low, low_open = _edge(field, low_token, False, begin.text == "{", fail)
    high, high_open = _edge(field, high_token, True, end.text == "}", fail)
    if low is None and high is None:
        return Leaf(field, Exists())
    if low is not None and high is not None and _type(low) != _type(high):
        raise fail(
            f"the bounds are {_type(low)} and {_type(high)}, which do not compare", low_token
        )
    return Leaf(field, Range(low, high, low_open, high_open))


def _refuse_pattern(kind: str, field: Field, token: Token, fail: Fail) -> None:
    if kind in (Holds.NUMBERS, Holds.STORY):
        raise fail(f"{field.path} holds {kind}; patterns match text only", token)


def _refuse_range(field: Field, token: Token, fail: Fail) -> None:
    kind = holds(field)
    if kind in (Holds.STORY, Holds.PRESENCE):
        raise fail(f"{field.path} is {kind}, which has no range", token)


def _is_star(token: Token) -> bool:
    return token.kind is Kind.TERM and token.parts == (None,)


def _edge(field: Field, token: Token, upper: bool, is_open: bool, fail: Fail) -> _Edge:
    """Return a bound of the type that the field compares by, and whether it is outside itself."""
    if _is_star(token):
        return None, False
    if any(not isinstance(part, str) for part in token.parts):
        raise fail("a bound of a range has no wildcards; write '\\*' and '\\?'", token)
    text, kind = token.text, holds(field)
    if kind == Holds.TEXT:
        return text, is_open
    as_number = token.kind is Kind.TERM or kind == Holds.NUMBERS
    found = number(text) if as_number else None
    if found is not None:
        return found, is_open
    if as_number and is_like_number(text):
        raise fail(
            f"{_cut(text)} is no number that compares: of {NUMBER_DIGITS_MAX} digits at most, and "
            "with a point or an exponent of a float",
            token,
        )
    if kind == Holds.NUMBERS:
        raise fail(f"{field.path} holds numbers, and {text[:80]!a} is none", token)
    dated = bound_of(text, upper=upper, is_open=is_open)
    if dated is None and is_like_date(text):  # As text it would lie somewhere, in silence.
        raise fail(f"{_cut(text)} is no date of the calendar, from year 1 to 9999 in UTC", token)
    return (text, is_open) if dated is None else dated


def _cut(text: str) -> str:
    return f"{text[:40]!a}..." if len(text) > 40 else f"{text!a}"


def _type(bound: Bound) -> str:
    if isinstance(bound, str):
        return "text"
    return "dates" if isinstance(bound, datetime) else "numbers"
