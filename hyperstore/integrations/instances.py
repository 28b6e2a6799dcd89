"""What a detector is to find in a picture, from the annotations of a frame: plain numbers.

Annotations that share a user's id are one instance where their kinds differ: a box, an outline and
key points of one person. So are key points of a COCO file and the shape that another file has under
the same id, with the same label and about the same box, as COCO's own files have a person twice. An
instance's box is the upright one around its shape; that of an instance which came from a COCO file
is the file's, as long as nobody moved the shape, and so are its area and the pixels of a crowd. Key
points, moved or not, keep the box, the area and the outline of their person, as on export.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hyperstore.formats.coco_standard import seal_of
from hyperstore.formats.combine import Wire, mapping
from hyperstore.formats.shapes import numbers
from hyperstore.frames.annotation import Annotation, ImageAnnotation, Mask
from hyperstore.frames.boxes import BoundingBox2D, Ellipse2D
from hyperstore.frames.geometry import bounds
from hyperstore.frames.polygons import ComplexPolygon2D, KeyPoints2D, Polygon2D
from hyperstore.frames.rle import Rle, from_counts

__all__ = ["Box", "Instance", "instances_of"]

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom in source pixels, origin top-left."""

_VISIBLE = 2
_FLAT = (BoundingBox2D, Polygon2D, ComplexPolygon2D, Ellipse2D)

PixelsOf: TypeAlias = Callable[[Mask], memoryview]
"""From a Mask annotation to the pixels that it names: rows of 0 and 1."""


@dataclass(slots=True)
class Instance:
    """One thing to be found."""

    labels: list[str]
    box: Box
    area: float  # In square pixels.
    crowd: bool = False  # Whether it stands for many at once, as in COCO.
    shape: Annotation | None = None  # What its pixels are drawn from.
    rle: Rle | None = None  # Its pixels, where they are known better.
    points: Sequence[tuple[float, float]] = ()
    visible: Sequence[int] = ()  # COCO's 0, 1 or 2 for each point.


def instances_of(annotations: Iterable[Annotation], pixels_of: PixelsOf) -> list[Instance]:
    """Return the instances in the order of their first annotations.

    What is no shape in the plane is none, and neither is a shape without width or height.
    """
    found: list[Instance] = []
    tied: dict[str | int, list[tuple[Instance, set[type]]]] = {}
    by_file: dict[str | int, list[tuple[Instance, type, object]]] = {}
    for one in annotations:
        made = _upright(one) or _instance(one, pixels_of)
        if made is None:
            continue
        if one.id is None:
            if not _joined_by_file(made, one, by_file):
                found.append(made)
            continue
        kind = _family(one)
        others = tied.setdefault(one.id, [])
        free = next((pair for pair in others if kind not in pair[1]), None)
        if free is None:
            others.append((made, {kind}))
            found.append(made)
        else:
            _join(free[0], made, free[1], kind)
            free[1].add(kind)
    return [one for one in found if one.box[0] < one.box[2] and one.box[1] < one.box[3]]


def _joined_by_file(
    made: Instance, one: Annotation, by_file: dict[str | int, list[tuple[Instance, type, object]]]
) -> bool:
    """Lay key points, or the shape of the same id in another COCO file, into the other of them."""
    extra = one._roi.extra
    rest = mapping(extra.get("_coco")) if extra else {}
    number, file, kind = rest.get("id"), rest.get("file"), _family(one)
    if not isinstance(number, str | int):
        return False
    others = by_file.setdefault(number, [])
    for at, (whole, its_kind, its_file) in enumerate(others):
        is_pair = its_file != file and (kind is KeyPoints2D) != (its_kind is KeyPoints2D)
        if is_pair and not set(whole.labels).isdisjoint(made.labels) and _alike(whole, made):
            _join(whole, made, {its_kind}, kind)
            del others[at]
            return True
    others.append((made, kind, file))
    return False


def _alike(one: Instance, other: Instance) -> bool:
    """Whether two boxes are one but for rounding, and for a little that somebody moved."""
    wide, high = (
        min(one.box[2 + at], other.box[2 + at]) - max(one.box[at], other.box[at]) for at in (0, 1)
    )
    if wide <= 0 or high <= 0:
        return False
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one.box, other.box))
    return wide * high * 3 > both  # More than half of what they cover together.


def _family(one: Annotation) -> type:
    """Return the kind by which two annotations of an id are two things, or sides of one."""
    for kind in (BoundingBox2D, KeyPoints2D, Mask):
        if isinstance(one, kind):
            return kind
    return Polygon2D


def _join(whole: Instance, other: Instance, kinds: set[type], kind: type) -> None:
    """Lay a second annotation of one thing into it: each kind says what it knows best."""
    more = [label for label in other.labels if label not in whole.labels]
    whole.labels = [*whole.labels, *more]
    whole.crowd = whole.crowd or other.crowd
    if kind is KeyPoints2D:
        whole.points, whole.visible = other.points, other.visible
        return
    if kind is BoundingBox2D or kinds == {KeyPoints2D}:
        whole.box = other.box
    if kind is not BoundingBox2D or kinds == {KeyPoints2D}:  # An outline is closer than a box.
        whole.shape, whole.rle, whole.area = other.shape, other.rle, other.area


def _upright(one: Annotation) -> Instance | None:
    """Return the instance of an upright box of which nothing more is said, as of most; else None.

    A training run asks for millions.
    """
    roi = one._roi
    poly = roi.poly
    if type(one) is not BoundingBox2D or roi.meta or roi.extra or poly is None or len(poly) != 8:
        return None
    left, top, right, above, beyond, bottom, leftmost, below = poly
    if not (left == leftmost < right == beyond and top == above < bottom == below):
        return None
    area = float(right - left) * float(bottom - top)
    return Instance(roi.label, (left, top, right, bottom), area, shape=one)


def _instance(one: Annotation, pixels_of: PixelsOf) -> Instance | None:
    if isinstance(one, ImageAnnotation):
        return None
    if isinstance(one, Mask):
        return _of_pixels(one, pixels_of(one))
    if not isinstance(one, (*_FLAT, KeyPoints2D)):
        return None
    poly = one._roi.poly
    if not poly:
        return None
    extra = one._roi.extra
    rest = mapping(extra.get("_coco")) if extra else {}
    if isinstance(one, KeyPoints2D):
        made = _of_points(one, poly, rest)
    else:
        box = _around(one, poly)
        made = Instance(list(one.labels), box, 0.0, shape=one)
    if rest:
        _as_in_coco(made, one, poly, rest)
    meta = one._roi.meta
    if meta and not made.crowd:
        made.crowd = meta.get("iscrowd") in (1, True)
    if made.area == 0.0 and made.shape is not None:
        made.area = one.area or 0.0
    return made


def _around(one: Annotation, poly: Sequence[float]) -> Box:
    """Return the upright box around a shape: of a turned one that around its corners."""
    if isinstance(one, Ellipse2D):
        x, y, rx, ry, angle = poly
        cos, sin = math.cos(angle), math.sin(angle)
        across, down = math.hypot(rx * cos, ry * sin), math.hypot(rx * sin, ry * cos)
        return x - across, y - down, x + across, y + down
    if isinstance(one, ComplexPolygon2D):
        left, top, width, height = bounds(poly)
        return left, top, left + width, top + height
    xs, ys = poly[0::2], poly[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def _of_points(one: KeyPoints2D, poly: Sequence[float], rest: Wire) -> Instance:
    points = list(zip(poly[0::2], poly[1::2], strict=True))
    flags = [int(flag) for flag in numbers(rest.get("visible")) or []][: len(points)]
    flags += [_VISIBLE] * (len(points) - len(flags))
    seen = [point for point, flag in zip(points, flags, strict=True) if flag] or points
    xs, ys = zip(*seen, strict=True)
    box = min(xs), min(ys), max(xs), max(ys)
    area = (box[2] - box[0]) * (box[3] - box[1])
    return Instance(list(one.labels), box, area, points=points, visible=flags)


def _of_pixels(one: Mask, pixels: memoryview) -> Instance | None:
    """Return the instance of a Mask annotation; None where the mask has no such pixel."""
    _, wide = pixels.shape or (0, 0)
    flat = pixels.tobytes()
    first = flat.find(1)
    if first < 0:
        return None
    top, bottom = first // wide, flat.rfind(1) // wide
    left, right = wide, -1
    for row in range(top, bottom + 1):
        line = flat[row * wide : (row + 1) * wide]
        at = line.find(1)
        if at >= 0:
            left, right = min(left, at), max(right, line.rfind(1))
    area = float(flat.count(1))
    return Instance(list(one.labels), (left, top, right + 1, bottom + 1), area, shape=one)


def _as_in_coco(made: Instance, one: Annotation, poly: Sequence[float], rest: Wire) -> None:
    """Take what the COCO file said of an instance that nobody moved since."""
    fields = mapping(rest.get("fields"))
    made.crowd = fields.get("iscrowd") == 1
    if not isinstance(one, KeyPoints2D):
        if "seal" not in rest:
            return
        kind = one._roi.kind
        roi: Wire = {"meta": {"_type": kind} if kind else {}, "poly": list(poly)}
        if seal_of(roi) != rest["seal"]:
            return
    box = numbers(fields.get("bbox"))
    if box is not None and len(box) == 4:
        made.box = box[0], box[1], box[0] + box[2], box[1] + box[3]
    area = fields.get("area")
    if isinstance(area, (int, float)):
        made.area = float(area)
    outline = fields.get("segmentation")
    if isinstance(outline, dict):
        made.rle = from_counts(outline.get("size"), outline.get("counts"))
    elif isinstance(outline, list) and made.shape is None:
        parts = [part for part in map(numbers, outline) if part is not None and len(part) >= 6]
        if parts:
            made.shape = ComplexPolygon2D(parts)
