"""What differs between two locks: what they say, and which frames, each with the reason.

Frames are compared as sets of objects, so that what both have is never read. Why one came or went
is looked up in the versions of the other lock: it was not there, it was another frame, or it was
there all the time and the queries are others.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from pyroaring import BitMap

from hyperstore.dataset.handle import Handle
from hyperstore.dataset.view import View
from hyperstore.history.lock import LockRecord, commits_of_lock
from hyperstore.ids import Kind, ObjectId
from hyperstore.query.selection.attribution import frame_id_of
from hyperstore.query.selection.selection import Selection

__all__ = [
    "FrameDifference",
    "Setting",
    "frame_differences",
    "hash_differences",
    "setting_differences",
]

_CHUNK = 1_024


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that two locks say otherwise; None where one of them does not say it."""

    path: str
    old: object
    new: object


@dataclass(frozen=True, slots=True)
class FrameDifference:
    """A frame that only one of two locks has (`+`, `-`), or that is another in both (`~`).

    `why` is `added`, `changed` or `removed`, of the frame in its version, or `query`: it was there
    as it is, and another query, or other versions, are what makes the difference. Of frames that
    a query shows since their version lost them, it is what became of them in that since.
    """

    sign: str
    why: str
    frame_id: str
    dataset: str


def setting_differences(old: LockRecord, new: LockRecord) -> list[Setting]:
    """Return what two locks say otherwise, in order of paths; versions by their titles."""
    before, after = dict(_said(old)), dict(_said(new))
    return [
        Setting(path, before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]


def hash_differences(old: LockRecord, new: LockRecord) -> list[Setting]:
    """Return which counts, hashes of frames and commits are others, taken together.

    They follow from the rest: where nothing else differs but these, one of the two does not hold.
    """
    commits = [[one.hex() for one in sorted(commits_of_lock(lock))] for lock in (old, new)]
    pairs: dict[str, tuple[object, object]] = {
        "begins": (old.begins.hex(), new.begins.hex()),
        "commits": (commits[0], commits[1]),
        "count": (old.count, new.count),
        "counts": ([one.count for one in old.queries], [one.count for one in new.queries]),
        "frames": (old.frames.hex(), new.frames.hex()),
    }
    return [Setting(path, *pair) for path, pair in pairs.items() if pair[0] != pair[1]]


def frame_differences(
    handle: Handle, old: tuple[Selection, Sequence[View]], new: tuple[Selection, Sequence[View]]
) -> Iterator[FrameDifference]:
    """Yield the frames that differ, by dataset and id.

    Each side is what its lock selects, and the versions of which that is.
    """
    before, after = _sets(old[0]), _sets(new[0])
    names = _names([*old[1], *new[1]])
    for dataset in sorted(before.keys() | after.keys(), key=lambda one: (names[one], one)):
        had, has = before.get(dataset, BitMap()), after.get(dataset, BitMap())
        gone, came = _by_id(handle, had - has), _by_id(handle, has - had)
        older = [view for view in old[1] if view.home.dataset_id == dataset]
        newer = [view for view in new[1] if view.home.dataset_id == dataset]
        whys = {
            **_whys(gone, older, newer, is_new=False),
            **_whys(came, newer, older, is_new=True),
        }
        for frame_id in sorted(gone.keys() | came.keys()):
            sign = "+" if frame_id not in gone else "-" if frame_id not in came else "~"
            why = "changed" if sign == "~" else whys[frame_id]
            yield FrameDifference(sign, why, frame_id, names[dataset])


def _sets(selection: Selection) -> dict[str, BitMap]:
    """Return the objects that are selected, by the dataset of which they are frames."""
    sets: dict[str, BitMap] = {}
    for part, found in zip(selection.parts, selection.found, strict=True):
        dataset = part.view.home.dataset_id
        sets[dataset] = sets.get(dataset, BitMap()) | found.frames | found.removed
    return sets


def _by_id(handle: Handle, numbers: BitMap) -> dict[str, ObjectId]:
    found: dict[str, ObjectId] = {}
    left = iter(numbers)
    while chunk := array("Q", islice(left, _CHUNK)):
        with handle.database.reading() as reader:
            payloads = reader.payloads_at(chunk, Kind.FRAME)
        found |= {frame_id_of(payload): object_id for object_id, payload in payloads}
    return found


def _whys(
    frames: Mapping[str, ObjectId], own: Sequence[View], others: Sequence[View], *, is_new: bool
) -> dict[str, str]:
    """Say of frames that one lock has, and the other has not, what their versions have of them.

    `own` are the versions of the lock that has them, the newer one with `is_new`.
    """
    whys: dict[str, str] = {}
    left = iter(frames)
    while chunk := list(islice(left, _CHUNK)):
        held = [_objects(views, chunk) for views in (own, others)]
        for frame_id, here, there in zip(chunk, *held, strict=True):
            if frames[frame_id] in here:
                is_same = frames[frame_id] in there
            else:  # It is shown since its version lost it.
                is_same = here == there
            if is_same:
                whys[frame_id] = "query"
            elif here and there:
                whys[frame_id] = "changed"
            else:  # In the versions of one of the locks there is no frame of this id.
                whys[frame_id] = "added" if bool(here) == is_new else "removed"
    return whys


def _objects(views: Sequence[View], frame_ids: Sequence[str]) -> list[set[ObjectId]]:
    """Return which objects versions have under each id."""
    held = [view.object_ids(frame_ids) for view in views]
    return [{one for ids in held if (one := ids[at]) is not None} for at in range(len(frame_ids))]


def _names(views: Sequence[View]) -> dict[str, str]:
    return {view.home.dataset_id: view.home.dataset_name or view.home.dataset_id for view in views}


def _said(lock: LockRecord) -> Iterator[tuple[str, object]]:
    yield from _flat(lock.spec, "")
    for one in lock.versions:
        yield f"commit of {one.dataset_name}@{one.version_name}", one.commit.hex()
    for revision in lock.since:
        yield f"commit of revision {revision.revision}", revision.commit.hex()


def _flat(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Yield the values of nested maps and lists, with their places."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict | list):
        for at, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{at}]")
    else:
        yield path, value
