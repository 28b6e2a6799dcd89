"""Laying what a file says of a picture into the frame that a version already has.

Each ROI that came from a file carries, in the field named after the format, the file's key and the
id it has there; each frame carries the files' records of its picture. So what one file said can be
replaced and all else kept: ROIs made by hand, ROIs of other files, their order and their ids.
Laying the same thing in twice changes nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hyperstore.errors import ConflictError, UsageError
from hyperstore.ids import derived_id

__all__ = [
    "GIVEN_MASKS",
    "Partial",
    "Wire",
    "combine",
    "described",
    "file_key",
    "file_name",
    "identity",
    "mapping",
    "records",
    "same",
    "sequence",
    "size_in",
]

GIVEN_MASKS = "#masks"
"""Where a VOC record keeps the ids of the masks that stood beside it; no element has that name."""

Wire = dict[str, object]
"""A frame, or a part of one, in the wire form."""


@dataclass(frozen=True, slots=True)
class Partial:
    """What the files read say of one picture: a whole frame, should the version have none."""

    id: str
    wire: Wire
    field: str  # `_coco` or `_voc`.
    files: tuple[str, ...]  # Keys of the files that speak of it, sorted.
    place: str  # Where it stands first, for messages.


def file_name(path: Path) -> str:
    """Return what a file is known by in a version: its name and its folder's.

    `train/_annotations.coco.json` and `valid/_annotations.coco.json` are two files, wherever the
    folder above them lies.
    """
    name = "/".join(path.absolute().parts[-2:]).lstrip("/")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UsageError(f"the name {name!r} is not UTF-8; rename the file") from None
    return name


def file_key(name: str) -> str:
    """Return the short key that stands for the file in each of its ROIs."""
    return derived_id(name.encode())[:8]


def mapping(value: object) -> Wire:
    """Return `value` if it is a map, else an empty one: reserved fields may have been edited."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def same(left: object, right: object) -> bool:
    """Whether two JSON values are one value; 1 and 1.0 are two, 0.0 and -0.0 one."""
    if type(left) is not type(right) or left != right:
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        kinds = list(map(type, left))
        if kinds != list(map(type, right)):
            return False
        return _HOLDERS.isdisjoint(kinds) or all(map(same, left, right))
    return True


_HOLDERS = frozenset({list, dict})


def identity(roi: object, field: str) -> tuple[str, str, object] | None:
    """Return what makes an imported ROI itself: file, id there, which of those that share it."""
    kept = mapping(mapping(roi).get(field))
    file = kept.get("file")
    if not isinstance(file, str):
        return None
    return file, repr(kept.get("id")), kept.get("nth", 0)


def combine(existing: Mapping[str, object] | None, partial: Partial) -> Wire:
    """Return the frame with what the partial's files say in place of what they said before."""
    if existing is None:
        return dict(partial.wire)
    frame = dict(existing)
    _check_picture(frame, partial)
    before = mapping(frame.get(partial.field))
    after = _laid_over(before, mapping(partial.wire.get(partial.field)), partial.files)
    frame["sources"] = _sources(sequence(frame.get("sources")), partial, before, after)
    rois = sequence(frame.get("rois"))
    incoming = sequence(partial.wire.get("rois"))
    for file in partial.files:
        own = [roi for roi in incoming if _file(roi, partial.field) == file]
        rois = _replace(rois, own, file=file, field=partial.field)
    if rois or "rois" in frame:
        frame["rois"] = rois
    frame[partial.field] = after
    return frame


def _replace(rois: list[object], own: list[object], *, file: str, field: str) -> list[object]:
    """Put `own` where the file's ROIs are: known ones in place with their id, new ones after the
    one they follow in the file, or else among the files in the order of their keys.
    """
    at = {identity(roi, field): index for index, roi in enumerate(own)}
    known: dict[int, object] = {}
    result: list[object] = []
    for roi in rois:
        name = identity(roi, field)
        if name is None or name[0] != file:
            result.append(roi)
        elif (index := at.get(name)) is None:
            continue  # No longer in the file.
        elif index in known:
            result.append(roi)  # A copy that somebody made of it.
        else:
            known[index] = roi
            result.append(index)
    follow: dict[int, list[object]] = {}
    anchor = -1
    for index, roi in enumerate(own):
        if index in known:
            anchor = index
        else:
            follow.setdefault(anchor, []).append(roi)
    first = follow.get(-1, [])
    if first:
        start = _start(result, file, field)
        result = result[:start] + first + result[start:]
    return list(_filled(result, own, known, follow))


def _start(result: list[object], file: str, field: str) -> int:
    """Return where the file's new first ROIs go: before its own, else in the order of keys."""
    after = -1
    for index, item in enumerate(result):
        if isinstance(item, int):
            return index
        other = _file(item, field)
        if other is not None and other < file:
            after = index
    if after >= 0:
        return after + 1
    later = (i for i, item in enumerate(result) if (_file(item, field) or "") > file)
    return next(later, len(result))


def _filled(
    result: list[object],
    own: list[object],
    known: dict[int, object],
    follow: dict[int, list[object]],
) -> Iterator[object]:
    for item in result:
        if not isinstance(item, int):
            yield item
            continue
        roi = dict(mapping(own[item]))
        if "id" in mapping(known[item]):
            roi["id"] = mapping(known[item])["id"]
        yield roi
        yield from follow.get(item, [])


def _file(roi: object, field: str) -> str | None:
    name = identity(roi, field)
    return None if name is None else name[0]


def _sources(sources: list[object], partial: Partial, before: Wire, after: Wire) -> list[object]:
    """Keep the sources as they are; only a size that was not known, or that followed from the
    records and not from somebody's hand, is set. Where files disagree, the smallest key decides.
    """
    new = mapping(sequence(partial.wire.get("sources"))[0])
    if not sources:
        return [new]
    first = dict(mapping(sources[0]))
    for side in ("width", "height"):
        size = size_in(after, side) or new.get(side)
        if size is not None and first.get(side) in (None, size_in(before, side)):
            first[side] = size
    masks = _masks(sequence(first.get("masks")), sequence(new.get("masks")), before, partial)
    if masks or first.get("masks"):
        first["masks"] = masks
    return [first, *sources[1:]]


def _masks(old: list[object], new: list[object], before: Wire, partial: Partial) -> list[object]:
    """Put the masks that the files name in place of those that they named before."""
    gone = {
        mapping(item).get("mask")
        for item in sequence(before.get("kept"))
        if mapping(item).get("file") in partial.files
    }
    if partial.field == "_voc":  # What else has records may have a field of that name.
        for file, record in records(before):
            if file in partial.files:
                gone.update(map(str, sequence(mapping(record).get(GIVEN_MASKS))))
    wanted = {mapping(mask).get("id"): mapping(mask) for mask in new}
    result: list[object] = []
    for mask in old:
        name = mapping(mask).get("id")
        if name in wanted:
            result.append(mapping(mask) | wanted.pop(name))
        elif name is None or name not in gone:
            result.append(mask)
    return [*result, *wanted.values()]


def size_in(field: object, side: str) -> int | None:
    """Return the first width or height that a frame's records of COCO images give."""
    for _, record in records(field):
        value = mapping(record).get(side)
        if isinstance(value, (int, float)) and value > 0 and value == int(value):
            return int(value)
    return None


def _check_picture(frame: Wire, partial: Partial) -> None:
    """Refuse to lay the annotations of one picture over another of the same relative name."""
    sources = sequence(frame.get("sources"))
    if not sources:
        return
    old, new = mapping(sources[0]), mapping(sequence(partial.wire.get("sources"))[0])
    sizes = [(source.get("width"), source.get("height")) for source in (old, new)]
    whole = all(None not in size for size in sizes)
    if old.get("uri") != new.get("uri") and whole and sizes[0] != sizes[1]:
        raise ConflictError(
            f"{partial.place}: {new.get('uri')} ({sizes[1][0]} x {sizes[1][1]}) and "
            f"{old.get('uri')} ({sizes[0][0]} x {sizes[0][1]}) of this version have one relative "
            "name but are two pictures; name the folder above both as the folder of images, or "
            "import them into two versions"
        )


def described(records: list[tuple[str, object]], kept: list[object]) -> Wire:
    """Return a frame's field of the format: records grouped by equality, in order of file keys."""
    groups: list[tuple[list[str], object]] = []
    for file, record in sorted(records, key=lambda pair: pair[0]):  # Stable within a file.
        for names, other in groups:
            if file not in names and same(record, other):
                names.append(file)
                break
        else:
            groups.append(([file], record))
    result: Wire = {"images": [{"files": names, "record": record} for names, record in groups]}
    if kept:
        result["kept"] = sorted(kept, key=lambda item: str(mapping(item).get("file")))
    return result


def records(field: object) -> Iterator[tuple[str, object]]:
    """Yield (file, record) of a frame's field of the format."""
    for group in sequence(mapping(field).get("images")):
        for file in sequence(mapping(group).get("files")):
            yield str(file), mapping(group).get("record")


def _laid_over(old: Wire, new: Wire, files: tuple[str, ...]) -> Wire:
    kept = [item for item in sequence(old.get("kept")) if mapping(item).get("file") not in files]
    others = [pair for pair in records(old) if pair[0] not in files]
    return described(others + list(records(new)), kept + sequence(new.get("kept")))
