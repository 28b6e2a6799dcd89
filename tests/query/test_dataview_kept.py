"""Views that are kept in a store: moved, published, changed by two programs, pinned."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hyperstore
from hyperstore import ConflictError, DataView, NotFoundError, PublishedError, Store, UsageError
from hyperstore.query.views.queries import Query
from tests.support.stores import frame


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a store with one draft of six frames."""
    with hyperstore.init(tmp_path / "store") as made:
        version = made.create_dataset("pets").version()
        version.add_frames([frame(at, "cat" if at % 3 else "dog") for at in range(6)])
        yield made


def kept(store: Store) -> DataView:
    """Return a view that is stored."""
    view = DataView("cats", store=store).add_query("pets", "Current", "cat")
    view.store()
    return view


def again(view: DataView, store: Store) -> DataView:
    """Return what the store has of a view."""
    return DataView.get(view.id, store=store)


def test_moving_a_published_view_changes_nothing_else_of_it(store: Store) -> None:
    """What was edited here since is no part of what was published."""
    view = kept(store)
    view.publish()
    view.add_query("pets", "Current", "dog")
    view.move("lab")
    found = again(view, store)
    assert (found.project, found.status) == ("lab", "published")
    assert len(found.get_queries()) == 1
    assert (view.project, len(view.get_queries())) == ("lab", 2)
    with pytest.raises(PublishedError):
        view.store()


def test_moving_stores_nothing_that_was_not_stored(store: Store) -> None:
    """As archiving does not."""
    view = DataView("cats", store=store).add_query("pets")
    with pytest.raises(NotFoundError, match="not stored"):
        view.move("lab")
    assert view.project == ""
    assert DataView.list(store=store) == []


def test_a_view_that_moved_is_stored_on(store: Store) -> None:
    """Its own move is no conflict."""
    view = kept(store)
    view.move("lab")
    view.set_labels({"cat": 1})
    view.store()
    assert again(view, store).get_labels() == {"cat": 1}


def test_what_another_program_changed_is_not_overwritten(store: Store) -> None:
    """The second one that stores is told; by force it drops what the first one did."""
    first = kept(store)
    second = again(first, store)
    first.set_labels({"cat": 1})
    first.store()
    second.add_tags(["new"])
    with pytest.raises(ConflictError, match="'cats' was changed meanwhile"):
        second.store()
    with pytest.raises(ConflictError):
        second.publish()
    assert again(first, store).get_labels() == {"cat": 1}
    second.store(force=True)
    assert (again(first, store).get_labels(), again(first, store).tags) == ({}, ["new"])


def test_the_same_change_twice_is_no_conflict(store: Store) -> None:
    """Nor is a mark that another program gave it."""
    first = kept(store)
    second = again(first, store)
    for one in (first, second):
        one.set_labels({"cat": 1})
        one.store()
    first.archive()
    second.set_labels({"cat": 2})
    second.store()
    assert again(first, store).get_labels() == {"cat": 2}


def test_what_another_program_deleted_does_not_come_back(store: Store) -> None:
    """Unless by force."""
    first = kept(store)
    second = again(first, store)
    first.delete()
    with pytest.raises(ConflictError, match="'cats' was deleted meanwhile"):
        second.store()
    assert DataView.list(store=store) == []
    second.store(force=True)
    assert [one.id for one in DataView.list(store=store)] == [second.id]


def test_a_view_that_was_deleted_here_is_stored_as_another(store: Store) -> None:
    """Whoever deletes knows of it."""
    view = kept(store)
    before = view.id
    view.delete()
    assert view.store() != before


@pytest.mark.parametrize("keep", [DataView.store, DataView.publish])
def test_a_pinned_view_is_not_stored_without_its_pin(
    store: Store, keep: Callable[[DataView], str]
) -> None:
    """It would show other frames as soon as its versions are edited."""
    view = kept(store)
    lock = view.lock(commit=True)
    pinned = DataView.from_lock(lock, store=store)
    with pytest.raises(UsageError, match="pinned"):
        keep(pinned)
    assert pinned.id is None
    assert [one.id for one in DataView.list(store=store)] == [view.id]
    assert keep(pinned.clone("other")) != view.id


def test_several_queries_are_added_all_or_none(store: Store) -> None:
    """Where a warning that one of them brings is an error, as here, the view is as it was."""
    for project in ("a", "b"):
        store.create_dataset("twice", project=project)
    view = DataView(store=store)
    given = [Query(dataset_name="pets"), Query(dataset_name="twice")]
    with pytest.raises(UserWarning, match="2 projects"):
        view.add_queries(given)
    assert view.get_queries() == []


@pytest.mark.parametrize("name", ["dataset_name", "dataset_id", "project_name", "merge_with"])
def test_a_name_that_no_text_can_hold_is_refused(store: Store, name: str) -> None:
    """Before it is looked up."""
    said = {"dataset_name": "pets", name: "\ud800"}
    if name == "dataset_id":
        del said["dataset_name"]
    view = DataView(store=store)
    with pytest.raises(UsageError, match="surrogate"):
        view.add_query(**said)  # type: ignore[arg-type]
    if name.startswith("dataset"):
        with pytest.raises(UsageError, match="surrogate"):
            view.add_mapping_rule(from_labels="cat", to_label="dog", **said)


def test_views_are_listed_from_the_last_that_was_stored_on(store: Store) -> None:
    """Also those of one millisecond, of which a quick machine stores several."""
    view, names = kept(store), [f"view {number:02}" for number in range(40)]
    for name in names:
        view.clone(name).store()
    assert [view.name for view in DataView.list("view ", store=store)] == names[::-1]
