"""Real COCO through the command: imported, edited, exported, and nothing lost on the way."""

import json
from pathlib import Path

import pytest

import hyperstore
from hyperstore import SingleFrame
from hyperstore.formats import coco
from tests.support.coco import value_of
from tests.support.shared import shared_data
from tests.support.unchanged import held, run_well

COUNTS = {
    "captions_train2017.json": (80, 400),
    "captions_val2017.json": (79, 395),
    "instances_train2017.json": (80, 739),
    "instances_val2017.json": (79, 624),
    "person_keypoints_train2017.json": (80, 172),
    "person_keypoints_val2017.json": (79, 118),
}

Json = dict[str, list[dict[str, object]]]


def load(path: Path) -> Json:
    """Read a COCO file as any program does."""
    data = json.loads(path.read_bytes())
    assert isinstance(data, dict)
    return data


@pytest.fixture(scope="module")
def mini() -> Path:
    """Return the folder of the six original annotation files."""
    return shared_data("coco-mini") / "annotations"


@pytest.fixture(scope="module")
def imported(mini: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose store holds all six files in one version, for reading only."""
    folder = tmp_path_factory.mktemp("mini")
    run_well(folder, "init")
    files = [mini / name for name in COUNTS]
    said = run_well(
        folder,
        "import",
        "coco",
        *map(str, files),
        "--images",
        mini.parent,
        "--dataset",
        "coco",
        "-m",
        "All",
    )
    assert "2,448 annotations" in said
    return folder


@pytest.mark.parametrize("name", COUNTS)
def test_each_of_six_files_in_one_version_comes_back_equal(
    imported: Path, mini: Path, tmp_path: Path, name: str
) -> None:
    """Boxes, key points and captions share frames, and no file loses a number's type to another."""
    run_well(imported, "export", "coco", "coco@Current", tmp_path / name, "--of", name)
    found = load(tmp_path / name)
    assert (len(found["images"]), len(found["annotations"])) == COUNTS[name]
    assert value_of(found) == value_of(load(mini / name))


def test_the_counts_are_those_of_the_files(imported: Path) -> None:
    """One frame a picture, one ROI an annotation; a commit's totals say the same."""
    with hyperstore.open(imported / ".hyperstore") as store:
        version = store.dataset("coco").version()
        totals = version.view().snapshot.totals
        assert (len(version), totals.rois, totals.annotated) == (159, 2448, 159)
        (commit,) = version.log()
        assert (commit.changes.frames.added, commit.changes.rois.added) == (159, 2448)


def test_reading_at_the_commit_is_reading_the_draft(imported: Path) -> None:
    """Nothing is pending, so every frame is the same by either road, in one order."""
    with hyperstore.open(imported / ".hyperstore") as store:
        version = store.dataset("coco").version()
        assert version.head is not None
        then, now = list(version.at(version.head)), list(version)
        assert [one.to_dict() for one in then] == [one.to_dict() for one in now]
        keys = [(one.context_id, one.timestamp, one.id) for one in now]
        assert keys == sorted(keys)


def test_importing_again_changes_nothing(mini: Path, tmp_path: Path) -> None:
    """A script that registers data runs every night: no new content, no new operation."""
    files = [str(mini / name) for name in sorted(COUNTS)]
    words = ["import", "coco", *files, "--dataset", "coco"]
    run_well(tmp_path, "init")
    run_well(tmp_path, *words, "-m", "All")
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        before = held(store)
        said = run_well(tmp_path, *words, "-m", "Again")
        assert "Nothing has changed" in said
        assert held(store) == before


def test_files_one_by_one_and_together_make_the_same_frames(mini: Path, tmp_path: Path) -> None:
    """Which of the files came first is no part of what is stored."""
    ids = []
    for at, names in enumerate(([*COUNTS], [*reversed(COUNTS)], None)):
        folder = tmp_path / str(at)
        folder.mkdir()
        run_well(folder, "init")
        calls = [names] if names is not None else [[name] for name in COUNTS]
        for call in calls:
            files = [mini / name for name in call]
            run_well(folder, "import", "coco", *files, "--dataset", "coco")
        with hyperstore.open(folder / ".hyperstore") as store:
            ids.append(store.dataset("coco").version().content_id)
    assert len(set(ids)) == 1


def test_one_moved_box_and_one_label_are_all_that_an_export_shows(
    mini: Path, tmp_path: Path
) -> None:
    """Every other byte of the file is as it was; the moved polygon moved by that much."""
    name = "instances_val2017.json"
    given = load(mini / name)
    box = next(one for one in given["annotations"] if not one["iscrowd"])
    other = next(one for one in given["annotations"] if one["image_id"] != box["image_id"])
    run_well(tmp_path, "init")
    run_well(tmp_path, "import", "coco", mini / name, "--dataset", "coco", "-m", "Import")
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        place = {
            roi["_coco"]["id"]: (frame.id, roi["id"])
            for frame in store.dataset("coco").version()
            for roi in frame.to_dict()["rois"]  # type: ignore[attr-defined]
        }
    frame, roi = place[box["id"]]
    run_well(tmp_path, "edit", frame, "--roi", roi, "--move", "10,-2")
    frame, roi = place[other["id"]]
    run_well(tmp_path, "edit", frame, "--roi", roi, "--label", "zebra")
    run_well(tmp_path, "commit", "-m", "Mend two")
    run_well(tmp_path, "export", "coco", "coco@Current", tmp_path / "out.json")
    found = load(tmp_path / "out.json")
    changed = [
        (old, new)
        for old, new in zip(
            sorted(given["annotations"], key=lambda one: str(one["id"])),
            sorted(found["annotations"], key=lambda one: str(one["id"])),
            strict=True,
        )
        if old != new
    ]
    by_id = {old["id"]: (old, new) for old, new in changed}
    assert by_id.keys() == {box["id"], other["id"]}
    old, new = by_id[box["id"]]
    moved = {key for key in new if new[key] != old[key]}
    assert {"bbox", "segmentation"} <= moved <= {"bbox", "segmentation", "area"}
    assert new["area"] == pytest.approx(old["area"])
    box_now, box_then = new["bbox"], old["bbox"]
    assert isinstance(box_now, list)
    assert isinstance(box_then, list)
    steps = [now - then for now, then in zip(box_now, box_then, strict=True)]
    assert steps == pytest.approx([10, -2, 0, 0], abs=1e-6)
    old, new = by_id[other["id"]]
    zebra = next(one["id"] for one in given["categories"] if one["name"] == "zebra")
    assert new == {**old, "category_id": zebra}
    for part in ("images", "categories", "licenses", "info"):
        assert value_of({part: found[part]}) == value_of({part: given[part]})
    run_well(tmp_path, "export", "coco", "coco@Current~1", tmp_path / "before.json")
    assert value_of(load(tmp_path / "before.json")) == value_of(given)


def test_the_same_frames_have_one_content_id_by_any_road(mini: Path, tmp_path: Path) -> None:
    """Command, wire dicts, frame objects, JSON lines; four stores in four places; one id."""
    ids = set()
    for way in ("command", "wire", "objects", "lines"):
        folder = tmp_path / way / "deep"
        folder.mkdir(parents=True)
        run_well(folder, "init")
        ids.add(_stored(way, folder, mini / "instances_val2017.json"))
    assert len(ids) == 1


def _stored(way: str, folder: Path, file: Path) -> str:
    if way == "command":
        run_well(folder, "import", "coco", file, "--dataset", "coco")
    with hyperstore.open(folder / ".hyperstore") as store:
        if way == "command":
            return store.dataset("coco").version().content_id
        version = store.create_dataset("coco").version()
        with coco.read([file]) as source:
            wires = [coco.combine(None, partial) for partial in source.frames()]
        if way == "wire":
            assert version.add_frames(wires) == []
        elif way == "objects":
            assert version.add_frames(map(SingleFrame.from_dict, wires)) == []
        else:
            lines = folder / "frames.jsonl"
            lines.write_text("".join(json.dumps(one) + "\n" for one in wires))
            store.set_head(version)
            run_well(folder, "add", lines)
        return version.content_id


def test_every_tiny_dataset_with_odd_corners_comes_back_equal(tmp_path: Path) -> None:
    """Stuff, labels, panoptic, plain images, names of Roboflow: all files of one in one version."""
    files = sorted(shared_data("formats").joinpath("coco_dataset").rglob("*.json"))
    assert len(files) == 32
    run_well(tmp_path, "init")
    for at, folder in enumerate(sorted({file.parents[1] for file in files})):
        own = [file for file in files if file.parents[1] == folder]
        run_well(tmp_path, "import", "coco", *own, "--dataset", f"d{at}", "-m", "Import")
        for file in own:
            of = "/".join(file.parts[-2:])
            run_well(tmp_path, "export", "coco", f"d{at}@Current", tmp_path / "o.json", "--of", of)
            assert value_of(load(tmp_path / "o.json")) == value_of(load(file))
