"""`reflog` and `undo`: the operation log, read and taken back."""

import time
from collections.abc import Iterator
from itertools import islice

import click

from hyperstore.cli.complete import complete_versions
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.output import styled
from hyperstore.cli.text import ago, fit, safe
from hyperstore.cli.verb import Number, Verb, json_option
from hyperstore.history.branches import head_ref
from hyperstore.history.resolve import quote_name
from hyperstore.ids import ObjectId
from hyperstore.storage.reflog import Operation

__all__ = ["reflog_command", "undo_command"]

_OPERATION = Number(min=1, what="the number of an operation: `hyperstore reflog --all` lists them")


@click.command("reflog", cls=Verb)
@click.argument("version", required=False, metavar="[VERSION]", shell_complete=complete_versions)
@click.option("--all", "is_all", is_flag=True, help="Every operation on the store, by number.")
@click.option("-n", "most", type=Number(), metavar="N", help="At most so many.")
@json_option
@pass_console
def reflog_command(
    console: Console, version: str | None, is_all: bool, most: int | None, as_json: bool
) -> None:
    """Show where the head of a version has pointed, newest first; VERSION@{n} names each.

    --all lists every operation, with the number that `undo` takes. --json: number, time (ms),
    actor, done, command, moves [ref, old, new]; of a version also name, commit.
    """
    if is_all:
        for operation in islice(console.store.operations(), most):
            if as_json:
                console.out.json(_json(operation))
            else:
                _print(console, operation)
        return
    held = console.version_named(version)
    ref = head_ref(held.dataset_id, held.id)
    name = quote_name(held.name)
    for at, (operation, commit) in enumerate(islice(_moves(console, ref), most)):
        label = f"{name}@{{{at}}}"
        digits = "" if commit is None else commit.hex()
        if as_json:
            found = {"name": label, "commit": digits or None}
            console.out.json(found | _json(operation))
            continue
        console.out.line(
            styled(digits[:12] or "(deleted)", "yellow"), f" {label}: ", _said(operation)[0]
        )


def _moves(console: Console, ref: str) -> Iterator[tuple[Operation, ObjectId | None]]:
    """Yield what moved a ref, and where to, newest first."""
    for operation in console.store.operations():
        for move in reversed(operation.moves):
            if move.name == ref:
                yield operation, move.new


def _print(console: Console, operation: Operation) -> None:
    number = f"{operation.number:>5}"
    when = f"{ago(time.time() - operation.time_ms / 1000)} ago"
    done, typed = _said(operation)
    text = safe(done)
    columns = console.out.columns
    if columns is not None:
        text = fit(text, max(20, columns - 23))
    console.out.line(styled(number, "yellow"), f"  {when:<14}  ", text)
    if typed:
        console.out.line(" " * 23, styled(f"$ {typed}", "dim"))


def _said(operation: Operation) -> tuple[str, str]:
    """Return what an operation did, and the command line, where it was one."""
    done, _, typed = operation.command.partition("\n")
    return done, typed


def _json(operation: Operation) -> dict[str, object]:
    return {
        "number": operation.number,
        "time": operation.time_ms,
        "actor": operation.actor,
        "done": _said(operation)[0],
        "command": _said(operation)[1] or None,
        "moves": [
            {
                "ref": move.name,
                "old": None if move.old is None else move.old.hex(),
                "new": None if move.new is None else move.new.hex(),
            }
            for move in operation.moves
        ],
    }


@click.command("undo", cls=Verb)
@click.argument("number", required=False, metavar="[NUMBER]", type=_OPERATION)
@pass_console
def undo_command(console: Console, number: int | None) -> None:
    """Take back the last operation that is not undone yet, or the one of a number.

    All refs that it moved go back to where they were; HEAD only to a version that is still there.
    `reflog --all` lists the numbers; an undo is undone by its own.
    """
    before = console.store.head()
    undone = console.store.undo(number)
    console.out.line(f"Undid operation {undone.number}: {_said(undone)[0]}")
    here = console.store.head()
    if here is not None and here != before:
        console.out.note(f"HEAD stands on {console.title(here)}")
