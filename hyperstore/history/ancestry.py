"""How commits descend from each other: walks without recursion, over any depth.

Commits are read through a function, so that a walk asks for one at a time and works on a dict in
tests. Times come from clocks that may be wrong: they order what is shown, never what is an
ancestor of what.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from hyperstore.errors import NotFoundError, count_of
from hyperstore.history.commit import Commit
from hyperstore.ids import CommitId, ObjectId

__all__ = ["ancestors", "first_parent", "is_ancestor", "merge_base", "parents", "walk"]

ReadCommit = Callable[[CommitId], Commit]


def parents(commit: Commit) -> list[CommitId]:
    """Return the ids of a commit's parents, the first first."""
    return [CommitId(ObjectId(parent)) for parent in commit.parents]


def walk(read: ReadCommit, heads: Iterable[CommitId]) -> Iterator[tuple[CommitId, Commit]]:
    """Yield all commits that the heads reach, newest first, and none before a child of it seen.

    Among the commits whose seen children have been shown, the one with the latest time comes next,
    as `git log` does it.
    """
    pending: list[tuple[int, int, CommitId, Commit]] = []
    seen: set[CommitId] = set()
    place = 0  # Keeps the order of parents where times are equal.

    def push(commit_id: CommitId) -> None:
        nonlocal place
        if commit_id not in seen:
            seen.add(commit_id)
            commit = read(commit_id)
            heapq.heappush(pending, (-commit.time, place, commit_id, commit))
            place += 1

    for head in heads:
        push(head)
    while pending:
        _, _, commit_id, commit = heapq.heappop(pending)
        yield commit_id, commit
        for parent in parents(commit):
            push(parent)


def ancestors(read: ReadCommit, heads: Iterable[CommitId]) -> Iterator[CommitId]:
    """Yield the heads and all that they descend from, each once, breadth first."""
    pending = deque(heads)
    seen = set(pending)
    while pending:
        commit_id = pending.popleft()
        yield commit_id
        for parent in parents(read(commit_id)):
            if parent not in seen:
                seen.add(parent)
                pending.append(parent)


def is_ancestor(read: ReadCommit, old: CommitId, new: CommitId) -> bool:
    """Return whether `new` is `old` or descends from it."""
    return any(commit_id == old for commit_id in ancestors(read, [new]))


def merge_base(read: ReadCommit, ours: CommitId, theirs: CommitId) -> CommitId | None:
    """Return a best common ancestor: one from which no other common ancestor descends.

    Of several, the one with the latest time, then the smallest id; None where there is none.
    """
    common = set(ancestors(read, [ours])) & set(ancestors(read, [theirs]))
    covered: set[CommitId] = set()
    for commit_id in common:
        covered.update(parents(read(commit_id)))
    best = common - covered  # A common ancestor's parents are common, and worse than it.
    return min(best, key=lambda commit_id: (-read(commit_id).time, commit_id), default=None)


def first_parent(read: ReadCommit, commit_id: CommitId, steps: int) -> CommitId:
    """Return the commit `steps` first parents up; NotFoundError where history is shorter."""
    start = commit_id
    for taken in range(steps):
        found = read(commit_id).parents
        if not found:
            raise NotFoundError(
                f"history ends: {start.hex()[:12]} is the newest of "
                f"{count_of(taken + 1, 'commit')}, so there is none {steps} before it"
            )
        commit_id = CommitId(ObjectId(found[0]))
    return commit_id
