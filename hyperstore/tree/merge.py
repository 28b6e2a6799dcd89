"""Three-way merge of trees, key by key.

A key that only theirs changed is taken from theirs; one that both changed alike is settled; one
that both changed otherwise is a conflict, for the layer that knows what the values mean.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from hyperstore.ids import NodeId
from hyperstore.tree.diff import Change, diff
from hyperstore.tree.nodes import Nodes

__all__ = ["Conflict", "MergeResult", "Step", "merge", "merge_steps"]


class Conflict(NamedTuple):
    """A key that both sides changed, each in its way; None where a tree has no such key."""

    key: bytes
    base: bytes | None
    ours: bytes | None
    theirs: bytes | None


class MergeResult(NamedTuple):
    """What theirs changes in ours, and what neither side can decide; both in order of key."""

    changes: list[Change]
    conflicts: list[Conflict]


Step: TypeAlias = Change | Conflict


def merge(nodes: Nodes, base: NodeId, ours: NodeId, theirs: NodeId) -> MergeResult:
    """Return the changes to make to ours, and the conflicts; memory grows with their number."""
    result = MergeResult([], [])
    for step in merge_steps(nodes, base, ours, theirs):
        if isinstance(step, Change):
            result.changes.append(step)
        else:
            result.conflicts.append(step)
    return result


def merge_steps(nodes: Nodes, base: NodeId, ours: NodeId, theirs: NodeId) -> Iterator[Step]:
    """Yield changes to make to ours, and conflicts, in order of key and in constant memory."""
    if ours == theirs:
        return
    mine = diff(nodes, base, ours)
    our = next(mine, None)
    for their in diff(nodes, base, theirs):
        while our is not None and our.key < their.key:
            our = next(mine, None)
        if our is None or our.key != their.key:
            yield their
        elif our.new != their.new:
            yield Conflict(their.key, their.old, our.new, their.new)
