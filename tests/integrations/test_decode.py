"""Frames to samples: pixels as Pillow has them, masks as pycocotools draws them."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hyperstore import Ellipse2D, FrameGroup, MediaError, SingleFrame, UsageError
from tests.support.optional import needed
from tests.support.pictures import CORNERS, encoded, quarters, turned_to

torch = needed("torch", group="torch")
vision = needed("torchvision", group="torch")

import numpy as np
from pycocotools import mask as coco_mask
from torchvision import tv_tensors
from torchvision.transforms import v2

from hyperstore.integrations import target as targets
from hyperstore.integrations.decode import Decoding, decode, per_instance

IDS = {"car": 3, "person": 1, "ignored": -1}
ALL = frozenset({"masks", "keypoints"})


def pair(frame: SingleFrame, decoding: Decoding, position: int = 0) -> tuple[Any, dict[str, Any]]:
    """Return the image and the target of a frame."""
    sample = decode(frame, position, decoding)
    assert isinstance(sample, tuple)
    image, target = sample
    return image, target


def picture(folder: Path, name: str = "a.png", size: tuple[int, int] = (40, 30)) -> Path:
    """Write a picture in which no two pixels of a row or column are the same."""
    wide, high = size
    pixels = [(x * 5 % 256, y * 7 % 256, (x + y) % 256) for y in range(high) for x in range(wide)]
    made = Image.new("RGB", size)
    made.putdata(pixels)
    made.save(folder / name)
    return folder / name


def expected(path: Path, mode: str = "RGB") -> Any:
    """Return the picture by Pillow and NumPy, as (channel, row, column)."""
    with Image.open(path) as image:
        found = np.asarray(image.convert(mode))
    return torch.from_numpy(found.reshape(*found.shape[:2], -1).copy()).permute(2, 0, 1)


def test_a_picture_is_that_of_pillow(tmp_path: Path) -> None:
    """Bytes of (channel, row, column), in torchvision's own class."""
    path = picture(tmp_path)
    image, target = pair(SingleFrame(id="f", source=path), Decoding(IDS), 7)
    assert isinstance(image, tv_tensors.Image)
    assert torch.equal(image, expected(path))
    assert (target["image_id"], target["frame_id"]) == (7, "f")


@pytest.mark.parametrize("mode", ["L", "LA", "P", "CMYK", "RGBA", "1", "I;16"])
def test_a_picture_of_any_mode_comes_in_colour(tmp_path: Path, mode: str) -> None:
    """A loader that stacks pictures wants one number of channels."""
    if mode == "I;16":
        path = tmp_path / "deep.png"
        Image.fromarray(np.full((4, 6), 65_535, np.uint16)).save(path)
    else:
        path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
        quarters(40, 30).convert(mode).save(path)
    image, _ = pair(SingleFrame(source=path), Decoding(IDS))
    assert (image.shape[0], image.dtype) == (3, torch.uint8)
    if mode == "I;16":
        assert image.min() == 255  # Not cut to its lower bits, and not black.
    elif mode != "CMYK":
        assert torch.equal(image, expected(path))


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_another_mode_may_be_asked_for(tmp_path: Path, mode: str) -> None:
    """It is Pillow's conversion."""
    path = picture(tmp_path)
    image, _ = pair(SingleFrame(source=path), Decoding(IDS, mode=mode))
    assert torch.equal(image, expected(path, mode))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_as_exif_says(tmp_path: Path, orientation: int) -> None:
    """Boxes are drawn on what people look at."""
    path = tmp_path / "a.png"
    path.write_bytes(turned_to(orientation, "PNG"))
    image, _ = pair(SingleFrame(source=path), Decoding(IDS))
    assert image.shape == (3, 32, 64)
    found = [tuple(image[:, y, x].tolist()) for y in (8, 24) for x in (16, 48)]
    assert found == CORNERS


def test_a_frame_that_states_its_size_lying_is_refused(tmp_path: Path) -> None:
    """Its boxes may have been measured either way, and a guess would train on wrong ones."""
    path = tmp_path / "a.png"
    path.write_bytes(turned_to(6, "PNG"))
    lying = SingleFrame(id="f", source=path, width=32, height=64)
    with pytest.raises(MediaError, match="EXIF"):
        decode(lying, 0, Decoding(IDS))


def test_a_target_has_what_detectors_want(tmp_path: Path) -> None:
    """Labels without an id, or with one below 0, are passed over."""
    frame = SingleFrame(id="f", source=picture(tmp_path))
    frame.add_annotation(box2d_xywh=[1, 2, 10, 20], labels=["thing", "car"])
    frame.add_annotation(box2d_xywh=[5, 5, 5, 5], labels=["ignored"])
    frame.add_annotation(box2d_xywh=[5, 5, 5, 5], labels=["unheard of"])
    frame.add_annotation(box2d_xywh=[0, 0, 2, 3], labels=["person"], metadata={"iscrowd": 1})
    frame.add_annotation(frame_class=["person", "car", "dusk"])
    _, target = pair(frame, Decoding(IDS))
    boxes = target["boxes"]
    assert isinstance(boxes, tv_tensors.BoundingBoxes)
    assert (boxes.format.value, boxes.canvas_size) == ("XYXY", (30, 40))
    assert (boxes.tolist(), boxes.dtype) == ([[1, 2, 11, 22], [0, 0, 2, 3]], torch.float32)
    assert target["labels"].tolist() == [3, 1]
    assert target["area"].tolist() == [200, 6]
    assert target["iscrowd"].tolist() == [0, 1]
    assert target["classes"].tolist() == [1, 3]


def test_an_empty_frame_has_empty_tensors_of_the_right_shape(tmp_path: Path) -> None:
    """Detectors take (0, 4), and fail on (0,)."""
    frame = SingleFrame(source=picture(tmp_path))
    _, target = pair(frame, Decoding(IDS, wanted=ALL))
    shapes = {name: tuple(one.shape) for name, one in target.items() if hasattr(one, "shape")}
    assert shapes == {
        "boxes": (0, 4),
        "labels": (0,),
        "area": (0,),
        "iscrowd": (0,),
        "classes": (0,),
        "masks": (0, 30, 40),
        "keypoints": (0, 0, 2),
        "visibility": (0, 0),
    }


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_masks_are_those_of_pycocotools(tmp_path: Path) -> None:
    """Pixel for pixel, also of an ellipse and of a box that is turned."""
    frame = SingleFrame(source=picture(tmp_path))
    frame.add_annotation(poly2d_xy=[3, 3, 30, 5, 20, 25.5], labels=["car"])
    frame.add_annotation(poly2d_xy=[[1, 1, 5, 1, 5, 5], [20, 20, 39, 20, 39, 29]], labels=["car"])
    frame.add_annotation(box2d_xywh=[10, 10, 12, 6, 0.5], labels=["car"])
    frame.add_annotation(ellipse2d_xyrrt=[20, 15, 10, 5, 1.0], labels=["car"])
    _, target = pair(frame, Decoding(IDS, wanted=ALL))
    masks = target["masks"]
    assert isinstance(masks, tv_tensors.Mask)
    for mask, one in zip(masks, frame.annotations, strict=True):
        parts = coco_mask.frPyObjects(one.to_polygons(), 30, 40)
        assert np.array_equal(np.asarray(mask), coco_mask.decode(coco_mask.merge(parts)))


def test_boxes_fit_the_masks_of_turned_shapes(tmp_path: Path) -> None:
    """A box around a turned ellipse touches its pixels, and is not that of the upright one."""
    frame = SingleFrame(source=picture(tmp_path))
    frame.annotations.append(Ellipse2D([20, 15, 12, 3, 0.8], labels=["car"]))
    _, target = pair(frame, Decoding(IDS, wanted=ALL))
    rows, columns = torch.nonzero(target["masks"][0], as_tuple=True)
    tight = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert target["boxes"][0].tolist() == pytest.approx([float(one) for one in tight], abs=1.0)


def test_key_points_are_padded_to_the_longest(tmp_path: Path) -> None:
    """Instances without a point have them at 0, not visible."""
    frame = SingleFrame(source=picture(tmp_path))
    frame.add_annotation(points2d_xy=[1, 2, 3, 4.5, 5, 6], labels=["person"])
    frame.add_annotation(points2d_xy=[7, 8, 9, 9], labels=["person"])
    frame.add_annotation(box2d_xywh=[0, 0, 5, 5], labels=["car"])
    _, target = pair(frame, Decoding(IDS, wanted=ALL))
    points = target["keypoints"]
    assert isinstance(points, tv_tensors.KeyPoints)
    assert points.tolist() == [[[1, 2], [3, 4.5], [5, 6]], [[7, 8], [9, 9], [0, 0]], [[0, 0]] * 3]
    assert target["visibility"].tolist() == [[2, 2, 2], [2, 2, 0], [0, 0, 0]]


def test_a_picture_smaller_than_stated_takes_its_boxes_along(tmp_path: Path) -> None:
    """As where the source is a preview: half as wide, half as high."""
    frame = SingleFrame(source=picture(tmp_path), width=80, height=60)
    frame.add_annotation(poly2d_xy=[20, 20, 60, 20, 60, 40, 20, 40], labels=["car"])
    _, target = pair(frame, Decoding(IDS, wanted=ALL))
    assert target["boxes"].tolist() == [[10, 10, 30, 20]]
    assert target["area"].tolist() == [200]
    assert target["masks"].shape == (1, 30, 40)
    assert int(target["masks"].sum()) == 200


def test_mask_pictures_give_instances_and_a_map(tmp_path: Path) -> None:
    """Of colours that an annotation names, and of what the frame's legend says of each pixel."""
    quarters(40, 30).save(tmp_path / "mask.png")
    frame = SingleFrame(source=picture(tmp_path), mask_source=tmp_path / "mask.png")
    frame.add_annotation(mask_rgb=list(CORNERS[3]), labels=["car"])
    frame.add_annotation(mask_rgb=list(CORNERS[0]), labels=["person"])
    frame.add_annotation(mask_rgb=list(CORNERS[1]), labels=["unheard of"])
    _, target = pair(frame, Decoding(IDS, wanted=frozenset({"masks", "semantic"})))
    assert target["boxes"].tolist() == [[20, 15, 40, 30], [0, 0, 20, 15]]
    assert [int(one.sum()) for one in target["masks"]] == [300, 300]
    semantic = torch.full((30, 40), -1)
    semantic[15:, 20:], semantic[:15, :20] = 3, 1
    assert torch.equal(target["semantic"].as_subclass(torch.Tensor), semantic)


def full(folder: Path) -> SingleFrame:
    """Return a frame with boxes, outlines and key points."""
    frame = SingleFrame(id="f", source=picture(folder))
    for x in (2, 20):
        frame.add_annotation(
            poly2d_xy=[x, 4, x + 10, 4, x + 10, 20, x, 20],
            points2d_xy=[x + 1, 5, x + 4, 9],
            labels=["person"],
        )
    return frame


def test_transforms_turn_all_of_a_sample_together(tmp_path: Path) -> None:
    """Flipped from left to right, each pixel, box, mask and point lies where its mirror lay."""
    flip = v2.RandomHorizontalFlip(p=1.0)
    plain, before = pair(full(tmp_path), Decoding(IDS, wanted=ALL))
    image, after = pair(full(tmp_path), Decoding(IDS, wanted=ALL, transforms=flip))
    assert torch.equal(image, plain.flip(-1))
    assert torch.equal(after["masks"], before["masks"].flip(-1))
    left, top, right, bottom = before["boxes"].unbind(-1)
    assert torch.equal(after["boxes"], torch.stack([40 - right, top, 40 - left, bottom], -1))
    assert torch.equal(after["keypoints"][..., 1], before["keypoints"][..., 1])
    moved = 40 - before["keypoints"][..., 0] - after["keypoints"][..., 0]
    assert set(moved.flatten().tolist()) in ({0.0}, {1.0})  # Of points or of pixels' middles.


def test_boxes_that_a_crop_loses_take_the_rest_along(tmp_path: Path) -> None:
    """What belongs to a box goes with it: label, area, mask, points."""
    kinds = (tv_tensors.Image, tv_tensors.Mask, tv_tensors.BoundingBoxes, tv_tensors.KeyPoints)
    crop = v2.Lambda(lambda one: v2.functional.crop(one, 0, 0, 30, 15), *kinds)
    hook = v2.Compose([crop, v2.SanitizeBoundingBoxes(labels_getter=per_instance)])
    _, target = pair(full(tmp_path), Decoding(IDS, wanted=ALL, transforms=hook))
    names = ("boxes", "labels", "area", "iscrowd", "masks", "keypoints", "visibility")
    assert {name: len(target[name]) for name in names} == dict.fromkeys(names, 1)


def test_a_transform_that_tears_a_target_apart_is_an_error(tmp_path: Path) -> None:
    """A loss of boxes and labels that do not fit together would go unnoticed for days."""
    hook = v2.Compose(
        [
            v2.Lambda(
                lambda boxes: tv_tensors.wrap(boxes.clamp(max=15), like=boxes),
                tv_tensors.BoundingBoxes,
            ),
            v2.SanitizeBoundingBoxes(),
        ]
    )
    with pytest.raises(UsageError, match=r"left frame 'f' 1 boxes, but 2 of area.*per_instance"):
        decode(full(tmp_path), 0, Decoding(IDS, transforms=hook))


def test_a_group_is_a_dict_of_its_members(tmp_path: Path) -> None:
    """Each with its own picture and target; the hook sees all of them at once."""
    group = FrameGroup(id="g")
    for name, wide in (("left", 40), ("right", 20)):
        path = picture(tmp_path, f"{name}.png", (wide, 30))
        group[name] = SingleFrame(source=path)
        group[name].add_annotation(box2d_xywh=[1, 1, 5, 5], labels=["car"])
    seen: list[Any] = []
    decode(group, 4, Decoding(IDS, transforms=seen.append))
    (sample,) = seen
    assert {name: image.shape for name, (image, _) in sample.items()} == {
        "left": (3, 30, 40),
        "right": (3, 30, 20),
    }
    assert [target["labels"].tolist() for _, target in sample.values()] == [[3], [3]]


def test_read_takes_files_that_are_no_pictures(tmp_path: Path) -> None:
    """Points of a lidar have no canvas, so no boxes; numbers of 16 bits stay whole."""
    points = np.arange(12, dtype=np.float32)
    (tmp_path / "sweep.bin").write_bytes(points.tobytes())

    def read(path: str) -> object:
        return torch.from_numpy(np.fromfile(path, np.float32)).reshape(-1, 4)

    sweep = SingleFrame(id="f", source=tmp_path / "sweep.bin")
    image, target = pair(sweep, Decoding(IDS, read=read), 1)
    assert image.tolist() == points.reshape(-1, 4).tolist()
    assert target == {"image_id": 1, "frame_id": "f", "epoch": 0}


@pytest.mark.parametrize("kind", ["missing", "broken", "empty", "text"])
def test_a_picture_that_fails_is_named_with_its_frame(tmp_path: Path, kind: str) -> None:
    """In a run of days the one bad file must be found."""
    path = tmp_path / "bad.png"
    data = encoded(quarters(64, 64), "PNG")
    if kind != "missing":
        path.write_bytes({"broken": data[:-60], "empty": b"", "text": b"no picture"}[kind])
    with pytest.raises(MediaError) as caught:
        decode(SingleFrame(id="the-frame", source=path), 0, Decoding(IDS))
    assert "the-frame" in str(caught.value)
    assert "bad.png" in str(caught.value)


def test_without_torchvision_samples_are_plain_tensors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same numbers, in torch's own class."""
    _, known = pair(full(tmp_path), Decoding(IDS, wanted=ALL))
    monkeypatch.setattr(targets, "tv_tensors", lambda: None)
    monkeypatch.setattr("hyperstore.integrations.decode.tv_tensors", lambda: None)
    image, target = pair(full(tmp_path), Decoding(IDS, wanted=ALL))
    assert type(image) is torch.Tensor
    for name, one in target.items():
        if isinstance(one, torch.Tensor):
            assert type(one) is torch.Tensor
            assert torch.equal(one, known[name].as_subclass(torch.Tensor))


def test_a_mode_that_is_not_known_is_refused() -> None:
    """Before the first picture of a long run."""
    with pytest.raises(UsageError, match="RGB, RGBA, L"):
        Decoding(IDS, mode="HSV")
