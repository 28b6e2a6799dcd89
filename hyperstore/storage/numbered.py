"""Objects by sequence number: the way from a set of numbers to bytes, without a look at ids.

Who reads in random order comes to each row some forty times. So where its records lie is
remembered, and as long as nobody writes, the row too: LMDB's binding touches each page of a value
that it looks up, which costs more than the record. Whenever a row is looked up, its head is
compared with its check, which is bound to its key; of a record, its place and its own check are.
What does not fit is looked up anew, and is then damage, or not here.

Of a million frames of 1.7 kB, 512 at once, on one busy core: 1.4 us each in order; in random
order 2.5, and 7 for the first 100,000 of a process, as every third of them is the first of its row.
That costs 16 us: half of it waits for memory, as each record says where the next one begins.
"""

from collections.abc import Sequence
from contextlib import suppress

from hyperstore.errors import CorruptError, MissingObjectError
from hyperstore.ids import ObjectId
from hyperstore.storage.environment import Cursor, Tables, Transaction
from hyperstore.storage.packing import (
    OFFSET_BITS,
    SEQUENCE_MAX,
    record_of_place,
    row_head,
    row_key,
    row_number,
    row_places,
)
from hyperstore.storage.rowplaces import (
    CHUNK_BITS,
    CHUNK_MASK,
    OFFSET_MASK,
    Moment,
    RowPlaces,
)

__all__ = ["payloads_at", "written_ms"]


def payloads_at(
    transaction: Transaction,
    tables: Tables,
    numbers: Sequence[int],
    kind: int | None,
    places: RowPlaces,
    moment: Moment | None,
) -> list[tuple[ObjectId, bytes]]:
    """Return id and payload of the object of each number, in the order asked.

    Raise at the first that is not here. `places` is the one of the open file; threads may share it.
    `moment` is which state is read, None for one that is being written.
    """
    found: list[tuple[ObjectId, bytes]] = []
    append, chunks, views = found.append, places.chunks, places.views(moment)
    with transaction.cursor(tables.objects) as cursor:
        for number in numbers:
            try:
                at = chunks[number >> CHUNK_BITS][number & CHUNK_MASK]
                place = at >> OFFSET_BITS
                append(record_of_place(views[number - place], place, at & OFFSET_MASK, kind))
            except (KeyError, CorruptError):
                append(_looked_up(cursor, number, kind, places, views))
                chunks = places.chunks
    return found


def written_ms(transaction: Transaction, tables: Tables, number: int) -> int:
    """Return when the row was written that begins last of those not behind a number.

    In ms; 0 where there is none, or a damaged one. Rows that are joined take the latest time.
    """
    with transaction.cursor(tables.objects) as cursor:
        standing = cursor.set_range(row_key(number + 1))
        if not (cursor.prev() if standing else cursor.last()):
            return 0
        key, row = cursor.item()
        with suppress(CorruptError):
            return row_head(bytes(key), row).created_ms
        return 0


def _looked_up(
    cursor: Cursor,
    number: int,
    kind: int | None,
    places: RowPlaces,
    views: dict[int, memoryview],
) -> tuple[ObjectId, bytes]:
    """Return id and payload where the row is not known by now, or is another one."""
    if not 0 <= number <= SEQUENCE_MAX:
        raise _missing(number)
    chunk = places.chunks.get(number >> CHUNK_BITS)
    if chunk is not None and (at := chunk[number & CHUNK_MASK]):
        place = at >> OFFSET_BITS
        first = number - place
        if first not in views and first >= 0:
            key = row_key(first)
            if cursor.set_key(key):
                row = cursor.value()
                row_head(key, row)
                views[first] = row
                with suppress(CorruptError):
                    return record_of_place(row, place, at & OFFSET_MASK, kind)
    first, row, held = _row_of(cursor, number)
    places.learn(first, held)
    views[first] = row
    place = number - first
    if place < len(held) and held[place] >> OFFSET_BITS == place:  # Nothing of it was taken out.
        return record_of_place(row, place, held[place] & OFFSET_MASK, kind)
    for one in held:
        if one >> OFFSET_BITS == place:
            return record_of_place(row, place, one & OFFSET_MASK, kind)
    raise _missing(number)


def _row_of(cursor: Cursor, number: int) -> tuple[int, memoryview, list[int]]:
    """Return the row that holds `number` if any does; and place and offset of all that it holds."""
    standing = cursor.set_range(row_key(number + 1))
    if not (cursor.prev() if standing else cursor.last()):
        raise _missing(number)
    found, row = cursor.item()
    first = row_number(found)
    key = row_key(first)
    return first, row, row_places(key, row)


def _missing(number: int) -> MissingObjectError:
    return MissingObjectError(
        f"object number {number} is not here: it was collected, or lost and stored anew; "
        "ask by its id"
    )
