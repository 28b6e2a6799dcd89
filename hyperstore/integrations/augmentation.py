"""A view's augmentation, drawn and done: a hook for `transforms` of the datasets of torch.

    view.override({"augmentation": {"crop_around_rois": True, "sets": [
        {"cls": "affine", "types": ["rotate", "reflect-horiz", "none"], "strength": 1},
        {"cls": "pixel", "types": ["blur", "noise", "recolor", "none"], "strength": 0.5}]}})
    data = FrameDataset(view, transforms=Augmentation(view))

First a picture is cropped to what is around all boxes of its target, if the view says so, then each
set does its step; see `augmentsets` for what a set may say. Pixels are torchvision's work. Boxes,
areas and key points follow the matrix of a step, in pixels' edges, as boxes have them. What lies
outside is cut as torchvision cuts it: boxes are clamped, those below a pixel are dropped with all
that belongs to them, and a key point outside is a missing one. Members of a FrameGroup are turned
alike.

`augmentation` of a target tells the steps in the wire form, so that anybody can do them again. The
same are drawn on every machine and by any worker; in the pixels machines may differ by a rounding.
"""

import math
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias, runtime_checkable

from hyperstore.errors import UsageError, a_type
from hyperstore.query.checks import checked_seed
from hyperstore.query.views.reading import DEFAULT_SEED

try:
    import torch
    from torchvision import tv_tensors
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.v2 import functional
except (ImportError, RuntimeError):  # The second where it is of another torch.
    raise UsageError(
        "hyperstore.integrations.augmentation needs the library torchvision: "
        "pip install 'hyperstore[torch]'"
    ) from None

from hyperstore.integrations.augmentsets import Matrix, Step, augmentations_of, crop_told, drawn
from hyperstore.integrations.decode import WITH_BOXES
from hyperstore.integrations.target import IGNORED, Target, Tensor

__all__ = ["Augmentation"]

Size: TypeAlias = tuple[int, int]
"""Height and width."""

_PIXELS = ("masks", "semantic")
_SIGMA_MAX = 50.0  # Pixels of a blur, whose kernel is six times as wide.


@runtime_checkable
class _Saying(Protocol):
    """A DataView."""

    def spec(self) -> dict[str, object]: ...


class Augmentation:
    """What a view says of augmentation, as a hook; a plain value that travels.

    It is made of a DataView, as that is now, or of what one says. `seed` is the view's unless it is
    given. QueryError names what a set says that is not known.
    """

    def __init__(self, said: _Saying | Mapping[str, object], *, seed: int | None = None) -> None:
        spec = said.spec() if isinstance(said, _Saying) else {"augmentation": said}
        self._said = augmentations_of(spec.get("augmentation", {}))
        iteration = spec.get("iteration")
        of_view = iteration.get("random_seed") if isinstance(iteration, Mapping) else None
        checked = checked_seed(of_view if seed is None else seed)
        self._seed = DEFAULT_SEED if checked is None else checked

    def __call__(self, *sample: object) -> object:
        """Return an image and its target anew; of a FrameGroup, the dict of its members."""
        if len(sample) == 1 and isinstance(sample[0], Mapping):
            return {name: self._turned(*pair) for name, pair in sample[0].items()}
        if len(sample) != 2:
            raise UsageError("an image comes with its target, or a group's dict alone")
        return self._turned(*sample)

    def _turned(self, image: object, given: object) -> tuple[Tensor, Target]:
        picture, target = _checked(image, given)
        told: list[dict[str, object]] = []
        steps = drawn(
            self._said.sets,
            self._seed,
            frame_id=str(target["frame_id"]),
            epoch=_whole(target["epoch"]),
            number=_whole(target["image_id"]),
        )
        boxes = target["boxes"]
        if self._said.crop_around_rois:
            picture, crop = _cropped(picture, target)
            told += crop
        for step in steps:
            told.append(step.told(_size(picture)))
            if step.is_idle:
                continue
            if step.cls == "affine":
                picture = _moved(picture, target, step)
            else:
                picture = _painted(picture, step)
        if target["boxes"] is not boxes:  # Something was moved.
            _drop_lost(target)
        return picture, target | {"augmentation": told}


def _checked(image: object, given: object) -> tuple[Tensor, Target]:
    """Return a picture, and a target that may be written to; UsageError for what is neither."""
    if not isinstance(given, dict) or not {"frame_id", "image_id", "epoch"} <= given.keys():
        raise UsageError("augmentation takes the samples of a FrameDataset or FrameStream")
    named = f"frame {given['frame_id']!a:.100}"
    if not isinstance(image, torch.Tensor) or image.ndim != 3:
        raise UsageError(f"{named}: a picture is a tensor of three dimensions, not {a_type(image)}")
    if not isinstance(given.get("boxes"), tv_tensors.BoundingBoxes):
        raise UsageError(f"{named}: its target has no boxes of torchvision to be turned with it")
    return image, dict(given)


def _whole(given: object) -> int:
    assert isinstance(given, int)
    return given


def _size(picture: Tensor) -> Size:
    return picture.shape[-2], picture.shape[-1]


def _like(made: Tensor, old: Tensor) -> Tensor:
    """Return a tensor as what the old one was to torchvision."""
    found: Tensor = (
        tv_tensors.wrap(made, like=old) if isinstance(old, tv_tensors.TVTensor) else made
    )
    return found


# Where things lie.


def _cropped(picture: Tensor, target: Target) -> tuple[Tensor, list[dict[str, object]]]:
    """Return what of a picture is around all its boxes, and tell it; all, where there are none."""
    boxes = target["boxes"]
    assert isinstance(boxes, tv_tensors.BoundingBoxes)
    high, wide = _size(picture)
    if not len(boxes):
        return picture, []
    corners = _corners(boxes).reshape(-1, 2)
    left, top = (math.floor(max(0.0, one)) for one in corners.amin(0).tolist())
    right, bottom = corners.amax(0).tolist()
    right, bottom = math.ceil(min(wide, right)), math.ceil(min(high, bottom))
    if left >= right or top >= bottom:
        return picture, []
    told = crop_told(left, top, right, bottom)
    size = bottom - top, right - left

    def crop(one: Tensor, _: int) -> Tensor:
        return _like(functional.crop(one, top, left, *size), one)

    _move_shapes(target, [[1.0, 0.0, -left], [0.0, 1.0, -top]], size)
    return _with_masks(picture, target, crop), [told]


def _moved(picture: Tensor, target: Target, step: Step) -> Tensor:
    """Return a picture after an affine step, and take its target along."""
    turned = step.affine() if not step.type.startswith("reflect") else None

    def warp(one: Tensor, fill: int) -> Tensor:
        if turned is None:
            flip = functional.horizontal_flip, functional.vertical_flip
            return _like(flip[step.type == "reflect-vert"](one), one)
        made = functional.affine(
            one,
            angle=turned.degrees,
            translate=[0, 0],
            scale=turned.factor,
            shear=list(turned.shear),
            interpolation=InterpolationMode.BILINEAR,  # Masks are torchvision's: by the nearest.
            fill=fill,
        )
        return _like(made, one)

    size = _size(picture)
    _move_shapes(target, step.matrix(size), size)
    return _with_masks(picture, target, warp)


def _with_masks(picture: Tensor, target: Target, turn: Callable[[Tensor, int], Tensor]) -> Tensor:
    """Return a picture turned, and take masks along; `turn` takes what fills where none was."""
    for name in _PIXELS:
        mask = target.get(name)
        if isinstance(mask, torch.Tensor):
            target[name] = turn(mask, IGNORED if name == "semantic" else 0)
    return turn(picture, 0)


def _move_shapes(target: Target, matrix: Matrix, canvas: Size) -> None:
    """Move boxes, areas and key points into a picture of a height and a width."""
    boxes = target["boxes"]
    assert isinstance(boxes, tv_tensors.BoundingBoxes)
    moved = _moved_points(_corners(boxes), matrix)
    around = torch.cat([moved.amin(1), moved.amax(1)], dim=1)
    around = tv_tensors.BoundingBoxes(around, format="XYXY", canvas_size=canvas)
    clamped = functional.clamp_bounding_boxes(around)
    (a, b, _), (c, d, _) = matrix
    area = target.get("area")
    if isinstance(area, torch.Tensor):  # Of what was cut off a box, it loses the same share.
        seen = _surface(clamped) / _surface(around).clamp(min=1e-9)
        target["area"] = area * abs(a * d - b * c) * seen
    target["boxes"] = functional.convert_bounding_box_format(clamped, new_format=boxes.format)
    points, visible = target.get("keypoints"), target.get("visibility")
    if isinstance(points, torch.Tensor) and isinstance(visible, torch.Tensor):
        placed = _moved_points(points.as_subclass(torch.Tensor), matrix)
        most = torch.tensor([canvas[1], canvas[0]])
        gone = ((placed < 0) | (placed > most)).any(-1) | (visible == 0)
        placed[gone] = 0
        wrapped = type(points) is not torch.Tensor
        target["keypoints"] = (
            tv_tensors.KeyPoints(placed, canvas_size=canvas) if wrapped else placed
        )
        target["visibility"] = visible.masked_fill(gone, 0)


def _corners(boxes: Tensor) -> Tensor:
    """Return the corners of boxes: (box, corner, x and y)."""
    plain = functional.convert_bounding_box_format(boxes, new_format="XYXY")
    plain = plain.as_subclass(torch.Tensor)
    found: Tensor = plain[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    return found


def _moved_points(points: Tensor, matrix: Matrix) -> Tensor:
    both = torch.tensor(matrix, dtype=points.dtype)
    moved: Tensor = points @ both[:, :2].T + both[:, 2]
    return moved


def _surface(boxes: Tensor) -> Tensor:
    left, top, right, bottom = boxes.as_subclass(torch.Tensor).unbind(-1)
    return (right - left) * (bottom - top)


def _drop_lost(target: Target) -> None:
    """Drop boxes that were lost, and what belongs to them."""
    target["boxes"], kept = functional.sanitize_bounding_boxes(target["boxes"])
    for name in (*WITH_BOXES, "masks"):
        one = target.get(name)
        if isinstance(one, torch.Tensor):
            target[name] = _like(one[kept], one)


# What pixels look like.


def _painted(picture: Tensor, step: Step) -> Tensor:
    """Return a picture after a step that moves nothing."""
    plain = picture.as_subclass(torch.Tensor)
    if step.type == "blur":
        return _like(_blurred(plain, step), picture)
    colours = plain[:3]  # What is transparent stays so.
    if step.type == "recolor":
        gammas = [step.spread("factor", at) for at in range(len(colours))]
        parts = [
            functional.adjust_gamma(colours[at : at + 1], gamma) for at, gamma in enumerate(gammas)
        ]
        made = torch.cat(parts)
    elif step.arguments["kind"] == "high":
        made = _with_snow(colours, step)
    else:
        made = _with_blocks(colours, step)
    return _like(torch.cat([made, plain[3:]]), picture)


def _blurred(plain: Tensor, step: Step) -> Tensor:
    sigma = min(step.number("sigma") * (1 + step.params[0]) / 2, _SIGMA_MAX)
    # The kernel mirrors what is near the edges, so it is no wider than the picture.
    radius = min(math.ceil(3 * sigma), *(side - 1 for side in _size(plain)))
    if radius < 1:
        return plain
    made: Tensor = functional.gaussian_blur(plain, [2 * radius + 1] * 2, [sigma, sigma])
    return made


def _with_snow(plain: Tensor, step: Step) -> Tensor:
    """Return a picture with a noise of its own in each pixel."""
    sigma = min(step.number("sigma") * (1 + step.params[1]) / 2, 1.0)
    shares = functional.to_dtype(plain, torch.float32, scale=True)
    with torch.random.fork_rng(devices=[]):  # Only torch's own generator is drawn from, and back.
        torch.random.default_generator.manual_seed(int(step.params[2] * 2**53))
        made = functional.gaussian_noise(shares, sigma=sigma)
    back: Tensor = functional.to_dtype(made, plain.dtype, scale=True)
    return back


def _with_blocks(plain: Tensor, step: Step) -> Tensor:
    """Return a picture of which a quarter looks like a small one that was magnified."""
    size = high, wide = [max(1, side // 2) for side in _size(plain)]
    top, left = (
        int(share * (side - part + 1))
        for share, side, part in zip(step.params[1:], _size(plain), size, strict=True)
    )
    block = max(1.0, step.number("block"))
    small = functional.resize(
        plain[:, top : top + high, left : left + wide],
        [max(1, round(side / block)) for side in size],
        antialias=True,
    )
    made = plain.clone()
    made[:, top : top + high, left : left + wide] = functional.resize(
        small, size, InterpolationMode.NEAREST
    )
    return made
