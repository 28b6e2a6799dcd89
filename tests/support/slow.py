"""Slow twins of the tree: the same answers by roads so plain that they cannot be wrong."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from xxhash import xxh3_64_intdigest

from hyperstore.ids import Kind, NodeId, ObjectId, object_id
from hyperstore.tree.boundary import Law
from hyperstore.tree.node import make_inner, make_leaf

__all__ = [
    "MemorySource",
    "slow_apply",
    "slow_build",
    "slow_diff",
    "slow_merge",
    "slow_rank",
    "slow_scan",
]

Changed = tuple[bytes, bytes | None, bytes | None]


class MemorySource:
    """Payloads in a dict."""

    def __init__(self) -> None:
        self.payloads: dict[bytes, bytes] = {}

    def get(self, node_id: NodeId) -> bytes:
        return self.payloads[node_id]

    def get_many(self, node_ids: Sequence[NodeId]) -> list[bytes]:
        return [self.payloads[node_id] for node_id in node_ids]

    def put(self, payload: bytes) -> NodeId:
        node_id = NodeId(object_id(Kind.NODE, payload))
        self.payloads[node_id] = payload
        return node_id


def slow_build(law: Law, entries: Mapping[bytes, bytes]) -> NodeId:
    """Return the root of the tree of `entries`, cut level by level as the law is written."""
    keys = sorted(entries)
    groups = _groups(law, keys, 0)
    row: list[tuple[bytes, ObjectId, int]] = []
    for group in groups:
        payload = make_leaf(group, [entries[key] for key in group]).payload()
        at = keys.index(group[0]) if group else 0
        low = _separator(keys[at - 1], group[0]) if at else b""
        row.append((low, object_id(Kind.NODE, payload), len(group)))
    level = 1
    while len(row) > 1:
        by_low = {low: (node_id, total) for low, node_id, total in row}
        row = []
        for group in _groups(law, sorted(by_low), level):
            ids = [by_low[low][0] for low in group]
            counts = [by_low[low][1] for low in group]
            payload = make_inner(level, group, ids, counts).payload()
            row.append((group[0], object_id(Kind.NODE, payload), sum(counts)))
        level += 1
    return NodeId(row[0][1])


def _groups(law: Law, keys: list[bytes], level: int) -> list[list[bytes]]:
    groups: list[list[bytes]] = [[]]
    for key in keys:
        last = groups[-1]
        cut = len(last) >= law.entries_min and (
            xxh3_64_intdigest(last[-1], seed=level) * law.cut_one_in < 2**64
        )
        if cut or len(last) == law.entries_max:
            groups.append([])
        groups[-1].append(key)
    return groups


def _separator(before: bytes, first: bytes) -> bytes:
    return min(
        (first[:length] for length in range(1, len(first) + 1) if first[:length] > before), key=len
    )


def slow_scan(
    entries: Mapping[bytes, bytes], start: bytes | None, stop: bytes | None
) -> list[tuple[bytes, bytes]]:
    """Return the sorted entries with start <= key < stop."""
    return [
        (key, entries[key])
        for key in sorted(entries)
        if (start is None or key >= start) and (stop is None or key < stop)
    ]


def slow_rank(entries: Mapping[bytes, bytes], key: bytes) -> int:
    """Return how many keys are smaller."""
    return bisect_left(sorted(entries), key)


def slow_apply(
    entries: Mapping[bytes, bytes], changes: Iterable[tuple[bytes, bytes | None]]
) -> dict[bytes, bytes]:
    """Return the entries with changes made."""
    result = dict(entries)
    for key, value in changes:
        if value is None:
            result.pop(key, None)
        else:
            result[key] = value
    return result


def slow_diff(old: Mapping[bytes, bytes], new: Mapping[bytes, bytes]) -> list[Changed]:
    """Return (key, old, new) of every key at which the two differ."""
    return [
        (key, old.get(key), new.get(key))
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]


def slow_merge(
    base: Mapping[bytes, bytes], ours: Mapping[bytes, bytes], theirs: Mapping[bytes, bytes]
) -> tuple[list[Changed], list[tuple[bytes, bytes | None, bytes | None, bytes | None]]]:
    """Return what theirs changes in ours, and the keys (base, ours, theirs) that both changed."""
    changes: list[Changed] = []
    conflicts = []
    for key in sorted({*base, *ours, *theirs}):
        was, our, their = base.get(key), ours.get(key), theirs.get(key)
        if their in (was, our):
            continue
        if our == was:
            changes.append((key, our, their))
        else:
            conflicts.append((key, was, our, their))
    return changes, conflicts
