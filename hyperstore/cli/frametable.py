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
_ID, _CONTEXT, _TIME, _LABELS, _SIZE = range(5)
_CUT = (_ID, _CONTEXT, _LABELS)
_COLOURS = {_ID: "yellow", _SIZE: "dim"}
_GAP = 2
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
    kept = list(range(len(_TITLES)))
    widths = [0] * len(_TITLES)
    count = 0
    while chunk := list(islice(frames, _ROWS)):
        rows = [_TITLES, *map(_row, chunk)]
        if columns is not None:
            if not count:
                kept = _kept(rows, columns)
            rows, widths = _narrowed(rows, kept, columns), [0] * len(_TITLES)
        widths = [
            max(width, *(columns_of(row[at]) for row in rows)) for at, width in enumerate(widths)
        ]
        for number, row in enumerate(rows):
            cells = [pad(row[at], widths[at]) for at in kept]
            cells[-1] = row[kept[-1]]
            if not number:
                if not count:
                    console.out.line(styled("  ".join(cells).rstrip(), "bold"))
                continue
            styles = [_COLOURS.get(at, "") for at in kept]
            parts = [styled(cell, style) for cell, style in zip(cells, styles, strict=True)]
            console.out.line(parts[0], *(one for part in parts[1:] for one in ("  ", part)))
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


def _least(rows: list[_Row], kept: list[int]) -> list[int]:
    """Return how many columns each needs: all of it where it holds what is not cut."""
    wanted = [max(columns_of(row[at]) for row in rows) for at in kept]
    return [
        min(width, _NARROWEST) if at in _CUT else width
        for at, width in zip(kept, wanted, strict=True)
    ]


def _kept(rows: list[_Row], columns: int) -> list[int]:
    """Return what a narrow terminal has room for: without the size, then the time, then more."""
    kept = list(range(len(_TITLES)))
    for at in (_SIZE, _TIME, _CONTEXT):
        if sum(_least(rows, kept)) + _GAP * (len(kept) - 1) <= columns:
            break
        kept.remove(at)
    return kept


def _narrowed(rows: list[_Row], kept: list[int], columns: int) -> list[_Row]:
    """Cut labels, contexts, then ids, so that each row stands on one line."""
    widths = [max(columns_of(row[at]) for row in rows) for at in range(len(_TITLES))]
    least = dict(zip(kept, _least(rows, kept), strict=True))
    left = columns - _GAP * (len(kept) - 1) - sum(least.get(at, 0) for at in (_TIME, _SIZE))
    first = min(widths[_ID], max(least[_ID], left - least.get(_CONTEXT, 0) - least[_LABELS]))
    context = 0
    if _CONTEXT in kept:
        context = max(least[_CONTEXT], (left - first) // 2, left - first - widths[_LABELS])
        context = min(widths[_CONTEXT], context)
    room = {_ID: first, _CONTEXT: context, _LABELS: max(least[_LABELS], left - first - context)}
    return [
        (
            fit(row[_ID], room[_ID]),
            fit(row[_CONTEXT], room[_CONTEXT]),
            row[_TIME],
            fit(row[_LABELS], room[_LABELS]),
            row[_SIZE],
        )
        for row in rows
    ]
