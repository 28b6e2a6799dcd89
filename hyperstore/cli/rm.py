"""`rm`: remove frames from the draft."""

from collections.abc import Iterator

import click

from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.frames import frame_ids
from hyperstore.cli.text import plural
from hyperstore.cli.verb import Verb
from hyperstore.dataset.view import View
from hyperstore.errors import NotFoundError, UsageError

__all__ = ["rm_command"]


@click.command("rm", cls=Verb)
@click.argument("frames", metavar="FRAME...", nargs=-1)
@click.option("--context", metavar="NAME", help="All frames of one context.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@click.option("--ignore-unmatch", is_flag=True, help="Pass over frames that are not there.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
@pass_console
def rm_command(
    console: Console,
    frames: tuple[str, ...],
    context: str | None,
    dry_run: bool,
    ignore_unmatch: bool,
    quiet: bool,
) -> None:
    """Remove frames from the draft on which HEAD stands.

    FRAME is an id, the start of one, or `-`: ids from standard input, one a line. Earlier commits
    keep them, and `restore` brings them back.
    """
    if not frames and context is None:
        raise UsageError("name the frames to remove, or --context")
    version = console.version()
    view = version.view()
    found: list[str] = []
    for word in _words(console, frames):
        try:
            found += frame_ids(console, view, [word])
        except NotFoundError:
            if not ignore_unmatch:
                raise
    if context is not None:
        found += _of_context(view, context)
    ids = list(dict.fromkeys(found))
    if not dry_run:
        version.delete_frames(ids)
    if not quiet:
        would = "Would remove" if dry_run else "Removed"
        if len(ids) <= 20:
            for frame_id in ids:
                console.out.line(f"{would} {frame_id}")
        else:
            console.out.line(f"{would} {plural(len(ids), 'frame')}")


def _words(console: Console, frames: tuple[str, ...]) -> Iterator[str]:
    for word in frames:
        if word == "-":
            yield from (line.rstrip("\n") for line in console.standard_input() if line.strip())
        else:
            yield word


def _of_context(view: View, context: str) -> list[str]:
    found = [frame.id for frame in view.get_iterator(context=context)]
    if not found:
        raise NotFoundError(f"no frames of context {context!a} in {view.home.describe()}")
    return found
