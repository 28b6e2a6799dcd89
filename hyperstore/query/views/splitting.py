"""Groups of frames dealt to lists of given shares, by a seed."""

from collections.abc import Iterable, Sequence

from hyperstore.dataset.view import Frame
from hyperstore.query.iteration.permutation import Permutation
from hyperstore.query.views.counts import exact_parts

__all__ = ["context_of", "dealt", "grouped"]


def context_of(frame: Frame) -> tuple[str, str | None]:
    """Return the dataset and the context of a frame."""
    return "" if frame.home is None else frame.home.dataset_id, frame.context_id


def grouped(keys: Iterable[object]) -> list[list[int]]:
    """Return the places of each key, the key that comes first first."""
    found: dict[object, list[int]] = {}
    for at, key in enumerate(keys):
        found.setdefault(key, []).append(at)
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
