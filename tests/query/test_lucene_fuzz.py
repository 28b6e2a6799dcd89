"""Queries that nobody means: noise, and grammar put together at random."""

import random
import re

import pytest

from hyperstore.errors import QueryError
from hyperstore.frames.records import read_whole
from hyperstore.query.language.condition import Condition, Node, RoiCondition, Scope
from hyperstore.query.language.match import matches
from hyperstore.query.language.parser import parse, roi_node, text_of
from tests.support.query_strategies import ROOTS, stored

COUNT = 10_000

_PIECES = [
    *("label", "confidence", "meta.a", "uri", "rois.", "sources.", ".keyword", "_exists_", "added"),
    *(":", ":", ":", "(", ")", "[", "]", "{", "}", " TO ", " AND ", " OR ", " NOT ", "&&", "||"),
    *("+", "-", "!", '"', "'", "/", "\\", "*", "?", "~", "^", "^2", "~1", "<", ">", "=", ">=", ","),
    *(" ", " ", "car", "0.5", "1e999", "-7", "9" * 500, "2024-10-20", "T10:30", "+02:00", "Z", "."),
    *(
        "s3://b/",
        "[a-z]",
        "{2,3}",
        "{999}",
        "a|b",
        "@",
        "#",
        "~(a)",
        "&",
        "<1-9>",
        "été",
        "ß",
        "\0",
    ),
    *(
        "\ud800",
        "\U0001f600",
        "\n",
        "\u2028",
        "(" * 70,
        "a " * 1100,
        "\\d+",
        "(a*)*b",
        "true",
        "null",
    ),
]
_RIGHT = [
    *("meta.a:car", 'meta.a:("car 0.5" OR 7)', "NOT meta.a:>=2024-10-20", "meta.b.c:/[a-f]+~(x)/"),
    *("(meta.a:true meta.a:ca*)", "-_exists_:meta.x", "meta.t:{-5 TO 1e3]", "meta.a.keyword:'x y'"),
]
_JOINTS = [" ", " AND ", " OR ", "^2 "]
_FRAME = stored(
    {
        "id": "f",
        "sources": [{"id": "default", "uri": "file:///data/1.jpg"}],
        "meta": {"a": ["car 0.5", 7, True, "2024-10-20"]},
        "rois": [{"label": ["car", "\u00e9t\u00e9 \u00df"], "confidence": 0.5}],
    }
)


def _query(draw: random.Random) -> str:
    kind = draw.random()
    if kind < 0.2:
        return bytes(draw.randrange(256) for _ in range(draw.randrange(40))).decode("latin-1")
    if kind < 0.3:
        return "".join(chr(draw.randrange(0x110000)) for _ in range(draw.randrange(20)))
    query = "".join(draw.choice(_PIECES) for _ in range(draw.randrange(1, 25)))
    if kind < 0.4:  # One that could be right, cut off.
        return f'meta.a:({query}) AND meta.a:[1 TO 2] OR "x"'[: draw.randrange(1, 60)]
    if kind < 0.8:  # One that is nearly right.
        joined = draw.choice(_RIGHT) + draw.choice(_JOINTS) + draw.choice(_RIGHT)
        at = draw.randrange(len(joined))
        return joined[:at] + draw.choice(["", "", *_PIECES]) + joined[at + draw.randrange(3) :]
    return query


@pytest.mark.parametrize("scope", Scope)
def test_ten_thousand_odd_queries_let_out_nothing_but_query_errors(scope: Scope) -> None:
    """Whatever a person, a program or a web page sends is answered or refused, and quickly."""
    draw = random.Random(f"queries of {scope}")
    record = read_whole(_FRAME, what="frame")
    parsed = 0
    for _ in range(COUNT // len(Scope) + 1):
        query = _query(draw)
        try:
            node: Node = parse(query, scope)
        except QueryError:
            continue
        parsed += 1
        assert parse(text_of(node, scope), scope) == node
        if not re.search("added|changed|removed", query):  # Those are asked of versions.
            matches(_asking(node, scope), record, ROOTS)
    assert parsed > 100  # Else this shows nothing.


def test_odd_labels_let_out_nothing_but_query_errors() -> None:
    """What is given as a label may be meant as a query, and be neither."""
    draw = random.Random("labels")
    for _ in range(1_000):
        try:
            roi_node(_query(draw))
        except QueryError:
            continue


def _asking(node: Node, scope: Scope) -> Condition:
    if scope is Scope.FRAME:
        return Condition(frame=node)
    return (
        Condition(source=node) if scope is Scope.SOURCE else Condition(rois=(RoiCondition(node),))
    )
