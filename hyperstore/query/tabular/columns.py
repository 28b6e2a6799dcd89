"""The tables that frames make, column by column: what each is called, holds, and is made of.

Stable: a column may be added, and none is renamed or comes to mean something else. Coordinates are
source pixels, origin top-left. Timestamps are milliseconds, or whatever whole number orders frames.
Frames stand in the order of iteration, all else in the order of its frame.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hyperstore.frames.geometry import kind_of
from hyperstore.frames.records import (
    FrameRecord,
    RoiRecord,
    WholeRecord,
    count_rois,
)
from hyperstore.query.tabular.boxes import area_of, bounds_of
from hyperstore.query.tabular.metadata import json_text, leaves
from hyperstore.query.tabular.previews import of_masks, part_json, preview_uri
from hyperstore.query.tabular.rows import (
    Batch,
    Column,
    LightFrame,
    LightRoi,
    Record,
    Rows,
    Table,
    attribute,
    json_of,
    of_frames,
    of_items,
)

__all__ = ["TABLES"]


# What the rows of any table say of their frame.


def _home(name: str) -> Callable[[Rows], list[object]]:
    return of_frames(lambda batch, at: getattr(batch.homes[at], name, None))


def _object_id(batch: Batch, at: int) -> str | None:
    found = batch.object_ids[at]
    return None if found is None else found.hex()


def _position(batch: Batch, at: int) -> int:
    return batch.first + at


_FRAME_ID = of_frames(lambda batch, at: batch.records[at].id)
_PLACE = (
    Column("frame_id", "text", "of its frame", _FRAME_ID),
    Column("frame_position", "int", "of its frame, from 0", of_frames(_position)),
)
_AT = Column("position", "int", "in its frame, from 0", lambda rows: list(rows.places))


_META_JSON = Column("meta_json", "text", "all of the metadata, as JSON", json_of("meta"))
_EXTRA_JSON = Column("extra_json", "text", "fields unknown to hyperstore", json_of("extra"))


_LIGHT = frozenset(
    {"id", "frame_id", "frame_position", "position", "dataset_id", "dataset", "version_id"}
    | {"version", "commit"}
)


# Frames.


def _whole(record: object) -> Record:
    assert isinstance(record, (FrameRecord, WholeRecord))
    return record


def _whole_rois_of(record: object) -> Sequence[RoiRecord]:
    assert isinstance(record, WholeRecord)
    return record.rois or ()


def _rois_of(record: object) -> Sequence[RoiRecord | LightRoi]:
    assert isinstance(record, (WholeRecord, LightFrame))
    return record.rois or ()


def _roi_count(item: object) -> int:
    assert isinstance(item, (FrameRecord, WholeRecord, LightFrame))
    if not isinstance(item, FrameRecord):
        return len(item.rois or ())
    return len(count_rois(item.rois, what="ROIs")) if item.rois else 0


def _labels(item: object) -> list[str]:
    return list(dict.fromkeys(label for roi in _rois_of(item) for label in roi.label))


def _context(item: object) -> str:
    assert isinstance(item, (FrameRecord, WholeRecord))
    return item.sources[0].uri if item.context_id is None else item.context_id


def _timestamp(item: object) -> int:
    assert isinstance(item, (FrameRecord, WholeRecord))
    return (item.sources[0].timestamp or 0) if item.timestamp is None else item.timestamp


def _first(name: str) -> Callable[[Rows], list[object]]:
    return lambda rows: [getattr(_whole(one).sources[0], name) for one in rows.batch.records]


def _frame_rows(batch: Batch) -> Rows:
    every = range(len(batch.records))
    return Rows(batch, every, batch.records, every)


_FRAMES = Table(
    "frames",
    "one row a frame",
    (
        Column("position", "int", "in the order of iteration, from 0", of_frames(_position)),
        Column("id", "text", "of the frame", _FRAME_ID),
        Column("object_id", "text", "of its content, 64 hex digits", of_frames(_object_id)),
        Column("kind", "text", "frame or group", attribute("kind")),
        Column("context_id", "text", "or else the URI of its first source", of_items(_context)),
        Column("timestamp", "int", "or else that of its first source, or 0", of_items(_timestamp)),
        Column("dataset_id", "text", "where it was read", _home("dataset_id")),
        Column("dataset", "text", "its name", _home("dataset_name")),
        Column("version_id", "text", "where it was read", _home("version_id")),
        Column("version", "text", "its name", _home("version_name")),
        Column("commit", "text", "null for a draft as it is now", _home("commit")),
        Column("uri", "text", "of the first source", _first("uri")),
        Column("width", "int", "of the first source", _first("width")),
        Column("height", "int", "of the first source", _first("height")),
        Column(
            "source_count",
            "int",
            "of sources",
            lambda rows: [len(_whole(one).sources) for one in rows.batch.records],
        ),
        Column("roi_count", "int", "of ROIs", of_items(_roi_count)),
        Column("labels", "texts", "of its ROIs, each once", of_items(_labels), needs_rois=True),
        _META_JSON,
        Column("meta_blob_json", "text", "as JSON", json_of("meta_blob")),
        Column("blob", "text", "as it is", attribute("blob")),
        _EXTRA_JSON,
    ),
    _frame_rows,
    light=_LIGHT | {"position", "object_id", "roi_count", "labels"},
    metas=lambda record: iter((record.meta,)),
)


# ROIs.


def _roi_rows(batch: Batch) -> Rows:
    owners: list[int] = []
    items: list[object] = []
    places: list[int] = []
    for at, record in enumerate(batch.records):
        rois = _rois_of(record)
        if rois:
            owners += [at] * len(rois)
            places += range(len(rois))
            items += rois
    return Rows(batch, owners, items, places)


def _annotation_id(roi: object) -> str | None:
    assert isinstance(roi, RoiRecord)
    return None if roi.annotation_id is None else str(roi.annotation_id)


def _side(at: int) -> Callable[[Rows], list[object]]:
    def fill(rows: Rows) -> list[object]:
        if not rows.bounds:  # Once for four columns.
            rows.bounds.extend(map(bounds_of, rows.items))
        return [None if one is None else one[at] for one in rows.bounds]

    return fill


def _poly(roi: object) -> list[float] | None:
    assert isinstance(roi, RoiRecord)
    return None if roi.poly is None else list(map(float, roi.poly))


def _mask_value(roi: object) -> list[float] | None:
    assert isinstance(roi, RoiRecord)
    return None if roi.mask is None else list(map(float, roi.mask.value))


def _kind(roi: object) -> str:
    if isinstance(roi, LightRoi):
        return kind_of(roi.kind, has_poly=bool(roi.poly), has_mask=bool(roi.mask))
    assert isinstance(roi, RoiRecord)
    return kind_of(roi.kind, has_poly=roi.poly is not None, has_mask=roi.mask is not None)


def _first_label(roi: object) -> str | None:
    assert isinstance(roi, (RoiRecord, LightRoi))
    return roi.label[0] if roi.label else None


def _mask_id(roi: object) -> str | None:
    assert isinstance(roi, RoiRecord)
    return None if roi.mask is None else roi.mask.id


_ROIS = Table(
    "rois",
    "one row an ROI",
    (
        *_PLACE,
        _AT,
        Column("id", "text", "of the ROI", attribute("id")),
        Column("label", "text", "its first label", of_items(_first_label)),
        Column("labels", "texts", "all of them", attribute("label")),
        Column("confidence", "real", "null where none is given", attribute("confidence")),
        Column("kind", "text", "of shape: b2d, p2d, k2d, elp, mask, im, ...", of_items(_kind)),
        Column(
            "annotation_id", "text", "ties the ROIs of one annotation", of_items(_annotation_id)
        ),
        Column("bbox_x", "real", "left, of the upright box around it", _side(0)),
        Column("bbox_y", "real", "top", _side(1)),
        Column("bbox_w", "real", "width", _side(2)),
        Column("bbox_h", "real", "height", _side(3)),
        Column("area", "real", "in square pixels; null where it has none", of_items(area_of)),
        Column("poly", "reals", "as stored: x, y, x, y, ... of most kinds", of_items(_poly)),
        Column("sources", "texts", "ids of those that it is on", attribute("sources")),
        Column("mask_id", "text", "the mask that shows it", of_items(_mask_id)),
        Column("mask_value", "reals", "its colour there", of_items(_mask_value)),
        _META_JSON,
        _EXTRA_JSON,
    ),
    _roi_rows,
    light=_LIGHT | {"label", "labels", "confidence", "kind"},
    metas=lambda record: (roi.meta for roi in _whole_rois_of(record)),
    needs_rois=True,
)


# Sources.


def _source_rows(batch: Batch) -> Rows:
    pairs = [
        (owner, place, source)
        for owner, record in enumerate(batch.records)
        for place, source in enumerate(_whole(record).sources)
    ]
    return Rows(
        batch, [one[0] for one in pairs], [one[2] for one in pairs], [one[1] for one in pairs]
    )


_SOURCES = Table(
    "sources",
    "one row a source of a frame",
    (
        *_PLACE,
        _AT,
        Column("id", "text", "its name in the frame", attribute("id")),
        Column("uri", "text", "where its bytes are", attribute("uri")),
        Column("content_type", "text", "where it is known", attribute("content_type")),
        Column("width", "int", "in pixels", attribute("width")),
        Column("height", "int", "in pixels", attribute("height")),
        Column("timestamp", "int", "null where none is given", attribute("timestamp")),
        Column("preview_uri", "text", "of its preview", preview_uri),
        Column("mask_ids", "texts", "of its masks", of_masks("id")),
        Column("mask_uris", "texts", "of its masks", of_masks("uri")),
        Column("preview_json", "text", "all of its preview, as JSON", part_json("preview")),
        Column("masks_json", "text", "all of its masks, as JSON", part_json("masks")),
        _META_JSON,
        _EXTRA_JSON,
    ),
    _source_rows,
    metas=lambda record: (source.meta for source in record.sources),
)


# Labels, and metadata key by key.


@dataclass(frozen=True, slots=True)
class _Label:
    roi: int
    text: str
    confidence: float | None


def _label_rows(batch: Batch) -> Rows:
    owners: list[int] = []
    items: list[_Label] = []
    places: list[int] = []
    for owner, record in enumerate(batch.records):
        for at, roi in enumerate(_rois_of(record)):
            for place, text in enumerate(roi.label):
                owners.append(owner)
                items.append(_Label(at, text, roi.confidence))
                places.append(place)
    return Rows(batch, owners, items, places)


_LABELS = Table(
    "labels",
    "one row a label of an ROI",
    (
        *_PLACE,
        Column("roi_position", "int", "of its ROI in the frame", attribute("roi")),
        Column("position", "int", "in its ROI, from 0", lambda rows: list(rows.places)),
        Column("label", "text", "as it is", attribute("text")),
        Column("confidence", "real", "of its ROI", attribute("confidence")),
    ),
    _label_rows,
    light=_LIGHT | {"roi_position", "label", "confidence"},
    needs_rois=True,
)


@dataclass(frozen=True, slots=True)
class _Leaf:
    holder: str
    at: int
    path: str
    value: object

    @property
    def type(self) -> str:
        return _TYPES.get(type(self.value), "map" if isinstance(self.value, dict) else "list")


_TYPES = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}


def _leaf_rows(batch: Batch) -> Rows:
    owners: list[int] = []
    items: list[_Leaf] = []
    for owner, record in enumerate(map(_whole, batch.records)):
        metas = [("frame", 0, record.meta)]
        metas += [("source", at, one.meta) for at, one in enumerate(record.sources)]
        metas += [("roi", at, one.meta) for at, one in enumerate(_whole_rois_of(record))]
        before = len(items)
        for holder, at, meta in metas:
            items += [_Leaf(holder, at, path, value) for path, value in leaves(meta)]
        owners += [owner] * (len(items) - before)
    return Rows(batch, owners, items, [])


def _leaf_value(*kinds: type) -> Callable[[Rows], list[object]]:
    return lambda rows: [
        item.value if isinstance(item, _Leaf) and type(item.value) in kinds else None
        for item in rows.items
    ]


def _leaf_number(rows: Rows) -> list[object]:
    return [None if one is None else float(one) for one in _leaf_value(int, float)(rows)]  # type: ignore[arg-type]


_METADATA = Table(
    "metadata",
    "one row a key of the metadata of a frame, its sources and its ROIs",
    (
        *_PLACE,
        Column("holder", "text", "frame, source or roi", attribute("holder")),
        Column("position", "int", "of the source or ROI in the frame", attribute("at")),
        Column("path", "text", "the key, with dots in maps", attribute("path")),
        Column("type", "text", "string, number, boolean, null, list, map", attribute("type")),
        Column("text", "text", "where it is a string", _leaf_value(str)),
        Column("number", "real", "where it is a number", _leaf_number),
        Column("boolean", "boolean", "where it is one", _leaf_value(bool)),
        Column(
            "json", "text", "the value, as JSON", lambda rows: list(map(_leaf_json, rows.items))
        ),
    ),
    _leaf_rows,
    needs_rois=True,
)


def _leaf_json(item: object) -> str:
    assert isinstance(item, _Leaf)
    return json_text(item.value)


TABLES = {one.name: one for one in (_FRAMES, _ROIS, _SOURCES, _LABELS, _METADATA)}
"""The tables by name."""
