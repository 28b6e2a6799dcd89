"""What every DataView has: its store, its name, what it is in words, its tags."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from hyperstore.dataset.arguments import names_of
from hyperstore.dataset.default import default_handle
from hyperstore.dataset.handle import Handle, reopened
from hyperstore.dataset.store import Store
from hyperstore.errors import UsageError, a_type
from hyperstore.history.names import check_name, check_names, check_text
from hyperstore.query.views.spec import Spec

__all__ = ["Described", "StoreLike"]

StoreLike = Store | Handle | str | os.PathLike[str] | None
"""A store, by itself or by its folder; None is the default one."""


class Described:
    """The part of a view that is not about frames."""

    def __init__(self, store: StoreLike = None) -> None:
        self._spec = Spec()
        self._handle: Handle | None = None
        self._folder: Path | None = None
        if store is not None:
            self._handle = _handle_of(store)

    @classmethod
    def _bare(cls, store: StoreLike) -> Self:
        """Return a new view that says nothing, and that nobody is told of."""
        return cls(store=store)

    # Where it looks.

    def _store_handle(self) -> Handle:
        """Return the store that it is about; opened when somebody first asks, in each process."""
        if self._handle is None:
            found = default_handle() if self._folder is None else reopened(self._folder)
            self._handle = found
        return self._handle

    def __getstate__(self) -> dict[str, object]:
        state = dict(self.__dict__)
        handle = state.pop("_handle")
        if handle is not None:
            state["_folder"] = handle.folder
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._handle = None

    # What it is called.

    @property
    def name(self) -> str | None:
        """Its name; None before it has one."""
        return self._spec.name

    @name.setter
    def name(self, value: str | None) -> None:
        self._edit(lambda spec: setattr(spec, "name", _name(value)))

    @property
    def description(self) -> str:
        """What it is in words."""
        return self._spec.description

    @description.setter
    def description(self, value: str | None) -> None:
        text = check_text(value or "", what="description")
        self._edit(lambda spec: setattr(spec, "description", text))

    @property
    def project(self) -> str:
        """The project that it is in, by name; empty where it is in none."""
        return self._spec.project

    @project.setter
    def project(self, value: str | None) -> None:
        text = check_name(value, what="project") if value else ""
        self._edit(lambda spec: setattr(spec, "project", text))

    @property
    def tags(self) -> list[str]:
        """Its tags; a copy."""
        return list(self._spec.tags)

    @tags.setter
    def tags(self, value: Sequence[str]) -> None:
        self.set_tags(value)

    def get_tags(self) -> list[str]:
        """Return its tags; a copy."""
        return self.tags

    def set_tags(self, tags: Sequence[str]) -> None:
        """Replace its tags."""
        checked = check_names(names_of(tags, what="a tag"), what="tag")
        self._edit(lambda spec: setattr(spec, "tags", checked))

    def add_tags(self, tags: Sequence[str]) -> None:
        """Give it more tags."""
        self.set_tags([*self.tags, *names_of(tags, what="a tag")])

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Take tags from it."""
        gone = frozenset(names_of(tags, what="a tag"))
        self.set_tags([one for one in self.tags if one not in gone])

    def _edit(self, change: Callable[[Spec], object]) -> None:
        """Change what it says; what was computed from that is computed anew."""
        change(self._spec)


def _name(value: str | None) -> str | None:
    return None if value is None else check_name(value, what="view")


def _handle_of(store: object) -> Handle:
    if isinstance(store, Store):
        return store.handle
    if isinstance(store, Handle):
        return store
    if isinstance(store, str | os.PathLike):
        return reopened(Path(store).absolute())
    raise UsageError(f"store is a Store or the path of its folder, not {a_type(store)}")
