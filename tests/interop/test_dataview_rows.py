"""What the reference promises of data views, row by row; each test is named after its row."""

import pickle
import socket
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import pytest

from hyperstore import (
    Annotation,
    Dataset,
    DatasetVersion,
    FrameGroup,
    NotFoundError,
    PublishedError,
    QueryError,
    SingleFrame,
    UsageError,
)
from hyperstore.allegroai import DataView, IterationOrder, Task
from hyperstore.allegroai.clearml import DataView as NewerView
from hyperstore.allegroai.clearml import HyperDatasetQuery
from hyperstore.dataset.default import default_handle
from hyperstore.dataset.fetching import Fetched
from hyperstore.dataset.handle import unshare
from hyperstore.dataset.view import Frame
from hyperstore.query.iteration.iterator import FrameIterator
from hyperstore.query.views.queries import Query
from tests.support.webserver import web_server

pytestmark = pytest.mark.usefixtures("default_store")

Roi = tuple[list[str], float | None]


def frame(name: str, *rois: Roi, context: str = "road", at: int = 0, **meta: object) -> SingleFrame:
    """Return a frame with a box for each of these labels and confidences."""
    made = SingleFrame(
        id=name,
        source=f"s3://bucket/{name}.jpg",
        width=640 if at % 2 else 320,
        height=480,
        context_id=context,
        timestamp=at,
        metadata=meta,
    )
    for labels, confidence in rois:
        made.add_annotation(box2d_xywh=[1, 2, 3, 4], labels=labels, confidence=confidence)
    return made


@pytest.fixture
def cars() -> DatasetVersion:
    """Return a draft of six frames in two contexts.

    | frame | ROIs |
    | a0 | car |
    | a1 | car red 0.9, car 0.4 |
    | a2 | person 0.8 |
    | b0 | car, person, red |
    | b1 | none |
    | b2 | car 0.2, car 0.3, car 0.95 |
    """
    version = Dataset.create("cars").get_version()
    frames = [
        frame("a0", (["car"], None), at=0, night=True),
        frame("a1", (["car", "red"], 0.9), (["car"], 0.4), at=1, night=False),
        frame("a2", (["person"], 0.8), at=2),
        frame(
            "b0",
            (["car"], None),
            (["person"], None),
            (["red"], None),
            context="yard",
            at=0,
            night=True,
        ),
        frame("b1", context="yard", at=1),
        frame("b2", (["car"], 0.2), (["car"], 0.3), (["car"], 0.95), context="yard", at=2),
    ]
    assert version.add_frames(frames) == []
    return version


def asked(**said: object) -> DataView:
    """Return a view with one query of the draft."""
    view = DataView()
    view.add_query(dataset_name="cars", version_name="Current", **said)  # type: ignore[arg-type]
    return view


def ids(frames: object) -> list[str]:
    """Return the ids of frames."""
    return [one.id for one in frames]  # type: ignore[attr-defined]


def rois(frame: Frame) -> list[Annotation]:
    """Return the annotations of a frame that is no group."""
    assert isinstance(frame, SingleFrame)
    return frame.annotations


EVERY = ["a0", "a1", "a2", "b0", "b1", "b2"]


# Making one, and how it is gone through.


def test_vw_01_nothing_is_asked_before_an_iterator_is_needed() -> None:
    """A program defines its view before the dataset is there; what is wrong shows at use."""
    Dataset.create("cars")
    view = DataView("early", "sequential", False, 5, True, None)
    view.add_query(dataset_name="later", version_name="Current")
    with pytest.raises(NotFoundError, match="later"):
        view.get_count()
    Dataset.create("later").get_version().add_frames([frame("a")])
    assert ids(view) == ["a"]


def test_vw_01_an_unknown_argument_is_told_the_closest() -> None:
    """Of all that a view takes, in either age of the program."""
    with pytest.raises(TypeError, match="maximum_number_of_frames"):
        DataView(maximum_number_frames=3)


def test_vw_02_an_order_is_given_as_itself_or_by_name(cars: DatasetVersion) -> None:
    """`IterationOrder.random` and `'random'` are one order."""
    orders = []
    for given in (IterationOrder.random, "random"):
        view = asked()
        view.set_iteration_parameters(order=given, random_seed=3)
        orders.append(ids(view))
    assert orders[0] == orders[1] != EVERY
    assert sorted(orders[0]) == EVERY
    with pytest.raises(UsageError, match="'random'"):
        DataView(iteration_order="rondom")


def test_vw_03_a_view_connects_itself_with_the_task(cars: DatasetVersion) -> None:
    """Unless it is told not to; read-only is connected, too, as there is nothing to edit it."""
    task = Task.init("lab", "train")
    try:
        first, alone = DataView(), DataView(auto_connect_with_task=False)
        named = DataView("named", auto_connect_with_task="read_only")
        assert task.get_dataviews() == {"dataview_1": first, "named": named}
        assert alone not in task.get_dataviews().values()
    finally:
        task.close()


def test_vw_04_an_endless_view_goes_round_up_to_its_maximum(cars: DatasetVersion) -> None:
    """And a finite one repeats nothing, though the maximum is more than there is (C-53)."""
    view = asked()
    view.set_iteration_parameters(infinite=True, maximum_number_of_frames=9)
    assert ids(view) == [*EVERY, "a0", "a1", "a2"]
    view = asked()
    view.set_iteration_parameters(maximum_number_of_frames=9)
    assert ids(view) == EVERY


def test_vw_05_parameters_override_the_constructor(cars: DatasetVersion) -> None:
    """And those that are not given stay."""
    view = DataView(iteration_order="random", maximum_number_of_frames=4)
    view.add_query(dataset_name="cars", version_name="Current")
    view.set_iteration_parameters(order=IterationOrder.sequential)
    assert ids(view) == EVERY[:4]
    view.set_iteration_parameters(maximum_number_of_frames=2)
    assert ids(view) == EVERY[:2]


def test_vw_06_clips_stay_together(cars: DatasetVersion) -> None:
    """By frames, by milliseconds, and cut where two frames are too far apart."""
    view = asked()
    view.set_iteration_parameters(order="random", random_seed=1, clip_length=3)
    found = ids(view)
    assert sorted(found) == EVERY
    assert found in (EVERY, EVERY[3:] + EVERY[:3])
    spec = view.override({"iteration.clip_frames": None, "iteration.min_sequence": 2}).spec()
    assert spec["iteration"]["min_sequence"] == 2  # type: ignore[index]
    pairs = [tuple(ids(view)[at : at + 2]) for at in range(6)]
    assert ("a0", "a1") in pairs
    assert ("b0", "b1") in pairs
    view.set_iteration_parameters(jump_time=1)
    assert view.spec()["iteration"]["jump"] == {"time": 1}  # type: ignore[index]
    assert sorted(ids(view)) == EVERY


# Queries.


def test_vw_07_a_query_has_counts_and_confidences(cars: DatasetVersion) -> None:
    """Under the names that the documents leave open; `num_instances` is another one of them."""
    assert ids(asked(roi_query="car", count_range=[2, -1])) == ["a1", "b2"]
    assert ids(asked(roi_query="car", num_instances=[3])) == ["b2"]
    assert ids(asked(roi_query="car", num_instances=1)) == ["a0", "b0"]
    assert ids(asked(roi_query="car", conf_range=[0.9, 1.0])) == ["a0", "a1", "b0", "b2"]
    assert ids(asked(roi_query="car", conf_range=[-1, 0.4])) == ["a1", "b2"]
    assert ids(asked(roi_query="car", conf_range=[0, 0.4], count_range=[2])) == ["b2"]
    with pytest.raises(UsageError, match="exclude each other"):
        asked(roi_query="car", count_range=[1], num_instances=[1])


def test_vw_08_wildcards_stand_for_datasets_and_versions(cars: DatasetVersion) -> None:
    """As long as one query names a dataset."""
    other = Dataset.create("other").get_version()
    other.add_frames([frame("z", (["car"], None))])
    cars.create_snapshot(publish_name="spring")
    DatasetVersion.get_current(dataset_name="cars").add_frames([frame("c0", context="zoo")])
    view = DataView()
    view.add_query(dataset_name="cars", version_name="*")
    assert ids(view) == [*EVERY, "c0"]
    view.add_query(dataset_name="*", version_name="*", roi_query="car")
    assert sorted(ids(view)) == [*EVERY, "c0", "z"]
    alone = DataView()
    alone.add_query(dataset_name="*", version_name="*")
    with pytest.raises(QueryError, match="names a dataset"):
        alone.get_count()


def test_vw_09_roi_queries_have_four_forms(cars: DatasetVersion) -> None:
    """A label, labels of one ROI, Lucene, and everything, frames without ROIs too (C-34)."""
    assert ids(asked(roi_query="person")) == ["a2", "b0"]
    assert ids(asked(roi_query=["car", "red"])) == ["a1"]
    assert ids(asked(roi_query='label.keyword:"car" AND NOT label.keyword:"red"')) == [
        "a0",
        "a1",
        "b0",
        "b2",
    ]
    assert ids(asked(roi_query="*")) == ids(asked()) == EVERY


def test_vw_10_frames_and_sources_are_asked_in_lucene(cars: DatasetVersion) -> None:
    """And all parts of one query hold together."""
    assert ids(asked(frame_query="meta.night:true")) == ["a0", "b0"]
    assert ids(asked(source_query="width:640")) == ["a1", "b1"]
    assert ids(asked(source_query="sources.width:640", roi_query="car")) == ["a1"]


def test_vw_11_several_rules_about_rois_hold_together(cars: DatasetVersion) -> None:
    """Each of ROIs of its own."""
    view = DataView()
    view.add_multi_query(
        dataset_name="cars",
        version_name="Current",
        roi_queries=[DataView.RoiQuery(label="car"), DataView.RoiQuery(label="person")],
    )
    assert ids(view) == ["b0"]


def test_vw_12_a_rule_is_a_value(cars: DatasetVersion) -> None:
    """With the four arguments of the reference."""
    rule = DataView.RoiQuery(label="car", count_range=[2], conf_range=[0.1], must_not=None)
    assert rule == DataView.RoiQuery("car", (2, -1), (0.1, -1), False)
    assert (rule.label, rule.count_range, rule.conf_range) == ("car", (2, -1), (0.1, -1))
    assert ids(asked(roi_query=rule)) == ["a1", "b2"]


def test_vw_13_filters_are_alternatives(cars: DatasetVersion) -> None:
    """Rules in one filter hold all; a filter more shows more."""
    view = asked(roi_query="person")
    view.add_query(dataset_name="cars", version_name="Current", roi_query=["car", "red"])
    assert ids(view) == ["a1", "a2", "b0"]


def test_vw_14_an_excluding_rule_lets_no_roi_fit(cars: DatasetVersion) -> None:
    """As frames where no ROI at all has the label; those without ROIs are among them."""
    view = DataView()
    view.add_multi_query(
        dataset_name="cars",
        version_name="Current",
        roi_queries=[DataView.RoiQuery("car"), DataView.RoiQuery("red", must_not=True)],
    )
    assert ids(view) == ["a0", "b2"]
    assert ids(asked(roi_query="car", must_not=True)) == ["a2", "b1"]


def test_vw_15_rois_filter_in_three_ways(cars: DatasetVersion) -> None:
    """By the rules, by having none, and not at all."""
    assert ids(asked(roi_query="person", filter_by_roi="label_rules")) == ["a2", "b0"]
    assert ids(asked(filter_by_roi="no_rois")) == ["b1"]
    assert ids(asked(roi_query="person", filter_by_roi="disabled")) == EVERY
    with pytest.raises(QueryError, match="filter_by_roi"):
        asked(filter_by_roi="some")


def test_vw_16_queries_are_read_and_given_back(cars: DatasetVersion) -> None:
    """To a constructor, and to another view."""
    view = asked(roi_query="car", weight=3)
    assert [one.weight for one in view.get_queries()] == [3]
    assert ids(DataView(queries=view.get_queries())) == ids(view)
    more = asked(roi_query="person")
    more.add_queries(view.get_queries())
    assert ids(more) == ["a0", "a1", "a2", "b0", "b2"]
    with pytest.raises(UsageError, match="get_queries"):
        view.set_queries(["car"])  # type: ignore[list-item]


def test_vw_17_a_count_is_a_number_and_a_pair(cars: DatasetVersion) -> None:
    """Programs of either age index it, unpack it, print it and compare it (C-31, C-32)."""
    view = asked(roi_query="car")
    view.add_query(dataset_name="cars", version_name="Current", roi_query="person")
    count = view.get_count()
    total, by_query = count
    assert (total, by_query) == (count[0], count[1]) == (5, [4, 2])
    assert count == 5
    assert (str(count), f"{count:03}", count + 1, len(count)) == ("5", "005", 6, 2)
    assert pickle.loads(pickle.dumps(count))[1] == [4, 2]


def test_vw_17_versions_that_share_frames_count_them_once(cars: DatasetVersion) -> None:
    """Also within the one query that asks all of them."""
    cars.create_snapshot(publish_name="spring")
    view = DataView()
    view.add_query(dataset_name="cars", version_name="*", roi_query="car")
    assert list(view.get_count()) == [4, [4]]


# What comes out.


def test_vw_18_a_list_is_kept_while_nothing_changes(cars: DatasetVersion) -> None:
    """An edit of the draft, or of the view, makes it anew (C-33)."""
    view = asked(roi_query="person")
    first, second = view.to_list(), view.to_list()
    assert ids(first) == ["a2", "b0"]
    assert all(one is other for one, other in zip(first, second, strict=True))
    first.clear()  # The caller's own.
    cars.add_frames([frame("a3", (["person"], None), at=3)])
    assert ids(view.to_list()) == ["a2", "a3", "b0"]
    view.add_query(dataset_name="cars", version_name="Current", filter_by_roi="no_rois")
    assert ids(view.to_list()) == ["a2", "a3", "b0", "b1"]


def test_vw_18_a_list_balances_by_repetition(cars: DatasetVersion) -> None:
    """4 cars and 2 persons by equal shares: the cars once, the persons twice."""
    view = asked(roi_query="car")
    view.add_query(dataset_name="cars", version_name="Current", roi_query="label.keyword:person")
    listed = view.to_list(allow_repetition=True)
    assert len(listed) == 8
    with pytest.raises(QueryError, match="maximum_number_of_frames"):
        view.to_list(allow_repetition=True, auto_synthetic_epoch_limit=False)


def test_vw_19_dicts_have_what_is_projected(cars: DatasetVersion) -> None:
    """Without a projection all of a frame, with what only a reader knows."""
    view = asked(roi_query="person")
    assert view.to_dict(projection=["id", "rois.*.label"]) == [
        {"id": "a2", "rois": [{"label": ["person"]}]},
        {"id": "b0", "rois": [{"label": ["car"]}, {"label": ["person"]}, {"label": ["red"]}]},
    ]
    whole = view.to_dict()[0]
    assert whole["dataset"] == {"id": cars.dataset_id, "version": cars.id}
    assert (whole["context_id"], whole["timestamp"], whole["num_frames"]) == ("road", 2, 1)
    assert whole["saved_in_version"] == cars.id


def test_vw_20_an_iterator_takes_every_parameter(cars: DatasetVersion) -> None:
    """And gives frames, or dicts."""
    view = asked()
    iterator = view.get_iterator(
        projection=None,
        query_cache_size=10,
        query_queue_depth=5,
        allow_repetition=False,
        auto_synthetic_epoch_limit=None,
        node_id=0,
        worker_index=1,
        num_workers=2,
        cache_in_memory=False,
    )
    assert ids(iterator) == EVERY[1::2]
    assert next(view.get_iterator(["id"])) == {"id": "a0"}
    for said in (
        {"query_queue_depth": 0},
        {"worker_index": 2},
        {"node_id": 3},
        {"projection": ["a..b"]},
        {"projection": 5},
    ):
        with pytest.raises((UsageError, QueryError)):
            view.get_iterator(**said)


def test_vw_22_a_view_is_iterable_and_has_a_length(cars: DatasetVersion) -> None:
    """`next` works on what get_iterator returns, without `iter`."""
    view = asked()
    assert len(view) == 6
    assert [one.id for one in view] == EVERY
    iterator = view.get_iterator()
    assert (next(iterator).id, next(iterator).id) == ("a0", "a1")
    view.set_iteration_parameters(maximum_number_of_frames=4)
    assert len(view) == 4


def test_vw_23_a_split_is_exact_and_seeded(cars: DatasetVersion) -> None:
    """By frames, or by contexts, of which none is divided."""
    view = asked()
    first = view.split_to_lists(ratio=[80, 20])
    assert [len(part) for part in first] == [5, 1]
    assert sorted(ids([*first[0], *first[1]])) == EVERY
    assert [ids(part) for part in view.split_to_lists(ratio=[80, 20])] == [ids(p) for p in first]
    assert [len(part) for part in view.split_to_lists([1, 1, 1])] == [2, 2, 2]
    whole = view.split_to_lists([1, 1], by="context")
    assert sorted(ids(part) for part in whole) == [EVERY[:3], EVERY[3:]]
    for ratio in ([], [0, 1], [-1, 2], ["a"], [float("nan"), 1], 80):
        with pytest.raises((QueryError, UsageError)):
            view.split_to_lists(ratio)  # type: ignore[arg-type]


def test_vw_24_files_are_fetched_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, or without previews; once they are here nothing is asked again."""
    monkeypatch.setenv("HYPERSTORE_CACHE_DIR", str(tmp_path / "cache"))
    version = Dataset.create("web").get_version()
    with web_server() as web:
        for name in ("a", "b", "p"):
            web.files[f"{name}.jpg"] = name.encode()
        urls = {name: web.url(f"/files/{name}.jpg") for name in ("a", "b", "p")}
        frames = [
            SingleFrame(id="a", source=urls["a"], preview_uri=urls["p"]),
            SingleFrame(id="b", source=urls["b"]),
        ]
        assert version.add_frames(frames) == []
        view = DataView()
        view.add_query(dataset_name="web", version_name="Current")
        done = view.prefetch_files(wait=True, get_previews=False).wait()
        assert done == Fetched(frames=2, files=2)
        assert sorted(web.asked) == ["/files/a.jpg", "/files/b.jpg"]
        done = view.prefetch_local_sources(get_previews=True).wait()
        assert done == Fetched(frames=2, files=3)
        assert web.asked[2:] == ["/files/p.jpg"]


# Labels.


def test_vw_25_labels_have_numbers(cars: DatasetVersion) -> None:
    """On annotations, and on ROIs of dicts."""
    view = asked(roi_query="person")
    view.set_labels({"person": 1, "car": 2})
    assert view.get_labels() == {"person": 1, "car": 2}
    assert [one.label_enum for one in rois(view.to_list()[1])] == [2, 1, -1]
    said = view.to_dict(["rois.*.label_num"])
    assert said[1] == {"rois": [{"label_num": 2}, {"label_num": 1}, {"label_num": -1}]}


def test_vw_26_a_label_without_a_number_is_minus_one(cars: DatasetVersion) -> None:
    """And -1 may be said, as the documents do of what is to be ignored."""
    view = asked(roi_query="person")
    view.set_labels({"car": 0, "ignore": -1})
    assert [one.label_enum for one in rois(view.to_list()[1])] == [0, -1, -1]
    assert rois(cars.get_frame("a0"))[0].label_enum == -1


def test_vw_27_labels_are_mapped_by_the_first_rule_that_fits(cars: DatasetVersion) -> None:
    """What it names is replaced, and other labels stay (C-56, C-57)."""
    view = asked()
    view.add_mapping_rule(dataset_name="cars", from_labels=["red", "car"], to_label="red_car")
    view.add_mapping_rule(from_labels=["car"], to_label="vehicle")
    view.add_mapping_rule(dataset_name="*", version_name="*", from_labels="*", to_label="other")
    seen = {one.id: [roi.labels for roi in rois(one)] for one in view}
    assert seen["a1"] == [["red_car"], ["vehicle"]]
    assert seen["b0"] == [["vehicle"], ["other"], ["other"]]
    assert [one.labels for one in rois(cars.get_frame("b0"))] == [
        ["car"],
        ["person"],
        ["red"],
    ]
    with pytest.raises(QueryError, match=r"'vehicle' and to 'thing'"):
        view.add_mapping_rule(from_labels=["car"], to_label="thing")
    assert [one.to_label for one in view.get_mapping_rules()] == ["red_car", "vehicle", "other"]


def test_vw_27_a_rule_is_for_the_versions_that_it_names(cars: DatasetVersion) -> None:
    """Frames of others keep their labels."""
    Dataset.create("other").get_version().add_frames([frame("z", (["car"], None))])
    view = asked(roi_query="red")
    view.add_query(dataset_name="other", version_name="Current")
    view.add_mapping_rule(
        dataset_name="other", version_name="Current", from_labels=["car"], to_label="auto"
    )
    seen = {one.id: rois(one)[0].labels for one in view}
    assert (seen["z"], seen["b0"]) == (["auto"], ["car"])


def test_vw_28_queries_see_what_is_stored(cars: DatasetVersion) -> None:
    """A query for the target of a mapping finds nothing; numbers are those of targets."""
    view = asked(roi_query="vehicle")
    view.add_mapping_rule(from_labels=["car"], to_label="vehicle")
    assert view.get_count() == 0
    view = asked(roi_query="car")
    view.add_mapping_rule(from_labels=["car"], to_label="vehicle")
    view.set_labels({"vehicle": 7, "car": 1})
    assert rois(next(iter(view)))[0].label_enum == 7


# Keeping one.


def test_vw_29_a_view_is_a_draft_or_published(cars: DatasetVersion) -> None:
    """A published one does not change, unless by force."""
    view = asked(roi_query="car")
    assert view.status == "draft"
    view.store()
    assert view.status == "draft"
    view.publish()
    assert view.status == "published"
    view.set_iteration_parameters(random_seed=4)
    with pytest.raises(PublishedError, match="published"):
        view.store()
    view.store(force=True)
    assert DataView.get(dataview_id=view.id).get_iteration_parameters()["random_seed"] == 4


def test_vw_30_a_stored_view_is_had_by_id_in_any_process(cars: DatasetVersion) -> None:
    """And by its name, of several the one stored last, with a warning."""
    view = asked(roi_query="person")
    view.name = "people"
    view_id = view.store()
    text = f"from hyperstore import DataView; print([f.id for f in DataView.get({view_id!r})])"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == "['a2', 'b0']\n"
    assert DataView.get(dataview_name="people").id == view_id
    twin = asked(roi_query="car")
    twin.name = "people"
    twin.store()
    with pytest.warns(UserWarning, match="2 stored views are named 'people'"):
        assert DataView.get(dataview_name="people").id == twin.id
    with pytest.raises(NotFoundError, match="'people'"):
        DataView.get(dataview_name="peeple")
    with pytest.raises(UsageError, match="one of them"):
        DataView.get()


def test_vw_30_a_stored_view_outlives_a_rename(cars: DatasetVersion) -> None:
    """It names versions by id."""
    view_id = asked(roi_query="person").store()
    Dataset.get("cars").rename("automobiles")
    cars.set_version_name("old")
    assert ids(DataView.get(view_id)) == ["a2", "b0"]


def test_vw_31_an_iteration_has_a_position(cars: DatasetVersion) -> None:
    """It is read, and set for the iterators that follow."""
    view = asked()
    iterator = view.get_iterator()
    for _ in range(4):
        next(iterator)
    assert view.get_current_iteration() == 4
    view.set_initial_iteration(4)
    assert ids(view.get_iterator()) == ["b1", "b2"]
    with pytest.raises(QueryError):
        view.set_initial_iteration(-1)


def test_vw_32_frames_go_out_with_some_of_their_rois(cars: DatasetVersion) -> None:
    """All, those that fit, or one at a time."""
    view = asked(roi_query="car", conf_range=[0.25, 1])
    seen = {}
    for output in ("all_in_frame", "only_filtered", "frame_per_roi"):
        view.set_iteration_parameters(output_rois=output)
        seen[output] = [(one.id, [roi.confidence for roi in rois(one)]) for one in view]
    assert seen["all_in_frame"][-1] == ("b2", [0.2, 0.3, 0.95])
    assert seen["only_filtered"][-1] == ("b2", [0.3, 0.95])
    assert seen["frame_per_roi"] == [
        ("a0", [None]),
        ("a1", [0.9]),
        ("a1", [0.4]),
        ("b0", [None]),
        ("b2", [0.3]),
        ("b2", [0.95]),
    ]
    assert (len(view), int(view.get_count())) == (6, 4)


def test_vw_32_a_group_shows_some_of_its_rois(cars: DatasetVersion) -> None:
    """Its members share them out."""
    group = FrameGroup("g", None, left=frame("l", (["car"], None), (["dog"], None)))
    group["right"] = frame("r", (["dog"], None))
    cars.add_frames([group])
    view = asked(roi_query="dog")
    view.set_iteration_parameters(output_rois="only_filtered")
    found = view.to_list()[0]
    assert isinstance(found, FrameGroup)
    assert [one.labels for one in found["left"].annotations] == [["dog"]]
    assert [one.labels for one in found["right"].annotations] == [["dog"]]


def test_vw_33_a_seed_makes_the_order_again(cars: DatasetVersion) -> None:
    """Also where none is said: then it is 1337."""
    plain, said, other = asked(), asked(), asked()
    for view in (plain, said, other):
        view.set_iteration_parameters(order="random")
    said.set_iteration_parameters(random_seed=1337)
    other.set_iteration_parameters(random_seed=8)
    assert ids(plain) == ids(plain) == ids(said) != ids(other)


def test_vw_34_an_unchanged_view_stays_the_object_that_it_is(cars: DatasetVersion) -> None:
    """Stored again it moves nothing; a clone is another view that says the same."""
    view = asked(roi_query="car")
    view_id = view.store()
    handle = default_handle()
    with handle.database.reading() as reader:
        before = next(iter(reader.operations())).number
    assert view.store() == DataView.get(view_id).store() == view_id
    with handle.database.reading() as reader:
        assert next(iter(reader.operations())).number == before
    twin = view.clone()
    assert (twin.id, twin.spec()) == (None, view.spec())


def test_vw_35_augmentation_is_kept(cars: DatasetVersion) -> None:
    """It is no longer in the documents; what a stored view says of it comes back (C-48)."""
    sets = [{"cls": "affine", "types": ["rotate"], "strength": 0.5, "arguments": {}}]
    said = {"crop_around_rois": False, "sets": sets}
    view = DataView.from_spec({**asked().spec(), "augmentation": said})
    assert DataView.get(view.store()).spec()["augmentation"] == said


def test_vw_36_nodes_and_workers_share_one_iteration(cars: DatasetVersion) -> None:
    """Every frame goes to one of them."""
    view = asked()
    shares = [
        ids(view.get_iterator(node_id=node, num_nodes=2, worker_index=worker, num_workers=2))
        for node in (0, 1)
        for worker in (0, 1)
    ]
    assert sorted(name for share in shares for name in share) == EVERY
    assert [len(share) for share in shares] == [2, 1, 2, 1]


def test_vw_37_a_frame_says_which_rule_found_it(cars: DatasetVersion) -> None:
    """And how many ROIs fit each of the rule's own."""
    view = DataView()
    view.add_multi_query(
        dataset_name="cars",
        version_name="Current",
        roi_queries=[DataView.RoiQuery("car"), DataView.RoiQuery("red", must_not=True)],
    )
    view.add_query(dataset_name="cars", version_name="Current", roi_query="car", name="rest")
    said = view.to_dict(["id", "rule_name", "label_rule_counts"])
    assert said == [
        {"id": "a0", "rule_name": "rule_0", "label_rule_counts": {"0": 1, "1": 0}},
        {"id": "a1", "rule_name": "rest", "label_rule_counts": {"0": 2}},
        {"id": "b0", "rule_name": "rest", "label_rule_counts": {"0": 1}},
        {"id": "b2", "rule_name": "rule_0", "label_rule_counts": {"0": 3, "1": 0}},
    ]


def test_vw_38_frames_come_with_their_newer_version(cars: DatasetVersion) -> None:
    """Where that differs."""
    draft = cars.create_snapshot(publish_name="spring")
    draft.add_frames([frame("a2", (["dog"], None), at=2)])
    view = DataView()
    view.add_query(
        dataset_name="cars", version_name="spring", roi_query="person", merge_with=draft.id
    )
    said = view.to_dict(["id", "new_ver.rois.*.label"])
    assert said == [{"id": "a2", "new_ver": {"rois": [{"label": ["dog"]}]}}, {"id": "b0"}]


def test_vw_39_a_record_has_all_fields(cars: DatasetVersion) -> None:
    """Those of a server are empty."""
    view = asked(roi_query="car")
    view.name, view.description, view.project = "night", "by night", "lab"
    view.set_tags(["a"])
    view.store()
    record = view.record
    assert record is not None
    wanted = "id name description project user company created tags system_tags status versions"
    wanted += " filters iteration mapping labels_enumeration augmentation output_rois"
    assert set(wanted.split()) <= record.keys()
    assert (record["name"], record["project"], record["tags"]) == ("night", "lab", ["a"])
    assert record["versions"] == [{"dataset": cars.dataset_id, "version": cars.id}]


def test_vw_40_views_are_listed_moved_archived_and_deleted(cars: DatasetVersion) -> None:
    """With filters and pages; in bulk each for itself."""
    made = []
    for name in ("one", "two", "three"):
        view = asked(roi_query="car")
        view.name = name
        view.set_tags([name])
        view.store()
        made.append(view)
    one, two, three = made
    one.publish()
    two.archive()
    three.move("lab")
    one.set_labels({"car": 1})
    one.move("lab")
    assert {view.name for view in DataView.list()} == {"one", "two", "three"}
    assert [view.name for view in DataView.list(name="W")] == ["two"]
    assert {view.name for view in DataView.list(project="lab")} == {"one", "three"}
    assert DataView.get(dataview_name="one").get_labels() == {}  # What was published stays.
    assert [view.name for view in DataView.list(tags=["one"])] == ["one"]
    assert [view.name for view in DataView.list(only_published=True)] == ["one"]
    assert {view.name for view in DataView.list(include_archived=False)} == {"one", "three"}
    assert [len(DataView.list(page=at, page_size=2)) for at in range(3)] == [2, 1, 0]
    two.unarchive()
    assert len(DataView.list(include_archived=False)) == 3
    with pytest.raises(PublishedError):
        one.delete()
    wanted = [view.id or "" for view in made]
    done = DataView.delete_many([*wanted, "nothing"])
    assert done.succeeded == wanted[1:]
    assert {view_id: type(why) for view_id, why in done.failed.items()} == {
        wanted[0]: PublishedError,
        "nothing": NotFoundError,
    }
    one.delete(force=True)
    assert DataView.list() == []


def test_vw_40_publishing_archiving_and_moving_in_bulk(cars: DatasetVersion) -> None:
    """As deletion."""
    wanted = [asked(roi_query=label).store() for label in ("car", "person")]
    assert DataView.publish_many([*wanted, "x"]).succeeded == wanted
    assert [view.status for view in DataView.list()] == ["published"] * 2
    assert list(DataView.archive_many([*wanted, "x"]).failed) == ["x"]
    assert DataView.list(include_archived=False) == []
    assert DataView.move_many(wanted, "lab").failed == {}
    assert len(DataView.list(project="lab")) == 2


def test_vw_41_a_view_without_a_name_gets_one_when_it_is_stored(cars: DatasetVersion) -> None:
    """It says who and when."""
    view = asked(roi_query="car")
    view.store()
    assert (view.name or "").startswith("Anonymous dataview (")
    assert socket.gethostname() in (view.name or "")
    assert view.description.startswith("Auto-generated on ")


def test_vw_42_rois_of_a_batch_are_counted_by_label(cars: DatasetVersion) -> None:
    """As the view shows them."""
    view = asked()
    assert view.roi_stats() == {"car": 7, "person": 2, "red": 2}
    view.add_mapping_rule(from_labels=["person"], to_label="car")
    assert view.roi_stats(view.to_list()[2:4]) == {"car": 3, "red": 1}


def test_vw_43_views_and_iterators_travel_to_workers(cars: DatasetVersion) -> None:
    """They pickle, an iterator with where it stands."""
    view = asked(roi_query="car")
    view.set_labels({"car": 1})
    view.add_mapping_rule(from_labels=["red"], to_label="colour")
    view.set_iteration_parameters(output_rois="only_filtered")
    iterator = view.get_iterator()
    first = next(iterator)
    again, rest = pickle.loads(pickle.dumps((view, iterator)))
    assert isinstance(rest, FrameIterator)
    assert [first.id, *ids(rest)] == ids(again) == ["a0", "a1", "b0", "b2"]
    told = pickle.loads(pickle.dumps(next(iter(view))))
    assert [one.label_enum for one in rois(told)] == [1]


def test_vw_44_parameters_are_set_by_name(cars: DatasetVersion) -> None:
    """Data are hyper-parameters: no code changes for another weight, seed or query."""
    view = asked(roi_query="car", weight=2)
    view.override(
        {
            "filters.0.label_rules.0.label": "person",
            "filters.0.weight": 3,
            "iteration.random_seed": 5,
        }
    )
    assert ids(view) == ["a2", "b0"]
    assert view.get_queries()[0].weight == 3
    before = view.spec()
    with pytest.raises(QueryError, match="'weight'"):
        view.override({"filters.0.wait": 3})
    assert view.spec() == before


# Weights.


def test_weights_are_shares_of_what_comes_out(cars: DatasetVersion) -> None:
    """1 to 3: 4 cars take a quarter, so an epoch has 16 frames; one more or less by the seed."""
    view = asked(roi_query="car", weight=1)
    view.add_query(dataset_name="cars", version_name="Current", filter_by_roi="no_rois", weight=3)
    drawn = Counter(ids(view.get_iterator(allow_repetition=True)))
    assert sum(drawn.values()) == 16
    assert abs(drawn.pop("b1") - 12) <= 1
    assert max(drawn.values()) <= 2


def test_weights_may_be_multiples_of_what_is_natural(cars: DatasetVersion) -> None:
    """4 cars once and 1 empty frame twice as often as it comes by itself: 4 to 2."""
    view = asked(roi_query="car")
    view.add_query(dataset_name="cars", version_name="Current", filter_by_roi="no_rois", weight=2)
    view.set_iteration_parameters(relative_weights=True)
    drawn = Counter(ids(view.get_iterator(allow_repetition=True)))
    assert drawn == {"a0": 1, "a1": 1, "b0": 1, "b2": 1, "b1": 2}


def test_a_share_is_that_of_a_query_however_many_versions_it_has(cars: DatasetVersion) -> None:
    """Three versions of one dataset share frames; together they have the share of one query."""
    for name in ("one", "two"):
        DatasetVersion.get_current(dataset_name="cars").create_snapshot(publish_name=name)
    view = DataView()
    view.add_query(dataset_name="cars", version_name="*", roi_query="car")
    view.add_query(dataset_name="cars", version_name="Current", filter_by_roi="no_rois")
    drawn = Counter(ids(view.get_iterator(allow_repetition=True)))
    assert drawn == {"a0": 1, "a1": 1, "b0": 1, "b2": 1, "b1": 4}


# The newer names.


def test_tk_04_the_newer_view_takes_ids_and_gives_entries(cars: DatasetVersion) -> None:
    """With queries as objects, and iteration by its own words."""
    view = NewerView(
        "newer",
        description="by id",
        tags=["a"],
        iteration_random_seed=3,
        iteration_limit=2,
        project_name="lab",
    )
    query = view.add_query(
        dataset_id=cars.dataset_id,
        version_id=cars.id,
        label_rules=[{"label": "car", "count_range": [2, -1]}],
        weight=2.0,
    )
    assert isinstance(query, HyperDatasetQuery)
    assert (query.dataset_id, query.version_id, query.weight) == (cars.dataset_id, cars.id, 2)
    assert view.get_queries() == [query]
    assert [type(one).__name__ for one in view] == ["DataEntryImage"] * 2
    assert [one.id for one in view.to_list()] == ["a1", "b2"]
    assert view.get_iteration_parameters() == {
        "order": "sequential",
        "infinite": False,
        "limit": 2,
        "random_seed": 3,
    }
    view.set_iteration_parameters(infinite=True, limit=None)
    with pytest.raises(ValueError, match="endless"):
        view.to_list()
    stored = NewerView.get(dataview_id=view.store(project_name="other"))
    assert (stored.project, stored.tags, stored.description) == ("other", ["a"], "by id")


def test_the_newer_view_asks_any_version_where_none_is_named(cars: DatasetVersion) -> None:
    """`*` stands where an id is left out, and a project narrows datasets."""
    Dataset.create("other", dataset_project="lab").get_version().add_frames([frame("z")])
    view = NewerView()
    view.add_query(dataset_id=cars.dataset_id, label_rules=[])
    view.add_query(project_id="lab")
    assert {one.id for one in view} == {*EVERY, "z"}
    with pytest.raises(UsageError, match="label rule"):
        view.add_query(dataset_id=cars.dataset_id, label_rules=[{"labels": "car"}])


# Tasks.


def test_tk_01_a_view_is_connected(cars: DatasetVersion) -> None:
    """As a dict is, and is returned."""
    task = Task.init("lab", "train")
    try:
        view = DataView(auto_connect_with_task=False)
        assert task.connect(view) is view
        assert task.get_dataviews() == {"dataview_1": view}
        assert task.connect(view, name="val") is view
        assert "val" in task.get_dataviews()
    finally:
        task.close()


def test_tk_02_to_tk_03_views_of_a_task_are_listed_and_removed(cars: DatasetVersion) -> None:
    """From its record by any other process."""
    task = Task.init("lab", "train")
    try:
        view = asked(roi_query="person")
        assert ids(view) == ["a2", "b0"]
        task.flush()
        found = Task.get_task(task_id=task.id).get_dataviews()
        assert list(found) == ["dataview_1"]
        assert isinstance(found["dataview_1"], DataView)
        assert ids(found["dataview_1"]) == ["a2", "b0"]
        task.remove_dataviews()
        assert task.get_dataviews() == Task.get_task(task_id=task.id).get_dataviews() == {}
    finally:
        task.close()


def test_tk_04_a_view_is_set_by_itself_or_by_id(cars: DatasetVersion) -> None:
    """As what the task is about."""
    stored = asked(roi_query="person")
    stored.name = "people"
    view_id = stored.store()
    task = Task.init("lab", "train")
    try:
        task.set_dataview(view_id)
        assert task.get_dataviews()["people"].id == view_id
        assert task.run.extra["dataview"] == "people"
        with pytest.raises(NotFoundError):
            task.set_dataview("x" * 32)
    finally:
        task.close()


def test_tk_06_the_record_has_what_a_view_came_to(cars: DatasetVersion) -> None:
    """By the content of each version, which is the same wherever the same frames are."""
    task = Task.init("lab", "train")
    try:
        view = asked(roi_query="person")
        view.get_count()
        recorded = Task.get_task(task_id=task.id).run.extra["dataviews"]["dataview_1"]  # type: ignore[index]
        assert recorded["spec"] == view.spec()
        assert recorded["versions"] == [
            {"content": cars.content_id, "dataset": cars.dataset_id, "version": cars.id}
        ]
        cars.add_frames([frame("a9", (["person"], None))])
        view.get_count()
        view.set_labels({"person": 1})
        task.flush()
        recorded = Task.get_task(task_id=task.id).run.extra["dataviews"]["dataview_1"]  # type: ignore[index]
        assert recorded["versions"][0]["content"] == cars.content_id
        assert recorded["spec"]["labels_enumeration"] == {"person": 1}
    finally:
        task.close()


# Rows of others that data views meet.


def test_or_01_to_or_02_frames_come_by_context_then_time(cars: DatasetVersion) -> None:
    """Contexts in one piece, over all versions of a view."""
    other = Dataset.create("other").get_version()
    other.add_frames([frame("x", context="road", at=1), frame("y", context="quay", at=9)])
    view = asked()
    view.add_query(dataset_name="other", version_name="Current")
    found = [(one.context_id, one.timestamp, one.id) for one in view]
    assert found == sorted(found, key=lambda one: one[:2])
    assert [one[2] for one in found][:4] == ["y", "a0", "a1", "x"]


def test_or_04_frames_are_aggregated_by_context_where_asked(cars: DatasetVersion) -> None:
    """One snippet a context, with how many frames it stands for; else every frame."""
    said = [(one["context_id"], one["num_frames"]) for one in cars.get_snippets()]
    assert said == [("road", 3), ("yard", 3)]
    assert len(asked().to_dict(["id"])) == 6


def test_or_05_a_context_is_browsed_from_a_time_both_ways(cars: DatasetVersion) -> None:
    """On from there, and back from there."""
    assert ids(cars.get_iterator(context="yard", start=1)) == ["b1", "b2"]
    assert ids(cars.get_iterator(context="yard", stop=2, reverse=True)) == ["b1", "b0"]
    view = asked(roi_query="car")
    view.set_iteration_parameters(order="random", infinite=True)
    assert ids(view.browse("yard", 1)) == ["b2"]
    assert ids(view.browse("yard", 1, backwards=True)) == ["b0"]


def test_lq_12_an_roi_query_holds_within_one_roi(cars: DatasetVersion) -> None:
    """A frame query sees the flattened frame."""
    assert ids(asked(roi_query="label:car AND label:red")) == ["a1"]
    assert ids(asked(frame_query="rois.label:car AND rois.label:red")) == ["a1", "b0"]
    assert ids(asked(source_query="width:640 AND uri:*a1*")) == ["a1"]


def test_or_07_frames_and_groups_share_a_context(cars: DatasetVersion) -> None:
    """And stand in it in their order."""
    members = {name: SingleFrame(source=f"s3://bucket/{name}.jpg") for name in ("left", "right")}
    group = FrameGroup("g", None, members)
    group.context_id, group.timestamp = "yard", 1
    assert cars.add_frames([group]) == []
    assert ids(asked())[3:] == ["b0", "b1", "g", "b2"]


def test_md_07_dates_are_asked_in_ranges(cars: DatasetVersion) -> None:
    """As the text that they are kept as."""
    cars.add_frames([frame("d", updated="2024-10-25T12:00:00Z"), frame("e", updated="2024-11-01")])
    assert ids(asked(frame_query="meta.updated:[2024-10-20 TO 2024-10-30]")) == ["d"]


def test_st_12_a_list_is_cached_and_an_iterator_is_not(cars: DatasetVersion) -> None:
    """The same frames again, or new ones."""
    view = asked(roi_query="person")
    assert view.to_list()[0] is view.to_list()[0]
    assert next(iter(view)) is not next(iter(view))


# Which versions a query sees.


def test_queries_see_drafts_published_versions_tags_and_commits(cars: DatasetVersion) -> None:
    """Each of them by its name or id."""
    first = cars.commit("First")
    assert first is not None
    cars.tag("v1")
    cars.add_frames([frame("c0", (["person"], None), context="zoo")])
    second = cars.commit("Second")
    assert second is not None
    cars.delete_frames(["a2"])
    wanted = {
        "Current": ["b0", "c0"],
        cars.id: ["b0", "c0"],
        "v1": ["a2", "b0"],
        second: ["a2", "b0", "c0"],
        first[:10]: ["a2", "b0"],
    }
    for version, found in wanted.items():
        view = DataView()
        view.add_query(dataset_name="cars", version_name=version, roi_query="person")
        assert ids(view) == found, version
    child = cars.create_snapshot(publish_name="spring")
    child.delete_frames(["b0"])
    view = DataView()
    view.add_query(dataset_name="cars", version_name="spring", roi_query="person")
    assert ids(view) == ["b0", "c0"]


def test_a_draft_is_seen_as_others_see_it(cars: DatasetVersion) -> None:
    """Not what a batch gathers, before its block ends."""
    view = asked()
    with cars.batch():
        cars.add_frames([frame("c0", context="zoo")])
        assert ids(view) == EVERY
    assert ids(view) == [*EVERY, "c0"]


def test_an_iterator_stays_with_the_state_that_it_began_with(cars: DatasetVersion) -> None:
    """Whatever is written meanwhile (C-60)."""
    iterator = asked().get_iterator()
    next(iterator)
    cars.delete_frames(EVERY[3:])
    assert ids(iterator) == EVERY[1:]


def test_a_deleted_version_is_one_clear_error_at_use(cars: DatasetVersion) -> None:
    """Of a view that was made, or stored, before."""
    child = cars.create_snapshot(publish_name="spring")
    view = DataView()
    view.add_query(dataset_name="cars", version_name="Current")
    view.store()
    Dataset.get("cars").delete_version(version_id=child.id, force=True)
    with pytest.raises(NotFoundError, match=r"dataset .cars.: no version .*undo"):
        view.get_count()
    Dataset.delete("cars", delete_all_versions=True, force=True)
    with pytest.raises(NotFoundError, match="not in this store"):
        view.get_count()


# Bad input.


@pytest.mark.parametrize(
    "said",
    [
        {"roi_query": "label:("},
        {"frame_query": "meta.x:["},
        {"frame_query": "colour:red"},
        {"source_query": "label:car"},
        {"weight": 0},
        {"weight": -1},
        {"weight": float("nan")},
        {"roi_query": []},
        {"roi_query": [3]},
        {"roi_query": "car", "count_range": [3, 1]},
        {"roi_query": "car", "conf_range": [0, 2]},
        {"dataset_id": "x"},
        {"version_id": "x"},
    ],
)
def test_a_query_that_means_nothing_is_refused_where_it_is_typed(said: dict[str, object]) -> None:
    """And the view is as it was."""
    view = DataView()
    with pytest.raises((QueryError, UsageError)):
        view.add_query(dataset_name="cars", version_name="Current", **said)  # type: ignore[arg-type]
    assert view.get_queries() == []


def test_types_that_clash_are_refused_at_use(cars: DatasetVersion) -> None:
    """No frame's night is a date."""
    with pytest.raises(QueryError, match="night"):
        asked(frame_query="meta.night:>abc").get_count()
    with pytest.raises(QueryError, match="nihgt"):
        asked(frame_query="meta.nihgt:true").get_count()


def test_a_view_without_a_query_has_no_frames(cars: DatasetVersion) -> None:
    """An error, rather than an epoch of nothing."""
    for use in (DataView.get_count, DataView.to_list, DataView.__len__, DataView.get_iterator):
        with pytest.raises(QueryError, match="add_query"):
            use(DataView())


def test_a_view_that_finds_nothing_is_empty(cars: DatasetVersion) -> None:
    """That is an answer."""
    view = asked(roi_query="unicorn")
    assert (list(view.get_count()), list(view), view.to_dict()) == ([0, [0]], [], [])
    assert view.split_to_lists([1, 1]) == [[], []]


@pytest.mark.parametrize(
    "said",
    [
        {"maximum_number_of_frames": 0},
        {"maximum_number_of_frames": -1},
        {"maximum_number_of_frames": True},
        {"order": "sideways"},
        {"random_seed": "5"},
        {"clip_length": 0},
        {"output_rois": "most"},
        {"infinite": 1},
    ],
)
def test_an_iteration_that_means_nothing_is_refused(said: dict[str, object]) -> None:
    """A limit of 0 would be an epoch of nothing."""
    view = DataView()
    before = view.spec()
    with pytest.raises((QueryError, UsageError)):
        view.set_iteration_parameters(**said)  # type: ignore[arg-type]
    assert view.spec() == before


def test_a_view_that_is_unpickled_where_its_store_is_not(
    cars: DatasetVersion, default_store: Path, tmp_path: Path
) -> None:
    """One clear error, when it is read."""
    view = asked(roi_query="car")
    view.get_count()
    path = tmp_path / "view.pickle"
    path.write_bytes(pickle.dumps(view))
    unshare(default_store)
    default_store.rename(tmp_path / "elsewhere")
    text = f"import pickle; v = pickle.load(open({str(path)!r}, 'rb')); v.get_count()"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert "NotFoundError" in done.stderr.splitlines()[-1]


def test_queries_are_values() -> None:
    """What somebody got from a view does not change it."""
    query = Query(dataset_name="cars", version_name="Current")
    with pytest.raises(AttributeError):
        query.weight = 3  # type: ignore[misc]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert hash(query) == hash(Query(dataset_name="cars", version_name="Current"))
