"""Which frames of a version the files of a folder are, so that a file that moved keeps its frame.

A frame is where its URI leads, as long as the content there is the content that it recorded. One
whose file is gone, or has other content now, is *displaced*; a file that is no frame's in that
sense is *unclaimed*. A displaced frame goes to the unclaimed file of its content where there is
one of each. Where there are several, names decide (the id that follows from the path, then the
file's own name); where they do not, nobody guesses. What is left of the files is, in this order:
the frame that is at the same path, with new content; the frame of the same id whose file is gone
or was uploaded; a new frame.
"""

import posixpath
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hyperstore.dataset.view import View
from hyperstore.formats.folderframes import Maker, hash_of, is_local_form
from hyperstore.formats.folderplan import Planned
from hyperstore.formats.folderwalk import is_gone
from hyperstore.frames.records import GROUP, read_lazily
from hyperstore.frames.roots import local_path
from hyperstore.ids import ObjectId

__all__ = ["Held", "Match", "Matching"]

Hashes = tuple[tuple[str, str | None], ...]
"""Of each source its id, and the SHA-256 of its content where that is known."""
_Key = tuple[object, ...]


class Held(NamedTuple):
    """A frame of the version: what it is found by."""

    frame_id: str
    object_id: ObjectId
    is_group: bool
    sources: tuple[tuple[str, str, str | None], ...]  # Id, URI as stored, recorded hash.
    moment: int

    @property
    def hashes(self) -> "Hashes":
        return tuple(sorted((name, digest) for name, _, digest in self.sources))

    @property
    def is_local(self) -> bool:
        return all(is_local_form(uri) for _, uri, _ in self.sources)


class Match(NamedTuple):
    """A planned frame and what it is: a held frame, or a new one of this id."""

    planned: Planned
    held: Held | None
    frame_id: str
    lead: bool = False  # Whether the frame's URIs are to lead to the planned files.
    moved: bool = False


@dataclass
class Matching:
    """One matching of a folder's frames with those of a version."""

    view: View
    maker: Maker
    present: Mapping[str, str | None]  # The hash of each path that was found, refused ones too.
    copies: list[tuple[str, str]] = field(default_factory=list)  # A file, and the one it copies.
    clashes: list[tuple[str, str]] = field(default_factory=list)
    gone: list[tuple[str, str]] = field(default_factory=list)  # Frame id and path.

    def __post_init__(self) -> None:
        self._at: dict[_Key, list[Held]] = defaultdict(list)
        self._by_id: dict[str, Held] = {}
        self._moved: set[str] = set()  # Ids of frames that go to another file.
        self._made: set[str] = set()  # Ids that were given to new frames.
        self._planned: set[str] = set()
        self._prefix = str(self.maker.folder).rstrip("/") + "/"
        for object_id, payload in self.view.payloads() if self.view.snapshot.count else ():
            record = read_lazily(payload, what="frame")
            assert record.id is not None
            sources = tuple((one.id, one.uri, hash_of(one)) for one in record.sources)
            moment = record.sources[0].timestamp or 0
            group = record.kind == GROUP
            held = Held(record.id, object_id, group, sources, moment)
            self._by_id[held.frame_id] = held
            for _, uri, _ in sources:
                self._at[group, uri, None].append(held)
                self._at[group, uri, moment].append(held)

    def match(self, frames: Sequence[Planned]) -> list[Match]:
        """Return what each planned frame is; copies and clashes are left out, and noted."""
        found: list[Match] = []
        unclaimed: list[Planned] = []
        self._planned = {one.frame_id for one in frames}
        for planned in frames:
            held = self._there(planned)
            if held is not None and held.hashes == _hashes(planned):
                found.append(Match(planned, held, held.frame_id))
            else:
                unclaimed.append(planned)
        claimed = {one.frame_id for one in found}
        left = self._by_content(unclaimed, claimed, found) if self._by_id else unclaimed
        claimed.update(self._moved)
        for planned in left:
            match = self._by_name(planned, claimed)
            if match is not None:
                found.append(match)
                claimed.add(match.frame_id)
        self._note_gone(found, claimed)
        return found

    def _there(self, planned: Planned) -> Held | None:
        """Return the frame whose source is the file of a planned one; None where several are.

        Of several it is the one of this content, or of the id that follows from the path.
        """
        uri = self.maker.uri(planned.parts[0].path)
        found = self._at.get((planned.is_group, uri, planned.moment), [])
        if len(found) <= 1:
            return found[0] if found else None
        same = [one for one in found if one.hashes == _hashes(planned)]
        if len(same) == 1:
            return same[0]
        return next((one for one in same or found if one.frame_id == planned.frame_id), None)

    def _by_content(
        self, unclaimed: list[Planned], claimed: set[str], found: list[Match]
    ) -> list[Planned]:
        """Match displaced frames with files of their content; return the files that are left."""
        files: dict[_Key, list[Planned]] = defaultdict(list)
        for planned in unclaimed:
            files[planned.is_group, _hashes(planned), planned.moment].append(planned)
        displaced: dict[_Key, list[Held]] = defaultdict(list)
        for held in self._by_id.values():
            keys: list[_Key] = [(held.is_group, held.hashes, one) for one in (None, held.moment)]
            for key in keys:
                if key in files and held.frame_id not in claimed and self._is_displaced(held):
                    displaced[key].append(held)
        taken: set[int] = set()
        for key, frames in displaced.items():
            for planned, held in _pairs(files[key], frames):
                taken.add(id(planned))
                self._moved.add(held.frame_id)
                # Bytes that were uploaded stay where they are.
                local = held.is_local
                found.append(Match(planned, held, held.frame_id, lead=local, moved=local))
        return [planned for planned in unclaimed if id(planned) not in taken]

    def _is_displaced(self, held: Held) -> bool:
        """Return whether no source of a frame is any more the file that it was.

        Of one that was uploaded or is kept nobody knows; but a file names it by its id, or none.
        """
        if not held.is_local:
            return held.frame_id not in self._planned
        for _, uri, digest in held.sources:
            place = local_path(self._absolute(uri))
            path = place.removeprefix(self._prefix)
            if path in self.present:
                if self.present[path] == digest:
                    return False
            elif not is_gone(place):
                return False
        return True

    def _by_name(self, planned: Planned, claimed: set[str]) -> Match | None:
        there = self._there(planned)
        if there is not None and there.frame_id not in claimed:
            return Match(planned, there, there.frame_id, lead=planned.is_group)
        held = self._by_id.get(planned.frame_id)
        if held is None and planned.frame_id not in self._made:
            self._made.add(planned.frame_id)
            return Match(planned, None, planned.frame_id)
        if held is not None and held.frame_id not in claimed and held.is_group == planned.is_group:
            if planned.is_group:
                return Match(planned, held, held.frame_id, lead=True)
            _, uri, known = held.sources[0]
            same = known is not None and known == planned.parts[0].facts.sha256
            if not is_local_form(uri):
                # It was uploaded, or is kept: it stays there while its content is the same.
                return Match(planned, held, held.frame_id, lead=known is not None and not same)
            if uri == self.maker.uri(planned.parts[0].path):
                return Match(planned, held, held.frame_id)
            place = local_path(self._absolute(uri))
            if not place.startswith(self._prefix):
                if is_gone(place):
                    return Match(planned, held, held.frame_id, lead=True, moved=True)
                if same:
                    self.copies.append((planned.name, place))
                else:
                    self.clashes.append(
                        (
                            planned.name,
                            f"has the id of the frame of {place!a}: name the folder above both",
                        )
                    )
                return None
        return self._new(planned)

    def _new(self, planned: Planned) -> Match:
        """Return a new frame where the id that follows from its path is another frame's."""
        number = 0
        while (name := planned.renamed(number)) in self._by_id or name in self._made:
            number += 1
        self._made.add(name)
        return Match(planned, None, name)

    def _note_gone(self, found: list[Match], claimed: set[str]) -> None:
        for held in self._by_id.values():
            if held.frame_id in claimed or not held.is_local:
                continue
            places = [local_path(self._absolute(uri)) for _, uri, _ in held.sources]
            if all(place.startswith(self._prefix) for place in places):
                paths = [place[len(self._prefix) :] for place in places]
                if all(path not in self.present for path in paths) and all(map(is_gone, places)):
                    self.gone.append((held.frame_id, paths[0]))
        for match in found:
            name = match.planned.frame_id
            over = self._by_id.get(name)
            if over is None or name in claimed or match.planned.is_group:
                continue
            # The file of this frame was overwritten by one that moved there with its own frame.
            path = match.planned.parts[0].path
            if over.sources[0][1] == self.maker.uri(path):
                self.gone.append((name, path))

    def _absolute(self, stored: str) -> str:
        return self.view.roots.absolute(stored)


def _hashes(planned: Planned) -> Hashes:
    return tuple(sorted((part.member, part.facts.sha256) for part in planned.parts))


def _pairs(files: list[Planned], frames: list[Held]) -> list[tuple[Planned, Held]]:
    """Return which file is which frame of the same content: one of each, or by their names."""
    if len(files) == len(frames) == 1:
        return [(files[0], frames[0])]
    by_id = {one.frame_id: one for one in frames}
    pairs = [(one, by_id[one.frame_id]) for one in files if one.frame_id in by_id]
    settled = {one.frame_id for one, _ in pairs}
    named: dict[str, tuple[list[Planned], list[Held]]] = defaultdict(lambda: ([], []))
    for planned in files:
        if planned.frame_id not in settled:
            named[posixpath.basename(planned.parts[0].path)][0].append(planned)
    for held in frames:
        if held.frame_id not in settled:
            named[posixpath.basename(held.sources[0][1])][1].append(held)
    pairs += [
        (ones[0], others[0]) for ones, others in named.values() if len(ones) == len(others) == 1
    ]
    return pairs
