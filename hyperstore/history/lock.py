"""What history stores of a lock: exactly which frames a view shows, and in which order.

A lock names commits, and so it holds what they lead to. Two locks of the same view on the same
commits of one store are one object: it says nothing of when or by whom it was made, which the
operation log does.
"""

from hyperstore.codec import (
    Struct,
    Unfit,
    canonical_fields,
    decoder,
    field,
    pack,
    plain,
)
from hyperstore.errors import CorruptError, FormatError, UsageError
from hyperstore.history.branches import RefReader
from hyperstore.ids import Kind, ObjectId
from hyperstore.limits import (
    ID_BYTES,
    LOCK_FORMAT_VERSION,
    LOCK_QUERIES_MAX,
    LOCK_VERSIONS_MAX,
    OBJECT_BYTES_MAX,
)

__all__ = [
    "LOCK_PREFIX",
    "STAMP_PREFIX",
    "LockRecord",
    "LockedQuery",
    "LockedRevision",
    "LockedVersion",
    "check_lock",
    "commits_of_lock",
    "decode_lock",
    "encode_lock",
    "lock_ref",
    "locks",
    "read_lock",
    "stamp_ref",
]

LOCK_PREFIX = "lock/"
STAMP_PREFIX = "stamp/"
_NUMBER_MAX = 2**48


@canonical_fields
class LockedVersion(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version that the view shows, at a commit; `content` is the root of its frames."""

    commit: bytes
    content: bytes
    count: int = 0
    dataset: str
    dataset_name: str = ""
    version: str
    version_name: str = ""


@canonical_fields
class LockedQuery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one query of the view came to: which versions it is asked of, and how many frames.

    `merged` are those with which its frames are to be merged, one for each dataset that has it.
    """

    count: int = 0  # Those that an earlier query has as well are counted too.
    merged: list[int] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)  # Their places in the lock's own list.


@canonical_fields
class LockedRevision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a query compares with, as it is written there, and which commit that is."""

    commit: bytes
    dataset: str
    revision: str


@canonical_fields
class LockRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One lock. `spec` is the canonical form of the view, without its name and description."""

    begins: bytes = b""  # The blake3 of how a shuffled iteration begins.
    count: int = 0
    extra: dict[str, object] = field(default_factory=dict)
    format: int
    frames: bytes  # The blake3 of all frame ids in the order of iteration, unshuffled.
    queries: list[LockedQuery] = field(default_factory=list)
    since: list[LockedRevision] = field(default_factory=list)
    spec: dict[str, object]
    store: str
    versions: list[LockedVersion] = field(default_factory=list)
    view: str = ""


_decode_lock = decoder(LockRecord)


def lock_ref(lock_id: ObjectId) -> str:
    """Return the ref that keeps a lock."""
    return LOCK_PREFIX + lock_id.hex()


def stamp_ref(digest: str) -> str:
    """Return the ref that leads from a file, by the blake3 of its content, to its lock."""
    return STAMP_PREFIX + digest


def encode_lock(lock: LockRecord) -> bytes:
    """Return the payload of a lock; UsageError for one that would not be read back."""
    try:
        payload = pack(lock)
        _decode_lock(payload, what="lock")
    except (UnicodeEncodeError, OverflowError, TypeError, ValueError, CorruptError) as fault:
        raise UsageError(f"the lock cannot be stored: {fault}") from None
    wrong = check_lock(lock)
    if wrong is None and len(payload) > OBJECT_BYTES_MAX:
        wrong = f"it takes {len(payload):,} bytes; the limit is {OBJECT_BYTES_MAX:,}"
    if wrong is not None:
        raise UsageError(f"the lock cannot be stored: {wrong}")
    return payload


def decode_lock(payload: bytes, lock_id: ObjectId) -> LockRecord:
    """Read a lock; `lock_id` is named in errors. FormatError for one that a later release made."""
    lock = _decode_lock(payload, what=f"lock {lock_id.hex()}")
    if lock.format > LOCK_FORMAT_VERSION:
        raise FormatError(
            f"lock {lock_id.hex()[:12]} is of format {lock.format}, and this release reads up to "
            f"{LOCK_FORMAT_VERSION}; upgrade hyperstore"
        )
    if pack(lock) != payload:
        raise CorruptError(f"lock {lock_id.hex()} is not in canonical form; run fsck")
    wrong = check_lock(lock)
    if wrong is not None:
        raise CorruptError(f"lock {lock_id.hex()}: {wrong}; run fsck")
    return lock


def check_lock(lock: LockRecord) -> str | None:
    """Return what no lock holds, None where all is in order."""
    if lock.format < 1:
        return "its format is none that there ever was"
    links = [link for one in lock.versions for link in (one.commit, one.content)]
    links += [one.commit for one in lock.since]
    begins = [lock.begins] if lock.begins else []
    if any(len(link) != ID_BYTES for link in (lock.frames, *begins, *links)):
        return "an id in it has another length"
    if len(lock.versions) + len(lock.since) > LOCK_VERSIONS_MAX:
        return f"it names more than {LOCK_VERSIONS_MAX:,} versions"
    if len(lock.queries) > LOCK_QUERIES_MAX:
        return f"it holds more than {LOCK_QUERIES_MAX:,} queries"
    counts = [lock.count, *(one.count for one in lock.queries)]
    counts += [one.count for one in lock.versions]
    if not all(0 <= count <= _NUMBER_MAX for count in counts):
        return "a count in it is impossible"
    known = len(lock.versions)
    if any(not 0 <= at < known for one in lock.queries for at in (*one.versions, *one.merged)):
        return "a query in it names a version that is not listed"
    try:
        same = pack(plain(lock.spec, path="spec", depth=1)) == pack(lock.spec)
        same = same and pack(plain(lock.extra, path="extra", depth=1)) == pack(lock.extra)
    except Unfit as fault:
        return str(fault)
    return None if same else "its view is not in canonical form"


def commits_of_lock(lock: LockRecord) -> list[ObjectId]:
    """Return the commits that a lock names, each once."""
    named = [*(one.commit for one in lock.versions), *(one.commit for one in lock.since)]
    return [ObjectId(commit) for commit in dict.fromkeys(named)]


def read_lock(reader: RefReader, lock_id: ObjectId) -> LockRecord:
    """Return a lock."""
    return decode_lock(reader.get(lock_id, Kind.LOCK), lock_id)


def locks(reader: RefReader) -> list[tuple[ObjectId, LockRecord]]:
    """Return all locks that are kept, by id."""
    named = sorted(reader.refs(LOCK_PREFIX))
    return [(lock_id, read_lock(reader, lock_id)) for _, lock_id in named]
