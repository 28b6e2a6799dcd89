"""gc by itself: a little of it after a write, once enough has piled up.

What has piled up is counted in objects: those written since the last collection that came to its
end, and older than `gc.grace` by now, since no younger one can go. There must be `gc.auto` of them,
and a quarter of what that collection kept, because collecting costs by what is kept: so a store
spends no more on it than a fixed amount for each object that is written. To ask costs one look at
the highest number given, at the first write of a process and then at each sixteenth; nothing is
counted or scanned. What deleting sets free while little is written is not noticed: that waits, or
for `hyperstore gc`.

A process that goes on writing collects in slices, one after each of its writes: AUTO_SLICE objects
looked at, some 2 ms, or so many for each object written since the slice before, which at most
doubles the time of a large write. The marks live in the process; one that ends loses them, which
costs no more than its slices did. Where only short processes write, nobody comes to the end that
way: once twice as much has piled up, one of them collects at once. The command, whose runs are all
short, does so as soon as anything is due, after it has said what it did.

Nobody collects inside a batch, in a child of a fork or of `multiprocessing`, or while another
collection runs; a collection that is asked for ends one that rests between slices. Whatever goes
wrong is logged, and the write before it stays the success that it was.
"""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hyperstore.dataset import store as stores
from hyperstore.dataset.config import Config
from hyperstore.dataset.default import on_opened
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.store import Store
from hyperstore.errors import LockedError
from hyperstore.ids import new_id
from hyperstore.limits import (
    AUTO_ALIVE_MS,
    AUTO_LATE,
    AUTO_LOOK,
    AUTO_OBJECTS,
    AUTO_SHARE,
    AUTO_SLICE,
    AUTO_SLICE_SHARE,
    GRACE_S,
)
from hyperstore.maintenance.reserve import keep_reserve
from hyperstore.maintenance.settled import CACHE_FOLDER, read_settled
from hyperstore.storage.host import now_ms
from hyperstore.storage.packing import row_key

if TYPE_CHECKING:  # Which is not worth its time to every program that opens a store.
    from hyperstore.maintenance.report import Progress

__all__ = ["Automatic", "init", "keep_tidy", "open_store"]


def init(path: str | os.PathLike[str], *, allow_network: bool = False) -> Store:
    """Make a store in the folder `path`, its own folder, or complete a half-made one; open it."""
    return keep_tidy(stores.init(path, allow_network=allow_network))


def open_store(
    path: str | os.PathLike[str], *, readonly: bool = False, allow_network: bool = False
) -> Store:
    """Open the store whose folder is `path`. NotFoundError where there is none."""
    return keep_tidy(stores.open_store(path, readonly=readonly, allow_network=allow_network))


def keep_tidy(store: Store) -> Store:
    """Let gc run by itself, in slices, after writes, and on a full disk; return the store."""
    _keep_tidy(store.handle)
    return store


def _keep_tidy(handle: Handle) -> None:
    if not handle.database.readonly:
        keep_reserve(handle.database.folder)
        handle.after_write = Automatic().slice


on_opened.append(_keep_tidy)  # Stores that calls on the classes open are to be tidy too.


class Automatic:
    """What one process does for one open store. A child of it does nothing."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._busy = threading.Lock()
        self._writes = 0
        self._run = b""
        self._steps: Iterator[int] | None = None
        self._seen = -1  # The last sequence number when a slice or a look was last taken.
        self._config: Config | None = None
        # Until there are more objects than this, or it is later, nothing is due.
        self._until_number = self._until_ms = 0

    def slice(self, handle: Handle) -> None:
        """Collect a little if it is due and nobody else does; raise nothing."""
        self._guarded(handle, None)

    def finish(self, handle: Handle, progress: "Progress") -> None:
        """Collect to the end if it is due and nobody else does; raise nothing."""
        self._guarded(handle, progress)

    def _guarded(self, handle: Handle, progress: "Progress | None") -> None:
        if os.getpid() != self._process or _is_worker() or not self._busy.acquire(blocking=False):
            return
        try:
            self._slice(handle, progress)
        except LockedError:  # Another collection: it does what this one would.
            self._give_up(rest=True)
        except Exception as error:  # noqa: BLE001 - the write that came before has succeeded.
            self._give_up(rest=True)
            _log(handle.folder, error)
        except BaseException:
            self._give_up(rest=False)
            raise
        finally:
            self._busy.release()

    def _slice(self, handle: Handle, progress: "Progress | None") -> None:
        self._writes += 1
        if self._steps is None and self._writes % AUTO_LOOK != 1:
            return
        database = handle.database
        with database.reading() as reader:
            last = reader.last_sequence()
        grown, self._seen = last - self._seen if self._seen >= 0 else 0, last
        whole = progress is not None
        if self._steps is None:
            due = self._due(handle, last)
            if not due:
                return
            whole = whole or due >= AUTO_LATE
        with database.collecting() as turn:
            now = now_ms()
            if self._steps is None:
                rests = turn.time_ms and 0 <= now - turn.time_ms < AUTO_ALIVE_MS
                if rests and not whole:
                    self._until_number = last + AUTO_SLICE  # Ask again in a while.
                    return
                self._begin(handle, whole=whole, progress=progress)
            elif turn.run != self._run:  # Somebody else collected meanwhile, and it is done.
                self._give_up(rest=False)
                return
            turn.sign(self._run, now)
            self._work(None if whole else max(AUTO_SLICE, AUTO_SLICE_SHARE * grown))
            if self._steps is None:
                turn.sign(self._run, 0)

    def _begin(self, handle: Handle, *, whole: bool, progress: "Progress | None") -> None:
        # Loaded when there is work for it: most processes that write end before there is.
        from hyperstore.maintenance.collect import SLICES, WHOLE, Collection

        self._run = bytes.fromhex(new_id())
        pace = WHOLE if whole else SLICES
        self._steps = Collection(handle, pace, progress=progress).steps()

    def _work(self, most: int | None) -> None:
        assert self._steps is not None
        looked = 0
        for cost in self._steps:
            looked += cost
            if most is not None and looked >= most:
                return
        self._give_up(rest=False)

    def _give_up(self, *, rest: bool) -> None:
        """Forget the collection under way; with `rest`, ask no more for a while."""
        self._steps = None
        if rest:
            self._until_number = self._seen + AUTO_OBJECTS // 2

    def _due(self, handle: Handle, last: int) -> int:
        """Return how many times over enough has piled up."""
        config = handle.config
        if config is not self._config:
            self._config, self._until_number, self._until_ms = config, 0, 0
        if last <= self._until_number:
            return 0
        now = now_ms()
        if now < self._until_ms:
            return 0
        wanted = config.number("gc.auto", AUTO_OBJECTS)
        if not wanted:
            self._until_number = sys.maxsize
            return 0
        database = handle.database
        before = read_settled(handle.folder / CACHE_FOLDER, database.store_id)
        start = before.number if before.number <= last else 0  # A copy from before was put back.
        wanted = max(wanted, before.kept // AUTO_SHARE)
        oldest_ms = now - 1000 * config.number("gc.grace", GRACE_S)
        for times in range(AUTO_LATE):
            number = start + wanted * (times + 1)
            row = None
            if last > number:
                with database.reading() as reader:
                    row = reader.survey_row(row_key(number))
            # A row of the future says that a clock went wrong, and not how old it is.
            if row is None or oldest_ms < row.created_ms <= now:
                if not times:
                    self._until_number = number
                    self._until_ms = 0 if row is None else row.created_ms + now - oldest_ms
                return times
        return AUTO_LATE


def _is_worker() -> bool:
    """Tell whether `multiprocessing` made this process; what it did not load, it did not make."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def _log(folder: Path, error: Exception) -> None:
    import logging  # Not loaded for those for whom nothing goes wrong.

    logging.getLogger("hyperstore").warning(
        "%s: garbage could not be collected, and nothing else is wrong with the write before: %s",
        folder,
        error,
    )
