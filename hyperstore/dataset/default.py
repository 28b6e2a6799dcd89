"""The store that calls on the classes work on, where no store is named.

HYPERSTORE_DIR says its folder, which need not exist yet; else it is the nearest `.hyperstore` from
the current folder upwards; else `./.hyperstore`, made at the first write and said in the log.
"""

import os
from collections.abc import Callable
from pathlib import Path

from hyperstore.dataset.handle import DATABASE_FOLDER, Handle, share, shared
from hyperstore.dataset.opening import (
    STORE_FOLDER,
    STORE_VARIABLE,
    find_store,
    init_handle,
    open_handle,
)
from hyperstore.errors import NotFoundError

__all__ = ["default_handle", "find_default", "on_opened"]

on_opened: list[Callable[[Handle], object]] = []
"""What is done with each default store once it is open; given from above."""


def find_default() -> Handle | None:
    """Return the default store; None where there is none yet."""
    try:
        folder = find_store(Path.cwd())
    except NotFoundError:
        return None
    return _opened(folder) if (folder / DATABASE_FOLDER).exists() else None


def default_handle(*, create: bool = False) -> Handle:
    """Return the default store, made now with `create`; NotFoundError where there is none."""
    found = find_default()
    if found is not None:
        return found
    folder = Path(os.environ.get(STORE_VARIABLE) or STORE_FOLDER).absolute()
    if not create:
        raise NotFoundError(
            f"there is no store yet: {folder} is made when the first dataset is; "
            f"to use another one, name its folder by {STORE_VARIABLE}"
        )
    made = init_handle(folder, allow_network=False)
    import logging  # Not loaded for those who have a store.

    logging.getLogger("hyperstore").warning("made a store in %s", made.folder)
    return _shared(made)


def _opened(folder: Path) -> Handle:
    handle = shared(folder)
    if handle is not None:
        return handle
    readonly = not os.access(folder / DATABASE_FOLDER, os.W_OK)  # Then it can be read all the same.
    return _shared(open_handle(folder, readonly=readonly, allow_network=False))


def _shared(handle: Handle) -> Handle:
    """Keep a handle for all calls of this process, until it exits."""
    share(handle)
    for done in on_opened:
        done(handle)
    return handle
