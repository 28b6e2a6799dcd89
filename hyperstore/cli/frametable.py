"""Frames for people and for programs: a table, ids, JSON, or the fields that were asked for."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import islice
from typing import NamedTuple, TypeVar

import click

from hyperstore.cli.complete import complete_wire_fields
from hyperstore.cli.console import Console
from hyperstore.cli.output import styled
from hyperstore.cli.text import columns_of, fit, pad, plural, safe
from hyperstore.dataset.projection import Projection
from hyperstore.dataset.view import Frame
from hyperstore.errors import UsageError

__all__ = ["Form", "Shape", "form_of", "form_options", "print_frames"]

_ROWS = 256  # Shown together, with columns as wide as they need.
_NARROWEST = 8  # Columns of an id, a context or labels that are cut.
_TITLES = ("id", "context", "time", "labels", "size")
_NOTHING = "-"
_Row = tuple[str, str, str, str, str]

T = TypeVar("T")


class Shape(StrEnum):
    """What is printed of a frame."""

    TABLE = "table"
    IDS = "ids"
    JSON = "json"
    FIELDS = "fields"


class Form(NamedTuple):
    """How frames are printed; with `fields`, JSON has these fields only."""

    shape: Shape
    fields: tuple[str, ...] = ()


def form_options(command: Callable[..., T]) -> Callable[..., T]:
    """Add the options that say how frames are printed."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON object a frame a line."),
        click.option(
            "--fields",
            metavar="A,B.C,…",
            shell_complete=complete_wire_fields,
            help="These fields, between tabs; with --json, only these.",
        ),
        click.option("--ids", is_flag=True, help="Only the ids."),
    ):
        command = option(command)
    return command


def form_of(*, ids: bool, as_json: bool, fields: str | None) -> Form:
    """Return what the options mean; UsageError where they contradict each other."""
    if ids and (as_json or fields is not None):
        raise UsageError("--ids prints ids only; leave out --json and --fields, or ask for `id`")
    paths = () if fields is None else tuple(one.strip() for one in fields.split(","))
    if fields is not None:
        Projection(paths)  # Names the path that is none, before anything is looked for.
    if as_json:
        return Form(Shape.JSON, paths)
    return Form(Shape.IDS if ids else Shape.FIELDS if paths else Shape.TABLE, paths)


def print_frames(console: Console, frames: Iterable[Frame], form: Form) -> int:
    """Print frames as they come; return how many there were."""
    source = iter(frames)
    if form.shape is Shape.TABLE:
        return _print_table(console, source)
    count = 0
    whole = Projection(form.fields) if form.fields else None
    each = [Projection([path]) for path in form.fields]
    for frame in source:
        count += 1
        if form.shape is Shape.IDS:
            console.out.line(frame.id)
        elif form.shape is Shape.JSON:
            wire = frame.to_dict()
            console.out.json(wire if whole is None else whole.apply(wire))
        else:
            wire = frame.to_dict()
            cells = [_text(projection.apply(wire)) for projection in each]
            console.out.cells(cells)
    return count


def _text(value: object) -> str:
    """Return what is at the ends of a projection, as text that does not hide which is missing."""
    return ", ".join(_leaves(value)) or _NOTHING


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for held in value.values():
            yield from _leaves(held)
    elif isinstance(value, list):
        for held in value:
            yield from _leaves(held)
    elif isinstance(value, str):
        yield value
    else:
        yield json.dumps(value, allow_nan=False)


def _print_table(console: Console, frames: Iterator[Frame]) -> int:
    columns = console.out.columns
    widths = [0] * len(_TITLES)
    count = 0
    while chunk := list(islice(frames, _ROWS)):
        rows = [_TITLES, *map(_row, chunk)]
        if columns is not None:
            rows, widths = _narrowed(rows, columns), [0] * len(_TITLES)
        widths = [
            max(width, *(columns_of(row[at]) for row in rows)) for at, width in enumerate(widths)
        ]
        if not count:
            console.out.line(styled("  ".join(map(pad, rows[0], widths)).rstrip(), "bold"))
        for row in rows[1:]:
            first, *middle = map(pad, row[:-1], widths)
            console.out.line(
                styled(first, "yellow"), "  ", "  ".join(middle), "  ", styled(row[-1], "dim")
            )
        count += len(chunk)
    return count


def _row(frame: Frame) -> _Row:
    wire = frame.to_dict()
    rois = wire.get("rois")
    counts = Counter(
        str(label)
        for roi in (rois if isinstance(rois, list) else ())
        for label in dict.fromkeys(roi.get("label", ()))
    )
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    labels = ", ".join(name if count == 1 else f"{name} {count:,}" for name, count in ranked)
    context, time = wire.get("context_id"), wire.get("timestamp")
    sources = wire.get("sources")
    assert isinstance(sources, list)
    if context is None:  # Then the frame is ordered by its picture's URI.
        context = str(sources[0].get("uri", "")).rpartition("/")[2]
    return (
        safe(frame.id),
        safe(str(context)) or _NOTHING,
        _NOTHING if time is None else str(time),
        safe(labels) or _NOTHING,
        _size(sources),
    )


def _size(sources: list[dict[str, object]]) -> str:
    if len(sources) > 1:
        return plural(len(sources), "source")
    width, height = sources[0].get("width"), sources[0].get("height")
    return _NOTHING if width is None or height is None else f"{width} x {height}"


def _narrowed(rows: list[_Row], columns: int) -> list[_Row]:
    """Cut labels, contexts, then ids, so that each row stands on one line."""
    widths = [max(columns_of(row[at]) for row in rows) for at in range(5)]
    left = columns - widths[2] - widths[4] - 8
    least = [min(width, _NARROWEST) for width in widths]
    first = min(widths[0], max(least[0], left - least[1] - least[3]))
    context = min(widths[1], max(least[1], (left - first) // 2, left - first - widths[3]))
    labels = max(least[3], left - first - context)
    return [
        (fit(row[0], first), fit(row[1], context), row[2], fit(row[3], labels), row[4])
        for row in rows
    ]
