"""Charts on a terminal: names, numbers and bars, within its columns."""

import sys
from collections.abc import Iterable

from hyperstore.cli.output import Output, styled
from hyperstore.cli.text import columns_of, fit, pad, safe
from hyperstore.media.chart import Bars, Chart

__all__ = ["print_charts"]

_COLUMNS = 80  # Where nothing tells how wide it is.
_NAME_SHARE = 0.45
_BAR_MIN = 6
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def print_charts(out: Output, charts: Iterable[Chart]) -> None:
    """Print the charts made of bars, below each other."""
    columns = out.columns or _COLUMNS
    for chart in charts:
        if isinstance(chart, Bars):
            _print(out, chart, columns)


def _print(out: Output, chart: Bars, columns: int) -> None:
    out.line()
    note = fit(safe(chart.note), max(1, columns - columns_of(chart.title) - 3))
    out.line(styled(chart.title, "bold"), "  " if note else "", styled(note, "dim"))
    most = max(bar.count for bar in chart.bars) or 1
    counts = [f"{bar.count:,}" for bar in chart.bars]
    said = [safe(bar.said) for bar in chart.bars]
    right = max(map(len, counts))
    words = max(map(columns_of, said))
    names = [fit(safe(bar.name), max(8, int(columns * _NAME_SHARE))) for bar in chart.bars]
    left = max(map(columns_of, names))
    room = columns - left - right - 7 - (words + 2 if words else 0)
    if room < _BAR_MIN:
        words, room = 0, columns - left - right - 7
    for bar, name, count, more in zip(chart.bars, names, counts, said, strict=True):
        drawn = _bar(bar.count / most, max(1, room))
        line = f"  {pad(name, left)}  {count.rjust(right)}"
        if words:
            line += f"  {pad(more, words)}"
        out.line(f"{line}  " if drawn else line.rstrip(), styled(drawn, "blue"))


def _bar(share: float, columns: int) -> str:
    if not _has_blocks():
        return "#" * max(round(share * columns), share > 0)
    eighths = max(round(share * columns * 8), 1 if share else 0)
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def _has_blocks() -> bool:
    """Whether the output can say the characters that bars are made of."""
    try:
        _EIGHTHS.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
