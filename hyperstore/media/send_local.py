"""Files sent to a folder, of this machine or mounted: each appears whole, durable, or not at all.

A file is written beside its place, in a folder of its own at the destination, and linked to its
name, which fails where somebody was first. What a killed process left there is swept later.
"""

import contextlib
import errno
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from hyperstore.errors import HyperstoreError
from hyperstore.ids import new_id
from hyperstore.limits import UPLOAD_LEFT_S
from hyperstore.media.part import Interrupted
from hyperstore.media.sending import Content, Held, chunks_of, content_of
from hyperstore.media.uri import shown
from hyperstore.storage.host import sync_folder, write_all
from hyperstore.storage.translation import disk_errors

__all__ = ["check_folder", "held_file", "put_file", "sync_names", "tidy_folder"]

_PARTS = ".hyperstore-parts"
# What a network file system may answer now and not a moment later.
_PASSING = frozenset((errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR, errno.EBUSY))
_NO_LINKS = frozenset((errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV))


def check_folder(folder: str) -> None:
    """See that files can be written to a folder, made if need be; RefusedError where not."""
    parts = Path(folder) / _PARTS
    probe = parts / new_id()
    try:
        _make_folders(parts)
        _sweep(parts)
        probe.write_bytes(b"hyperstore")
        probe.unlink()
    except HyperstoreError:
        raise
    except OSError as error:
        with contextlib.suppress(OSError):
            probe.unlink()
        try:
            with disk_errors(probe):
                raise
        except HyperstoreError as ours:
            raise type(ours)(f"{shown(folder)}: {error.strerror}") from None


def held_file(path: str, content: Content) -> Held:
    """Tell what is at a place, by its bytes."""
    try:
        size = Path(path).stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return "absent"
    except OSError:
        return "unknown"
    if size != content.size:
        return "other"
    try:
        return "same" if content_of(path) == content else "other"
    except HyperstoreError:
        return "unknown"


def put_file(source: str, target: str, folder: str, content: Content, *, replace: bool) -> bool:
    """Write a file to its place; False where something is there already and stays.

    `folder` is the destination that the place is in. Its bytes are durable after that; its name is
    once `sync_names` was told the folder.
    """
    part = Path(folder) / _PARTS / new_id()
    final = Path(target)
    with _translated(target):
        try:
            _write(source, part, content)
            _make_folders(final.parent)
            return _publish(part, final, replace=replace)
        finally:
            with contextlib.suppress(OSError):
                part.unlink()


def sync_names(folders: Iterable[str]) -> None:
    """Make the names of files that were put into folders durable."""
    for folder in folders:
        with _translated(folder):
            sync_folder(Path(folder))


def tidy_folder(folder: str) -> None:
    """Take the folder of files on their way out of a destination, unless there are such files."""
    with contextlib.suppress(OSError):
        (Path(folder) / _PARTS).rmdir()


def _write(source: str, part: Path, content: Content) -> None:
    try:
        handle = _new_file(part)
    except FileNotFoundError:
        _make_folders(part.parent)
        handle = _new_file(part)
    try:
        for chunk in chunks_of(source, content):
            write_all(handle, chunk)
        os.fsync(handle)
    finally:
        os.close(handle)


def _new_file(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)


def _publish(part: Path, final: Path, *, replace: bool) -> bool:
    if replace:
        part.replace(final)
        return True
    try:
        os.link(part, final, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(final):
            return False
        part.replace(final)
    return True


def _make_folders(folder: Path) -> None:
    """Make a folder with those above it, and their names durable."""
    if folder.is_dir():
        return
    missing = [folder]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    folder.mkdir(parents=True, exist_ok=True)
    for one in missing:
        sync_folder(one.parent)


def _sweep(parts: Path) -> None:
    """Take away what killed processes left behind."""
    with contextlib.suppress(OSError):
        for one in parts.iterdir():
            if time.time() - one.stat().st_mtime > UPLOAD_LEFT_S:
                one.unlink()


@contextlib.contextmanager
def _translated(target: str) -> Iterator[None]:
    """Let what the system says out of a block as an error of ours."""
    with disk_errors(Path(target)):
        try:
            yield
        except HyperstoreError:
            raise
        except OSError as error:
            if error.errno not in _PASSING:
                raise
            raise Interrupted(f"{shown(target)}: {error.strerror}") from None
