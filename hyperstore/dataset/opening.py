"""Finding, making and opening the folder of a store, as a handle."""

import os
from pathlib import Path

from hyperstore.dataset.handle import DATABASE_FOLDER, RUNS_FOLDER, SCRATCH_FOLDER, Handle
from hyperstore.errors import HyperstoreError, NotFoundError, RefusedError, UsageError
from hyperstore.storage.database import Database
from hyperstore.storage.translation import disk_errors

__all__ = [
    "STORE_FOLDER",
    "STORE_VARIABLE",
    "absolute_folder",
    "find_store",
    "init_handle",
    "open_handle",
]

STORE_FOLDER = ".hyperstore"
STORE_VARIABLE = "HYPERSTORE_DIR"


def init_handle(path: str | os.PathLike[str], *, allow_network: bool) -> Handle:
    """Make a store in the folder `path`, its own folder, or complete a half-made one; open it."""
    folder = absolute_folder(path)
    with disk_errors(folder):
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file; name a folder for the store")
        if folder.is_dir() and not (folder / DATABASE_FOLDER).is_dir() and not _is_ours(folder):
            raise RefusedError(
                f"{folder} holds other files; give the store a folder of its own, "
                f"such as {folder / STORE_FOLDER}"
            )
    database = Database.create(folder / DATABASE_FOLDER, allow_network=allow_network)
    return _opened(folder, database)


def open_handle(path: str | os.PathLike[str], *, readonly: bool, allow_network: bool) -> Handle:
    """Open the store whose folder is `path`. NotFoundError where there is none."""
    folder = absolute_folder(path)
    with disk_errors(folder):
        if not (folder / DATABASE_FOLDER).exists():
            raise _no_store(folder)
    database = Database.open(
        folder / DATABASE_FOLDER, readonly=readonly, allow_network=allow_network
    )
    return _opened(folder, database)


def _no_store(folder: Path) -> HyperstoreError:
    if folder.exists() and not folder.is_dir():
        return UsageError(f"{folder} is a file, not a store's folder")
    inside = folder / STORE_FOLDER
    hint = f"; did you mean {inside}?" if inside.is_dir() else "; `hyperstore init` makes one"
    return NotFoundError(f"no store at {folder}{hint}")


def find_store(start: Path) -> Path:
    """Return the store's folder: HYPERSTORE_DIR, else the nearest one from `start` upwards."""
    named = os.environ.get(STORE_VARIABLE)
    if named:
        return absolute_folder(named)
    for folder in (start, *start.parents):
        if (folder / STORE_FOLDER / DATABASE_FOLDER).is_dir():
            return folder / STORE_FOLDER
    raise NotFoundError(f"no store in {start} or above it; `hyperstore init` makes one")


def _opened(folder: Path, database: Database) -> Handle:
    if not database.readonly:
        try:
            with disk_errors(folder / SCRATCH_FOLDER):
                (folder / SCRATCH_FOLDER).mkdir(exist_ok=True)
        except HyperstoreError:
            database.close()
            raise
    return Handle(folder, database)


def absolute_folder(path: str | os.PathLike[str]) -> Path:
    """Return a path made absolute, its links not followed; UsageError where it is none."""
    try:
        return Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute() would keep `..`.
    except (TypeError, ValueError):
        raise UsageError(f"{path!a} is no path of a folder") from None


def _is_ours(folder: Path) -> bool:
    ours = {"config.toml", "db", "cache", "media", "previews", RUNS_FOLDER, SCRATCH_FOLDER}
    return all(one.name in ours for one in folder.iterdir())
