"""A program that says nothing of locks: its record names what it iterated, and that opens again."""

from pathlib import Path

import hyperstore
from hyperstore.dataset.runs import find_run
from hyperstore.history.run import locks_of_run
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
