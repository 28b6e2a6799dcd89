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
from hyperstore.limits import FORK_WAIT_S, OWN_READERS_WAIT_S

__all__ = ["Gate", "LiveReader", "LiveWriter"]

_LOOK_AGAIN_S = 0.05  # A signal may be missed by a hair; nobody waits longer than this for it.


class LiveReader(Protocol):
    """A read in progress, told to begin again in the child of a fork."""

    def reopen(self) -> None: ...


class LiveWriter(Protocol):
    """A write in progress, told to let go of it in the child of a fork."""

    def void(self) -> object: ...


class Gate:
    """The readers of one environment, each with its thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._readers: dict[LiveReader, int] = {}  # With their threads.
        self._shut = False
        self._held = False
        self._moved = threading.Condition()

    def enter(self, reader: LiveReader) -> None:
        """Let `reader` in, as soon as nobody needs to be alone."""
        while True:
            self._readers[reader] = get_ident()
            if not (self._shut or self._held):
                return
            self.leave(reader)
            if self.readers_of(get_ident()):  # Who is in already is waited for, and may go on.
                self._readers[reader] = get_ident()
                return
            with self._moved:
                self._moved.wait_for(lambda: not (self._shut or self._held), _LOOK_AGAIN_S)

    def leave(self, reader: LiveReader) -> None:
        """Forget `reader`; one who is not in (it came before a fork) is no matter."""
        self._readers.pop(reader, None)
        if self._shut or self._held:
            with self._moved:
                self._moved.notify_all()

    def hold(self) -> None:
        """Before a fork or the end: let the other threads' readers end, and none begin.

        A thread that is inside the engine while the process forks never comes out of it in the
        child, and closing the file there would wait for it for ever (seen, not guessed).
        """
        self._held = True
        with self._moved:
            end = FORK_WAIT_S / _LOOK_AGAIN_S
            while self.others_read() and end > 0:
                self._moved.wait(_LOOK_AGAIN_S)
                end -= 1

    def let_go(self) -> None:
        """After that, in the parent of a fork."""
        self._held = False
        with self._moved:
            self._moved.notify_all()

    def others_read(self) -> bool:
        """Tell whether another thread is inside a read."""
        return any(owner != get_ident() for owner in list(self._readers.values()))

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
