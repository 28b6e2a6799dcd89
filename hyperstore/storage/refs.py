"""Names that point to objects, moved by compare-and-swap inside one write transaction.

A ref's row is the object's id, sealed with its name: a flipped bit in the table's index that
shows the row of another name is found, never followed.
"""

from hyperstore.errors import ConflictError, CorruptError, UsageError
from hyperstore.ids import ObjectId
from hyperstore.limits import ID_BYTES, REF_NAME_BYTES_MAX
from hyperstore.storage.environment import Cursor, Table, Transaction
from hyperstore.storage.rows import key_bytes, seal, unseal

__all__ = ["move_ref", "read_ref", "read_refs"]

_TABLE = b"refs"

_KNOWN_MAX = 65_536
_known: dict[bytes, tuple[bytes, tuple[str, ObjectId]]] = {}
"""Rows that passed their check, of any store, by their keys: the value, and what it says."""


def read_ref(transaction: Transaction, table: Table, name: str) -> ObjectId | None:
    """Return what `name` points to, None where there is no such ref."""
    key = _key(name)
    value = transaction.get(key, None, table)
    if value is None:
        _check_gap(transaction, table, key)
        return None
    return _target(key, value)


def read_refs(transaction: Transaction, table: Table, prefix: str) -> list[tuple[str, ObjectId]]:
    """Return every ref whose name starts with `prefix`, in the order of the names' UTF-8."""
    start = _encoded(prefix)
    found: list[tuple[str, ObjectId]] = []
    with transaction.cursor(table) as cursor:
        if not (cursor.set_range(start) if start else cursor.first()):
            return found
        for place, value in cursor.iternext():
            key = key_bytes(_TABLE, place)
            known = _known.get(key)
            # Equal bytes have passed their check before.
            if known is None or len(value) != len(known[0]) or bytes(value) != known[0]:
                known = _checked(key, value)
            if not key.startswith(start):
                break
            found.append(known[1])
    return found


def _checked(key: bytes, value: memoryview) -> tuple[bytes, tuple[str, ObjectId]]:
    """Return a row with what it says, and remember it: names are listed again and again."""
    target = _target(key, value)
    row = bytes(value), (_name(key), target)
    if len(_known) >= _KNOWN_MAX:
        _known.clear()
    _known[key] = row
    return row


def move_ref(
    transaction: Transaction,
    table: Table,
    name: str,
    expected: ObjectId | None,
    new: ObjectId | None,
) -> None:
    """Point `name` at `new` if it points at `expected`, None standing for no ref at all."""
    found = read_ref(transaction, table, name)
    if found != expected:
        raise ConflictError(
            f"ref {name!r} points to {_shown(found)}, not to {_shown(expected)}: "
            "somebody moved it first. Read again, then retry"
        )
    key = _key(name)
    if new is None:
        transaction.delete(key, db=table)
        return
    if len(new) != ID_BYTES:
        raise UsageError(f"ref {name!r} cannot point to {new!r}: an id has {ID_BYTES} bytes")
    transaction.put(key, seal(_TABLE, key, new), db=table)


def _check_gap(transaction: Transaction, table: Table, key: bytes) -> None:
    """Raise CorruptError if the key's row is only hidden: a lost head looks like a new branch.

    A flipped bit in a key, or in the tree's index, leads the search astray. Where it ends, the row
    before then is not smaller, the row behind not greater, or one of them does not fit its check.
    """
    with transaction.cursor(table) as cursor:
        standing = cursor.set_range(key)
        if standing and not key < _checked_key(cursor):
            raise CorruptError(f"ref {key!r} is in the wrong place. Run fsck")
        if (cursor.prev() if standing else cursor.last()) and not _checked_key(cursor) < key:
            raise CorruptError(f"ref {key!r} is in the wrong place. Run fsck")


def _checked_key(cursor: Cursor) -> bytes:
    key = key_bytes(_TABLE, cursor.key())
    _target(key, cursor.value())
    return key


def _target(key: bytes, value: memoryview) -> ObjectId:
    data = unseal(_TABLE, key, value, bytes_max=ID_BYTES)
    if len(data) != ID_BYTES:
        raise _no_id(key)
    return ObjectId(data)


def _no_id(key: bytes) -> CorruptError:
    return CorruptError(f"ref {key!r} does not hold an id. Run fsck")


def _key(name: str) -> bytes:
    key = _encoded(name)
    if not 0 < len(key) <= REF_NAME_BYTES_MAX:
        raise UsageError(
            f"a ref's name has 1 to {REF_NAME_BYTES_MAX} bytes of UTF-8, not {len(key)}"
        )
    return key


def _encoded(name: str) -> bytes:
    try:
        return name.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"the name {name!r} cannot be written as UTF-8") from None


def _name(key: bytes) -> str:
    try:
        return key.decode("utf-8")
    except UnicodeDecodeError:
        raise CorruptError(f"ref {key!r} is not named in UTF-8. Run fsck") from None


def _shown(oid: ObjectId | None) -> str:
    return "nothing" if oid is None else oid.hex()
