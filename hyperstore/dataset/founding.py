"""Making and deleting datasets, and making versions: each one operation."""

from collections.abc import Sequence

from hyperstore.codec import replace
from hyperstore.dataset import lifecycle
from hyperstore.dataset.draft import Place, State, read_state
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.lifecycle import after
from hyperstore.dataset.transact import Move, transact
from hyperstore.errors import ExistsError, NotFoundError, RefusedError
from hyperstore.history.branches import (
    RefReader,
    dataset_ref,
    datasets,
    read_snapshot,
    tag_ref,
    tags,
    unsorted_versions,
    versions,
)
from hyperstore.history.commit import DatasetRecord, VersionRecord, decode_record, encode_object
from hyperstore.history.names import check_name, check_text
from hyperstore.ids import CommitId, Kind, ObjectId, new_id
from hyperstore.storage.host import now_ms

__all__ = [
    "check_deletable",
    "create_dataset",
    "create_version",
    "delete_dataset",
    "new_version",
    "read_dataset",
    "refuse_taken",
]


def create_dataset(handle: Handle, record: DatasetRecord, *, stand: bool) -> None:
    """Make a dataset with one empty draft, `Current`. ExistsError where the name is taken.

    With `stand` the command stands on the draft after that, by the same operation.
    """
    if record.project != "":
        check_name(record.project, what="project")
    check_name(record.name, what="dataset")
    draft = VersionRecord(
        created=record.created, dataset=record.id, id=new_id(), name=lifecycle.CURRENT
    )
    staging = handle.staging()

    def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
        refuse_taken(refs, record)
        created = after(record.created, (one.created for _, one in datasets(refs)))
        new = staging.add(Kind.RECORD, encode_object(replace(record, created=created)))
        moves = lifecycle.created(staging, refs, draft, None)
        if stand:
            moves += lifecycle.standing(staging, refs, Place(record.id, draft.id))
        return [Move(dataset_ref(record.id), None, new), *moves], None

    transact(handle, staging, f"create dataset {record.name}", prepare)


def delete_dataset(handle: Handle, dataset_id: str, *, drafts: bool, published: bool) -> None:
    """Delete a dataset with its versions and tags, where they may go.

    An empty one always; one whose drafts hold frames or commits with `drafts`; one that has
    published versions with both. Its commits stay until collected, and `undo` brings it back.
    """

    def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
        record_id, record = read_dataset(refs, dataset_id)
        states = _states(refs, dataset_id)
        _refuse_full(refs, record.name, states, drafts=drafts, published=published)
        moves = [Move(dataset_ref(dataset_id), record_id, None)]
        for state in states:
            moves += lifecycle.removal(state)
        moves += [
            Move(tag_ref(dataset_id, one.tag.name), one.id, None) for one in tags(refs, dataset_id)
        ]
        return moves, None

    with handle.database.reading() as reader:
        name = read_dataset(reader, dataset_id)[1].name
    transact(handle, handle.staging(), f"delete dataset {name}", prepare)


def check_deletable(handle: Handle, dataset_id: str, *, drafts: bool, published: bool) -> None:
    """Raise RefusedError where `delete_dataset` would."""
    with handle.database.reading() as reader:
        name = read_dataset(reader, dataset_id)[1].name
        states = _states(reader, dataset_id)
        _refuse_full(reader, name, states, drafts=drafts, published=published)


def _states(refs: RefReader, dataset_id: str) -> list[State]:
    return [
        read_state(refs, Place(dataset_id, version.id)) for _, version in versions(refs, dataset_id)
    ]


def _refuse_full(
    refs: RefReader, name: str, states: Sequence[State], *, drafts: bool, published: bool
) -> None:
    full = [
        state
        for state in states
        if state.head is not None
        or (state.working is not None and read_snapshot(refs, state.working).count > 0)
    ]
    if full and not drafts:
        raise RefusedError(
            f"dataset {name!a} is not empty: {len(full)} of its versions hold "
            "frames or commits; delete it with force (delete_all_versions)"
        )
    frozen = [state for state in states if state.working is None]
    if frozen and not published:
        raise RefusedError(
            f"{len(frozen)} versions of dataset {name!a} are published; delete it with force"
        )


def create_version(
    handle: Handle,
    record: VersionRecord,
    *,
    origin: Place | None,
    start: CommitId | None,
    stand: bool = False,
) -> None:
    """Make a draft where `origin` stands, or at a commit; without either it is empty.

    ExistsError where a version of that name exists.
    """
    staging = handle.staging()

    def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
        dataset = read_dataset(refs, record.dataset)[1]
        known = [one for _, one in unsorted_versions(refs, record.dataset)]
        if any(one.name == record.name for one in known):
            raise ExistsError(f"version {record.name!a} exists in dataset {dataset.name!a}")
        begin = start if origin is None else read_state(refs, origin).head
        made = replace(record, created=after(record.created, (one.created for one in known)))
        moves = lifecycle.created(staging, refs, made, begin)
        place = Place(record.dataset, record.id)
        return [*moves, *(lifecycle.standing(staging, refs, place) if stand else [])], None

    transact(handle, staging, f"create version {record.name}", prepare)


def new_version(dataset_id: str, name: str, *, comment: str, parent: str) -> VersionRecord:
    """Return the record of a version that is to be made now."""
    return VersionRecord(
        comment=check_text(comment, what="comment"),
        created=now_ms(),
        dataset=dataset_id,
        id=new_id(),
        name=check_name(name, what="version"),
        parent=parent,
    )


def refuse_taken(refs: RefReader, record: DatasetRecord) -> None:
    """Raise ExistsError where another dataset of the same project has the name."""
    for _, other in datasets(refs):
        if (other.project, other.name) == (record.project, record.name) and other.id != record.id:
            place = f" in project {record.project!a}" if record.project else ""
            raise ExistsError(f"dataset {record.name!a} exists{place}")


def read_dataset(reader: RefReader, dataset_id: str) -> tuple[ObjectId, DatasetRecord]:
    """Return a dataset's record as it is now; NotFoundError once it is deleted."""
    record_id = reader.ref(dataset_ref(dataset_id))
    if record_id is None:
        raise NotFoundError(f"no dataset {dataset_id} any more: it was deleted")
    record = decode_record(reader.get(record_id, Kind.RECORD), record_id)
    assert isinstance(record, DatasetRecord)
    return record_id, record
