"""Run a function in a forked child and say how it ended, so that a crash is a failed test."""

import os
import signal
import sys
import traceback
from collections.abc import Callable

__all__ = ["run_in_child"]


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
