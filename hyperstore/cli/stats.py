"""`stats`: labels, shapes, confidence, contexts and sources of frames."""

from collections.abc import Iterator
from pathlib import Path

import click

from hyperstore.cli.asked import Asked, QueryVerb, Said, asked_of, query_options
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.found import payloads_of, select, title_of
from hyperstore.cli.output import styled
from hyperstore.cli.progress import counted
from hyperstore.cli.statscharts import charts_of, head_line
from hyperstore.cli.statspage import page
from hyperstore.cli.statsprint import print_charts
from hyperstore.cli.verb import Number, json_option
from hyperstore.errors import UsageError
from hyperstore.formats.target import Target
from hyperstore.frames.records import read_whole
from hyperstore.limits import STATS_ROWS, STATS_ROWS_DRAWN
from hyperstore.media.plot import draw_charts
from hyperstore.query.language.match import matching_rois
from hyperstore.query.statistics.counting import Tally
from hyperstore.query.statistics.report import Statistics

__all__ = ["stats_command"]


@click.command("stats", cls=QueryVerb)
@query_options
@click.option("--matching", is_flag=True, help="Of ROIs, count only those that a --roi asks for.")
@click.option(
    "-n",
    "rows",
    type=Number(),
    metavar="N",
    help=f"Rows of a chart ({STATS_ROWS}; {STATS_ROWS_DRAWN} where drawn).",
)
@click.option(
    "--html", metavar="FILE", type=click.Path(path_type=Path), help="Write a page for browsers."
)
@click.option("--png", metavar="FILE", type=click.Path(path_type=Path), help="Draw a picture.")
@json_option
@pass_console
def stats_command(
    console: Console,
    said: Said,
    matching: bool,
    rows: int | None,
    html: Path | None,
    png: Path | None,
    as_json: bool,
) -> None:
    """Count labels, shapes, confidence, contexts and sources of frames.

    Of all frames of a revision, or of those that a query finds (see `query --help`). Sizes are
    those of the upright box around a shape; small, medium and large are COCO's. The page and the
    picture hold all charts, and need nothing from outside. --json: one object with all numbers,
    where a list leaves nothing out but contexts beyond the largest 1,000.
    """
    if as_json and (html or png):
        raise UsageError("--json prints numbers, --html and --png write charts; ask one at a time")
    if matching and not said.rois:
        raise UsageError("--matching counts the ROIs that a --roi asks for: give one")
    if rows == 0:
        raise UsageError("-n 0 would show nothing; -n 1 shows the largest")
    asked = asked_of(console, said)
    statistics = _counted(console, asked, matching=matching)
    if as_json:
        console.out.json(statistics.to_dict())
        return
    title, line = title_of(console, asked), head_line(statistics)
    drawn = charts_of(statistics, rows or STATS_ROWS_DRAWN) if html or png else []
    if html:
        with Target.open(html) as target:
            target.write(page(title, line, drawn))
    if png:
        with Target.open(png) as target:
            target.write_bytes(draw_charts(f"{title}: {line}", drawn))
    if html or png:
        return
    console.out.folded(styled(title, "yellow"), "  ", line)
    print_charts(console.out, charts_of(statistics, rows or STATS_ROWS))


def _counted(console: Console, asked: Asked, *, matching: bool) -> Statistics:
    """Count the frames that are asked for, one after the other."""
    roots = console.store.handle.roots
    tally = Tally()
    total, payloads = _payloads(console, asked)
    for payload in counted(console.out, payloads, "Counting", total):
        if matching:
            tally.add(
                payload, matching_rois(asked.condition, read_whole(payload, what="frame"), roots)
            )
        else:
            tally.add(payload)
    return tally.result(roots)


def _payloads(console: Console, asked: Asked) -> tuple[int, Iterator[bytes]]:
    """Return how many frames there are, and these as they are stored."""
    if asked.is_all and len(asked.points) == 1:  # A version is read as it is, without an index.
        view = asked.points[0].view()
        return len(view), (payload for _, payload in view.payloads())
    selection = select(console, asked)
    return len(selection), payloads_of(console, selection)
