"""The quick way from a wire frame to a record, for frames that need no second look.

One typed conversion in C proves types, ranges and finite numbers; what it cannot see is checked
beside it. Where anything is in doubt the answer is None, and `exact.py` has the last word: the two
agree on every frame that this one takes. It takes single frames whose fields are all known and
which hold no complex polygon.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Annotated, Literal, TypeAlias, cast

from hyperstore.codec import Meta, Unfit, converter
from hyperstore.frames.geometry import FLAT_2D, poly_fault
from hyperstore.frames.records import (
    FRAME,
    MaskRecord,
    MaskValue,
    Metadata,
    PreviewRecord,
    RoiRecord,
    SourceRecord,
    WholeRecord,
)
from hyperstore.frames.roots import absolute_uri, is_remote
from hyperstore.frames.values import exact_meta
from hyperstore.limits import POLY_SENTINEL

__all__ = ["strict_record"]

# A field of the record that is none of the wire: a frame that has it has a field unknown to us.
_HIDDEN = Meta(pattern="(?!)")
_HIDDEN_MAP = Meta(min_length=2**62)

# 63 characters take at most 252 bytes, so the limit in bytes is kept.
_Id = Annotated[str, Meta(min_length=1, max_length=63)]
_SAFE = frozenset({bool, int, str, type(None)})
_ID_TYPES = frozenset({int, str, type(None)})
# Above the sentinel, so that a list of these is one part.
_Coordinate = (
    Annotated[int, Meta(gt=POLY_SENTINEL)]
    | Annotated[float, Meta(gt=float(POLY_SENTINEL), le=1.7976931348623157e308)]
)
_OneDefault = Annotated[list[Literal["default"]], Meta(min_length=1, max_length=1)]
_Needed = Annotated[str, Meta(min_length=1)]
# Metadata is looked at in Python; converting it would only copy it.
_Unread: TypeAlias = object
_NoExtra = Annotated[dict[str, object], _HIDDEN_MAP]


# The types below only narrow what they inherit; order and meaning are those of the records. To
# mypy a list of something narrower is another type, hence the ignores.
class _MaskValue(MaskValue, kw_only=True):
    extra: _NoExtra = None  # type: ignore[assignment]
    id: _Needed


class _Roi(RoiRecord, kw_only=True):
    annotation_id: Annotated[str, _HIDDEN] = None  # type: ignore[assignment]
    extra: _NoExtra = None  # type: ignore[assignment]
    id: _Id | None = None
    kind: Annotated[str, _HIDDEN] = None  # type: ignore[assignment]
    label: Annotated[list[str], Meta(min_length=1)]
    mask: _MaskValue | None = None
    meta: _Unread = None  # type: ignore[assignment]
    poly: list[_Coordinate] | None = None
    sources: _OneDefault | None = None  # type: ignore[assignment]


class _Preview(PreviewRecord, kw_only=True):
    extra: _NoExtra = None  # type: ignore[assignment]


class _Mask(MaskRecord, kw_only=True):
    extra: _NoExtra = None  # type: ignore[assignment]
    id: _Needed


class _Source(SourceRecord, kw_only=True):
    extra: _NoExtra = None  # type: ignore[assignment]
    id: Literal["default"]
    masks: list[_Mask] | None = None  # type: ignore[assignment]
    meta: _Unread = None  # type: ignore[assignment]
    preview: _Preview | None = None


_OneSource = Annotated[list[_Source], Meta(min_length=1, max_length=1)]


class _Frame(WholeRecord, kw_only=True):
    extra: _NoExtra = None  # type: ignore[assignment]
    id: _Id | None = None
    kind: Annotated[str, _HIDDEN] = None  # type: ignore[assignment]
    meta: _Unread = None  # type: ignore[assignment]
    meta_blob: _Unread = None  # type: ignore[assignment]
    rois: list[_Roi] | None = None  # type: ignore[assignment]
    sources: _OneSource  # type: ignore[assignment]


_convert = converter(_Frame)


def strict_record(wire: Mapping[str, object]) -> WholeRecord | None:
    """Return the record of a wire frame, or None where only `exact_record` can tell."""
    record: WholeRecord | None = _convert(wire)
    if record is None:
        return None
    record.kind = FRAME
    try:
        if record.meta is not None:
            record.meta = _settled(record.meta, 1)
        if record.meta_blob is not None:
            record.meta_blob = _settled(record.meta_blob, 1)
        _settle_source(record.sources[0])
        if record.rois is not None:
            if not record.rois:
                record.rois = None
            elif not _settle_rois(
                record.rois, cast("Sequence[Mapping[str, object]]", wire["rois"])
            ):
                return None
    except Unfit:
        return None
    return record


def _settled(meta: Metadata, depth: int) -> Metadata | None:
    """Return metadata that can be stored, None where there is none; raise Unfit for any other."""
    if type(meta) is not dict:
        return exact_meta(meta, "", depth)
    for value in meta.values():
        if type(value) not in _SAFE and not (type(value) is float and isfinite(value)):
            return exact_meta(meta, "", depth)
    return meta or None


def _settle_source(source: SourceRecord) -> None:
    if source.meta is not None:
        source.meta = _settled(source.meta, 3)
    if not is_remote(source.uri):
        source.uri = absolute_uri(source.uri, "")
    if source.preview is not None:
        source.preview.uri = absolute_uri(source.preview.uri, "")
    if source.masks is not None:
        for mask in source.masks:
            mask.uri = absolute_uri(mask.uri, "")
        source.masks = source.masks or None


def _settle_rois(rois: list[RoiRecord], given: Sequence[Mapping[str, object]]) -> bool:
    """Move kind and annotation id to where they are stored; return whether nothing is in doubt."""
    for roi, wire in zip(rois, given):  # noqa: B905 - of one length, and this loop is hot.
        kind = None
        meta = roi.meta
        if meta is not None:
            if type(meta) is not dict:
                return False
            roi.meta = meta = meta.copy()
            kind = meta.pop("_type", None)
            if kind is not None:
                if type(kind) is not str:
                    return False
                roi.kind = kind
            if "_id" in meta:
                roi.annotation_id = annotation_id = cast("str | int | None", meta.pop("_id"))
                if type(annotation_id) not in _ID_TYPES:
                    return False
            if not meta:
                roi.meta = None
            for value in meta.values():  # What `_settled` does, without the call.
                is_a = type(value)
                if is_a is float:
                    if isfinite(cast("float", value)):
                        continue
                elif is_a in _SAFE:
                    continue
                roi.meta = exact_meta(meta, "", 3)
                break
        # The conversion takes sets for lists, but a set has no order.
        if type(wire["label"]) is not list:
            return False
        poly = roi.poly
        if poly is not None:
            if not poly:
                roi.poly = None
            elif type(wire["poly"]) is not list or (
                (len(poly) & 1 or kind not in FLAT_2D) and poly_fault(roi.kind, poly)
            ):
                return False
        if roi.mask is not None and type(wire["mask"]["value"]) is not list:  # type: ignore[index]
            return False
    ids = {roi.id for roi in rois}
    return len(ids) == len(rois) or len(ids) - 1 == sum(roi.id is not None for roi in rois)
