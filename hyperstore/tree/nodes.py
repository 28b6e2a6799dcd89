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
from hyperstore.tree.node import Node, decode, encode_leaf

__all__ = ["EMPTY", "EMPTY_PAYLOAD", "NodeCache", "NodeSource", "Nodes", "check_child"]

EMPTY_PAYLOAD = encode_leaf([], [])
EMPTY = NodeId(object_id(Kind.NODE, EMPTY_PAYLOAD))
"""The root of a tree without entries: the id of an ordinary leaf that holds none."""

_ENTRY_BYTES = 64  # What Python adds to each key and each node, roughly.


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
    """A map that keeps what was used lately: no more than `most` nodes, nor `bytes_max` bytes.

    What is used moves from the old generation to the young one; when that is half of what is
    allowed, it becomes the old one, which is dropped. A hit costs one look-up and no lock, and
    threads that race lose a remembered node at worst.
    """

    def __init__(self, most: int, bytes_max: int) -> None:
        self._most = most // 2
        self._bytes_max = bytes_max // 2
        self._bytes = 0
        self._young: dict[NodeId, Node] = {}
        self._old: dict[NodeId, Node] = {}

    def get(self, node_id: NodeId) -> Node | None:
        node = self._young.get(node_id)
        if node is None:
            node = self._old.get(node_id)
            if node is not None:
                self.put(node_id, node)
        return node

    def put(self, node_id: NodeId, node: Node) -> None:
        self._bytes += 2 * len(node.payload) + _ENTRY_BYTES * (len(node.keys) + 1)
        self._young[node_id] = node
        if len(self._young) > self._most or self._bytes > self._bytes_max:
            self._old = self._young
            self._young = {}
            self._bytes = 0


class NodeCache:
    """Decoded nodes, shared by all who read one store; nodes never change, so it is never stale.

    `reads` and `writes` count nodes that came from a source and nodes that went to one.
    """

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0
        self._leaves = _Generations(CACHE_LEAVES_MAX, CACHE_LEAF_BYTES_MAX)
        self._inner = _Generations(CACHE_INNER_BYTES_MAX, CACHE_INNER_BYTES_MAX)

    def get(self, node_id: NodeId) -> Node | None:
        """Return the node if it is remembered."""
        return self._inner.get(node_id) or self._leaves.get(node_id)

    def put(self, node_id: NodeId, node: Node) -> None:
        """Remember the node."""
        (self._inner if node.level else self._leaves).put(node_id, node)


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
            node = _decode(node_id, self._source.get(node_id))
            self.cache.put(node_id, node)
        return node

    def load_many(self, node_ids: Sequence[NodeId], *, keep: bool = True) -> list[Node]:
        """Return nodes in the order asked for, read in one batch; remember leaves if `keep`."""
        cached = self.cache.get
        found = [cached(node_id) for node_id in node_ids]
        wanted = [node_ids[at] for at, node in enumerate(found) if node is None]
        if wanted:
            self.cache.reads += len(wanted)
            read = map(_decode, wanted, self._source.get_many(wanted))
            fresh = dict(zip(wanted, read, strict=True))
            for node_id, node in fresh.items():
                if keep or node.level:
                    self.cache.put(node_id, node)
            found = [fresh[node_ids[at]] if node is None else node for at, node in enumerate(found)]
        return [node for node in found if node is not None]

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

    def save(self, node: Node) -> NodeId:
        """Write a node that is likely to be read again soon."""
        node_id = self.write(node.payload)
        self.cache.put(node_id, node)
        return node_id

    def write(self, payload: bytes) -> NodeId:
        """Write a node and do not remember it."""
        self.cache.writes += 1
        return self._source.put(payload)

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
