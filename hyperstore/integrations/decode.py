"""A frame to a sample: its picture as a tensor, with what is to be found in it.

Pictures are upright, as EXIF says, and of one mode whatever the file has: grey, palettes, CMYK and
transparency become RGB unless another mode is asked for, and grey of 16 bits is shown by its upper
ones. Where torchvision is installed, images, boxes, masks and key points are its tv_tensors, so
that any of its transforms turns them together; else they are plain tensors.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch

from hyperstore.errors import (
    CorruptError,
    FrameError,
    HyperstoreError,
    MediaError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.group import FrameGroup
from hyperstore.frames.read import Frame
from hyperstore.integrations.target import Target, Tensor, Wanted, target_of, tv_tensors
from hyperstore.media.draw import refuse_lying
from hyperstore.media.picture import open_picture
from hyperstore.media.uri import shown
from hyperstore.media.video import open_moment

__all__ = ["WITH_BOXES", "Decoding", "Sample", "decode", "per_instance", "unreadable"]

Sample: TypeAlias = object
"""(image, target); of a FrameGroup, a dict of these by the names of its members; or what the hook
made of either."""

WITH_BOXES = ("labels", "area", "iscrowd", "keypoints", "visibility")
"""What of a target belongs to its boxes, one each, beside masks."""

_MODES = ("RGB", "RGBA", "L")
_FAULTS = (CorruptError, FrameError, MediaError, NotFoundError, RefusedError, UsageError)


@dataclass(frozen=True, slots=True)
class Decoding:
    """What is made of each frame."""

    label_ids: Mapping[str, int]
    wanted: Wanted = frozenset()
    mode: str = "RGB"  # Of the pictures.
    read: Callable[[str], object] | None = None  # From a path to what stands for the picture.
    transforms: Callable[..., object] | None = None  # Takes (image, target), or a group's dict.

    def __post_init__(self) -> None:
        if self.mode not in _MODES:
            raise UsageError(f"mode is one of {', '.join(_MODES)}, not {self.mode!a:.40}")


def decode(frame: Frame, position: int, decoding: Decoding, epoch: int = 0) -> Sample:
    """Return the sample of a frame; `position` becomes its `image_id`, `epoch` that of its target.

    MediaError names the frame and the URI where a picture, or a mask, cannot be had.
    """
    at: Target = {"image_id": position, "frame_id": frame.id, "epoch": epoch}
    if isinstance(frame, FrameGroup):
        members: Sample = {
            name: _pair(member, frame.id, at, decoding) for name, member in frame.items()
        }
        return members if decoding.transforms is None else decoding.transforms(members)
    image, target = _pair(frame, frame.id, at, decoding)
    if decoding.transforms is None:
        return image, target
    made = decoding.transforms(image, target)
    _check_counts(made, frame.id)
    return made


def per_instance(inputs: object) -> tuple[Tensor, ...]:
    """Return what a transform that drops boxes must drop with them.

    For `SanitizeBoundingBoxes(labels_getter=per_instance)`, which by itself looks for labels only.
    """
    target = inputs[1] if isinstance(inputs, (tuple, list)) and len(inputs) == 2 else inputs
    if not isinstance(target, Mapping):
        raise UsageError("per_instance is given an image with its target, or the target alone")
    found = map(target.get, WITH_BOXES)
    return tuple(one for one in found if isinstance(one, torch.Tensor))


def _check_counts(made: object, frame_id: str) -> None:
    """Refuse a target of which a transform dropped boxes, but not what belongs to them."""
    target = made[1] if isinstance(made, (tuple, list)) and len(made) == 2 else None
    boxes = target.get("boxes") if isinstance(target, dict) else None
    if not isinstance(boxes, torch.Tensor):
        return
    assert isinstance(target, dict)
    for name in (*WITH_BOXES, "masks"):
        other = target.get(name)
        if isinstance(other, torch.Tensor) and other.shape[:1] != boxes.shape[:1]:
            raise UsageError(
                f"the transforms left frame {frame_id!a:.100} {boxes.shape[0]} boxes, but "
                f"{other.shape[0]} of {name}; drop them together, by "
                "SanitizeBoundingBoxes(labels_getter=hyperstore.integrations.torch.per_instance)"
            )


def _pair(
    frame: SingleFrame, frame_id: str, at: Target, decoding: Decoding
) -> tuple[object, Target]:
    try:
        image, canvas = _picture(frame, decoding)
        target = dict(at)
        if canvas is not None:
            target |= target_of(frame, canvas, decoding.label_ids, decoding.wanted)
    except _FAULTS as error:
        raise _named(frame_id, [frame], error) from error
    return image, target


def unreadable(frame: Frame, fault: HyperstoreError) -> MediaError:
    """Return the error of a frame whose files could not be had."""
    members = list(frame.values()) if isinstance(frame, FrameGroup) else [frame]
    return _named(frame.id, members, fault)


def _named(frame_id: str, members: Sequence[SingleFrame], fault: HyperstoreError) -> MediaError:
    uris = ", ".join(shown(one._record.sources[0].uri) for one in members)
    return MediaError(f"frame {frame_id!a:.100} ({uris}): {fault}")


def _picture(frame: SingleFrame, decoding: Decoding) -> tuple[object, tuple[int, int] | None]:
    """Return the picture, and its height and width; None where it has no such thing."""
    path = frame.get_local_source(raise_on_error=True)
    assert path is not None
    if decoding.read is not None:
        read = decoding.read(path)
        if isinstance(read, torch.Tensor) and read.ndim == 3:
            return read, (read.shape[-2], read.shape[-1])
        stated = frame.height, frame.width
        return read, (stated[0], stated[1]) if stated[0] and stated[1] else None
    moment, most = frame._moment(), frame._pixels_max()
    if moment is None:
        picture = open_picture(path, pixels_max=most)
    else:
        picture = open_moment(path, moment, pixels_max=most)
    wide, high = picture.size
    if frame.width and frame.height:
        refuse_lying((frame.width, frame.height), picture.size)
    if picture.mode != decoding.mode:
        picture = picture.convert(decoding.mode)
    data = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    image = data.view(high, wide, len(decoding.mode)).permute(2, 0, 1)
    vision = tv_tensors()
    return image if vision is None else vision.Image(image), (high, wide)
