"""Making what frames name elsewhere present on this machine, so that they can be used offline."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from hyperstore.dataset.ingest import Failure, failure_of
from hyperstore.dataset.view import Frame
from hyperstore.errors import HyperstoreError
from hyperstore.frames.hashes import recorded_hash_of
from hyperstore.frames.pointers import Pointer, pointers
from hyperstore.frames.records import MaskRecord, PreviewRecord
from hyperstore.limits import KEEP_FRAMES, KEEP_THREADS
from hyperstore.media.local import FILE_FAULTS, is_remote, local_file, sha256_in
from hyperstore.media.part import Ended, ends_with

__all__ = ["Fetched", "Wish", "fetch_into_cache", "is_elsewhere"]

Progress = Callable[[str, int, int], None]


class _Wanted(NamedTuple):
    """What is asked of a file; what is equal is asked for once."""

    uri: str
    foreign: bool
    sha256: str | None  # As it is recorded.
    force: bool = False


@dataclass(slots=True)
class Fetched:
    """What one call brought here."""

    frames: int = 0  # That name something elsewhere.
    files: int = 0  # That are here now, whether or not they were before.
    failures: list[Failure] = field(default_factory=list)


def is_elsewhere(frame: Frame) -> bool:
    """Tell whether a frame names something that is fetched over a network."""
    return any(is_remote(one.uri) for one in pointers(frame))


@dataclass(frozen=True, slots=True)
class Wish:
    """Which files are fetched beside those of sources, and whether what is here is as well."""

    previews: bool = True
    masks: bool = True
    force: bool = False
    threads: int = KEEP_THREADS

    def wants(self, pointer: Pointer) -> bool:
        """Tell whether a file is wanted."""
        if isinstance(pointer.target, MaskRecord):
            return self.masks
        return self.previews or not isinstance(pointer.target, PreviewRecord)


_ALL = Wish()


def fetch_into_cache(
    frames: Iterable[Frame], store: str, progress: Progress | None = None, *, wish: Wish = _ALL
) -> Fetched:
    """See that all that frames name elsewhere is in the cache. What is there is not asked for.

    What cannot be had is a failure, and stops nothing else; a full disk stops it all.
    """
    done = Fetched()
    source = iter(frames)
    ended = Ended()
    pool = ThreadPoolExecutor(wish.threads, "hyperstore-fetch", ends_with, (ended,))
    try:
        while chunk := list(islice(source, KEEP_FRAMES)):
            jobs: dict[_Wanted, Future[HyperstoreError | None]] = {}
            wanted = [(frame, one) for frame in chunk for one in _remote(frame) if wish.wants(one)]
            for frame, one in wanted:
                key = _wanted(frame, one, force=wish.force)
                if key not in jobs:
                    jobs[key] = pool.submit(_fetched, key, store)
            answers = {key: job.result() for key, job in jobs.items()}
            done.files += sum(error is None for error in answers.values())
            done.frames += len({id(frame) for frame, _ in wanted})
            for frame, one in wanted:
                error = answers[_wanted(frame, one, force=wish.force)]
                if error is not None:
                    done.failures.append(failure_of(frame, f"{one.what}: {error}", "upload"))
            if progress is not None:
                progress("Fetching", done.files, 0)
    finally:
        ended.set()
        pool.shutdown(cancel_futures=True)
    return done


def _remote(frame: Frame) -> Iterator[Pointer]:
    return (one for one in pointers(frame) if is_remote(one.uri))


def _wanted(frame: Frame, pointer: Pointer, *, force: bool) -> _Wanted:
    foreign = frame.home is not None and frame.home.foreign
    recorded = recorded_hash_of(pointer.source, pointer.target)
    return _Wanted(pointer.uri, foreign, sha256_in(recorded), force)


def _fetched(wanted: _Wanted, store: str) -> HyperstoreError | None:
    """Fetch one file, in a thread; an error is returned if it is about that file."""
    try:
        local_file(
            wanted.uri,
            store=store,
            foreign=wanted.foreign,
            force=wanted.force,
            sha256=wanted.sha256,
        )
    except FILE_FAULTS as error:
        return error
    return None
