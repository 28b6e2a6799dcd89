"""`stamp`: put a lock beside a file, such as a model, that was made of what it pins."""

from pathlib import Path

import click

from hyperstore.cli.completeview import complete_views
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.output import styled
from hyperstore.cli.text import plural
from hyperstore.cli.verb import Verb, json_option
from hyperstore.cli.viewlock import index_for, lock_json, lock_named
from hyperstore.errors import UsageError
from hyperstore.query.dataview import DataView
from hyperstore.query.locks.lock import Lock
from hyperstore.query.locks.lockfile import beside

__all__ = ["stamp_command"]


@click.command("stamp", cls=Verb)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--view", "name", metavar="NAME", shell_complete=complete_views, help="Lock this view now."
)
@click.option("--lock", "lock", metavar="LOCK", help="A lock: a file, or the start of an id.")
@click.option("--commit", "commits", is_flag=True, help="With --view: commit what is pending.")
@json_option
@pass_console
def stamp_command(
    console: Console,
    file: Path,
    name: str | None,
    lock: str | None,
    commits: bool,
    as_json: bool,
) -> None:
    """Say of a file, such as a model, which frames it was made of.

    Writes FILE.lock: the lock of a view, with size and hashes of the file. `hyperstore which FILE`
    answers from it, also when the file is called otherwise by then, or the lock file is gone.
    """
    if name is not None and lock is not None:
        raise UsageError("--view and --lock exclude each other: a file is made of one of them")
    if name is None and lock is None:
        raise UsageError("say what the file was made of: --view NAME or --lock LOCK")
    if commits and name is None:
        raise UsageError("--commit goes with --view; a lock names commits already")
    if lock is not None:
        view = DataView.from_lock(lock_named(console, lock), False, store=console.store)
    else:
        view = DataView.get(name, store=console.store)
    index_for(console, view)
    _print(console, beside(file), view.stamp(file, commit=commits), as_json=as_json)


def _print(console: Console, place: Path, lock: Lock, *, as_json: bool) -> None:
    if as_json:
        console.out.json({**lock_json(lock), "file": str(place)})
        return
    called = f" of view {lock.name}" if lock.name else ""
    made = f"Stamped {place.stem} with {plural(lock.count, 'frame')}{called}: {place}"
    console.out.folded(made)
    console.out.field("Lock", styled(lock.id, "yellow"))
