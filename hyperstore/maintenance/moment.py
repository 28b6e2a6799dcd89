"""Reads of one moment: what they find was all there together, whoever writes meanwhile."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from hyperstore.storage.database import Database
from hyperstore.storage.reader import Reader

__all__ = ["OneMoment", "Readable", "one_moment"]


class Readable(Protocol):
    """What short reads are made of: a database, or one moment of it."""

    def reading(self) -> AbstractContextManager[Reader]: ...


class OneMoment:
    """A database as it was when `one_moment` began; each of its reads is the same one."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def reading(self) -> AbstractContextManager[Reader]:
        return nullcontext(self._reader)


@contextmanager
def one_moment(database: Database) -> Iterator[OneMoment]:
    """Give one moment; while the block lasts, the file keeps all pages of it."""
    with database.reading() as reader:
        yield OneMoment(reader)
