"""Files for a folder, which appear there when all of them are written, each of them whole.

They are written into a new folder: beside the one that is meant, which takes its name in the end,
or within it where it exists, from where they are moved one by one. What a killed process left there
is swept by a later one (`leftover`). What stood there under other names stays. No name leads out of
the folder, and no link in it is followed.
"""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from hyperstore.errors import DiskFullError, ExistsError, NotFoundError, RefusedError, UsageError
from hyperstore.formats.leftover import hidden_name, is_hidden_name, sweep
from hyperstore.storage.host import sync_folder

__all__ = ["Staging"]

_COPY_BYTES = 1024 * 1024


class Staging:
    """The new folder; paths in it are relative, with slashes."""

    def __init__(self, folder: Path, stage: Path) -> None:
        self._folder = folder
        self._stage = stage
        self._grown: set[Path] = set()  # Files that lines were put to, to be synced in the end.

    @classmethod
    @contextmanager
    def open(cls, folder: Path, *, replace: bool = False) -> Iterator["Staging"]:
        """Give a folder to write to; it shows when the block ends without an error.

        ExistsError where files stand there already, unless `replace` lets new ones of the same
        names take their places.
        """
        exists = _look(folder, replace=replace)
        stage = (folder if exists else folder.parent) / hidden_name()
        sweep(stage.parent)
        try:
            stage.mkdir()
        except FileNotFoundError:
            raise NotFoundError(f"no folder {folder.parent} to make {folder.name} in") from None
        except PermissionError:
            raise RefusedError(f"{stage.parent} cannot be written to") from None
        except OSError as fault:
            raise DiskFullError(f"{stage} cannot be made: {fault.strerror}") from None
        try:
            staging = cls(folder, stage)
            yield staging
            staging._finish(exists=exists)
        finally:
            shutil.rmtree(stage, ignore_errors=True)

    def put(self, name: str, data: bytes) -> None:
        """Write a file; UsageError where there is one of that name."""
        with self.created(name) as stream:
            stream.write(data)

    def copy(self, name: str, source: BinaryIO) -> None:
        """Write what a stream gives as a file."""
        with self.created(name) as stream:
            shutil.copyfileobj(source, stream, _COPY_BYTES)

    def append(self, name: str, line: str) -> None:
        """Put a line at the end of a file, which need not be there."""
        path = self._path(name)
        with self._guarded(name):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as stream:
                stream.write(f"{line}\n".encode())
        self._grown.add(path)

    def has(self, name: str) -> bool:
        with self._guarded(name):
            return self._path(name).exists()

    def remove(self, name: str) -> None:
        """Take back a file that may have been written."""
        with self._guarded(name):
            self._path(name).unlink(missing_ok=True)
        self._grown.discard(self._path(name))

    @contextmanager
    def created(self, name: str) -> Iterator[BinaryIO]:
        """Give a new file to write to, which is whole when the block ends."""
        path = self._path(name)
        with self._guarded(name):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())

    def _path(self, name: str) -> Path:
        pure = PurePosixPath(name)
        if pure.is_absolute() or not pure.parts or ".." in pure.parts or "\0" in name:
            raise RefusedError(f"{name!a:.80} is no name within {self._folder}")
        return self._stage / pure

    @contextmanager
    def _guarded(self, name: str) -> Iterator[None]:
        try:
            yield
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise UsageError(
                f"two pictures would be written to {name!a:.200} in {self._folder}"
            ) from None
        except OSError as fault:
            if fault.errno == errno.ENAMETOOLONG:
                raise UsageError(f"{name!a:.80}... is too long for the name of a file") from None
            place = self._folder / name
            raise DiskFullError(f"writing {place} failed: {fault.strerror}") from None
        except UnicodeEncodeError:
            raise UsageError(f"{name!a:.200} is no name of a file") from None

    def _finish(self, *, exists: bool) -> None:
        try:
            for path in self._grown:
                with path.open("rb") as stream:
                    os.fsync(stream.fileno())
            if not exists:
                self._take_name()
            else:
                files = [found.relative_to(self._stage) for found in _files(self._stage)]
                for file in files:
                    self._check_free(file)
                for file in files:
                    (self._folder / file.parent).mkdir(parents=True, exist_ok=True)
                    (self._stage / file).replace(self._folder / file)
            sync_folder(self._folder.parent)
            sync_folder(self._folder)
        except OSError as fault:
            raise DiskFullError(f"writing {self._folder} failed: {fault.strerror}") from None

    def _take_name(self) -> None:
        try:
            self._stage.rename(self._folder)
        except OSError as fault:
            if fault.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
            raise ExistsError(f"{self._folder} was made by somebody else meanwhile") from None

    def _check_free(self, file: Path) -> None:
        """Refuse to go through links, and to put a file where something else stands."""
        for part in (*file.parents[-2::-1], file):
            place = self._folder / part
            try:
                mode = place.lstat().st_mode
            except FileNotFoundError:
                return
            if not (stat.S_ISREG(mode) if part == file else stat.S_ISDIR(mode)):
                wanted = "a plain file" if part == file else "a folder"
                raise RefusedError(f"{place} is not {wanted}; nothing was written there")


def _look(folder: Path, *, replace: bool) -> bool:
    """Return whether the folder exists; an error where it cannot be written to as it is."""
    try:
        mode = folder.lstat().st_mode
        holds = stat.S_ISDIR(mode) and not all(is_hidden_name(one.name) for one in folder.iterdir())
    except FileNotFoundError:
        return False
    except ValueError:  # A NUL, or a character that no file name has.
        raise UsageError(f"{str(folder)!a} is no name of a folder") from None
    except OSError as fault:
        raise RefusedError(f"{folder} cannot be looked at: {fault.strerror}") from None
    if stat.S_ISLNK(mode):
        raise RefusedError(f"{folder} is a symbolic link; name the folder that it leads to")
    if not stat.S_ISDIR(mode):
        raise UsageError(f"{folder} is no folder; name the folder to write")
    if holds and not replace:
        raise ExistsError(f"{folder} holds files already; --force writes among them")
    return True


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        for name in names:
            yield Path(place) / name
