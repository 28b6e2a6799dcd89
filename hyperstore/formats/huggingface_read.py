"""Datasets of Hugging Face as Parquet to frames: ours, and those of others with pictures and boxes.

The picture is the column that the features call an Image, or else one named so. Its bytes are kept
by whoever reads; a row of ours has the address `uri` too, which stays unless all is to be kept.
`objects` may be a map of lists or a list of maps, with `bbox` as x, y, width, height in pixels and
a category by number, of which the features know the name, or by name. Classes beside the picture
are labels of the whole frame, and all other columns are metadata.
"""

import base64
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

from hyperstore.errors import FormatError, UsageError
from hyperstore.formats.beside import files_in, said_beside
from hyperstore.formats.combine import Wire, mapping, sequence
from hyperstore.formats.hffeatures import classes_of, features_in, is_image
from hyperstore.formats.newmedia import Keep
from hyperstore.formats.parquet import open_parquet, rows_of, translated
from hyperstore.formats.parquet import wire_of as frame_in
from hyperstore.formats.pictures import frame_id, place_of, relative_name
from hyperstore.formats.report import Report
from hyperstore.formats.shapes import corners, numbers

__all__ = ["HuggingFaceFrames", "read"]

_ENDINGS = (".parquet",)
_ROWS = 16  # Read at once: each has a picture.
_IDS = ("id", "frame_id", "image_id")
_IMAGES = ("image", "img", "picture", "photo")
_LABELS = ("label", "labels", "class", "category")
_CATEGORIES = ("category", "categories", "label", "labels", "category_id", "class_id", "class")
_OWN = frozenset({"uri", "meta_json", "width", "height", "context_id", "timestamp", "wire"})


def read(
    paths: Sequence[Path],
    *,
    keep: Keep | None = None,
    keep_all: bool = False,
    report: Report | None = None,
) -> "HuggingFaceFrames":
    """Return the rows of Parquet files, or of folders of them, as frames.

    `keep` takes the pictures that have no address, and with `keep_all` all of them.
    """
    files = files_in(paths, _ENDINGS, what="Parquet files", below=True, may_be_none=False)
    return HuggingFaceFrames(files, said_beside(paths), keep, keep_all, report or Report())


@dataclass(slots=True)
class HuggingFaceFrames:
    """The frames of some files, and what stands beside them of the version."""

    files: list[Path]
    meta: Wire
    keep: Keep | None
    keep_all: bool
    report: Report

    def frames(self) -> Iterator[Wire]:
        """Yield the frames in the wire form, in the order of the rows."""
        for file in self.files:
            with open_parquet(file) as opened, translated(str(file)):
                schema = opened.schema_arrow  # type: ignore[attr-defined]
                reader = _Rows(schema.names, features_in(schema.metadata), file, self)
                for number, row in enumerate(rows_of(opened, str(file), _ROWS), 1):
                    self.report.count("frames")
                    yield reader.frame(row, f"{file}: row {number}", number)


class _Rows:
    """What the columns of one file are."""

    def __init__(
        self, names: Sequence[str], features: Wire, file: Path, source: HuggingFaceFrames
    ) -> None:
        self._file = file
        self._from = source
        self._features = features
        images = [name for name in names if is_image(features.get(name))]
        images += [name for name in names if name.lower() in _IMAGES]
        if not images:
            raise FormatError(f"{file} has no column of pictures; there are {', '.join(names)}")
        self._image = images[0]
        self._id = next((name for name in _IDS if name in names), None)

    def frame(self, row: Wire, place: str, number: int) -> Wire:
        whole = row.get("wire")
        image = row.pop(self._image, None)
        if isinstance(whole, str):
            wire = frame_in(whole, place)
            if self._from.keep_all:
                self._keep_over(wire, image, place)
            return wire
        source = self._source(row, image, place)
        wire = {"sources": [{"id": "default"} | source]}
        wire["id"] = self._id_of(row, image, number)
        for name in ("context_id", "timestamp"):
            if row.get(name) is not None:
                wire[name] = row[name]
        rois, rest = self._rois(row, place)
        if rois:
            wire["rois"] = rois
        meta = self._meta(rest, place)
        if meta:
            wire["meta"] = meta
        return wire

    def _keep_over(self, wire: Wire, image: object, place: str) -> None:
        """Let the first source of a frame name what is kept of its row."""
        first = mapping(next(iter(sequence(wire.get("sources"))), {}))
        data = mapping(image).get("bytes")
        if isinstance(data, bytes) and self._from.keep is not None:
            first["uri"] = self._from.keep(data, place)["uri"]
            self._from.report.count("files")

    def _id_of(self, row: Wire, image: object, number: int) -> str:
        given = row.pop(self._id, None) if self._id is not None else None
        if isinstance(given, (str, int)) and str(given):
            return str(given)
        path = mapping(image).get("path")
        return frame_id(f"{self._file.name}/{path or number}")

    def _source(self, row: Wire, image: object, place: str) -> Wire:
        uri = row.get("uri")
        held = mapping(image)
        data = image if isinstance(image, bytes) else held.get("bytes")
        path = image if isinstance(image, str) else held.get("path")
        sides = {name: row[name] for name in ("width", "height") if type(row.get(name)) is int}
        if isinstance(uri, str) and uri and not self._from.keep_all:
            return {"uri": uri} | sides
        if isinstance(data, bytes):
            if self._from.keep is None:
                raise UsageError(f"{place}: say where its picture is to be kept")
            self._from.report.count("files")
            return self._from.keep(data, place)
        if isinstance(path, str) and path:
            relative, led_out = relative_name(path, images=self._file.parent)
            if led_out:
                said = "picture whose path leads out of its folder; its place was taken inside"
                self._from.report.note(said, place)
            return {"uri": place_of(relative, images=self._file.parent)} | sides
        raise FormatError(f"{place} has no picture")

    def _rois(self, row: Wire, place: str) -> tuple[list[object], Wire]:
        """Return the ROIs of a row, and the columns that say something else."""
        rois: list[object] = []
        rest: Wire = {}
        for name, value in row.items():
            feature = self._features.get(name)
            classes = classes_of(feature)
            listed = _as_maps(value)
            if listed is not None:
                rois += self._objects(listed, feature, place)
            elif value is not None and (classes is not None or name in _LABELS):
                values = value if isinstance(value, list) else [value]
                rois += [{"label": [_named(one, classes)]} for one in values if one is not None]
            else:
                rest[name] = value
        return rois, rest

    def _objects(self, listed: list[Wire], feature: object, place: str) -> list[object]:
        inner = mapping(feature[0] if isinstance(feature, list) and feature else feature)
        inner = mapping(inner.get("feature")) if inner.get("_type") else inner
        rois: list[object] = []
        taken: set[object] = set()
        for item in listed:
            box = numbers(item.get("bbox"))
            if box is None or len(box) != 4:
                self._from.report.note("object without a box of four numbers, left out", place)
                continue
            key = next((one for one in _CATEGORIES if item.get(one) is not None), None)
            label = "" if key is None else _named(item[key], classes_of(inner.get(key)))
            roi: Wire = {"label": [label], "poly": corners(box), "meta": {"_type": "b2d"}}
            given = item.get("id")
            if isinstance(given, (str, int)) and given not in taken:
                taken.add(given)
                roi["id"] = str(given)
            confidence = item.get("confidence", item.get("score"))
            if isinstance(confidence, (int, float)) and 0 <= confidence <= 1:
                roi["confidence"] = confidence
            rois.append(roi)
            self._from.report.count("objects")
        return rois

    def _meta(self, row: Wire, place: str) -> Wire:
        meta: Wire = {}
        text = row.get("meta_json")
        if isinstance(text, str):
            try:
                meta = mapping(json.loads(text))
            except (ValueError, RecursionError):
                raise FormatError(f"{place}: its column meta_json is no JSON") from None
        for name, value in row.items():
            if name in _OWN or value is None:
                continue
            if isinstance(value, bytes):
                self._from.report.note(f"column {name[:80]!a} of bytes, left out", place)
                continue
            meta[name] = _plain(value)
        return meta


def _as_maps(value: object) -> list[Wire] | None:
    """Return objects with boxes as a list of maps, from that or a map of lists; None for others."""
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return [mapping(one) for one in value] if "bbox" in mapping(value[0]) else None
    held = mapping(value)
    if not isinstance(held.get("bbox"), list):
        return None
    lists = {name: one for name, one in held.items() if isinstance(one, list)}
    count = len(sequence(held["bbox"]))
    return [{name: one[at] for name, one in lists.items() if at < len(one)} for at in range(count)]


def _named(value: object, classes: Sequence[str] | None) -> str:
    if classes is not None and type(value) is int and 0 <= value < len(classes):
        return classes[value]
    return value if isinstance(value, str) else str(value)


def _plain(value: object) -> object:
    """Return a value of Arrow as one of a frame's metadata."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(held) for name, held in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
