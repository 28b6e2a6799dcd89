"""The part of a DataView that is pinned: it is locked, and opened from a lock.

A view that was opened from a lock shows the frames of the commits that the lock names, whatever
has become of their versions, and does not change; `clone()` gives one that does.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Self

from hyperstore.dataset.arguments import documented
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.runswatch import WATCHERS
from hyperstore.dataset.view import View
from hyperstore.errors import ConflictError, CorruptError, HyperstoreError, UsageError, a_type
from hyperstore.frames.home import Home
from hyperstore.history.lock import LockedVersion, LockRecord
from hyperstore.ids import CommitId, ObjectId
from hyperstore.limits import LOCK_BEGINS, LOCK_TRIES
from hyperstore.query import checks
from hyperstore.query.iteration.iterator import FrameIterator, Iteration
from hyperstore.query.language.condition import Field, Leaf, Scope, Term
from hyperstore.query.language.parser import parse, roi_node
from hyperstore.query.language.writer import text_of
from hyperstore.query.locks.lock import Lock, Shown, lock_of, make_lock
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
from hyperstore.query.order import IterationOrder
from hyperstore.query.selection.frameids import frame_ids
from hyperstore.query.selection.selection import Part, Selection
from hyperstore.query.versionsets.changes import commit_or_snapshot, revisions_of, settled
from hyperstore.query.views.described import StoreLike
from hyperstore.query.views.kept import Kept
from hyperstore.query.views.mapping import MappingRule
from hyperstore.query.views.queries import ANY
from hyperstore.query.views.reading import Resolved
from hyperstore.query.views.shape import Shape
from hyperstore.query.views.spec import Spec, Wire, canonical

__all__ = ["LockLike", "Locking", "open_lock"]

LockLike = Lock | str | os.PathLike[str]
"""A lock, the path of its file, or its id, which may be cut to 6 digits."""

_NOT_PINNED = ("description", "name", "project", "tags")  # What a lock does not say.
_TEXTS = {"frame_query": Scope.FRAME, "sources_query": Scope.SOURCE}


@dataclass(frozen=True)  # Without slots, which would take `super` away.
class _Settled(Resolved):
    """Queries and versions, with what the revisions mean with which queries compare."""

    revisions: Mapping[tuple[str, str], ObjectId] = field(default_factory=dict)

    @property
    def state(self) -> tuple[tuple[str, ...], ...]:
        meant = tuple(f"{text} {oid.hex()}" for (_, text), oid in sorted(self.revisions.items()))
        return (*super().state, meant)

    def parts(self, weights: Sequence[Sequence[float]] | None = None) -> list[Part]:
        def meant(dataset_id: str, text: str) -> str:
            return self.revisions[dataset_id, text].hex()

        return [
            one._replace(condition=settled(one.condition, one.view.home.dataset_id, meant))
            for one in super().parts(weights)
        ]


class Locking(Kept):
    """A view that can be locked, and opened from a lock."""

    _lock: Lock | None = None
    _told: tuple[object, ...] = ()  # What this process, or the one before, told its run.

    @documented
    def lock(self, path: str | os.PathLike[str] | None = None, commit: bool = False) -> Lock:
        """Pin the frames that the view has now, by commits; keep that, and write it to a file.

        The store keeps what a lock names for as long as it keeps the lock. RefusedError where a
        draft has edits that no commit has, unless `commit`, which commits them with the lock.
        """
        if path is None:
            return self._kept(commit=commit)
        with lock_file_at(_path(path)) as write:
            return self._kept(commit=commit, write=write)

    @documented
    def stamp(self, path: str | os.PathLike[str], commit: bool = False) -> Lock:
        """Lock the view, and put that beside a file that was made of it, such as a model.

        The file is then known by its content: `hyperstore which` says what it was made of.
        """
        place = _path(path)
        target = beside(place)
        file = stamp_of(place)
        with lock_file_at(target, file) as write:
            return self._kept(commit=commit, file=file, write=write)

    @classmethod
    @documented
    def from_lock(cls, lock: LockLike, verify: bool = True, *, store: StoreLike = None) -> Self:
        """Return the view that was locked: the same frames in the same order, for good.

        `lock` is a lock, the path of its file, or its id. With `verify` all its frames are found
        and held against it; without, only that its commits are here. MissingObjectError says which
        are not, CorruptError what does not hold.
        """
        made = cls._bare(store)
        handle = made._store_handle()
        found = open_lock(handle, lock)
        check_here(handle, found.record)
        made._take_spec(found.record.spec)
        _check_said(made._spec, found.record)
        if found.name:
            made.name = found.name
        made._lock = found
        if verify:
            made.verify_lock()
        return made

    @property
    def locked(self) -> Lock | None:
        """The lock that it was opened from."""
        return self._lock

    def verify_lock(self) -> None:
        """Find all frames of a view that was opened from a lock; CorruptError unless they fit."""
        if self._lock is None:
            raise UsageError("the view was not opened from a lock; DataView.from_lock does that")
        check_here(self._store_handle(), self._lock.record)
        check_shown(self._lock.record, self._shown())

    # How that is so.

    def _kept(
        self, *, commit: bool, file: StampedFile | None = None, write: WriteLock | None = None
    ) -> Lock:
        handle, lock = self._store_handle(), self._lock
        if lock is not None:
            keep_lock(handle, lock, file, write)
        for left in reversed(range(LOCK_TRIES if lock is None else 0)):
            try:
                lock = make_lock(handle, self._shown(), commit=commit, file=file, write=write)
                break
            except ConflictError:  # A draft went on between the two, and may rest now.
                if not left:
                    raise
        assert lock is not None
        if WATCHERS:
            self._tell(lock, made=True)
        return lock

    def resolve(self) -> Resolved:
        handle = self._store_handle()
        if self._lock is None:
            found = super().resolve()
            named = {
                (view.home.dataset_id, text)
                for query, views in zip(found.queries, found.views, strict=True)
                for text in revisions_of(query.condition())
                for view in views
            }
            revisions = {one: commit_or_snapshot(handle, *one) for one in sorted(named)}
        else:
            record = self._lock.record
            views = [_view(handle, one) for one in record.versions]
            found = Resolved(
                tuple(self._spec.queries),
                tuple(tuple(views[at] for at in one.versions) for one in record.queries),
            )
            revisions = {(one.dataset, one.revision): ObjectId(one.commit) for one in record.since}
        return _Settled(found.queries, found.views, revisions) if revisions else found

    def _mapping(self) -> tuple[MappingRule, ...]:
        return super()._mapping() if self._lock is None else tuple(self._spec.rules)

    def _newer(self, found: Resolved) -> list[Mapping[str, View]]:
        if self._lock is None:
            return super()._newer(found)
        handle, record = self._store_handle(), self._lock.record
        return [
            {
                version.dataset: _view(handle, version)
                for version in map(record.versions.__getitem__, one.merged)
            }
            for one in record.queries
        ]

    def _edit(self, change: Callable[[Spec], object]) -> None:
        if self._lock is not None:
            raise UsageError(
                f"the view is pinned by lock {self._lock.id[:12]}; clone() it and change that"
            )
        super()._edit(change)

    def _pin_found(self) -> None:
        if self._lock is None:
            super()._pin_found()

    def _shown(self) -> Shown:
        """Return all that a lock says of the view as it is now."""
        found = self.resolve()
        self._spec.rules = list(self._mapping())  # A lock names versions by their ids.
        count = self._counted(found)
        handle = self._store_handle()
        if self._spec.output_rois == checks.ALL_IN_FRAME:
            whole = self._selected(found)
        else:
            whole = Selection(handle, found.parts())

        return Shown(
            name=self.name or "",
            spec=_pinned_spec(self.spec(), self.iteration),
            queries=found.views,
            counts=count.queries,
            count=int(count),
            ids=partial(frame_ids, whole),
            begins=self._beginning(found),
            revisions=found.revisions if isinstance(found, _Settled) else {},
            merged=[list(one.values()) for one in self._newer(found)],
        )

    def _beginning(self, found: Resolved) -> list[str]:
        """Return the ids of the first frames that an iteration gives, where it shuffles."""
        iteration = self.iteration
        if iteration.order == IterationOrder.sequential:
            return []
        frames = FrameIterator(self._selected(found), iteration)
        return [frame.id for frame in islice(frames, LOCK_BEGINS)]

    # What its run is told.

    def _shaped(self, found: Resolved) -> Shape:
        if WATCHERS:  # Somebody is about to read frames.
            key = (self.spec(), found.state)
            if self._told != key:
                self._told = key
                lock = self._lock
                with suppress(HyperstoreError):  # Recording never fails a program.
                    self._tell(lock or lock_of(self._store_handle(), self._shown()))
        return super()._shaped(found)

    def _tell(self, lock: Lock, *, made: bool = False) -> None:
        for watcher in WATCHERS:
            watcher.locked(self._store_handle(), lock.record, made=made)


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
    if any(one.dataset_name or one.version_name for one in spec.rules):
        raise CorruptError("the lock does not say for which versions its mapping is; lock anew")


def _path(path: object) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"a file is given by its path, not by {a_type(path)}")
    return Path(path)


def _view(handle: Handle, version: LockedVersion) -> View:
    """Return the frames of a commit; its version may be gone, and is named as it was."""
    commit_id = CommitId(ObjectId(version.commit))
    snapshot = handle.snapshot(handle.commit(commit_id).snapshot)  # type: ignore[arg-type]
    home = Home(
        store=str(handle.folder),
        dataset_id=version.dataset,
        dataset_name=version.dataset_name,
        version_id=version.version,
        version_name=version.version_name,
        commit=commit_id.hex(),
        foreign=handle.database.trust == "foreign",
    )
    for watcher in WATCHERS:
        watcher.read(handle, version.dataset, version.version, commit_id)
    return View(handle, snapshot, home)


def _pinned_spec(spec: Wire, iteration: Iteration) -> Wire:
    """Return a view as a lock holds it: without its name, queries in their canonical text.

    A seed that nobody gave is said, so that no release may take another one.
    """
    said = {name: value for name, value in spec.items() if name not in _NOT_PINNED}
    if iteration.order != IterationOrder.sequential:
        said["iteration"] = {**_map(said.get("iteration")), "random_seed": iteration.seed}
    filters = said.get("filters")
    assert isinstance(filters, list)
    said["filters"] = [_pinned_filter(one) for one in filters]
    return canonical(said)


def _map(value: object) -> Wire:
    return value if isinstance(value, dict) else {}


def _pinned_filter(query: Wire) -> Wire:
    said = dict(query)
    for name, scope in _TEXTS.items():
        text = said.get(name)
        if isinstance(text, str) and text.strip() not in ("", ANY):
            said[name] = text_of(parse(text, scope), scope)
    rules = said.get("label_rules")
    if isinstance(rules, list):
        said["label_rules"] = [{**one, "label": _pinned_label(one["label"])} for one in rules]
    return said


def _pinned_label(text: str) -> str:
    """Return a label as it is, and any other query about ROIs in its canonical text."""
    if text == ANY:
        return text
    node = roi_node(text)
    if isinstance(node, Leaf) and isinstance(node.test, Term):
        label = node.test.text
        if node.field == Field(Scope.ROI, "label", exact=True) and roi_node(label) == node:
            return label
    return text_of(node, Scope.ROI)
