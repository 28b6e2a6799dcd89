"""The COCO fields that follow from an ROI alone.

Both ways of the mapping use this one function: the reader keeps of an annotation only what differs
from it, and the writer starts from it. So what nobody edited comes back exactly, and what somebody
edited comes back as it is now.
"""

import math
from typing import TypeGuard

from hyperstore.codec import pack
from hyperstore.formats.coco_categories import Categories
from hyperstore.formats.combine import Wire, mapping, sequence
from hyperstore.formats.shapes import (
    Number,
    area_of_box,
    area_of_parts,
    bounds,
    box_of_corners,
    ellipse_outline,
    numbers,
    parts_of,
)
from hyperstore.ids import key_hash

__all__ = ["CAPTION", "is_share", "kind_of", "labels_of", "seal_of", "standard", "task_of"]

CAPTION = "caption"
_VISIBLE = 2


def is_share(value: object) -> TypeGuard[int | float]:
    """Whether a score can be an ROI's confidence, from 0 to 1."""
    return (type(value) is int or type(value) is float) and 0 <= value <= 1


def kind_of(roi: Wire) -> str:
    """Return `b2d`, `p2d`, ...; `im` for a label of the whole frame."""
    kind = mapping(roi.get("meta")).get("_type")
    if isinstance(kind, str):
        return kind
    if roi.get("mask") is not None:
        return "mask"
    return "p2d" if roi.get("poly") else "im"


def labels_of(roi: Wire) -> list[str]:
    return [label for label in sequence(roi.get("label")) if isinstance(label, str)]


def task_of(roi: Wire) -> str:
    """Return the task that an ROI made by hand belongs to."""
    kind = kind_of(roi)
    if kind == "im":
        return "captions" if CAPTION in mapping(roi.get("meta")) else "labels"
    return "keypoints" if kind == "k2d" else "instances"


def seal_of(roi: Wire) -> int:
    """Return a number that tells whether the geometry is still the one that was read."""
    poly = [value + 0 for value in numbers(roi.get("poly")) or []]  # -0.0 is stored as 0.0.
    return key_hash(pack([kind_of(roi), poly]), 0)


def standard(roi: Wire, categories: Categories, *, visible: object = None) -> Wire | None:
    """Return the fields, without ids; None where COCO has no way to say this geometry.

    `visible` has COCO's 0, 1, 2 for each key point, all 2 where it is not given.
    """
    fields = _geometry(kind_of(roi), numbers(roi.get("poly")) or [], visible)
    if fields is None:
        return None
    for label in labels_of(roi):
        category = categories.id_of(label)
        if category is not None:
            fields["category_id"] = category
            break
    caption = mapping(roi.get("meta")).get(CAPTION)
    if isinstance(caption, str):
        fields[CAPTION] = caption
    if isinstance(roi.get("confidence"), (int, float)):
        fields["score"] = roi["confidence"]
    return fields


def _geometry(kind: str, poly: list[Number], visible: object) -> Wire | None:
    if kind == "im":
        return {}
    if kind == "b2d":
        if box_of_corners(poly) is not None:
            box = bounds(poly)  # Sides that lead to the left or upwards are turned about.
            return _shape([], box, area_of_box(box))
        return _outlines([poly])
    if kind == "p2d":
        return _outlines(parts_of(poly))
    if kind == "elp" and len(poly) == 5:
        return _outlines([ellipse_outline(poly)], area=math.pi * abs(poly[2] * poly[3]))
    if kind == "k2d":
        return _points(poly, visible)
    return None


def _shape(segmentation: object, box: list[Number], area: Number) -> Wire:
    return {"segmentation": segmentation, "bbox": box, "area": area, "iscrowd": 0}


def _outlines(parts: list[list[Number]], *, area: float | None = None) -> Wire | None:
    if any(len(part) < 2 or len(part) % 2 for part in parts):
        return None
    points = [value for part in parts for value in part]
    return _shape(parts, bounds(points), area_of_parts(parts) if area is None else area)


def _points(poly: list[Number], visible: object) -> Wire | None:
    if len(poly) < 2 or len(poly) % 2:
        return None
    flags = numbers(visible) or []
    flags = flags[: len(poly) // 2] + [_VISIBLE] * (len(poly) // 2 - len(flags))
    triples: list[Number] = []
    seen: list[Number] = []
    for x, y, flag in zip(poly[0::2], poly[1::2], flags, strict=True):
        triples += (x, y, flag)
        if flag > 0:
            seen += (x, y)
    box = bounds(seen or poly)
    count = sum(flag > 0 for flag in flags)
    return _shape([], box, area_of_box(box)) | {"keypoints": triples, "num_keypoints": count}
