"""Segments that no ROI shows, but a colour of a mask, which the legend of the version explains."""

from collections.abc import Container, Iterable

from hyperstore.formats.combine import Wire, mapping, sequence
from hyperstore.formats.panoptic_paint import Item
from hyperstore.formats.shapes import numbers
from hyperstore.frames.legend import Colour, legend_of

__all__ = ["legend_items"]


def legend_items(
    source: Wire,
    items: Iterable[Item],
    legend: object,
    *,
    place: str,
    without: Container[str] = (),
) -> list[Item]:
    """Return an ROI for each colour of each mask of a source that the legend gives a label.

    Not for a colour that one of the `items` shows, nor of the masks in `without`. `legend` is what
    the metadata of the version has as `mask_labels`. Colours that the mask has not become nothing.
    """
    if not isinstance(legend, dict):
        return []
    shown = {_colour_in(item.roi) for item in items}
    found: list[Item] = []
    for mask in sequence(source.get("masks")):
        name = str(mapping(mask).get("id"))
        if name in without:
            continue
        for colour, labels in legend_of(legend, name).items():
            if labels and len(colour) == 3 and (name, colour) not in shown:
                roi: Wire = {
                    "label": list(labels),
                    "mask": {"id": name, "value": list(colour)},
                    "meta": {"_type": "mask"},
                }
                found.append(Item(roi, f"{place}: mask {name!a}", None, is_legend=True))
    return found


def _colour_in(roi: Wire) -> tuple[str, Colour]:
    mask = mapping(roi.get("mask"))
    value = tuple(int(one) for one in numbers(mask.get("value")) or [])
    return str(mask.get("id")), value * 3 if len(value) == 1 else value
