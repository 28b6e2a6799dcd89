"""Which frames a part of a selection has: those of its version that fit its condition."""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from pyroaring import BitMap

from hyperstore.dataset.handle import Handle
from hyperstore.dataset.view import View
from hyperstore.errors import NotFoundError
from hyperstore.ids import ObjectId
from hyperstore.query.index.frameindex import FrameIndex
from hyperstore.query.language.condition import Condition
from hyperstore.query.versionsets.changes import revisions_of, since
from hyperstore.query.versionsets.versionset import version_set

__all__ = ["EVERY_FRAME", "Found", "Part", "check_there", "find", "held_ids", "roi_counts"]

EVERY_FRAME = Condition()
"""The condition that all frames fit; no index is read for it."""


class Part(NamedTuple):
    """One question to one version. `weight` is its share of what is drawn with repetition.

    Of parts with one `query` number, a frame of several is the first one's only.
    """

    view: View
    condition: Condition = EVERY_FRAME
    weight: float = 1.0
    query: int | None = None


class Found(NamedTuple):
    """What fits: frames of the version, and frames that it no longer has, where those are asked."""

    frames: BitMap
    removed: BitMap


def find(handle: Handle, part: Part) -> Found:
    """Return what fits one part; the caller holds what it reads."""
    members = version_set(handle, part.view.snapshot).members
    if part.condition == EVERY_FRAME:
        return Found(members, BitMap())
    revised = since(handle, part.view, part.condition)
    within = members | revised.removed if revised.removed else members
    found = FrameIndex.of(handle).find(part.condition, within, revised.given)
    return Found(found & members, found - members) if revised.removed else Found(found, BitMap())


def check_there(handle: Handle, parts: Sequence[Part], store_id: str) -> None:
    """Raise NotFoundError unless a store that stands where another one stood has the frames too.

    A copy may have another id.
    """
    wanted = [ObjectId(root) for part in parts for root in part.view.snapshot.roots.values()]
    with handle.database.reading() as reader:
        if len(reader.has_many(wanted)) == len({*wanted}):
            return
    raise NotFoundError(
        f"another store stands at {handle.folder} by now ({handle.database.store_id}, not "
        f"{store_id}), without the frames that were to be read; begin the iteration anew"
    )


def roi_counts(handle: Handle, part: Part, numbers: "array[int]") -> "array[int]":
    """Return how many ROIs of each frame the part asks for: all of them where it asks for none."""
    return FrameIndex.of(handle).roi_counts(part.condition, numbers)


def held_ids(part: Part) -> Iterator[ObjectId]:
    """Yield what garbage collection must leave for a part to be found and read."""
    yield from map(ObjectId, part.view.snapshot.roots.values())
    for revision in revisions_of(part.condition):
        with suppress(ValueError):
            found = bytes.fromhex(revision)
            if len(found) == 32:
                yield ObjectId(found)
