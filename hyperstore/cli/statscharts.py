"""Statistics as charts: what stands in which bar, and in which words."""

from collections.abc import Callable, Iterable, Mapping

from hyperstore.cli.text import plural
from hyperstore.limits import STATS_GRID
from hyperstore.media.chart import Bar, Bars, Chart, Grid
from hyperstore.query.statistics.report import Statistics
from hyperstore.query.statistics.tally import Bin, Spread

__all__ = ["charts_of", "head_line"]

_KINDS = {
    "b2d": "box",
    "b3d": "box in space",
    "elp": "ellipse",
    "im": "label of the frame",
    "k2d": "key points",
    "k3d": "key points in space",
    "mask": "mask",
    "p2d": "polygon",
    "p3d": "polygon in space",
}
_SIZES = {"small": "below 32 x 32", "medium": "below 96 x 96", "large": "above"}
_COUNT_GROUPS = (0, 1, 2, 3, 4, 5, 6, 8, 11, 16, 21, 31, 51, 101, 201, 501, 1001)


def head_line(statistics: Statistics) -> str:
    """Return how much was counted, in one line."""
    groups = f", {plural(statistics.groups, 'group')} of them" if statistics.groups else ""
    return (
        f"{plural(statistics.frames, 'frame')}{groups}, {plural(statistics.rois, 'ROI')}, "
        f"{statistics.annotated:,} annotated, {plural(statistics.contexts, 'context')}"
    )


def charts_of(statistics: Statistics, rows: int) -> list[Chart]:
    """Return the charts that have something to show, of so many rows at most."""
    charts: list[Chart] = [
        _labels(statistics, rows),
        _rois_a_frame(statistics),
        _spread("Confidence", "", statistics.confidence, f"{statistics.unsure:,} without one"),
        _sizes(statistics),
        _spread("Width", "pixels", statistics.width),
        _spread("Height", "pixels", statistics.height),
        _areas(statistics.area),
        _spread("Aspect", "width / height", statistics.aspect),
        _named("Kinds", "kind", ((_kind(name), n) for name, n in statistics.kinds.items()), rows),
        _contexts(statistics, rows),
        _sources(statistics, rows),
        _named("Types of content", "type", statistics.content_types.items(), rows),
        _named("Sizes of pictures", "pixels", statistics.picture_sizes.items(), rows),
        _pairs(statistics, rows),
        _grid(statistics),
    ]
    return [
        chart
        for chart in charts
        if (chart.bars if isinstance(chart, Bars) else len(chart.names) > 1)
    ]


def _rest(shown: int, whole: int, others: int = 0) -> str:
    """Say how many rows a chart leaves out."""
    said = f"{whole - shown:,} more" if whole > shown else ""
    together = f"{others:,} under names that are counted together" if others else ""
    return ", ".join(part for part in (said, together) if part)


def _labels(statistics: Statistics, rows: int) -> Bars:
    bars = [
        Bar(one.label, one.rois, f"in {plural(one.frames, 'frame')}")
        for one in statistics.labels[:rows]
    ]
    if statistics.unlabelled:
        bars.append(Bar("(no label)", statistics.unlabelled))
    said = _rest(min(rows, len(statistics.labels)), len(statistics.labels))
    said = ", ".join(part for part in ("ROIs", said) if part)
    return Bars("Labels", "label", tuple(bars), said)


def _named(title: str, names: str, counts: Iterable[tuple[str, int]], rows: int) -> Bars:
    listed = list(counts)
    bars = tuple(Bar(name, count) for name, count in listed[:rows])
    return Bars(title, names, bars, _rest(len(bars), len(listed)))


def _kind(name: str) -> str:
    return f"{_KINDS[name]} ({name})" if name in _KINDS else name


def _rois_a_frame(statistics: Statistics) -> Bars:
    found = statistics.rois_a_frame
    if not found:
        return Bars("ROIs a frame", "ROIs", ())
    most = max(found)
    if most < 12:
        bars = [Bar(str(count), found.get(count, 0)) for count in range(min(found), most + 1)]
    else:
        bars = _grouped(found)
    mean = statistics.rois / statistics.frames
    note = f"frames; {min(found):,} to {most:,}, {mean:,.4g} on average"
    return Bars("ROIs a frame", "ROIs", tuple(bars), note)


def _grouped(found: Mapping[int, int]) -> list[Bar]:
    bars: list[Bar] = []
    for low, high in zip(_COUNT_GROUPS, [*_COUNT_GROUPS[1:], None], strict=True):
        inside = [
            n for count, n in found.items() if count >= low and (high is None or count < high)
        ]
        last = None if high is None else high - 1
        name = f"{low:,} on" if high is None else f"{low}" if last == low else f"{low} to {last}"
        bars.append(Bar(name, sum(inside)))
    return _trimmed(bars)


def _spread(
    title: str,
    names: str,
    spread: Spread,
    more: str = "",
    shown: Callable[[float], str] = lambda edge: f"{edge:,.10g}",
) -> Bars:
    if not spread.count:
        return Bars(title, names, ())
    bars = _trimmed([Bar(_range(one, shown), one.count) for one in spread.bins])
    note = f"ROIs; {_number(spread.least)} to {_number(spread.most)}, "
    note += f"{_number(spread.mean)} on average"
    return Bars(title, names, tuple(bars), f"{note}, {more}" if more else note)


def _areas(spread: Spread) -> Bars:
    return _spread("Area", "pixels", spread, shown=_square)


def _range(one: Bin, shown: Callable[[float], str]) -> str:
    if one.low is None:
        return "all" if one.high is None else f"below {shown(one.high)}"
    return f"{shown(one.low)} on" if one.high is None else f"{shown(one.low)} to {shown(one.high)}"


def _trimmed(bars: list[Bar]) -> list[Bar]:
    """Leave out the empty bars before the first one that is not, and after the last one."""
    full = [at for at, bar in enumerate(bars) if bar.count]
    return bars[full[0] : full[-1] + 1] if full else []


def _number(value: float | None) -> str:
    assert value is not None
    return f"{value:,.4g}" if abs(value) < 1_000 else f"{value:,.0f}"


def _sizes(statistics: Statistics) -> Bars:
    bars = tuple(Bar(f"{name}: {_SIZES[name]}", n) for name, n in statistics.sizes.items())
    if not any(bar.count for bar in bars):
        bars = ()
    more = f"; {statistics.unmeasured:,} without a size" if statistics.unmeasured else ""
    return Bars("Boxes", "area", bars, f"ROIs, by the upright box around each{more}")


def _contexts(statistics: Statistics, rows: int) -> Bars:
    if statistics.context_frames.most in (None, 1):
        return Bars("Contexts", "context", ())  # A frame each: there is nothing to compare.
    bars = tuple(
        Bar(one.context, one.frames, plural(one.rois, "ROI"))
        for one in statistics.largest_contexts[:rows]
    )
    mean = statistics.frames / statistics.contexts
    note = f"frames; {mean:,.4g} on average"
    rest = _rest(len(bars), statistics.contexts)
    return Bars("Contexts", "context", bars, f"{note}, {rest}" if rest else note)


def _sources(statistics: Statistics, rows: int) -> Bars:
    bars = tuple(
        Bar(one.source, one.frames, f"named by {plural(one.rois, 'ROI')}")
        for one in statistics.sources[:rows]
    )
    rest = _rest(len(bars), len(statistics.sources))
    return Bars("Sources", "source", bars, f"frames, {rest}" if rest else "frames")


def _pairs(statistics: Statistics, rows: int) -> Bars:
    bars = tuple(Bar(f"{one} + {two}", n) for one, two, n in statistics.pairs[:rows])
    rest = _rest(len(bars), len(statistics.pairs), statistics.others.get("pairs", 0))
    return Bars("Labels together", "labels", bars, f"frames, {rest}" if rest else "frames")


def _grid(statistics: Statistics) -> Grid:
    """Return how many frames each two of the most frequent labels share."""
    names = [one.label for one in statistics.labels[:STATS_GRID]]
    together = {one.label: {one.label: one.frames} for one in statistics.labels[:STATS_GRID]}
    for one, two, count in statistics.pairs:
        if one in together and two in together:
            together[one][two] = together[two][one] = count
    counts = tuple(tuple(together[one].get(two, 0) for two in names) for one in names)
    return Grid("Labels together, each with each", tuple(names), counts, "frames")


def _square(area: float) -> str:
    """Return an area as the square that has it."""
    return f"{area**0.5:,.10g} x {area**0.5:,.10g}"
