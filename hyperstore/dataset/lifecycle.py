"""What moves more than a working snapshot: commit, tags, records, going back.

Each function is one operation: one transaction, one row in the operation log.
"""

from collections.abc import Callable, Iterable, Sequence

from hyperstore.codec import replace
from hyperstore.dataset.compare import edits_of
from hyperstore.dataset.draft import (
    Place,
    State,
    commit_moves,
    head_snapshot,
    read_state,
    store_snapshot,
)
from hyperstore.dataset.edit import edit_snapshot, empty_snapshot, root
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.merging import merge_snapshots, revert_message
from hyperstore.dataset.runswatch import current_run_id
from hyperstore.dataset.staging import Staging
from hyperstore.dataset.transact import Move, transact
from hyperstore.errors import ExistsError, NotFoundError, RefusedError, UsageError, count_of
from hyperstore.frames import keys
from hyperstore.history.branches import (
    HEAD,
    RefReader,
    dataset_ref,
    find_tag,
    head_ref,
    read_commit,
    read_head,
    read_snapshot,
    tag_ref,
    version_ref,
    working_ref,
)
from hyperstore.history.commit import (
    HeadRecord,
    Snapshot,
    Tag,
    VersionRecord,
    check_message,
    encode_object,
)
from hyperstore.history.names import check_name, check_text
from hyperstore.ids import CommitId, Kind, ObjectId, SnapshotId
from hyperstore.storage.host import now_ms
from hyperstore.tree.cursor import get_many

__all__ = [
    "CURRENT",
    "after",
    "change_record",
    "commit",
    "created",
    "delete_versions",
    "removal",
    "reset",
    "restore",
    "revert",
    "snapshot_of",
    "standing",
    "tag",
    "untag",
    "version_moves",
]

CURRENT = "Current"


def commit(handle: Handle, place: Place, message: str, *, even_empty: bool) -> CommitId | None:
    """Record what is pending; None where nothing is."""
    text = check_message(message)
    staging = handle.staging()

    def prepare(refs: RefReader) -> tuple[Sequence[Move], CommitId | None]:
        state = read_state(refs, place)
        moves, head = commit_moves(handle, staging, refs, state, text, even_empty=even_empty)
        return moves, head if moves else None

    return transact(handle, staging, f"commit: {text.splitlines()[0]}", prepare)


def created(
    staging: Staging, refs: RefReader, record: VersionRecord, start: CommitId | None
) -> list[Move]:
    """Return the moves that make a draft which starts at a commit, or empty."""
    if start is None:
        working = store_snapshot(staging, empty_snapshot(staging.nodes))
    else:
        working = SnapshotId(ObjectId(read_commit(refs, start).snapshot))
    place = Place(record.dataset, record.id)
    return version_moves(staging, place, record, start, working)


def after(created: int, others: Iterable[int]) -> int:
    """Return a time of creation behind those of others, in the same moment, for their order.

    Others that are far ahead are of a clock that went wrong, and count for nothing.
    """
    return max((one + 1 for one in others if created <= one < created + 1_000), default=created)


def standing(staging: Staging, refs: RefReader, place: Place) -> list[Move]:
    """Return the move that makes the command stand on a version; none where it does."""
    here = HeadRecord(dataset=place.dataset, version=place.version)
    if read_head(refs) == here:
        return []
    return [Move(HEAD, refs.ref(HEAD), staging.add(Kind.RECORD, encode_object(here)))]


def change_record(
    handle: Handle, place: Place, command: str, change: Callable[[VersionRecord], VersionRecord]
) -> None:
    """Replace the record of a version by what `change` makes of it."""
    staging = handle.staging()

    def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
        state = read_state(refs, place)
        new = staging.add(Kind.RECORD, encode_object(change(state.record)))
        return [Move(version_ref(place.dataset, place.version), state.record_id, new)], None

    transact(handle, staging, command, prepare)


def delete_versions(handle: Handle, places: Sequence[Place], *, force: bool) -> None:
    """Delete the refs of versions; their commits stay until collected, `undo` brings them back."""
    staging = handle.staging()

    def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
        states = [read_state(refs, place) for place in places]
        for state in states:
            if state.working is None and not force:
                name = state.record.name
                raise RefusedError(f"version {name!a} is published; delete it with force")
        return [move for state in states for move in removal(state)], None

    what = "version" if len(places) == 1 else count_of(len(places), "version")
    transact(handle, staging, f"delete {what}", prepare)


def removal(state: State) -> list[Move]:
    """Return the moves that delete a version."""
    ids = (state.place.dataset, state.place.version)
    return [
        Move(version_ref(*ids), state.record_id, None),
        Move(head_ref(*ids), state.head, None),
        Move(working_ref(*ids), state.working, None),
    ]


def tag(
    handle: Handle, dataset: str, name: str, commit_id: CommitId, *, message: str, force: bool
) -> None:
    """Name a commit. ExistsError where the name is taken, unless `force` moves it."""
    check_name(name, what="tag")
    check_text(message, what="message")
    staging = handle.staging()

    def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
        if refs.ref(dataset_ref(dataset)) is None:
            raise NotFoundError(f"no dataset {dataset} any more: it was deleted")
        read_commit(refs, commit_id)
        held = find_tag(refs, dataset, name)
        if held is not None and not force:
            raise ExistsError(f"tag {name!a} exists; delete it first, or move it with force")
        made = Tag(
            commit=commit_id,
            message=message,
            name=name,
            tagger=handle.config.user(),
            time=now_ms(),
        )
        new = staging.add(Kind.TAG, encode_object(made))
        return [Move(tag_ref(dataset, name), None if held is None else held.id, new)], None

    transact(handle, staging, f"tag {name}", prepare)


def untag(handle: Handle, dataset: str, name: str) -> None:
    """Delete a tag."""

    def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
        held = find_tag(refs, dataset, name)
        if held is None:
            raise NotFoundError(f"no tag {name!a}")
        return [Move(tag_ref(dataset, name), held.id, None)], None

    transact(handle, handle.staging(), f"delete tag {name}", prepare)


def reset(handle: Handle, place: Place, commit_id: CommitId | None, *, hard: bool) -> None:
    """Move a draft's head to a commit; `hard` also drops what is pending. None is the head."""
    staging = handle.staging()

    def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
        state = read_state(refs, place)
        working = state.writable()
        target = state.head if commit_id is None else commit_id
        moves = [Move(head_ref(place.dataset, place.version), state.head, target)]
        if hard:
            kept = snapshot_of(refs, staging, target)
            new = store_snapshot(staging, kept)
            moves.append(Move(working_ref(place.dataset, place.version), working, new))
        return moves, None

    transact(handle, staging, "reset --hard" if hard else "reset", prepare)


def restore(
    handle: Handle, place: Place, source: CommitId | None, frames: Iterable[str] | None
) -> int:
    """Make frames of a draft as they are in a commit (None: the head), absent ones too.

    All frames and the metadata where `frames` is None. Returns how many frames changed.
    """
    order = None if frames is None else _frame_keys(frames)
    staging = handle.staging()

    def prepare(refs: RefReader) -> tuple[Sequence[Move], int]:
        state = read_state(refs, place)
        working = state.writable()
        old = read_snapshot(refs, working)
        target = snapshot_of(refs, staging, state.head if source is None else source)
        if order is None:
            new, changed = target, -1
        else:
            theirs = get_many(staging.nodes, root(target, "frames"), order)
            ours = get_many(staging.nodes, root(old, "frames"), order)
            for key, there, here in zip(order, theirs, ours, strict=True):
                if there is None and here is None:
                    raise NotFoundError(
                        f"no frame {keys.frame_id(key)!a}, neither in the draft nor in the source"
                    )
            differing = [
                (key, there)
                for key, there, here in zip(order, theirs, ours, strict=True)
                if there != here
            ]
            new = edit_snapshot(staging, old, edits_of(staging, differing))
            changed = len(differing)
        ref = working_ref(place.dataset, place.version)
        return [Move(ref, working, store_snapshot(staging, new))], changed

    return transact(handle, staging, "restore", prepare)


def _frame_keys(frames: object) -> list[bytes]:
    """Return the keys of frames that are named by their ids, in order, each once."""
    if isinstance(frames, str | bytes) or not isinstance(frames, Iterable):
        raise UsageError(f"frames are named by a list of ids, not by {type(frames).__name__}")
    wanted = list(frames)
    for one in wanted:
        if not isinstance(one, str):
            raise UsageError(f"a frame is named by its id, a str, not by {one!a}")
    return sorted({keys.frame_key(one) for one in wanted})


def revert(handle: Handle, place: Place, commit_id: CommitId, message: str | None) -> CommitId:
    """Undo one commit's changes on top of a draft, and commit that.

    UsageError while edits are pending; ConflictError where later edits touch the same fields.
    """
    staging = handle.staging()

    def prepare(refs: RefReader) -> tuple[Sequence[Move], CommitId]:
        state = read_state(refs, place)
        working = state.writable()
        ours = read_snapshot(refs, working)
        if ours != head_snapshot(refs, staging, state):
            raise UsageError("edits are pending; commit them or reset --hard, then revert")
        undone = read_commit(refs, commit_id)
        parent = CommitId(ObjectId(undone.parents[0])) if undone.parents else None
        base = snapshot_of(refs, staging, commit_id)
        new = merge_snapshots(staging, base, ours, snapshot_of(refs, staging, parent), undone)
        if new == ours:
            raise UsageError(f"nothing of commit {commit_id.hex()[:12]} is left to revert")
        text = check_message(message or revert_message(undone, commit_id))
        moves, head = commit_moves(handle, staging, refs, state, text, pending=new)
        assert head is not None
        ref = working_ref(place.dataset, place.version)
        return [Move(ref, working, store_snapshot(staging, new)), *moves], head

    return transact(handle, staging, f"revert {commit_id.hex()[:12]}", prepare)


def snapshot_of(refs: RefReader, staging: Staging, commit_id: CommitId | None) -> Snapshot:
    """Return the snapshot of a commit, the empty one for None."""
    if commit_id is None:
        return empty_snapshot(staging.nodes)
    return read_snapshot(refs, SnapshotId(ObjectId(read_commit(refs, commit_id).snapshot)))


def version_moves(
    staging: Staging,
    place: Place,
    record: VersionRecord,
    head: CommitId | None,
    working: SnapshotId,
) -> list[Move]:
    """Return the moves that make a version; its record names the run that makes it."""
    ids = (place.dataset, place.version)
    record = replace(record, task=record.task or current_run_id())
    return [
        Move(version_ref(*ids), None, staging.add(Kind.RECORD, encode_object(record))),
        Move(head_ref(*ids), None, head),
        Move(working_ref(*ids), None, working),
    ]
