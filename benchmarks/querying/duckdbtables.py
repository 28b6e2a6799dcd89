"""What both contenders of DuckDB do: they differ in the tables that they make, and how they ask."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
from querydata import FIRST, Question

from querying.arrowtable import SCHEMA, batches

__all__ = ["DuckTables", "Frame"]

Frame = dict[str, Any]


class DuckTables:
    """A file of DuckDB with a table `frames`, in which `place` is the order of iteration."""

    def __init__(
        self, file: Path, statements: Sequence[str], where: Callable[[Question], str]
    ) -> None:
        """`statements` make the tables of `reader`, the frames as they are."""
        self._db = duckdb.connect(str(file), config={"threads": 1})
        self._statements = statements
        self._where = where

    def ingest(self, frames: Iterable[Frame]) -> None:
        reader = pyarrow.RecordBatchReader.from_batches(SCHEMA, batches(frames))
        self._db.register("reader", reader)
        for statement in self._statements:
            self._db.execute(statement)
        self._db.unregister("reader")
        self._db.execute("CHECKPOINT")

    def ask(self, question: Question) -> tuple[int, list[str]]:
        where = self._where(question)
        found = self._db.execute(f"SELECT count(*) FROM frames WHERE {where}").fetchone()
        rows = self._db.execute(
            f"SELECT id FROM frames WHERE {where} ORDER BY place LIMIT {FIRST}"
        ).fetchall()
        return found[0], [row[0] for row in rows]

    def close(self) -> None:
        self._db.close()
