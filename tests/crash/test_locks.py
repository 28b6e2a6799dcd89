"""A process that ends at any step of a lock or a stamp: the store has all of it or nothing."""

import os
from functools import partial
from itertools import count
from pathlib import Path

import pytest

import hyperstore
from hyperstore import Store
from hyperstore.errors import HyperstoreError
from hyperstore.maintenance.check import fsck
from hyperstore.query.dataview import DataView
from hyperstore.query.locks.lockfile import read_lock_file
from hyperstore.query.locks.lockstore import list_locks
from hyperstore.storage.database import Database
from hyperstore.storage.writer import Writer
from tests.support.frames import wires
from tests.support.struck import killed_at, struck

PLACES: list[tuple[object, str]] = [
    (Database, "write"),
    (Writer, "put_many"),
    (Writer, "move"),
    (Writer, "log"),
    (os, "fsync"),
    (Path, "replace"),
]


def pending_store(folder: Path) -> Path:
    """Return a store with a commit, edits that no commit has, and a file beside it."""
    with hyperstore.init(folder) as store:
        draft = store.create_dataset("cells").version()
        draft.add_frames(wires(5))
        draft.commit("Five")
        draft.delete_frames(["f003"])
    folder.with_suffix(".pt").write_text("weights")
    return folder


def stamp(store: Store, model: Path) -> None:
    DataView("all", store=store).add_query("cells").stamp(model, commit=True)


def stamp_in(folder: Path) -> None:
    """Stamp the file beside a store."""
    with hyperstore.open(folder) as store:
        stamp(store, folder.with_suffix(".pt"))


def judged(folder: Path) -> bool:
    """Tell whether the lock is there, with all that belongs to it; then make it again."""
    model, beside = folder.with_suffix(".pt"), Path(f"{folder.with_suffix('.pt')}.lock")
    with hyperstore.open(folder) as store:
        draft = store.dataset("cells").version()
        locks = list_locks(store.handle)
        is_there = bool(locks)
        assert (draft.status().state == "committed") is is_there
        assert len(draft.log()) == 1 + is_there
        with store.handle.database.reading() as reader:
            assert len(list(reader.refs("stamp/"))) == len(locks)
        assert fsck(store, level="full").ok
        if beside.exists():
            assert read_lock_file(beside).record == locks[0].record
        stamp(store, model)
        (lock,) = list_locks(store.handle)
        assert read_lock_file(beside).record == lock.record
        assert len(DataView.from_lock(lock, store=store)) == 4
    return is_there


def test_a_crash_at_any_write_leaves_a_lock_with_all_of_it_or_none(tmp_path: Path) -> None:
    """Commit, lock and the way from the file are one transaction; the file beside comes last."""
    ended = []
    for number in count(1):
        folder = pending_store(tmp_path / f"store{number}")
        is_killed = killed_at(number, partial(stamp_in, folder), PLACES)
        there = judged(folder)
        if not is_killed:
            assert there
            break
        ended.append(there)
    assert len(ended) >= 6
    assert ended == sorted(ended)  # Nothing, then from some step on all.
    assert ended[-1]  # The last steps are those of the file beside.


def test_a_disk_that_fails_leaves_no_part_of_a_lock_file(tmp_path: Path) -> None:
    """The error names the file; what stood there before stands there still."""
    folder = pending_store(tmp_path / "store")
    path = tmp_path / "a.lock"
    with hyperstore.open(folder) as store:
        view = DataView("all", store=store).add_query("cells")
        lock = view.lock(path, commit=True)
        before = path.read_text()

        def fail() -> None:
            raise OSError(28, "No space left on device")

        for number in (1, 2):
            with struck(number, fail, PLACES), pytest.raises(HyperstoreError, match=r"a\.lock"):
                lock.save(path)
            assert path.read_text() == before
        assert [one.name for one in tmp_path.glob("*.lock*")] == ["a.lock"]
        assert not list(tmp_path.glob(".a.lock*"))
