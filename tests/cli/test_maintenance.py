"""fsck and gc, typed; and stores that cannot be used."""

from pathlib import Path

import pytest

from tests.cli.conftest import lines
from tests.support.command import Command
from tests.support.frames import wires


def test_fsck_finds_nothing_in_a_sound_store(cells: Command) -> None:
    """At every level, with exit code 0."""
    for words in (
        [],
        ["--quick"],
        ["--full"],
        ["--sample", "50%"],
        ["--sample", "3"],
    ):
        assert "No faults" in cells("fsck", *words).out
    report = cells("fsck", "--full", "--json").rows()[0]
    assert (report["ok"], report["level"], report["faults"]) == (True, "full", [])


def test_fsck_names_faults_and_ends_with_1(cells: Command, tmp_path: Path) -> None:
    """The bytes of a frame are changed on the disk."""
    data = next((tmp_path / ".hyperstore" / "db").glob("data*"))
    found = data.read_bytes()
    assert b"s3://bucket/f003.jpg" in found
    data.write_bytes(found.replace(b"s3://bucket/f003.jpg", b"s3://bucket/f00X.jpg"))
    done = cells.run("fsck", "--full")
    assert done.code == 1
    assert "fault" in done.out
    report = cells.run("fsck", "--full", "--json")
    assert report.code == 1
    assert report.rows()[0]["faults"]
    cells.fails("cat", "f003", code=128)


def test_gc_says_what_it_would_take_and_takes_it(cells: Command) -> None:
    """Frames that were added, dropped and forgotten."""
    cells("add", "-", stdin=lines(wires(50, start=100)))
    cells("restore", ".")
    before = cells("ls", "--json").out
    assert cells("gc", "--dry-run").out.startswith("Would take out 0 objects")
    assert cells("gc", "--json").rows()[0]["objects"] == 0
    cells("commit", "--allow-empty", "-m", "Nothing, so that no working move is kept")
    would = cells("gc", "--prune=now", "--dry-run", "--json").rows()[0]
    done = cells("gc", "--prune=now", "--json").rows()[0]
    assert would["objects"] == done["objects"]
    assert cells("gc", "--prune=now", "--compact").code == 0
    assert cells("ls", "--json").out == before
    assert "No faults" in cells("fsck", "--full").out


def test_the_command_collects_by_itself_once_it_is_due(cells: Command, tmp_path: Path) -> None:
    """Each run is short, so one of them does all of it; what it was called for is untouched."""
    cells("config", "gc.grace", "0")
    cells("config", "gc.auto", "60")
    shown = cells("ls", "--json").out
    collected = tmp_path / ".hyperstore" / "cache" / "collected"
    runs = 0
    while not collected.exists():
        done = cells("tag", f"tag {runs}")
        assert done.err == ""
        runs += 1
    assert runs < 80
    assert cells("ls", "--json").out == shown
    assert len(cells("tag").out.splitlines()) == runs
    cells("fsck", "--full")


def test_a_store_that_cannot_be_used_is_one_clear_error(
    hs: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file, an empty folder, a cut file, something else altogether."""
    place = tmp_path / "place"
    place.write_text("not a store")
    monkeypatch.setenv("HYPERSTORE_DIR", str(place))
    assert "file" in hs.fails("status", code=2)
    hs.fails("init", code=2)
    place.unlink()
    place.mkdir()
    assert "hyperstore init" in hs.fails("status", code=128)
    (place / "holiday.jpg").touch()
    assert "other files" in hs.fails("init", code=128)
    monkeypatch.setenv("HYPERSTORE_DIR", str(tmp_path / "good"))
    hs("init")
    data = next((tmp_path / "good" / "db").glob("data*"))
    data.write_bytes(data.read_bytes()[:5_000])
    assert "it was cut" in hs.fails("status", code=128)
    data.write_bytes(b"\xff" * 20_000)
    hs.fails("log", code=128)
    assert hs.run("fsck").code == 1


def test_settings_that_were_damaged_by_hand_name_the_file(cells: Command, tmp_path: Path) -> None:
    """config.toml is for people to edit."""
    (tmp_path / ".hyperstore" / "config.toml").write_text("[user\n")
    assert "config.toml" in cells.fails("commit", "-m", "x", "--allow-empty", code=128)
