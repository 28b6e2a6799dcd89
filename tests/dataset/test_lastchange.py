"""When frames were saved last, held to a twin that compares every commit with the one before."""

import random
import sys

import pytest

from hyperstore import DatasetVersion, SingleFrame, Store
from hyperstore.dataset import lastchange
from hyperstore.dataset.draft import Place, read_state
from hyperstore.dataset.lastchange import Saved
from hyperstore.dataset.transact import Move, transact
from hyperstore.history.branches import RefReader, head_ref
from hyperstore.history.commit import Changes, encode_object, new_commit
from hyperstore.ids import Kind


def frame(name: str, number: int) -> SingleFrame:
    """Return a frame of that id, whose content is the number."""
    return SingleFrame(id=name, source=f"s3://bucket/{name}.jpg", metadata={"n": number})


def contents(version: DatasetVersion, commit: str) -> dict[str, object]:
    """Return what a commit recorded of each frame."""
    return {one.id: one.metadata["n"] for one in version.at(commit)}


def slow(version: DatasetVersion) -> dict[str, Saved]:
    """Return who saved each frame of a version whose history is one line, commit by commit."""
    found: dict[str, Saved] = {}
    before: dict[str, object] = {}
    for info in reversed(version.log()):
        now = contents(version, info.id)
        for name, value in now.items():
            if before.get(name) != value:
                found[name] = Saved(info.time, info.version_id)
        before = now
    return {name: found[name] for name in before}


def history(version: DatasetVersion, seed: int, frames: int) -> DatasetVersion:
    """Commit random edits of some frames, through a snapshot; return the last draft."""
    rng = random.Random(seed)
    for turn in range(12):
        names = {f"f{rng.randrange(frames):04}" for _ in range(rng.randrange(1, frames))}
        version.add_frames([frame(name, turn) for name in sorted(names)])
        version.delete_frames([f"f{rng.randrange(frames):04}"])
        version.commit(f"turn {turn}")
        if turn == 5:
            version = version.create_snapshot()
    return version


@pytest.mark.parametrize("looked_up_max", [0, 10_000])
@pytest.mark.parametrize("seed", range(3))
def test_a_frame_was_saved_by_the_commit_that_last_changed_it(
    draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch, seed: int, looked_up_max: int
) -> None:
    """Whether frames are looked up one by one or whole trees are compared."""
    monkeypatch.setattr(lastchange, "_LOOKED_UP_MAX", looked_up_max)
    version = history(draft, seed, 40)
    expected = slow(version)
    assert dict(zip(expected, version.last_saved(list(expected)), strict=True)) == expected


def test_a_pending_frame_was_saved_by_the_move_that_brought_it(
    draft: DatasetVersion, store: Store
) -> None:
    """Not by later moves that touched other frames."""
    draft.add_frames([frame("a", 0), frame("b", 0)])
    draft.commit("both")
    (committed,) = draft.log()
    draft.add_frames([frame("a", 1)])
    moved = next(store.operations())
    draft.add_frames([frame("c", 0)])
    draft.set_metadata({"k": 1})
    newest = list(store.operations())[1]
    assert draft.last_saved(["a", "b", "c", "never"]) == [
        Saved(moved.time_ms, draft.id),
        Saved(committed.time, draft.id),
        Saved(newest.time_ms, draft.id),
        None,
    ]


def test_a_frame_that_came_back_was_saved_when_it_did(draft: DatasetVersion) -> None:
    """Its content is old, but the version had another one meanwhile."""
    for number in (0, 1, 0):
        draft.add_frames([frame("a", number)])
        draft.commit(str(number))
    assert draft.last_saved(["a"]) == [Saved(draft.log()[0].time, draft.id)]


def test_an_inherited_frame_was_saved_in_its_ancestor(draft: DatasetVersion) -> None:
    """However many versions lie between."""
    draft.add_frames([frame("a", 0)])
    child = draft.create_snapshot().create_snapshot()
    described = child.describe_frame("a")
    assert described["saved_in_version"] == draft.id
    assert described["saved"] == draft.log()[0].time
    assert described["dataset"] == {"id": child.dataset_id, "version": child.id}
    assert described["num_frames"] == 1


def test_across_a_merge_the_side_that_changed_a_frame_saved_it(
    draft: DatasetVersion, store: Store
) -> None:
    """The merge itself changed only what neither side had."""
    draft.add_frames([frame("a", 0), frame("b", 0), frame("c", 0)])
    draft.commit("base")
    other = store.dataset("cells").create_version("other", draft)
    other.add_frames([frame("b", 1)])
    other.commit("theirs")
    draft.add_frames([frame("a", 1)])
    draft.commit("ours")
    draft.add_frames([frame("b", 1), frame("c", 1)])
    place = Place(draft.dataset_id, draft.id)
    staging = store.handle.staging()

    def merged(refs: RefReader) -> tuple[list[Move], None]:
        state = read_state(refs, place)
        theirs = read_state(refs, Place(other.dataset_id, other.id)).head
        assert state.head is not None
        assert theirs is not None
        made = new_commit(
            snapshot=state.writable(),
            parents=[state.head, theirs],
            place=(place.dataset, place.version),
            who="somebody",
            message="Merge",
            time_ms=draft.log()[0].time + 5,
            changes=Changes(),
        )
        new = staging.add(Kind.COMMIT, encode_object(made))
        return [Move(head_ref(place.dataset, place.version), state.head, new)], None

    transact(store.handle, staging, "merge", merged)
    by_message = {one.message: Saved(one.time, one.version_id) for one in draft.log()}
    assert draft.last_saved(["a", "b", "c"]) == [
        by_message["ours"],
        by_message["theirs"],
        by_message["Merge"],
    ]


def calls_of_reading(version: DatasetVersion) -> int:
    """Return how many calls it takes to say of each frame of a version when it was saved."""
    calls = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        for _ in version.get_iterator(projection=["saved"]):
            pass
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("is_committed", [False, True])
@pytest.mark.parametrize("rounds", [1, 20])
def test_saying_of_twice_the_frames_when_they_were_saved_costs_twice(
    store: Store, rounds: int, is_committed: bool
) -> None:
    """Frames are read in pieces, and history must not be compared anew for each of them."""
    cost = []
    for count in (1_000, 4_000):
        version = store.create_dataset(f"of {count}").version()
        for turn in range(rounds):
            version.add_frames([frame(f"f{at:04}", at) for at in range(turn, count, rounds)])
        if is_committed:
            version.commit("all")
        cost.append(calls_of_reading(version))
    assert cost[1] < 6 * cost[0]
