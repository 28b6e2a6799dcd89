"""Groups of frames dealt to lists of given shares, by a seed."""

from collections.abc import Sequence

from hyperstore.dataset.view import Frame
from hyperstore.query.amounts import exact_parts
from hyperstore.query.sample import Permutation

__all__ = ["contexts_of", "dealt"]


def contexts_of(frames: Sequence[Frame]) -> list[list[int]]:
    """Return the places of frames of one context, for each context of a dataset."""
    found: dict[tuple[str, str | None], list[int]] = {}
    for at, frame in enumerate(frames):
        dataset = "" if frame.home is None else frame.home.dataset_id
        found.setdefault((dataset, frame.context_id), []).append(at)
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
