"""The record of this process's run: begun, kept up to date, and ended.

What a run reads and writes is noted in memory and recorded when a version is met for the first
time, so that a killed run has named what it touched; states that follow are recorded with the next
one, and at the end. Several processes may record one run: each merges its notes into the record.

Recording never fails a program. What goes wrong is said once in the log, and that is the end of it.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import NamedTuple

from hyperstore.codec import replace
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.runswatch import WATCHERS, call_at_end
from hyperstore.dataset.staging import Staging
from hyperstore.dataset.transact import Move, transact
from hyperstore.errors import HyperstoreError, MissingObjectError
from hyperstore.history.branches import RefReader, dataset_ref, head_of, read_commit, version_ref
from hyperstore.history.commit import DatasetRecord, VersionRecord, decode_record
from hyperstore.history.lock import LockRecord, commits_of_lock, encode_lock
from hyperstore.history.run import (
    RUNNING,
    Run,
    RunLock,
    Touched,
    Unpinned,
    encode_run,
    read_run,
    run_ref,
    with_locks,
    with_unpinned,
)
from hyperstore.ids import Kind, ObjectId, object_id
from hyperstore.limits import (
    RUN_LOCKS_MAX,
    RUN_SAVE_PAUSE_S,
    RUN_SAVES_AT_ONCE,
    RUN_STATES_MAX,
    RUN_TEXT_MAX,
    RUN_TOUCHED_MAX,
)
from hyperstore.storage.host import now_ms
from hyperstore.storage.reader import Reader

__all__ = ["Recorder"]

_Place = tuple[str, str]


@dataclass(slots=True)
class _Note:
    """What is known of one version, in order of time."""

    handle: Handle
    read: list[ObjectId] = field(default_factory=list)
    commits: list[ObjectId] = field(default_factory=list)
    working: ObjectId | None = None
    dataset_name: str = ""
    version_name: str = ""


class _NotedLock(NamedTuple):
    """A lock of a view that was iterated, and how it is stored."""

    noted: RunLock
    lock: LockRecord
    payload: bytes


class Recorder:
    """Records one run. `join` is for a process that belongs to a run which another one began."""

    def __init__(self, handle: Handle, run: Run) -> None:
        self.run_id = run.id
        self.run = run  # As it was recorded last.
        self.handle = handle
        self._notes: dict[_Place, _Note] = {}
        self._sent: dict[_Place, Touched] = {}  # What this process has recorded.
        self._locks: dict[str, _NotedLock] = {}
        self._unpinned: dict[Unpinned, None] = {}  # In order of time.
        self._lock = RLock()
        self._process = os.getpid()
        self._saves = 0
        self._saved_s = 0.0
        self._is_dirty = False
        self._is_lost = False  # Recording has failed.
        self._at_end: Callable[[], object] | None = None
        self._stores = {id(handle): handle}  # Those that notes are of.

    @classmethod
    def begin(cls, handle: Handle, run: Run) -> "Recorder":
        """Record a run that begins now, and watch what this process does."""
        made = cls(handle, run)
        staging = handle.staging()

        def prepare(_: RefReader) -> tuple[Sequence[Move], None]:
            return [Move(run_ref(run.id), None, staging.add(Kind.RUN, encode_run(run)))], None

        made._attempt(lambda: transact(handle, staging, f"begin run {run.name}", prepare))
        WATCHERS[:] = [made]
        return made

    @classmethod
    def join(cls, handle: Handle, run_id: str) -> "Recorder | None":
        """Go on recording a run of another process; None where it has ended, or is not there."""
        with handle.database.reading() as reader:
            found = read_run(reader, run_id)
        if found is None or found[1].status != RUNNING:
            return None
        made = cls(handle, found[1])
        WATCHERS[:] = [made]
        return made

    def ends_by(self, call: Callable[[], object]) -> None:
        """Say what ends or flushes it when the process ends, before its stores are closed."""
        self._at_end = call
        call_at_end(call)

    # What it is told.

    def read(self, handle: Handle, dataset: str, version: str, state: ObjectId) -> None:
        note = self._notes.get((dataset, version))
        if note is not None and note.read and note.read[-1] == state:
            return
        if note is not None and state in (note.working, *note.commits[-1:]):
            return  # It looks at what it wrote itself.
        with self._guarded():
            is_new = note is None or not note.read
            note = self._noted(handle, dataset, version)
            if note is not None:
                _append(note.read, state)
                self._changed(at_once=is_new)

    def moved(self, handle: Handle, moves: Sequence[Move]) -> None:
        written = [
            (move.name.split("/", 2), move.new)
            for move in moves
            if move.new is not None and move.name.startswith(("head/", "working/"))
        ]
        if not written:
            return
        with self._guarded():
            is_new = False
            for (what, dataset, version), new in written:
                note = self._noted(handle, dataset, version)
                if note is None:
                    continue
                is_new = is_new or (note.working is None and not note.commits)
                if what == "working":
                    note.working = new
                else:
                    _append(note.commits, new)
            self._changed(at_once=is_new)

    def locked(self, handle: Handle, lock: LockRecord, *, made: bool) -> None:
        payload = encode_lock(lock)
        lock_id = object_id(Kind.LOCK, payload).hex()
        noted = RunLock(lock_id, lock.view, made, self._other_store(handle))
        with self._guarded():
            known = self._locks.get(lock_id)
            if known is not None and known.noted.made >= made:
                return
            self._locks[lock_id] = _NotedLock(noted, lock, payload)
            self._changed(at_once=True)

    def unpinned(self, handle: Handle, view: str, frames: int, why: str) -> None:
        noted = Unpinned(why[:RUN_TEXT_MAX], view, frames, self._other_store(handle))
        with self._guarded():
            if noted not in self._unpinned and len(self._unpinned) < RUN_LOCKS_MAX:
                self._unpinned[noted] = None
                self._changed(at_once=True)

    def _other_store(self, handle: Handle) -> str:
        """Return the id of a store that is not the run's own; empty for that."""
        store = handle.database.store_id
        return "" if store == self.handle.database.store_id else store

    # What it writes.

    def update(self, change: Callable[[Run], Run]) -> None:
        """Replace the record by what `change` makes of it, with all that was noted so far."""
        with self._guarded():
            self._save(change)

    def end(self, status: str, error: str = "") -> None:
        """Record how the run ended, once, and watch no longer. Only its first process does that."""
        if self in WATCHERS:
            WATCHERS.remove(self)

        def ended(run: Run) -> Run:
            return replace(run, ended=now_ms(), error=error, status=status)

        self.update(ended)

    def flush(self) -> None:
        """Record what was noted since the last time."""
        if self._is_dirty:
            self.update(lambda run: run)

    def _guarded(self) -> RLock:
        if self._process != os.getpid():  # Forked: the lock may be held by a thread that is gone.
            self._process = os.getpid()
            self._lock = RLock()
            if self._at_end is not None:  # This worker's end is not that of the first process.
                call_at_end(self._at_end)
        return self._lock

    def _noted(self, handle: Handle, dataset: str, version: str) -> _Note | None:
        note = self._notes.get((dataset, version))
        if note is None and len(self._notes) < RUN_TOUCHED_MAX:
            note = self._notes[dataset, version] = _Note(handle)
            if id(handle) not in self._stores:
                self._stores[id(handle)] = handle
                if self._at_end is not None:  # Before this one is closed, too.
                    call_at_end(self._at_end)
        return note

    def _changed(self, *, at_once: bool) -> None:
        """Record a version that is new at once, but not for ever so many of them."""
        self._is_dirty = True
        rested = time.monotonic() - self._saved_s > RUN_SAVE_PAUSE_S
        if at_once and (self._saves < RUN_SAVES_AT_ONCE or rested):
            self._save(lambda run: run)

    def _save(self, change: Callable[[Run], Run]) -> None:
        if self._is_lost:
            self.run = change(self.run)
            return
        self._is_dirty = False
        self._saves += 1
        self._saved_s = time.monotonic()
        staging = self.handle.staging()

        def prepare(refs: RefReader) -> tuple[Sequence[Move], Run]:
            found = read_run(refs, self.run_id)
            if found is None:  # Somebody has removed it.
                return [], change(self.run)
            touched = self._merged(found[1].touched, noted)
            run = change(replace(found[1], touched=touched))
            run = with_locks(run, _stage_locks(refs, staging, list(self._locks.values())))
            run = with_unpinned(run, list(self._unpinned))
            new = staging.add(Kind.RUN, encode_run(run))
            return [Move(run_ref(self.run_id), found[0], new)], run

        def save() -> None:
            self.run = transact(self.handle, staging, f"record run {self.run.name}", prepare)

        noted: dict[_Place, Touched] = {}
        self._attempt(lambda: noted.update(self._touched()))
        if self._attempt(save):
            self._sent = noted
        else:  # This process knows it all the same.
            self.run = change(self.run)

    def _attempt(self, call: Callable[[], object]) -> bool:
        """Do what must not fail the program; say once what went wrong."""
        try:
            call()
        except HyperstoreError as error:
            if not self._is_lost:
                self._is_lost = True
                import logging  # Most processes do without.

                logging.getLogger("hyperstore").warning("this run is not recorded: %s", error)
            return False
        return True

    def _merged(self, recorded: Sequence[Touched], noted: dict[_Place, Touched]) -> list[Touched]:
        """Return what was recorded, this process's part of it replaced by what it knows now."""
        found = {(one.store, one.dataset, one.version): one for one in recorded}
        for place, now in noted.items():
            key = (now.store, *place)
            sent, before = self._sent.get(place), found.get(key)
            if before is None:
                found[key] = now
                continue
            read = _others(before.read, () if sent is None else sent.read)
            written = _others(before.written, () if sent is None else sent.written)
            found[key] = replace(
                now, read=_joined(read, now.read), written=_joined(written, now.written)
            )
        return list(found.values())[:RUN_TOUCHED_MAX]

    def _touched(self) -> Iterator[tuple[_Place, Touched]]:
        """Yield what was noted, as it is recorded."""
        for place, note in list(self._notes.items()):
            is_own = self._is_own(note)
            written = [bytes(one) for one in note.commits]
            read = [bytes(one) for one in note.read]
            more = [] if note.working is None else [bytes(note.working)]
            try:
                # Its own handle may have been closed by the program since.
                with (self.handle if is_own else note.handle).database.reading() as reader:
                    _learn_names(reader, place, note)
                    read = [_commit_or(reader, place, one) for one in note.read]
                    more = [_commit_or(reader, place, ObjectId(one)) for one in more]
            except HyperstoreError:
                if is_own:
                    raise
            touched = Touched(
                dataset=place[0],
                dataset_name=note.dataset_name,
                read=_joined([], read),
                store="" if is_own else note.handle.database.store_id,
                version=place[1],
                version_name=note.version_name,
                written=_joined(written, more),
            )
            yield place, touched

    def _is_own(self, note: _Note) -> bool:
        return note.handle.database.store_id == self.handle.database.store_id


def _stage_locks(refs: RefReader, staging: Staging, locks: Sequence[_NotedLock]) -> list[RunLock]:
    """Stage the locks of the run's own store, as far as their commits are still here."""
    found = []
    for one in locks:
        if not one.noted.store:
            try:
                for commit in commits_of_lock(one.lock):
                    refs.get(commit, Kind.COMMIT)
            except MissingObjectError:
                continue
            staging.add(Kind.LOCK, one.payload)
        found.append(one.noted)
    return found


def _learn_names(reader: Reader, place: _Place, note: _Note) -> None:
    """Take over what a version is called now; once it is deleted, what it was called stays."""
    dataset, version = reader.ref(dataset_ref(place[0])), reader.ref(version_ref(*place))
    if dataset is not None:
        record = decode_record(reader.get(dataset, Kind.RECORD), dataset)
        note.dataset_name = record.name if isinstance(record, DatasetRecord) else ""
    if version is not None:
        record = decode_record(reader.get(version, Kind.RECORD), version)
        note.version_name = record.name if isinstance(record, VersionRecord) else ""


def _commit_or(reader: Reader, place: _Place, state: ObjectId) -> bytes:
    """Return the version's newest commit where that recorded this very snapshot, else `state`."""
    head = head_of(reader, *place)
    is_head = head is not None and read_commit(reader, head).snapshot == state
    return bytes(head if is_head and head is not None else state)


def _append(states: list[ObjectId], new: ObjectId) -> None:
    """Add a state; where there are many, in the place of the last one."""
    if len(states) >= RUN_STATES_MAX:
        states.pop()
    if new not in states:
        states.append(new)


def _others(states: Iterable[bytes], own: Iterable[bytes]) -> list[bytes]:
    known = set(own)
    return [one for one in states if one not in known]


def _joined(first: Iterable[bytes], then: Iterable[bytes]) -> list[bytes]:
    """Return both, each state once, and of many the first ones and the last."""
    states = list(dict.fromkeys([*first, *then]))
    if len(states) > RUN_STATES_MAX:
        states = [*states[: RUN_STATES_MAX - 1], states[-1]]
    return states
