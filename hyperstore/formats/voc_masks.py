"""Segments that masks show, as VOC has them: a box in the XML, and two PNGs of numbers.

In `SegmentationObject` a pixel has the number of its object in the XML, from 1; in
`SegmentationClass` that of its class: VOC's twenty have their own, others follow as they come and
stand in `labelmap.txt`. Masks that came from VOC are copied, with the colours that the version's
legend gives them; beside them and no others, `labelmap.txt` is that legend. 0 is background, 255 is
kept for borders, which nobody drew here.
"""

from functools import cache

from hyperstore.formats.coco_standard import kind_of, labels_of
from hyperstore.formats.combine import Wire, mapping, sequence
from hyperstore.formats.legend import legend_items
from hyperstore.formats.panoptic_map import Shape, colour_of
from hyperstore.formats.panoptic_paint import Item, MaskFiles, Painting, paint
from hyperstore.formats.report import Report
from hyperstore.formats.shapes import corners
from hyperstore.formats.voc_labelmap import HEADING, lines_of

__all__ = ["CLASS", "OBJECT", "Masks", "Segments"]

CLASS, OBJECT = "SegmentationClass", "SegmentationObject"
_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)
_MOST = 254


class Segments:
    """The segments of one frame; `boxes` has an ROI of kind `b2d` for each, by its index.

    Those that no ROI of the frame shows, but the version's legend, have indices below 0.
    """

    def __init__(self, painting: Painting, indices: dict[int, int]) -> None:
        self._painting = painting
        self.boxes: dict[int, Wire] = {}
        self.masks: set[str] = set()
        self._items: dict[int, Item] = {}
        for item, shape in painting.segments:
            index = indices[id(item)]
            self.boxes[index] = _boxed(item.roi, shape)
            self.masks.add(item.mask)
            self._items[index] = item

        self.stuff = [index for index in self.boxes if index < 0]

    def drawn(self, numbers: dict[int, int]) -> bytes | None:
        """Return the PNG of a number for each ROI; None where there are too many of them."""
        if any(number > _MOST for number in numbers.values()):
            return None
        colours: dict[tuple[int, ...], int] = {
            colour_of(self._items[index].id): number for index, number in numbers.items()
        }
        return self._painting.canvas.indexed(colours, _palette())


class Masks:
    """Draws frame after frame, and remembers the numbers of classes."""

    def __init__(self, files: MaskFiles, report: Report, *, legend: object = None) -> None:
        self._files = files
        self._report = report
        self._numbers = {name: number for number, name in enumerate(_CLASSES, 1)}
        self._legend = legend
        self._used = False
        self.copied = False  # Whether masks of classes were copied, which have colours of theirs.

    def segments(self, frame: Wire, place: str) -> Segments | None:
        """Return what the masks of the first source show; None where nobody says so."""
        source = mapping(next(iter(sequence(frame.get("sources"))), {}))
        masks = {mapping(mask).get("id") for mask in sequence(source.get("masks"))}
        if not masks.isdisjoint({CLASS, OBJECT}):
            return None  # They came from VOC, and are given back as they are.
        items: dict[int, Item] = {}
        for index, value in enumerate(sequence(frame.get("rois"))):
            roi = mapping(value)
            on = sequence(roi.get("sources"))
            is_here = not on or source.get("id") in on
            if kind_of(roi) == "mask" and is_here and mapping(roi.get("mask")).get("id") in masks:
                items[index] = Item(roi, f"{place}: rois[{index}]", None)
        explained = legend_items(source, list(items.values()), self._legend, place=place)
        items |= {-number: item for number, item in enumerate(explained, 1)}
        if not items:
            return None
        painting = paint(
            frame,
            list(items.values()),
            mask="",
            files=self._files,
            report=self._report,
            place=place,
        )
        if painting is None or not painting.segments:
            return None
        return Segments(painting, {id(item): index for index, item in items.items()})

    def pngs(self, segments: Segments, numbers: dict[int, int], place: str) -> dict[str, bytes]:
        """Return the PNGs by the names of their folders; `numbers` are the objects' in the XML.

        What only the legend shows is of a class, and no object.
        """
        shown = (*numbers, *segments.stuff)
        classes = {index: self._class_of(segments.boxes[index]) for index in shown}
        found: dict[str, bytes] = {}
        for name, given in ((CLASS, classes), (OBJECT, numbers)):
            if not given:
                continue
            png = segments.drawn(given)
            if png is None:
                self._report.note(f"picture with more than {_MOST} for a {name}, left out", place)
            else:
                found[name] = png
        self._used = self._used or CLASS in found
        return found

    def _class_of(self, roi: Wire) -> int:
        return self._numbers.setdefault(labels_of(roi)[0], len(self._numbers) + 1)

    def labelmap(self) -> str | None:
        """Return which number is which class, should any have been drawn: a line each, from 0."""
        own = lines_of(self._legend, mask=CLASS, report=self._report) if self.copied else []
        if not self._used:
            return "\n".join([*HEADING, *own]) if own else None
        if own:
            self._report.note("legend of copied masks, left out of labelmap.txt beside drawn ones")
        palette = _palette()
        lines = [HEADING[0]]
        for number, name in enumerate(["background", *self._numbers][: _MOST + 1]):
            if ":" in name or name.splitlines() != [name]:
                self._report.note("label that labelmap.txt cannot hold, named by its number", name)
                name = f"class {number}"
            red, green, blue = palette[3 * number : 3 * number + 3]
            lines.append(f"{name}:{red},{green},{blue}::")
        return "\n".join(lines)


def _boxed(roi: Wire, shape: Shape) -> Wire:
    """Return the ROI as a box around its pixels."""
    meta = mapping(roi.get("meta")) | {"_type": "b2d"}
    boxed = {name: value for name, value in roi.items() if name != "mask"}
    return boxed | {"poly": corners(shape.box()), "meta": meta}


@cache
def _palette() -> bytes:
    """Return VOC's colours: the bits of a number, dealt out to red, green and blue in turn."""
    colours = bytearray()
    for number in range(256):
        for band in range(3):
            value = 0
            for place in range(8):
                value |= (number >> (3 * place + band) & 1) << (7 - place)
            colours.append(value)
    return bytes(colours)
