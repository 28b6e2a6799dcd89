"""When each frame of a version was saved last, and in which version: answered from history.

A frame that changed since the head was saved by a recorded move of the working snapshot; any other
by the commit that last changed it. Of a merge that is in the side that has the frame as it is.
Trees share what did not change, so each commit costs what it changed. Where history is cut off, or
what a move replaced was collected, nobody knows, and the answer is None.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from hyperstore.dataset.draft import Place
from hyperstore.dataset.edit import root
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.moved import operations
from hyperstore.dataset.staging import Staging
from hyperstore.errors import MissingObjectError
from hyperstore.frames import keys
from hyperstore.history.ancestry import parents
from hyperstore.history.branches import read_commit, read_snapshot, working_ref
from hyperstore.history.commit import Commit, Snapshot
from hyperstore.ids import CommitId, NodeId, ObjectId, SnapshotId
from hyperstore.tree.cursor import get_many
from hyperstore.tree.diff import diff

__all__ = ["Saved", "last_saved", "saved_since"]

_LOOKED_UP_MAX = 64  # So many frames are looked up one by one; for more, two trees are compared.

_Held = dict[bytes, bytes]
"""Frame key to object id."""


class Saved(NamedTuple):
    """When a frame was saved, in milliseconds since 1970, UTC, and in which version."""

    time_ms: int
    version_id: str


def last_saved(
    handle: Handle,
    place: Place,
    snapshot: Snapshot,
    head: CommitId | None,
    frame_ids: Sequence[str],
) -> list[Saved | None]:
    """Return for each frame of a snapshot, of a version whose head is given, its last change."""
    staging = handle.staging()
    order = sorted({keys.frame_key(one) for one in frame_ids})
    values = get_many(staging.nodes, root(snapshot, "frames"), order)
    held = {key: one for key, one in zip(order, values, strict=True) if one is not None}
    found: dict[bytes, Saved | None] = {}
    if head is not None:
        with handle.database.reading() as reader:
            recorded = read_snapshot(
                reader, SnapshotId(ObjectId(read_commit(reader, head).snapshot))
            )
        since = _differing(staging, root(recorded, "frames"), root(snapshot, "frames"), held)
        found |= _of_commits(handle, staging, head, _without(held, since))
        held = {key: held[key] for key in since}
    if held:
        found |= _of_moves(handle, staging, place, held)
    return [found.get(keys.frame_key(one)) for one in frame_ids]


def saved_since(handle: Handle, place: Place) -> Iterator[tuple[int, bool]]:
    """Yield when the working snapshot of a version moved, newest first, and whether frames did."""
    name = working_ref(place.dataset, place.version)
    for operation in operations(handle):
        for move in operation.moves:
            if move.name != name:
                continue
            if move.old is None:
                return
            if move.new is not None:
                sides = _roots(handle, move.old), _roots(handle, move.new)
                yield operation.time_ms, sides[0] is None or sides[0] != sides[1]


def _of_moves(
    handle: Handle, staging: Staging, place: Place, held: _Held
) -> dict[bytes, Saved | None]:
    """Answer from the operation log for frames that no commit has."""
    name = working_ref(place.dataset, place.version)
    found: dict[bytes, Saved | None] = {}
    for operation in operations(handle):
        for move in operation.moves:
            if move.name != name or move.new is None:
                continue
            saved = Saved(operation.time_ms, place.version)
            if move.old is None:  # The version was made by this one.
                return found | dict.fromkeys(held, saved)
            old, new = _roots(handle, move.old), _roots(handle, move.new)
            if old is None or new is None:
                return found | dict.fromkeys(held, None)
            changed = _differing(staging, old, new, held)
            found |= dict.fromkeys(changed, saved)
            held = _without(held, changed)
            if not held:
                return found
    return found


def _of_commits(
    handle: Handle, staging: Staging, head: CommitId, held: _Held
) -> dict[bytes, Saved | None]:
    """Answer from the commits that lead to a head, newest first; each frame goes one way down."""
    found: dict[bytes, Saved | None] = {}
    waiting: dict[CommitId, _Held] = {head: held}
    first = _commit(handle, head)
    order = [] if first is None else [(-first.time, head)]
    commits = {head: first}
    while order:
        _, commit_id = heapq.heappop(order)
        mine, commit = waiting.pop(commit_id, {}), commits[commit_id]
        if not mine or commit is None:
            continue
        own = _frames_root(handle, commit)
        is_cut = False
        for parent_id in parents(commit):
            parent = commits.get(parent_id) or _commit(handle, parent_id)
            commits[parent_id] = parent
            if parent is None:
                is_cut = True
                continue
            changed = _differing(staging, _frames_root(handle, parent), own, mine)
            # The many that are the same go on as they are, without a copy for each commit.
            kept = {key: mine.pop(key) for key in changed}
            if mine:
                if waiting.setdefault(parent_id, mine) is not mine:
                    waiting[parent_id].update(mine)
                heapq.heappush(order, (-parent.time, parent_id))
            mine = kept
        saved = None if is_cut else Saved(commit.time, commit.version)
        found |= dict.fromkeys(mine, saved)
    return found


def _differing(
    staging: Staging, old: NodeId, new: NodeId, held: Mapping[bytes, bytes]
) -> set[bytes]:
    """Return which of the frames that `new` holds are not so in `old`."""
    if old == new:
        return set()
    if len(held) > _LOOKED_UP_MAX:
        return {change[0] for change in diff(staging.nodes, old, new) if change[0] in held}
    order = sorted(held)
    before = get_many(staging.nodes, old, order)
    return {key for key, one in zip(order, before, strict=True) if one != held[key]}


def _without(held: _Held, gone: set[bytes]) -> _Held:
    return {key: one for key, one in held.items() if key not in gone} if gone else held


def _commit(handle: Handle, commit_id: CommitId) -> Commit | None:
    try:
        return handle.commit(commit_id)
    except MissingObjectError:
        return None


def _frames_root(handle: Handle, commit: Commit) -> NodeId:
    return root(handle.snapshot(SnapshotId(ObjectId(commit.snapshot))), "frames")


def _roots(handle: Handle, snapshot_id: ObjectId) -> NodeId | None:
    try:
        return root(handle.snapshot(SnapshotId(snapshot_id)), "frames")
    except MissingObjectError:
        return None
