"""Ctrl-C, and a reader that goes away, with the command as a process of its own."""

import contextlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TextIO

import pytest

from tests.cli.conftest import lines
from tests.support.command import PROJECT, Command, environment, interrupted, spawn
from tests.support.frames import wire, wires

pytestmark = pytest.mark.usefixtures("heard")


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start the command without waiting for it."""
    return subprocess.Popen(
        [sys.executable, "-m", "hyperstore", *words],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# What the script does that an installer makes of the entry point in pyproject.toml, with a Ctrl-C
# at the moment that a module is looked for.
PRESSED = """
import os, signal, sys
from importlib import import_module
def press(event, arguments):
    if event == "import" and arguments[0] == module:
        os.kill(os.getpid(), signal.SIGINT)
home, function, module = sys.argv[1:4]
run = getattr(import_module(home), function)
sys.addaudithook(press)
sys.argv = ["hyperstore", *sys.argv[4:]]
sys.exit(run())
"""


def pressed(module: str, before: str = "") -> tuple[int, str, str]:
    """Return how `ls` ends with a Ctrl-C at that moment, started by a shell that says `before`."""
    scripts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["scripts"]
    words = [*scripts["hyperstore"].split(":"), module, "ls", "--name-only"]
    done = subprocess.run(
        ["/bin/sh", "-c", f'{before} exec "$0" -c "$@"', sys.executable, PRESSED, *words],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "module",
    ["click", "hyperstore.cli.output", "hyperstore.cli.complete", "lmdb"],
)
@pytest.mark.usefixtures("cells")
def test_ctrl_c_while_the_command_is_loaded_ends_it_quietly(module: str) -> None:
    """People press it when they see what they called, and that is within a moment."""
    assert pressed(module) == (130, "", "error: interrupted\n")


def test_a_command_that_is_told_to_ignore_ctrl_c_does(cells: Command) -> None:
    """As shells tell what they start in the background."""
    assert pressed("lmdb", 'trap "" INT;') == (0, cells("ls", "--name-only").out, "")


# The same where the index is first touched, in the middle of a query.
PRESSED_INSIDE = """
import os, signal, sys
from hyperstore.cli.main import main
def press(event, arguments):
    if event == "open" and "/cache/index/" in str(arguments[0]) and not pressed:
        pressed.append(event)
        os.kill(os.getpid(), signal.SIGINT)
pressed = []
sys.addaudithook(press)
main()
"""


def test_ctrl_c_in_a_query_leaves_an_index_that_works(store: Command, tmp_path: Path) -> None:
    """Whoever sees that it takes long stops it, and asks again."""
    store("add", "-", stdin=lines(wires(1_500)))
    words = ["query", "meta.number:[7 TO 9]", "--ids"]
    stopped = spawn(tmp_path, *words, program=("-c", PRESSED_INSIDE))
    assert (stopped.code, stopped.out, stopped.err) == (130, "", "error: interrupted\n")
    assert spawn(tmp_path, *words).out.split() == ["f008", "f009", "f007"]


def opened(pipe: Path, process: subprocess.Popen[str]) -> TextIO:
    """Open a pipe for writing as soon as the process reads it."""
    while True:
        with contextlib.suppress(OSError):  # As long as nobody reads it.
            return os.fdopen(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK), "w")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.02)
        assert process.poll() is None, process.communicate()


@pytest.mark.parametrize("sent", [0, 5_000])
def test_ctrl_c_in_an_add_leaves_nothing_half_written(
    cells: Command, tmp_path: Path, sent: int
) -> None:
    """A pipe that both sides have open proves that the command is in the middle of reading."""
    before = cells("status", "--json").out
    pipe = tmp_path / "frames"
    os.mkfifo(pipe)
    process = started(tmp_path, "add", "frames")
    with opened(pipe, process) as stream:
        os.set_blocking(stream.fileno(), True)
        stream.write(lines(wires(sent, start=100)))
        stream.flush()
        out, err = interrupted(process)
    assert (process.returncode, out, err) == (130, "", "error: interrupted\n")
    assert cells("status", "--json").out == before
    cells("add", "-", stdin=lines([wire("after")]))
    assert cells("ls", "--name-only").out.count("\n") == 11


def test_a_reader_that_goes_away_ends_the_command_quietly(store: Command, tmp_path: Path) -> None:
    """`hyperstore ls --json | head` is no error, and says nothing."""
    store("add", "-", stdin=lines(wires(3_000)))
    process = started(tmp_path, "ls", "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["id"] == "f000"
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), said) == (141, "")


def test_a_reader_that_was_never_there_ends_the_command_quietly(
    cells: Command, tmp_path: Path
) -> None:
    """The last lines stand in a buffer, so the pipe breaks at the very end."""
    process = started(tmp_path, "ls")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), said) == (141, "")


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("status >&-", 141, ""),
        ("nonsense >&-", 2, "error: "),
        ("add - <&-", 128, "error: standard input is closed"),
        ("rm - <&-", 128, "error: standard input is closed"),
        ("commit -m x <&- >&- 2>&-", 141, ""),
        ("commit -F - <&-", 128, "error: standard input is closed"),
        ("nonsense 2>&-", 2, ""),
        ("add more.json <&- >&- 2>&-", 141, ""),
        ("status >/dev/full", 128, "error: "),
    ],
)
def test_streams_that_are_closed_end_the_command_by_a_code(
    cells: Command, tmp_path: Path, line: str, code: int, said: str
) -> None:
    """As a service or a cron job may start it; and no file of the store gets their numbers."""
    (tmp_path / "more.json").write_text(lines([wire("more")]))
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$0" -m hyperstore {line}', sys.executable],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == bool(said)
    assert cells("fsck", "--full").out.endswith("No faults\n")
