"""`undo`: one verb is one operation, and goes back whole."""

import json
import os
from pathlib import Path

import pytest

from hyperstore.cli.main import VERBS
from hyperstore.dataset.opening import find_store
from hyperstore.dataset.store import open_store
from hyperstore.history.branches import HEAD
from tests.cli.conftest import lines
from tests.support.command import Command
from tests.support.frames import wire
from tests.support.pictures import draw
from tests.support.runs import begin_run

# Where the store is as `full` makes it; after `;` another line that is run before, and not undone.
LINES = [
    "add frames.json",
    "add pictures --context camera",
    "add pictures --masks {stem}_mask.png --legend legend.json",
    "branch new",
    "branch new fix",
    "branch -m main",
    "branch -m fix mended",
    "branch -d fix idle blood@spare",
    "branch -D fix",
    "branch new --dataset blood",
    "commit -m Edits",
    "commit --allow-empty -m Empty",
    "dataset create new",
    "dataset create new --project lab --comment words --tag one",
    "dataset create new --no-switch",
    "dataset rename cells others",
    "dataset delete blood --force",
    "dataset set cells a=1 --unset b --comment words --project lab --tag one --tag two",
    "edit f001 f002 --set meta.number=7",
    "import coco coco.json --dataset new",
    "import coco coco.json --dataset new --version night -m Import",
    "import coco coco.json --dataset cells",
    "import coco coco.json --dataset blood -m Import",
    "import voc voc.xml --dataset new -m Import",
    "mv s3://bucket s3://other/place",
    "publish",
    "publish fix -m Done",
    "reset HEAD~1",
    "reset --hard HEAD~1",
    "restore .",
    "restore f003 --source HEAD~1",
    "revert HEAD; reset --hard",
    "rm f002 f004",
    "runs rm train",
    "snapshot",
    "snapshot spring --child summer --comment words -m Snapshot",
    "switch fix",
    "switch -; switch blood@Current",
    "switch -c new",
    "switch -c new fix",
    "switch -c new; switch blood@spare",
    "tag new",
    "tag new HEAD~1 -m words",
    "tag -f v1 HEAD",
    "tag -d v1",
    "undo",
    "undo; snapshot",
    "view create blue cells@Current --order random --label cell=1",
    "view add green fix --roi cell",
    "view edit green --set iteration.random_seed=4",
    "view clone green blue",
    "view delete green",
    "view publish green",
    "view archive green",
    "view move green whole --project lab",
    "view lock green --commit",
    "view lock whole",
    "view unlock whole.lock; view lock whole",
    "stamp model.pt --view whole",
    "stamp model.pt --view green --commit",
    "stamp model.pt --lock whole.lock; view lock whole",
]
READING = {"cat", "diff", "export", "fsck", "head", "log", "ls", "reflog", "show", "status"}
READING |= {"query", "sample", "sql", "stats", "version", "which"}
ELSEWHERE = {"config", "gc", "init", "run"}  # What these write is no ref.
OF_FILES = {"media"}  # What of it moves refs is held in test_media.py, which has a server.


@pytest.fixture
def full(cells: Command, tmp_path: Path) -> Command:
    """Return the command on `cells@Current`, with two commits, a tag, edits pending, and others."""
    (tmp_path / "frames.json").write_text(lines([wire("new"), wire("f001", number=9)]))
    draw(tmp_path / "pictures" / "1.png")
    draw(tmp_path / "pictures" / "1_mask.png", 1)
    (tmp_path / "legend.json").write_text(json.dumps({"1,0,0": ["cell"]}))
    image = {"id": 1, "file_name": "1.jpg"}
    (tmp_path / "coco.json").write_text(json.dumps({"images": [image]}))
    (tmp_path / "voc.xml").write_text(
        "<annotation><filename>1.jpg</filename>"
        "<size><width>4</width><height>4</height><depth>3</depth></size></annotation>"
    )
    cells("tag", "v1")
    cells("edit", "f001", "--set", "meta.number=5")
    cells("commit", "-m", "Number")
    cells("branch", "fix")
    cells("branch", "idle")
    cells("dataset", "set", "cells", "b=2")
    cells("dataset", "create", "blood")
    cells("branch", "spare", "--dataset", "blood")
    cells("switch", "cells@Current")
    cells("rm", "f003")
    (tmp_path / "model.pt").write_text("weights")
    cells("view", "create", "green", "cells@Current")
    cells("view", "create", "whole", "fix")
    with open_store(find_store(Path.cwd())) as store:
        begin_run(store.handle, "train").end("completed")
    return cells


def refs() -> dict[str, bytes]:
    with open_store(find_store(Path.cwd())) as store, store.handle.database.reading() as reader:
        return dict(reader.refs())


def operations() -> int:
    with open_store(find_store(Path.cwd())) as store:
        return next(store.operations()).number


@pytest.mark.parametrize("line", LINES)
def test_undo_takes_back_all_of_a_verb_and_only_that(full: Command, line: str) -> None:
    """Who typed one line did one thing, and has one thing to take back."""
    verb, _, earlier = line.partition("; ")
    if earlier:
        full(*earlier.split())
    before, number = refs(), operations()
    full(*verb.split())
    assert refs() != before
    assert operations() == number + 1
    full("undo", *([str(number + 1)] if verb.startswith("undo") else []))  # Of that by number.
    assert refs() == before


def test_every_verb_that_moves_refs_is_in_that_table() -> None:
    """A new verb is made to go back whole as well."""
    moving = {line.replace(";", "").split()[0] for line in LINES}
    assert moving | READING | ELSEWHERE | OF_FILES == set(VERBS)


def test_undo_leaves_head_where_it_has_gone_since(full: Command) -> None:
    """It is where somebody stands, and nothing rests on it; the version can go without it."""
    full("switch", "-c", "new")
    made = operations()
    full("switch", "fix")
    before = refs()
    full("undo", str(made))
    assert refs()[HEAD] == before[HEAD]
    assert "new" not in {row["name"] for row in full("branch", "--json").rows()}
    full("undo", str(operations()))
    assert refs() == before


def test_undo_of_a_switch_alone_is_refused_where_head_has_gone_elsewhere_since(
    full: Command,
) -> None:
    """Else nothing would be undone, and it would be said that it was."""
    full("switch", "fix")
    made = operations()
    full("switch", "idle")
    assert "moved again" in full.fails("undo", str(made), code=128)


def test_of_versions_of_which_one_cannot_be_deleted_none_is(full: Command) -> None:
    """Two that lead to each other's commits are both the last, if both go."""
    full("switch", "-c", "one")
    full("commit", "--allow-empty", "-m", "Of its own")
    full("branch", "two")
    full("switch", "fix")
    before = refs()
    assert "commits" in full.fails("branch", "-d", "idle", "one", "two", code=128)
    full.fails("branch", "-d", "idle", "nowhere", code=128)
    full.fails("branch", "-d", "idle", "fix", code=128)
    assert refs() == before
    full("branch", "-d", "one", "idle")


def test_snapshot_of_a_version_leaves_head_to_the_command(full: Command) -> None:
    """Python pays no heed to HEAD, and does not move it."""
    here = refs()[HEAD]
    with open_store(Path(os.path.curdir) / ".hyperstore") as store:
        store.dataset("cells").version().snapshot("spring")
        store.create_dataset("new").create_version("night")
    assert refs()[HEAD] == here


def stands(run: Command) -> str:
    """Return the name of the version on which the command stands."""
    return next(str(row["name"]) for row in run("branch", "--json").rows() if row["is_head"])


def test_undo_of_a_switch_away_from_what_is_gone_is_passed_over(full: Command) -> None:
    """Back there is nothing to stand on; what was done before that can be undone all the same."""
    full("commit", "-m", "Remove")
    committed = operations()
    full("switch", "-c", "new")
    full("switch", "Current")
    before = refs()
    full("undo", str(committed + 1))
    assert f"Undid operation {committed}:" in full("undo").out
    assert refs()[HEAD] == before[HEAD]
    assert stands(full) == "Current"
    assert "is gone" in full.fails("undo", str(committed + 2), code=128)


def test_undo_takes_head_off_the_version_that_it_takes_away(full: Command) -> None:
    """To where it stood last, which is said; nobody is left standing on nothing."""
    full("switch", "fix")
    full("branch", "new")
    made = operations()
    full("switch", "-c", "other")
    full("switch", "new")
    full("branch", "-D", "other")
    done = full("undo", str(made))
    assert "HEAD stands on cells@fix" in done.err
    assert stands(full) == "fix"


def test_undo_of_a_new_version_passes_over_the_one_before_that_is_gone(full: Command) -> None:
    """HEAD stood there, and does not go back to it."""
    full("switch", "idle")
    full("switch", "-c", "new")
    made = operations()
    full("branch", "-D", "idle")
    full("undo", str(made))
    assert stands(full) == "Current"


def test_what_cannot_be_undone_any_more_is_named_with_a_way_past_it(full: Command) -> None:
    """Garbage that was collected does not come back, and stops nobody for good."""
    full("tag", "late")
    tagged = operations()
    full("reset", "--hard")
    full("edit", "f002", "--set", "meta.number=71")
    full("edit", "f002", "--set", "meta.number=72")
    full("commit", "-m", "Two")
    full("undo")
    number = operations() - 2
    full("config", "gc.grace", "0")
    full("gc", "--prune=now")
    said = full.fails("undo", code=128)
    assert f"operation {number} (update frames) cannot be undone any more" in said
    assert "by their numbers" in said
    full("undo", str(tagged))
    assert "late" not in full("tag").out


def test_a_ref_that_was_moved_again_is_named_with_what_moved_it(full: Command) -> None:
    """So that who undid by number can take that back."""
    full("tag", "-f", "v1")
    full("tag", "-f", "v1", "HEAD~1")
    said = full.fails("undo", str(operations() - 1), code=128)
    assert f"undo operation {operations()} (tag v1) first, by its number" in said
