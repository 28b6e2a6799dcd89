"""`status`: what has changed since the last commit."""

from collections.abc import Iterator
from itertools import islice

import click

from hyperstore.cli.changes import MARKS
from hyperstore.cli.commit import summary
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.log import changes_json
from hyperstore.cli.output import styled
from hyperstore.cli.text import plural
from hyperstore.cli.verb import Verb, json_option
from hyperstore.dataset.compare import ChangedFrame, changed_frames
from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.dataset.edit import empty_snapshot

__all__ = ["status_command"]

_SHOWN_MAX = 20


@click.command("status", cls=Verb)
@click.option("-s", "--short", is_flag=True, help="A, M or D and the frame, for each that differs.")
@json_option
@pass_console
def status_command(console: Console, short: bool, as_json: bool) -> None:
    """Say where HEAD stands, and what the draft holds that is not committed.

    --json: dataset, dataset_id, version, version_id, state, head, count, content_id, changes.
    """
    version = console.version()
    status = version.status()
    view = version.view()
    if as_json:
        console.out.json(
            {
                "dataset": view.home.dataset_name,
                "dataset_id": version.dataset_id,
                "version": version.name,
                "version_id": version.id,
                "state": status.state,
                "head": status.head,
                "count": len(view),
                "content_id": view.content_id,
                "changes": changes_json(status.changes),
            }
        )
        return
    if short:
        for frame in _pending(console, version):
            mark, colour = MARKS[frame.kind]
            console.out.line(styled(mark, colour), "  ", frame.frame_id)
        return
    out = console.out
    state = "published" if status.state == "published" else "draft"
    out.line(
        "On ", styled(console.title(version), "bold"), f" ({state}), ", plural(len(view), "frame")
    )
    if status.head is None:
        out.line("No commits yet")
    else:
        info = console.store.commit_info(status.head)
        out.line(
            "Last commit ", styled(status.head[:12], "yellow"), " ", info.message.splitlines()[0]
        )
    empty = status.head is None and not len(view) and not view.get_metadata()
    if status.state != "draft" or empty:
        out.line("Nothing is pending" if state == "draft" else "It does not change any more")
        return
    _print_pending(console, version, summary(status.changes))


def _print_pending(console: Console, version: DatasetVersion, counts: str) -> None:
    out = console.out
    out.line()
    out.line(f"Pending: {counts}")
    out.line('  (use "hyperstore commit" to record it, "hyperstore restore FRAME" to drop it)')
    pending = _pending(console, version)
    shown = list(islice(pending, _SHOWN_MAX))
    for frame in shown:
        _, colour = MARKS[frame.kind]
        out.line("    ", styled(f"{frame.kind + ':':<9} {frame.frame_id}", colour))
    if next(pending, None) is not None:
        out.line("    and more; `hyperstore status --short` lists all")
    old = version.at(version.head).get_metadata() if version.head is not None else {}
    if old != version.get_metadata():
        out.line("    ", styled("metadata of the version", "yellow"))


def _pending(console: Console, version: DatasetVersion) -> Iterator[ChangedFrame]:
    staging = console.store.handle.staging()
    head = version.head
    old = empty_snapshot(staging.nodes) if head is None else version.at(head).snapshot
    return changed_frames(staging, old, version.view().snapshot)
