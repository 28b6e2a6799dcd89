"""The one importer of lmdb: opening, sharing, growing and forking of the mapped file.

Laws kept here. A file is open at most once in a process, whatever path or link leads to it; the
handles count their uses. The map grows only while no transaction of this process is open. A child
of a fork never uses what it inherited: it closes it without touching its parent's reader slots,
and opens the file anew. Every commit is synced. No lmdb.Error leaves the layer untranslated.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeAlias

import lmdb

from hyperstore.errors import ForkError, HyperstoreError, RefusedError, UsageError
from hyperstore.limits import FILE_SLACK_BYTES, LOCK_FILE_BYTES, MAP_BYTES_MIN, READERS_MAX
from hyperstore.storage import host
from hyperstore.storage.datafile import DATA_FILE, LOCK_FILE, check_files, file_key
from hyperstore.storage.gate import Gate, LiveReader, LiveWriter
from hyperstore.storage.presence import Presence
from hyperstore.storage.registry import FileKey, Registry
from hyperstore.storage.rowplaces import RowPlaces
from hyperstore.storage.translation import disk_errors, translate

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


def translated(error: lmdb.Error, folder: Path) -> HyperstoreError:
    """Return the error of ours that says what `error` means for the database in `folder`."""
    code = getattr(error, "code", 0)  # Errors of the binding itself have none.
    return translate(type(error).__name__, code, str(error), folder)


class Environment:
    """The open data file of one folder. `acquire` hands it out, `release` gives it back."""

    _registry: ClassVar["Registry[Environment]"]

    def __init__(self, folder: Path, map_bytes: int, reserve_bytes: int) -> None:
        self.folder = folder
        self.tables: Tables
        self.generation = 0  # Counts forks; what was begun in another one is void.
        self.openings = 0  # Counts files and maps; a compact file numbers its states anew.
        self.places = RowPlaces()
        self._map_bytes = map_bytes
        self._reserve_bytes = reserve_bytes
        self._uses = 0
        self._handle: lmdb.Environment | None = None
        self._file: FileKey = (0, 0)
        self._presence: Presence | None = None
        self._writable = False
        self._forked_inside = ""
        self._full = False
        self._reset_locks()

    def _reset_locks(self) -> None:
        self.gate = Gate(self.folder)
        self._writer_lock = threading.Lock()
        self._writer: int | None = None
        self._writing: LiveWriter | None = None

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
        with cls._registry.guard:
            found = cls._registry.open.get(file_key(folder))
            if found is None:
                found = cls(folder, map_bytes, reserve_bytes)
                found._open_file(writable=writable, create=create)
                cls._registry.open[found._file] = found
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
        with self._registry.guard:
            self._uses -= 1
            if self._uses > 0:
                return
            if self._registry.open.get(self._file) is self:
                del self._registry.open[self._file]
            if self._handle is not None:
                self.gate.hold()  # What another thread is looking at would be unmapped under it.
                try:
                    self._handle.close()
                    self._handle = None
                finally:
                    self.gate.let_go()
            self._leave()

    def _leave(self) -> None:
        if self._presence is not None:
            self._presence.close()
            self._presence = None

    def _open_file(self, *, writable: bool, create: bool = False) -> None:
        """Open the file; to write only if asked, since that waits for whoever writes now."""
        if self._presence is None:
            self._presence = Presence(self.folder)
        may_write, may_lock = check_files(self.folder, create=create)
        if writable and not may_write:
            raise RefusedError(
                f"{self.folder} cannot be written to by this user. Open it for reading only"
            )
        try:
            with disk_errors(self.folder):  # Which the engine leaves to Python now and then.
                if may_lock:
                    host.allocate(self.folder / LOCK_FILE, LOCK_FILE_BYTES)
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
        self.openings += 1
        self._writable = writable
        if writable:
            self._lengthen_file()
        if (
            self._registry.open.pop(self._file, None) is not None
        ):  # A compact file has taken its place.
            self._registry.open[file_key(self.folder)] = self
        self._file = file_key(self.folder)

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
            if self._forked_inside:
                raise ForkError(
                    f"{self.folder}: this process was forked while its parent was inside "
                    f"{self._forked_inside}. Fork outside of it, or start workers by `spawn`"
                )
            with self._registry.guard:
                if self._uses <= 0:
                    raise UsageError(f"{self.folder}: the store is closed; open it again")
                if self._handle is None:
                    self._open_file(writable=False)
        assert self._handle is not None
        return self._handle

    def _make_writable(self) -> None:
        """Open the file anew to write, if it was opened to read; the writer's lock is held."""
        self._opened()
        if not self._writable:
            self.renew(writable=True)

    def renew(self, *, writable: bool, change: Callable[[], object] | None = None) -> None:
        """Close the file, call `change`, open it anew; the writer's lock is held."""
        with self.gate.alone(), self._registry.guard:
            if self._handle is not None:
                self._handle.close()
                self._handle = None
            if change is not None:
                change()
            self._open_file(writable=writable)

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

    def begin_write(self, writer: LiveWriter) -> Transaction:
        """Begin the write, waiting for other writers; `end_write` must follow its end."""
        self._opened()
        if self._writer == threading.get_ident():
            raise UsageError(f"{self.folder}: a write is open in this thread already; finish it")
        self._writer_lock.acquire()
        self._writer, self._writing = threading.get_ident(), writer
        try:
            self._make_writable()
            self._make_room()
            return self._begin_grown()
        except BaseException as error:
            self.end_write()
            if isinstance(error, lmdb.Error):
                raise translated(error, self.folder) from error
            raise

    def _begin_grown(self) -> Transaction:
        """Begin the write, first taking over the size that other processes gave to the map."""
        for _ in range(2):
            try:
                return self._opened().begin(write=True, buffers=True)
            except lmdb.MapResizedError:
                self._resize(0)
            except lmdb.PanicError:
                # The disk refused a meta page: the handle is void, and what was committed is sound.
                self.renew(writable=True)
        return self._opened().begin(write=True, buffers=True)

    def end_write(self, *, full: bool = False) -> None:
        """Let the next writer in; `full` says that the map was too small for this one."""
        self._full = self._full or full
        try:
            self._lengthen_file()
        finally:
            self._writer = self._writing = None
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
        elif isinstance(error, lmdb.PanicError):
            with self._writer_lock:
                self.renew(writable=self._writable)
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
        needed = max(needed, size + 1 if self._full else 0)
        if needed <= size:
            return
        while size < needed:
            size *= 2
        self._resize(size)
        self._full = False

    def _resize(self, size: int) -> None:
        """Set the map's size, 0 for what the file says; waits for this process's readers."""
        with self.gate.alone():
            handle = self._opened()
            self.openings += 1
            handle.set_mapsize(size)

    # A file instead of the file.

    @property
    def presence(self) -> Presence:
        """The lock that says that this process has the database open."""
        self._opened()
        assert self._presence is not None
        return self._presence

    @contextlib.contextmanager
    def no_writes(self) -> Iterator[None]:
        """Keep this process's other threads from writing."""
        if self._writer == threading.get_ident():
            raise UsageError(f"{self.folder}: a write is open in this thread; finish it")
        with self._writer_lock:
            yield

    # Forks.

    def after_fork(self) -> None:
        """In a child: void what was inherited, without harm to the parent."""
        gate = self.gate
        if self._writer is not None or gate.others_read():
            self._forked_inside = "a write" if self._writer is not None else "a long read"
            _INHERITED.append(self._handle)  # Not even collected: its lock is the parent's.
            if self._writing is not None:
                _INHERITED.append(self._writing.void())
        elif self._handle is not None:
            if not gate.is_empty():
                host.detach_mapping(self.folder / LOCK_FILE)
            self._handle.close()
        self._handle = None
        self._leave()
        self.generation += 1
        self._reset_locks()
        for reader in gate.readers_of(threading.get_ident()):
            with contextlib.suppress(HyperstoreError):  # Its next use says what is wrong.
                reader.reopen()


Environment._registry = Registry()
_INHERITED: list[object] = []


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
