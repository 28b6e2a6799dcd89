"""How a run ends by its record is how the process ended, workers' runs and work included."""

import multiprocessing
import sys
from pathlib import Path

import pytest

import hyperstore
from hyperstore.dataset.runs import list_runs, status_of
from hyperstore.history.run import Run
from tests.support.programs import run_program, write_program


def recorded(folder: Path) -> list[Run]:
    """Return the runs of a folder's store, newest first."""
    with hyperstore.open(folder / ".hyperstore") as store:
        return list_runs(store.handle)


def ran(folder: Path, text: str, *words: str, **how: object) -> list[tuple[str, str]]:
    """Run a program; return how its runs ended, newest first."""
    write_program(folder, text)
    run_program(folder, "program.py", *words, **how)  # type: ignore[arg-type]
    return [(status_of(run), run.error) for run in recorded(folder)]


ENDS = {
    "a hook of its own": (
        "sys.excepthook = lambda *a: None; raise ValueError('boo')",
        ("failed", "ValueError: boo"),
    ),
    "a handled error that is shown": (
        "try: raise ValueError('boo')\nexcept ValueError: sys.excepthook(*sys.exc_info())",
        ("completed", ""),
    ),
    "an error whose text fails": (
        "class E(Exception):\n    def __str__(self): raise OSError\nraise E",
        ("failed", "E"),
    ),
    "an error with a password": (
        "raise ValueError('no answer of postgres://u:hunter2@h/db, password=hunter2')",
        ("failed", "ValueError: no answer of postgres://***@h/db, password=***"),
    ),
}


@pytest.mark.parametrize("command", [("-m", "hyperstore.allegroai"), ()], ids=["runner", "without"])
@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
def test_what_was_raised_decides_and_no_hook(
    tmp_path: Path, end: tuple[str, tuple[str, str]], command: tuple[str, ...]
) -> None:
    """Programs put their own hook, or call Python's for what they have caught."""
    text = "import sys\nfrom hyperstore.allegroai import Task\nTask.init('p', 't')\n"
    assert ran(tmp_path, text + end[0], command=command) == [end[1]]


WORKER = """\
    import multiprocessing, sys
    from clearml import Task

    def work(end):
        Task.init("p", end or "well")
        exec(end)

    if __name__ == "__main__":
        context = multiprocessing.get_context(sys.argv[1])
        for end in ("", "raise ValueError('boo')", "sys.exit(3)"):
            worker = context.Process(target=work, args=(end,))
            worker.start()
            worker.join()
        with context.Pool(1) as pool:
            pool.map(work, ["pass"])
            pool.close()
            pool.join()
"""
METHODS = sorted(multiprocessing.get_all_start_methods())


@pytest.mark.parametrize("method", METHODS)
def test_a_run_of_a_worker_ends_as_the_worker_did(tmp_path: Path, method: str) -> None:
    """Though its end passes the interpreter's own by, or is told by nobody else."""
    assert ran(tmp_path, WORKER, method) == [
        ("completed", ""),
        ("failed", "exit status 3"),
        ("failed", "ValueError: boo"),
        ("completed", ""),
    ]


WRITERS = """\
    import multiprocessing, sys
    from allegroai import Dataset, DatasetVersion, SingleFrame
    from clearml import Task

    def work(name):
        version = DatasetVersion.get_current(dataset_name=name)
        version.add_frames([SingleFrame(id="a", source="s3://bucket/a.png")])
        version.add_frames([SingleFrame(id="b", source="s3://bucket/b.png")])
        version.commit_version()
        print(Dataset.create(f"{name} of the worker").get_version().to_dict()["task"])

    if __name__ == "__main__":
        Dataset.create("cells")
        task = Task.init("p", "t")
        worker = multiprocessing.get_context(sys.argv[1]).Process(target=work, args=("cells",))
        worker.start()
        worker.join()
"""


@pytest.mark.parametrize("method", METHODS)
def test_what_workers_write_is_in_the_run(tmp_path: Path, method: str) -> None:
    """Whichever way they were started, and though they ask for no task."""
    write_program(tmp_path, WRITERS)
    done = run_program(tmp_path, "program.py", method)
    (run,) = recorded(tmp_path)
    touched = {one.dataset_name: one.written for one in run.touched}
    assert set(touched) == {"cells", "cells of the worker"}
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        head = store.dataset("cells").version().status().head
    assert touched["cells"][-1].hex() == head
    assert done.out == f"{run.id}\n"


def test_a_store_that_is_opened_later_is_still_recorded_at_the_end(tmp_path: Path) -> None:
    """Stores are closed at exit, the last one first, and one may be closed before."""
    text = """\
        import os
        import hyperstore
        from allegroai import Dataset, SingleFrame
        from clearml import Task

        Task.init("p", "t")
        os.environ["HYPERSTORE_DIR"] = "other"
        version = Dataset.create("later").get_version()
        for name in "ab":
            version.add_frames([SingleFrame(id=name, source="s3://bucket/a.png")])
        with hyperstore.init("third") as store:
            version = store.create_dataset("closed").version()
            for name in "ab":
                version.add_frames([SingleFrame(id=name, source="s3://bucket/a.png")])
    """
    write_program(tmp_path, text)
    done = run_program(tmp_path, "program.py")
    assert "not recorded" not in done.err
    (run,) = recorded(tmp_path)
    assert (run.status, [one.dataset_name for one in run.touched]) == (
        "completed",
        ["later", "closed"],
    )


def test_a_run_that_is_closed_is_no_run_of_what_starts_later(tmp_path: Path) -> None:
    """Its name does not stay in the environment."""
    text = """\
        import os
        from clearml import Task
        task = Task.init("p", "t")
        print(os.environ["HYPERSTORE_RUN"].startswith(task.id))
        task.close()
        print("HYPERSTORE_RUN" in os.environ)
    """
    write_program(tmp_path, text)
    assert run_program(tmp_path, "program.py").out == "True\nFalse\n"


def test_a_program_that_a_run_starts_by_the_runner_has_its_own(tmp_path: Path) -> None:
    """The runner begins anew, whatever it inherits."""
    text = """\
        import subprocess, sys
        from clearml import Task
        Task.init("p", "outer")
        subprocess.run([sys.executable, "-m", "hyperstore.allegroai", "inner.py"], check=True)
    """
    write_program(tmp_path, "from clearml import Task\nTask.init('p', 'inner')", "inner.py")
    write_program(tmp_path, text)
    done = run_program(tmp_path, "program.py")
    assert done.code == 0, done.err
    assert [run.name for run in recorded(tmp_path)] == ["inner", "outer"]


@pytest.mark.parametrize("method", METHODS)
def test_tasks_and_loggers_go_to_workers(tmp_path: Path, method: str) -> None:
    """Data sets for training hold them, and are pickled for each worker."""
    text = """\
        import copy, multiprocessing, sys
        from clearml import Task

        def work(task, logger):
            logger.report_scalar("loss", "train", 0.5, 1)
            task.add_tags(["worked"])
            task.close()

        if __name__ == "__main__":
            task = Task.init("p", "t")
            assert copy.deepcopy(task) is task
            told = (task, task.get_logger())
            worker = multiprocessing.get_context(sys.argv[1]).Process(target=work, args=told)
            worker.start()
            worker.join()
            task.reload()
            print(worker.exitcode, task.get_tags(), task.status)
            print(len(open(task.get_output_destination() + "/events.jsonl").readlines()))
    """
    write_program(tmp_path, text)
    done = run_program(tmp_path, "program.py", method)
    assert done.out == "0 ['worked'] in_progress\n1\n", done.err


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_a_forked_worker_does_not_end_the_run(tmp_path: Path) -> None:
    """What it has noted is recorded, and the first process goes on."""
    text = """\
        import os
        from allegroai import Dataset
        from clearml import Task
        task = Task.init("p", "t")
        if os.fork() == 0:
            Dataset.create("child")
            raise SystemExit(4)
        os.wait()
        task.reload()
        print(task.status)
    """
    assert ran(tmp_path, text) == [("completed", "")]
    (run,) = recorded(tmp_path)
    assert [one.dataset_name for one in run.touched] == ["child"]
