"""What differs between two stored frames, said so that a person can act on it.

ROIs are matched by id, so one that was moved or relabelled shows as changed, not as gone and come.
Values are compared as they are stored: 1 and 1.0 differ.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from hyperstore.codec import Raw, Struct, decoder, pack
from hyperstore.errors import CorruptError
from hyperstore.frames.geometry import Num, box_of_corners
from hyperstore.frames.records import (
    Metadata,
    RoiRecord,
    SourceRecord,
    WholeRecord,
    read_keys,
    read_whole,
)

__all__ = [
    "ABSENT",
    "FieldChange",
    "FrameChange",
    "Move",
    "RoiChange",
    "RoiChanges",
    "frame_change",
    "roi_changes",
]


class _Absent:
    """The value of a field that is not there; None is a value that users store."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"

    def __reduce__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


class FieldChange(NamedTuple):
    """One field that differs. `path` is dotted, such as `meta.weather` or `sources.default.uri`."""

    path: str
    before: object
    after: object


class Move(NamedTuple):
    """How a shape of one kind changed, in pixels of the source.

    `box` is (dx, dy, dw, dh) between two upright boxes and `iou` their overlap from 0 to 1;
    `distance` is how far the vertex moved that moved farthest. None where that cannot be said.
    """

    box: tuple[Num, Num, Num, Num] | None
    iou: float | None
    distance: float | None


class RoiChange(Struct, frozen=True):
    """One ROI that is on one side only, or differs."""

    id: str
    before: RoiRecord | None
    after: RoiRecord | None
    move: Move | None = None
    """Set where the shape differs and both sides have one of the same kind."""
    fields: tuple[FieldChange, ...] = ()
    """What else differs: label, confidence, kind, mask, sources, `meta.<key>` and unknown fields;
    `poly` too where `move` is None."""


class FrameChange(Struct, frozen=True):
    """What differs between two versions of one frame. All in stored order; empty where equal."""

    added: bool
    removed: bool
    fields: tuple[FieldChange, ...]
    """Of the frame and its sources: context_id, timestamp, `meta.<key>`, `sources.<id>.<field>`."""
    rois: tuple[RoiChange, ...]

    @property
    def rois_added(self) -> list[RoiChange]:
        """ROIs that only the new frame has."""
        return [roi for roi in self.rois if roi.before is None]

    @property
    def rois_removed(self) -> list[RoiChange]:
        """ROIs that only the old frame has."""
        return [roi for roi in self.rois if roi.after is None]

    @property
    def rois_changed(self) -> list[RoiChange]:
        """ROIs that both frames have, and that differ."""
        return [roi for roi in self.rois if roi.before is not None and roi.after is not None]


class RoiChanges(NamedTuple):
    """How many ROIs differ between two frames."""

    added: int
    removed: int
    changed: int


class _RoiId(Struct):
    id: str


_read_id = decoder(_RoiId)
_read_raws = decoder(list[Raw])


def roi_changes(old: bytes, new: bytes) -> RoiChanges:
    """Count the ROIs that differ between two stored frames. Only of those is the id decoded."""
    before, after = _raw_rois(old), _raw_rois(new)
    gone = {_read_id(raw, what="ROI").id for raw in before - after}
    come = {_read_id(raw, what="ROI").id for raw in after - before}
    changed = len(gone & come)
    return RoiChanges(len(come) - changed, len(gone) - changed, changed)


def _raw_rois(payload: bytes) -> set[bytes]:
    rois = read_keys(payload, what="frame").rois
    return set(map(bytes, _read_raws(rois, what="ROIs"))) if rois else set()


def frame_change(old: bytes | None, new: bytes | None) -> FrameChange:
    """Return what differs between two stored frames; None stands for no frame."""
    before = None if old is None else read_whole(old, what="frame")
    after = None if new is None else read_whole(new, what="frame")
    fields: list[FieldChange] = []
    if before is not None and after is not None:
        fields += _frame_fields(before, after)
    return FrameChange(
        added=before is None,
        removed=after is None,
        fields=tuple(fields),
        rois=tuple(_rois(_by_id(before), _by_id(after))),
    )


def _by_id(record: WholeRecord | None) -> dict[str, RoiRecord]:
    found: dict[str, RoiRecord] = {}
    for roi in (record.rois or ()) if record is not None else ():
        if roi.id is None:
            raise CorruptError("a stored ROI has no id")
        found[roi.id] = roi
    return found


def _rois(before: dict[str, RoiRecord], after: dict[str, RoiRecord]) -> Iterator[RoiChange]:
    for roi_id, old in before.items():
        new = after.get(roi_id)
        if new is None:
            yield RoiChange(roi_id, old, None)
        elif pack(old) != pack(new):
            move = _move(old, new)
            hidden = {"extra", "meta"} | ({"poly"} if move is not None else set())
            fields = tuple(_struct_fields(old, new, "", hidden))
            yield RoiChange(roi_id, old, new, move, fields)
    for roi_id, new in after.items():
        if roi_id not in before:
            yield RoiChange(roi_id, None, new)


def _move(old: RoiRecord, new: RoiRecord) -> Move | None:
    a, b = old.poly, new.poly
    if a is None or b is None or old.kind != new.kind or pack(a) == pack(b):
        return None
    if old.kind == "b2d":
        one, other = box_of_corners(a), box_of_corners(b)
        if not one[4] and not other[4]:
            dx, dy, dw, dh = (y - x for x, y in zip(one[:4], other[:4], strict=True))
            return Move((dx, dy, dw, dh), _iou(one, other), _distance(a, b, 2))
    points_of = {None: 2, "p2d": 2, "k2d": 2, "b2d": 2, "p3d": 3, "k3d": 3}.get(old.kind)
    return Move(None, None, None if points_of is None else _distance(a, b, points_of))


def _distance(a: list[Num], b: list[Num], size: int) -> float | None:
    """Return the largest way of a vertex, None where the vertices do not pair."""
    if len(a) != len(b):
        return None
    starts = range(0, len(a), size)
    return max(math.dist(a[at : at + size], b[at : at + size]) for at in starts)


def _iou(one: list[Num], other: list[Num]) -> float | None:
    ax, ay, aw, ah = one[:4]
    bx, by, bw, bh = other[:4]
    w = min(ax + aw, bx + bw) - max(ax, bx)
    h = min(ay + ah, by + bh) - max(ay, by)
    overlap = float(max(w, 0)) * max(h, 0)
    union = float(aw) * ah + float(bw) * bh - overlap
    return overlap / union if union and math.isfinite(union) else None


def _frame_fields(old: WholeRecord, new: WholeRecord) -> Iterator[FieldChange]:
    yield from _struct_fields(old, new, "", {"extra", "meta", "meta_blob", "rois", "sources"})
    yield from _map_fields(old.meta_blob, new.meta_blob, "meta_blob.")
    before = {source.id: source for source in old.sources}
    after = {source.id: source for source in new.sources}
    for name, source in before.items():
        if name not in after:
            yield FieldChange(f"sources.{name}", source.uri, ABSENT)
        else:
            yield from _source_fields(source, after[name], f"sources.{name}.")
    for name, source in after.items():
        if name not in before:
            yield FieldChange(f"sources.{name}", ABSENT, source.uri)
    common = [name for name in before if name in after]
    if common != [name for name in after if name in before]:
        yield FieldChange("sources", list(before), list(after))


def _source_fields(old: SourceRecord, new: SourceRecord, path: str) -> Iterator[FieldChange]:
    yield from _struct_fields(old, new, path, {"extra", "meta", "masks", "preview"})
    if old.preview is not None and new.preview is not None:
        yield from _struct_fields(old.preview, new.preview, f"{path}preview.", {"extra"})
    else:
        yield from _one(old.preview, new.preview, f"{path}preview")
    before = {mask.id: mask for mask in old.masks or ()}
    after = {mask.id: mask for mask in new.masks or ()}
    for name in [*before, *(name for name in after if name not in before)]:
        one, other = before.get(name), after.get(name)
        if one is None or other is None:
            yield from _one(one, other, f"{path}masks.{name}")
        else:
            yield from _struct_fields(one, other, f"{path}masks.{name}.", {"extra"})


def _struct_fields(old: Struct, new: Struct, path: str, hidden: set[str]) -> Iterator[FieldChange]:
    """Yield the fields that differ, those of `meta` and `extra` one by one."""
    for name in old.__struct_fields__:
        if name not in hidden:
            yield from _one(getattr(old, name), getattr(new, name), f"{path}{name}")
    for name, prefix in (("meta", "meta."), ("extra", "")):
        if name in hidden and name in old.__struct_fields__:
            yield from _map_fields(getattr(old, name), getattr(new, name), path + prefix)


def _map_fields(old: Metadata | None, new: Metadata | None, path: str) -> Iterator[FieldChange]:
    before, after = old or {}, new or {}
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key, ABSENT), after.get(key, ABSENT)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _map_fields(one, other, f"{path}{key}.")
        elif one is ABSENT or other is ABSENT or pack(one) != pack(other):
            yield FieldChange(f"{path}{key}", one, other)


def _one(old: object, new: object, path: str) -> Iterator[FieldChange]:
    """Yield one field if it differs; in a record None is absent."""
    if old is not new and (old is None or new is None or pack(old) != pack(new)):
        yield FieldChange(path, ABSENT if old is None else old, ABSENT if new is None else new)
