"""Many thumbnails, made by worker processes.

Workers are spawned, not forked: a fork would carry the store's open database and its threads' locks
along. A picture on which a worker dies, runs out of memory or takes too long costs that picture.
"""

import contextlib
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import FrameType

from hyperstore.errors import HyperstoreError, MediaError, UsageError, a_type
from hyperstore.limits import (
    PICTURE_PIXEL_BYTES,
    PICTURE_PIXELS_MAX,
    PICTURE_SECONDS_MAX,
    PICTURE_WORKER_BYTES,
    THUMBNAIL_BATCH,
    THUMBNAIL_PART_S,
)
from hyperstore.media.rawfile import Source
from hyperstore.media.thumbnail import PARTS, Thumbnail, checked_box, thumbnail

__all__ = ["thumbnails"]

Answer = Thumbnail | HyperstoreError
Batch = Sequence[Source]


@dataclass(frozen=True, slots=True)
class _Job:
    box: tuple[int, int]
    folder: str | None
    pixels_max: int


def thumbnails(
    sources: Iterable[Source],
    *,
    box: tuple[int, int] = (256, 256),
    folder: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    pixels_max: int = PICTURE_PIXELS_MAX,
) -> Iterator[Answer]:
    """Yield, for each source in order, its thumbnail or the error for which there is none. Lazy.

    `workers` is how many processes make them, one for each processor unless said; 0 makes them in
    this one. As with all spawned processes, a script that calls this needs `if __name__ ==
    "__main__":` around what it runs.
    """
    job = _Job(checked_box(box), None if folder is None else str(folder), pixels_max)
    count = _processors() if workers is None else workers
    if isinstance(sources, (str, bytes, os.PathLike)):
        raise UsageError(f"sources come in an iterable such as a list, not as {a_type(sources)}")
    if type(count) is not int or count < 0:
        raise UsageError(f"workers is a whole number from 0, not {count!a:.60}")
    if job.folder is not None:
        _sweep(Path(job.folder) / PARTS)
    if count == 0:
        return (_answer(source, job) for source in sources)
    return _by_workers(iter(sources), job, count)


def _by_workers(sources: Iterator[Source], job: _Job, count: int) -> Iterator[Answer]:
    waiting: deque[tuple[Batch, Future[list[Answer]]]] = deque()
    pool = _pool(job, count)
    try:
        first = pool.submit(os.getpid)
        while True:
            while len(waiting) < 2 * count:
                taken = list(islice(sources, THUMBNAIL_BATCH))
                if not taken:
                    break
                try:
                    waiting.append((taken, pool.submit(_answers, taken, job)))
                except BrokenProcessPool:
                    waiting.append((taken, _broken()))
            if not waiting:
                return
            batch, future = waiting.popleft()
            try:
                yield from future.result()
            except BrokenProcessPool:
                if first.exception() is not None:
                    raise UsageError(
                        "no worker process started; a script needs `if __name__ == '__main__':`"
                        " around what it runs, or pass workers=0"
                    ) from None
                # One picture of those on their way killed a worker, and with it the pool.
                pending = [batch, *(later for later, _ in waiting)]
                waiting.clear()
                yield from _one_by_one([one for batch in pending for one in batch], job)
                pool.shutdown()
                pool = _pool(job, count)
                first = pool.submit(os.getpid)
    finally:
        pool.shutdown(cancel_futures=True)


def _one_by_one(sources: Sequence[Source], job: _Job) -> Iterator[Answer]:
    """Make thumbnails one at a time, so that it shows which one kills a worker."""
    pool = _pool(job, 1)
    try:
        for source in sources:
            try:
                yield from pool.submit(_answers, [source], job).result()
            except BrokenProcessPool:
                name = f"{len(source)} bytes" if isinstance(source, bytes) else str(source)
                yield MediaError(f"{name}: the process that decoded it died")
                pool.shutdown()
                pool = _pool(job, 1)
    finally:
        pool.shutdown(cancel_futures=True)


def _pool(job: _Job, count: int) -> ProcessPoolExecutor:
    limit = PICTURE_WORKER_BYTES + PICTURE_PIXEL_BYTES * job.pixels_max
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, mp_context=spawn, initializer=_confine, initargs=(limit,))


def _broken() -> Future[list[Answer]]:
    future: Future[list[Answer]] = Future()
    future.set_exception(BrokenProcessPool())
    return future


def _confine(limit: int) -> None:
    """Bound this worker's memory, so that a hostile picture costs no other process."""
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return
    with contextlib.suppress(OSError, ValueError):  # A lower one may be set already.
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    signal.signal(signal.SIGALRM, _too_long)


def _too_long(number: int, frame: FrameType | None) -> None:
    # Which `decoding` turns into an error that names the picture.
    raise TimeoutError(f"it took more than {PICTURE_SECONDS_MAX} seconds to decode")


def _answers(batch: Batch, job: _Job) -> list[Answer]:
    answers: list[Answer] = []
    for source in batch:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, PICTURE_SECONDS_MAX)
        try:
            answers.append(_answer(source, job))
        finally:
            if hasattr(signal, "setitimer"):
                signal.setitimer(signal.ITIMER_REAL, 0)
    return answers


def _answer(source: Source, job: _Job) -> Answer:
    try:
        return thumbnail(source, box=job.box, folder=job.folder, pixels_max=job.pixels_max)
    except HyperstoreError as error:
        return error
    except TimeoutError as error:  # It rang just before or after the decoding.
        return MediaError(str(error))


def _sweep(parts: Path) -> None:
    """Delete what processes that were killed left half written."""
    with contextlib.suppress(OSError), os.scandir(parts) as entries:
        for entry in entries:
            if time.time() - entry.stat().st_mtime > THUMBNAIL_PART_S:
                Path(entry.path).unlink(missing_ok=True)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
