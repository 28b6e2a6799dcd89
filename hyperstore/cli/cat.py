"""`cat`: frames as JSON."""

import click

from hyperstore.cli.complete import complete_revisions
from hyperstore.cli.frames import find_roi
from hyperstore.cli.session import Session, pass_session
from hyperstore.cli.verb import Verb, json_option
from hyperstore.dataset.abbreviation import find_frame
from hyperstore.dataset.revisions import split_frame
from hyperstore.dataset.view import View
from hyperstore.errors import NotFoundError

__all__ = ["cat_command", "frame_in"]


@click.command("cat", cls=Verb)
@click.argument("frames", metavar="FRAME...", nargs=-1, required=True)
@click.option(
    "--at", "revision", metavar="REV", shell_complete=complete_revisions, help="As of a revision."
)
@click.option("--roi", metavar="ROI", help="Only this ROI, by the start of its id.")
@json_option
@pass_session
def cat_command(
    session: Session, frames: tuple[str, ...], revision: str | None, roi: str | None, as_json: bool
) -> None:
    """Show frames as JSON, in the wire form.

    FRAME is an id, the start of one, or REV:FRAME. --json writes one frame a line.
    """
    view = session.point(revision).view()
    for word in frames:
        place, frame_id = frame_in(session, view, word)
        wire = place.get_frame(frame_id).to_dict()
        value = wire if roi is None else find_roi(wire, roi)
        if as_json:
            session.out.json(value)
        else:
            session.out.json_text(value)


def frame_in(session: Session, view: View, word: str) -> tuple[View, str]:
    """Return where a frame is and its id: FRAME in the view given, or REV:FRAME elsewhere."""
    parts = split_frame(word)
    try:
        return view, find_frame(session.store, view, word)
    except NotFoundError:
        if parts is None or not all(parts):
            raise
    elsewhere = session.point(parts[0]).view()
    return elsewhere, find_frame(session.store, elsewhere, parts[1])
