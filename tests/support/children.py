"""Run a function in forked children, so that a crash of one is a failed test."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing import get_context

__all__ = ["run_crowd", "run_in_child"]


def run_in_child(work: Callable[[], object], *, seconds: int = 60) -> str:
    """Return "done", the child's traceback, or the signal that ended it."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        _be_child(work, into, seconds)
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        said = pipe.read().decode()
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return said or f"exit {os.WEXITSTATUS(status)}"


def run_crowd(work: Callable[[int], object], processes: int) -> None:
    """Run a function in children at once, each told its number; fail where one of them does."""
    context = get_context("fork")
    children = [context.Process(target=work, args=(at,)) for at in range(processes)]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0] * processes


def _be_child(work: Callable[[], object], into: int, seconds: int) -> None:
    """Never return: the child must not run the rest of the parent's tests."""
    signal.alarm(seconds)
    try:
        work()
        os.write(into, b"done")
    except BaseException:  # noqa: BLE001 - it is told to the parent.
        os.write(into, traceback.format_exc().encode())
    finally:
        sys.stdout.flush()
        os._exit(0)
