"""Taking objects out: rows are written anew without the dead, and survivors keep their numbers.

A row is deleted and put again, never overwritten: LMDB keeps the longer run of pages of a value
that is overwritten by a shorter one.
"""

from collections.abc import Iterable
from typing import NamedTuple

from hyperstore.ids import ObjectId
from hyperstore.storage.environment import Tables, Transaction
from hyperstore.storage.objects import where_is
from hyperstore.storage.packing import (
    ROW_HEAD_BYTES,
    WHERE,
    pack_row,
    row_head,
    row_spans,
    stored_at,
)

__all__ = ["Swept", "delete_objects"]


class Swept(NamedTuple):
    """How much one call took out."""

    objects: int
    record_bytes: int


def delete_objects(transaction: Transaction, tables: Tables, dead: Iterable[ObjectId]) -> Swept:
    """Delete the objects that are here; each row that held one is written anew without it."""
    by_row: dict[bytes, set[int]] = {}
    count = freed = 0
    for oid in set(dead):
        where = where_is(transaction, tables, oid)
        if where is not None:
            key, _, offset = where
            by_row.setdefault(key, set()).add(offset)
            transaction.delete(oid, db=tables.oids)
            count += 1
    for key, offsets in sorted(by_row.items()):
        freed += _rewrite(transaction, tables, key, offsets)
    return Swept(count, freed)


def _rewrite(transaction: Transaction, tables: Tables, key: bytes, dead: set[int]) -> int:
    """Write the row again without the records at the offsets in `dead`; return the bytes freed.

    Survivors are moved as they are, checks included, damage included: what was damaged before is
    found damaged after, and nothing that can still be read is lost to a neighbour's damage.
    """
    row = transaction.get(key, None, tables.objects)
    if row is None:  # The index pointed to nowhere; now it points nowhere at all.
        return 0
    head = row_head(key, row)
    spans = row_spans(key, row, head.records)
    kept = [offset for offset, _ in spans if offset not in dead]
    records = [bytes(row[start : start + size]) for start, size in spans if start not in dead]
    freed = len(row) - ROW_HEAD_BYTES - sum(map(len, records))
    transaction.delete(key, db=tables.objects)
    if not records:
        return freed
    value = pack_row(key, head.created_ms, len(records), records)
    transaction.put(key, value, db=tables.objects)
    offset = ROW_HEAD_BYTES
    for old, record in zip(kept, records, strict=True):
        place, oid = stored_at(memoryview(record), 0)
        where = transaction.get(oid, None, tables.oids)
        # A copy that was replaced when it was found damaged is not the one that the index means.
        if where is not None and where == WHERE.pack(key, place, old):
            transaction.put(oid, WHERE.pack(key, place, offset), db=tables.oids)
        offset += len(record)
    return freed
