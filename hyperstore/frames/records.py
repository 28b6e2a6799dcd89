"""A frame as it is stored: typed records, one for each map in a payload.

The fields stand in canonical order, so that encoding a record needs no sort. What is absent is
None here and is not written. `extra` holds the fields that this version does not know, as they
came; it is written as a map of its own, so that it can never be mistaken for a known field.
"""

from typing import Annotated, Final, Literal, TypeAlias

from hyperstore.codec import Meta, Raw, Struct, canonical_fields, decoder

__all__ = [
    "FRAME",
    "GROUP",
    "FrameKind",
    "FrameRecord",
    "KeyRecord",
    "MaskRecord",
    "MaskValue",
    "Metadata",
    "Natural",
    "Number",
    "PreviewRecord",
    "Real",
    "RoiRecord",
    "SourceRecord",
    "Timestamp",
    "WholeRecord",
    "count_rois",
    "read_keys",
    "read_lazily",
    "read_rois",
    "read_whole",
    "without_rois",
]

FrameKind: TypeAlias = Literal["frame", "group"]
FRAME: Final = "frame"
GROUP: Final = "group"

_FLOAT_MAX = 1.7976931348623157e308
_INT64_MAX = 2**63 - 1

# A bound that every finite number keeps proves, in C, that a number is finite: NaN keeps none.
Real: TypeAlias = Annotated[float, Meta(ge=-_FLOAT_MAX, le=_FLOAT_MAX)]
Number: TypeAlias = int | Real
Natural: TypeAlias = Annotated[int, Meta(ge=0, le=_INT64_MAX)]
Timestamp: TypeAlias = Annotated[int, Meta(ge=-_INT64_MAX - 1, le=_INT64_MAX)]
Confidence: TypeAlias = Annotated[float, Meta(ge=0.0, le=1.0)]
Metadata: TypeAlias = dict[str, object]


@canonical_fields
class MaskValue(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """The pixel value, in the mask named `id`, of one ROI."""

    extra: Metadata | None = None
    id: str
    value: list[Number]


@canonical_fields
class RoiRecord(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One annotation. `kind` and `annotation_id` are `_type` and `_id` of `meta` on the wire."""

    annotation_id: str | int | None = None
    confidence: Confidence | None = None
    extra: Metadata | None = None
    id: str | None = None
    kind: str | None = None
    label: list[str]
    mask: MaskValue | None = None
    meta: Metadata | None = None
    poly: list[Number] | None = None
    sources: list[str] | None = None


@canonical_fields
class PreviewRecord(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """A picture that stands for a source."""

    content_type: str | None = None
    extra: Metadata | None = None
    height: Natural | None = None
    timestamp: Timestamp | None = None
    uri: str
    width: Natural | None = None


@canonical_fields
class MaskRecord(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """A picture whose pixel values are labels."""

    content_type: str | None = None
    extra: Metadata | None = None
    height: Natural | None = None
    id: str
    timestamp: Timestamp | None = None
    uri: str
    width: Natural | None = None


@canonical_fields
class SourceRecord(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One pointer to raw data."""

    content_type: str | None = None
    extra: Metadata | None = None
    height: Natural | None = None
    id: str
    masks: list[MaskRecord] | None = None
    meta: Metadata | None = None
    preview: PreviewRecord | None = None
    timestamp: Timestamp | None = None
    uri: str
    width: Natural | None = None


@canonical_fields
class FrameRecord(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One frame whose ROIs are still encoded."""

    blob: str | None = None
    context_id: str | None = None
    extra: Metadata | None = None
    id: str | None = None
    kind: FrameKind | None = None
    meta: Metadata | None = None
    meta_blob: Metadata | None = None
    rois: Raw = Raw()
    sources: list[SourceRecord]
    timestamp: Timestamp | None = None


@canonical_fields
class WholeRecord(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One frame with its ROIs."""

    blob: str | None = None
    context_id: str | None = None
    extra: Metadata | None = None
    id: str | None = None
    kind: FrameKind | None = None
    meta: Metadata | None = None
    meta_blob: Metadata | None = None
    rois: list[RoiRecord] | None = None
    sources: list[SourceRecord]
    timestamp: Timestamp | None = None


class KeySource(Struct):
    """What of a source takes part in the order of frames."""

    uri: str
    timestamp: Timestamp | None = None


class KeyRecord(Struct):
    """What of a frame its keys and counts are made of; all else is skipped unread."""

    id: str
    sources: Annotated[list[KeySource], Meta(min_length=1)]
    context_id: str | None = None
    timestamp: Timestamp | None = None
    rois: Raw = Raw()


assert FrameRecord.__struct_fields__ == WholeRecord.__struct_fields__

count_rois = decoder(list[Raw])
read_keys = decoder(KeyRecord)
read_lazily = decoder(FrameRecord)
read_rois = decoder(list[RoiRecord])
read_whole = decoder(WholeRecord)


def without_rois(record: WholeRecord | FrameRecord) -> FrameRecord:
    """Return what a frame object holds beside its annotations."""
    return FrameRecord(
        blob=record.blob,
        context_id=record.context_id,
        extra=record.extra,
        id=record.id,
        kind=record.kind,
        meta=record.meta,
        meta_blob=record.meta_blob,
        sources=record.sources,
        timestamp=record.timestamp,
    )
