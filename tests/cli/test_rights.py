"""The command where the rights of files forbid things: root, if tests run as root, gives up his."""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import lines
from tests.support.command import Command, Done, spawn
from tests.support.frames import wire

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2  # Of Linux.
READING = [
    "status",
    "ls",
    "ls --json",
    "log --stat",
    "show",
    "diff HEAD~1 HEAD",
    "cat f001",
    "branch",
    "tag",
    "dataset list",
    "reflog --all",
    "config",
    "fsck --full",
    "version",
    "export coco HEAD out.json",
]
WRITING = [
    "add -",
    "rm f001",
    "edit f001 --set meta.number=7",
    "commit -m x",
    "tag new",
    "branch new",
    "switch -c new",
    "dataset create new",
    "config user.name somebody",
    "undo",
    "gc",
    "gc --compact",
    "publish",
    "init",
]


def without_rights() -> None:
    """Give up what lets root pass by the rights of files; for the child of a fork, before exec."""
    if os.geteuid() == 0:
        system = ctypes.CDLL(None, use_errno=True)
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            if system.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
                raise PermissionError(ctypes.get_errno(), "root cannot give up its rights")


def as_user(folder: Path, *words: str, stdin: str | None = None) -> Done:
    """Run the command in a folder, as a user to whom the rights of files apply."""
    return spawn(folder, *words, stdin=stdin, before=without_rights)


def refused(done: Done) -> str:
    """Return the one line that a command said which could not do what was asked."""
    assert (done.code, done.out) == (128, ""), done
    assert done.err.startswith("error: "), done.err
    assert done.err.count("\n") == 1, done.err
    return done.err


def rights(folder: Path, mode: int) -> None:
    """Give everybody these rights to a folder and all in it, but none to run its files."""
    for place in [*folder.rglob("*"), folder]:
        place.chmod(mode if place.is_dir() else mode & ~0o111)


def written(folder: Path) -> dict[str, tuple[int, int]]:
    """Return every file and folder with its size and time of change."""
    found = {str(one.relative_to(folder)): one.stat() for one in folder.rglob("*")}
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in found.items()}


@pytest.fixture
def here(cells: Command, tmp_path: Path) -> Iterator[Path]:
    """Return a folder with a store, and one in it where this user may write."""
    cells("edit", "f001", "--set", "meta.number=3")
    cells("commit", "-m", "Second")
    (tmp_path / "own").mkdir()
    (tmp_path / "closed").mkdir(0o555)
    try:
        done = as_user(tmp_path / "closed", "init")
    except subprocess.SubprocessError:
        pytest.skip("this root cannot give up its rights, so none of them can be tested")
    assert done.code == 128
    yield tmp_path
    rights(tmp_path, 0o755)


@pytest.mark.slow
def test_a_store_that_may_not_be_written_can_be_read(cells: Command, here: Path) -> None:
    """A shared store of a team, or a copy on a read-only disk: all questions get their answers."""
    always = [line for line in READING if line.split()[0] not in ("export", "fsck", "reflog")]
    answers = {line: cells(*line.split()).out for line in always}
    rights(here / ".hyperstore", 0o555)
    before = written(here / ".hyperstore")
    for line in READING:
        done = as_user(here / "own", *line.split())
        assert done.code == 0, (line, done.err)
        assert done.out == answers.get(line, done.out), line
    assert written(here / ".hyperstore") == before


@pytest.mark.slow
def test_a_store_that_may_not_be_written_is_not(cells: Command, here: Path) -> None:
    """One line says so, and nothing has changed."""
    cells("rm", "f003")  # So that there is something to commit.
    rights(here / ".hyperstore", 0o555)
    before = written(here / ".hyperstore")
    for line in WRITING:
        folder = here if line == "init" else here / "own"
        said = refused(as_user(folder, *line.split(), stdin=lines([wire("new")])))
        assert any(words in said for words in ("reading only", "not allow", "may not be used")), (
            said
        )
    assert written(here / ".hyperstore") == before


@pytest.mark.parametrize("closed", [".hyperstore", ".hyperstore/db", ".hyperstore/db/data.mdb"])
def test_a_store_that_may_not_be_read_is_neither_absent_nor_damaged(
    here: Path, closed: str
) -> None:
    """Who is told that there is none makes another one."""
    rights(here / ".hyperstore", 0o555)
    (here / closed).chmod(0)
    for line in ("status", "add -", "fsck", "init"):
        folder = here if line == "init" else here / "own"
        said = refused(as_user(folder, *line.split(), stdin=lines([wire("new")])))
        assert "no store" not in said
        assert "damaged" not in said
        assert ".hyperstore" in said


def test_a_store_is_not_made_where_this_user_may_not_write(here: Path) -> None:
    """Of a first try nothing is left that would stop a second one."""
    assert "closed" in refused(as_user(here / "closed", "init"))
    assert list((here / "closed").iterdir()) == []
    (here / "closed").chmod(0o755)
    assert as_user(here / "closed", "init").code == 0


def test_settings_that_may_not_be_read_are_named(here: Path) -> None:
    """Not taken for none: the user's name would go into commits as another one."""
    config = here / ".hyperstore" / "config.toml"
    config.touch()
    config.chmod(0)
    assert "config.toml" in refused(as_user(here / "own", "config"))
