"""Downloaded files by URI, in a folder that all of a user's processes share.

Laws: a file appears under its name whole, or not at all; while two want one URI, one downloads it
and the other takes what it got; a hit asks neither the network nor a lock, but when the file last
said that it was used some time ago. What was handed out a moment ago is not evicted, so the folder
may for that moment be larger than it should.

    HASH[:2]/HASH-NAME     a file: the hash of its URI, and a name that programs recognise
    partial/HASH           a file on its way; whoever downloads it holds a lock on it
    usage                  how many bytes the files have, about; a pass over the folder counts anew
"""

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from hyperstore.errors import HyperstoreError, MediaError
from hyperstore.ids import new_id
from hyperstore.limits import CACHE_TOUCH_S
from hyperstore.media.evict import Room, add_usage, sweep_partial
from hyperstore.media.part import Part, check_wanted
from hyperstore.media.settings import MediaSettings
from hyperstore.media.uri import file_name, shown
from hyperstore.storage.host import folder_lock, lock_handle
from hyperstore.storage.translation import disk_errors

__all__ = ["cached", "obtain"]

_HASH_DIGITS = 40
_PARTIAL = "partial"
_LOOK_S = 0.05


def cached(uri: str, settings: MediaSettings, *, empty_ok: bool) -> str | None:
    """Return the path of a URI's file in the cache; None where it is not there, or refused."""
    path = _place(settings.cache_dir, uri)
    return path if _hit(path, settings.cache_dir, empty_ok=empty_ok) else None


def obtain(
    uri: str,
    settings: MediaSettings,
    download: Callable[[Part], None],
    *,
    force: bool,
    empty_ok: bool,
) -> str:
    """Return the path of a URI's file, downloaded where it is not in the cache, or by `force`."""
    root = Path(settings.cache_dir)
    path = Path(_place(settings.cache_dir, uri))
    _make_folders(root, path.parent)
    sweep_partial(root / _PARTIAL)
    room = Room(root, settings.max_bytes, settings.min_free_bytes)
    with _turn(root / _PARTIAL / path.name[:_HASH_DIGITS], settings.timeout_s, path) as held:
        handle, part_path, waited = held
        # Who waited for somebody else's download takes what that one has got, if it is good.
        if (not force or waited) and _hit(str(path), settings.cache_dir, empty_ok=empty_ok):
            return str(path)
        part = Part(handle, part_path, room.make)
        download(part)
        if part.size == 0 and not empty_ok:
            raise MediaError(f"{shown(uri)} is empty; skip_size_check takes it all the same")
        with disk_errors(path):
            os.utime(handle)  # It is used now, however long it took to come.
        part.sync()
        with disk_errors(path):
            before = _size(path)
            path.parent.mkdir(exist_ok=True)
            part_path.replace(path)
    add_usage(root, part.size - before)
    return str(path)


@lru_cache(4096)
def _place(folder: str, uri: str) -> str:
    digits = hashlib.sha256(uri.encode(errors="surrogatepass")).hexdigest()[:_HASH_DIGITS]
    return f"{folder}/{digits[:2]}/{digits}-{file_name(uri)}"


def _hit(path: str, folder: str, *, empty_ok: bool) -> bool:
    """Tell whether a good file is there, and note that it was used."""
    try:
        found = os.stat(path)  # noqa: PTH116 - asked at every hit.
    except OSError:
        return False
    if not stat.S_ISREG(found.st_mode) or (found.st_size == 0 and not empty_ok):
        return False
    now = time.time()
    if abs(now - found.st_atime) < CACHE_TOUCH_S:
        return True
    # Nobody evicts while this lock is held, and what was just used is young: so the file that is
    # answered is there. Where the folder cannot be written to, nobody evicts either.
    try:
        with folder_lock(Path(folder)):
            os.utime(path, ns=(int(now * 1e9), found.st_mtime_ns))
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _make_folders(root: Path, folder: Path) -> None:
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        (root / _PARTIAL).mkdir(exist_ok=True)
        folder.mkdir(exist_ok=True)
    except OSError as error:
        try:
            with disk_errors(folder):
                raise
        except HyperstoreError as ours:
            raise type(ours)(
                f"the cache of downloads {root} cannot be used: {error.strerror}; "
                "name another folder by HYPERSTORE_CACHE_DIR or the setting cache.dir"
            ) from None


@contextlib.contextmanager
def _turn(wanted: Path, timeout_s: int, final: Path) -> Iterator[tuple[int, Path, bool]]:
    """Give an empty file to download into, and say whether somebody else had it first.

    The lock ends with the process that holds it. Should whoever holds it neither write nor end, the
    file given after a while is one of our own.
    """
    waited = False
    before = _identity(final)
    patience = 2 * timeout_s + 10
    path = wanted
    while True:
        check_wanted(final.name)
        handle = _opened(path)
        try:
            if lock_handle(handle, exclusive=True, wait=False):
                if _identity(path) == os.fstat(handle).st_ino:
                    if path == wanted and not _is_held(path):
                        path = _own(wanted)  # The file system has no locks: each for itself.
                        continue
                    os.ftruncate(handle, 0)
                    try:
                        yield handle, path, waited and _identity(final) != before
                    finally:
                        with contextlib.suppress(OSError):
                            if _identity(path) == os.fstat(handle).st_ino:
                                path.unlink()
                    return
                continue  # It was finished, or given up, between our opening and our locking it.
            idle = time.time() - os.fstat(handle).st_mtime
        finally:
            os.close(handle)
        waited = True
        if idle > patience:
            path = _own(wanted)
        time.sleep(_LOOK_S)


def _opened(path: Path) -> int:
    with disk_errors(path):
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)


def _own(wanted: Path) -> Path:
    """Return a name that nobody else uses."""
    return wanted.with_name(f"{wanted.name}-{new_id()}")


def _is_held(path: Path) -> bool:
    """Tell whether a lock that this process just took keeps others out."""
    handle = _opened(path)
    try:
        return not lock_handle(handle, exclusive=True, wait=False)
    finally:
        os.close(handle)


def _identity(path: Path) -> int:
    """Return a number that two files never share at one time; 0 where there is none."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0
