"""Matching records held to the slow evaluator, and the texts of queries to their trees."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.frames.group import FrameGroup
from hyperstore.frames.read import read_frame
from hyperstore.frames.records import read_whole
from hyperstore.frames.wire import decode_plain
from hyperstore.query.language.condition import (
    Condition,
    Field,
    Leaf,
    Node,
    RoiCondition,
    Scope,
    Term,
)
from hyperstore.query.language.match import matches, matching_rois
from hyperstore.query.language.parser import parse, text_of
from tests.support.query_strategies import ROOTS, conditions, frames, nodes, stored, stores
from tests.support.slow_query import fits, fitting_rois


@given(stores(), conditions())
def test_records_match_what_wire_dicts_do(wires: list[dict[str, Any]], asked: Condition) -> None:
    """Two roads to one answer: what a user sees in to_dict decides."""
    for wire in wires:
        payload = stored(wire)
        record = read_whole(payload, what="frame")
        seen: Any = decode_plain(payload, roots=ROOTS)
        assert matches(asked, record, ROOTS) == fits(asked, seen)
        assert matching_rois(asked, record, ROOTS) == fitting_rois(asked, seen)


@given(frames(), st.lists(conditions(), min_size=1, max_size=4))
def test_the_frame_objects_of_users_match_alike(
    wire: dict[str, Any], asked: list[Condition]
) -> None:
    """Whoever tests the answer of a query looks at the objects that it gives out."""
    payload = stored(wire)
    frame = read_frame(payload, home=None, object_id=None, roots=ROOTS)
    record = read_whole(payload, what="frame")
    seen = frame.to_dict()
    for one in asked:
        assert matches(one, record, ROOTS) == fits(one, seen)
    kind = "group" if isinstance(frame, FrameGroup) else "frame"
    for path, value in (
        ("kind", kind),
        ("context_id", str(frame.context_id)),
        ("timestamp", str(frame.timestamp)),
    ):
        leaf = Leaf(Field(Scope.FRAME, path), Term(value))
        assert matches(Condition(frame=leaf), record, ROOTS)


@pytest.mark.parametrize("scope", Scope)
@given(data=st.data())
def test_canonical_texts_parse_to_the_tree_that_wrote_them(scope: Scope, data: Any) -> None:
    """A stored query is its text, so a text that says another thing changes what is trained on."""
    node: Node = data.draw(nodes(scope))
    normal = parse(text_of(node, scope), scope)
    assert parse(text_of(normal, scope), scope) == normal
    assert parse(text_of(node), scope) == normal  # With the prefixes of a frame query.


@pytest.mark.parametrize("scope", Scope)
@given(data=st.data())
def test_normal_form_means_the_same(scope: Scope, data: Any) -> None:
    """Parsing flattens and drops what says nothing; it may not drop what says something."""
    node: Node = data.draw(nodes(scope))
    normal = parse(text_of(node, scope), scope)
    for wire in data.draw(stores()):
        seen: Any = decode_plain(stored(wire), roots=ROOTS)
        assert fits(_asking(node, scope), seen) == fits(_asking(normal, scope), seen)


def _asking(node: Node, scope: Scope) -> Condition:
    if scope is Scope.FRAME:
        return Condition(frame=node)
    return (
        Condition(source=node) if scope is Scope.SOURCE else Condition(rois=(RoiCondition(node),))
    )
