"""One segment of a panoptic COCO file to one ROI, and back.

A segment is all pixels of one colour of a PNG: its id is R + 256 G + 256 * 256 B, and 0, black, is
no segment. The ROI is of kind `mask` and names that colour. Its `_coco` holds `file` and `id`, the
`fields` that do not follow from the ROI, `absent` for those that would stand there and do not, and
a `seal` over the colour: `bbox` and `area` are given back only while the pixels are the same.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hyperstore.codec import pack
from hyperstore.errors import FormatError, a_type
from hyperstore.formats.coco_categories import Categories
from hyperstore.formats.coco_map import Drawn
from hyperstore.formats.coco_standard import is_share, kind_of, labels_of
from hyperstore.formats.combine import Wire, mapping, same, sequence
from hyperstore.ids import key_hash

__all__ = [
    "SEGMENT_ID_MAX",
    "Colour",
    "Shape",
    "colour_of",
    "id_of",
    "mask_id",
    "roi_of",
    "segment_of",
]

Colour = tuple[int, int, int]

SEGMENT_ID_MAX = 256**3 - 1
_PIXELS = ("bbox", "area")
_OUTLINE = frozenset({"segmentation", "bbox", "area", "keypoints", "num_keypoints"})


@dataclass(frozen=True, slots=True)
class Shape:
    """The pixels of a segment as it is drawn."""

    area: int
    is_same: bool  # As they were before anything else was drawn.
    box: Callable[[], tuple[int, int, int, int]]  # x, y, width, height; looked for when needed.


def mask_id(file: str) -> str:
    """Return the id of the mask that a frame has from the panoptic file of that key."""
    return f"panoptic-{file}"


def colour_of(segment_id: int) -> Colour:
    return segment_id & 255, segment_id >> 8 & 255, segment_id >> 16


def id_of(colour: tuple[int, ...]) -> int:
    red, green, blue = colour
    return red + 256 * green + 65536 * blue


def roi_of(segment: Wire, drawn: Drawn, *, mask: str, place: str) -> Wire:
    """Return the ROI of a segment, whose id has been checked."""
    segment_id = segment["id"]
    assert isinstance(segment_id, int)
    if "category_id" not in segment:
        raise FormatError(f"{place} has no category_id")
    category = segment["category_id"]
    label = drawn.categories.label(category)
    if label is None:
        found = a_type(category) if isinstance(category, (list, dict)) else str(category)[:60]
        raise FormatError(f"{place}.category_id is {found}, which no category has")
    roi: Wire = {
        "label": [label],
        "sources": ["default"],
        "mask": {"id": mask, "value": list(colour_of(segment_id))},
        "meta": {"_type": "mask"},
    }
    score = segment.get("score")
    if is_share(score):
        roi["confidence"] = float(score)
    base = _standard(roi, drawn.categories)
    fields = {
        name: value
        for name, value in segment.items()
        if name != "id" and not (name in base and same(base[name], value))
    }
    rest: Wire = {"file": drawn.file, "id": segment_id, "seal": _seal(roi)}
    absent = sorted(name for name in (*base, *_PIXELS) if name not in segment)
    if fields:
        rest["fields"] = fields
    if absent:
        rest["absent"] = absent
    roi["_coco"] = rest
    return roi


def segment_of(roi: Wire, segment_id: int, shape: Shape, categories: Categories) -> Wire:
    """Return the segment of an ROI as it is now, be it from a panoptic file or from elsewhere."""
    rest = mapping(roi.get("_coco"))
    fields, absent = dict(mapping(rest.get("fields"))), set(map(str, sequence(rest.get("absent"))))
    if kind_of(roi) != "mask":
        fields = {name: value for name, value in fields.items() if name not in _OUTLINE}
        absent = set()
    elif not shape.is_same or rest.get("seal") != _seal(roi):
        for name in _PIXELS:
            fields.pop(name, None)
            absent.discard(name)
    if categories.label(fields.get("category_id")) not in labels_of(roi):
        fields.pop("category_id", None)
    score = fields.get("score")
    if is_share(score) and score != roi.get("confidence"):
        del fields["score"]
    segment = {"id": segment_id, **_standard(roi, categories)}
    segment["area"] = shape.area
    if "bbox" not in fields and "bbox" not in absent:
        segment["bbox"] = list(shape.box())
    return {name: value for name, value in segment.items() if name not in absent} | fields


def _standard(roi: Wire, categories: Categories) -> Wire:
    """Return the fields that follow from an ROI without its pixels."""
    fields: Wire = {"iscrowd": 0}
    for label in labels_of(roi):
        category = categories.id_of(label)
        if category is not None:
            fields["category_id"] = category
            break
    if isinstance(roi.get("confidence"), (int, float)):
        fields["score"] = roi["confidence"]
    return fields


def _seal(roi: Wire) -> int:
    mask = mapping(roi.get("mask"))
    return key_hash(pack([mask.get("id"), mask.get("value")]), 0)
