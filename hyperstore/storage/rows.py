"""Rows that change: bytes sealed with a check that is bound to table and key.

LMDB has no checksums, and a flipped bit in a page's index shows the row of another key. So the
check covers the table's name and the key as well, and the length stands in front: a row is not
touched beyond its first bytes before its length is known to be true, since a length that a
flipped bit made larger leads beyond the end of the mapped file.
"""

import struct

from hyperstore.errors import CorruptError
from hyperstore.ids import checksum
from hyperstore.limits import CHECK_BYTES

__all__ = ["LMDB_KEY_BYTES_MAX", "key_bytes", "seal", "unseal"]

LMDB_KEY_BYTES_MAX = 511
_LENGTH = struct.Struct("<I")
_LENGTH_BYTES = _LENGTH.size
_BOUND = struct.Struct("<HH")


def seal(table: bytes, key: bytes, data: bytes) -> bytes:
    """Return the value to store: length of data, data, check."""
    return b"".join((_LENGTH.pack(len(data)), data, _check(table, key, data)))


def unseal(table: bytes, key: bytes, value: memoryview, *, bytes_max: int) -> bytes:
    """Return a copy of the data; CorruptError unless every byte is as it was sealed."""
    size = len(value) - _LENGTH_BYTES - CHECK_BYTES
    if size < 0 or size > bytes_max or _LENGTH.unpack_from(value)[0] != size:
        raise CorruptError(f"{_row(table, key)} has a false length. Run fsck")
    sealed = bytes(value)
    data = sealed[_LENGTH_BYTES:-CHECK_BYTES]
    if sealed[-CHECK_BYTES:] != _check(table, key, data):
        raise CorruptError(f"{_row(table, key)} is damaged: its check does not fit. Run fsck")
    return data


def key_bytes(table: bytes, key: memoryview) -> bytes:
    """Return a copy of a key, which is as untrusted as any other bytes of the map."""
    if not 0 < len(key) <= LMDB_KEY_BYTES_MAX:
        raise CorruptError(f"a key of table {table.decode()} has a false length. Run fsck")
    return bytes(key)


def _check(table: bytes, key: bytes, data: bytes) -> bytes:
    return checksum(_BOUND.pack(len(table), len(key)) + table + key + data)


def _row(table: bytes, key: bytes) -> str:
    return f"row {key!r} of table {table.decode()}"
