"""From records to wire frames: plain dicts, as frames travel between programs.

The other way is `exact.py`, which checks what it reads.
"""

from hyperstore.codec import astuple
from hyperstore.errors import CorruptError
from hyperstore.frames.records import (
    FRAME,
    GROUP,
    FrameRecord,
    MaskRecord,
    PreviewRecord,
    RoiRecord,
    SourceRecord,
    WholeRecord,
    read_whole,
)
from hyperstore.frames.roots import RESERVED, Roots
from hyperstore.limits import DEPTH_MAX

__all__ = [
    "FIRST_MASK",
    "WireFrame",
    "absolute_sources",
    "decode_plain",
    "frame_wire",
    "new_roi_wires",
    "roi_wire",
    "source_wire",
    "unshared",
]

FIRST_MASK = "00"
"""The id of the mask of an ROI that names none, in a frame that has none."""

WireFrame = dict[str, object]
"""A frame as nested dicts and lists of plain values."""


def decode_plain(payload: bytes, *, roots: Roots) -> WireFrame:
    """Return the wire form of a stored frame; CorruptError for bytes that are none."""
    record = read_whole(payload, what="frame")
    absolute_sources(record.sources, roots)
    wire = frame_wire(record, record.sources)
    if record.rois:
        wire["rois"] = new_roi_wires(record.rois, None)
    return wire


def absolute_sources(sources: list[SourceRecord], roots: Roots) -> None:
    """Turn the stored URIs of a frame into those that a reader uses."""
    if not sources:
        raise CorruptError("a stored frame has no source")
    for source in sources:
        if source.uri.startswith(RESERVED):
            source.uri = roots.absolute(source.uri)
        if source.preview is not None:
            source.preview.uri = roots.absolute(source.preview.uri)
        for mask in source.masks or ():
            mask.uri = roots.absolute(mask.uri)


def frame_wire(record: FrameRecord | WholeRecord, sources: list[SourceRecord]) -> WireFrame:
    """Return the wire form of a frame without its ROIs."""
    wire: WireFrame = unshared(record.extra) if record.extra else {}
    if record.id is not None:
        wire["id"] = record.id
    if record.context_id is not None:
        wire["context_id"] = record.context_id
    if record.timestamp is not None:
        wire["timestamp"] = record.timestamp
    if record.meta:
        wire["meta"] = unshared(record.meta)
    if record.meta_blob:
        wire["meta_blob"] = unshared(record.meta_blob)
    if record.blob is not None:
        wire["blob"] = record.blob
    wire["sources"] = [source_wire(source) for source in sources]
    # Said only where the sources alone would give the other answer.
    looks_single = not sources or (sources[0].id == "default" and len(sources) == 1)
    if looks_single is (record.kind == GROUP):
        wire["_kind"] = GROUP if looks_single else FRAME
    return wire


def unshared(value: WireFrame) -> WireFrame:
    """Return a copy that shares no dict and no list, at any depth to which frames may be nested.

    What is nested deeper, or contains itself, is no part of a frame: storing it names the place.
    """
    return {
        name: _unshared(held, DEPTH_MAX) if isinstance(held, (dict, list)) else held
        for name, held in value.items()
    }


def _unshared(value: object, levels: int) -> object:
    if levels == 0:
        return value
    if isinstance(value, dict):
        return {name: _unshared(held, levels - 1) for name, held in value.items()}
    if isinstance(value, list):
        return [_unshared(held, levels - 1) for held in value]
    return value


def source_wire(source: SourceRecord) -> WireFrame:
    """Return the wire form of one source."""
    wire = _picture_wire(source)
    wire["id"] = source.id
    if source.meta:
        wire["meta"] = unshared(source.meta)
    if source.preview is not None:
        wire["preview"] = _picture_wire(source.preview)
    if source.masks:
        wire["masks"] = [{**_picture_wire(mask), "id": mask.id} for mask in source.masks]
    return wire


def _picture_wire(picture: SourceRecord | MaskRecord | PreviewRecord) -> WireFrame:
    wire: WireFrame = unshared(picture.extra) if picture.extra else {}
    if picture.uri:
        wire["uri"] = picture.uri
    if picture.content_type is not None:
        wire["content_type"] = picture.content_type
    if picture.width is not None:
        wire["width"] = picture.width
    if picture.height is not None:
        wire["height"] = picture.height
    if picture.timestamp is not None:
        wire["timestamp"] = picture.timestamp
    return wire


def roi_wire(roi: RoiRecord) -> WireFrame:
    """Return the wire form of one ROI, which shares its lists and dicts."""
    wire: WireFrame = dict(roi.extra) if roi.extra else {}
    wire["label"] = roi.label
    if roi.id is not None:
        wire["id"] = roi.id
    if roi.poly is not None:
        wire["poly"] = roi.poly
    if roi.confidence is not None:
        wire["confidence"] = roi.confidence
    if roi.sources is not None:
        wire["sources"] = roi.sources
    if roi.mask is not None:
        mask: dict[str, object] = dict(roi.mask.extra or {})
        mask_id = roi.mask.id or FIRST_MASK
        wire["mask"] = mask | {"id": mask_id, "value": roi.mask.value}
    kind, annotation_id = roi.kind, roi.annotation_id
    if kind is not None or annotation_id is not None:
        meta = dict(roi.meta) if roi.meta else {}
        if kind is not None:
            meta["_type"] = kind
        if annotation_id is not None:
            meta["_id"] = annotation_id
        wire["meta"] = meta
    elif roi.meta:
        wire["meta"] = roi.meta
    return wire


def new_roi_wires(rois: list[RoiRecord], sources: list[str] | None) -> list[WireFrame]:
    """Return the wire forms of ROIs just decoded, which give up their lists and dicts to them.

    With `sources`, an ROI that names any names these: it may come from another frame.
    """
    wires: list[WireFrame] = []
    for roi in rois:
        # Taken apart in one step: field by field this takes twice as long.
        annotation_id, confidence, extra, roi_id, kind, label, mask, meta, poly, own = astuple(roi)
        if (
            poly is None
            or kind is None
            or meta is None
            or confidence is None
            or own is None
            or annotation_id is not None
            or mask is not None
            or extra is not None
            or roi_id is None
        ):
            wire = roi_wire(roi)
            if own is not None and sources is not None:
                wire["sources"] = sources.copy()
            wires.append(wire)
            continue
        # What most ROIs have, in one step.
        meta["_type"] = kind
        wires.append(
            {
                "label": label,
                "id": roi_id,
                "poly": poly,
                "confidence": confidence,
                "sources": own if sources is None or own == sources else sources.copy(),
                "meta": meta,
            }
        )
    return wires
