"""`gc`: drop what nothing refers to any more."""

import click

from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.progress import stages
from hyperstore.cli.text import plural
from hyperstore.cli.verb import Verb, json_option
from hyperstore.errors import UsageError
from hyperstore.maintenance.collect import gc

__all__ = ["gc_command"]


@click.command("gc", cls=Verb)
@click.option("-n", "--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@click.option("--prune", metavar="now", help="With `now`, also what is younger than gc.grace.")
@click.option("--compact", is_flag=True, help="Then shrink the file; needs the store to itself.")
@json_option
@pass_console
def gc_command(
    console: Console, dry_run: bool, prune: str | None, compact: bool, as_json: bool
) -> None:
    """Take out objects that no version, tag or recent operation leads to.

    What is younger than gc.grace (a day) stays, unless --prune=now. It also runs by itself when
    much was written: see gc.auto in `config`.

    --json: dry_run, objects, record_bytes, kept_objects, young_objects, pins, file_bytes_before,
    file_bytes, used_bytes, compacted.
    """
    if prune not in (None, "now"):
        raise UsageError(f"--prune takes `now`, not {prune!a}")
    with stages(console.out) as progress:
        done = gc(
            console.store,
            dry_run=dry_run,
            prune_now=prune == "now",
            compact=compact,
            progress=progress,
        )
    if as_json:
        console.out.json(done.to_dict())
        return
    would = "Would take out" if dry_run else "Took out"
    console.out.line(
        f"{would} {plural(done.objects, 'object')}, {plural(done.record_bytes, 'byte')}"
    )
    console.out.line(f"Kept {done.kept_objects:,} in use and {done.young_objects:,} that are young")
    if done.compacted:
        console.out.line(
            f"The file went from {done.file_bytes_before:,} to {done.file_bytes:,} bytes"
        )
