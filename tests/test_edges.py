"""Edges that users meet: nothing, odd ids, huge frames, two at once, Ctrl-C, moved stores."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hyperstore
from hyperstore import DatasetVersion, FrameGroup, SingleFrame, Store
from tests.dataset.conftest import draft, store
from tests.support.command import environment, interrupted, spawn
from tests.support.frames import Wire, wire, wires
from tests.support.unchanged import fails, held, run, run_well

__all__ = ["draft", "store"]


def test_nothing_at_all_can_be_committed_compared_and_exported(tmp_path: Path) -> None:
    """An empty dataset answers every verb; only a commit of nothing is refused, as by git."""
    run_well(tmp_path, "init")
    run_well(tmp_path, "dataset", "create", "none")
    for verb in ("status", "ls", "ls --json", "diff", "diff --stat", "branch", "tag", "reflog"):
        run_well(tmp_path, *verb.split())
    assert run(tmp_path, "commit", "-m", "x").code == 1
    run_well(tmp_path, "commit", "--allow-empty", "-m", "Nothing")
    run_well(tmp_path, "switch", "-c", "other")
    assert run_well(tmp_path, "diff", "Current..other") == ""
    for verb in ("log --stat --graph", "show", "publish", "snapshot"):
        run(tmp_path, *verb.split())
    run_well(tmp_path, "export", "coco", "none@Current", tmp_path / "out.json")
    data = json.loads((tmp_path / "out.json").read_bytes())
    assert (data["images"], data["annotations"]) == ([], [])
    run_well(tmp_path, "import", "coco", tmp_path / "out.json", "--dataset", "again")
    (tmp_path / "bare.json").write_text('{"images": []}')
    run_well(tmp_path, "import", "coco", tmp_path / "bare.json", "--dataset", "bare", "-m", "x")
    assert "No faults" in run_well(tmp_path, "fsck", "--full")


def test_content_of_no_frames_is_one_id(store: Store) -> None:
    """Empty from the start, and emptied."""
    one, two = (store.create_dataset(name).version() for name in ("one", "two"))
    one.add_frames(wires(50))
    assert one.content_id != two.content_id
    one.delete_frames([frame.id for frame in one])
    assert one.content_id == two.content_id
    assert (len(one), list(one), one.view().snapshot.totals.rois) == (0, [], 0)


IDS = [
    *("287024", "0", "00", "A" * 32, "a" * 32, "0" * 32, "0" * 31, "0" * 33, "frame 1", "é"),
    *("e\u0301", "日本語/フレーム", "\U0001f600", " ", "-", "--all", "..", "a\nb", "\x1b[31m"),
    *("x" * 255, "é" * 127, "null", "None", "1e5", "1.0", "../../etc/passwd", "a@b~1", '"', "\\"),
    *("%s", "\u202eabc", "\0"),
]


def named(name: str, **fields: object) -> Wire:
    """Return a frame of that id with one box."""
    return {**wire("f", labels=("cell",)), "id": name, **fields}


def test_ids_of_any_kind_stand_side_by_side(draft: DatasetVersion) -> None:
    """Digits, hex of every length, words of every script: told apart, found, and in order."""
    frames = [
        named(name, context_id=f"c{at % 3}", timestamp=-at % 5) for at, name in enumerate(IDS)
    ]
    assert draft.add_frames(frames) == []
    assert len(draft) == len(IDS) == len(set(IDS))
    places = [(one.context_id, one.timestamp) for one in draft]
    assert places == sorted(places, key=lambda place: (place[0] or "", place[1] or 0))
    assert sorted(one.id for one in draft) == sorted(IDS)
    for name in IDS:
        assert draft.get_frame(name).id == name
    assert [one.id for one in draft.get_frames_by_ids(reversed(IDS))] == list(reversed(IDS))
    head = draft.commit("Odd ids")
    assert draft.delete_frames(IDS[::2]) == len(IDS[::2])
    assert {one.frame_id for one in draft.diff()} == set(IDS[::2])
    draft.restore(source=head)
    assert len(draft) == len(IDS)


def test_odd_ids_and_labels_are_harmless_on_a_terminal(tmp_path: Path) -> None:
    """Nothing of a frame reaches the screen as a control character, and every id can be named."""
    names = [name for name in IDS if "\0" not in name]
    file = tmp_path / "frames.json"
    roi = {"label": ["\x1b[2J\u202e", "b" * 5_000]}
    frames = [named(name, context_id="\x1b]0;x\a", rois=[roi]) for name in names]
    file.write_text(json.dumps(frames))
    run_well(tmp_path, "init")
    run_well(tmp_path, "dataset", "create", "od\u0436\u200d")
    run_well(tmp_path, "add", file)
    for verb in ("ls", "ls -l", "status", "diff", "diff --stat", "diff --name-only", "ls --json"):
        said = run_well(tmp_path, *verb.split())
        assert all(line.isprintable() for line in said.replace("\u200d", "").split("\n")), verb
    run_well(tmp_path, "commit", "-m", "Odd\x1b[2J\n\nids")
    for verb in ("log --stat", "show", "branch", "reflog --all", "dataset list"):
        said = run_well(tmp_path, *verb.split())
        assert all(line.isprintable() for line in said.replace("\u200d", "").split("\n")), verb
    for name in names:
        found = json.loads(run_well(tmp_path, "cat", "--json", "--", name))
        assert found["id"] == name
    assert "No faults" in run_well(tmp_path, "fsck", "--full")


def test_frames_without_context_or_time_and_before_1970_are_in_order(draft: DatasetVersion) -> None:
    """A missing context is the picture's URI, a missing time is 0, and -1 comes before 0."""
    frames = []
    for at, time in enumerate([5, -1, 0, -(2**63), 2**63 - 1, None, -5]):
        frame = wire(f"t{at}", context="clip")
        frame["timestamp"] = time
        frames.append(frame)
    bare = wire("bare")
    del bare["context_id"], bare["timestamp"]
    assert draft.add_frames([*frames, bare]) == []
    expected = ["t3", "t6", "t1", "t2", "t5", "t0", "t4"]
    assert [one.id for one in draft.get_iterator(context="clip")] == expected
    assert [one.id for one in draft.get_iterator(context="clip", start=-1, stop=5)] == expected[2:5]
    assert [one.id for one in draft.get_iterator(reverse=True)][1:] == expected[::-1]
    assert [one.id for one in draft.get_iterator(context="s3://bucket/bare.jpg")] == ["bare"]
    assert "timestamp" not in draft.get_frame("bare").to_dict()


def test_groups_go_through_the_command(tmp_path: Path) -> None:
    """Two cameras and their ROIs, one shared; as JSON in and out, edited and compared."""
    group = FrameGroup(id="pair")
    for side in ("left", "right"):
        group[side] = SingleFrame(source=f"s3://b/{side}.jpg", width=640, height=480)
        group[side].add_annotation(box2d_xywh=(1, 2, 30, 40), labels=["car"])
    given = group.to_dict()
    given["rois"].append({"label": ["both"], "sources": ["left", "right"]})  # type: ignore[attr-defined]
    (tmp_path / "group.json").write_text(json.dumps(given))
    run_well(tmp_path, "init")
    run_well(tmp_path, "dataset", "create", "pairs")
    run_well(tmp_path, "add", tmp_path / "group.json")
    run_well(tmp_path, "commit", "-m", "One")
    found = json.loads(run_well(tmp_path, "cat", "--json", "pair"))
    assert [source["id"] for source in found["sources"]] == ["left", "right"]
    assert [roi["sources"] for roi in found["rois"]] == [["left"], ["right"], ["left", "right"]]
    run_well(tmp_path, "edit", "pair", "--relabel", "car=van")
    assert "van" in run_well(tmp_path, "diff")
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        assert isinstance(store.dataset("pairs").version().get_frame("pair"), FrameGroup)


def test_a_frame_of_ten_thousand_rois_and_labels_of_a_megabyte(draft: DatasetVersion) -> None:
    """Large is not wrong: read, edited and compared like any other."""
    big = wire("big", labels=[f"label {at}" for at in range(10_000)])
    long = wire("long", labels=["é" * 500_000])
    assert draft.add_frames([big, long]) == []
    draft.commit("Big")
    frame = draft.get_frame("big")
    assert isinstance(frame, SingleFrame)
    assert len(frame.annotations) == 10_000
    frame.annotations[7_777].labels = ["other"]
    assert draft.update_frames([frame]) == []
    (change,) = draft.diff()
    assert draft.status().changes.rois.changed == 1
    assert "other" in str(change.change)
    assert draft.get_frame("long").to_dict()["rois"][0]["label"] == ["é" * 500_000]  # type: ignore[index]


def _lines(folder: Path, name: str, start: int, count: int) -> Path:
    file = folder / f"{name}.json"
    images = [{"id": at, "file_name": f"{name}/{at}.jpg"} for at in range(start, start + count)]
    boxes = [
        {"id": at, "image_id": at, "category_id": 1, "bbox": [1, 2, 3, 4]}
        for at in range(start, start + count)
    ]
    data = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "cell"}]}
    file.write_text(json.dumps(data))
    return file


def test_two_processes_import_into_one_draft_and_both_keep_their_frames(tmp_path: Path) -> None:
    """The one that ends second lays its frames over those of the first."""
    run_well(tmp_path, "init")
    run_well(tmp_path, "dataset", "create", "cells")
    files = [_lines(tmp_path, name, 0, 1_500) for name in ("one", "two")]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "hyperstore", "import", "coco", str(file), "--dataset", "cells"],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for file in files
    ]
    for process in running:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        assert len(store.dataset("cells").version()) == 3_000
    for file in files:
        run_well(tmp_path, "export", "coco", "cells@Current", tmp_path / "o", "--of", file.name)
        found = json.loads((tmp_path / "o").read_bytes())
        assert len(found["annotations"]) == 1_500
    assert "No faults" in run_well(tmp_path, "fsck", "--full")


@pytest.mark.usefixtures("heard")
def test_ctrl_c_in_the_middle_of_an_import_leaves_nothing(tmp_path: Path) -> None:
    """Not the frames, not the dataset, not a line in the log; and the command says so in one."""
    with hyperstore.init(tmp_path / ".hyperstore") as store:
        before = held(store)
        os.mkfifo(tmp_path / "slow.json")
        process = subprocess.Popen(
            [sys.executable, "-m", "hyperstore", "import", "coco", "slow.json", "--dataset", "new"],
            cwd=tmp_path,
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        with (tmp_path / "slow.json").open("w") as pipe:
            pipe.write(_lines(tmp_path, "x", 0, 3_000).read_text()[:-1])
            pipe.flush()
            _, err = interrupted(process)
        assert process.returncode == 130
        assert err == "error: interrupted\n"
        assert held(store) == before
        assert list((tmp_path / ".hyperstore" / "tmp").iterdir()) == []
    assert "No faults" in run_well(tmp_path, "fsck", "--full")


def test_a_store_moved_elsewhere_is_the_same_store(tmp_path: Path) -> None:
    """Pictures beside it are found at the new place, and the content is one."""
    home = tmp_path / "old" / "home"
    (home / "pictures").mkdir(parents=True)
    with hyperstore.init(home / ".hyperstore") as store:
        version = store.create_dataset("cells").version()
        frame = SingleFrame(source=str(home / "pictures" / "a.jpg"))
        outside = SingleFrame(source=str(tmp_path / "outside.jpg"))
        version.add_frames([frame, outside])
        version.commit("One")
        content = version.content_id
    shutil.move(tmp_path / "old", tmp_path / "new")
    with hyperstore.open(tmp_path / "new" / "home" / ".hyperstore") as store:
        version = store.dataset("cells").version()
        assert version.content_id == content
        uris = {one.to_dict()["sources"][0]["uri"] for one in version}  # type: ignore[index]
        assert uris == {
            f"file://{tmp_path}/new/home/pictures/a.jpg",
            f"file://{tmp_path}/outside.jpg",
        }
        again = SingleFrame(source=str(tmp_path / "new" / "home" / "pictures" / "a.jpg"))
        again_id = SingleFrame(id=frame.id, source=again.source)
        version.add_frames([again_id])
        assert version.content_id == content
    assert "No faults" in run_well(tmp_path / "new" / "home", "fsck", "--full")


def test_the_variable_and_c_lead_to_the_same_store_from_anywhere(tmp_path: Path) -> None:
    """HYPERSTORE_DIR is the store's own folder; -C a folder to start in; the second wins."""
    for name in ("a", "b"):
        (tmp_path / name / "deep").mkdir(parents=True)
        run_well(tmp_path / name, "init")
        run_well(tmp_path / name, "dataset", "create", name)
    settings = {"HYPERSTORE_DIR": str(tmp_path / "a" / ".hyperstore")}
    assert "a" in spawn(tmp_path, "dataset", "list", settings=settings).out
    assert "a" in spawn(tmp_path / "b", "dataset", "list", settings=settings).out
    deep = str(tmp_path / "b" / "deep")
    assert "b" in spawn(tmp_path, "-C", deep, "dataset", "list", settings=settings).out
    assert "b" in spawn(tmp_path / "b" / "deep", "dataset", "list").out
    gone = spawn(tmp_path, "status", settings={"HYPERSTORE_DIR": str(tmp_path / "none")})
    assert (gone.code, gone.err.count("\n")) == (128, 1)
    fails(tmp_path / "none", "status")
