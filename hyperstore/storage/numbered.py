"""Objects by sequence number: the way from a set of numbers to bytes, without a look at ids.

Who reads in random order comes to each row some forty times. So where its records begin is
remembered, with the first bytes of their ids, from a moment when the row's head was compared with
its check, which is bound to its key. Of a record are compared its place, those bytes and its own
check; what does not fit is looked up anew, and is then damage, or not here.

Of a million frames of 1.7 kB, 512 at once, on one core: 1.5 us each in order; 4.8 in random order,
most of which waits for memory, and 5.3 by id. Rows looked up in columns, by calls in C: 4.4.
"""

from array import array
from collections.abc import Sequence

from hyperstore.errors import CorruptError, MissingObjectError
from hyperstore.ids import ObjectId
from hyperstore.storage.environment import Tables, Transaction
from hyperstore.storage.packing import (
    SEQUENCE_MAX,
    record_of_place,
    row_head,
    row_key,
    row_number,
    row_spans,
    stored_at,
)
from hyperstore.storage.rowplaces import MARK_BYTES, KnownRow, RowPlaces

__all__ = ["payloads_at"]

_NO_ROW = memoryview(b"")
_NO_PLACES = KnownRow(0, b"\0", array("H"), b"")


def payloads_at(
    transaction: Transaction,
    tables: Tables,
    numbers: Sequence[int],
    kind: int | None,
    places: RowPlaces,
) -> list[tuple[ObjectId, bytes]]:
    """Return id and payload of the object of each number, in the order asked.

    Raise at the first that is not here. `places` is the one of the open file; threads may share it.
    """
    found: list[tuple[ObjectId, bytes]] = []
    get, table = transaction.get, tables.objects
    append, holding = found.append, places.holding
    row, count = _NO_ROW, 0
    first, key, offsets, marks = _NO_PLACES
    for number in numbers:
        place = number - first
        if not 0 <= place < count:
            first, key, offsets, marks = holding(number) or _NO_PLACES
            row = get(key, None, table) or _NO_ROW
            count, place = len(offsets), number - first
        if 0 <= place < count:
            try:
                one = record_of_place(row, place, offsets[place], kind)
            except CorruptError:  # Also where nothing is there, or the row was written anew.
                pass
            else:
                at = place * MARK_BYTES
                if one[0].startswith(marks[at : at + MARK_BYTES]):
                    append(one)
                    continue
        row, (first, key, offsets, marks) = _learned(transaction, tables, number, places)
        count, place = len(offsets), number - first
        if place >= count or not offsets[place]:
            raise _missing(number)
        append(record_of_place(row, place, offsets[place], kind))
    return found


def _learned(
    transaction: Transaction, tables: Tables, number: int, places: RowPlaces
) -> tuple[memoryview, KnownRow]:
    """Return the row that holds `number` if any does, and remember what it is like."""
    if not 0 <= number <= SEQUENCE_MAX:
        raise _missing(number)
    with transaction.cursor(tables.objects) as cursor:
        standing = cursor.set_range(row_key(number + 1))
        if not (cursor.prev() if standing else cursor.last()):
            raise _missing(number)
        found, row = cursor.item()
        first = row_number(found)
    key = row_key(first)
    offsets, marks = array("H"), bytearray()
    for offset, _ in row_spans(key, row, row_head(key, row).records):
        place, oid = stored_at(row, offset)
        missing = place + 1 - len(offsets)
        if missing > 0:
            offsets.frombytes(bytes(missing * offsets.itemsize))
            marks += bytes(missing * MARK_BYTES)
        offsets[place] = offset
        marks[place * MARK_BYTES : (place + 1) * MARK_BYTES] = oid[:MARK_BYTES]
    known = KnownRow(first, key, offsets, bytes(marks))
    places.learn(known)
    return row, known


def _missing(number: int) -> MissingObjectError:
    return MissingObjectError(
        f"object number {number} is not here: it was collected, or lost and stored anew; "
        "ask by its id"
    )
