"""Packed frames in one SQLite table, without versions: key by id, index by order."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgpack

__all__ = ["Contender"]

Frame = dict[str, Any]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS frames(
    id TEXT PRIMARY KEY, context TEXT NOT NULL, time INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS in_order ON frames(context, time, id);
"""
_PUT = "INSERT OR REPLACE INTO frames VALUES (?, ?, ?, ?)"


def _rows(frames: Iterable[Frame]) -> Iterator[tuple[object, ...]]:
    for frame in frames:
        yield frame["id"], frame["context_id"], frame["timestamp"], msgpack.packb(frame)


class Contender:
    """One table in write-ahead mode, synced at every commit."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "frames.sqlite")
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _SCHEMA)

    def ingest(self, frames: Iterable[Frame]) -> None:
        with self._db:
            self._db.executemany(_PUT, _rows(frames))
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def update(self, frames: Iterable[Frame]) -> None:
        with self._db:
            self._db.executemany(_PUT, _rows(frames))

    def read_decoded(self) -> int:
        count = 0
        for (body,) in self._db.execute("SELECT body FROM frames ORDER BY context, time, id"):
            frame = msgpack.unpackb(body)
            count += len(frame["sources"]) and len(frame["meta"]) > 0
        return count

    def get_decoded(self, frame_id: str) -> Frame:
        found = self._db.execute("SELECT body FROM frames WHERE id = ?", (frame_id,)).fetchone()
        return msgpack.unpackb(found[0])

    def collect(self) -> None:
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._db.close()
