"""One object of a Pascal VOC file to one ROI, and back.

VOC counts pixels from 1 and both edges belong to the box; ours are distances from the corner of
the picture. The pixels xmin to xmax are the stretch from xmin - 1 to xmax, so
x, y, width, height = xmin - 1, ymin - 1, xmax - xmin + 1, ymax - ymin + 1. (Files of other makers
often count from 0, or leave the last pixel out; nothing in them says so.)

The ROI's `_voc` holds `file`, `id` (the object's number in it), and `fields`: pose, flags, parts
and all else. Flags are numbers, other texts stay texts. What follows from the ROI is not among
them: its name, and its box unless that is written oddly; then a `seal` tells whether it was moved.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path

from hyperstore.errors import FormatError
from hyperstore.formats.coco_standard import kind_of, labels_of, seal_of
from hyperstore.formats.combine import Wire, mapping
from hyperstore.formats.report import Report
from hyperstore.formats.shapes import (
    Number,
    bounds,
    box_of_corners,
    corners,
    ellipse_outline,
    is_turned,
    numbers,
    parts_of,
)
from hyperstore.formats.unsaid import TURNED
from hyperstore.formats.xmltree import Element
from hyperstore.limits import COORDINATE_MAX

__all__ = ["flagged", "number_of", "object_of", "roi_of"]

_WHOLE = re.compile(r"[+-]?[0-9]{1,16}")
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_FLAGS = frozenset({"truncated", "difficult", "occluded", "segmented"})
_SAID = frozenset({"name", "bndbox"})
_EDGES = ("xmin", "ymin", "xmax", "ymax")
_MADE = {"pose": "Unspecified", "truncated": 0, "difficult": 0}  # What VOC's readers look for.


def roi_of(item: Element, file: Path, number: int, key: str) -> Wire | None:
    """Return the ROI of an object; None where it has no box that could be drawn."""
    label = item.child("name")
    if label is None or not label.text:
        raise FormatError(f"{file}: line {item.line}: an object without a name")
    box = item.child("bndbox")
    if box is None:
        return None
    left, top, right, bottom = (_edge(box, side, file) for side in _EDGES)
    if right < left or bottom < top:
        return None
    poly = corners([left - 1, top - 1, right - left + 1, bottom - top + 1])
    roi: Wire = {
        "label": [label.text],
        "sources": ["default"],
        "poly": poly,
        "meta": {"_type": "b2d"},
    }
    fields = item.value(without=_SAID)
    fields = flagged(fields) if isinstance(fields, dict) else {}
    rest: Wire = {"file": key, "id": number}
    for child in item.children:
        standard = label.text if child is label else _box_of(poly) if child is box else None
        if child.name in _SAID and child.value() != standard:
            fields[child.name] = [one.value() for one in item.children if one.name == child.name]
            rest["seal"] = seal_of(roi)
    if fields:
        rest["fields"] = fields
    roi["_voc"] = rest
    return roi


def object_of(roi: Wire, *, report: Report, place: str) -> Wire | None:
    """Return the object of an ROI as it is now; None where VOC has no way to say it, and a note."""
    labels, kind = labels_of(roi), kind_of(roi)
    poly = _outline(kind, numbers(roi.get("poly")) or [])
    if poly is None or not labels:
        what = "label of the whole frame" if kind == "im" else f"ROI of kind {kind}"
        report.note(f"{what if labels else 'ROI without a label'}, which VOC cannot say", place)
        return None
    box = _box_of(poly)
    if box is None:
        report.note("ROI without an area, which VOC cannot say", place)
        return None
    if kind == "b2d" and is_turned(poly):
        report.note(TURNED, place)
    if not _measures(poly):
        report.note("box of less than a pixel, written as one", place)
    if len(labels) > 1:
        report.note("ROI with several labels, of which one is written", place)
    if labels[0] != labels[0].strip():
        report.note("label whose outer spaces VOC's readers drop", place)
    if box_of_corners(poly) is None or kind != "b2d":
        what = "rotated box" if kind == "b2d" else "ellipse" if kind == "elp" else "polygon"
        report.note(f"{what} of which VOC has the box around it", place)
    if roi.get("confidence") is not None:
        report.note("ROI whose confidence VOC has no place for", place)
    if not {"_type", "_id"}.issuperset(mapping(roi.get("meta"))):
        report.note("ROI whose metadata VOC has no place for", place)
    rest = mapping(roi.get("_voc"))
    fields = dict(mapping(rest.get("fields"))) if rest else dict(_MADE)
    if rest.get("seal") != seal_of(roi):
        fields.pop("bndbox", None)
    if _first_text(fields.get("name")) != labels[0]:
        fields.pop("name", None)
    return {"name": labels[0], "bndbox": box} | fields


def flagged(fields: Wire) -> Wire:
    """Return the fields of an element, flags as numbers."""
    return {
        name: int(value) if name in _FLAGS and value in ("0", "1") else value
        for name, value in fields.items()
    }


def number_of(element: Element, file: Path) -> Number:
    """Return the number of pixels that an element holds; FormatError if it is none."""
    text = element.text
    value: Number | None = None
    if _WHOLE.fullmatch(text):
        value = int(text)
    elif _REAL.fullmatch(text):
        value = float(text)
    if value is None or abs(value) > COORDINATE_MAX:
        raise FormatError(
            f"{file}: line {element.line}: {element.name} is {text[:60]!r}, not a number of pixels"
        )
    return value


def _edge(box: Element, side: str, file: Path) -> Number:
    edge = box.child(side)
    if edge is None:
        raise FormatError(f"{file}: line {box.line}: a bndbox without {side}")
    return number_of(edge, file)


def _first_text(value: object) -> object:
    first = value[0] if isinstance(value, list) and value else value
    return first.get("#text") if isinstance(first, dict) else first


def _outline(kind: str, poly: list[Number]) -> list[Number] | None:
    """Return the points to put a box around; those of a box are its corners."""
    if kind == "elp" and len(poly) == 5:
        return ellipse_outline(poly)
    if kind not in ("b2d", "p2d"):
        return None
    points = [value for part in parts_of(poly) for value in part]
    return points if points and len(points) % 2 == 0 else None


def _box_of(poly: Sequence[Number]) -> Wire | None:
    """Return the bndbox around points; None where they have no area, which no edges of VOC say.

    Sides that lead to the left or upwards are turned about. As both edges belong to a box, it is
    of a pixel at least.
    """
    upright = box_of_corners(poly) is not None
    x, y, width, height = bounds(poly)
    if not width or not height:
        return None
    right, bottom = (max(poly[0::2]), max(poly[1::2])) if upright else (x + width, y + height)
    edges = (x + 1, y + 1, max(right, x + 1), max(bottom, y + 1))
    return {side: _short(value) for side, value in zip(_EDGES, edges, strict=True)}


def _measures(poly: Sequence[Number]) -> bool:
    """Whether a box around the points has a pixel in each direction."""
    return min(bounds(poly)[2:]) >= 1


def _short(value: Number) -> str:
    """Return the shortest text of a number, within a few rounding steps of adding and taking 1."""
    if isinstance(value, int):
        return str(value)
    step = 4 * math.ulp(max(abs(value), 1.0))
    for digits in range(11):
        short = round(value, digits)
        if abs(short - value) <= step:
            return repr(short + 0.0)
    return repr(value)
