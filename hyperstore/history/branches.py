"""Where history's names stand among the refs, and how they are looked up.

| ref | object |
| --- | --- |
| `HEAD` | record: the dataset and version on which the command stands |
| `dataset/<dataset id>` | record of the dataset |
| `version/<dataset id>/<version id>` | record of the version |
| `head/<dataset id>/<version id>` | the version's newest commit; absent before the first |
| `working/<dataset id>/<version id>` | a draft's working snapshot; absent once published |
| `tag/<dataset id>/<name>` | tag |
| `run/<run id>` | run; see run.py |
| `view/<view id>` | stored view; see dataview.py |
| `lock/<lock id>` | the lock of that id; see lock.py |
| `stamp/<blake3 of a file>` | the lock that was put beside a file of that content |

Names of datasets and versions are in their records, so a rename moves one ref.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from hyperstore.errors import CorruptError
from hyperstore.history.commit import (
    Commit,
    DatasetRecord,
    HeadRecord,
    Snapshot,
    Tag,
    VersionRecord,
    decode_commit,
    decode_record,
    decode_snapshot,
    decode_tag,
)
from hyperstore.ids import CommitId, Kind, ObjectId, SnapshotId

__all__ = [
    "HEAD",
    "Found",
    "RefReader",
    "dataset_ref",
    "datasets",
    "find_tag",
    "head_of",
    "head_ref",
    "read_commit",
    "read_head",
    "read_snapshot",
    "tag_ref",
    "tags",
    "unsorted_versions",
    "version_of",
    "version_ref",
    "versions",
    "working_of",
    "working_ref",
]

HEAD = "HEAD"


class RefReader(Protocol):
    """The part of a storage reader that history needs."""

    def get(self, oid: ObjectId, kind: Kind | None = None) -> bytes: ...

    def ref(self, name: str) -> ObjectId | None: ...

    def refs(self, prefix: str = "") -> Iterable[tuple[str, ObjectId]]: ...


class Found(NamedTuple):
    """A tag as it stands: the tag object's id, and the tag."""

    id: ObjectId
    tag: Tag


def dataset_ref(dataset_id: str) -> str:
    return f"dataset/{dataset_id}"


def version_ref(dataset_id: str, version_id: str) -> str:
    return f"version/{dataset_id}/{version_id}"


def head_ref(dataset_id: str, version_id: str) -> str:
    return f"head/{dataset_id}/{version_id}"


def working_ref(dataset_id: str, version_id: str) -> str:
    return f"working/{dataset_id}/{version_id}"


def tag_ref(dataset_id: str, name: str) -> str:
    return f"tag/{dataset_id}/{name}"


def datasets(reader: RefReader) -> list[tuple[ObjectId, DatasetRecord]]:
    """Return all datasets, oldest first, each with the id of its record."""
    found = []
    for name, record_id in reader.refs("dataset/"):
        record = _record(reader, record_id)
        if not isinstance(record, DatasetRecord):
            raise CorruptError(f"ref {name!a} does not lead to a dataset's record; run fsck")
        found.append((record_id, record))
    return sorted(found, key=lambda item: (item[1].created, item[1].id))


def versions(reader: RefReader, dataset_id: str) -> list[tuple[ObjectId, VersionRecord]]:
    """Return all versions of a dataset, oldest first, each with the id of its record."""
    found = unsorted_versions(reader, dataset_id)
    return sorted(found, key=lambda item: (item[1].created, item[1].id))


def unsorted_versions(reader: RefReader, dataset_id: str) -> list[tuple[ObjectId, VersionRecord]]:
    """Return all versions of a dataset, each with the id of its record."""
    found = []
    for name, record_id in reader.refs(f"version/{dataset_id}/"):
        record = _records.get(record_id) or _record(reader, record_id)
        if not isinstance(record, VersionRecord):
            raise CorruptError(f"ref {name!a} does not lead to a version's record; run fsck")
        found.append((record_id, record))
    return found


_RECORDS_MAX = 16_384
_records: dict[ObjectId, DatasetRecord | VersionRecord | HeadRecord] = {}


def _record(reader: RefReader, record_id: ObjectId) -> DatasetRecord | VersionRecord | HeadRecord:
    """Return a record, read once in a process: an id always means the same bytes.

    A look-up by name goes through the records of all versions, so it costs no read of each.
    """
    found = _records.get(record_id)
    if found is None:
        found = decode_record(reader.get(record_id, Kind.RECORD), record_id)
        if len(_records) >= _RECORDS_MAX:
            _records.clear()
        _records[record_id] = found
    return found


def version_of(reader: RefReader, record_id: ObjectId) -> VersionRecord:
    """Return the version of a record."""
    record = _record(reader, record_id)
    if not isinstance(record, VersionRecord):
        raise CorruptError(f"{record_id.hex()} is no record of a version; run fsck")
    return record


def tags(reader: RefReader, dataset_id: str) -> list[Found]:
    """Return all tags of a dataset, by name."""
    return [
        Found(tag_id, decode_tag(reader.get(tag_id, Kind.TAG), tag_id))
        for _, tag_id in sorted(reader.refs(f"tag/{dataset_id}/"))
    ]


def find_tag(reader: RefReader, dataset_id: str, name: str) -> Found | None:
    """Return the tag of that name, if there is one."""
    tag_id = reader.ref(tag_ref(dataset_id, name))
    if tag_id is None:
        return None
    return Found(tag_id, decode_tag(reader.get(tag_id, Kind.TAG), tag_id))


def head_of(reader: RefReader, dataset_id: str, version_id: str) -> CommitId | None:
    """Return the newest commit of a version; None before the first."""
    found = reader.ref(head_ref(dataset_id, version_id))
    return None if found is None else CommitId(found)


def working_of(reader: RefReader, dataset_id: str, version_id: str) -> SnapshotId | None:
    """Return the working snapshot of a draft; None for a published version."""
    found = reader.ref(working_ref(dataset_id, version_id))
    return None if found is None else SnapshotId(found)


def read_commit(reader: RefReader, commit_id: CommitId) -> Commit:
    """Return a commit."""
    return decode_commit(reader.get(commit_id, Kind.COMMIT), commit_id)


def read_snapshot(reader: RefReader, snapshot_id: SnapshotId) -> Snapshot:
    """Return a snapshot."""
    return decode_snapshot(reader.get(snapshot_id, Kind.SNAPSHOT), snapshot_id)


def read_head(reader: RefReader) -> HeadRecord | None:
    """Return where the command stands, if anywhere."""
    record_id = reader.ref(HEAD)
    if record_id is None:
        return None
    record = decode_record(reader.get(record_id, Kind.RECORD), record_id)
    if not isinstance(record, HeadRecord):
        raise CorruptError("HEAD does not lead to a place to stand; run fsck")
    return record
