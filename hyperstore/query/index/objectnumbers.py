"""Sequence numbers of objects, as many as sets of them can tell apart.

Sets and arrays of queries hold numbers of 32 bits. A store that has given more of them, which
takes years of writing, is told so wherever its numbers come in, before anything is cut off.
"""

from array import array
from collections.abc import Sequence

from hyperstore.dataset.handle import Handle
from hyperstore.errors import QueryError
from hyperstore.ids import ObjectId

__all__ = ["check_number", "numbers_of"]

_HIGHEST = 2**32 - 1  # In a `BitMap` and in an `array("I")`.


def numbers_of(handle: Handle, ids: Sequence[ObjectId]) -> "array[int]":
    """Return the sequence number of each object, in the order asked."""
    with handle.database.reading() as reader:
        numbers = reader.sequences(ids)
    check_number(handle, max(numbers, default=0))
    return array("I", numbers)


def check_number(handle: Handle, highest: int) -> None:
    """Raise QueryError unless a set can hold all numbers up to the highest."""
    if highest > _HIGHEST:
        raise QueryError(
            f"{handle.folder} has numbered more than {_HIGHEST:,} objects, and no query "
            "can tell them apart; a clone numbers them anew"
        )
