"""Pins: what living readers and writers hold against garbage collection.

A pin is a file that its owner keeps locked: the system lets go of the lock when the last process
that has it, forked children included, is gone. So a pin needs no expiry, no process number and no
write to the database, and a pin without a lock is dead. It holds from when its file is written.

What it holds: ids, with all that they lead to, and perhaps a sequence number, from which on all
objects stay. A writer adds the ids of what it found in the store and means to use, inside the
transaction in which it found them; who collects reads the pins inside its own.
"""

import contextlib
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from hyperstore.ids import ObjectId, new_id
from hyperstore.limits import ID_BYTES
from hyperstore.storage import host
from hyperstore.storage.translation import disk_errors

__all__ = ["Held", "Pin", "living_pins"]

_ID, _FROM = b"i", b"s"
_RECORD = struct.Struct(f"<c{ID_BYTES}s")


_forks = [0]  # How often this process forked, or is the child of one.


class Held(NamedTuple):
    """What one pin holds: ids, and all objects from a sequence number on, if there is one."""

    ids: frozenset[ObjectId]
    sequence: int | None


class Pin:
    """One hold, from its making until `release`; abandoned, it is released when it is collected."""

    # At the interpreter's end, what a module holds may be gone before us.
    _close_handle = staticmethod(os.close)
    _unlink = staticmethod(os.unlink)
    _fork_count = _forks

    def __init__(
        self, folder: Path, ids: Iterable[ObjectId] = (), *, sequence: int | None = None
    ) -> None:
        """Raise OSError where the folder cannot be written to."""
        self._handle = -1
        while self._handle < 0:
            self._path = folder / new_id()
            self._name = os.fspath(self._path)
            self._forks = _forks[0]
            self._handle = _created(self._path)
            try:
                host.lock_handle(self._handle, exclusive=True)
                if os.fstat(self._handle).st_nlink:
                    self._write(ids, sequence)
                else:  # Taken for dead between its making and its lock.
                    self._close()
            except BaseException:
                self._close()
                with contextlib.suppress(OSError):
                    self._path.unlink()
                raise

    def add(self, ids: Iterable[ObjectId] = (), *, sequence: int | None = None) -> None:
        """Hold more; of several sequence numbers the first one counts."""
        with disk_errors(self._path):
            self._write(ids, sequence)

    def _write(self, ids: Iterable[ObjectId], sequence: int | None) -> None:
        host.write_all(self._handle, _records(ids, sequence))

    def release(self) -> None:
        """Let go. A forked child that shares the pin keeps it. Safe to repeat."""
        if self._handle < 0:
            return
        if self._forks == self._fork_count[0]:  # Nobody shares it.
            try:  # noqa: SIM105 - contextlib may be gone.
                self._unlink(self._name)
            except OSError:
                pass  # Left there, it is dead: the next look takes it.
            self._close()
        else:
            self._close()
            _drop_if_dead(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def __del__(self) -> None:
        if getattr(self, "_handle", -1) < 0:
            return
        try:  # noqa: SIM105 - contextlib may be gone.
            self.release()
        except (TypeError, AttributeError):
            pass  # At the very end, of one that a fork shares: the next look takes it.

    def _close(self) -> None:
        handle, self._handle = self._handle, -1
        self._close_handle(handle)


def living_pins(folder: Path, read: dict[str, int] | None = None) -> list[Held]:
    """Return what the living pins hold; take the dead ones away.

    `read` says how much of each was read before, so that only what came since is returned of it,
    and is brought up to date; sequence numbers are always returned.
    """
    found = []
    read = {} if read is None else read
    names: list[str] = []
    with disk_errors(folder), contextlib.suppress(FileNotFoundError):
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names are all that is wanted.
    for name in names:
        path = folder / name
        if _drop_if_dead(path):
            continue
        # One released meanwhile, and a folder, which is nobody's, hold nothing.
        gone = contextlib.suppress(FileNotFoundError, IsADirectoryError)
        with disk_errors(path), gone:
            data = path.read_bytes()
            whole = len(data) - len(data) % _RECORD.size
            found.append(_held(data[:whole], read.get(name, 0)))
            read[name] = whole
    return found


def _records(ids: Iterable[ObjectId], sequence: int | None) -> bytes:
    data = b"".join(_RECORD.pack(_ID, oid) for oid in ids)
    if sequence is not None:
        data += _RECORD.pack(_FROM, sequence.to_bytes(8, "little"))
    return data


def _held(data: bytes, start: int) -> Held:
    ids, numbers = set(), []
    for index, (tag, value) in enumerate(_RECORD.iter_unpack(data)):
        if tag == _FROM:
            numbers.append(int.from_bytes(value[:8], "little"))
        elif index * _RECORD.size >= start:
            ids.add(ObjectId(value))
    return Held(frozenset(ids), min(numbers, default=None))


def _created(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND
    try:
        return os.open(path, flags, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(exist_ok=True)
        return os.open(path, flags, 0o644)


def _drop_if_dead(path: Path) -> bool:
    """Take the file away if nobody has it locked; say whether it is gone."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    except OSError:  # Another user's: it cannot be told dead, so it counts.
        return False
    try:
        if not host.lock_handle(handle, exclusive=True, wait=False):
            return False
        with contextlib.suppress(OSError):  # Dead it is in any case.
            path.unlink()
        return True
    finally:
        os.close(handle)


def _count_fork() -> None:
    _forks[0] += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_count_fork)
