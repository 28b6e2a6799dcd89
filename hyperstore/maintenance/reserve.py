"""Room that is kept for gc: a file of nothing beside the data file, given up on a full disk.

LMDB copies each page that a transaction changes, so taking garbage out needs some pages first, and
small writes use up all that a full disk has left. Those that a sweep frees serve the sweep after
the next. Where there is no room for the reserve it is not made, and nothing else is wrong.
"""

import contextlib
import os
from pathlib import Path

from hyperstore.limits import RESERVE_BYTES, RESERVE_PARTS, RESERVE_SHARE
from hyperstore.storage import host

__all__ = ["cut_reserve", "keep_reserve", "settle_reserve"]

_FILE = "gc.reserve"


def keep_reserve(folder: Path) -> None:
    """Make the reserve in the database's folder whole, if it is not and the disk has much more."""
    path = folder / _FILE
    with contextlib.suppress(OSError):
        if path.exists() and path.stat().st_size >= RESERVE_BYTES:
            return
        free = host.free_bytes(folder)
        if free is None or free < RESERVE_SHARE * RESERVE_BYTES:
            return
        host.allocate(path, RESERVE_BYTES)


def cut_reserve(folder: Path) -> bool:
    """Give the disk a part of the reserve back; say whether there was any left."""
    path = folder / _FILE
    try:
        left = path.stat().st_size - RESERVE_BYTES // RESERVE_PARTS
        if left > 0:
            os.truncate(path, left)
        else:
            path.unlink()
    except OSError:
        return False
    return True


def settle_reserve(folder: Path) -> None:
    """After a collection: make the reserve whole, or on a full disk give up another part of it.

    What is free inside the data file serves nobody while the disk takes no file of a pin.
    """
    free = host.free_bytes(folder)
    if free is not None and free < RESERVE_BYTES // RESERVE_PARTS:
        cut_reserve(folder)
    else:
        keep_reserve(folder)
