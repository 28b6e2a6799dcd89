"""What a view is called and tagged: checked, and set. Nothing of it is about frames."""

from collections.abc import Sequence

from hyperstore.dataset.arguments import names_of
from hyperstore.history.names import check_name, check_names, check_text
from hyperstore.query.views.state import ViewState

__all__ = ["describe", "move_to", "rename", "tag"]


def rename(state: ViewState, name: str | None) -> None:
    checked = None if name is None else check_name(name, what="view")
    state.edit(lambda spec: setattr(spec, "name", checked))


def describe(state: ViewState, text: str | None) -> None:
    checked = check_text(text or "", what="description")
    state.edit(lambda spec: setattr(spec, "description", checked))


def move_to(state: ViewState, project: str | None) -> None:
    """Put it into a project, by name; nothing takes it out of the one that it is in."""
    checked = check_name(project, what="project") if project else ""
    state.edit(lambda spec: setattr(spec, "project", checked))


def tag(state: ViewState, tags: Sequence[str]) -> None:
    """Replace its tags."""
    checked = check_names(names_of(tags, what="a tag"), what="tag")
    state.edit(lambda spec: setattr(spec, "tags", checked))
