"""The drawn dataset is what its annotations say, or every test that leans on it means nothing."""

from pathlib import Path

import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from tools.sample import CATEGORIES, coco, draw, pictures, wire


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One drawn dataset for all tests of this file."""
    made = tmp_path_factory.mktemp("sample")
    draw(made, pictures())
    return made


def test_same_seed_draws_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Ids follow from content, so figures quoted from the demo can be checked by anyone."""
    draw(tmp_path, pictures())
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert len(files) == 4 * 12 + 3
    for name in files:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_another_seed_draws_other_shapes() -> None:
    """The seed is not decoration."""
    assert pictures(seed=8) != pictures(seed=7)


def test_pixels_are_coloured_inside_the_outlines_only(folder: Path) -> None:
    """An outline that misses its shape would make a wrong box look right."""
    for picture in pictures():
        image = Image.open(folder / "images" / picture.file_name)
        background = image.getpixel((0, 0))
        assert image.size == (160, 160)
        for shape in picture.shapes:
            x, y, width, height = shape.box
            inside = image.crop((int(x) - 1, int(y) - 1, int(x + width) + 2, int(y + height) + 2))
            colours = inside.getcolors() or []
            drawn = sum(count for count, colour in colours if colour != background)
            area = 25 * len(shape.dots) if shape.dots else shape.area
            assert len(colours) == 2, "the box of a shape shows it and the background alone"
            assert 0.55 * area <= drawn <= 1.25 * area + 8


def test_run_lengths_are_the_crowd_that_coco_reads() -> None:
    """pycocotools is what users will read our crowd with."""
    crowds = [each for each in coco(pictures())["instances"]["annotations"] if each["iscrowd"]]  # type: ignore[attr-defined]
    assert len(crowds) == 12
    packed = coco_mask.frPyObjects(crowds[0]["segmentation"], 160, 160)
    x, y, width, height = coco_mask.toBbox(packed)
    assert [x, y, width, height] == crowds[0]["bbox"]
    assert coco_mask.area(packed) == crowds[0]["area"]


def test_frames_have_contexts_in_order_of_time(tmp_path: Path) -> None:
    """Ordered reading needs more than one context, each with times that rise."""
    frames = list(wire(pictures(), tmp_path))
    assert len({frame["id"] for frame in frames}) == 48
    for camera in ("camera-1", "camera-2", "camera-3", "camera-4"):
        times = [frame["timestamp"] for frame in frames if frame["context_id"] == camera]
        assert len(times) == 12
        assert times == sorted(set(times))  # type: ignore[type-var]


def test_every_category_is_used() -> None:
    """Relabelling in the demo needs a label that is there."""
    labels = {shape.kind for picture in pictures() for shape in picture.shapes}
    assert labels == set(CATEGORIES)
