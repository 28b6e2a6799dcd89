"""Pinning a view: which commits, which frames, in which order, so that it can be had again.

A lock is made of what a view shows at one moment. Its frames are hashed by their ids, in order;
that they are the same frames, too, follows from the commits and the ids of their contents. The
lock is an object of the store under a ref of its own, which keeps all that it names.

To lock is one operation: where edits are pending and are to be committed, the commits and the lock
are published together, or nothing is.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from hyperstore.dataset.draft import Place, State, commit_moves, read_state
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.staging import Staging
from hyperstore.dataset.transact import Move, transact
from hyperstore.dataset.view import View
from hyperstore.errors import (
    ConflictError,
    CorruptError,
    RefusedError,
    UsageError,
    a_type,
    count_of,
)
from hyperstore.history.ancestry import parents
from hyperstore.history.branches import RefReader, read_commit
from hyperstore.history.commit import encode_object
from hyperstore.history.lock import (
    LockedQuery,
    LockedRevision,
    LockedVersion,
    LockRecord,
    commits_of_lock,
    encode_lock,
    lock_ref,
    stamp_ref,
)
from hyperstore.ids import CommitId, Kind, ObjectId, content_hash, object_id
from hyperstore.limits import LOCK_COMMITS_BACK, LOCK_FORMAT_VERSION
from hyperstore.query.locks.lockfile import StampedFile, WriteLock, write_lock_file
from hyperstore.query.versionsets.changes import version_compared

__all__ = ["Lock", "Shown", "frames_hash", "lock_of", "make_lock"]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a view shows at one moment: all that a lock says, but for commits of drafts.

    `spec` is canonical and without name and description. `queries` are the versions that each
    query is asked of. `ids` yields all frame ids in order, many at a time; `begins` are those of
    the first frames of a shuffled iteration, where it is one. `revisions` are the commits with
    which queries compare, by dataset id and text; `merged` the versions with which frames of each
    query are to be merged, where there are any.
    """

    name: str
    spec: Mapping[str, object]
    queries: Sequence[Sequence[View]]
    counts: Sequence[int]
    count: int
    ids: Callable[[], Iterable[Sequence[str]]]
    begins: Sequence[str] = ()
    revisions: Mapping[tuple[str, str], ObjectId] = field(default_factory=dict)
    merged: Sequence[Sequence[View]] = ()


@dataclass(frozen=True)
class Lock:
    """A view as it was: `DataView.from_lock` opens it, `save` writes it down."""

    record: LockRecord

    def __repr__(self) -> str:
        return f"<Lock {self.id[:12]} of {self.record.view!a}: {count_of(self.count, 'frame')}>"

    @cached_property
    def id(self) -> str:
        """64 hex digits that follow from what is pinned."""
        return object_id(Kind.LOCK, encode_lock(self.record)).hex()

    @property
    def name(self) -> str:
        """What the view was called; perhaps nothing."""
        return self.record.view

    @property
    def count(self) -> int:
        """How many frames the view shows, each once."""
        return self.record.count

    @property
    def frames_hash(self) -> str:
        """The blake3 over the frame ids in order, 64 hex digits."""
        return self.record.frames.hex()

    @property
    def commits(self) -> list[str]:
        """The commits that are pinned, each once; hex digits."""
        return [one.hex() for one in commits_of_lock(self.record)]

    @property
    def titles(self) -> list[str]:
        """What is pinned, for people: `cells@Current at 0123456789ab`."""
        return [
            f"{one.dataset_name or one.dataset[:12]}@{one.version_name or one.version[:12]} "
            f"at {one.commit.hex()[:12]}"
            for one in self.record.versions
        ]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it as a file, over one that may be there; `.lock` by habit."""
        if not isinstance(path, str | os.PathLike):
            raise UsageError(f"a lock is saved to a path, not to {a_type(path)}")
        place = Path(path)
        write_lock_file(place, self.record)
        return place


def frames_hash(chunks: Iterable[Sequence[str]]) -> bytes:
    """Return the blake3 of ( length u8 ‖ frame id ) for one frame after the other."""
    return bytes.fromhex(content_hash(map(_lengths_and_ids, chunks)))


def _lengths_and_ids(ids: Sequence[str]) -> bytes:
    # Ids of one length, which most are, are joined by it; that takes a third of the time.
    size = len(ids[0]) if ids else 0
    if 0 < size < 128 and all(len(one) == size for one in ids):
        text = chr(size) + chr(size).join(ids)
        if text.isascii():
            return text.encode()
    encoded = [one.encode() for one in ids]
    return b"".join(part for one in encoded for part in (bytes((len(one),)), one))


def make_lock(
    handle: Handle,
    shown: Shown,
    *,
    commit: bool = False,
    file: StampedFile | None = None,
    write: WriteLock | None = None,
) -> Lock:
    """Pin what a view shows, and keep that in the store; the same again changes nothing.

    RefusedError where a draft has edits that no commit has, unless `commit`, which commits them.
    With a file, its content leads to the lock by the same operation. `write` is told the lock
    before anything changes, perhaps several times; where it raises nothing does.
    """
    hashes = _hashes(shown)
    staging = handle.staging()

    def prepare(refs: RefReader) -> tuple[Sequence[Move], Lock]:
        pins = _Pins(handle, staging, refs, commit=commit, name=shown.name)
        lock = _lock(handle, shown, hashes, pins)
        lock_id = staging.add(Kind.LOCK, encode_lock(lock.record))
        if write is not None:
            write(lock.record)
        names = [lock_ref(lock_id), *([] if file is None else [stamp_ref(file.blake3)])]
        return [*pins.moves, *(Move(ref, refs.ref(ref), lock_id) for ref in names)], lock

    title = f"view {shown.name}" if shown.name else "view"
    what = f"lock {title}" if file is None else f"stamp {file.name} with {title}"
    return transact(handle, staging, what, prepare)


def lock_of(handle: Handle, shown: Shown) -> Lock:
    """Return the lock of what a view shows without keeping it; RefusedError as `make_lock`."""
    hashes = _hashes(shown)
    with handle.database.reading() as reader:
        pins = _Pins(handle, handle.staging(), reader, commit=False, name=shown.name)
        return _lock(handle, shown, hashes, pins)


def _hashes(shown: Shown) -> tuple[bytes, bytes]:
    begins = frames_hash([shown.begins]) if shown.begins else b""
    return frames_hash(shown.ids()), begins


def _lock(handle: Handle, shown: Shown, hashes: tuple[bytes, bytes], pins: "_Pins") -> Lock:
    queries = [
        LockedQuery(
            count=count,
            versions=[pins.place_of(view) for view in views],
            merged=[pins.place_of(view) for view in merged],
        )
        for count, views, merged in zip(
            shown.counts, shown.queries, shown.merged or [()] * len(shown.queries), strict=True
        )
    ]
    since = [
        LockedRevision(commit=pins.revision(dataset, text, oid), dataset=dataset, revision=text)
        for (dataset, text), oid in sorted(shown.revisions.items())
    ]
    record = LockRecord(
        begins=hashes[1],
        count=shown.count,
        format=LOCK_FORMAT_VERSION,
        frames=hashes[0],
        queries=queries,
        since=since,
        spec=dict(shown.spec),
        store=handle.database.store_id,
        versions=pins.versions,
        view=shown.name,
    )
    return Lock(record)


def _changed(title: str) -> ConflictError:
    return ConflictError(f"{title} was changed while it was locked; lock it again")


class _Pins:
    """The versions of one lock, each once, and the commits that had to be made for them."""

    def __init__(
        self, handle: Handle, staging: Staging, refs: RefReader, *, commit: bool, name: str
    ) -> None:
        self._handle = handle
        self._staging = staging
        self._refs = refs
        self._commits = commit
        self._message = f"Lock view {name}" if name else "Lock a view"
        self._places: dict[tuple[str, str, bytes], int] = {}
        self._made: dict[Place, CommitId] = {}
        self._drafts: dict[Place, CommitId] = {}
        self.moves: list[Move] = []
        self.versions: list[LockedVersion] = []

    def place_of(self, view: View) -> int:
        """Return the place of a version in the list, where it is put the first time."""
        home = view.home
        commit = self._commit_of(view)
        key = home.dataset_id, home.version_id, bytes(commit)
        if key not in self._places:
            self._places[key] = len(self.versions)
            self.versions.append(
                LockedVersion(
                    commit=bytes(commit),
                    content=bytes.fromhex(view.content_id),
                    count=len(view),
                    dataset=home.dataset_id,
                    dataset_name=home.dataset_name,
                    version=home.version_id,
                    version_name=home.version_name,
                )
            )
        return self._places[key]

    def revision(self, dataset: str, text: str, oid: ObjectId) -> bytes:
        """Return the commit with which a query compares."""
        try:
            read_commit(self._refs, CommitId(oid))
        except CorruptError:  # It is a snapshot.
            title = f"a query compares with {text!a}, which"
            place = version_compared(self._refs, dataset, text)
            if place is None:
                raise _changed(title) from None
            return bytes(self._commit_of_draft(place, oid, title, is_empty=False))
        return bytes(oid)

    def _commit_of(self, view: View) -> CommitId:
        if view.home.commit is not None:
            found = CommitId(ObjectId(bytes.fromhex(view.home.commit)))
            read_commit(self._refs, found)  # So that it is still here when the lock is.
            return found
        place = Place(view.home.dataset_id, view.home.version_id)
        snapshot = object_id(Kind.SNAPSHOT, encode_object(view.snapshot))
        title = view.home.describe()
        commit = self._commit_of_draft(place, snapshot, title, is_empty=not len(view))
        if self._drafts.setdefault(place, commit) != commit:  # Queries saw it at two moments.
            raise _changed(title)
        return commit

    def _commit_of_draft(
        self, place: Place, snapshot: ObjectId, title: str, *, is_empty: bool
    ) -> CommitId:
        """Return the commit of what a draft held when it was looked at; make one where it may."""
        state = read_state(self._refs, place)
        if state.head is not None and read_commit(self._refs, state.head).snapshot == snapshot:
            return state.head
        if state.working != snapshot:
            found = self._earlier(state.head, snapshot)
            if found is None:
                raise _changed(title)
            return found
        if not self._commits:
            what = "edits that no commit has" if state.head or not is_empty else "no commit yet"
            raise RefusedError(
                f"{title} has {what}, and a lock names commits; commit first, or lock with "
                "commit=True (--commit)"
            )
        return self._made.get(state.place) or self._commit(state)

    def _earlier(self, head: CommitId | None, snapshot: ObjectId) -> CommitId | None:
        """Return the newest commit with this snapshot, among few: a busy draft has moved on."""
        for _ in range(LOCK_COMMITS_BACK):
            if head is None:
                break
            commit = read_commit(self._refs, head)
            if commit.snapshot == snapshot:
                return head
            head = next(iter(parents(commit)), None)
        return None

    def _commit(self, state: State) -> CommitId:
        moves, made = commit_moves(
            self._handle,
            self._staging,
            self._refs,
            state,
            self._message,
            even_empty=state.head is None,  # A draft that never had a frame is pinned as that.
        )
        assert made is not None
        self.moves += moves
        self._made[state.place] = made
        return made
