"""What is said of all versions at once is what each one says, and takes few reads."""

import sys
from collections.abc import Callable
from types import FrameType

from hyperstore import Dataset, Store
from hyperstore.dataset.listing import frame_counts, head_commits, is_pending, list_states
from hyperstore.storage.environment import Environment
from hyperstore.storage.refs import read_refs
from tests.support.frames import wire


def reads(call: Callable[[], object]) -> int:
    """Return how many read transactions a call begins in this thread."""
    count = 0

    def seen(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call" and frame.f_code is Environment.begin_read.__code__

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        call()
    finally:
        sys.setprofile(before)
    return count


def full(store: Store, count: int) -> Dataset:
    """Return a dataset with versions of all states."""
    dataset = store.create_dataset(f"cells {count}")
    for number in range(count):
        version = dataset.create_version(f"v{number}")
        if number % 4:
            version.add_frames([wire(f"f{number}"), wire("g")])
        if number % 4 > 1:
            version.commit(f"Commit {number}")
        if number % 8 == 3:
            version.publish()
        elif number % 8 == 7:
            version.delete_frames(["g"])
    return dataset


def listing(store: Store, dataset: Dataset) -> list[tuple[object, ...]]:
    """Return name, state, head and count of each version, as they are listed."""
    states = list_states(store.handle, dataset.id)
    commits = head_commits(store.handle, states)
    counts = frame_counts(store.handle, states, commits)
    pending = ["draft" if is_pending(state, commits) else "committed" for state in states]
    return [
        (
            state.record.name,
            "published" if state.working is None else word,
            None if state.head is None else state.head.hex(),
            count,
        )
        for state, word, count in zip(states, pending, counts, strict=True)
    ]


def test_a_listing_says_of_each_version_what_it_says_itself(store: Store) -> None:
    """Drafts that are empty, edited, committed or both, and published versions."""
    dataset = full(store, 9)
    assert listing(store, dataset) == [
        (version.name, version.status().state, version.head, len(version))
        for version in dataset.versions()
    ]
    assert {row[1] for row in listing(store, dataset)} == {"draft", "committed", "published"}


def test_the_number_of_reads_does_not_grow_with_the_number_of_versions(store: Store) -> None:
    """With thousands of versions each read of one of them would be felt."""
    few, many = full(store, 4), full(store, 24)
    store.set_head(many.version("v0"))
    assert reads(lambda: listing(store, many)) == reads(lambda: listing(store, few)) == 3
    assert reads(many.versions) == reads(few.versions) == 1
    assert reads(store.head) <= 2


def test_making_a_version_reads_the_names_of_the_others_once(store: Store) -> None:
    """A dataset of thousands of versions must not get slower with each pass over them."""
    dataset = store.create_dataset("cells")
    for at in range(20):
        dataset.create_version(f"v{at}")
    read: list[bool] = []

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code is read_refs.__code__:
            read.append(str(frame.f_locals["prefix"]).startswith("version/"))

    parent = dataset.version("v7")
    parent.add_frames([wire("a")])
    parent.publish()
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        dataset.create_version(version_name="next", parent_version_ids=[parent.id])
    finally:
        sys.setprofile(before)
    assert sum(read) == 1
