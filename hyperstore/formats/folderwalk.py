"""The files of a folder, in one order everywhere, with what the file system says of each.

Hidden files and folders are passed over, and links to folders are not followed: a loop has no end,
and what lies outside was not named. What is no regular file, or cannot be read, is said.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from hyperstore.errors import FormatError, NotFoundError

__all__ = ["Found", "Refuse", "is_gone", "look", "walk"]

Refuse = Callable[[str, str], None]
"""Takes the path of a file and why it is not taken."""


class Found(NamedTuple):
    """A file, by its path relative to the folder, with slashes. Unchanged is what has all equal."""

    path: str
    size: int
    mtime_ns: int
    inode: int


def walk(
    folder: Path,
    wanted: Callable[[str], bool],
    *,
    refuse: Refuse,
    pass_over: Refuse,
    without: Path | None = None,
) -> Iterator[Found]:
    """Yield the files that are wanted, each folder's entries by name; `without` is left out.

    An error of ours where the folder itself cannot be read.
    """
    kept_out = None if without is None else _identity(without)
    start = len(str(folder).rstrip("/")) + 1
    waiting: list[Iterator[os.DirEntry[str]]] = [_entries(folder)]
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
            continue
        if entry.name.startswith("."):
            continue
        path = entry.path[start:].replace(os.sep, "/")
        if entry.is_dir(follow_symlinks=False):
            if kept_out is not None and _identity(Path(entry.path)) == kept_out:
                continue
            try:
                waiting.append(_entries(Path(entry.path)))
            except (FormatError, NotFoundError) as error:
                refuse(path, str(error))
        elif entry.is_symlink() and _leads_to_folder(entry):
            pass_over(path, "is a link to a folder, which is not followed")
        elif wanted(path):
            found = _looked(entry.path, path, refuse)
            if found is not None:
                yield found


def look(folder: Path, names: Iterable[str], *, refuse: Refuse) -> Iterator[Found]:
    """Yield these files of a folder."""
    for name in names:
        found = _looked(str(folder / name), name, refuse)
        if found is not None:
            yield found


def is_gone(path: str) -> bool:
    """Return whether surely nothing is at a path: what cannot be looked at may be there."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def _looked(place: str, path: str, refuse: Refuse) -> Found | None:
    try:
        path.encode()
    except UnicodeEncodeError:
        refuse(path, f"the file name {path!a} is not UTF-8; rename the file")
        return None
    try:
        status = os.stat(place)  # noqa: PTH116 - asked of every file; a Path costs as much again.
    except OSError as error:
        dangling = isinstance(error, FileNotFoundError) and not is_gone(place)
        said = "is a link that leads nowhere" if dangling else f"cannot be read: {error.strerror}"
        refuse(path, said)
        return None
    if not stat.S_ISREG(status.st_mode):
        refuse(path, "is no regular file")
        return None
    return Found(path, status.st_size, status.st_mtime_ns, status.st_ino)


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A link to itself.
        return False


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return iter(sorted(found, key=lambda entry: entry.name))
    except FileNotFoundError:
        raise NotFoundError(f"no folder {str(folder)!a}") from None
    except OSError as error:
        raise FormatError(f"folder {str(folder)!a} cannot be read: {error.strerror}") from None


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
