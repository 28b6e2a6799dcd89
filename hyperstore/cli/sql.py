"""`sql`: one SELECT over the frames, ROIs, sources, labels and metadata of a revision."""

import csv
import datetime
import io
import json
import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice

import click

from hyperstore.cli.complete import complete_revisions
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.memory import bounded_memory
from hyperstore.cli.output import Part, styled
from hyperstore.cli.text import columns_of, fit, pad, safe
from hyperstore.cli.verb import Verb, json_option
from hyperstore.errors import UsageError
from hyperstore.limits import SQL_MEMORY_BYTES, SQL_PROCESS_BYTES
from hyperstore.query.sql import Sql, check_statement
from hyperstore.query.tabular.columns import TABLES

__all__ = ["sql_command"]

_Row = tuple[object, ...]
_ROWS = 256  # Shown together, with columns as wide as they need.
_GAP = 2
_NARROWEST = 6  # Columns of a cell that is cut.
_NOTHING = "-"
_MEMORY_BYTES = SQL_MEMORY_BYTES + SQL_PROCESS_BYTES  # The second: what no limit of DuckDB counts.
_NUMBERS = (int, float, Decimal)


@click.command("sql", cls=Verb)
@click.argument("statement", metavar="SELECT", required=False)
@click.option(
    "--at", "revision", metavar="REV", shell_complete=complete_revisions, help="Of a revision."
)
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values, the names first.")
@click.option("--tables", "is_list", is_flag=True, help="List the tables and their columns.")
@json_option
@pass_console
def sql_command(
    console: Console,
    statement: str | None,
    revision: str | None,
    as_csv: bool,
    is_list: bool,
    as_json: bool,
) -> None:
    """Ask one SELECT of DuckDB's SQL, of HEAD's version or of DATASET@VERSION.

    The tables are frames, rois, sources, labels and metadata; a key of the metadata is written
    meta.KEY. Nothing is written, and no file, network or setting can be reached from a statement.
    """
    if as_csv and as_json:
        raise UsageError("give --csv or --json, not both")
    if is_list:
        _list_tables(console, as_json=as_json)
        return
    asked = check_statement(statement or "")
    with Sql(console.point(revision).view()) as database, bounded_memory(_MEMORY_BYTES):
        names, rows = database.run(asked)
        if as_json:
            _print_json(console, names, rows)
        elif as_csv:
            _print_csv(console, names, rows)
        else:
            _print_table(console, names, rows)


def _list_tables(console: Console, *, as_json: bool) -> None:
    out = console.out
    for table in TABLES.values():
        if as_json:
            for column in table.columns:
                row = {"table": table.name, "column": column.name, "type": column.kind}
                out.json(row | {"about": column.about})
            continue
        out.folded(styled(table.name, "bold"), f": {table.about}", indent=4)
        for column in table.columns:
            name = styled(pad(column.name, 16), "yellow")
            out.folded("  ", name, "  ", pad(column.kind, 7), "  ", column.about, indent=29)
        if table.metas is not None:
            name = styled(pad("meta.KEY", 16), "yellow")
            out.folded("  ", name, "  of the metadata, by its type", indent=20)


def _print_json(console: Console, names: Sequence[str], rows: Iterator[_Row]) -> None:
    unique = _unique(names)
    for row in rows:
        console.out.json({name: _plain(held) for name, held in zip(unique, row, strict=True)})


def _print_csv(console: Console, names: Sequence[str], rows: Iterator[_Row]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    while True:
        console.out.exact(text.getvalue())
        text.seek(0)
        text.truncate()
        chunk = list(islice(rows, _ROWS))
        if not chunk:
            return
        writer.writerows(["" if one is None else _text(one) for one in row] for row in chunk)


def _print_table(console: Console, names: Sequence[str], rows: Iterator[_Row]) -> None:
    columns = console.out.columns
    titles = [safe(name) for name in names]
    least = sum(min(columns_of(one), _NARROWEST) + _GAP for one in titles) - _GAP
    if columns is not None and least > columns:
        _print_blocks(console, titles, rows, columns)
        return
    widths = [0] * len(titles)
    is_first = True
    while (chunk := list(islice(rows, _ROWS))) or is_first:
        cells = [[_NOTHING if one is None else safe(_text(one)) for one in row] for row in chunk]
        is_right = [
            all(isinstance(row[at], _NUMBERS) or row[at] is None for row in chunk)
            for at in range(len(titles))
        ]
        wanted = [
            max([columns_of(title), *(columns_of(row[at]) for row in cells)])
            for at, title in enumerate(titles)
        ]
        if columns is None:
            widths = [max(pair) for pair in zip(widths, wanted, strict=True)]
        else:
            widths = _narrowed(wanted, columns)
        if is_first:
            _line(console, titles, widths, is_right, style="bold")
            is_first = False
        for row in cells:
            _line(console, row, widths, is_right)


def _print_blocks(
    console: Console, titles: Sequence[str], rows: Iterator[_Row], columns: int
) -> None:
    """Print each row as lines, a column each: for tables that are too wide for any terminal."""
    wide = min(max(map(columns_of, titles)), columns // 3)
    for number, row in enumerate(rows):
        if number:
            console.out.line("")
        for title, held in zip(titles, row, strict=True):
            text = _NOTHING if held is None else safe(_text(held))
            name = styled(pad(fit(title, wide), wide), "bold")
            console.out.line(name, "  ", fit(text, columns - wide - _GAP))


def _narrowed(wanted: list[int], columns: int) -> list[int]:
    """Take what is too much from the widest columns."""
    widths = list(wanted)
    over = sum(widths) + _GAP * (len(widths) - 1) - columns
    while over > 0:
        widest = max(range(len(widths)), key=widths.__getitem__)
        if widths[widest] <= 1:
            break
        second = max((width for at, width in enumerate(widths) if at != widest), default=1)
        cut = max(1, min(over, widths[widest] - second))
        widths[widest] -= cut
        over -= cut
    return widths


def _line(
    console: Console,
    cells: Sequence[str],
    widths: Sequence[int],
    is_right: Sequence[bool],
    style: str = "",
) -> None:
    parts: list[Part] = []
    for at, (cell, width, right) in enumerate(zip(cells, widths, is_right, strict=True)):
        shown = fit(cell, width)
        blank = " " * (width - columns_of(shown))
        last = at == len(cells) - 1
        text = blank + shown if right else shown if last else shown + blank
        parts += [styled(text, style), "" if last else " " * _GAP]
    console.out.line(*parts)


def _unique(names: Sequence[str]) -> list[str]:
    """Return names that differ: `id`, `id_1`, as DuckDB names columns of data frames."""
    made: list[str] = []
    for name in names:
        number, found = 0, name
        while found in made:
            number += 1
            found = f"{name}_{number}"
        made.append(found)
    return made


def _text(value: object) -> str:
    """Return a value as one cell."""
    plain = _plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _plain(value: object) -> object:
    """Return a value of SQL as one of JSON; what JSON has no numbers for is text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Decimal):
        return float(value) if Decimal(repr(float(value))) == value else str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    return str(value)
