"""How objects lie in rows of about 64 kB: the bytes of table `objects`, and nothing else.

row      created_ms u64, count u32, check of key and these; then `count` records
record   length u32, place u16, id 32 bytes, kind u8, payload, check of all that precedes

Numbers are little-endian. A record's sequence number is the number of the row, which is its key,
plus its place; places grow and stay when garbage collection takes other records away. `length`
counts the whole record. LMDB keeps a row in whole pages, so a row ends where few bytes of its last
page are left over.
"""

import struct
from typing import NamedTuple

from hyperstore.errors import CorruptError
from hyperstore.ids import ObjectId, checksum
from hyperstore.limits import (
    CHECK_BYTES,
    ID_BYTES,
    OBJECT_BYTES_MAX,
    PAGE_BYTES,
    PAGE_HEAD_BYTES,
    RECORD_OVERHEAD_BYTES,
    ROW_BYTES_MAX,
    ROW_BYTES_MIN,
    ROW_RECORDS_MAX,
)

__all__ = [
    "KEY_BYTES",
    "OFFSET_BITS",
    "ROW_HEAD_BYTES",
    "SEQUENCE_MAX",
    "WHERE",
    "Record",
    "RowHead",
    "pack_record",
    "pack_row",
    "record_at",
    "record_moved",
    "record_of_place",
    "record_outline",
    "row_counts",
    "row_head",
    "row_key",
    "row_number",
    "row_places",
    "row_records",
    "row_spans",
    "stored_at",
]

KEY_BYTES = 6
OFFSET_BITS = 16
SEQUENCE_MAX = 2 ** (8 * KEY_BYTES) - 1 - ROW_RECORDS_MAX
_HEAD = struct.Struct("<QI")
_RECORD = struct.Struct(f"<IH{ID_BYTES}sB")
_RECORD_BEGIN = struct.Struct("<IH")
_RECORD_HEAD_BYTES = _RECORD.size
_LENGTH_BYTES_MAX = RECORD_OVERHEAD_BYTES + OBJECT_BYTES_MAX
ROW_HEAD_BYTES = _HEAD.size + CHECK_BYTES
# What `oids` says of an object: key of its row, place, and offset of its record.
WHERE = struct.Struct(f"<{KEY_BYTES}sHH")

assert _RECORD.size + CHECK_BYTES == RECORD_OVERHEAD_BYTES
assert ROW_RECORDS_MAX <= 2**16
assert ROW_BYTES_MAX <= 2**OFFSET_BITS


class RowHead(NamedTuple):
    """What a row says of itself."""

    created_ms: int
    records: int


class Record(NamedTuple):
    """One object as it is stored; `sequence` says when it arrived, before and after which."""

    sequence: int
    oid: ObjectId
    kind: int
    payload: bytes
    created_ms: int


def row_key(number: int) -> bytes:
    """Return the key of the row whose first place has this sequence number.

    Big-endian, so that rows sort by number.
    """
    return number.to_bytes(KEY_BYTES, "big")


def row_number(key: memoryview | bytes) -> int:
    """Return the sequence number of a row's first place."""
    if len(key) != KEY_BYTES:
        raise CorruptError("a key of table objects has a false length. Run fsck")
    return int.from_bytes(key, "big")


def row_counts(lengths: list[int]) -> list[int]:
    """Return how many records each row takes, for records of these lengths in this order.

    Of the ends that leave a row between its two bounds, the one that fills its last page best.
    """
    counts = []
    start, end = 0, len(lengths)
    while start < end:
        size, waste, cut = ROW_HEAD_BYTES, PAGE_BYTES, 0
        stop = min(end, start + ROW_RECORDS_MAX)
        for here in range(start, stop):
            size += lengths[here]
            if size > ROW_BYTES_MAX:
                break
            left = -(size + PAGE_HEAD_BYTES) % PAGE_BYTES
            if left < waste and size >= ROW_BYTES_MIN:
                waste, cut = left, here + 1
        else:
            cut = stop
        if not cut:  # None of the ends is large enough: the next record is too long to share.
            cut = max(start + 1, here)
        counts.append(cut - start)
        start = cut
    return counts


def pack_record(place: int, oid: bytes, kind: int, payload: bytes) -> tuple[bytes, bytes]:
    """Return the record in two pieces, its body and its check, to be joined once into the row."""
    length = RECORD_OVERHEAD_BYTES + len(payload)
    body = _RECORD.pack(length, place, oid, kind) + payload
    return body, checksum(body)


def pack_row(key: bytes, created_ms: int, count: int, pieces: list[bytes]) -> bytes:
    """Return the row that holds `count` records, given in pieces."""
    head = _HEAD.pack(created_ms, count)
    return b"".join((head, checksum(key + head), *pieces))


def record_at(
    oid: bytes, row: memoryview, place: int, offset: int, wanted: int | None
) -> tuple[int, bytes]:
    """Return kind and payload of the record of `oid` at `offset`, or raise CorruptError.

    Everything is compared: that the record lies inside the row, that it has the id asked for at
    the place expected, its check, and its kind where one is wanted.
    """
    try:
        length, found_place, found, kind = _RECORD.unpack_from(row, offset)
    except struct.error:
        raise _wrong(oid, "the index points outside its row") from None
    if found != oid or found_place != place:
        raise _wrong(oid, "the index points to another object")
    end = offset + length
    if not RECORD_OVERHEAD_BYTES <= length <= _LENGTH_BYTES_MAX or end > len(row):
        raise _wrong(oid, "it has a false length")
    end -= CHECK_BYTES
    if checksum(row[offset:end]) != row[end : end + CHECK_BYTES]:
        raise _wrong(oid, "its check does not fit")
    if wanted is not None and kind != wanted:
        raise _of_kind(oid, kind, wanted)
    return kind, row[offset + _RECORD_HEAD_BYTES : end].tobytes()


def record_of_place(
    row: memoryview, place: int, offset: int, wanted: int | None
) -> tuple[ObjectId, bytes]:
    """Return id and payload of the record at `offset`, compared as `record_at` does.

    Nobody asked for an id: the place and the check, in a row whose head is sound, vouch for it.
    """
    try:
        length, found_place, oid, kind = _RECORD.unpack_from(row, offset)
    except struct.error:
        raise CorruptError("a row of table objects ends in the middle. Run fsck") from None
    record = row[offset : offset + length].tobytes()
    if (
        found_place != place
        or not RECORD_OVERHEAD_BYTES <= length <= _LENGTH_BYTES_MAX
        or len(record) != length
        or checksum(record[:-CHECK_BYTES]) != record[-CHECK_BYTES:]
    ):
        raise _wrong(oid, "its place, its length or its check does not fit")
    if wanted is not None and kind != wanted:
        raise _of_kind(oid, kind, wanted)
    return oid, record[_RECORD_HEAD_BYTES:-CHECK_BYTES]


def stored_at(row: memoryview, offset: int) -> tuple[int, bytes]:
    """Return place and id of what is stored at `offset`, which are not checked further."""
    try:
        _, place, oid, _ = _RECORD.unpack_from(row, offset)
    except struct.error:
        raise CorruptError("a row of table objects ends in the middle. Run fsck") from None
    return place, oid


def record_outline(row: memoryview, offset: int) -> tuple[int, int, bytes, int] | None:
    """Return length, place, id and kind of the record at `offset`; None where none fits there."""
    if offset + RECORD_OVERHEAD_BYTES > len(row):
        return None
    length, place, oid, kind = _RECORD.unpack_from(row, offset)
    if not RECORD_OVERHEAD_BYTES <= length <= len(row) - offset:
        return None
    return length, place, oid, kind


def record_moved(row: memoryview, offset: int, length: int, place: int) -> bytes | None:
    """Return the record with another place, for another row; None where its check does not fit."""
    end = offset + length - CHECK_BYTES
    if checksum(row[offset:end]) != row[end : end + CHECK_BYTES]:
        return None
    _, _, oid, kind = _RECORD.unpack_from(row, offset)
    body = _RECORD.pack(length, place, oid, kind) + row[offset + _RECORD.size : end].tobytes()
    return body + checksum(body)


def row_head(key: bytes, row: memoryview) -> RowHead:
    """Return the head, compared with its check before it is believed."""
    if len(row) < ROW_HEAD_BYTES + RECORD_OVERHEAD_BYTES:
        raise _damaged(key, "it is too short")
    head = bytes(row[: _HEAD.size])
    if row[_HEAD.size : ROW_HEAD_BYTES] != checksum(key + head):
        raise _damaged(key, "the check of its head does not fit")
    return RowHead._make(_HEAD.unpack(head))


def row_spans(key: bytes, row: memoryview, count: int) -> list[tuple[int, int]]:
    """Return offset and length of each record; they must fill the row exactly.

    Each is read inside what the ones before it leave of the row, so that a false length leads
    nowhere.
    """
    spans = []
    offset = ROW_HEAD_BYTES
    for _ in range(count):
        if offset + RECORD_OVERHEAD_BYTES > len(row):
            raise _damaged(key, "its records do not fill it")
        length = _RECORD.unpack_from(row, offset)[0]
        if not RECORD_OVERHEAD_BYTES <= length <= _LENGTH_BYTES_MAX:
            raise _damaged(key, "a record has a false length")
        spans.append((offset, length))
        offset += length
    if offset != len(row):
        raise _damaged(key, "its records do not fill it")
    return spans


def row_places(key: bytes, row: memoryview) -> list[int]:
    """Return place and offset of each record as one number; they must fill the row exactly.

    The offset is in the lowest OFFSET_BITS. Whoever reads a record compares its place and length,
    which are not checked further here.
    """
    count = row_head(key, row).records
    if count > 1 and len(row) > ROW_BYTES_MAX:
        raise _damaged(key, "it is too long")
    offset = ROW_HEAD_BYTES
    places: list[int] = []
    begin, append = _RECORD_BEGIN.unpack_from, places.append
    try:
        for _ in range(count):  # This is most of what a first look at a row costs.
            length, place = begin(row, offset)
            append(place << OFFSET_BITS | offset)
            offset += length
    except struct.error:
        offset = 0
    if offset != len(row):
        raise _damaged(key, "its records do not fill it")
    return places


def row_records(key: bytes, row: memoryview) -> list[Record]:
    """Return every record of a row, each checked; the order is that of arrival."""
    head = row_head(key, row)
    number = row_number(key)
    records = []
    for offset, _ in row_spans(key, row, head.records):
        place, oid = stored_at(row, offset)
        kind, payload = record_at(oid, row, place, offset, None)
        records.append(Record(number + place, ObjectId(oid), kind, payload, head.created_ms))
    return records


def _damaged(key: bytes, fault: str) -> CorruptError:
    return CorruptError(f"row {key.hex()} of table objects is damaged: {fault}. Run fsck")


def _of_kind(oid: bytes, kind: int, wanted: int) -> CorruptError:
    return CorruptError(
        f"object {oid.hex()} is of kind {kind} where kind {wanted} was referred to. Run fsck"
    )


def _wrong(oid: bytes, fault: str) -> CorruptError:
    return CorruptError(f"object {oid.hex()} is damaged: {fault}. Run fsck")
