"""The quick way from a wire frame to a record, for frames that need no second look.

One typed conversion in C proves types, ranges and finite numbers; what it cannot see is checked
beside it. Where anything is in doubt the answer is None, `wider.py` tries the same with wider types
and `exact.py` has the last word: all agree on every frame that this one takes. It takes single
frames whose fields are all known, with one label an ROI and no shapes but flat ones in the plane.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Literal, TypeAlias, cast

from hyperstore.codec import Meta, converter
from hyperstore.frames.geometry import FLAT_2D
from hyperstore.frames.records import (
    FRAME,
    MaskRecord,
    PreviewRecord,
    RoiRecord,
    SourceRecord,
    WholeRecord,
)
from hyperstore.frames.roots import absolute_uri, is_remote
from hyperstore.frames.values import quick_meta
from hyperstore.limits import POLY_SENTINEL

__all__ = [
    "HIDDEN",
    "Coordinate",
    "Id",
    "Mask",
    "Needed",
    "NoExtra",
    "OneDefault",
    "Preview",
    "Unread",
    "settle_source",
    "strict_record",
]

HIDDEN = Meta(pattern="(?!)")
"""A field of the record that is none of the wire: a frame that has it has a field unknown to us."""
NoExtra = Annotated[dict[str, object], Meta(min_length=2**62)]

# 63 characters take at most 252 bytes, so the limit in bytes is kept.
Id = Annotated[str, Meta(min_length=1, max_length=63)]
# Above the sentinel, so that a list of these is one part.
Coordinate: TypeAlias = (
    Annotated[int, Meta(gt=POLY_SENTINEL)]
    | Annotated[float, Meta(gt=float(POLY_SENTINEL), le=1.7976931348623157e308)]
)
OneDefault = Annotated[list[Literal["default"]], Meta(min_length=1, max_length=1)]
Needed = Annotated[str, Meta(min_length=1)]
# Metadata is looked at in Python: the conversion would take Decimals for floats.
Unread: TypeAlias = object
_SAFE = frozenset({bool, int, str, type(None)})


# The types below only narrow what they inherit; order and meaning are those of the records. To
# mypy a list of something narrower is another type, hence the ignores.
class _Roi(RoiRecord, kw_only=True):
    annotation_id: Annotated[str, HIDDEN] = None  # type: ignore[assignment]
    extra: NoExtra = None  # type: ignore[assignment]
    id: Id | None = None
    kind: Annotated[str, HIDDEN] = None  # type: ignore[assignment]
    # Exactly one: a set of several would have no order.
    label: Annotated[list[str], Meta(min_length=1, max_length=1)]
    mask: None = None
    meta: Unread = None  # type: ignore[assignment]
    poly: Annotated[list[Coordinate], Meta(min_length=1)] | None = None
    sources: OneDefault | None = None  # type: ignore[assignment]


class Preview(PreviewRecord, kw_only=True):
    """A preview on the wire."""

    extra: NoExtra = None  # type: ignore[assignment]


class Mask(MaskRecord, kw_only=True):
    """A mask on the wire."""

    extra: NoExtra = None  # type: ignore[assignment]
    id: Needed


class _Source(SourceRecord, kw_only=True):
    extra: NoExtra = None  # type: ignore[assignment]
    id: Literal["default"]
    masks: list[Mask] | None = None  # type: ignore[assignment]
    meta: Unread = None  # type: ignore[assignment]
    preview: Preview | None = None


class _Frame(WholeRecord, kw_only=True):
    extra: NoExtra = None  # type: ignore[assignment]
    id: Id | None = None
    kind: Annotated[str, HIDDEN] = None  # type: ignore[assignment]
    meta: Unread = None  # type: ignore[assignment]
    meta_blob: Unread = None  # type: ignore[assignment]
    rois: Annotated[list[_Roi], Meta(min_length=1)] | None = None  # type: ignore[assignment]
    sources: Annotated[list[_Source], Meta(min_length=1, max_length=1)]  # type: ignore[assignment]


_convert = converter(_Frame)


def strict_record(wire: Mapping[str, object]) -> WholeRecord | None:
    """Return the record of a wire frame; None, or Unfit, where only other ways can tell.

    That ROI ids differ, and what only encoding shows (-0.0, integers too large, unpaired
    surrogates), is left to whoever encodes the record.
    """
    record: WholeRecord | None = _convert(wire)
    if record is None or type(wire["sources"]) is not list:
        return None
    record.kind = FRAME
    if record.meta is not None:
        record.meta = quick_meta(record.meta, 1)
    if record.meta_blob is not None:
        record.meta_blob = quick_meta(record.meta_blob, 1)
    settle_source(record.sources[0])
    if record.rois is not None:
        given = wire["rois"]
        if type(given) is not list or not _settle_rois(record.rois, given):
            return None
    return record


def settle_source(source: SourceRecord) -> None:
    """Check the metadata of a source, and make its local paths absolute."""
    if source.meta is not None:
        source.meta = quick_meta(source.meta, 3)
    if not is_remote(source.uri):
        source.uri = absolute_uri(source.uri, "")
    if source.preview is not None:
        source.preview.uri = absolute_uri(source.preview.uri, "")
    if source.masks is not None:
        for mask in source.masks:
            mask.uri = absolute_uri(mask.uri, "")
        source.masks = source.masks or None


def _settle_rois(rois: list[RoiRecord], given: list[dict[str, object]]) -> bool:
    """Move each kind to where it is stored; return whether nothing is in doubt."""
    for roi, wire in zip(rois, given):  # noqa: B905 - of one length, and this loop is hot.
        kind = None
        meta = roi.meta
        if meta is not None:
            if type(meta) is not dict or "_id" in meta:
                return False
            roi.meta = meta = meta.copy()
            kind = meta.pop("_type", None)
            if kind is not None:
                if type(kind) is not str:
                    return False
                roi.kind = kind
            if not meta:
                roi.meta = None
            for value in meta.values():  # What `quick_meta` does, without the call.
                is_a = type(value)
                if is_a is float:
                    if isfinite(cast("float", value)):
                        continue
                elif is_a in _SAFE:
                    continue
                roi.meta = quick_meta(meta, 3)
                break
        poly = roi.poly
        if poly is not None and (
            # The conversion takes sets for lists, but a set has no order.
            type(wire["poly"]) is not list or len(poly) & 1 or kind not in FLAT_2D
        ):
            return False
    return True
