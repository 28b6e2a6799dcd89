"""From a planned frame to a wire frame, and from a stored frame to one that its files agree with.

What the files say of themselves (type, size, hash) follows the files. What people say (ROIs,
metadata) is theirs: a side file that changed is merged as a branch would be, with what it said
before as the base, which the frame remembers in the reserved field `_side`; where both changed one
thing the store's stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hyperstore.codec import pack, replace
from hyperstore.errors import FormatError
from hyperstore.formats.folderplan import Part, Planned
from hyperstore.formats.folderside import Side, read_side
from hyperstore.formats.folderwalk import is_gone
from hyperstore.frames.hashes import hashes_of, mask_hashes, set_mask_hashes
from hyperstore.frames.merging import merge_frames
from hyperstore.frames.prepare import prepare
from hyperstore.frames.records import SourceRecord, WholeRecord, read_whole
from hyperstore.frames.roots import RESERVED, Roots, local_path
from hyperstore.media.facts import Facts

__all__ = ["Maker", "hash_of"]

_Wire = dict[str, object]
_SIDE = "_side"  # Where a frame remembers its side files, by member; "" is the frame's own.


@dataclass(slots=True)
class Maker:
    """Makes frames of the files of one folder."""

    folder: Path
    roots: Roots
    sides: Mapping[str, Facts | None]
    present: Mapping[str, str | None]  # The hash of each path that was found, refused ones too.
    contents: frozenset[str | None]  # These hashes.
    context: str | None = None
    prune: bool = False
    gone: list[str] = field(default_factory=list)  # Masks of frames, whose files are not there.

    def uri(self, path: str) -> str:
        """Return the URI of a file of the folder as it is stored."""
        return self.roots.stored(f"file://{self.folder / path}")

    def wire(self, planned: Planned, *, frame_id: str | None = None) -> _Wire:
        """Return a planned frame in the wire form; FormatError for a side file that is wrong."""
        wire: _Wire = {"id": frame_id or planned.frame_id}
        if planned.is_group:
            wire["_kind"] = "group"
        context = self.context
        if planned.moment is not None:
            wire["timestamp"] = planned.moment
            context = context or planned.name
        sides = self._sides_of(planned)
        if context is not None:
            wire["context_id"] = context
        if sides:
            said = {key: side.said() for key, side in sides.items()}
            wire |= _joined(said)
            wire[_SIDE] = said
        wire["sources"] = [self._source(part, planned) for part in planned.parts]
        return wire

    def refreshed(
        self,
        payload: bytes,
        planned: Planned,
        *,
        lead: bool,
        origin: str | None = None,
        anew: bool = False,
    ) -> bytes | None:
        """Return a stored frame as its files have it now; None where it is so already.

        With `lead` its sources are led to the files of the plan. `origin` is the context that is
        its place, which follows its file; with `anew` its masks are led there too.
        """
        record = read_whole(payload)
        names = _side_names(planned)
        told = _told(record)
        stale = any(self._sha(path) != _sha_told(told, key) for key, path in names.items())
        wire = self.wire(planned if stale else _without_sides(planned))
        new = read_whole(prepare(wire, roots=self.roots).payload)
        if stale:
            record = self._merged(record, new, wire, [key for key in names if key in told])
        by_id = {source.id: source for source in record.sources}
        for source in new.sources:
            known = by_id.get(source.id)
            if known is None:
                record.sources.append(source)
            else:
                _refresh(known, source, lead=lead, anew=anew)
                self._note_gone(known, source)
        if planned.is_group:
            self._note_members(record, planned)
        if origin is not None and record.context_id == origin:
            record.context_id = self.uri(planned.parts[0].path)
        if record.context_id is None:
            record.context_id = self.context
        made = pack(record)
        return None if made == payload else made

    def _merged(
        self, ours: WholeRecord, new: WholeRecord, wire: _Wire, before: list[str]
    ) -> WholeRecord:
        """Return a stored frame with what changed in its side files; the store's edits stay."""
        told, said = _told(ours), _told(new)
        plain = {key: value for key, value in wire.items() if key in ("id", "_kind", "sources")}
        sides = []
        for one in ({key: told[key] for key in before}, said):
            found = read_whole(prepare({**plain, **_joined(one)}, roots=self.roots).payload)
            found.id, found.kind, found.sources = ours.id, ours.kind, ours.sources
            sides.append(pack(found))
        record = read_whole(merge_frames(sides[0], pack(ours), sides[1])[0])
        record.extra = {**(ours.extra or {}), _SIDE: {**told, **said}}
        return record

    def _source(self, part: Part, planned: Planned) -> _Wire:
        facts = part.facts
        hashes: _Wire = {}
        if facts.sha256 is not None:
            hashes["source"] = facts.sha256
        if part.masks:
            hashes["mask_source"] = [mask.sha256 for _, _, mask in part.masks]
        source: _Wire = {
            "id": part.member,
            "uri": str(self.folder / part.path),
            **_sized(facts),
            "meta": {"hash": hashes, "size": facts.size},
        }
        if planned.moment is not None:
            source["timestamp"] = planned.moment
        if part.masks:
            source["masks"] = [
                {"id": mask_id, "uri": str(self.folder / path), **_sized(mask)}
                for mask_id, path, mask in part.masks
            ]
        return source

    def _sides_of(self, planned: Planned) -> dict[str, Side]:
        """Return the side files of a frame, by the member that each is of."""
        found: dict[str, Side] = {}
        if planned.side is not None:
            found[""] = self._side(planned.side, None)
        for part in planned.parts:
            if part.side is None:
                continue
            side = self._side(part.side, part.member if planned.is_group else None)
            for key in ("width", "height"):
                said, known = getattr(side, key), getattr(part.facts, key)
                if said is not None and said != known:
                    raise FormatError(
                        f"{side.name}: {key} is {said}, but that of {part.path!a} is {known}"
                    )
            if planned.moment is not None and (side.rois or side.timestamp is not None):
                shaped = any("poly" in roi or "mask" in roi for roi in side.rois)
                if shaped or side.timestamp is not None:
                    raise FormatError(
                        f"{side.name}: a video's side file has metadata and labels, "
                        f"no {'annotations' if shaped else 'timestamp'}"
                    )
            found[part.member if planned.is_group else ""] = side
        return found

    def _side(self, path: str, member: str | None) -> Side:
        facts = self.sides[path]
        if facts is None or facts.fault is not None or facts.sha256 is None:
            said = "it is refused" if facts is None else facts.fault
            raise FormatError(f"side file {path!a}: {said}")
        return read_side(self.folder / path, path, facts.sha256, member=member)

    def _note_gone(self, source: SourceRecord, new: SourceRecord) -> None:
        """Note masks that the folder had and has not any more, or with `prune` take them away."""
        found = {mask.id for mask in new.masks or ()}
        gone = {}
        for mask in source.masks or ():
            place = local_path(self.roots.absolute(mask.uri))
            path = place.removeprefix(f"{self.folder}/")
            inside = path != place and mask.id not in found
            if inside and path not in self.present and is_gone(place):
                gone[mask.id] = path
        if not self.prune:
            self.gone += gone.values()
        elif gone:
            hashes = _mask_hashes(source)
            source.masks = [one for one in source.masks or () if one.id not in gone] or None
            set_mask_hashes(source, [hashes.get(mask.id) for mask in source.masks or ()])

    def _note_members(self, record: WholeRecord, planned: Planned) -> None:
        """Note members of a group whose files are gone, or with `prune` take them away."""
        known = {part.member for part in planned.parts}
        for source in [one for one in record.sources if one.id not in known]:
            place = local_path(self.roots.absolute(source.uri))
            path = place.removeprefix(f"{self.folder}/")
            if path == place or path in self.present or not is_gone(place):
                continue
            if not self.prune or hash_of(source) in self.contents:
                self.gone.append(path)
            else:
                _drop_member(record, source)

    def _sha(self, name: str) -> str | None:
        facts = self.sides[name]
        return None if facts is None else facts.sha256


def hash_of(source: SourceRecord) -> str | None:
    """Return the SHA-256 that a source's file had when it was last looked at."""
    found = hashes_of(source).get("source")
    return found if isinstance(found, str) else None


def _is_local_form(stored: str) -> bool:
    return stored.startswith((RESERVED, "file:///"))


def _side_names(planned: Planned) -> dict[str, str]:
    """Return the path of each side file, by the member of a group that it is of."""
    found = {} if planned.side is None else {"": planned.side}
    for part in planned.parts:
        if part.side is not None:
            found[part.member if planned.is_group else ""] = part.side
    return found


def _told(record: WholeRecord) -> dict[str, _Wire]:
    """Return what side files said when the frame was made of them."""
    said = (record.extra or {}).get(_SIDE)
    if not isinstance(said, dict):
        return {}
    return {key: one for key, one in said.items() if isinstance(one, dict)}


def _sha_told(told: Mapping[str, _Wire], key: str) -> object:
    return told[key].get("sha256") if key in told else None


def _drop_member(record: WholeRecord, source: SourceRecord) -> None:
    """Take a member out of a group, with the ROIs that are its alone."""
    record.sources.remove(source)
    rois = []
    for roi in record.rois or ():
        left = [one for one in roi.sources or () if one != source.id]
        if left or not roi.sources:
            rois.append(replace(roi, sources=left or None))
    record.rois = rois or None
    if record.meta is not None:
        record.meta = {key: one for key, one in record.meta.items() if key != source.id} or None


def _without_sides(planned: Planned) -> Planned:
    parts = [Part(one.member, one.path, one.facts, one.masks) for one in planned.parts]
    return Planned(planned.name, planned.frame_id, parts, planned.is_group, planned.moment)


def _joined(said: Mapping[str, _Wire]) -> _Wire:
    """Return what the side files of a frame say of it together."""
    meta: _Wire = {}
    rois: list[object] = []
    joined: _Wire = {}
    for member, one in said.items():
        own, drawn = one.get("meta"), one.get("rois")
        if isinstance(own, dict) and own:
            meta.update(own if not member else {member: own})
        rois += drawn if isinstance(drawn, list) else []
        joined |= {key: one[key] for key in ("context_id", "timestamp") if key in one}
    joined |= {key: value for key, value in (("meta", meta), ("rois", rois)) if value}
    return joined


def _refresh(source: SourceRecord, new: SourceRecord, *, lead: bool, anew: bool) -> None:
    """Let a stored source say what its file says now."""
    meta = dict(source.meta or {})
    hashes = hashes_of(source)
    found = hash_of(new)
    is_other = hash_of(source) != found
    for name in ("content_type", "width", "height"):
        if is_other or getattr(source, name) is None:
            setattr(source, name, getattr(new, name))
    if is_other or "size" not in meta:
        meta["size"] = (new.meta or {}).get("size")
    hashes["source"] = found
    if lead:
        source.uri = new.uri
    if new.masks:
        hashes["mask_source"] = _refresh_masks(source, new, anew=anew)
    meta["hash"] = hashes
    source.meta = meta


def _refresh_masks(source: SourceRecord, new: SourceRecord, *, anew: bool) -> list[object]:
    """Lay the masks of the folder over those stored; return the hashes of all, in their order."""
    masks = list(source.masks or ())
    known = _mask_hashes(source)
    found = _mask_hashes(new)
    at = {mask.id: number for number, mask in enumerate(masks)}
    for mask in new.masks or ():
        number = at.get(mask.id)
        if number is None:
            masks.append(mask)
        elif anew or _is_local_form(masks[number].uri) or known.get(mask.id) != found[mask.id]:
            # One that was uploaded, and has the same content still, stays where it is.
            old = masks[number]
            masks[number] = replace(mask, extra=old.extra, timestamp=old.timestamp)
    source.masks = masks
    return [found.get(mask.id, known.get(mask.id)) for mask in masks]


def _mask_hashes(source: SourceRecord) -> dict[str, object]:
    known = mask_hashes(source, hashes_of(source))
    return {mask.id: one for mask, one in zip(source.masks or (), known, strict=True)}


def _sized(facts: Facts) -> _Wire:
    """Return what is known of a file, as the fields of a source or a mask."""
    fields = {
        "content_type": facts.content_type,
        "width": facts.width,
        "height": facts.height,
    }
    return {name: value for name, value in fields.items() if value is not None}
