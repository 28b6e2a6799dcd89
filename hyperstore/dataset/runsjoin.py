"""Worker processes of a run: they record into it, though nobody has told them of tasks.

Loaded only in a process whose environment names a run, and joined when it first reads or writes.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from hyperstore.dataset.handle import Handle, shared
from hyperstore.dataset.opening import open_handle
from hyperstore.dataset.runsrecorder import Recorder
from hyperstore.dataset.runswatch import RUN_VARIABLE, WATCHERS
from hyperstore.errors import HyperstoreError
from hyperstore.history.lock import LockRecord
from hyperstore.ids import ObjectId
from hyperstore.storage.reflog import Move

__all__ = ["expect_run", "join_run"]


def expect_run() -> None:
    """Watch this process for the run that its environment names."""
    if not WATCHERS and os.environ.get(RUN_VARIABLE):
        WATCHERS.append(_Expected())


def join_run() -> Recorder | None:
    """Return the recorder of the run that the environment names, while that goes on."""
    run_id, _, folder = os.environ.get(RUN_VARIABLE, "").partition(":")
    for one in WATCHERS:
        if isinstance(one, Recorder) and one.run_id == run_id:
            return one
    if not folder:
        return None
    try:
        handle = shared(Path(folder))
        if handle is None:
            handle = open_handle(folder, readonly=False, allow_network=False)
        recorder = Recorder.join(handle, run_id)
    except HyperstoreError:
        return None
    if recorder is not None:
        recorder.ends_by(recorder.flush)
    return recorder


class _Expected:
    """Gives its place to the recorder of the run, or to nobody, at the first thing it is told."""

    @property
    def run_id(self) -> str:
        found = self._joined()
        return "" if found is None else found.run_id

    def read(self, handle: Handle, dataset: str, version: str, state: ObjectId) -> None:
        found = self._joined()
        if found is not None:
            found.read(handle, dataset, version, state)

    def moved(self, handle: Handle, moves: Sequence[Move]) -> None:
        found = self._joined()
        if found is not None:
            found.moved(handle, moves)

    def locked(self, handle: Handle, lock: LockRecord, *, made: bool) -> None:
        found = self._joined()
        if found is not None:
            found.locked(handle, lock, made=made)

    def unpinned(self, handle: Handle, view: str, frames: int, why: str) -> None:
        found = self._joined()
        if found is not None:
            found.unpinned(handle, view, frames, why)

    def _joined(self) -> Recorder | None:
        found = join_run()
        if self in WATCHERS:  # Else the recorder stands there already.
            WATCHERS.remove(self)
        return found
