"""The strings of a column as a user sees them: URIs of local files are stored without their root.

A run is a stretch of the sorted strings that all begin alike, and what stands in the place of
that beginning when they are read. Within a run the order of the strings is the order in which they
are seen, so that bisection works on what is stored.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from hyperstore.frames.roots import RESERVED, Roots
from hyperstore.query.index.column import Strings

__all__ = ["Shown", "bound_in", "run_of", "shown_runs"]

_FILE = "file://"
_LOCAL = "file:///"


class Shown(NamedTuple):
    """The strings from number `first` to before `end`, which begin with `own`, seen as `prefix`."""

    first: int
    end: int
    own: bytes
    prefix: str


def shown_runs(strings: Strings, roots: Roots | None, *, paths: bool = True) -> Iterator[Shown]:
    """Yield the runs of all strings; with `roots` they are URIs as they are stored.

    With `paths`, a local file may be asked for as `file:///path` and as `/path`.
    """
    count = len(strings)
    if roots is None:
        if count:
            yield Shown(0, count, b"", "")
        return
    first, end = run_of(strings, RESERVED.encode(), 0, count)
    for low, high in ((0, first), (end, count)):
        if low < high:
            yield Shown(low, high, b"", "")
            local = run_of(strings, _LOCAL.encode(), low, high)
            if paths and local[0] < local[1]:
                yield Shown(*local, _FILE.encode(), "")
    while first < end:
        begin = strings[first].decode()
        name, slash, _ = begin.partition("/")
        own = f"{name}{slash}"
        _, stop = run_of(strings, own.encode(), first, end)
        if not slash:
            stop = first + 1
        shown = roots.absolute(own) if slash else own
        if shown.startswith(_LOCAL):
            yield Shown(first, stop, own.encode(), shown)
            if paths:
                yield Shown(first, stop, own.encode(), shown[len(_FILE) :])
        else:
            yield Shown(first, stop, b"", "")
        first = stop


def run_of(strings: Strings, prefix: bytes, low: int, high: int) -> tuple[int, int]:
    """Return where the strings with a prefix begin and end. Its last byte is no 0xFF."""
    after = prefix[:-1] + bytes((prefix[-1] + 1,))
    return bisect_left(strings, prefix, low, high), bisect_left(strings, after, low, high)


def bound_in(run: Shown, strings: Strings, bound: str, *, after: bool) -> int:
    """Return the number of the first string of a run that is seen as `bound` or more.

    With `after`, of the first that is more.
    """
    if not bound.startswith(run.prefix):
        return run.first if bound < run.prefix else run.end
    wanted = run.own + bound[len(run.prefix) :].encode()
    number = bisect_left(strings, wanted, run.first, run.end)
    if after and number < run.end and strings[number] == wanted:
        return number + 1
    return number
