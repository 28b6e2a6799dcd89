"""Three versions of one stored frame into one: field by field, metadata by key, ROIs by id.

What only one side changed is taken. What both changed alike is taken once. Where both changed one
thing differently ours stays, and the place is named as a conflict.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from hyperstore.codec import Unfit, check_size, pack, replace
from hyperstore.errors import CorruptError, FrameError
from hyperstore.frames.records import (
    MaskRecord,
    Metadata,
    PreviewRecord,
    RoiRecord,
    SourceRecord,
    WholeRecord,
    read_whole,
)

__all__ = ["merge_frames"]

T = TypeVar("T")
Named = TypeVar("Named", RoiRecord, SourceRecord, MaskRecord)
Record = TypeVar("Record", RoiRecord, SourceRecord, MaskRecord, PreviewRecord, WholeRecord)


def merge_frames(base: bytes, ours: bytes, theirs: bytes) -> tuple[bytes, list[str]]:
    """Return the merged payload and the places of conflicts, such as `rois.<id>.poly`."""
    records = [read_whole(payload, what="frame") for payload in (base, ours, theirs)]
    merge = _Merge()
    merged = merge.frame(records[0], records[1], records[2])
    known = {source.id for source in merged.sources}
    for roi in merged.rois or ():
        if not known.issuperset(roi.sources or ()):
            merge.conflicts.append(f"rois.{roi.id}.sources")
    payload = pack(merged)
    try:
        check_size(payload)
    except Unfit as fault:
        raise FrameError(f"the merged frame cannot be stored: {fault}") from None
    return payload, merge.conflicts


_GONE = object()  # Stands for a key that is not there.


def _same(one: object, other: object) -> bool:
    if one is other or one is _GONE or other is _GONE:
        return one is other
    return pack(one) == pack(other)


class _Merge:
    """One merge, and the conflicts that it met."""

    def __init__(self) -> None:
        self.conflicts: list[str] = []

    def pick(self, base: T, ours: T, theirs: T, path: str) -> T:
        """Return the side that changed; ours, noted as a conflict, where both did."""
        if _same(base, theirs) or _same(ours, theirs):
            return ours
        if not _same(base, ours):
            self.conflicts.append(path)
            return ours
        return theirs

    def frame(self, base: WholeRecord, ours: WholeRecord, theirs: WholeRecord) -> WholeRecord:
        merged = self.fields(base, ours, theirs, "", ("rois", "sources"))
        merged.sources = self.named(
            base.sources, ours.sources, theirs.sources, "sources", self.source
        )
        merged.rois = self.named(base.rois, ours.rois, theirs.rois, "rois", self.roi) or None
        return merged

    def source(
        self, base: SourceRecord, ours: SourceRecord, theirs: SourceRecord, path: str
    ) -> SourceRecord:
        merged = self.fields(base, ours, theirs, f"{path}.", ("masks", "preview"))
        masks = self.named(base.masks, ours.masks, theirs.masks, f"{path}.masks", self.mask)
        merged.masks = masks or None
        one, two, three = base.preview, ours.preview, theirs.preview
        if one is None or two is None or three is None:
            merged.preview = self.pick(one, two, three, f"{path}.preview")
        else:
            merged.preview = self.fields(one, two, three, f"{path}.preview.", ())
        return merged

    def mask(self, base: MaskRecord, ours: MaskRecord, theirs: MaskRecord, path: str) -> MaskRecord:
        return self.fields(base, ours, theirs, f"{path}.", ())

    def roi(self, base: RoiRecord, ours: RoiRecord, theirs: RoiRecord, path: str) -> RoiRecord:
        merged = self.fields(base, ours, theirs, f"{path}.", ("kind", "poly"))
        # A kind and its numbers are one thing: five numbers of one and the kind of another lie.
        shapes = [(roi.kind, roi.poly) for roi in (base, ours, theirs)]
        merged.kind, merged.poly = self.pick(shapes[0], shapes[1], shapes[2], f"{path}.poly")
        return merged

    def fields(
        self, base: Record, ours: Record, theirs: Record, path: str, apart: tuple[str, ...]
    ) -> Record:
        """Merge two records field by field, but for those that are merged apart."""
        changed: dict[str, object] = {}
        for name in base.__struct_fields__:
            if name in apart:
                continue
            sides = [getattr(side, name) for side in (base, ours, theirs)]
            if name in ("extra", "meta", "meta_blob"):
                prefix = path if name == "extra" else f"{path}{name}."
                changed[name] = self.maps(sides[0], sides[1], sides[2], prefix) or None
            else:
                changed[name] = self.pick(sides[0], sides[1], sides[2], f"{path}{name}")
        return replace(ours, **changed)

    def maps(
        self, base: Metadata | None, ours: Metadata | None, theirs: Metadata | None, path: str
    ) -> Metadata:
        """Merge metadata by key, maps in it too."""
        b, o, t = base or {}, ours or {}, theirs or {}
        merged: Metadata = {}
        for key in b.keys() | o.keys() | t.keys():
            sides = (b.get(key, _GONE), o.get(key, _GONE), t.get(key, _GONE))
            one, two, three = sides
            if isinstance(two, dict) and isinstance(three, dict):
                merged[key] = self.maps(
                    one if isinstance(one, dict) else {}, two, three, f"{path}{key}."
                )
                continue
            found = self.pick(*sides, f"{path}{key}")
            if found is not _GONE:
                merged[key] = found
        return merged

    def named(
        self,
        base: list[Named] | None,
        ours: list[Named] | None,
        theirs: list[Named] | None,
        path: str,
        merge: Callable[[Named, Named, Named, str], Named],
    ) -> list[Named]:
        """Merge lists by id: in our order, then what they added in theirs."""
        if _same(base, theirs) or _same(ours, theirs):
            return ours or []
        if _same(base, ours):
            return theirs or []
        b: dict[str, Named] = _by_id(base)
        o: dict[str, Named] = _by_id(ours)
        t: dict[str, Named] = _by_id(theirs)
        merged: list[Named] = []
        for name in o | t:
            one, two, three = b.get(name), o.get(name), t.get(name)
            if one is not None and two is not None and three is not None:
                merged.append(merge(one, two, three, f"{path}.{name}"))
                continue
            found = self.pick(one, two, three, f"{path}.{name}")
            if found is not None:
                merged.append(found)
        return merged


def _by_id(records: Iterable[Named] | None) -> dict[str, Named]:
    found: dict[str, Named] = {}
    for record in records or ():
        if record.id is None:
            raise CorruptError("a stored ROI has no id")
        found[record.id] = record
    return found
