"""Who a store is: its id, the format of its bytes, and how far it is trusted.

One row, written once when the store is made; only trust changes afterwards. The first bytes never
change their place: a version that finds a newer format number refuses before reading on.
"""

import struct
from typing import NamedTuple

from hyperstore.errors import CorruptError, FormatError
from hyperstore.limits import FORMAT_VERSION
from hyperstore.storage.environment import ENGINE
from hyperstore.storage.rows import seal, unseal

__all__ = ["HEADER_KEY", "Header", "decode_header", "encode_header"]

HEADER_KEY = b"store"
_TABLE = b"header"
_HASH = "blake3"
_HEADER_BYTES_MAX = 4096
_HEAD = struct.Struct("<II")  # Format version, number of fields.
_FIELD = struct.Struct("<H")


class Header(NamedTuple):
    """What is written into a store when it is made. `trust` is "own" or "foreign"."""

    store_id: str
    format_version: int
    engine: str
    hash_name: str
    trust: str

    @classmethod
    def new(cls, store_id: str, trust: str = "own") -> "Header":
        """Return the header of a store that this version makes."""
        return cls(store_id, FORMAT_VERSION, ENGINE, _HASH, trust)


def encode_header(header: Header) -> bytes:
    """Return the row: format version, count of fields, then each field with its length."""
    fields = (header.store_id, header.engine, header.hash_name, header.trust)
    parts = [_HEAD.pack(header.format_version, len(fields))]
    for field in fields:
        data = field.encode("utf-8")
        parts += [_FIELD.pack(len(data)), data]
    return seal(_TABLE, HEADER_KEY, b"".join(parts))


def decode_header(value: memoryview) -> Header:
    """Return the header; FormatError where a newer version, engine or hash is named."""
    data = unseal(_TABLE, HEADER_KEY, value, bytes_max=_HEADER_BYTES_MAX)
    try:
        version, count = _HEAD.unpack_from(data)
        if version != FORMAT_VERSION:
            raise FormatError(
                f"the store is of format {version}; this version of hyperstore reads format "
                f"{FORMAT_VERSION}. Open it with a newer hyperstore"
            )
        fields = _fields(data, count)
        store_id, engine, hash_name, trust = fields
    except (struct.error, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        raise CorruptError("the store's header is damaged. Restore it from a clone") from error
    if engine != ENGINE or hash_name != _HASH:
        raise FormatError(
            f"the store is kept by {engine} and named by {hash_name}; this version of hyperstore "
            f"reads {ENGINE} and {_HASH} only"
        )
    return Header(store_id, version, engine, hash_name, trust)


def _fields(data: bytes, count: int) -> list[str]:
    fields = []
    place = _HEAD.size
    for _ in range(count):
        (size,) = _FIELD.unpack_from(data, place)
        place += _FIELD.size
        fields.append(data[place : place + size].decode("utf-8"))
        place += size
    if place != len(data):
        raise ValueError("bytes left over")
    return fields
