"""How objects lie in rows of about 64 kB: the bytes of table `objects`, and nothing else.

row      created_ms u64, count u32, count times length u32, check; then `count` records
record   place u32, id 32 bytes, kind u8, payload, check

Numbers are little-endian. A record's sequence number is the number of the row, which is its key,
plus its place; places grow and stay when garbage collection takes other records away. The check
of a row's head covers its key too; a record's check covers all that precedes it in the record.
"""

import struct
from itertools import accumulate
from typing import NamedTuple

from hyperstore.errors import CorruptError
from hyperstore.ids import ObjectId, checksum
from hyperstore.limits import (
    CHECK_BYTES,
    ID_BYTES,
    OBJECT_BYTES_MAX,
    RECORD_OVERHEAD_BYTES,
    ROW_RECORDS_MAX,
)

__all__ = [
    "PAYLOAD_OFFSET",
    "ROW_HEAD_BYTES",
    "Record",
    "RowHead",
    "pack_record",
    "pack_row",
    "record_at",
    "row_head",
    "row_key",
    "row_number",
    "row_place",
    "row_records",
]

_KEY = struct.Struct(">Q")  # Big-endian, so that rows sort by number.
_HEAD = struct.Struct("<QI")
_PLACE = struct.Struct("<I")
_KIND_OFFSET = _PLACE.size + ID_BYTES
PAYLOAD_OFFSET = _KIND_OFFSET + 1
_KIND_BYTES = [bytes((number,)) for number in range(256)]
ROW_HEAD_BYTES = _HEAD.size + CHECK_BYTES  # Without the lengths, four bytes for each record.

assert PAYLOAD_OFFSET + CHECK_BYTES == RECORD_OVERHEAD_BYTES


class RowHead(NamedTuple):
    """What a row says of itself; `spans` are offset and length of each record."""

    created_ms: int
    spans: list[tuple[int, int]]


class Record(NamedTuple):
    """One object as it is stored; `sequence` says when it arrived, before and after which."""

    sequence: int
    oid: ObjectId
    kind: int
    payload: bytes
    created_ms: int


def row_key(number: int) -> bytes:
    """Return the key of the row whose first place has this sequence number."""
    return _KEY.pack(number)


def row_number(key: memoryview | bytes) -> int:
    """Return the sequence number of a row's first place."""
    if len(key) != _KEY.size:
        raise CorruptError("a key of table objects has a false length. Run fsck")
    return int.from_bytes(key, "big")


def pack_record(place: int, oid: bytes, kind: int, payload: bytes) -> tuple[bytes, bytes]:
    """Return the record in two pieces, its body and its check, to be joined once into the row."""
    body = b"".join((_PLACE.pack(place), oid, _KIND_BYTES[kind], payload))
    return body, checksum(body)


def pack_row(key: bytes, created_ms: int, lengths: list[int], pieces: list[bytes]) -> bytes:
    """Return the row that holds the records in `pieces`, each as long as `lengths` says."""
    head = _HEAD.pack(created_ms, len(lengths)) + struct.pack(f"<{len(lengths)}I", *lengths)
    return b"".join((head, checksum(key + head), *pieces))


def row_head(key: bytes, row: memoryview) -> RowHead:
    """Return the head, checked against the key and the length of the row before it is believed."""
    size = len(row)
    if size < ROW_HEAD_BYTES:
        raise _damaged(key, "it is too short")
    created_ms, count = _HEAD.unpack_from(row)
    start = _HEAD.size + 4 * count
    if not 0 < count <= ROW_RECORDS_MAX or start + CHECK_BYTES > size:
        raise _damaged(key, f"it cannot hold {count} records")
    head = bytes(row[:start])
    if row[start : start + CHECK_BYTES] != checksum(key + head):
        raise _damaged(key, "the check of its head does not fit")
    lengths = struct.unpack_from(f"<{count}I", head, _HEAD.size)
    ends = list(accumulate(lengths, initial=start + CHECK_BYTES))
    if ends[-1] != size or min(lengths) < RECORD_OVERHEAD_BYTES:
        raise _damaged(key, "its records do not fill it")
    return RowHead(created_ms, list(zip(ends, lengths, strict=False)))


def record_at(
    oid: bytes, row: memoryview, place: int, offset: int, length: int
) -> tuple[int, bytes]:
    """Return kind and payload of the record of `oid` at `offset`, or raise CorruptError.

    Everything is compared: that the record lies inside the row, that it has the id asked for at
    the place expected, and its check.
    """
    end = offset + length
    if not RECORD_OVERHEAD_BYTES <= length <= RECORD_OVERHEAD_BYTES + OBJECT_BYTES_MAX or end > len(
        row
    ):
        raise _wrong(oid, "the index points outside its row")
    record = bytes(row[offset:end])
    if record[:_KIND_OFFSET] != _PLACE.pack(place) + oid:
        raise _wrong(oid, "the index points to another object")
    if checksum(record[:-CHECK_BYTES]) != record[-CHECK_BYTES:]:
        raise _wrong(oid, "its check does not fit")
    return record[_KIND_OFFSET], record[PAYLOAD_OFFSET:-CHECK_BYTES]


def row_place(record: bytes) -> tuple[int, bytes]:
    """Return place and id that a record names, unchecked."""
    return _PLACE.unpack_from(record)[0], record[_PLACE.size : _KIND_OFFSET]


def row_records(key: bytes, row: memoryview) -> list[Record]:
    """Return every record of a row, each checked; the order is that of arrival."""
    head = row_head(key, row)
    number = row_number(key)
    records = []
    for offset, length in head.spans:
        (place,) = _PLACE.unpack_from(row, offset)
        oid = ObjectId(bytes(row[offset + _PLACE.size : offset + _KIND_OFFSET]))
        kind, payload = record_at(oid, row, place, offset, length)
        records.append(Record(number + place, oid, kind, payload, head.created_ms))
    return records


def _damaged(key: bytes, fault: str) -> CorruptError:
    return CorruptError(f"row {key.hex()} of table objects is damaged: {fault}. Run fsck")


def _wrong(oid: bytes, fault: str) -> CorruptError:
    return CorruptError(f"object {oid.hex()} is damaged: {fault}. Run fsck")
