"""Files of a view's frames brought into the cache, while a program goes on with something else."""

import atexit
import threading
from collections.abc import Iterable
from weakref import WeakSet

from hyperstore.dataset.fetching import Fetched, Stop, Wish, fetch_into_cache
from hyperstore.dataset.view import Frame
from hyperstore.limits import KEEP_THREADS, PREFETCH_END_S, PREFETCH_THREADS_MAX
from hyperstore.query import checks
from hyperstore.query.iteration.iterator import FrameIterator
from hyperstore.query.views.reading import selected
from hyperstore.query.views.resolved import Resolved
from hyperstore.query.views.state import ViewState

__all__ = ["Prefetch", "started", "wished"]


def wished(num_workers: object, *, previews: bool, masks: bool, force: bool) -> Wish:
    """Return which files are to be fetched, by how many threads; QueryError for no number."""
    threads = checks.checked_count(num_workers, "num_workers") or KEEP_THREADS
    return Wish(
        previews=previews, masks=masks, force=force, threads=min(threads, PREFETCH_THREADS_MAX)
    )


def started(state: ViewState, found: Resolved, wish: Wish, *, wait: bool) -> "Prefetch":
    """Begin to fetch, in the order of a sequential iteration; with `wait` come to the end."""
    frames = FrameIterator(selected(state, found))
    made = Prefetch(frames, str(state.handle.folder), wish)
    if wait:
        made.wait()
    return made


class Prefetch:
    """What is being fetched. `wait()` for its end, or `stop()` it.

    A program that ends stops it, and waits for none of its files.
    """

    def __init__(self, frames: Iterable[Frame], store: str, wish: Wish) -> None:
        self._frames = frames
        self._store = store
        self._wish = wish
        self._stop = Stop()
        self._done: Fetched | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="hyperstore-prefetch", daemon=True)
        _living.add(self)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether nothing is being fetched any more."""
        return not self._thread.is_alive()

    def wait(self, timeout: float | None = None) -> Fetched | None:
        """Wait, for so many seconds at most; return what was fetched, None if it still goes on.

        What stopped it all, such as a full disk, is raised here.
        """
        self._thread.join(timeout)
        if self._error is not None:
            raise self._error
        return self._done

    def stop(self) -> Fetched | None:
        """Let what has begun come to its end, and begin nothing more; return what was fetched."""
        self._stop.ask()
        return self.wait()

    def _cut(self) -> None:
        self._stop.cut()
        self._thread.join(PREFETCH_END_S)

    def _run(self) -> None:
        try:
            self._done = fetch_into_cache(
                self._frames, self._store, wish=self._wish, stop=self._stop
            )
        except BaseException as error:  # noqa: BLE001 - it is raised by who waits.
            self._error = error


_living: "WeakSet[Prefetch]" = WeakSet()


@atexit.register  # Before databases close, since this module was loaded after theirs.
def _end() -> None:
    for one in [*_living]:
        one._cut()
