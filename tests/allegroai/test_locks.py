"""A program that says nothing of locks: its record names what it iterated, and that opens again."""

from pathlib import Path

import hyperstore
from hyperstore.dataset.runs import find_run
from hyperstore.history.run import Unpinned, locks_of_run, unpinned_of_run
from hyperstore.query.dataview import DataView
from hyperstore.query.locks.lockstore import list_locks
from tests.support.command import spawn
from tests.support.frames import wire, wires

PROGRAM = """
import multiprocessing
from allegroai import DataView, Task

def work(view):
    return [frame.id for frame in view]

if __name__ == "__main__":
    Task.init(project_name="lab", task_name="train")
    view = DataView(name="dogs", iteration_order="random")
    view.add_query(dataset_name="cells", version_name="Current", roi_query="dog")
    seen = work(view)
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(work, [view] * 3) == [seen] * 3
    print(*seen)
"""


def test_a_run_and_its_workers_record_one_lock_of_what_they_iterated(tmp_path: Path) -> None:
    """Years later the same frames come in the same order, whatever the version holds by then."""
    with hyperstore.init(tmp_path / ".hyperstore") as store:
        draft = store.create_dataset("cells").version()
        draft.add_frames([*wires(5), *(wire(f"dog{at}", labels=["dog"]) for at in range(9))])
        draft.commit("All")
    (tmp_path / "train.py").write_text(PROGRAM)
    done = spawn(tmp_path, "run", "train.py")
    assert done.code == 0, done.err
    seen = done.out.split()
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        (lock,) = locks_of_run(find_run(store.handle, "train"))
        assert (lock.view, lock.made) == ("dogs", False)
        assert list_locks(store.handle) == []  # It is the run that holds it.
        store.dataset("cells").version().delete_frames(seen)
        again = DataView.from_lock(lock.lock, store=store)
        assert [frame.id for frame in again] == seen


WORKERS = """
import multiprocessing
from allegroai import DataView, Task

def work(label):
    view = DataView(name="dogs")
    view.add_query(dataset_name="cells", version_name="Current", roi_query=label)
    return [frame.id for frame in view]

if __name__ == "__main__":
    Task.init(project_name="lab", task_name="train")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(*pool.map(work, ["dog", "dog"])[0])
        pool.close()
        pool.join()
"""


def test_a_worker_says_for_the_run_what_has_no_lock(tmp_path: Path) -> None:
    """Views that only workers make are views of the run, over pending edits as well."""
    with hyperstore.init(tmp_path / ".hyperstore") as store:
        draft = store.create_dataset("cells").version()
        draft.add_frames([wire("dog", labels=["dog"])])
    (tmp_path / "train.py").write_text(WORKERS)
    done = spawn(tmp_path, "run", "train.py")
    assert (done.code, done.out.split()) == (0, ["dog"]), done.err
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        run = find_run(store.handle, "train")
    why = "cells@Current has edits that no commit has, and a lock names commits"
    assert unpinned_of_run(run) == [Unpinned(why, "dogs", 1)]
