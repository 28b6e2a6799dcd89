"""Through one context of a selection, from a time on, forwards or back: as an annotator looks.

A context is found by its key, so this orders nothing and is as quick in the last video as in the
first.
"""

from collections.abc import Callable, Iterator
from heapq import merge
from itertools import islice

from hyperstore.dataset.edit import root
from hyperstore.dataset.view import Frame
from hyperstore.errors import UsageError
from hyperstore.frames import keys
from hyperstore.query.selection.mergedorder import Stretch, keyed
from hyperstore.query.selection.selection import Selection
from hyperstore.tree import cursor

__all__ = ["browse"]

_BATCH = 64

_Found = tuple[bytes, int, int, int]  # Order key, place of the stretch, number, group.


def browse(
    selection: Selection,
    context: str,
    timestamp: int = 0,
    *,
    backwards: bool = False,
    shape: Callable[[Frame, int], Frame] | None = None,
) -> Iterator[Frame]:
    """Yield the frames of a context from a timestamp in ms on, that one included.

    Ordered by time and id; with `backwards` the same, from there to the beginning. Each frame comes
    once, whatever the way in which the selection is iterated. `shape` is done to each, and is told
    of which part it is.
    """
    if not isinstance(context, str):
        raise UsageError(f"a context is a str, not {context!a}")
    if type(timestamp) is not int:
        raise UsageError(f"a timestamp is a whole number of ms, not {timestamp!a}")
    selection.hold()
    found = merge(
        *(
            _keyed(selection, stretch, at, context, timestamp, backwards=backwards)
            for at, stretch in enumerate(selection.stretches())
            if stretch.wanted
        ),
        reverse=backwards,
    )
    return _read(selection, found, shape)


def _read(
    selection: Selection,
    found: Iterator[_Found],
    shape: Callable[[Frame, int], Frame] | None,
) -> Iterator[Frame]:
    size = 1
    while batch := list(islice(found, size)):
        for frame, part in selection.read_numbers([one[2:] for one in batch]):
            yield frame if shape is None else shape(frame, part)
        size = min(2 * size, _BATCH)


def _keyed(
    selection: Selection,
    stretch: Stretch,
    at: int,
    context: str,
    timestamp: int,
    *,
    backwards: bool,
) -> Iterator[_Found]:
    """Yield what a version has of the context, from the time on."""
    handle, group = selection.handle, stretch.group
    view = next(
        part.view
        for part in selection.parts
        if stretch.snapshot is None or part.view.snapshot == stretch.snapshot
    )
    stored = view.stored_context(context)
    start, stop = keys.context_range(stored)
    if backwards:
        stop = keys.time_bound(stored, timestamp + 1)
    else:
        start = keys.time_bound(stored, timestamp)
    if stretch.snapshot is None:
        gone = [one for one in keyed(stretch, at) if start <= one[0] < stop]
        yield from ((key, at, number, group) for key, _, number in sorted(gone, reverse=backwards))
        return
    nodes, order = handle.staging().nodes, root(stretch.snapshot, "order")
    numbers = stretch.frames.order
    place = cursor.rank(nodes, order, stop if backwards else start)
    step = -1 if backwards else 1
    place -= backwards
    for key, _ in cursor.scan(nodes, order, start=start, stop=stop, reverse=backwards):
        number = numbers[place]
        if number in stretch.wanted:
            yield key, at, number, group
        place += step
