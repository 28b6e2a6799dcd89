"""The segments of one frame: which ROIs they are, their ids, and the PNG that shows them.

Pixels belong to one segment each, so what overlaps is painted in this order, the last on top:
first what masks show, in the order of the ROIs; then outlines (polygons, boxes, ellipses, run
lengths), crowds before single things and larger ones before smaller ones, so that nothing small
vanishes under what is large; equal ones in the order of the ROIs.

A segment that came with an id keeps it. One of a mask has the id of its colour there where that is
free; the others take free ids, far from each other, so that an eye can tell the colours apart.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from hyperstore.errors import FormatError
from hyperstore.formats.coco_standard import kind_of, seal_of
from hyperstore.formats.combine import Wire, mapping, sequence
from hyperstore.formats.panoptic_map import SEGMENT_ID_MAX, Shape, colour_of, id_of
from hyperstore.formats.report import Report
from hyperstore.formats.shapes import Number, ellipse_outline, numbers, parts_of
from hyperstore.frames.raster import drawn
from hyperstore.frames.rle import Rle, from_counts
from hyperstore.media.canvas import Canvas
from hyperstore.media.masks import Colour, MaskPicture, read_mask

__all__ = ["Item", "MaskFiles", "Painting", "paint"]

_SPREAD = 0x9E3779B1  # Odd, so that its multiples meet every id before any comes twice.


@dataclass(frozen=True, slots=True)
class MaskFiles:
    """How masks are read: `fetch` gives the path of a URI's file, larger ones are refused."""

    fetch: Callable[[str], str]
    pixels_max: int

    def read(self, uri: str) -> MaskPicture:
        return read_mask(self.fetch(uri), pixels_max=self.pixels_max)


@dataclass(slots=True)
class Item:
    """An ROI that may become a segment; `given` is the id that it came with from this file."""

    roi: Wire
    place: str
    given: int | None
    is_legend: bool = False  # Shown by no ROI of the frame: only if the mask has its colour.
    id: int = 0
    mask: str = ""
    colour: tuple[int, ...] = ()
    outline: Rle | None = None
    area: int = 0  # Of its own, before anything covers it.


@dataclass(slots=True)
class Painting:
    """What was painted."""

    canvas: Canvas
    segments: list[tuple[Item, Shape]] = field(default_factory=list)


def paint(
    frame: Wire,
    items: list[Item],
    *,
    mask: str,
    files: MaskFiles,
    report: Report,
    place: str,
) -> Painting | None:
    """Paint the items; None where nobody knows how large the picture is.

    `mask` is the id of the mask that the frame's segments came with, "" for none.
    """
    source = mapping(next(iter(sequence(frame.get("sources"))), {}))
    uris = {
        str(mapping(mask).get("id")): str(mapping(mask).get("uri"))
        for mask in sequence(source.get("masks"))
    }
    masks = {
        name: files.read(uris[name])
        for name in dict.fromkeys([mask, *(_mask_of(item.roi) for item in items)])
        if name in uris
    }
    size = _size(source, masks, place)
    if size is None:
        report.note("frame of unknown size, left without segments", place)
        return None
    canvas = Canvas(*size, pixels_max=files.pixels_max)
    pixels = {name: shown.colours() for name, shown in masks.items()}
    items = [item for item in items if _shaped(item, pixels, size, report)]
    _number(items, report)
    for name, shown in masks.items():
        colours = {item.colour: colour_of(item.id) for item in items if item.mask == name}
        canvas.lay_mask(shown, colours)
    for item in sorted(items, key=_depth):
        if item.outline is not None:
            canvas.lay(item.outline, colour_of(item.id))
    return _painting(canvas, items, report)


def _painting(canvas: Canvas, items: list[Item], report: Report) -> Painting:
    pixels = canvas.colours()
    painting = Painting(canvas)
    for item in items:
        colour = colour_of(item.id)
        area = pixels.get(colour, 0)
        is_same = item.outline is None and area == item.area
        if not area and not (is_same and item.given is not None):
            report.note("segment without a pixel, left out", item.place)
            continue
        if item.area > area:
            report.note("segment that others cover in part", item.place)
        painting.segments.append((item, Shape(area, is_same, partial(canvas.box, colour))))
    return painting


def _depth(item: Item) -> tuple[bool, int]:
    fields = mapping(mapping(item.roi.get("_coco")).get("fields"))
    return fields.get("iscrowd") != 1, -item.area


def _size(source: Wire, masks: dict[str, MaskPicture], place: str) -> tuple[int, int] | None:
    width, height = source.get("width"), source.get("height")
    known = (width, height) if isinstance(width, int) and isinstance(height, int) else None
    for name, mask in masks.items():
        known = known or mask.size
        if mask.size != known:
            raise FormatError(
                f"{place}: the mask {name!a} is {mask.size[0]} x {mask.size[1]} pixels, where"
                f" {known[0]} x {known[1]} are wanted"
            )
    return known if known is None or all(known) else None


def _mask_of(roi: Wire) -> str:
    return str(mapping(roi.get("mask")).get("id")) if kind_of(roi) == "mask" else ""


def _shaped(
    item: Item, pixels: dict[str, dict[Colour, int]], size: tuple[int, int], report: Report
) -> bool:
    """Find the pixels of an ROI; False, and a note, where there are none to find."""
    roi, kind = item.roi, kind_of(item.roi)
    if kind == "mask":
        value = numbers(mapping(roi.get("mask")).get("value")) or []
        colour = tuple(int(one) for one in value) * (3 if len(value) == 1 else 1)
        item.mask, item.colour = _mask_of(roi), colour
        if item.mask not in pixels or len(colour) != 3 or any(one < 0 for one in colour):
            report.note("ROI of a mask that the frame has not, left out", item.place)
            return False
        item.area = pixels[item.mask].get(colour, 0)
        return item.area > 0 or not item.is_legend
    rle = _rle_of(roi, size)
    if rle is None:
        outlines = _outlines(kind, numbers(roi.get("poly")) or [])
        if outlines is None:
            what = "label of the whole frame" if kind == "im" else f"ROI of kind {kind}"
            report.note(f"{what}, which has no pixels and is left out", item.place)
            return False
        rings = [list(zip(part[::2], part[1::2], strict=True)) for part in outlines]
        rle = drawn(rings, height=size[1], width=size[0])
    item.outline, item.area = rle, rle.area
    return True


def _rle_of(roi: Wire, size: tuple[int, int]) -> Rle | None:
    """Return the run lengths that a box came with, while they still fit it."""
    kept = mapping(roi.get("_coco"))
    segmentation = mapping(kept.get("fields")).get("segmentation")
    if not isinstance(segmentation, dict) or kept.get("seal") != seal_of(roi):
        return None
    try:
        rle = from_counts(segmentation.get("size"), segmentation.get("counts"))
    except FormatError:
        return None
    return rle if (rle.width, rle.height) == size else None


def _outlines(kind: str, poly: list[Number]) -> list[list[Number]] | None:
    if kind == "elp" and len(poly) == 5:
        return [ellipse_outline(poly)]
    parts = parts_of(poly) if kind in ("b2d", "p2d") else []
    return parts if parts and all(part and len(part) % 2 == 0 for part in parts) else None


def _number(items: list[Item], report: Report) -> None:
    """Give each segment its id; no two have one, and none has that of black."""
    taken: set[int] = set()
    for item in items:
        if item.given is not None and item.given not in taken:
            item.id = item.given
            taken.add(item.id)
    step = 0
    for item in items:
        if item.id:
            continue
        if item.given is not None:
            report.note("copied segment, exported under a new id", item.place)
        elif item.colour and max(item.colour) <= 255:
            item.id = id_of(item.colour) if id_of(item.colour) not in taken else 0
        while not item.id or item.id in taken:
            step += 1
            item.id = step * _SPREAD & SEGMENT_ID_MAX
        taken.add(item.id)
