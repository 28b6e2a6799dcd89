"""Readers come and go without waiting; whoever must be alone waits for them and keeps others out.

A reader says that it is in before it looks whether the gate is shut; who shuts the gate does so
before looking who is in. So one of the two always sees the other, and reading takes no lock.
"""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from threading import get_ident
from typing import Protocol

from hyperstore.errors import LockedError, UsageError
from hyperstore.limits import OWN_READERS_WAIT_S

__all__ = ["Gate", "LiveReader"]

_LOOK_AGAIN_S = 0.05  # A signal may be missed by a hair; nobody waits longer than this for it.


class LiveReader(Protocol):
    """A read in progress, told to begin again in the child of a fork."""

    def reopen(self) -> None: ...


class Gate:
    """The readers of one environment, each with its thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._readers: dict[LiveReader, int] = {}  # With their threads.
        self._shut = False
        self._moved = threading.Condition()

    def enter(self, reader: LiveReader) -> None:
        """Let `reader` in, as soon as nobody needs to be alone."""
        while True:
            self._readers[reader] = get_ident()
            if not self._shut:
                return
            self.leave(reader)
            with self._moved:
                self._moved.wait_for(lambda: not self._shut, _LOOK_AGAIN_S)

    def leave(self, reader: LiveReader) -> None:
        """Forget `reader`; one who is not in (it came before a fork) is no matter."""
        self._readers.pop(reader, None)
        if self._shut:
            with self._moved:
                self._moved.notify_all()

    def readers_of(self, thread: int) -> list[LiveReader]:
        """Return the readers that this thread let in."""
        return [reader for reader, owner in list(self._readers.items()) if owner == thread]

    def is_empty(self) -> bool:
        """Tell whether nobody reads."""
        return not self._readers

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep readers out and wait until the last one left. One caller at a time."""
        self._shut = True
        try:
            if self.readers_of(get_ident()):
                raise UsageError(
                    f"{self._folder}: this thread is inside a read, and the map must change. "
                    "End the read before the write begins"
                )
            with self._moved:
                end = OWN_READERS_WAIT_S / _LOOK_AGAIN_S
                while self._readers and end > 0:
                    self._moved.wait(_LOOK_AGAIN_S)
                    end -= 1
            if self._readers:
                raise LockedError(
                    f"{self._folder}: the map must change, and a read of this process stays "
                    "open. End it and retry"
                )
            yield
        finally:
            self._shut = False
            with self._moved:
                self._moved.notify_all()
