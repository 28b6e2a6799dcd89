"""Verbs about frames: add, ls, cat, edit, rm, restore, diff, status."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import lines
from tests.support.command import Command
from tests.support.frames import by_order, wire, wires
from tests.support.pictures import draw


def test_a_folder_of_pictures_gives_the_same_ids_wherever_it_lies(
    store: Command, tmp_path: Path
) -> None:
    """Two laptops that register one folder agree."""
    for folder in ("here/pictures", "there/other/pictures"):
        for seed, name in enumerate(("b.jpg", "deep/a.PNG", ".hidden.png")):
            draw(tmp_path / folder / name, seed)
        (tmp_path / folder / "notes.txt").touch()
    store("add", "here/pictures")
    first = store("ls", "--name-only").out
    assert first.count("\n") == 2
    store("dataset", "create", "second")
    store("add", "there/other/pictures")
    assert sorted(store("ls", "--name-only").out.split()) == sorted(first.split())


def test_what_ls_writes_add_reads(cells: Command) -> None:
    """A pipe through jq is the simplest mass edit."""
    before = cells("status", "--json").rows()[0]
    said = cells("ls", "--json").out
    cells("dataset", "create", "copy")
    cells("add", "-", stdin=said)
    assert cells("status", "--json").rows()[0]["content_id"] == before["content_id"]


def test_ls_lists_in_order_and_parts_of_it(cells: Command) -> None:
    """Context, timestamp, id, as a training loop reads them."""
    names = by_order(wires(10))
    assert cells("ls", "--name-only").out.split() == names
    assert cells("ls", "--name-only", "-3").out.split() == names[:3]
    assert cells("ls", "--name-only", "--skip", "8").out.split() == names[8:]
    assert cells("ls", "--name-only", "-r", "-2").out.split() == names[::-1][:2]
    assert cells("ls", "--name-only", "--context", "clip1").out.split() == ["f001", "f005", "f009"]
    assert cells("ls", "-1").out.split() == ["f000", "clip0", "0", "1", "ROI"]
    assert "s3://bucket/f000.jpg" in cells("ls", "-l", "-1").out


def test_a_frame_is_found_by_the_start_of_its_id(store: Command) -> None:
    """32 digits are not for typing."""
    hexes = ["ab" * 16, "abac" * 8, "c0" * 16]
    store("add", "-", stdin=lines([wire(name) for name in [*hexes, "abba", "plain"]]))
    assert json.loads(store("cat", "c0c").out)["id"] == hexes[2]
    assert json.loads(store("cat", "abaca").out)["id"] == hexes[1]
    assert json.loads(store("cat", "abb").out)["id"] == "abba"
    assert json.loads(store("cat", "pl").out)["id"] == "plain"
    assert "several frames" in store.fails("cat", "ab", code=2)
    store.fails("cat", "ac", code=128)
    assert json.loads(store("cat", "pl", "--roi", "plain-0").out)["label"] == ["cell"]
    store.fails("cat", "pl", "--roi", "x", code=128)


def test_a_frame_is_read_as_of_a_revision(cells: Command) -> None:
    """Before and after a change, side by side."""
    cells("edit", "f001", "--set", "meta.number=77")
    cells("commit", "-m", "Change one")
    assert json.loads(cells("cat", "f001").out)["meta"]["number"] == 77
    for words in (["HEAD~1:f001"], ["f001", "--at", "HEAD~"], ["cells@Current~1:f00" + "1"]):
        assert json.loads(cells("cat", *words).out)["meta"]["number"] == 1


def test_edit_moves_relabels_and_rates_one_roi(cells: Command) -> None:
    """The demo's story: a box was drawn beside the cell, and is another kind of cell."""
    cells("edit", "f001", "--roi", "f001-0", "--label", "WBC", "--move", "3,-4.5")
    cells("edit", "f001", "--roi", "f001-0", "--confidence", "0.25")
    roi = json.loads(cells("cat", "f001", "--roi", "f001-0").out)
    assert (roi["label"], roi["confidence"]) == (["WBC"], 0.25)
    assert roi["poly"] == [3, -4.5, 13, -4.5, 13, 5.5, 3, 5.5]
    shown = cells("diff", "f001").out
    assert "moved 5.4 px (x +3, y -4.5)" in shown
    assert 'label: ["cell"] -> ["WBC"]' in shown
    assert "confidence: (absent) -> 0.25" in shown
    change = cells("diff", "--json").rows()[0]
    assert (change["frame"], change["change"]) == ("f001", "changed")
    assert change["rois"][0]["move"]["box"] == [3, -4.5, 0, 0]  # type: ignore[index]


def test_edit_adds_resizes_and_removes_boxes(cells: Command) -> None:
    """All that a person corrects without a drawing tool."""
    cells("edit", "f002", "--box", "1,2,3,4", "--label", "new", "--confidence", "1")
    rois = json.loads(cells("cat", "f002").out)["rois"]
    assert (rois[1]["label"], rois[1]["poly"]) == (["new"], [1, 2, 4, 2, 4, 6, 1, 6])
    cells("edit", "f002", "--roi", "f002-0", "--box", "0,0,5,5")
    cells("edit", "f002", "--roi", rois[1]["id"], "--remove")
    rois = json.loads(cells("cat", "f002").out)["rois"]
    assert [roi["poly"] for roi in rois] == [[0, 0, 5, 0, 5, 5, 0, 5]]
    assert "resized (w -5, h -5)" in cells("diff").out


@pytest.mark.parametrize(
    ("kind", "poly", "moved"),
    [
        ("p2d", [1, 2, 3, 4, 5, 6], [11, 1, 13, 3, 15, 5]),
        ("p2d", [1, 2, 3, 4, 5, 6, -999999999, 1, 2, 3, 4, 5, 6], None),
        ("elp", [1, 2, 3, 4, 0.5], [11, 1, 3, 4, 0.5]),
        ("p3d", [1, 2, 3, 4, 5, 6], [11, 1, 3, 14, 4, 6]),
    ],
)
def test_every_kind_of_shape_moves_by_its_points(
    store: Command, kind: str, poly: list[float], moved: list[float] | None
) -> None:
    """Only x and y of each point, and nothing of the marks between the parts."""
    frame = wire("f")
    frame["rois"] = [{"id": "r", "label": ["a"], "poly": poly, "meta": {"_type": kind}}]
    store("add", "-", stdin=lines([frame]))
    store("edit", "f", "--roi", "r", "--move", "10,-1")
    part = [11, 1, 13, 3, 15, 5]
    expected = moved or [*part, -999999999, *part]
    assert json.loads(store("cat", "f", "--roi", "r").out)["poly"] == expected


def test_edit_all_relabels_every_frame_in_one_step(cells: Command) -> None:
    """Renaming a class is one operation, and one undo."""
    before = cells("status", "--json").rows()
    cells("edit", "--all", "--relabel", "cell=RBC")
    labels = [frame["rois"][0]["label"] for frame in cells("ls", "--json").rows()]  # type: ignore[index]
    assert labels == [["RBC"]] * 10
    assert cells("edit", "--all", "--relabel", "cell=RBC").out.startswith("Changed 0 frames")
    cells("undo")
    assert cells("status", "--json").rows() == before


def test_edit_sets_and_unsets_fields(cells: Command) -> None:
    """VALUE is JSON, or a plain string where it is not."""
    words = ["--set", "meta.a.b=[1, 2.0]", "--set", "meta.c=rain", "--set", "rois[0].confidence=1"]
    cells("edit", "f003", *words, "--unset", "meta.number", "--unset", "meta.none")
    frame = json.loads(cells("cat", "f003").out)
    assert frame["meta"] == {"a": {"b": [1, 2.0]}, "c": "rain"}
    assert frame["rois"][0]["confidence"] == 1.0
    cells.fails("edit", "f003", "--set", "rois[7].confidence=1", code=2)
    assert "confidence" in cells.fails("edit", "f003", "--set", "rois[0].confidence=2", code=128)


def test_edit_by_hand_stores_what_the_editor_left(
    cells: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole frame, for all that has no option."""
    script = tmp_path / "editor.sh"
    script.write_text('#!/bin/sh\nsed -i "s/clip1/clip9/" "$1"\n')
    script.chmod(0o755)
    monkeypatch.setenv("HYPERSTORE_EDITOR", str(script))
    cells("edit", "f001")
    assert json.loads(cells("cat", "f001").out)["context_id"] == "clip9"
    assert cells("edit", "f001").out.startswith("Changed 0 frames")
    script.write_text('#!/bin/sh\necho "{" > "$1"\n')
    assert "not JSON" in cells.fails("edit", "f001", code=2)
    script.write_text('#!/bin/sh\nsed -i "s/f001/f999/" "$1"\n')
    assert "keeps its id" in cells.fails("edit", "f001", code=2)
    script.write_text("#!/bin/sh\nexit 3\n")
    assert "failed (3)" in cells.fails("edit", "f001", code=2)


def test_removed_frames_come_back_by_restore(cells: Command) -> None:
    """A slip of the hand costs nothing."""
    assert cells("rm", "f001", "f002", "--dry-run").out.count("Would remove") == 2
    cells("rm", "f001", "-", stdin="f002\nf003\n")
    assert cells("status", "--short").out.split() == ["D", "f001", "D", "f002", "D", "f003"]
    assert cells("restore", "f001").out == "Restored 1 frame\n"
    cells("add", "-", stdin=lines([wire("new")]))
    assert cells("status", "--short").out.split() == ["D", "f002", "D", "f003", "A", "new"]
    cells("restore", ".")
    assert cells("status", "--short").out == ""
    assert cells("rm", "--context", "clip1").out.count("Removed") == 3
    cells("restore", ".")
    cells("rm", "nothing", "f001", "--ignore-unmatch")
    assert cells("status", "--short").out == "D  f001\n"


def test_status_says_where_head_stands_and_what_is_pending(cells: Command) -> None:
    """For people in words, for programs in one object."""
    assert "Nothing is pending" in cells("status").out
    cells("edit", "f001", "--set", "meta.number=3")
    said = cells("status").out
    assert "On cells@Current (draft), 10 frames" in said
    assert "Pending: 1 frame changed" in said
    assert "changed:  f001" in said
    row = cells("status", "--json").rows()[0]
    assert (row["state"], row["count"]) == ("draft", 10)
    assert row["changes"]["frames"] == {"added": 0, "changed": 1, "removed": 0}  # type: ignore[index]
    cells("commit", "-m", "x")
    assert cells("status", "--json").rows()[0]["state"] == "committed"
    cells("publish")
    assert cells("status", "--json").rows()[0]["state"] == "published"


def test_diff_takes_git_s_shapes(cells: Command) -> None:
    """A..B, A B, A, none; --stat, --name-only, --name-status."""
    cells("edit", "f001", "--set", "meta.number=3")
    cells("commit", "-m", "Second")
    cells("rm", "f002")
    cells("add", "-", stdin=lines([wire("new")]))
    assert cells("diff", "--name-status").out.split() == ["D", "f002", "A", "new"]
    assert cells("diff", "HEAD~1", "--name-only").out.split() == ["f001", "f002", "new"]
    for words in (["HEAD~1..HEAD"], ["HEAD~1", "HEAD"], ["HEAD~1.."], ["cells@Current~1..Current"]):
        assert cells("diff", *words, "--name-only").out == "f001\n"
    assert cells("diff", "HEAD..HEAD~1").out.count("number: 3 -> 1") == 1
    assert cells("diff", "HEAD~1", "HEAD", "f001", "--name-only").out == "f001\n"
    assert cells("diff", "--frame", "new", "--name-only").out == "new\n"
    stat = cells("diff", "--stat").out
    assert "1 frame added, 1 frame removed, 1 ROI added, 1 ROI removed" in stat
    rows = cells("diff", "--json").rows()
    assert [(row["frame"], row["change"]) for row in rows] == [
        ("f002", "removed"),
        ("new", "added"),
    ]


def test_frames_with_a_context_given_on_the_command_line(store: Command, tmp_path: Path) -> None:
    """A folder of pictures is often one recording."""
    draw(tmp_path / "a.png")
    store("add", "a.png", "--context", "clip7")
    assert store("ls", "--json").rows()[0]["context_id"] == "clip7"
    done = store("add", "-", "--dry-run", stdin=lines(wires(3)))
    assert done.out.startswith("Would add 3 new frames")
    assert store("ls", "--name-only").out.count("\n") == 1


def test_any_object_is_shown_by_the_start_of_its_id(cells: Command) -> None:
    """From a commit down to a node and a frame, as `git cat-file` does."""
    commit = str(cells("log", "-1", "--json").rows()[0]["id"])
    shown = cells("cat", commit[:10], "--json").rows()[0]
    assert (shown["kind"], shown["id"]) == ("commit", commit)
    snapshot = cells("cat", shown["value"]["snapshot"], "--json").rows()[0]  # type: ignore[index]
    assert (snapshot["kind"], snapshot["value"]["count"]) == ("snapshot", 10)  # type: ignore[index]
    root = snapshot["value"]["roots"]["frames"]  # type: ignore[index]
    assert cells("cat", root, "--json").rows()[0]["kind"] == "node"
    assert root == cells("status", "--json").rows()[0]["content_id"]
    cells.fails("cat", "0" * 64, code=128)


def test_a_refused_frame_is_named_by_file_and_line(store: Command, tmp_path: Path) -> None:
    """The place in the frame is no help as long as nobody knows which frame."""
    bad = wire("bad")
    bad["sources"] = []
    (tmp_path / "more.jsonl").write_text(lines([*wires(700), bad, wire("after")]))
    said = store.fails("add", "more.jsonl", code=128)
    assert said.startswith("more.jsonl: line 701: frame 'bad': sources: ")
    assert said.endswith("; nothing was added")
    (tmp_path / "list.json").write_text(json.dumps([wire("a"), wire("b"), bad], indent=1))
    line = json.dumps([wire("a"), wire("b")], indent=1).count("\n") + 1
    said = store.fails("add", "list.json", code=128)
    assert said.startswith(f"list.json: line {line}, item [2]: frame 'bad': sources: ")
    del bad["id"]
    said = store.fails("add", "-", code=128, stdin=lines([bad]))
    assert said.startswith("standard input: line 1: sources: ")
    assert store("ls", "--name-only").out == ""


def test_frames_that_are_skipped_are_named_by_file_and_line(store: Command, tmp_path: Path) -> None:
    """Each of them, after all others are stored."""
    bad = wire("bad")
    bad["sources"] = []
    frames = [wire("a"), bad, *wires(600), bad]
    done = store.run("add", "-", "--skip-invalid", stdin=lines(frames))
    said = done.err.splitlines()
    assert done.code == 1
    assert [line.partition(": frame 'bad'")[0] for line in said[:2]] == [
        "warning: standard input: line 2",
        "warning: standard input: line 603",
    ]
