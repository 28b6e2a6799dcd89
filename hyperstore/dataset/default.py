"""The store that calls on the classes work on, where no store is named.

HYPERSTORE_DIR says its folder, which need not exist yet; else it is the nearest `.hyperstore` from
the current folder upwards; else `./.hyperstore`, made at the first write and said in the log. Once
it is open it stays the same for as long as that variable does, wherever the process goes.
"""

import os
import threading
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
from hyperstore.errors import CorruptError, FormatError, NotFoundError, UsageError

__all__ = ["default_handle", "find_default", "on_opened"]

on_opened: list[Callable[[Handle], object]] = []
"""What is done with each default store once it is open; given from above."""

_chosen: dict[str, Path] = {}
"""For each value of the variable the folder that it led to, whatever the current one is now."""

_turn = threading.RLock()
"""Held where the default store is opened or made, so that all threads get one handle."""


def _renew_turn() -> None:
    """In the child of a fork: whoever held it is not there to give it back."""
    global _turn
    _turn = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_turn)


def find_default() -> Handle | None:
    """Return the default store; None where there is none yet."""
    with _turn:
        chosen = _chosen.get(os.environ.get(STORE_VARIABLE, ""))
        handle = None if chosen is None else shared(chosen)
        if handle is not None:
            return handle
        try:
            folder = find_store(Path.cwd())
            _refuse_file(folder)
            return _opened(folder) if (folder / DATABASE_FOLDER).exists() else None
        except NotFoundError:  # Or somebody is about to make it.
            return None


def default_handle(*, create: bool = False) -> Handle:
    """Return the default store, made now with `create`; NotFoundError where there is none."""
    with _turn:
        try:
            found = find_default()
        except (CorruptError, FormatError):
            if not create:
                raise
            found = None  # Perhaps half-made, which making it again completes, or refuses.
        if found is not None:
            return found
        folder = Path(os.environ.get(STORE_VARIABLE) or STORE_FOLDER).absolute()
        if not create:
            raise NotFoundError(
                f"there is no store yet: {folder} is made when the first dataset is; "
                f"to use another one, name its folder by {STORE_VARIABLE}"
            )
        is_new = not (folder / DATABASE_FOLDER).exists()
        made = _kept(init_handle(folder, allow_network=False))
    if is_new:
        import logging  # Not loaded for those who have a store.

        logging.getLogger("hyperstore").warning("made a store in %s", made.folder)
    return made


def _refuse_file(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{STORE_VARIABLE} names {folder}, which is a file; name a folder")


def _opened(folder: Path) -> Handle:
    handle = shared(folder)
    if handle is not None:
        _chosen[os.environ.get(STORE_VARIABLE, "")] = folder
        return handle
    readonly = not os.access(folder / DATABASE_FOLDER, os.W_OK)  # Then it can be read all the same.
    return _kept(open_handle(folder, readonly=readonly, allow_network=False))


def _kept(handle: Handle) -> Handle:
    """Keep a handle for all calls of this process, until it exits."""
    share(handle)
    _chosen[os.environ.get(STORE_VARIABLE, "")] = handle.folder
    for done in on_opened:
        done(handle)
    return handle
