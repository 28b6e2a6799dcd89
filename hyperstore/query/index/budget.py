"""How much of the index a process keeps in memory: the columns that it asked for last.

Columns are read and not mapped. A file that gets shorter under whoever has mapped it, as one does
that is copied over, ends the process by a signal, which no program can answer.
"""

import os
import threading
from collections import OrderedDict
from typing import Protocol
from weakref import ref

from hyperstore.limits import INDEX_HELD_BYTES

__all__ = ["Forgetful", "used"]

Key = tuple[str, str]


class Forgetful(Protocol):
    """What keeps columns until it is told to forget them."""

    def forget(self, key: Key) -> None:
        """Give up a column that it may have."""
        ...


class _Budget:
    """Which columns there are in memory, those used last behind all others, and their bytes."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.columns: OrderedDict[tuple[int, Key], tuple[ref[Forgetful], int]] = OrderedDict()
        self.size = 0

    def used(self, owner: Forgetful, key: Key, size: int) -> None:
        """Take note of a column that is used; those used longest ago go where it is too much."""
        with self.lock:
            own = id(owner), key
            self.size += size - self.columns.pop(own, (None, 0))[1]
            self.columns[own] = ref(owner), size
            while self.size > INDEX_HELD_BYTES and len(self.columns) > 1:
                (_, other), (held_by, size) = self.columns.popitem(last=False)
                self.size -= size
                holder = held_by()
                if holder is not None:
                    holder.forget(other)


_budget = _Budget()


def used(owner: Forgetful, key: Key, size: int) -> None:
    """Take note that a column of so many bytes is used; others may be forgotten for it."""
    _budget.used(owner, key, size)


if hasattr(os, "register_at_fork"):  # Its lock may be held by a thread that the child has not.
    os.register_at_fork(after_in_child=_budget.__init__)  # type: ignore[misc]
