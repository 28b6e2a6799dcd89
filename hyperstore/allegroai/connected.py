"""What the data views of both faces have in common: they belong to a task, if there is one."""

from collections.abc import Mapping

from hyperstore.allegroai.task import Task
from hyperstore.query.dataview import DataView
from hyperstore.query.views.resolved import Resolved

__all__ = ["ConnectedView"]


class ConnectedView(DataView):
    """A view whose task records what it says, and what that comes to when it is read."""

    _noted: tuple[object, ...] = ()

    def _connect_with_task(self, wish: bool | str) -> None:
        task = Task.current_task() if wish else None
        if task is not None:
            task.connect(self)

    def resolve(self) -> Resolved:
        found = super().resolve()
        task = Task.current_task()
        key = (str(self.spec()), found.state)
        if task is not None and key != self._noted:
            self._noted = key
            task.note_view(self, _versions(found))
        return found


def _versions(found: Resolved) -> list[Mapping[str, str]]:
    """Return which frames of which versions were found: the fingerprint of what is read."""
    versions = {}
    for views in found.views:
        for view in views:
            home = view.home
            said = {
                "content": view.content_id,
                "dataset": home.dataset_id,
                "version": home.version_id,
            }
            if home.commit is not None:
                said["commit"] = home.commit
            versions[home.dataset_id, home.version_id, view.content_id] = said
    return list(versions.values())
