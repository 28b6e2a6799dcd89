"""What history stores: snapshots, commits, tags, and the records of datasets and versions.

Each is an object with one canonical encoding. `extra` is a map that this version of the format does
not read but keeps, absent when empty. Fields stand in the order of their names, so that an encoded
Struct is canonical without sorting; a record's kind is in `_type`, which sorts before all of them.
"""

from collections.abc import Callable
from typing import TypeVar

from hyperstore.codec import Struct, Unfit, canonical_fields, decoder, field, pack, plain
from hyperstore.errors import CorruptError, UsageError
from hyperstore.ids import CommitId, Kind, ObjectId, SnapshotId
from hyperstore.limits import FORMAT_VERSION, ID_BYTES, MESSAGE_BYTES_MAX, PARENTS_MAX

__all__ = [
    "Changes",
    "Commit",
    "Count",
    "DatasetRecord",
    "HeadRecord",
    "Snapshot",
    "Tag",
    "Totals",
    "VersionRecord",
    "check_maps",
    "check_message",
    "decode_commit",
    "decode_record",
    "decode_snapshot",
    "decode_tag",
    "encode_object",
    "new_commit",
]


@canonical_fields
class Count(Struct, frozen=True, kw_only=True):
    """How many were added, changed and removed."""

    added: int = 0
    changed: int = 0
    removed: int = 0


@canonical_fields
class Changes(Struct, frozen=True, kw_only=True):
    """What a commit changed against its first parent, exactly; frames, and ROIs by their ids."""

    frames: Count = Count()
    rois: Count = Count()


@canonical_fields
class Totals(Struct, frozen=True, kw_only=True):
    """Running counts of one snapshot: frames with at least one ROI, and ROIs."""

    annotated: int = 0
    rois: int = 0


@canonical_fields
class Snapshot(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole content of a version at one moment; `roots` names each index's tree."""

    count: int = 0
    extra: dict[str, object] = field(default_factory=dict)
    meta: dict[str, object] = field(default_factory=dict)
    roots: dict[str, bytes]
    totals: Totals = field(default_factory=Totals)  # A plain default would be left out by identity.


@canonical_fields
class Commit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A recorded snapshot; `dataset` and `version` are the ids where it was made.

    `time` is in milliseconds since 1970, UTC.
    """

    author: str
    changes: Changes
    committer: str
    dataset: str
    extra: dict[str, object] = field(default_factory=dict)
    format: int
    message: str
    parents: list[bytes]
    snapshot: bytes
    time: int
    version: str


@canonical_fields
class Tag(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A name for a commit, with who gave it and why."""

    commit: bytes
    extra: dict[str, object] = field(default_factory=dict)
    message: str
    name: str
    tagger: str
    time: int


@canonical_fields
class DatasetRecord(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="_type", tag="dataset"
):
    """What is known of a dataset besides its versions."""

    comment: str = ""
    created: int
    extra: dict[str, object] = field(default_factory=dict)
    id: str
    metadata: dict[str, object] = field(default_factory=dict)
    name: str
    project: str = ""
    system_tags: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


@canonical_fields
class VersionRecord(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="_type", tag="version"
):
    """What is known of a version besides its frames; published when `published` is a time."""

    comment: str = ""
    created: int
    dataset: str
    extra: dict[str, object] = field(default_factory=dict)
    id: str
    name: str
    parent: str = ""
    published: int = 0
    system_tags: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    task: str = ""


@canonical_fields
class HeadRecord(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="_type", tag="head"
):
    """Where the command stands."""

    dataset: str
    extra: dict[str, object] = field(default_factory=dict)
    version: str


_T = TypeVar("_T", bound=Struct)
Record = DatasetRecord | VersionRecord | HeadRecord
_FREE_MAPS = ("extra", "meta", "metadata")

_decode_snapshot = decoder(Snapshot)
_decode_commit = decoder(Commit)
_decode_tag = decoder(Tag)
_decode_record: Callable[..., Record] = decoder(Record)  # type: ignore[arg-type]
_DECODERS: dict[type, Callable[..., object]] = {
    Snapshot: _decode_snapshot,
    Commit: _decode_commit,
    Tag: _decode_tag,
}


def encode_object(value: Struct) -> bytes:
    """Return the payload of a snapshot, commit, tag or record.

    UsageError for one that would not be read back: one false field in a record, and no dataset of
    the store could be listed any more.
    """
    name = type(value).__name__
    try:
        payload = pack(value)
        (_DECODERS.get(type(value)) or _decode_record)(payload, what=name)
    except (UnicodeEncodeError, OverflowError, TypeError, ValueError, CorruptError) as fault:
        raise UsageError(f"{name} cannot be stored: {fault}") from None
    return payload


def decode_snapshot(payload: bytes, snapshot_id: ObjectId) -> Snapshot:
    """Read a snapshot; `snapshot_id` is named in errors."""
    snapshot = _exact(_decode_snapshot, payload, Kind.SNAPSHOT, snapshot_id)
    for name, root in snapshot.roots.items():
        _check_id(root, f"root {name!a} of snapshot", snapshot_id)
    if snapshot.count < 0 or not 0 <= snapshot.totals.annotated <= snapshot.count:
        raise CorruptError(f"snapshot {snapshot_id.hex()} has impossible counts; run fsck")
    return snapshot


def decode_commit(payload: bytes, commit_id: ObjectId) -> Commit:
    """Read a commit; `commit_id` is named in errors."""
    commit = _exact(_decode_commit, payload, Kind.COMMIT, commit_id)
    if len(commit.parents) > PARENTS_MAX:
        raise CorruptError(f"commit {commit_id.hex()} has more than {PARENTS_MAX} parents")
    for linked in (commit.snapshot, *commit.parents):
        _check_id(linked, "a link of commit", commit_id)
    return commit


def decode_tag(payload: bytes, tag_id: ObjectId) -> Tag:
    """Read a tag; `tag_id` is named in errors."""
    tag = _exact(_decode_tag, payload, Kind.TAG, tag_id)
    _check_id(tag.commit, "the commit of tag", tag_id)
    return tag


def decode_record(payload: bytes, record_id: ObjectId) -> Record:
    """Read the record of a dataset, a version or the command's place to stand."""
    return _exact(_decode_record, payload, Kind.RECORD, record_id)


def check_maps(record: Struct) -> None:
    """Raise CorruptError unless the free maps of a record hold what could have been stored.

    Reading passes over that: it is for fsck, and for what comes from another store.
    """
    for name in _FREE_MAPS:
        held = getattr(record, name, None)
        if held:
            try:
                same = pack(plain(held, path=name, depth=1)) == pack(held)
            except Unfit as fault:
                raise CorruptError(f"it holds what is never written: {fault}") from None
            if not same:
                raise CorruptError(f"{name} is not in canonical form")


def check_message(message: object) -> str:
    """Return a commit's message without white space at its ends; refuse what is none."""
    if not isinstance(message, str):
        raise UsageError(f"a message is a string, not {type(message).__name__}")
    text = message.strip()
    if not text:
        raise UsageError("the message is empty; say in a line what changed, and why")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise UsageError("the message holds an unpaired surrogate") from None
    if size > MESSAGE_BYTES_MAX:
        raise UsageError(f"the message has {size} bytes, where {MESSAGE_BYTES_MAX} are allowed")
    return text


def new_commit(
    *,
    snapshot: SnapshotId,
    parents: list[CommitId],
    place: tuple[str, str],
    who: str,
    message: str,
    time_ms: int,
    changes: Changes,
) -> Commit:
    """Return the commit of `snapshot` in `place`, the ids of its dataset and its version."""
    return Commit(
        author=who,
        changes=changes,
        committer=who,
        dataset=place[0],
        format=FORMAT_VERSION,
        message=check_message(message),
        parents=[bytes(parent) for parent in parents],
        snapshot=bytes(snapshot),
        time=time_ms,
        version=place[1],
    )


def _exact(decode: Callable[..., _T], payload: bytes, kind: Kind, object_id: ObjectId) -> _T:
    name = kind.name.lower()
    value = decode(payload, what=f"{name} {object_id.hex()}")
    if pack(value) != payload:
        raise CorruptError(f"{name} {object_id.hex()} is not in canonical form; run fsck")
    return value


def _check_id(value: bytes, what: str, object_id: ObjectId) -> None:
    if len(value) != ID_BYTES:
        raise CorruptError(f"{what} {object_id.hex()} is not an object id; run fsck")
