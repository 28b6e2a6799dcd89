"""`mv`: lead the sources under one place to another."""

import click

from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.text import plural
from hyperstore.cli.verb import Verb

__all__ = ["mv_command"]


@click.command("mv", cls=Verb)
@click.argument("prefix")
@click.argument("new")
@click.option("-n", "--dry-run", is_flag=True, help="Say how many would move; change nothing.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
@pass_console
def mv_command(console: Console, prefix: str, new: str, dry_run: bool, quiet: bool) -> None:
    """Lead the sources, masks and previews under PREFIX to NEW, as one operation.

    Both are folders or URIs, such as `pictures` or `s3://bucket/cars`; no file is touched. PREFIX
    ends where a part of a path ends. Ids, annotations and metadata of the frames stay.
    """
    version = console.version()
    moved = version.move_sources(prefix, new, dry_run=dry_run)
    if not quiet:
        would = "Would lead" if dry_run else "Led"
        title = console.title(version)
        console.out.line(f"{would} the sources of {plural(moved, 'frame')} of {title} to {new}")
