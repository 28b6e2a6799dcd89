"""One COCO annotation to one ROI, and back.

What the ROI says by itself (label, geometry, caption, confidence) is not kept twice. The ROI's
`_coco` holds the rest:

    file      key of the file it came from
    id        its id there, as given; `nth` counts those that share it within one frame
    fields    every other field that does not follow from the ROI exactly
    absent    names of fields that would follow from the ROI but do not stand in the file
    visible   the third number of each key point, where not all are 2
    seal      a hash of the geometry as read; where it no longer fits, somebody edited the ROI, and
              what was kept of the old geometry counts no more

Key points keep the box, area and mask of their person when they are moved: these are facts of
their own. A mask (RLE) whose box was moved is dropped, and said so.
"""

from dataclasses import dataclass

from hyperstore.errors import FormatError, a_type
from hyperstore.formats.coco_categories import Categories
from hyperstore.formats.coco_standard import (
    CAPTION,
    is_share,
    kind_of,
    labels_of,
    seal_of,
    standard,
)
from hyperstore.formats.combine import Wire, mapping, same, sequence
from hyperstore.formats.report import Report
from hyperstore.formats.shapes import Number, corners, joined, numbers
from hyperstore.frames.rle import Rle, from_counts
from hyperstore.limits import COORDINATE_MAX, POLY_SENTINEL

__all__ = ["Drawn", "annotation_of", "roi_of"]

_OUTLINE = ("segmentation", "bbox", "area")
_POINTS = ("keypoints", "num_keypoints")


@dataclass(frozen=True, slots=True)
class Drawn:
    """Where an annotation stands, and in what file."""

    file: str
    categories: Categories
    report: Report


def roi_of(
    annotation: Wire, drawn: Drawn, *, image_id: object, nth: int, place: str
) -> Wire | None:
    """Return the annotation's ROI, or None where it can only be kept as it is.

    `image_id` is the id of its image where the frame has only one in this file, else None.
    """
    shape = _shape(annotation, place, drawn.report)
    label = _label(annotation, drawn, place, has_shape=shape is not None)
    if label is None or shape == ("", []):
        return None
    kind, poly = shape or ("im", [])
    roi: Wire = {"label": [label], "sources": ["default"]}
    meta: Wire = {"_type": kind} if kind != "im" else {}
    if poly:
        roi["poly"] = poly
    if isinstance(annotation.get(CAPTION), str):
        meta[CAPTION] = annotation[CAPTION]
    if meta:
        roi["meta"] = meta
    score = annotation.get("score")
    if is_share(score):
        roi["confidence"] = float(score)
    roi["_coco"] = _rest(roi, annotation, drawn, image_id=image_id, nth=nth)
    return roi


def _rest(roi: Wire, annotation: Wire, drawn: Drawn, *, image_id: object, nth: int) -> Wire:
    rest: Wire = {"file": drawn.file}
    visible = None
    if kind_of(roi) == "k2d":
        visible = (numbers(annotation["keypoints"]) or [])[2::3]
        if not same(visible, [2] * len(visible)):
            rest["visible"] = visible
    base = standard(roi, drawn.categories, visible=visible)
    assert base is not None
    if image_id is not None:
        base["image_id"] = image_id
    fields = {
        name: value
        for name, value in annotation.items()
        if name != "id" and not (name in base and same(base[name], value))
    }
    absent = sorted(name for name in base if name not in annotation)
    if "id" in annotation:
        rest["id"] = annotation["id"]
    if nth:
        rest["nth"] = nth
    if fields:
        rest["fields"] = fields
    if absent:
        rest["absent"] = absent
    if not set(_geometry_of(roi)).isdisjoint([*fields, *absent]):
        rest["seal"] = seal_of(roi)
    return rest


def annotation_of(
    roi: Wire, categories: Categories, *, image_id: object, report: Report, place: str
) -> Wire | None:
    """Return the annotation of an ROI as it is now, its `id` where it came with one.

    None where COCO has no way to say its geometry. An ROI made by hand has no `_coco`.
    """
    rest = mapping(roi.get("_coco"))
    base = standard(roi, categories, visible=rest.get("visible"))
    if base is None:
        return None
    fields = dict(mapping(rest.get("fields")))
    absent = {name for name in sequence(rest.get("absent")) if isinstance(name, str)}
    if "seal" in rest and rest["seal"] != seal_of(roi):
        if isinstance(fields.get("segmentation"), dict) and kind_of(roi) != "k2d":
            report.note("mask that no longer fits its box, which was moved: left out", place)
        for name in _geometry_of(roi):
            fields.pop(name, None)
            if name == "bbox" or base.get(name):
                absent.discard(name)
    if "category_id" in fields and not _still_meant(fields["category_id"], roi, categories):
        del fields["category_id"]
    if CAPTION in base:
        fields.pop(CAPTION, None)
    score = fields.get("score")
    if is_share(score) and score != roi.get("confidence"):
        del fields["score"]
    base["image_id"] = image_id
    for name in absent:
        base.pop(name, None)
    if "id" in rest:
        base["id"] = rest["id"]
    return base | fields


def _geometry_of(roi: Wire) -> tuple[str, ...]:
    return _POINTS if kind_of(roi) == "k2d" else _OUTLINE


def _still_meant(category_id: object, roi: Wire, categories: Categories) -> bool:
    labels = labels_of(roi)
    if CAPTION in labels and kind_of(roi) == "im":
        return True  # A caption's category, should it have one, was never its label.
    return categories.label(category_id) in labels


def _label(annotation: Wire, drawn: Drawn, place: str, *, has_shape: bool) -> str | None:
    caption = annotation.get(CAPTION)
    if caption is not None and not isinstance(caption, str):
        raise FormatError(f"{place}.caption is {a_type(caption)}, not a string")
    category_id = annotation.get("category_id")
    if CAPTION in annotation and (not has_shape or category_id is None):
        return CAPTION
    if category_id is None:
        return None
    label = drawn.categories.label(category_id)
    if label is None:
        raise FormatError(f"{place}.category_id is {str(category_id)[:60]}, which no category has")
    return label


def _shape(annotation: Wire, place: str, report: Report) -> tuple[str, list[Number]] | None:
    """Return kind and poly; None where there is no geometry, kind "" where it cannot be drawn."""
    points = _list_of_numbers(annotation.get("keypoints"), f"{place}.keypoints")
    if points and len(points) % 3 == 0:
        poly = [value for index, value in enumerate(points) if index % 3 != 2]
        if _drawable(poly):
            return "k2d", poly
    outline = _outline(annotation.get("segmentation"), f"{place}.segmentation", report)
    if isinstance(outline, list) and outline:
        return "p2d", outline
    box = _list_of_numbers(annotation.get("bbox"), f"{place}.bbox")
    if len(box) == 4 and _drawable(corners(box)):
        return "b2d", corners(box)
    if isinstance(outline, Rle):
        return "b2d", corners(outline.box)
    if box or points or annotation.get("segmentation"):
        report.note("geometry that cannot be drawn, kept as it is", place)
        return "", []
    return None


def _outline(value: object, place: str, report: Report) -> list[Number] | Rle | None:
    if value is None:
        return None
    if isinstance(value, dict):
        if not value:
            return None
        try:
            return from_counts(value.get("size"), value.get("counts"))
        except FormatError as fault:
            report.note(f"mask that cannot be read, kept as it is: {fault}", place)
            return None
    if not isinstance(value, list):
        raise FormatError(f"{place} is {a_type(value)}, not polygons or a mask")
    flat = value and not isinstance(value[0], list)
    parts = [
        _list_of_numbers(part, place if flat else f"{place}[{index}]")
        for index, part in enumerate([value] if flat else value)
    ]
    if not parts:
        return None
    if any(len(part) < 2 or len(part) % 2 for part in parts) or not all(map(_drawable, parts)):
        report.note("polygon of odd or too few numbers, kept as it is", place)
        return None
    return joined(parts)


def _list_of_numbers(value: object, place: str) -> list[Number]:
    if value is None:
        return []
    found = numbers(value)
    if found is None:
        raise FormatError(f"{place} is {str(value)[:60]}, not a list of numbers")
    return found


def _drawable(poly: list[Number]) -> bool:
    if POLY_SENTINEL in poly:
        return False
    return not poly or (min(poly) >= -COORDINATE_MAX and max(poly) <= COORDINATE_MAX)
