"""One database folder as the layers above see it: reads, and one write at a time.

A `Database` is a handle: cheap, picklable as its path, valid on both sides of a fork. What is
read through a `Reader` is one state of the store; a `Writer` sees its own edits, and all of them
are on disk when its block ends, or none.
"""

import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from weakref import WeakSet

from hyperstore.errors import (
    CorruptError,
    DiskFullError,
    FormatError,
    HyperstoreError,
    LockedError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from hyperstore.ids import ObjectId, new_id
from hyperstore.limits import FILE_SLACK_BYTES, MAP_BYTES_START, MAP_RESERVE_BYTES
from hyperstore.storage import host
from hyperstore.storage.datafile import DATA_FILE, is_unborn
from hyperstore.storage.duplicate import copy_tables
from hyperstore.storage.environment import Environment
from hyperstore.storage.header import Header
from hyperstore.storage.pins import Held, Pin, living_pins
from hyperstore.storage.place import (
    absolute,
    check_place,
    refuse_unsafe,
    refused,
    wait_for_maker,
)
from hyperstore.storage.reader import Reader
from hyperstore.storage.translation import disk_errors
from hyperstore.storage.turn import Turn
from hyperstore.storage.writer import Writer

__all__ = ["Database"]

T = TypeVar("T")
_PINS = "pins"
_COLLECTING = "gc.lock"
_COPY = "compact-"  # Begins the names of folders in which a smaller file is made.


class Database:
    """A handle on one database folder. Close it, or use it as a context manager."""

    def __init__(
        self, folder: Path, environment: Environment, header: Header, *, readonly: bool
    ) -> None:
        self.folder = folder
        self.readonly = readonly
        self._environment = environment
        self._header = header
        self._closed = False
        self._pins = WeakSet[Pin]()

    @classmethod
    def create(
        cls,
        folder: Path | str,
        *,
        store_id: str | None = None,
        trust: str = "own",
        allow_network: bool = False,
        map_bytes: int = MAP_BYTES_START,
    ) -> "Database":
        """Make the database in `folder`, or complete a half-made one; open one that is there.

        Never wipes anything. When this returns, the files and their names are on disk.
        """
        path = absolute(folder)
        refuse_unsafe(path, allow_network)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise UsageError(f"{path} is not a folder; give a folder for the database") from None
        except OSError as error:
            raise refused(path, error) from error
        with host.folder_lock(path):
            environment = _acquire_new(path, map_bytes)
            try:
                with _named(path):
                    header = _completed_header(environment, store_id, trust)
                with disk_errors(path):
                    host.sync_folder(path)
                    host.sync_folder(path.parent)
            except BaseException:
                environment.release()
                raise
        return cls(path, environment, header, readonly=False)

    @classmethod
    def open(
        cls,
        folder: Path | str,
        *,
        readonly: bool = False,
        allow_network: bool = False,
        map_bytes: int = MAP_BYTES_START,
    ) -> "Database":
        """Open the database in `folder`, refusing what is damaged or foreign before mapping it.

        A folder that cannot be written to needs `readonly`. One that is being made is waited for.
        """
        path = absolute(folder)
        try:
            return cls._open(path, readonly, allow_network, map_bytes)
        except (NotFoundError, CorruptError, FormatError):
            if not wait_for_maker(path):
                raise
        return cls._open(path, readonly, allow_network, map_bytes)

    @classmethod
    def _open(cls, path: Path, readonly: bool, allow_network: bool, map_bytes: int) -> "Database":
        check_place(path)
        refuse_unsafe(path, allow_network)
        environment = Environment.acquire(
            path,
            writable=not readonly,
            map_bytes=map_bytes,
            reserve_bytes=_reserve(map_bytes),
        )
        try:
            with _named(path):
                header = _read_header(environment)
        except BaseException:
            environment.release()
            raise
        return cls(path, environment, header, readonly=readonly)

    @property
    def store_id(self) -> str:
        """32 hex digits that no other store has."""
        return self._header.store_id

    @property
    def format_version(self) -> int:
        """The version of the format that the store is written in."""
        return self._header.format_version

    @property
    def trust(self) -> str:
        """How far its contents are believed: "own" or "foreign", as of when it was opened."""
        return self._header.trust

    def reading(self) -> Reader:
        """Return a read of the state as of when its block begins; keep the block short."""
        if self._closed:
            raise self._is_closed()
        return Reader(self._environment)

    def writing(self) -> Writer:
        """Return the write; it begins with its block, once other writers have finished.

        The block may put as much as MAP_RESERVE_BYTES; `write` has no such bound.
        """
        if self._closed:
            raise self._is_closed()
        if self.readonly:
            raise RefusedError(f"{self.folder} is open for reading only")
        return Writer(self._environment, host.now_ms())

    def write(self, change: Callable[[Writer], T]) -> T:
        """Call `change` inside a write, again from the start where the map had to grow for it."""
        while True:
            writer = self.writing()
            try:
                with writer:
                    return change(writer)
            except DiskFullError:
                if not writer.outgrew_map:
                    raise

    def set_trust(self, trust: str) -> None:
        """Write down how far the store's contents are believed: "own" or "foreign"."""
        header = self._header._replace(trust=trust)
        with self.writing() as writer:
            writer.put_header(header)
        self._header = header

    def compact_copy(self, folder: Path | str) -> Path:
        """Write a copy with full pages into `folder`, made if need be; return the data file."""
        path = absolute(folder)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(path, error) from error
        if (path / DATA_FILE).exists():
            raise UsageError(f"{path} holds a database already; give an empty folder")
        if self._closed:
            raise self._is_closed()
        with self.reading() as reader:
            copy_tables(reader, _acquire_new(path, MAP_BYTES_START))
        return path / DATA_FILE

    def pin(self, ids: Iterable[ObjectId] = (), *, sequence: int | None = None) -> Pin:
        """Hold objects against collection: these with all they lead to, and all from a number on.

        RefusedError or DiskFullError where the folder takes no file.
        """
        try:
            made = Pin(self.folder / _PINS, ids, sequence=sequence)
        except OSError as error:
            raise refused(self.folder, error) from error
        self._pins.add(made)
        return made

    def pins(self, read: dict[str, int] | None = None) -> list[Held]:
        """Return what living readers and writers hold, of this process and of others.

        Given the same `read` again, only what they hold more since.
        """
        return living_pins(self.folder / _PINS, read)

    def alone(self) -> AbstractContextManager[None]:
        """Return a block that keeps other processes out; LockedError where one has it open."""
        if self._closed:
            raise self._is_closed()
        return self._environment.presence.alone()

    @contextmanager
    def collecting(self) -> Iterator[Turn]:
        """Keep other collections away, of any process; LockedError where one is under way."""
        if self.readonly:
            raise RefusedError(f"{self.folder} is open for reading only")
        with host.file_lock(self.folder / _COLLECTING) as taken:
            if not taken:
                raise LockedError(f"{self.folder}: garbage is being collected; retry at its end")
            yield Turn(self.folder / _COLLECTING)

    def compact(self, prove: Callable[["Database"], None]) -> None:
        """Replace the data file by a copy without free pages, once `prove` has not raised for it.

        Needs the block of `alone`. A crash leaves the old file or the new one, and perhaps a
        folder that `drop_copies` takes away.
        """
        if self._closed:
            raise self._is_closed()
        with self.reading() as reader:
            needed = reader.used_bytes() + FILE_SLACK_BYTES
        free = host.free_bytes(self.folder)
        if free is not None and free < needed:
            raise DiskFullError(
                f"{self.folder}: a compact copy takes {needed:,} bytes, and {free:,} are free; "
                "the file stays as long as it is"
            )
        folder = self.folder / f"{_COPY}{new_id()}"
        try:
            with self._environment.no_writes():
                data = self.compact_copy(folder)
                with Database.open(folder, readonly=True, allow_network=True) as copy:
                    prove(copy)
                self._environment.renew(
                    writable=True, change=lambda: data.replace(self.folder / DATA_FILE)
                )
                host.sync_folder(self.folder)
        except OSError as error:
            if isinstance(error, HyperstoreError):
                raise
            raise refused(self.folder, error) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def drop_copies(self) -> int:
        """Take away what compactions left that were cut short; return how many."""
        with self._environment.no_writes():  # Nor does a thread of this process compact now.
            left = list(self.folder.glob(f"{_COPY}*"))
            for folder in left:
                shutil.rmtree(folder, ignore_errors=True)
        return len(left)

    def file_bytes(self) -> int:
        """Return the length of the data file."""
        return (self.folder / DATA_FILE).stat().st_size

    def close(self) -> None:
        """Give the handle back; the file is closed with its last handle. Safe to repeat."""
        if not self._closed:
            self._closed = True
            with suppress(KeyError):
                while True:  # Whoever still has one can read no more.
                    self._pins.pop().release()
            self._environment.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            warnings.warn(f"{self!r} was never closed", ResourceWarning, stacklevel=1, source=self)
            self.close()

    def __repr__(self) -> str:
        return f"Database({str(self.folder)!r})"

    def __reduce__(self) -> tuple[Callable[..., "Database"], tuple[str, bool]]:
        return _reopened, (str(self.folder), self.readonly)

    def _is_closed(self) -> UsageError:
        return UsageError(f"{self.folder}: the database is closed; open it again")


def _reopened(folder: str, readonly: bool) -> Database:
    """Open a pickled handle again; whether its place is allowed was decided before."""
    return Database.open(folder, readonly=readonly, allow_network=True)


def _acquire_new(path: Path, map_bytes: int) -> Environment:
    data = path / DATA_FILE
    try:
        # A first write that never reached the disk holds nothing, and LMDB would refuse it.
        if data.exists() and data.stat().st_size and is_unborn(data):
            data.unlink()
        if data.exists():
            check_place(path)
    except OSError as error:
        raise refused(path, error) from error
    reserve = _reserve(map_bytes)
    return Environment.acquire(
        path, writable=True, map_bytes=map_bytes, reserve_bytes=reserve, create=True
    )


def _completed_header(environment: Environment, store_id: str | None, trust: str) -> Header:
    """Return the header that is there, or write one."""
    with Reader(environment) as reader:
        if reader.has_header():
            return reader.header()
    with Writer(environment, host.now_ms()) as writer:
        header = Header.new(store_id or new_id(), trust)
        writer.put_header(header)
    return header


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let what is wrong with a header out with the place of its store."""
    try:
        yield
    except (CorruptError, FormatError) as fault:
        known = str(fault)
        raise fault if str(path) in known else type(fault)(f"{path}: {known}") from None


def _read_header(environment: Environment) -> Header:
    with Reader(environment) as reader:
        return reader.header()


def _reserve(map_bytes: int) -> int:
    """Return what a write finds free at least; maps made small by tests have small reserves."""
    return min(MAP_RESERVE_BYTES, map_bytes // 2)
