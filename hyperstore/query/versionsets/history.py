"""Which frames ever fitted a query, and between which commits: a version's history, asked at once.

The line of a version is its head and first parents. A frame fits *from* the commit of the line in
which it first is as the query wants, *to* the first one after that in which it is not, or is not
there. What a merge brought in fits from the merge on, since the line did not have it before; the
commit of the other line that did it is named beside that.

Each commit is compared with its first parent, and only frames that differ are looked at, each
object once: so it costs what was changed, however many frames there are. The oldest commit alone is
asked as a whole.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from pyroaring import BitMap

from hyperstore.dataset.edit import root
from hyperstore.dataset.handle import Handle
from hyperstore.errors import MissingObjectError, QueryError
from hyperstore.frames import keys
from hyperstore.history.ancestry import parents
from hyperstore.history.commit import Commit, Snapshot
from hyperstore.ids import CommitId, ObjectId, SnapshotId
from hyperstore.query.index.frameindex import FrameIndex
from hyperstore.query.index.objectnumbers import numbers_of
from hyperstore.query.language.condition import Condition
from hyperstore.query.versionsets.changes import revisions_of
from hyperstore.query.versionsets.versionset import version_set
from hyperstore.tree.cursor import scan_leaves
from hyperstore.tree.diff import Change, diff

__all__ = ["FrameHistory", "Matcher", "Span", "history", "matcher_of"]

_CHUNK = 4_096


@dataclass(frozen=True, slots=True)
class Span:
    """From which commit of the line a frame fitted, and to which; ids in hex digits.

    `ended` is None where it fits still, and is a commit in which it fits no more. `began_in` and
    `ended_in` are the commits that did it where those of the line are merges of them, else None.
    `is_cut`: history before `began` is not here, so it may have begun earlier.
    """

    began: str
    ended: str | None = None
    began_in: str | None = None
    ended_in: str | None = None
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class FrameHistory:
    """A frame that fitted at some time, and its spans, the oldest first."""

    frame_id: str
    spans: tuple[Span, ...]

    @property
    def fits_now(self) -> bool:
        """Whether it fits in the newest commit."""
        return self.spans[-1].ended is None


class Matcher:
    """What tells which frames fit. `among` is given ids of stored frames, and returns those."""

    def __init__(
        self,
        among: Callable[[Sequence[ObjectId]], set[ObjectId]],
        whole: Callable[[Snapshot], Iterable[str]] | None = None,
    ) -> None:
        self.among = among
        self.whole = whole  # Of a whole snapshot, the ids of the frames that fit.


def history(
    handle: Handle, head: CommitId, condition: Condition, matcher: Matcher
) -> list[FrameHistory]:
    """Return the frames that fitted in any commit of the line that ends in `head`, by id."""
    if revisions_of(condition):
        raise QueryError(
            "added:, changed: and removed: say how one version changed; history asks each commit"
        )
    return _Walk(handle, head, matcher).run()


class _Walk:
    """One walk along a line, from its oldest commit on."""

    def __init__(self, handle: Handle, head: CommitId, matcher: Matcher) -> None:
        self._handle = handle
        self._nodes = handle.staging().nodes
        self._matcher = matcher
        self._commits: dict[CommitId, Commit | None] = {}
        self._line = self._first_parents(head)
        self._open: dict[bytes, Span] = {}
        self._closed: dict[bytes, list[Span]] = {}
        self._landed: dict[CommitId, int] = {}  # With which commit of the line each came.
        self._landed_to = 0  # Those of the line up to which that is known.

    def run(self) -> list[FrameHistory]:
        oldest = self._line[0]
        is_cut = bool(self._commit(oldest).parents)
        began = Span(oldest.hex(), is_cut=is_cut)
        self._open = dict.fromkeys(self._whole(self._snapshot(oldest)), began)
        for at in range(1, len(self._line)):
            self._step(at)
        for key, span in self._open.items():
            self._closed.setdefault(key, []).append(span)
        found = ((keys.frame_id(key), spans) for key, spans in self._closed.items())
        return [FrameHistory(name, tuple(spans)) for name, spans in sorted(found)]

    def _step(self, at: int) -> None:
        """Take in what one commit of the line changed against its first parent."""
        commit_id = self._line[at]
        flips = self._flips(self._line[at - 1], commit_id)
        if not flips:
            return
        sources: dict[bytes, CommitId] = {}
        if len(self._commit(commit_id).parents) > 1:
            sources = self._sources(at, flips)
        for key, fits in flips.items():
            source = sources.get(key)
            done_in = None if source is None else source.hex()
            if fits:
                self._open[key] = Span(commit_id.hex(), began_in=done_in)
            else:
                span = self._open.pop(key)
                ended = replace(span, ended=commit_id.hex(), ended_in=done_in)
                self._closed.setdefault(key, []).append(ended)

    def _flips(
        self, old: CommitId, new: CommitId, only: dict[bytes, bool] | None = None
    ) -> dict[bytes, bool]:
        """Return the frames that fit in one of two commits and not in the other, and in which."""
        flips: dict[bytes, bool] = {}
        before, after = (root(self._snapshot(one), "frames") for one in (old, new))
        changes: Iterator[Change] = diff(self._nodes, before, after)
        if only is not None:
            changes = (change for change in changes if change.key in only)
        while chunk := list(islice(changes, _CHUNK)):
            sides = {ObjectId(side) for _, *both in chunk for side in both if side is not None}
            fitting = self._matcher.among(list(sides))
            for key, was, now in chunk:
                if (was in fitting) != (now in fitting):
                    flips[key] = now in fitting
        return flips

    def _whole(self, snapshot: Snapshot) -> Iterator[bytes]:
        """Yield the keys of the frames of a snapshot that fit."""
        if self._matcher.whole is not None:
            yield from map(keys.frame_key, self._matcher.whole(snapshot))
            return
        for leaf in scan_leaves(self._nodes, root(snapshot, "frames")):
            fitting = self._matcher.among([ObjectId(value) for _, value in leaf])
            yield from (key for key, value in leaf if value in fitting)

    # Merges.

    def _sources(self, at: int, flips: dict[bytes, bool]) -> dict[bytes, CommitId]:
        """Return for frames that a merge flipped the commits beside the line that did it.

        Each line that came with the merge is walked back to where it came from; its newest flip of
        a frame is what was merged. Where that is a merge, too, the lines that came with it follow.
        """
        self._land(at)
        found: dict[bytes, CommitId] = {}
        seen: set[CommitId] = set()
        pending = [(self._line[at], flips)]
        while pending:
            merge, left = pending.pop()
            left = dict(left)
            for parent in parents(self._commit(merge))[1:]:
                for commit_id in self._side(parent, at, seen):
                    above = self._first_parent(commit_id)
                    if not left or above is None:
                        break
                    here = self._flips(above, commit_id, left)
                    mine = {key: fits for key, fits in here.items() if fits == left[key]}
                    found |= dict.fromkeys(mine, commit_id)
                    if mine and len(self._commit(commit_id).parents) > 1:
                        pending.append((commit_id, mine))
                    left = {key: fits for key, fits in left.items() if key not in here}
        return found

    def _side(self, start: CommitId, at: int, seen: set[CommitId]) -> list[CommitId]:
        """Return the line from `start` on that came with one commit of the main line."""
        came: list[CommitId] = []
        one: CommitId | None = start
        while one is not None and self._landed.get(one) == at and one not in seen:
            came.append(one)
            seen.add(one)
            one = self._first_parent(one)
        return came

    def _land(self, to: int) -> None:
        """Note of all commits up to one of the line with which of the line they came."""
        for at in range(self._landed_to, to + 1):
            pending = [self._line[at]]
            while pending:
                one = pending.pop()
                if one not in self._landed and self._maybe(one) is not None:
                    self._landed[one] = at
                    pending += parents(self._commit(one))
        self._landed_to = to + 1

    # Commits.

    def _first_parents(self, head: CommitId) -> list[CommitId]:
        line = [head]
        while (above := self._first_parent(line[-1])) is not None:
            line.append(above)
        return line[::-1]

    def _first_parent(self, commit_id: CommitId) -> CommitId | None:
        """Return the first parent; None where there is none, or history is cut off."""
        above = parents(self._commit(commit_id))[:1]
        return above[0] if above and self._maybe(above[0]) is not None else None

    def _commit(self, commit_id: CommitId) -> Commit:
        found = self._maybe(commit_id)
        assert found is not None
        return found

    def _maybe(self, commit_id: CommitId) -> Commit | None:
        if commit_id not in self._commits:
            try:
                self._commits[commit_id] = self._handle.commit(commit_id)
            except MissingObjectError:
                self._commits[commit_id] = None
        return self._commits[commit_id]

    def _snapshot(self, commit_id: CommitId) -> Snapshot:
        snapshot_id = SnapshotId(ObjectId(self._commit(commit_id).snapshot))
        return self._handle.snapshot(snapshot_id)


def matcher_of(handle: Handle, condition: Condition) -> Matcher:
    """Return what asks the index."""
    index = FrameIndex.of(handle)

    def among(ids: Sequence[ObjectId]) -> set[ObjectId]:
        numbers = numbers_of(handle, ids)
        found = index.find(condition, BitMap(numbers))
        return {oid for oid, number in zip(ids, numbers, strict=True) if number in found}

    def whole(snapshot: Snapshot) -> list[str]:
        return index.frame_ids(array("I", index.find(condition, _members(handle, snapshot))))

    return Matcher(among, whole)


def _members(handle: Handle, snapshot: Snapshot) -> BitMap:
    return version_set(handle, snapshot).members
