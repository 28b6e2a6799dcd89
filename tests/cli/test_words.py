"""What the command says is so: of imports, of refusals, of what it counts."""

import json
import os
import socket
from pathlib import Path

import pytest

from tests.cli.conftest import lines
from tests.support.command import Command
from tests.support.frames import wire


def coco(path: Path, names: list[str], label: str = "cell") -> None:
    """Write a COCO file with one box on each picture."""
    images = [{"id": at, "file_name": name} for at, name in enumerate(names, 1)]
    boxes = [
        {"id": at, "image_id": at, "category_id": 1, "bbox": [1, 1, 4, 4]}
        for at, _ in enumerate(names, 1)
    ]
    value = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": label}]}
    path.write_text(json.dumps(value))


@pytest.fixture
def imported(hs: Command, tmp_path: Path) -> Command:
    """Return the command where three pictures of `a.json` are committed in `cells@Current`."""
    hs("init", "-q")
    coco(tmp_path / "a.json", ["1.jpg", "2.jpg", "3.jpg"])
    hs("import", "coco", "a.json", "--dataset", "cells", "-m", "Import")
    return hs


def again(run: Command, *words: str) -> str:
    """Import the file once more; return what is said."""
    return run("import", "coco", "a.json", "--dataset", "cells", *words).out


def test_an_import_over_edits_says_which_frames_it_sets_back(imported: Command) -> None:
    """The draft is as the last commit again, which the edits of a day were not."""
    ids = imported("ls", "--name-only").out.split()
    for frame_id in ids[:2]:
        imported("edit", frame_id, "--relabel", "cell=dirt")
    said = again(imported)
    assert "2 frames changed back to what the files say" in said
    assert "`hyperstore undo` takes the import back" in said
    assert "Nothing" not in said
    assert imported("status", "--short").out == ""
    imported("undo")
    assert imported("status", "--short").out.count("M  ") == 2
    said = again(imported, "-m", "Again")
    assert "2 frames changed back" in said
    assert "so nothing was committed" in said


def test_an_import_that_leaves_edits_pending_counts_what_it_did(
    imported: Command, tmp_path: Path
) -> None:
    """What it found pending is not its doing."""
    imported("rm", imported("ls", "--name-only").out.split()[0])
    coco(tmp_path / "a.json", ["1.jpg", "2.jpg", "3.jpg", "4.jpg"], label="nucleus")
    said = again(imported)
    assert "2 frames added, 2 frames changed to what the files say" in said
    assert "`hyperstore commit` records it" in said


def test_an_import_that_changes_nothing_says_so(imported: Command) -> None:
    """Also where something else is pending."""
    assert "Nothing has changed" in again(imported)
    imported("add", "-", stdin=lines([wire("x")]))
    said = again(imported)
    assert "Nothing has changed" in said
    assert "Not committed yet" in said


def test_the_operation_log_says_what_was_done(cells: Command) -> None:
    """`batch` is how it was done."""
    cells("edit", "f001", "--set", "meta.number=5")
    cells("rm", "f001")
    rows = cells("reflog", "--all", "--json").rows()
    done = [row["done"] for row in rows]
    assert done[:2] == ["delete frames", "update frames"]
    assert "add frames" in done
    assert "batch" not in done


def test_names_on_one_commit_stand_apart(cells: Command) -> None:
    """Wherever HEAD stands among them."""
    cells("switch", "-c", "two")
    cells("tag", "v1")
    for verb in ("log", "show"):
        assert "(HEAD -> two, Current, tag: v1)" in cells(verb).out
    cells("switch", "Current")
    assert "(HEAD -> Current, two, tag: v1)" in cells("log", "--oneline").out


def test_show_of_a_draft_without_commits_has_the_fields_of_a_version(store: Command) -> None:
    """A program that asks for them finds them, whichever way the draft is named."""
    row = store("show", "--json").rows()[0]
    assert row == store("show", "cells@Current", "--json").rows()[0]
    assert (row["version"], row["count"], row["published"]) == ("Current", 0, None)


def test_show_of_a_tag_has_the_fields_of_a_tag(cells: Command) -> None:
    """As the help says; what it counts is what the tag names."""
    cells("tag", "v1")
    cells("rm", "f001")
    row = cells("show", "v1", "--json").rows()[0]
    assert (row["tag"], row["dataset"], row["version"], row["count"]) == (
        "v1",
        "cells",
        "Current",
        10,
    )


def test_nothing_is_pending_in_a_new_draft(store: Command) -> None:
    """`commit` says the same of it."""
    said = store("status").out
    assert "Nothing is pending" in said
    assert "hyperstore commit" not in said
    store("add", "-", stdin=lines([wire("x")]))
    assert "Pending: 1 frame added" in store("status").out


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "link", "dangling"])
def test_an_export_onto_what_is_no_file_is_refused(
    imported: Command, tmp_path: Path, kind: str
) -> None:
    """A file that takes the place of a device, or of a link, takes something away."""
    place = tmp_path / "out.json"
    (tmp_path / "real.json").write_text("kept")
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "socket":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("out.json")
        listener.close()
    else:
        place.symlink_to("real.json" if kind == "link" else "nowhere.json")
    code = 128 if place.is_symlink() else 2
    before = place.lstat()
    names = sorted(one.name for one in tmp_path.iterdir())
    said = imported.fails("export", "coco", "cells@Current", "out.json", code=code)
    assert "out.json" in said
    assert (place.lstat().st_mode, place.lstat().st_ino) == (before.st_mode, before.st_ino)
    assert sorted(one.name for one in tmp_path.iterdir()) == names
    assert (tmp_path / "real.json").read_text() == "kept"


def test_an_export_takes_the_name_of_a_file(imported: Command, tmp_path: Path) -> None:
    """`-` would be a file of that name, where a script means its output."""
    assert "name a file" in imported.fails("export", "coco", "cells@Current", "-", code=2)
    assert not (tmp_path / "-").exists()
    said = imported("export", "coco", "cells@Current", "out.json").out
    assert said == "Exported 3 images, 3 annotations, 1 category to out.json\n"


def test_fsck_counts_in_words(cells: Command) -> None:
    """One commit is not `1 commits`, and what was hashed are objects."""
    said = cells("fsck", "--full").out
    assert said.startswith("Checked (full): 1 commit, ")
    assert said.splitlines()[0].endswith("objects hashed")


@pytest.fixture
def forked(cells: Command) -> Command:
    """Return the command where `Current` and `fix` have two commits each since they parted."""
    cells("branch", "fix")
    for version, frames in (("Current", ["f001", "f002"]), ("fix", ["f003", "f004"])):
        cells("switch", version)
        for frame_id in frames:
            cells("rm", frame_id)
            cells("commit", "-m", f"Drop {frame_id}")
    return cells


def titles(run: Command, *words: str) -> list[str]:
    """Return the messages that `log` shows."""
    return [str(row["message"]) for row in run("log", "--json", *words).rows()]


def test_log_of_a_range_shows_what_one_side_adds(forked: Command) -> None:
    """As git's: two dots are what B has and A has not; three are what one of them has."""
    assert titles(forked, "Current..fix") == ["Drop f004", "Drop f003"]
    assert titles(forked, "fix..Current") == ["Drop f002", "Drop f001"]
    assert titles(forked, "Current..") == ["Drop f004", "Drop f003"]
    assert titles(forked, "..fix") == []
    assert titles(forked, "fix~1..fix") == ["Drop f004"]
    assert titles(forked, "Current..fix", "-1", "--reverse") == ["Drop f004"]
    assert sorted(titles(forked, "Current...fix")) == [f"Drop f00{at}" for at in (1, 2, 3, 4)]
    forked.fails("log", "--all", "Current..fix", code=2)
    forked.fails("log", "nothing..fix", code=128)


def test_diff_with_three_dots_begins_where_the_two_parted(forked: Command) -> None:
    """What `Current` has done since is not what `fix` did."""
    assert forked("diff", "Current...fix", "--name-status").out == "D  f003\nD  f004\n"
    assert forked("diff", "fix...Current", "--name-status").out == "D  f001\nD  f002\n"
    assert forked("diff", "Current..fix", "--name-only").out.count("\n") == 4
    forked("dataset", "create", "other")
    forked("add", "-", stdin=lines([wire("x")]))
    forked("commit", "-m", "Other")
    assert "no commit in common" in forked.fails("diff", "cells@fix...HEAD", code=128)


def test_too_few_digits_of_a_commit_are_told(cells: Command) -> None:
    """Git takes four; what is missing here is two more."""
    digits = str(cells("log", "--json").rows()[0]["id"])
    for word in (digits[:4], digits[:5], f"cells@{digits[:5]}"):
        assert "6 digits or more" in cells.fails("log", word, code=128)
    assert "digits" not in cells.fails("log", "word", code=128)
    assert cells("log", digits[:6], "--oneline").out


def test_a_count_below_nothing_is_shown_as_typed(cells: Command) -> None:
    """`-1` after `-n` is its value, and no short form of it."""
    assert "'-1' is not a number from 0 on" in cells.fails("log", "-n", "-1", code=2)
    assert cells("log", "-n", "1", "--oneline").out == cells("log", "-1", "--oneline").out


def test_the_version_before_may_be_gone(cells: Command) -> None:
    """An id that nobody has typed says nothing."""
    cells("switch", "-c", "fix")
    cells("switch", "Current")
    cells("branch", "-D", "fix")
    said = cells.fails("switch", "-", code=128)
    assert "was deleted" in said
    assert "undo" in said


def test_a_dataset_is_named_with_quotes_or_without(store: Command) -> None:
    """What `status` prints can be typed."""
    store("dataset", "create", "x@y")
    store("switch", "cells@Current")
    store("dataset", "set", '"x@y"', "--comment", "One")
    store("dataset", "rename", '"x@y"', "y@z")
    store("dataset", "delete", '"y@z"')
    assert [row["name"] for row in store("dataset", "list", "--json").rows()] == ["cells"]
    store.fails("dataset", "delete", '"nothing"', code=128)
    store.fails("dataset", "delete", '"cells"@Current', code=128)


def test_one_is_counted_as_one(cells: Command) -> None:
    """One commit, one parent, one ROI, one frame."""
    cells("edit", "f001", "--set", "meta.number=5")
    cells("commit", "-m", "Two")
    assert "has 1 parent," in cells.fails("log", "HEAD^2", code=128)
    assert "newest of 1 commit," in cells.fails("log", "HEAD~1~5", code=128)
    assert "of 1 ROI" in cells.fails("cat", "f001", "--roi", "zz", code=128)


@pytest.mark.parametrize(
    "line",
    [
        "log HEAD~5",
        "log HEAD~5..HEAD",
        "show HEAD~5",
        "show HEAD~5:f001",
        "diff HEAD~5",
        "diff HEAD cells@Current~5",
        "diff HEAD~5..HEAD",
        "cat HEAD~5",
        "cat cells@Current~5:f001",
        "cat f001 --at HEAD~5",
        "tag old HEAD~5",
        "branch old HEAD~5",
        "reset HEAD~5",
        "restore . --source HEAD~5",
        "export coco HEAD~5 out.json",
    ],
)
def test_who_steps_past_the_first_commit_hears_how_many_there_are(
    cells: Command, line: str
) -> None:
    """The number shows at once whether the step was too long or the version is another."""
    cells("rm", "f009")
    cells("commit", "-m", "Two")
    head = str(cells("log", "-1", "--json").rows()[0]["id"])[:12]
    said = cells.fails(*line.split(), code=128)
    assert f"history ends: {head} is the newest of 2 commits, so there is none 5 before" in said


@pytest.mark.parametrize(
    ("line", "code", "expected"),
    [
        ("cat HEAD", 128, "'HEAD' is a commit, not a frame"),
        ("cat cells@Current", 128, "'cells@Current' is a version, not a frame"),
        ("cat nowhere", 128, "no frame 'nowhere' in cells@Current"),
        ("diff HEAD^2", 128, "has 0 parents, and so none at ^2"),
        ("diff cells@", 128, "names no version after '@'"),
        ("diff HEAD nowhere", 2, "'nowhere' is neither a revision nor a frame"),
        ("diff nowhere@there", 128, "no dataset 'nowhere'"),
        ("show nowhere@there:f001", 128, "no dataset 'nowhere'"),
    ],
)
def test_a_word_that_is_no_frame_is_said_to_be_what_it_is(
    cells: Command, line: str, code: int, expected: str
) -> None:
    """A revision is typed where a frame belongs, and the other way round."""
    assert expected in cells.fails(*line.split(), code=code)


def test_an_edit_opens_no_editor_where_nobody_sits_at_a_terminal(
    cells: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a script it would wait for ever; one that is named for hyperstore is meant."""
    monkeypatch.setenv("EDITOR", "touch opened #")
    assert "terminal" in cells.fails("edit", "f001", code=2)
    assert not Path("opened").exists()
    monkeypatch.setenv("HYPERSTORE_EDITOR", "touch opened")
    assert "Changed 0 frames" in cells("edit", "f001").out
    assert Path("opened").exists()


@pytest.mark.parametrize("words", [("x",), ("0",), ("HEAD~1",), ("--", "-1")])
def test_undo_of_what_is_no_number_says_what_it_takes(
    cells: Command, words: tuple[str, ...]
) -> None:
    """Who types a name or a revision has not met the numbers yet."""
    said = cells.fails("undo", *words, code=2)
    assert f"{words[-1]!r} is not the number of an operation" in said
    assert "`hyperstore reflog --all` lists them" in said
    for line in ("log -n x", "ls --skip x", "ls -n -2", "reflog -n x"):
        said = cells.fails(*line.split(), code=2)
        assert f"{line.split()[-1]!r} is not a number from 0 on" in said
