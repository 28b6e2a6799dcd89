"""Defects to plant in a test's own process, so that each harness proves that it can fail."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import TypeVar

import lmdb

from hyperstore.dataset import transact as transact_module
from hyperstore.ids import ObjectId
from hyperstore.storage import environment, objects, refs
from hyperstore.storage.database import Database
from hyperstore.storage.environment import Environment, Table, Transaction
from hyperstore.storage.writer import Writer

__all__ = ["PLANTS", "plant"]

T = TypeVar("T")


def _ref_moved_outside() -> None:
    """Move refs one by one, after the transaction that they belong to."""
    real_write, real_move = Database.write, Writer.move
    waiting: list[tuple[str, ObjectId | None, ObjectId | None]] = []

    def move(self: Writer, name: str, expected: ObjectId | None, new: ObjectId | None) -> None:
        waiting.append((name, expected, new))

    def write(self: Database, change: Callable[[Writer], T]) -> T:
        waiting.clear()
        result = real_write(self, change)
        for step in waiting:
            with self.writing() as writer:
                real_move(writer, *step)
        return result

    Writer.move = move  # type: ignore[method-assign]
    Database.write = write  # type: ignore[method-assign]


def _no_check_on_read() -> None:
    """Believe whatever bytes lie where the index points."""

    def believed(
        oid: bytes, row: memoryview, place: int, offset: int, *_: object
    ) -> tuple[int, bytes]:
        length = int.from_bytes(row[offset : offset + 4], "little")
        head = 4 + 2 + 32
        return row[offset + head], bytes(row[offset + head + 1 : offset + length - 8])

    objects.record_at = believed  # type: ignore[attr-defined, assignment]


def _swap_without_compare() -> None:
    """Move refs whatever they point to now."""
    real_move = refs.move_ref

    def move_ref(
        transaction: Transaction,
        table: Table,
        name: str,
        expected: ObjectId | None,
        new: ObjectId | None,
    ) -> None:
        real_move(transaction, table, name, refs.read_ref(transaction, table, name), new)

    refs.move_ref = move_ref
    transact_module._Recorder.hold = lambda self, writer: True  # type: ignore[method-assign]


def _no_sync() -> None:
    """Let the system write when it likes."""
    engine = SimpleNamespace(**vars(lmdb))
    engine.Environment = partial(lmdb.Environment, sync=False)
    environment.lmdb = engine  # type: ignore[attr-defined, assignment]


def _kept_across_fork() -> None:
    """Use in a child what it inherited."""
    Environment.after_fork = lambda self: self.gate.let_go()  # type: ignore[method-assign]


PLANTS: dict[str, Callable[[], None]] = {
    "ref-outside": _ref_moved_outside,
    "no-check": _no_check_on_read,
    "no-compare": _swap_without_compare,
    "no-sync": _no_sync,
    "kept-across-fork": _kept_across_fork,
}


def plant(name: str) -> None:
    """Plant one defect in this process."""
    PLANTS[name]()
