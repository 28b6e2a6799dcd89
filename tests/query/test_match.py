"""Single frames against queries: written-out frames, typed queries, answers known beforehand."""

from typing import Any

import pytest

from hyperstore.errors import QueryError
from hyperstore.frames.records import WholeRecord, read_whole
from hyperstore.frames.roots import Roots
from hyperstore.query.language.condition import (
    EVERYTHING,
    Condition,
    Field,
    Leaf,
    RoiCondition,
    Scope,
    Since,
    Term,
)
from hyperstore.query.language.match import matches, matching_rois
from hyperstore.query.language.parser import parse, roi_node
from hyperstore.query.language.valuetests import passes
from tests.support.query_strategies import stored

ROOTS = Roots({"": "/data"})
FRAME: dict[str, Any] = {
    "id": "f1",
    "timestamp": 0,
    "sources": [
        {
            "id": "default",
            "uri": "file:///data/night/1.jpg",
            "width": 640,
            "height": 480,
            "timestamp": 40,
            "meta": {"lens": "wide"},
            "preview": {"uri": "file:///data/previews/1.png", "width": 64},
            "masks": [
                {"id": "00", "uri": "s3://masks/a.png", "width": 640},
                {"id": "seg", "uri": "s3://masks/b.png", "width": 320},
            ],
        }
    ],
    "rois": [
        {"label": ["car", "Red"], "confidence": 0.9, "meta": {"_type": "b2d", "_id": 7, "t": 1}},
        {"label": ["traffic light"], "confidence": 0.3, "meta": {"track": {"id": "a1"}}},
        {"label": ["car", "parked"], "sources": ["default"], "meta": {"t": 2}},
        {"label": ["dog"], "mask": {"id": "seg", "value": [1, 2]}, "meta": {"_type": "mask"}},
    ],
    "meta": {
        "weather": "Heavy rain, Wind",
        "speed": 50,
        "big": 2**53 + 1,
        "ratio": 0.1,
        "night": True,
        "day": "2024-10-20T23:30:00Z",
        "tags": ["new", {"by": "ann"}, [3, "old one"]],
        "a.b": {"c": "dotted"},
        "a": {"b": {"d": "nested"}},
        "nothing": None,
        "empty": [],
        "hollow": {"x": [None, {}]},
        "city": "Straße",
    },
}
GROUP: dict[str, Any] = {
    "id": "g1",
    "sources": [
        {"id": "left", "uri": "/data/l.jpg", "timestamp": 7, "width": 640},
        {"id": "right", "uri": "/data/r.jpg", "width": 320},
    ],
    "rois": [{"label": ["car"], "sources": ["left"]}],
    "meta": {"left": {"iso": 100}, "place": "x"},
}


def record(wire: dict[str, Any]) -> WholeRecord:
    """Return a frame as it is read from a store."""
    return read_whole(stored(wire, ROOTS), what="frame")


ONE, TWO = record(FRAME), record(GROUP)


def of_frame(query: str, frame: WholeRecord = ONE) -> bool:
    """Ask a frame query."""
    return matches(Condition(frame=parse(query, Scope.FRAME)), frame, ROOTS)


def of_source(query: str, frame: WholeRecord = ONE) -> bool:
    """Ask a source query."""
    return matches(Condition(source=parse(query, Scope.SOURCE)), frame, ROOTS)


def rois(*rules: RoiCondition | str) -> list[int] | None:
    """Return the ROIs that the first frame is given out with; None where it does not match."""
    asked = [one if isinstance(one, RoiCondition) else rule(one) for one in rules]
    condition = Condition(rois=tuple(asked))
    return matching_rois(condition, ONE, ROOTS) if matches(condition, ONE, ROOTS) else None


def rule(query: str | list[str], **said: Any) -> RoiCondition:
    """Return a rule about ROIs."""
    return RoiCondition(roi_node(query), **said)


@pytest.mark.parametrize(
    "query",
    [
        *("id:>f", "id:>=f1", "id:[f TO g}", "id:<=f1", "rois.label:[dog TO dog]", "label:>t"),
        *("id:f1", "timestamp:0", "kind:frame", "context_id:file\\:///data/night/1.jpg"),
        *("meta.weather:rain", "meta.weather:RAIN", 'meta.weather:"rain wind"', "meta.weather:r*n"),
        *(
            'meta.weather.keyword:"Heavy rain, Wind"',
            "meta.weather:heavy*wind",
            "meta.weather:/w.nd/",
        ),
        *(
            "meta.weather.keyword:Heavy*",
            "meta.city:STRASSE",
            "meta.city:stra\u00dfe",
            "meta.city:ST*",
        ),
        *("meta.speed:50", "meta.speed:5e1", "meta.speed:50.0", "meta.speed:[50 TO 50]"),
        *("meta.speed:{49 TO 50.5}", "meta.speed:>49", "meta.ratio:0.1", "meta.ratio:<=0.1"),
        *("meta.big:9007199254740993", "meta.big:>9007199254740992", "meta.night:true"),
        *("meta.night:TRUE", "meta.day:[2024-10-20 TO 2024-10-20]", "meta.day:>=2024-10-20"),
        *("meta.day:<2024-10-21", "meta.day:>2024-10-20T23:00", "meta.day:<2024-10-21T01:00+01"),
        *(
            "meta.tags:new",
            "meta.tags.by:ann",
            "meta.tags:3",
            'meta.tags:"old one"',
            "meta.tags:one",
        ),
        *("meta.a.b.c:dotted", "meta.a.b.d:nested", "_exists_:meta.a", "_exists_:meta.a.b"),
        *("_exists_:meta.tags", "_exists_:meta.tags.by", "_exists_:meta", "_exists_:rois"),
        *(
            "rois.label:car",
            "rois.label:CAR",
            "label.keyword:car",
            "label:light",
            "label:'traffic light'",
        ),
        *("rois.confidence:>0.8", "confidence:0.3", "rois.kind:b2d", "rois.meta._type:mask"),
        *("rois.annotation_id:7", "rois.mask.id:seg", "rois.mask.value:2", "rois.meta.track.id:a1"),
        *("rois.sources:default", "rois.label.keyword:Red AND rois.label:parked"),
        *("uri:/data/night/1.jpg", "sources.uri:file:///data/*.jpg", "sources.width:>=640"),
        *("sources.preview.uri:*previews*", "sources.masks.id:seg", "sources.masks.width:<400"),
        *(
            "sources.meta.lens:wide",
            "sources.timestamp:40",
            "sources:default",
            "sources.height:480",
        ),
        *("NOT meta.weather:sun", "meta.weather:(sun OR rain)", "*", "_exists_:sources.preview"),
    ],
)
def test_frames_that_fit(query: str) -> None:
    """Every field, and every way of asking, at least once."""
    assert of_frame(query)
    assert not of_frame(f"NOT ({query})")


@pytest.mark.parametrize(
    "query",
    [
        *("id:>f1", "id:{f1 TO *}", "id:<f1", "id:[a TO f1}", "id:>g", "rois.label:>u"),
        *("id:F1", "id:f", "kind:group", "timestamp:40", "context_id:/data/night/1.jpg"),
        *("meta.weather.keyword:rain", "meta.weather:rai", 'meta.weather:"heavy wind"'),
        *('meta.weather:"wind rain"', "meta.weather.keyword:heavy*", "meta.weather:>5"),
        *(
            "meta.speed:51",
            "meta.speed:5",
            "meta.speed:{50 TO 60]",
            "meta.speed:5*",
            "meta.speed:>a",
        ),
        *("meta.big:9007199254740992", "meta.big:9007199254740993.0", "meta.ratio:<0.1"),
        *("meta.night:false", "meta.night:1", "meta.night:>=0", "meta.night:t*"),
        *("meta.day:>2024-10-20", "meta.day:<2024-10-20", "meta.day:<2024-10-21T00:00+01:00"),
        *(
            "_exists_:meta.nothing",
            "_exists_:meta.empty",
            "_exists_:meta.hollow",
            "_exists_:meta.x",
        ),
        *("meta.a:nested", "meta.a.b:dotted", "meta.tags:ann", "meta:*  AND id:no"),
        *("rois.label.keyword:CAR", "label.keyword:light", "confidence:1", "confidence:>=1"),
        *("rois.meta._id:8", "rois.id:r1", "rois.meta.t:3", "rois.meta.track:a1"),
        *("uri:/night/1.jpg", "uri:root\\:/night/1.jpg", "sources.width:>640", "NOT *"),
    ],
)
def test_frames_that_do_not_fit(query: str) -> None:
    """What is near to fitting: another case, another type, another place."""
    assert not of_frame(query)
    assert of_frame(f"NOT ({query})")


def test_only_scalars_pass() -> None:
    """Whoever hands on null, or what was not walked, is told that it does not fit."""
    odd: list[object] = [None, [], {}, b"x"]
    for query in ("meta.x:*", "meta.x:[1 TO 2]", "meta.x:a*", "meta.x:true"):
        leaf = parse(query, Scope.FRAME)
        assert isinstance(leaf, Leaf)
        assert [value for value in odd if passes(leaf)(value)] == []


def test_groups_answer_with_their_first_source_and_their_members_metadata() -> None:
    """As the object that a reader gets."""
    for query in (
        "kind:group",
        "timestamp:7",
        "context_id:file\\:///data/l.jpg",
        "meta.left.iso:100",
    ):
        assert of_frame(query, TWO), query
    assert of_frame("sources.width:640 AND sources.id:right", TWO)  # Of any source each.
    assert not of_source("width:640 AND id:right", TWO)  # Of one source.
    assert of_source("width:640 AND id:left", TWO)
    assert of_source("uri:/data/r.jpg", TWO)


def test_files_outside_of_all_roots_and_roots_that_are_not_here() -> None:
    """Where no folder is known for a root, its stored name is all that there is to see."""
    assert matches(Condition(source=parse("uri:/data/l.jpg", Scope.SOURCE)), TWO, ROOTS)
    elsewhere = Roots({"": "/mnt/d"})
    assert matches(Condition(source=parse("uri:/mnt/d/l.jpg", Scope.SOURCE)), TWO, elsewhere)
    assert not matches(Condition(source=parse("uri:/data/l.jpg", Scope.SOURCE)), TWO, elsewhere)
    assert matches(Condition(source=parse("uri:'root:/l.jpg'", Scope.SOURCE)), TWO, Roots({}))


def test_lq_12_a_rule_holds_of_one_roi() -> None:
    """The nested scope: a frame query would find each half in another ROI."""
    assert rois("car AND Red") == [0]
    assert rois("Red AND parked") is None
    assert of_frame("rois.label.keyword:Red AND rois.label.keyword:parked")
    assert rois("car AND NOT Red") == [2]
    assert rois(rule(["car", "parked"])) == [2]
    assert rois("*") == [0, 1, 2, 3]


def test_rules_count_rois() -> None:
    """Both ends are inside; without a maximum any number will do."""
    assert rois(rule("car", count=(2, 2))) == [0, 2]
    assert rois(rule("car", count=(3, None))) is None
    assert rois(rule("car", count=(0, 1))) is None
    assert rois(rule("bus", count=(0, 0))) == []
    assert rois(rule("bus", count=(0, 5)), "dog") == [3]


def test_c_58_a_missing_confidence_counts_as_one_in_rules_only() -> None:
    """The range of a rule takes unset for sure; the query asks what is written."""
    assert rois(rule("car", confidence=(0.95, 1.0))) == [2]
    assert rois(rule("car", confidence=(0.9, 0.9))) == [0]
    assert rois(rule("*", confidence=(0.0, 0.95))) == [0, 1]
    assert rois("car AND confidence:>=0.95") is None
    assert rois("car AND NOT _exists_:confidence") == [2]


def test_vw_14_must_not_refuses_a_frame_for_one_roi() -> None:
    """Its count means nothing, and it takes no part in which ROIs are given out."""
    assert rois(rule("bus", must_not=True)) == [0, 1, 2, 3]
    assert rois(rule("dog", must_not=True)) is None
    assert rois("car", rule("dog", must_not=True, confidence=(0.0, 0.9))) == [0, 2]
    assert rois("car", rule("dog", must_not=True, count=(5, 9))) is None


def test_vw_13_rules_are_independent_of_each_other() -> None:
    """Each needs an ROI; one may serve several."""
    assert rois("car", "Red") == [0, 2]
    assert rois("car", "bus") is None


def test_frames_without_rois() -> None:
    """`no_rois` asks for nothing else."""
    bare = record({key: value for key, value in FRAME.items() if key != "rois"})
    assert matches(Condition(no_rois=True), bare, ROOTS)
    assert not matches(Condition(no_rois=True), ONE, ROOTS)
    assert matches(Condition(rois=(RoiCondition(EVERYTHING, (0, None)),)), bare, ROOTS)
    assert not matches(Condition(rois=(RoiCondition(EVERYTHING),)), bare, ROOTS)
    assert matching_rois(Condition(), bare, ROOTS) == []


def test_the_story_of_a_frame_is_given_by_whoever_knows_it() -> None:
    """A frame alone does not say when it came."""
    leaf = Leaf(Field(Scope.FRAME, "added"), Since("v1"))
    asked = Condition(frame=parse("added:v1 AND id:f1", Scope.FRAME))
    assert matches(asked, ONE, ROOTS, {leaf: True})
    assert not matches(asked, ONE, ROOTS, {leaf: False})
    with pytest.raises(QueryError, match="asked of a version"):
        matches(asked, ONE, ROOTS)


@pytest.mark.parametrize(
    "condition",
    [
        Condition(source=parse("label:x", Scope.ROI)),
        Condition(rois=(RoiCondition(parse("id:x", Scope.SOURCE)),)),
        Condition(source=Leaf(Field(Scope.SOURCE, "bytes"), Term("x"))),
        Condition(frame=Leaf(Field(Scope.FRAME, "blob"), Term("x"))),
        Condition(rois=(RoiCondition(Leaf(Field(Scope.ROI, "area"), Term("1"))),)),
    ],
)
def test_fields_that_do_not_exist_are_query_errors(condition: Condition) -> None:
    """Trees are values that anybody can make."""
    with pytest.raises(QueryError, match="no field"):
        matches(condition, ONE, ROOTS)
