"""Versions: frames in and out, batches, commits, and going back."""

import warnings
from collections.abc import Iterator

import pytest

from hyperstore import DatasetVersion, SingleFrame, Store
from hyperstore.errors import (
    ConflictError,
    ExistsError,
    FrameError,
    NotFoundError,
    PublishedError,
    RefusedError,
    UsageError,
)
from tests.support.frames import Wire, by_order, wire, wires


def ids(version: DatasetVersion) -> list[str]:
    """Return the ids of a version's frames in order."""
    return [one.id for one in version]


def test_frames_come_back_in_order_of_context_time_and_id(draft: DatasetVersion) -> None:
    """A clip plays as it was recorded, whatever order it was registered in."""
    frames = wires(200)
    assert draft.add_frames(reversed(frames)) == []
    assert ids(draft) == by_order(frames)
    assert [one.id for one in draft.get_iterator(reverse=True)] == by_order(frames)[::-1]


def test_a_range_of_one_context_is_read_by_time(draft: DatasetVersion) -> None:
    """`start` is the first time that comes, `stop` the first that does not."""
    draft.add_frames(wires(40))
    found = draft.get_iterator(context="clip1", start=80, stop=200)
    assert [(one.context_id, one.timestamp) for one in found] == [
        ("clip1", 80),
        ("clip1", 120),
        ("clip1", 160),
    ]
    assert [
        one.timestamp for one in draft.get_iterator(context="clip3", stop=80, reverse=True)
    ] == [
        40,
        0,
    ]
    assert list(draft.get_iterator(context="none")) == []


def test_a_range_of_positions_is_a_slice(draft: DatasetVersion) -> None:
    """A loader reads its shard."""
    frames = wires(50)
    draft.add_frames(frames)
    order = by_order(frames)
    for start, stop in [(0, 10), (7, 9), (45, 99), (-5, None), (None, -45), (60, None), (9, 3)]:
        found = [one.id for one in draft.get_iterator(start=start, stop=stop)]
        assert found == order[slice(start, stop)]
    assert draft.view().nth(7).id == order[7]
    assert draft.view().nth(-1).id == order[-1]
    with pytest.raises(NotFoundError):
        draft.view().nth(50)


def test_frames_are_got_by_id_and_unknown_ids_are_passed_over(draft: DatasetVersion) -> None:
    """The order asked is the order given."""
    draft.add_frames(wires(30))
    found = draft.get_frames_by_ids(["f007", "nope", "f003", "f007"])
    assert [one.id for one in found] == ["f007", "f003", "f007"]
    with pytest.raises(NotFoundError, match="nope"):
        draft.get_frame("nope")
    with pytest.raises(UsageError):
        draft.get_frames_by_ids("f007")


def test_a_frame_of_a_known_id_replaces_the_old_one(draft: DatasetVersion) -> None:
    """Saving an id again updates it; the order follows its new time."""
    draft.add_frames([wire("a", timestamp=0), wire("b", timestamp=40)])
    draft.add_frames([wire("a", timestamp=80, labels=["x", "y"])])
    assert ids(draft) == ["b", "a"]
    assert draft.view().snapshot.totals.rois == 3


def test_adding_the_same_frames_again_changes_nothing(draft: DatasetVersion, store: Store) -> None:
    """A registration script runs every night."""
    draft.add_frames(wires(20))
    content, operations = draft.content_id, len(list(store.operations()))
    draft.add_frames(wires(20))
    assert draft.content_id == content
    assert len(list(store.operations())) == operations


def test_a_bad_frame_is_a_failure_and_stops_no_other(draft: DatasetVersion) -> None:
    """One broken label must not cost the batch."""
    bad = wire("b")
    bad["sources"] = []
    (failure,) = draft.add_frames([wire("a"), bad, wire("c")])
    assert failure["frame"] is bad
    assert failure["error_type"] == "validation"
    assert "sources" in str(failure["error"])
    assert ids(draft) == ["a", "c"]


def test_strict_raises_the_first_failure_and_stores_nothing(draft: DatasetVersion) -> None:
    """The command uses it: all or nothing."""
    bad = wire("b")
    bad["sources"] = []
    with pytest.raises(FrameError, match="sources"):
        draft.add_frames([wire("a"), bad], strict=True)
    assert len(draft) == 0


def test_an_iterable_that_raises_stores_nothing(draft: DatasetVersion) -> None:
    """Half of a broken source is not what was asked for."""

    def broken() -> Iterator[Wire]:
        yield from wires(5_000)
        raise OSError("the network went away")

    with pytest.raises(OSError, match="went away"):
        draft.add_frames(broken())
    assert len(draft) == 0
    assert draft.status().state == "draft"


@pytest.mark.parametrize("frames", ["abc", b"abc", {"id": "a"}, None, 3])
def test_what_is_no_iterable_of_frames_is_refused(draft: DatasetVersion, frames: object) -> None:
    """One frame is a list of one."""
    with pytest.raises(UsageError, match="iterable"):
        draft.add_frames(frames)  # type: ignore[arg-type]


def test_one_id_twice_in_a_call_keeps_the_last_and_warns(draft: DatasetVersion) -> None:
    """Often a sign of a wrong id rule."""
    with pytest.warns(UserWarning, match="1 frame came again"):
        draft.add_frames([wire("a", x=1.0), wire("b"), wire("a", x=2.0, timestamp=99)])
    assert ids(draft) == ["b", "a"]
    assert draft.get_frame("a").to_dict()["rois"][0]["poly"][0] == 2.0  # type: ignore[index]


def test_deleting_by_id_and_by_frame_says_how_many_there_were(draft: DatasetVersion) -> None:
    """Unknown ids are no error, as when a clean-up runs twice."""
    draft.add_frames(wires(10))
    frame = draft.get_frame("f003")
    assert draft.delete_frames(["f001", frame, {"id": "f002"}, "nope"]) == 3
    assert len(draft) == 7
    assert draft.view().snapshot.totals.rois == 7


def test_more_frames_than_memory_holds_come_in_one_call(draft: DatasetVersion) -> None:
    """They are written in bounded transactions, and seen at the end, together."""
    seen: list[int] = []

    def watched() -> Iterator[Wire]:
        for number in range(12_000):
            if number % 4_000 == 3_999:
                seen.append(len(draft))
            yield wire(f"{number:06d}", timestamp=number, blob="x" * 700)

    draft.add_frames(watched())
    assert len(draft) == 12_000
    assert seen == [0, 0, 0]


def test_a_batch_sees_its_own_edits_and_others_see_them_at_its_end(
    draft: DatasetVersion, store: Store
) -> None:
    """Many small calls, one transaction."""
    other = store.dataset("cells").version()
    with draft.batch():
        draft.add_frames(wires(5))
        draft.delete_frames(["f000"])
        draft.set_metadata({"a": 1})
        assert (len(draft), len(other)) == (4, 0)
        assert draft.get_metadata() == {"a": 1}
    assert len(other) == 4
    assert len(list(store.operations())) == 2


def test_an_exception_in_a_batch_drops_all_of_it(draft: DatasetVersion) -> None:
    """All or nothing."""

    def failing() -> None:
        with draft.batch():
            draft.add_frames(wires(5))
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        failing()
    assert len(draft) == 0


def test_history_stands_outside_of_a_batch(draft: DatasetVersion) -> None:
    """A commit records what others can see."""
    with draft.batch():
        draft.add_frames(wires(1))
        for call in (
            lambda: draft.commit("x"),
            draft.publish,
            draft.snapshot,
            draft.reset,
            draft.restore,
            lambda: draft.batch().__enter__(),
        ):
            with pytest.raises(UsageError, match="batch"):
                call()


def test_two_handles_that_edit_one_draft_both_keep_their_frames(
    draft: DatasetVersion, store: Store
) -> None:
    """The second one's edits are done again on what the first one left."""
    other = store.dataset("cells").version()
    draft.add_frames([wire("a"), wire("shared", x=0.0)])
    with draft.batch():
        draft.add_frames([wire("b"), wire("shared", x=1.0)])
        draft.delete_frames(["a"])
        other.add_frames([wire("c"), wire("shared", x=2.0)])
        other.set_metadata({"kept": True})
    assert sorted(ids(draft)) == ["b", "c", "shared"]
    assert draft.get_frame("shared").to_dict()["rois"][0]["poly"][0] == 1.0  # type: ignore[index]
    assert draft.get_metadata() == {"kept": True}
    assert draft.view().snapshot.totals.rois == 3


def test_commit_records_what_is_pending_with_exact_counts(draft: DatasetVersion) -> None:
    """`log --stat` reads no tree."""
    draft.add_frames([wire("a", labels=["x", "y"]), wire("b"), wire("c")])
    first = draft.commit("Add three\n\nAll of them.")
    draft.add_frames([wire("a", labels=["x", "z"], x=5.0), wire("d", labels=["x", "y", "z"])])
    draft.delete_frames(["b"])
    second = draft.commit("Change")
    log = draft.log()
    assert [one.id for one in log] == [second, first]
    assert log[0].parents == (first,)
    assert log[1].message == "Add three\n\nAll of them."
    counts = log[0].changes
    assert (counts.frames.added, counts.frames.changed, counts.frames.removed) == (1, 1, 1)
    assert (counts.rois.added, counts.rois.changed, counts.rois.removed) == (3, 2, 1)
    assert (log[1].changes.frames.added, log[1].changes.rois.added) == (3, 4)


def test_commit_with_nothing_pending_is_none_and_records_nothing(draft: DatasetVersion) -> None:
    """As git exits 1."""
    assert draft.commit("Nothing") is None
    draft.add_frames(wires(1))
    assert draft.commit("One") is not None
    assert draft.commit("Nothing") is None
    assert draft.commit("Mark", allow_empty=True) is not None
    assert [one.message for one in draft.log()] == ["Mark", "One"]


def test_status_follows_the_pending_edits(draft: DatasetVersion) -> None:
    """draft, committed, published, as on the wire."""
    assert draft.status().state == "draft"
    draft.add_frames(wires(2))
    assert draft.status().changes.frames.added == 2
    draft.commit("Two")
    assert draft.status().state == "committed"
    draft.set_metadata({"a": 1})
    assert draft.status().state == "draft"
    draft.publish()
    assert draft.status().state == "published"


def test_reading_works_at_any_commit(draft: DatasetVersion) -> None:
    """A result of last year is looked at again."""
    draft.add_frames(wires(3))
    first = draft.commit("Three")
    assert first is not None
    draft.delete_frames(["f001"])
    draft.commit("Two")
    assert len(draft.at(first)) == 3
    assert [one.id for one in draft.at(first[:12]).get_frames_by_ids(["f001"])] == ["f001"]
    with pytest.raises(UsageError, match="commit id"):
        draft.at("xyz")
    with pytest.raises(NotFoundError):
        draft.at("0" * 12)


def test_an_iterator_goes_on_over_what_it_began_with(draft: DatasetVersion) -> None:
    """An epoch does not change under the loader."""
    draft.add_frames(wires(300))
    source = iter(draft)
    first = next(source)
    draft.delete_frames([f"f{number:03d}" for number in range(300)])
    assert [first.id, *(one.id for one in source)] == by_order(wires(300))


def test_a_published_version_does_not_change(draft: DatasetVersion, store: Store) -> None:
    """What was published is what was trained on."""
    draft.add_frames(wires(2))
    commit = draft.publish("Release")
    assert draft.log()[0].id == commit
    assert draft.log()[0].message == "Release"
    for call in (
        lambda: draft.add_frames(wires(1)),
        lambda: draft.delete_frames(["f000"]),
        lambda: draft.commit("x"),
        lambda: draft.reset(hard=True),
        draft.restore,
        draft.publish,
        draft.snapshot,
    ):
        with pytest.raises(PublishedError, match="child"):
            call()
    assert not draft.set_metadata({"changed": True})
    assert draft.get_metadata() == {}
    assert len(draft) == 2
    with pytest.raises(RefusedError, match="force"):
        store.dataset("cells").delete_version(draft)


def test_a_snapshot_keeps_the_id_and_opens_a_draft(draft: DatasetVersion) -> None:
    """The current version becomes the snapshot in place."""
    draft.add_frames(wires(3))
    child = draft.snapshot()
    assert draft.published
    assert draft.name.startswith("snapshot 20")
    assert child.name == "Current"
    assert child.record.parent == draft.id
    assert child.content_id == draft.content_id
    child.delete_frames(["f000"])
    assert (len(draft), len(child)) == (3, 2)


def test_a_version_starts_at_a_parent_or_any_commit(draft: DatasetVersion, store: Store) -> None:
    """Branches cost nothing."""
    dataset = store.dataset("cells")
    draft.add_frames(wires(3))
    first = draft.commit("Three")
    draft.delete_frames(["f000"])
    draft.commit("Two")
    assert len(dataset.create_version("child", parent=draft)) == 2
    assert len(dataset.create_version("old", commit=first)) == 3
    assert len(dataset.create_version("empty")) == 0
    with pytest.raises(ExistsError):
        dataset.create_version("child")
    with pytest.raises(UsageError):
        dataset.create_version("both", parent=draft, commit=first)


def test_of_several_versions_of_one_name_the_newest_is_found_with_a_warning(
    draft: DatasetVersion, store: Store
) -> None:
    """Names may repeat after a rename."""
    dataset = store.dataset("cells")
    other = dataset.create_version("other")
    other.rename("Current")
    with pytest.warns(UserWarning, match="2 versions"):
        assert dataset.version("Current") == other
    assert dataset.version(draft.id) == draft


def test_tags_name_commits_for_good(draft: DatasetVersion, store: Store) -> None:
    """A tag moves only by force."""
    with pytest.raises(UsageError, match="no commit"):
        draft.tag("v1")
    draft.add_frames(wires(1))
    first = draft.commit("One")
    draft.tag("v1", message="The first")
    draft.add_frames(wires(2))
    second = draft.commit("Two")
    with pytest.raises(ExistsError):
        draft.tag("v1")
    draft.tag("v1", force=True)
    draft.tag("v0", first)
    assert store.dataset("cells").commit_tags() == {"v0": first, "v1": second}
    store.dataset("cells").delete_tag("v0")
    with pytest.raises(NotFoundError):
        store.dataset("cells").delete_tag("v0")


def test_reset_moves_the_head_and_hard_drops_what_is_pending(draft: DatasetVersion) -> None:
    """Git's words, git's meaning."""
    draft.add_frames(wires(1))
    first = draft.commit("One")
    draft.add_frames(wires(2))
    draft.commit("Two")
    draft.add_frames(wires(3))
    draft.reset(first)
    assert (draft.head, len(draft), draft.status().changes.frames.added) == (first, 3, 2)
    draft.reset(hard=True)
    assert (len(draft), draft.status().state) == (1, "committed")


def test_restore_makes_frames_as_a_commit_has_them(draft: DatasetVersion) -> None:
    """Absent ones too."""
    draft.add_frames([wire("a", x=1.0), wire("b")])
    first = draft.commit("First")
    draft.add_frames([wire("a", x=9.0), wire("c", labels=["p", "q"])])
    draft.delete_frames(["b"])
    assert draft.restore(["a", "b", "c"]) == 3
    assert draft.status().state == "committed"
    draft.add_frames([wire("a", x=9.0)])
    draft.commit("Second")
    draft.restore(source=first)
    assert draft.content_id == draft.at(str(first)).content_id
    with pytest.raises(NotFoundError, match="nope"):
        draft.restore(["nope"])


def test_revert_commits_the_opposite_and_keeps_later_edits(draft: DatasetVersion) -> None:
    """Only what that commit did is undone."""
    draft.add_frames([wire("a", x=1.0), wire("b")])
    draft.commit("First")
    draft.add_frames([wire("a", x=2.0), wire("c")])
    draft.delete_frames(["b"])
    second = draft.commit("Second")
    draft.add_frames([wire("d")])
    draft.commit("Third")
    draft.revert(str(second))
    assert ids(draft) == ["a", "b", "d"]
    assert draft.get_frame("a").to_dict()["rois"][0]["poly"][0] == 1.0  # type: ignore[index]
    assert draft.log()[0].message.startswith('Revert "Second"')
    assert draft.status().state == "committed"


def test_revert_refuses_what_was_edited_again_and_pending_edits(draft: DatasetVersion) -> None:
    """A guess would lose one of the two edits."""
    draft.add_frames([wire("a", x=1.0)])
    draft.commit("First")
    draft.add_frames([wire("a", x=2.0)])
    second = str(draft.commit("Second"))
    draft.add_frames([wire("a", x=3.0)])
    with pytest.raises(UsageError, match="pending"):
        draft.revert(second)
    draft.commit("Third")
    content = draft.content_id
    with pytest.raises(ConflictError, match=r"1 frame .*'a"):
        draft.revert(second)
    assert draft.content_id == content


def test_an_update_over_someone_elses_edit_is_counted_or_refused(draft: DatasetVersion) -> None:
    """Last writer wins, but not in silence."""
    draft.add_frames([wire("a"), wire("b")])
    mine, other = draft.get_frame("a"), draft.get_frame("b")
    draft.add_frames([wire("a", x=5.0)])
    (failure,) = draft.update_frames([mine, other], if_unchanged=True)
    assert failure["error_type"] == "conflict"
    assert failure["frame"] is mine
    with pytest.warns(UserWarning, match="1 frame had been changed"):
        draft.update_frames([mine])
    assert draft.get_frame("a").to_dict()["rois"][0]["poly"][0] == 0.0  # type: ignore[index]


def test_a_frame_object_keeps_its_ids_from_when_it_is_first_stored(draft: DatasetVersion) -> None:
    """Editing its source afterwards moves it, and makes no second frame."""
    frame = SingleFrame(source="s3://bucket/a.jpg", width=640, height=480)
    frame.add_annotation(box2d_xywh=(1, 2, 3, 4), labels=["cell"])
    draft.add_frames([frame])
    first = frame.id
    frame.source = "s3://bucket/moved.jpg"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draft.update_frames([frame])
        frame.metadata["seen"] = 2
        draft.update_frames([frame])
    (found,) = draft
    assert (found.id, frame.id) == (first, first)
    assert found.to_dict() == frame.to_dict()


def test_registering_the_same_new_frames_twice_changes_nothing(draft: DatasetVersion) -> None:
    """Ids of frames and ROIs follow from what they hold."""

    def registered() -> list[SingleFrame]:
        frames = [SingleFrame(source=f"s3://bucket/{number}.jpg") for number in range(5)]
        for frame in frames:
            frame.add_annotation(box2d_xywh=(1, 2, 3, 4), labels=["cell"])
            frame.add_annotation(box2d_xywh=(1, 2, 3, 4), labels=["cell"])
        return frames

    draft.add_frames(registered())
    content = draft.content_id
    draft.add_frames(registered())
    assert draft.content_id == content


def test_frames_of_one_version_go_into_another(draft: DatasetVersion, store: Store) -> None:
    """Ids are kept, and nothing is warned about."""
    draft.add_frames(wires(10))
    other = store.create_dataset("other").version()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert other.add_frames(draft) == []
    assert other.content_id == draft.content_id


@pytest.mark.parametrize(
    "metadata",
    [
        {"a.b": 1},
        {"$a": 1},
        {"a": [{"b.c": 1}]},
        {"a": {1, 2}},
        {"a": float("nan")},
        {1: 2},
        [1],
        "x",
    ],
)
def test_metadata_that_cannot_be_stored_or_queried_is_refused(
    draft: DatasetVersion, metadata: object
) -> None:
    """A key with a dot would be a path."""
    with pytest.raises(UsageError):
        draft.set_metadata(metadata)  # type: ignore[arg-type]
    assert draft.get_metadata() == {}


def test_metadata_is_part_of_what_a_commit_records(draft: DatasetVersion) -> None:
    """Mask labels belong to the frames."""
    draft.set_metadata({"mask_labels": {"_all_": []}, "pi": 3.25})
    first = draft.commit("Metadata")
    draft.set_metadata({})
    draft.commit("None")
    assert draft.at(str(first)).get_metadata() == {"mask_labels": {"_all_": []}, "pi": 3.25}
    assert draft.get_metadata() == {}


def test_diff_yields_what_differs_and_nothing_else(draft: DatasetVersion) -> None:
    """By default from the head to what the draft holds."""
    draft.add_frames(wires(100))
    first = str(draft.commit("Hundred"))
    draft.add_frames([wire("f003", x=4.0), wire("new")])
    draft.delete_frames(["f050"])
    kinds = {one.frame_id: one.kind for one in draft.diff()}
    assert kinds == {"f003": "changed", "new": "added", "f050": "removed"}
    second = str(draft.commit("Edit"))
    assert {one.frame_id for one in draft.diff(first, second)} == set(kinds)
    assert list(draft.diff(second)) == []


def test_a_differing_frame_says_what_differs_when_asked(draft: DatasetVersion) -> None:
    """A list of ids costs no read of a frame."""
    draft.add_frames([wire("a", x=1.0)])
    draft.commit("One")
    draft.add_frames([wire("a", x=4.0)])
    (found,) = draft.diff()
    (roi,) = found.change.rois_changed
    assert roi.move is not None
    assert roi.move.distance == 3.0
