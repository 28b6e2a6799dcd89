"""What may be said of a query, and what is refused where it is typed."""

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import hyperstore
from hyperstore import HyperstoreError, QueryError, SingleFrame, UsageError
from hyperstore.query.checks import checked_count, checked_seed
from hyperstore.query.dataview import DataView
from hyperstore.query.iteration.permutation import synthetic_epoch
from hyperstore.query.views.mapping import MappingRule, checked_labels
from hyperstore.query.views.queries import Query, RoiQuery
from hyperstore.query.views.spec import Spec, from_wire, to_wire


def test_numbers_of_numpy_are_numbers() -> None:
    """Counts and weights come out of arrays more often than they are typed."""
    query = Query(
        dataset_name="d",
        weight=np.int64(2),  # type: ignore[arg-type]
        roi_queries=RoiQuery("car", [np.int8(1), np.int64(3)]),  # type: ignore[arg-type,list-item]
    )
    (rule,) = query.roi_queries
    assert (query.weight, rule.count_range) == (2, (1, 3))
    assert RoiQuery("car", count_range=np.int32(4)).count_range == (4, 4)  # type: ignore[arg-type]
    sure = RoiQuery("car", conf_range=[np.float32(0.5)])  # type: ignore[list-item]
    assert sure.conf_range == (0.5, -1)
    assert Query(dataset_name="d", weight=np.float32(0.5)).weight == 0.5  # type: ignore[arg-type]
    assert Query(dataset_name="d", weight=Fraction(1, 4)).weight == 0.25  # type: ignore[arg-type]
    labels = checked_labels({"car": np.uint8(3)})
    numbers = [checked_count(np.int64(3), "n"), checked_seed(np.int64(-7)), labels["car"]]
    assert numbers == [3, -7, 3]
    assert {type(one) for one in numbers} == {int}


@pytest.mark.parametrize("given", [np.float64(2), np.bool_(True), Fraction(1, 2), "3"])
def test_a_count_is_whole_whatever_library_it_is_of(given: object) -> None:
    """What is rounded in silence is not what was asked."""
    with pytest.raises(QueryError, match="whole number"):
        checked_count(given, "n")


@pytest.mark.parametrize("weight", [10**400, Fraction(10**400), math.inf, math.nan, 0, -1, True])
def test_a_weight_that_is_no_share_is_refused(weight: float) -> None:
    """One that no float holds, too."""
    with pytest.raises(QueryError, match="greater than 0"):
        Query(dataset_name="d", weight=weight)


def test_weights_too_far_apart_for_an_epoch_are_refused() -> None:
    """No `len()` could say how long it is."""
    with pytest.raises(QueryError, match="maximum_number_of_frames"):
        synthetic_epoch([10, 9], [5e-324, 1e308])
    assert synthetic_epoch([10, 9], [1, 3]) == 40


@pytest.mark.parametrize("given", ["", "  ", [], ["car", ""]])
def test_a_rule_without_a_label_is_refused(given: str | list[str]) -> None:
    """No ROI has the label of no letters; a variable that was left empty asks for nothing."""
    with pytest.raises(QueryError, match="names no label"):
        DataView().add_query("d", roi_query=given)


@pytest.mark.parametrize("count", [2, [2], [0, 3], [-1, 3]])
def test_no_number_is_asked_of_rois_that_must_not_be(count: int | list[int]) -> None:
    """It would be dropped: `must_not` is that there is none."""
    with pytest.raises(QueryError, match="leave one of the two out"):
        RoiQuery("car", count_range=count, must_not=True)  # type: ignore[arg-type]
    same = [RoiQuery("car", one, must_not=True) for one in (None, [1], [-1, -1])]
    assert {one.condition() for one in same} == {same[0].condition()}


def test_a_stored_rule_with_a_number_that_means_nothing_stays_as_it_is() -> None:
    """Whoever stored it can go on opening the view."""
    rule = {"label": "car", "must_not": True, "count_range": [2, 3]}
    wire = {"filters": [{"dataset": "d", "label_rules": [rule]}]}
    spec = from_wire(wire)
    assert spec.queries[0].roi_queries[0].must_not
    made = to_wire(spec)["filters"]
    assert made == [{"dataset": "d", "label_rules": [rule]}]


def test_numbers_of_numpy_say_which_share_comes_and_where_it_begins(tmp_path: Path) -> None:
    """A worker's number often comes out of an array, or of another library."""
    with hyperstore.init(tmp_path / "store") as store:
        version = store.create_dataset("d").version()
        version.add_frames([SingleFrame(id=f"{at}", source=f"s3://b/{at}.png") for at in range(9)])
        view = DataView(store=store).add_query("d", "Current")
        whole, three = [one.id for one in view], np.int64(3)
        mine = view.get_iterator(worker_index=np.int64(1), num_workers=three)  # type: ignore[arg-type]
        assert [one.id for one in mine] == whole[1::3]
        view.set_initial_iteration(three)  # type: ignore[arg-type]
        assert [one.id for one in view] == whole[3:]


_HALF = "a\ud83d"  # The first half of a character that UTF-16 has in two.


@pytest.mark.parametrize("name", ["dataset_name", "dataset_id", "version_name", "version_id"])
def test_an_empty_name_is_not_one_that_was_left_out(name: str) -> None:
    """A variable that nobody set would ask for every dataset, or for the newest version."""
    said = {"dataset_name": "d", **({name: ""} if "version" in name else {})}
    with pytest.raises(QueryError, match=f"{name} is empty"):
        Query(**(said if "version" in name else {name: ""}))  # type: ignore[arg-type]
    with pytest.raises(QueryError, match=f"{name} is empty"):
        MappingRule(("car",), "x", **{name: ""})  # type: ignore[arg-type]


@pytest.mark.parametrize("label", [_HALF, [_HALF], [_HALF, "car"], {_HALF}])
def test_a_label_with_half_a_character_is_refused(label: str | list[str]) -> None:
    """No frame can have it, and to look for it fails in the middle of a query."""
    with pytest.raises(QueryError, match="unpaired surrogate"):
        RoiQuery(label)
    with pytest.raises(QueryError, match="unpaired surrogate"):
        MappingRule(label, "x")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["frame_query", "source_query"])
def test_a_query_with_half_a_character_is_a_query_error(name: str) -> None:
    """As whatever else cannot be read of it."""
    with pytest.raises(QueryError, match="unpaired surrogate"):
        Query(dataset_name="d", **{name: f"meta.k:{_HALF}"})  # type: ignore[arg-type]


def test_a_mapping_to_half_a_character_is_refused() -> None:
    """A table of what is mapped could not be made."""
    with pytest.raises(QueryError, match="to_label holds an unpaired surrogate"):
        MappingRule(("car",), _HALF)
    with pytest.raises(QueryError, match="unpaired surrogate"):
        checked_labels({_HALF: 1})


@pytest.mark.parametrize("labels", [{"car", 5}, {"car", None}, ["car", b"dog"]])
def test_a_label_that_is_no_text_is_named(labels: object) -> None:
    """Also one in a set, which is sorted."""
    with pytest.raises(UsageError, match="it holds"):
        RoiQuery(labels)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="it holds"):
        MappingRule(labels, "x")  # type: ignore[arg-type]


def test_sequences_of_numpy_are_labels_and_ranges() -> None:
    """They come out of tables more often than they are typed."""
    labels: list[str] = np.array(["car", "red"])  # type: ignore[assignment]
    counts: list[int] = np.array([1, 3])  # type: ignore[assignment]
    ends: list[float] = np.array([0.25, 1.0])  # type: ignore[assignment]
    view = DataView().add_query("d", roi_query=labels, count_range=counts)
    view.add_query("d", roi_query="car", conf_range=ends)
    view.add_mapping_rule(from_labels=labels[:1], to_label=np.str_("x"))
    (many,), (sure,) = (one.roi_queries for one in view.get_queries())
    assert (many.label, many.count_range) == (("car", "red"), (1, 3))
    assert sure.conf_range == (0.25, 1.0)
    (rule,) = view.get_mapping_rules()
    assert (rule.from_labels, rule.to_label) == (("car",), "x")
    assert json.loads(view.to_json()) == view.spec()


@pytest.mark.parametrize("given", [np.array(3), np.array("car")])
def test_an_array_without_a_dimension_is_no_list(given: object) -> None:
    """It says that it can be gone through, and cannot."""
    with pytest.raises(HyperstoreError, match="not array"):
        RoiQuery(given)  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="not array"):
        RoiQuery("car", conf_range=given)  # type: ignore[arg-type]


def test_any_label_beside_others_adds_nothing() -> None:
    """An ROI that has `car` has a label, too; none has the label `*`."""
    assert RoiQuery(["*", "car"]) == RoiQuery(["car"])
    assert RoiQuery(["*", "*"]) == RoiQuery("*")
    assert MappingRule(("*", "car"), "x") == MappingRule(("car",), "x")


@pytest.mark.parametrize("weight", [1e308, 10**300, 1e13, 1e-13, 5e-324])
def test_a_weight_that_cannot_be_kept_is_refused_where_it_is_said(weight: float) -> None:
    """It would be found out by who stores the view, or adds up weights."""
    with pytest.raises(QueryError, match="weight is a number greater than 0, from 1e-12 to 1e"):
        Query(dataset_name="d", weight=weight)


@pytest.mark.parametrize("weight", [1e12, 1e-12])
def test_the_widest_weights_are_stored_and_read(weight: float) -> None:
    """The bound is what plain data holds."""
    query = Query(dataset_name="d", weight=weight)
    (again,) = from_wire(to_wire(Spec(queries=[query]))).queries
    assert again.weight == weight


def test_of_a_long_number_a_message_says_where_it_ends() -> None:
    """Cut off, it would look like another number."""
    with pytest.raises(QueryError, match=r"of 63 bits, not 1000+\.\.\.0+7 \(\d+ characters\)"):
        checked_count(10**400 + 7, "n")
    with pytest.raises(QueryError, match="thousands of digits"):  # More than Python writes.
        checked_count(10**5000, "n")


def test_an_empty_label_is_shown_as_it_was_given() -> None:
    """As the text that it is."""
    with pytest.raises(QueryError, match=r"an empty one: ''; '\*' is any"):
        RoiQuery("  ")
