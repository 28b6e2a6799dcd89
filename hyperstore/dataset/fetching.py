"""Making what frames name elsewhere present on this machine, so that they can be used offline."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from queue import SimpleQueue
from threading import Thread
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

__all__ = ["Fetched", "Stop", "Wish", "fetch_into_cache", "is_elsewhere"]

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


class Stop:
    """What another thread tells a call: to begin nothing more, and to give up what has begun."""

    def __init__(self) -> None:
        self.is_asked = False
        self.ended = Ended()

    def ask(self) -> None:
        """Let nothing more begin."""
        self.is_asked = True

    def cut(self) -> None:
        """Let what has begun end, too, at once."""
        self.is_asked = True
        self.ended.set()


def fetch_into_cache(
    frames: Iterable[Frame],
    store: str,
    progress: Progress | None = None,
    *,
    wish: Wish = _ALL,
    stop: Stop | None = None,
) -> Fetched:
    """See that all that frames name elsewhere is in the cache. What is there is not asked for.

    What cannot be had is a failure, and stops nothing else; a full disk stops it all. What `stop`
    kept from beginning is neither fetched nor a failure.
    """
    done = Fetched()
    source = iter(frames)
    crew = _Crew(wish.threads, store, Stop() if stop is None else stop)
    try:
        while not crew.stop.is_asked and (chunk := list(islice(source, KEEP_FRAMES))):
            pairs = [(frame, one) for frame in chunk for one in _remote(frame) if wish.wants(one)]
            wanted = [(_wanted(frame, one, force=wish.force), frame, one) for frame, one in pairs]
            answers = crew.fetch(list(dict.fromkeys(key for key, _, _ in wanted)))
            done.files += sum(error is None for error in answers.values())
            done.frames += len({id(frame) for key, frame, _ in wanted if key in answers})
            for key, frame, one in wanted:
                error = answers.get(key)
                if error is not None:
                    done.failures.append(failure_of(frame, f"{one.what}: {error}", "upload"))
            if progress is not None:
                progress("Fetching", done.files, 0)
    finally:
        crew.end()
    return done


class _Answer(NamedTuple):
    """What became of a file: fetched, not begun, not to be had, or a fault that stops it all."""

    wanted: _Wanted
    is_begun: bool = True
    error: HyperstoreError | None = None
    fault: BaseException | None = None


class _Crew:
    """Threads that fetch. Those of an executor would hold up the end of a program."""

    def __init__(self, size: int, store: str, stop: Stop) -> None:
        self.stop = stop
        self._size = size
        self._store = store
        self._threads: list[Thread] = []
        self._asked: SimpleQueue[_Wanted | None] = SimpleQueue()
        self._answered: SimpleQueue[_Answer] = SimpleQueue()

    def fetch(self, wanted: Sequence[_Wanted]) -> dict[_Wanted, HyperstoreError | None]:
        """Return for each file that was begun what kept it from coming."""
        while len(self._threads) < min(self._size, len(wanted)):
            self._threads.append(Thread(target=self._work, name="hyperstore-fetch", daemon=True))
            self._threads[-1].start()
        for one in wanted:
            self._asked.put(one)
        answers: dict[_Wanted, HyperstoreError | None] = {}
        for _ in wanted:
            answer = self._answered.get()
            if answer.fault is not None:
                raise answer.fault
            if answer.is_begun:
                answers[answer.wanted] = answer.error
        return answers

    def end(self) -> None:
        """End the threads; what has begun is given up."""
        self.stop.cut()
        for _ in self._threads:
            self._asked.put(None)
        for one in self._threads:
            one.join()

    def _work(self) -> None:
        ends_with(self.stop.ended)
        while (wanted := self._asked.get()) is not None:
            if self.stop.is_asked:
                self._answered.put(_Answer(wanted, is_begun=False))
                continue
            try:
                answer = _Answer(wanted, error=_fetched(wanted, self._store))
            except BaseException as fault:  # noqa: BLE001 - it is raised by who asked.
                answer = _Answer(wanted, fault=fault)
            self._answered.put(answer)


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
