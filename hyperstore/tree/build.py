"""Building a tree from sorted entries, as a stream.

Memory is bounded by one batch of entries, and one batch of children a level. A finished node goes
to the source at once; its separator, id and count go to the level above.
"""

from collections.abc import Iterable, Sequence
from itertools import islice, pairwise
from operator import lt

from hyperstore.errors import UsageError
from hyperstore.ids import NodeId
from hyperstore.limits import BUILD_BATCH, KEY_BYTES_MAX
from hyperstore.tree.boundary import next_cut, separator
from hyperstore.tree.node import make_inner, make_leaf
from hyperstore.tree.nodes import Nodes

__all__ = ["Levels", "build", "check_keys", "check_order"]


def build(nodes: Nodes, entries: Iterable[tuple[bytes, bytes]]) -> NodeId:
    """Return the root of the tree of `entries`, which are in order of key, each key once."""
    above = Levels(nodes, 1)
    law, save, add = nodes.law, nodes.save, above.add
    keys: list[bytes] = []
    values: list[bytes] = []
    low = b""  # The separator of the leaf that begins.
    before: bytes | None = None  # The last key of the leaf before.
    stream = iter(entries)
    while batch := list(islice(stream, BUILD_BATCH)):
        fresh = [key for key, _ in batch]
        last = keys[-1] if keys else before
        check_keys(fresh if last is None else [last, *fresh])
        keys += fresh
        values += [value for _, value in batch]
        start = 0
        while end := next_cut(law, keys, start, 0):
            leaf = keys[start:end]
            if before is not None:
                low = separator(before, leaf[0])
            add(low, save(make_leaf(leaf, values[start:end]), keep=False), end - start)
            before = leaf[-1]
            start = end
        del keys[:start], values[:start]
    if keys:
        if before is not None:
            low = separator(before, keys[0])
        add(low, save(make_leaf(keys, values)), len(keys))
    elif before is None:
        return nodes.save_empty()
    return above.finish()


class Levels:
    """The levels of a growing tree from `lowest` up, fed with the nodes of the level below it."""

    def __init__(self, nodes: Nodes, lowest: int) -> None:
        self._nodes = nodes
        self._level = lowest
        self._separators: list[bytes] = []
        self._ids: list[NodeId] = []
        self._counts: list[int] = []
        self._above: Levels | None = None

    def add(self, low: bytes, node_id: NodeId, count: int) -> None:
        """Take the next node, known by its separator `low`, with `count` entries below."""
        self._separators.append(low)
        self._ids.append(node_id)
        self._counts.append(count)
        if len(self._ids) >= BUILD_BATCH:
            self._cut()

    def finish(self) -> NodeId:
        """End every level; return the root. At least one node was added."""
        if self._above is None and len(self._ids) == 1:
            return self._ids[0]
        self._cut()
        if self._ids:
            self._emit(0, len(self._ids))
        assert self._above is not None
        return self._above.finish()

    def _cut(self) -> None:
        """Write the nodes that are complete."""
        start = 0
        while end := next_cut(self._nodes.law, self._separators, start, self._level):
            self._emit(start, end)
            start = end
        del self._separators[:start], self._ids[:start], self._counts[:start]

    def _emit(self, start: int, end: int) -> None:
        separators, counts = self._separators[start:end], self._counts[start:end]
        node = make_inner(self._level, separators, self._ids[start:end], counts)
        if self._above is None:
            self._above = Levels(self._nodes, self._level + 1)
        self._above.add(separators[0], self._nodes.save(node), node.total)


def check_keys(keys: Sequence[bytes]) -> None:
    """Raise UsageError unless the keys ascend and none is too long."""
    check_order(keys)
    longest = max(map(len, keys), default=0)
    if longest > KEY_BYTES_MAX:
        raise UsageError(f"a key of {longest} bytes; the limit is {KEY_BYTES_MAX}")


def check_order(keys: Sequence[bytes]) -> None:
    """Raise UsageError unless the keys ascend."""
    if not all(map(lt, keys, keys[1:])):
        one, other = next(pair for pair in pairwise(keys) if pair[0] >= pair[1])
        raise UsageError(f"key {other.hex()} follows {one.hex()}: sort them, each key once")
