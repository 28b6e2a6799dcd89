"""The quick way for frames that `strict.py` leaves: what importers of other formats make.

Groups, several labels, every kind of shape, ids of annotations, and fields of the frame and of its
ROIs that are unknown. Unlike there, the conversion skips unknown fields, which are copied here.
"""

from collections.abc import Mapping
from typing import Annotated

from hyperstore.codec import Meta, Unfit, converter, pack
from hyperstore.errors import FrameError
from hyperstore.frames.exact import ANSWERED, ROI_ANSWERED, exact_record, misnamed
from hyperstore.frames.geometry import FLAT_2D, poly_fault
from hyperstore.frames.records import (
    FRAME,
    GROUP,
    MaskValue,
    Metadata,
    RoiRecord,
    SourceRecord,
    WholeRecord,
)
from hyperstore.frames.strict import (
    HIDDEN,
    Id,
    Mask,
    Needed,
    NoExtra,
    Preview,
    Unread,
    settle_source,
    strict_record,
)
from hyperstore.frames.values import quick_map, quick_meta
from hyperstore.limits import POLY_SENTINEL

__all__ = ["DOUBTS", "MINUS_ZERO", "distinct_or_not", "quick_record", "record_of_wire"]

DOUBTS = (UnicodeEncodeError, OverflowError, TypeError, Unfit)
"""What encoding raises for a text or number that no frame holds; the exact way names its place."""

MINUS_ZERO = b"\xcb\x80\0\0\0\0\0\0\0"
"""-0.0, as it is encoded; a number that only looks like this costs time, not truth."""

_ROI_FIELDS = frozenset({"confidence", "id", "label", "mask", "meta", "poly", "sources"})
_FRAME_FIELDS = frozenset(
    {"blob", "context_id", "id", "meta", "meta_blob", "rois", "sources", "timestamp"}
)
_OTHER_NAMES = frozenset({"_kind", "labels", "metadata"})
_SENTINEL = float(POLY_SENTINEL)  # Floats compare faster with a float.


class _MaskValue(MaskValue, kw_only=True):
    extra: NoExtra = None  # type: ignore[assignment]
    id: Needed


class _Roi(RoiRecord, kw_only=True, forbid_unknown_fields=False):
    annotation_id: Annotated[str, HIDDEN] = None  # type: ignore[assignment]
    extra: NoExtra = None  # type: ignore[assignment]
    id: Id | None = None
    kind: Annotated[str, HIDDEN] = None  # type: ignore[assignment]
    label: Annotated[list[str], Meta(min_length=1)]
    mask: _MaskValue | None = None
    meta: Unread = None  # type: ignore[assignment]


class _Source(SourceRecord, kw_only=True):
    extra: NoExtra = None  # type: ignore[assignment]
    id: Needed
    masks: list[Mask] | None = None  # type: ignore[assignment]
    meta: Unread = None  # type: ignore[assignment]
    preview: Preview | None = None


class _Frame(WholeRecord, kw_only=True, forbid_unknown_fields=False):
    extra: NoExtra = None  # type: ignore[assignment]
    id: Id | None = None
    kind: Annotated[str, HIDDEN] = None  # type: ignore[assignment]
    meta: Unread = None  # type: ignore[assignment]
    meta_blob: Unread = None  # type: ignore[assignment]
    rois: list[_Roi] | None = None  # type: ignore[assignment]
    sources: Annotated[list[_Source], Meta(min_length=1)]  # type: ignore[assignment]


_convert = converter(_Frame)


def quick_record(wire: Mapping[str, object]) -> WholeRecord | None:
    """Return the record of a wire frame, or None where only `exact_record` can tell.

    What only encoding shows stays unseen: -0.0, integers too large, unpaired surrogates.
    """
    try:
        record = distinct_or_not(wire)
    except DOUBTS:
        return None
    if record is not None and record.rois is not None:
        ids = [roi.id for roi in record.rois if roi.id is not None]
        if len(set(ids)) != len(ids):
            return None
    return record


def distinct_or_not(wire: Mapping[str, object]) -> WholeRecord | None:
    """Do what `quick_record` does, for who looks at the ids of the ROIs himself: some may be equal.

    Raises what is in DOUBTS where that returns None.
    """
    return strict_record(wire) or _wider_record(wire)


def record_of_wire(wire: Mapping[str, object]) -> WholeRecord:
    """Return the record of a wire frame, which may have no source yet, sharing nothing with it."""
    try:
        record = quick_record(wire)
        if record is not None and pack(record).rfind(MINUS_ZERO) < 0:
            return record
    except DOUBTS:
        pass
    try:
        return exact_record(wire, need_source=False)
    except Unfit as fault:
        raise FrameError(str(fault), path=fault.path) from None


def _wider_record(wire: Mapping[str, object]) -> WholeRecord | None:
    if type(wire) is not dict:
        return None
    record: WholeRecord | None = _convert(wire)
    if record is None or type(wire["sources"]) is not list:
        return None
    ids = [source.id for source in record.sources]
    known = frozenset(ids)
    if len(known) != len(ids):
        return None
    record.kind = FRAME if ids == ["default"] else GROUP
    record.extra = _extra(wire, _FRAME_FIELDS, ANSWERED, 2)
    if record.meta is not None:
        record.meta = quick_meta(record.meta, 1)
        if record.kind == GROUP and record.meta and misnamed(record.meta, ids) is not None:
            return None
    if record.meta_blob is not None:
        record.meta_blob = quick_meta(record.meta_blob, 1)
    for source in record.sources:
        settle_source(source)
    if record.rois is not None:
        given = wire["rois"]
        if type(given) is not list:
            return None
        for roi, item in zip(record.rois, given, strict=True):
            if type(item) is not dict or not _settle_roi(roi, item, known):
                return None
        record.rois = record.rois or None
    return record


def _settle_roi(roi: RoiRecord, wire: dict[str, object], known: frozenset[str]) -> bool:
    """Put in the record what the conversion could not; return whether nothing is in doubt."""
    roi.extra = _extra(wire, _ROI_FIELDS, ROI_ANSWERED, 4)
    if roi.meta is not None:
        meta = quick_meta(roi.meta, 3) or {}
        kind = meta.pop("_type", None)
        annotation_id = meta.pop("_id", None)
        if kind is not None:
            if type(kind) is not str:
                return False
            roi.kind = kind
        if annotation_id is not None:
            if type(annotation_id) is not str and type(annotation_id) is not int:
                return False
            roi.annotation_id = annotation_id
        roi.meta = meta or None
    # The conversion takes sets for lists, but a set has no order.
    if type(wire["label"]) is not list:
        return False
    if roi.mask is not None:
        mask = wire["mask"]
        if type(mask) is not dict or type(mask["value"]) is not list:
            return False
    sources = roi.sources
    if sources is not None:
        if type(wire["sources"]) is not list:
            return False
        if len(sources) != 1:
            if not known.issuperset(sources) or len(set(sources)) != len(sources):
                return False
            roi.sources = sources or None
        elif sources[0] not in known:
            return False
    poly = roi.poly
    if poly is not None:
        if type(wire["poly"]) is not list:
            return False
        if not poly:
            roi.poly = None
        elif len(poly) & 1 or roi.kind not in FLAT_2D or _SENTINEL in poly:
            return poly_fault(roi.kind, poly) is None
    return True


def _extra(
    wire: dict[str, object], fields: frozenset[str], answered: frozenset[str], depth: int
) -> Metadata | None:
    """Return the fields that are not known; Unfit where they are in doubt."""
    names = [name for name in wire if name not in fields]
    if not names:
        return None
    if not _OTHER_NAMES.isdisjoint(names):
        raise Unfit("", "another name of a known field")
    return quick_map({name: wire[name] for name in names if name not in answered}, depth) or None
