"""How a view becomes one that its store keeps, and what then changes of that one."""

import getpass
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from hyperstore.codec import replace
from hyperstore.errors import NotFoundError
from hyperstore.history.dataview import ViewRecord, read_view
from hyperstore.query.views import described
from hyperstore.query.views import viewstore as stored
from hyperstore.query.views.spec import from_wire, to_wire
from hyperstore.query.views.state import ViewState
from hyperstore.storage.host import now_ms

__all__ = [
    "change",
    "delete",
    "marked",
    "move",
    "moved",
    "record_of",
    "store",
    "take",
    "take_spec",
]


def take(state: ViewState, record: ViewRecord) -> None:
    """Become a stored view."""
    take_spec(state, record.spec)
    state.id, state.known = record.id, record.spec


def take_spec(state: ViewState, spec: Mapping[str, object]) -> None:
    """Say what plain data says."""
    state.become(from_wire(spec))
    state.settle()


def store(state: ViewState, project: str | None, *, force: bool, publish: bool = False) -> str:
    """Keep it; return its id. What is pinned is refused: what is stored follows its versions."""
    state.origin.refuse_edits()
    _name_it(state)
    if project is not None:
        described.move_to(state, project)
    spec = state.wire()
    kept = stored.store_view(
        state.handle,
        spec,
        state.spec.queries,
        view_id=state.id,
        known=state.known,
        force=force,
        publish=publish,
    )
    state.id, state.known = kept.id, kept.spec
    return kept.id


def _name_it(state: ViewState) -> None:
    """Give a view that is about to be stored a name, where it has none."""
    if state.spec.name is not None:
        return
    who = f"{getpass.getuser()}@{socket.gethostname()}"
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    described.rename(state, f"Anonymous dataview ({who} {now})")
    if not state.spec.description:
        described.describe(state, f"Auto-generated on {now} by {who}")


def record_of(state: ViewState) -> ViewRecord | None:
    """Return what the store has of it now; None where it is not stored."""
    if state.id is None:
        return None
    with state.handle.database.reading() as reader:
        found = read_view(reader, state.id)
    return None if found is None else found[1]


def change(state: ViewState, command: str, new: Callable[[ViewRecord], ViewRecord]) -> None:
    """Change the stored view; NotFoundError where it is not stored."""
    _raise_first(stored.change_views(state.handle, [_stored_id(state)], command, new))


def move(state: ViewState, project: str) -> None:
    """Move the stored view to a project; nothing else of it changes."""
    change(state, "move", lambda one: moved(one, project))
    if state.known is not None:
        state.known = {**state.known, "project": project}
    described.move_to(state, project)


def delete(state: ViewState, *, force: bool) -> None:
    """Delete the stored view; what it says stays."""
    _raise_first(stored.delete_views(state.handle, [_stored_id(state)], force=force))
    state.id = state.known = None


def marked(record: ViewRecord, *, archived: bool) -> ViewRecord:
    """Return a stored view with or without the mark of being out of use."""
    others = [one for one in record.system_tags if one != stored.ARCHIVED]
    return replace(record, system_tags=[*others, stored.ARCHIVED] if archived else others)


def moved(record: ViewRecord, project: str) -> ViewRecord:
    """Return a stored view in another project."""
    spec = from_wire(record.spec)
    spec.project = project
    return replace(record, spec=to_wire(spec), updated=now_ms())


def _stored_id(state: ViewState) -> str:
    if state.id is None:
        raise NotFoundError("the view is not stored; store() keeps it")
    return state.id


def _raise_first(done: stored.Bulk) -> None:
    for error in done.failed.values():
        raise error
