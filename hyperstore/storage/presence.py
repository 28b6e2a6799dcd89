"""Who has a database open: every process holds one lock, shared, until it closes the file.

Whoever must have the database to itself asks for the same lock alone, and gets it only where no
other process has the database open. A forked child lets go of what it inherited and takes a lock
of its own when it first reads. Where the folder cannot be written to and no lock file is there,
nothing is held: nobody without more rights can change the file either.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from hyperstore.errors import LockedError
from hyperstore.limits import SOLE_USER_WAIT_S
from hyperstore.storage import host

__all__ = ["USE_FILE", "Presence"]

USE_FILE = "use.lock"
_LOOK_AGAIN_S = 0.02


class Presence:
    """The lock of one process on one database, shared unless inside `alone`."""

    def __init__(self, folder: Path) -> None:
        """Wait for who has the database to itself; LockedError after SOLE_USER_WAIT_S."""
        self._folder = folder
        self._handle = _opened(folder / USE_FILE)
        try:
            self._share()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go, unless a forked child still has the file; safe to repeat."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            os.close(handle)

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self.close()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out; LockedError where one is in."""
        if self._handle is None:
            raise LockedError(f"{self._folder} cannot be locked: make it writable for this user")
        try:
            if not host.lock_handle(self._handle, exclusive=True, wait=False):
                raise LockedError(
                    f"{self._folder} is open in another process, and this needs it alone. "
                    "Close the store there, then retry"
                )
            yield
        finally:
            self._share()

    def _share(self) -> None:
        if self._handle is None:
            return
        end = time.monotonic() + SOLE_USER_WAIT_S
        while not host.lock_handle(self._handle, exclusive=False, wait=False):
            if time.monotonic() > end:
                raise LockedError(
                    f"{self._folder}: another process has it to itself, to prune or compact it. "
                    "Wait for its end, then retry"
                )
            time.sleep(_LOOK_AGAIN_S)


def _opened(path: Path) -> int | None:
    """Return the open lock file, made if it can be; None where there is none."""
    for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        with contextlib.suppress(OSError):
            return os.open(path, flags, 0o644)
    return None
