"""What a query finds, as the verbs read it: a selection, with progress while its index is made."""

from collections.abc import Iterator
from itertools import islice

from hyperstore.cli.asked import Asked
from hyperstore.cli.console import Console
from hyperstore.cli.progress import stages
from hyperstore.cli.text import safe
from hyperstore.dataset.view import Frame
from hyperstore.ids import Kind, ObjectId
from hyperstore.query.index.frameindex import FrameIndex
from hyperstore.query.selection.selection import Part, Selection

__all__ = ["frames_of", "payloads_of", "select", "title_of"]

_AT_ONCE = 256


def select(console: Console, asked: Asked) -> Selection:
    """Return the frames that are asked for; the first query of a store builds its index."""
    handle = console.store.handle
    if not asked.is_all:
        with stages(console.out) as progress:
            FrameIndex.of(handle).refresh(
                lambda done, total: progress("Indexing for the first query", done, total)
            )
    return Selection(handle, [Part(point.view(), asked.condition) for point in asked.points])


def frames_of(selection: Selection, positions: Iterator[int]) -> Iterator[Frame]:
    """Yield the frames at some positions, read by the chunk."""
    size = 1
    while chunk := list(islice(positions, size)):
        yield from selection.read(chunk)
        size = min(2 * size, _AT_ONCE)


def payloads_of(console: Console, selection: Selection) -> Iterator[bytes]:
    """Yield frames as they are stored, in order."""
    staging = console.store.handle.staging()
    entries = iter(selection.entries())
    while chunk := [ObjectId(object_id) for _, object_id in islice(entries, _AT_ONCE)]:
        yield from staging.payloads(chunk, Kind.FRAME)


def title_of(console: Console, asked: Asked) -> str:
    """Return what is looked through and for what, for a headline."""
    names = list(dict.fromkeys(console.title(point.version) for point in asked.points))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    found = ", ".join(names[:3]) + more
    return safe(found if asked.lucene is None else f"{found}: {asked.lucene}")
