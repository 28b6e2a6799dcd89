"""A smaller file: every row of every table, appended in the order of its key.

LMDB's own compact copy leaves out free pages and takes the others over as they are. After many
small writes and a collection the pages of `oids`, whose keys are random, are half empty: appended
rows fill theirs. Measured on 12,000 frames, of which 2,000 came one by one: 0.87 MB for 2.52.
"""

from collections.abc import Iterator

from hyperstore.limits import COPY_BYTES
from hyperstore.storage.environment import Cursor, Table, Transaction

__all__ = ["append_rows", "rows_behind"]

Row = tuple[bytes, bytes]


def rows_behind(transaction: Transaction, table: Table, after: bytes) -> list[Row]:
    """Return rows behind the key `after`, as they are, at least one if there is one."""
    with transaction.cursor(table) as cursor:
        standing = cursor.set_range(after + b"\0") if after else cursor.first()
        return list(_taken(cursor)) if standing else []


def _taken(cursor: Cursor) -> Iterator[Row]:
    size, more = 0, True
    while more and size < COPY_BYTES:
        key, value = bytes(cursor.key()), bytes(cursor.value())
        yield key, value
        size += len(key) + len(value)
        more = cursor.next()


def append_rows(transaction: Transaction, table: Table, rows: list[Row]) -> bool:
    """Put rows behind all that are there; say whether all of them stand behind those."""
    with transaction.cursor(table) as cursor:
        return cursor.putmulti(rows, append=True)[1] == len(rows)
