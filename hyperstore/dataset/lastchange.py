"""When each frame of a version was saved last, and in which version: answered from history.

A frame that changed since the head was saved by a recorded move of the working snapshot; any other
by the commit that last changed it. Of a merge that is in the side that has the frame as it is.
Trees share what did not change, so each commit costs what it changed. Where history is cut off, or
what a move replaced was collected, nobody knows, and the answer is None.

Why a commit's time and not that of the write before it: the log of moves is this store's own and
forgets, while commits travel. So a frame has one answer in every clone, today and in ten years.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from hyperstore.dataset.draft import Place
from hyperstore.dataset.edit import root
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.moved import operations
from hyperstore.dataset.staging import Staging
from hyperstore.errors import MissingObjectError
from hyperstore.frames import keys
from hyperstore.history.ancestry import parents
from hyperstore.history.branches import working_ref
from hyperstore.history.commit import Commit, Snapshot
from hyperstore.ids import CommitId, NodeId, ObjectId, SnapshotId
from hyperstore.tree.cursor import get_many
from hyperstore.tree.diff import diff

__all__ = ["Saved", "SavedTimes", "saved_since"]

_LOOKED_UP_MAX = 256  # So many frames are looked up one by one; for more, two trees are compared.
_FEW = 1_024  # So many frames that differ between two trees are remembered,
_KEPT_MAX = 262_144  # of all pairs of trees so many together.

_Held = dict[bytes, bytes]
"""Frame key to object id."""


_Move = tuple[int, NodeId | None, NodeId | None]
"""Its time, and the frames before and after; None for what was collected."""

_BEGUN = NodeId(ObjectId(b""))  # What a move has for what stood there before, where nothing did.
_ASKED: set[bytes] = set()


class Saved(NamedTuple):
    """When a frame was saved, in milliseconds since 1970, UTC, and in which version."""

    time_ms: int
    version_id: str


class SavedTimes:
    """When frames of one snapshot were saved last; what one question read serves the next."""

    def __init__(
        self, handle: Handle, place: Place, snapshot: Snapshot, head: CommitId | None
    ) -> None:
        self._handle = handle
        self._place = place
        self._staging = handle.staging()
        self._now = root(snapshot, "frames")
        self._head = head
        self._trees = _Trees(self._staging)
        self._moves = _Replay(_moves(handle, place))
        self._commits: dict[CommitId, tuple[Commit, NodeId] | None] = {}

    def of(self, frame_ids: Sequence[str]) -> list[Saved | None]:
        """Return for each frame its last change; None where nobody knows."""
        order = sorted({keys.frame_key(one) for one in frame_ids})
        values = get_many(self._staging.nodes, self._now, order)
        held = {key: one for key, one in zip(order, values, strict=True) if one is not None}
        found: dict[bytes, Saved | None] = {}
        head = None if self._head is None else self._commit(self._head)
        if self._head is not None and head is not None:
            since = self._trees.differing(head[1], self._now, held)
            found |= self._of_commits(self._head, _without(held, since))
            held = {key: held[key] for key in since}
        if held:
            found |= self._of_moves(held)
        return [found.get(keys.frame_key(one)) for one in frame_ids]

    def _of_moves(self, held: _Held) -> dict[bytes, Saved | None]:
        """Answer from the operation log for frames that no commit has."""
        found: dict[bytes, Saved | None] = {}
        for time_ms, old, new in self._moves:
            saved = Saved(time_ms, self._place.version)
            if old is _BEGUN:  # The version was made by this one.
                return found | dict.fromkeys(held, saved)
            if old is None or new is None:
                return found | dict.fromkeys(held, None)
            changed = self._trees.differing(old, new, held)
            found |= dict.fromkeys(changed, saved)
            held = _without(held, changed)
            if not held:
                return found
        return found

    def _of_commits(self, head: CommitId, held: _Held) -> dict[bytes, Saved | None]:
        """Answer from the commits that lead to a head, newest first; each frame goes one way
        down.
        """
        found: dict[bytes, Saved | None] = {}
        waiting: dict[CommitId, _Held] = {head: held}
        order = [(0, head)]
        while order:
            _, commit_id = heapq.heappop(order)
            mine, known = waiting.pop(commit_id, {}), self._commit(commit_id)
            if not mine or known is None:
                continue
            commit, own = known
            is_cut = False
            for parent_id in parents(commit):
                parent = self._commit(parent_id)
                if parent is None:
                    is_cut = True
                    continue
                changed = self._trees.differing(parent[1], own, mine)
                # The many that are the same go on as they are, without a copy for each commit.
                kept = {key: mine.pop(key) for key in changed}
                if mine:
                    if waiting.setdefault(parent_id, mine) is not mine:
                        waiting[parent_id].update(mine)
                    heapq.heappush(order, (-parent[0].time, parent_id))
                mine = kept
            saved = None if is_cut else Saved(commit.time, commit.version)
            found |= dict.fromkeys(mine, saved)
        return found

    def _commit(self, commit_id: CommitId) -> tuple[Commit, NodeId] | None:
        """Return a commit and its frames; None where history is cut off."""
        if commit_id not in self._commits:
            try:
                commit = self._handle.commit(commit_id)
            except MissingObjectError:
                self._commits[commit_id] = None
            else:
                frames = self._handle.snapshot(SnapshotId(ObjectId(commit.snapshot)))
                self._commits[commit_id] = commit, root(frames, "frames")
        return self._commits[commit_id]


class _Replay:
    """What a source yields, read on only as far as somebody wants, and for all of them once."""

    def __init__(self, source: Iterator[_Move]) -> None:
        self._source = source
        self._known: list[_Move] = []

    def __iter__(self) -> Iterator[_Move]:
        at = 0
        while True:
            if at == len(self._known):
                following = next(self._source, None)
                if following is None:
                    return
                self._known.append(following)
            yield self._known[at]
            at += 1


class _Trees:
    """What differs between two trees, which is remembered where it is asked again and is little.

    A frame is looked up in both trees else: two large trees would be compared for every few frames.
    """

    def __init__(self, staging: Staging) -> None:
        self._nodes = staging.nodes
        self._known: dict[tuple[NodeId, NodeId], set[bytes] | None] = {}
        self._left = _KEPT_MAX

    def differing(self, old: NodeId, new: NodeId, held: Mapping[bytes, bytes]) -> set[bytes]:
        """Return which of the frames that `new` holds are not so in `old`."""
        if old == new:
            return set()
        if len(held) > _LOOKED_UP_MAX:
            return {change[0] for change in diff(self._nodes, old, new) if change[0] in held}
        few = self._few(old, new)
        if few is not None:
            return {key for key in held if key in few}
        order = sorted(held)
        before = get_many(self._nodes, old, order)
        return {key for key, one in zip(order, before, strict=True) if one != held[key]}

    def _few(self, old: NodeId, new: NodeId) -> set[bytes] | None:
        """Return all that differs; None where that is much, or was never asked before."""
        pair = old, new
        if pair not in self._known:
            self._known[pair] = _ASKED
            return None
        if self._known[pair] is _ASKED:
            most = min(_FEW, self._left)
            found = {change[0] for change in islice(diff(self._nodes, old, new), most + 1)}
            self._known[pair] = found if len(found) <= most else None
            self._left -= len(self._known[pair] or ())
        return self._known[pair]


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


def _moves(handle: Handle, place: Place) -> Iterator[_Move]:
    """Yield the moves of a version's working snapshot, newest first, to the one that made it."""
    name = working_ref(place.dataset, place.version)
    for operation in operations(handle):
        for move in operation.moves:
            if move.name != name or move.new is None:
                continue
            if move.old is None:
                yield operation.time_ms, _BEGUN, None
                return
            yield operation.time_ms, _roots(handle, move.old), _roots(handle, move.new)


def _without(held: _Held, gone: set[bytes]) -> _Held:
    return {key: one for key, one in held.items() if key not in gone} if gone else held


def _roots(handle: Handle, snapshot_id: ObjectId) -> NodeId | None:
    try:
        return root(handle.snapshot(SnapshotId(snapshot_id)), "frames")
    except MissingObjectError:
        return None
