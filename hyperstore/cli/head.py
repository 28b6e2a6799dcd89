"""`head`: the first frames in order."""

import click

from hyperstore.cli.complete import complete_revisions
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.frametable import form_of, form_options, print_frames
from hyperstore.cli.verb import Number, Verb

__all__ = ["head_command"]


@click.command("head", cls=Verb)
@click.argument("revision", metavar="[REV]", required=False, shell_complete=complete_revisions)
@click.option(
    "-n", "most", type=Number(), default=10, metavar="N", show_default=True, help="At most so many."
)
@form_options
@pass_console
def head_command(
    console: Console,
    revision: str | None,
    most: int,
    ids: bool,
    fields: str | None,
    as_json: bool,
) -> None:
    """Show the first frames of a revision, by context, timestamp and id.

    Columns: id, context, timestamp (ms), labels with the number of their ROIs where it is more
    than one, width and height. `ls` lists all frames, `sample` draws some by chance.
    """
    form = form_of(ids=ids, as_json=as_json, fields=fields)
    view = console.point(revision).view()
    frames = view.get_iterator(stop=min(most, len(view))) if most and len(view) else ()
    print_frames(console, frames, form)
