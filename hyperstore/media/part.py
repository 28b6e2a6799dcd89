"""A file while it is being downloaded, and the room that it may take."""

import contextlib
import os
import random
import socket
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from hyperstore.errors import MediaError
from hyperstore.limits import FETCH_BACKOFF_S, FETCH_BACKOFF_S_MAX
from hyperstore.storage.host import write_all
from hyperstore.storage.translation import disk_errors

__all__ = [
    "Ended",
    "Interrupted",
    "Part",
    "check_wanted",
    "ends_with",
    "pause",
    "pause_s",
    "waits_on",
]


class Ended:
    """Whether a call is over. Threads that work for it are told, and wait for no answer then."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._waiting: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    @property
    def is_set(self) -> bool:
        """Whether it is over."""
        return self._event.is_set()

    def set(self) -> None:
        """Say that it is over."""
        self._event.set()
        with self._lock:
            for one in self._waiting:
                _hear_no_more(one)

    def wait(self, seconds: float) -> None:
        """Wait so long, or until it is over."""
        self._event.wait(seconds)

    def cuts(self, connection: socket.socket) -> None:
        """Let a connection bring nothing more from then on; what is being sent goes on."""
        with self._lock:
            self._waiting.add(connection)
        if self.is_set:
            _hear_no_more(connection)


def _hear_no_more(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # It has ended by itself.
        # By the class: that of an encrypted one would take the encryption off while it is read.
        socket.socket.shutdown(connection, socket.SHUT_RD)


class _Own(threading.local):
    """What the work of one thread is for."""

    ended: Ended | None = None


_own = _Own()


def ends_with(ended: Ended) -> None:
    """Let what this thread fetches and copies end soon after an event: the call that asked is over.

    For threads of a pool, which Ctrl-C does not reach.
    """
    _own.ended = ended


def check_wanted(name: str) -> None:
    """Raise MediaError where nobody waits for what this thread does."""
    if _own.ended is not None and _own.ended.is_set:
        raise MediaError(f"{name} is given up, as the call that asked for it has ended")


def waits_on(connection: socket.socket) -> None:
    """Let what this thread waits for at a connection end with the call that asked for it."""
    if _own.ended is not None:
        _own.ended.cuts(connection)


def pause(tried: int) -> None:
    """Wait before the next try, unless nobody waits for it."""
    if _own.ended is None:
        time.sleep(pause_s(tried))
    else:
        _own.ended.wait(pause_s(tried))


class Interrupted(MediaError):
    """What failed in a way that may pass, so that it is tried again after a pause."""


def pause_s(tried: int) -> float:
    """Return how long to wait after so many tries and one: longer each time, up to a limit, and
    never quite the same, so that those who failed together do not come back together.
    """
    longest = min(FETCH_BACKOFF_S_MAX, FETCH_BACKOFF_S * 2.0**tried)
    return longest * random.uniform(0.5, 1.0)


class Part:
    """The beginning of a file, at a path where nobody looks for it."""

    def __init__(self, handle: int, path: Path, make_room: Callable[[int, int], None]) -> None:
        self.path = path
        self.size = 0
        self._handle = handle
        self._make_room = make_room  # For a file of this size, of which so much is to come.
        self._granted = 0  # Up to this size, room was found.

    def expect(self, size: int | None) -> None:
        """Find room for the whole file before its bytes come; None where nobody knows its size."""
        if size is not None and size > self.size:
            self._grant(size)

    def write(self, data: bytes) -> None:
        """Append bytes; DiskFullError where there is no room for them."""
        check_wanted(self.path.name)
        if self.size + len(data) > self._granted:
            self._grant(self.size + len(data))
        with disk_errors(self.path):
            write_all(self._handle, data)
        self.size += len(data)

    def restart(self) -> None:
        """Forget what has come so far."""
        with disk_errors(self.path):
            os.ftruncate(self._handle, 0)
            os.lseek(self._handle, 0, os.SEEK_SET)
        self.size = self._granted = 0

    def sync(self) -> None:
        """See all bytes to the disk."""
        with disk_errors(self.path):
            os.fsync(self._handle)

    def _grant(self, size: int) -> None:
        self._make_room(size, size - self.size)
        self._granted = size
