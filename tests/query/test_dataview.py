"""DataView beside what its rows promise: weights, splits, plain data, explanations, pickles."""

import copy
import json
import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import hyperstore
from hyperstore import DatasetVersion, DataView, QueryError, SingleFrame, Store, UsageError
from hyperstore.frames.home import Home
from hyperstore.limits import FRAME_ID_BYTES_MAX
from hyperstore.query.views.counts import Count, exact_parts
from hyperstore.query.views.mapping import MappingRule, mapped, rules_for
from hyperstore.query.views.queries import Query
from hyperstore.query.views.resolved import Resolved
from hyperstore.query.views.splitting import dealt, grouped
from tests.support.stores import frame
from tests.support.webserver import web_server


@pytest.fixture
def draft(store: Store) -> DatasetVersion:
    """Return a draft of 12 frames in three contexts, every third one of a dog, others of cats."""
    version = store.create_dataset("pets").version()
    version.add_frames([frame(at, "cat" if at % 3 else "dog") for at in range(12)])
    return version


def view_of(store: Store, **said: object) -> DataView:
    """Return a view of the draft with one query."""
    return DataView(store=store).add_query("pets", "Current", **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("total", "ratio", "sizes"),
    [
        (10, [80, 20], [8, 2]),
        (7, [80, 20], [6, 1]),
        (3, [1, 1], [2, 1]),
        (10, [0.1, 0.2, 0.7], [1, 2, 7]),
        (1, [1, 2, 1], [0, 1, 0]),
        (0, [1, 1], [0, 0]),
        (1000, [1], [1000]),
    ],
)
def test_shares_are_exact(total: int, ratio: list[float], sizes: list[int]) -> None:
    """Of what rounding leaves the largest rests get one each, the first of equal ones first."""
    assert exact_parts(total, ratio) == sizes


def test_groups_are_dealt_whole_and_as_even_as_they_allow() -> None:
    """Large ones first: 5, 3, 2 and 2 make 6 and 6 by no other way than 5 alone, or with none."""
    groups = grouped("aaaaabbbccdd")
    assert groups == [[0, 1, 2, 3, 4], [5, 6, 7], [8, 9], [10, 11]]
    for seed in range(10):
        parts = dealt(groups, [1, 1], seed)
        assert sorted(place for part in parts for place in part) == list(range(12))
        assert sorted(map(len, parts)) == [5, 7]
        for group in groups:
            assert sum(set(group) <= set(part) for part in parts) == 1


def test_groups_that_share_a_place_are_one() -> None:
    """A frame whose context another version changed binds both contexts together."""
    assert grouped(["ax", "b", "c", "bx", "d", "cy", "az"]) == [[0, 1, 3, 6], [2, 5], [4]]


@pytest.mark.parametrize("by", ["frame", "context"])
def test_no_picture_is_in_two_lists_of_a_split(
    store: Store, draft: DatasetVersion, by: str
) -> None:
    """A frame edited in one of two versions comes as it is in both, and was trained and tested."""
    draft.commit("First")
    draft.tag("v1")
    edited = [frame(at, "fox") for at in range(12)]
    for one in edited:
        one["context_id"] = f"new {one['context_id']}"
    draft.update_frames(edited)
    view = view_of(store).add_query("pets", "v1")
    assert (view.get_count(), len({one.id for one in view})) == (24, 12)
    for seed in range(5):
        lists = view.split_to_lists([1, 1], seed=seed, by=by)
        assert sum(map(len, lists)) == 24
        first, second = ({one.id for one in part} for part in lists)
        assert first.isdisjoint(second)
        assert all((first, second))


def test_rois_of_one_frame_are_in_one_list_of_a_split(store: Store) -> None:
    """By output_rois="frame_per_roi" its picture comes once for each."""
    version = store.create_dataset("crowds").version()
    frames = [frame(at) for at in range(8)]
    for one in frames:
        one["rois"] = [{"label": [name]} for name in ("cat", "dog", "fox")]
    version.add_frames(frames)
    view = DataView(store=store, output_rois="frame_per_roi").add_query("crowds")
    lists = view.split_to_lists([1, 1])
    assert [Counter(Counter(one.id for one in part).values()) for part in lists] == [{3: 4}] * 2


def test_splits_of_other_seeds_differ(store: Store, draft: DatasetVersion) -> None:
    """And those of one are one."""
    view = view_of(store)
    drawn = [
        tuple(one.id for one in view.split_to_lists([1, 1], seed=seed)[0]) for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("labels", "seen"),
    [
        (["car", "red"], ["red car"]),
        (["red", "wet", "car"], ["red car", "wet"]),
        (["car", "wet"], ["vehicle", "wet"]),
        (["car", "vehicle"], ["vehicle"]),
        (["red"], ["red"]),
        ([], []),
    ],
)
def test_the_first_rule_that_fits_is_taken(labels: list[str], seen: list[str]) -> None:
    """Its target stands where the first of its labels stood, once."""
    rules = [MappingRule(("car", "red"), "red car"), MappingRule(("car",), "vehicle")]
    assert mapped(labels, rules) == seen
    given = list(labels)
    mapped(given, rules)
    assert given == labels


def test_a_rule_for_any_label_leaves_rois_without_one() -> None:
    """There is nothing to be mapped."""
    rule = MappingRule(("*",), "thing")
    assert mapped(["a", "b"], [rule]) == ["thing"]
    assert mapped([], [rule]) == []


def test_rules_are_for_datasets_versions_and_commits() -> None:
    """By ids; a rule that names none is for all."""
    home = Home("", "d1", "cells", "v1", "Current", commit="c1")
    by = {
        "any": MappingRule(("a",), "x"),
        "dataset": MappingRule(("a",), "x", dataset_id="d1"),
        "version": MappingRule(("a",), "x", dataset_id="d1", version_id="v1"),
        "commit": MappingRule(("a",), "x", dataset_id="d1", version_id="c1"),
        "other dataset": MappingRule(("a",), "x", dataset_id="d2"),
        "other version": MappingRule(("a",), "x", dataset_id="d1", version_id="v2"),
    }
    found = rules_for(list(by.values()), home)
    assert [name for name, one in by.items() if one in found][:4] == list(by)[:4]
    assert len(found) == 4


def test_a_count_is_a_number_in_all_that_takes_one() -> None:
    """In JSON, in a format, as an index, as a key; and no list where it is empty."""
    count = Count(3, [2, 1])
    assert json.dumps({"count": count}) == '{"count": 3}'
    assert {3: "three"}[count] == "three"
    assert list(range(5))[count] == 3
    assert (bool(Count(0, [0])), count > 2, f"{count:,}") == (False, True, "3")
    total, (first, second) = count  # type: ignore[misc]
    assert (total, first, second) == (3, 2, 1)
    assert count[-1] == [2, 1]
    count[1].append(9)  # type: ignore[union-attr]
    assert count[1] == [2, 1]


def test_weights_hold_for_an_endless_view(store: Store, draft: DatasetVersion) -> None:
    """3 to 1 at every moment, to within a draw or two."""
    view = view_of(store, roi_query="dog", weight=3)
    view.add_query("pets", "Current", roi_query="cat")
    view.set_iteration_parameters(infinite=True, maximum_number_of_frames=40)
    drawn = Counter(one.annotations[0].labels[0] for one in view if isinstance(one, SingleFrame))
    assert abs(drawn["dog"] - 30) <= 2
    assert drawn.total() == len(view) == 40


def test_an_epoch_of_frames_for_each_roi_shows_each_of_these(store: Store) -> None:
    """It is as long as the ROIs that are dealt; a query that finds frames without one has none."""
    version = store.create_dataset("pets").version()
    frames = [frame(at, "cat") for at in range(4)]
    for one in frames[:3]:
        one["rois"] = [{"label": ["dog"], "poly": [1, 1, 5, 1, 5, 5 + k]} for k in range(5)]
    frames[3]["rois"] = []
    version.add_frames(frames)
    view = view_of(store, roi_query="dog")
    view.set_iteration_parameters(output_rois="frame_per_roi")
    once = Counter(one.id for one in view)
    assert sorted(once.values()) == [5, 5, 5]
    assert Counter(one.id for one in view.get_iterator(allow_repetition=True)) == once
    view.add_query("pets", "Current", frame_query="NOT _exists_:rois", weight=7)
    assert Counter(one.id for one in view.get_iterator(allow_repetition=True)) == once
    view.set_iteration_parameters(infinite=True, maximum_number_of_frames=30)
    assert Counter(one.id for one in view) == Counter(dict.fromkeys(once, 10))


def test_a_frame_of_two_queries_comes_once_for_a_roi_that_is_seen(store: Store) -> None:
    """The ROIs of a frame are those that its first query asks for, whichever draws it."""
    version = store.create_dataset("pets").version()
    cats = [{"label": ["cat"], "poly": [1, 1, 5, 1, 5, 5]}] * 3
    dog = {"label": ["dog"], "poly": [2, 2, 5, 2, 5, 5]}
    version.add_frames([{**frame(at), "rois": [*cats, dog]} for at in range(5)])
    view = view_of(store, roi_query="cat").add_query("pets", "Current", "dog", weight=2)
    view.set_iteration_parameters(output_rois="frame_per_roi")
    cat = {"rois": [{"label": ["cat"]}]}
    assert view.to_dict(["rois.*.label"]) == [cat] * 15
    drawn = view.get_iterator(["rois.*.label"], allow_repetition=True)
    assert all(one == cat for one in drawn)


def test_a_query_without_a_frame_takes_no_share(store: Store, draft: DatasetVersion) -> None:
    """Its weight is not waited for."""
    view = view_of(store, roi_query="dog")
    view.add_query("pets", "Current", roi_query="unicorn", weight=99)
    assert len(list(view.get_iterator(allow_repetition=True))) == 4


def test_names_that_are_not_there_yet_are_kept_as_names(store: Store) -> None:
    """And become ids as soon as they are found."""
    view = DataView(store=store).add_query("later", "v1", roi_query="cat")
    assert view.spec()["filters"] == [
        {"dataset_name": "later", "version_name": "v1", "label_rules": [{"label": "cat"}]}
    ]
    again = DataView.from_json(view.to_json(), store=store)
    version = store.create_dataset("later").version()
    version.add_frames([frame(1)])
    version.commit("One")
    version.tag("v1")
    assert again.get_count() == 1
    assert again.spec()["filters"] == [
        {"dataset": version.dataset_id, "label_rules": [{"label": "cat"}], "version": version.head}
    ]


def test_a_view_as_plain_data_is_the_same_view(store: Store, draft: DatasetVersion) -> None:
    """Also as JSON; what is none is refused."""
    view = view_of(store, roi_query="dog")
    view.set_labels({"dog": 1})
    twin = DataView.from_spec(view.spec(), store=store)
    assert [one.id for one in twin] == [one.id for one in view]
    assert DataView.from_json(view.to_json(), store=store).spec() == view.spec()
    for text in ("{", "[]", '{"filters": 3}', '"a"'):
        with pytest.raises((UsageError, QueryError)):
            DataView.from_json(text)


def test_explaining_says_what_is_asked_and_read(store: Store, draft: DatasetVersion) -> None:
    """By query and version; a query for everything reads nothing."""
    view = view_of(store, roi_query="dog", conf_range=[0.5, 1], frame_query="timestamp:>3")
    view.add_query("pets", "Current")
    said = view.explain()
    assert (said.count, [one.count for one in said.parts]) == (12, [2, 12])
    first, second = said.parts
    assert (first.query, first.version, first.frames) == (0, "pets@Current", 12)
    assert first.fields == ("rois.confidence", "rois.label", "timestamp")
    assert first.columns > 0
    assert (second.columns, second.asks) == (0, ())
    text = str(said)
    assert "query 0 of pets@Current: 2 of 12" in text
    assert "ROI: label.keyword:" in text
    assert "confidence 0.5 to 1" in text
    assert json.loads(json.dumps(said.to_dict()))["count"] == 12
    busy = replace(first, frames_decoded=1, objects_indexed=30)  # Of which few may be frames.
    assert str(replace(said, parts=(busy,))).endswith("1 frame decoded, 30 objects indexed first")


def test_frames_of_a_view_travel_as_they_are_seen(store: Store, draft: DatasetVersion) -> None:
    """Pickled or copied before or after somebody looks; the store's own frame is as it was."""
    view = view_of(store, roi_query="dog")
    view.add_mapping_rule(from_labels=["dog"], to_label="animal")
    view.set_labels({"animal": 4})
    one, other = [seen for seen in view if isinstance(seen, SingleFrame)][:2]
    other.annotations  # noqa: B018 - decodes them.
    for seen in (one, other):
        for twin in (pickle.loads(pickle.dumps(seen)), copy.deepcopy(seen), seen):
            assert [(roi.labels, roi.label_enum) for roi in twin.annotations] == [(["animal"], 4)]
            rois: Any = twin.to_dict()["rois"]
            assert rois[0]["label"] == ["animal"]
    stored: Any = draft.get_frame(one.id).to_dict()
    assert stored["rois"][0]["label"] == ["dog"]


def test_an_edit_of_a_label_shows_in_its_number(store: Store, draft: DatasetVersion) -> None:
    """The number is that of the labels as they are now."""
    view = view_of(store, roi_query="dog")
    view.set_labels({"dog": 1, "wolf": 2})
    seen = next(iter(view))
    assert isinstance(seen, SingleFrame)
    seen.annotations[0].labels = ["wolf"]
    assert seen.annotations[0].label_enum == 2
    assert seen.annotations[0].copy().label_enum == -1


def test_fetching_ahead_is_stopped(store: Store) -> None:
    """What has begun comes to its end, and nothing more begins."""
    version = store.create_dataset("web").version()
    with web_server() as web:
        version.add_frames(
            [
                {"id": f"f{at}", "sources": [{"id": "default", "uri": web.url(f"/files/{at}.bin")}]}
                for at in range(3)
            ]
        )
        view = DataView(store=store).add_query("web")
        begun = view.prefetch_files(wait=False)
        done = begun.stop()
        assert begun.is_done
        assert done is not None
        assert done.files == 0
        assert len(done.failures) <= 3


def test_rois_of_an_endless_view_are_not_counted_for_ever(
    store: Store, draft: DatasetVersion
) -> None:
    """Those of a batch are, and of all where a limit is set."""
    view = view_of(store)
    view.set_iteration_parameters(infinite=True)
    with pytest.raises(QueryError, match="endless"):
        view.roi_stats()
    assert view.roi_stats(draft) == {"cat": 8, "dog": 4}
    view.set_iteration_parameters(maximum_number_of_frames=24)
    assert view.roi_stats() == {"cat": 16, "dog": 8}


def test_only_rois_of_frames_are_counted(store: Store, draft: DatasetVersion) -> None:
    """A batch of a loader may hold something else by then."""
    for batch in (3, [3], ["cat"]):
        with pytest.raises(UsageError, match="frames"):
            view_of(store).roi_stats(batch)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limit", "infinite", "left"), [(None, False, 8), (7, False, 3), (24, True, 20)]
)
def test_lists_and_lengths_begin_where_iterators_begin(
    store: Store, draft: DatasetVersion, limit: int | None, infinite: bool, left: int
) -> None:
    """What is of the whole view, such as its count, does not."""
    view = view_of(store)
    view.set_iteration_parameters(maximum_number_of_frames=limit, infinite=infinite)
    whole = [one["id"] for one in view.to_dict(["id"])]
    view.set_initial_iteration(4)
    assert [one["id"] for one in view.to_dict(["id"])] == whole[4:]
    assert [one.id for one in view.to_list()] == [one.id for one in view] == whole[4:]
    assert len(view) == left
    assert int(view.get_count()) == 12
    assert sum(map(len, view.split_to_lists([1, 1]))) == len(whole)
    view.set_initial_iteration(99)
    assert (len(view), list(view)) == (0, [])


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    """A view is about a Store or its folder."""
    for given in (5, object()):
        with pytest.raises(UsageError, match="Store"):
            DataView(store=given)  # type: ignore[arg-type]
    with pytest.raises(hyperstore.NotFoundError):
        DataView(store=tmp_path / "nothing")


def test_names_of_queries_are_text() -> None:
    """And exclude each other."""
    with pytest.raises(UsageError, match="dataset_name is a str"):
        Query(dataset_name=5)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="say it there"):
        DataView().add_query("a", roi_query=DataView.RoiQuery("b"), count_range=[2])
    with pytest.raises(UsageError, match="exclude each other"):
        Query(dataset_name="a", dataset_id="b")
    with pytest.raises(hyperstore.NotFoundError):
        DataView.get("x" * (2 * FRAME_ID_BYTES_MAX))


def test_a_view_is_true_whatever_it_finds(store: Store, draft: DatasetVersion) -> None:
    """Whoever asks `if view` asks whether there is one; its length would be a query."""
    assert DataView(store=store)
    assert view_of(store, frame_query="id:none")


def test_what_begins_where_an_iteration_is_set_to(store: Store, draft: DatasetVersion) -> None:
    """What gives frames out one by one begins there; what is about all of them does not."""
    view = view_of(store)
    view.set_initial_iteration(4)
    later = [len(list(view)), len(view), len(view.to_list()), len(view.to_dict())]
    assert [*later, sum(view.roi_stats().values())] == [8] * 5
    split = sum(map(len, view.split_to_lists()))
    assert [view.get_count()[0], split, view.to_arrow().num_rows] == [12] * 3
    assert len(view.course().selection) == 12


def test_an_iterator_that_caches_gives_its_frames_again(
    store: Store, draft: DatasetVersion
) -> None:
    """The same objects in the same order, whatever was written meanwhile; another one stays empty.

    As the newer SDK of the reference does.
    """
    view = view_of(store)
    kept, plain = view.get_iterator(cache_in_memory=True), view.get_iterator()
    first = list(kept)
    assert [one.id for one in first] == [one.id for one in plain]
    draft.delete_frames([first[0].id])
    again = [*kept, *kept]
    assert list(map(id, again)) == list(map(id, [*first, *first]))
    assert list(plain) == []
    assert len(kept) == 0


@pytest.mark.usefixtures("draft")
def test_an_iterator_that_caches_goes_on_before_it_replays(store: Store) -> None:
    """Who stops in the middle of a pass and comes back wants the rest of it."""
    made = view_of(store).get_iterator(cache_in_memory=True)
    begun = [next(made).id for _ in range(5)]
    rest = [frame.id for frame in made]
    assert len({*begun, *rest}) == 12
    assert [frame.id for frame in made] == begun + rest


@pytest.mark.usefixtures("draft")
def test_an_iterator_that_caches_replays_nothing_of_where_it_was_before(store: Store) -> None:
    """A state that is loaded begins a pass of its own, as a pickle does, and a new beginning."""
    view = view_of(store)
    whole = [frame.id for frame in view]
    made = view.get_iterator(cache_in_memory=True)
    states = [made.state_dict()]
    next(made)
    states.append(made.state_dict())
    list(made)
    for at, state in enumerate(states):
        made.load_state_dict(state)
        for _ in range(2):
            assert [frame.id for frame in made] == whole[at:]
    made.set_initial_iteration(9)
    assert [frame.id for frame in pickle.loads(pickle.dumps(made))] == whole[9:]
    assert [frame.id for frame in made] == whole[9:]
    assert list(pickle.loads(pickle.dumps(made))) == []


@pytest.mark.usefixtures("draft")
def test_frames_without_end_are_not_cached(store: Store) -> None:
    """They would fill the memory; with a limit they may be."""
    view = view_of(store)
    view.set_iteration_parameters(infinite=True)
    with pytest.raises(QueryError, match="limit"):
        list(view.get_iterator(cache_in_memory=True))
    view.set_iteration_parameters(maximum_number_of_frames=30)
    made = view.get_iterator(cache_in_memory=True)
    assert len(list(made)) == len(list(made)) == 30
    with pytest.raises(UsageError, match="cache_in_memory"):
        view.get_iterator(cache_in_memory="yes")  # type: ignore[arg-type]


def test_a_list_is_kept_for_the_frames_that_it_has(store: Store, draft: DatasetVersion) -> None:
    """Where somebody wrote while it was made, and took that back, it is not given again."""

    class Busy(DataView):
        """Whose version is edited right after its versions were looked up."""

        edits = 1

        def resolve(self) -> Resolved:
            found = super().resolve()
            if self.edits:
                self.edits -= 1
                draft.delete_frames([f"{0:032x}"])
            return found

    view = Busy(store=store).add_query("pets", "Current")
    frames = {frame.id: frame for frame in draft}
    assert len(view.to_list()) == 11
    draft.add_frames([frames[f"{0:032x}"]])
    assert {frame.id for frame in view.to_list()} == frames.keys()
