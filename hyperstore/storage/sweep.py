"""Taking objects out: rows are written anew without the dead, and survivors keep their numbers.

A row is deleted and put again, never overwritten: LMDB keeps the longer run of pages of a value
that is overwritten by a shorter one.
"""

from collections.abc import Iterable
from typing import NamedTuple

from hyperstore.ids import ObjectId
from hyperstore.limits import RECORD_OVERHEAD_BYTES
from hyperstore.storage.environment import Tables, Transaction
from hyperstore.storage.objects import WHERE, where_is
from hyperstore.storage.packing import ROW_HEAD_BYTES, pack_row, row_head, row_place

__all__ = ["Swept", "delete_objects"]


class Swept(NamedTuple):
    """How much one call took out."""

    objects: int
    payload_bytes: int


def delete_objects(transaction: Transaction, tables: Tables, dead: Iterable[ObjectId]) -> Swept:
    """Delete the objects that are here; each row that held one is written anew without it."""
    by_row: dict[bytes, set[int]] = {}
    count = freed = 0
    for oid in set(dead):
        where = where_is(transaction, tables, oid)
        if where is not None:
            key, _, offset, length = where
            by_row.setdefault(key, set()).add(offset)
            transaction.delete(oid, db=tables[b"oids"])
            count += 1
            freed += length - RECORD_OVERHEAD_BYTES
    for key, offsets in sorted(by_row.items()):
        _rewrite(transaction, tables, key, offsets)
    return Swept(count, freed)


def _rewrite(transaction: Transaction, tables: Tables, key: bytes, dead: set[int]) -> None:
    """Write the row again without the records at the offsets in `dead`.

    Survivors are moved as they are, checks included, damage included: what was damaged before is
    found damaged after, and nothing that can still be read is lost to a neighbour's damage.
    """
    row = transaction.get(key, None, tables[b"objects"])
    if row is None:  # The index pointed to nowhere; now it points nowhere at all.
        return
    head = row_head(key, row)
    kept = [(offset, length) for offset, length in head.spans if offset not in dead]
    records = [bytes(row[offset : offset + length]) for offset, length in kept]
    transaction.delete(key, db=tables[b"objects"])
    if not records:
        return
    lengths = [len(record) for record in records]
    transaction.put(key, pack_row(key, head.created_ms, lengths, records), db=tables[b"objects"])
    offset = ROW_HEAD_BYTES + 4 * len(records)
    for (old, length), record in zip(kept, records, strict=True):
        place, oid = row_place(record)
        where = transaction.get(oid, None, tables[b"oids"])
        # A copy that was replaced when it was found damaged is not the one that the index means.
        if where is not None and where == WHERE.pack(key, place, old, length):
            transaction.put(oid, WHERE.pack(key, place, offset, length), db=tables[b"oids"])
        offset += length
