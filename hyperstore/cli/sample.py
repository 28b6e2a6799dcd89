"""`sample`: some frames by chance, the same ones for one seed on every machine."""

import click

from hyperstore.cli.asked import QueryVerb, Said, asked_of, query_options
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.found import frames_of, select
from hyperstore.cli.frametable import form_of, form_options, print_frames
from hyperstore.cli.verb import Number
from hyperstore.query.iteration.permutation import Permutation

__all__ = ["sample_command"]


@click.command("sample", cls=QueryVerb)
@query_options
@click.option(
    "-n", "most", type=Number(), default=10, metavar="N", show_default=True, help="At most so many."
)
@click.option(
    "--seed",
    type=Number(),
    default=0,
    metavar="S",
    show_default=True,
    help="Which draw.",
)
@form_options
@pass_console
def sample_command(
    console: Console,
    said: Said,
    most: int,
    seed: int,
    ids: bool,
    as_json: bool,
    fields: str | None,
) -> None:
    """Show some frames by chance, each once, in the order in which they are drawn.

    Of all frames of a revision, or of those that a query finds (see `query --help`). One seed gives
    the same frames on every machine, and a larger N the same ones and more.
    """
    form = form_of(ids=ids, as_json=as_json, fields=fields)
    asked = asked_of(console, said)
    selection = select(console, asked)
    count = len(selection)
    drawn = Permutation(count, seed).at(range(min(most, count)))
    print_frames(console, frames_of(selection, iter(drawn)), form)
