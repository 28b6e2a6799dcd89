"""When refs last moved, by the operation log: for orders such as `newest update first`.

The log is read from its newest end, and only as far down as it takes.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from hyperstore.dataset.draft import Place
from hyperstore.dataset.handle import Handle
from hyperstore.storage.reflog import Operation

__all__ = ["datasets_moved", "operations", "versions_moved"]

_CHUNK = 256
_T = TypeVar("_T")


def operations(handle: Handle, before: int | None = None) -> Iterator[Operation]:
    """Yield what was done to refs, newest first; with `before` from there on; lazily."""
    while True:
        with handle.database.reading() as reader:
            chunk = list(islice(reader.operations(before=before), _CHUNK))
        if not chunk:
            return
        yield from chunk
        before = chunk[-1].number


def datasets_moved(handle: Handle, dataset_ids: Iterable[str]) -> dict[str, int]:
    """Return for each dataset when anything of it last changed: itself, a version, its frames.

    The one that changed last comes first, also of those of one millisecond.
    """
    return _moved(handle, set(dataset_ids), lambda parts: parts[1] if len(parts) > 1 else "")


def versions_moved(handle: Handle, places: Iterable[Place]) -> dict[Place, int]:
    """Return for each version when it last changed: its record, its frames, its head."""
    return _moved(
        handle,
        set(places),
        lambda parts: Place(parts[1], parts[2]) if len(parts) > 2 else Place("", ""),
    )


def _moved(handle: Handle, wanted: set[_T], named: Callable[[list[str]], _T]) -> dict[_T, int]:
    found: dict[_T, int] = {}
    for operation in operations(handle):
        if not wanted:
            break
        for move in operation.moves:
            one = named(move.name.split("/", 2))
            if one in wanted:
                wanted.discard(one)
                found[one] = operation.time_ms
    return found
