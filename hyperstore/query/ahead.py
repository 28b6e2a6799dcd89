"""Reading ahead of who asks: by a thread, some items further, and no longer than anybody asks."""

import atexit
import os
import queue
import threading
from collections.abc import Iterator
from typing import Generic, Protocol, Self, TypeVar
from weakref import WeakSet

__all__ = ["Ahead"]

_T = TypeVar("_T")
_Told = tuple[_T | None, BaseException | None]


class _Closing(Protocol):
    def close(self) -> None: ...


class Ahead(Generic[_T]):
    """The items of an iterator; with a depth, a thread takes so many before they are asked for.

    What the iterator raises is raised where its item would be. The thread does not survive a fork:
    the child makes another one, and `is_mine` says that it has to.
    """

    def __init__(self, source: Iterator[_T], depth: int) -> None:
        self._source = source
        self._process = os.getpid()
        self._thread: threading.Thread | None = None
        if depth > 0:
            self._told: queue.Queue[_Told[_T]] = queue.Queue(depth)
            self._ended = threading.Event()
            self._thread = threading.Thread(
                target=_read, args=(source, self._told, self._ended), daemon=True
            )
            self._thread.start()
            _living.add(self)

    def is_mine(self) -> bool:
        """Whether it was made in this process."""
        return self._process == os.getpid()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> _T:
        if self._thread is None:
            return next(self._source)
        if self._ended.is_set():
            raise StopIteration
        item, error = self._told.get()
        if error is not None:
            self.close()
            raise error
        if item is None:
            self.close()
            raise StopIteration
        return item

    def close(self) -> None:
        """End the thread. Safe to repeat."""
        if self._thread is None or not self.is_mine():
            return
        self._ended.set()
        while self._thread.is_alive():
            try:
                self._told.get_nowait()  # It may wait for room, for one item at most.
            except queue.Empty:
                self._thread.join(0.01)


def _read(source: Iterator[_T], told: "queue.Queue[_Told[_T]]", ended: threading.Event) -> None:
    """Tell the items of an iterator, then None, until somebody ends it."""
    error: BaseException | None = None
    try:
        for item in source:
            if ended.is_set():
                return
            told.put((item, None))
    except BaseException as raised:  # noqa: BLE001 - it is raised again by who asks.
        error = raised
    if not ended.is_set():
        told.put((None, error))


_living: "WeakSet[_Closing]" = WeakSet()


@atexit.register  # Before databases close, since this module was loaded after theirs.
def _end() -> None:
    for one in [*_living]:
        one.close()
