"""New objects between being made and being written.

They may be written in any number of bounded transactions before anything refers to them; the last
one moves the refs. Reading finds staged objects first, so edits can build on edits.

Until then a pin keeps garbage collection from what nothing refers to yet: all that is new, and
what was found in the store and so not written. Of the last transaction none is needed.

Commits, snapshots, tags and records wait for that last transaction, in which it is certain that
all they lead to is here: who finds one in the store may rely on that (see `maintenance`).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

from hyperstore.history.commit import Snapshot
from hyperstore.ids import Kind, NodeId, ObjectId, object_id
from hyperstore.storage.database import Database
from hyperstore.storage.pins import Pin
from hyperstore.storage.writer import Writer
from hyperstore.tree.nodes import NodeCache, Nodes

__all__ = ["Staging"]

_EARLY = frozenset((Kind.FRAME, Kind.NODE))  # What may be written before it is referred to.
_STAGED_BYTES_MAX = 8 * 1024 * 1024


class Staging:
    """A source of nodes, and a place for new objects, over one database."""

    def __init__(self, database: Database, cache: NodeCache, scratch: Path) -> None:
        self._database = database
        self.nodes = Nodes(self, cache)
        self.scratch = scratch  # A folder for temporary files.
        self._staged: dict[ObjectId, tuple[ObjectId, int, bytes]] = {}
        self._bytes = 0
        self._last: dict[ObjectId, tuple[ObjectId, int, bytes]] = {}  # For the last transaction.
        self._pin: Pin | None = None
        self._flushed = False
        self._inside = False  # Whether a write transaction is open, so that none may be begun.

    def add(self, kind: Kind, payload: bytes) -> ObjectId:
        """Take one object, and return its id. May write what is staged so far."""
        new = object_id(kind, payload)
        if kind not in _EARLY:
            self._last[new] = (new, kind, payload)
        elif new not in self._staged:
            self._staged[new] = (new, kind, payload)
            self._bytes += len(payload)
            if self._bytes > _STAGED_BYTES_MAX and not self._inside:
                self.flush()
        return new

    def take(self, payload: bytes) -> ObjectId:
        """Take one frame, and return its object's id: `add` for the many."""
        return self.add(Kind.FRAME, payload)

    def put(self, payload: bytes) -> NodeId:
        """Take one node of a tree."""
        return NodeId(self.add(Kind.NODE, payload))

    @property
    def is_empty(self) -> bool:
        """Whether all that was ever added is stored."""
        return not self._staged and not self._last

    def get(self, node_id: ObjectId) -> bytes:
        """Return the payload of one node, staged or stored."""
        staged = self._staged.get(node_id)
        if staged is not None:
            return staged[2]
        with self._database.reading() as reader:
            return reader.get(node_id, Kind.NODE)

    def get_many(self, ids: Sequence[ObjectId]) -> list[bytes]:
        """Return the payloads of several nodes, in the order asked."""
        return self.payloads(ids, Kind.NODE)

    def frames(self, ids: Iterable[ObjectId | None]) -> dict[ObjectId, bytes]:
        """Return the payloads of frames by object id; None among the ids is passed over."""
        wanted = list({one: None for one in ids if one is not None})
        return dict(zip(wanted, self.payloads(wanted, Kind.FRAME), strict=True))

    def hold(self, snapshot: Snapshot) -> None:
        """Keep what an operation begins with until it is published or given up."""
        roots = [ObjectId(root) for root in snapshot.roots.values()]
        if self._pin is None:
            self._pin = self._database.pin(roots)
        else:
            self._pin.add(roots)

    def flush(self) -> None:
        """Write what is staged in a transaction of its own; nothing refers to it yet."""
        if self._pin is None:
            self._pin = self._database.pin()
        if not self._flushed:
            with self._database.reading() as reader:
                self._pin.add(sequence=reader.last_sequence() + 1)
            self._flushed = True
        self._database.write(partial(self._flush_into, self._pin))
        self._forget()

    def _flush_into(self, pin: Pin, writer: Writer) -> None:
        reused: list[ObjectId] = []
        writer.put_many(self._staged.values(), reused=reused)
        pin.add(reused)  # Before anybody else can write, and so collect.

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Keep all that is staged meanwhile in memory, since a write transaction is open."""
        self._inside = True
        try:
            yield
        finally:
            self._inside = False

    def write(self, writer: Writer) -> None:
        """Write all that is staged in the caller's transaction, which may fail and be tried again.

        It is the last one: what refers to these objects is in it.
        """
        writer.put_many([*self._staged.values(), *self._last.values()])

    def mark(self) -> int:
        """Return a place to rewind to."""
        return len(self._last)

    def rewind(self, mark: int) -> None:
        """Drop the commits, snapshots, tags and records that were staged since a mark."""
        self._last = dict(islice(self._last.items(), mark))

    def clear(self) -> None:
        """Forget what is staged, and let go: it is written and referred to, or not wanted."""
        self._forget()
        self._last = {}
        self._flushed = False
        if self._pin is not None:
            self._pin.release()
            self._pin = None

    def _forget(self) -> None:
        self._staged = {}
        self._bytes = 0

    def payloads(self, ids: Sequence[ObjectId], kind: Kind) -> list[bytes]:
        """Return the payloads of several objects of one kind, in the order asked."""
        staged = self._staged
        wanted = [one for one in ids if one not in staged] if staged else ids
        if not wanted:
            return [staged[one][2] for one in ids]
        with self._database.reading() as reader:
            stored = reader.get_many(wanted, kind)
        if len(wanted) == len(ids):
            return stored
        found = iter(stored)
        return [staged[one][2] if one in staged else next(found) for one in ids]
