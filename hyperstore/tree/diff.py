"""What differs between two trees, reading only nodes that they do not share.

Level by level the ids that both sides have are dropped, and what is left is read in one batch for
both sides. Leaves are compared as dicts, since an entry may stand in leaves cut elsewhere. Where
much differs, the range of keys is split, so that memory does not grow with the number of changes;
a node over a split is read for both parts.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import compress, count, pairwise
from operator import ne
from typing import NamedTuple

from hyperstore.errors import CorruptError
from hyperstore.ids import NodeId
from hyperstore.limits import DIFF_NODES_MAX
from hyperstore.tree.node import Node
from hyperstore.tree.nodes import Nodes

__all__ = ["Change", "diff"]


class Change(NamedTuple):
    """A key at which two trees differ; None where a tree has no such key."""

    key: bytes
    old: bytes | None
    new: bytes | None


Places = list[tuple[Node, int]]


def diff(nodes: Nodes, old: NodeId, new: NodeId) -> Iterator[Change]:
    """Yield changes in order of key. Reads O(changes * log n) nodes."""
    if old != new:
        yield from _walk(nodes, [nodes.root(old)], [nodes.root(new)], b"", None)


def _walk(
    nodes: Nodes, left: list[Node], right: list[Node], low: bytes, high: bytes | None
) -> Iterator[Change]:
    """Yield what differs under `left` and `right`, within `low <= key < high`."""
    _check_ascending(left)
    _check_ascending(right)
    left_level = left[0].level if left else 0
    right_level = right[0].level if right else 0
    whole = not low and high is None
    if whole and left_level == right_level and _keys(left) == _keys(right):
        pairs = _differing(left, right)
        if not left_level:
            yield from (
                Change(one.keys[at], one.value(at), other.value(at)) for one, other, at in pairs
            )
            return
        left_places = [(one, index) for one, _, index in pairs]
        right_places = [(other, index) for _, other, index in pairs]
    elif not left_level and not right_level:
        yield from _compare(left, right, low, high)
        return
    else:
        left_ids = [node.values() for node in left] if left_level >= right_level else []
        right_ids = [node.values() for node in right] if right_level >= left_level else []
        shared = set().union(*left_ids) & set().union(*right_ids)
        left_places = _places(left, left_ids, shared, low, high)
        right_places = _places(right, right_ids, shared, low, high)
    for left_part, right_part, start, stop in _parts(left_places, right_places, low, high):
        below = nodes.children(left_part + right_part)
        yield from _walk(
            nodes,
            below[: len(left_part)] if left_level >= right_level else left,
            below[len(left_part) :] if right_level >= left_level else right,
            start,
            stop,
        )


def _keys(row: Sequence[Node]) -> list[list[bytes]]:
    return [node.keys for node in row]


def _differing(left: Sequence[Node], right: Sequence[Node]) -> list[tuple[Node, Node, int]]:
    """Return where rows of equal keys differ: the usual case, in which only values changed."""
    return [
        (one, other, index)
        for one, other in zip(left, right, strict=True)
        for index in compress(count(), map(ne, one.values(), other.values()))
    ]


def _places(
    row: Sequence[Node],
    row_ids: Sequence[Sequence[bytes]],
    shared: set[bytes],
    low: bytes,
    high: bytes | None,
) -> Places:
    """Return the children of `row` that may hold keys of the range and are not shared."""
    places: Places = []
    whole = not low and high is None
    for node, ids in zip(row, row_ids, strict=False):  # No ids: a row that waits for the other.
        keys = node.keys
        first = 0 if whole else max(bisect_right(keys, low) - 1, 0)
        last = len(keys) if high is None else bisect_left(keys, high)
        places += [
            (node, index)
            for index, node_id in enumerate(ids)
            if node_id not in shared and first <= index < last
        ]
    return places


def _parts(
    left: Places, right: Places, low: bytes, high: bytes | None
) -> Iterator[tuple[Places, Places, bytes, bytes | None]]:
    """Yield both sides in parts that may be read at once, each with its range of keys."""
    if len(left) + len(right) <= DIFF_NODES_MAX:
        yield left, right, low, high
        return
    left_lows = [node.keys[index] for node, index in left]
    right_lows = [node.keys[index] for node, index in right]
    more = max(left_lows, right_lows, key=len)
    middle = more[len(more) // 2]
    for start, stop in ((low, middle), (middle, high)):
        yield from _parts(
            _between(left, left_lows, start, stop),
            _between(right, right_lows, start, stop),
            start,
            stop,
        )


def _between(places: Places, lows: list[bytes], start: bytes, stop: bytes | None) -> Places:
    """Return the places that may hold keys of the range, the one that begins before it included."""
    first = max(bisect_right(lows, start) - 1, 0)
    return places[first : len(lows) if stop is None else bisect_left(lows, stop)]


def _compare(
    left: Sequence[Node], right: Sequence[Node], low: bytes, high: bytes | None
) -> Iterator[Change]:
    """Yield what differs between the entries of two rows of leaves, within the range."""
    old: dict[bytes, bytes] = {}
    new: dict[bytes, bytes] = {}
    for leaves, entries in ((left, old), (right, new)):
        for leaf in leaves:
            entries.update(zip(leaf.keys, leaf.values(), strict=True))
    differing = [key for key in old if key not in new]
    differing += [key for key, value in new.items() if old.get(key) != value]
    differing.sort()
    first = bisect_left(differing, low)
    last = len(differing) if high is None else bisect_left(differing, high)
    for key in differing[first:last]:
        yield Change(key, old.get(key), new.get(key))


def _check_ascending(row: Sequence[Node]) -> None:
    """Raise CorruptError if nodes overlap: a crafted tree could else be walked without end."""
    for node, following in pairwise(row):
        if node.keys[-1] >= following.keys[0]:
            raise CorruptError(f"nodes overlap at key {following.keys[0].hex()}")
