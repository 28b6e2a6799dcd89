"""What the run of this process is told of a view: its lock, or why it has none."""

from contextlib import suppress

from hyperstore.dataset.runswatch import WATCHERS
from hyperstore.errors import HyperstoreError
from hyperstore.query.locks.lock import Lock, lock_of
from hyperstore.query.views.resolved import Resolved
from hyperstore.query.views.shown import shown
from hyperstore.query.views.state import ViewState

__all__ = ["tell_lock", "tell_read"]


def tell_lock(state: ViewState, lock: Lock, *, made: bool = False) -> None:
    """Tell of the lock of what is iterated, or with `made` that it was made."""
    for watcher in WATCHERS:
        watcher.locked(state.handle, lock.record, made=made)


def tell_read(state: ViewState, found: Resolved) -> None:
    """Tell that somebody is about to read frames: once, as long as they are the same ones."""
    if not WATCHERS:
        return
    key = (state.wire(), found.state)
    if state.told != key:
        state.told = key
        with suppress(HyperstoreError):  # Recording never fails a program.
            _tell(state, found)


def _tell(state: ViewState, found: Resolved) -> None:
    lock = state.origin.lock
    if lock is None:
        seen = shown(state, found)
        try:
            lock = lock_of(state.handle, seen)
        except HyperstoreError as error:  # A draft has edits that no commit has, or went on.
            why = str(error).partition(";")[0]  # Without what might be done.
            for watcher in WATCHERS:
                watcher.unpinned(state.handle, seen.name, seen.count, why)
            return
    tell_lock(state, lock)
