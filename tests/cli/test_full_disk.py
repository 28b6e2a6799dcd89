"""The command on a disk that is really full: one line, nothing changed; with room all goes on."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.errors import DiskFullError
from hyperstore.maintenance.automatic import init
from tests.cli.conftest import lines
from tests.support.command import Command
from tests.support.disks import fill_up, small_disk
from tests.support.frames import wire, wires


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 8 MB."""
    with small_disk(tmp_path / "small", 8 * 1024) as place:
        yield place


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
    fill_up(disk / "filler")
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


def write_until_full(version: DatasetVersion) -> None:
    """Rewrite frames, which leaves garbage behind, then write ever less, until nothing fits."""
    for turn in count():
        try:
            for number in range(turn % 5, 100, 5):
                version.add_frames([wire(f"f{number}", note=f"{turn} {number} " * 200)])
            version.commit(f"Turn {turn}")
        except DiskFullError:
            break
    with suppress(DiskFullError):
        for number in count():
            version.tag("t", message=str(number), force=True)


@pytest.fixture
def crammed(tmp_path: Path) -> Iterator[Path]:
    """Return a full disk with a store in it, which holds garbage, and no room for a page."""
    with small_disk(tmp_path / "crammed", 10 * 1024) as place:
        with init(place / ".hyperstore") as store:
            store.set_config("gc.grace", 0)
            version = store.create_dataset("cells").version()
            store.set_head(version)
            write_until_full(version)
        fill_up(place / "filler")
        yield place


def test_garbage_is_taken_out_on_a_disk_without_a_byte_left(
    crammed: Path, hs: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LMDB copies what it changes, so gc has room of its own; what it frees serves what follows."""
    monkeypatch.chdir(crammed)
    frames = hs("ls", "--json").out
    took = hs("gc", "--json").rows()[0]
    assert int(str(took["objects"])) > 100
    for number in range(20):
        hs("add", "-", stdin=lines([wire("new", note=f"{number} " * 500)]))
    hs("rm", "new")
    assert hs("ls", "--json").out == frames
    assert "No faults" in hs("fsck", "--full").out
    assert "the file stays" in hs.fails("gc", "--compact", code=128)


def test_gc_without_its_reserve_takes_out_what_it_can_or_says_what_to_do(
    crammed: Path, hs: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reserve of a store that was copied to a small disk is not there."""
    monkeypatch.chdir(crammed)
    (crammed / ".hyperstore" / "db" / "gc.reserve").unlink()
    fill_up(crammed / "more")
    done = hs.run("gc")
    if done.code:
        assert done.code == 128
        assert "bytes free on that disk, then run `hyperstore gc`" in done.err
    (crammed / "more").unlink()
    (crammed / "filler").unlink()
    hs("gc")
    assert "No faults" in hs("fsck", "--full").out
