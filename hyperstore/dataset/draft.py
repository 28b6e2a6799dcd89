"""How a version moves: edits of its working snapshot, commits, publishing, going back.

Of two writers of one draft both keep their frames: the second one's edits are done again on what
the first one left. Of one frame that both changed, the later writer's stays.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from hyperstore.codec import Struct
from hyperstore.dataset.compare import count_changes, edits_between
from hyperstore.dataset.edit import FrameEdit, edit_snapshot, empty_snapshot, root
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.renewal import Renewal
from hyperstore.dataset.staging import Staging
from hyperstore.dataset.transact import Move, transact
from hyperstore.errors import ConflictError, NotFoundError, PublishedError, count_of
from hyperstore.frames.keys import frame_id
from hyperstore.history.branches import (
    RefReader,
    head_of,
    head_ref,
    read_commit,
    read_snapshot,
    version_ref,
    versions,
    working_of,
    working_ref,
)
from hyperstore.history.commit import (
    Snapshot,
    VersionRecord,
    decode_record,
    encode_object,
    new_commit,
)
from hyperstore.ids import CommitId, Kind, ObjectId, SnapshotId
from hyperstore.storage.host import now_ms
from hyperstore.tree.cursor import get_many
from hyperstore.tree.merge import merge

__all__ = [
    "Place",
    "State",
    "commit_moves",
    "dataset_snapshots",
    "differing",
    "head_snapshot",
    "held_snapshot",
    "move_working",
    "read_state",
    "rebase",
    "refuse_overlap",
    "store_snapshot",
    "with_meta",
]


class Place(Struct, frozen=True):
    """The ids of a version and of its dataset."""

    dataset: str
    version: str


class State(Struct, frozen=True):
    """What the refs of one version say."""

    place: Place
    record_id: ObjectId
    record: VersionRecord
    head: CommitId | None
    working: SnapshotId | None

    def writable(self) -> SnapshotId:
        """Return the working snapshot; PublishedError for a version that has none."""
        if self.working is None:
            raise PublishedError(
                f"version {self.record.name!a} is published and does not change; "
                "create a child version and edit that"
            )
        return self.working


def read_state(reader: RefReader, place: Place) -> State:
    """Return the state of a version; NotFoundError once it is deleted."""
    record_id = reader.ref(version_ref(place.dataset, place.version))
    if record_id is None:
        raise NotFoundError(f"no version {place.version} any more: it was deleted")
    record = decode_record(reader.get(record_id, Kind.RECORD), record_id)
    assert isinstance(record, VersionRecord)
    return State(
        place,
        record_id,
        record,
        head_of(reader, place.dataset, place.version),
        working_of(reader, place.dataset, place.version),
    )


def store_snapshot(staging: Staging, snapshot: Snapshot) -> SnapshotId:
    """Stage a snapshot."""
    return SnapshotId(staging.add(Kind.SNAPSHOT, encode_object(snapshot)))


def head_snapshot(reader: RefReader, staging: Staging, state: State) -> Snapshot:
    """Return the snapshot of a version's newest commit, the empty one before the first."""
    if state.head is None:
        return empty_snapshot(staging.nodes)
    found = read_commit(reader, state.head).snapshot
    return read_snapshot(reader, SnapshotId(ObjectId(found)))


def dataset_snapshots(
    handle: Handle, staging: Staging, dataset_id: str
) -> list[tuple[str, Snapshot]]:
    """Return what each version of a dataset holds: its head's frames and its working ones."""
    found = []
    with handle.database.reading() as reader:
        for _, record in versions(reader, dataset_id):
            state = read_state(reader, Place(dataset_id, record.id))
            found.append((record.id, head_snapshot(reader, staging, state)))
            if state.working is not None:
                found.append((record.id, read_snapshot(reader, state.working)))
    return found


def held_snapshot(handle: Handle, staging: Staging, place: Place) -> tuple[SnapshotId, Snapshot]:
    """Return a draft's working snapshot, held by the staging against garbage collection."""
    held: SnapshotId | None = None
    while True:
        with handle.database.reading() as reader:
            found = read_state(reader, place).writable()
            snapshot = read_snapshot(reader, found)
        if found == held:
            return found, snapshot
        staging.hold(snapshot)  # Which counts if the draft still has it after that.
        held = found


def move_working(
    handle: Handle,
    staging: Staging,
    place: Place,
    command: str,
    *,
    base: tuple[SnapshotId, Snapshot],
    mine: Snapshot,
    expected: Mapping[bytes, ObjectId | None],
    refuse: Callable[[list[bytes]], None],
    renewal: Renewal,
) -> list[bytes]:
    """Make `mine`, which was prepared on `base`, the working snapshot of a draft.

    `expected` says of some frame keys which object they are to replace: where somebody else was
    first and left another one, that edit is not done, and its key returned. `renewal` does the same
    for ROI ids: where somebody left another frame, they are derived against that one.
    """
    base_id, base_snapshot = base

    def prepare(refs: RefReader) -> tuple[Sequence[Move], list[bytes]]:
        found = read_state(refs, place).writable()
        snapshot = mine
        lost: list[bytes] = []
        if found != base_id:
            theirs = read_snapshot(refs, found)
            lost = differing(staging, theirs, expected)
            refuse(lost)
            edits = edits_between(staging, base_snapshot, mine)
            if lost:
                skipped = frozenset(lost)
                edits = (edit for edit in edits if edit[0] not in skipped)
            edits = renewal.edits(base_snapshot, theirs, edits)
            snapshot = _edited(staging, base_snapshot, mine, theirs, edits)
        ref = working_ref(place.dataset, place.version)
        return [Move(ref, found, store_snapshot(staging, snapshot))], lost

    return transact(handle, staging, command, prepare)


def differing(
    staging: Staging, snapshot: Snapshot, expected: Mapping[bytes, ObjectId | None]
) -> list[bytes]:
    """Return the frame keys, in order, that do not lead to the objects expected."""
    order = sorted(expected)
    found = get_many(staging.nodes, root(snapshot, "frames"), order)
    return [key for key, here in zip(order, found, strict=True) if here != expected[key]]


def refuse_overlap(staging: Staging, base: Snapshot, mine: Snapshot, theirs: Snapshot) -> None:
    """Raise ConflictError where both changed one frame, each from the base and in its own way.

    For edits that were worked out from what the base holds, and would undo what the other one did.
    """
    fought = merge(
        staging.nodes, root(base, "frames"), root(mine, "frames"), root(theirs, "frames")
    ).conflicts
    if fought:
        raise ConflictError(
            f"somebody else changed {count_of(len(fought), 'frame')} of these meanwhile, first "
            f"{frame_id(fought[0].key)!a}; nothing was stored, so run it again"
        )


def rebase(staging: Staging, base: Snapshot, mine: Snapshot, theirs: Snapshot) -> Snapshot:
    """Return `theirs` with all done that led from `base` to `mine`."""
    return _edited(staging, base, mine, theirs, edits_between(staging, base, mine))


def _edited(
    staging: Staging,
    base: Snapshot,
    mine: Snapshot,
    theirs: Snapshot,
    edits: Iterable[FrameEdit],
) -> Snapshot:
    edited = edit_snapshot(staging, theirs, edits)
    return edited if mine.meta == base.meta else with_meta(edited, mine.meta)


def with_meta(snapshot: Snapshot, meta: dict[str, object]) -> Snapshot:
    """Return the snapshot with other metadata of its version."""
    return Snapshot(
        count=snapshot.count,
        extra=snapshot.extra,
        meta=meta,
        roots=snapshot.roots,
        totals=snapshot.totals,
    )


def commit_moves(
    handle: Handle,
    staging: Staging,
    refs: RefReader,
    state: State,
    message: str,
    *,
    even_empty: bool = False,
    pending: Snapshot | None = None,
) -> tuple[list[Move], CommitId | None]:
    """Stage a commit of what is pending; return its moves, and the head as it is after them.

    What is pending is the working snapshot, or one that is to become it. No moves where nothing
    is pending, unless `even_empty`.
    """
    working = state.writable()
    new = read_snapshot(refs, working) if pending is None else pending
    old = head_snapshot(refs, staging, state)
    if new == old and not even_empty:
        return [], state.head
    commit = new_commit(
        snapshot=working if pending is None else store_snapshot(staging, pending),
        parents=[] if state.head is None else [state.head],
        place=(state.place.dataset, state.place.version),
        who=handle.config.user(),
        message=message,
        time_ms=now_ms(),
        changes=count_changes(staging, old, new),
    )
    made = CommitId(staging.add(Kind.COMMIT, encode_object(commit)))
    return [Move(head_ref(state.place.dataset, state.place.version), state.head, made)], made
