"""The operation log: one row for each operation, with every ref it moved.

Numbers grow by one and are never reused. The reflog of one name, and undo, are views of this log.
"""

import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from hyperstore.errors import CorruptError, UsageError
from hyperstore.ids import ObjectId
from hyperstore.limits import ID_BYTES, INT_MIN, OPERATION_BYTES_MAX
from hyperstore.storage.environment import Cursor, Table, Transaction
from hyperstore.storage.rows import key_bytes, seal, unseal

__all__ = [
    "Move",
    "Operation",
    "append_operation",
    "check_numbers",
    "last_number",
    "read_operation",
    "read_operations",
]

_TABLE = b"oplog"
_NUMBER = struct.Struct(">Q")  # Big-endian, so that rows sort by number.
_HEAD = struct.Struct("<qI")  # Time, moves.
_TEXT = struct.Struct("<I")
_OLD, _NEW = 1, 2  # Which of the two ids of a move are there.
_TEXT_BYTES_MAX = 1024 * 1024


class Move(NamedTuple):
    """One ref's step; None stands for no ref at all."""

    name: str
    old: ObjectId | None
    new: ObjectId | None


class Operation(NamedTuple):
    """What one command or call did to the refs."""

    number: int
    time_ms: int
    actor: str
    command: str
    moves: tuple[Move, ...]


def append_operation(
    transaction: Transaction,
    table: Table,
    *,
    time_ms: int,
    actor: str,
    command: str,
    moves: Sequence[Move],
) -> int:
    """Write the next row and return its number, the first being 1."""
    number = last_number(transaction, table) + 1
    key = _NUMBER.pack(number)
    data = _encode(time_ms, actor, command, moves)
    transaction.put(key, seal(_TABLE, key, data), append=True, db=table)
    return number


def last_number(transaction: Transaction, table: Table) -> int:
    """Return the number of the newest operation, 0 where there is none."""
    with transaction.cursor(table) as cursor:
        return _number(cursor) if cursor.last() else 0


def read_operation(transaction: Transaction, table: Table, number: int) -> Operation | None:
    """Return operation `number`, None where there is none."""
    if not 0 < number < 2**64:
        return None
    key = _NUMBER.pack(number)
    value = transaction.get(key, None, table)
    return None if value is None else _read(key, value)


def read_operations(
    transaction: Transaction, table: Table, *, above: int, below: int, newest_first: bool, most: int
) -> list[Operation]:
    """Return at most `most` operations of the numbers between `above` and `below`, both excluded.

    A list, not an iterator: a cursor does not outlive a fork, and the next piece is one call.
    """
    found: list[Operation] = []
    with transaction.cursor(table) as cursor:
        if newest_first:
            standing = _stand_below(cursor, below)
        else:
            standing = above < 2**64 - 1 and cursor.set_range(_NUMBER.pack(max(above, 0) + 1))
        while standing and len(found) < most and above < _number(cursor) < below:
            found.append(_read(key_bytes(_TABLE, cursor.key()), cursor.value()))
            standing = cursor.prev() if newest_first else cursor.next()
    return found


def check_numbers(operations: Sequence[Operation]) -> None:
    """Raise CorruptError where a number between two operations is missing."""
    for one, other in pairwise(operations):
        if abs(one.number - other.number) != 1:
            raise CorruptError(
                f"operations between {one.number} and {other.number} are lost. Run fsck"
            )


def _stand_below(cursor: Cursor, below: int) -> bool:
    """Stand on the last row whose number is below `below`; say whether there is one."""
    if below <= 0:
        return False
    if below >= 2**64 or not cursor.set_range(_NUMBER.pack(below)):
        return cursor.last()
    return cursor.prev()


def _number(cursor: Cursor) -> int:
    key = key_bytes(_TABLE, cursor.key())
    if len(key) != _NUMBER.size:
        raise CorruptError(f"row {key!r} of the operation log has a false key. Run fsck")
    return int.from_bytes(key, "big")


def _encode(time_ms: int, actor: str, command: str, moves: Sequence[Move]) -> bytes:
    if not INT_MIN <= time_ms < -INT_MIN:
        raise UsageError(f"the time {time_ms} does not fit 64 bits of milliseconds")
    parts = [_HEAD.pack(time_ms, len(moves)), _text(actor), _text(command)]
    for name, old, new in moves:
        sides = (_OLD if old is not None else 0) | (_NEW if new is not None else 0)
        parts += [_text(name), bytes((sides,)), old or b"", new or b""]
        if any(side is not None and len(side) != ID_BYTES for side in (old, new)):
            raise UsageError(f"a move of {name!r} names an id that has not {ID_BYTES} bytes")
    data = b"".join(parts)
    if len(data) > OPERATION_BYTES_MAX:
        raise UsageError(f"an operation of {len(moves)} moves is too large; split it")
    return data


def _text(text: str) -> bytes:
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"the operation log takes UTF-8 only, not {text!r}") from None
    if len(data) > _TEXT_BYTES_MAX:
        raise UsageError(f"a text of {len(data)} bytes is too long for the operation log")
    return _TEXT.pack(len(data)) + data


def _read(key: bytes, value: memoryview) -> Operation:
    if len(key) != _NUMBER.size:
        raise CorruptError(f"row {key!r} of the operation log has a false key. Run fsck")
    data = unseal(_TABLE, key, value, bytes_max=OPERATION_BYTES_MAX)
    number = int.from_bytes(key, "big")
    try:
        return _decode(number, data)
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise CorruptError(f"operation {number} cannot be read. Run fsck") from error


def _decode(number: int, data: bytes) -> Operation:
    time_ms, count = _HEAD.unpack_from(data)
    actor, place = _take_text(data, _HEAD.size)
    command, place = _take_text(data, place)
    moves = []
    for _ in range(count):
        name, place = _take_text(data, place)
        sides = data[place]
        place += 1
        old = data[place : place + ID_BYTES] if sides & _OLD else None
        place += ID_BYTES if sides & _OLD else 0
        new = data[place : place + ID_BYTES] if sides & _NEW else None
        place += ID_BYTES if sides & _NEW else 0
        moves.append(Move(name, _side(old), _side(new)))
    if place != len(data):
        raise CorruptError(f"operation {number} has bytes left over. Run fsck")
    return Operation(number, time_ms, actor, command, tuple(moves))


def _side(data: bytes | None) -> ObjectId | None:
    return None if data is None else ObjectId(data)


def _take_text(data: bytes, place: int) -> tuple[str, int]:
    (size,) = _TEXT.unpack_from(data, place)
    start = place + _TEXT.size
    return data[start : start + size].decode("utf-8"), start + size
