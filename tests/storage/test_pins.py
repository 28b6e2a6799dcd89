"""Pins: files that say what may not be collected, each as long as somebody lives who holds it."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from hyperstore.ids import ObjectId
from hyperstore.storage.database import Database
from hyperstore.storage.pins import Held, Pin, living_pins
from tests.support.children import run_in_child
from tests.support.command import PROJECT, environment

HELD = Held(frozenset([ObjectId(bytes(32))]), None)


def test_of_a_pin_that_a_fork_shares_the_last_to_let_go_takes_the_file_away(tmp_path: Path) -> None:
    """Nobody collects in a store that is only read, so what they leave would stay for good."""
    folder = tmp_path / "pins"
    pin = Pin(folder, HELD.ids)

    def let_go() -> None:
        assert living_pins(folder) == [HELD]
        pin.release()
        assert living_pins(folder) == [HELD]  # The parent's.

    assert run_in_child(let_go) == "done"
    assert living_pins(folder) == [HELD]
    pin.release()
    assert os.listdir(folder) == []  # noqa: PTH208 - `living_pins` would take it away.


def test_a_pin_that_is_abandoned_takes_its_file_away(tmp_path: Path) -> None:
    """A program that only reads asks for no collection, which alone would take dead pins away."""
    folder = tmp_path / "pins"
    pin = Pin(folder, HELD.ids)
    held = len(list(folder.iterdir()))
    del pin
    assert (held, list(folder.iterdir())) == (1, [])


def test_of_an_abandoned_pin_that_a_fork_shares_the_file_stays_as_long_as_the_fork(
    tmp_path: Path,
) -> None:
    """The child goes on reading what the parent began, and its pin is all that holds it."""
    folder = tmp_path / "pins"
    pins = [Pin(folder, HELD.ids)]
    assert run_in_child(pins.clear) == "done"
    assert living_pins(folder) == [HELD]  # The parent's.
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(into)
        os.read(out, 1)  # Until the parent lets it go.
        os._exit(0)
    os.close(out)
    pins.clear()
    held = living_pins(folder)
    os.close(into)
    os.waitpid(child, 0)
    assert (held, living_pins(folder)) == ([HELD], [])


def test_a_database_that_is_closed_leaves_no_pin_of_its_own(tmp_path: Path) -> None:
    """A view outlives its store often enough, and its file would stay in one that is only read."""
    database = Database.create(tmp_path / "db")
    pin = database.pin(HELD.ids)
    held = database.pins()
    database.close()
    assert (held, list((tmp_path / "db" / "pins").iterdir())) == ([HELD], [])
    pin.release()  # Which the owner does at its own end.


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise KeyboardInterrupt", "pin.me = pin"])
def test_a_process_that_ends_with_a_pin_leaves_no_file(tmp_path: Path, end: str) -> None:
    """Each command is a process, so one file of each would fill the folder for good."""
    program = f"""
        import sys
        from pathlib import Path
        from hyperstore.storage.pins import Pin
        pin = Pin(Path({str(tmp_path / "pins")!r}))
        print(len(list(Path({str(tmp_path / "pins")!r}).iterdir())), flush=True)
        {end}
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        check=False,
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=environment(),
    )
    assert (done.stdout, list((tmp_path / "pins").iterdir())) == ("1\n", []), done.stderr
    assert "Exception ignored" not in done.stderr
