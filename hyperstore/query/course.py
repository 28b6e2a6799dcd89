"""Frames by the number of a step: what a selection gives when it is gone through in a plan's way.

Whoever deals steps to processes, or to machines, needs no more than their numbers.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from hyperstore.dataset.view import Frame
from hyperstore.ids import derived_id
from hyperstore.query.fingerprint import plain_text
from hyperstore.query.iterate import Shaping
from hyperstore.query.plan import Iteration, Plan
from hyperstore.query.selection import Selection

__all__ = ["Course"]


class Course:
    """All steps of an iteration, read by number; it pickles, and plans anew where it is read."""

    def __init__(
        self, selection: Selection, iteration: Iteration, shape: Shaping | None = None
    ) -> None:
        self.selection = selection
        self.iteration = iteration
        self.shape = shape
        self._plan: Plan | None = None

    def __reduce__(self) -> tuple[type["Course"], tuple[object, ...]]:
        return Course, (self.selection, self.iteration, self.shape)

    def in_epoch(self, epoch: int) -> "Course":
        """Return the same steps, those of a shuffled view in another order for each epoch."""
        if not epoch or not self.iteration.is_random:
            return self
        seeded = replace(self.iteration, seed=self.iteration.seed + epoch)
        return Course(self.selection, seeded, self.shape)

    @property
    def fingerprint(self) -> str:
        """Hex digits that are the same for the same frames in the same order, in any store."""
        weights = plain_text(self.selection.weights)
        said = f"{self.selection.fingerprint} {weights} {plain_text(self.iteration)}"
        return derived_id(said.encode())

    @property
    def count(self) -> int | None:
        """How many steps there are; None where they never end."""
        return self._planned().count

    def read(self, numbers: Sequence[int]) -> list[list[Frame]]:
        """Return the frames of each step, in one read: one, or those of a clip."""
        if not numbers:
            return []
        steps = self._planned().steps(numbers)
        frames = self._shaped(steps.positions, steps.parts)
        if steps.sizes is None:
            return [[frame] for frame in frames]
        return [frames[start:stop] for start, stop in pairwise([0, *accumulate(steps.sizes)])]

    def _planned(self) -> Plan:
        if self._plan is None:
            self._plan = Plan(self.selection, self.iteration)
        return self._plan

    def _shaped(self, positions: Sequence[int], parts: Sequence[int] | None) -> list[Frame]:
        selection, shape = self.selection, self.shape
        frames = selection.read(positions)
        if shape is None:
            return frames
        if selection.is_plain:
            return [shape(frame) for frame in frames]
        owners = selection.parts_of(positions) if parts is None else parts
        rois = [selection.place_of(position)[1] for position in positions]
        return [
            shape(frame, part, roi) for frame, part, roi in zip(frames, owners, rois, strict=True)
        ]
