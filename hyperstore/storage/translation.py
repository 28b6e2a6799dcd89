"""What each error of the engine means to a caller. Keyed by name: only environment.py has lmdb."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from hyperstore.errors import (
    CorruptError,
    DiskFullError,
    ExistsError,
    FormatError,
    HyperstoreError,
    LockedError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from hyperstore.limits import READERS_MAX
from hyperstore.storage import host

__all__ = ["TRANSLATIONS", "Meaning", "disk_errors", "translate"]

Meaning = tuple[type[HyperstoreError], str]

_DAMAGED: Meaning = (CorruptError, "the database is damaged: run fsck, or restore it from a clone")
_ENCRYPTED: Meaning = (FormatError, "the database is encrypted")
TRANSLATIONS: dict[str, Meaning] = {
    "KeyExistsError": (ExistsError, "the row is there already"),
    "NotFoundError": (FormatError, "this is no hyperstore database, or one never completed"),
    "PageNotFoundError": _DAMAGED,
    "CorruptedError": _DAMAGED,
    "PanicError": (CorruptError, "the database failed earlier: close it and run fsck"),
    "VersionMismatchError": (FormatError, "another version of LMDB has this database open"),
    "InvalidError": _DAMAGED,
    "MapFullError": (DiskFullError, "one transaction outgrew the map: write smaller batches"),
    "DbsFullError": (FormatError, "the database has more tables than this version knows"),
    "ReadersFullError": (LockedError, f"more than {READERS_MAX} readers: end some processes"),
    "TlsFullError": (LockedError, "the system has no room for another reader"),
    "TxnFullError": (DiskFullError, "one transaction changed too much: write smaller batches"),
    "CursorFullError": _DAMAGED,
    "PageFullError": _DAMAGED,
    "MapResizedError": (LockedError, "other processes keep growing the database: retry"),
    "IncompatibleError": _DAMAGED,
    "BadDbiError": _DAMAGED,
    "BadRslotError": (UsageError, "a read was begun twice in one place"),
    "BadTxnError": (CorruptError, "the transaction failed earlier and cannot go on: begin anew"),
    "BadValsizeError": (UsageError, "a key or value is empty or too long"),
    "ReadonlyError": (RefusedError, "the store is open for reading only"),
    "InvalidParameterError": (UsageError, "the engine does not take this call"),
    "LockError": (LockedError, "the lock file could not be used"),
    "MemoryError": (RefusedError, "the system refuses so much address space: see `ulimit -v`"),
    "DiskError": (DiskFullError, "the disk is full; nothing has changed"),
    "ProblemError": _DAMAGED,
    "BadChecksumError": _DAMAGED,
    "CryptoFailError": _ENCRYPTED,
    "EnvEncryptionError": _ENCRYPTED,
}
_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG})
_ACCESS_ERRORS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_FILE_TABLE_FULL = frozenset({errno.EMFILE, errno.ENFILE})


def translate(name: str, code: int, text: str, folder: Path) -> HyperstoreError:
    """Return our error for the engine's error of this class, system error number and text."""
    kind, meaning = TRANSLATIONS.get(name) or _by_number(code)
    free = host.free_bytes(folder) if kind is DiskFullError else None
    room = "" if free is None else f" ({free:,} bytes are free there)"
    return kind(f"{folder}: {meaning}{room} [{text}]")


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Let what the system says of `path` out of a block as an error of ours."""
    try:
        yield
    except OSError as error:
        if isinstance(error, HyperstoreError):
            raise
        kind, meaning = _by_number(error.errno or 0)
        if kind is UsageError:
            kind, meaning = RefusedError, "the system does not allow it"
        free = host.free_bytes(path.parent) if kind is DiskFullError else None
        room = "" if free is None else f" ({free:,} bytes are free there)"
        raise kind(f"{path}: {meaning}{room} [{error.strerror}]") from error


def _by_number(code: int) -> Meaning:
    if code in _DISK_ERRORS:
        return DiskFullError, "the disk refused a write; nothing has changed"
    if code in _ACCESS_ERRORS:
        return RefusedError, "the system does not allow this access"
    if code == errno.ENOENT:
        return NotFoundError, "there is no database here"
    if code in _FILE_TABLE_FULL:
        return LockedError, "too many files are open: see `ulimit -n`"
    if code in {errno.EAGAIN, errno.EBUSY}:
        return LockedError, "another process holds the database"
    return UsageError, "the handle is closed, or this process opened the file by other means"
