"""A view is pinned: it is locked, and opened from a lock.

Whoever locks says how the view is resolved: it is done again where a draft went on meanwhile.
"""

import os
from collections.abc import Callable
from pathlib import Path

from hyperstore.dataset.handle import Handle
from hyperstore.errors import ConflictError, CorruptError, UsageError, a_type
from hyperstore.history.lock import LockRecord
from hyperstore.limits import LOCK_TRIES
from hyperstore.query.locks.lock import Lock, make_lock
from hyperstore.query.locks.lockfile import (
    StampedFile,
    WriteLock,
    beside,
    lock_file_at,
    names_file,
    read_lock_file,
    stamp_of,
)
from hyperstore.query.locks.lockstore import check_here, check_shown, find_lock, keep_lock
from hyperstore.query.versionsets.changes import revisions_of
from hyperstore.query.views import described
from hyperstore.query.views.origins import Pinned
from hyperstore.query.views.queries import ANY
from hyperstore.query.views.resolved import Resolved
from hyperstore.query.views.shown import shown
from hyperstore.query.views.spec import Spec, from_wire
from hyperstore.query.views.state import ViewState
from hyperstore.query.views.telling import tell_lock

__all__ = ["LockLike", "lock", "open_into", "open_lock", "stamp", "verify"]

LockLike = Lock | str | os.PathLike[str]
"""A lock, the path of its file, or its id, which may be cut to 6 digits."""

_Resolve = Callable[[], Resolved]


def lock(state: ViewState, resolve: _Resolve, path: object, *, commit: bool) -> Lock:
    """Pin what it shows now; keep that, and with a path write it to a file."""
    if path is None:
        return _kept(state, resolve, commit=commit)
    with lock_file_at(_path(path)) as write:
        return _kept(state, resolve, commit=commit, write=write)


def stamp(state: ViewState, resolve: _Resolve, path: object, *, commit: bool) -> Lock:
    """Pin what it shows now, and put that beside a file that was made of it."""
    place = _path(path)
    target = beside(place)
    file = stamp_of(place)
    with lock_file_at(target, file) as write:
        return _kept(state, resolve, commit=commit, file=file, write=write)


def _kept(
    state: ViewState,
    resolve: _Resolve,
    *,
    commit: bool,
    file: StampedFile | None = None,
    write: WriteLock | None = None,
) -> Lock:
    handle, made = state.handle, state.origin.lock
    if made is not None:
        keep_lock(handle, made, file, write)
    for left in reversed(range(LOCK_TRIES if made is None else 0)):
        try:
            seen = shown(state, resolve())
            made = make_lock(handle, seen, commit=commit, file=file, write=write)
            break
        except ConflictError:  # A draft went on between the two, and may rest now.
            if not left:
                raise
    assert made is not None
    tell_lock(state, made, made=True)
    return made


# Opened.


def open_into(state: ViewState, given: LockLike) -> None:
    """Let a new view show from now on what a lock names, and change no more."""
    handle = state.handle
    found = open_lock(handle, given)
    check_here(handle, found.record)
    state.become(from_wire(found.record.spec))  # Names in it, if any, are not looked up.
    _check_said(state.spec, found.record)
    if found.name:
        described.rename(state, found.name)
    state.origin = Pinned(found)


def verify(state: ViewState, resolve: _Resolve) -> None:
    """Find all frames of a view that was opened from a lock; CorruptError unless they fit."""
    pinned_by = state.origin.lock
    if pinned_by is None:
        raise UsageError("the view was not opened from a lock; DataView.from_lock does that")
    check_here(state.handle, pinned_by.record)
    check_shown(pinned_by.record, shown(state, resolve()))


def open_lock(handle: Handle, lock: LockLike) -> Lock:
    """Return a lock that is given as one, as a file, or by its id."""
    if isinstance(lock, Lock):
        return lock
    if not isinstance(lock, str | os.PathLike):
        raise UsageError(f"a lock is a Lock, the path of a file or an id, not {a_type(lock)}")
    text = os.fspath(lock)
    return Lock(read_lock_file(text).record) if names_file(text) else find_lock(handle, text)


def _check_said(spec: Spec, record: LockRecord) -> None:
    """Raise CorruptError unless a lock says of all that its view names which commit that is.

    What it does not say would be looked up in the store, as it is by now.
    """
    if len(spec.queries) != len(record.queries):
        raise CorruptError("the lock does not say of each query what it is asked of")
    since = {(one.dataset, one.revision) for one in record.since}
    for query, locked in zip(spec.queries, record.queries, strict=True):
        datasets = {record.versions[at].dataset for at in locked.versions}
        for text in revisions_of(query.condition()):
            if not since.issuperset((dataset, text) for dataset in datasets):
                raise CorruptError(f"the lock does not say which commit {text!a} is; lock anew")
        merged = {record.versions[at].dataset for at in locked.merged}
        if bool(merged) != (query.merge_with is not None and bool(datasets)) or merged - datasets:
            raise CorruptError(
                "the lock does not say what frames of a query are to be merged with; lock anew"
            )
    # What versions of any dataset are called stands in the lock: nothing of that is looked up.
    if any(one.dataset_name or (one.version_name and one.dataset_id != ANY) for one in spec.rules):
        raise CorruptError("the lock does not say for which versions its mapping is; lock anew")


def _path(path: object) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"a file is given by its path, not by {a_type(path)}")
    return Path(path)
