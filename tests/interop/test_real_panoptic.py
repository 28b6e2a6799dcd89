"""Real panoptic COCO through the command: the JSON comes back equal, the PNGs pixel by pixel."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pycocotools import mask as reference

import hyperstore
from hyperstore.formats.combine import mapping, sequence
from tests.support.coco import value_of
from tests.support.panoptic import ids_in
from tests.support.shared import shared_data
from tests.support.unchanged import fails, held, run_well


def test_the_panoptic_pictures_of_coco_come_back_equal(tmp_path: Path) -> None:
    """100 annotations, of which 64 have their PNG here; importing again changes nothing."""
    folder = shared_data("coco128")
    given = folder / "panoptic_val2017.json"
    words: list[str | Path] = [
        "import",
        "panoptic",
        given,
        "--masks",
        folder / "panoptic",
        "--dataset",
        "coco",
    ]
    words += ["--images", folder / "images", "-m", "Import"]
    run_well(tmp_path, "init")
    said = run_well(tmp_path, *words)
    assert "100 images, 100 annotations, 1 file, 659 ROIs" in said
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        before = held(store)
        run_well(tmp_path, *words)
        assert held(store) == before
    said = run_well(tmp_path, "export", "panoptic", "coco@Current", tmp_path / "out.json")
    assert "659 segments" in said
    found = json.loads((tmp_path / "out.json").read_bytes())
    assert value_of(found) == value_of(json.loads(given.read_bytes()))
    names = sorted(path.name for path in (folder / "panoptic").iterdir())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    for name in names:
        assert np.array_equal(ids_in(tmp_path / "out" / name), ids_in(folder / "panoptic" / name))


def test_each_roi_shows_the_pixels_that_coco_counted(tmp_path: Path) -> None:
    """The colour of an ROI, looked up in the PNG by NumPy, covers the area and box of COCO."""
    folder = shared_data("coco128")
    run_well(tmp_path, "init")
    run_well(
        tmp_path, "import", "panoptic", folder / "panoptic_val2017.json",
        "--masks", folder / "panoptic", "--dataset", "coco",
    )  # fmt: skip
    seen = 0
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        for frame in store.dataset("coco").version():
            wire = frame.to_dict()
            for mask in map(mapping, sequence(mapping(sequence(wire["sources"])[0]).get("masks"))):
                ids = ids_in(Path(str(mask["uri"]).removeprefix("file://")))
            for roi in map(mapping, sequence(wire.get("rois"))):
                red, green, blue = (
                    int(str(one)) for one in sequence(mapping(roi["mask"])["value"])
                )
                assert mapping(roi["mask"])["id"] == mask["id"]
                rows, columns = np.nonzero(ids == red + 256 * green + 65536 * blue)
                fields = mapping(mapping(roi["_coco"])["fields"])
                box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
                assert (fields["area"], fields["bbox"]) == (len(rows), box)
                seen += 1
    assert seen == 659


def test_the_tiny_panoptic_dataset_with_odd_areas_comes_back_equal(tmp_path: Path) -> None:
    """Two files of one version, with areas that are not their pixels: kept, and said."""
    folder = shared_data("formats") / "coco_dataset" / "coco" / "annotations"
    files = sorted(folder.glob("panoptic_*.json"))
    assert len(files) == 2
    run_well(tmp_path, "init")
    run_well(tmp_path, "import", "panoptic", *files, "--dataset", "odd")
    for file in files:
        out = tmp_path / file.name
        run_well(tmp_path, "export", "panoptic", "odd@Current", out, "--of", file.name)
        assert value_of(json.loads(out.read_bytes())) == value_of(json.loads(file.read_bytes()))
        for png in file.with_suffix("").iterdir():
            assert np.array_equal(ids_in(out.with_suffix("") / png.name), ids_in(png))


def test_a_real_png_of_another_size_than_its_image_is_refused(tmp_path: Path) -> None:
    """Somebody's test data says 10 x 5 and shows 5 x 5; both are named, and nothing is imported."""
    folder = shared_data("formats") / "coco_dataset" / "coco_panoptic" / "annotations"
    run_well(tmp_path, "init")
    said = fails(tmp_path, "import", "panoptic", folder / "panoptic_train.json", "--dataset", "odd")
    assert "a.png is 5 x 5 pixels, but its image has a width of 10" in said
    assert run_well(tmp_path, "dataset") == ""


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_real_instances_are_painted_as_pycocotools_draws_them(tmp_path: Path) -> None:
    """Crowds below, then by falling area: each pixel belongs to the last that covers it."""
    given = shared_data("coco-mini") / "annotations" / "instances_val2017.json"
    run_well(tmp_path, "init")
    run_well(tmp_path, "import", "coco", given, "--dataset", "coco")
    run_well(tmp_path, "export", "panoptic", "coco@Current", tmp_path / "out.json")
    data, found = (json.loads(path.read_bytes()) for path in (given, tmp_path / "out.json"))
    sizes = {image["id"]: (image["height"], image["width"]) for image in data["images"]}
    shown = {one["image_id"]: one for one in found["annotations"]}
    for image, size in sizes.items():
        own = [one for one in data["annotations"] if one["image_id"] == image]
        if not own:
            assert image not in shown
            continue
        masks = [_pixels(one["segmentation"], *size) for one in own]
        order = sorted(
            range(len(own)), key=lambda at: (not own[at]["iscrowd"], -int(masks[at].sum()))
        )
        wanted = np.zeros(size, dtype=np.int64)
        for at in order:
            wanted[masks[at]] = at + 1
        ids = ids_in(tmp_path / "out" / shown[image]["file_name"])
        segments = iter(shown[image]["segments_info"])
        for at in sorted(set(np.unique(wanted)) - {0}):
            segment = next(segments)
            assert np.array_equal(ids == segment["id"], wanted == at)
            assert segment["category_id"] == own[at - 1]["category_id"]
        assert next(segments, None) is None


def _pixels(segmentation: Any, height: int, width: int) -> npt.NDArray[np.bool_]:
    rles = reference.frPyObjects(segmentation, height, width)
    rle = reference.merge(rles) if isinstance(rles, list) else rles
    decoded: npt.NDArray[np.bool_] = reference.decode(rle).astype(bool)
    return decoded
