"""The command on a disk that is really full: one line, nothing changed; with room all goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import lines
from tests.support.command import Command
from tests.support.disks import small_disk
from tests.support.frames import wire, wires


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 8 MB."""
    with small_disk(tmp_path / "small", 8 * 1024) as place:
        yield place


def fill(path: Path) -> None:
    """Take all the room that is left, to the last block."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def seen(command: Command) -> list[str]:
    """Return all that is shown of a store."""
    return [command(*line.split()).out for line in ("status", "ls --json", "log --json", "tag")]


def test_verbs_on_a_full_disk_change_nothing_and_work_again_with_room(
    disk: Path, hs: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each needs room for something else: new objects, a row of the log, a smaller file."""
    monkeypatch.chdir(disk)
    hs("init")
    hs("dataset", "create", "cells")
    hs("add", "-", stdin=lines(wires(400)))
    hs("commit", "-m", "Many")
    hs("rm", "f003")
    fill(disk / "filler")
    before = seen(hs)
    more = lines([wire(f"n{number}", note=str(number) * 9_000) for number in range(200)])
    assert "No space left" in hs.fails("add", "-", code=128, stdin=more)
    assert "are free" in hs.fails("gc", "--compact", code=128)
    assert seen(hs) == before
    for line in ("commit -m x", "tag new", "gc --prune=now"):
        done = hs.run(*line.split())
        if done.code:  # A little may fit into pages that are free inside the file.
            assert (done.code, done.err.count("\n")) == (128, 1), done
            assert seen(hs) == before
        before = seen(hs)
    assert "No faults" in hs("fsck", "--full").out
    (disk / "filler").unlink()
    hs("add", "-", stdin=more)
    hs("commit", "-m", "With room")
    hs("gc", "--prune=now")
    assert hs("ls", "--name-only").out.count("\n") == 599
    assert "No faults" in hs("fsck", "--full").out
