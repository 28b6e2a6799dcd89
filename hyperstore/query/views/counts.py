"""How many: a count that answers as programs of both ages ask it, and shares of a whole."""

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from fractions import Fraction
from math import inf
from typing import overload

from hyperstore.errors import QueryError, UsageError, a_type
from hyperstore.query.checks import plain_number

__all__ = ["Count", "exact_parts"]


class Count(int):
    """The number of frames of a view; `count[1]` is how many each query has by itself.

    It is that number wherever a number is meant, and the pair (number, numbers) where it is
    indexed or unpacked. A frame of two queries counts in both of them, and in the number once.
    """

    queries: list[int]

    def __new__(cls, total: int, queries: Sequence[int] = ()) -> "Count":
        made = super().__new__(cls, total)
        made.queries = list(queries)
        return made

    @overload
    def __getitem__(self, at: slice) -> tuple[int | list[int], ...]: ...

    @overload
    def __getitem__(self, at: int) -> int | list[int]: ...

    def __getitem__(self, at: int | slice) -> object:
        return (int(self), list(self.queries))[at]

    def __iter__(self) -> Iterator[int | list[int]]:
        yield int(self)
        yield list(self.queries)

    def __len__(self) -> int:
        return 2

    def __reduce__(self) -> tuple[type["Count"], tuple[int, list[int]]]:
        return type(self), (int(self), self.queries)


def exact_parts(total: int, ratio: object) -> list[int]:
    """Return how many of `total` go to each share; what rounding leaves goes to large rests."""
    is_one = isinstance(ratio, str | Mapping | Set) or getattr(ratio, "ndim", 1) == 0
    if is_one or not isinstance(ratio, Collection):
        raise UsageError(f"ratio is a list of shares, such as [80, 20], not {a_type(ratio)}")
    exact = [_exact(one) for one in ratio]
    if not exact:
        raise QueryError("ratio names no share; [80, 20] splits in two")
    whole = sum(exact)
    wanted = [total * one / whole for one in exact]
    sizes = [int(one) for one in wanted]
    rests = sorted(range(len(sizes)), key=lambda at: (sizes[at] - wanted[at], at))
    for at in rests[: total - sum(sizes)]:
        sizes[at] += 1
    return sizes


def _exact(share: object) -> Fraction:
    """Return a share as it was typed: 0.1 is a tenth."""
    number = plain_number(share)
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < inf:
        raise QueryError(f"a share is a number greater than 0, not {share!a:.100}")
    return Fraction(repr(number))
