"""The exact way from a wire frame to a record: every check, every error with its place.

`strict.py` is the quick way, for frames that need no second look; both give the same record.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import TypeVar

from hyperstore.codec import Unfit, plain
from hyperstore.errors import a_type
from hyperstore.frames.geometry import Num, poly_fault
from hyperstore.frames.records import (
    FRAME,
    GROUP,
    FrameKind,
    MaskRecord,
    MaskValue,
    Metadata,
    PreviewRecord,
    RoiRecord,
    SourceRecord,
    WholeRecord,
)
from hyperstore.frames.roots import absolute_uri
from hyperstore.frames.values import (
    exact_confidence,
    exact_id,
    exact_labels,
    exact_meta,
    exact_names,
    exact_numbers,
    exact_size,
    exact_text,
    exact_time,
)

__all__ = [
    "ANSWERED",
    "ROI_ANSWERED",
    "exact_record",
    "exact_roi",
    "exact_source",
    "misnamed",
    "namesake",
]

ANSWERED = frozenset(
    {
        "augmentation",
        "dataset",
        "label_rule_counts",
        "labels_size",
        "new_ver",
        "num_frames",
        "rule_name",
        "saved",
        "saved_in_version",
        "updated",
        "updated_in_version",
    }
)
"""Fields of a frame that are answered when read, and dropped when written."""

ROI_ANSWERED = frozenset({"label_num"})

_PICTURE_FIELDS = frozenset({"content_type", "height", "timestamp", "uri", "width"})
_MASK_FIELDS = _PICTURE_FIELDS | {"id"}
_SOURCE_FIELDS = _MASK_FIELDS | {"masks", "meta", "metadata", "preview"}
_FRAME_FIELDS = frozenset(
    {"_kind", "blob", "context_id", "id", "meta", "meta_blob", "metadata"}
) | {
    "rois",
    "sources",
    "timestamp",
}
_ROI_FIELDS = frozenset({"confidence", "id", "label", "labels", "mask", "meta", "metadata"}) | {
    "poly",
    "sources",
}
_MASK_VALUE_FIELDS = frozenset({"id", "value"})

Wire = Mapping[str, object]
T = TypeVar("T")


def exact_record(wire: Wire, *, need_source: bool = True) -> WholeRecord:
    """Return the record of a wire frame, local paths made absolute; raise Unfit with the place."""
    _check_map(wire, "", "a frame")
    sources = _each(wire, "sources", "sources", exact_source)
    if not sources and need_source:
        raise Unfit("sources", "the frame has no source; a frame needs one to be stored")
    ids = [source.id for source in sources]
    for at, source_id in enumerate(ids):
        if source_id in ids[:at]:
            raise Unfit(f"sources[{at}].id", f"two sources have the id {source_id!a}")
    rois = _each(wire, "rois", "rois", exact_roi)
    _check_rois(rois, set(ids))
    given = wire.get("id")
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        given = str(plain(given, path="id"))  # Ids of other systems are often numbers.
    kind, meta = _kind(wire, ids), _meta(wire, "", 1)
    taken = misnamed(meta, ids) if kind == GROUP and meta else None
    if taken is not None:
        raise namesake(taken)
    return WholeRecord(
        blob=exact_text(wire.get("blob"), "blob"),
        context_id=exact_text(wire.get("context_id"), "context_id"),
        extra=_extra(wire, _FRAME_FIELDS | ANSWERED, "", 2),
        id=exact_id(given, "id"),
        kind=kind,
        meta=meta,
        meta_blob=exact_meta(wire.get("meta_blob"), "meta_blob", 1),
        rois=rois or None,
        sources=sources,
        timestamp=exact_time(wire.get("timestamp"), "timestamp"),
    )


def misnamed(meta: Metadata, members: Iterable[str]) -> str | None:
    """Return the name of a member under which metadata of its group stands, and not its own."""
    return next((one for one in members if one in meta and type(meta[one]) is not dict), None)


def namesake(member: str) -> Unfit:
    """Return what is wrong with metadata of a group under the name of a member."""
    reason = (
        f"metadata of the group has the name of the member {member!a}, whose own metadata "
        "is kept under it; rename the key"
    )
    return Unfit(f"meta.{member}", reason)


def exact_source(given: object, path: str) -> SourceRecord:
    """Return the record of one source."""
    wire = _check_map(given, path, "a source")
    preview = wire.get("preview")
    if isinstance(preview, str):
        preview = {"uri": preview} if preview else None
    masks = _each(wire, "masks", f"{path}.masks", _mask)
    return SourceRecord(
        content_type=exact_text(wire.get("content_type"), f"{path}.content_type"),
        extra=_extra(wire, _SOURCE_FIELDS, path, 4),
        height=exact_size(wire.get("height"), f"{path}.height"),
        id=_needed(exact_text(wire.get("id"), f"{path}.id"), f"{path}.id", "the source has no id"),
        masks=masks or None,
        meta=_meta(wire, path, 3),
        preview=_preview(preview, f"{path}.preview") if preview else None,
        timestamp=exact_time(wire.get("timestamp"), f"{path}.timestamp"),
        uri=_uri(wire, path),
        width=exact_size(wire.get("width"), f"{path}.width"),
    )


def _preview(given: object, path: str) -> PreviewRecord:
    wire = _check_map(given, path, "a preview")
    return PreviewRecord(
        content_type=exact_text(wire.get("content_type"), f"{path}.content_type"),
        extra=_extra(wire, _PICTURE_FIELDS, path, 5),
        height=exact_size(wire.get("height"), f"{path}.height"),
        timestamp=exact_time(wire.get("timestamp"), f"{path}.timestamp"),
        uri=_uri(wire, path),
        width=exact_size(wire.get("width"), f"{path}.width"),
    )


def _mask(given: object, path: str) -> MaskRecord:
    wire = _check_map(given, path, "a mask")
    return MaskRecord(
        content_type=exact_text(wire.get("content_type"), f"{path}.content_type"),
        extra=_extra(wire, _MASK_FIELDS, path, 6),
        height=exact_size(wire.get("height"), f"{path}.height"),
        id=_needed(exact_text(wire.get("id"), f"{path}.id"), f"{path}.id", "the mask has no id"),
        timestamp=exact_time(wire.get("timestamp"), f"{path}.timestamp"),
        uri=_uri(wire, path),
        width=exact_size(wire.get("width"), f"{path}.width"),
    )


def exact_roi(given: object, path: str) -> RoiRecord:
    """Return the record of one ROI."""
    wire = _check_map(given, path, "an ROI")
    meta = _meta(wire, path, 3) or {}
    kind = meta.pop("_type", None)
    if not (kind is None or isinstance(kind, str)):
        raise Unfit(f"{path}.meta._type", "the kind of an ROI is a string")
    annotation_id = meta.pop("_id", None)
    if isinstance(annotation_id, bool) or not isinstance(annotation_id, (str, int, type(None))):
        raise Unfit(f"{path}.meta._id", "an annotation id is a string or an integer")
    mask = wire.get("mask")
    return RoiRecord(
        annotation_id=annotation_id,
        confidence=exact_confidence(wire.get("confidence"), f"{path}.confidence"),
        extra=_extra(wire, _ROI_FIELDS | ROI_ANSWERED, path, 4),
        id=exact_id(wire.get("id"), f"{path}.id"),
        kind=kind,
        label=_labels(wire, path),
        mask=_mask_value(mask, f"{path}.mask") if mask else None,
        meta=meta or None,
        poly=_poly(wire.get("poly"), kind, f"{path}.poly"),
        sources=_source_names(wire.get("sources"), f"{path}.sources"),
    )


def _mask_value(given: object, path: str) -> MaskValue:
    wire = _check_map(given, path, "a mask value")
    mask_id = exact_text(wire.get("id"), f"{path}.id")
    return MaskValue(
        extra=_extra(wire, _MASK_VALUE_FIELDS, path, 5),
        id=_needed(mask_id, f"{path}.id", "the mask value names no mask"),
        value=exact_numbers(wire.get("value"), f"{path}.value"),
    )


def _kind(wire: Wire, ids: list[str]) -> FrameKind:
    """One source named `default` is a single frame, all else a group, unless the frame says so."""
    given = wire.get("_kind")
    if given is None:
        return FRAME if ids in (["default"], []) else GROUP
    if given == GROUP:
        return GROUP
    if given == FRAME and len(ids) <= 1:
        return FRAME
    raise Unfit("_kind", f"{given!a} is no kind for a frame of {len(ids)} sources")


def _check_rois(rois: list[RoiRecord], sources: set[str]) -> None:
    seen: dict[str, int] = {}
    for at, roi in enumerate(rois):
        for name in roi.sources or ():
            if name not in sources:
                raise Unfit(f"rois[{at}].sources", f"the frame has no source {name!a}")
        if roi.id is not None and seen.setdefault(roi.id, at) != at:
            raise Unfit(f"rois[{at}].id", f"rois[{seen[roi.id]}] has the id {roi.id!a} too")


def _poly(given: object, kind: str | None, path: str) -> list[Num] | None:
    if given is None:
        return None
    poly = exact_numbers(given, path)
    fault = poly_fault(kind, poly) if poly else None
    if fault is not None:
        at, reason = fault
        raise Unfit(path if at is None else f"{path}[{at}]", reason)
    return poly or None


def _needed(given: T | None, path: str, fault: str) -> T:
    if given is None or given == "":
        raise Unfit(path, fault)
    return given


def _uri(wire: Wire, path: str) -> str:
    return absolute_uri(_needed(wire.get("uri"), f"{path}.uri", "there is no URI"), f"{path}.uri")


def _labels(wire: Wire, path: str) -> list[str]:
    given, other = wire.get("label"), wire.get("labels")
    if given is not None and other is not None:
        raise Unfit(f"{path}.labels", "the ROI has both `label` and `labels`; give one")
    return exact_labels(other if given is None else given, f"{path}.label")


def _source_names(given: object, path: str) -> list[str] | None:
    names = [] if given is None else exact_names(given, path)
    for at, name in enumerate(names):
        if name in names[:at]:
            raise Unfit(f"{path}[{at}]", f"the source {name!a} is named twice")
    return names or None


def _meta(wire: Wire, path: str, depth: int) -> Metadata | None:
    given, other = wire.get("meta"), wire.get("metadata")
    dot = f"{path}." if path else ""
    if given is not None and other is not None:
        raise Unfit(f"{dot}metadata", "there are both `meta` and `metadata`; give one")
    return exact_meta(other if given is None else given, f"{dot}meta", depth)


def _extra(wire: Wire, known: Set[str], path: str, depth: int) -> Metadata | None:
    """Return the fields that are not known; `depth` counts the map that will hold them."""
    unknown = [name for name in wire if name not in known]
    if not unknown:
        return None
    kept = plain({name: wire[name] for name in unknown}, path=path, depth=depth - 1)
    assert isinstance(kept, dict)
    return dict(kept)


def _check_map(given: object, path: str, what: str) -> Wire:
    if not isinstance(given, Mapping):
        raise Unfit(path, f"{what} is a map of names to values, not {a_type(given)}")
    return given


def _each(wire: Wire, name: str, path: str, read: Callable[[object, str], T]) -> list[T]:
    given = wire.get(name)
    if given is None:
        return []
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise Unfit(path, f"{name} stand in a list, not in {a_type(given)}")
    return [read(item, f"{path}[{at}]") for at, item in enumerate(given)]
