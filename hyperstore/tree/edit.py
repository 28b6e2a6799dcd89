"""Changing a tree: O(changes * log n) nodes read and written.

An edit goes down once to find the nodes that the changes lead to, then up level by level. On each
level it merges the changes into those nodes, cuts again what was touched, and goes on into the
right neighbour until a cut falls on the end of an old node: from there on both are in step. What
came of it (separators gone, nodes made) is the list of changes for the level above. A change of
value keeps keys and so cuts, and splices the bytes of the old node.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import islice, pairwise
from typing import TypeAlias

from hyperstore.errors import CorruptError
from hyperstore.ids import NodeId, ObjectId
from hyperstore.limits import CHANGES_CHUNK
from hyperstore.tree.boundary import next_cut, renewed_separator, separator
from hyperstore.tree.build import Levels, check_keys
from hyperstore.tree.cursor import partition
from hyperstore.tree.node import Child, Node, make_inner, make_leaf
from hyperstore.tree.nodes import Nodes

__all__ = ["edit"]

Slot: TypeAlias = bytes | Child
"""What stands beside a key: a value in a leaf, a child above."""


def edit(nodes: Nodes, root: NodeId, changes: Iterable[tuple[bytes, bytes | None]]) -> NodeId:
    """Return the root of the tree with `changes` made, which are in order of key, each key once.

    None as a value removes the key, if it is there. Without effect, the root stays what it was.
    Changes are taken in chunks, so memory does not grow with their number.
    """
    stream = iter(changes)
    last: list[bytes] = []
    while chunk := list(islice(stream, CHANGES_CHUNK)):
        keys = [key for key, _ in chunk]
        check_keys([*last, *keys])
        last = keys[-1:]
        root = _edit_chunk(nodes, root, keys, [value for _, value in chunk])
    return root


class _Spot:
    """A node on the way of an edit: where it hangs, and the range of changes that lead to it.

    The spots of one level form a chain in order of key.
    """

    __slots__ = ("index", "low", "next", "node", "parent", "start", "stop")

    def __init__(
        self, node: Node, parent: "_Spot | None", index: int, start: int, stop: int
    ) -> None:
        self.node = node
        self.parent = parent
        self.index = index  # In the parent.
        self.low = b"" if parent is None else parent.node.keys[index]
        self.start = start
        self.stop = stop
        self.next: _Spot | None = None


def _edit_chunk(
    nodes: Nodes, root: NodeId, keys: Sequence[bytes], values: Sequence[Slot | None]
) -> NodeId:
    """Return the root of the tree with these changes made."""
    heads = _descend(nodes, root, keys)
    made: dict[bytes, Child | None] = {}
    for level, head in enumerate(reversed(heads)):
        if level:
            keys = sorted(made)
            values = [made[key] for key in keys]
            _assign(head, keys)
        made = _merge_level(nodes, head, keys, values)
        if not made:
            return root
    return _new_root(nodes, len(heads), made)


def _descend(nodes: Nodes, root: NodeId, keys: Sequence[bytes]) -> list[_Spot]:
    """Return the first spot of each level that the changes lead through, from the root down."""
    row = [_Spot(nodes.root(root), None, 0, 0, len(keys))]
    heads = [row[0]]
    while row[0].node.level:
        places, ranges = partition([(spot.node, spot.start, spot.stop) for spot in row], keys)
        owners = iter(row)
        owner = next(owners)
        below = []
        found = nodes.children(places)
        for (parent, index), (start, stop), node in zip(places, ranges, found, strict=True):
            if owner.node is not parent:
                owner = next(owners)
            below.append(_Spot(node, owner, index, start, stop))
        for spot, following in pairwise(below):
            spot.next = following
        row = below
        heads.append(row[0])
    return heads


def _assign(head: _Spot, keys: Sequence[bytes]) -> None:
    """Give each spot of a level the changes that lead to it."""
    start = 0
    spot: _Spot | None = head
    while spot is not None:
        stop = len(keys) if spot.next is None else bisect_left(keys, spot.next.low, start)
        spot.start, spot.stop = start, stop
        start = stop
        spot = spot.next


def _merge_level(
    nodes: Nodes, head: _Spot, keys: Sequence[bytes], values: Sequence[Slot | None]
) -> dict[bytes, Child | None]:
    """Write what the changes make of one level; return the changes for the level above."""
    made: dict[bytes, Child | None] = {}
    spot: _Spot | None = head
    while spot is not None:
        if spot.start == spot.stop:
            spot = spot.next
            continue
        node = _replaced(spot, keys, values)
        if node is None:
            spot = _recut(nodes, spot, keys, values, made)
            continue
        if node is not spot.node:
            made[spot.low] = (nodes.save(node), node.total)
        spot = spot.next
    return made


def _replaced(spot: _Spot, keys: Sequence[bytes], values: Sequence[Slot | None]) -> Node | None:
    """Return the spot's node with values replaced, or None if keys come or go."""
    node = spot.node
    held = node.keys
    changed: list[tuple[int, bytes]] = []
    children: list[tuple[int, Child]] = []
    for at in range(spot.start, spot.stop):
        key, value = keys[at], values[at]
        index = bisect_left(held, key)
        present = index < len(held) and held[index] == key
        if value is None:
            if present:
                return None
        elif not present:
            return None
        elif isinstance(value, tuple):
            children.append((index, value))
        elif value != node.value(index):
            changed.append((index, value))
    if children:
        return node.with_children(children)
    return node.with_values(changed) if changed else node


def _recut(
    nodes: Nodes,
    spot: _Spot,
    keys: Sequence[bytes],
    values: Sequence[Slot | None],
    made: dict[bytes, Child | None],
) -> _Spot | None:
    """Cut anew from `spot` until in step with the old nodes; return the spot that follows."""
    run = _Run(nodes, spot)
    while True:
        made[spot.low] = None
        run.take(spot.node, keys[spot.start : spot.stop], values[spot.start : spot.stop])
        if run.in_step(spot.node):
            break
        following = _right(nodes, spot)
        if following is None:
            run.end()
            break
        spot = following
    made.update(run.made)
    return spot.next


class _Run:
    """Nodes of one level that are cut anew, beginning where the old node of `spot` began."""

    def __init__(self, nodes: Nodes, spot: _Spot) -> None:
        self.made: dict[bytes, Child] = {}
        self._nodes = nodes
        self._level = spot.node.level
        self._low = spot.low
        self._last: bytes | None = None  # The last key of the node made last.
        self._keys: list[bytes] = []  # What no node holds yet.
        self._slots: list[Slot] = []

    def take(self, node: Node, keys: Sequence[bytes], slots: Sequence[Slot | None]) -> None:
        """Add the entries of an old node with changes made, and write the nodes that they end."""
        entries: dict[bytes, Slot] = dict(zip(node.keys, _slots(node), strict=True))
        for key, slot in zip(keys, slots, strict=True):
            if slot is None:
                entries.pop(key, None)
            else:
                entries[key] = slot
        order = sorted(entries)
        edge = self._keys[-1] if self._keys else self._last
        if edge is not None and order and order[0] <= edge:
            raise CorruptError(f"nodes overlap at key {order[0].hex()}")
        self._keys += order
        self._slots += [entries[key] for key in order]
        start = 0
        while end := next_cut(self._nodes.law, self._keys, start, self._level):
            self._write(start, end)
            start = end
        del self._keys[:start], self._slots[:start]

    def in_step(self, node: Node) -> bool:
        """Say whether the level goes on after the old `node` as it did.

        The separator of the leaf that follows depends on the key before it. An old last key that
        is gone makes that leaf part of the run; a greater one than before changes nothing, since
        it still lies under that separator.
        """
        if self._keys:
            return False
        if self._level:
            return True
        return self._last is not None and self._last >= max(node.keys, default=b"")

    def end(self) -> None:
        """Write what is left as the last node of the level."""
        if self._keys:
            self._write(0, len(self._keys))

    def _write(self, start: int, end: int) -> None:
        keys, slots = self._keys[start:end], self._slots[start:end]
        low = keys[0]
        if not self._level:
            low = (
                renewed_separator(self._low, keys[0])
                if self._last is None
                else separator(self._last, keys[0])
            )
        self._last = keys[-1]
        node = _node(self._level, keys, slots)
        self.made[low] = (self._nodes.save(node), node.total)


def _slots(node: Node) -> Sequence[Slot]:
    if not node.level:
        return node.values()
    return list(zip(node.values(), node.counts, strict=True))


def _node(level: int, keys: list[bytes], slots: Sequence[Slot]) -> Node:
    """Return the node that holds these entries, all of which are children or none."""
    values = [slot for slot in slots if isinstance(slot, bytes)]
    if not level:
        return make_leaf(keys, values)
    children = [slot for slot in slots if isinstance(slot, tuple)]
    ids, counts = zip(*children, strict=True)
    return make_inner(level, keys, ids, list(counts))


def _right(nodes: Nodes, spot: _Spot) -> _Spot | None:
    """Return the spot of the node right of this one on its level, reading it where need be."""
    parent, index = spot.parent, spot.index + 1
    if parent is not None and index == len(parent.node.keys):
        parent, index = _right(nodes, parent), 0
    if parent is None:
        return None
    following = spot.next
    if following is not None and following.parent is parent and following.index == index:
        return following
    found = _Spot(nodes.child(parent.node, index), parent, index, 0, 0)
    found.next = following
    spot.next = found
    return found


def _new_root(nodes: Nodes, level: int, made: dict[bytes, Child | None]) -> NodeId:
    """Return the root over the nodes made of the highest level, which is `level - 1`."""
    levels = Levels(nodes, level)
    left = [(low, child) for low, child in sorted(made.items()) if child is not None]
    if not left:
        return nodes.save_empty()
    for low, (node_id, count) in left:
        levels.add(low, NodeId(ObjectId(node_id)), count)
    root = levels.finish()
    node = nodes.load(root)
    while node.level and len(node.keys) == 1:
        root = NodeId(ObjectId(node.value(0)))
        node = nodes.child(node, 0)
    return root
