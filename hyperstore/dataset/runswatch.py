"""Who is told what this process reads and writes: the recorder of its run, where it has one.

Reading a version, and moving refs, ask whether the list is empty, and that is all they cost where
nobody records.
"""

import atexit
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from hyperstore.dataset.handle import Handle
from hyperstore.history.lock import LockRecord
from hyperstore.ids import ObjectId
from hyperstore.storage.reflog import Move

__all__ = ["RUN_VARIABLE", "WATCHERS", "Watcher", "call_at_end", "current_run_id"]

RUN_VARIABLE = "HYPERSTORE_RUN"
"""Names the run to processes that a program starts: its id, `:`, the folder of its store."""


class Watcher(Protocol):
    """What is told; neither call raises, and none is made inside of a transaction."""

    @property
    def run_id(self) -> str:
        """The id of the run; empty where it has none after all."""

    def read(self, handle: Handle, dataset: str, version: str, state: ObjectId) -> None:
        """Take note that frames of a version were looked at, at a commit or a snapshot."""

    def moved(self, handle: Handle, moves: Sequence[Move]) -> None:
        """Take note that an operation is on disk."""

    def locked(self, handle: Handle, lock: LockRecord, *, made: bool) -> None:
        """Take note that the frames of a lock are iterated, or with `made` that it was made."""

    def unpinned(self, handle: Handle, view: str, frames: int, why: str) -> None:
        """Take note that a view is iterated of which there is no lock, and why."""


WATCHERS: list[Watcher] = []
"""At most one: the run of this process."""


def current_run_id() -> str:
    """Return the id of this process's run; empty where it has none."""
    return WATCHERS[0].run_id if WATCHERS else ""


def call_at_end(call: Callable[[], object]) -> None:
    """Call something when this process ends, before what was registered so far; once only.

    Workers of multiprocessing that were forked end without what `atexit` knows.
    """
    atexit.unregister(call)
    atexit.register(call)
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize  # Loaded in every such worker.

        Finalize(None, call, exitpriority=0)
