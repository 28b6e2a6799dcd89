"""Locks as they are made and kept: what they say, what they hold, what they refuse."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

import hyperstore
from hyperstore import (
    ConflictError,
    CorruptError,
    MissingObjectError,
    NotFoundError,
    RefusedError,
    Store,
    UsageError,
)
from hyperstore.codec import replace
from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.dataset.runs import find_run
from hyperstore.dataset.view import View
from hyperstore.history.run import COMPLETED, locks_of_run
from hyperstore.ids import ObjectId
from hyperstore.maintenance.check import fsck
from hyperstore.maintenance.collect import gc
from hyperstore.query.locks.lock import Shown, frames_hash, lock_of, make_lock
from hyperstore.query.locks.lockfile import StampedFile, read_lock_file
from hyperstore.query.locks.lockstore import (
    check_here,
    check_shown,
    find_lock,
    keep_lock,
    list_locks,
    lock_of_file,
    remove_locks,
)
from tests.support.frames import wires
from tests.support.runs import begin_run
from tests.support.stores import frame

FAR_MS = 10**15  # Long after all that the log may undo.


@pytest.fixture
def draft(store: Store) -> DatasetVersion:
    made = store.create_dataset("cells").version()
    made.add_frames(wires(20))
    made.commit("Twenty")
    return made


def shown(*views: View, name: str = "all", **said: object) -> Shown:
    """Say what a view shows that asks nothing of the frames of these versions."""
    ids = [frame_id for view in views for frame_id, _ in view.entries()]
    return Shown(
        name=name,
        spec={"filters": [{"dataset": view.home.dataset_id} for view in views]},
        queries=[[view] for view in views],
        counts=[len(view) for view in views],
        count=len(ids),
        ids=lambda: [ids[at : at + 7] for at in range(0, len(ids), 7)],
        **said,  # type: ignore[arg-type]
    )


def operations(store: Store) -> int:
    return next(store.operations()).number


def by_hand(ids: Sequence[str]) -> bytes:
    digest = blake3()
    for one in ids:
        data = one.encode()
        digest.update(len(data).to_bytes(1, "little"))
        digest.update(data)
    return digest.digest()


@given(st.lists(st.text(min_size=1, max_size=60).filter(lambda one: one.isprintable())))
def test_frames_are_hashed_one_after_the_other(ids: list[str]) -> None:
    """However many at a time, and whatever characters they have."""
    assert frames_hash([ids]) == by_hand(ids)
    assert frames_hash([[one] for one in ids]) == by_hand(ids)
    same = [one for one in ids if len(one) == 3]
    assert frames_hash([same, ids]) == by_hand([*same, *ids])


def test_a_lock_says_what_is_pinned(store: Store, draft: DatasetVersion) -> None:
    """The hash computed here, over the frames as the version itself lists them."""
    lock = make_lock(store.handle, shown(draft.view()))
    ids = [frame_id for frame_id, _ in draft.view().entries()]
    assert lock.frames_hash == by_hand(ids).hex()
    assert (lock.count, lock.commits, lock.name) == (20, [draft.head], "all")
    (version,) = lock.record.versions
    assert version.content.hex() == draft.content_id
    assert (version.dataset_name, version.version_name) == ("cells", "Current")
    assert lock.record.store == store.id
    assert lock.titles == [f"cells@Current at {str(draft.head)[:12]}"]
    assert "20 frames" in repr(lock)


def test_the_same_again_is_the_same_lock(store: Store, draft: DatasetVersion) -> None:
    """And does nothing, so that a program may lock whenever it runs."""
    lock = make_lock(store.handle, shown(draft.view()))
    number = operations(store)
    assert make_lock(store.handle, shown(draft.view())).id == lock.id
    assert make_lock(store.handle, shown(draft.at(str(draft.head)))).id == lock.id
    assert operations(store) == number
    assert lock_of(store.handle, shown(draft.view())).id == lock.id
    assert [one.id for one in list_locks(store.handle)] == [lock.id]


def test_a_draft_with_pending_edits_is_refused_or_committed_with_the_lock(
    store: Store, draft: DatasetVersion
) -> None:
    """By one operation, which one undo takes back."""
    draft.delete_frames(["f003"])
    head, number = draft.head, operations(store)
    with pytest.raises(RefusedError, match="cells@Current has edits that no commit has"):
        make_lock(store.handle, shown(draft.view()))
    assert (operations(store), draft.head, list_locks(store.handle)) == (number, head, [])
    lock = make_lock(store.handle, shown(draft.view()), commit=True)
    assert operations(store) == number + 1
    assert lock.commits == [draft.head]
    assert draft.head != head
    assert draft.status().state == "committed"
    assert draft.log()[0].message == "Lock view all"
    store.undo()
    assert (draft.head, list_locks(store.handle)) == (head, [])
    assert draft.status().state == "draft"


def test_a_draft_that_moved_on_is_pinned_where_it_was_committed(
    store: Store, draft: DatasetVersion
) -> None:
    """What came since is not in the view; what was in it and never committed is gone."""
    before = draft.view()
    draft.delete_frames(["f003"])
    assert make_lock(store.handle, shown(before)).commits == [draft.head]
    pending = draft.view()
    draft.delete_frames(["f004"])
    with pytest.raises(ConflictError, match="lock it again"):
        make_lock(store.handle, shown(pending), commit=True)


def test_a_draft_that_was_committed_and_went_on_is_pinned_where_it_was_looked_at(
    store: Store, draft: DatasetVersion
) -> None:
    """Whoever writes all the time leaves no moment in which its head is what somebody saw."""
    before, commit = draft.view(), draft.head
    for at in range(5):
        draft.delete_frames([f"f00{at}"])
        draft.commit("More")
    assert make_lock(store.handle, shown(before), commit=True).commits == [commit]
    with pytest.raises(ConflictError, match="lock it again"):
        make_lock(store.handle, shown(before, draft.view()))


def test_two_moments_of_one_draft_are_no_lock(store: Store, draft: DatasetVersion) -> None:
    """One query saw it before somebody wrote, and the other one after that."""
    draft.delete_frames(["f003"])
    before = draft.view()
    draft.delete_frames(["f004"])
    for views in ((before, draft.view()), (draft.view(), before)):
        with pytest.raises(ConflictError, match="lock it again"):
            make_lock(store.handle, shown(*views), commit=True)
    lock = make_lock(store.handle, shown(draft.view(), draft.view()), commit=True)
    assert [one.versions for one in lock.record.queries] == [[0], [0]]
    assert len(draft.log()) == 2


def test_several_versions_are_each_named_once(store: Store, draft: DatasetVersion) -> None:
    """Queries name them by their places."""
    other = store.create_dataset("blood").version()
    other.add_frames([frame(1)])
    other.commit("One")
    views = [draft.view(), other.view(), draft.view()]
    record = make_lock(store.handle, shown(*views)).record
    assert [one.dataset_name for one in record.versions] == ["cells", "blood"]
    assert [one.versions for one in record.queries] == [[0], [1], [0]]


def test_what_a_query_compares_with_is_pinned_too(store: Store, draft: DatasetVersion) -> None:
    """A tag may be moved; and a draft's edits are no commit."""
    commit = ObjectId(bytes.fromhex(str(draft.head)))
    revisions = {(draft.dataset_id, "v1"): commit}
    lock = make_lock(store.handle, shown(draft.view(), revisions=revisions))
    assert [(one.revision, one.commit) for one in lock.record.since] == [("v1", commit)]
    before = draft.view()
    draft.delete_frames(["f003"])
    with store.handle.database.reading() as reader:
        snapshot = reader.ref(f"working/{draft.dataset_id}/{draft.id}")
    assert snapshot is not None
    revisions = {(draft.dataset_id, "Current"): snapshot}
    with pytest.raises(RefusedError, match="compares with 'Current'"):
        make_lock(store.handle, shown(before, revisions=revisions))
    for view in (before, draft.view()):  # The second time there is nothing to commit.
        lock = make_lock(store.handle, shown(view, revisions=revisions), commit=True)
        assert [one.commit.hex() for one in lock.record.since] == [draft.head]
    assert (len(draft.log()), draft.status().state) == (2, "committed")
    draft.delete_frames(["f004"])
    draft.commit("On")
    assert lock_of(store.handle, shown(before, revisions=revisions)).record.since[0].commit == (
        lock.record.since[0].commit
    )
    unknown = {(draft.dataset_id, "none"): snapshot}
    with pytest.raises(ConflictError, match="compares with 'none'"):
        make_lock(store.handle, shown(before, revisions=unknown), commit=True)


def test_collecting_keeps_what_a_lock_pins(store: Store, draft: DatasetVersion) -> None:
    """The version deleted, the log forgotten, the young not spared."""
    lock = make_lock(store.handle, shown(draft.view()))
    wanted = list(draft.view().entries())
    commit = str(draft.head)
    store.delete_dataset("cells", force=True)
    gc(store, prune_now=True, now_ms=FAR_MS)
    check_here(store.handle, lock.record)
    record = lock.record.versions[0]
    assert record.commit.hex() == commit
    snapshot = store.handle.snapshot(store.handle.commit(record.commit).snapshot)  # type: ignore[arg-type]
    assert len(wanted) == snapshot.count
    assert fsck(store, level="full").faults == []
    remove_locks(store.handle, [lock.id])
    gc(store, prune_now=True, now_ms=FAR_MS)
    with pytest.raises(MissingObjectError, match="cells@Current"):
        check_here(store.handle, lock.record)
    with pytest.raises(NotFoundError):
        find_lock(store.handle, lock.id)


def test_what_was_stamped_with_a_lock_holds_it_no_longer_than_the_lock(
    store: Store, draft: DatasetVersion
) -> None:
    """A stamp is a ref of its own; one of another lock, and what undo brings back, stay."""
    lock, other = (make_lock(store.handle, shown(draft.view(), name=name)) for name in "ab")
    files = [StampedFile("model.pt", 7, digest * 32, "cd" * 32) for digest in ("ab", "ac", "ad")]
    for one, file in zip((lock, lock, other), files, strict=True):
        keep_lock(store.handle, one, file)
    remove_locks(store.handle, [lock.id])
    assert [lock_of_file(store.handle, file) for file in files] == [None, None, other]
    store.undo()
    assert [lock_of_file(store.handle, file) for file in files] == [lock, lock, other]
    remove_locks(store.handle, [lock.id, other.id])
    store.delete_dataset("cells", force=True)
    gc(store, prune_now=True, now_ms=FAR_MS)
    with pytest.raises(MissingObjectError, match="cells@Current"):
        check_here(store.handle, lock.record)


def test_a_missing_commit_is_named_with_where_it_is(
    store: Store, draft: DatasetVersion, tmp_path: Path
) -> None:
    """One clear error: which, of what, and how to get it."""
    lock = lock_of(store.handle, shown(draft.view()))
    with (
        hyperstore.init(tmp_path / "other") as other,
        pytest.raises(MissingObjectError) as caught,
    ):
        check_here(other.handle, lock.record)
    for part in ("1 commit", str(draft.head)[:12], "cells@Current", lock.record.store[:12]):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value", "match"),
    [
        ("count", 21, "20"),
        ("frames", b"x" * 32, "other frames"),
        ("begins", b"x" * 32, "shuffled otherwise"),
        ("spec", {}, "canonical"),
        ("queries", [], "20"),
    ],
)
def test_a_lock_that_says_otherwise_does_not_hold(
    store: Store, draft: DatasetVersion, field: str, value: object, match: str
) -> None:
    """Though it is whole: somebody made it up, or queries have come to mean something else."""
    now = shown(draft.view())
    lock = make_lock(store.handle, now)
    check_shown(lock.record, now)
    with pytest.raises(CorruptError, match=match):
        check_shown(replace(lock.record, **{field: value}), now)


def test_a_content_that_is_not_that_of_its_commit_is_refused(
    store: Store, draft: DatasetVersion
) -> None:
    """Before anything is read by it."""
    record = make_lock(store.handle, shown(draft.view())).record
    for field, value in (("content", b"x" * 32), ("count", 5)):
        version = replace(record.versions[0], **{field: value})
        with pytest.raises(CorruptError, match="does not"):
            check_here(store.handle, replace(record, versions=[version]))


def test_locks_are_found_by_the_first_digits_of_their_ids(
    store: Store, draft: DatasetVersion
) -> None:
    """As commits are."""
    lock = make_lock(store.handle, shown(draft.view()))
    assert find_lock(store.handle, lock.id[:8]).record == lock.record
    for digits in (lock.id[:5], "", "f" * 64, str(draft.head)):
        with pytest.raises(NotFoundError, match="no lock"):
            find_lock(store.handle, digits)
    with pytest.raises(NotFoundError):
        remove_locks(store.handle, ["ab" * 32])


def test_a_lock_is_saved_and_read_back(store: Store, draft: DatasetVersion, tmp_path: Path) -> None:
    """By its file it is known in any process."""
    lock = make_lock(store.handle, shown(draft.view()))
    path = lock.save(tmp_path / "all.lock")
    assert read_lock_file(path).record == lock.record
    with pytest.raises(UsageError):
        lock.save(5)  # type: ignore[arg-type]


def test_a_file_is_known_by_its_content(store: Store, draft: DatasetVersion) -> None:
    """Whatever it is called; the lock that was put beside it last counts."""
    first = make_lock(store.handle, shown(draft.view()))
    draft.delete_frames(["f003"])
    second = make_lock(store.handle, shown(draft.view()), commit=True)
    file = StampedFile("model.pt", 7, "ab" * 32, "cd" * 32)
    assert lock_of_file(store.handle, file) is None
    keep_lock(store.handle, first, file)
    found = lock_of_file(store.handle, StampedFile("other.pt", 7, "ab" * 32, "cd" * 32))
    assert found is not None
    assert found.id == first.id
    keep_lock(store.handle, second, file)
    found = lock_of_file(store.handle, file)
    assert found is not None
    assert found.id == second.id


def test_a_run_names_its_locks_and_holds_them(store: Store, draft: DatasetVersion) -> None:
    """Those that it iterated, which nothing else keeps, and those that it made."""
    run = begin_run(store.handle, "train")
    iterated = lock_of(store.handle, shown(draft.view(), name="iterated"))
    run.locked(store.handle, iterated.record, made=False)
    made = make_lock(store.handle, shown(draft.view(), name="made"))
    run.locked(store.handle, made.record, made=False)
    run.locked(store.handle, made.record, made=True)
    run.locked(store.handle, made.record, made=False)
    run.end(COMPLETED)
    found = locks_of_run(find_run(store.handle, "train"))
    assert [(one.lock, one.view, one.made) for one in found] == [
        (iterated.id, "iterated", False),
        (made.id, "made", True),
    ]
    store.delete_dataset("cells", force=True)
    gc(store, prune_now=True, now_ms=FAR_MS)
    assert find_lock(store.handle, iterated.id).record == iterated.record
    check_here(store.handle, iterated.record)
    assert fsck(store, level="full").faults == []


def test_a_run_names_the_store_of_a_lock_that_is_not_its_own(
    store: Store, draft: DatasetVersion, tmp_path: Path
) -> None:
    """It is not kept here, since what it pins is not."""
    lock = lock_of(store.handle, shown(draft.view()))
    with hyperstore.init(tmp_path / "other") as other:
        run = begin_run(other.handle, "train")
        run.locked(store.handle, lock.record, made=False)
        run.end(COMPLETED)
        (found,) = locks_of_run(find_run(other.handle, "train"))
        assert (found.lock, found.store) == (lock.id, store.id)
        assert fsck(other, level="full").faults == []
        gc(other, prune_now=True, now_ms=FAR_MS)


def test_a_draft_that_never_had_a_frame_is_pinned_as_that(store: Store) -> None:
    """By a commit of nothing, which is the first one."""
    draft = store.create_dataset("cells").version()
    with pytest.raises(RefusedError, match="no commit yet"):
        make_lock(store.handle, shown(draft.view()))
    lock = make_lock(store.handle, shown(draft.view()), commit=True)
    assert (lock.count, lock.commits) == (0, [draft.head])
