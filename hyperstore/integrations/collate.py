"""Samples to batches: for a detector, whose pictures differ in size, and for a classifier."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

import torch

from hyperstore.errors import UsageError
from hyperstore.integrations.packing import packed
from hyperstore.integrations.target import Target, Tensor

__all__ = ["classification_collate", "detection_collate"]

Batch: TypeAlias = tuple[list[object], list[object]]


def detection_collate(samples: Sequence[object]) -> Batch | dict[str, Batch]:
    """Return a list of images and one of targets, as torchvision's detectors take them.

    Key points become (instance, point, 3): x, y and COCO's visibility. Of FrameGroups it is a dict
    of both lists for each member, each group's samples in its place, None where it lacks one.
    Samples that were skipped are passed over. The tensors of a batch that a worker made lie in one
    piece of memory: who keeps one of many batches clones it.
    """
    kept = [one for one in samples if one is not None]
    batch: object
    if kept and all(isinstance(one, dict) for one in kept):
        names = dict.fromkeys(name for one in kept if isinstance(one, dict) for name in one)
        batch = {name: _lists([one.get(name) for one in kept]) for name in names}  # type: ignore[attr-defined]
    else:
        batch = _lists(kept)
    return cast("Batch | dict[str, Batch]", packed(batch))


def classification_collate(samples: Sequence[object]) -> tuple[Tensor, Tensor]:
    """Return the images stacked, and the id of the one label that each frame has as a whole."""
    images, targets = _lists([one for one in samples if one is not None])
    numbers: list[Tensor] = []
    for target in targets:
        classes = target["classes"] if isinstance(target, Mapping) else torch.zeros(0)
        if len(classes) != 1:
            name = target["frame_id"] if isinstance(target, Mapping) else None
            raise UsageError(
                f"frame {name!a:.100} has {len(classes)} labels of the whole frame that have ids, "
                "and a class is one; ask for such frames by a query"
            )
        numbers.append(classes)
    if not images:
        return torch.zeros(0), torch.zeros(0, dtype=torch.int64)
    return torch.stack([_plain(one) for one in images]), torch.cat(numbers)


def _lists(samples: Sequence[object]) -> Batch:
    images: list[object] = []
    targets: list[object] = []
    for sample in samples:
        if sample is None:
            image, target = None, None
        elif isinstance(sample, (tuple, list)) and len(sample) == 2:
            image, target = sample
        else:
            raise UsageError(
                "a batch is made of pairs of an image and its target; what the transforms returned "
                "is none, so give the loader a collate_fn that fits it"
            )
        images.append(image)
        targets.append(_with_points(target) if isinstance(target, dict) else target)
    return images, targets


def _with_points(target: Target) -> Target:
    points, visible = target.get("keypoints"), target.get("visibility")
    if not isinstance(points, torch.Tensor) or not isinstance(visible, torch.Tensor):
        return target
    made = {name: value for name, value in target.items() if name != "visibility"}
    made["keypoints"] = torch.cat([_plain(points), visible[..., None].to(points.dtype)], dim=-1)
    return made


def _plain(tensor: object) -> Tensor:
    """Return a tensor without what torchvision knows of it."""
    assert isinstance(tensor, torch.Tensor)
    return tensor.as_subclass(torch.Tensor)
