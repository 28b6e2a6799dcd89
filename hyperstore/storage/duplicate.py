"""A whole copy of a database, table by table, in bounded transactions: see copying.py."""

from hyperstore.storage import host
from hyperstore.storage.environment import Environment, Tables
from hyperstore.storage.reader import Reader
from hyperstore.storage.writer import Writer

__all__ = ["copy_tables"]


def copy_tables(source: Reader, target: Environment) -> None:
    """Append all rows of `source` to the empty tables of `target`, all on disk, and release it."""
    try:
        for table in Tables._fields:
            rows = source.rows_behind(table)
            while rows:
                with Writer(target, 0) as writer:
                    writer.append_rows(table, rows)
                rows = source.rows_behind(table, rows[-1][0])
        host.sync_folder(target.folder)
    finally:
        target.release()
