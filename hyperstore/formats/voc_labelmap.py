"""`labelmap.txt`: what the colours of the PNGs in `SegmentationClass` mean, a line a class.

A line is `label:red,green,blue:parts:actions`. The version's metadata has it as the legend of the
masks of that id, which goes before the legend of all masks. The background, black, is no label.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from hyperstore.formats.combine import Wire, mapping, sequence
from hyperstore.formats.report import Report
from hyperstore.limits import XML_BYTES_MAX

__all__ = ["HEADING", "LABELMAP", "combine_legend", "lines_of", "read_labelmaps"]

LABELMAP = "labelmap.txt"
HEADING = ("# label:color_rgb:parts:actions", "background:0,0,0::")
_KEY = "mask_labels"
_LINE = re.compile(r"([^:]+):([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3}):([^:]*):([^:]*)")


def read_labelmaps(folders: Iterable[Path], report: Report) -> list[Wire]:
    """Return the entries of a legend from the files of that name in the folders, should any be."""
    found: dict[tuple[int, ...], str] = {}
    for folder in folders:
        file = folder / LABELMAP
        if not file.is_file():
            continue
        try:
            with file.open(encoding="utf-8") as stream:
                text = stream.read(XML_BYTES_MAX)
        except (OSError, UnicodeDecodeError):
            report.note("labelmap.txt that cannot be read", str(file))
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                _read(line.strip(), found, report, f"{file}: line {number}")
    return [{"labels": [label], "value": list(colour)} for colour, label in found.items()]


def _read(line: str, found: dict[tuple[int, ...], str], report: Report, place: str) -> None:
    said = _LINE.fullmatch(line)
    colour = () if said is None else tuple(map(int, said.groups()[1:4]))
    if said is None or max(colour) > 255:
        report.note("line of labelmap.txt that gives no label a colour, left out", place)
        return
    if said[5] or said[6]:
        report.note("parts and actions of labelmap.txt, left out", place)
    if any(colour) and found.setdefault(colour, said[1]) != said[1]:
        report.note("colour of labelmap.txt that has two labels (the first counts)", place)


def combine_legend(existing: Mapping[str, object], entries: list[Wire], *, mask: str) -> Wire:
    """Return a version's metadata with the legend of a mask, should it have none yet."""
    legends = mapping(existing.get(_KEY))
    if legends.get(mask):
        return dict(existing)
    return {**existing, _KEY: {**legends, mask: entries}}


def lines_of(legend: object, *, mask: str, report: Report) -> list[str]:
    """Return the lines of a legend of a mask; none where it has no legend of its own."""
    lines: list[str] = []
    for item in sequence(mapping(legend).get(mask)):
        labels, value = sequence(mapping(item).get("labels")), sequence(mapping(item).get("value"))
        line = f"{labels[0] if labels else ''}:{','.join(map(str, value))}::"
        if _LINE.fullmatch(line) is None or len(line.splitlines()) > 1:
            report.note("colour of the legend that labelmap.txt cannot hold, left out", line)
        else:
            lines.append(line)
    return lines
