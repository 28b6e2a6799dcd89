"""`runs`: programs that ran on the store, and what they touched."""

import json
import time
from collections.abc import Iterator
from itertools import islice

import click

from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.log import shown_time
from hyperstore.cli.output import Part, styled
from hyperstore.cli.text import ago, plural, safe
from hyperstore.cli.verb import Number, Verb, json_option
from hyperstore.dataset.runs import LOST, find_run, list_runs, remove_runs, status_of
from hyperstore.history.resolve import quote_name
from hyperstore.history.run import (
    ABORTED,
    COMPLETED,
    FAILED,
    RUNNING,
    Run,
    RunLock,
    Touched,
    Unpinned,
    locks_of_run,
    unpinned_of_run,
)
from hyperstore.storage.host import now_ms

__all__ = ["runs_command"]

_COLOURS = {RUNNING: "cyan", COMPLETED: "green", FAILED: "red", ABORTED: "yellow", LOST: "red"}
_WIDTH = len(COMPLETED)


@click.group("runs", invoke_without_command=True)
@click.option("-n", "most", type=Number(), metavar="N", help="At most so many.")
@json_option
@click.pass_context
def runs_command(ctx: click.Context, most: int | None, as_json: bool) -> None:
    """List the runs of programs, newest first, with how they ended and what they touched.

    A run is what `Task.init` begins. `lost` is one whose process is gone without a word. --json:
    id, name, project, type, status, error, started, ended (ms), script, arguments, parameters,
    git_commit, git_branch, python, hyperstore, user, host, pid, tags, comment, artifacts,
    touched, locks, unpinned.
    """
    if ctx.invoked_subcommand is None:
        console = ctx.find_object(Console)
        assert console is not None
        for run in islice(list_runs(console.store.handle), most):
            if as_json:
                console.out.json(_json(run))
            else:
                _print_line(console, run)


@runs_command.command("show", cls=Verb)
@click.argument("run", metavar="RUN")
@json_option
@pass_console
def show_verb(console: Console, run: str, as_json: bool) -> None:
    """Show one run: by its id, the first 6 digits of it or more, or by its name the newest."""
    found = find_run(console.store.handle, run)
    if as_json:
        console.out.json(_json(found))
        return
    for parts in _lines(found):
        console.out.line(*parts)


@runs_command.command("rm", cls=Verb)
@click.argument("names", metavar="RUN...", nargs=-1, required=True)
@pass_console
def rm_verb(console: Console, names: tuple[str, ...]) -> None:
    """Drop the records of runs; `undo` brings them back. Files that they left stay.

    What a run read and wrote is kept for it no longer.
    """
    removed = remove_runs(
        console.store.handle, [find_run(console.store.handle, name).id for name in names]
    )
    for run in removed:
        console.out.line(f"Removed run {run.name} ({run.id}); `hyperstore undo` brings it back")


def _print_line(console: Console, run: Run) -> None:
    status = status_of(run)
    when = f"{ago(time.time() - run.started / 1000)} ago"
    name = f"{run.project}/{run.name}" if run.project else run.name
    console.out.line(
        styled(run.id[:12], "yellow"),
        "  ",
        styled(f"{status:<{_WIDTH}}", _COLOURS.get(status, "")),
        f"  {when:<14}  {_took(run, status):<10}  ",
        safe(name),
    )
    for one in run.touched:
        console.out.line(" " * 14, *_touched(one))
    for lock in locks_of_run(run):
        console.out.line(" " * 14, *_locked(lock))
    for view in unpinned_of_run(run):
        console.out.line(" " * 14, *_read_unpinned(view))


def _touched(one: Touched) -> Iterator[Part]:
    """Yield the parts of a line: `read and wrote cells@Current`, and which states of it."""
    deeds = [word for word, states in (("read", one.read), ("wrote", one.written)) if states]
    yield f"{' and '.join(deeds) or 'touched'} "
    yield f"{quote_name(one.dataset_name or one.dataset[:12])}"
    yield f"@{quote_name(one.version_name or one.version[:12])}"
    last = (one.written or one.read)[-1:]
    if last:
        yield styled(f" {last[0].hex()[:12]}", "yellow")
    if one.store:
        yield f" in store {one.store[:12]}"


def _locked(one: RunLock) -> Iterator[Part]:
    """Yield the parts of a line: `iterated view dogs, lock 0123456789ab`."""
    yield "locked" if one.made else "iterated"
    yield f" view {quote_name(one.view)}, lock " if one.view else " a view, lock "
    yield styled(one.lock[:12], "yellow")
    if one.store:
        yield f" in store {one.store[:12]}"


def _read_unpinned(one: Unpinned) -> Iterator[Part]:
    """Yield the parts of a line: `iterated view dogs without a lock: cells@Current has edits`."""
    yield f"iterated view {quote_name(one.view)}" if one.view else "iterated a view"
    yield f" without a lock: {safe(one.why)}"
    if one.store:
        yield f" in store {one.store[:12]}"


def _took(run: Run, status: str) -> str:
    if status == LOST:
        return "-"
    end = run.ended or now_ms()
    return ago((end - run.started) / 1000)


def _lines(run: Run) -> Iterator[list[Part]]:
    status = status_of(run)
    yield [styled(f"run {run.id}", "yellow"), "  ", run.name]
    yield ["Status:   ", styled(status, _COLOURS.get(status, "")), f" ({_took(run, status)})"]
    facts = {
        "Error": run.error,
        "Project": run.project,
        "Type": run.program.type,
        "User": run.process.user,
        "Started": shown_time(run.started),
        "Ended": shown_time(run.ended) if run.ended else "",
        "Script": " ".join([run.program.script, *run.program.arguments]),
        "Git": " ".join(word for word in (run.program.git_branch, run.program.git_commit) if word),
        "Python": run.program.python,
        "Process": f"{run.process.pid} on {run.process.host}",
        "Output": run.program.output,
        "Tags": ", ".join(run.tags),
        "Comment": run.comment,
    }
    for title, value in facts.items():
        if value.strip():
            yield [f"{title + ':':<10}", safe(value)]
    for section, values in run.parameters.items():
        yield []
        yield [f"{safe(section)}:"]
        for name, text in values.items():
            yield ["    ", safe(f"{name} = {text}")]
    if run.artifacts:
        yield []
    for left in run.artifacts:
        yield ["left ", safe(left.name), " ", safe(left.uri)]
    for one in run.touched:
        yield []
        yield list(_touched(one))
        for word, states in (("read ", one.read), ("wrote", one.written)):
            for state in states:
                yield [f"    {word} ", styled(state.hex(), "yellow")]
    for lock in locks_of_run(run):
        yield []
        yield list(_locked(lock))
        yield ["    lock  ", styled(lock.lock, "yellow")]
    for view in unpinned_of_run(run):
        yield []
        yield list(_read_unpinned(view))
        yield [f"    {plural(view.frames, 'frame')}"]


def _json(run: Run) -> dict[str, object]:
    return {
        "id": run.id,
        "name": run.name,
        "project": run.project,
        "type": run.program.type,
        "status": status_of(run),
        "error": run.error or None,
        "started": run.started,
        "ended": run.ended or None,
        "script": run.program.script,
        "arguments": run.program.arguments,
        "parameters": {
            section: {name: json.loads(text) for name, text in values.items()}
            for section, values in run.parameters.items()
        },
        "git_commit": run.program.git_commit or None,
        "git_branch": run.program.git_branch or None,
        "python": run.program.python,
        "hyperstore": run.program.hyperstore,
        "user": run.process.user,
        "host": run.process.host,
        "pid": run.process.pid,
        "tags": run.tags,
        "comment": run.comment,
        "artifacts": [
            {"name": one.name, "uri": one.uri, "size": one.size, "sha256": one.sha256 or None}
            for one in run.artifacts
        ],
        "touched": [
            {
                "dataset": one.dataset_name,
                "dataset_id": one.dataset,
                "version": one.version_name,
                "version_id": one.version,
                "store": one.store or None,
                "read": [state.hex() for state in one.read],
                "written": [state.hex() for state in one.written],
            }
            for one in run.touched
        ],
        "locks": [
            {"lock": one.lock, "view": one.view, "made": one.made, "store": one.store or None}
            for one in locks_of_run(run)
        ],
        "unpinned": [
            {"view": one.view, "frames": one.frames, "why": one.why, "store": one.store or None}
            for one in unpinned_of_run(run)
        ],
    }
