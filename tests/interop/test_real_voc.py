"""Real Pascal VOC through the command, and the same truth in three formats."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import pytest

import hyperstore
from hyperstore import DatasetVersion
from tests.support.shared import shared_data
from tests.support.unchanged import held, run_well

Box = tuple[str, float, float, float, float]


def boxes_of(version: DatasetVersion) -> dict[str, list[Box]]:
    """Return label and edges of each box, by frame."""
    return {
        frame.id: [
            (roi["label"][0], *_edges(roi["poly"]))
            for roi in frame.to_dict().get("rois", [])  # type: ignore[attr-defined]
            if "poly" in roi
        ]
        for frame in version
    }


def _edges(poly: Iterable[float]) -> tuple[float, float, float, float]:
    flat = list(poly)
    return min(flat[::2]), min(flat[1::2]), max(flat[::2]), max(flat[1::2])


def objects(folder: Path) -> Counter[str | None]:
    """Count the boxes of each name in a folder of XML files, by the standard library."""
    return Counter(
        item.findtext("name")
        for file in folder.rglob("*.xml")
        for item in ElementTree.parse(file).getroot().findall("object")
        if item.find("bndbox") is not None
    )


def test_the_blood_cells_are_all_there_and_stay_so(tmp_path: Path) -> None:
    """364 pictures, 4,888 boxes; importing again changes nothing."""
    folder = shared_data("bccd")
    run_well(tmp_path, "init")
    said = run_well(tmp_path, "import", "voc", folder, "--dataset", "cells", "-m", "Import")
    assert "364 images" in said
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        version = store.dataset("cells").version()
        found = Counter(box[0] for boxes in boxes_of(version).values() for box in boxes)
        assert found == objects(folder)
        assert found == {"RBC": 4155, "WBC": 372, "Platelets": 361}
        assert len(version) == 364
        before = held(store)
        run_well(tmp_path, "import", "voc", folder, "--dataset", "cells", "-m", "Again")
        assert held(store) == before


def test_three_formats_of_one_truth_are_the_same_boxes(tmp_path: Path) -> None:
    """COCO v1, COCO v2 and VOC: 273 boxes, edges within the pixel that VOC counts from."""
    folder = shared_data("eight-formats")
    images = ["--images", str(folder / "images")]
    run_well(tmp_path, "init")
    for name in ("v1", "v2"):
        files = sorted(map(str, (folder / "gts" / f"coco_format_{name}").glob("*.json")))
        run_well(tmp_path, "import", "coco", *files, *images, "--dataset", name)
    run_well(
        tmp_path, "import", "voc", folder / "gts" / "pascalvoc_format", *images, "--dataset", "voc"
    )
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        found = {name: boxes_of(store.dataset(name).version()) for name in ("v1", "v2", "voc")}
    assert found["v1"].keys() == found["v2"].keys() == found["voc"].keys()
    for frames in found.values():
        assert sum(map(len, frames.values())) == 273
    for frame, boxes in found["voc"].items():
        for other in ("v1", "v2"):
            _same(boxes, found[other][frame])


def _same(boxes: list[Box], others: list[Box]) -> None:
    """Pair each box with another one a pixel away at most, each used once."""
    left = list(others)
    for box in boxes:
        near = [
            one
            for one in left
            if one[0] == box[0]
            and all(abs(a - b) <= 1 for a, b in zip(one[1:], box[1:], strict=True))
        ]
        assert near, box
        left.remove(near[0])
    assert left == []


@pytest.mark.parametrize("name", ["voc_dataset1", "voc_dataset2", "voc_dataset3"])
def test_tiny_datasets_with_odd_corners_lose_no_box(tmp_path: Path, name: str) -> None:
    """Parts, flags, masks and lists of classes beside the boxes do not get in the way."""
    folder = shared_data("formats") / "voc_dataset" / name
    run_well(tmp_path, "init")
    run_well(tmp_path, "import", "voc", folder, "--dataset", "odd", "-m", "Import")
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        frames = boxes_of(store.dataset("odd").version())
    assert len(frames) == len(list(folder.rglob("*.xml")))
    assert Counter(box[0] for boxes in frames.values() for box in boxes) == objects(folder)
