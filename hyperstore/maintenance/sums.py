"""Counts and the order, computed again from the frames themselves, whole trees at a time.

Of each frame three numbers are kept, in arrays by sequence number: hashes of its two keys, and its
ROIs. An entry is right if its key hashes to what its frame says. What holds for a node is summed
once and remembered, so a hundred commits that share their nodes cost little more than one.

The order tree is the one that the frames would give if both trees obey the law, each entry of it
stands under its own frame's key, and both trees hold the same frames. The last is told by sums of
ids, which are hashes: that two different sets have equal sums is as likely as a false hash.
"""

from array import array
from dataclasses import dataclass
from itertools import islice

from hyperstore.codec import replace
from hyperstore.dataset.compare import count_changes
from hyperstore.dataset.edit import empty_snapshot
from hyperstore.dataset.staging import Staging
from hyperstore.errors import CorruptError, HyperstoreError, MissingObjectError
from hyperstore.frames.keys import frame_key
from hyperstore.frames.records import read_keys
from hyperstore.frames.stored import check_frame, order_key_of, roi_count_of
from hyperstore.history.commit import Snapshot, Totals
from hyperstore.ids import CommitId, NodeId, ObjectId, SnapshotId, key_hash
from hyperstore.limits import SUMMED_LEAVES_MAX
from hyperstore.maintenance.findings import Findings
from hyperstore.maintenance.refs import History, read_commit
from hyperstore.maintenance.trees import entry_name
from hyperstore.storage.database import Database
from hyperstore.tree.node import Node
from hyperstore.tree.nodes import Nodes

__all__ = ["FrameFacts", "Sums"]

_UNKNOWN = 2**32 - 1  # No frame has so many ROIs.
_MODULUS = 2**64


class FrameFacts:
    """What of each frame its place and the counts are made of, by sequence number."""

    def __init__(self, last: int) -> None:
        self._keys = array("Q", bytes(8 * (last + 1)))
        self._orders = array("Q", bytes(8 * (last + 1)))
        self.rois = array("L" if array("L").itemsize == 4 else "I", [_UNKNOWN]) * (last + 1)

    def take(self, number: int, oid: ObjectId, payload: bytes) -> None:
        """Take in a frame; CorruptError for one that is not as frames are written."""
        check_frame(payload)
        if number >= len(self.rois):
            return  # It came after this check began.
        frame_id = read_keys(payload, what=f"frame object {oid.hex()}").id
        self._keys[number] = key_hash(frame_key(frame_id), 0)
        self._orders[number] = key_hash(order_key_of(payload), 0)
        self.rois[number] = roi_count_of(payload)

    def fits(self, number: int, tree: str, key: bytes) -> bool:
        """Tell whether a frame stands under its own key."""
        return (self._keys if tree == "frames" else self._orders)[number] == key_hash(key, 0)


@dataclass(frozen=True, slots=True)
class _Sum:
    """Of all entries below a node. `known` is false where one of them cannot be read."""

    ids: int = 0
    rois: int = 0
    annotated: int = 0
    known: bool = True
    fit: bool = True

    def plus(self, other: "_Sum") -> "_Sum":
        return _Sum(
            (self.ids + other.ids) % _MODULUS,
            self.rois + other.rois,
            self.annotated + other.annotated,
            self.known and other.known,
            self.fit and other.fit,
        )


class Sums:
    """The sums of one database's trees."""

    def __init__(
        self, database: Database, nodes: Nodes, facts: FrameFacts, findings: Findings
    ) -> None:
        self._database = database
        self._nodes = nodes
        self._facts = facts
        self._findings = findings
        self._known: dict[str, dict[NodeId, _Sum]] = {"frames": {}, "order": {}}
        self._leaves: dict[str, dict[NodeId, _Sum]] = {"frames": {}, "order": {}}

    def check_snapshots(self, snapshots: dict[SnapshotId, Snapshot]) -> dict[SnapshotId, Snapshot]:
        """Compare counts and order; return the snapshots with their true counts, where known."""
        true = {}
        for snapshot_id, snapshot in snapshots.items():
            self._findings.look_at_clock()
            frames = self._of_root(snapshot, "frames")
            order = self._of_root(snapshot, "order")
            name = f"snapshot {snapshot_id.hex()}"
            if not (frames.known and order.known):
                self._findings.counts["unverified"] += 1
                continue
            count = self._nodes.root(_root(snapshot, "frames")).total
            same = count == self._nodes.root(_root(snapshot, "order")).total
            if same and frames.fit and order.fit and frames.ids != order.ids:
                message = f"{name}: the order holds other frames than the version"
                self._findings.add("wrong-order", name, message)
            totals = Totals(annotated=frames.annotated, rois=frames.rois)
            if snapshot.totals != totals:
                message = f"{name} says {snapshot.totals}, and its frames have {totals}"
                self._findings.add("wrong-totals", name, message)
            true[snapshot_id] = replace(snapshot, count=count, totals=totals)
        return true

    def check_changes(self, history: History, snapshots: dict[SnapshotId, Snapshot]) -> None:
        """Count again what each commit changed against its first parent."""
        for commit_id in history.commits:
            self._findings.look_at_clock()
            commit = read_commit(self._database, self._findings, commit_id)
            if commit is None:
                continue
            staging = Staging(self._database, self._nodes.cache, self._database.folder)
            new = snapshots.get(SnapshotId(ObjectId(commit.snapshot)))
            old: Snapshot | None = empty_snapshot(staging.nodes)
            if commit.parents:
                parent_id = CommitId(ObjectId(commit.parents[0]))
                parent = None
                if parent_id in history.commits:
                    parent = read_commit(self._database, self._findings, parent_id)
                old = None
                if parent is not None:
                    old = snapshots.get(SnapshotId(ObjectId(parent.snapshot)))
            if old is None or new is None:
                self._findings.counts["unverified"] += 1
                continue
            try:
                changes = count_changes(staging, old, new)
            except (CorruptError, MissingObjectError):
                self._findings.counts["unverified"] += 1
                continue
            if changes != commit.changes:
                name = f"commit {commit_id.hex()}"
                message = f"{name} says {commit.changes}, and it changed {changes}"
                self._findings.add("wrong-changes", name, message)

    def _of_root(self, snapshot: Snapshot, tree: str) -> _Sum:
        root = _root(snapshot, tree)
        try:
            return self._of(root, self._nodes.root(root), tree)
        except HyperstoreError:  # The law has said of which node.
            return _Sum(known=False)

    def _of(self, node_id: NodeId, node: Node, tree: str) -> _Sum:
        """Return the sum below a node; the recursion is as deep as the tree is high."""
        known = self._known[tree].get(node_id) or self._leaves[tree].get(node_id)
        if known is not None:
            return known
        if not node.level:
            return self._remembered(node_id, self._of_leaf(node, tree), tree)
        self._findings.look_at_clock()
        total = _Sum()
        unknown = []
        for index, child_id in enumerate(node.values()):
            child = NodeId(ObjectId(child_id))
            known = self._known[tree].get(child) or self._leaves[tree].get(child)
            if known is None:
                unknown.append((index, child))
            else:
                total = total.plus(known)
        places = [(node, index) for index, _ in unknown]
        children = self._nodes.children(places, keep=False)
        for (_, child), below in zip(unknown, children, strict=True):
            total = total.plus(self._of(child, below, tree))
        self._known[tree][node_id] = total
        return total

    def _remembered(self, node_id: NodeId, found: _Sum, tree: str) -> _Sum:
        """Return the sum of a leaf, kept while there is room: most commits share most leaves."""
        leaves = self._leaves[tree]
        if len(leaves) >= SUMMED_LEAVES_MAX:
            for old in list(islice(leaves, SUMMED_LEAVES_MAX // 2)):
                del leaves[old]
        leaves[node_id] = found
        return found

    def _of_leaf(self, leaf: Node, tree: str) -> _Sum:
        values = [ObjectId(value) for value in leaf.values()]
        with self._database.reading() as reader:
            numbers = reader.numbers(values)
        ids = rois = annotated = 0
        known = fit = True
        for key, oid in zip(leaf.keys, values, strict=True):
            number = numbers.get(oid, len(self._facts.rois))
            count = self._facts.rois[number] if number < len(self._facts.rois) else _UNKNOWN
            if count == _UNKNOWN:
                known = False
                continue
            if not self._facts.fits(number, tree, key):
                fit = False
                code = "wrong-frame-key" if tree == "frames" else "wrong-order"
                name = entry_name(tree, key)
                message = f"object {oid.hex()} stands under the key of {name} and is not that"
                self._findings.add_object(code, oid, message, lost=name)
            ids += int.from_bytes(oid[:8], "big")
            rois += count
            annotated += count > 0
        return _Sum(ids % _MODULUS, rois, annotated, known, fit)


def _root(snapshot: Snapshot, tree: str) -> NodeId:
    return NodeId(ObjectId(snapshot.roots[tree]))
