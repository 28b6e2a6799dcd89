"""The trees of every snapshot: the law of each node, counts, and whether each entry is here.

A node is looked at once however many snapshots share it: the law remembers nodes above the leaves,
and the walk to the entries has one bit for each node.
"""

from collections.abc import Sequence

from hyperstore.errors import CorruptError, HyperstoreError, MissingObjectError
from hyperstore.frames.keys import frame_id, order_parts
from hyperstore.history.commit import Snapshot, decode_snapshot
from hyperstore.ids import Kind, NodeId, ObjectId, SnapshotId
from hyperstore.limits import ID_BYTES
from hyperstore.maintenance.findings import Findings
from hyperstore.maintenance.moment import Readable
from hyperstore.maintenance.reach import Bits
from hyperstore.maintenance.refs import History, read_object
from hyperstore.maintenance.report import Progress
from hyperstore.storage.objects import ObjectState
from hyperstore.storage.reader import Reader
from hyperstore.tree.check import Checked, check
from hyperstore.tree.node import Node
from hyperstore.tree.node import decode as decode_node
from hyperstore.tree.nodes import NodeCache, Nodes

__all__ = ["StoredNodes", "TreeCheck", "entry_name"]

_BATCH = 256


class StoredNodes:
    """Nodes of one database, to be read only."""

    def __init__(self, database: Readable) -> None:
        self._database = database

    def get(self, node_id: NodeId, /) -> bytes:
        with self._database.reading() as reader:
            return reader.get(node_id, Kind.NODE)

    def get_many(self, node_ids: Sequence[NodeId], /) -> list[bytes]:
        with self._database.reading() as reader:
            return reader.get_many(node_ids, Kind.NODE)

    def put(self, payload: bytes, /) -> NodeId:
        """Refuse: a check changes nothing."""
        raise AssertionError(f"a check writes a node of {len(payload)} bytes")


class TreeCheck:
    """The trees of one database; what the snapshots share is remembered between them."""

    def __init__(self, database: Readable, findings: Findings) -> None:
        self.nodes = Nodes(StoredNodes(database), NodeCache())
        self._database = database
        self._findings = findings
        self._checked = Checked()
        with database.reading() as reader:
            self._walked = Bits(reader.last_sequence())

    def check_all(
        self, history: History, progress: Progress | None = None
    ) -> dict[SnapshotId, Snapshot]:
        """Check every snapshot; return those whose own bytes can be read."""
        found = {}
        for done, (snapshot_id, named_by) in enumerate(history.snapshots.items()):
            self._findings.look_at_clock()
            payload = read_object(
                self._database, self._findings, snapshot_id, Kind.SNAPSHOT, named_by
            )
            if payload is not None:
                try:
                    snapshot = decode_snapshot(payload, snapshot_id)
                except CorruptError as fault:
                    self._findings.add_object("bad-object", snapshot_id, str(fault), lost=named_by)
                    continue
                if self._check_snapshot(snapshot_id, snapshot, named_by):
                    found[snapshot_id] = snapshot
            if progress is not None:
                progress("snapshots", done + 1, len(history.snapshots))
        self._findings.counts["snapshots"] = len(found)
        return found

    def _check_snapshot(self, snapshot_id: SnapshotId, snapshot: Snapshot, named_by: str) -> bool:
        name = f"snapshot {snapshot_id.hex()}"
        if not {"frames", "order"} <= snapshot.roots.keys():
            message = f"{name} has no root of frames or of order"
            self._findings.add_object("bad-object", snapshot_id, message, lost=named_by)
            return False
        counts = {}
        for tree, root in sorted(snapshot.roots.items()):
            root_id = NodeId(ObjectId(root))
            lost = f"{tree} of {named_by}"
            for fault in check(self.nodes, root_id, self._checked):
                self._classify(fault.node_id, fault.message, lost)
            self._walk(root_id, tree, named_by)
            try:
                counts[tree] = self.nodes.root(root_id).total
            except (CorruptError, MissingObjectError):
                return True  # Said above.
        frames, order = counts["frames"], counts["order"]
        if snapshot.count != frames:
            message = f"{name} says {snapshot.count} frames where its tree has {frames}"
            self._findings.add("wrong-count", name, message)
        if order != frames:
            message = f"{name} has {frames} frames, and {order} in their order"
            self._findings.add("wrong-order", name, message)
        return True

    def _classify(self, node_id: NodeId, message: str, lost: str) -> None:
        """Take in what the law says of a node, by what is wrong with the object itself."""
        payload = read_object(self._database, self._findings, node_id, Kind.NODE, lost)
        if payload is None:
            return
        self._findings.add_object(
            "bad-tree", node_id, f"node {node_id.hex()}: {message}", lost=lost
        )

    # Entries.

    def _walk(self, root: NodeId, tree: str, named_by: str) -> None:
        """Look for the object of every entry under nodes that were not walked before."""
        pending: list[ObjectId] = [root]
        while pending:
            self._findings.look_at_clock()
            batch = list(dict.fromkeys(pending[-_BATCH:]))
            del pending[-_BATCH:]
            with self._database.reading() as reader:
                for node in self._fresh(reader, batch):
                    if node.level:
                        pending += map(ObjectId, node.values())
                    else:
                        self._check_entries(reader, node, tree, named_by)

    def _fresh(self, reader: Reader, batch: Sequence[ObjectId]) -> list[Node]:
        """Return those nodes of a batch that were not walked and can be read."""
        try:
            numbers = reader.numbers(batch)
        except HyperstoreError:
            return []  # Said by the law, as is all that is passed over here.
        found = []
        for oid, number in numbers.items():
            if self._walked.add(number):
                try:
                    found.append(decode_node(reader.get(oid, Kind.NODE)))
                except (CorruptError, MissingObjectError):
                    continue
        self._findings.counts["nodes"] += len(found)
        return found

    def _check_entries(self, reader: Reader, leaf: Node, tree: str, named_by: str) -> None:
        values = [ObjectId(value) for value in leaf.values() if len(value) == ID_BYTES]
        here = reader.has_many(values)
        for key, value in zip(leaf.keys, leaf.values(), strict=True):
            oid = ObjectId(value)
            if oid in here:
                if self._findings.is_bad(oid):
                    name = entry_name(tree, key)
                    self._findings.add_object("damaged-object", oid, "", lost=name)
                continue
            self._check_absent(reader, oid, entry_name(tree, key), named_by)

    def _check_absent(self, reader: Reader, oid: ObjectId, name: str, named_by: str) -> None:
        try:
            state = reader.state(oid)
        except CorruptError:
            return  # Its mark is damaged, which was said.
        if state is ObjectState.LOST:
            message = f"object {oid.hex()} is lost: {name} of {named_by}"
            self._findings.add_object("lost-object", oid, message, lost=name)
        else:
            self._findings.counts["absent"] += 1


def entry_name(tree: str, key: bytes) -> str:
    """Return how an entry is called in a report."""
    try:
        return f"frame {frame_id(key if tree == 'frames' else order_parts(key)[2])!a}"
    except CorruptError:
        return f"key {key.hex()} of {tree}"
