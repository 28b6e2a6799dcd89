"""Files of a view's frames brought into the cache, while a program goes on with something else."""

import threading
from collections.abc import Iterable, Iterator

from hyperstore.dataset.fetching import Fetched, Wish, fetch_into_cache
from hyperstore.dataset.view import Frame
from hyperstore.errors import HyperstoreError

__all__ = ["Prefetch"]


class Prefetch:
    """What is being fetched. `wait()` for its end, or `stop()` it; a program that ends stops it."""

    def __init__(self, frames: Iterable[Frame], store: str, wish: Wish) -> None:
        self._frames = frames
        self._store = store
        self._wish = wish
        self._stopped = False
        self._done: Fetched | None = None
        self._error: HyperstoreError | None = None
        self._thread = threading.Thread(target=self._run, name="hyperstore-prefetch", daemon=True)
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
        self._stopped = True
        return self.wait()

    def _run(self) -> None:
        try:
            self._done = fetch_into_cache(self._until_stopped(), self._store, wish=self._wish)
        except HyperstoreError as error:
            self._error = error

    def _until_stopped(self) -> Iterator[Frame]:
        for frame in self._frames:
            if self._stopped:
                return
            yield frame
