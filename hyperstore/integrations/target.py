"""What is to be found in a picture, as the tensors that detectors of torchvision are trained on.

Boxes are float32 of left, top, right, bottom, in pixels of the picture that was decoded; a picture
of another size than its frame states is taken for a smaller one of it, and shapes are scaled so.
"""

import functools
import importlib
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TypeAlias

import torch

from hyperstore.errors import FrameError, UsageError
from hyperstore.frames.annotation import Annotation, ImageAnnotation, Mask
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.rle import rows
from hyperstore.integrations.instances import Instance, instances_of
from hyperstore.limits import RLE_PIXELS_MAX
from hyperstore.media.masks import MaskPicture

__all__ = ["IGNORED", "Target", "Tensor", "Wanted", "target_of", "tv_tensors"]

Tensor: TypeAlias = torch.Tensor
Target: TypeAlias = dict[str, object]
Size: TypeAlias = tuple[int, int]
"""Height and width, as tensors have them."""

Wanted: TypeAlias = frozenset[str]
"""What a target has beside boxes and labels: any of `masks`, `keypoints`, `semantic`."""

IGNORED = -1
"""The label id of pixels of a semantic map, and of labels, that nothing is to be learnt from."""


@functools.cache
def tv_tensors() -> ModuleType | None:
    """Return torchvision's tensors; None where it is not installed, or not for this torch."""
    try:
        return importlib.import_module("torchvision.tv_tensors")
    except (ImportError, RuntimeError):
        return None


def target_of(frame: SingleFrame, canvas: Size, ids: Mapping[str, int], wanted: Wanted) -> Target:
    """Return the target of a frame, whose picture has the size `canvas`.

    An annotation without a label that has an id, of 0 or more, is left out.
    """
    stated = (frame.height or canvas[0], frame.width or canvas[1])
    down, across = canvas[0] / stated[0], canvas[1] / stated[1]
    annotations = [one for one in frame.annotations if _id_of(one.labels, ids) is not None]
    drawing = _Drawing(frame, stated, canvas)
    found = instances_of(annotations, drawing.pixels_of)
    boxes = torch.tensor([one.box for one in found], dtype=torch.float32).reshape(-1, 4)
    area = torch.tensor([one.area for one in found], dtype=torch.float32)
    if stated != canvas:
        boxes = boxes * torch.tensor([across, down, across, down])
        area = area * (across * down)
    vision = tv_tensors()
    if vision is not None:
        boxes = vision.BoundingBoxes(boxes, format="XYXY", canvas_size=canvas)
    target: Target = {
        "boxes": boxes,
        "labels": _numbers([_id_of(one.labels, ids) for one in found]),
        "area": area,
        "iscrowd": _numbers([int(one.crowd) for one in found]),
        "classes": _numbers(_classes(annotations, ids)),
    }
    if "masks" in wanted:
        masks = [drawing.drawn(one) for one in found]
        stacked = torch.stack(masks) if masks else torch.zeros((0, *canvas), dtype=torch.uint8)
        target["masks"] = stacked if vision is None else vision.Mask(stacked)
    if "keypoints" in wanted:
        points, target["visibility"] = _points(found)
        points = points * torch.tensor([across, down])
        if vision is not None and hasattr(vision, "KeyPoints"):
            points = vision.KeyPoints(points, canvas_size=canvas)
        target["keypoints"] = points
    if "semantic" in wanted:
        semantic = drawing.semantic(ids)
        target["semantic"] = semantic if vision is None else vision.Mask(semantic)
    return target


def _id_of(labels: Sequence[str], ids: Mapping[str, int]) -> int | None:
    """Return the id of the first label that has one; None where all are to be passed over."""
    for label in labels:
        number = ids.get(label, IGNORED)
        if number >= 0:
            return number
    return None


def _numbers(values: Sequence[int | None]) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)


def _classes(annotations: Sequence[Annotation], ids: Mapping[str, int]) -> list[int]:
    """Return the ids of the labels of the whole frame, each once."""
    whole = (one for one in annotations if isinstance(one, ImageAnnotation))
    numbers = (ids.get(label, IGNORED) for one in whole for label in one.labels)
    return list(dict.fromkeys(number for number in numbers if number >= 0))


def _points(found: Sequence[Instance]) -> tuple[Tensor, Tensor]:
    """Return points (instance, point, x and y) and COCO's 0, 1, 2 of each; missing ones are 0."""
    most = max((len(one.points) for one in found), default=0)
    points = torch.zeros((len(found), most, 2))
    visible = torch.zeros((len(found), most), dtype=torch.int64)
    for at, one in enumerate(found):
        if one.points:
            points[at, : len(one.points)] = torch.tensor(one.points, dtype=torch.float32)
            visible[at, : len(one.points)] = torch.tensor(one.visible)
    return points, visible


class _Drawing:
    """Pixels of one frame, each of whose mask pictures is read once."""

    def __init__(self, frame: SingleFrame, stated: Size, canvas: Size) -> None:
        self._frame = frame
        self._stated = stated
        self._canvas = canvas
        self._read: dict[str, MaskPicture] = {}

    def pixels_of(self, one: Mask) -> memoryview:
        """Return the pixels that a Mask annotation names, of the mask's own size."""
        value = one.mask_rgb or []
        if any(number != int(number) for number in value):
            raise FrameError(f"no pixel of a mask has the value {value}", path="mask_rgb")
        return self._mask(one.mask_id).pixels_of(tuple(map(int, value)))

    def drawn(self, one: Instance) -> Tensor:
        """Return 1 for each pixel of an instance; the box stands for one that has but points."""
        high, wide = self._stated
        if one.rle is not None and (one.rle.height, one.rle.width) == self._stated:
            return self._sized(_tensor(b"".join(rows(one.rle)), self._stated))
        if isinstance(one.shape, Mask):
            pixels = self.pixels_of(one.shape)
            return self._sized(_tensor(pixels.tobytes(), (pixels.shape or (0, 0))[:2]))
        if high * wide > RLE_PIXELS_MAX:
            raise UsageError(f"a mask of {wide} x {high} pixels is over {RLE_PIXELS_MAX}")
        if one.shape is not None:
            return self._sized(_tensor(one.shape.to_mask(wide, high), self._stated))
        made = torch.zeros(self._stated, dtype=torch.uint8)
        left, top, right, bottom = (max(0, round(side)) for side in one.box)
        made[top:bottom, left:right] = 1
        return self._sized(made)

    def semantic(self, ids: Mapping[str, int]) -> Tensor:
        """Return the label id that the frame's mask pictures say of each pixel, else IGNORED."""
        made = torch.full(self._canvas, IGNORED, dtype=torch.int64)
        said = self._frame._mask_labels()
        for mask_id in self._frame.masks_source:
            legend = self._frame._legend(mask_id, said)
            picture = self._mask(mask_id)
            for label in dict.fromkeys(name for names in legend.values() for name in names):
                number = ids.get(label, IGNORED)
                if number >= 0:
                    pixels = picture.label_pixels(legend, label)
                    shape = (pixels.shape or (0, 0))[:2]
                    made[self._sized(_tensor(pixels.tobytes(), shape)).bool()] = number
        return made

    def _mask(self, mask_id: str | None) -> MaskPicture:
        found = self._frame._mask_id(mask_id)
        if found not in self._read:
            self._read[found] = self._frame._read_mask(found)
        return self._read[found]

    def _sized(self, mask: Tensor) -> Tensor:
        if tuple(mask.shape) == self._canvas:
            return mask
        grown = torch.nn.functional.interpolate(mask[None, None], self._canvas, mode="nearest")
        return grown[0, 0]


def _tensor(pixels: bytes | memoryview, size: Sequence[int]) -> Tensor:
    """Return bytes of 0 and 1 as a tensor of its own."""
    own = bytearray(pixels) if isinstance(pixels, bytes) else pixels
    if not own:
        return torch.zeros(tuple(size), dtype=torch.uint8)
    return torch.frombuffer(own, dtype=torch.uint8).reshape(tuple(size))
