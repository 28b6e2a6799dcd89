"""What LMDB's own data file says of itself, read before it is mapped.

A mapped file that is shorter than its meta page claims kills the process by SIGBUS, and a file of
another engine is refused by LMDB without a word that helps. So the two meta pages are read as
plain bytes first. Only offsets of LMDB 0.9 on a 64-bit machine are known here; FORMAT.md has them.
"""

import os
import struct
from pathlib import Path
from typing import NamedTuple

from hyperstore.errors import CorruptError, FormatError

__all__ = [
    "DATA_FILE",
    "LOCK_FILE",
    "check_data_file",
    "check_files",
    "file_key",
    "is_unborn",
    "may_change",
]

DATA_FILE = "data.mdb"
LOCK_FILE = "lock.mdb"

_MAGIC = 0xBEEFC0DE
_ENGINE_VERSION = 1
_PAGE_META = 0x08
_META_BYTES = 152
_PAGE_SIZES = tuple(1 << power for power in range(8, 17))
# Page number, padding, flags, two bounds of free space; then magic, version, address, map size,
# page size (kept where the free list's record has padding), and at the end last page and txn id.
_HEAD = struct.Struct("=QHHHH II QQ I")
_TAIL = struct.Struct("=QQ")
_TAIL_OFFSET = 136


class _Meta(NamedTuple):
    page_bytes: int
    last_page: int
    transaction: int


def check_files(folder: Path, *, create: bool) -> tuple[bool, bool]:
    """Check the data file, which may be absent or empty to `create`; say what may be written.

    First the data file, then the lock file.
    """
    data = folder / DATA_FILE
    if not create or (data.exists() and data.stat().st_size):
        check_data_file(data)
    return may_change(folder)


def check_data_file(path: Path) -> None:
    """Refuse a data file that LMDB 0.9 cannot map: FormatError if foreign, CorruptError if cut.

    A writer may be at work in another process, so a bad look is taken again before it counts.
    """
    for last_try in (False, False, True):
        try:
            _check_once(path)
        except (CorruptError, FormatError):
            if last_try:
                raise
        else:
            return


def file_key(folder: Path) -> tuple[int, int]:
    """Return device and inode of the data file in `folder`, (0, 0) where there is none."""
    try:
        stat = (folder / DATA_FILE).stat()
    except OSError:
        return (0, 0)
    return (stat.st_dev, stat.st_ino)


def may_change(folder: Path) -> tuple[bool, bool]:
    """Say whether this process may write the data file in `folder`, and whether the lock file."""
    data, lock = folder / DATA_FILE, folder / LOCK_FILE
    lockable = os.access(lock if lock.exists() else folder, os.W_OK)
    return lockable and os.access(data if data.exists() else folder, os.W_OK), lockable


def is_unborn(path: Path) -> bool:
    """Tell whether the file holds nothing yet: the first write to it did not reach the disk whole.

    It is empty, or all zeros and no longer than two meta pages. Or it has one meta page, from
    before any transaction, where of the other one nothing has come: once `init` is done both are
    of later transactions, so that no store that lost one of them looks like that.
    """
    with path.open("rb") as file:
        head = file.read(2 * _PAGE_SIZES[-1] + 1)
    if not any(head):
        return len(head) <= 2 * _PAGE_SIZES[-1]
    try:
        first = _meta_at(head, 0, path)
        sizes = (first.page_bytes,) if first else _PAGE_SIZES
        second = [(size, meta) for size in sizes if (meta := _meta_at(head, size, path))]
    except FormatError:
        return False
    if first is not None:
        other = head[first.page_bytes : 2 * first.page_bytes]
        torn = len(other) < first.page_bytes or not any(other)
        return first.transaction == 0 and not second and torn
    return any(
        meta.transaction == 0 and meta.page_bytes == size and not any(head[:size])
        for size, meta in second
    )


def _check_once(path: Path) -> None:
    with path.open("rb") as file:
        file_bytes = os.fstat(file.fileno()).st_size
        first = file.read(_PAGE_SIZES[-1] + _META_BYTES)
    head = _meta_at(first, 0, path)
    sizes = (head.page_bytes,) if head else _PAGE_SIZES
    tails = [_meta_at(first, size, path) for size in sizes]
    found = [meta for meta in (head, *tails) if meta is not None]
    if not found:
        raise _nothing_known(path, first, file_bytes)
    needed = max((meta.last_page + 1) * meta.page_bytes for meta in found)
    if file_bytes < needed:
        raise CorruptError(
            f"{path} holds {file_bytes} bytes where its own record says {needed}: it was cut. "
            "Restore it from a clone or a backup"
        )
    if len(found) < 2:
        raise CorruptError(
            f"{path} has lost one of its two meta pages. Restore it from a clone or a backup"
        )


def _meta_at(data: bytes, offset: int, path: Path) -> _Meta | None:
    """Return the meta page at `offset`, None where none is; FormatError for another engine's."""
    if len(data) < offset + _META_BYTES:
        return None
    _, _, flags, _, _, magic, version, _, _, page_bytes = _HEAD.unpack_from(data, offset)
    if magic != _MAGIC or not flags & _PAGE_META:
        return None
    if version != _ENGINE_VERSION:
        raise FormatError(
            f"{path} is of LMDB data format {version}; this version of hyperstore reads format "
            f"{_ENGINE_VERSION} (LMDB 0.9). Open it with the version that wrote it"
        )
    if page_bytes not in _PAGE_SIZES:
        return None
    last_page, transaction = _TAIL.unpack_from(data, offset + _TAIL_OFFSET)
    return _Meta(page_bytes, last_page, transaction)


def _nothing_known(path: Path, first: bytes, file_bytes: int) -> CorruptError | FormatError:
    """Return the error that says what the file seems to be instead."""
    magic = _MAGIC.to_bytes(4, "little")
    if first[24:28] in (magic, magic[::-1]):
        return FormatError(
            f"{path} was written by LMDB 1.0; this version of hyperstore reads LMDB 0.9 only"
        )
    if first[16:20] == magic[:: -1 if struct.pack("=H", 1) == b"\1\0" else 1]:
        return FormatError(f"{path} was written on a machine of another byte order")
    if file_bytes < _META_BYTES or not any(first):
        return CorruptError(
            f"{path} holds {file_bytes} bytes and no database: a new one was never finished, or "
            "an old one was cut. `init` completes a new one"
        )
    return FormatError(f"{path} is not an LMDB data file")
