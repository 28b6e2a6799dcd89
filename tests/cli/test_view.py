"""`view`, `stamp` and `which`: views that are kept, pinned, and told of a file."""

import json
from pathlib import Path

import pytest

from hyperstore.dataset.opening import find_store
from hyperstore.dataset.store import open_store
from hyperstore.query.dataview import DataView
from tests.cli.conftest import lines
from tests.support.command import Command
from tests.support.frames import wire
from tests.support.runs import begin_run


@pytest.fixture
def dogs(cells: Command) -> Command:
    """Return the command where `cells@Current` has ten frames and two dogs, and a view of these."""
    cells("add", "-", stdin=lines([wire("dog", labels=["dog"]), wire("pup", labels=["dog"])]))
    cells("commit", "-m", "Dogs")
    cells("view", "create", "dogs", "cells@Current", "--roi", "dog")
    return cells


def only(hs: Command, *words: str) -> dict[str, object]:
    (row,) = hs(*words, "--json").rows()
    return row


def test_vw_39_a_view_is_shown_with_all_that_is_known_of_it(dogs: Command) -> None:
    """The fields of the record that the reference lists, and how many frames there are."""
    row = only(dogs, "view", "show", "dogs")
    assert {"id", "name", "description", "project", "user", "company", "created"} <= row.keys()
    assert {"tags", "system_tags", "status", "versions", "filters", "iteration"} <= row.keys()
    assert {"mapping", "labels_enumeration", "augmentation", "output_rois"} <= row.keys()
    assert (row["name"], row["status"], row["count"]) == ("dogs", "draft", 2)
    shown = dogs("view", "show", "dogs").out
    assert "cells@Current, roi dog" in shown
    assert "Frames:    2" in shown


def test_vw_40_views_are_created_changed_published_archived_and_deleted(dogs: Command) -> None:
    """Each by one line; a published one changes by force alone."""
    dogs("view", "add", "dogs", "cells@Current", "id:f000", "--weight", "2")
    assert only(dogs, "view", "show", "dogs")["count"] == 3
    dogs("view", "edit", "dogs", "--set", "iteration.order=random", "--set", "filters.1.weight=3")
    row = only(dogs, "view", "show", "dogs")
    assert row["iteration"] == {"infinite": False, "order": "random"}
    dogs("view", "publish", "dogs")
    assert "published" in dogs.fails("view", "edit", "dogs", "--set", "name=cats", code=128)
    assert "published" in dogs.fails("view", "delete", "dogs", code=128)
    assert "[published]" in dogs("view", "list").out
    dogs("view", "clone", "dogs", "cats")
    assert only(dogs, "view", "show", "cats")["status"] == "draft"
    dogs("view", "archive", "dogs")
    assert [row["name"] for row in dogs("view", "list", "--json").rows()] == ["cats"]
    assert "[published, archived]" in dogs("view", "list", "--all").out
    dogs("view", "archive", "dogs", "--undo")
    dogs("view", "move", "dogs", "cats", "--project", "lab")
    assert only(dogs, "view", "show", "cats")["project"] == "lab"
    dogs("view", "delete", "dogs", "cats", "-f")
    assert dogs("view").out == ""
    dogs("undo")
    assert len(dogs("view", "list").out.splitlines()) == 2


@pytest.mark.parametrize("words", [("--set", "name="), ("--unset", "name")])
def test_the_name_of_a_stored_view_is_not_taken_away(dogs: Command, words: tuple[str, str]) -> None:
    """It is found by that; a variable of the shell that is not set would rename it."""
    assert "--set name=NEW" in dogs.fails("view", "edit", "dogs", *words, code=2)
    assert only(dogs, "view", "show", "dogs")["count"] == 2


def test_a_file_is_stamped_with_one_thing(dogs: Command) -> None:
    """Of two, the error says that one is too many, and not that one is missing."""
    dogs("view", "lock", "dogs")
    Path("m.pt").write_bytes(b"weights")
    said = dogs.fails("stamp", "m.pt", "--view", "dogs", "--lock", "dogs.lock", code=2)
    assert "--view and --lock exclude each other" in said
    assert "say what the file was made of" in dogs.fails("stamp", "m.pt", code=2)


def test_vw_41_a_view_without_a_name_is_given_one(dogs: Command) -> None:
    """Who stored it and when, so that it is found again."""
    with open_store(find_store(Path.cwd())) as store:
        DataView(store=store).add_query("cells").store()
    names = [row["name"] for row in dogs("view", "list", "--json").rows()]
    assert any(str(name).startswith("Anonymous dataview (") for name in names)


def test_a_view_says_all_by_options(dogs: Command) -> None:
    """What a program would say in several calls."""
    dogs(
        *("view", "create", "all", "cells@*", "--order", "random", "--seed", "5", "--limit", "7"),
        *("--map", "dog,big=animal", "--map", "*=other"),
        *("--label", "animal=1", "--label", "other=0"),
        *("--description", "Words", "--project", "lab", "--tag", "one", "--output-rois"),
        *("only_filtered", "--infinite"),
    )
    row = only(dogs, "view", "show", "all")
    assert row["mapping"] == {
        "rules": [
            {
                "source": {"dataset": "*", "labels": ["big", "dog"], "version": "*"},
                "target": "animal",
            },
            {"source": {"dataset": "*", "labels": ["*"], "version": "*"}, "target": "other"},
        ]
    }
    assert row["labels_enumeration"] == {"animal": 1, "other": 0}
    said = {"infinite": True, "limit": 7, "order": "random", "random_seed": 5}
    assert row["iteration"] == said
    assert (row["description"], row["project"], row["tags"]) == ("Words", "lab", ["one"])
    assert [query["version"] for query in row["filters"]] == ["*"]  # type: ignore[attr-defined]
    dogs("branch", "later")
    assert "cells@*" in dogs("view", "show", "all").out


def test_a_view_goes_out_as_json_and_comes_back(dogs: Command, tmp_path: Path) -> None:
    """So that it can be kept beside the code."""
    row = only(dogs, "view", "show", "dogs")
    (tmp_path / "dogs.json").write_text(json.dumps(row))
    dogs("view", "create", "again", "--file", "dogs.json")
    again = only(dogs, "view", "show", "again")
    for name in ("filters", "iteration", "mapping", "labels_enumeration", "output_rois", "count"):
        assert again[name] == row[name], name
    assert again["id"] != row["id"]
    dogs("view", "create", "piped", "--file", "-", stdin=json.dumps(row))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("view create dogs cells@Current", 128),
        ("view create new none@Current id:x", 128),
        ("view create new cells@Curr* id:x", 2),
        ("view create new cells@Current --map dog", 2),
        ("view create new cells@Current --label dog=x", 2),
        ("view create new cells@Current --limit 0", 128),
        ("view create new cells@Current --weight 0", 128),
        ("view create new cells@Current (", 128),
        ("view create new --file none.json", 128),
        ("view create new --file bad.json", 2),
        ("view create new cells@Current --file bad.json", 2),
        ("view create -new cells@Current", 2),
        ("view show none", 128),
        ("view edit dogs --set filters.0.weight=-1", 128),
        ("view edit dogs --set nothing=1", 128),
        ("view edit dogs --set filters.0.version=none", 128),
        ("view edit dogs --set x", 2),
        ("view edit dogs", 2),
        ("view lock none", 128),
        ("view lock dogs --no-file -o x.lock", 2),
        ("view lock dogs -o none/x.lock", 128),
        ("view lock dogs -o poetry.lock", 128),
        ("view lock dogs -o .", 2),
        ("stamp poetry --view dogs", 128),
        ("stamp . --view dogs", 2),
        ("view move dogs --project -x", 2),
        ("which .", 2),
        ("view verify none.lock", 128),
        ("view verify abcdef", 128),
        ("view unlock abcdef", 128),
        ("view diff none.lock none.lock", 128),
        ("stamp model.pt", 2),
        ("stamp model.pt --view dogs --lock abcdef", 2),
        ("stamp model.pt --lock abcdef --commit", 2),
        ("stamp none.pt --view dogs", 128),
        ("which none.pt", 128),
    ],
)
def test_what_is_asked_wrongly_is_refused_and_nothing_changes(
    dogs: Command, tmp_path: Path, words: str, code: int
) -> None:
    """In one line; neither the store nor the folder is touched."""
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "model.pt").write_text("weights")
    (tmp_path / "poetry").write_text("verse")
    (tmp_path / "poetry.lock").write_text("[[package]]")
    before = dogs("reflog", "--all").out, sorted(tmp_path.iterdir())
    done = dogs.run(*words.split())
    assert done.code == code, done.err
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert (dogs("reflog", "--all").out, sorted(tmp_path.iterdir())) == before


def test_no_view_is_given_the_name_of_another(
    dogs: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the two could no more be named, however the name is given."""
    dogs("view", "create", "cats", "cells@Current")
    assert "exists" in dogs.fails("view", "create", "cats", "cells@Current", code=128)
    assert "exists" in dogs.fails("view", "clone", "dogs", "cats", code=128)
    assert "exists" in dogs.fails("view", "edit", "dogs", "--set", "name=cats", code=128)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    editor(tmp_path, monkeypatch, '"dogs"', '"cats"')
    assert "exists" in dogs.fails("view", "edit", "dogs", code=128)
    dogs("view", "edit", "dogs", "--set", "name=pups", "--set", "description=small")
    dogs("view", "edit", "pups", "--set", "name=pups")
    assert sorted(str(row["name"]) for row in dogs("view", "list", "--json").rows()) == [
        "cats",
        "pups",
    ]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, "`view add`"),
        ({"filters": [{"dataset": "cells", "version": "Current"}]}, "given as dataset_name"),
        ({"filters": [{"dataset_name": "cells", "version": "Current"}]}, "given as version_name"),
        ({"filters": [{"dataset_name": "cells", "roi_query": "dog"}]}, "'label_rules'"),
        ({"filters": [{"dataset_name": "cells"}], "iteraton": {}}, "'iteration'"),
    ],
)
def test_a_file_that_says_no_view_is_told_what_it_lacks(
    dogs: Command, tmp_path: Path, spec: dict[str, object], said: str
) -> None:
    """By the words of the file: who wrote it by hand mends it by hand."""
    (tmp_path / "view.json").write_text(json.dumps(spec))
    assert said in dogs.fails("view", "create", "x", "--file", "view.json", code=128)
    named = {"filters": [{"dataset_name": "cells", "version_name": "Current"}]}
    (tmp_path / "view.json").write_text(json.dumps(named))
    dogs("view", "create", "x", "--file", "view.json")
    assert only(dogs, "view", "show", "x")["count"] == 12


@pytest.mark.parametrize(
    "asked",
    [["cells@Current"], ["--roi", "dog"], ["--not-roi", "dog"], ["--source", "width:1"]],
    ids=" ".join,
)
def test_a_view_is_said_by_a_file_or_by_words(
    dogs: Command, tmp_path: Path, asked: list[str]
) -> None:
    """What stands beside a file that is a view would be left out without a word."""
    spec = {"filters": [{"dataset_name": "cells", "version_name": "Current"}]}
    (tmp_path / "view.json").write_text(json.dumps(spec))
    refused = dogs.fails("view", "create", "x", *asked, "--file", "view.json", code=2)
    assert "leave out queries" in refused
    dogs.fails("view", "show", "x", code=128)


def test_a_lock_written_to_a_link_takes_the_place_of_what_that_leads_to(
    dogs: Command, tmp_path: Path
) -> None:
    """A link to a folder of records, or to the lock of today, stays one."""
    (tmp_path / "records").mkdir()
    (tmp_path / "today.lock").symlink_to(Path("records", "1.lock"))
    for limit in ("1", "2"):
        dogs("view", "edit", "dogs", "--set", f"iteration.limit={limit}")
        dogs("view", "lock", "dogs", "-o", "today.lock")
        assert (tmp_path / "today.lock").is_symlink()
        said = json.loads((tmp_path / "records" / "1.lock").read_text())
        assert said["spec"]["iteration"]["limit"] == int(limit)
    assert len(list((tmp_path / "records").iterdir())) == 1


def test_a_view_has_queries(dogs: Command) -> None:
    """Not querys."""
    assert dogs("view", "add", "dogs", "cells@Current").out == "View dogs has 2 queries\n"


def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    """Let an editor that puts one text in the place of another be the user's."""
    script = tmp_path / "editor.sh"
    script.write_text(f"#!/bin/sh\nsed -i 's/{old}/{new}/' \"$1\"\n")
    script.chmod(0o755)
    monkeypatch.setenv("HYPERSTORE_EDITOR", str(script))


def test_a_view_is_edited_by_hand(
    dogs: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As JSON, in the user's editor."""
    editor(tmp_path, monkeypatch, '"dog"', '"cell"')
    dogs("view", "edit", "dogs")
    assert only(dogs, "view", "show", "dogs")["count"] == 10
    assert dogs("view", "edit", "dogs").out == "Nothing was changed\n"


@pytest.mark.parametrize(
    ("old", "new", "code", "match"),
    [
        ("{", "", 2, "not JSON"),
        ('"order": "sequential"', '"order": "sideways"', 2, "order"),
        ('"label": "dog"', '"label": "label:("', 128, "label"),
        ('"filters": \\[', '"filters": \\[{"dataset": "none"}, ', 128, "none"),
    ],
)
def test_a_malformed_edit_is_refused_and_its_text_kept(
    dogs: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    old: str,
    new: str,
    code: int,
    match: str,
) -> None:
    """Who typed for an hour does not type it again."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    editor(tmp_path, monkeypatch, old, new)
    before = only(dogs, "view", "show", "dogs")
    said = dogs.fails("view", "edit", "dogs", code=code)
    assert match in said
    assert "nothing was changed" in said
    kept = Path(said.rpartition("kept: ")[2])
    assert new.replace("\\", "").strip('"{, ') in kept.read_text()
    assert only(dogs, "view", "show", "dogs") == before


def test_a_view_is_locked_listed_verified_and_let_go(dogs: Command, tmp_path: Path) -> None:
    """The file is named by the view; the store keeps it until it is told otherwise."""
    row = only(dogs, "view", "lock", "dogs")
    assert (row["count"], row["view"], row["file"]) == (2, "dogs", "dogs.lock")
    assert [one["id"] for one in dogs("view", "locks", "--json").rows()] == [row["id"]]
    assert "2 frames" in dogs("view", "locks").out
    dogs("rm", "dog")
    dogs("commit", "-m", "Less")
    for name in ("dogs.lock", str(row["id"])[:8]):
        assert "holds: 2 frames" in dogs("view", "verify", name).out
    dogs("view", "unlock", "dogs.lock")
    assert dogs("view", "locks").out == ""
    assert "holds" in dogs("view", "verify", "dogs.lock").out  # The version has the commit still.
    found = json.loads((tmp_path / "dogs.lock").read_text())
    (tmp_path / "dogs.lock").write_text(json.dumps({**found, "count": 3}))
    assert "edited" in dogs.fails("view", "verify", "dogs.lock", code=128)


def test_pending_edits_are_refused_or_committed(dogs: Command, tmp_path: Path) -> None:
    """By the name of the option that allows it."""
    dogs("rm", "dog")
    assert "--commit" in dogs.fails("view", "lock", "dogs", code=128)
    assert not (tmp_path / "dogs.lock").exists()
    assert "Locked 1 frame" in dogs("view", "lock", "dogs", "--commit").out
    assert dogs("log", "--oneline", "-n", "1").out.rstrip().endswith("Lock view dogs")


def test_two_locks_are_compared(dogs: Command) -> None:
    """What they say, then the frames with the reasons."""
    dogs("view", "lock", "dogs", "-o", "old.lock")
    dogs("rm", "pup")
    dogs("add", "-", stdin=lines([wire("new", labels=["dog"]), wire("dog", labels=["dog"], x=3)]))
    dogs("view", "lock", "dogs", "--commit", "-o", "new.lock")
    done = dogs.run("view", "diff", "old.lock", "new.lock", "--exit-code")
    assert done.code == 1
    said = done.out.splitlines()
    assert said[0].startswith("commit of cells@Current: ")
    assert said[1:] == ["~ dog  changed  cells", "+ new  added  cells", "- pup  removed  cells"]
    rows = dogs("view", "diff", "old.lock", "new.lock", "--json").rows()
    assert rows[1] == {"sign": "~", "why": "changed", "id": "dog", "dataset": "cells"}
    done = dogs("view", "diff", "old.lock", "new.lock", "-n", "1")
    assert "and 2 frames more" in done.err
    same = dogs("view", "diff", "old.lock", "old.lock", "--exit-code")
    assert same.out == "They pin the same frames in the same order\n"


def test_a_stamped_file_is_known_under_any_name(dogs: Command, tmp_path: Path) -> None:
    """By the lock beside it, by one of its folder, and by the store when all of them are gone."""
    model = tmp_path / "model.pt"
    model.write_text("weights")
    lock = only(dogs, "stamp", "model.pt", "--view", "dogs")
    beside = json.loads((tmp_path / "model.pt.lock").read_text())
    assert beside["file"]["size"] == 7
    row = only(dogs, "which", "model.pt")
    assert row["state"] == "same"
    assert row["lock"]["id"] == lock["id"]  # type: ignore[index]
    model.rename(tmp_path / "best.pt")
    row = only(dogs, "which", "best.pt")
    assert (row["state"], row["stamped"]["name"]) == ("renamed", "model.pt")  # type: ignore[index]
    assert "under the name model.pt" in dogs("which", "best.pt").out
    (tmp_path / "model.pt.lock").unlink()
    row = only(dogs, "which", "best.pt")
    assert (row["state"], row["lock"]["id"]) == ("renamed", lock["id"])  # type: ignore[index]
    assert "roi dog" in dogs("view", "show", "dogs").out
    assert '"label": "dog"' in dogs("which", "best.pt").out


def test_a_file_that_changed_since_it_was_stamped_is_told(dogs: Command, tmp_path: Path) -> None:
    """A model that was trained on is not the one that was stamped."""
    (tmp_path / "model.pt").write_text("weights")
    dogs("view", "lock", "dogs")
    dogs("stamp", "model.pt", "--lock", "dogs.lock")
    (tmp_path / "model.pt").write_text("other weights")
    done = dogs.run("which", "model.pt")
    assert done.code == 1
    assert "says model.pt.lock" in done.out
    assert "changed since it was stamped (7 bytes then, 13 now)" in done.out.replace("  ", " ")
    (tmp_path / "unknown.pt").write_text("x")
    done = dogs.run("which", "unknown.pt")
    assert (done.code, "no lock is known" in done.out) == (1, True)


def test_a_damaged_lock_file_beside_is_told_and_passed_over(dogs: Command, tmp_path: Path) -> None:
    """The store knows the file as well; where nobody does, the damage is the answer."""
    model, beside = tmp_path / "model.pt", tmp_path / "model.pt.lock"
    model.write_text("weights")
    dogs("stamp", "model.pt", "--view", "dogs")
    beside.write_text(beside.read_text()[:-9])
    done = dogs("which", "model.pt")
    assert "made of 2 frames" in done.out
    assert "model.pt.lock" in done.err
    model.write_text("others")
    assert "model.pt.lock" in dogs.fails("which", "model.pt", code=128)
    dogs("stamp", "model.pt", "--view", "dogs")  # Over the damaged one.
    assert "as it was stamped" in dogs("which", "model.pt").out


def test_which_answers_where_no_store_is(
    dogs: Command,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a machine that has the model and the file beside it."""
    (tmp_path / "model.pt").write_text("weights")
    dogs("stamp", "model.pt", "--view", "dogs")
    other = tmp_path_factory.mktemp("other")
    for name in ("model.pt", "model.pt.lock"):
        (tmp_path / name).rename(other / name)
    monkeypatch.chdir(other)
    done = dogs("which", "model.pt")
    assert "model.pt was made of 2 frames of view dogs" in done.out
    assert done.err == ""


def test_runs_show_the_views_that_they_iterated(dogs: Command) -> None:
    """With the lock by which they can be had again."""
    with open_store(find_store(Path.cwd())) as store:
        run = begin_run(store.handle, "train")
        list(DataView.get("dogs", store=store))
        run.end("completed")
    (row,) = dogs("runs", "--json").rows()
    lock: dict[str, str] = row["locks"][0]  # type: ignore[index]
    assert lock["view"] == "dogs"
    assert f"iterated view dogs, lock {lock['lock'][:12]}" in dogs("runs").out
    assert lock["lock"] in dogs("runs", "show", "train").out
    assert "holds: 2 frames" in dogs("view", "verify", lock["lock"][:10]).out
