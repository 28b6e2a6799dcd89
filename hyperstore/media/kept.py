"""Raw files that a store keeps: named by the blake3 of their bytes, in its folder `media`.

Laws: a file appears under its name whole, and on the disk, or not at all; it is never written to
again, and its name says what its bytes must be; whoever keeps files holds a lock that keeps prune
out until the frames that name them are stored.

    HASH[:2]/HASH          a file, for reading only
    partial/NAME           a file on its way
    lock                   shared by those who keep files, exclusively held by prune

Where the file system can (btrfs, XFS), a kept file shares its blocks with the original until one
of them changes; elsewhere it is a copy. It is a hard link only where the user asks for that: then
it is the original under a second name, so that an edit in place changes what is kept under the hash
of what was. Its rights and times are the original's too, so neither is touched, and prune may take
it at once, for the original is still there.
"""

import contextlib
import errno
import hashlib
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from hyperstore.errors import MediaError
from hyperstore.ids import content_hash, new_id
from hyperstore.limits import CACHE_PARTIAL_S, KEEP_CHUNK_BYTES
from hyperstore.media.part import check_wanted
from hyperstore.media.rawfile import open_regular, reading, stamp_of
from hyperstore.media.uri import KEPT
from hyperstore.storage.host import clone_file, file_lock, sync_folder, write_all
from hyperstore.storage.translation import disk_errors

if TYPE_CHECKING:
    from hashlib import _Hash

__all__ = ["MEDIA_FOLDER", "KeptFile", "KeptMedia", "Taken", "kept_in", "kept_path"]

MEDIA_FOLDER = "media"

_PARTIAL = "partial"
_LOCK = "lock"
_SHELF = re.compile(r"[0-9a-f]{2}")
_NAME = re.compile(r"[0-9a-f]{64}")
_NAMED = re.compile(rb"media:([0-9a-f]{64})")
_PART_NAME = re.compile(r"[0-9a-f]{32}")


class Taken(NamedTuple):
    """A file that is kept now."""

    digest: str
    size: int  # In bytes.
    sha256: str | None  # Where it was asked for.

    @property
    def uri(self) -> str:
        """What a frame names it by."""
        return KEPT + self.digest


class KeptFile(NamedTuple):
    """A file in the folder."""

    digest: str  # By its name; nobody has looked at its bytes.
    size: int
    kept_s: float  # When it was kept, or kept again, last.


def kept_in(stored: bytes) -> list[str]:
    """Return the hashes of all kept files that stored bytes name, wherever, without decoding."""
    if stored.find(b"media:") < 0:
        return []
    return [found.decode() for found in _NAMED.findall(stored)]


def kept_path(store: str, digest: str) -> str:
    """Return where a store's kept file of this hash is, if it is there."""
    return f"{store}/{MEDIA_FOLDER}/{digest[:2]}/{digest}"


class KeptMedia:
    """The kept files of the store in one folder. Threads may share it."""

    def __init__(self, store: Path, *, links: bool = False) -> None:
        """With `links` files may be kept as hard links."""
        self._links = links
        self.folder = store / MEDIA_FOLDER
        self._store = store
        self._unsynced: set[Path] = set()

    def path(self, digest: str) -> Path:
        """Return where the file of this hash is, if it is there."""
        return self.folder / digest[:2] / digest

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Keep prune out meanwhile; wait for one that is at work."""
        with contextlib.ExitStack() as held:
            with disk_errors(self.folder):
                (self.folder / _PARTIAL).mkdir(parents=True, exist_ok=True)
                lock = file_lock(self.folder / _LOCK, exclusive=False, wait=True)
                held.enter_context(lock)
            self.sweep(before_s=time.time() - CACHE_PARTIAL_S)
            yield

    @contextlib.contextmanager
    def pruning(self) -> Iterator[bool]:
        """Keep those out who keep files, unless there are some; say whether there are none."""
        with contextlib.ExitStack() as held:
            with disk_errors(self.folder):
                taken = held.enter_context(file_lock(self.folder / _LOCK))
            yield taken

    def keep(self, path: str, name: str, *, sha256: bool = False) -> Taken:
        """Keep the bytes of a file; it is on the disk once `settle` has come back.

        `name` is for messages. MediaError or NotFoundError where the file cannot be read, is empty
        or changes meanwhile; an error of the disk where it cannot be written.
        """
        with open_regular(Path(path), name) as source:
            before = stamp_of(source)
            if before[0] == 0:
                raise MediaError(f"{name} is empty")
            part = self.folder / _PARTIAL / new_id()
            target = None
            if not (self._links and _linked(path, part, source)):
                with disk_errors(part):
                    # Nobody may write to it, and who has opened it may all the same.
                    target = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o444)
            try:
                again = hashlib.sha256() if sha256 else None
                digest = content_hash(self._copied(source, target, part, name, before[0], again))
                made = source.fileno() if target is None else target
                size = os.fstat(made).st_size
                if stamp_of(source) != before or size != before[0]:
                    raise MediaError(f"{name} changed while it was read; try again")
                self._publish(part, made, digest)
            finally:
                if target is not None:
                    os.close(target)
                with contextlib.suppress(OSError):
                    part.unlink(missing_ok=True)
        return Taken(digest, size, None if again is None else again.hexdigest())

    def settle(self) -> None:
        """See the names of all that was kept to the disk."""
        folders, self._unsynced = self._unsynced, set()
        for folder in (*folders, *((self.folder, self._store) if folders else ())):
            with disk_errors(folder):
                sync_folder(folder)

    def files(self) -> Iterator[KeptFile]:
        """Yield what is there, by name; what is none by its name and kind is passed over."""
        for shelf in _names(self.folder, _SHELF):
            for name in _names(self.folder / shelf, _NAME):
                with contextlib.suppress(FileNotFoundError):
                    found = self.path(name).lstat()
                    if name.startswith(shelf) and stat.S_ISREG(found.st_mode):
                        yield KeptFile(name, found.st_size, found.st_mtime)

    def delete(self, digest: str, *, before_s: float) -> bool:
        """Delete a file unless it was kept anew since then; say whether it is gone by this."""
        path = self.path(digest)
        with disk_errors(path), contextlib.suppress(FileNotFoundError):
            if path.lstat().st_mtime < before_s:
                path.unlink()
                return True
        return False

    def sweep(self, *, before_s: float) -> None:
        """Delete files that have been on their way since then: whoever began them was killed."""
        for name in _names(self.folder / _PARTIAL, _PART_NAME):
            part = self.folder / _PARTIAL / name
            with contextlib.suppress(OSError):
                # Which linking and writing move on; the other time may be that of an original.
                if part.lstat().st_ctime < before_s:
                    part.unlink()

    def _copied(
        self,
        source: BinaryIO,
        target: int | None,
        part: Path,
        name: str,
        size: int,
        again: "_Hash | None",
    ) -> Iterator[bytes]:
        """Copy a file of this size, unless the target is None, and yield its bytes; of a file that
        grows, little more.
        """
        with disk_errors(part):
            cloned = target is not None and clone_file(source.fileno(), target)
        left = size
        while left >= 0:
            check_wanted(name)
            if cloned and target is not None:
                with disk_errors(part):  # So what is hashed is what was cloned.
                    chunk = os.read(target, KEEP_CHUNK_BYTES)
            else:
                with reading(name):
                    chunk = source.read(KEEP_CHUNK_BYTES)
            if not chunk:
                return
            left -= len(chunk)
            if again is not None:
                again.update(chunk)
            if target is not None and not cloned:
                with disk_errors(part):
                    write_all(target, chunk)
            yield chunk

    def _publish(self, part: Path, target: int, digest: str) -> None:
        path = self.path(digest)
        if not _is_kept(path, target):
            with disk_errors(path):
                os.fsync(target)
                path.parent.mkdir(exist_ok=True)
                part.replace(path)
        # Of one that was there, somebody else may have to sync the name yet.
        self._unsynced.add(path.parent)


def _linked(path: str, part: Path, source: BinaryIO) -> bool:
    """Make the part another name of an open file; say whether that could be done."""
    try:
        os.link(os.path.realpath(path), part)
        if os.path.samestat(part.lstat(), os.fstat(source.fileno())):
            return True
        part.unlink()  # Another file has come to that path.
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO}:
            with disk_errors(part):
                raise
    return False


def _is_kept(path: Path, target: int) -> bool:
    """Tell whether the file is there, with these very bytes; if so, it is kept from now on anew.

    One that is damaged is not, so that it is replaced by a good one.
    """
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size != os.fstat(target).st_size:
            return False
        with path.open("rb", buffering=0) as kept:
            at = 0
            while chunk := kept.read(KEEP_CHUNK_BYTES):
                if os.pread(target, len(chunk), at) != chunk:
                    return False
                at += len(chunk)
        if found.st_nlink == 1:  # Else it is the user's own file, whose time is his.
            os.utime(path)
    except OSError:  # Not there, or somebody else's that we cannot read or touch.
        return False
    return True


def _names(folder: Path, wanted: re.Pattern[str]) -> list[str]:
    with disk_errors(folder), contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return sorted(filter(wanted.fullmatch, os.listdir(folder)))  # noqa: PTH208 - names only.
    return []
