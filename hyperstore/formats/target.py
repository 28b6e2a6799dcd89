"""A file that appears whole under its name, or not at all.

What is written goes to a new file beside the target, under a random name that is created
exclusively (so nothing planted there is followed), is synced, and then takes the target's name.
What a killed process left under such a name is swept by a later one (`leftover`).
A file that stood there hands down its mode; a device, a pipe or a link is never replaced.
"""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from hyperstore.errors import DiskFullError, NotFoundError, RefusedError, UsageError
from hyperstore.formats.leftover import hidden_name, sweep
from hyperstore.storage.host import sync_folder

__all__ = ["Target"]

_COPY_BYTES = 1024 * 1024


class Target:
    """Text for a file, and side files that are appended to it later and leave no trace."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self._path = path
        self._stream = stream
        self._sides: list[BinaryIO] = []

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator["Target"]:
        """Give a target; the file stands under its name when the block ends without an error."""
        mode = _mode_of(path)
        if not path.parent.is_dir():
            raise NotFoundError(f"no folder {path.parent} to write {path.name} into")
        sweep(path.parent)
        beside = path.with_name(hidden_name())  # Shorter than a name may be, whatever the target.
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            handle = os.open(beside, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except PermissionError:
            raise RefusedError(f"{path.parent} cannot be written to") from None
        except OSError as fault:
            raise DiskFullError(f"{path} cannot be written: {fault.strerror}") from None
        target = cls(path, os.fdopen(handle, "wb", buffering=_COPY_BYTES))
        try:
            if mode is not None:
                with suppress(OSError):  # Not every file system has modes.
                    beside.chmod(mode)
            yield target
            target._finish(beside)
        finally:
            target._drop(beside)

    def write(self, text: str) -> None:
        self.write_bytes(text.encode())

    def write_bytes(self, data: bytes) -> None:
        with self._guarded():
            self._stream.write(data)

    def side(self) -> BinaryIO:
        """Return a new file without a name, beside the target; closed with it."""
        with self._guarded():
            side = tempfile.TemporaryFile(dir=self._path.parent)  # noqa: SIM115 - outlives this call
        self._sides.append(side)
        return side

    def write_side(self, side: BinaryIO, text: str) -> None:
        with self._guarded():
            side.write(text.encode())

    def append(self, side: BinaryIO) -> None:
        """Copy all of a side file to the end of what is written."""
        with self._guarded():
            side.seek(0)
            while chunk := side.read(_COPY_BYTES):
                self._stream.write(chunk)

    def lines(self, side: BinaryIO) -> Iterator[bytes]:
        with self._guarded():
            side.seek(0)
        yield from side

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except OSError as fault:
            raise DiskFullError(f"writing {self._path} failed: {fault.strerror}") from None

    def _finish(self, beside: Path) -> None:
        with self._guarded():
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
            beside.replace(self._path)
            sync_folder(self._path.parent)

    def _drop(self, beside: Path) -> None:
        for stream in (self._stream, *self._sides):
            try:
                stream.close()
            except OSError:  # What it could not flush was reported, or is not wanted any more.
                continue
        beside.unlink(missing_ok=True)


def _mode_of(path: Path) -> int | None:
    """Return the mode of the file that stands there, None where none does; UsageError for more."""
    try:
        found = path.lstat()
        is_link = stat.S_ISLNK(found.st_mode)
        kind = path.stat().st_mode if is_link and path.exists() else found.st_mode
    except FileNotFoundError:
        return None
    except ValueError:  # A NUL, or a character that no file name has.
        raise UsageError(f"{str(path)!a} is no name of a file") from None
    except NotADirectoryError:
        raise NotFoundError(f"no folder {path.parent} to write {path.name} into") from None
    except OSError as fault:
        if fault.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            raise UsageError(f"{str(path)!a} is no name of a file: {fault.strerror}") from None
        raise RefusedError(f"{path} cannot be looked at: {fault.strerror}") from None
    if stat.S_ISDIR(kind):
        raise UsageError(f"{path} is a folder; name the file to write")
    if is_link and (stat.S_ISREG(kind) or kind == found.st_mode):
        raise RefusedError(f"{path} is a symbolic link; name the file it leads to, or another one")
    if not stat.S_ISREG(kind):
        raise UsageError(f"{path} is no plain file; name the file to write")
    return stat.S_IMODE(found.st_mode) & 0o777
