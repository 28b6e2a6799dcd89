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
from typing import Self

from hyperstore.dataset.view import Frame
from hyperstore.errors import QueryError, UsageError
from hyperstore.query.checks import plain_number
from hyperstore.query.iteration.course import Batch, Course, Shaping
from hyperstore.query.iteration.state import Row, State, check_state, joined, state_of
from hyperstore.query.iteration.steps import Iteration
from hyperstore.query.selection.selection import Selection

__all__ = ["FrameIterator", "Iteration", "joined"]


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
        way = Iteration() if iteration is None else iteration
        self._course = Course(selection, way, shape)
        self._node, self._worker = _share(node, "node"), _share(worker, "worker")
        self._row = Row((), 0)
        self._taken = 0  # Steps of this shard's part of the row that are handed out whole,
        self._inside = 0  # and positions of the one that follows.
        self._lock = os.getpid(), RLock()
        self._forget()

    @property
    def selection(self) -> Selection:
        """What it goes through."""
        return self._course.selection

    @property
    def iteration(self) -> Iteration:
        """How."""
        return self._course.iteration

    @property
    def shape(self) -> Shaping | None:
        """What is done to each frame; None where nothing is."""
        return self._course.shape

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
            self._batches = self._course.batches(self._row, self._shard, self._taken, self._inside)
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
            row, taken, inside, plan = self._row, self._taken, self._inside, self._course.planned
        if plan.count is None:
            raise UsageError("this iteration has no end; give it a limit")
        total = row.shared(plan.count, *self._shard) - taken
        if self.iteration.has_clips:
            steps = self._course.steps(row, self._shard, taken, taken + total)
            return len(steps.positions) - inside
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
            raise UsageError(
                "an iteration under way is shared out anew by joining its states: load those of "
                "all its shards, as a list"
            )
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
        first = plain_number(number)
        if type(first) is not int or first < 0:
            raise UsageError(f"an iteration begins at a whole number from 0 on, not {number!a}")
        self.close()
        self._row, self._taken, self._inside = Row((), first), 0, 0

    def state_dict(self) -> State:
        """Return where it stands: plain values, from which any process goes on exactly here."""
        with self._alone:
            self._settle()
            return state_of(
                self._course.fingerprint, self._row, self._shard, self._taken, self._inside
            )

    def load_state_dict(self, state: State | Sequence[State]) -> None:
        """Go on where a state was taken: of this shard, or of a lone one.

        A list of the states of all shards, taken at any moments, fits any number of them; to
        `joined` it is one. QueryError where a state is of another view, or not as it was made.
        """
        if isinstance(state, (list, tuple)):
            state = joined(state)
        row, taken, inside = check_state(state, self._course.fingerprint, self._shard)
        self.close()
        self._row, self._taken, self._inside = row, taken, inside

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

    # As a value.

    def __getstate__(self) -> dict[str, object]:
        with self._alone:
            self._settle()
            kept = self.__dict__.copy()
        for name in ("_batch", "_size", "_batches", "_lock"):
            del kept[name]
        return kept

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._lock = os.getpid(), RLock()
        self._forget()


def _share(given: tuple[int, int], what: str) -> tuple[int, int]:
    at, count = map(plain_number, given)
    if type(at) is not int or type(count) is not int or not 0 <= at < count:
        raise QueryError(f"a {what} is a place from 0 and a number above it, not {given!a}")
    return at, count
