"""A selection and a way through it as one value: by the number of a step, or from the first on.

Whoever deals steps to processes, or to machines, needs no more than their numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from hyperstore.dataset.view import Frame
from hyperstore.query.iteration.iterator import FrameIterator, Shaping, shaped, way_fingerprint
from hyperstore.query.iteration.permutation import seed_of
from hyperstore.query.iteration.steps import Iteration, Plan
from hyperstore.query.selection.selection import Selection

__all__ = ["Course"]


class Course:
    """All steps of an iteration; iterated, its frames, from the first on whenever somebody asks.

    It pickles, and plans anew where it is read.
    """

    def __init__(
        self, selection: Selection, iteration: Iteration, shape: Shaping | None = None
    ) -> None:
        self.selection = selection
        self.iteration = iteration
        self.shape = shape
        self._plan: Plan | None = None

    def __reduce__(self) -> tuple[type["Course"], tuple[object, ...]]:
        return Course, (self.selection, self.iteration, self.shape)

    def __iter__(self) -> Iterator[Frame]:
        return iter(FrameIterator(self.selection, self.iteration, shape=self.shape))

    def copied(self) -> "Course":
        """Return another one with all that is planned, which holds nothing until it reads."""
        made = Course(self.selection.copied(), self.iteration, self.shape)
        made._plan = self._plan
        return made

    def in_epoch(self, epoch: int) -> "Course":
        """Return the same steps, those of a shuffled view in another order for each epoch."""
        if not epoch or not self.iteration.is_random:
            return self
        seed = seed_of(self.iteration.seed, "epoch", epoch) >> 1  # It may be said of a view, too.
        seeded = replace(self.iteration, seed=seed)
        return Course(self.selection, seeded, self.shape)

    @property
    def fingerprint(self) -> str:
        """Hex digits that are the same for the same frames in the same order, in any store."""
        return way_fingerprint(self.selection, self.iteration)

    @property
    def count(self) -> int | None:
        """How many steps there are; None where they never end."""
        return self.planned.count

    def read(self, numbers: Sequence[int]) -> list[list[Frame]]:
        """Return the frames of each step, in one read: one, or those of a clip."""
        if not numbers:
            return []
        steps = self.planned.steps(numbers)
        frames = shaped(self.selection, self.shape, steps.positions, steps.parts)
        if steps.sizes is None:
            return [[frame] for frame in frames]
        return [frames[start:stop] for start, stop in pairwise([0, *accumulate(steps.sizes)])]

    @property
    def planned(self) -> Plan:
        """Its steps; copies share them."""
        if self._plan is None:
            self._plan = Plan(self.selection, self.iteration)
        return self._plan
