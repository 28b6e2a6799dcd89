"""A selection and a way through it as one value: by the number of a step, or from the first on.

Whoever deals steps to iterators, to processes, or to machines, needs no more than their numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import NamedTuple, Protocol

from hyperstore.dataset.view import Frame
from hyperstore.ids import derived_id
from hyperstore.limits import ITERATE_BATCH, ITERATE_BATCH_FIRST
from hyperstore.query.iteration.permutation import seed_of
from hyperstore.query.iteration.state import Row
from hyperstore.query.iteration.steps import Iteration, Plan, Steps
from hyperstore.query.selection.fingerprint import plain_text
from hyperstore.query.selection.selection import Selection

__all__ = ["Batch", "Course", "Shaping"]


class Shaping(Protocol):
    """What is done to each frame before it is handed out."""

    def __call__(self, frame: Frame, part: int = 0, roi: int | None = None) -> Frame:
        """Return the frame as it goes out: of which part it is, and for which of its ROIs."""
        ...


class Batch(NamedTuple):
    """Frames that were read, and of how many each step is, unless each is of one."""

    frames: list[Frame]  # The next one is the last.
    sizes: Sequence[int] | None


class Course:
    """All steps of an iteration; iterated, its frames, from the first on whenever somebody asks.

    It knows nothing of who takes which steps. It pickles, and plans anew where it is read.
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
        for batch in self.batches(Row((), 0)):
            while batch.frames:
                yield batch.frames.pop()

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
        weights = plain_text(self.selection.weights)
        said = f"{self.selection.fingerprint} {weights} {plain_text(self.iteration)}"
        return derived_id(said.encode())

    @property
    def planned(self) -> Plan:
        """Its steps; copies share them."""
        if self._plan is None:
            self._plan = Plan(self.selection, self.iteration)
        return self._plan

    @property
    def count(self) -> int | None:
        """How many steps there are; None where they never end."""
        return self.planned.count

    # Reading.

    def read(self, numbers: Sequence[int]) -> list[list[Frame]]:
        """Return the frames of each step, in one read: one, or those of a clip."""
        if not numbers:
            return []
        steps = self.planned.steps(numbers)
        frames = self._shaped(steps.positions, steps.parts)
        if steps.sizes is None:
            return [[frame] for frame in frames]
        return [frames[start:stop] for start, stop in pairwise([0, *accumulate(steps.sizes)])]

    def batches(
        self, row: Row, shard: tuple[int, int] = (0, 1), taken: int = 0, inside: int = 0
    ) -> Iterator[Batch]:
        """Yield a shard's part of the row, from there on; few at first, so that those come soon.

        `taken` are the steps of that part which are left out, `inside` the frames of the next one.
        """
        self.selection.hold()
        plan, size = self.planned, ITERATE_BATCH_FIRST
        total = None if plan.count is None else row.shared(plan.count, *shard)
        while total is None or taken < total:
            stop = taken + size if total is None else min(taken + size, total)
            found = self.steps(row, shard, taken, stop)
            parts = None if found.parts is None else found.parts[inside:]
            frames = self._shaped(found.positions[inside:], parts)
            frames.reverse()
            yield Batch(frames, found.sizes)
            taken, inside = stop, 0
            size = min(4 * size, ITERATE_BATCH)

    def steps(self, row: Row, shard: tuple[int, int], start: int, stop: int) -> Steps:
        """Return the positions of a shard's part of the row that are still to be handed out."""
        numbers = row.steps(*shard, start, stop)
        found = self.planned.steps(numbers)
        if not row.broken or found.sizes is None:
            return found
        passed, places, sizes = dict(row.broken), list[int](), list[int]()
        at = 0
        for number, size in zip(numbers, found.sizes, strict=True):
            begun = passed.get(number, 0)
            places += range(at + begun, at + size)
            sizes.append(size - begun)
            at += size
        parts = None if found.parts is None else [found.parts[one] for one in places]
        return Steps([found.positions[one] for one in places], parts, sizes)

    def _shaped(self, positions: Sequence[int], parts: Sequence[int] | None = None) -> list[Frame]:
        """Return the frames at positions as they go out; `parts` are those that they were drawn
        from, where they were."""
        selection, shape = self.selection, self.shape
        frames = selection.read(positions)
        if shape is None:
            return frames
        if selection.is_plain:
            return [shape(frame) for frame in frames]
        rois = [selection.place_of(position)[1] for position in positions]
        # ROIs are counted as those of a frame's first part.
        is_per_roi = rois[:1] not in ([], [None])
        owners = selection.parts_of(positions) if parts is None or is_per_roi else parts
        return [
            shape(frame, part, roi) for frame, part, roi in zip(frames, owners, rois, strict=True)
        ]
