"""What a disk may hold after the power went: built from a record of what a program asked of it.

What was synced is there. Of what was not, each block of 4 KiB may have arrived or not, or in part,
by sectors of 512 bytes; the file may be as long as it was, or as it was to become. Names change in
order: of those that were not synced, the first few may be there.
"""

import os
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.faults_preload import (
    MARK,
    MKDIR,
    OPEN,
    RENAME,
    RMDIR,
    SYNC,
    TRUNCATE,
    UNLINK,
    WRITE,
    Event,
)

__all__ = ["MODES", "Disk", "Image"]

BLOCK, SECTOR = 4096, 512
MODES = ("none", "all", "some", "torn")


@dataclass
class _File:
    """One file: what is surely on the disk, what programs see, and where the two may differ."""

    durable: bytearray = field(default_factory=bytearray)
    cached: bytearray = field(default_factory=bytearray)
    dirty: set[int] = field(default_factory=set)

    def write(self, offset: int, data: bytes, *, synced: bool) -> None:
        end = offset + len(data)
        self.cached.extend(bytes(max(0, end - len(self.cached))))
        self.cached[offset:end] = data
        blocks = range(offset // BLOCK, -(-end // BLOCK))
        self.dirty.update(blocks)
        if synced:
            self.settle(blocks, min(end, len(self.cached)))

    def settle(self, blocks: "range | set[int]", size: int) -> None:
        """Let these blocks reach the disk, which makes the file `size` long at least."""
        self.durable.extend(bytes(max(0, size - len(self.durable))))
        for block in set(blocks) & self.dirty:
            start, stop = block * BLOCK, min((block + 1) * BLOCK, len(self.durable))
            self.durable[start:stop] = self.cached[start:stop].ljust(stop - start, b"\0")
        self.dirty.difference_update(blocks)

    def sync(self) -> None:
        self.settle(set(self.dirty), len(self.cached))
        del self.durable[len(self.cached) :]

    def image(self, mode: str, choice: random.Random) -> bytes:
        """Return what may be found after the power went."""
        if mode == "none":
            return bytes(self.durable)
        if mode == "all":
            return bytes(self.cached)
        share = choice.choice((0.1, 0.5, 0.9))
        kept = [block for block in sorted(self.dirty) if choice.random() < share]
        found = bytearray(self.durable)
        for block in kept:
            for start in range(block * BLOCK, min((block + 1) * BLOCK, len(self.cached)), SECTOR):
                if mode == "torn" and choice.random() < 0.5:
                    continue
                stop = min(start + SECTOR, len(self.cached))
                found.extend(bytes(max(0, stop - len(found))))
                found[start:stop] = self.cached[start:stop]
        if choice.random() < 0.5 and len(found) < len(self.cached):
            found.extend(bytes(len(self.cached) - len(found)))
        return bytes(found)


@dataclass(frozen=True)
class Image:
    """What one power loss left, below the folder that was watched."""

    folders: list[str]
    files: dict[str, bytes]

    def write(self, old: Path, new: Path) -> None:
        """Make the image in the folder `new`, for what was recorded in the folder `old`."""
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        for folder in self.folders:
            (new / Path(folder).relative_to(old)).mkdir(parents=True, exist_ok=True)
        for name, data in self.files.items():
            (new / Path(name).relative_to(old)).write_bytes(data)


class Disk:
    """Follows a record event by event. Files are handles' until they are named."""

    def __init__(self) -> None:
        self._names: dict[str, _File | None] = {}  # None is a folder.
        self._durable_names: dict[str, _File | None] = {}
        self._pending: list[tuple[set[str], dict[str, _File | None], set[str]]] = []
        self._handles: dict[int, tuple[str, _File | None, bool]] = {}
        self.marks: list[str] = []

    def follow(self, event: Event) -> None:
        """Take one event as done."""
        if event.kind == MARK:
            self.marks += event.data.decode().splitlines()
        elif event.kind == OPEN:
            self._open(event)
        elif event.kind == WRITE:
            _, file, synced = self._handles[event.handle]
            assert file is not None
            file.write(event.offset, event.data, synced=synced)
        elif event.kind == TRUNCATE:
            self._truncate(event)
        elif event.kind == SYNC:
            self._sync(*self._handles[event.handle][:2])
        elif event.kind == RENAME:
            old, new = event.paths
            self._change({new: self._names[old]}, {old})
        elif event.kind in (UNLINK, RMDIR):
            self._change({}, {event.paths[0]})
        elif event.kind == MKDIR:
            self._change({event.paths[0]: None}, set())

    def image(self, mode: str, choice: random.Random, under_way: Event | None = None) -> Image:
        """Return what may be found if the power goes now, perhaps in the middle of a write."""
        torn: tuple[_File, _File] | None = None
        if under_way is not None and under_way.kind == WRITE:
            file = self._handles[under_way.handle][1]
            assert file is not None
            torn = (file, _File(bytearray(file.durable), bytearray(file.cached), set(file.dirty)))
            torn[1].write(under_way.offset, under_way.data, synced=False)
        names = dict(self._durable_names)
        arrived = {"none": 0, "all": len(self._pending)}.get(
            mode, choice.randint(0, len(self._pending))
        )
        for _, made, gone in self._pending[:arrived]:
            names = {name: file for name, file in names.items() if name not in gone} | made
        files = {}
        for name, file in names.items():
            if file is not None:
                held = torn[1] if torn is not None and file is torn[0] else file
                files[name] = held.image(mode, choice)
        return Image(sorted(name for name, file in names.items() if file is None), files)

    def _open(self, event: Event) -> None:
        path, flags = event.paths[0], event.flags
        nameless = flags & os.O_TMPFILE == os.O_TMPFILE
        file: _File | None
        if nameless:
            file = _File()
        elif path in self._names:
            file = self._names[path]
        elif flags & os.O_CREAT:
            file = _File()
            self._change({path: file}, set())
        else:  # It was there before the record began; only folders may have been.
            file = None
        if file is not None and flags & os.O_TRUNC:
            file.cached.clear()
            file.dirty.clear()
        synced = bool(flags & (os.O_DSYNC | os.O_SYNC))
        self._handles[event.handle] = (path, file, synced)

    def _truncate(self, event: Event) -> None:
        file = self._handles[event.handle][1]
        assert file is not None
        size = event.offset
        if size < len(file.cached):
            del file.cached[size:]
            file.dirty = {block for block in file.dirty if block * BLOCK < size}
        else:
            file.cached.extend(bytes(size - len(file.cached)))

    def _sync(self, path: str, file: _File | None) -> None:
        if file is not None:
            file.sync()
            return
        # A journal keeps order: with the names of this folder go all that changed before them.
        reached = [number for number, one in enumerate(self._pending, 1) if path in one[0]]
        for _, made, gone in self._pending[: max(reached, default=0)]:
            for name in gone:
                self._durable_names.pop(name, None)
            self._durable_names |= made
        del self._pending[: max(reached, default=0)]

    def _change(self, made: dict[str, _File | None], gone: set[str]) -> None:
        for name in gone:
            self._names.pop(name, None)
        self._names |= made
        parents = {str(Path(name).parent) for name in (*made, *gone)}
        self._pending.append((parents, made, gone))
