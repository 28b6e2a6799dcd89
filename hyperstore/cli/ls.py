"""`ls`: frames in order."""

from collections.abc import Iterator, Mapping
from itertools import islice

import click

from hyperstore.cli.complete import complete_revisions
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.output import styled
from hyperstore.cli.text import columns_of, fit, pad, plural, safe
from hyperstore.cli.verb import Number, Verb, json_option
from hyperstore.dataset.view import Frame, View

__all__ = ["ls_command"]

_Row = tuple[str, str, str, str]
_ROWS = 256  # Shown together, with columns as wide as they need.


@click.command("ls", cls=Verb)
@click.argument("revision", metavar="[REV]", required=False, shell_complete=complete_revisions)
@click.option("-n", "most", type=Number(), metavar="N", help="At most so many.")
@click.option("--skip", type=Number(), default=0, metavar="N", help="Pass over so many.")
@click.option("--context", metavar="NAME", help="Frames of one context.")
@click.option("-r", "--reverse", is_flag=True, help="The last first.")
@click.option("-l", "--long", "is_long", is_flag=True, help="With the URI of the first source.")
@click.option("--name-only", is_flag=True, help="Only the ids.")
@json_option
@pass_console
def ls_command(
    console: Console,
    revision: str | None,
    most: int | None,
    skip: int,
    context: str | None,
    reverse: bool,
    is_long: bool,
    name_only: bool,
    as_json: bool,
) -> None:
    """List frames ordered by context, timestamp and id.

    Columns: id, context, timestamp (ms), number of ROIs. Of a draft the frames as they are now, of
    a commit or tag as it recorded them. --json: the frame in the wire form, which `add -` reads.
    """
    view = console.point(revision).view()
    chosen = _chosen(view, context, skip, most, reverse=reverse)
    if as_json:
        for frame in chosen:
            console.out.json(frame.to_dict())
    elif name_only:
        for frame in chosen:
            console.out.line(frame.id)
    else:
        _list(console, chosen, is_long=is_long)


def _chosen(
    view: View, context: str | None, skip: int, most: int | None, *, reverse: bool
) -> Iterator[Frame]:
    """Return the frames to list; of all contexts, those passed over are not even read."""
    if context is not None:
        frames = view.get_iterator(context=context, reverse=reverse)
        return islice(frames, skip, None if most is None else skip + most)
    count = len(view)
    first, last = min(skip, count), count if most is None else min(skip + most, count)
    if reverse:
        first, last = count - last, count - first
    return view.get_iterator(start=first, stop=last, reverse=reverse) if first < last else iter(())


def _list(console: Console, frames: Iterator[Frame], *, is_long: bool) -> None:
    columns = console.out.columns
    widths = [0, 0, 0]
    while chunk := list(islice(frames, _ROWS)):
        rows = [_row(frame) for frame in chunk]
        if columns is not None:
            rows, widths = _narrowed(rows, columns), [0, 0, 0]
        widths = [
            max(width, *(columns_of(row[at]) for row in rows)) for at, width in enumerate(widths)
        ]
        for row, frame in zip(rows, chunk, strict=True):
            first, context, time = (pad(cell, widths[at]) for at, cell in enumerate(row[:3]))
            console.out.line(
                styled(first, "yellow"), "  ", context, "  ", time, "  ", styled(row[3], "dim")
            )
            if is_long:
                console.out.line("    ", safe(_uri(frame.to_dict())))


def _row(frame: Frame) -> _Row:
    wire = frame.to_dict()
    rois = wire.get("rois")
    count = len(rois) if isinstance(rois, list) else 0
    context, time = wire.get("context_id"), wire.get("timestamp")
    if context is None:  # Then the frame is ordered by its picture's URI.
        context = _uri(wire).rpartition("/")[2]
    return (
        safe(frame.id),
        safe(str(context)) or "-",
        "-" if time is None else str(time),
        plural(count, "ROI"),
    )


def _narrowed(rows: list[_Row], columns: int) -> list[_Row]:
    """Cut contexts, then ids, so that each row stands on one line."""
    widths = [max(columns_of(row[at]) for row in rows) for at in range(4)]
    left = columns - widths[2] - widths[3] - 6
    id_width = min(widths[0], max(8, left - min(8, widths[1])))
    context_width = min(widths[1], max(8, left - id_width))
    return [
        (fit(first, id_width), fit(context, context_width), time, rois)
        for first, context, time, rois in rows
    ]


def _uri(wire: Mapping[str, object]) -> str:
    sources = wire.get("sources")
    first = sources[0] if isinstance(sources, list) and sources else {}
    return str(first.get("uri", "")) if isinstance(first, dict) else ""
