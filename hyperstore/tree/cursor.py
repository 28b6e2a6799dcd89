"""Reading a tree: by key, by place, in order.

Every reader walks down by separators and checks each child against its parent. Iterators hold
decoded nodes, no transaction; they read ahead leaf by leaf, few at first, then many.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain

from hyperstore.errors import CorruptError, NotFoundError
from hyperstore.ids import NodeId
from hyperstore.limits import SCAN_LEAVES_MAX
from hyperstore.tree.build import check_order
from hyperstore.tree.node import Node
from hyperstore.tree.nodes import Nodes

__all__ = [
    "count",
    "get",
    "get_many",
    "nth",
    "prefix",
    "rank",
    "ranks",
    "scan",
    "scan_leaves",
]

Entries = list[tuple[bytes, bytes]]


def get(nodes: Nodes, root: NodeId, key: bytes) -> bytes | None:
    """Return the value of `key`, or None."""
    node = nodes.root(root)
    while node.level:
        node = nodes.child(node, bisect_right(node.keys, key) - 1)
    keys = node.keys
    index = bisect_left(keys, key)
    if index < len(keys) and keys[index] == key:
        return node.value(index)
    return None


def get_many(nodes: Nodes, root: NodeId, keys: Sequence[bytes]) -> list[bytes | None]:
    """Return the values of `keys`, which ascend; each level is read in one batch."""
    check_order(keys)
    values: list[bytes | None] = [None] * len(keys)
    spans = [(nodes.root(root), 0, len(keys))]
    while spans and spans[0][0].level:
        places, ranges = partition(spans, keys)
        below = nodes.children(places)
        spans = [(node, start, stop) for node, (start, stop) in zip(below, ranges, strict=True)]
    for node, start, stop in spans:
        held = node.keys
        for place in range(start, stop):
            index = bisect_left(held, keys[place])
            if index < len(held) and held[index] == keys[place]:
                values[place] = node.value(index)
    return values


def partition(
    spans: Sequence[tuple[Node, int, int]], keys: Sequence[bytes]
) -> tuple[list[tuple[Node, int]], list[tuple[int, int]]]:
    """Return the children that sorted `keys` lead to, and the range of keys below each.

    A span is a node and the range of keys that lead to it.
    """
    places = []
    ranges = []
    for node, start, stop in spans:
        held = node.keys
        while start < stop:
            index = bisect_right(held, keys[start]) - 1
            end = stop
            if index + 1 < len(held):
                end = bisect_left(keys, held[index + 1], start, stop)
            places.append((node, index))
            ranges.append((start, end))
            start = end
    return places, ranges


def count(nodes: Nodes, root: NodeId) -> int:
    """Return the number of entries."""
    return nodes.root(root).total


def nth(nodes: Nodes, root: NodeId, index: int) -> tuple[bytes, bytes]:
    """Return the entry at `index` from 0, in order of key."""
    node = nodes.root(root)
    if not 0 <= index < node.total:
        raise NotFoundError(f"no entry {index} in a tree of {node.total}")
    while node.level:
        ends = list(accumulate(node.counts))
        at = bisect_right(ends, index)
        index -= ends[at] - node.counts[at]
        node = nodes.child(node, at)
    return node.keys[index], node.value(index)


def rank(nodes: Nodes, root: NodeId, key: bytes) -> int:
    """Return how many keys are smaller than `key`."""
    return next(ranks(nodes, root, (key,)))


def ranks(nodes: Nodes, root: NodeId, keys: Iterable[bytes]) -> Iterator[int]:
    """Yield the rank of each of some keys, which ascend; what is above several is walked once."""
    path: list[tuple[Node, int, bytes | None]] = [(nodes.root(root), 0, None)]
    for key in keys:
        node, before, end = path[-1]
        while end is not None and key >= end:
            path.pop()
            node, before, end = path[-1]
        while node.level:
            held = node.keys
            index = bisect_right(held, key) - 1
            before += sum(node.counts[:index])
            if index + 1 < len(held):
                end = held[index + 1]
            node = nodes.child(node, index)
            path.append((node, before, end))
        yield before + bisect_left(node.keys, key)


def scan(
    nodes: Nodes,
    root: NodeId,
    *,
    start: bytes | None = None,
    stop: bytes | None = None,
    reverse: bool = False,
) -> Iterator[tuple[bytes, bytes]]:
    """Yield entries with `start <= key < stop` in order of key, or from the last if `reverse`."""
    return chain.from_iterable(scan_leaves(nodes, root, start=start, stop=stop, reverse=reverse))


def prefix(
    nodes: Nodes, root: NodeId, begin: bytes, *, reverse: bool = False
) -> Iterator[tuple[bytes, bytes]]:
    """Yield the entries whose keys begin with `begin`."""
    return scan(nodes, root, start=begin, stop=after_prefix(begin), reverse=reverse)


def after_prefix(begin: bytes) -> bytes | None:
    """Return the smallest key greater than all that begin with `begin`; None if there is none."""
    kept = begin.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None


def scan_leaves(
    nodes: Nodes,
    root: NodeId,
    *,
    start: bytes | None = None,
    stop: bytes | None = None,
    reverse: bool = False,
) -> Iterator[Entries]:
    """Yield entries as `scan` does, those of one leaf at a time; no list is empty."""
    low = start or b""
    edge: bytes | None = None
    for leaf in _leaves(nodes, nodes.root(root), low, stop, reverse):
        keys: Sequence[bytes] = leaf.keys
        values = leaf.values()
        if not keys:
            return
        if edge is not None and (keys[-1] >= edge if reverse else keys[0] <= edge):
            raise CorruptError(f"leaves out of order at key {keys[0].hex()}")
        edge = keys[0] if reverse else keys[-1]
        if keys[0] < low or (stop is not None and keys[-1] >= stop):
            first = bisect_left(keys, low)
            last = len(keys) if stop is None else bisect_left(keys, stop)
            keys, values = keys[first:last], values[first:last]
        if keys:
            entries = list(zip(keys, values, strict=True))
            if reverse:
                entries.reverse()
            yield entries


def _leaves(
    nodes: Nodes, root: Node, low: bytes, stop: bytes | None, reverse: bool
) -> Iterator[Node]:
    """Yield the leaves that may hold keys of the range, reading more of them at a time."""
    if not root.level:
        yield root
        return
    places: list[tuple[Node, int]] = []
    batch = 2
    for node in _parents(nodes, root, low, stop, reverse):
        places += _within(node, low, stop, reverse)
        while len(places) >= batch:
            yield from nodes.children(places[:batch], keep=batch < SCAN_LEAVES_MAX)
            del places[:batch]
            batch = min(2 * batch, SCAN_LEAVES_MAX)
    yield from nodes.children(places, keep=batch < SCAN_LEAVES_MAX)


def _parents(
    nodes: Nodes, node: Node, low: bytes, stop: bytes | None, reverse: bool
) -> Iterator[Node]:
    """Yield the nodes of level 1 whose leaves may hold keys of the range."""
    if node.level == 1:
        yield node
        return
    for child in nodes.children(_within(node, low, stop, reverse)):
        yield from _parents(nodes, child, low, stop, reverse)


def _within(node: Node, low: bytes, stop: bytes | None, reverse: bool) -> list[tuple[Node, int]]:
    """Return the places of the children that may hold keys of the range."""
    first = max(bisect_right(node.keys, low) - 1, 0)
    last = len(node.keys) if stop is None else bisect_left(node.keys, stop)
    places = [(node, index) for index in range(first, last)]
    return places[::-1] if reverse else places
