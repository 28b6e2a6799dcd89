"""Tar files: written the same to the byte for the same files, and read as if somebody meant harm.

Of the reader's refusals each is one error that names the file: a name that is absolute or climbs by
`..`, a link, a device, a member or a name beyond the limits, a header whose sum is wrong, one that
ends too soon or goes on after its end, and a compressed one that blows up. Nothing is ever written
to where a name says.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from hyperstore.errors import FormatError, NotFoundError, RefusedError
from hyperstore.limits import (
    SHARD_INFLATED,
    SHARD_INFLATED_FREE,
    SHARD_MEMBER_BYTES_MAX,
    SHARD_MEMBERS_MAX,
    SHARD_NAME_BYTES_MAX,
)

__all__ = ["Member", "TarWriter", "read_tar"]

_BLOCK = 512
_RECORD = 20 * _BLOCK
_CHUNK = 1024 * 1024
_GZIP = b"\x1f\x8b"
_NUL = b"\0"
_PAX = re.compile(rb"([0-9]{1,10}) ([^=\n]+)=")


class TarWriter:
    """Writes plain files one after the other; no time, owner or order of the disk gets in."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = 0  # Bytes so far.

    def add(self, name: str, size: int, content: BinaryIO) -> None:
        """Write a file of a short ASCII name, of which `content` gives just so many bytes."""
        self._write(_header(name, size))
        left = size
        while left:
            chunk = content.read(min(left, _CHUNK))
            if not chunk:
                raise FormatError(f"{name}: its file became shorter while it was read")
            left -= len(chunk)
            self._write(chunk)
        self._write(_NUL * (-size % _BLOCK))

    def end(self) -> None:
        """Write what stands at the end of a tar file."""
        self._write(_NUL * (2 * _BLOCK))
        self._write(_NUL * (-self.size % _RECORD))

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self.size += len(data)


def _header(name: str, size: int) -> bytes:
    """Return the header of a plain file, as ustar has it."""
    encoded = name.encode("ascii")
    assert len(encoded) <= 100
    fields = (
        encoded.ljust(100, _NUL),
        b"0000644\0" + b"0000000\0" * 2,  # Mode; user and group.
        b"%011o\0" % size,
        b"%011o\0" % 0,  # Time.
        b" " * 8,  # The sum, which is made with spaces in its place.
        b"0".ljust(101, _NUL),  # A plain file, which links to none.
        b"ustar\00000".ljust(247, _NUL),
        _NUL * 8,
    )
    block = b"".join(fields)
    assert len(block) == _BLOCK
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


@dataclass(frozen=True, slots=True)
class Member:
    """One plain file of a tar."""

    name: str  # Relative, with slashes.
    data: bytes


def read_tar(file: Path) -> Iterator[Member]:
    """Yield the plain files of a tar, which may be compressed by gzip, in their order."""
    with _opened(file) as stream:
        yield from _Reader(stream, str(file)).members()


@contextmanager
def _opened(file: Path) -> Iterator["_Bytes"]:
    try:
        stream = file.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"no file {str(file)!a}") from None
    except OSError as fault:
        raise FormatError(f"{file} cannot be read: {fault.strerror}") from None
    with stream:
        compressed = stream.read(2) == _GZIP
        stream.seek(0)
        if compressed:
            with gzip.GzipFile(fileobj=stream, mode="rb") as inflated:
                yield _Bytes(inflated, str(file), below=stream)
        else:
            yield _Bytes(stream, str(file))


class _Bytes:
    """Bytes in a row, and not more than the file can honestly hold."""

    def __init__(self, stream: object, name: str, below: BinaryIO | None = None) -> None:
        self._stream = stream
        self._name = name
        self._below = below
        self._given = 0

    def read(self, size: int) -> bytes:
        try:
            data: bytes = self._stream.read(size)  # type: ignore[attr-defined]
        except (OSError, EOFError, zlib.error) as fault:
            raise FormatError(f"{self._name} is broken: {fault}") from None
        self._given += len(data)
        most = SHARD_INFLATED_FREE
        if self._below is not None:
            most = max(most, SHARD_INFLATED * self._below.tell())
        if self._below is not None and self._given > most:
            raise RefusedError(
                f"{self._name} becomes more than {SHARD_INFLATED} times as long when it is "
                "unpacked; unpack it yourself if it can be trusted"
            )
        return data


class _Reader:
    def __init__(self, stream: _Bytes, file: str) -> None:
        self._stream = stream
        self._file = file

    def members(self) -> Iterator[Member]:
        name: str | None = None  # From a header that stands before that of its file.
        size: int | None = None
        for _ in range(SHARD_MEMBERS_MAX):
            block = self._stream.read(_BLOCK)
            if block == _NUL * _BLOCK:
                self._check_end()
                return
            if not block:  # A download that stopped between two files looks like this.
                self._fail("it ends without the mark of its end, so files may be missing")
            if len(block) < _BLOCK:
                self._fail("it ends inside a header")
            if not _is_header(block):
                self._fail("a header is broken, or it is no tar file")
            kind = block[156:157]
            length = self._number(block[124:136]) if size is None else size
            if kind in (b"x", b"g", b"L"):
                data = self._content(length, "a name in it", SHARD_NAME_BYTES_MAX * 4)
                if kind == b"x":
                    name, size = self._pax(data, name)
                elif kind == b"L":
                    name = self._text(data.rstrip(_NUL))
                continue
            if name is None:
                name = self._own_name(block)
            if kind in (b"0", _NUL, b"7"):
                path = self._checked(name)
                yield Member(path, self._content(length, path, SHARD_MEMBER_BYTES_MAX))
            elif kind == b"5":
                self._checked(name)
            else:
                self._refuse(f"{name[:200]!a} is no plain file: links and devices are not followed")
            name = size = None
        self._refuse(f"it holds more than {SHARD_MEMBERS_MAX:,} files")

    def _content(self, size: int, what: str, most: int) -> bytes:
        if size > most:
            self._refuse(f"{what[:200]!a} has {size:,} bytes; the limit is {most:,}")
        whole = size + -size % _BLOCK
        parts: list[bytes] = []
        left = whole
        while left:  # Not all at once: what is claimed need not be there.
            chunk = self._stream.read(min(left, _CHUNK))
            if not chunk:
                self._fail(f"it ends inside {what[:200]!a}")
            left -= len(chunk)
            parts.append(chunk)
        return b"".join(parts)[:size]

    def _check_end(self) -> None:
        """Refuse files behind the end: of tars that were joined, all but the first are there.

        What is no header there is left alone; tapes were filled up with anything.
        """
        while block := self._stream.read(_BLOCK):
            if block.count(_NUL) == len(block):
                continue
            if len(block) == _BLOCK and _is_header(block):
                self._fail("it goes on after its end; if tars were joined, give each by itself")
            return

    def _number(self, field: bytes) -> int:
        if field[0] & 0x80:  # Of numbers too large for eight digits.
            return (
                int.from_bytes(field[1:], "big") if field[0] == 0x80 else self._fail("a size < 0")
            )
        try:
            number = int(field.strip(b" \0") or b"0", 8)
        except ValueError:
            number = -1
        return number if number >= 0 else self._fail("a size is no number")

    def _own_name(self, block: bytes) -> str:
        name = block[:100].split(_NUL)[0]
        prefix = block[345:500].split(_NUL)[0] if block[257:262] == b"ustar" else b""
        return self._text(prefix + b"/" + name if prefix else name)

    def _pax(self, data: bytes, name: str | None) -> tuple[str | None, int | None]:
        """Return name and size as an extended header says them."""
        size: int | None = None
        at = 0
        while at < len(data):
            found = _PAX.match(data, at)
            end = at + int(found[1]) if found else 0
            if found is None or not found.end() < end <= len(data) or data[end - 1 : end] != b"\n":
                self._fail("an extended header is broken")
            value = data[found.end() : end - 1]
            if found[2] == b"path":
                name = self._text(value)
            elif found[2] == b"size":
                size = int(value) if value.isdigit() and len(value) < 20 else self._fail("no size")
            elif found[2].startswith(b"GNU.sparse"):
                self._refuse("a file with holes is not read")
            at = end
        return name, size

    def _text(self, name: bytes) -> str:
        if len(name) > SHARD_NAME_BYTES_MAX:
            self._refuse(f"a name in it has more than {SHARD_NAME_BYTES_MAX:,} bytes")
        try:
            return name.decode()
        except UnicodeDecodeError:
            self._fail(f"the name {name[:80]!a} is not UTF-8")

    def _checked(self, name: str) -> str:
        parts = name.split("/")
        if name.startswith("/") or ".." in parts or "\0" in name or "\\" in name:
            self._refuse(f"the name {name[:200]!a} leads out of it")
        return "/".join(part for part in parts if part not in ("", "."))

    def _fail(self, why: str) -> NoReturn:
        raise FormatError(f"{self._file}: {why}")

    def _refuse(self, why: str) -> NoReturn:
        raise RefusedError(f"{self._file}: {why}")


def _is_header(block: bytes) -> bool:
    """Whether the sum that a block says is its own."""
    said = block[148:156].strip(b" \0")
    blank = block[:148] + b" " * 8 + block[156:]
    # Some old programs take bytes for signed.
    signed = sum(byte - 256 if byte > 127 else byte for byte in blank)
    try:
        return int(said, 8) in (sum(blank), signed)
    except ValueError:
        return False
