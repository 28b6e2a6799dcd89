"""The main job, typed: import, look, branch, edit, diff, commit, publish, tag, export."""

import json
from pathlib import Path

import pytest

from tests.support.coco import value_of
from tests.support.command import Command, Done, spawn
from tests.support.shared import shared_data
from tools import sample


def drawn(folder: Path) -> list[Path]:
    """Draw the small dataset; return its three COCO files."""
    return sample.draw(folder, sample.pictures(cameras=2, each=3))


@pytest.mark.slow
def test_the_main_job_runs_as_a_person_types_it(tmp_path: Path) -> None:
    """Each line is a process of its own, so nothing lives on but what is on the disk."""
    files = [str(path.relative_to(tmp_path)) for path in drawn(tmp_path / "data")]

    def run(*words: str, code: int = 0) -> Done:
        done = spawn(tmp_path, *words)
        assert done.code == code, done.err
        return done

    run("init")
    coco = ["import", "coco", *files, "--images", "data/images", "--dataset", "shapes"]
    assert "6 frames added" in run(*coco, "-m", "Import").out
    assert run("commit", "-m", "Again", code=1).out.count("nothing to commit") == 1
    run("switch", "-c", "fix")
    frames = run("ls", "--json").rows()
    roi = frames[0]["rois"][1]  # type: ignore[index]
    frame_id = str(frames[0]["id"])
    words = ["--roi", roi["id"][:8], "--label", "box", "--move", "3,-4"]
    run("edit", frame_id[:8], *words)
    shown = run("diff").out
    assert "moved by up to 5.0 px" in shown
    assert 'label: ["square"] -> ["box"]' in shown
    run("commit", "-m", "It is a box")
    assert run("diff", "Current..fix", "--name-only").out == f"{frame_id}\n"
    run("tag", "v1")
    run("publish")
    assert "does not change" in run("rm", frame_id, code=128).err
    run("export", "coco", "shapes@Current", "out.json", "--of", "instances")
    original = json.loads((tmp_path / "data/annotations/instances.json").read_text())
    assert value_of(json.loads((tmp_path / "out.json").read_text())) == value_of(original)
    assert [row["message"] for row in run("log", "--json").rows()] == ["It is a box", "Import"]


def test_import_twice_changes_nothing(hs: Command, tmp_path: Path) -> None:
    """A script that registers files every night makes no history of its own."""
    files = [str(path) for path in drawn(tmp_path / "data")]
    hs("init")
    words = ["import", "coco", *files, "--images", "data/images", "--dataset", "shapes"]
    hs(*words, "-m", "Import")
    before = hs("status", "--json").rows()
    again = hs(*words, "-m", "Import")
    assert "nothing was committed" in again.out
    assert hs("status", "--json").rows() == before


def test_import_makes_what_is_missing_and_stands_there(hs: Command, tmp_path: Path) -> None:
    """The first command that a person types after init is the import."""
    files = drawn(tmp_path / "data")
    hs("init")
    done = hs("import", "coco", str(files[0]), "--dataset", "shapes", "--version", "first")
    assert "Created dataset shapes and version first" in done.out
    status = hs("status", "--json").rows()[0]
    assert (status["dataset"], status["version"], status["state"]) == ("shapes", "first", "draft")
    assert status["head"] is None
    assert {row["name"] for row in hs("branch", "--json").rows()} == {"Current", "first"}


def test_an_import_that_fails_changes_no_frame(hs: Command, tmp_path: Path) -> None:
    """Half an import would look like a whole one."""
    files = drawn(tmp_path / "data")
    hs("init")
    hs("import", "coco", str(files[0]), "--dataset", "shapes", "-m", "Import")
    before = hs("status", "--json").rows()
    broken = tmp_path / "broken.json"
    broken.write_text(files[1].read_text()[:-200])
    hs.fails("import", "coco", str(broken), "--dataset", "shapes", "-m", "Broken", code=128)
    assert hs("status", "--json").rows() == before


def test_an_import_that_fails_leaves_nothing_that_it_made(hs: Command, tmp_path: Path) -> None:
    """An empty dataset would look as if the import had been right, and found nothing."""
    folder = tmp_path / "Annotations"
    folder.mkdir()
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>3</xmax><ymax>3</ymax></bndbox>"
    good = f"<annotation><object><name>a</name>{box}</object></annotation>"
    (folder / "a.xml").write_text(good)
    (folder / "b.xml").write_text("<annotation>")
    hs("init")
    hs.fails("import", "voc", ".", "--dataset", "voc", "--version", "v1", code=128)
    assert hs("dataset", "list").out == ""
    (folder / "b.xml").write_text(good)
    hs("import", "voc", ".", "--dataset", "voc", "--version", "v1")
    (folder / "b.xml").write_text("<annotation>")
    hs.fails("import", "voc", ".", "--dataset", "voc", "--version", "v2", code=128)
    assert {row["name"] for row in hs("branch", "--json").rows()} == {"Current", "v1"}


@pytest.mark.slow
def test_all_files_of_coco_come_back_equal(hs: Command, tmp_path: Path) -> None:
    """Six files about the same pictures go into one version, and each comes out as it was."""
    folder = shared_data("coco-mini")
    files = sorted((folder / "annotations").glob("*.json"))
    hs("init")
    hs("import", "coco", *map(str, files), "--images", str(folder), "--dataset", "coco", "-m", "6")
    for file in files:
        hs("export", "coco", "coco@Current", "out.json", "--of", file.name)
        exported = json.loads((tmp_path / "out.json").read_text())
        assert value_of(exported) == value_of(json.loads(file.read_text())), file.name


@pytest.mark.slow
def test_voc_and_coco_of_one_dataset_hold_the_same_boxes(hs: Command) -> None:
    """Three exports of one tool say the same 273 boxes, but for VOC's rounding."""
    folder = shared_data("eight-formats") / "gts"
    hs("init")
    sources = {
        "v1": ["coco", str(folder / "coco_format_v1" / "instances_default.json")],
        "v2": ["coco", str(folder / "coco_format_v2" / "instances_v2.json")],
        "voc": ["voc", str(folder / "pascalvoc_format")],
    }
    boxes = {}
    for name, words in sources.items():
        hs("import", *words, "--dataset", name)
        boxes[name] = sorted(box for row in hs("ls", "--json").rows() for box in _boxes(row))
    assert [len(found) for found in boxes.values()] == [273, 273, 273]
    for name in ("v2", "voc"):
        for one, other in zip(boxes["v1"], boxes[name], strict=True):
            assert one[:2] == other[:2]
            assert one[2] == pytest.approx(other[2], abs=1.5)


def _boxes(frame: dict[str, object]) -> list[tuple[str, str, list[float]]]:
    """Return picture, label and bounds of each ROI of a wire frame."""
    found = []
    sources: list[dict[str, str]] = frame["sources"]  # type: ignore[assignment]
    rois: list[dict[str, list[float]]] = frame.get("rois", [])  # type: ignore[assignment]
    for roi in rois:
        xs, ys = roi["poly"][0::2], roi["poly"][1::2]
        bounds = [round(min(xs)), round(min(ys)), round(max(xs)), round(max(ys))]
        found.append((Path(sources[0]["uri"]).stem, str(roi["label"][0]), bounds))
    return found  # type: ignore[return-value]
