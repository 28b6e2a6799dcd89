"""How far collecting has come: what says whether enough has piled up for it to run by itself.

A file in `cache/`, derived and believed little: whatever it says, what must stay stays. Where it is
not there or not sound, nothing has been collected yet, and the next collection comes too early.
"""

import contextlib
import struct
from pathlib import Path
from typing import NamedTuple

from hyperstore.ids import checksum, new_id

__all__ = ["CACHE_FOLDER", "Settled", "read_settled", "write_settled"]

CACHE_FOLDER = "cache"
_FILE = "collected"
_RECORD = struct.Struct("<16sQQ")
_CHECK_BYTES = 8


class Settled(NamedTuple):
    """What the last collection that came to its end has left behind."""

    number: int  # All objects up to this sequence number were old enough, and were judged.
    kept: int  # How many it kept.


def read_settled(cache: Path, store_id: str) -> Settled:
    """Return what the folder says of this store."""
    data = b""
    with contextlib.suppress(OSError):
        data = (cache / _FILE).read_bytes()
    record, check = data[: _RECORD.size], data[_RECORD.size :]
    if len(data) != _RECORD.size + _CHECK_BYTES or check != checksum(record):
        return Settled(0, 0)
    store, number, kept = _RECORD.unpack(record)
    return Settled(number, kept) if store.hex() == store_id else Settled(0, 0)


def write_settled(cache: Path, store_id: str, settled: Settled) -> None:
    """Write it whole, or leave the file as it is; where that fails, nothing is lost."""
    record = _RECORD.pack(bytes.fromhex(store_id), *settled)
    temporary = cache / f".{_FILE}.{new_id()}"
    with contextlib.suppress(OSError):
        cache.mkdir(exist_ok=True)
        try:
            temporary.write_bytes(record + checksum(record))
            temporary.replace(cache / _FILE)
        finally:
            temporary.unlink(missing_ok=True)
