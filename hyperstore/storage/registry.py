"""The files that this process has open, each once, and what becomes of them in a fork.

Law: while the process forks, no thread opens or closes a file, and none is inside a read unless
it stays there for longer than FORK_WAIT_S.
"""

import os
import threading
from typing import Generic, Protocol, TypeVar

from hyperstore.storage.gate import Gate

__all__ = ["FileKey", "Registry"]

FileKey = tuple[int, int]  # Device and inode.


class Carried(Protocol):
    """What a fork carries over into the child."""

    gate: Gate

    def after_fork(self) -> None: ...


T = TypeVar("T", bound=Carried)


class Registry(Generic[T]):
    """What is open, by device and inode; whoever opens or closes holds `guard`."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.open: dict[FileKey, T] = {}
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before_fork,
                after_in_parent=self._after_in_parent,
                after_in_child=self._after_in_child,
            )

    def _before_fork(self) -> None:
        """Wait for who is reading, opening or closing in another thread, and keep them out."""
        for one in list(self.open.values()):
            one.gate.hold()
        self.guard.acquire()
        for one in self.open.values():  # Those opened meanwhile too.
            one.gate.hold()

    def _after_in_parent(self) -> None:
        for one in self.open.values():
            one.gate.let_go()
        self.guard.release()

    def _after_in_child(self) -> None:
        self.guard = threading.Lock()
        for one in list(self.open.values()):
            one.after_fork()
