"""A file as it was when something was put beside it: its size, and hashes of its content."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hyperstore.errors import NotFoundError, UsageError
from hyperstore.ids import content_hash
from hyperstore.limits import FETCH_CHUNK_BYTES

__all__ = ["StampedFile", "open_regular", "stamp_of"]

_AT_ONCE = getattr(os, "O_NONBLOCK", 0)  # A pipe is not waited for.


@dataclass(frozen=True, slots=True)
class StampedFile:
    """The file beside which a lock was put; both hashes in hex digits."""

    name: str
    size: int
    blake3: str
    sha256: str

    def is_content_of(self, other: "StampedFile") -> bool:
        """Tell whether both hold the same bytes."""
        return (self.size, self.blake3, self.sha256) == (other.size, other.blake3, other.sha256)


def stamp_of(path: Path) -> StampedFile:
    """Return size and hashes of a file, which is read once."""
    sha256 = hashlib.sha256()
    size = 0
    try:
        with open_regular(path) as file:

            def chunks() -> Iterator[bytes]:
                nonlocal size
                while chunk := file.read(FETCH_CHUNK_BYTES):
                    sha256.update(chunk)
                    size += len(chunk)
                    yield chunk

            digest = content_hash(chunks())
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"no file {os.fspath(path)!a}") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{os.fspath(path)!a} cannot be read: {error}") from None
    return StampedFile(path.name, size, digest, sha256.hexdigest())


def open_regular(path: Path) -> BinaryIO:
    """Open a file to be read; OSError for what is none, such as a pipe that nobody writes to."""
    number = os.open(path, os.O_RDONLY | _AT_ONCE)
    if stat.S_ISREG(os.fstat(number).st_mode):
        return os.fdopen(number, "rb")
    os.close(number)
    raise OSError("it is no regular file")
