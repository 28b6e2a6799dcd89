"""Objects by sequence number: the way from a set of numbers to bytes, without a look at ids.

Where the records of a row begin is remembered for as long as the row's head and length are the
same: who reads in random order comes to each row some forty times. What is read is checked as by
id, except that no id was asked for: the head of the row is bound to its key by a check, each
record to its place in the row, and what is remembered is only where to look.

Measured beside `objects.get_payloads` in one run, 512 frames of 1.7 kB at once of a million, in
random order: 4.6 us each against 5.4; in order 2.2.
"""

from array import array
from collections.abc import Sequence
from itertools import pairwise

from hyperstore.errors import MissingObjectError
from hyperstore.ids import ObjectId
from hyperstore.limits import ROW_PLACES_MAX
from hyperstore.storage.environment import Cursor, Tables, Transaction
from hyperstore.storage.packing import (
    KEY_BYTES,
    ROW_HEAD_BYTES,
    SEQUENCE_MAX,
    RowPlaces,
    record_at,
    row_head,
    row_key,
    row_number,
    row_spans,
    stored_at,
)

__all__ = ["payloads_at"]

_Found = tuple[ObjectId, bytes]


def payloads_at(
    transaction: Transaction,
    tables: Tables,
    numbers: Sequence[int],
    kind: int | None,
    places: RowPlaces,
) -> list[_Found]:
    """Return id and payload of the object of each number, in the order asked.

    Raise at the first that is not here. `places` is the one of the open file; threads may share it.
    """
    if all(one <= other for one, other in pairwise(numbers)):
        with transaction.cursor(tables.objects) as cursor:
            return _ascending(cursor, numbers, kind, places)
    order = sorted(range(len(numbers)), key=numbers.__getitem__)
    with transaction.cursor(tables.objects) as cursor:
        found = _ascending(cursor, [numbers[at] for at in order], kind, places)
    placed = found.copy()
    for at, one in zip(order, found, strict=True):
        placed[at] = one
    return placed


def _ascending(
    cursor: Cursor, numbers: Sequence[int], kind: int | None, places: RowPlaces
) -> list[_Found]:
    found: list[_Found] = []
    row, first, offsets = memoryview(b""), 0, array("H")
    for number in numbers:
        place = number - first
        if not 0 <= place < len(offsets):
            row, first, offsets = _row_of(cursor, number, places)
            place = number - first
        offset = offsets[place] if place < len(offsets) else 0
        if not offset:
            raise _missing(number)
        oid = stored_at(row, offset)[1]
        found.append((ObjectId(oid), record_at(oid, row, place, offset, kind)[1]))
    return found


def _row_of(cursor: Cursor, number: int, places: RowPlaces) -> tuple[memoryview, int, "array[int]"]:
    """Return the row that holds `number` if any does, its first number, and its offsets."""
    if not 0 <= number <= SEQUENCE_MAX:
        raise _missing(number)
    standing = cursor.set_range(row_key(number + 1))
    if not (cursor.prev() if standing else cursor.last()):
        raise _missing(number)
    key, row = bytes(cursor.key()[:KEY_BYTES]), cursor.value()
    first, head = row_number(key), bytes(row[:ROW_HEAD_BYTES])
    known = places.get(first)
    if known is None or known[0] != head or known[1] != len(row):
        known = head, len(row), _offsets(key, row)
        if len(places) >= ROW_PLACES_MAX:
            places.clear()
        places[first] = known
    return row, first, known[2]


def _offsets(key: bytes, row: memoryview) -> "array[int]":
    """Return where the record at each place of a row begins, 0 where there is none."""
    offsets = array("H")
    for offset, _ in row_spans(key, row, row_head(key, row).records):
        place, _ = stored_at(row, offset)
        if not 0 <= place < len(offsets):
            offsets.frombytes(bytes(offsets.itemsize * (place + 1 - len(offsets))))
        offsets[place] = offset
    return offsets


def _missing(number: int) -> MissingObjectError:
    return MissingObjectError(
        f"object number {number} is not here: it was collected, or lost and stored anew; "
        "ask by its id"
    )
