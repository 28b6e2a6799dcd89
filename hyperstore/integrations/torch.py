"""Datasets of torch from a DataView, or from a version: `FrameDataset` by index, `FrameStream` in
the view's own order.

    data = FrameDataset(view, transforms=v2.RandomHorizontalFlip())
    loader = DataLoader(data, batch_size=8, shuffle=True, collate_fn=detection_collate)

    stream = FrameStream(view, batch_size=8, collate=detection_collate)
    loader = DataLoader(stream, batch_size=None, num_workers=4)
    for epoch in range(stream.epoch, 10):
        stream.set_epoch(epoch)
        for images, targets in stream.counted(loader):
            ...

Both travel into worker processes, forked or spawned, as a path and plain values; each process opens
the store when it reads. What they read is the state of the versions at which they were made.

A stream deals its steps so that nothing is lost and nothing comes twice, whatever the number of
ranks and workers: rank r of R takes the steps r, r + R, ...; of the batches that these make, worker
w of W makes the numbers w, w + W, ..., which is how `DataLoader` asks for them. So the order of the
batches does not depend on the number of workers, and where a run stands is one number.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar, Unpack

from hyperstore.errors import UsageError, a_type
from hyperstore.limits import LOADER_CHUNK

try:
    import torch
    from torch.utils.data import Dataset, IterableDataset, get_worker_info
except ImportError:
    raise UsageError(
        "hyperstore.integrations.torch needs the library torch: pip install 'hyperstore[torch]'"
    ) from None

from hyperstore.integrations.collate import classification_collate, detection_collate
from hyperstore.integrations.decode import Sample, per_instance
from hyperstore.integrations.samples import Frames, Options, Samples
from hyperstore.query.checks import plain_number

__all__ = [
    "FrameDataset",
    "FrameStream",
    "classification_collate",
    "detection_collate",
    "per_instance",
]

_Batch = TypeVar("_Batch")
_NEVER = 2**62  # Steps after which an endless view ends all the same; and epochs.
_EPOCH, _START, _DONE = range(3)


class FrameDataset(Dataset):  # type: ignore[misc]
    """The samples of a view by index, in its order: for samplers, which shuffle and deal.

    A sample is (image, target), of a FrameGroup a dict of these by member, of a clip a list; or
    what `transforms` makes of it. See Options for the arguments. Frames that are passed over are
    None by index, and left out of what `DataLoader` fetches as one batch.
    """

    def __init__(self, frames: Frames, **options: Unpack[Options]) -> None:
        self._samples = Samples(frames, options)
        count = self._samples.course.count
        if count is None:
            raise UsageError("the view is endless, and an index is not: use FrameStream")
        self._count = count
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_()  # With the workers.

    def __len__(self) -> int:
        return self._count

    def set_epoch(self, epoch: int) -> None:
        """Say of which epoch the next samples are, for transforms that draw by its number."""
        self._epoch[0] = _checked_epoch(epoch)

    def __getitem__(self, index: int) -> Sample:
        return next(self._each([index]))

    def __getitems__(self, indices: Sequence[int]) -> list[Sample]:
        """Return the samples of a batch, read together."""
        return [one for one in self._each(indices) if one is not None]

    def _each(self, indices: Sequence[int]) -> Iterator[Sample]:
        places = [range(self._count)[index] for index in indices]  # IndexError beyond the ends.
        return self._samples.each(self._samples.course, [places], int(self._epoch[0]))


class FrameStream(IterableDataset):  # type: ignore[misc]
    """The samples of a view in its order, dealt to ranks and workers; see the module.

    With `batch_size` it gives batches, made by `collate` (a list of samples without one) in the
    workers: hand it to `DataLoader` with `batch_size=None`. A batch all of whose frames were passed
    over is None. Without, it gives samples, dealt one by one.

    `rank` and `world_size` are those of `torch.distributed`, where it is initialized, unless given.
    `drop_uneven` leaves out the last steps that not every rank would have. A shuffled view is
    shuffled anew for each epoch, by its seed and the epoch's number. What `transforms` draws at
    random is torch's, seeded for each worker: with another number of them the same frames come in
    the same order, turned otherwise. A view's own augmentation is not (see `augmentation`).
    """

    def __init__(
        self,
        frames: Frames,
        *,
        batch_size: int | None = None,
        collate: Callable[[list[Sample]], object] | None = None,
        rank: int | None = None,
        world_size: int | None = None,
        drop_uneven: bool = False,
        **options: Unpack[Options],
    ) -> None:
        self._samples = Samples(frames, options)
        size = _whole(batch_size, 1)
        if batch_size is not None and size is None:
            raise UsageError(f"batch_size is a whole number from 1 on, not {batch_size!a:.60}")
        if collate is not None and not callable(collate):
            raise UsageError(f"collate is a function, not {a_type(collate)}")
        if (rank is None) != (world_size is None):
            raise UsageError("give rank and world_size both, or neither")
        count = _whole(world_size, 1)
        at = _whole(rank, 0, count)
        if rank is not None and (at is None or count is None):
            raise UsageError(f"a rank is below the world's size; {rank!a:.60} is not, or is none")
        self.batch_size = size
        self._collate = collate
        self._given = None if at is None or count is None else (at, count)
        self._drop_uneven = drop_uneven
        # Shared with the workers, which may outlive an epoch.
        self._state = torch.zeros(3, dtype=torch.int64).share_memory_()

    def __getstate__(self) -> dict[str, object]:
        """Return what travels to a worker, which must not ask for its rank itself."""
        return {**vars(self), "_given": self.node}

    # Where it is.

    @property
    def node(self) -> tuple[int, int]:
        """The rank, and of how many."""
        if self._given is not None:
            return self._given
        distributed = torch.distributed
        if distributed.is_available() and distributed.is_initialized():
            return distributed.get_rank(), distributed.get_world_size()
        return 0, 1

    @property
    def epoch(self) -> int:
        """The number of the epoch that is gone through, or comes next."""
        return int(self._state[_EPOCH])

    def set_epoch(self, epoch: int) -> None:
        """Let the next iteration be of this epoch: from its beginning, unless it was resumed in."""
        wanted = _checked_epoch(epoch)
        if wanted != self.epoch:
            self._go_to(wanted, 0)

    def _go_to(self, epoch: int, steps: int) -> None:
        self._state[_START] = self._state[_DONE] = steps
        self._state[_EPOCH] = epoch

    def counted(self, loader: Iterable[_Batch]) -> Iterator[_Batch]:
        """Yield the batches of a `DataLoader` over this stream, and note how far it is.

        So `state_dict` is exact at every batch, whatever the workers have made ahead. After the
        last one the next epoch stands at its beginning. Batches that are None are passed over.
        """
        workers = getattr(loader, "num_workers", 0)
        if self.batch_size is None and workers > 1:
            raise UsageError(
                "which samples came is not to be known from their number where several workers "
                "deal them one by one; give the stream its batch_size"
            )
        size = self.batch_size or getattr(loader, "batch_size", None) or 1
        step = size * self.node[1]
        done = int(self._state[_START])
        for batch in loader:
            done += step
            self._state[_DONE] = min(done, self._count())
            if batch is not None:
                yield batch
        self._go_to(self.epoch + 1, 0)

    def state_dict(self) -> dict[str, object]:
        """Return where the run stands, as plain values: the same for all ranks in step.

        It may be loaded with another number of workers, and of ranks.
        """
        return {
            "epoch": self.epoch,
            "steps": int(self._state[_DONE]),
            "view": self._samples.course.fingerprint,
        }

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Go on where another run stood; UsageError for a state of another view."""
        epoch, steps = (_whole(state.get(name), 0) for name in ("epoch", "steps"))
        if epoch is None or steps is None:
            raise UsageError(f"this is no state of a FrameStream: {a_type(state)}")
        if state.get("view") != self._samples.course.fingerprint:
            raise UsageError(
                "this state is of another view: of other frames, another order, or another seed"
            )
        self._go_to(epoch, steps)

    # Going through it.

    def __len__(self) -> int:
        """Return how much of a whole epoch comes to this rank: batches, or samples."""
        if self._samples.course.count is None:
            raise TypeError("the view is endless, so it has no length")
        steps = len(self._mine(0))
        return steps if self.batch_size is None else -(-steps // self.batch_size)

    def __iter__(self) -> "_Pass":
        return _Pass(self, self.epoch, int(self._state[_START]))

    def _count(self) -> int:
        count = self._samples.course.count
        return _NEVER if count is None else count

    def _mine(self, start: int) -> range:
        """Return the steps of this rank, from a step on that all ranks have come to."""
        rank, world = self.node
        stop = self._count()
        if self._drop_uneven:
            stop -= (stop - start) % world
        return range(start + rank, stop, world)

    def pass_over(self, epoch: int, start: int, skipped: int) -> Iterator[object]:
        """Yield what is this worker's of one epoch, without so many items of its own."""
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        course = self._samples.course.in_epoch(epoch)
        mine = self._mine(start)
        size = self.batch_size
        if size is None:
            own = mine[worker::workers][skipped:]
            chunks = (own[at : at + LOADER_CHUNK] for at in range(0, len(own), LOADER_CHUNK))
            yield from (one for one in self._samples.each(course, chunks, epoch) if one is not None)
            return
        first = (worker + skipped * workers) * size
        chunks = (mine[at : at + size] for at in range(first, len(mine), workers * size))
        samples = self._samples.each(course, chunks, epoch)
        for at in range(first, len(mine), workers * size):
            batch = list(islice(samples, len(mine[at : at + size])))
            kept = [one for one in batch if one is not None]
            yield (kept if self._collate is None else self._collate(kept)) if kept else None


class _Pass:
    """One worker's iteration; it tells, and takes, how far it is, as torchdata's loader asks."""

    def __init__(self, stream: FrameStream, epoch: int, start: int) -> None:
        self._stream = stream
        self._epoch = epoch
        self._start = start
        self._given = 0
        self._items: Iterator[object] | None = None

    def __iter__(self) -> "_Pass":
        return self

    def __next__(self) -> object:
        if self._items is None:
            self._items = self._stream.pass_over(self._epoch, self._start, self._given)
        item = next(self._items)
        self._given += 1
        return item

    def state_dict(self) -> dict[str, object]:
        return {"epoch": self._epoch, "start": self._start, "given": self._given}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        self._epoch, self._start = state["epoch"], state["start"]
        self._given, self._items = state["given"], None


def _checked_epoch(given: int) -> int:
    number = _whole(given, 0, _NEVER)
    if number is None:
        raise UsageError(f"an epoch is a whole number from 0 on, not {given!a:.60}")
    return number


def _whole(given: object, least: int, below: int | None = None) -> int | None:
    """Return a whole number, one of NumPy's too, as Python's; None for what is none of these."""
    number = plain_number(given)
    if type(number) is not int or number < least:
        return None
    return number if below is None or number < below else None
