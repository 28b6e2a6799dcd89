"""Pins: what living processes hold against garbage collection.

A pin names a snapshot or the first sequence number of a writer in flight. It ends when it is
taken out, when it expires, or when its process is gone: told by number, boot and start time, so
that a later process of the same number does not keep it. Pins of other machines only expire.
"""

import os
import struct
from typing import NamedTuple

from hyperstore.errors import CorruptError, UsageError
from hyperstore.ids import ObjectId, new_id
from hyperstore.limits import PIN_BYTES_MAX
from hyperstore.storage import host
from hyperstore.storage.environment import Table, Transaction
from hyperstore.storage.rows import rows_from, seal

__all__ = ["Pin", "add_pin", "drop_dead_pins", "read_pins", "remove_pin"]

_TABLE = b"pins"
_HEAD = struct.Struct("<QqQ")  # Process, expiry, first sequence number.
_FIELD = struct.Struct("<H")


class Pin(NamedTuple):
    """One hold. `sequence` 0 and `snapshot` b"" stand for none; `expires_ms` is since 1970."""

    pin_id: str
    process: int
    host: str
    start: str
    expires_ms: int
    sequence: int
    snapshot: bytes

    def holds(self, now_ms: int) -> bool:
        """Tell whether the pin still counts."""
        if now_ms >= self.expires_ms:
            return False
        return self.host != host.host_name() or host.process_alive(self.process, self.start)


def add_pin(
    transaction: Transaction,
    table: Table,
    *,
    expires_ms: int,
    sequence: int = 0,
    snapshot: ObjectId | None = None,
) -> str:
    """Pin objects from `sequence` on, or a snapshot, for this process; return the pin's id."""
    pin_id, process = new_id(), os.getpid()
    try:
        head = _HEAD.pack(process, expires_ms, sequence)
    except struct.error:
        raise UsageError(f"a pin takes numbers of 64 bits, not {expires_ms}, {sequence}") from None
    parts = [head]
    for field in (host.host_name().encode(), host.process_start(process).encode(), snapshot or b""):
        parts += [_FIELD.pack(len(field)), field]
    key = pin_id.encode("ascii")
    transaction.put(key, seal(_TABLE, key, b"".join(parts)), db=table)
    return pin_id


def remove_pin(transaction: Transaction, table: Table, pin_id: str) -> bool:
    """Take the pin out; say whether it was there."""
    return transaction.delete(pin_id.encode("utf-8", "replace"), db=table)


def read_pins(transaction: Transaction, table: Table) -> list[Pin]:
    """Return every pin, dead ones too."""
    with transaction.cursor(table) as cursor:
        rows = list(rows_from(cursor, _TABLE, b"", bytes_max=PIN_BYTES_MAX))
    return [_decode(key, data) for key, data in rows]


def drop_dead_pins(transaction: Transaction, table: Table, now_ms: int) -> int:
    """Take out the pins that hold nothing any more; return how many they were."""
    dead = [pin for pin in read_pins(transaction, table) if not pin.holds(now_ms)]
    for pin in dead:
        transaction.delete(pin.pin_id.encode("ascii"), db=table)
    return len(dead)


def _decode(key: bytes, data: bytes) -> Pin:
    try:
        process, expires_ms, sequence = _HEAD.unpack_from(data)
        place, fields = _HEAD.size, []
        for _ in range(3):
            (size,) = _FIELD.unpack_from(data, place)
            fields.append(data[place + _FIELD.size : place + _FIELD.size + size])
            place += _FIELD.size + size
        name, start, snapshot = fields
        return Pin(
            key.decode("ascii"),
            process,
            name.decode(),
            start.decode(),
            expires_ms,
            sequence,
            snapshot,
        )
    except (struct.error, UnicodeDecodeError) as error:
        raise CorruptError(f"pin {key!r} cannot be read. Run fsck") from error
