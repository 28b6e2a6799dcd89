"""The quick way from a frame object to the record that is stored, without its wire form between.

Its records were checked when they were made, but most of what they hold can be set since. One typed
conversion in C checks it again, and copies it. Where anything is in doubt the answer is None, and
the frame goes the way of its wire form: the two agree on every frame that this one takes.
"""

from math import isfinite
from typing import Annotated, Literal, TypeAlias, cast

from hyperstore.codec import Meta, converter
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.geometry import FLAT_2D, poly_fault
from hyperstore.frames.records import (
    FRAME,
    MaskRecord,
    MaskValue,
    Number,
    PreviewRecord,
    RoiRecord,
    SourceRecord,
    WholeRecord,
)
from hyperstore.frames.strict import Coordinate, Id, Needed, OneDefault, Unread, settle_source
from hyperstore.frames.values import quick_meta

__all__ = ["record_of_frame"]

_SAFE = frozenset({bool, int, str, type(None)})
# The values of a box that its corners do not give back; all else is unknown to us.
_BoxExtra: TypeAlias = dict[Literal["_xywha"], list[Number]]


# The types below only narrow what they inherit, as those of `strict.py` do.
class _MaskValue(MaskValue, kw_only=True):
    extra: None = None
    id: Needed


class _Roi(RoiRecord, kw_only=True):
    extra: _BoxExtra | None = None  # type: ignore[assignment]
    id: Id | None = None
    label: Annotated[list[str], Meta(min_length=1)]
    mask: _MaskValue | None = None
    meta: Unread = None  # type: ignore[assignment]
    poly: Annotated[list[Coordinate], Meta(min_length=1)] | None = None
    sources: OneDefault | None = None  # type: ignore[assignment]


class _Preview(PreviewRecord, kw_only=True):
    extra: None = None


class _Mask(MaskRecord, kw_only=True):
    extra: None = None
    id: Needed


class _Source(SourceRecord, kw_only=True):
    extra: None = None
    id: Literal["default"]
    masks: list[_Mask] | None = None  # type: ignore[assignment]
    meta: Unread = None  # type: ignore[assignment]
    preview: _Preview | None = None
    uri: Needed


class _Frame(WholeRecord, kw_only=True):
    extra: None = None
    id: Id | None = None
    meta: Unread = None  # type: ignore[assignment]
    meta_blob: Unread = None  # type: ignore[assignment]
    rois: list[_Roi] | None = None  # type: ignore[assignment]
    sources: Annotated[list[_Source], Meta(min_length=1, max_length=1)]  # type: ignore[assignment]


_convert = converter(_Frame, from_attributes=True)


def record_of_frame(frame: SingleFrame) -> WholeRecord | None:
    """Return a new record of a frame object; None, or Unfit, where only its wire form can tell.

    What `strict_record` leaves to whoever encodes the record, this does too.
    """
    rois = frame._rois_as_they_are()
    if type(frame).to_dict is not SingleFrame.to_dict or frame._member is not None or rois is None:
        return None
    bare = frame._record
    record: WholeRecord | None = _convert(
        WholeRecord(
            blob=bare.blob,
            context_id=bare.context_id,
            extra=bare.extra,
            id=bare.id,
            kind=FRAME,
            meta=bare.meta,
            meta_blob=bare.meta_blob,
            rois=rois or None,
            sources=bare.sources,
            timestamp=bare.timestamp,
        )
    )
    if record is None:
        return None
    if record.meta is not None:
        record.meta = quick_meta(record.meta, 1)
    if record.meta_blob is not None:
        record.meta_blob = quick_meta(record.meta_blob, 1)
    settle_source(record.sources[0])
    if record.rois is not None and not _settle_rois(record.rois):
        return None
    return record


def _settle_rois(rois: list[RoiRecord]) -> bool:
    """Check what the conversion did not; return whether nothing is in doubt."""
    for roi in rois:
        meta = roi.meta
        if meta is not None:
            # These keys of a user would become ours on the wire.
            if type(meta) is not dict or "_type" in meta or "_id" in meta:
                return False
            for value in meta.values():  # What `quick_meta` does, without the call.
                is_a = type(value)
                if is_a is float:
                    if isfinite(cast("float", value)):
                        continue
                elif is_a in _SAFE:
                    continue
                roi.meta = quick_meta(meta, 3)
                break
            if not meta:
                roi.meta = None
        poly = roi.poly
        doubtful = poly is not None and (len(poly) & 1 or roi.kind not in FLAT_2D)
        if doubtful and poly_fault(roi.kind, poly or []):
            return False
    return True
