"""What is asked of the operating system, each call with an answer where it does not know.

Everything that only Linux (or only POSIX) can say sits here, so that the rest of the package
runs elsewhere: an unknown mount counts as a local one, a folder that cannot be synced is left to
the file system, and where there are no locks, nobody is kept out.
"""

import contextlib
import errno
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":  # Which has no advisory locks of this kind.
    import fcntl

__all__ = [
    "allocate",
    "clone_file",
    "detach_mapping",
    "file_lock",
    "folder_lock",
    "free_bytes",
    "lengthen_file",
    "lock_handle",
    "now_ms",
    "process_lives",
    "process_started",
    "running_system",
    "sync_folder",
    "unsafe_place",
    "write_all",
]

_NETWORK_TYPES = frozenset(
    (
        *("9p", "afs", "acfs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs", "gfs2"),
        *("glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs"),
        *("pvfs2", "smb", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"),
    )
)
# What FUSE serves from this machine's own disk; all else behind FUSE is taken for remote.
_LOCAL_FUSE = frozenset(("fuse.lxcfs", "fuse.fuse-overlayfs", "fuse.mergerfs", "fuse.bindfs"))
_CLOUD_MARKERS = (".dropbox", ".dropbox.cache", ".tmp.driveupload", ".tmp.drivedownload")
_CLOUD_FOLDERS = re.compile(
    r"^(dropbox( \(.*\))?|onedrive( ?- ?.*)?|google ?drive|googledrive-.*|my drive|"
    r"icloud ?drive|com~apple~clouddocs|nextcloud|owncloud)$",
    re.IGNORECASE,
)
_FICLONE = 0x40049409  # Of linux/fs.h.
_ESCAPED = re.compile(r"\\([0-7]{3})")


def now_ms() -> int:
    """Return the time in milliseconds since 1970, UTC; 0 for a clock before that."""
    return max(0, time.time_ns() // 1_000_000)


def running_system() -> str:
    """Return what this system calls itself from one start to the next, and its space of process
    numbers: `boot:space`. Empty where nobody knows.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}:{Path('/proc/self/ns/pid').stat().st_ino}"
    except (OSError, ValueError):
        return ""


def process_started(pid: int) -> int:
    """Return when a process began, in ticks of this system; 0 where nobody knows."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return int(line.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


def process_lives(system: str, pid: int, started: int) -> bool | None:
    """Tell whether a process of a system still lives; None where it cannot be seen from here."""
    here = running_system()
    if here != system:
        return None  # Its number may mean another process here.
    if here and started:
        return process_started(pid) == started
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError, ValueError):
        return True
    return True


def unsafe_place(folder: Path) -> str | None:
    """Say why `folder` is no place for a database that is mapped and locked, or None.

    Network file systems neither lock nor map as LMDB needs; programs that copy a folder to a
    cloud copy a database in the middle of a write.
    """
    path = Path(os.path.realpath(folder))
    kind = _mount_type(path)
    if kind is not None and _is_remote(kind):
        return f"a network file system ({kind})"
    for parent in (path, *path.parents):
        if _CLOUD_FOLDERS.match(parent.name):
            return f"inside {parent}, a folder that is synchronised with a cloud"
        if any((parent / marker).exists() for marker in _CLOUD_MARKERS):
            return f"inside {parent}, a folder that is synchronised with a cloud"
    return None


def _is_remote(kind: str) -> bool:
    if kind == "fuse" or kind.startswith("fuse."):
        return kind not in _LOCAL_FUSE
    return kind in _NETWORK_TYPES


def _mount_type(path: Path, mounts: str = "/proc/self/mountinfo") -> str | None:
    """Return the file system type of the mount that holds the absolute `path`, or None."""
    try:
        lines = Path(mounts).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    best, kind = -1, None
    for line in lines:
        before, dash, after = line.partition(" - ")
        fields = before.split(" ")
        if not dash or len(fields) < 5:
            continue
        point = _ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), fields[4])
        # Of mounts on one point the last one listed lies on top.
        if len(point) >= best and path.is_relative_to(point):
            best, kind = len(point), after.split(" ")[0]
    return kind


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable, as far as the file system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # Some file systems refuse folders.
            raise
    finally:
        os.close(handle)


def write_all(handle: int, data: bytes) -> None:
    """Write all bytes to an open file, which takes fewer of them at once on a full disk only, or
    where a signal comes between.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold `folder` against every other process that calls this; dropped if the process dies."""
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # Where there are no locks, LMDB's own must do.
            fcntl.flock(handle, fcntl.LOCK_EX)
        with _unlocked_at_end(handle):
            yield
    finally:
        os.close(handle)


def lock_handle(handle: int, *, exclusive: bool, wait: bool = True) -> bool:
    """Lock an open file against other openings of it; say whether it is locked now.

    A forked child shares the lock with its parent; it ends when all of them have closed the file.
    On failure to change a lock, the one that was held may be gone. Where the file system has no
    locks, the answer is yes.
    """
    if sys.platform == "win32":
        return True
    how = (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB)
    try:
        fcntl.flock(handle, how)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in {errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS}:
            raise
    return True


@contextlib.contextmanager
def file_lock(path: Path, *, exclusive: bool = True, wait: bool = False) -> Iterator[bool]:
    """Try to lock a file, made if need be, against whoever else tries; tell whether it is ours."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        taken = lock_handle(handle, exclusive=exclusive, wait=wait)
        with _unlocked_at_end(handle):
            yield taken
    finally:
        os.close(handle)


@contextlib.contextmanager
def _unlocked_at_end(handle: int) -> Iterator[None]:
    """Drop the lock of an open file at the end, also where a child that was forked meanwhile shares
    it: that one would hold it for as long as it lives. The child itself drops nothing.
    """
    process = os.getpid()
    try:
        yield
    finally:
        if sys.platform != "win32" and os.getpid() == process:
            with contextlib.suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_UN)


def clone_file(source: int, target: int) -> bool:
    """Let one open file have the blocks of another until either is written to; say whether it does.

    Both lie on one file system that can, such as btrfs or XFS. An error of a full disk comes out.
    """
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO}:
            raise
        return False
    return True


def free_bytes(folder: Path) -> int | None:
    """Return how many bytes a plain user may still write below `folder`, or None."""
    try:
        stat = os.statvfs(folder)
    except (OSError, AttributeError):
        return None
    return stat.f_bavail * stat.f_frsize


def allocate(path: Path, size: int) -> None:
    """Give the file, made if need be, blocks for its first `size` bytes, or raise OSError.

    A mapped file with holes is SIGBUS where the disk is full when one of them is first written.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        os.posix_fallocate(handle, 0, size)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}:
            raise
    finally:
        os.close(handle)


def lengthen_file(path: Path, wanted: int) -> None:
    """Allocate what the file lacks to `wanted` bytes, and as much again; content stays.

    Where the system or the disk has nothing to give, the file stays as it is.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    with contextlib.suppress(OSError):
        size = path.stat().st_size
        if size < wanted:
            handle = os.open(path, os.O_RDWR)
            try:
                os.posix_fallocate(handle, size, 2 * (wanted - size))
            finally:
                os.close(handle)


def detach_mapping(path: Path) -> bool:
    """Give this process a private copy of its shared mapping of `path`; say whether it did.

    A forked child inherits LMDB's reader table as shared memory, and closing the inherited
    environment would clear the slots of its parent's living readers, whose pages a writer would
    then reuse under them (seen, not guessed). Mapped over with a private copy, the table of the
    parent stays as it is.
    """
    found = _mapping_of(path)
    if found is None:
        return False
    import ctypes  # Wanted by children of a fork inside a read, and by nobody else.

    start, length, handle = found
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        libc.mmap.argtypes = [
            ctypes.c_void_p,
            ctypes.c_size_t,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_long,
        ]
        read_write, private_fixed = 0x1 | 0x2, 0x02 | 0x10
        return bool(libc.mmap(start, length, read_write, private_fixed, handle, 0) == start)
    finally:
        os.close(handle)


def _mapping_of(path: Path) -> tuple[int, int, int] | None:
    """Return address, length and an open handle of the mapping of `path` in this process."""
    try:
        wanted = path.stat()
        lines = Path("/proc/self/maps").read_bytes().splitlines()
    except OSError:
        return None
    for line in lines:
        fields = line.split(None, 5)
        if len(fields) < 6 or int(fields[4]) != wanted.st_ino or b"s" not in fields[1]:
            continue
        low, _, high = fields[0].partition(b"-")
        start = int(low, 16)
        return start, int(high, 16) - start, os.open(path, os.O_RDWR)
    return None
