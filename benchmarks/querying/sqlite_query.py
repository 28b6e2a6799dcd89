"""Two tables in SQLite, frames and ROIs, with an index for each question that can use one."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from querydata import FIRST, Question

__all__ = ["Contender"]

Frame = dict[str, Any]
_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS frames(
    place INTEGER PRIMARY KEY, id TEXT, city TEXT, speed REAL, note TEXT, checked INTEGER, uri TEXT,
    body TEXT
);
CREATE TABLE IF NOT EXISTS rois(place INTEGER, label TEXT, confidence REAL);
"""
_INDEXES = """
CREATE INDEX labels ON rois(label, confidence, place);
CREATE INDEX cities ON frames(city);
CREATE INDEX speeds ON frames(speed);
CREATE INDEX notes ON frames(note) WHERE note IS NOT NULL;
CREATE INDEX checks ON frames(checked) WHERE checked IS NOT NULL;
CREATE INDEX uris ON frames(uri);
ANALYZE;
"""
_WHERE = {
    "roi": "place IN (SELECT place FROM rois WHERE label = :value AND confidence > :low)",
    "label": "place IN (SELECT place FROM rois WHERE label = :value)",
    "term": "city = :value",
    "range": "speed >= :low AND speed < :high",
    "wildcard": "uri GLOB :value",
}
_CHUNK = 2_000


class Contender:
    """Columns for what is asked, and the whole frame as JSON."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "frames.sqlite")
        self._db.executescript(_SCHEMA)

    def ingest(self, frames: Iterable[Frame]) -> None:
        source: Iterator[tuple[int, Frame]] = enumerate(frames)
        with self._db:
            while chunk := list(islice(source, _CHUNK)):
                rows = [
                    (
                        place,
                        one["id"],
                        one["meta"].get("city"),
                        one["meta"].get("speed"),
                        one["meta"].get("note"),
                        one["meta"].get("checked"),
                        one["sources"][0]["uri"],
                        json.dumps(one),
                    )
                    for place, one in chunk
                ]
                self._db.executemany("INSERT INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
                rois = [
                    (place, label, roi["confidence"])
                    for place, one in chunk
                    for roi in one["rois"]
                    for label in roi["label"]
                ]
                self._db.executemany("INSERT INTO rois VALUES (?, ?, ?)", rois)

    def settle(self) -> None:
        with self._db:
            self._db.executescript(_INDEXES)
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def ask(self, question: Question) -> tuple[int, list[str]]:
        where = _WHERE.get(question.kind, f"{question.value} IS NOT NULL")
        given = {"value": question.value, "low": question.low, "high": question.high}
        count = self._db.execute(f"SELECT count(*) FROM frames WHERE {where}", given).fetchone()[0]
        rows = self._db.execute(
            f"SELECT id FROM frames WHERE {where} ORDER BY place LIMIT {FIRST}", given
        )
        return count, [row[0] for row in rows]

    def close(self) -> None:
        self._db.close()
