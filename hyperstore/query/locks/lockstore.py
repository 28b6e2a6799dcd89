"""Locks that a store keeps, and whether what a lock says still comes out.

A lock from anywhere can be opened where its commits are. Before that it is held against them, and
when it is verified against all that the view then shows.
"""

from collections.abc import Sequence

from hyperstore.dataset.handle import Handle
from hyperstore.dataset.transact import Move, transact
from hyperstore.errors import (
    CorruptError,
    MissingObjectError,
    NotFoundError,
    UsageError,
    count_of,
)
from hyperstore.history.branches import RefReader, read_commit
from hyperstore.history.lock import (
    LOCK_PREFIX,
    STAMP_PREFIX,
    LockRecord,
    commits_of_lock,
    encode_lock,
    lock_ref,
    read_lock,
    stamp_ref,
)
from hyperstore.ids import CommitId, Kind, ObjectId
from hyperstore.limits import ID_PREFIX_DIGITS_MIN
from hyperstore.query.locks.lock import Lock, Shown, frames_hash
from hyperstore.query.locks.lockfile import StampedFile, WriteLock

__all__ = [
    "check_here",
    "check_shown",
    "find_lock",
    "keep_lock",
    "list_locks",
    "lock_of_file",
    "remove_locks",
]

_MISSING_SHOWN = 3  # Commits that one error names.


def check_here(handle: Handle, record: LockRecord) -> None:
    """Raise MissingObjectError unless all that a lock names is in the store, as it says.

    CorruptError where a commit holds something else than the lock says that it does.
    """
    commits = commits_of_lock(record)
    with handle.database.reading() as reader:
        here = reader.has_many(commits)
        missing = [one for one in commits if one not in here]
    if missing:
        raise _missing(handle, record, missing)
    for one in record.versions:
        commit = handle.commit(CommitId(ObjectId(one.commit)))
        snapshot = handle.snapshot(commit.snapshot)  # type: ignore[arg-type]
        if (snapshot.roots["frames"], snapshot.count) != (one.content, one.count):
            raise CorruptError(
                f"the lock says of commit {one.commit.hex()[:12]} that it holds "
                f"{count_of(one.count, 'frame')} as {one.content.hex()[:12]}, which it does not; "
                "lock the view anew"
            )


def _missing(handle: Handle, record: LockRecord, missing: list[ObjectId]) -> MissingObjectError:
    titles = {one.commit: f"since {one.revision}" for one in record.since}
    titles |= {one.commit: f"{one.dataset_name}@{one.version_name}" for one in record.versions}
    named = ", ".join(f"{one.hex()[:12]} ({titles[one]})" for one in missing[:_MISSING_SHOWN])
    more = len(missing) - _MISSING_SHOWN
    named += f" and {more} more" if more > 0 else ""
    if record.store == handle.database.store_id:
        how = "they were deleted and collected since: put back a backup of the store"
    else:
        how = f"the lock was made in store {record.store[:12]}: open it there, or copy that store"
    return MissingObjectError(
        f"the lock pins {count_of(len(missing), 'commit')} not in this store: {named}; {how}"
    )


def check_shown(record: LockRecord, shown: Shown) -> None:
    """Raise CorruptError unless a view that was opened from a lock shows what that says."""
    counts = [one.count for one in record.queries]
    if shown.count != record.count or list(shown.counts) != counts:
        raise _other(
            f"it pins {count_of(record.count, 'frame')} {counts}, and there come out "
            f"{shown.count} {list(shown.counts)}"
        )
    if dict(shown.spec) != record.spec:
        raise _other("its view is not in the canonical form of this release")
    if frames_hash(shown.ids()) != record.frames:
        raise _other("other frames come out, or in another order")
    begins = frames_hash([shown.begins]) if shown.begins else b""
    if begins != record.begins:
        raise _other("the same frames come out, shuffled otherwise")


def _other(what: str) -> CorruptError:
    return CorruptError(
        f"the lock does not hold: {what}. Run `hyperstore fsck`; if that finds nothing, the lock "
        "was made by a release that reads queries otherwise"
    )


# Those that are kept.


def list_locks(handle: Handle) -> list[Lock]:
    """Return the locks of a store, by id."""
    with handle.database.reading() as reader:
        return [Lock(read_lock(reader, oid)) for _, oid in sorted(reader.refs(LOCK_PREFIX))]


def find_lock(handle: Handle, digits: str) -> Lock:
    """Return the lock of an id, or of the first digits of one: also one that only a run names."""
    short = len(digits) < ID_PREFIX_DIGITS_MIN
    with handle.database.reading() as reader:
        named = [] if short else reader.find(digits.lower())
        found = [oid for oid in named if reader.kind_of(oid) == Kind.LOCK]
        if len(found) == 1:
            return Lock(read_lock(reader, found[0]))
    if found:
        raise UsageError(f"{len(found)} locks begin with {digits}; give more digits")
    raise NotFoundError(
        f"no lock {digits!a}: give a file, or {ID_PREFIX_DIGITS_MIN} digits or more of the id of "
        "one that the store keeps (`hyperstore view locks` lists them)"
    )


def remove_locks(handle: Handle, lock_ids: Sequence[str]) -> None:
    """Keep locks no longer, nor what files were stamped with them, by one operation.

    Their files stay.
    """

    def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
        moves = []
        stamps = refs.refs(STAMP_PREFIX)
        for lock_id in dict.fromkeys(lock_ids):
            kept = refs.ref(LOCK_PREFIX + lock_id)
            named = [] if kept is None else [(LOCK_PREFIX + lock_id, kept)]
            named += [one for one in stamps if one[1].hex() == lock_id]
            if not named:
                raise NotFoundError(f"no lock {lock_id} any more: it was removed")
            moves += [Move(name, found, None) for name, found in named]
        return moves, None

    what = "lock" if len(lock_ids) == 1 else count_of(len(lock_ids), "lock")
    transact(handle, handle.staging(), f"remove {what}", prepare)


def keep_lock(
    handle: Handle, lock: Lock, file: StampedFile | None = None, write: WriteLock | None = None
) -> None:
    """Keep a lock that was made before, of this store or of another; its commits have to be here.

    With a file, remember that it was put beside one of this content; the last one counts. Where
    all that is so already, nothing is changed. `write` is as for `make_lock`.
    """
    staging = handle.staging()

    def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
        lock_id = staging.add(Kind.LOCK, encode_lock(lock.record))
        for commit in commits_of_lock(lock.record):
            read_commit(refs, CommitId(commit))
        if write is not None:
            write(lock.record)
        names = [lock_ref(lock_id), *([] if file is None else [stamp_ref(file.blake3)])]
        return [Move(name, refs.ref(name), lock_id) for name in names], None

    title = f"view {lock.name}" if lock.name else "view"
    what = f"lock {title}" if file is None else f"stamp {file.name} with {title}"
    transact(handle, staging, what, prepare)


def lock_of_file(handle: Handle, file: StampedFile) -> Lock | None:
    """Return the lock that was put beside a file of this content, whatever it is called now."""
    with handle.database.reading() as reader:
        found = reader.ref(stamp_ref(file.blake3))
        return None if found is None else Lock(read_lock(reader, found))
