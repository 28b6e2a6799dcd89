"""A view as one value: what it says, where it looks, what pins it, and how the store knows it.

It pickles, and deep copies, as that; what a process found by it stays in that process.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hyperstore.dataset.default import default_handle, find_default
from hyperstore.dataset.handle import Handle, reopened
from hyperstore.dataset.store import Store
from hyperstore.dataset.view import Frame
from hyperstore.errors import UsageError, a_type
from hyperstore.query.iteration.iterator import FrameIterator
from hyperstore.query.selection.selection import Selection
from hyperstore.query.views.origins import Following, Origin
from hyperstore.query.views.resolved import Resolved
from hyperstore.query.views.spec import Spec, Wire, to_wire

__all__ = ["StoreLike", "ViewState"]

StoreLike = Store | Handle | str | os.PathLike[str] | None
"""A store, by itself or by its folder; None is the default one."""


@dataclass(slots=True)
class _Held:
    """What this process found by a view, with what it was found of."""

    selection: tuple[object, Selection] | None = None
    frames: tuple[object, list[Frame]] | None = None
    last: FrameIterator | None = None  # The iterator that was made last.


class ViewState:
    """What a view is. Only `edit` changes what it says."""

    def __init__(self, store: StoreLike = None) -> None:
        self.spec = Spec()
        self.origin: Origin = Following()
        self.place: Handle | Path | None = None if store is None else _handle_of(store)
        self.id: str | None = None
        self.known: Wire | None = None  # What the store said of it when it was last met there.
        self.first = 0  # Where its next iterators begin.
        self.told: object = None  # What this process, or the one before, told its run.
        self.held = _Held()

    def __getstate__(self) -> dict[str, object]:
        place = self.place.folder if isinstance(self.place, Handle) else self.place
        return {**vars(self), "place": place, "held": _Held()}

    # Where it looks.

    @property
    def handle(self) -> Handle:
        """Its store; opened when somebody first asks, in each process."""
        if not isinstance(self.place, Handle):
            self.place = default_handle() if self.place is None else reopened(self.place)
        return self.place

    def known_handle(self) -> Handle | None:
        """Return its store; None where it is the default one, which is not there yet."""
        return find_default() if self.place is None else self.handle

    def resolve(self) -> Resolved:
        """Return which versions it means, as its origin has them now."""
        return self.origin.resolve(self.handle, self.spec)

    # What it says.

    def edit(self, change: Callable[[Spec], object]) -> None:
        """Change what it says; UsageError where it is pinned."""
        self.origin.refuse_edits()
        change(self.spec)

    def become(self, spec: Spec) -> None:
        """Say something else, whole."""
        self.origin.refuse_edits()
        self.spec = spec

    def settle(self) -> None:
        """Put ids in the place of names that are known by now."""
        self.origin.settle(self.known_handle, self.spec)

    def wire(self) -> Wire:
        """Return all that it says as plain data, sorted and canonical."""
        self.settle()
        return to_wire(self.spec)


def _handle_of(store: object) -> Handle:
    if isinstance(store, Store):
        return store.handle
    if isinstance(store, Handle):
        return store
    if isinstance(store, str | os.PathLike):
        return reopened(Path(store).absolute())
    raise UsageError(f"store is a Store or the path of its folder, not {a_type(store)}")
