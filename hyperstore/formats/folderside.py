"""JSON files beside pictures, and the legend of masks: what they may say, and nothing else.

A side file is one object with any of

    metadata     (or meta)         a map, which becomes the frame's
    annotations  (or rois)         ROIs in the wire form, as `hyperstore ls --json` writes them
    labels                         words for the whole frame: one ROI without a shape
    context_id, timestamp          of the frame
    width, height                  those of the picture, or the file is of another one

A legend says what the colours of masks mean: `{"255,0,0": ["cell"], "#00ff00": "wall"}`, or
`[{"value": [255, 0, 0], "labels": ["cell"]}]`. One wrong key or value is one error that names it.
"""

import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import cast

from hyperstore.codec import encode
from hyperstore.errors import (
    FormatError,
    FrameError,
    MediaError,
    NotFoundError,
    UsageError,
    a_type,
    nearest,
)
from hyperstore.formats.wirefile import read_frames
from hyperstore.frames.prepare import prepare
from hyperstore.frames.roots import NO_ROOTS
from hyperstore.limits import SIDE_BYTES_MAX
from hyperstore.media.rawfile import open_regular, reading

__all__ = ["Legend", "Side", "read_legend", "read_side"]

Legend = dict[tuple[int, ...], list[str]]
_Wire = dict[str, object]

_OTHER_NAMES = {"meta": "metadata", "rois": "annotations"}
_KEYS = ("annotations", "context_id", "height", "labels", "metadata", "timestamp", "width")
_COLOUR = re.compile(r"\(?\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)?")
_HEX = re.compile(r"#?([0-9A-Fa-f]{6})")


@dataclass(slots=True)
class Side:
    """What a side file says of a frame, in the wire form."""

    name: str  # The file's, for messages.
    sha256: str
    meta: _Wire
    rois: list[_Wire]
    context_id: str | None = None
    timestamp: int | None = None
    width: int | None = None
    height: int | None = None

    def said(self) -> _Wire:
        """Return what a frame remembers of it, to be the base where it has changed."""
        said: _Wire = {"meta": self.meta, "rois": self.rois, "sha256": self.sha256}
        if self.context_id is not None:
            said["context_id"] = self.context_id
        if self.timestamp is not None:
            said["timestamp"] = self.timestamp
        return said


def read_side(path: Path, name: str, sha256: str, *, member: str | None = None) -> Side:
    """Read a side file whose bytes have this hash; FormatError names the file and the key.

    With `member` its ROIs are of that member of a group, unless they say of which they are.
    """
    try:
        data = _bytes_of(path, name)
    except NotFoundError as error:
        raise FormatError(f"{error} any more; add the folder again") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise FormatError(f"{name} changed while it was read; add the folder again")
    found = list(islice(read_frames(io.BytesIO(data), name), 2))
    if len(found) != 1 or found[0].index is not None:
        raise FormatError(f"{name} holds no single JSON object, as a side file does")
    said: _Wire = {}
    for key, value in found[0].wire.items():
        known = _OTHER_NAMES.get(key, key)
        if known not in _KEYS:
            close = nearest(key, [*_KEYS, *_OTHER_NAMES], 3)
            raise FormatError(f"{name}: a side file has no key {key[:80]!a}; the closest: {close}")
        if known in said:
            raise FormatError(f"{name}: {known!a} and {key!a} are two names of one key")
        said[known] = value
    rois = _list_of(said, "annotations", name)
    labels = _labels(said.get("labels", []), f"{name}: labels")
    if labels:
        rois.append({"label": labels})
    side = Side(name, sha256, _map_of(said, "metadata", name), rois)
    side.context_id = cast("str | None", said.get("context_id"))
    side.timestamp = cast("int | None", said.get("timestamp"))
    for key in ("width", "height"):
        number = said.get(key)
        if number is not None and (type(number) is not int or number <= 0):
            raise FormatError(f"{name}: {key} is a whole number of pixels, not {number!a:.60}")
        setattr(side, key, number)
    if member is not None:
        for roi in rois:
            roi.setdefault("sources", [member])
    _check(side, "rois" if "rois" in found[0].wire else "annotations")
    return side


def read_legend(path: Path) -> Legend:
    """Read a legend; FormatError names the entry that is none."""
    name = str(path)
    found = list(read_frames(io.BytesIO(_bytes_of(path, name)), name))
    legend: Legend = {}
    if len(found) == 1 and found[0].index is None:
        entries = [(key, _colour_of(key, name), value) for key, value in found[0].wire.items()]
    else:
        entries = [_entry(one.wire, f"{name}: item [{at}]") for at, one in enumerate(found)]
    for key, colour, labels in entries:
        if colour in legend:
            raise FormatError(f"{name}: the colour {key!a} stands twice in the legend")
        given = [labels] if isinstance(labels, str) else labels
        legend[colour] = _labels(given, f"{name}: {key!a}")
        if not legend[colour]:
            raise FormatError(f"{name}: {key!a} has no label")
    if not legend:
        raise FormatError(f"{name}: the legend is empty")
    return legend


def _entry(wire: Mapping[str, object], place: str) -> tuple[str, tuple[int, ...], object]:
    for key in wire:
        if key not in ("labels", "value"):
            raise FormatError(f"{place}: an entry has `value` and `labels`, no {key[:80]!a}")
    value = wire.get("value")
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 3 or not all(type(one) is int and 0 <= one <= 255 for one in numbers):
        raise FormatError(f"{place}: `value` is [red, green, blue], from 0 to 255, not {value!a}")
    return str(numbers), tuple(numbers), wire.get("labels", [])


def _colour_of(key: str, name: str) -> tuple[int, ...]:
    digits = _HEX.fullmatch(key)
    if digits is not None:
        return tuple(bytes.fromhex(digits[1]))
    parts = _COLOUR.fullmatch(key)
    colour = () if parts is None else tuple(int(one) for one in parts.groups())
    if not colour or max(colour) > 255:
        raise FormatError(
            f"{name}: {key[:80]!a} is no colour; write '255,0,0' or '#ff0000', from 0 to 255"
        )
    return colour


def _bytes_of(path: Path, name: str) -> bytes:
    try:
        with open_regular(path, name) as file, reading(name):
            data = file.read(SIDE_BYTES_MAX + 1)
    except MediaError as error:
        raise FormatError(str(error)) from None
    if len(data) > SIDE_BYTES_MAX:
        raise FormatError(f"{name} is larger than {SIDE_BYTES_MAX:,} bytes")
    return data


def _map_of(said: _Wire, key: str, name: str) -> _Wire:
    value = said.get(key, {})
    if not isinstance(value, dict):
        raise FormatError(f"{name}: {key} is a map, not {a_type(value)}")
    return value


def _list_of(said: _Wire, key: str, name: str) -> list[_Wire]:
    value = said.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise FormatError(f"{name}: {key} is a list of ROIs, each a map, not {value!a:.60}")
    return list(value)


def _labels(value: object, place: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise FormatError(f"{place}: labels are a list of words, not {value!a:.60}")
    return list(value)


def _check(side: Side, rois_key: str) -> None:
    """Raise FormatError where a frame that says this could not be stored."""
    members = {"default"}
    for roi in side.rois:
        named = roi.get("sources")
        members.update(one for one in named or () if isinstance(one, str)) if isinstance(
            named, list
        ) else None
    wire: _Wire = {
        "id": "side",
        "context_id": side.context_id,
        "timestamp": side.timestamp,
        "meta": side.meta,
        "rois": side.rois,
        "sources": [{"id": one, "uri": f"side://{one}"} for one in sorted(members)],
    }
    try:
        prepare(wire, roots=NO_ROOTS)
        encode(side.said(), what=side.name)
    except FrameError as error:
        path = error.path.replace("rois", rois_key, 1).replace("meta", "metadata", 1)
        said = str(error).removeprefix(f"{error.path}: ")
        raise FormatError(
            f"{side.name}: {path}: {said}" if path else f"{side.name}: {said}"
        ) from None
    except UsageError as error:
        raise FormatError(f"{side.name}: {error}") from None
