"""Programs written for `allegroai` and `clearml`, run as they are by our runner, on real protocols.

What they print is compared with what plain reading of the same files gives.
"""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from hyperstore.dataset.store import open_store
from hyperstore.dataset.view import Frame
from hyperstore.frames.boxes import BoundingBox2D
from hyperstore.frames.frame import SingleFrame
from tests.support.optional import needed
from tests.support.shared import shared_data

_PROGRAMS = Path(__file__).with_name("programs")
_COLOURS = {(220, 20, 60): ["person"], (0, 0, 142): ["car", "vehicle"], (0, 0, 0): []}


def run_program(name: str, *args: object, store: Path) -> str:
    """Run one program in the folder above its store; return what it printed last."""
    project = Path(__file__).resolve().parents[2]
    ended = subprocess.run(
        [sys.executable, "-m", "hyperstore.allegroai", str(_PROGRAMS / name), *map(str, args)],
        cwd=store.parent,
        env={**os.environ, "HYPERSTORE_DIR": str(store), "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()[-1]


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """Draw twelve pictures with a side file each, one of them without objects."""
    chance = random.Random(5)
    folder = tmp_path / "street ü"
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    for number in range(12):
        objects = [
            {
                "box": [chance.randrange(20), chance.randrange(10), 4 + at, 3.5],
                "label": chance.choice(["car", "person", "bus"]),
                "occluded": chance.random() < 0.5,
                **({"confidence": 0.25} if at else {}),
            }
            for at in range(number % 4)
        ]
        colour = tuple(chance.randrange(256) for _ in range(3))
        Image.new("RGB", (32, 16), colour).save(folder / "images" / f"{number:03}.png")
        said = {"width": 32, "height": 16, "weather": "rain", "objects": objects}
        (folder / "labels" / f"{number:03}.json").write_text(json.dumps(said))
    return folder


def _said(frame: Frame) -> tuple[str, list[dict[str, object]]]:
    """Return the name of a frame's picture, and its boxes as the side files write them."""
    assert isinstance(frame, SingleFrame)
    objects: list[dict[str, object]] = []
    for one in frame.annotations:
        assert isinstance(one, BoundingBox2D)
        box = {"box": one.get_bounding_box(), "label": one.labels[0]}
        known = {} if one.confidence is None else {"confidence": one.confidence}
        objects.append({**box, "occluded": one.metadata["occluded"], **known})
    return Path(str(frame.source)).stem, objects


def _objects(street: Path) -> dict[str, list[dict[str, object]]]:
    """Read the side files, as json alone has them."""
    return {
        path.stem: json.loads(path.read_text())["objects"]
        for path in sorted((street / "labels").iterdir())
    }


def test_a_program_registers_pictures_with_their_side_files(street: Path, tmp_path: Path) -> None:
    """Boxes, labels, confidences and metadata are those of the files, in a published version."""
    store = tmp_path / "store"
    said = json.loads(run_program("register_side_files.py", street, store=store))
    objects = _objects(street)
    assert said == {"frames": 12, "boxes": sum(map(len, objects.values())), "draft": "Current"}
    with open_store(store) as opened:
        version = opened.dataset("side files").version("first")
        assert version.published
        found = dict(map(_said, version.get_iterator()))
    assert found == objects


def test_a_program_run_twice_changes_nothing(street: Path, tmp_path: Path) -> None:
    """Registering again updates the same frames: ids follow from the sources."""
    store = tmp_path / "store"
    first = run_program("register_side_files.py", street, store=store)
    with open_store(store) as opened:
        before = opened.dataset("side files").version("first").content_id
    assert run_program("register_side_files.py", street, store=store) == first
    with open_store(store) as opened:
        found = {one.content_id for one in opened.dataset("side files").versions()}
    assert found == {before}


def test_a_program_registers_masks_by_name_with_a_legend(tmp_path: Path) -> None:
    """What each label covers is what a count of the colours gives."""
    chance = random.Random(11)
    folder = tmp_path / "walk"
    folder.mkdir()
    expected: Counter[str] = Counter()
    for number in range(6):
        mask = Image.new("RGB", (24, 18))
        for x in range(24):
            for y in range(18):
                colour = chance.choice(list(_COLOURS))
                mask.putpixel((x, y), colour)
                expected.update(_COLOURS[colour])
        Image.new("RGB", (24, 18), (number, 9, 9)).save(folder / f"{number}.png")
        mask.save(folder / f"{number}_mask.png")
    legend = [{"colour": list(rgb), "labels": labels} for rgb, labels in _COLOURS.items() if labels]
    (folder / "legend.json").write_text(json.dumps(legend))
    store = tmp_path / "store"
    said = json.loads(run_program("register_masks.py", folder, store=store))
    assert said["frames"] == 6
    assert said["pixels"] == dict(expected)
    with open_store(store) as opened:
        version = opened.dataset("masks").version("Current")
        assert [frame.id for frame in version.get_iterator(context="walk")] == said["ids"]


def test_a_program_registers_kittis_stereo_pairs(tmp_path: Path) -> None:
    """Labels are those of the left camera, and the two cameras stand half a metre apart."""
    root = shared_data("kitti") / "detection"
    found = json.loads(run_program("register_kitti.py", root, store=tmp_path / "store"))
    assert [one["number"] for one in found] == [0, 1]
    for one in found:
        lines = (root / "label_2" / f"{one['number']:06}.txt").read_text().splitlines()
        assert one["labels"] == [line.split()[0] for line in lines]
        assert one["right"] == 0
        assert 300 < one["baseline"] < 400  # Focal length times baseline: 721 px x 0.53 m.


def test_a_program_registers_a_moment_of_nuscenes(tmp_path: Path) -> None:
    """Six cameras and a lidar are one group, whose members keep their own times."""
    root = shared_data("nuscenes")
    said = json.loads(run_program("register_nuscenes.py", root, store=tmp_path / "store"))
    sensors = sorted(path.name.split("__")[1] for path in root.iterdir() if "__" in path.name)
    assert len(sensors) == 7
    times = [int(path.name.split("__")[2].split(".")[0]) // 1000 for path in root.glob("*__*")]
    assert said == {
        "groups": 1,
        "members": sensors,
        "floats": next(root.glob("*.bin")).stat().st_size // 4,
        "cameras": 6,
        "spread_ms": max(times) - min(times),
    }


@pytest.mark.slow
@pytest.mark.parametrize("how", ["carried", "fetched"])
@pytest.mark.parametrize(("method", "workers"), [("fork", 2), ("spawn", 2), ("none", 0)])
def test_sf_26_frames_are_read_under_a_torch_data_loader(
    street: Path, tmp_path: Path, how: str, method: str, workers: int
) -> None:
    """Whether frames travel or are read in the workers, each arrives once, with its own picture."""
    needed("torch", group="torch")
    store = tmp_path / "store"
    run_program("register_side_files.py", street, store=store)
    words = ("side files", how, method, workers)
    seen = json.loads(run_program("train_loader.py", *words, store=store))
    expected = {}
    for stem, objects in _objects(street).items():
        with Image.open(street / "images" / f"{stem}.png") as image:
            total = sum(image.tobytes())
        boxes = [one["box"] for one in objects]
        expected[stem] = [total, sum(sum(box) for box in boxes if isinstance(box, list))]
    with open_store(store) as opened:
        version = opened.dataset("side files").version("first")
        names = {frame.id: _said(frame)[0] for frame in version.get_iterator()}
    assert {names[frame_id]: value for frame_id, value in seen.items()} == expected
