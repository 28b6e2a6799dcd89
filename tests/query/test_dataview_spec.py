"""A view as plain data: both ways, canonical, unknown fields kept, edited by name."""

import json
import math

import pytest

from hyperstore import DataView, QueryError, UsageError
from hyperstore.query.language.condition import Field, Leaf, RoiCondition, Scope, Term
from hyperstore.query.views.queries import Query, RoiQuery
from hyperstore.query.views.spec import from_wire, patched, to_wire

LABEL = Field(Scope.ROI, "label", exact=True)
WHOLE = {
    "augmentation": {"crop_around_rois": True, "sets": [{"cls": "affine", "strength": 0.5}]},
    "colour": "of a later release",
    "description": "by night",
    "filters": [
        {
            "dataset": "d" * 32,
            "filter_by_roi": "disabled",
            "frame_query": "meta.night:true",
            "label_rules": [
                {
                    "conf_range": [0.5, 1],
                    "count_range": [2, -1],
                    "label": "car",
                    "must_not": True,
                    "shade": 3,
                }
            ],
            "merge_with": "m" * 32,
            "name": "cars",
            "sources_query": "width:640",
            "version": "*",
            "weight": 5,
            "zoom": {"in": 1},
        },
        {"dataset": "*", "version": "*"},
    ],
    "iteration": {
        "clip_frames": 4,
        "infinite": True,
        "jump": {"time": 100},
        "limit": 10,
        "min_sequence": 2000,
        "order": "random",
        "pace": "slow",
        "random_seed": 7,
    },
    "labels_enumeration": {"car": 1, "ignore": -1},
    "mapping": {
        "rules": [
            {
                "note": "kept",
                "source": {"dataset": "*", "labels": ["car", "red"], "version": "*"},
                "target": "vehicle",
            }
        ]
    },
    "name": "night",
    "output_rois": "only_filtered",
    "project": "lab",
    "tags": ["a", "b"],
}


def test_the_wire_form_comes_back_whole() -> None:
    """What is stored on a run must be the view that ran, fields of later releases included."""
    assert to_wire(from_wire(WHOLE)) == WHOLE


def test_the_wire_form_is_sorted_at_every_depth() -> None:
    """Equal views have equal bytes, in whatever order their keys were typed."""
    turned = json.loads(json.dumps(WHOLE), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert json.dumps(to_wire(from_wire(turned))) == json.dumps(WHOLE)


def test_what_is_as_it_always_is_is_not_said() -> None:
    """A default that is written out and one that is left out are one view."""
    said = {
        "filters": [
            {"dataset": "a", "version": "b", "weight": 1.0, "filter_by_roi": "label_rules"}
        ],
        "iteration": {"order": "sequential", "infinite": False, "limit": None},
        "output_rois": "all_in_frame",
    }
    assert to_wire(from_wire(said)) == {
        "filters": [{"dataset": "a", "version": "b"}],
        "iteration": {"infinite": False, "order": "sequential"},
    }


def test_versions_that_a_server_lists_are_read() -> None:
    """A view of whole versions has no filter there, and says beside them what to merge with."""
    listed = [{"dataset": "a", "version": "b", "merge_with": "c"}, {"dataset": "a", "version": "*"}]
    spec = from_wire({"status": "published", "versions": listed})
    assert [(one.version_id, one.merge_with) for one in spec.queries] == [("b", "c"), ("*", None)]
    spec = from_wire({"versions": listed, "filters": [{"dataset": "a", "version": "b"}]})
    assert [(one.version_id, one.merge_with) for one in spec.queries] == [("b", "c")]
    assert "versions" not in to_wire(spec)


def test_values_are_set_by_dotted_names() -> None:
    """Data are hyper-parameters: a search sets them without touching code."""
    changes = {
        "filters.0.weight": 2,
        "filters.0.label_rules.0.conf_range": [0.9],
        "iteration.random_seed": 11,
        "iteration.limit": None,
        "labels_enumeration.traffic.light": 9,
        "mapping.rules.0.target": "truck",
    }
    spec = from_wire(patched(WHOLE, changes))
    assert spec.queries[0].weight == 2
    assert spec.queries[0].roi_queries[0].conf_range == (0.9, -1)
    assert (spec.seed, spec.limit) == (11, None)
    assert spec.labels["traffic.light"] == 9
    assert spec.rules[0].to_label == "truck"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("filters.0.wieght", "'weight'"),
        ("filters.7.weight", "there are 2"),
        ("filters.first.weight", "no item 'first'"),
        ("iteration.seed", "'random_seed'"),
        ("iteration.order.more", "nothing lies below 'iteration.order'"),
        ("nmae", "'name'"),
    ],
)
def test_a_name_that_a_view_has_not_is_refused(name: str, said: str) -> None:
    """A typing error in a search would vary nothing, and nobody would see it."""
    with pytest.raises(QueryError, match=said):
        patched(WHOLE, {name: 1})


@pytest.mark.parametrize(
    "given",
    [
        {"filters": {"dataset": "a"}},
        {"filters": ["a"]},
        {"iteration": {"order": "backwards"}},
        {"iteration": {"limit": 0}},
        {"iteration": {"limit": True}},
        {"iteration": {"infinite": "yes"}},
        {"iteration": {"random_seed": 1.5}},
        {"labels_enumeration": {"a": "1"}},
        {"labels_enumeration": {"a": -2}},
        {"mapping": {"rules": [{"source": {"labels": []}, "target": "x"}]}},
        {"mapping": {"rules": [{"source": {"labels": ["a"]}}]}},
        {"name": 3},
        {"name": "a\nb"},
        {"tags": [""]},
        {"project": "\u202e"},
        {"versions": [3]},
        {"output_rois": "some"},
        {"filters": [{"dataset": "a", "weight": 0}]},
        {"filters": [{"dataset": "a", "filter_by_roi": "maybe"}]},
        {"filters": [{"dataset": "a", "label_rules": [{"label": "a:("}]}]},
        {"filters": [{"dataset": "a", "frame_query": "meta.x:["}]},
        {"filters": [{"dataset": 3}]},
        {"x": object()},
    ],
)
def test_data_that_is_no_view_is_refused(given: dict[str, object]) -> None:
    """One error of ours, never one of a dict or a number."""
    with pytest.raises((QueryError, UsageError)):
        from_wire(given)


@pytest.mark.parametrize("weight", [0, -1, math.nan, math.inf, "5", None, True])
def test_a_weight_is_a_number_over_zero(weight: object) -> None:
    """Each of these would silently give nothing, everything, or an order that no seed repeats."""
    with pytest.raises(QueryError, match="weight is a number greater than 0"):
        Query(dataset_name="a", weight=weight)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (None, (1, None)),
        ([-1, -1], (1, None)),
        ([3], (3, None)),
        ([3, -1], (3, None)),
        ([-1, 3], (1, 3)),
        ([0, 3], (0, 3)),
        ((2, 2), (2, 2)),
        (2, (2, 2)),
    ],
)
def test_ranges_of_counts(given: object, meant: tuple[int, int | None]) -> None:
    """-1 bounds nothing, and one element is the least; without a least one ROI must fit."""
    rule = RoiQuery("car", count_range=given)  # type: ignore[arg-type]
    assert rule.condition() == RoiCondition(Leaf(LABEL, Term("car")), count=meant)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (None, None),
        ([-1, -1], None),
        ([0.5], (0.5, 1.0)),
        ([-1, 0.5], (0.0, 0.5)),
        ([0.25, 0.5], (0.25, 0.5)),
    ],
)
def test_ranges_of_confidence(given: object, meant: tuple[float, float] | None) -> None:
    """As ranges of counts, from 0 to 1."""
    assert RoiQuery("car", conf_range=given).condition().confidence == meant  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given",
    [
        {"count_range": []},
        {"count_range": [1, 2, 3]},
        {"count_range": [3, 2]},
        {"count_range": [1.5, 2]},
        {"count_range": [-2, 2]},
        {"count_range": ["1"]},
        {"count_range": [True, 2]},
        {"count_range": "12"},
        {"count_range": [1, math.inf]},
        {"conf_range": [0.5, 1.5]},
        {"conf_range": [math.nan, 1]},
        {"conf_range": [0.9, 0.1]},
        {"label": []},
    ],
)
def test_ranges_that_mean_nothing_are_refused(given: dict[str, object]) -> None:
    """At the place where they are typed."""
    with pytest.raises(QueryError):
        RoiQuery(**given)  # type: ignore[arg-type]


def test_several_labels_are_kept_as_the_lucene_that_they_are() -> None:
    """The wire has one text for a rule; labels with quotes and backslashes survive in it."""
    rule = RoiQuery(["Bus Stop", 'a "b" \\c'])
    kept = from_wire({"filters": [{"dataset": "d", "label_rules": [rule.wire()]}]})
    assert kept.queries[0].roi_queries[0].condition() == rule.condition()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"filters": [{"dataset": "*", "roi_query": "car"}]}, "'label_rules' is what says it"),
        ({"filters": [{"dataset": "*", "frame_qeury": "id:a"}]}, "'frame_query' may be meant"),
        ({"filters": [{"label_rules": [{"label": "a", "conf_rang": [1]}]}]}, "'conf_range'"),
        ({"iteraton": {"limit": 3}}, "'iteration' may be meant"),
        ({"iteration": {"seed": 3}}, "'random_seed' is what says it"),
        ({"iteration": {"jump": {"tme": 3}}}, "'iteration.jump.tme'"),
        ({"limit": 3}, "it belongs into iteration"),
        ({"mapping": {"rule": []}}, "'rules' may be meant"),
        ({"mapping": {"rules": [{"source": {"labls": ["a"]}, "target": "b"}]}}, "'labels'"),
    ],
)
def test_a_misspelt_field_is_refused(wrong: dict[str, object], said: str) -> None:
    """It would ask for nothing: the view would have all frames, and nobody would see it."""
    whole = {"filters": [{"dataset": "*"}]}
    with pytest.raises(QueryError, match=said):
        DataView.from_spec({**whole, **wrong})
    with pytest.raises(QueryError, match=said):
        DataView.from_json(json.dumps({**whole, **wrong}))


def test_fields_of_others_are_no_misspelt_ones() -> None:
    """What a server says beside, and what a later release may say, is kept."""
    server = {"id": "1", "company": "c", "created": 1, "user": "u", "system_tags": [], "parent": ""}
    spec = {**WHOLE, **server}
    assert DataView.from_spec(spec).spec() == {**spec}


def test_a_value_with_a_misspelt_field_is_not_set() -> None:
    """A whole filter may be set at once; what the view had before stays as it is."""
    with pytest.raises(QueryError, match=r"'filters\.0\.roi_query'"):
        patched(WHOLE, {"filters.0": {"dataset": "*", "roi_query": "car"}})
    later = {"filters": [{"dataset": "*", "weights": [1, 2]}]}
    assert patched(later, {"iteration.limit": 3})["filters"] == later["filters"]


@pytest.mark.parametrize("given", [5, None, [("name", 1)], "name", {5: 1}])
def test_only_names_with_values_override(given: object) -> None:
    """What is given by a program that computes it must fail as what is typed does."""
    view = DataView(name="a")
    with pytest.raises(UsageError):
        view.override(given)  # type: ignore[arg-type]
    assert view.name == "a"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("augmentation", {"set": []}),
        ("augmentation", {"sets": [{"cls": "affine", "type": ["rotate"]}]}),
        ("augmentation.set", []),
        ("augmentation.sets.0.strenght", 0.5),
    ],
)
def test_a_misspelt_augmentation_is_not_set(name: str, value: object) -> None:
    """Nothing of it would be drawn, and only who reads images would hear of that."""
    with pytest.raises(QueryError, match="a view has no"):
        patched(WHOLE, {name: value})


def test_arguments_of_an_augmentation_are_not_looked_into() -> None:
    """Which there are is for what draws them to say."""
    said = {"sets": [{"cls": "affine", "arguments": {"rotate": {"degree": 3}}}]}
    assert patched(WHOLE, {"augmentation": said})["augmentation"] == said
