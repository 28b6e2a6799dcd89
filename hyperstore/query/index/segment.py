"""One file of the index: what is known of the frames whose sequence numbers lie in one span.

head       magic 8 bytes, which end in the order of bytes of whoever wrote them; offset of the
           directory u64, its length u64, its check, check of all that precedes
columns    one after the other, each the pieces that its entry in the directory tells
directory  MessagePack: the fields of `Directory` as an array

A file is written whole under another name and then renamed, and never changes. Its length, head
and directory are checked when it is opened, a column when it is first touched; one that is wrong
is no error of a query: the file is given up and made anew from the objects, which are the truth.
"""

import errno
import os
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from pyroaring import BitMap

from hyperstore.codec import Struct, decoder, pack
from hyperstore.errors import CorruptError
from hyperstore.ids import checksum, joint_checksum
from hyperstore.limits import CHECK_BYTES, INDEX_TEXT_BYTES
from hyperstore.query.index.budget import used
from hyperstore.query.index.column import Column, read_set
from hyperstore.query.index.layout import BLOCK, ColumnEntry, in_order

__all__ = ["ORDERS", "Directory", "Segment", "SegmentDamage", "SegmentGone", "SegmentWriter"]

ORDERS = "order"
"""Where a scope stands otherwise: the column of order keys, which is as long as many others."""

# The digit goes up where segments of before would answer otherwise than those of now.
_MAGIC = b"hsindx4L" if sys.byteorder == "little" else b"hsindx4B"
_HEAD = struct.Struct("<8sQQ8s")
_HEAD_BYTES = _HEAD.size + CHECK_BYTES


class Directory(Struct, array_like=True, gc=False):
    """What a segment holds, of which store."""

    store_id: str
    low: int  # The first sequence number of its span,
    high: int  # and the first behind it.
    anchors: list[tuple[int, bytes]]  # Sequence numbers, falling, with the objects that have them.
    partial: list[str]  # Scopes whose metadata has keys of which no column tells.
    columns: list[ColumnEntry]
    written_ms: int  # When the row of the last number was written: a restored store says later.


_read_directory = decoder(Directory)


class SegmentDamage(CorruptError):
    """A column that is not as it was written: the segment is given up, and no query fails."""

    def __init__(self, message: str, segment: "Segment") -> None:
        super().__init__(message)
        self.segment = segment


class SegmentWriter:
    """Writes one segment, column by column, so that no more than one is in memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._entries: list[ColumnEntry] = []
        self._at = _HEAD_BYTES
        file.write(bytes(_HEAD_BYTES))

    def column(self, scope: str, path: str, pieces: Mapping[str, bytes], types: list[str]) -> None:
        """Add a column."""
        lengths, found = in_order(pieces)
        size = sum(map(len, found))
        entry = ColumnEntry(scope, path, self._at, size, joint_checksum(found), lengths, types)
        self._entries.append(entry)
        self._file.writelines(found)
        self._at += size

    def finish(
        self,
        store_id: str,
        low: int,
        high: int,
        anchors: list[tuple[int, bytes]],
        partial: list[str],
        written_ms: int,
    ) -> None:
        """Write the directory and the head."""
        found = Directory(store_id, low, high, anchors, partial, self._entries, written_ms)
        data = pack(found)
        self._file.write(data)
        self._file.seek(0)
        head = _HEAD.pack(_MAGIC, self._at, len(data), checksum(data))
        self._file.write(head + checksum(head))
        self._file.flush()


class SegmentGone(SegmentDamage):
    """The file of a segment cannot be opened any more, or another one lies there, maybe good."""


class _File:
    """A file that is open only while it is read: a store may have more than a process may open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        found = path.stat()
        self.size = found.st_size
        self._identity = _identity(found)

    def read(self, at: int, size: int) -> bytes:
        """Return bytes of it; OSError, too, where another file lies there or it was changed."""
        file = os.open(self._path, os.O_RDONLY)
        try:
            if _identity(os.fstat(file)) != self._identity:
                raise FileNotFoundError(errno.ENOENT, "another file lies there", str(self._path))
            return os.pread(file, size, at)
        finally:
            os.close(file)


def _identity(found: os.stat_result) -> tuple[int, int, int]:
    """Return what tells a file from all that lay there before; numbers of files come again."""
    return found.st_dev, found.st_ino, found.st_mtime_ns


Bytes = Callable[[int, int], bytes | memoryview]
"""Gives the bytes from an offset on, so many, or fewer where there are no more."""


class Segment:
    """One segment, with the columns that were asked for. Its file may go or change any time."""

    def __init__(self, read: Bytes, size: int, path: Path | None) -> None:
        """Take in what was written; CorruptError where that was something else."""
        self.path = path
        self._read = read
        self._size = size
        self.directory = _directory(read, size)
        self.low, self.high = self.directory.low, self.directory.high
        if not 0 <= self.low < self.high or self.base + BLOCK < self.high:
            raise CorruptError("a segment of the index has a false span")
        self._entries = {(entry.scope, entry.path): entry for entry in self.directory.columns}
        self._columns: dict[tuple[str, str], Column] = {}
        # Paths at which there are lists that are too long to be taken in.
        self._opaque = {key for key, entry in self._entries.items() if "list" in entry.types}
        self.span = BitMap(range(self.low, self.high))

    @classmethod
    def open(cls, path: Path) -> "Segment":
        """Open a file; CorruptError for one that is no segment, OSError as the system says."""
        file = _File(path)
        return cls(file.read, file.size, path)

    @classmethod
    def of(cls, data: memoryview) -> "Segment":
        """Return one of which only this process has the bytes."""
        return cls(lambda at, size: data[at : at + size], len(data), None)

    @property
    def base(self) -> int:
        """The sequence number of slot 0."""
        return self.low & -BLOCK

    @property
    def is_large(self) -> bool:
        """Whether it is not built anew for the sake of what came behind it."""
        return self._size > INDEX_TEXT_BYTES // 4

    def paths(self, scope: str) -> Iterator[tuple[str, list[str]]]:
        """Yield the fields of a scope with the types of their values."""
        for entry in self.directory.columns:
            if entry.scope == scope and entry.path:
                yield entry.path, entry.types

    def below(self, scope: str, path: str) -> Iterator[Column]:
        """Yield the columns of a path and of all paths under it."""
        under = f"{path}."
        for entry in self.directory.columns:
            if entry.scope == scope and (entry.path == path or entry.path.startswith(under)):
                column = self.column(scope, entry.path)
                assert column is not None
                yield column

    def column(self, scope: str, path: str) -> Column | None:
        """Return a column, checked; None where no frame has that field."""
        key = (scope, path)
        found = self._columns.get(key)
        if found is None:
            entry = self._entries.get(key)
            if entry is None:
                return None
            found = self._columns[key] = Column(self._checked(entry), entry)
        if self.path is not None:
            used(self, key, found.size)
        return found

    def forget(self, key: tuple[str, str]) -> None:
        """Give up a column, which is read again when it is asked for."""
        self._columns.pop(key, None)

    def _checked(self, entry: ColumnEntry) -> memoryview:
        """Return the bytes of a column."""
        fits = entry.offset >= 0 and 0 <= entry.length <= self._size - entry.offset
        try:
            data = self._read(entry.offset, entry.length) if fits else b""
        except OSError as fault:
            kind = SegmentDamage if fault.errno == errno.EIO else SegmentGone
            raise kind(f"{self.path} cannot be read: {fault.strerror}", self) from None
        if not fits or len(data) != entry.length or checksum(data) != entry.check:
            said = f"column {entry.scope} {entry.path} of {self.path} is damaged"
            raise SegmentDamage(said, self)
        return memoryview(data)

    def opaque(self, scope: str, path: str, *, above: bool) -> Iterator[BitMap]:
        """Yield the places that have a long list at a path or at one above, or only `above`."""
        while self._opaque and path:
            if not above and (scope, path) in self._opaque:
                column = self.column(scope, path)
                assert column is not None
                yield read_set(column.piece("opaque"))
            above = False
            path = path.rpartition(".")[0]

    def orders(self) -> tuple[memoryview, memoryview]:
        """Return where the order key of each slot begins and ends, and the keys joined."""
        column = self.column(ORDERS, "")
        if column is None:
            raise SegmentDamage(f"{self.path} has no order", self)
        return column.integers("order.offsets"), column.piece("order.text")

    def universe(self, scope: str) -> BitMap:
        """Return the places of all that there is of a scope: frames, ROIs or sources."""
        column = self.column(scope, "")
        return BitMap() if column is None else column.present


def _directory(read: Bytes, size: int) -> Directory:
    head = bytes(read(0, _HEAD_BYTES))
    if len(head) < _HEAD_BYTES or checksum(head[:-CHECK_BYTES]) != head[-CHECK_BYTES:]:
        raise CorruptError("a segment of the index has a damaged head")
    magic, offset, length, check = _HEAD.unpack_from(head)
    if magic != _MAGIC:
        raise CorruptError("a segment of the index was written by another version or machine")
    data = read(offset, length) if offset + length == size else b""
    if len(data) != length or checksum(data) != check:
        raise CorruptError("a segment of the index is cut or damaged")
    return _read_directory(data, what="directory of the index")
