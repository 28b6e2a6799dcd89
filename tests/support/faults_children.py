"""What the programs of the fault tests share: forks that may die, a ledger, and the judge.

Nothing here opens a store in the process that forks, so every child has one of its own.
"""

import json
import os
import shutil
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from hyperstore.dataset.store import Store, init, open_store
from hyperstore.maintenance.check import fsck
from tests.support.model import Operation, Portrait, State, apply, do, portrait, portrait_of
from tests.support.workload import begun

__all__ = [
    "Child",
    "Ledger",
    "Template",
    "begin",
    "expected",
    "faults_of",
    "in_child",
    "judge",
    "progress",
    "show",
    "states",
    "work",
]


class Child:
    """A fork that does `work`; what it returns comes back as JSON."""

    def __init__(self, work: Callable[[], object]) -> None:
        read, write = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            code = 1
            try:
                os.close(read)
                answer = json.dumps(work()).encode()
                with os.fdopen(write, "wb") as pipe:
                    pipe.write(answer)
                code = 0
            except BaseException:  # noqa: BLE001 - the parent counts it, whatever it was.
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(write)
        self._pipe = os.fdopen(read, "rb")

    def runs(self) -> bool:
        """Say whether it has not ended yet."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def ended(self) -> tuple[int, object]:
        """Wait for its end; return the signal that ended it, 0 for none, and its answer."""
        with self._pipe:
            answer = self._pipe.read()
        _, status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(status):
            return os.WTERMSIG(status), None
        if os.WEXITSTATUS(status):
            return 0, "the program itself failed; see above"
        return 0, json.loads(answer)


def in_child(work: Callable[[], object]) -> tuple[int, object]:
    """Run `work` in a fork; return the signal that ended it, 0 for none, and what it returned."""
    return Child(work).ended()


def faults_of(store: Store) -> list[str]:
    """Return what a full check finds."""
    report = fsck(store, level="full")
    assert report.complete
    return [f"{fault.code} {fault.where}: {fault.message}" for fault in report.faults]


def show(store: Store) -> Portrait:
    """Return the portrait as JSON gives it back."""
    shown: Portrait = json.loads(json.dumps(portrait_of(store)))
    return shown


def expected(state: State) -> Portrait:
    """Return the portrait that a store in this state must show."""
    shown: Portrait = json.loads(json.dumps(portrait(state)))
    return shown


def judge(folder: Path, allowed: Sequence[Portrait]) -> str:
    """Return what is wrong with the store in `folder`, '' where nothing is."""
    try:
        with open_store(folder) as store:
            shown = show(store)
            if not any(shown == one for one in allowed):
                return "it shows neither the state before nor the one after"
            faults = faults_of(store)
            return f"fsck finds {faults[:3]}" if faults else ""
    except Exception as error:  # noqa: BLE001 - whatever comes out is the verdict.
        return f"{type(error).__name__}: {error}"


class Template:
    """A store with some history, copied for each round."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.state = State()
        steps = begun(Random(seed))
        for step in steps:
            self.state = apply(self.state, step)
        ended, answer = in_child(lambda: begin(folder, steps))
        assert (ended, answer) == (0, None), answer

    def copy(self, folder: Path) -> Path:
        """Return a fresh copy."""
        shutil.rmtree(folder, ignore_errors=True)
        return Path(shutil.copytree(self.folder, folder))


def begin(folder: Path, steps: Sequence[Operation]) -> None:
    with init(folder) as store:
        for step in steps:
            do(store, step)


class Ledger:
    """What was begun and what was acknowledged, outside of the store, on disk at once."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_SYNC, 0o600)

    def note(self, line: str) -> None:
        os.write(self._file, f"{line}\n".encode())


def work(
    folder: Path, ledger: Ledger, steps: Sequence[Operation], ready: Callable[[], None]
) -> float:
    """Do the steps one after the other, once `ready` is told; return how long they took."""
    with open_store(folder) as store:
        ready()
        begin = time.monotonic()
        for number, step in enumerate(steps, 1):
            ledger.note(f"begin {number}")
            do(store, step)
            ledger.note(f"done {number}")
        return time.monotonic() - begin


def progress(lines: Sequence[str]) -> tuple[int, bool]:
    """Return how many steps were acknowledged, and whether another one was begun."""
    done = sum(1 for line in lines if line.startswith("done"))
    return done, sum(1 for line in lines if line.startswith("begin")) > done


def states(first: State, steps: Sequence[Operation]) -> list[Portrait]:
    """Return the portraits before the first step and after each."""
    found = [expected(first)]
    for step in steps:
        first = apply(first, step)
        found.append(expected(first))
    return found
