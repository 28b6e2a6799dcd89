"""A smaller data file: copied without its free pages, proved, and put in the place of the old.

The store must be ours alone. Until the rename the old file is in use and untouched; the rename is
one step; so a crash leaves the one or the other, and a folder that the next collection removes.
"""

from hyperstore.errors import CorruptError
from hyperstore.maintenance.structure import check_database
from hyperstore.storage.database import Database

__all__ = ["compact_file"]


def compact_file(database: Database) -> None:
    """Compact the data file, inside a block of `Database.alone`.

    CorruptError, with nothing changed, where the copy is not sound: run fsck.
    """
    database.compact(lambda copy: _prove(copy, database))


def _outline_of(database: Database) -> tuple[object, ...]:
    """Return what must be the same in a copy, and can be read at once."""
    with database.reading() as reader:
        return (
            reader.header(),
            reader.last_sequence(),
            reader.last_operation(),
            reader.count_objects(),
            reader.refs(),
        )


def _prove(copy: Database, original: Database) -> None:
    # Only now, while nobody writes: a thread of this process may have until the copy was begun.
    if _outline_of(copy) != _outline_of(original):
        raise CorruptError("a compact copy is not the same as its original; nothing has changed")
    faults = check_database(copy)
    if faults:
        raise CorruptError(
            f"a compact copy is not sound, and nothing has changed: {faults[0].message}. Run fsck"
        )
