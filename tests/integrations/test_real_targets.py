"""Targets of torch from real COCO files: what pycocotools reads in the original file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pycocotools import mask as reference

import hyperstore
from hyperstore import SingleFrame
from tests.support.optional import needed
from tests.support.shared import shared_data
from tests.support.unchanged import run_well

torch = needed("torch", group="torch")

from hyperstore.integrations.target import Target, target_of

Json = dict[str, Any]
PEOPLE, INSTANCES = "person_keypoints_val2017.json", "instances_val2017.json"


def _targets(folder: Path, files: list[str], ids: dict[str, int]) -> dict[str, Target]:
    """Return the targets of all images of some files, imported one after another."""
    annotations = shared_data("coco-mini") / "annotations"
    run_well(folder, "init")
    for name in files:
        run_well(folder, "import", "coco", annotations / name, "--dataset", "coco", "-m", name)
    found = {}
    with hyperstore.open(folder / ".hyperstore") as store:
        for frame in store.dataset("coco").version():
            assert isinstance(frame, SingleFrame)
            assert frame.height
            assert frame.width
            size = frame.height, frame.width
            wanted = frozenset({"masks", "keypoints"})
            found[str(frame.source)] = target_of(frame, size, ids, wanted)
    return found


def _read(name: str) -> Json:
    data = json.loads((shared_data("coco-mini") / "annotations" / name).read_bytes())
    assert isinstance(data, dict)
    return data


def _pixels(one: Json, image: Json) -> npt.NDArray[np.uint8]:
    rles = reference.frPyObjects(one["segmentation"], image["height"], image["width"])
    rle = reference.merge(rles) if isinstance(rles, list) else rles
    return np.asarray(reference.decode(rle))


def _check_people(target: Target, image: Json, people: list[Json], *, at: list[int]) -> None:
    """Compare rows of a target with the annotations that they are of."""
    boxes, area, masks, points, visible, crowd = (
        np.asarray(target[name])
        for name in ("boxes", "area", "masks", "keypoints", "visibility", "iscrowd")
    )
    for row, one in zip(at, people, strict=True):
        left, top, width, height = one["bbox"]
        assert boxes[row] == pytest.approx([left, top, left + width, top + height], abs=1e-3)
        assert area[row] == pytest.approx(one["area"], rel=1e-5)
        assert crowd[row] == one["iscrowd"]
        assert np.array_equal(masks[row], _pixels(one, image))
        given = np.array(one["keypoints"]).reshape(17, 3)
        assert np.array_equal(points[row], given[:, :2])
        assert np.array_equal(visible[row], given[:, 2])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_people_of_key_points_have_the_box_area_and_mask_of_the_file(tmp_path: Path) -> None:
    """Those too of whom no key point is to be seen; the points alone say less."""
    targets, data = _targets(tmp_path, [PEOPLE], {"person": 1}), _read(PEOPLE)
    assert any(one["num_keypoints"] == 0 for one in data["annotations"])
    for image in data["images"]:
        people = [one for one in data["annotations"] if one["image_id"] == image["id"]]
        (target,) = (made for name, made in targets.items() if image["file_name"] in name)
        assert len(np.asarray(target["boxes"])) == len(people)
        if people:
            _check_people(target, image, people, at=[*range(len(people))])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("files", [[INSTANCES, PEOPLE], [PEOPLE, INSTANCES]])
def test_a_person_of_two_files_of_coco_is_one_instance(tmp_path: Path, files: list[str]) -> None:
    """COCO's own files have each person twice, under one id: once with its key points."""
    data, people = _read(INSTANCES), _read(PEOPLE)["annotations"]
    ids = {one["name"]: one["id"] for one in data["categories"]}
    targets = _targets(tmp_path, files, ids)
    for image in data["images"]:
        all_in = [one for one in data["annotations"] if one["image_id"] == image["id"]]
        (target,) = (made for name, made in targets.items() if image["file_name"] in name)
        labels = np.asarray(target["labels"]).tolist()
        assert sorted(labels) == sorted(one["category_id"] for one in all_in)
        boxes = np.asarray(target["boxes"])
        own = [one for one in people if one["image_id"] == image["id"]]
        rows = []
        for one in own:
            left, top, width, height = one["bbox"]
            box = np.array([left, top, left + width, top + height])
            (row,) = np.flatnonzero(np.abs(boxes - box).max(axis=1) < 1e-3)
            rows.append(int(row))
        if own:
            _check_people(target, image, own, at=rows)
