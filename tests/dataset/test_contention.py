"""Several hands on one draft: what each was told holds, and nobody's edit is undone unseen."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from hyperstore import DatasetVersion, SingleFrame, Store
from hyperstore.dataset.arrival import Arrival
from hyperstore.dataset.view import Frame
from hyperstore.errors import ConflictError, FrameError, UsageError
from hyperstore.maintenance.collect import gc
from tests.support.frames import wire, wires

ADDERS, ROUNDS = 4, 25


def test_conditional_updates_count_every_acknowledged_one(draft: DatasetVersion) -> None:
    """A counter that four threads raise is worth what they were told, whoever was first."""
    draft.add_frames([wire("counter", number=0)])
    acknowledged: list[int] = []

    def count(version: DatasetVersion) -> None:
        for _ in range(ROUNDS):
            frame = version.get_frame("counter")
            frame.metadata["number"] = int(str(frame.metadata["number"])) + 1
            if not version.update_frames([frame], if_unchanged=True):
                acknowledged.append(1)

    handles = [DatasetVersion(draft._handle, draft._place, "cells") for _ in range(ADDERS)]
    threads = [threading.Thread(target=count, args=(one,)) for one in handles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert draft.get_frame("counter").metadata["number"] == len(acknowledged)


def test_a_conditional_update_that_loses_the_race_is_a_failure(
    draft: DatasetVersion, store: Store
) -> None:
    """The other writer came between the look and the store."""
    draft.add_frames([wire("a"), wire("b")])
    other = store.dataset("cells").version()
    mine = [draft.get_frame("a"), draft.get_frame("b")]
    for frame in mine:
        frame.metadata["mine"] = True

    def racing() -> Iterator[Frame]:
        yield from mine
        other.add_frames([wire("a", x=7.0)])  # After the draft was looked at.

    (failure,) = draft.update_frames(racing(), if_unchanged=True)
    assert failure["frame"] is mine[0]
    assert failure["error_type"] == "conflict"
    assert draft.get_frame("a").metadata == {}
    assert draft.get_frame("b").metadata == {"mine": True}
    with pytest.raises(FrameError, match="somebody else"):
        draft.update_frames([mine[0]], if_unchanged=True, strict=True)


def test_a_frame_that_somebody_deleted_does_not_come_back(draft: DatasetVersion) -> None:
    """Deleting is a change too."""
    draft.add_frames([wire("a")])
    frame = draft.get_frame("a")
    draft.delete_frames(["a"])
    (failure,) = draft.update_frames([frame], if_unchanged=True)
    assert failure["error_type"] == "conflict"
    assert len(draft) == 0


def test_a_batch_of_conditional_updates_is_all_or_nothing(
    draft: DatasetVersion, store: Store
) -> None:
    """Its end is the only moment that can tell."""
    draft.add_frames([wire("a"), wire("b")])
    other = store.dataset("cells").version()
    frame = draft.get_frame("a")
    frame.metadata["mine"] = True

    def racing() -> None:
        with draft.batch():
            draft.update_frames([frame], if_unchanged=True)
            draft.add_frames([wire("c")])
            other.add_frames([wire("a", x=7.0)])

    with pytest.raises(ConflictError, match="'a'"):
        racing()
    assert [one.id for one in draft] == ["a", "b"]


def test_threads_that_share_a_handle_keep_out_of_each_others_batches(
    draft: DatasetVersion,
) -> None:
    """A call is acknowledged when it is on disk, not when another thread's batch ends."""

    def add(number: int) -> None:
        for place in range(ROUNDS):
            draft.add_frames([wire(f"{number}-{place}")])

    def dropped() -> None:
        with draft.batch():
            draft.add_frames([wire("dropped")])
            threads = [threading.Thread(target=add, args=(number,)) for number in range(ADDERS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            raise KeyError("mine")

    with pytest.raises(KeyError):
        dropped()
    assert len(draft) == ADDERS * ROUNDS


def test_frames_of_a_call_that_failed_are_told_nothing(draft: DatasetVersion) -> None:
    """Their ids still follow from their sources."""
    frame = SingleFrame(source="s3://b/one.jpg")
    before = frame.id
    bad = wire("b")
    bad["sources"] = []
    with pytest.raises(FrameError):
        draft.add_frames([frame, bad], strict=True)
    frame.source = "s3://b/two.jpg"
    assert frame.id != before

    def dropped() -> None:
        with draft.batch():
            draft.add_frames([frame])
            raise KeyError("mine")

    with pytest.raises(KeyError):
        dropped()
    assert draft.add_frames([frame]) == []
    assert draft.update_frames([frame], if_unchanged=True) == []


def test_two_imports_of_the_same_frames_at_once_do_not_undo_each_other(store: Store) -> None:
    """The second one worked out its frames from what it saw before the first one ended."""
    store.create_dataset("cells").version().add_frames([wire("a")])
    with (
        Arrival(store.handle, "cells", "Current") as one,
        Arrival(store.handle, "cells", "Current") as other,
    ):
        one.put([wire("a", x=1.0)])
        other.put([wire("a", x=2.0), wire("b")])
        other.finish(None)
        with pytest.raises(ConflictError, match="run it again"):
            one.finish(None)
    found = store.dataset("cells").version()
    assert [frame.id for frame in found] == ["a", "b"]


def test_an_iterator_holds_its_frames_from_when_it_is_made(
    draft: DatasetVersion, store: Store
) -> None:
    """A loader is built in the morning and started at night."""
    draft.add_frames(wires(50))
    source = draft.get_iterator()
    draft.delete_frames([f"f{number:03d}" for number in range(50)])
    draft.commit("Empty")
    later = int(datetime.now(UTC).timestamp() * 1000) + 3 * 24 * 3600 * 1000
    gc(store, now_ms=later)
    assert len(list(source)) == 50


@pytest.mark.parametrize("comment", [5, b"x", None, ["x"], "x\ud800"])
def test_a_comment_that_could_not_be_read_back_is_refused(store: Store, comment: object) -> None:
    """One false field would hide every dataset of the store."""
    dataset = store.create_dataset("good")
    version = dataset.version()
    version.add_frames(wires(1))
    version.commit("One")
    for call in (
        lambda: store.create_dataset("c", comment=comment),  # type: ignore[arg-type]
        lambda: dataset.create_version("c", comment=comment),  # type: ignore[arg-type]
        lambda: dataset.set_comment(comment),  # type: ignore[arg-type]
        lambda: version.set_comment(comment),  # type: ignore[arg-type]
        lambda: version.tag("t", message=comment),  # type: ignore[arg-type]
    ):
        with pytest.raises(UsageError):
            call()
    assert [one.name for one in store.datasets()] == ["good"]
    assert [one.name for one in dataset.versions()] == ["Current"]
    assert dataset.commit_tags() == {}


@pytest.mark.parametrize("one", ["ab", b"ab", wire("a")], ids=["str", "bytes", "dict"])
def test_deleting_takes_a_list(draft: DatasetVersion, one: object) -> None:
    """A string is a list of letters, and letters may be ids."""
    draft.add_frames([wire("a"), wire("b")])
    with pytest.raises(UsageError, match="list"):
        draft.delete_frames(one)  # type: ignore[arg-type]
    assert len(draft) == 2


def boxed(x: float, **given: object) -> dict[str, object]:
    """Return the frame `a` with one box, whose id follows from it unless it is given."""
    source = {"id": "default", "uri": "s3://b/a.jpg"}
    return {"id": "a", "sources": [source], "rois": rois(x, **given)}


def rois(x: float, **given: object) -> list[object]:
    """Return a list of one box."""
    return [{"label": ["cell"], "poly": [x, 0, x + 9, 0, x + 9, 9, x, 9], **given}]


def roi_ids(version: DatasetVersion, name: str = "a") -> list[str | None]:
    """Return the ids of a frame's ROIs, in their order."""
    frame = version.get_frame(name)
    assert isinstance(frame, SingleFrame)
    return [one.roi_id for one in frame.annotations]


def add_then_move(version: DatasetVersion) -> None:
    """Add the frame with a box, and move the box, which keeps its id."""
    version.add_frames([boxed(1)])
    version.update_frames([boxed(50, id=roi_ids(version)[0])])


def test_a_derived_roi_id_is_none_that_a_frame_which_came_first_has_for_another_box(
    draft: DatasetVersion, store: Store
) -> None:
    """Two boxes would be taken for one that moved. One after the other, nobody mixes them up."""
    other = store.dataset("cells").version()

    def racing() -> Iterator[dict[str, object]]:
        yield boxed(1)
        add_then_move(other)

    assert draft.add_frames(racing()) == []
    in_turn = store.create_dataset("in turn").version()
    add_then_move(in_turn)
    moved = roi_ids(in_turn)
    in_turn.add_frames([boxed(1)])
    assert roi_ids(draft) == roi_ids(in_turn) != moved
    assert draft.get_frame("a").to_dict()["rois"] == in_turn.get_frame("a").to_dict()["rois"]


def test_a_frame_object_is_told_the_ids_under_which_a_lost_race_was_stored(
    draft: DatasetVersion, store: Store
) -> None:
    """Else its next update would be refused, or give the box yet another id."""
    other = store.dataset("cells").version()
    frame = SingleFrame.from_dict(boxed(1))
    assert isinstance(frame, SingleFrame)

    def racing() -> Iterator[Frame]:
        yield frame
        add_then_move(other)

    draft.add_frames(racing())
    assert [frame.annotations[0].roi_id] == roi_ids(draft)
    frame.metadata["seen"] = True
    assert draft.update_frames([frame], if_unchanged=True) == []
    assert [frame.annotations[0].roi_id] == roi_ids(draft)


def test_a_derived_roi_id_is_the_first_one_again_when_who_had_it_is_gone(
    draft: DatasetVersion, store: Store
) -> None:
    """The ordinal is the smallest that the frame which is replaced leaves free."""
    other = store.dataset("cells").version()
    draft.add_frames([boxed(1)])
    first = roi_ids(draft)
    draft.update_frames([boxed(50, id=first[0])])

    def racing() -> Iterator[dict[str, object]]:
        yield boxed(1)
        other.delete_frames(["a"])

    draft.add_frames(racing())
    assert roi_ids(draft) == first


def test_an_roi_id_that_was_given_stays_in_a_lost_race(draft: DatasetVersion, store: Store) -> None:
    """It says which box is meant, even where it could have been derived; derived ones make way."""
    other = store.dataset("cells").version()
    draft.add_frames([boxed(1)])
    (given,) = roi_ids(draft)
    mixed = {**boxed(1), "rois": [*rois(1, id=given), *rois(7)]}

    def racing() -> Iterator[dict[str, object]]:
        yield mixed
        other.update_frames([boxed(50, id=given)])

    draft.add_frames(racing())
    kept, derived = roi_ids(draft)
    assert kept == given != derived


def test_a_batch_that_loses_a_race_derives_its_roi_ids_anew(
    draft: DatasetVersion, store: Store
) -> None:
    """It ends long after its frames were looked at; the last frame of an id counts."""
    other = store.dataset("cells").version()
    with draft.batch():
        draft.add_frames([boxed(5), {**boxed(1), "id": "b"}])
        draft.add_frames([boxed(1)])
        add_then_move(other)
        moved = roi_ids(other)
    assert roi_ids(draft) != moved
    assert roi_ids(draft, "b") == moved  # In another frame it is free.


@pytest.mark.parametrize("number", [0, 1])
def test_a_derived_roi_id_that_was_read_inside_a_batch_makes_way_in_a_lost_race(
    draft: DatasetVersion, store: Store, number: int
) -> None:
    """Nobody gave it and nobody else has seen it, so all comes out as after the other's edits."""
    other = store.dataset("cells").version()
    in_turn = store.create_dataset("in turn").version()

    def work(version: DatasetVersion) -> Frame:
        version.add_frames([boxed(1)])
        frame = version.get_frame("a")
        frame.metadata["number"] = number
        if number:  # Else it is the same frame again but for this.
            assert isinstance(frame, SingleFrame)
            frame.annotations[0].confidence = 0.5
        version.update_frames([frame])
        return frame

    with draft.batch():
        frame = work(draft)
        add_then_move(other)
    add_then_move(in_turn)
    moved = roi_ids(in_turn)
    with in_turn.batch():
        work(in_turn)
    assert roi_ids(draft) == roi_ids(in_turn) != moved
    assert isinstance(frame, SingleFrame)
    assert [frame.annotations[0].roi_id] == roi_ids(draft)
    assert draft.update_frames([frame], if_unchanged=True) == []


def test_an_roi_id_that_was_read_before_a_batch_stays_in_a_lost_race(
    draft: DatasetVersion, store: Store
) -> None:
    """It says which box is meant, though a call of the batch could have derived it."""
    other = store.dataset("cells").version()
    draft.add_frames([boxed(1)])
    (given,) = roi_ids(draft)
    with draft.batch():
        draft.add_frames([boxed(1)])
        draft.update_frames([boxed(20, id=given)])
        other.update_frames([boxed(50, id=given)])
    assert roi_ids(draft) == [given]
