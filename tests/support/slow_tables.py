"""A slow twin of the tables: rows as plain dicts, by walking what `to_dict` says of each frame."""

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

from hyperstore import HyperstoreError, SingleFrame
from hyperstore.dataset.view import Frame
from hyperstore.limits import POLY_SENTINEL

__all__ = ["meta_values", "slow_rows"]

Row = dict[str, Any]
_REST = ("meta", "meta_blob", "blob", "_kind")
_PARTS = ("preview", "masks", "meta")
_SPACE = {"p3d", "k3d", "b3d"}


def slow_rows(frames: Iterable[Frame], table: str) -> list[Row]:
    """Return the fixed columns of a table, those of JSON as the values that the text stands for."""
    rows: list[Row] = []
    for position, frame in enumerate(frames):
        wire: Row = frame.to_dict()
        place = {"frame_id": frame.id, "frame_position": position}
        if table == "frames":
            rows.append(_frame(frame, wire, position))
        elif table == "sources":
            rows += [place | _source(one, at) for at, one in enumerate(wire["sources"])]
        elif table == "rois":
            areas = [_area(one) for one in wire.get("rois", [])]
            rows += [
                place | _roi(one, at) | {"area": areas[at]}
                for at, one in enumerate(wire.get("rois", []))
            ]
        elif table == "labels":
            rows += [
                place
                | {"roi_position": at, "position": place_in, "label": label}
                | {"confidence": roi.get("confidence")}
                for at, roi in enumerate(wire.get("rois", []))
                for place_in, label in enumerate(roi["label"])
            ]
        else:
            rows += [place | one for one in _metadata(wire)]
    return rows


def meta_values(wire: Row) -> dict[str, object]:
    """Return what a map of metadata holds, by path with dots; maps that hold something are left."""
    return dict(_leaves(wire.get("meta", {}), ()))


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, held in value.items():
        if isinstance(held, dict) and held:
            yield from _leaves(held, (*path, name))
        else:
            yield ".".join((*path, name)), held


def _frame(frame: Frame, wire: Row, position: int) -> Row:
    rois, first = wire.get("rois", []), wire["sources"][0]
    known = [*("id", "context_id", "timestamp", "sources", "rois"), *_REST]
    said = {} if "timestamp" not in wire else {"timestamp": wire["timestamp"]}
    return {
        "position": position,
        "id": frame.id,
        "object_id": frame.object_id.hex() if frame.object_id else None,
        "kind": "frame" if type(frame).__name__ == "SingleFrame" else "group",
        "context_id": wire.get("context_id", first["uri"]),
        "timestamp": said.get("timestamp", first.get("timestamp", 0)),
        "dataset_id": frame.origin["dataset_id"],
        "dataset": frame.origin["dataset_name"],
        "version_id": frame.origin["version_id"],
        "version": frame.origin["version_name"],
        "commit": None,
        "uri": first["uri"],
        "width": first.get("width"),
        "height": first.get("height"),
        "source_count": len(wire["sources"]),
        "roi_count": len(rois),
        "labels": list(dict.fromkeys(label for roi in rois for label in roi["label"])),
        "meta_json": wire.get("meta"),
        "meta_blob_json": wire.get("meta_blob"),
        "blob": wire.get("blob"),
        "extra_json": {key: held for key, held in wire.items() if key not in known} or None,
    }


def _source(source: Row, at: int) -> Row:
    known = [*("id", "uri", "content_type", "width", "height", "timestamp"), *_PARTS]
    return {
        "position": at,
        **{name: source.get(name) for name in known[:6]},
        "preview_uri": source.get("preview", {}).get("uri"),
        "mask_ids": [mask["id"] for mask in source.get("masks", [])],
        "mask_uris": [mask["uri"] for mask in source.get("masks", [])],
        "preview_json": source.get("preview"),
        "masks_json": source.get("masks"),
        "meta_json": source.get("meta"),
        "extra_json": {key: held for key, held in source.items() if key not in known} or None,
    }


def _roi(roi: Row, at: int) -> Row:
    known = ["id", "label", "confidence", "poly", "sources", "mask", "meta"]
    meta = dict(roi.get("meta", {}))
    kind, tie = meta.pop("_type", None), meta.pop("_id", None)
    box = _box(kind, roi.get("poly"))
    return {
        "position": at,
        "id": roi["id"],
        "label": roi["label"][0],
        "labels": roi["label"],
        "confidence": roi.get("confidence"),
        "kind": kind or ("p2d" if "poly" in roi else "mask" if "mask" in roi else "im"),
        "annotation_id": None if tie is None else str(tie),
        **dict(zip(("bbox_x", "bbox_y", "bbox_w", "bbox_h"), box, strict=True)),
        "poly": None if "poly" not in roi else [float(one) for one in roi["poly"]],
        "sources": roi.get("sources"),
        "mask_id": roi.get("mask", {}).get("id"),
        "mask_value": [float(one) for one in roi["mask"]["value"]] if "mask" in roi else None,
        "meta_json": meta or None,
        "extra_json": {key: held for key, held in roi.items() if key not in known} or None,
    }


def _area(roi: Row) -> float | None:
    """Return what the annotation of an ROI says, in a frame that has no other."""
    alone = {name: held for name, held in roi.items() if name != "sources"}
    made = SingleFrame.from_dict({"sources": [{"id": "default", "uri": "a"}], "rois": [alone]})
    try:
        return made.annotations[0].area
    except (HyperstoreError, OverflowError):
        return None


def _box(kind: str | None, poly: list[float] | None) -> tuple[Any, Any, Any, Any]:
    if not poly or kind in _SPACE or kind not in {None, "p2d", "k2d", "b2d", "elp"}:
        return None, None, None, None
    if kind == "elp":
        x, y, rx, ry, angle = poly
        turns = [math.tau * at / 20_000 for at in range(20_000)]
        around = [(rx * math.cos(one), ry * math.sin(one)) for one in turns]
        cos, sin = math.cos(angle), math.sin(angle)
        xs = [x + u * cos - v * sin for u, v in around]
        ys = [y + u * sin + v * cos for u, v in around]
    else:
        parts: list[list[float]] = [[]]
        for number in poly:
            if number == POLY_SENTINEL:
                parts.append([])
            else:
                parts[-1].append(number)
        xs = [number for part in parts for number in part[0::2]]
        ys = [number for part in parts for number in part[1::2]]
    left, top = min(xs), min(ys)
    return left, top, max(xs) - left, max(ys) - top


def _metadata(wire: Row) -> Iterator[Row]:
    held: list[tuple[str, int, Row]] = [("frame", 0, wire)]
    held += [("source", at, one) for at, one in enumerate(wire["sources"])]
    held += [("roi", at, one) for at, one in enumerate(wire.get("rois", []))]
    for holder, at, one in held:
        for path, value in _leaves(one.get("meta", {}), ()):
            if holder == "roi" and path in ("_type", "_id"):
                continue
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            yield {
                "holder": holder,
                "position": at,
                "path": path,
                "type": _type(value),
                "text": value if isinstance(value, str) else None,
                "number": float(value) if is_number else None,
                "boolean": value if isinstance(value, bool) else None,
                "json": json.dumps(value),
            }


def _type(value: object) -> str:
    for kind, name in ((bool, "boolean"), (str, "string"), (list, "list"), (dict, "map")):
        if isinstance(value, kind):
            return name
    return "null" if value is None else "number"
