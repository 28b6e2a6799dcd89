"""Images and annotations of COCO files, sorted by frame on disk.

Annotations stand in a COCO file in no order, often before the images that they name. One pass puts
their text into a scratch database (SQLite, no journal, a small cache), which then gives them back
frame by frame: memory does not grow with the file.
"""

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hyperstore.errors import DiskFullError

__all__ = ["Spill", "SpilledImage"]

_BATCH = 2_000
_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -16000;
PRAGMA temp_store = FILE;
CREATE TABLE image (
    file INTEGER, key TEXT, at INTEGER, frame TEXT, body TEXT, UNIQUE (file, key)
);
CREATE TABLE annotation (file INTEGER, key TEXT, at INTEGER, id TEXT, body TEXT);
"""


@dataclass(slots=True)
class SpilledImage:
    """An image, and its annotations with their places in the file, in file order."""

    file: int
    at: int
    frame: str
    body: dict[str, object]
    annotations: list[tuple[int, dict[str, object]]] = field(default_factory=list)


class Spill:
    """The scratch database; `open` makes it, and removes it whatever happens."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._waiting: list[tuple[int, str, int, str, str]] = []

    @classmethod
    @contextmanager
    def open(cls, scratch: Path | None) -> Iterator["Spill"]:
        with tempfile.TemporaryDirectory(prefix="hyperstore-", dir=scratch) as folder:
            connection = sqlite3.connect(Path(folder) / "spill", isolation_level=None)
            try:
                connection.executescript(_SCHEMA)
                connection.execute("BEGIN")
                yield cls(connection)
            except sqlite3.OperationalError as fault:
                raise DiskFullError(f"the scratch file in {folder} failed: {fault}") from None
            finally:
                connection.close()

    def add_image(self, file: int, key: str, at: int, *, frame: str, text: str) -> int | None:
        """Keep an image; answers the place of the one that has its id already, should one."""
        try:
            self._connection.execute(
                "INSERT INTO image VALUES (?, ?, ?, ?, ?)", (file, key, at, frame, text)
            )
        except sqlite3.IntegrityError:
            found = self._connection.execute(
                "SELECT at FROM image WHERE file = ? AND key = ?", (file, key)
            ).fetchone()
            return int(found[0])
        return None

    def add_annotation(self, file: int, image: str, at: int, *, id_key: str, text: str) -> None:
        self._waiting.append((file, image, at, id_key, text))
        if len(self._waiting) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        self._connection.executemany("INSERT INTO annotation VALUES (?, ?, ?, ?, ?)", self._waiting)
        self._waiting.clear()

    def finish(self) -> None:
        """Sort what came in; nothing may be added after."""
        self._flush()
        self._connection.execute("CREATE INDEX by_image ON annotation (file, key)")
        self._connection.execute("CREATE INDEX by_frame ON image (frame, file, at)")

    def stray(self, file: int) -> tuple[int, str] | None:
        """Return place and image id of the first annotation that names no image of its file."""
        found = self._connection.execute(
            "SELECT min(at), key FROM annotation a WHERE file = ? AND NOT EXISTS "
            "(SELECT 1 FROM image i WHERE i.file = a.file AND i.key = a.key)",
            (file,),
        ).fetchone()
        return None if found[0] is None else (int(found[0]), str(found[1]))

    def repeated(self, file: int) -> tuple[int, int]:
        """Return how many annotations have an id that another has, and where the first stands."""
        found = self._connection.execute(
            "SELECT coalesce(sum(n - 1), 0), min(second) FROM (SELECT count(*) AS n, "
            "max(at) AS second FROM annotation WHERE file = ? AND id <> '' "
            "GROUP BY id HAVING count(*) > 1)",
            (file,),
        ).fetchone()
        return int(found[0]), int(found[1] or 0)

    def frames(self) -> Iterator[list[SpilledImage]]:
        """Yield the images of one frame after the other, by frame id, then file, then place."""
        rows = self._connection.execute(
            "SELECT frame, file, at, key, body FROM image ORDER BY frame, file, at"
        )
        group: list[SpilledImage] = []
        for frame, file, at, key, body in rows:
            if group and group[0].frame != frame:
                yield group
                group = []
            image = SpilledImage(file, at, frame, json.loads(body))
            found = self._connection.execute(
                "SELECT at, body FROM annotation WHERE file = ? AND key = ? ORDER BY rowid",
                (file, key),
            )
            image.annotations = [(place, json.loads(text)) for place, text in found]
            group.append(image)
        if group:
            yield group
