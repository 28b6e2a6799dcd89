"""Names of immutable things: what is hashed, how ids look, and which kinds of object there are.

The only importer of blake3 (identity) and xxhash (checks against accidents, and tree cuts).
"""

import secrets
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import NewType

from blake3 import blake3
from xxhash import xxh3_64, xxh3_64_digest, xxh3_64_intdigest

__all__ = [
    "CommitId",
    "Kind",
    "NodeId",
    "ObjectId",
    "SnapshotId",
    "checksum",
    "content_hash",
    "derived_id",
    "joint_checksum",
    "key_hash",
    "new_id",
    "object_id",
]

ObjectId = NewType("ObjectId", bytes)
"""blake3 of kind byte and payload, 32 bytes, shown as 64 hex digits."""

NodeId = NewType("NodeId", ObjectId)
SnapshotId = NewType("SnapshotId", ObjectId)
CommitId = NewType("CommitId", ObjectId)


class Kind(IntEnum):
    """What an object is. Numbers are part of the format; reserved ones have no reader yet."""

    FRAME = 1
    NODE = 2
    SNAPSHOT = 3
    COMMIT = 4
    TAG = 5
    RECORD = 6
    DATAVIEW = 7
    RUN = 8
    CONFLICT = 9  # Reserved, as are those up to PACK.
    SCHEMA = 10
    TOMBSTONE = 11
    PACK = 12
    LOCK = 13


_KIND_BYTES = [bytes([number]) for number in range(256)]


def object_id(kind: int, payload: bytes) -> ObjectId:
    """Return the id of the object `(kind, payload)`."""
    return ObjectId(blake3(_KIND_BYTES[kind] + payload).digest())


def derived_id(data: bytes) -> str:
    """Return the first 32 hex digits of the blake3 of `data`: an id that follows from content."""
    return blake3(data).digest(16).hex()  # Python writes hex digits faster than blake3 does.


def content_hash(chunks: Iterable[bytes | memoryview]) -> str:
    """Return the blake3 of bytes that come in pieces, as 64 hex digits: the name of raw data."""
    digest = blake3()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def new_id() -> str:
    """Return a random id of 32 hex digits, for things that have no content to be named by."""
    return secrets.token_hex(16)


checksum: Callable[[bytes | memoryview], bytes] = xxh3_64_digest
"""Return 8 bytes that tell damage from what was written; no defence against an attacker."""


def joint_checksum(pieces: Iterable[bytes]) -> bytes:
    """Return the checksum of pieces that lie one behind another, without joining them."""
    digest = xxh3_64()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def key_hash(key: bytes, seed: int) -> int:
    """Return the 64-bit number by which a tree decides where its nodes end."""
    return xxh3_64_intdigest(key, seed)
