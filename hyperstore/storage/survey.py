"""Rows as they lie, damage included: what fsck reads and what garbage collection chooses from.

Nothing here raises for damage that it can describe instead. A row whose records do not fill it is
read as far as its lengths lead; what lies behind is still found through `oids`.
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from hyperstore.errors import CorruptError
from hyperstore.ids import ObjectId
from hyperstore.limits import ID_BYTES, OPERATION_BYTES_MAX
from hyperstore.storage.environment import Tables, Transaction
from hyperstore.storage.objects import last_sequence
from hyperstore.storage.packing import (
    KEY_BYTES,
    ROW_HEAD_BYTES,
    WHERE,
    record_at,
    record_outline,
    row_head,
    row_number,
)
from hyperstore.storage.rows import LMDB_KEY_BYTES_MAX, unseal

__all__ = [
    "SealedRow",
    "SurveyedRecord",
    "SurveyedRow",
    "numbers_of",
    "survey_ids",
    "survey_row",
    "survey_table",
    "used_bytes",
]


class SurveyedRecord(NamedTuple):
    """One record. `payload` is None where it was not asked for, or is damaged."""

    sequence: int
    oid: ObjectId
    kind: int
    record_bytes: int
    indexed: bool  # Whether `oids` leads to this very record.
    payload: bytes | None
    damage: str


class SurveyedRow(NamedTuple):
    """One row; the survey goes on behind `key`."""

    key: bytes
    created_ms: int
    row_bytes: int
    records: list[SurveyedRecord]
    damage: str


class SealedRow(NamedTuple):
    """One row of refs, of the log or of marks; without data where it is damaged."""

    key: bytes
    data: bytes
    damage: str


Outline = tuple[int, int, bytes, int, int]  # Offset, place, id, kind, length.


def survey_row(
    transaction: Transaction, tables: Tables, after: bytes, *, whole: bool
) -> SurveyedRow | None:
    """Return the row behind the key `after`, with its payloads checked if `whole`, or None."""
    with transaction.cursor(tables.objects) as cursor:
        if not (cursor.set_range(after + b"\0") if after else cursor.first()):
            return None
        # A key of a false length is cut, so that the survey cannot run past the map.
        key, row = bytes(cursor.key()[: 2 * KEY_BYTES]), cursor.value()
        _check_ahead("objects", key, after)
        created_ms, damage = 0, ""
        try:
            number = row_number(key)
            created_ms = row_head(key, row).created_ms
        except CorruptError as fault:
            damage = str(fault)
            if len(key) != KEY_BYTES:
                return SurveyedRow(key, 0, len(row), [], damage)
        number = row_number(key)
        outlines, filled = _outlines(row)
        if not filled and not damage:
            damage = f"row {key.hex()} of table objects: its records do not fill it"
        oids = sorted({outline[2] for outline in outlines})
        with transaction.cursor(tables.oids) as index:
            places = {bytes(oid): bytes(where) for oid, where in index.getmulti(oids)}
        records = []
        for offset, place, oid, kind, length in outlines:
            indexed = places.get(oid) == WHERE.pack(key, place, offset)
            payload, wrong = None, ""
            if whole:
                try:
                    payload = record_at(oid, row, place, offset, None)[1]
                except CorruptError as fault:
                    wrong = str(fault)
            records.append(
                SurveyedRecord(number + place, ObjectId(oid), kind, length, indexed, payload, wrong)
            )
        return SurveyedRow(key, created_ms, len(row), records, damage)


def survey_table(
    transaction: Transaction, tables: Tables, name: str, after: bytes, most: int
) -> list[SealedRow]:
    """Return at most `most` rows behind the key `after` of a table of rows that change."""
    table = name.encode("ascii")
    found: list[SealedRow] = []
    with transaction.cursor(getattr(tables, name)) as cursor:
        standing = cursor.set_range(after + b"\0") if after else cursor.first()
        if standing:
            _check_ahead(name, bytes(cursor.key()[:LMDB_KEY_BYTES_MAX]), after)
        while standing and len(found) < most:
            key, data, damage = bytes(cursor.key()[:LMDB_KEY_BYTES_MAX]), b"", ""
            try:
                data = unseal(table, key, cursor.value(), bytes_max=OPERATION_BYTES_MAX)
            except CorruptError as fault:
                damage = str(fault)
            found.append(SealedRow(key, data, damage))
            standing = cursor.next()
    return found


def survey_ids(transaction: Transaction, tables: Tables, after: bytes, most: int) -> list[ObjectId]:
    """Return at most `most` of the ids that `oids` knows, those behind `after`, in order."""
    found: list[ObjectId] = []
    with transaction.cursor(tables.oids) as cursor:
        standing = cursor.set_range(after + b"\0") if after else cursor.first()
        if standing:
            _check_ahead("oids", bytes(cursor.key()[: 2 * ID_BYTES]), after)
        while standing and len(found) < most:
            found.append(ObjectId(bytes(cursor.key()[: 2 * ID_BYTES])))
            standing = cursor.next()
    return found


def _check_ahead(table: str, key: bytes, after: bytes) -> None:
    """Raise CorruptError where a survey would go back, and so round and round.

    A flipped bit in a key makes it smaller than those before it, and leads a search astray.
    """
    if key <= after:
        raise CorruptError(f"table {table} is out of order behind key {after.hex()}. Run fsck")


def numbers_of(
    transaction: Transaction, tables: Tables, oids: Iterable[ObjectId]
) -> dict[ObjectId, int]:
    """Return the sequence number of each object that is here, as the index has it; read no row.

    CorruptError for a number that was never given: sets of numbers take room up to their largest.
    """
    get, table = transaction.get, tables.oids
    last = last_sequence(transaction, tables)
    numbers = {}
    for oid in oids:
        where = get(oid, None, table)
        if where is not None:
            try:
                key, place, _ = WHERE.unpack(where)
            except struct.error:
                raise CorruptError(
                    f"object {oid.hex()} is damaged: its place is not known"
                ) from None
            number = int.from_bytes(key, "big") + place
            if number > last:
                raise CorruptError(f"object {oid.hex()} is damaged: its place is none")
            numbers[oid] = number
    return numbers


def used_bytes(transaction: Transaction, tables: Tables) -> int:
    """Return how many bytes of the data file are pages of the tables, and the two meta pages."""
    pages = 2
    for table in tables:
        stat = transaction.stat(table)
        pages += stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
    return pages * stat["psize"]


def _outlines(row: memoryview) -> tuple[list[Outline], bool]:
    """Return the outline of each record, and whether they fill the row."""
    found: list[Outline] = []
    offset = ROW_HEAD_BYTES
    while offset < len(row):
        outline = record_outline(row, offset)
        if outline is None:
            return found, False
        length, place, oid, kind = outline
        found.append((offset, place, oid, kind, length))
        offset += length
    return found, offset == len(row)
