"""Pascal VOC to frames: one XML file a picture, one `b2d` an object.

VOC counts pixels from 1 and both edges belong to the box; ours are distances from the corner of
the picture. The pixels xmin to xmax are the stretch from xmin - 1 to xmax, so
x, y, width, height = xmin - 1, ymin - 1, xmax - xmin + 1, ymax - ymin + 1. (Files of other makers
often count from 0, or leave the last pixel out; nothing in them says so.)

What ours has no place for is kept in `_voc`: of the picture everything beside its objects, and
`sets`, the lists of `ImageSets` that name it; of an object its pose, flags, parts and all else, in
`fields`. Flags are numbers, other texts stay texts. An object without a box is kept, and counted.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from hyperstore.errors import FormatError, NotFoundError
from hyperstore.formats.combine import Partial, Wire, described, file_key, file_name
from hyperstore.formats.pictures import frame_id, place_of, relative_name
from hyperstore.formats.report import Report
from hyperstore.formats.shapes import Number, corners
from hyperstore.formats.xmltree import Element, parse
from hyperstore.limits import COORDINATE_MAX, XML_BYTES_MAX

__all__ = ["read"]

_WHOLE = re.compile(r"[+-]?[0-9]{1,16}")
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_FLAGS = frozenset({"truncated", "difficult", "occluded", "segmented"})
_SAID = frozenset({"name", "bndbox"})


def read(
    path: Path,
    *,
    images: Path | None = None,
    report: Report | None = None,
    seen: dict[str, Path] | None = None,
) -> Iterator[Partial]:
    """Yield what each XML file says, in order of names; reads one file at a time.

    `path` is a dataset (with `Annotations/`), a folder of XML files, or one of them; `images` the
    folder of pictures, `JPEGImages` beside the annotations where it is not given. Pictures need not
    exist. Two files that name one picture are refused; `seen` remembers those of other calls.
    """
    report = Report() if report is None else report
    folder, files = _files(path)
    beside = folder if folder.name != "Annotations" else folder.parent
    pictures = images or next(
        (
            place
            for place in (beside / "JPEGImages", folder.parent / "JPEGImages")
            if place.is_dir()
        ),
        folder,
    )
    sets = _sets(beside / "ImageSets", report)
    seen = {} if seen is None else seen
    for file in files:
        partial = _partial(file, images=pictures, sets=sets, report=report)
        if partial.id in seen:
            raise FormatError(f"{file} and {seen[partial.id]} name one picture")
        seen[partial.id] = file
        report.count("images")
        yield partial


def _files(path: Path) -> tuple[Path, list[Path]]:
    """Return the folder of annotations, and its XML files by name."""
    if path.is_file():
        return path.parent, [path]
    if not path.is_dir():
        raise NotFoundError(f"no folder or file {path}")
    folder = path / "Annotations" if (path / "Annotations").is_dir() else path
    found = [
        Path(place) / name
        for place, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(".xml")
    ]
    if not found:
        raise NotFoundError(f"{folder} holds no XML files")
    return folder, sorted(found)


def _sets(folder: Path, report: Report) -> dict[str, list[str]]:
    """Return picture name -> the lists that name it; lists with a mark a picture are left out."""
    sets: dict[str, list[str]] = {}
    for file in sorted(folder.glob("*/*.txt")):
        try:
            with file.open(encoding="utf-8") as stream:
                lines = stream.read(XML_BYTES_MAX).split("\n")
        except (OSError, UnicodeDecodeError):
            report.note("list of ImageSets that cannot be read", str(file))
            continue
        if any(len(line.split()) > 1 for line in lines):
            report.note("list of one class, left out (it follows from the objects)", str(file))
            continue
        for line in lines:
            if line.strip():
                sets.setdefault(line.strip(), []).append(f"{file.parent.name}/{file.stem}")
    return sets


def _partial(file: Path, *, images: Path, sets: dict[str, list[str]], report: Report) -> Partial:
    root = parse(file)
    if root.name != "annotation":
        raise FormatError(f"{file}: line {root.line}: <{root.name}> is no VOC annotation")
    named = root.child("filename")
    name = named.text if named is not None and named.text else f"{file.stem}.jpg"
    relative, led_out = relative_name(name, images=images)
    if led_out:
        report.note(
            "picture whose name leads out of its folder; its place was taken inside", str(file)
        )
    key = file_key(file_name(file))
    record = root.value(without=frozenset({"object"}))
    record = _flagged(record) if isinstance(record, dict) else {}
    if file.stem in sets:
        record["sets"] = sets[file.stem]
    rois: list[object] = []
    kept: list[object] = []
    objects = [child for child in root.children if child.name == "object"]
    for number, item in enumerate(objects, 1):
        report.count("objects")
        roi = _roi(item, file, number, key)
        if roi is None:
            kept.append({"file": key, "annotation": item.value()})
            report.note("object without a box, kept as it is", f"{file}: line {item.line}")
        else:
            rois.append(roi)
    source: Wire = {"id": "default", "uri": place_of(relative, images=images)}
    source |= _size(root, file, report)
    wire: Wire = {"id": frame_id(relative), "sources": [source]}
    wire["_voc"] = described([(key, record)], kept)
    if rois:
        wire["rois"] = rois
    return Partial(str(wire["id"]), wire, "_voc", (key,), str(file))


def _roi(item: Element, file: Path, number: int, key: str) -> Wire | None:
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
    rest: Wire = {"file": key, "id": number}
    fields = item.value(without=_SAID)
    if isinstance(fields, dict) and fields:
        rest["fields"] = _flagged(fields)
    meta: Wire = {"_type": "b2d"}
    return {"label": [label.text], "sources": ["default"], "poly": poly, "meta": meta, "_voc": rest}


_EDGES = ("xmin", "ymin", "xmax", "ymax")


def _edge(box: Element, side: str, file: Path) -> Number:
    edge = box.child(side)
    if edge is None:
        raise FormatError(f"{file}: line {box.line}: a bndbox without {side}")
    return _number(edge, file)


def _number(element: Element, file: Path) -> Number:
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


def _size(root: Element, file: Path, report: Report) -> Wire:
    """Return what is known of the picture's size; 0 is what some tools write for unknown."""
    sides: Wire = {}
    size = root.child("size")
    for side in ("width", "height"):
        element = None if size is None else size.child(side)
        value = 0 if element is None else _number(element, file)
        if value > 0 and value == int(value):
            sides[side] = int(value)
        else:
            report.note(f"picture of unknown {side}", str(file))
    return sides


def _flagged(fields: Wire) -> Wire:
    return {
        name: int(value) if name in _FLAGS and value in ("0", "1") else value
        for name, value in fields.items()
    }
