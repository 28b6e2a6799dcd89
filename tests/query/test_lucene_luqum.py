"""Our parser held to luqum's, on what both read alike."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from luqum import tree as luqum
from luqum.thread import parse as luqum_parse

from hyperstore.query.language.condition import (
    Exists,
    Field,
    Leaf,
    Node,
    Range,
    Regex,
    Scope,
    Term,
    Wildcard,
)
from hyperstore.query.language.parser import all_of, any_of, negation_of, parse

# luqum reads `!`, && and || as text, knows no single quotes, and reads `field:-5` as NOT.
_WORDS = [
    "a",
    "car",
    "t-shirt",
    "x.y",
    "caf\u00e9",
    "a\\ b",
    "a\\:b",
    "\\(c\\)",
    "x/y",
    "not",
    "TOP",
]
_QUOTED = ['"a b"', '"say \\"x\\""', '"NOT"', '"a*b"', '"(:"']
_WILD = ["ca*", "*", "a?c", "*.jpg", "a\\*b*"]
_PATTERNS = ["/a.*/", "/[ab] c/", "/x\\/y/"]
_RANGES = ["[1 TO 5]", "{1 TO 5}", "[a TO b}", "{* TO 0.5]", ">5", ">=0.5", "<7", "<=x"]
_FIELDS = ["label", "meta.x", "meta.a.b", "kind"]

_spaces = st.sampled_from([" ", "  ", "\n"])
_leaves = st.sampled_from([*_WORDS, *_QUOTED, *_WILD, *_PATTERNS])
_valued = st.tuples(st.sampled_from(["meta.x", "meta.a.b"]), st.sampled_from(_RANGES)).map(":".join)


@st.composite
def _queries(draw: st.DrawFn, depth: int = 3) -> str:
    """Return a query of the grammar, with spaces where they mean nothing."""
    parts = []
    for at in range(draw(st.integers(1, 3))):
        joint = draw(st.sampled_from([" ", " AND ", " OR ", "  OR\n"])) if at else ""
        sign = draw(st.sampled_from(["", "", "", "NOT ", "-", "+"]))
        # Where `-c` merely stands behind `a OR b`, luqum takes it to be joined to b alone, by the
        # precedence of its tokens, and `c` to be joined to both.
        parts += [joint, "NOT " if sign and joint == " " else sign]
        kind = draw(st.integers(0, 4 if depth else 2))
        if kind == 0:
            operand = draw(_leaves)
        elif kind == 1:
            operand = f"{draw(st.sampled_from(_FIELDS))}:{draw(_leaves)}"
        elif kind == 2:
            operand = draw(_valued)
        else:
            name = draw(st.sampled_from([f"{one}:" for one in _FIELDS])) if kind == 3 else ""
            space = draw(st.sampled_from(["", " "]))
            operand = f"{name}({space}{draw(_queries(depth - 1))}{space})"
        parts.append(operand + draw(st.sampled_from(["", "", "", "^2", "^0.5"])))
    return "".join(parts)


_LABEL = Field(Scope.ROI, "label", exact=True)


def _node(item: Any, field: Field | None) -> Node:
    """Return what a tree of luqum's says, in our nodes."""
    if isinstance(item, luqum.SearchField):
        return _node(item.expr, Field(Scope.ROI, item.name))
    if isinstance(item, (luqum.Group, luqum.FieldGroup, luqum.Boost, luqum.Plus)):
        return _node(item.children[0], field)
    if isinstance(item, (luqum.Not, luqum.Prohibit)):
        return negation_of(_node(item.a, field))
    if isinstance(item, luqum.OrOperation):
        return any_of([_node(one, field) for one in item.children])
    if isinstance(item, (luqum.AndOperation, luqum.UnknownOperation)):
        return all_of([_node(one, field) for one in item.children])
    own = field or _LABEL
    if isinstance(item, luqum.Word):
        return _word(item.value, field)
    if isinstance(item, luqum.Phrase):
        return Leaf(own, Term(_unescaped(item.value[1:-1])))
    if isinstance(item, luqum.Regex):
        return Leaf(own, Regex(item.value[1:-1].replace("\\/", "/")))
    if isinstance(item, luqum.From):
        return Leaf(own, Range(_bound(item.a), None, low_open=not item.include))
    if isinstance(item, luqum.To):
        return Leaf(own, Range(None, _bound(item.a), high_open=not item.include))
    assert isinstance(item, luqum.Range), item
    low, high = _bound(item.low), _bound(item.high)
    low_open, high_open = not item.include_low, not item.include_high
    return Leaf(own, Range(low, high, low_open and low is not None, high_open and high is not None))


def _word(text: str, field: Field | None) -> Node:
    if text == "*":
        return all_of([]) if field is None else Leaf(field, Exists())
    parts: list[str | bool | None] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char in "*?":
            parts.append(None if char == "*" else True)
        else:
            at += char == "\\"
            if parts and isinstance(parts[-1], str):
                parts[-1] += text[at]
            else:
                parts.append(text[at])
        at += 1
    own = field or _LABEL
    if len(parts) == 1 and isinstance(parts[0], str):
        return Leaf(own, Term(parts[0]))
    return Leaf(own, Wildcard(tuple(parts)))


def _unescaped(text: str) -> str:
    pieces = text.split("\\\\")
    return "\\".join(piece.replace("\\", "") for piece in pieces)


def _bound(item: Any) -> int | float | str | None:
    text = str(item.value)
    if text == "*":
        return None
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


@given(_queries())
def test_queries_mean_what_they_mean_to_luqum(query: str) -> None:
    """Precedence, groups, fields, phrases, wildcards and ranges, by an independent grammar."""
    assert parse(query, Scope.ROI) == _node(luqum_parse(query), None)


@pytest.mark.parametrize(
    "query",
    [
        'label.keyword:"Car" AND NOT label.keyword:"partly_occluded"',
        "meta.cam:(at_cam_04 OR at_cam_05) meta.x:[1 TO 2}",
        "a b OR c AND NOT d e",
        "meta.x:(+a -b OR (c AND d^3))",
    ],
)
def test_known_queries_mean_what_they_mean_to_luqum(query: str) -> None:
    """Those of manuals, whatever Hypothesis draws."""
    ours = parse(query.replace(".keyword", ""), Scope.ROI)
    assert ours == _node(luqum_parse(query.replace(".keyword", "")), None)
