"""Parts of a wire frame, chosen by paths such as `id`, `sources.0.uri`, `rois.*.label`.

A path's parts are keys, positions in a list, counted from the end where negative, or `*` for all.
A key where a list stands is looked for in each of its items. What a frame has not is left out.
"""

from collections.abc import Iterable, Mapping

from hyperstore.dataset.arguments import names_of
from hyperstore.errors import UsageError

__all__ = ["Projection"]

_EVERY = "*"
_Tree = dict[str, "_Tree"]
_NOTHING = object()
_SAVED = frozenset({"saved", "saved_in_version", "updated", "updated_in_version"})


class Projection:
    """The paths of one projection; none at all is the whole frame."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._tree: _Tree = {}
        whole: set[str] = set()
        for path in names_of(paths, what="projection"):
            parts = path.split(".")
            if not all(parts):
                raise UsageError(f"projection {path!a} has an empty part; write it as `a.b.c`")
            at = self._tree
            for count, part in enumerate(parts, start=1):
                at = at.setdefault(part, {})
                if ".".join(parts[:count]) in whole:
                    break  # All of that is wanted already.
            else:
                whole.add(path)
                at.clear()

    @property
    def wants_saved(self) -> bool:
        """Whether it asks when a frame was saved, which only history knows."""
        return not self._tree or not _SAVED.isdisjoint(self._tree) or _EVERY in self._tree

    def apply(self, wire: Mapping[str, object]) -> dict[str, object]:
        """Return the parts of a wire frame, nested as they are in it."""
        found = _chosen(dict(wire), self._tree)
        return found if isinstance(found, dict) else {}


def _chosen(value: object, tree: _Tree) -> object:
    if not tree:
        return value
    if isinstance(value, dict):
        found = {
            key: _chosen(held, wanted)
            for key, held in value.items()
            if (wanted := _wanted(tree, key, _EVERY)) is not None
        }
        return {key: held for key, held in found.items() if held is not _NOTHING}
    if isinstance(value, list):
        names = {part: below for part, below in tree.items() if not _is_position(part)}
        items = []
        for index, held in enumerate(value):
            wanted = _wanted(tree, str(index), str(index - len(value)), _EVERY)
            below = {part: each for part, each in names.items() if part != _EVERY}
            if below and wanted != {}:
                wanted = below if wanted is None else _joined(wanted, below)
            if wanted is not None:
                items.append(_chosen(held, wanted))
        return [held for held in items if held is not _NOTHING]
    return _NOTHING


def _is_position(part: str) -> bool:
    return part.removeprefix("-").isdecimal()


def _wanted(tree: _Tree, *parts: str) -> _Tree | None:
    """Return what is wanted below any of these parts; None where they are not."""
    found: _Tree | None = None
    for part in parts:
        below = tree.get(part)
        if below is not None:
            found = below if found is None else _joined(found, below)
    return found


def _joined(one: _Tree, other: _Tree) -> _Tree:
    if not one or not other:
        return {}
    return {
        part: _joined(one[part], other[part]) if part in one and part in other else below
        for part, below in {**one, **other}.items()
    }
