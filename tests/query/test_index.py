"""The index over a store's frames: built, caught up, rebuilt, and never in the way of an answer."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from pyroaring import BitMap

import hyperstore
from hyperstore import DatasetVersion, Store
from hyperstore.query import catchup
from hyperstore.query.expression import (
    Condition,
    Field,
    Leaf,
    RoiCondition,
    Scope,
    Term,
    Wildcard,
)
from hyperstore.query.index import FrameIndex
from hyperstore.query.shelf import index_folder
from hyperstore.query.versionset import version_set
from tests.support.slow_query import fits
from tests.support.stores import frame

LABEL = Field(Scope.ROI, "label", exact=True)
DOGS = Condition(rois=(RoiCondition(Leaf(LABEL, Term("dog"))),))
EVEN = Condition(Leaf(Field(Scope.SOURCE, "uri"), Wildcard((None, "0.jpg"))))
NO_DOGS = Condition(rois=(RoiCondition(Leaf(LABEL, Term("dog")), must_not=True),))
CONDITIONS = (DOGS, EVEN, NO_DOGS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Yield an empty store."""
    with hyperstore.init(tmp_path / "store") as made:
        yield made


@pytest.fixture
def draft(store: Store) -> DatasetVersion:
    """Return the draft of its one dataset."""
    return store.create_dataset("animals").version("Current")


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each catching up be worth a file."""
    monkeypatch.setattr(catchup, "INDEX_TAIL", 1)


def add(version: DatasetVersion, numbers: Iterable[int]) -> None:
    """Add and commit frames, every third one with a dog."""
    version.add_frames([frame(one, "cat" if one % 3 else "dog") for one in numbers])
    version.commit("Add")


def members(store: Store, version: DatasetVersion) -> BitMap:
    """Return the numbers of a version's frames."""
    return version_set(store.handle, version.view().snapshot).members


def check(store: Store, version: DatasetVersion, index: FrameIndex | None = None) -> FrameIndex:
    """Hold what the index answers to the slow evaluator; return the index."""
    index = FrameIndex.of(store.handle) if index is None else index
    within = members(store, version)
    for condition in CONDITIONS:
        expected = sorted(one.id for one in version if fits(condition, one.to_dict()))
        found = index.find(condition, within)
        assert sorted(index.frame_ids(list(found))) == expected
    return index


def names(store: Store) -> list[str]:
    """Return the files of the index, in order."""
    return sorted(path.name for path in index_folder(store.handle.folder).glob("*.segment"))


def test_frames_that_came_since_are_found(store: Store, draft: DatasetVersion) -> None:
    """Nobody builds an index by hand."""
    add(draft, range(10))
    check(store, draft)
    add(draft, range(10, 14))
    check(store, draft)


@pytest.mark.usefixtures("files")
def test_small_segments_merge(store: Store, draft: DatasetVersion) -> None:
    """A store that grows by small commits is not asked file by file."""
    for at in range(40):
        add(draft, [at])
        check(store, draft)
    assert len(names(store)) <= 8


@pytest.mark.usefixtures("files")
def test_an_old_version_is_answered_as_it_was(store: Store, draft: DatasetVersion) -> None:
    """The index holds frames of all versions; who asks is told of his."""
    add(draft, range(6))
    old = draft.view()
    draft.delete_frames([f"{0:032x}"])
    draft.update_frames([frame(3, "cat")])
    draft.commit("Change")
    index = check(store, draft)
    found = index.find(DOGS, version_set(store.handle, old.snapshot).members)
    assert sorted(index.frame_ids(list(found))) == [f"{0:032x}", f"{3:032x}"]
