"""Every law of a tree, checked; faults are reported and do not end the walk.

A node's own laws are checked once however many trees share it. What depends on its neighbours is
checked on each edge, from what is remembered of the node: its first and last key, and whether its
right edge is closed, that is, whether each last node on each level there ends where the law says.
Only the last nodes of a tree may stay open.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from hyperstore.errors import CorruptError, MissingObjectError
from hyperstore.ids import NodeId, ObjectId
from hyperstore.tree.boundary import next_cut, separator
from hyperstore.tree.node import Node
from hyperstore.tree.nodes import Nodes

__all__ = ["Checked", "Fault", "check"]


class Fault(NamedTuple):
    """A node that breaks a law, or is not there."""

    node_id: NodeId
    message: str


class _Edges(NamedTuple):
    first: bytes
    last: bytes
    closed: bool


@dataclass(slots=True)
class Checked:
    """What checks of several trees share: nodes above the leaves that were checked already.

    Leaves are not remembered: they are nine nodes in ten, and a node that names them is.
    """

    edges: dict[NodeId, _Edges | None] = field(default_factory=dict)


def check(nodes: Nodes, root: NodeId, checked: Checked | None = None) -> Iterator[Fault]:
    """Yield the faults of the tree under `root`, without those of nodes in `checked`.

    Give the nodes a cache of their own, or remembered nodes are not read again.
    """
    checked = Checked() if checked is None else checked
    try:
        node = nodes.root(root)
    except (CorruptError, MissingObjectError) as error:
        yield Fault(root, str(error))
        return
    yield from _check_node(nodes, root, node, checked, [])


def _check_node(
    nodes: Nodes, node_id: NodeId, node: Node, checked: Checked, found: list[_Edges | None]
) -> Iterator[Fault]:
    """Yield the faults at and under a node; append its edges to `found`, None if unknown."""
    if node_id in checked.edges:
        found.append(checked.edges[node_id])
        return
    cut = next_cut(nodes.law, node.keys, 0, node.level)
    if cut and cut < len(node.keys):
        yield Fault(node_id, f"goes on after entry {cut}, where the law ends it")
    closed = cut == len(node.keys)
    if not node.level:
        found.append(_Edges(node.keys[0], node.keys[-1], closed) if node.keys else None)
        return
    below: list[_Edges | None] = []
    for index, (child_id, child) in enumerate(_children(nodes, node)):
        if isinstance(child, Node):
            yield from _check_node(nodes, child_id, child, checked, below)
        else:
            yield Fault(child_id, child)
            below.append(None)
        if index and (wrong := _wrong_between(below[-2], below[-1], node.keys[index])):
            yield Fault(node_id, f"between children {index - 1} and {index}: {wrong}")
    edges = None
    if below[0] is not None and below[-1] is not None:
        edges = _Edges(below[0].first, below[-1].last, closed and below[-1].closed)
    checked.edges[node_id] = edges
    found.append(edges)


def _wrong_between(one: _Edges | None, other: _Edges | None, low: bytes) -> str | None:
    """Say what is wrong where one child ends and the other begins, if anything is."""
    if one is None or other is None:
        return None
    if not one.closed:
        return "a node ends where the law does not end it"
    if one.last >= other.first:
        return f"key {other.first.hex()} follows {one.last.hex()}"
    if low != separator(one.last, other.first):
        return f"{low.hex()} is not the separator of {one.last.hex()} and {other.first.hex()}"
    return None


def _children(nodes: Nodes, node: Node) -> Iterator[tuple[NodeId, Node | str]]:
    """Yield each child's id, and the child or what is wrong with it."""
    places = [(node, index) for index in range(len(node.keys))]
    ids = [NodeId(ObjectId(node_id)) for node_id in node.values()]
    try:
        good = nodes.children(places, keep=False)
    except (CorruptError, MissingObjectError):
        for node_id, (_, index) in zip(ids, places, strict=True):
            try:
                yield node_id, nodes.child(node, index)
            except (CorruptError, MissingObjectError) as error:
                yield node_id, str(error)
    else:
        yield from zip(ids, good, strict=True)
