"""Room in the cache: how much there is, and which files go when there is too little.

What was used longest ago goes first. How many bytes the files have is kept in a small file that
each download adds to; it need not be exact, since a pass over the folder counts them anew before
anything is deleted.
"""

import contextlib
import heapq
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hyperstore.errors import DiskFullError
from hyperstore.limits import (
    CACHE_EVICT_FILES,
    CACHE_MARGIN,
    CACHE_PARTIAL_S,
    CACHE_YOUNG_S,
)
from hyperstore.storage.host import file_lock, folder_lock, free_bytes

__all__ = ["Room", "add_usage", "read_usage", "sweep_partial"]

_USAGE = "usage"
_EVICTING = "evict.lock"
_WAIT_S = 0.05
_WAITS = 200


_borne: dict[Path, int] = {}
"""How large each cache may grow before it is looked at again: where all is young, a pass over it
frees nothing, and one for each download would cost more than the download."""


class _File(NamedTuple):
    used: float
    size: int
    path: str


class Room:
    """How much a cache may hold, and how much of its disk stays free."""

    def __init__(self, root: Path, max_bytes: int, min_free_bytes: int) -> None:
        self.root = root
        self.max_bytes = max_bytes
        self.min_free_bytes = min_free_bytes

    def make(self, size: int, more: int) -> None:
        """See that a file of this size fits, of which `more` bytes are to come; evict for it.

        DiskFullError where it cannot fit. Files that were used a moment ago stay, even if the cache
        thereby holds more than it should; the disk's floor holds all the same.
        """
        if self.max_bytes and size > self.max_bytes:
            raise DiskFullError(
                f"a file of {size:,} bytes or more is larger than the whole cache may be, "
                f"{self.max_bytes:,} bytes; raise cache.max_bytes"
            )
        for _ in range(_WAITS):
            if self._fits(size, more):
                return
            with file_lock(self.root / _EVICTING) as ours:
                if ours:
                    if not self._fits(size, more):
                        self._evict(size, more)
                    break
            time.sleep(_WAIT_S)  # Somebody else is making room.
        free = free_bytes(self.root)
        if free is not None and free - more < self.min_free_bytes:
            raise DiskFullError(
                f"the disk of the cache {self.root} has {free:,} bytes free, too few for "
                f"{more:,} more: {self.min_free_bytes:,} stay free, and nothing there is old "
                "enough to go; give it room, or lower cache.min_free_bytes"
            )

    def _fits(self, size: int, more: int) -> bool:
        free = free_bytes(self.root)
        if free is not None and free - more < self.min_free_bytes:
            return False
        if not self.max_bytes:
            return True
        used = read_usage(self.root)
        return used is not None and used + size <= max(self.max_bytes, _borne.get(self.root, 0))

    def _evict(self, size: int, more: int) -> None:
        """Delete what was used longest ago until the file fits, and a little more."""
        before = read_usage(self.root) or 0
        while True:
            counted = _Count()
            oldest = heapq.nsmallest(CACHE_EVICT_FILES, _old_files(self.root, counted))
            free = free_bytes(self.root)
            wanted = 0
            if self.max_bytes:
                target = self.max_bytes - self.max_bytes // CACHE_MARGIN
                wanted = max(0, counted.size + size - max(target, size))
            if free is not None:
                floor = self.min_free_bytes + self.min_free_bytes // CACHE_MARGIN
                wanted = max(wanted, floor + more - free)
            freed = 0
            for one in oldest:
                if freed >= wanted:
                    break
                freed += _remove(self.root, one)
            _set_usage(self.root, counted.size - freed, before)
            _borne[self.root] = counted.size - freed + size + self.max_bytes // CACHE_MARGIN
            if freed >= wanted or len(oldest) < CACHE_EVICT_FILES or not freed:
                return


class _Count:
    def __init__(self) -> None:
        self.size = 0


def _old_files(root: Path, counted: _Count) -> Iterator[_File]:
    """Yield the files that may go, and count all."""
    youngest = time.time() - CACHE_YOUNG_S
    with os.scandir(root) as folders:
        names = [one.name for one in folders if len(one.name) == 2]
    for name in names:
        with contextlib.suppress(FileNotFoundError), os.scandir(root / name) as files:
            for one in files:
                with contextlib.suppress(FileNotFoundError):
                    found = one.stat(follow_symlinks=False)
                    counted.size += found.st_size
                    if found.st_atime < youngest:
                        yield _File(found.st_atime, found.st_size, one.path)


def _remove(root: Path, file: _File) -> int:
    """Delete a file unless it was used meanwhile; return how many bytes that freed."""
    with folder_lock(root), contextlib.suppress(OSError):
        path = Path(file.path)
        if path.stat().st_atime <= file.used:
            path.unlink()
            return file.size
    return 0


def sweep_partial(folder: Path) -> None:
    """Delete what killed downloads left behind long ago."""
    oldest = time.time() - CACHE_PARTIAL_S
    with contextlib.suppress(OSError), os.scandir(folder) as files:
        for one in files:
            with contextlib.suppress(OSError):
                if one.stat(follow_symlinks=False).st_mtime < oldest:
                    Path(one.path).unlink()


def read_usage(root: Path) -> int | None:
    """Return about how many bytes the files have; None where nobody has counted yet."""
    try:
        return int((root / _USAGE).read_bytes())
    except (OSError, ValueError):
        return None


def add_usage(root: Path, size: int) -> None:
    """Add to what was counted, if it was."""
    with contextlib.suppress(OSError), folder_lock(root):
        used = read_usage(root)
        if used is not None:
            _write_usage(root, used + size)


def _set_usage(root: Path, counted: int, before: int) -> None:
    """Write what a pass has counted, and what was added while it did."""
    with contextlib.suppress(OSError), folder_lock(root):
        added = max(0, (read_usage(root) or 0) - before)
        _write_usage(root, counted + added)


def _write_usage(root: Path, used: int) -> None:
    # Written in place, and over as many bytes: cutting the file short takes as long as all the
    # rest. A torn number is one that a pass counts anew.
    handle = os.open(root / _USAGE, os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        os.write(handle, b"%20d" % max(0, used))
    finally:
        os.close(handle)
