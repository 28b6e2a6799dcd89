"""What a view is, as a value: it travels, its copies look where it looks, its edits are its own."""

import copy
import pickle
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

import hyperstore
from hyperstore import DatasetVersion, Store, UsageError
from hyperstore.dataset.handle import unshare
from hyperstore.errors import MissingObjectError
from hyperstore.history.run import COMPLETED, locks_of_run
from hyperstore.query.dataview import DataView
from hyperstore.query.views.queries import Query
from hyperstore.query.views.resolved import Resolved
from tests.support.frames import wire
from tests.support.runs import begin_run


@pytest.fixture
def draft(store: Store) -> DatasetVersion:
    made = store.create_dataset("cells").version()
    made.add_frames([wire("a", labels=["dog"]), wire("b", labels=["cat", "dog"])])
    made.commit("All")
    return made


def ids(view: DataView) -> list[str]:
    return [frame.id for frame in view]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Name another store as the default one."""
    folder = tmp_path / "other"
    monkeypatch.setenv("HYPERSTORE_DIR", str(folder))
    with hyperstore.init(folder) as made:
        yield made
    unshare(folder)


def test_calls_of_a_view_are_added_in_few_steps_that_override_nothing() -> None:
    """Else nobody can say what a call does without reading all of them."""
    levels = [one for one in DataView.__mro__ if one is not object]
    kinds = (FunctionType, property, classmethod, staticmethod)
    own = [
        name
        for level in levels
        for name, value in vars(level).items()
        if isinstance(value, kinds) and name != "__init__"
    ]
    assert len(levels) <= 3
    assert [name for name, count in Counter(own).items() if count > 1] == []


def test_a_clone_of_a_view_that_travelled_asks_its_own_store(
    store: Store, elsewhere: Store
) -> None:
    """The default store may have a dataset of the same name, with other frames."""
    elsewhere.create_dataset("cells").version().add_frames([wire("other")])
    view = DataView(store=store).add_query("cells", "Current")  # Which comes later.
    made = pickle.loads(pickle.dumps(view)).clone()
    store.create_dataset("cells").version().add_frames([wire("own")])
    assert ids(made) == ["own"]
    unshare(store.path)


def test_a_deep_copy_is_a_view_of_its_own(store: Store, draft: DatasetVersion) -> None:
    """Who changes one of them means that one."""
    view = DataView("first", store=store).add_query("cells", "Current")
    other = copy.deepcopy(view)
    other.name = "second"
    other.set_queries([])
    assert (view.name, ids(view)) == ("first", ["a", "b"])
    unshare(store.path)


def test_what_was_found_stays_in_the_process(store: Store, draft: DatasetVersion) -> None:
    """Lists of frames would travel to every worker."""
    view = DataView(store=store).add_query("cells", "Current")
    before = len(pickle.dumps(view))
    first = view.to_list()
    assert view.to_list()[0] is first[0]
    assert len(pickle.dumps(view)) == before


def test_every_edit_of_a_view_that_is_pinned_is_refused(
    store: Store, draft: DatasetVersion
) -> None:
    """And none of them changes it by half."""
    view = DataView("dogs", store=store).add_query("cells", "Current", roi_query="dog")
    pinned = DataView.from_lock(view.lock(), store=store)
    before = pinned.to_json()
    for edit in (
        lambda: setattr(pinned, "name", "x"),
        lambda: setattr(pinned, "description", "x"),
        lambda: setattr(pinned, "project", "x"),
        lambda: pinned.set_tags(["x"]),
        lambda: pinned.add_query("cells", "Current"),
        lambda: pinned.set_queries([]),
        lambda: pinned.add_mapping_rule("cells", "Current", ["dog"], "cat"),
        lambda: pinned.set_mapping_rules([]),
        lambda: pinned.set_labels({"dog": 1}),
        lambda: pinned.set_iteration_parameters(infinite=True),
        lambda: pinned.override({"iteration.limit": 1}),
        lambda: pinned.store(),
        lambda: pinned.publish(),
    ):
        with pytest.raises(UsageError, match="pinned by lock"):
            edit()
    assert (pinned.to_json(), pinned.id) == (before, None)


class Hurried(DataView):
    """A view with somebody who commits to its draft whenever it has been looked up."""

    draft: DatasetVersion | None = None

    def resolve(self) -> Resolved:
        found = super().resolve()
        if self.draft is not None:
            self.draft.add_frames([wire(f"late{len(self.draft)}")])
            self.draft.commit("Late")
        return found


def test_a_run_names_the_frames_that_were_read(store: Store, draft: DatasetVersion) -> None:
    """Not those that the versions had a moment later, when the lock was made."""
    view = Hurried("dogs", store=store).add_query("cells", "Current")
    view.draft = draft
    run = begin_run(store.handle, "train")
    seen = ids(view)
    run.end(COMPLETED)
    (noted,) = locks_of_run(run.run)
    assert ids(DataView.from_lock(noted.lock, store=store)) == seen == ["a", "b"]


def test_a_frame_of_two_queries_shows_the_rois_of_the_first(
    store: Store, draft: DatasetVersion
) -> None:
    """It comes once for each ROI of one query; which one that is must not be by chance."""
    for first, second in (("dog", "cat"), ("cat", "dog")):
        view = DataView(store=store, output_rois="frame_per_roi")
        for label in (first, second):
            view.add_query("cells", "Current", roi_query=label)
        frames: list[Any] = [one for one in view if one.id == "b"]
        shown = [[roi.labels for roi in one.annotations] for one in frames]
        assert shown == [[[first]]]


def test_a_run_is_told_of_frames_that_are_browsed(store: Store, draft: DatasetVersion) -> None:
    """They are read as those that an iteration gives, whatever ROIs they come with."""
    view = DataView("dogs", store=store, output_rois="only_filtered")
    view.add_query("cells", "Current", roi_query="dog")
    run = begin_run(store.handle, "look")
    assert [one.id for one in view.browse("clip")] == ["a", "b"]
    run.end(COMPLETED)
    assert [one.view for one in locks_of_run(run.run)] == ["dogs"]


class Meanwhile(list[Query]):
    """Queries of a view, to which another thread adds one when a reader has seen them all."""

    late: Query | None = None

    def __iter__(self) -> Iterator[Query]:
        yield from super().__iter__()
        if self.late is not None:
            late, self.late = self.late, None
            self.append(late)


def test_a_query_that_is_added_while_others_read_is_kept(
    store: Store, draft: DatasetVersion
) -> None:
    """Readers put ids in the place of names, and nothing else away."""
    view = DataView(store=store).add_query("cells", "Current")
    queries = view._state.spec.queries = Meanwhile(view.get_queries())
    queries.late = replace(queries[0], frame_query="meta.n:3")
    view.resolve()
    assert [one.frame_query for one in view.get_queries()] == [None, "meta.n:3"]


def test_a_rule_of_what_was_not_there_yet_outlives_a_rename(store: Store) -> None:
    """As a query does: once it was found it is known by its id."""
    view = DataView(store=store).add_query("cells", "Current")
    view.add_mapping_rule("cells", "Current", from_labels=["dog"], to_label="pet")
    made = store.create_dataset("cells")
    made.version().add_frames([wire("a", labels=["dog"])])
    assert ids(view) == ["a"]
    made.rename("organs")
    assert view.roi_stats() == {"pet": 1}


def test_a_list_is_kept_of_a_view_that_was_asked_by_names(store: Store) -> None:
    """Finding what it names changes nothing of what it says."""
    view = DataView(store=store).add_query("cells", "Current")
    view.add_mapping_rule("cells", "Current", from_labels=["dog"], to_label="pet")
    store.create_dataset("cells").version().add_frames([wire("a", labels=["dog"])])
    before = view.to_list()
    assert view.to_list()[0] is before[0]


def test_a_rule_of_a_version_by_name_leaves_others_alone(
    store: Store, draft: DatasetVersion
) -> None:
    """Whatever the dataset, and in the view's lock too."""
    draft.publish()
    child = store.dataset("cells").create_version("second", parent=draft.id)
    child.add_frames([wire("c", labels=["dog"])])
    child.commit("More")
    view = DataView(store=store).add_query("cells", draft.name).add_query("cells", "second")
    view.add_mapping_rule(version_name="second", from_labels=["dog"], to_label="pet")
    for one in (view, DataView.from_lock(view.lock(), store=store)):
        assert {frame.id: list(one.roi_stats([frame])) for frame in one} == {
            "a": ["dog"],
            "b": ["cat", "dog"],
            "c": ["pet"],
        }


def test_a_pickle_of_another_release_says_so(store: Store, draft: DatasetVersion) -> None:
    """Earlier ones kept of a view what this one does not know, under names of their own."""
    view = DataView(store=store).add_query("cells", "Current")
    old = DataView.__new__(DataView)
    with pytest.raises(UsageError, match="another release"):
        old.__setstate__({"_spec": view.spec(), "_folder": store.handle.folder})
    assert ids(pickle.loads(pickle.dumps(view))) == ["a", "b"]


def test_what_was_found_before_an_edit_is_not_shown_after_it(
    store: Store, draft: DatasetVersion
) -> None:
    """A view keeps what it found for the next question, which may be another one."""
    draft.add_frames([wire("d", labels=["dog", "dog"])])
    view = DataView(store=store).add_query("cells", "Current", roi_query="dog")
    assert (len(view), ids(view)) == (3, ["a", "b", "d"])
    view.set_iteration_parameters(output_rois="frame_per_roi")
    assert (len(view), ids(view)) == (4, ["a", "b", "d", "d"])
    view.override({"filters.0.label_rules.0.label": "cat"})
    assert (len(view), ids(view)) == (1, ["b"])
    draft.add_frames([wire("c", labels=["cat", "cat"])])
    assert (len(view), ids(view)) == (3, ["b", "c", "c"])


@pytest.mark.parametrize(
    ("output_rois", "last"),
    [("only_filtered", [("d", "dog1", "dog2")]), ("frame_per_roi", [("d", "dog1"), ("d", "dog2")])],
)
def test_lists_of_a_split_show_the_rois_that_each_query_asks_for(
    store: Store, draft: DatasetVersion, output_rois: str, last: list[tuple[str, ...]]
) -> None:
    """Those of the first query that finds the frame, as an iteration shows them."""
    draft.add_frames([wire("d", labels=["dog1", "cow", "dog2"])])
    view = DataView(store=store, output_rois=output_rois)
    for label in ("cat", "label:dog*"):
        view.add_query("cells", "Current", roi_query=label)
    dealt: list[list[Any]] = view.split_to_lists((1, 1))
    for frames in (chain(*dealt), list[Any](view)):
        shown = sorted((one.id, *(roi.labels[0] for roi in one.annotations)) for one in frames)
        assert shown == [("a", "dog"), ("b", "cat"), *last]


def test_an_endless_view_that_begins_later_has_as_many_frames(
    store: Store, draft: DatasetVersion
) -> None:
    """It comes round to those that it began after."""
    view = DataView(store=store, iteration_infinite=True).add_query("cells", "Current")
    view.set_initial_iteration(1)
    assert len(view) == 2


def test_a_rule_of_a_dataset_that_was_not_there_yet_is_for_all_its_versions(store: Store) -> None:
    """As one that is added when the dataset is there already."""
    view = DataView(store=store)
    view.add_mapping_rule("cells", from_labels=["dog"], to_label="pet")
    first = store.create_dataset("cells").version()
    first.add_frames([wire("a", labels=["dog"])])
    first.publish()
    store.dataset("cells").create_version("second", parent=first.id)
    view.add_query("cells", first.name).add_query("cells", "second")
    for query in view.get_queries():
        assert view.clone().set_queries(query).roi_stats() == {"pet": 1}


def test_a_lock_of_commits_that_are_not_here_is_not_opened_unverified(
    store: Store, draft: DatasetVersion, elsewhere: Store
) -> None:
    """Else its view would be one of nothing, until somebody reads."""
    made = DataView(store=store).add_query("cells", "Current").lock()
    with pytest.raises(MissingObjectError):
        DataView.from_lock(made, verify=False, store=elsewhere)


def test_a_description_is_kept_of_a_view_that_is_stored_without_a_name(
    store: Store, draft: DatasetVersion
) -> None:
    """Only what nobody said is filled in."""
    view = DataView(store=store, description="Mine").add_query("cells", "Current")
    again = DataView.get(dataview_id=view.store(), store=store)
    assert again.description == "Mine"
    assert again.name is not None


def test_a_run_that_reads_a_pinned_view_names_the_version_that_it_read(
    store: Store, draft: DatasetVersion
) -> None:
    """As one that reads the version itself: what a run touched does not depend on locks."""
    made = DataView(store=store).add_query("cells", "Current").lock()
    run = begin_run(store.handle, "train")
    assert ids(DataView.from_lock(made, store=store)) == ["a", "b"]
    run.end(COMPLETED)
    (touched,) = run.run.touched
    assert (touched.version, len(touched.read)) == (draft.id, 1)


def test_frames_of_a_pinned_view_are_as_foreign_as_their_store(
    store: Store, draft: DatasetVersion
) -> None:
    """What somebody else's store names on this machine is not read by way of a lock either."""
    made = DataView(store=store).add_query("cells", "Current").lock()
    store.handle.database.set_trust("foreign")
    homes = [one.home for one in DataView.from_lock(made, store=store)]
    assert [one.foreign for one in homes if one is not None] == [True, True]
