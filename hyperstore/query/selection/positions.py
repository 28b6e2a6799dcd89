"""All frames of a selection in order, and which of them is at a position."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from hyperstore.query.selection.mergedorder import Run

__all__ = ["Order", "ordered"]


class Order(NamedTuple):
    """Frames in order, by sequence number."""

    numbers: "array[int]"
    groups: bytes | None  # Of which dataset each is, where there are several.
    ends: "array[int] | None"  # Positions up to each frame, where a frame has several.

    def place_of(self, position: int) -> tuple[int, int | None]:
        """Return which frame is at a position, and which of its positions that is, of several."""
        if self.ends is None:
            return position, None
        place = bisect_right(self.ends, position)
        return place, position - (self.ends[place - 1] if place else 0)

    def picked(self, places: Sequence[int]) -> Sequence[int]:
        """Return the numbers at places."""
        if isinstance(places, range) and places.step == 1:
            return self.numbers[places.start : places.stop]
        if len(places) < 2:
            return [self.numbers[place] for place in places]
        found: tuple[int, ...] = itemgetter(*places)(self.numbers)
        return found


def ordered(runs: Iterator[Run], *, several: bool) -> Order:
    """Return what comes in runs as a whole; `several` says whether datasets are to be told apart.

    A single run is taken as it is: that of a version, which is not to be changed.
    """
    first = next(runs, Run(array("I"), 0))
    numbers = first.numbers
    groups = bytearray((first.group,)) * (len(numbers) if several else 0)
    for run in runs:
        if numbers is first.numbers:
            numbers = numbers[:]
        numbers += run.numbers
        if several:
            groups += bytes((run.group,)) * len(run.numbers)
    return Order(numbers, bytes(groups) if several else None, None)
