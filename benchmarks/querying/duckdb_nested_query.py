"""DuckDB over frames with nested ROIs, as it imports them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
from querydata import FIRST, Question

from querying.arrowtable import SCHEMA, batches

__all__ = ["Contender"]

Frame = dict[str, Any]


def _where(question: Question) -> str:
    value = question.value.replace("'", "''")
    return {
        "roi": "len(list_filter(rois, lambda roi: list_contains(roi.label, "
        f"'{value}') AND roi.confidence > {question.low})) > 0",
        "label": f"len(list_filter(rois, lambda roi: list_contains(roi.label, '{value}'))) > 0",
        "term": f"meta.city = '{value}'",
        "range": f"meta.speed >= {question.low} AND meta.speed < {question.high}",
        "exists": f"meta.{value} IS NOT NULL",
        "wildcard": f"len(list_filter(sources, lambda source: source.uri GLOB '{value}')) > 0",
    }[question.kind]


class Contender:
    """One table; `place` is the order of iteration."""

    def __init__(self, folder: Path) -> None:
        self._db = duckdb.connect(str(folder / "frames.duckdb"), config={"threads": 1})

    def ingest(self, frames: Iterable[Frame]) -> None:
        reader = pyarrow.RecordBatchReader.from_batches(SCHEMA, batches(frames))
        self._db.register("reader", reader)
        self._db.execute(
            "CREATE TABLE frames AS SELECT row_number() OVER () AS place, * FROM reader"
        )
        self._db.unregister("reader")
        self._db.execute("CHECKPOINT")

    def ask(self, question: Question) -> tuple[int, list[str]]:
        where = _where(question)
        found = self._db.execute(f"SELECT count(*) FROM frames WHERE {where}").fetchone()
        rows = self._db.execute(
            f"SELECT id FROM frames WHERE {where} ORDER BY place LIMIT {FIRST}"
        ).fetchall()
        return found[0], [row[0] for row in rows]

    def close(self) -> None:
        self._db.close()
