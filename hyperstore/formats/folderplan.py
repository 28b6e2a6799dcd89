"""Which files of a folder make which frames: pictures, their masks and side files, groups, videos.

The plan follows from the paths alone, in any order of reading. A file that belongs to nothing, or
to two things, is a problem that names it: guessed labels are worse than none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from hyperstore.codec import encode
from hyperstore.errors import UsageError
from hyperstore.formats.folderfacts import PICTURES
from hyperstore.formats.folderpattern import PICTURE_FIELDS, Pattern, picture_fields
from hyperstore.formats.pictures import frame_id
from hyperstore.ids import derived_id
from hyperstore.limits import FOLDER_LISTED_MAX
from hyperstore.media.facts import Facts
from hyperstore.media.headers import VIDEO_TYPES

__all__ = ["DEFAULT_MASK", "Layout", "Part", "Plan", "Planned"]

DEFAULT_MASK = "00"  # The id of the first mask where nobody names it.
_DEFAULT = "default"

Key = tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """The patterns by which a folder is read, and how often a video is looked at.

    Where `images` says which pictures are meant, what it calls their stem or path is what the
    other patterns go by.
    """

    images: Pattern | None = None
    masks: Pattern | None = None
    side: Pattern | None = None
    group: Pattern | None = None
    every_ms: float | None = None  # None: every frame of a video.

    @staticmethod
    def of(
        masks: str | None,
        side: str | None,
        group: str | None,
        *,
        images: str | None = None,
        every_ms: float | None = None,
        fps: float | None = None,
    ) -> "Layout":
        """Take what a user wrote; UsageError names the option that is wrong."""
        if every_ms is not None and fps is not None:
            raise UsageError("say how often a video is looked at by every_ms or by fps, not both")
        for name, given in (("every_ms", every_ms), ("fps", fps)):
            if given is not None and (type(given) is bool or not isinstance(given, (int, float))):
                raise UsageError(f"{name} is a number, not {given!a}")
        if every_ms is not None and not 1 <= every_ms <= 1e9:
            raise UsageError(f"every_ms is a number of milliseconds from 1 on, not {every_ms!a}")
        if fps is not None and not 1e-6 <= fps <= 1000:
            raise UsageError(f"fps is a number over 0, and 1000 at most, not {fps!a}")
        if fps is not None:
            every_ms = 1000 / fps
        of_group = ("camera", "dir", "group", "any")
        grouped = (
            None if group is None else Pattern(group, "the pattern of groups", fields=of_group)
        )
        if grouped is not None and not {"camera", "group"} <= grouped.fields:
            raise UsageError(f"the pattern of groups {group!a} says {{group}} and {{camera}}")
        also = ("group",) if grouped is not None else ()
        fields = (*PICTURE_FIELDS, "any")
        layout = Layout(
            None if images is None else Pattern(images, "the pattern of images", fields=fields),
            None
            if masks is None
            else Pattern(masks, "the pattern of masks", fields=(*PICTURE_FIELDS, "mask")),
            None
            if side is None
            else Pattern(side, "the pattern of side files", fields=(*PICTURE_FIELDS, *also)),
            grouped,
            every_ms,
        )
        for one, what in ((layout.masks, "masks"), (layout.side, "side files")):
            named = {"name", "path", "stem", *also}
            if one is not None and not named & one.fields:
                raise UsageError(
                    f"the pattern of {what} {one.text!a} says nothing of the picture; "
                    "put {stem} or {path} in it"
                )
        if (
            layout.side is not None
            and "group" in layout.side.fields
            and ({"name", "path", "stem"} & layout.side.fields)
        ):
            raise UsageError(
                f"the pattern of side files {side!a} is of groups or of pictures, not of both"
            )
        return layout

    def role(self, path: str) -> str | None:
        """Return what a file is: mask, side, picture, video, other (of a group), or nothing."""
        suffix = "." + path.rpartition(".")[2].lower()  # Asked of every file, so splitext is slow.
        if self.masks is not None and suffix in PICTURES and self.masks.fits(path):
            return "mask"
        if self.side is not None and self.side.fits(path):
            return "side"
        if suffix in PICTURES and self.images is not None:
            return "picture" if self.images.fits(path) else None
        if suffix in PICTURES:
            return "picture"
        if suffix in VIDEO_TYPES:
            return "video"
        return "other" if self.group is not None and self.group.fits(path) else None

    def wanted(self, path: str) -> bool:
        return self.role(path) is not None

    def fields_of(self, path: str) -> dict[str, str]:
        """Return what the patterns may say of a picture, or of a video."""
        read = {} if self.images is None else next(self.images.readings(path), {})
        return {**picture_fields(path), **read}

    @property
    def question(self) -> list[object]:
        """What tells one way of reading from another."""
        patterns = (self.images, self.masks, self.side, self.group)
        return [*(None if one is None else one.text for one in patterns), self.every_ms]


@dataclass(slots=True)
class Part:
    """One source of a frame: a file with its masks. `side` is the path of its own side file."""

    member: str
    path: str
    facts: Facts
    masks: list[tuple[str, str, Facts]] = field(default_factory=list)  # Id, path, facts.
    side: str | None = None


@dataclass(slots=True)
class Planned:
    """One frame to be. `moment` is in ms, of a video; `side` is the path of a group's side file."""

    name: str  # The path that its id follows from, or the group's.
    frame_id: str
    parts: list[Part]
    is_group: bool = False
    moment: int | None = None
    side: str | None = None

    def at(self, moment: int) -> "Planned":
        """Return the frame of another moment of the same video."""
        return Planned(self.name, self.frame_id, self.parts, moment=moment)

    def renamed(self, number: int) -> str:
        """Return another id, that follows from name and content: for where the first is taken."""
        seed: list[object] = [_DEFAULT, self.name, self.parts[0].facts.sha256, number]
        if self.moment:
            seed.append(self.moment)
        return derived_id(encode([seed], what="the name of a frame"))


class Plan:
    """The files that were found, and the frames that they make."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._pictures: dict[str, Facts | None] = {}  # None: refused, but there.
        self._videos: dict[str, Facts] = {}
        self._masks: dict[str, Facts | None] = {}
        self._sides: dict[str, Facts | None] = {}
        self.problems: list[tuple[str, str]] = []  # Path, and what is wrong with it.
        self.refused: list[tuple[str, str]] = []
        self.incomplete: list[tuple[str, list[str]]] = []  # Group, and the cameras it lacks.

    def take(self, path: str, facts: Facts | None) -> None:
        """Note a file; without facts one that was refused already."""
        role = self._layout.role(path)
        if role == "mask":
            self._masks[path] = facts
        elif role == "side":
            self._sides[path] = facts
        elif role == "video" and facts is not None and not self._in_group(path):
            self._videos[path] = facts
        elif role is not None:
            self._pictures[path] = facts

    @property
    def side_files(self) -> dict[str, Facts | None]:
        return self._sides

    def frames(self) -> list[Planned]:
        """Return the frames, and fill `problems`, `refused` and `incomplete`."""
        masks = self._owned(self._masks, self._layout.masks, "mask")
        sides = self._owned(self._sides, self._layout.side, "side file")
        made = [*self._of_pictures(masks, sides), *self._of_videos(sides)]
        if not made and not self._pictures and not self._videos:
            return []
        return [one for one in made if self._fits(one)]

    def _in_group(self, path: str) -> bool:
        return self._layout.group is not None and self._layout.group.fits(path)

    def _of_pictures(
        self, masks: dict[str, list[tuple[str, str]]], sides: dict[str, list[tuple[str, str]]]
    ) -> Iterator[Planned]:
        groups: dict[str, dict[str, str]] = {}  # Camera to path.
        for path, facts in self._pictures.items():
            named = self._group_of(path)
            if named is None:
                if facts is not None:
                    part = self._part(_DEFAULT, path, facts, masks, sides)
                    yield Planned(path, frame_id(path), [part])
                continue
            key, camera = named
            other = groups.setdefault(key, {}).setdefault(camera, path)
            if other != path:
                self.problems.append((path, f"is {camera!a} of group {key!a}, as {other!a} is"))
        if self._layout.group is not None and not groups:
            raise UsageError(f"no file fits the pattern of groups {self._layout.group.text!a}")
        cameras = sorted({camera for members in groups.values() for camera in members})
        for key, members in groups.items():
            missing = [camera for camera in cameras if camera not in members]
            if missing:
                self.incomplete.append((key, missing))
            parts: list[Part] = []
            for camera in sorted(members):
                facts = self._pictures[members[camera]]
                if facts is None:
                    parts = []
                    break
                parts.append(self._part(camera, members[camera], facts, masks, sides))
            if not parts:
                self.refused.append((key, "is a group with a member that is refused"))
                continue
            said = sides.get(key, [])
            name = derived_id(encode([["group", key]], what="the name of a group"))
            side = said[0][1] if said else None
            yield Planned(key, name, parts, is_group=True, side=side)

    def _part(
        self,
        member: str,
        path: str,
        facts: Facts,
        masks: dict[str, list[tuple[str, str]]],
        sides: dict[str, list[tuple[str, str]]],
    ) -> Part:
        own = []
        for mask_id, mask in sorted(masks.get(path, ())):
            known = self._masks[mask]
            own.append((mask_id, mask, known or Facts(fault="it is refused")))
        said = sides.get(path)
        return Part(member, path, facts, own, said[0][1] if said else None)

    def _of_videos(self, sides: dict[str, list[tuple[str, str]]]) -> Iterator[Planned]:
        for path, facts in self._videos.items():
            said = sides.get(path)
            part = Part(_DEFAULT, path, facts, [], said[0][1] if said else None)
            for moment in _chosen(facts.moments or [0], self._layout.every_ms):
                seed: list[object] = [_DEFAULT, path]
                if moment:
                    seed.append(moment)
                name = derived_id(encode([seed], what="the name of a moment"))
                yield Planned(path, name, [part], moment=moment)

    def _fits(self, one: Planned) -> bool:
        """Return whether a frame's files fit each other; note why not."""
        for part in one.parts:
            for mask_id, path, facts in part.masks:
                if facts.fault is not None:
                    self.refused.append((part.path, f"its mask {path!a}: {facts.fault}"))
                    return False
                sizes = (facts.width, facts.height), (part.facts.width, part.facts.height)
                if sizes[0] != sizes[1]:
                    said = (
                        f"has {sizes[0][0]} x {sizes[0][1]} pixels, but its picture {part.path!a} "
                        f"has {sizes[1][0]} x {sizes[1][1]}"
                    )
                    self.problems.append((path, f"is mask {mask_id!a} and {said}"))
                    return False
        return True

    def _group_of(self, path: str) -> tuple[str, str] | None:
        """Return the group of a file and its camera, the shortest name where several would do."""
        pattern = self._layout.group
        if pattern is None:
            return None
        readings = list(pattern.readings(path))
        if not readings:
            return None
        best = min(readings, key=lambda one: (len(one["camera"]), one["camera"]))
        known = {name: value for name, value in best.items() if name in {"dir", "group"}}
        return pattern.filled(known), best["camera"]

    def _owned(
        self, files: Iterable[str], pattern: Pattern | None, what: str
    ) -> dict[str, list[tuple[str, str]]]:
        """Return for each picture, or group, the files that are its own, with the ids of masks."""
        found: dict[str, list[tuple[str, str]]] = {}
        if pattern is None:
            return found
        owners = self._owners(pattern)
        for path in files:
            matches = {
                (owner, one.get("mask", DEFAULT_MASK))
                for one in pattern.readings(path)
                for owner in owners.get(_key(pattern, one), ())
            }
            if len(matches) != 1:
                names = sorted({owner for owner, _ in matches})
                listed = ", ".join(ascii(one) for one in names[:FOLDER_LISTED_MAX])
                of = f"is a {what} of {listed}" if names else f"is a {what} of no picture"
                self.problems.append((path, f"{of}, by the pattern {pattern.text!a}"))
                continue
            owner, mask_id = matches.pop()
            twice = [one for one in found.get(owner, ()) if one[0] == mask_id]
            if twice:
                self.problems.append((path, f"is a {what} of {owner!a}, as {twice[0][1]!a} is"))
                continue
            found.setdefault(owner, []).append((mask_id, path))
        if not found:
            self.problems.append((pattern.text, f"is the pattern of a {what}, and no file fits it"))
        return found

    def _owners(self, pattern: Pattern) -> dict[Key, list[str]]:
        owners: dict[Key, list[str]] = {}
        if "group" not in pattern.fields:
            for path in (*self._pictures, *self._videos):
                fields = self._layout.fields_of(path)
                owners.setdefault(_key(pattern, fields), []).append(path)
            return owners
        grouping = self._layout.group
        assert grouping is not None
        seen: set[str] = set()
        for path in self._pictures:
            named = self._group_of(path)
            if named is not None and named[0] not in seen:
                seen.add(named[0])
                best = min(grouping.readings(path), key=lambda one: len(one["camera"]))
                fields = {"dir": "", **best}
                owners.setdefault(_key(pattern, fields), []).append(named[0])
        return owners


def _key(pattern: Pattern, fields: dict[str, str]) -> Key:
    named = sorted(pattern.fields & {*PICTURE_FIELDS, "group"})
    return tuple(fields.get(one, "") for one in named)


def _chosen(moments: list[int], every_ms: float | None) -> Iterator[int]:
    """Yield the moments at which a video is looked at: of each frame, or at even distances."""
    if every_ms is None:
        yield from moments
        return
    count = int(moments[-1] // every_ms) + 1
    last = None
    for number in range(count):
        moment = int(number * every_ms)
        if moment != last:
            yield moment
        last = moment
