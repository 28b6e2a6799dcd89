"""DuckDB over columns derived for it: a table of frames, one of ROIs, one of sources."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
from querydata import FIRST, Question

from querying.arrowtable import SCHEMA, batches

__all__ = ["Contender"]

Frame = dict[str, Any]
_DERIVE = """
CREATE TABLE nested AS SELECT row_number() OVER () AS place, * FROM reader;
CREATE TABLE frames AS SELECT place, id, meta.* FROM nested;
CREATE TABLE rois AS
    SELECT place, unnest(roi.label) AS label, roi.confidence AS confidence
    FROM (SELECT place, unnest(rois) AS roi FROM nested);
CREATE TABLE sources AS
    SELECT place, source.uri AS uri FROM (SELECT place, unnest(sources) AS source FROM nested);
DROP TABLE nested;
CHECKPOINT;
"""


def _where(question: Question) -> str:
    value = question.value.replace("'", "''")
    return {
        "roi": "place IN (SELECT place FROM rois "
        f"WHERE label = '{value}' AND confidence > {question.low})",
        "label": f"place IN (SELECT place FROM rois WHERE label = '{value}')",
        "term": f"city = '{value}'",
        "range": f"speed >= {question.low} AND speed < {question.high}",
        "exists": f"{value} IS NOT NULL",
        "wildcard": f"place IN (SELECT place FROM sources WHERE uri GLOB '{value}')",
    }[question.kind]


class Contender:
    """Three flat tables; `place` is the order of iteration."""

    def __init__(self, folder: Path) -> None:
        self._db = duckdb.connect(str(folder / "columns.duckdb"), config={"threads": 1})

    def ingest(self, frames: Iterable[Frame]) -> None:
        reader = pyarrow.RecordBatchReader.from_batches(SCHEMA, batches(frames))
        self._db.register("reader", reader)
        for statement in _DERIVE.split(";"):
            if statement.strip():
                self._db.execute(statement)
        self._db.unregister("reader")

    def ask(self, question: Question) -> tuple[int, list[str]]:
        where = _where(question)
        found = self._db.execute(f"SELECT count(*) FROM frames WHERE {where}").fetchone()
        rows = self._db.execute(
            f"SELECT id FROM frames WHERE {where} ORDER BY place LIMIT {FIRST}"
        ).fetchall()
        return found[0], [row[0] for row in rows]

    def close(self) -> None:
        self._db.close()
