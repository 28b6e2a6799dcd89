"""A table on disk for what a call gathers, so that memory does not grow with what is there."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence

from hyperstore.errors import DiskFullError

__all__ = ["ScratchTable"]

_Cell = bytes | str | int


class ScratchTable:
    """One table, known by its SQL. Threads may share it who take turns.

    It has no name: its file is in the system's temporary folder, and goes with the process.
    DiskFullError where that folder takes no more.
    """

    def __init__(self, create: str) -> None:
        with _errors():
            self._held = sqlite3.connect("", check_same_thread=False, isolation_level=None)
            self._held.execute(create)

    def close(self) -> None:
        """Give up the table."""
        self._held.close()

    def change(self, statement: str, rows: Sequence[Sequence[_Cell]]) -> int:
        """Do what a statement says for each row, or nothing; return how many rows that changed."""
        with _errors(), self._held:  # Which ends the transaction, whatever comes out of it.
            self._held.execute("BEGIN")
            return self._held.executemany(statement, rows).rowcount

    def rows(self, select: str, values: Sequence[_Cell] = ()) -> Iterator[tuple[_Cell, ...]]:
        """Yield what a query finds, as it is asked for."""
        with _errors():
            cursor = self._held.execute(select, values)
        while True:
            with _errors():
                row: tuple[_Cell, ...] | None = cursor.fetchone()
            if row is None:
                return
            yield row


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise DiskFullError(
            f"a table in the system's temporary folder fails: {error}; see TMPDIR"
        ) from None
