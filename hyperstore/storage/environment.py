"""The one importer of lmdb: opening, sharing, growing and forking of the mapped file.

Laws kept here. A file is open at most once in a process, whatever path or link leads to it; the
handles count their uses. The map grows only while no transaction of this process is open. A child
of a fork never uses what it inherited: it closes it without touching its parent's reader slots,
and opens the file anew. Every commit is synced. No lmdb.Error leaves the layer untranslated.
"""

import contextlib
import os
import threading
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeAlias

import lmdb

from hyperstore.errors import ForkError, HyperstoreError, RefusedError, UsageError
from hyperstore.limits import FILE_SLACK_BYTES, MAP_BYTES_MIN, READERS_MAX
from hyperstore.storage import host
from hyperstore.storage.datafile import DATA_FILE, LOCK_FILE, check_data_file
from hyperstore.storage.gate import Gate, LiveReader
from hyperstore.storage.translation import translate

__all__ = [
    "ENGINE",
    "BadTransactionError",
    "Cursor",
    "EngineError",
    "Environment",
    "MapFullError",
    "Table",
    "Tables",
    "Transaction",
    "translated",
]

ENGINE = "lmdb-0.9"
_ENGINE_MAJOR = 0  # What lib_version= calls the engine of LMDB 0.9; 1 writes other files.

EngineError = lmdb.Error
MapFullError = lmdb.MapFullError
BadTransactionError = lmdb.BadTxnError
Table: TypeAlias = "lmdb._Database"
if TYPE_CHECKING:  # The C classes take no parameters at run time.
    Transaction: TypeAlias = lmdb.Transaction[memoryview]
    Cursor: TypeAlias = lmdb.Cursor[memoryview]
else:
    Transaction = lmdb.Transaction
    Cursor = lmdb.Cursor


class Tables(NamedTuple):
    """The tables, by the names that they have in the file."""

    header: Table
    objects: Table
    oids: Table
    absent: Table
    refs: Table
    oplog: Table
    pins: Table


def translated(error: lmdb.Error, folder: Path) -> HyperstoreError:
    """Return the error of ours that says what `error` means for the database in `folder`."""
    return translate(type(error).__name__, error.code, str(error), folder)


class Environment:
    """The open data file of one folder. `acquire` hands it out, `release` gives it back."""

    _open: ClassVar[dict[tuple[int, int], "Environment"]] = {}
    _guard = threading.Lock()

    def __init__(self, folder: Path, map_bytes: int, reserve_bytes: int) -> None:
        self.folder = folder
        self.tables: Tables
        self.generation = 0  # Counts forks; what was begun in another one is void.
        self._map_bytes = map_bytes
        self._reserve_bytes = reserve_bytes
        self._uses = 0
        self._handle: lmdb.Environment | None = None
        self._file: tuple[int, int] = (0, 0)
        self._writable = False
        self._forked_in_write = False
        self._full = False
        self._reset_locks()

    def _reset_locks(self) -> None:
        self.gate = Gate(self.folder)
        self._writer_lock = threading.Lock()
        self._writer: int | None = None

    # Opening and closing.

    @classmethod
    def acquire(
        cls,
        folder: Path,
        *,
        writable: bool,
        map_bytes: int,
        reserve_bytes: int,
        create: bool = False,
    ) -> "Environment":
        """Return the process's environment of `folder`, opened if it is not; count the use."""
        with cls._guard:
            found = cls._open.get(_file_key(folder))
            if found is None:
                found = cls(folder, map_bytes, reserve_bytes)
                found._open_file(writable=writable, create=create)
                cls._open[found._file] = found
            found._uses += 1
        if writable:
            try:
                with found._writer_lock:
                    found._make_writable()
            except BaseException:
                found.release()
                raise
        return found

    def release(self) -> None:
        """Give back one use; the last one closes the file."""
        with self._guard:
            self._uses -= 1
            if self._uses > 0:
                return
            if self._open.get(self._file) is self:
                del self._open[self._file]
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    def _open_file(self, *, writable: bool, create: bool = False) -> None:
        """Open the file; to write only if asked, since that waits for whoever writes now."""
        data = self.folder / DATA_FILE
        if not create or (data.exists() and data.stat().st_size):
            check_data_file(data)
        may_write, may_lock = _access(self.folder)
        if writable and not may_write:
            raise RefusedError(
                f"{self.folder} cannot be written to by this user. Open it for reading only"
            )
        try:
            handle = self._open_engine(readonly=not writable, lock=may_lock, create=create)
        except lmdb.Error as error:
            raise translated(error, self.folder) from error
        try:
            self.tables = _open_tables(handle, create=create)
            handle.reader_check()
        except lmdb.Error as error:
            handle.close()
            raise translated(error, self.folder) from error
        self._handle = handle
        self._writable = writable
        if writable:
            self._lengthen_file()
        self._file = _file_key(self.folder)

    def _open_engine(self, *, readonly: bool, lock: bool, create: bool) -> lmdb.Environment:
        """Open with the largest map that the system grants."""
        size = self._map_bytes
        while True:
            try:
                return lmdb.Environment(
                    os.fspath(self.folder),
                    map_size=size,
                    readonly=readonly,
                    lock=lock,
                    create=create,
                    max_dbs=len(Tables._fields) + 1,
                    max_readers=READERS_MAX,
                    max_spare_txns=0,
                    lib_version=_ENGINE_MAJOR,
                    mode=0o644,
                )
            except lmdb.MemoryError:
                if size <= MAP_BYTES_MIN:
                    raise
                size //= 2

    def _opened(self) -> lmdb.Environment:
        """Return the handle; in the child of a fork, open it first."""
        if self._handle is None:
            if self._forked_in_write:
                raise ForkError(
                    f"{self.folder}: this process was forked while its parent was inside a write. "
                    "Fork outside of writes, or start workers by `spawn`"
                )
            with self._guard:
                if self._uses <= 0:
                    raise UsageError(f"{self.folder}: the store is closed; open it again")
                if self._handle is None:
                    self._open_file(writable=False)
        assert self._handle is not None
        return self._handle

    def _make_writable(self) -> None:
        """Open the file anew to write, if it was opened to read; the writer's lock is held."""
        self._opened()
        if self._writable:
            return
        with self.gate.alone(), self._guard:
            if self._handle is not None:
                self._handle.close()
                self._handle = None
            self._open_file(writable=True)

    # Transactions.

    def begin_read(self, reader: LiveReader) -> Transaction:
        """Begin a read for `reader`, who must leave the gate, whatever happens."""
        for last in (False, False, True):
            self.gate.enter(reader)
            try:
                return (self._handle or self._opened()).begin(buffers=True)
            except lmdb.Error as error:
                self.gate.leave(reader)
                if last:
                    raise translated(error, self.folder) from error
                self._recover(error)
            except BaseException:
                self.gate.leave(reader)
                raise
        raise AssertionError("the last try returns or raises")

    def begin_write(self) -> Transaction:
        """Begin the write, waiting for other writers; `end_write` must follow its end."""
        self._opened()
        if self._writer == get_ident():
            raise UsageError(f"{self.folder}: a write is open in this thread already; finish it")
        self._writer_lock.acquire()
        self._writer = get_ident()
        try:
            self._make_writable()
            self._make_room()
            return self._begin_grown()
        except lmdb.Error as error:
            self.end_write()
            raise translated(error, self.folder) from error
        except BaseException:
            self.end_write()
            raise

    def _begin_grown(self) -> Transaction:
        """Begin the write, first taking over the size that other processes gave to the map."""
        for _ in range(2):
            try:
                return self._opened().begin(write=True, buffers=True)
            except lmdb.MapResizedError:
                self._resize(0)
        return self._opened().begin(write=True, buffers=True)

    def end_write(self, *, full: bool = False) -> None:
        """Let the next writer in; `full` says that the map was too small for this one."""
        self._full = self._full or full
        try:
            self._lengthen_file()
        finally:
            self._writer = None
            self._writer_lock.release()

    def _lengthen_file(self) -> None:
        """Keep the file longer than its pages, so that a damaged page leads to zeros.

        A flipped bit in a page's index of entries leads up to 64 kB onward: past the end of the
        file that would be SIGBUS. Space is allocated, never written, so it harms no other writer.
        """
        if self._handle is not None:
            last_page = self._handle.info()["last_pgno"]
            wanted = (last_page + 1) * self._handle.stat()["psize"] + FILE_SLACK_BYTES
            host.lengthen_file(self.folder / DATA_FILE, wanted)

    def _recover(self, error: lmdb.Error) -> None:
        """Heal what made a read not begin, or raise what it means."""
        if isinstance(error, lmdb.MapResizedError):
            with self._writer_lock:  # Not held by this thread: who writes has the newest map.
                self._resize(0)
        elif isinstance(error, lmdb.ReadersFullError):
            self._opened().reader_check()
        else:
            raise translated(error, self.folder) from error

    # Growing.

    def _make_room(self) -> None:
        """Grow the map before a write while it has less free than the reserve."""
        handle = self._opened()
        info = handle.info()
        size = info["map_size"]
        needed = (info["last_pgno"] + 1) * handle.stat()["psize"] + self._reserve_bytes
        if self._full:
            needed = max(needed, size + 1)
        if needed <= size:
            return
        while size < needed:
            size *= 2
        self._resize(size)
        self._full = False

    def _resize(self, size: int) -> None:
        """Set the map's size, 0 for what the file says; waits for this process's readers."""
        with self.gate.alone():
            self._opened().set_mapsize(size)

    # Copies and readers.

    def copy_to(self, folder: Path) -> None:
        """Write a compact copy of the data file into the existing empty `folder`, and sync it."""
        try:
            self._opened().copy(os.fspath(folder), compact=True)
        except lmdb.Error as error:
            raise translated(error, self.folder) from error
        with (folder / DATA_FILE).open("rb") as file:
            os.fsync(file.fileno())
        host.sync_folder(folder)

    # Forks.

    @classmethod
    def hold_registry(cls) -> None:
        """Before a fork: wait for whoever is opening or closing a file."""
        cls._guard.acquire()

    @classmethod
    def let_registry_go(cls) -> None:
        """After a fork, in the parent."""
        cls._guard.release()

    @classmethod
    def after_fork(cls) -> None:
        """In a child: void every inherited environment without harm to the parent."""
        cls._guard = threading.Lock()
        for environment in list(cls._open.values()):
            environment._after_fork()

    def _after_fork(self) -> None:
        gate = self.gate
        if self._writer is not None:
            self._forked_in_write = True
            _INHERITED.append(self._handle)  # Not even collected: its lock is the parent's.
        elif self._handle is not None:
            if not gate.is_empty():
                host.detach_mapping(self.folder / LOCK_FILE)
            self._handle.close()
        self._handle = None
        self.generation += 1
        self._reset_locks()
        for reader in gate.readers_of(get_ident()):
            with contextlib.suppress(HyperstoreError):  # Its next use says what is wrong.
                reader.reopen()


_INHERITED: list[lmdb.Environment | None] = []


def _file_key(folder: Path) -> tuple[int, int]:
    """Return device and inode of the data file, (0, 0) where there is none."""
    try:
        stat = (folder / DATA_FILE).stat()
    except OSError:
        return (0, 0)
    return (stat.st_dev, stat.st_ino)


def _access(folder: Path) -> tuple[bool, bool]:
    """Say whether this process may write the data file, and whether the lock file."""
    data, lock = folder / DATA_FILE, folder / LOCK_FILE
    lockable = os.access(lock if lock.exists() else folder, os.W_OK)
    return lockable and os.access(data if data.exists() else folder, os.W_OK), lockable


def _open_tables(handle: lmdb.Environment, *, create: bool) -> Tables:
    """Return the tables by name, made in one synced transaction if `create`.

    One transaction each where they are there already: of a transaction that reads, the binding
    keeps no tables.
    """
    names = [name.encode("ascii") for name in Tables._fields]
    if not create or handle.stat()["entries"]:  # What has tables, but not ours, is not ours.
        return Tables._make(handle.open_db(name, create=False) for name in names)
    with handle.begin(write=True) as transaction:
        return Tables._make(handle.open_db(name, txn=transaction) for name in names)


if hasattr(os, "register_at_fork"):
    # Nobody is in the middle of opening a file while the process forks.
    os.register_at_fork(
        before=Environment.hold_registry,
        after_in_parent=Environment.let_registry_go,
        after_in_child=Environment.after_fork,
    )
