"""The data views of a task: connected, listed, and kept in the record of its run.

The record has what each view says, and once it was read, which frames of which versions that came
to. A view that changes after it was connected is recorded anew when it is read, and at the end.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

from hyperstore.allegroai.begin import plain_text
from hyperstore.allegroai.taskfiles import TaskFiles
from hyperstore.codec import replace
from hyperstore.dataset.arguments import documented
from hyperstore.errors import UsageError, a_type
from hyperstore.history.run import Run
from hyperstore.query.dataview import DataView

__all__ = ["VIEW_CLASSES", "TaskViews"]

_T = TypeVar("_T")
_EXTRA = "dataviews"
_PRIMARY = "dataview"  # The name of the one that was connected or set last.

VIEW_CLASSES: dict[str, type[DataView]] = {"": DataView}
"""As what views come back, by the face that connected them; the faces put their classes here."""


class TaskViews(TaskFiles):
    """The part of a task that is about data views."""

    _views: dict[str, DataView] | None = None

    @documented
    def connect(
        self, mutable: _T, name: str | None = None, ignore_remote_overrides: bool = False
    ) -> _T:
        """Record what a dict, a parser, a namespace, an object or a DataView says; return it.

        A view is known by its name, or as `dataview_1` and so on.
        """
        if isinstance(mutable, DataView):
            self._connect_view(mutable, name)
            return mutable
        return super().connect(mutable, name, ignore_remote_overrides)

    def set_dataview(self, dataview: "DataView | str") -> None:
        """Connect a view, or the stored one of an id, as what the task is about."""
        if isinstance(dataview, str):
            kind = VIEW_CLASSES.get("allegroai", DataView)
            found = kind.from_spec(
                DataView.get(dataview_id=dataview, store=self._handle).spec(), store=self._handle
            )
            found._state.id = dataview
            dataview = found
        if not isinstance(dataview, DataView):
            raise UsageError(f"a DataView or the id of one is set, not {a_type(dataview)}")
        self._connect_view(dataview, None)

    def get_dataviews(self) -> dict[str, DataView]:
        """Return the views that are connected, by name: those of this process as they are."""
        if self._views is None:
            self._views = {
                name: self._view_of(said) for name, said in self._recorded_views().items()
            }
        return dict(self._views)

    def remove_dataviews(self) -> None:
        """Let go of all views that are connected."""
        self._views = {}

        def without(run: Run) -> Run:
            kept = {name: one for name, one in run.extra.items() if name not in (_EXTRA, _PRIMARY)}
            return replace(run, extra=kept)

        self.change(without)

    def note_view(self, view: DataView, versions: Sequence[Mapping[str, str]] = ()) -> None:
        """Record what a connected view says now, and what it came to."""
        name = next((name for name, one in (self._views or {}).items() if one is view), None)
        if name is not None:
            self._record_views({name: self._said_of(view, versions)}, primary=None)

    def _settle_views(self) -> None:
        """Record what connected views say by now, where that is not recorded."""
        before = self._recorded_views()
        said = {
            name: self._said_of(view, cast("list[dict[str, str]]", held.get("versions", [])))
            for name, view in (self._views or {}).items()
            if (held := before.get(name, {})).get("spec") != view.spec()
        }
        if said:
            self._record_views(said, primary=None)

    def _connect_view(self, view: DataView, name: str | None) -> None:
        known = self.get_dataviews()
        called = next((known_as for known_as, one in known.items() if one is view), None)
        called = plain_text(name or view.name or "") or called or _next_name(known)
        self._views = {**known, called: view}
        self._record_views({called: self._said_of(view, ())}, primary=called)

    def _said_of(self, view: DataView, versions: Sequence[Mapping[str, str]]) -> dict[str, object]:
        face = next((face for face, kind in VIEW_CLASSES.items() if type(view) is kind), "")
        said: dict[str, object] = {"face": face, "spec": view.spec()}
        if view.id is not None:
            said["id"] = view.id
        if versions:
            said["versions"] = [dict(one) for one in versions]
        return said

    def _record_views(self, said: Mapping[str, object], *, primary: str | None) -> None:
        def recorded(run: Run) -> Run:
            before = run.extra.get(_EXTRA)
            views = {**(before if isinstance(before, dict) else {}), **said}
            more = {} if primary is None else {_PRIMARY: primary}
            return replace(run, extra={**run.extra, **more, _EXTRA: views})

        self.change(recorded)

    def _recorded_views(self) -> dict[str, dict[str, object]]:
        held = self.run.extra.get(_EXTRA)
        return held if isinstance(held, dict) else {}

    def _view_of(self, said: Mapping[str, object]) -> DataView:
        kind = VIEW_CLASSES.get(str(said.get("face", "")), DataView)
        made = kind.from_spec(cast("dict[str, object]", said["spec"]), store=self._handle)
        found = said.get("id")
        made._state.id = found if isinstance(found, str) else None
        return made


def _next_name(known: Mapping[str, object]) -> str:
    number = 1
    while f"dataview_{number}" in known:
        number += 1
    return f"dataview_{number}"
