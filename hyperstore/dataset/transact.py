"""One operation on refs: prepared outside of the write transaction, published in one.

While an operation is prepared, every ref that it reads is recorded. The write transaction first
reads them again: where all are the same, nothing that mattered has moved, and the prepared moves
hold; else the operation is prepared anew. So two operations never overwrite each other, and a name
that was free when looked up is still free when taken.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from hyperstore.dataset.handle import Handle
from hyperstore.dataset.runswatch import WATCHERS
from hyperstore.dataset.staging import Staging
from hyperstore.errors import MissingObjectError
from hyperstore.history.branches import RefReader
from hyperstore.ids import Kind, ObjectId
from hyperstore.storage.database import Database
from hyperstore.storage.host import now_ms
from hyperstore.storage.reader import Reader
from hyperstore.storage.reflog import Move
from hyperstore.storage.writer import Writer

__all__ = ["Move", "transact"]

_TRIES_OUTSIDE = 3  # Then the operation is prepared inside the transaction, where none can win.

_T = TypeVar("_T")
Prepare = Callable[[RefReader], tuple[Sequence[Move], _T]]


def transact(handle: Handle, staging: Staging, command: str, prepare: Prepare[_T]) -> _T:
    """Run one operation; return what `prepare` returns beside its moves.

    `prepare` reads refs only through what it is given, stages new objects, and may run several
    times. When the call returns, all is on disk; when an error comes out, nothing has changed.
    """
    try:
        moves, result = _transact(handle, staging, command, prepare)
    finally:
        staging.clear()
    for watcher in WATCHERS:
        watcher.moved(handle, moves)
    handle.wrote()
    return result


def _transact(
    handle: Handle, staging: Staging, command: str, prepare: Prepare[_T]
) -> tuple[Sequence[Move], _T]:
    actor = handle.config.user()
    if handle.command:
        command = f"{command}\n{handle.command}"  # What was done, then what was typed.
    mark = staging.mark()
    for _ in range(_TRIES_OUTSIDE):
        refs = _Recorder(handle.database)
        moves, result = prepare(refs)
        if all(move.old == move.new for move in moves):
            return moves, result
        publish = partial(_publish_if, refs, staging, moves, actor, command)
        if handle.database.write(publish):
            return moves, result
        staging.rewind(mark)  # It may rest on what is collected by now.

    def at_once(writer: Writer) -> tuple[Sequence[Move], _T]:
        staging.rewind(mark)  # Where the map had to grow, this runs again.
        with staging.inside():
            moves, result = prepare(writer)
        _publish(staging, moves, actor, command, writer)
        return moves, result

    return handle.database.write(at_once)


def _publish_if(
    refs: "_Recorder",
    staging: Staging,
    moves: Sequence[Move],
    actor: str,
    command: str,
    writer: Writer,
) -> bool:
    """Publish if all that was read is still so; return whether it was."""
    if not refs.hold(writer):
        return False
    _publish(staging, moves, actor, command, writer)
    return True


def _publish(
    staging: Staging, moves: Sequence[Move], actor: str, command: str, writer: Writer
) -> None:
    staging.write(writer)
    moved = [move for move in moves if move.old != move.new]
    named = [move.new for move in moved if move.new is not None]
    for gone in set(named) - writer.has_many(named):
        raise MissingObjectError(f"object {gone.hex()} was collected meanwhile; nothing has moved")
    for move in moved:
        writer.move(move.name, move.old, move.new)
    if moved:
        writer.log(time_ms=now_ms(), actor=actor, command=command, moves=moved)


class _Recorder:
    """Reads refs in short transactions, and remembers what it read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._refs: dict[str, ObjectId | None] = {}
        self._prefixes: dict[str, list[tuple[str, ObjectId]]] = {}
        self._objects: set[ObjectId] = set()
        self._moments: set[tuple[int, int]] = set()

    def get(self, oid: ObjectId, kind: Kind | None = None) -> bytes:
        self._objects.add(oid)
        with self._reading() as reader:
            return reader.get(oid, kind)

    def ref(self, name: str) -> ObjectId | None:
        if name not in self._refs:
            with self._reading() as reader:
                self._refs[name] = reader.ref(name)
        return self._refs[name]

    def refs(self, prefix: str = "") -> list[tuple[str, ObjectId]]:
        if prefix not in self._prefixes:
            with self._reading() as reader:
                self._prefixes[prefix] = list(reader.refs(prefix))
        return self._prefixes[prefix]

    @contextmanager
    def _reading(self) -> Iterator[Reader]:
        with self._database.reading() as reader:
            self._moments.add(reader.moment())
            yield reader

    def hold(self, writer: Writer) -> bool:
        """Return whether all that was read is still so, and still here.

        Commits and snapshots are collected before what they lead to, so all of that is here too.
        """
        if self._moments <= {writer.moment()}:  # Nobody wrote since.
            return True
        if len(writer.has_many(self._objects)) < len(self._objects):
            return False
        return all(writer.ref(name) == found for name, found in self._refs.items()) and all(
            list(writer.refs(prefix)) == found for prefix, found in self._prefixes.items()
        )
