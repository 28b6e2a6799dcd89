"""What a query asks, what is read to answer it, and how long that takes."""

import time

from hyperstore.cli.asked import Asked
from hyperstore.cli.console import Console
from hyperstore.cli.output import styled
from hyperstore.cli.text import columns_of, pad, plural
from hyperstore.query.canonical import text_of
from hyperstore.query.expression import EVERYTHING, Condition, Scope
from hyperstore.query.index import FrameIndex
from hyperstore.query.selection import Selection
from hyperstore.query.since import since
from hyperstore.query.versionset import version_set

__all__ = ["explain"]

_FIRST = 1_000


def explain(console: Console, asked: Asked, selection: Selection, *, as_json: bool) -> int:
    """Print it; return the exit code, as of the query itself."""
    rows = {"asks": _asks(asked.condition), "of": _of(console, asked)}
    rows |= _costs(console, asked)
    start = time.perf_counter()
    count = len(selection)
    selection.frame_ids(0, min(_FIRST, count))
    rows["found"] = plural(count, "frame")
    rows["first thousand"] = _ms(time.perf_counter() - start)
    if as_json:
        console.out.json(dict(rows))
        return int(count == 0)
    width = max(map(columns_of, rows))
    for name, said in rows.items():
        for at, line in enumerate(said.split("\n")):
            console.out.line(styled(pad("" if at else name, width), "bold"), "  ", line)
    return int(count == 0)


def _asks(condition: Condition) -> str:
    """Return the query as it was understood, a line for each part."""
    lines = []
    if condition.frame != EVERYTHING:
        lines.append(f"frame: {text_of(condition.frame)}")
    if condition.source is not None:
        lines.append(f"source: {text_of(condition.source, Scope.SOURCE)}")
    for rule in condition.rois:
        least, most = rule.count
        said = f"ROI: {text_of(rule.node, Scope.ROI)}"
        if rule.must_not:
            said = f"no {said}"
        elif (least, most) != (1, None):
            said += f", {least} to {'any number' if most is None else most} of them"
        if rule.confidence is not None:
            low, high = rule.confidence
            said += f", confidence {low:g} to {high:g}"
        lines.append(said)
    return "\n".join(lines) or "all frames"


def _of(console: Console, asked: Asked) -> str:
    return "\n".join(
        f"{console.title(point.version)}, {plural(len(point.view()), 'frame')}"
        for point in asked.points
    )


def _costs(console: Console, asked: Asked) -> dict[str, str]:
    """Return what the index reads for each revision, and the time of both steps."""
    handle = console.store.handle
    index = FrameIndex.of(handle)
    totals = {"segments": 0, "columns": 0, "column_bytes": 0, "frames_decoded": 0}
    sets = finds = 0.0
    for point in asked.points:
        view = point.view()
        start = time.perf_counter()
        members = version_set(handle, view.snapshot).members
        between = time.perf_counter()
        index.find(asked.condition, members, since(handle, view, asked.condition).given)
        sets += between - start
        finds += time.perf_counter() - between
        for name in totals:
            totals[name] += getattr(index.costs, name)
    return {
        "index": f"{plural(totals['columns'], 'column')} of {plural(totals['segments'], 'segment')}"
        f", {totals['column_bytes']:,} bytes; {plural(totals['frames_decoded'], 'frame')} decoded",
        "version": _ms(sets),
        "search": _ms(finds),
    }


def _ms(duration_s: float) -> str:
    return f"{duration_s * 1e3:,.1f} ms"
