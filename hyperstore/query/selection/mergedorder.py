"""The frames of several versions in one order: by context, time and id.

The longest version is walked by its own order. What others add to it is looked for in it by key,
forward only, so a version that differs little costs little, and one that lies wholly before or
behind costs one look.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import NamedTuple

from pyroaring import BitMap

from hyperstore.dataset.edit import root
from hyperstore.dataset.handle import Handle
from hyperstore.frames.stored import order_key_of
from hyperstore.history.commit import Snapshot
from hyperstore.ids import Kind, NodeId
from hyperstore.query.versionsets.versionset import VersionSet, version_set
from hyperstore.tree import cursor
from hyperstore.tree.nodes import Nodes

__all__ = ["Keyed", "Run", "Stretch", "in_order", "keyed"]

_BATCH = 512
_SPARSE = 16  # Of so many frames one is wanted: their keys come out of them, not out of the tree.


class Stretch(NamedTuple):
    """Those frames of one version that are wanted, and the dataset to which they belong.

    Frames of no version, such as those that one has no longer, are a stretch without a snapshot.
    """

    handle: Handle
    snapshot: Snapshot | None
    wanted: BitMap  # Each frame of a dataset is wanted of one version only.
    group: int

    @property
    def frames(self) -> VersionSet:
        """All frames of the version; got when it is looked at, since of a hundred versions most
        give but a few frames."""
        assert self.snapshot is not None
        return version_set(self.handle, self.snapshot)

    @property
    def is_whole(self) -> bool:
        """Whether all frames of a version are wanted."""
        return self.snapshot is not None and len(self.wanted) == self.snapshot.count


class Run(NamedTuple):
    """Frames of one dataset, one after another in the order."""

    numbers: "array[int]"
    group: int


_LEAVES_NEAR = 3
Keyed = tuple[bytes, int, int]
"""Order key, place of the stretch, sequence number."""


def in_order(handle: Handle, stretches: list[Stretch]) -> Iterator[Run]:
    """Yield all that is wanted, in order; of equal keys that of the first stretch comes first."""
    held = [(len(one.wanted), place) for place, one in enumerate(stretches) if one.wanted]
    if not held:
        return
    whole = [pair for pair in held if stretches[pair[1]].snapshot is not None]
    base_place = max(whole or held, key=lambda pair: (pair[0], -pair[1]))[1]
    base = stretches[base_place]
    streams = [keyed(stretches[at], at) for _, at in held if at != base_place]
    if base.snapshot is None:
        for _, stretch, number in merge(*streams, keyed(base, base_place)):
            yield Run(array("I", (number,)), stretches[stretch].group)
        return
    frames = base.frames
    if not streams:
        yield from _runs(base, frames, 0, len(frames))
        return
    places = _Places(handle.staging().nodes, root(base.snapshot, "order"))
    at = 0
    others = Run(array("I"), 0)  # What lies together between two frames of the base.
    for key, stretch, number in merge(*streams):
        # A key that both have: the frame was changed from one version to the other.
        place = places.below(key if stretch < base_place else key + b"\0")
        group = stretches[stretch].group
        if place > at or group != others.group or len(others.numbers) >= _BATCH:
            if others.numbers:
                yield others
            others = Run(array("I"), group)
        if place > at:
            yield from _runs(base, frames, at, place)
            at = place
        others.numbers.append(number)
    if others.numbers:
        yield others
    yield from _runs(base, frames, at, len(frames))


def _runs(base: Stretch, frames: VersionSet, start: int, stop: int) -> Iterator[Run]:
    """Yield what is wanted between two places of a version, few at first."""
    wanted, is_all = base.wanted, (start, stop) == (0, len(frames))
    if len(wanted) == len(frames):
        if start < stop:
            yield Run(frames.order if is_all else frames.between(start, stop), base.group)
        return
    size = _BATCH
    if frames.ascends and is_all:
        rest = iter(wanted)
        while found := array("I", islice(rest, size)):
            yield Run(found, base.group)
            size *= 2
        return
    while start < stop:
        end = min(start + size, stop)
        found = array("I", filter(wanted.__contains__, frames.between(start, end)))
        if found:
            yield Run(found, base.group)
        start, size = end, 2 * size


def keyed(stretch: Stretch, place: int) -> Iterator[Keyed]:
    """Yield what is wanted of a version with its keys, in order."""
    handle, wanted = stretch.handle, stretch.wanted
    if stretch.snapshot is None or len(wanted) * _SPARSE < stretch.snapshot.count:
        yield from sorted(_read_keys(handle, array("I", wanted), place))
        return
    entries = cursor.scan(handle.staging().nodes, root(stretch.snapshot, "order"))
    for (key, _), number in zip(entries, stretch.frames.order, strict=True):
        if number in wanted:
            yield key, place, number


def _read_keys(handle: Handle, numbers: "array[int]", place: int) -> Iterator[Keyed]:
    """Yield keys out of the frames themselves."""
    for start in range(0, len(numbers), _BATCH):
        batch = numbers[start : start + _BATCH]
        with handle.database.reading() as reader:
            payloads = reader.payloads_at(batch, Kind.FRAME)
        for number, (_, payload) in zip(batch, payloads, strict=True):
            yield order_key_of(payload), place, number


class _Places:
    """How many keys of a tree are below others that ascend."""

    def __init__(self, nodes: Nodes, order: NodeId) -> None:
        self._nodes = nodes
        self._order = order
        self._leaves = cursor.scan_leaves(nodes, order)
        self._keys: list[bytes] = []
        self._start = 0  # How many keys are before those held.
        self._ended = False  # Whether all keys are below those to come.

    def below(self, key: bytes) -> int:
        """Return how many keys are below this one."""
        for _ in range(_LEAVES_NEAR):  # What lies further off than some leaves is looked up.
            if self._ended:
                return self._start
            if self._keys and key <= self._keys[-1]:
                return self._start + bisect_left(self._keys, key)
            self._advance()
        if not self._ended and key > self._keys[-1]:
            self._start, self._keys = cursor.rank(self._nodes, self._order, key), []
            self._leaves = cursor.scan_leaves(self._nodes, self._order, start=key)
            self._advance()
        return self._start + bisect_left(self._keys, key)

    def _advance(self) -> None:
        self._start += len(self._keys)
        leaf = next(self._leaves, [])
        self._keys = [key for key, _ in leaf]
        self._ended = not leaf
