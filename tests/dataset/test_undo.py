"""Undo: what comes back is in order, or nothing does."""

from collections.abc import Callable

import pytest

from hyperstore import DatasetVersion, Store
from hyperstore.errors import ConflictError, HyperstoreError, NotFoundError, UsageError
from hyperstore.maintenance.check import fsck
from tests.support.frames import wire


def newest(store: Store) -> int:
    return next(store.operations()).number


def refuse(store: Store, number: int, match: str) -> None:
    """Undo, expect a refusal that has moved nothing, and a store that is in order."""
    before = newest(store)
    with pytest.raises(ConflictError, match=match):
        store.undo(number)
    assert newest(store) == before
    assert fsck(store).faults == []


def test_undo_brings_no_second_dataset_of_a_name(store: Store) -> None:
    """By that name neither of them could be got any more."""
    store.create_dataset("cells")
    store.delete_dataset("cells")
    deleted = newest(store)
    store.create_dataset("cells")
    refuse(store, deleted, "'cells'")
    store.dataset("cells").rename("others")
    store.undo(deleted)
    assert [one.name for one in store.datasets()] == ["cells", "others"]


def test_undo_renames_nothing_to_a_name_that_is_taken(store: Store) -> None:
    """The same by another road."""
    store.create_dataset("cells").rename("blood")
    renamed = newest(store)
    store.create_dataset("cells")
    refuse(store, renamed, "'cells'")


def test_undo_of_a_creation_leaves_no_version_without_its_dataset(store: Store) -> None:
    """Its frames would be there, and nothing would lead to them."""
    dataset = store.create_dataset("cells")
    created = newest(store)
    dataset.create_version("night")
    refuse(store, created, "version")
    store.undo()
    store.undo(created)
    assert store.datasets() == []


def test_undo_of_a_creation_leaves_no_commit_without_its_version(store: Store) -> None:
    """A commit without frames moves the head alone, which the creation never moved."""
    version = store.create_dataset("cells").version()
    created = newest(store)
    version.commit("Begin", allow_empty=True)
    refuse(store, created, "committed")


def test_undo_of_a_creation_leaves_no_tag_without_its_dataset(store: Store) -> None:
    """The tag stays when the version that it was made in goes."""
    dataset = store.create_dataset("cells")
    created = newest(store)
    dataset.version().add_frames([wire("a")])
    dataset.version().commit("Add")
    dataset.version().tag("v1")
    store.undo(newest(store) - 1)
    store.undo(newest(store) - 3)
    refuse(store, created, "tag")


@pytest.mark.parametrize("what", ["version", "tag"])
def test_undo_brings_nothing_back_into_a_dataset_that_is_gone(store: Store, what: str) -> None:
    """It would be found by nobody."""
    dataset = store.create_dataset("cells")
    draft = dataset.create_version("night")
    draft.commit("Begin", allow_empty=True)
    draft.tag("v1")
    if what == "version":
        dataset.delete_version(draft)
    else:
        dataset.delete_tag("v1")
    deleted = newest(store)
    store.delete_dataset(dataset, force=True)
    refuse(store, deleted, "deleted")


def test_undo_takes_no_commit_from_a_version_that_was_published_since(
    store: Store, draft: DatasetVersion
) -> None:
    """Publishing what is committed moves no head, and a published version does not change."""
    draft.add_frames([wire("a")])
    first = draft.commit("Add")
    committed = newest(store)
    draft.publish()
    refuse(store, committed, "published")
    assert draft.head == first
    store.undo()
    store.undo(committed)
    assert draft.head is None


def test_no_tag_is_made_in_a_dataset_that_was_deleted(store: Store, draft: DatasetVersion) -> None:
    """It would come back with the next dataset of that id, which is never."""
    commit = draft.commit("Begin", allow_empty=True)
    store.delete_dataset("cells", force=True)
    with pytest.raises(NotFoundError, match="deleted"):
        draft.tag("v1", commit)


def test_no_switch_of_old_stops_undo_for_good(store: Store, draft: DatasetVersion) -> None:
    """Python pays no heed to HEAD, and may delete where it stood."""
    draft.commit("Begin", allow_empty=True)
    dataset = store.dataset("cells")
    committed = newest(store)
    night, day = dataset.create_version("night"), dataset.create_version("day")
    store.set_head(night)
    store.set_head(day)
    store.undo(newest(store) - 3)
    assert store.undo().number == committed + 2
    assert store.head() is None
    assert store.undo().number == committed
    assert fsck(store).faults == []


@pytest.mark.parametrize(
    ("expected", "call"),
    [
        ("number", lambda store, draft: store.undo("x")),
        ("number", lambda store, draft: store.undo(True)),
        ("number", lambda store, draft: list(store.operations(before="x"))),
        ("DatasetVersion", lambda store, draft: store.set_head(5)),
        ("Dataset", lambda store, draft: store.delete_dataset(5)),
        ("list", lambda store, draft: store.create_dataset("t", tags=5)),
        ("list", lambda store, draft: store.create_dataset("t", tags="abc")),
        ("string", lambda store, draft: store.create_dataset("t", comment=5)),
        ("string", lambda store, draft: store.create_dataset("t", project=0)),
        ("list", lambda store, draft: store.dataset("cells").set_tags("abc")),
        ("string", lambda store, draft: store.dataset("cells").set_comment(5)),
        ("surrogate", lambda store, draft: store.dataset("cells").set_comment("\ud800")),
        ("string", lambda store, draft: store.dataset("cells").move_to_project(0)),
        ("DatasetVersion", lambda store, draft: store.dataset("cells").create_version("n", 5)),
        ("string", lambda store, draft: store.dataset("cells").create_version("n", comment=5)),
        ("DatasetVersion", lambda store, draft: store.dataset("cells").delete_version(5)),
        ("str", lambda store, draft: draft.set_comment(5)),
        ("string", lambda store, draft: draft.tag("t", message=5)),
        ("string", lambda store, draft: draft.publish(5)),
        ("string", lambda store, draft: draft.snapshot(comment=5)),
        ("string", lambda store, draft: draft.revert(draft.head, 5)),
        ("5", lambda store, draft: draft.restore([5])),
        ("list", lambda store, draft: draft.restore("ab")),
        ("list", lambda store, draft: draft.restore(5)),
    ],
)
def test_what_is_of_a_wrong_type_is_refused_and_stored_nowhere(
    store: Store,
    draft: DatasetVersion,
    expected: str,
    call: Callable[[Store, DatasetVersion], object],
) -> None:
    """Types are not checked by Python; a comment that is a number would make a store unreadable."""
    draft.add_frames([wire("a")])
    draft.commit("Add")
    before = newest(store)
    with pytest.raises(UsageError, match=expected) as caught:
        call(store, draft)
    assert isinstance(caught.value, HyperstoreError)
    assert newest(store) == before
