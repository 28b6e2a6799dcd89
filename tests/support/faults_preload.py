"""The recorder and striker of disk calls: compiled, loaded under a program, and its log read.

`faults.c` says what it does. The library watches from outside of the package, at the calls that
reach the system, so nothing in the package knows that it is tested.
"""

import atexit
import ctypes
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.faults import cannot_run, is_soak

__all__ = ["Event", "Striker", "environment", "events", "run", "watching"]

OPEN, WRITE, SYNC, TRUNCATE, RENAME, UNLINK, MKDIR, RMDIR, MARK = range(1, 10)
KILL_BEFORE, KILL_INSIDE, KILL_AFTER, FAIL, FAIL_ON, SHORT = range(1, 7)

_SOURCE = Path(__file__).with_name("faults.c")
_PROJECT = Path(__file__).resolve().parents[2]
_PATIENCE_S = 400
_EVENT = struct.Struct("=IIIIQQ")


class Event(NamedTuple):
    """One call that was let through. `handle` numbers opened files, and is never reused."""

    kind: int
    handle: int
    flags: int
    paths: list[str]
    offset: int
    data: bytes


class Striker:
    """Arms the library that this process runs under; see faults.c for what it can do."""

    def __init__(self) -> None:
        library = ctypes.CDLL(None)
        self._arm, self._counted, self._struck = (
            library.faults_arm,
            library.faults_counted,
            library.faults_struck,
        )
        self._arm.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_int]
        self._arm.restype = None
        self._counted.restype = ctypes.c_long

    def arm(self, at: int, what: int, error: int = 0) -> None:
        """Strike the `at`-th call from now on; -1 counts only."""
        self._arm(at, what, error)

    def disarm(self) -> None:
        """Let everything through again."""
        self._arm(0, 0, 0)

    def counted(self) -> int:
        """Return how many calls there were since it was armed."""
        return int(self._counted())

    def struck(self) -> int:
        """Return the kind of the call that was struck, 0 where none was."""
        return int(self._struck())


@cache
def _library() -> Path:
    """Compile the library once in a process, into a folder that goes with it."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        cannot_run("it needs Linux and a C compiler")
    path = Path(tempfile.mkdtemp(prefix="hyperstore-faults-")) / "faults.so"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(path), str(_SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        cannot_run(f"the recorder does not compile: {done.stderr[-500:]}")
    return path


def environment() -> dict[str, str]:
    """Return the environment of a program that is watched by nobody."""
    paths = [str(_PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def watching(
    folder: Path, *, log: Path | None = None, ledger: Path | None = None
) -> dict[str, str]:
    """Return the environment of a program whose calls below `folder` are watched."""
    settings = {"LD_PRELOAD": str(_library()), "FAULTS_FOLDER": str(folder)}
    if log is not None:
        settings["FAULTS_LOG"] = str(log)
    if ledger is not None:
        settings["FAULTS_LEDGER"] = str(ledger)
    return {**environment(), **settings}


def run(settings: dict[str, str], verb: str, *arguments: object) -> dict[str, Any]:
    """Run a program of the fault tests in that environment; return its answer, shown as well.

    What a test plants comes as `--plant` and a name; `None` among the arguments is passed over.
    """
    given = [str(one) for one in arguments if one is not None]
    command = [sys.executable, "-m", "tests.support.faults_run", verb, *given]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=settings, cwd=_PROJECT, stdout=pipe, stderr=pipe, text=True, process_group=0
    ) as child:
        try:
            told, complaints = child.communicate(timeout=None if is_soak() else _PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)  # Those whom it started, too.
            told, complaints = child.communicate()
    assert child.returncode == 0, f"{verb} ended with {child.returncode}: {complaints[-3000:]}"
    answer: dict[str, Any] = json.loads(told.splitlines()[-1])
    print(verb, *given, {**answer, "faults": answer.get("faults", [])[:10]})
    if answer.get("faults"):
        print(complaints[-3000:])
    return answer


def events(log: Path) -> Iterator[Event]:
    """Yield what a recorded program did, in order. A record cut short by a kill ends it."""
    data = log.read_bytes()
    place = 0
    while place + _EVENT.size <= len(data):
        kind, handle, flags, path, offset, size = _EVENT.unpack_from(data, place)
        place += _EVENT.size
        paths = data[place : place + path].split(b"\0")[:-1]
        place += path
        body = data[place : place + size] if kind in (WRITE, MARK) else b""
        place += len(body)
        yield Event(kind, handle, flags, [os.fsdecode(one) for one in paths], offset, body)
