"""A Lance table of nested frames. Its filters take plain columns; ROIs are looked at by Arrow."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import lance
import pyarrow
from querydata import FIRST, Question

from querying.arrowask import COLUMNS, fitting
from querying.arrowtable import SCHEMA, batches

__all__ = ["Contender"]

Frame = dict[str, Any]


class Contender:
    """One table, rows in the order of iteration."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "frames.lance")
        self._table = lance.dataset(self._path) if Path(self._path).exists() else None

    def ingest(self, frames: Iterable[Frame]) -> None:
        reader = pyarrow.RecordBatchReader.from_batches(SCHEMA, batches(frames))
        self._table = lance.write_dataset(reader, self._path)

    def ask(self, question: Question) -> tuple[int, list[str]]:
        where = {
            "term": f"meta.city = '{question.value}'",
            "range": f"meta.speed >= {question.low} AND meta.speed < {question.high}",
            "exists": f"meta.{question.value} IS NOT NULL",
        }.get(question.kind)
        if where is not None:
            count = self._table.count_rows(filter=where)
            rows = self._table.to_table(columns=["id"], filter=where, limit=FIRST)
            return count, rows.column("id").to_pylist()
        ids = fitting(question)
        scanner = self._table.scanner(columns=COLUMNS[question.kind], scan_in_order=True)
        found = [one for batch in scanner.to_batches() for one in ids(batch)]
        return len(found), found[:FIRST]

    def walk(self, most: int | None = None) -> int:
        count = 0
        for batch in self._table.scanner(limit=most).to_batches():
            for frame in batch.to_pylist():
                count += len(frame["sources"]) > 0 and len(frame["meta"]) > 0
        return count

    def close(self) -> None:
        self._table = None
