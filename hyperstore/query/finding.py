"""Which frames a part of a selection has: those of its version that fit its condition."""

from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from pyroaring import BitMap

from hyperstore.dataset.handle import Handle
from hyperstore.dataset.view import View
from hyperstore.frames.records import WholeRecord, read_whole
from hyperstore.ids import Kind
from hyperstore.query.expression import Condition
from hyperstore.query.match import matches, matching_rois
from hyperstore.query.since import since
from hyperstore.query.versionset import version_set

__all__ = ["EVERY_FRAME", "Found", "Part", "find", "roi_counts"]

_BATCH = 512

EVERY_FRAME = Condition()
"""The condition that all frames fit; no index is read for it."""


class Part(NamedTuple):
    """One question to one version. `weight` is its share of what is drawn with repetition."""

    view: View
    condition: Condition = EVERY_FRAME
    weight: float = 1.0


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
    within = members | revised.removed
    found = BitMap()
    for number, record in _records(handle, within):
        given = {leaf: number in numbers for leaf, numbers in revised.given.items()}
        if matches(part.condition, record, handle.roots, given):
            found.add(number)
    return Found(found & members, found - members)


def roi_counts(handle: Handle, part: Part, numbers: "array[int]") -> "array[int]":
    """Return how many ROIs of each frame the part asks for: all of them where it asks for none."""
    counts = array("I")
    for _, record in _records(handle, numbers):
        counts.append(len(matching_rois(part.condition, record, handle.roots)))
    return counts


def _records(handle: Handle, numbers: Iterable[int]) -> Iterator[tuple[int, WholeRecord]]:
    wanted = iter(numbers)
    while batch := list(islice(wanted, _BATCH)):
        with handle.database.reading() as reader:
            found = reader.payloads_at(batch, Kind.FRAME)
        for number, (_, payload) in zip(batch, found, strict=True):
            yield number, read_whole(payload, what="frame")
