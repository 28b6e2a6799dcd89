"""What Store, Dataset and DatasetVersion share: one open database with its caches and settings.

Transactions are opened here and in what builds on this module, and nowhere below.
"""

import atexit
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from hyperstore.dataset.config import Config, change_config, read_config
from hyperstore.dataset.staging import Staging
from hyperstore.errors import DiskFullError, RefusedError
from hyperstore.frames.roots import Roots
from hyperstore.history import branches
from hyperstore.history.commit import Commit, Snapshot
from hyperstore.ids import CommitId, ObjectId, SnapshotId
from hyperstore.storage.database import Database
from hyperstore.storage.datafile import DATA_FILE
from hyperstore.storage.pins import Pin
from hyperstore.tree.nodes import NodeCache

__all__ = ["Handle", "reopened", "share", "shared", "unshare"]

_T = TypeVar("_T")

CONFIG_FILE = "config.toml"
SCRATCH_FOLDER = "tmp"
DATABASE_FOLDER = "db"
RUNS_FOLDER = "runs"  # Files that runs leave.


class Handle:
    """One open store folder. Shared by everything that was got from one Store."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.database = database
        self.cache = NodeCache()
        self.after_write: Callable[[Handle], None] | None = None  # Given from above; never raises.
        self.writes = 0  # Operations published through this handle.
        self.batches: set[int] = set()  # Those open now, of all threads.
        self.command = ""  # The command line that is being run, for the operation log.
        self._roots: tuple[Config, Roots] | None = None
        self._config: tuple[tuple[int, int, int] | None, Config] | None = None

    def __reduce__(self) -> tuple[Callable[[Path], "Handle"], tuple[Path]]:
        return reopened, (self.folder,)

    @property
    def config(self) -> Config:
        """The settings as they stand in the file now; read again only when the file changes."""
        try:
            state = (self.folder / CONFIG_FILE).stat()
            stamp = (state.st_mtime_ns, state.st_size, state.st_ino)
        except FileNotFoundError:
            stamp = None
        if self._config is None or self._config[0] != stamp:
            self._config = (stamp, read_config(self.folder / CONFIG_FILE))
        return self._config[1]

    def set_config(self, key: str, value: str | int | None) -> None:
        """Set one setting, or unset it by None."""
        change_config(self.folder / CONFIG_FILE, key, value)

    @property
    def roots(self) -> Roots:
        """The folders inside which sources are stored relative."""
        config = self.config
        if self._roots is None or self._roots[0] is not config:
            found = Roots({"": str(self.folder.parent), **config.roots()})
            self._roots = (config, found)
        return self._roots[1]

    @property
    def scratch(self) -> Path:
        """A folder on the store's disk for temporary files."""
        return self.folder / SCRATCH_FOLDER

    def wrote(self) -> None:
        """Take note that an operation is on disk; housekeeping goes on, outside of batches."""
        self.writes += 1
        if self.after_write is not None and not self.batches:
            self.after_write(self)

    def staging(self) -> Staging:
        """Return a new place for objects to be written; reading through it needs none."""
        return Staging(self.database, self.cache, self.scratch)

    def pinned(self, snapshot: Snapshot, source: Iterator[_T]) -> Iterator[_T]:
        """Return `source`, with a snapshot held from now on until it ends or is given up.

        Where the folder does not take the pin's file, who may write there may also collect.
        """
        pin = None
        with suppress(RefusedError, DiskFullError):
            pin = self.database.pin(ObjectId(root) for root in snapshot.roots.values())
        return _releasing(pin, source)

    def commit(self, commit_id: CommitId) -> Commit:
        """Return a commit."""
        with self.database.reading() as reader:
            return branches.read_commit(reader, commit_id)

    def snapshot(self, snapshot_id: SnapshotId) -> Snapshot:
        """Return a snapshot."""
        with self.database.reading() as reader:
            return branches.read_snapshot(reader, snapshot_id)


def _releasing(pin: Pin | None, source: Iterator[_T]) -> Iterator[_T]:
    try:
        yield from source
    finally:
        if pin is not None:
            pin.release()


_shared: dict[Path, tuple[Handle, int]] = {}
"""With each handle the inode of its data file, which no other file gets while that is open."""

_left_open: list[Database] = []


@atexit.register  # Here, not when one is opened: what a program does at its exit comes before.
def _close() -> None:
    for database in _left_open:
        database.close()


def shared(folder: Path) -> Handle | None:
    """Return the handle that this process shares on a folder, if there is one.

    None where another store stands in the folder by now.
    """
    handle, inode = _shared.get(folder, (None, 0))
    return handle if handle is not None and _inode(folder) == inode else None


def share(handle: Handle) -> None:
    """Let all that asks for a handle on this folder share this one, until the process exits.

    One that was shared before still serves those who have it.
    """
    _shared[handle.folder] = (handle, _inode(handle.folder))
    _left_open.append(handle.database)


def unshare(folder: Path) -> None:
    """Close the handle that is shared on a folder; the next call that needs one opens another."""
    handle, _ = _shared.pop(folder, (None, 0))
    if handle is not None:
        handle.database.close()


def _inode(folder: Path) -> int:
    try:
        return (folder / DATABASE_FOLDER / DATA_FILE).stat().st_ino
    except OSError:
        return 0


def reopened(folder: Path) -> Handle:
    """Return the handle that unpickled objects of this process share; it closes at exit."""
    handle = shared(folder)
    if handle is None:
        handle = Handle(folder, Database.open(folder / DATABASE_FOLDER))
        share(handle)
    return handle
