"""The files of `cache/versions/`: each the frames of one snapshot, for processes to come.

A file is named by the root of the snapshot's tree of order. It is written whole under another name
and then renamed; of too many files, those that were used longest ago go. No failure to write is
told, and what cannot be read is not there.
"""

import contextlib
import os
import struct
import sys
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pyroaring import BitMap

from hyperstore.ids import NodeId, ObjectId, checksum, new_id
from hyperstore.limits import (
    CHECK_BYTES,
    ID_BYTES,
    VERSION_SET_PATCHES_MAX,
    VERSION_SETS_SAVED_BYTES_MAX,
    VERSION_SETS_SAVED_MAX,
)

__all__ = ["Shelf", "Stamp", "VersionSet"]

Stamp = tuple[int, int]
"""The number of a tree's root, and when its row was written, in ms; (0, 0) where it is not here.

The number is another one where all was collected and came back. The time is another one where the
store was put back from an older copy and has given its numbers a second time.
"""

_FOLDER = "cache/versions"
_MAGIC = b"HSVERS\0\2"
# Magic, store, root, its stamp, whether the order ascends, frames, bytes of the bitmap.
_HEAD = struct.Struct(f"<8s16s{ID_BYTES}sQQBII")
_COUNT_AT = 6  # In the head.
_NUMBER_BYTES = 4
_NO_CHANGES: Final[Mapping[int, int]] = MappingProxyType({})


class VersionSet:
    """The frames of one snapshot; what it holds is shared, so nobody changes it."""

    __slots__ = ("_changes", "_order", "ascends", "members", "stamp")

    def __init__(
        self,
        order: "array[int]",
        members: BitMap,
        *,
        ascends: bool = False,
        stamp: Stamp = (0, 0),
        changes: Mapping[int, int] = _NO_CHANGES,
    ) -> None:
        """Take what is known. `changes` are numbers that stand in places of `order` instead."""
        self._order = order
        self._changes = changes
        self.members = members  # The same numbers.
        self.ascends = ascends  # Whether the order of iteration is that of arrival.
        self.stamp = stamp  # Of the tree's root.

    def __len__(self) -> int:
        return len(self._order)

    @property
    def order_bytes(self) -> int:
        """What the order takes, in memory and in a file."""
        return _NUMBER_BYTES * len(self)

    @property
    def order(self) -> "array[int]":
        """Sequence numbers in the order of iteration."""
        changes = self._changes  # Before the order: another thread may have put them in by now.
        if changes:
            order = self._order[:]
            for place, number in changes.items():
                order[place] = number
            self._order, self._changes = order, _NO_CHANGES
        return self._order

    def between(self, start: int, stop: int) -> "array[int]":
        """Return the numbers at places from `start` to before `stop`: a copy, of these alone."""
        changes = self._changes
        found = self._order[start:stop]
        for place, number in changes.items():
            if start <= place < stop:
                found[place - start] = number
        return found

    def at(self, place: int) -> int:
        """Return the number at a place."""
        changes = self._changes
        return changes[place] if place in changes else self._order[place]

    def changed(
        self, places: Sequence[int], numbers: Sequence[int], members: BitMap
    ) -> "VersionSet":
        """Return a set with other numbers at some places, which shares all others."""
        changes = {**self._changes, **dict(zip(places, numbers, strict=True))}
        if len(changes) <= VERSION_SET_PATCHES_MAX:
            return VersionSet(self._order, members, changes=changes)
        return VersionSet(VersionSet(self._order, members, changes=changes).order, members)

    def of_tree(self, stamp: Stamp) -> "VersionSet":
        """Return the same set with the stamp of its tree's root."""
        changes = self._changes
        return VersionSet(
            self._order, self.members, ascends=self.ascends, stamp=stamp, changes=changes
        )


class Shelf:
    """The files of one store."""

    def __init__(self, store: Path, store_id: str) -> None:
        self._folder = store / _FOLDER
        self._store = bytes.fromhex(store_id)

    def load(self, order: NodeId) -> VersionSet | None:
        """Return what is saved of a tree, taken for used now; None where nothing sound is."""
        path = self._folder / order.hex()
        try:
            data = memoryview(path.read_bytes())
        except OSError:
            return None
        found = self._read(data, order)
        if found is None:
            self.remove(order)
        else:
            with contextlib.suppress(OSError):
                os.utime(path)
        return found

    def _read(self, data: memoryview, order: NodeId) -> VersionSet | None:
        if len(data) < _HEAD.size + CHECK_BYTES:
            return None
        magic, store, name, number, written_ms, ascends, count, length = _HEAD.unpack_from(data)
        end = len(data) - CHECK_BYTES
        split = _HEAD.size + count * _NUMBER_BYTES
        if (magic, store, name) != (_MAGIC, self._store, order) or split + length != end:
            return None
        if checksum(data[:end]) != data[end:]:
            return None
        numbers = array("I")
        numbers.frombytes(data[_HEAD.size : split])
        _little(numbers)
        members = BitMap.deserialize(bytes(data[split:end]))
        return VersionSet(numbers, members, ascends=bool(ascends), stamp=(number, written_ms))

    def save(self, order: NodeId, made: VersionSet) -> None:
        """Write a file, where the disk takes it, and take away those that are too many."""
        bitmap = made.members.serialize()
        numbers = array("I", made.order)
        _little(numbers)
        head = _HEAD.pack(
            _MAGIC, self._store, order, *made.stamp, made.ascends, len(numbers), len(bitmap)
        )
        data = b"".join((head, numbers.tobytes(), bitmap))
        temporary = self._folder / f".{new_id()}"
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(data + checksum(data))
                temporary.replace(self._folder / order.hex())
            finally:
                temporary.unlink(missing_ok=True)
        self._evict()

    def remove(self, order: NodeId) -> None:
        """Take a file away."""
        with contextlib.suppress(OSError):
            (self._folder / order.hex()).unlink(missing_ok=True)

    def listed(self) -> list[tuple[NodeId, int]]:
        """Return name and number of frames of what is saved, those used last first; unchecked."""
        found = []
        for path, _ in self._files():
            with contextlib.suppress(OSError, struct.error, ValueError), path.open("rb") as file:
                count = _HEAD.unpack(file.read(_HEAD.size))[_COUNT_AT]
                found.append((NodeId(ObjectId(bytes.fromhex(path.name))), count))
        return found

    def _files(self) -> list[tuple[Path, int]]:
        """Return the files with their bytes, those used last first."""
        found = []
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                with contextlib.suppress(OSError):
                    state = path.stat()
                    found.append((state.st_mtime_ns, path, state.st_size))
        return [(path, size) for _, path, size in sorted(found, reverse=True)]

    def _evict(self) -> None:
        total = 0
        for place, (path, size) in enumerate(self._files()):
            total += size
            if place and (place >= VERSION_SETS_SAVED_MAX or total > VERSION_SETS_SAVED_BYTES_MAX):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)


def _little(numbers: "array[int]") -> None:
    """Turn numbers from this machine's order of bytes to that of the file, or back."""
    if sys.byteorder == "big":
        numbers.byteswap()


assert array("I").itemsize == _NUMBER_BYTES
