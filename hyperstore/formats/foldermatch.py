"""Which frames of a version the files of a folder are, so that labels follow content.

A frame has a content, the SHA-256 of its files, and mostly a place: where its URI leads, or for one
that is kept where its original lay. By these alone, in this order, a file is

1. the frame of its place, if its content is the same;
2. the frame of its content, if that is gone from its place and has one such file and no other; of
   several the id that follows from the path decides, then the file's own name, and else nobody;
3. the frame of its place, edited, if what that had before is nowhere but in files of rule 1, and
   no other frame has that place;
4. a copy, if the frame of its id has its content and is elsewhere still; or else a new frame.

A frame of which nobody knows a place is found by its content alone. One whose file is gone is
listed, and never becomes the frame of another picture.
"""

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hyperstore.dataset.view import View
from hyperstore.errors import HyperstoreError
from hyperstore.formats.folderframes import Maker, hash_of
from hyperstore.formats.folderplan import Part, Planned
from hyperstore.formats.folderwalk import is_gone
from hyperstore.frames.records import GROUP, FrameRecord, read_lazily
from hyperstore.frames.roots import local_path
from hyperstore.ids import ObjectId
from hyperstore.media.uri import locate, shown

__all__ = ["Held", "Match", "Matching"]

Hashes = tuple[tuple[str, str | None], ...]
"""Of each source its id, and the SHA-256 of its content where that is known."""
_Key = tuple[object, ...]


class Held(NamedTuple):
    """A frame of the version: what it is found by."""

    frame_id: str
    object_id: ObjectId
    is_group: bool
    sources: tuple[tuple[str, str | None, str | None], ...]  # Id, place, recorded hash.
    moment: int
    is_local: bool  # Whether its URIs lead to files of this machine.
    origin: str | None  # The context that is its place, of one whose URI leads elsewhere.

    @property
    def hashes(self) -> Hashes:
        return tuple(sorted((name, digest) for name, _, digest in self.sources))

    @property
    def places(self) -> list[str]:
        return [place for _, place, _ in self.sources if place is not None]


class Match(NamedTuple):
    """A planned frame and what it is: a held frame, or a new one of this id."""

    planned: Planned
    held: Held | None
    frame_id: str
    lead: bool = False  # Whether the frame's URIs are to lead to the planned files.
    moved: bool = False


@dataclass
class Matching:
    """One matching of a folder's frames with those of a version.

    `is_still` tells of a file whether it is as it was when the folder was looked at. Of `part` of a
    folder nobody can say whether the content that a place had is elsewhere in it now.
    """

    view: View
    maker: Maker
    present: Mapping[str, str | None]  # The hash of each path that was found, refused ones too.
    is_still: Callable[[str], bool]
    part: bool = False
    copies: list[tuple[str, str]] = field(default_factory=list)  # A file, and the one it copies.
    clashes: list[tuple[str, str]] = field(default_factory=list)
    gone: list[tuple[Held, str]] = field(default_factory=list)  # And the path.
    unsure: list[tuple[str, str]] = field(default_factory=list)  # Path, and where its content is.

    def __post_init__(self) -> None:
        self._at: dict[_Key, list[Held]] = defaultdict(list)
        self._by_id: dict[str, Held] = {}
        self._claimed: set[str] = set()  # Ids of the frames that a file is.
        self._made: set[str] = set()  # Ids that were given to new frames.
        self._prefix = str(self.maker.folder).rstrip("/") + "/"
        for object_id, payload in self.view.payloads() if self.view.snapshot.count else ():
            held = self._held(object_id, read_lazily(payload, what="frame"))
            self._by_id[held.frame_id] = held
            for place in held.places:
                self._at[held.is_group, place, None].append(held)
                self._at[held.is_group, place, held.moment].append(held)

    def match(self, frames: Sequence[Planned]) -> list[Match]:
        """Return what each planned frame is; copies and clashes are left out, and noted."""
        found: list[Match] = []
        left: list[Planned] = []
        for planned in frames:
            match = self._in_its_place(planned)
            if match is None:
                left.append(planned)
            else:
                found.append(match)
        if self._by_id:
            settled = {part.path for one in found for part in one.planned.parts}
            left = self._by_content(left, frames, found)
            left = self._edited(left, settled, found)
        for planned in left:
            match = self._made_new(planned)
            if match is not None:
                found.append(match)
        self._note_gone(frames)
        return found

    def _held(self, object_id: ObjectId, record: FrameRecord) -> Held:
        assert record.id is not None
        places = [self._place(source.uri) for source in record.sources]
        is_local = None not in places
        origin = None
        if record.context_id is not None and not any(map(self._path, places)):
            at = self._place(record.context_id)
            if at is not None and (not is_local or self._path(at) is not None):
                origin, places = record.context_id, [at, *([None] * (len(places) - 1))]
                is_local = False
        sources = tuple(
            (one.id, place, hash_of(one)) for one, place in zip(record.sources, places, strict=True)
        )
        moment = record.sources[0].timestamp or 0
        group = record.kind == GROUP
        return Held(record.id, object_id, group, sources, moment, is_local, origin)

    def _place(self, stored: str) -> str | None:
        """Return the path that a stored URI names on this machine; None where it names none."""
        uri = self.view.roots.absolute(stored)
        if uri.startswith("file:///") and "%" not in uri:
            return local_path(uri)
        if uri[:5].lower() != "file:":
            return None
        try:
            place = locate(uri)
        except HyperstoreError:
            return None
        return place if isinstance(place, str) else None

    def _path(self, place: str | None) -> str | None:
        """Return the path in the folder; None for what is not in it."""
        if place is None or not place.startswith(self._prefix):
            return None
        return place[len(self._prefix) :]

    def _standing(self, planned: Planned) -> list[Held]:
        """Return the frames that have the place of a planned one, in the order of their ids."""
        found: dict[str, Held] = {}
        for part in planned.parts:
            key = (planned.is_group, self._prefix + part.path, planned.moment)
            for held in self._at.get(key, ()):
                found[held.frame_id] = held
        return [found[name] for name in sorted(found)] if len(found) > 1 else [*found.values()]

    def _in_its_place(self, planned: Planned) -> Match | None:
        hashes = _hashes(planned)
        same = [
            one
            for one in self._standing(planned)
            if one.hashes == hashes and one.frame_id not in self._claimed
        ]
        if not same:
            return None
        # Who registers a picture twice means both.
        self._claimed.update(one.frame_id for one in same)
        held = next((one for one in same if one.frame_id == planned.frame_id), same[0])
        return Match(planned, held, held.frame_id, lead=held.is_group and held.is_local)

    def _by_content(
        self, unclaimed: list[Planned], frames: Sequence[Planned], found: list[Match]
    ) -> list[Planned]:
        """Match displaced frames with files of their content; return the files that are left."""
        files: dict[_Key, list[Planned]] = defaultdict(list)
        for planned in unclaimed:
            files[planned.is_group, _hashes(planned), planned.moment].append(planned)
        videos: dict[Hashes, dict[str, Planned]] = defaultdict(dict)
        for planned in frames:
            if planned.moment is not None:
                videos[_hashes(planned)][planned.name] = planned
        displaced: dict[_Key, list[Held]] = defaultdict(list)
        for held in self._by_id.values():
            if held.frame_id in self._claimed:
                continue
            both: list[_Key] = [(held.is_group, held.hashes, one) for one in (None, held.moment)]
            keys = [key for key in both if key in files]
            film = videos.get(held.hashes, {}) if not keys else {}
            if (keys or film) and self._is_displaced(held):
                for key in keys:
                    displaced[key].append(held)
                for planned in film.values() if len(film) == 1 else ():
                    # A moment that nobody asked for this time goes where its video went.
                    if held.moment in (planned.parts[0].facts.moments or ()):
                        self._claim_moved(planned.at(held.moment), held, found)
        taken: set[int] = set()
        for key, ones in displaced.items():
            for planned, held in _pairs(files[key], ones):
                taken.add(id(planned))
                self._claim_moved(planned, held, found)
        return [planned for planned in unclaimed if id(planned) not in taken]

    def _claim_moved(self, planned: Planned, held: Held, found: list[Match]) -> None:
        self._claimed.add(held.frame_id)
        # Bytes that were uploaded or are kept stay where they are.
        moved = held.is_local or held.origin is not None
        found.append(Match(planned, held, held.frame_id, lead=held.is_local, moved=moved))

    def _is_displaced(self, held: Held) -> bool:
        """Return whether no source of a frame is any more the file that it was.

        Of one without a place nobody knows, so that its content decides.
        """
        for _, place, digest in held.sources:
            path = self._path(place)
            if path is not None and path in self.present:
                if self.present[path] == digest:
                    return False
            elif place is not None and not is_gone(place):
                return False
        return True

    def _edited(self, left: list[Planned], settled: set[str], found: list[Match]) -> list[Planned]:
        """Match files with the frames of their places, edited; return those that are left.

        `settled` are the files whose frames were in their places: all else may have come from any.
        """
        loose: dict[str, set[str]] = defaultdict(set)
        for path, digest in self.present.items():
            if digest is not None and path not in settled:
                loose[digest].add(path)
        others: list[Planned] = []
        for planned in left:
            standing = self._standing(planned)
            # Two frames of one picture are edited both; of two pictures nobody knows which.
            alike = len({one.hashes for one in standing}) == 1
            if not alike or any(
                one.frame_id in self._claimed or not self._stayed(one, planned, loose)
                for one in standing
            ):
                others.append(planned)
                continue
            self._claimed.update(one.frame_id for one in standing)
            why = self._doubt(planned, standing[0])
            if why is not None:
                self.clashes.append((planned.name, why))
                continue
            for held in standing:
                lead = held.is_group or not held.is_local
                found.append(Match(planned, held, held.frame_id, lead=lead))
        return others

    def _doubt(self, planned: Planned, held: Held) -> str | None:
        """Return why nobody can say that a file was edited in its place; None where that is so."""
        if all(digest in (None, part.facts.sha256) for part, digest in _both(planned, held)):
            return None
        if self.part:
            return "has other content than its frame: add its whole folder, which tells why"
        if not all(self.is_still(part.path) for part in planned.parts):
            return "changed while the folder was read; add it again"
        return None

    def _stayed(self, held: Held, planned: Planned, loose: Mapping[str, set[str]]) -> bool:
        """Return whether each source that a frame shares with a planned one is at its place, or of
        its content, and what else it was is nowhere.
        """
        own = {part.path for part in planned.parts}
        places = {name: place for name, place, _ in held.sources}
        for part, digest in _both(planned, held):
            if digest is None or digest == part.facts.sha256:
                continue
            place = places[part.member]
            if place is None or place != self._prefix + part.path:
                return False
        for _, _, digest in held.sources:
            if digest is not None and loose.get(digest, own) - own:
                return False
        return True

    def _made_new(self, planned: Planned) -> Match | None:
        """Return a new frame, of another id where the one that follows from its path is taken."""
        held = self._by_id.get(planned.frame_id)
        name = planned.frame_id
        if held is not None and held.frame_id not in self._claimed:
            where = next(iter(held.places), None) or f"frame {held.frame_id}"
            if held.hashes == _hashes(planned) and not self._is_displaced(held):
                self.copies.append((planned.name, where))
                return None
            if all(digest is None for _, digest in held.hashes):
                why = (
                    f"has the id of the frame of {shown(where)}, of which no hash is recorded; "
                    "update_source_files_hash records it"
                )
                self.clashes.append((planned.name, why))
                return None
        number = 0
        while name in self._by_id or name in self._made:
            name = planned.renamed(number)
            number += 1
        self._made.add(name)
        return Match(planned, None, name)

    def _note_gone(self, frames: Sequence[Planned]) -> None:
        """Note the frames whose files are gone from the folder, or have become other ones."""
        planned = {part.path for one in frames for part in one.parts}
        where: dict[str, str] = {}
        for path, digest in self.present.items():
            if digest is not None:
                where.setdefault(digest, path)
        for held in self._by_id.values():
            if held.frame_id in self._claimed or not held.is_local:
                continue
            paths = [self._path(place) for place in held.places]
            over = [
                self._is_over(path, one[2]) for path, one in zip(paths, held.sources, strict=True)
            ]
            # A group of which one file has become another one is no group any more.
            if not any(over) or None in paths:
                continue
            # A file that is refused is told of already.
            if any(path in self.present and path not in planned for path in paths):
                continue
            alive = next((where[one[2]] for one in held.sources if one[2] in where), None)
            if alive is None:
                self.gone.append((held, str(paths[0])))
            else:
                self.unsure.append((str(paths[0]), alive))

    def _is_over(self, path: str | None, digest: str | None) -> bool:
        """Return whether a place in the folder has not the content any more that it had."""
        if path is None:
            return False
        if path in self.present:
            return self.present[path] != digest
        return is_gone(self._prefix + path)


def _hashes(planned: Planned) -> Hashes:
    return tuple(sorted((part.member, part.facts.sha256) for part in planned.parts))


def _both(planned: Planned, held: Held) -> Iterator[tuple[Part, str | None]]:
    """Yield the parts that a planned frame shares with a frame, with the hash recorded there."""
    known = {name: digest for name, _, digest in held.sources}
    return ((part, known[part.member]) for part in planned.parts if part.member in known)


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
        if held.frame_id not in settled and held.places:
            named[posixpath.basename(held.places[0])][1].append(held)
    pairs += [
        (ones[0], others[0]) for ones, others in named.values() if len(ones) == len(others) == 1
    ]
    return pairs
