"""Locks as files: JSON with sorted keys, which check themselves.

A file says twice that it is whole. `id` is the id of the lock as an object of a store, made of all
that says which frames there are; `check` is the blake3 of all that the file holds. Beside a model
it may hold the size and the hashes of that, by which the model is known under any name.

Nothing in a file is believed before both fit: it may have come from anywhere.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from hyperstore.codec import Struct, Unfit, converter, plain
from hyperstore.errors import (
    CorruptError,
    DiskFullError,
    ExistsError,
    FormatError,
    HyperstoreError,
    NotFoundError,
    UsageError,
)
from hyperstore.history.lock import (
    LockedQuery,
    LockedRevision,
    LockedVersion,
    LockRecord,
    encode_lock,
)
from hyperstore.ids import Kind, content_hash, new_id, object_id
from hyperstore.limits import LOCK_FILE_BYTES_MAX, LOCK_FORMAT_VERSION
from hyperstore.query.locks.stampedfile import StampedFile, open_regular, stamp_of

__all__ = [
    "LOCK_SUFFIX",
    "LockFile",
    "StampedFile",
    "WriteLock",
    "beside",
    "check_place",
    "lock_file_at",
    "lock_text",
    "names_file",
    "read_lock_file",
    "stamp_of",
    "write_lock_file",
]

LOCK_SUFFIX = ".lock"
"""Of the name of a lock file, by habit; beside a file, behind its whole name."""


WriteLock = Callable[[LockRecord], None]
"""Writes a lock where its file will be; what was written before gives way."""

_DIGITS = "0123456789abcdefABCDEF"
_KIND = "lock"
_SAYS_SO = re.compile(rb'"hyperstore"\s*:\s*"lock"')
_BEGINNINGS = b'{\n "begins": "', b'{\n "check": "'  # Of what was cut off behind them.


@dataclass(frozen=True, slots=True)
class LockFile:
    """What a lock file holds: the lock, and beside a model which file that is."""

    record: LockRecord
    file: StampedFile | None = None


class _Version(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    commit: str
    content_id: str
    count: int
    dataset: str
    dataset_id: str
    version: str
    version_id: str


class _Query(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    count: int
    versions: list[int]
    merged: list[int] | None = None


class _Since(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    commit: str
    dataset_id: str
    revision: str


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    blake3: str
    name: str
    sha256: str
    size: int


class _Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file as it is written; the names are those that users know."""

    check: str
    count: int
    format: int
    frames: str
    hyperstore: str
    id: str
    queries: list[_Query]
    spec: dict[str, object]
    store: str
    versions: list[_Version]
    view: str
    begins: str = ""
    extra: dict[str, object] | None = None
    file: _File | None = None
    since: list[_Since] | None = None


_as_document = converter(_Document)


def lock_text(record: LockRecord, file: StampedFile | None = None) -> str:
    """Return the text of a lock file: one for one lock, in any process."""
    found: dict[str, object] = {
        "count": record.count,
        "format": record.format,
        "frames": record.frames.hex(),
        "hyperstore": _KIND,
        "id": object_id(Kind.LOCK, encode_lock(record)).hex(),
        "queries": [
            {
                "count": one.count,
                "versions": one.versions,
                **({"merged": one.merged} if one.merged else {}),
            }
            for one in record.queries
        ],
        "spec": record.spec,
        "store": record.store,
        "versions": [
            {
                "commit": one.commit.hex(),
                "content_id": one.content.hex(),
                "count": one.count,
                "dataset": one.dataset_name,
                "dataset_id": one.dataset,
                "version": one.version_name,
                "version_id": one.version,
            }
            for one in record.versions
        ],
        "view": record.view,
    }
    if record.begins:
        found["begins"] = record.begins.hex()
    if record.extra:
        found["extra"] = record.extra
    if record.since:
        found["since"] = [
            {"commit": one.commit.hex(), "dataset_id": one.dataset, "revision": one.revision}
            for one in record.since
        ]
    if file is not None:
        found["file"] = {
            "blake3": file.blake3,
            "name": file.name,
            "sha256": file.sha256,
            "size": file.size,
        }
    found["check"] = _check_of(found)
    return json.dumps(found, sort_keys=True, indent=1, allow_nan=False) + "\n"


def write_lock_file(
    path: Path, record: LockRecord, file: StampedFile | None = None, *, replace: bool = True
) -> None:
    """Write a lock file, whole or not at all; ExistsError without `replace` where it is.

    ExistsError too where another file has the name: `poetry.lock` is no lock of a view.
    """
    with lock_file_at(path, file, replace=replace) as write:
        write(record)


@contextmanager
def lock_file_at(
    path: Path, file: StampedFile | None = None, *, replace: bool = True
) -> Iterator[WriteLock]:
    """Give what writes a lock file, which takes its place when the block ends without an error.

    Where nothing can be written an error says so at once: before a store is changed for it.
    """
    check_place(path)
    if not replace and os.path.lexists(path):
        raise ExistsError(f"{path} exists; give another name, or remove it")
    if path.is_symlink():
        path = path.resolve()  # Whoever made a link wants the file that it leads to.
    part = path.with_name(f".{path.name[:100]}.{new_id()}")
    with _writing(path):
        made = part.open("xb")

    def write(record: LockRecord) -> None:
        data = lock_text(record, file).encode()
        with _writing(path):
            made.seek(0)
            made.truncate()
            made.write(data)
            made.flush()

    try:
        with made:
            yield write
            with _writing(path):
                os.fsync(made.fileno())
        with _writing(path):
            part.replace(path)
    finally:
        with suppress(OSError):  # It is there no more where it took its place.
            part.unlink()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DiskFullError(f"{path} cannot be written: {error.strerror or error}") from None


def check_place(path: Path) -> None:
    """Raise ExistsError where a lock would take the place of a file that is none.

    NotFoundError where there is no such folder. A lock that was cut or edited gives way.
    """
    try:
        with open_regular(path) as file:
            held = file.read(LOCK_FILE_BYTES_MAX)
    except FileNotFoundError:
        if not path.absolute().parent.is_dir():
            raise NotFoundError(f"there is no folder {path.absolute().parent}") from None
        return
    except (OSError, ValueError) as error:
        raise UsageError(f"a lock cannot be written to {os.fspath(path)!a}: {error}") from None
    if held and not held.startswith(_BEGINNINGS) and not _SAYS_SO.search(held):
        raise ExistsError(f"{path} exists and is no lock of a view; give another name for the lock")


def read_lock_file(path: str | os.PathLike[str]) -> LockFile:
    """Read a lock file. NotFoundError, FormatError or CorruptError says what is wrong with it."""
    place = Path(path)
    try:
        with open_regular(place) as file:
            data = file.read(LOCK_FILE_BYTES_MAX + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"no lock file {os.fspath(path)!a}") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"lock file {os.fspath(path)!a} cannot be read: {error}") from None
    if len(data) > LOCK_FILE_BYTES_MAX:
        raise FormatError(
            f"{place} is no lock file: it has more than {LOCK_FILE_BYTES_MAX:,} bytes"
        )
    return _read(data, f"lock file {os.fspath(path)!a}")


def names_file(text: str) -> bool:
    """Tell whether a text is the path of a lock file, and not an id or the start of one."""
    try:
        return bool(text.strip(_DIGITS)) or Path(text).exists()
    except (OSError, ValueError):  # It is too long for a path.
        return False


def beside(path: Path) -> Path:
    """Return where the lock file of a file lies; UsageError for a path without a name."""
    if not path.name:
        raise UsageError(f"{os.fspath(path)!a} is a folder; a lock lies beside a file")
    return path.with_name(path.name + LOCK_SUFFIX)


def _read(data: bytes, what: str) -> LockFile:
    found = _parsed(data, what)
    if not isinstance(found, dict) or found.get("hyperstore") != _KIND:
        raise FormatError(f"{what} is none: it does not say so; `hyperstore view lock` writes one")
    version = found.get("format")
    if type(version) is int and version > LOCK_FORMAT_VERSION:
        raise FormatError(
            f"{what} is of format {version}, and this release reads up to {LOCK_FORMAT_VERSION}; "
            "upgrade hyperstore"
        )
    if found.get("check") != _check_of({name: found[name] for name in found if name != "check"}):
        raise CorruptError(f"{what} was edited or damaged: its check does not fit; lock anew")
    document = _as_document(found)
    if document is None:
        raise CorruptError(f"{what} lacks fields or has others than a lock has; lock anew")
    record, file = _record(document, what)
    try:
        lock_id = object_id(Kind.LOCK, encode_lock(record)).hex()
    except UsageError as fault:
        raise CorruptError(f"{what} was edited: {fault}; lock anew") from None
    if lock_id != document.id:
        raise CorruptError(f"{what} was edited: its id is not that of what it holds; lock anew")
    return LockFile(record, file)


def _record(document: _Document, what: str) -> tuple[LockRecord, StampedFile | None]:
    try:
        record = LockRecord(
            begins=bytes.fromhex(document.begins),
            count=document.count,
            extra=document.extra or {},
            format=document.format,
            frames=bytes.fromhex(document.frames),
            queries=[
                LockedQuery(count=one.count, versions=one.versions, merged=one.merged or [])
                for one in document.queries
            ],
            since=[
                LockedRevision(
                    commit=bytes.fromhex(one.commit), dataset=one.dataset_id, revision=one.revision
                )
                for one in document.since or ()
            ],
            spec=document.spec,
            store=document.store,
            versions=[
                LockedVersion(
                    commit=bytes.fromhex(one.commit),
                    content=bytes.fromhex(one.content_id),
                    count=one.count,
                    dataset=one.dataset_id,
                    dataset_name=one.dataset,
                    version=one.version_id,
                    version_name=one.version,
                )
                for one in document.versions
            ],
            view=document.view,
        )
    except ValueError:
        raise CorruptError(f"{what} is damaged: an id in it is no hex digits; lock anew") from None
    file = document.file
    if file is None:
        return record, None
    return record, StampedFile(file.name, file.size, file.blake3, file.sha256)


def _parsed(data: bytes, what: str) -> object:
    """Return what JSON says, each key once; CorruptError for what was cut off or is no JSON."""
    try:
        value: object = json.loads(
            data.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_constant
        )
        plain(value)
    except HyperstoreError:
        raise
    except (ValueError, RecursionError, Unfit) as fault:
        raise CorruptError(
            f"{what} cannot be read, or only a part of it is there: {fault}"
        ) from None
    return value


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _check_of(found: Mapping[str, object]) -> str:
    """Return the blake3 of the document without its check, in JSON of one form."""
    text = json.dumps(found, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return content_hash([text.encode()])
