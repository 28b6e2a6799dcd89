"""The bytes of one file, or of no file, held still while they are hashed and decoded."""

import contextlib
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias

from hyperstore.codec import Struct
from hyperstore.errors import MediaError, NotFoundError, UsageError, a_type
from hyperstore.ids import content_hash
from hyperstore.limits import PICTURE_CHUNK_BYTES, PICTURE_MEMORY_BYTES
from hyperstore.storage.translation import disk_errors

__all__ = ["RawFile", "Source", "open_regular", "raw_file", "reading", "sha256_of", "stamp_of"]

Source: TypeAlias = bytes | str | os.PathLike[str]


class RawFile(Struct, frozen=True):
    """An open file. Larger ones are read from the disk twice, so ask `same` in the end."""

    stream: BinaryIO
    name: str  # For messages.
    size: int  # In bytes.
    stamp: tuple[int, ...] | None  # What a change of the file would change; None for bytes.
    handle: BinaryIO | None

    def hash(self) -> str:
        """Return the blake3 of the bytes, and go back to their beginning."""
        self.stream.seek(0)
        found = content_hash(iter(lambda: self.stream.read(PICTURE_CHUNK_BYTES), b""))
        self.stream.seek(0)
        return found

    def check_same(self) -> None:
        """Raise MediaError where the file was written to since it was opened."""
        if self.handle is not None and stamp_of(self.handle) != self.stamp:
            raise MediaError(f"{self.name} changed while it was read; read it again")


@contextlib.contextmanager
def raw_file(source: Source) -> Iterator[RawFile]:
    """Open a path, or bytes; an error of ours says why there is no such file."""
    if isinstance(source, bytes):
        name = f"a picture of {len(source)} bytes"
        yield RawFile(io.BytesIO(source), name, len(source), None, None)
        return
    if not isinstance(source, (str, os.PathLike)):
        raise UsageError(f"a picture is a path or bytes, not {a_type(source)}")
    path = Path(source)
    name = str(path)[:300].encode(errors="backslashreplace").decode()
    with open_regular(path, name) as handle:
        stamp = stamp_of(handle)
        size = stamp[0]
        stream: BinaryIO = handle
        if size <= PICTURE_MEMORY_BYTES:
            with reading(name):
                data = handle.read()
            stream, size = io.BytesIO(data), len(data)
        yield RawFile(stream, name, size, stamp, handle)


def open_regular(path: Path, name: str) -> io.BufferedReader:
    """Open a file of bytes, by way of links if need be; a pipe, a device, a folder is refused."""
    with reading(name):
        # Without waiting: a pipe that nobody writes to would hang here for ever.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        handle = os.open(path, flags | getattr(os, "O_CLOEXEC", 0))
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise MediaError(f"{name} is {'a folder' if stat.S_ISDIR(mode) else 'no regular file'}")
    return os.fdopen(handle, "rb")


@contextlib.contextmanager
def reading(name: str) -> Iterator[None]:
    """Let what the system says of a file that is read out of a block as an error of ours."""
    try:
        yield
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {name}") from None
    except IsADirectoryError:
        raise MediaError(f"{name} is a folder") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path.
        said = error.strerror if isinstance(error, OSError) else error
        raise MediaError(f"{name} cannot be read: {said}") from None


def stamp_of(handle: BinaryIO) -> tuple[int, ...]:
    """Return the size of an open file, then what else a change of it would change."""
    found = os.fstat(handle.fileno())
    return found.st_size, found.st_mtime_ns


def sha256_of(path: str) -> str:
    """Return the SHA-256 of a file, in hex digits; an error of ours where it cannot be read."""
    with disk_errors(Path(path)), Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
