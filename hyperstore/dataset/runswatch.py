"""Who is told what this process reads and writes: the recorder of its run, where it has one.

Reading a version, and moving refs, ask whether the list is empty, and that is all they cost where
nobody records.
"""

from collections.abc import Sequence
from typing import Protocol

from hyperstore.dataset.handle import Handle
from hyperstore.ids import ObjectId
from hyperstore.storage.reflog import Move

__all__ = ["WATCHERS", "Watcher", "current_run_id"]


class Watcher(Protocol):
    """What is told; neither call raises, and none is made inside of a transaction."""

    run_id: str

    def read(self, handle: Handle, dataset: str, version: str, state: ObjectId) -> None:
        """Take note that frames of a version were looked at, at a commit or a snapshot."""

    def moved(self, handle: Handle, moves: Sequence[Move]) -> None:
        """Take note that an operation is on disk."""


WATCHERS: list[Watcher] = []
"""At most one: the run of this process."""


def current_run_id() -> str:
    """Return the id of this process's run; empty where it has none."""
    return WATCHERS[0].run_id if WATCHERS else ""
