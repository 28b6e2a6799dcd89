"""How the command ends: one line on stderr, and a code that scripts can rely on."""

import os
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import lines
from tests.support.command import Command
from tests.support.frames import wire, wires

WRONG_CALLS = [
    "nonsense",
    "log --nonsense",
    "log -n x",
    "switch",
    "config a b c",
    "config nothing.such",
    "config gc.grace soon",
    "edit f001 --move 3",
    "edit f001 --move a,b --roi f001-0",
    "edit f001 --roi f001-0",
    "edit f001 --label x",
    "edit --all",
    "edit f001 --set id=other",
    "rm",
    "rm f00",
    "commit --allow-empty",
    "branch -m -d a b",
    "branch a b c",
    "switch Current here",
    "gc --prune=tomorrow",
    "fsck --full --sample 5%",
    "fsck --sample 0%",
    "diff HEAD..HEAD nothing",
    "log HEAD~~~x",
    "tag -d a b",
    "dataset create -x",
    "dataset set cells novalue",
    "import coco",
]
ERRORS = [
    "log nothing",
    "log HEAD~5",
    "log HEAD^2",
    "log 'Current@{9}'",
    "cat nothing",
    "cat HEAD:nothing",
    "show nothing",
    "switch nothing",
    "switch nothing@Current",
    "branch -d Current",
    "tag -d nothing",
    "restore nothing",
    "dataset create cells",
    "dataset rename nothing other",
    "dataset delete cells",
    "import coco nothing.json --dataset x",
    "import voc nothing --dataset x",
    "add nothing.json",
    "export coco cells@Current nowhere/out.json",
    "undo 999",
    "-C nowhere status",
]


@pytest.mark.parametrize("line", WRONG_CALLS)
def test_a_wrong_call_ends_with_2(cells: Command, line: str) -> None:
    """The caller must change the call; nothing else will help."""
    before = cells("status", "--json").out
    cells.fails(*line.split(), code=2)
    assert cells("status", "--json").out == before


@pytest.mark.parametrize("line", ERRORS)
def test_an_error_ends_with_128(cells: Command, line: str) -> None:
    """As git's fatal errors do, so that 1 can mean that the answer is no."""
    before = cells("status", "--json").out
    cells.fails(*[word.strip("'") for word in line.split()], code=128)
    assert cells("status", "--json").out == before


@pytest.mark.parametrize("verb", ["import", "export"])
def test_a_verb_without_its_format_says_so_in_a_line(cells: Command, verb: str) -> None:
    """The whole help on one line, as what is wrong, helps nobody."""
    said = cells.fails(verb, code=2)
    assert said.strip() == f"Missing command. See `hyperstore {verb} --help`."


def test_no_verb_shows_the_help_and_ends_with_2(hs: Command) -> None:
    """Whoever types the bare name wants to know what there is."""
    done = hs.run()
    assert done.code == 2
    assert "Commands:" in done.out


def test_nothing_to_commit_ends_with_1(cells: Command) -> None:
    """A nightly script tells it from a disk that is full."""
    done = cells.run("commit", "-m", "Nothing")
    assert (done.code, done.err) == (1, "")
    assert "nothing to commit" in done.out
    assert cells("commit", "--allow-empty", "-m", "Nothing").code == 0


def test_a_difference_ends_with_1_only_where_asked(cells: Command) -> None:
    """As `git diff` does."""
    assert cells.run("diff", "--exit-code").code == 0
    cells("rm", "f001")
    assert cells.run("diff").code == 0
    assert cells.run("diff", "--exit-code").code == 1
    done = cells.run("diff", "--quiet")
    assert (done.code, done.out) == (1, "")


def test_a_setting_that_is_not_set_ends_with_1(store: Command) -> None:
    """As `git config` does."""
    assert store.run("config", "user.name").code == 1
    store("config", "user.name", "Ada")
    assert store("config", "user.name").out == "Ada\n"
    assert store("config", "--list").out == "user.name=Ada\n"
    store("config", "--unset", "user.name")
    assert store.run("config", "get", "user.name").code == 1


def test_no_store_says_how_to_make_one(hs: Command) -> None:
    """Only `init` creates one; an import into the wrong folder must not."""
    for line in ("status", "log", "ls", "fsck", "import coco a.json --dataset x"):
        assert "hyperstore init" in hs.fails(*line.split(), code=128)
    assert not Path(".hyperstore").exists()


def test_a_store_without_datasets_says_what_to_do(hs: Command) -> None:
    """HEAD stands nowhere after init."""
    hs("init")
    assert "dataset create" in hs.fails("ls", code=128)


def test_the_store_is_found_upwards_by_c_and_by_variable(
    cells: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """-C comes first, then HYPERSTORE_DIR, then the folders above."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert cells("ls", "-1", "--name-only").out == "f000\n"
    other = tmp_path / "other"
    cells("init", str(other), "-q")
    monkeypatch.setenv("HYPERSTORE_DIR", str(other / ".hyperstore"))
    assert cells("dataset", "list").out == ""
    assert "cells" in cells("-C", str(tmp_path), "dataset", "list").out
    assert "cells" in cells("-C", str(tmp_path / ".hyperstore"), "dataset", "list").out
    assert Path.cwd() == inner


def test_init_twice_keeps_what_is_there(cells: Command) -> None:
    """Safe to repeat, as git's."""
    assert "existing" in cells("init").out
    assert cells("ls", "--name-only").out.count("\n") == 10


def test_a_frame_that_is_refused_is_named_and_nothing_is_added(cells: Command) -> None:
    """One error that names the place; half a file added would be found out weeks later."""
    frames = [*wires(3, start=20), {**wire("bad"), "rois": [{"label": ["a"], "poly": [1, 2, 3]}]}]
    before = cells("status", "--json").out
    said = cells.fails("add", "-", code=128, stdin=lines(frames))
    assert "bad" in said
    assert "rois[0].poly" in said
    assert cells("status", "--json").out == before
    done = cells.run("add", "-", "--skip-invalid", stdin=lines(frames))
    assert done.code == 1
    assert "rois[0].poly" in done.err
    assert cells("ls", "--name-only").out.count("\n") == 13


def test_an_oserror_names_the_file(cells: Command, tmp_path: Path) -> None:
    """No traceback for a file that may not be read."""
    folder = tmp_path / "file.json"
    folder.mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "loop" in cells.fails("add", "loop", code=128)
    if os.geteuid() != 0:
        secret = tmp_path / "secret.json"
        secret.touch(mode=0)
        assert "secret.json" in cells.fails("add", "secret.json", code=128)


def test_a_published_version_does_not_change(cells: Command) -> None:
    """Every verb that edits says so, and says what to do instead."""
    cells("publish")
    for line in ("rm f001", "edit f001 --set meta.a=1", "commit -m x", "reset --hard", "restore ."):
        assert "published" in cells.fails(*line.split(), code=128)
    assert "published" in cells.fails("add", "-", code=128, stdin=lines(wires(1)))


def test_the_message_is_asked_of_an_editor_that_was_named(
    cells: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines of comment are left out; a message that stays empty stops the commit."""
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import sys\nfrom pathlib import Path\n"
        "path = Path(sys.argv[1])\npath.write_text(MINE + path.read_text())\n"
    )
    monkeypatch.setenv("HYPERSTORE_EDITOR", f"{sys.executable} {editor}")
    cells("rm", "f001")
    editor.write_text("MINE = ''\n" + editor.read_text())
    cells.fails("commit", code=2)
    editor.write_text(editor.read_text().replace("MINE = ''", "MINE = 'Take one out'"))
    cells("commit")
    assert cells("log", "--json", "-1").rows()[0]["message"] == "Take one out"
