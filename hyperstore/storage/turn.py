"""Whose turn it is to collect garbage: what the file says that collections lock.

A collection in slices lets go of the lock between them, so that another one may come first; it
signs the file at each slice, and goes on only where its own name still stands there. The file is
believed no further than that: what it says wrongly ends a collection, and nothing else.
"""

import contextlib
import struct
from pathlib import Path

from hyperstore.storage.translation import disk_errors

__all__ = ["Turn"]

_SIGNED = struct.Struct("<16sQ")


class Turn:
    """The lock, held: `run` is who collected last, `time_ms` when, 0 for one that goes on no more.

    Nobody has collected where the file does not say: `run` is empty then.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.run, self.time_ms = b"", 0
        with disk_errors(path), contextlib.suppress(FileNotFoundError):
            data = path.read_bytes()
            if len(data) == _SIGNED.size:
                self.run, self.time_ms = _SIGNED.unpack(data)

    def sign(self, run: bytes, time_ms: int) -> None:
        """Write down whose turn it was. Where the disk is full the file is left empty."""
        self.run, self.time_ms = run, time_ms
        with (
            disk_errors(self._path),
            self._path.open("wb", buffering=0) as file,
            contextlib.suppress(OSError),  # Empty it ends what rests, which is enough.
        ):
            file.write(_SIGNED.pack(run, time_ms))
