"""Groups of frames dealt to lists of given shares, by a seed.

Nothing of one list is in another: versions of a dataset share the ids of frames, and a frame that
was edited in one of two comes as it is in either, but its picture is one.
"""

from collections.abc import Hashable, Sequence
from typing import TypeAlias

from hyperstore.dataset.view import Frame
from hyperstore.query.iteration.permutation import Permutation
from hyperstore.query.views.counts import exact_parts

__all__ = ["Key", "dealt", "grouped", "keys_of"]

Key: TypeAlias = tuple[str, str, str | None]


def keys_of(frame: Frame, *, by_context: bool) -> tuple[Key, ...]:
    """Return what a frame has in common with those that go where it goes: id, and context."""
    dataset = "" if frame.home is None else frame.home.dataset_id
    same: Key = ("id", dataset, frame.id)
    return (same, ("context", dataset, frame.context_id)) if by_context else (same,)


def grouped(keys: Sequence[Sequence[Hashable]]) -> list[list[int]]:
    """Return the places that have a key in common, directly or by way of others, in order."""
    above = list(range(len(keys)))  # An earlier place of the same group; of the first one itself.

    def top(at: int) -> int:
        while above[at] != at:
            above[at] = at = above[above[at]]
        return at

    first: dict[Hashable, int] = {}
    for at, own in enumerate(keys):
        for key in own:
            one, other = top(first.setdefault(key, at)), top(at)
            above[max(one, other)] = min(one, other)
    found: dict[int, list[int]] = {}
    for at in range(len(keys)):
        found.setdefault(top(at), []).append(at)
    return list(found.values())


def dealt(groups: Sequence[Sequence[int]], ratio: Sequence[float], seed: int) -> list[list[int]]:
    """Return the places that go to each share, in order; a group is never divided.

    Groups come in an order that follows from the seed, the large ones first, and each goes where
    most is missing. Where all are of one size the shares are exact.
    """
    wanted = exact_parts(sum(map(len, groups)), ratio)
    order = Permutation(len(groups), seed).at(range(len(groups)))
    order.sort(key=lambda at: -len(groups[at]))
    parts: list[list[int]] = [[] for _ in wanted]
    for at in order:
        to = max(range(len(parts)), key=lambda part: (wanted[part] - len(parts[part]), -part))
        parts[to].extend(groups[at])
    return [sorted(part) for part in parts]
