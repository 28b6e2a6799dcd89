"""Freezing a draft: publish, and snapshot, which goes on in a child.

Each is one operation: what is pending is committed in the transaction that publishes it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from hyperstore.codec import Struct, replace
from hyperstore.dataset.draft import (
    Place,
    State,
    commit_moves,
    read_state,
    store_snapshot,
    with_meta,
)
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.lifecycle import after, standing, version_moves
from hyperstore.dataset.staging import Staging
from hyperstore.dataset.transact import Move, transact
from hyperstore.history.branches import (
    RefReader,
    read_snapshot,
    unsorted_versions,
    version_ref,
    working_ref,
)
from hyperstore.history.commit import Snapshot, VersionRecord, check_message, encode_object
from hyperstore.history.names import check_name, check_text
from hyperstore.ids import CommitId, Kind, new_id
from hyperstore.storage.host import now_ms

__all__ = ["SnapshotWish", "publish", "snapshot"]


class SnapshotWish(Struct, frozen=True):
    """What may be said of a snapshot and of the child that goes on from it; None says nothing.

    Metadata that is given replaces what the draft holds; the child takes the snapshot's.
    """

    name: str | None = None
    comment: str | None = None
    metadata: dict[str, object] | None = None
    child_name: str | None = None
    child_comment: str | None = None
    child_metadata: dict[str, object] | None = None
    message: str | None = None


def publish(handle: Handle, place: Place, message: str | None) -> CommitId:
    """Freeze a draft at its head, with what is pending committed first."""
    staging = handle.staging()

    def prepare(refs: RefReader) -> tuple[Sequence[Move], CommitId]:
        state = read_state(refs, place)
        moves, head = _published(handle, staging, refs, state, SnapshotWish(message=message))
        return moves, head

    return transact(handle, staging, "publish", prepare)


def snapshot(handle: Handle, place: Place, wish: SnapshotWish, *, stand: bool) -> Place:
    """Publish a draft under a new name; return the draft child that goes on from it."""
    staging = handle.staging()
    child_id, created = new_id(), now_ms()
    stamp = datetime.fromtimestamp(created / 1000, UTC).replace(tzinfo=None)
    name = wish.name or f"snapshot {stamp.isoformat(timespec='microseconds')}"
    wish = replace(wish, name=check_name(name, what="version"))

    def prepare(refs: RefReader) -> tuple[Sequence[Move], Place]:
        state = read_state(refs, place)
        moves, head = _published(handle, staging, refs, state, wish)
        frozen = _pending(refs, state, wish.metadata)
        begun = frozen if wish.child_metadata is None else with_meta(frozen, wish.child_metadata)
        child = VersionRecord(
            comment=check_text(wish.child_comment or "", what="comment"),
            created=after(
                created, (one.created for _, one in unsorted_versions(refs, place.dataset))
            ),
            dataset=place.dataset,
            id=child_id,
            name=check_name(wish.child_name or state.record.name, what="version"),
            parent=place.version,
            system_tags=state.record.system_tags,
            tags=state.record.tags,
        )
        here = Place(place.dataset, child_id)
        moves += version_moves(staging, here, child, head, store_snapshot(staging, begun))
        return [*moves, *(standing(staging, refs, here) if stand else [])], here

    return transact(handle, staging, "snapshot", prepare)


def _published(
    handle: Handle, staging: Staging, refs: RefReader, state: State, wish: SnapshotWish
) -> tuple[list[Move], CommitId]:
    """Return the moves that freeze a version, under another name if wished, and its last commit."""
    name = wish.name or state.record.name
    moves, head = commit_moves(
        handle,
        staging,
        refs,
        state,
        check_message(wish.message or f"Publish {name}"),
        even_empty=state.head is None,
        pending=None if wish.metadata is None else _pending(refs, state, wish.metadata),
    )
    assert head is not None
    changed: dict[str, str | int] = {"published": now_ms(), "name": name}
    if wish.comment is not None:
        changed["comment"] = check_text(wish.comment, what="comment")
    record = replace(state.record, **changed)
    ids = (state.place.dataset, state.place.version)
    return [
        *moves,
        Move(version_ref(*ids), state.record_id, staging.add(Kind.RECORD, encode_object(record))),
        Move(working_ref(*ids), state.working, None),
    ], head


def _pending(refs: RefReader, state: State, metadata: dict[str, object] | None) -> Snapshot:
    """Return what a draft holds, with other metadata where there is any."""
    held = read_snapshot(refs, state.writable())
    return held if metadata is None else with_meta(held, metadata)
