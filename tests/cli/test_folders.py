"""`add` of folders, and `mv`: what is printed, and with which exit code."""

from pathlib import Path

import pytest

from tests.cli.conftest import lines
from tests.support.command import Command, spawn
from tests.support.frames import wires
from tests.support.pictures import draw


@pytest.fixture
def pics(tmp_path: Path) -> Path:
    """Return a folder of three pictures."""
    for seed in range(3):
        draw(tmp_path / "pics" / f"{seed}.png", seed)
    return tmp_path / "pics"


def test_add_counts_what_it_did(store: Command, pics: Path) -> None:
    """New, changed, moved, unchanged; twice is once."""
    assert "Added 3 new frames to cells@Current" in store("add", "pics").out
    again = store("add", "pics").out
    assert "Added 0 new frames" in again
    assert "pics: 3 unchanged" in again
    (pics / "0.png").rename(pics / "zero.png")
    draw(pics / "1.png", 77)
    assert "pics: 1 changed, 1 moved, 1 unchanged" in store("add", "pics").out


def test_what_is_left_out_is_warned_of_with_exit_code_one(store: Command, pics: Path) -> None:
    """A script notices, and the good ones are in."""
    (pics / "bad.png").write_text("no picture")
    done = store.run("add", "pics")
    assert done.code == 1
    assert "warning: pics/bad.png: is no picture" in done.err
    assert "1 left out" in done.err
    assert "Added 3 new frames" in done.out


def test_a_contradiction_adds_nothing(store: Command, pics: Path) -> None:
    """With --skip-invalid all else is added."""
    draw(pics / "0_mask.png", 9, (1, 1))
    words = ["add", "pics", "--masks", "{stem}_mask.png"]
    assert "'0_mask.png' is mask '00'" in store.fails(*words, code=128)
    assert store("ls", "--name-only").out == ""
    done = store.run(*words, "--skip-invalid")
    assert (done.code, "Added 2 new frames" in done.out) == (1, True)


def test_a_dry_run_of_a_folder_changes_nothing(store: Command, pics: Path) -> None:
    """And what it learnt does not keep the next run from adding."""
    assert "Would add 3 new frames" in store("add", "pics", "-n").out
    assert store("ls", "--name-only").out == ""
    assert "Added 3 new frames" in store("add", "pics").out


def test_files_that_are_gone_are_named_and_pruned(store: Command, pics: Path) -> None:
    """Not before that is asked for."""
    store("add", "pics")
    (pics / "1.png").unlink()
    assert "note" not in store("ls").err
    assert "pics/1.png is gone; --prune" in store("add", "pics").err
    assert "1 deleted" in store("add", "pics", "--prune").out
    assert store("ls", "--name-only").out.count("\n") == 2


def test_pictures_named_one_by_one_are_those_of_their_folder(store: Command, pics: Path) -> None:
    """`add pics/*.png` and `add pics` register the same frames."""
    store("add", *(f"pics/{seed}.png" for seed in range(3)))
    assert "3 unchanged" in store("add", "pics").out
    assert "no file or folder" in store.fails("add", "pics/7.png", code=128)
    assert "is about folders" in store.fails("add", "pics/1.png", "--masks", "{stem}.png", code=2)


def test_folders_files_and_a_pipe_are_one_operation(store: Command, pics: Path) -> None:
    """One line is one undo."""
    Path("frames.json").write_text(lines(wires(2)))
    assert "Added 5 new frames" in store("add", "frames.json", "pics").out
    store("undo")
    assert store("ls", "--name-only").out == ""


def test_two_folders_with_one_relative_name_are_two_frames(store: Command, tmp_path: Path) -> None:
    """The second does not take the frame of the first, nor with its bytes kept."""
    draw(tmp_path / "train" / "1.png", 1)
    draw(tmp_path / "val" / "1.png", 2)
    assert "Added 2 new frames" in store("add", "train", "val").out
    assert len(set(store("ls", "--name-only").out.split())) == 2
    again = store("add", "--copy", "train", "val").out
    assert ("train: 1 changed" in again, "val: 1 changed" in again) == (True, True)
    assert "Added 0 new frames" in store("add", "--copy", "train", "val").out


def test_kept_bytes_need_no_file(store: Command, pics: Path) -> None:
    """`add --copy` makes the store enough by itself."""
    assert "Added 3 new frames" in store("add", "pics", "--copy").out
    assert all("media:" in str(row["sources"]) for row in store("ls", "--json").rows())
    assert "3 unchanged" in store("add", "pics", "--copy").out


def test_hostile_names_of_folders_are_printed_harmless(store: Command, tmp_path: Path) -> None:
    """A report is text on a terminal."""
    draw(tmp_path / "pics" / "a\x1b[31m.png", 1)
    store("add", "pics")
    (tmp_path / "pics" / "a\x1b[31m.png").rename(tmp_path / "pics" / "b\n.png")
    draw(tmp_path / "pics" / "c\x1b]0;x\x07.png", 1)
    done = store.run("add", "pics")
    assert "\x1b" not in done.out + done.err
    assert "\x07" not in done.out + done.err


def test_mv_says_how_many_frames(cells: Command) -> None:
    """And with -n changes nothing."""
    before = cells("ls", "--json").out
    said = cells("mv", "s3://bucket", "s3://other/place", "-n").out
    assert said == "Would lead the sources of 10 frames of cells@Current to s3://other/place\n"
    assert cells("ls", "--json").out == before
    assert cells("mv", "s3://bucket", "s3://other/place").out.startswith("Led the sources of 10")
    assert cells("ls", "--json").out == before.replace("s3://bucket", "s3://other/place")
    assert cells("mv", "-q", "s3://other/place", "s3://bucket").out == ""
    cells("undo")
    assert "s3://other/place" in cells("ls", "-l").out
    assert "the closest" in cells.fails("mv", "s3://other/plaice", "x", code=128)


@pytest.mark.parametrize("verb", ["add", "mv"])
def test_help_fits_a_terminal(tmp_path: Path, verb: str) -> None:
    """80 columns, as the others do."""
    done = spawn(tmp_path, verb, "--help")
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
