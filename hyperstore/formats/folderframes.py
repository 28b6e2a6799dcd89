"""From a planned frame to a wire frame, and from a stored frame to one that its files agree with.

What the files say of themselves (type, size, hash) follows the files. What people say (ROIs,
metadata) is theirs: a side file that changed is merged as a branch would be, with what it said
before as the base, and where both changed one thing the store's stays.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hyperstore.codec import pack, replace
from hyperstore.errors import FormatError
from hyperstore.formats.folderindex import Index
from hyperstore.formats.folderplan import Part, Planned
from hyperstore.formats.folderside import Said, Side, read_side, unpacked
from hyperstore.formats.folderwalk import is_gone
from hyperstore.frames.hashes import hashes_of, mask_hashes
from hyperstore.frames.merging import merge_frames
from hyperstore.frames.prepare import prepare
from hyperstore.frames.records import SourceRecord, WholeRecord, read_whole
from hyperstore.frames.roots import RESERVED, Roots, local_path
from hyperstore.media.facts import Facts

__all__ = ["Maker", "hash_of", "is_local_form"]

_Wire = dict[str, object]
_SIDE = "side"  # Where among a source's hashes that of its side file stands.


@dataclass(slots=True)
class Maker:
    """Makes frames of the files of one folder."""

    folder: Path
    roots: Roots
    index: Index
    sides: Mapping[str, Facts | None]
    present: Mapping[str, str | None]  # The hash of each path that was found, refused ones too.
    context: str | None = None
    prune: bool = False
    gone: list[str] = field(default_factory=list)  # Masks of frames, whose files are not there.

    def uri(self, path: str) -> str:
        """Return the URI of a file of the folder as it is stored."""
        return self.roots.stored(f"file://{self.folder / path}")

    def wire(self, planned: Planned) -> _Wire:
        """Return a planned frame in the wire form; FormatError for a side file that is wrong."""
        wire: _Wire = {"id": planned.frame_id}
        if planned.is_group:
            wire["_kind"] = "group"
        context = self.context
        if planned.moment is not None:
            wire["timestamp"] = planned.moment
            context = context or planned.name
        sides = self._sides_of(planned)
        for _, side in sides:
            context = side.context_id or context
            if side.timestamp is not None:
                wire["timestamp"] = side.timestamp
        if context is not None:
            wire["context_id"] = context
        said = _joined([(member, (side.meta, side.rois)) for member, side in sides])
        wire |= {key: value for key, value in said.items() if value}
        wire["sources"] = [self._source(part, planned) for part in planned.parts]
        return wire

    def refreshed(self, payload: bytes, planned: Planned, *, lead: bool) -> bytes | None:
        """Return a stored frame as its files have it now; None where it is so already.

        With `lead` its sources are led to the files of the plan.
        """
        record = read_whole(payload)
        names = _side_names(planned)
        told = [_told(record, own) for own, _ in names]
        stale = any(self._sha(name) not in one for (_, name), one in zip(names, told, strict=True))
        before = [self._earlier(name, one) for (_, name), one in zip(names, told, strict=True)]
        wire = self.wire(planned if stale else _without_sides(planned))
        new = read_whole(prepare(wire, roots=self.roots).payload)
        if stale:
            said = _joined([(own, side) for (own, _), side in zip(names, before, strict=True)])
            old = prepare({**wire, **said}, roots=self.roots).payload
            record = _merged(read_whole(old), record, new)
        by_id = {source.id: source for source in record.sources}
        for source in new.sources:
            known = by_id.get(source.id)
            if known is None:
                record.sources.append(source)
            else:
                _refresh(known, source, lead=lead, is_told=stale)
                self._note_gone(known, source)
        if record.context_id is None:
            record.context_id = self.context
        made = pack(record)
        return None if made == payload else made

    def _source(self, part: Part, planned: Planned) -> _Wire:
        facts = part.facts
        hashes: _Wire = {}
        if facts.sha256 is not None:
            hashes["source"] = facts.sha256
        if part.masks:
            hashes["mask_source"] = [mask.sha256 for _, _, mask in part.masks]
        side = part.side or (planned.side if part is planned.parts[0] else None)
        told = None if side is None else self.sides[side]
        if told is not None:
            hashes[_SIDE] = told.sha256
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

    def _sides_of(self, planned: Planned) -> list[tuple[str | None, Side]]:
        """Return the side files of a frame, each with the member that it is of."""
        found: list[tuple[str | None, Side]] = []
        if planned.side is not None:
            found.append((None, self._side(planned.side, None)))
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
            found.append((part.member if planned.is_group else None, side))
        return found

    def _side(self, path: str, member: str | None) -> Side:
        facts = self.sides[path]
        if facts is None or facts.fault is not None or facts.sha256 is None:
            said = "it is refused" if facts is None else facts.fault
            raise FormatError(f"side file {path!a}: {said}")
        side = read_side(self.folder / path, path, facts.sha256, member=member)
        known = self.index.rows.get(path)
        if known is not None and known.facts == facts:
            self.index.rows[path] = replace(known, side=side.packed())
        return side

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
            left = [hashes.get(mask.id) for mask in source.masks or ()]
            known = {**hashes_of(source), "mask_source": left}
            if not any(left):
                del known["mask_source"]
            source.meta = {**(source.meta or {}), "hash": known}

    def _sha(self, name: str) -> str | None:
        facts = self.sides[name]
        return None if facts is None else facts.sha256

    def _earlier(self, name: str, told: set[object]) -> Said:
        """Return what a side file said when its hash was that; nothing where nobody knows."""
        known = self.index.rows.get(name)
        if known is None or known.side is None:
            return {}, []
        sha256, said = unpacked(known.side)
        return said if sha256 in told else ({}, [])


def hash_of(source: SourceRecord) -> str | None:
    """Return the SHA-256 that a source's file had when it was last looked at."""
    found = hashes_of(source).get("source")
    return found if isinstance(found, str) else None


def is_local_form(stored: str) -> bool:
    """Return whether a stored URI is that of a local file."""
    return stored.startswith((RESERVED, "file:///"))


def _side_names(planned: Planned) -> list[tuple[str | None, str]]:
    """Return the path of each side file, with the member of a group that it is of."""
    found: list[tuple[str | None, str]] = []
    if planned.side is not None:
        found.append((None, planned.side))
    found += [
        (part.member if planned.is_group else None, part.side)
        for part in planned.parts
        if part.side is not None
    ]
    return found


def _told(record: WholeRecord, member: str | None) -> set[object]:
    """Return the hashes of side files that a frame was made of; of one member, if that is given.

    Of a group's own any source remembers it, since which one comes first may change.
    """
    sources = [one for one in record.sources if member in (None, one.id)]
    return {hashes_of(one).get(_SIDE) for one in sources}


def _without_sides(planned: Planned) -> Planned:
    parts = [Part(one.member, one.path, one.facts, one.masks) for one in planned.parts]
    return Planned(planned.name, planned.frame_id, parts, planned.is_group, planned.moment)


def _joined(said: Iterable[tuple[str | None, Said]]) -> _Wire:
    """Return the metadata and ROIs of a frame from those of its side files."""
    meta: _Wire = {}
    rois: list[_Wire] = []
    for member, (own, drawn) in said:
        if member is None:
            meta.update(own)
        elif own:
            meta[member] = own
        rois += drawn
    return {"meta": meta, "rois": rois}


def _merged(base: WholeRecord, ours: WholeRecord, new: WholeRecord) -> WholeRecord:
    """Return a stored frame with what changed in its side files; the store's edits stay."""
    shared = {"id": ours.id, "kind": ours.kind, "sources": ours.sources}
    base = WholeRecord(**shared, meta=base.meta, rois=base.rois)  # type: ignore[arg-type]
    theirs = WholeRecord(**shared, meta=new.meta, rois=new.rois)  # type: ignore[arg-type]
    return read_whole(merge_frames(pack(base), pack(ours), pack(theirs))[0])


def _refresh(source: SourceRecord, new: SourceRecord, *, lead: bool, is_told: bool) -> None:
    """Let a stored source say what its file says now; `is_told` where side files were merged."""
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
    if is_told:
        hashes.pop(_SIDE, None)  # Which source of a group remembers it may have changed.
    if _SIDE in hashes_of(new):
        hashes[_SIDE] = hashes_of(new)[_SIDE]
    if lead:
        source.uri = new.uri
    if new.masks:
        hashes["mask_source"] = _refresh_masks(source, new)
    meta["hash"] = hashes
    source.meta = meta


def _refresh_masks(source: SourceRecord, new: SourceRecord) -> list[object]:
    """Lay the masks of the folder over those stored; return the hashes of all, in their order."""
    masks = list(source.masks or ())
    known = _mask_hashes(source)
    found = _mask_hashes(new)
    at = {mask.id: number for number, mask in enumerate(masks)}
    for mask in new.masks or ():
        number = at.get(mask.id)
        if number is None:
            masks.append(mask)
        elif is_local_form(masks[number].uri) or known.get(mask.id) != found[mask.id]:
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
