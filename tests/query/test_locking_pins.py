"""A lock pins all that its view names: what frames are merged with, mapping, revisions."""

import json
import os
from pathlib import Path

import pytest
from blake3 import blake3

from hyperstore import (
    ConflictError,
    CorruptError,
    DiskFullError,
    HyperstoreError,
    NotFoundError,
    RefusedError,
    Store,
    UsageError,
)
from hyperstore.codec import pack, replace
from hyperstore.dataset.dataset import Dataset, DatasetVersion
from hyperstore.history.lock import decode_lock
from hyperstore.ids import ObjectId
from hyperstore.maintenance.check import fsck
from hyperstore.maintenance.collect import gc
from hyperstore.query.dataview import DataView
from hyperstore.query.locks.lock import Lock
from hyperstore.query.locks.lockfile import read_lock_file, stamp_of
from hyperstore.query.locks.lockstore import list_locks
from hyperstore.query.views.resolved import Resolved
from tests.support.frames import wire

FAR_MS = 10**15  # Long after all that the log may undo.


@pytest.fixture
def cells(store: Store) -> Dataset:
    """Return a dataset with a version `Current`, and `next`, in which one frame is another."""
    made = store.create_dataset("cells")
    draft = made.version()
    draft.add_frames([wire("a", labels=["dog"]), wire("b", labels=["dog"])])
    commit = draft.commit("First")
    draft.tag("v1")
    newer = made.create_version("next", commit=commit)
    newer.add_frames([wire("a", labels=["pup"])])
    newer.commit("Second")
    return made


def of(store: Store, **said: object) -> DataView:
    return DataView("dogs", store=store).add_query("cells", "Current", **said)  # type: ignore[arg-type]


def newer(view: DataView) -> dict[object, object]:
    """Return the labels of the frames with which those of a view are to be merged."""
    return {
        one["id"]: one["new_ver"]["rois"][0]["label"]  # type: ignore[index]
        for one in view.to_dict()
        if "new_ver" in one
    }


def labels(view: DataView) -> list[list[str]]:
    return [roi.labels for frame in view for roi in frame.annotations]  # type: ignore[union-attr]


@pytest.mark.parametrize("is_by_id", [True, False])
def test_a_lock_pins_the_version_that_frames_are_to_be_merged_with(
    store: Store, cells: Dataset, tmp_path: Path, is_by_id: bool
) -> None:
    """As it was then: edited, deleted and collected since; by the lock as by its file."""
    version = cells.version("next")
    view = of(store, merge_with=version.id if is_by_id else "next")
    lock = view.lock(tmp_path / "a.lock")
    assert newer(view) == {"a": ["pup"]}
    assert [one.version_name for one in lock.record.versions] == ["Current", "next"]
    version.add_frames([wire("a", labels=["hound"])])
    version.commit("Third")
    assert newer(view) == {"a": ["hound"]}
    assert newer(DataView.from_lock(lock, store=store)) == {"a": ["pup"]}
    cells.delete_version("next", force=True)
    store.delete_dataset("cells", force=True)
    gc(store, prune_now=True, now_ms=FAR_MS)
    for named in (lock.id, tmp_path / "a.lock"):
        assert newer(DataView.from_lock(named, store=store)) == {"a": ["pup"]}
    assert fsck(store, level="full").faults == []


def test_a_version_to_merge_with_is_that_of_each_frames_own_dataset(
    store: Store, cells: Dataset
) -> None:
    """A query over all datasets merges with the version of that name where there is one."""
    blood = store.create_dataset("blood")
    drop = blood.version()
    drop.add_frames([wire("d", labels=["drop"])])
    commit = drop.commit("Drop")
    other = blood.create_version("next", commit=commit)
    other.add_frames([wire("d", labels=["drip"])])
    other.commit("Drip")
    store.create_dataset("alone").version().add_frames([wire("z")])
    view = DataView("all", store=store).add_query("cells", "Current", roi_query="none")
    view.add_query("*", "*", merge_with="next")
    assert newer(view) == {"a": ["pup"], "d": ["drip"]}
    assert newer(DataView.from_lock(view.lock(commit=True), store=store)) == newer(view)
    with pytest.raises(NotFoundError, match="'none'"):
        of(store, merge_with="none").lock()


@pytest.mark.parametrize("is_early", [True, False])
def test_a_mapping_rule_of_one_version_is_pinned(
    store: Store, cells: Dataset, is_early: bool
) -> None:
    """It names the version by its id, and needs none that lives; also where it was said by names
    before anybody knew the store."""
    view = DataView("dogs", store=store) if is_early else DataView("dogs")
    view.add_query("cells", "Current").add_query("cells", "next", roi_query="dog")
    view.add_mapping_rule("cells", "Current", from_labels=["dog"], to_label="animal")
    if not is_early:
        view = DataView.from_spec(view.spec(), store=store)
    lock = view.lock()
    assert labels(view) == [["animal"], ["animal"]]
    cells.delete_version("next", force=True)
    cells.delete_version("Current", force=True)
    assert labels(DataView.from_lock(lock, store=store)) == [["animal"], ["animal"]]
    store.delete_dataset("cells", force=True)
    assert labels(DataView.from_lock(lock.id, store=store)) == [["animal"], ["animal"]]


def test_a_lock_says_of_all_that_its_view_names_which_commit_that_is(
    store: Store, cells: Dataset
) -> None:
    """What somebody left out, or named otherwise, is not looked up in the store of today."""
    record = of(store, frame_query="added:v1", merge_with="next").lock().record
    mapped = of(store)
    mapped.add_mapping_rule("cells", from_labels=["dog"], to_label="animal")
    by_name = {"source": {"dataset_name": "cells", "labels": ["dog"]}, "target": "animal"}
    rules = mapped.lock().record
    (revision,), (query,) = record.since, record.queries
    for made_up in (
        replace(record, since=[]),
        replace(record, since=[replace(revision, revision="v2")]),
        replace(record, since=[replace(revision, dataset="0" * 32)]),
        replace(record, queries=[replace(query, merged=[])]),
        replace(record, queries=[replace(query, versions=[0, 1])], spec=rules.spec),
        replace(rules, spec={**rules.spec, "mapping": {"rules": [by_name]}}),
    ):
        with pytest.raises(CorruptError, match="lock"):
            DataView.from_lock(Lock(made_up), verify=False, store=store)


@pytest.mark.parametrize("number", [0, -1])
def test_a_format_that_there_never_was_is_refused(
    store: Store, cells: Dataset, tmp_path: Path, number: int
) -> None:
    """In a file, whose check is made to fit, as in a store."""
    record = of(store).lock(tmp_path / "a.lock").record
    with pytest.raises(CorruptError, match="format"):
        decode_lock(pack(replace(record, format=number)), ObjectId(b"x" * 32))
    said = json.loads((tmp_path / "a.lock").read_text()) | {"format": number}
    del said["check"]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    said["check"] = blake3(text.encode()).hexdigest()
    (tmp_path / "a.lock").write_text(json.dumps(said))
    with pytest.raises(CorruptError, match="format"):
        read_lock_file(tmp_path / "a.lock")


@pytest.mark.parametrize("is_pending", [True, False])
def test_a_revision_may_be_a_draft_whose_edits_are_committed_with_the_lock(
    store: Store, cells: Dataset, is_pending: bool
) -> None:
    """That of the query itself, too; the lock names the commits that are made."""
    draft, other = cells.version("Current"), cells.version("next")
    draft.delete_frames(["b"])
    if is_pending:
        other.add_frames([wire("late")])
    view = of(store, frame_query="NOT added:next AND NOT added:Current")
    view.add_query("cells", "next", frame_query="added:Current")
    with pytest.raises(RefusedError, match="--commit"):
        view.lock()
    seen = [frame.id for frame in view]
    lock = view.lock(commit=True)
    assert {one.commit.hex() for one in lock.record.since} == {draft.head, other.head}
    assert [one.status().state for one in (draft, other)] == ["committed"] * 2
    draft.delete_frames(["a"])
    assert [frame.id for frame in DataView.from_lock(lock, store=store)] == seen
    assert len(seen) == 2 + is_pending


class Hurried(DataView):
    """A view with somebody who edits its draft each time before it is pinned, a few times."""

    edits = 0

    draft: DatasetVersion | None = None

    def resolve(self) -> Resolved:
        found = super().resolve()
        if self.edits and self.draft is not None:
            self.edits -= 1
            self.draft.add_frames([wire(f"late{self.edits}")])
        return found


def test_a_draft_that_is_edited_meanwhile_is_looked_at_again(store: Store, cells: Dataset) -> None:
    """A few times; who edits it without end is told."""
    view = Hurried("dogs", store=store).add_query("cells", "Current")
    view.draft = cells.version("Current")
    view.draft.add_frames([wire("late")])
    view.edits = 2
    assert view.lock(commit=True).count == 5
    view.draft.add_frames([wire("later")])
    view.edits = 100
    with pytest.raises(ConflictError, match="lock it again"):
        view.lock(commit=True)
    assert len(list_locks(store.handle)) == 1


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder that takes no files")
def test_a_lock_that_cannot_be_written_changes_nothing_in_the_store(
    store: Store, cells: Dataset, tmp_path: Path
) -> None:
    """Neither the lock is kept nor are edits committed; and no part of a file stays."""
    draft = cells.version("Current")
    draft.delete_frames(["b"])
    head = draft.head
    locked = DataView.from_lock(
        DataView("x", store=store).add_query("cells", "next").lock(tmp_path / "a.lock"), store=store
    )
    number = next(store.operations()).number
    for view in (of(store), locked):
        with pytest.raises(DiskFullError, match="cannot be written"):
            view.lock("/proc/self/a.lock", commit=True)
        with pytest.raises(DiskFullError, match="cannot be written"):
            view.stamp("/proc/self/status", commit=True)
    with pytest.raises(RefusedError):
        of(store).lock(tmp_path / "b.lock")
    assert (next(store.operations()).number, draft.head) == (number, head)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.lock", "store"]


def test_a_pipe_is_no_lock_and_no_model(store: Store, cells: Dataset, tmp_path: Path) -> None:
    """Nobody writes to it, and so whoever opened it would wait for good."""
    pipe = tmp_path / "a.lock"
    os.mkfifo(pipe)
    for call in (
        lambda: read_lock_file(pipe),
        lambda: stamp_of(pipe),
        lambda: of(store).lock(pipe),
        lambda: DataView.from_lock(pipe, store=store),
    ):
        with pytest.raises(UsageError, match="no regular file"):
            call()
    assert list_locks(store.handle) == []


@pytest.mark.parametrize("text", ["a" * 300, "f" * 5_000, "x" * 300, "a\0"])
def test_what_is_too_long_for_a_path_is_no_lock(store: Store, cells: Dataset, text: str) -> None:
    """One of our errors, and none of the system."""
    with pytest.raises(HyperstoreError):
        DataView.from_lock(text, store=store)


@pytest.mark.usefixtures("cells")
def test_views_that_were_counted_leave_no_files_of_pins(store: Store) -> None:
    """A program that only reads never comes to the collection that would take them away."""
    for number in range(20):
        assert of(store, frame_query=f"timestamp:>{number}").get_count() == 0
    pins = Path(store.path) / "db" / "pins"
    assert list(pins.iterdir()) == []


@pytest.mark.parametrize("commit", [False, True])
def test_a_dataset_just_begun_holds_no_lock_up(store: Store, cells: Dataset, commit: bool) -> None:
    """`*` has it with no frame; a lock that may commit needs no commit there, either."""
    bare = store.create_dataset("empty").version()
    view = DataView(store=store).add_query("*", "Current").add_query("cells", "v1")
    lock = view.lock(commit=commit)
    assert (lock.count, lock.commits) == (2, [cells.version("Current").head])
    assert bare.head is None
    bare.add_frames([wire("late", labels=["dog"])])
    bare.commit("Later")
    assert [frame.id for frame in DataView.from_lock(lock, store=store)] == ["a", "b"]


def test_a_query_of_nothing_but_bare_drafts_is_locked(store: Store, cells: Dataset) -> None:
    """It goes on to find nothing, also once they have frames."""
    bare = store.create_dataset("empty").version()
    lock = DataView(store=store).add_query("empty", "*").add_query("cells", "v1").lock()
    bare.add_frames([wire("late")])
    assert list(DataView.from_lock(lock, store=store).get_count()) == [2, [0, 2]]


def test_frames_that_a_bare_draft_lacks_keep_it_in_the_lock(store: Store, cells: Dataset) -> None:
    """Of `removed:` it gives all that the commit has: they are in the view."""
    cells.create_version("bare")
    view = DataView(store=store).add_query("cells", "*", frame_query="removed:v1")
    assert view.get_count() == 2
    with pytest.raises(RefusedError, match="cells@bare has no commit yet"):
        view.lock()
