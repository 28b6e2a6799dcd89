"""Reading and writing nodes: where they come from, and which are remembered decoded.

A node is checked by itself when it is decoded, and against its parent whenever one leads to it:
level one less, count as said, keys between its separator and the next. So no chain of children
is longer than the height, and crafted trees end in a CorruptError.
"""

from collections.abc import Sequence
from typing import Protocol

from hyperstore.errors import CorruptError
from hyperstore.ids import Kind, NodeId, ObjectId, object_id
from hyperstore.limits import CACHE_INNER_BYTES_MAX, CACHE_LEAF_BYTES_MAX, CACHE_LEAVES_MAX
from hyperstore.tree.boundary import LAW, Law
from hyperstore.tree.node import Node, decode, make_leaf

__all__ = ["EMPTY", "NodeCache", "NodeSource", "Nodes", "check_child"]

_EMPTY_LEAF = make_leaf([], [])
EMPTY = NodeId(object_id(Kind.NODE, _EMPTY_LEAF.payload()))
"""The root of a tree without entries: the id of an ordinary leaf that holds none."""


class NodeSource(Protocol):
    """Where payloads are kept: a store, or a dict in a test."""

    def get(self, node_id: NodeId, /) -> bytes:
        """Return the payload; MissingObjectError or CorruptError where it cannot."""
        ...

    def get_many(self, node_ids: Sequence[NodeId], /) -> list[bytes]:
        """Return the payloads in the order asked for."""
        ...

    def put(self, payload: bytes, /) -> NodeId:
        """Keep the payload and return its id."""
        ...


class _Generations:
    """Two generations of nodes. What is used moves from the old one to the young one; when that
    holds half of what is allowed, it becomes the old one, which is dropped.

    So a hit needs no lock, and threads that race lose a remembered node at worst.
    """

    __slots__ = ("bytes_max", "held_bytes", "most", "old", "young")

    def __init__(self, most: int, bytes_max: int) -> None:
        self.most = most // 2
        self.bytes_max = bytes_max // 2
        self.held_bytes = 0
        self.young: dict[NodeId, Node] = {}
        self.old: dict[NodeId, Node] = {}


class NodeCache:
    """Decoded nodes, shared by all who read one store; nodes never change, so it is never stale.

    `reads` and `writes` count nodes that came from a source and nodes that went to one.
    """

    __slots__ = ("_inner", "_leaves", "reads", "writes")

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0
        self._leaves = _Generations(CACHE_LEAVES_MAX, CACHE_LEAF_BYTES_MAX)
        self._inner = _Generations(CACHE_INNER_BYTES_MAX, CACHE_INNER_BYTES_MAX)

    def get(self, node_id: NodeId) -> Node | None:
        """Return the node if it is remembered."""
        node = self._inner.young.get(node_id) or self._leaves.young.get(node_id)
        if node is None:
            node = self._inner.old.get(node_id) or self._leaves.old.get(node_id)
            if node is not None:
                self.put(node_id, node, len(node.payload()))
        return node

    def put(self, node_id: NodeId, node: Node, payload_bytes: int) -> None:
        """Remember the node, whose payload has so many bytes."""
        held = self._inner if node.level else self._leaves
        young = held.young
        young[node_id] = node
        # Values and suffixes twice, whole keys, and what Python adds to each.
        held.held_bytes += 2 * payload_bytes + (len(node.prefix) + 96) * len(node.keys)
        if held.held_bytes > held.bytes_max or len(young) > held.most:
            held.old = young
            held.young = {}
            held.held_bytes = 0


class Nodes:
    """The nodes of one source, read through a cache. Threads may share it if they may the source.

    `law` is for tests: all that write or check one tree must agree on it.
    """

    __slots__ = ("_source", "cache", "law")

    def __init__(
        self, source: NodeSource, cache: NodeCache | None = None, *, law: Law = LAW
    ) -> None:
        self._source = source
        self.cache = NodeCache() if cache is None else cache
        self.law = law

    def load(self, node_id: NodeId) -> Node:
        """Return one node."""
        node = self.cache.get(node_id)
        if node is None:
            self.cache.reads += 1
            payload = self._source.get(node_id)
            node = _decode(node_id, payload)
            self.cache.put(node_id, node, len(payload))
        return node

    def load_many(self, node_ids: Sequence[NodeId], *, keep: bool = True) -> list[Node]:
        """Return nodes in the order asked for, read in one batch; remember leaves if `keep`."""
        cache = self.cache
        found = list(map(cache.get, node_ids))
        wanted = [node_id for node_id, node in zip(node_ids, found, strict=True) if node is None]
        if not wanted:
            return [node for node in found if node is not None]
        cache.reads += len(wanted)
        fresh = []
        for node_id, payload in zip(wanted, self._source.get_many(wanted), strict=True):
            node = _decode(node_id, payload)
            fresh.append(node)
            if keep or node.level:
                cache.put(node_id, node, len(payload))
        if len(fresh) == len(found):
            return fresh
        rest = iter(fresh)
        return [next(rest) if node is None else node for node in found]

    def child(self, parent: Node, index: int) -> Node:
        """Return a child of `parent`, checked against what it says."""
        node = self.load(NodeId(ObjectId(parent.value(index))))
        check_child(parent, index, node)
        return node

    def children(self, places: Sequence[tuple[Node, int]], *, keep: bool = True) -> list[Node]:
        """Return children, each given as parent and index, checked, in one batch."""
        ids = [NodeId(ObjectId(parent.value(index))) for parent, index in places]
        nodes = self.load_many(ids, keep=keep)
        for (parent, index), node in zip(places, nodes, strict=True):
            check_child(parent, index, node)
        return nodes

    def save(self, node: Node, *, keep: bool = True) -> NodeId:
        """Write a node; remember it unless `keep` is false."""
        cache = self.cache
        cache.writes += 1
        payload = node.payload()
        node_id = self._source.put(payload)
        if keep:
            cache.put(node_id, node, len(payload))
        return node_id

    def save_empty(self) -> NodeId:
        """Write the leaf without entries; return EMPTY."""
        return self.save(_EMPTY_LEAF)

    def root(self, root: NodeId) -> Node:
        """Return the root of a tree, checked as such."""
        node = self.load(root)
        if node.level and (node.keys[0] or len(node.keys) < 2):
            raise CorruptError(f"node {root.hex()} is not the root of a tree")
        return node


def check_child(parent: Node, index: int, child: Node) -> None:
    """Raise CorruptError unless `child` is what entry `index` of `parent` says."""
    keys = parent.keys
    low = keys[index]
    if (
        child.level != parent.level - 1
        or child.total != parent.counts[index]
        or (child.keys[0] != low if child.level else child.keys[0] < low)
        or (index + 1 < len(keys) and child.keys[-1] >= keys[index + 1])
    ):
        raise CorruptError(
            f"node {parent.value(index).hex()} at level {child.level} with {child.total} entries "
            f"is not the child of level {parent.level - 1} with {parent.counts[index]} entries "
            f"from {low.hex()} that its parent names"
        )


def _decode(node_id: NodeId, payload: bytes) -> Node:
    try:
        return decode(payload)
    except CorruptError as fault:
        raise CorruptError(f"node {node_id.hex()}: {fault}") from None
