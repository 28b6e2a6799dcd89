"""Objects by id: many in one call, each exactly as it was written or an error.

`objects` holds the bytes, packed in rows in the order of arrival; `oids` says for each id in
which row, at which place and offset; `absent` says which objects are not here for a reason. A read
compares the id asked for with the id stored, and the record's check.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

from hyperstore.errors import CorruptError, MissingObjectError, UsageError
from hyperstore.ids import ObjectId
from hyperstore.limits import (
    CHECK_BYTES,
    ID_BYTES,
    ID_PREFIX_DIGITS_MIN,
    OBJECT_BYTES_MAX,
    RECORD_OVERHEAD_BYTES,
    ROW_BYTES_TARGET,
    ROW_RECORDS_MAX,
)
from hyperstore.storage.environment import Tables, Transaction
from hyperstore.storage.packing import (
    ROW_HEAD_BYTES,
    Record,
    pack_record,
    pack_row,
    record_at,
    row_key,
    row_number,
    row_records,
)
from hyperstore.storage.rows import seal, unseal

__all__ = [
    "WHERE",
    "ObjectState",
    "find_ids",
    "get_object",
    "get_objects",
    "last_sequence",
    "mark_absent",
    "object_state",
    "present_ids",
    "put_objects",
    "row_from",
    "sequences_of",
    "where_is",
]

WHERE = struct.Struct("<8sIII")  # Key of the row, place in it, offset and length of the record.
_SEQUENCE_KEY = b"sequence"
_SEQUENCE = struct.Struct("<Q")
_ABSENT = struct.Struct("<Bq")  # State, time in milliseconds.


class ObjectState(Enum):
    """Whether an object is here, and if not, why."""

    PRESENT = "present"
    MISSING = "missing"  # On purpose: a shallow or filtered store.
    FORGOTTEN = "forgotten"  # Removed for good, a tombstone left.
    LOST = "lost"  # Not known, or gone without a reason.


_ABSENT_STATES = {1: ObjectState.MISSING, 2: ObjectState.FORGOTTEN}
_ABSENT_NUMBERS = {state: number for number, state in _ABSENT_STATES.items()}


# Reading.


def get_object(transaction: Transaction, tables: Tables, oid: bytes) -> tuple[int, bytes]:
    """Return kind and payload of one object."""
    where = transaction.get(oid, None, tables[b"oids"])
    if where is None:
        raise missing(transaction, tables, oid)
    if len(where) != WHERE.size:
        raise _no_place(oid)
    key, place, offset, length = WHERE.unpack(where)
    row = transaction.get(key, None, tables[b"objects"])
    if row is None:
        raise _no_place(oid)
    return record_at(oid, row, place, offset, length)


def get_objects(
    transaction: Transaction, tables: Tables, oids: Sequence[bytes]
) -> list[tuple[int, bytes]]:
    """Return kind and payload of each object, in the order asked; raise at the first not here."""
    places = _places(transaction, tables, oids)
    with transaction.cursor(tables[b"objects"]) as cursor:
        keys = sorted({place[0] for place in places})
        rows = {bytes(key): row for key, row in cursor.getmulti(keys)}
    if len(rows) != len(keys):
        lost = next(i for i, place in enumerate(places) if place[0] not in rows)
        raise _no_place(oids[lost])
    return [
        record_at(oid, rows[key], place, offset, length)
        for oid, (key, place, offset, length) in zip(oids, places, strict=True)
    ]


def _places(
    transaction: Transaction, tables: Tables, oids: Sequence[bytes]
) -> list[tuple[bytes, int, int, int]]:
    """Return what `oids` says of each id."""
    with transaction.cursor(tables[b"oids"]) as cursor:
        found = cursor.getmulti(oids)
        if len(found) != len(oids):
            there = {bytes(key) for key, _ in found}
            raise missing(transaction, tables, next(oid for oid in oids if oid not in there))
        try:
            return [WHERE.unpack(where) for _, where in found]
        except struct.error:
            bad = next(i for i, (_, where) in enumerate(found) if len(where) != WHERE.size)
            raise _no_place(oids[bad]) from None


def sequences_of(transaction: Transaction, tables: Tables, oids: Sequence[bytes]) -> list[int]:
    """Return each object's sequence number, compared with the record that is there."""
    places = _places(transaction, tables, oids)
    numbers = []
    with transaction.cursor(tables[b"objects"]) as cursor:
        keys = sorted({place[0] for place in places})
        rows = {bytes(key): row for key, row in cursor.getmulti(keys)}
    for oid, (key, place, offset, _) in zip(oids, places, strict=True):
        stored = rows.get(key)
        expected = place.to_bytes(4, "little") + oid
        if stored is None or stored[offset : offset + len(expected)] != expected:
            raise _no_place(oid)
        numbers.append(row_number(key) + place)
    return numbers


def where_is(
    transaction: Transaction, tables: Tables, oid: bytes
) -> tuple[bytes, int, int, int] | None:
    """Return the key of the object's row, its place, offset and length; None where it is not."""
    where = transaction.get(oid, None, tables[b"oids"])
    if where is None:
        return None
    if len(where) != WHERE.size:
        raise _no_place(oid)
    key, place, offset, length = WHERE.unpack(where)
    return key, place, offset, length


def present_ids(transaction: Transaction, tables: Tables, oids: Iterable[bytes]) -> set[ObjectId]:
    """Return those ids whose objects are here, without reading the objects."""
    with transaction.cursor(tables[b"oids"]) as cursor:
        return {ObjectId(bytes(key)) for key in cursor.getmulti(sorted(set(oids)), values=False)}


def object_state(transaction: Transaction, tables: Tables, oid: bytes) -> ObjectState:
    """Say whether the object is here, and if not, why."""
    if transaction.get(oid, None, tables[b"oids"]) is not None:
        return ObjectState.PRESENT
    value = transaction.get(oid, None, tables[b"absent"])
    if value is None:
        return ObjectState.LOST
    data = unseal(b"absent", oid, value, bytes_max=_ABSENT.size)
    state = _ABSENT_STATES.get(data[0]) if len(data) == _ABSENT.size else None
    if state is None:
        raise CorruptError(f"the mark of object {oid.hex()} is damaged. Run fsck")
    return state


def find_ids(transaction: Transaction, tables: Tables, prefix: str, most: int) -> list[ObjectId]:
    """Return at most `most` ids of present objects that start with the hex digits `prefix`."""
    digits = prefix.lower()
    if not ID_PREFIX_DIGITS_MIN <= len(digits) <= 2 * ID_BYTES or digits.strip("0123456789abcdef"):
        raise UsageError(
            f"{prefix!r} is no id: give {ID_PREFIX_DIGITS_MIN} to {2 * ID_BYTES} hex digits"
        )
    start = bytes.fromhex(digits + "0" * (len(digits) % 2))
    found: list[ObjectId] = []
    with transaction.cursor(tables[b"oids"]) as cursor:
        standing = cursor.set_range(start)
        while standing and len(found) < most:
            oid = bytes(cursor.key()[:ID_BYTES])
            if not oid.hex().startswith(digits):
                break
            found.append(ObjectId(oid))
            standing = cursor.next()
    return found


def row_from(
    transaction: Transaction, tables: Tables, sequence: int
) -> tuple[int, list[Record]] | None:
    """Return number and records of the row that holds `sequence`, else of the next row, or None.

    One row a call: a cursor does not outlive a fork, and the caller goes on behind the last record.
    """
    with transaction.cursor(tables[b"objects"]) as cursor:
        key = row_key(max(sequence, 0))
        standing = cursor.set_range(key)
        if not standing or cursor.key() != key:
            if cursor.prev() if standing else cursor.last():
                records = row_records(bytes(cursor.key()[:8]), cursor.value())
                if records[-1].sequence >= sequence:
                    return row_number(cursor.key()), records
                standing = cursor.next()
            else:
                standing = cursor.first()
        if not standing:
            return None
        return row_number(cursor.key()), row_records(bytes(cursor.key()), cursor.value())


def last_sequence(transaction: Transaction, tables: Tables) -> int:
    """Return the highest sequence number ever given in this store, 0 before the first."""
    value = transaction.get(_SEQUENCE_KEY, None, tables[b"header"])
    if value is None:
        return 0
    data = unseal(b"header", _SEQUENCE_KEY, value, bytes_max=_SEQUENCE.size)
    return int.from_bytes(data, "little")


# Writing.


def put_objects(
    transaction: Transaction,
    tables: Tables,
    records: Iterable[tuple[bytes, int, bytes]],
    created_ms: int,
) -> int:
    """Store those of the (id, kind, payload) that are not here; return how many they were.

    What is here but damaged is stored again, and so mended. The ids are believed.
    """
    fresh: dict[bytes, tuple[bytes, int, bytes]] = {record[0]: record for record in records}
    _check_input(fresh.values())
    for known in present_ids(transaction, tables, fresh):
        if _is_sound(transaction, tables, known):
            del fresh[known]
    if not fresh:
        return 0
    if transaction.stat(tables[b"absent"])["entries"]:
        for oid in fresh:
            transaction.delete(oid, db=tables[b"absent"])
    first = last_sequence(transaction, tables) + 1
    entries: list[tuple[bytes, bytes]] = []
    with transaction.cursor(tables[b"objects"]) as cursor:
        for key, row in _rows(fresh.values(), first, created_ms, entries):
            if not cursor.put(key, row, append=True):
                raise CorruptError("the count of objects is behind the objects. Run fsck")
    entries.sort()
    with transaction.cursor(tables[b"oids"]) as cursor:
        cursor.putmulti(entries)
    number = _SEQUENCE.pack(first + len(fresh) - 1)
    sealed = seal(b"header", _SEQUENCE_KEY, number)
    transaction.put(_SEQUENCE_KEY, sealed, db=tables[b"header"])
    return len(fresh)


def _check_input(records: Iterable[tuple[bytes, int, bytes]]) -> None:
    for oid, kind, payload in records:
        if len(oid) != ID_BYTES or not 0 <= kind <= 255:
            raise UsageError(f"no object has the id {oid!r} and the kind {kind}")
        if len(payload) > OBJECT_BYTES_MAX:
            raise UsageError(
                f"object {oid.hex()} has {len(payload):,} bytes; {OBJECT_BYTES_MAX:,} is the most"
            )


def _is_sound(transaction: Transaction, tables: Tables, oid: bytes) -> bool:
    try:
        get_object(transaction, tables, oid)
    except CorruptError:
        return False
    return True


def _rows(
    records: Iterable[tuple[bytes, int, bytes]],
    first: int,
    created_ms: int,
    entries: list[tuple[bytes, bytes]],
) -> Iterator[tuple[bytes, bytes]]:
    """Yield key and value of each row; append to `entries` what `oids` shall say."""
    number, size = first, ROW_HEAD_BYTES
    oids: list[bytes] = []
    lengths: list[int] = []
    pieces: list[bytes] = []
    for oid, kind, payload in records:
        length = len(payload) + RECORD_OVERHEAD_BYTES
        if oids and (size + length + 4 > ROW_BYTES_TARGET or len(oids) == ROW_RECORDS_MAX):
            key = row_key(number)
            yield key, pack_row(key, created_ms, lengths, pieces)
            _index(key, oids, lengths, entries)
            number, size = number + len(oids), ROW_HEAD_BYTES
            oids, lengths, pieces = [], [], []
        pieces += pack_record(len(oids), oid, kind, payload)
        oids.append(oid)
        lengths.append(length)
        size += length + 4
    key = row_key(number)
    yield key, pack_row(key, created_ms, lengths, pieces)
    _index(key, oids, lengths, entries)


def _index(
    key: bytes, oids: list[bytes], lengths: list[int], entries: list[tuple[bytes, bytes]]
) -> None:
    offset = ROW_HEAD_BYTES + 4 * len(oids)
    pack = WHERE.pack
    for place, (oid, length) in enumerate(zip(oids, lengths, strict=True)):
        entries.append((oid, pack(key, place, offset, length)))
        offset += length


def mark_absent(
    transaction: Transaction,
    tables: Tables,
    oids: Iterable[bytes],
    state: ObjectState,
    time_ms: int,
) -> None:
    """Write down why objects are not here; those that are here are left alone."""
    data = _ABSENT.pack(_ABSENT_NUMBERS[state], time_ms)
    for oid in oids:
        if len(oid) != ID_BYTES:
            raise UsageError(f"{oid!r} is no id")
        if transaction.get(oid, None, tables[b"oids"]) is None:
            transaction.put(oid, seal(b"absent", oid, data), db=tables[b"absent"])


def missing(transaction: Transaction, tables: Tables, oid: bytes) -> MissingObjectError:
    """Return the error that says why `oid` is not here."""
    state = object_state(transaction, tables, oid)
    advice = {
        ObjectState.MISSING: "left out on purpose; fetch it",
        ObjectState.FORGOTTEN: "removed for good",
    }.get(state, "lost or never here; fetch it from a remote, or run fsck")
    return MissingObjectError(f"object {oid.hex()} is not here: {advice}", state=state.value)


def _no_place(oid: bytes) -> CorruptError:
    return CorruptError(f"object {oid.hex()} is damaged: its place is not known. Run fsck")


assert CHECK_BYTES + ROW_HEAD_BYTES < ROW_BYTES_TARGET
