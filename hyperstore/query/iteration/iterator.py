"""Going through a selection, frame by frame: in shards, resumable.

Which frames come is a row of numbered steps (`steps.py`), so where an iteration stands is a number.
Of a row that several processes share, shard `s` of `n` takes every n-th step from `s` on: together
they lose and repeat nothing, and what a reader of all shards in turn sees is the row. A state says
how far the shards came; it fits any number of shards, once those of all shards are joined.

An iterator is a value of its selection, its iteration and where it stands: it pickles, and in the
child of a fork it goes on from there. Threads may share one: each frame goes to one of them. Frames
are read in batches, in the order in which they lie,
and handed out in the order asked for.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from threading import RLock
from typing import NamedTuple, Protocol, Self

from hyperstore.dataset.view import Frame
from hyperstore.errors import QueryError, UsageError
from hyperstore.ids import derived_id
from hyperstore.limits import ITERATE_BATCH, ITERATE_BATCH_FIRST
from hyperstore.query.iteration.state import Row, State, check_state, joined, state_of
from hyperstore.query.iteration.steps import Iteration, Plan
from hyperstore.query.selection.fingerprint import plain_text
from hyperstore.query.selection.selection import Selection

__all__ = ["FrameIterator", "Iteration", "Shaping", "joined", "shaped", "way_fingerprint"]


class Shaping(Protocol):
    """What is done to each frame before it is handed out."""

    def __call__(self, frame: Frame, part: int = 0, roi: int | None = None) -> Frame:
        """Return the frame as it goes out: of which part it is, and for which of its ROIs."""
        ...


class Batch(NamedTuple):
    """Frames that were read, and of how many each step is, unless each is of one."""

    frames: list[Frame]  # The next one is the last.
    sizes: Sequence[int] | None


class FrameIterator:
    """The frames of a selection as an iteration has them, from where it stands on.

    `node` is (rank, world size) and `worker` (index, count): a node's workers share what is the
    node's.
    """

    def __init__(
        self,
        selection: Selection,
        iteration: Iteration | None = None,
        *,
        shape: Shaping | None = None,
        node: tuple[int, int] = (0, 1),
        worker: tuple[int, int] = (0, 1),
    ) -> None:
        self.selection = selection
        self.iteration = Iteration() if iteration is None else iteration
        self.shape = shape
        self._node, self._worker = _share(node, "node"), _share(worker, "worker")
        self._row = Row((), 0)
        self._taken = 0  # Steps of this shard's part of the row that are handed out whole,
        self._inside = 0  # and positions of the one that follows.
        self._plan: Plan | None = None
        self._lock = os.getpid(), RLock()
        self._forget()

    @property
    def _alone(self) -> AbstractContextManager[bool]:
        """What one thread at a time is in; in the child of a fork nobody is, whoever was."""
        if self._lock[0] != os.getpid():
            self._lock = os.getpid(), RLock()
        return self._lock[1]

    def _forget(self) -> None:
        """Drop what is read already; what is handed out stays handed out."""
        self._batch = Batch([], None)
        self._size = 0
        self._batches: Iterator[Batch] | None = None

    # Going on.

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame:
        try:
            return self._batch.frames.pop()
        except IndexError:
            pass
        with self._alone:
            while True:
                try:
                    return self._batch.frames.pop()
                except IndexError:
                    self._read()

    def _read(self) -> None:
        """Read the next batch; StopIteration where there is none."""
        self._settle()
        if self._batches is None:
            self.selection.hold()
            plan, row, shard = self._planned(), self._row, self._shard
            total = None if plan.count is None else row.shared(plan.count, *shard)
            reading = _Reading(self.selection, self.shape, plan, row, shard, total)
            self._batches = reading.batches(self._taken, self._inside)
        batch = None
        try:
            batch = next(self._batches, None)
        finally:
            if batch is None:  # After a fault, what reads is of no more use; who asks again may be.
                self.close()
        if batch is None:
            raise StopIteration
        self._batch, self._size = batch, len(batch.frames)

    def __len__(self) -> int:
        """Return how many frames this shard has left; UsageError where that is without end."""
        with self._alone:
            self._settle()
            row, taken, inside, plan = self._row, self._taken, self._inside, self._planned()
        if plan.count is None:
            raise UsageError("this iteration has no end; give it a limit")
        total = row.shared(plan.count, *self._shard) - taken
        if self.iteration.has_clips:
            steps = row.steps(*self._shard, taken, taken + total)
            return len(plan.steps(steps).positions) - inside
        return total

    def close(self) -> None:
        """Let go of what is read already; who goes on reads it again."""
        with self._alone:
            self._settle()
            self._forget()

    # Where it stands.

    @property
    def limit(self) -> int | None:
        """How many frames the whole iteration hands out at most, over all shards."""
        return self.iteration.limit

    @property
    def node_id(self) -> int:
        """The rank of this node."""
        return self._node[0]

    def set_node(self, node_id: int, count: int = 1) -> None:
        """Take the share of one node of several; before anything is handed out."""
        self._reshare(_share((node_id, count), "node"), self._worker)

    def set_concurrency(self, worker_index: int, num_workers: int) -> None:
        """Take the share of one worker of several of this node; before anything is handed out."""
        self._reshare(self._node, _share((worker_index, num_workers), "worker"))

    def _reshare(self, node: tuple[int, int], worker: tuple[int, int]) -> None:
        self._settle()
        if (node, worker) == (self._node, self._worker):
            return
        if self._taken or self._inside:
            raise UsageError("an iteration under way is shared out anew by joining its states")
        self.close()
        self._node, self._worker = node, worker

    def get_current_iteration(self) -> int:
        """Return how many frames of the whole row come before the next one, if each shard keeps up.

        Of clips: how many clips.
        """
        with self._alone:
            self._settle()
            return self._row.begun + self._taken * self._shard[1]

    def set_initial_iteration(self, number: int) -> None:
        """Begin after so many frames of the whole row, or of clips: so many clips."""
        if type(number) is not int or number < 0:
            raise UsageError(f"an iteration begins at a whole number from 0 on, not {number!a}")
        self.close()
        self._row, self._taken, self._inside = Row((), number), 0, 0

    def state_dict(self) -> State:
        """Return where it stands: plain values, from which any process goes on exactly here."""
        with self._alone:
            self._settle()
            return state_of(self._fingerprint(), self._row, self._shard, self._taken, self._inside)

    def load_state_dict(self, state: State) -> None:
        """Go on where a state was taken: of this shard, of a lone one, or joined of all shards.

        QueryError where it is of another selection or iteration, or not as it was made.
        """
        row, taken, inside = check_state(state, self._fingerprint(), self._shard)
        self.close()
        self._row, self._taken, self._inside = row, taken, inside

    def _fingerprint(self) -> str:
        return way_fingerprint(self.selection, self.iteration)

    @property
    def _shard(self) -> tuple[int, int]:
        """This shard and how many there are: a step goes round the nodes first."""
        (rank, world), (index, count) = self._node, self._worker
        return index * world + rank, world * count

    def _settle(self) -> None:
        """Count what was handed out of the batch."""
        handed = self._size - len(self._batch.frames)
        if not handed:
            return
        self._size -= handed
        if self._batch.sizes is None:
            self._taken += handed
            return
        self._inside += handed
        sizes = [*self._batch.sizes]
        while sizes and self._inside >= sizes[0]:
            self._inside -= sizes.pop(0)
            self._taken += 1
        self._batch = self._batch._replace(sizes=sizes)

    # Reading.

    def _planned(self) -> Plan:
        if self._plan is None:
            self._plan = Plan(self.selection, self.iteration)
        return self._plan

    # As a value.

    def __getstate__(self) -> dict[str, object]:
        with self._alone:
            self._settle()
            kept = self.__dict__.copy()
        for name in ("_batch", "_size", "_batches", "_plan", "_lock"):
            del kept[name]
        return kept

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._plan = None
        self._lock = os.getpid(), RLock()
        self._forget()


class _Reading(NamedTuple):
    """What reads batches, and knows nothing of who takes them."""

    selection: Selection
    shape: Shaping | None
    plan: Plan
    row: Row
    shard: tuple[int, int]
    total: int | None

    def batches(self, taken: int, inside: int) -> Iterator[Batch]:
        """Yield all from there on; few frames at first, so that the first comes soon."""
        size, total = ITERATE_BATCH_FIRST, self.total
        while total is None or taken < total:
            stop = taken + size if total is None else min(taken + size, total)
            found = self.plan.steps(self.row.steps(*self.shard, taken, stop))
            parts = None if found.parts is None else found.parts[inside:]
            frames = shaped(self.selection, self.shape, found.positions[inside:], parts)
            frames.reverse()
            yield Batch(frames, found.sizes)
            taken, inside = stop, 0
            size = min(4 * size, ITERATE_BATCH)


def shaped(
    selection: Selection,
    shape: Shaping | None,
    positions: Sequence[int],
    parts: Sequence[int] | None = None,
) -> list[Frame]:
    """Return the frames at positions as they go out; `parts` are those that they were drawn from,
    where they were."""
    frames = selection.read(positions)
    if shape is None:
        return frames
    if selection.is_plain:
        return [shape(frame) for frame in frames]
    rois = [selection.place_of(position)[1] for position in positions]
    is_per_roi = rois[:1] not in ([], [None])  # ROIs are counted as those of a frame's first part.
    owners = selection.parts_of(positions) if parts is None or is_per_roi else parts
    return [shape(frame, part, roi) for frame, part, roi in zip(frames, owners, rois, strict=True)]


def way_fingerprint(selection: Selection, iteration: Iteration) -> str:
    """Return hex digits that are the same for the same frames in the same order, in any store."""
    said = f"{selection.fingerprint} {plain_text(selection.weights)} {plain_text(iteration)}"
    return derived_id(said.encode())


def _share(given: tuple[int, int], what: str) -> tuple[int, int]:
    at, count = given
    if type(at) is not int or type(count) is not int or not 0 <= at < count:
        raise QueryError(f"a {what} is a place from 0 and a number above it, not {given!a}")
    return at, count
