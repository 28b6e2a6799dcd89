"""Frames that came from no file of the format, and a name for each of their pictures.

A picture below the folder that names are relative to is named by the path from there, any other by
its bare name. Where another picture has that name too, both take along as many of the folders above
them as tell them apart; but one that came with a name from a file of the format keeps it, and one
below the folder is not renamed for one outside. Two URIs that spell one path are one picture.

So no picture can be named before all have been seen. Writers put such frames aside (on disk, as are
the names), and take them back when what came from files is written.
"""

import json
import posixpath
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hyperstore.errors import DiskFullError, FormatError
from hyperstore.formats.combine import Wire, mapping, sequence
from hyperstore.formats.pictures import is_url, relative_name
from hyperstore.frames.roots import RESERVED
from hyperstore.ids import derived_id
from hyperstore.media.uri import KEPT, is_kept

__all__ = ["SAME_NAME", "NewPicture", "NewPictures", "uri_of"]

_URLS = ("http://", "https://", "s3://", "gs://", "azure://")
SAME_NAME = "picture whose name another would have too, named with folders above it"


_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA cache_size = -8000;
CREATE TABLE given (name TEXT, key TEXT, PRIMARY KEY (name, key)) WITHOUT ROWID;
CREATE TABLE picture (
    key TEXT PRIMARY KEY, name TEXT, depth INTEGER, most INTEGER, inside INTEGER, wider INTEGER
) WITHOUT ROWID;
CREATE INDEX by_name ON picture (name);
CREATE TABLE shared (key TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_FIND = """
INSERT INTO shared SELECT key FROM picture AS p WHERE depth < most AND (
    EXISTS (SELECT 1 FROM given AS g WHERE g.name = p.name AND g.key <> p.key)
    OR EXISTS (
        SELECT 1 FROM picture AS o WHERE o.name = p.name AND o.key <> p.key AND o.inside >= p.inside
    )
)
"""
_WIDEN = """
UPDATE picture SET depth = depth + 1, name = named(key, depth + 1), wider = 1
WHERE key IN (SELECT key FROM shared)
"""


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A frame that was put aside, with the name that its picture has now."""

    frame: Wire
    name: str
    copied: bool
    is_inside: bool  # Below the folder that names are relative to.
    is_wider: bool  # Named by more than that, to be told from another picture.


class NewPictures:
    """The frames put aside; `folder` is the one that names of pictures are relative to."""

    def __init__(self, folder: Path | None, rows: sqlite3.Connection, side: BinaryIO) -> None:
        self._folder = None if folder is None else posixpath.normpath(folder.absolute().as_posix())
        self._rows = rows
        self._side = side

    @classmethod
    @contextmanager
    def open(cls, folder: Path | None) -> Iterator["NewPictures"]:
        with closing(sqlite3.connect("", isolation_level=None)) as rows:  # SQLite removes the file.
            try:
                rows.create_function("named", 2, _named, deterministic=True)
                rows.executescript(_SCHEMA)
                rows.execute("BEGIN")
                with tempfile.TemporaryFile() as side:
                    yield cls(folder, rows, side)
            except sqlite3.OperationalError as fault:
                raise DiskFullError(f"the scratch file for names failed: {fault}") from None

    @property
    def has_folder(self) -> bool:
        return self._folder is not None

    def give(self, name: object, frame: Wire) -> None:
        """Remember the name that the picture of a frame has in a file of the format."""
        try:
            relative = relative_name(str(name), images=None)[0]
        except FormatError:
            return  # Nobody's name.
        key = _key(uri_of(frame))
        self._rows.execute("INSERT OR IGNORE INTO given VALUES (?, ?)", (relative, key))

    def put(self, frame: Wire, *, copied: bool = False) -> None:
        """Put a frame aside."""
        key = _key(uri_of(frame))
        inside = self._depth_inside(key)
        depth, most = inside or 1, len(_parts(key)) + 1
        row = (key, _named(key, depth), depth, most, int(inside > 0))
        self._rows.execute("INSERT OR IGNORE INTO picture VALUES (?, ?, ?, ?, ?, 0)", row)
        line = json.dumps({"frame": frame, "copied": copied})
        try:
            self._side.write(f"{line}\n".encode())
        except OSError as fault:
            raise DiskFullError(f"a scratch file failed: {fault.strerror}") from None

    def named(self) -> Iterator[NewPicture]:
        """Yield what was put aside, in that order; nothing may be put or given after."""
        self._settle()
        try:
            self._side.seek(0)
        except OSError as fault:  # What was left in the buffer did not fit.
            raise DiskFullError(f"a scratch file failed: {fault.strerror}") from None
        for line in self._side:
            item = json.loads(line)
            found = self._rows.execute(
                "SELECT name, inside, wider FROM picture WHERE key = ?",
                (_key(uri_of(item["frame"])),),
            ).fetchone()
            yield NewPicture(
                item["frame"], str(found[0]), item["copied"], bool(found[1]), bool(found[2])
            )

    def _settle(self) -> None:
        """Make the names longer, all that are shared by one folder at a time.

        Names of one length that are equal were equal at each length below, so that none becomes
        equal to one that stands already; only those that were given can be met later.
        """
        while self._rows.execute(_FIND).rowcount:
            self._rows.execute(_WIDEN)
            self._rows.execute("DELETE FROM shared")

    def _depth_inside(self, key: str) -> int:
        """Return how many parts lead from the folder to the picture, 0 where it is elsewhere."""
        if self._folder is None or is_url(key) or not key.startswith("/"):
            return 0
        above = _parts(self._folder) if self._folder != "/" else []
        parts = _parts(key)
        return len(parts) - len(above) if parts[: len(above)] == above else 0


def uri_of(frame: Wire) -> str:
    """Return the URI of a frame's first source, which is the picture that formats speak of.

    A file that the store keeps has none that anybody would know it by: it goes by its hash and by
    where it was kept from, which is its context unless somebody gave it another.
    """
    source = mapping(next(iter(sequence(frame.get("sources"))), {}))
    uri = str(source.get("uri") or "")
    if not is_kept(uri):
        return uri
    digits = uri.removeprefix(KEPT)
    context = frame.get("context_id")
    known = isinstance(context, str) and context.startswith((RESERVED, "file://", *_URLS))
    return f"/{digits}/{context if known else digits}"


def _key(uri: str) -> str:
    """Return what is equal for URIs of one picture."""
    path = uri.removeprefix("file://")
    if is_url(path):
        return path
    return posixpath.normpath(f"/{path.lstrip('/')}" if path.startswith("/") else path)


def _parts(key: str) -> list[str]:
    scheme, _, path = key.partition("://") if is_url(key) else ("", "", key)
    parts = [part.replace("\0", "") for part in (scheme, *path.split("/"))]
    return [part for part in parts if part not in ("", ".", "..")] or ["picture"]


def _named(key: str, depth: int) -> str:
    """Return the last `depth` parts; a hash of the whole goes before, where there are no more."""
    parts = _parts(key)
    if depth > len(parts):
        parts.insert(0, derived_id(key.encode())[:16])
    return "/".join(parts[-depth:])
