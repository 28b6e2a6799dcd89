"""Counts by name and measures of numbers, both exact, of any stream and in bounded memory."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Bin", "Measure", "Names", "Spread"]

_Name = TypeVar("_Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Bin:
    """How many numbers lie from `low` on and below `high`; None where there is no such bound."""

    low: float | None
    high: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Spread:
    """How numbers are spread: all of `least`, `most` and `mean` are None where there are none."""

    count: int
    least: float | None
    most: float | None
    mean: float | None
    bins: tuple[Bin, ...]

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values; bins as [low, high, count]."""
        return {
            "count": self.count,
            "min": self.least,
            "max": self.most,
            "mean": self.mean,
            "bins": [[one.low, one.high, one.count] for one in self.bins],
        }


class Measure:
    """Numbers taken one chunk after the other, none of which is kept."""

    def __init__(self, edges: Sequence[float]) -> None:
        """`edges` stand between the bins, going up; the first and the last bin are open."""
        self._edges = tuple(edges)
        self._below = [0] * len(self._edges)  # Numbers below each edge.
        self._count = 0
        self._sum = 0.0
        self._least, self._most = math.inf, -math.inf

    def take(self, numbers: Iterable[float]) -> None:
        """Take numbers, all of them finite."""
        chunk = sorted(numbers)
        if not chunk:
            return
        self._count += len(chunk)
        self._sum = math.fsum((self._sum, *chunk))
        self._least, self._most = min(self._least, chunk[0]), max(self._most, chunk[-1])
        for at, edge in enumerate(self._edges):
            self._below[at] += bisect_left(chunk, edge)

    def spread(self) -> Spread:
        """Return what was found so far."""
        lows, highs = (None, *self._edges), (*self._edges, None)
        below = (0, *self._below, self._count)
        bins = tuple(
            Bin(low, high, below[at + 1] - below[at])
            for at, (low, high) in enumerate(zip(lows, highs, strict=True))
        )
        if not self._count:
            return Spread(0, None, None, None, bins)
        return Spread(self._count, self._least, self._most, self._sum / self._count, bins)


class Names(Generic[_Name]):
    """How often each name came, for the first so many names; the rest are counted together."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.counts: Counter[_Name] = Counter()
        self.others = 0

    def take(self, names: Sequence[_Name]) -> None:
        """Count names, each as often as it stands here."""
        counts = self.counts
        if len(counts) + len(names) <= self._most:
            counts.update(names)
            return
        for name, count in Counter(names).items():
            if name in counts or len(counts) < self._most:
                counts[name] += count
            else:
                self.others += count
