"""Verbs about history: log, show, branch, switch, publish, snapshot, tag, reset, revert, undo."""

import json
import tomllib
from pathlib import Path

import pytest

from hyperstore.cli.graph import Graph
from hyperstore.cli.main import VERBS
from hyperstore.cli.version import PROGRAM_VERSION
from tests.cli.conftest import lines
from tests.support.command import PROJECT, Command, spawn
from tests.support.frames import wire


def change(run: Command, number: int) -> None:
    """Commit one change."""
    run("edit", "f001", "--set", f"meta.number={number}")
    run("commit", "-m", f"Set {number}\n\nAt length.")


def test_log_shows_commits_as_git_does(cells: Command) -> None:
    """Newest first, with -n, --oneline, --stat, --reverse, a revision."""
    change(cells, 11)
    change(cells, 12)
    titles = [row["message"] for row in cells("log", "--json").rows()]
    assert titles == ["Set 12\n\nAt length.", "Set 11\n\nAt length.", "Add ten"]
    assert cells("log", "--oneline").out.count("\n") == 3
    assert cells("log", "-1", "--oneline").out.endswith("(HEAD -> Current) Set 12\n")
    assert cells("log", "HEAD~2", "--oneline").out.endswith("Add ten\n")
    assert cells("log", "--reverse", "--oneline", "-n", "2").out.splitlines()[0].endswith("Set 11")
    said = cells("log", "-1", "--stat").out
    assert " frames +0 ~1 -0, ROIs +0 ~0 -0" in said
    assert "\n    At length.\n" in said
    row = cells("log", "--json", "-1").rows()[0]
    assert row["changes"]["frames"] == {"added": 0, "changed": 1, "removed": 0}  # type: ignore[index]
    assert row["refs"] == ["Current"]
    assert list(row) == [
        "id",
        "parents",
        "author",
        "time",
        "message",
        "changes",
        "dataset_id",
        "version_id",
        "refs",
    ]


def test_the_graph_draws_forks_and_merges() -> None:
    """Written out by hand: two lines of descent that part in a and meet in d."""
    graph = Graph()
    history = {"e": ["d"], "d": ["b", "c"], "c": ["a"], "b": ["a"], "a": []}
    drawn = []
    for commit, parents in history.items():
        for edge, parts in graph.rows(commit, parents, [[commit]], gap=False):
            drawn.append((edge + "".join(map(str, parts))).rstrip())
    assert drawn == ["* e", "* d", "|\\", "| * c", "* | b", "|/", "* a"]


def test_branches_are_listed_created_renamed_and_deleted(cells: Command) -> None:
    """As git does; the one where HEAD stands is kept."""
    cells("branch", "fix")
    cells("branch", "old", "HEAD")
    assert {row["name"] for row in cells("branch", "--json").rows()} == {"Current", "fix", "old"}
    assert "* Current" in cells("branch").out
    cells("branch", "-m", "old", "older")
    cells("branch", "-m", "main")
    assert "* main" in cells("branch").out
    cells.fails("branch", "-m", "fix", code=128)
    cells.fails("branch", "fix", code=128)
    assert "HEAD stands" in cells.fails("branch", "-D", "main", code=128)
    assert "undo" in cells("branch", "-d", "older").out
    cells("undo")
    assert {row["name"] for row in cells("branch", "--json").rows()} == {"main", "fix", "older"}


def test_a_branch_with_work_of_its_own_is_not_deleted_by_d(cells: Command) -> None:
    """-D is for those who mean it."""
    cells("switch", "-c", "fix")
    cells("edit", "f001", "--set", "meta.number=5")
    cells("switch", "Current")
    assert "not committed" in cells.fails("branch", "-d", "fix", code=128)
    cells("switch", "fix")
    cells("commit", "-m", "Fix")
    cells("switch", "-")
    assert "no other version or tag" in cells.fails("branch", "-d", "fix", code=128)
    cells("tag", "kept", "fix")
    cells("branch", "-d", "fix")
    assert cells("log", "kept", "-1", "--json").rows()[0]["message"] == "Fix"


def test_switch_moves_head_and_leaves_what_is_pending(cells: Command) -> None:
    """Each draft keeps its own edits."""
    cells("edit", "f001", "--set", "meta.number=5")
    done = cells("switch", "-c", "fix")
    assert "pending in cells@Current stays" in done.err
    assert json.loads(cells("cat", "f001").out)["meta"]["number"] == 1
    assert "Already on" in cells("switch", "fix").out
    cells("switch", "-")
    assert json.loads(cells("cat", "f001").out)["meta"]["number"] == 5
    cells("dataset", "create", "other")
    cells("switch", "cells@fix")
    assert cells("status", "--json").rows()[0]["version"] == "fix"
    assert "not a version" in cells.fails("switch", "HEAD~0", code=2)


def test_publish_and_snapshot_freeze_and_go_on(cells: Command) -> None:
    """A snapshot leaves the id on what is published, and stands on the new draft."""
    before = cells("status", "--json").rows()[0]
    cells("edit", "f001", "--set", "meta.number=5")
    cells("snapshot", "v1", "-m", "Freeze", "--comment", "The first")
    after = cells("status", "--json").rows()[0]
    assert (after["version"], after["state"]) == ("Current", "committed")
    assert after["version_id"] != before["version_id"]
    shown = cells("show", "v1", "--json").rows()[0]
    assert (shown["version_id"], shown["comment"]) == (before["version_id"], "The first")
    assert shown["message"] == "Freeze"
    cells("publish", "Current")
    assert "[published]" in cells("branch").out
    cells.fails("branch", "-d", "v1", code=128)


def test_tags_are_listed_made_moved_and_deleted(cells: Command) -> None:
    """As git does."""
    cells("tag", "v1", "-m", "Good")
    change(cells, 11)
    cells.fails("tag", "v1", code=128)
    cells("tag", "v2")
    cells("tag", "v1", "-f")
    rows = cells("tag", "--json").rows()
    assert [(row["name"], row["message"]) for row in rows] == [("v1", ""), ("v2", "")]
    cells("tag", "old", "HEAD~1")
    assert cells("log", "old", "--oneline").out.count("\n") == 1
    cells("tag", "-d", "old")
    assert cells("tag").out.count("\n") == 2


def test_show_says_what_a_commit_changed(cells: Command) -> None:
    """A commit with its difference; a tag with its message; a version; a frame."""
    change(cells, 11)
    cells("tag", "v1", "-m", "Good")
    shown = cells("show").out
    assert "Set 11" in shown
    assert "meta.number: 1 -> 11" in shown
    assert cells("show", "HEAD~1", "--name-only").out.splitlines()[-1] == "f009"
    assert "meta.number" not in cells("show", "-s").out
    assert cells("show", "v1").out.startswith("tag v1\n")
    assert "Good" in cells("show", "v1").out
    assert "10 frames, 10 ROIs" in cells("show", "cells@Current").out
    assert json.loads(cells("show", "f003").out)["id"] == "f003"
    assert json.loads(cells("show", "HEAD~1:f001").out)["meta"]["number"] == 1


def test_reset_moves_the_head_and_hard_drops_the_rest(cells: Command) -> None:
    """Soft keeps the frames as they are, as pending."""
    change(cells, 11)
    cells("reset", "HEAD~1")
    assert cells("status", "--short").out == "M  f001\n"
    cells("undo")
    cells("reset", "--hard", "HEAD~1")
    assert cells("status", "--short").out == ""
    assert json.loads(cells("cat", "f001").out)["meta"]["number"] == 1
    change(cells, 12)
    assert cells("log", "Current@{1}", "-1", "--json").rows()[0]["message"] == "Add ten"


def test_revert_commits_the_opposite(cells: Command) -> None:
    """History is kept; the frames are as before."""
    before = cells("status", "--json").rows()[0]["content_id"]
    change(cells, 11)
    cells("revert", "HEAD")
    assert cells("status", "--json").rows()[0]["content_id"] == before
    assert str(cells("log", "--json", "-1").rows()[0]["message"]).startswith('Revert "Set 11"')


def test_undo_takes_back_operations_by_number(cells: Command) -> None:
    """The log says what was done and what was typed."""
    cells("rm", "f001")
    cells("tag", "v1")
    rows = cells("reflog", "--all", "--json").rows()
    assert rows[0]["command"] == "hyperstore tag v1"
    cells("undo", str(rows[1]["number"]))
    assert cells("status", "--short").out == ""
    assert cells("tag").out != ""
    assert "$ hyperstore rm f001" in cells("reflog", "--all").out
    newest = str(cells("log", "--json").rows()[0]["id"])
    assert cells("reflog").out.startswith(newest[:12])


def test_datasets_are_listed_renamed_set_and_deleted(cells: Command) -> None:
    """A dataset is what holds a family of versions."""
    words = ["--comment", "Blood", "--tag", "x", "stain=giemsa", "zoom=40"]
    cells("dataset", "set", "cells", *words)
    cells("dataset", "rename", "cells", "blood")
    row = cells("dataset", "list", "--json").rows()[0]
    assert (row["name"], row["comment"], row["tags"], row["head"]) == (
        "blood",
        "Blood",
        ["x"],
        True,
    )
    assert "* blood  1 version, Blood" in cells("dataset").out
    assert "HEAD stands" in cells.fails("dataset", "delete", "blood", code=128)
    assert "HEAD stands" in cells.fails("dataset", "delete", "blood", "--force", code=128)
    cells("dataset", "create", "empty")
    assert "not empty" in cells.fails("dataset", "delete", "blood", code=128)
    cells("dataset", "delete", "blood", "--force")
    cells("undo")
    cells("switch", "blood@Current")
    cells("dataset", "delete", "empty")
    assert len(cells("dataset", "list", "--json").rows()) == 1


def test_metadata_of_a_version_shows_in_diff_and_status(cells: Command, tmp_path: Path) -> None:
    """What an import remembers of its files is a change like any other."""
    coco: dict[str, list[object]] = {"images": [], "annotations": [], "categories": []}
    (tmp_path / "empty.json").write_text(json.dumps(coco))
    cells("import", "coco", "empty.json", "--dataset", "cells")
    assert "metadata of the version" in cells("status").out
    assert "_coco: (absent) -> " in cells("diff").out
    assert cells.run("diff", "--exit-code").code == 1


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("hyperstore sw", "switch"),
        ("hyperstore switch ", "Current"),
        ("hyperstore switch cells@", "cells@fix"),
        ("hyperstore log v", "v1"),
        ("hyperstore diff HEAD..f", "HEAD..fix"),
        ("hyperstore tag -d ", "v1"),
        ("hyperstore dataset rename ", "cells"),
        ("hyperstore config user.n", "user.name"),
        ("hyperstore log --onel", "--oneline"),
    ],
)
def test_the_shell_completes_names(cells: Command, typed: str, wanted: str) -> None:
    """Verbs, options, datasets, versions, tags and settings."""
    cells("branch", "fix")
    cells("tag", "v1")
    words = typed.split(" ")
    settings = {
        "_HYPERSTORE_COMPLETE": "bash_complete",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = spawn(Path.cwd(), settings=settings)
    assert f"plain,{wanted}" in done.out.splitlines()


def test_completion_outside_of_a_store_is_silent(hs: Command) -> None:
    """A shell must not show an error while somebody types."""
    settings = {
        "_HYPERSTORE_COMPLETE": "bash_complete",
        "COMP_WORDS": "hyperstore switch ",
        "COMP_CWORD": "2",
    }
    done = spawn(Path.cwd(), settings=settings)
    assert (done.out.strip(), done.err) == ("", "")


def test_the_version_is_that_of_the_project(hs: Command) -> None:
    """The constant is there because asking the installed package is slow."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert project["version"] == PROGRAM_VERSION
    assert hs("version").out.startswith(f"hyperstore {PROGRAM_VERSION}\n")
    assert hs("--version").out == hs("version").out
    assert hs("version", "--json").rows()[0]["version"] == PROGRAM_VERSION


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_explains_itself(hs: Command, verb: str) -> None:
    """In 80 columns, without a store."""
    done = hs(verb, "--help")
    assert f"hyperstore {verb}" in done.out
    assert all(len(line) <= 80 for line in done.out.splitlines())
    assert hs(verb, "-h").out == done.out


def test_a_name_that_needs_quotes_is_shown_with_them(cells: Command) -> None:
    """What is printed can be typed."""
    cells("branch", "a@b c")
    assert '"a@b c"' in cells("branch").out
    cells("switch", '"a@b c"')
    cells("switch", "Current")
    cells("switch", "a@b c")
    cells("add", "-", stdin=lines([wire("x")]))
    assert 'cells@"a@b c"' in cells("status").out


def test_log_names_no_more_than_a_line_of_what_stands_on_one_commit(cells: Command) -> None:
    """Where hundreds of versions stand on one commit, HEAD and the tags are what one looks for."""
    for number in range(9):
        cells("branch", f"v{number}")
    cells("tag", "first")
    said = cells("log", "--oneline").out
    assert "(HEAD -> Current, v0, v1, v2, v3, v4, v5, tag: first and 3 more) Add ten" in said
    names = ["Current", *(f"v{number}" for number in range(9)), "tag: first"]
    assert cells("log", "--json").rows()[0]["refs"] == names
    for number in range(6, 9):
        cells("branch", "-D", f"v{number}")
    assert "v5, tag: first) Add ten" in cells("log", "--oneline").out
