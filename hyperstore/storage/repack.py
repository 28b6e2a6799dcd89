"""Joining rows that are too short for their pages: what many small writes and sweeps leave.

Neighbouring rows become one, under the key of the first; records keep their sequence numbers, and
the row takes the newest time of its parts, so nothing in it is taken for older than it is.
"""

from typing import NamedTuple

from hyperstore.errors import CorruptError
from hyperstore.limits import (
    PAGE_BYTES,
    PAGE_HEAD_BYTES,
    ROW_BYTES_MAX,
    ROW_BYTES_MIN,
    ROW_RECORDS_MAX,
)
from hyperstore.storage.environment import Tables, Transaction
from hyperstore.storage.packing import (
    ROW_HEAD_BYTES,
    WHERE,
    pack_row,
    record_moved,
    row_head,
    row_number,
    row_spans,
    stored_at,
)

__all__ = ["join_rows"]

_PLACES_MAX = 2**16


class _Part(NamedTuple):
    key: bytes
    created_ms: int
    spans: list[tuple[int, int]]
    row_bytes: int
    last: int  # The sequence number of its last record.


def join_rows(
    transaction: Transaction, tables: Tables, after: bytes, most: int
) -> tuple[bytes | None, int]:
    """Join rows behind the key `after`, looking at `most` of them at least.

    Return the key behind which to go on, None at the end, and how many rows are fewer now.
    """
    fewer = 0
    parts: list[_Part] = []
    for _ in range(most):
        found = _next(transaction, tables, after)
        if found is None:
            return None, fewer + _join(transaction, tables, parts)
        after, part = found
        if part is None or not _fits(parts, part):
            fewer += _join(transaction, tables, parts)
            parts = []
        if part is not None:
            parts.append(part)
    return after, fewer + _join(transaction, tables, parts)


def _next(
    transaction: Transaction, tables: Tables, after: bytes
) -> tuple[bytes, _Part | None] | None:
    """Return the row behind `after`, None for what is damaged or long enough."""
    with transaction.cursor(tables.objects) as cursor:
        if not (cursor.set_range(after + b"\0") if after else cursor.first()):
            return None
        key, row = bytes(cursor.key()), cursor.value()
        if len(row) >= ROW_BYTES_MIN:
            return key, None
        try:
            head = row_head(key, row)
            spans = row_spans(key, row, head.records)
        except CorruptError:
            return key, None
        last = row_number(key) + stored_at(row, spans[-1][0])[0]
        return key, _Part(key, head.created_ms, spans, len(row), last)


def _fits(parts: list[_Part], part: _Part) -> bool:
    if not parts:
        return True
    body = sum(one.row_bytes - ROW_HEAD_BYTES for one in (*parts, part))
    records = sum(len(one.spans) for one in (*parts, part))
    return (
        body + ROW_HEAD_BYTES <= ROW_BYTES_MAX
        and records <= ROW_RECORDS_MAX
        and part.last - row_number(parts[0].key) < _PLACES_MAX
    )


def _join(transaction: Transaction, tables: Tables, parts: list[_Part]) -> int:
    """Write the parts as one row if that takes fewer pages; return how many rows are fewer."""
    whole = ROW_HEAD_BYTES + sum(one.row_bytes - ROW_HEAD_BYTES for one in parts)
    if len(parts) < 2 or _pages(whole) >= sum(_pages(one.row_bytes) for one in parts):
        return 0
    key = parts[0].key
    records: list[bytes] = []
    entries: list[tuple[bytes, bytes]] = []
    offset = ROW_HEAD_BYTES
    for part in parts:
        row = transaction.get(part.key, None, tables.objects)
        if row is None:  # Read a moment ago in this very transaction.
            raise CorruptError(f"row {part.key.hex()} of table objects is gone. Run fsck")
        shift = row_number(part.key) - row_number(key)
        for start, size in part.spans:
            place, oid = stored_at(row, start)
            where = transaction.get(oid, None, tables.oids)
            if where is None or where != WHERE.pack(part.key, place, start):
                continue  # A copy that was replaced when it was found damaged.
            record = record_moved(row, start, size, place + shift)
            if record is None:  # Damaged: left where it is, with all of its row.
                return 0
            records.append(record)
            entries.append((oid, WHERE.pack(key, place + shift, offset)))
            offset += len(record)
    for part in parts:
        transaction.delete(part.key, db=tables.objects)
    created_ms = max(part.created_ms for part in parts)
    if records:
        value = pack_row(key, created_ms, len(records), records)
        transaction.put(key, value, db=tables.objects)
    for oid, moved_to in entries:
        transaction.put(oid, moved_to, db=tables.oids)
    return len(parts) - 1


def _pages(row_bytes: int) -> float:
    """Return how many pages a row takes; two short ones share one."""
    if row_bytes <= PAGE_BYTES // 2 - PAGE_HEAD_BYTES - 64:
        return row_bytes / PAGE_BYTES
    return float(-(-(row_bytes + PAGE_HEAD_BYTES) // PAGE_BYTES))
