"""What is known of the files of a folder from the last time, so that none is read twice.

One file in the store's `cache/folders/` for each folder on this machine. It says nothing that
reading the folder would not: where it is missing, damaged or of another format, all is read again.
No frame holds anything of it, so that two machines with one folder have the same frames.

The file is a head and a row for each file, each after its length (4 bytes, little-endian) and its
check (8 bytes).
"""

import contextlib
import struct
import time
from collections.abc import Generator
from pathlib import Path

from hyperstore.codec import Struct, decoder, pack
from hyperstore.errors import CorruptError
from hyperstore.formats.folderwalk import Found
from hyperstore.ids import checksum, derived_id, new_id
from hyperstore.limits import FOLDER_COARSE_NS, FOLDER_MOMENT_NS, FOLDER_ROW_BYTES_MAX
from hyperstore.media.facts import Facts

__all__ = ["Index", "Known", "Settled"]

_FORMAT = 2
_START = struct.Struct("<I8s")  # Length and check.
_SECOND_NS = 1_000_000_000
_NEVER = -1  # The inode of no file.


class Known(Struct, frozen=True, gc=False, omit_defaults=True):
    """A file as it was when it was read."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    facts: Facts

    def is_of(self, found: Found) -> bool:
        """Return whether the file has not changed since."""
        return (self.size, self.mtime_ns, self.inode) == found[1:]


class Settled(Struct, frozen=True, gc=False):
    """When all was as the folder says: by which question, on which frames, with which files."""

    question: str
    content: str
    files: str
    frames: int


class _Head(Struct, frozen=True, gc=False, omit_defaults=True):
    format: int
    folder: str
    settled: Settled | None = None


_head = decoder(_Head)
_row = decoder(Known)


class Index:
    """What is known of one folder; `rows` are read when they are first asked for."""

    def __init__(self, cache: Path, folder: Path) -> None:
        self._folder = str(folder)
        self._shelf = cache / "folders"
        name = derived_id(self._folder.encode("utf-8", "surrogateescape"))
        self._file = self._shelf / f"{name}.index"
        self._shown = self._folder.encode(errors="backslashreplace").decode()
        self._rows: dict[str, Known] | None = None
        self._saved = time.monotonic()

    def settled(self) -> Settled | None:
        """Return the state in which nothing was left to do; None where there was none."""
        with contextlib.closing(self._records()) as records:
            head = self._head_of(next(records, None))
        return None if head is None else head.settled

    @property
    def rows(self) -> dict[str, Known]:
        """The files by path."""
        if self._rows is None:
            self._rows = {}
            with contextlib.closing(self._records()) as records, contextlib.suppress(CorruptError):
                if self._head_of(next(records, None)) is not None:
                    for payload in records:
                        known = _row(payload)
                        self._rows[known.path] = known
        return self._rows

    def learn(self, found: Found, facts: Facts, *, began_ns: int) -> None:
        """Remember a file that was read from the moment `began_ns` on.

        One that had just changed then is read again next time: it might change again unseen. One
        with a fault is read again too: rights are given, and programs installed.
        """
        if facts.fault is not None:
            self.rows.pop(found.path, None)
            return
        coarse = found.mtime_ns % _SECOND_NS == 0
        margin = FOLDER_COARSE_NS if coarse else FOLDER_MOMENT_NS
        if found.mtime_ns + margin > began_ns:
            found = found._replace(inode=_NEVER)
        self.rows[found.path] = Known(*found, facts)

    def save(self, *, only: set[str] | None, settled: Settled | None = None) -> None:
        """Write what is known, of the files in `only` if that is given.

        The file appears whole or stays as it is, whoever else writes it; no failure is told.
        """
        head = _Head(_FORMAT, self._shown, settled)
        temporary = self._shelf / f".{new_id()}"
        with contextlib.suppress(OSError):
            self._shelf.mkdir(parents=True, exist_ok=True)
            try:
                with temporary.open("wb") as file:
                    file.write(_record(pack(head)))
                    for path, known in self.rows.items():
                        if only is None or path in only:
                            file.write(_record(pack(known)))
                temporary.replace(self._file)
            finally:
                temporary.unlink(missing_ok=True)
        self._saved = time.monotonic()

    def save_now_and_then(self, seconds: float) -> None:
        """Write what is known where the last time was long ago."""
        if time.monotonic() - self._saved > seconds:
            self.save(only=None)

    def _head_of(self, payload: bytes | None) -> _Head | None:
        """Return the head, if it is that of this folder in the form that is written here."""
        try:
            head = None if payload is None else _head(payload)
        except CorruptError:
            return None
        good = head is not None and (head.format, head.folder) == (_FORMAT, self._shown)
        return head if good else None

    def _records(self) -> Generator[bytes, None, None]:
        """Yield what the file holds, up to the first damage."""
        with contextlib.suppress(OSError), self._file.open("rb") as file:
            while len(start := file.read(_START.size)) == _START.size:
                length, check = _START.unpack(start)
                payload = file.read(length) if length <= FOLDER_ROW_BYTES_MAX else b""
                if len(payload) != length or checksum(payload) != check:
                    return
                yield payload


def _record(payload: bytes) -> bytes:
    return _START.pack(len(payload), checksum(payload)) + payload
