"""Frames from rows of tables that others wrote, or that somebody edited: by the names of columns.

What is looked for are the columns of the tables `frames`, `sources` and `rois`. A row needs an
address: `uri`, or `sources` with one each. Metadata is `meta_json`, or else the struct `meta`.
"""

import json
from collections.abc import Mapping

from hyperstore.errors import FormatError
from hyperstore.formats.combine import Wire, mapping, sequence
from hyperstore.formats.report import Report
from hyperstore.formats.shapes import corners, numbers

__all__ = ["frame_of_row"]

_FRAME = ("id", "context_id", "timestamp", "blob")
_SOURCE = ("uri", "content_type", "width", "height", "timestamp")
_KNOWN = frozenset(
    {*_FRAME, *_SOURCE, "frame_id", "position", "object_id", "kind", "dataset_id", "dataset"}
    | {"version_id", "version", "commit", "source_count", "roi_count", "labels", "meta"}
    | {"meta_json", "meta_blob_json", "extra_json", "sources", "rois"}
)


def frame_of_row(row: Mapping[str, object], place: str, report: Report) -> Wire:
    """Return the wire frame of one row; FormatError where it has no address."""
    wire: Wire = _json_of(row, "extra_json", place)
    wire |= {name: row[name] for name in _FRAME if row.get(name) is not None}
    if "id" not in wire and row.get("frame_id") is not None:
        wire["id"] = row["frame_id"]
    if row.get("kind") == "group":
        wire["_kind"] = "group"
    sources = [_source(mapping(one), place) for one in sequence(row.get("sources"))]
    if not sources:
        if row.get("uri") is None:
            raise FormatError(
                f"{place} has no column `uri` or `sources`, so it is no frame; there are "
                f"{', '.join(list(row)[:20])}"
            )
        # The frame's own timestamp is in the row.
        first = {name: row[name] for name in _SOURCE[:-1] if row.get(name) is not None}
        sources = [{"id": "default"} | first]
    wire["sources"] = sources
    _drop_implied(wire, sources[0])
    rois = [_roi(mapping(one), place, report) for one in sequence(row.get("rois"))]
    if rois:
        wire["rois"] = rois
    meta = _meta(row, place)
    if meta:
        wire["meta"] = meta
    blob = _json_of(row, "meta_blob_json", place)
    if blob:
        wire["meta_blob"] = blob
    for name in row.keys() - _KNOWN:
        if row[name] is not None:
            report.note(f"column {name[:80]!a}, left out", place)
    return wire


def _drop_implied(wire: Wire, first: Wire) -> None:
    """Leave out a context that follows from the first source, and then such a time.

    The columns have both for every frame, and the order of frames is the same either way.
    """
    if wire.get("context_id") != first.get("uri"):
        return
    wire.pop("context_id", None)
    if wire.get("timestamp") == (first.get("timestamp") or 0):
        wire.pop("timestamp", None)


def _source(row: Mapping[str, object], place: str) -> Wire:
    wire: Wire = _json_of(row, "extra_json", place) | {"id": row.get("id") or "default"}
    wire |= {name: row[name] for name in _SOURCE if row.get(name) is not None}
    preview = _json_of(row, "preview_json", place)
    if "preview_uri" in row:  # What was edited, or taken away, in this column holds.
        uri = row["preview_uri"]
        preview = {} if uri is None else preview | {"uri": uri}
    if preview:
        wire["preview"] = preview
    masks = _masks(row, place)
    if masks:
        wire["masks"] = masks
    meta = _meta(row, place)
    return wire | ({"meta": meta} if meta else {})


def _masks(row: Mapping[str, object], place: str) -> list[Wire]:
    """Return the masks of a source: those of `mask_ids`, with what `masks_json` has beside."""
    told = [mapping(one) for one in sequence(_read_json(row, "masks_json", place))]
    if "mask_ids" not in row:
        return [dict(one) for one in told]
    known = {one.get("id"): one for one in told}
    pairs = zip(sequence(row["mask_ids"]), sequence(row.get("mask_uris")), strict=False)
    return [{**known.get(name, {}), "id": name, "uri": uri} for name, uri in pairs]


def _roi(row: Mapping[str, object], place: str, report: Report) -> Wire:
    wire: Wire = _json_of(row, "extra_json", place)
    label = row.get("label")
    wire["label"] = sequence(row.get("labels")) or ([label] if isinstance(label, str) else [])
    for name in ("id", "confidence"):
        if row.get(name) is not None:
            wire[name] = row[name]
    if row.get("sources"):
        wire["sources"] = row["sources"]
    meta = _meta(row, place)
    kind = row.get("kind")
    poly = numbers(row.get("poly"))
    if poly is None:
        box = numbers([row.get(f"bbox_{side}") for side in "xywh"])
        if box is not None:
            poly, kind = corners(box), kind or "b2d"
    if poly:
        wire["poly"] = poly
    if kind is not None:
        meta["_type"] = kind
    annotation = row.get("annotation_id")
    if annotation is not None:
        meta["_id"] = annotation
        if isinstance(annotation, str) and annotation.isdecimal():
            report.note("number in the column annotation_id, read as text", place)
    if meta:
        wire["meta"] = meta
    value = numbers(row.get("mask_value"))
    if value is not None:
        wire["mask"] = {"id": row.get("mask_id") or "00", "value": list(map(_whole, value))}
    if not wire["label"]:
        report.note("ROI without a label", place)
        wire["label"] = [""]
    return wire


def _whole(number: int | float) -> int | float:
    return int(number) if number == int(number) else number


def _meta(row: Mapping[str, object], place: str) -> Wire:
    if row.get("meta_json") is not None:
        return _json_of(row, "meta_json", place)
    return _present(mapping(row.get("meta")))


def _present(meta: Mapping[str, object]) -> Wire:
    """Return a struct as a map: what a row has not is null in it."""
    found: Wire = {}
    for name, value in meta.items():
        held = _present(value) if isinstance(value, dict) else value
        if held is not None and held != {}:
            found[name] = held
    return found


def _json_of(row: Mapping[str, object], name: str, place: str) -> Wire:
    value = _read_json(row, name, place)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise FormatError(f"{place}: its column {name} is no map")
    return value


def _read_json(row: Mapping[str, object], name: str, place: str) -> object:
    text = row.get(name)
    if text is None:
        return None
    try:
        return json.loads(str(text))
    except (ValueError, RecursionError):
        raise FormatError(f"{place}: its column {name} is no JSON") from None
