"""Statistics as one HTML file: tables and bars, without scripts, pictures or anything from outside.

Whatever comes from data is escaped, and the page forbids itself to load or run anything.
"""

from collections.abc import Iterable, Iterator
from html import escape

from hyperstore.cli.text import safe
from hyperstore.media.chart import Bars, Chart, Grid

__all__ = ["page"]

_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(30rem, 1fr)); gap: 1.5rem }
section { border-top: 1px solid #8888; padding-top: .5rem; overflow-x: auto }
h1 { font-size: 1.4rem } h2 { font-size: 1.05rem; margin: 0 }
p { margin: .1rem 0 .5rem; opacity: .7 }
table { border-collapse: collapse; width: 100% }
th { font-weight: 600; text-align: left; opacity: .7 }
td, th { padding: .1rem .5rem .1rem 0; vertical-align: middle; overflow-wrap: anywhere }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
td.b { width: 40% } td.b span { background: #2e86c1; display: block; height: .75rem }
table.g { width: auto } table.g td { height: 1.5rem; padding: 0 .2rem; text-align: center }
table.g th.c { writing-mode: vertical-rl; transform: rotate(180deg) }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(title: str, line: str, charts: Iterable[Chart]) -> str:
    """Return the page."""
    return "".join(_parts(title, line, charts))


def _parts(title: str, line: str, charts: Iterable[Chart]) -> Iterator[str]:
    yield "<!DOCTYPE html>\n"
    yield '<html lang="en"><head><meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<title>{_text(title)}</title><style>{_STYLE}</style></head>\n"
    yield f"<body><h1>{_text(title)}</h1><p>{_text(line)}</p><main>\n"
    for chart in charts:
        yield f"<section><h2>{_text(chart.title)}</h2>"
        yield f"<p>{_text(chart.note)}</p>" if chart.note else ""
        yield from _bars(chart) if isinstance(chart, Bars) else _grid(chart)
        yield "</section>\n"
    yield "</main></body></html>\n"


def _bars(chart: Bars) -> Iterator[str]:
    most = max((bar.count for bar in chart.bars), default=0) or 1
    yield f'<table><tr><th scope="col">{_text(chart.names)}</th><th></th><th></th><th></th></tr>\n'
    for bar in chart.bars:
        share = 100 * bar.count / most
        yield f'<tr><th scope="row">{_text(bar.name)}</th><td class="n">{bar.count:,}</td>'
        yield f'<td class="b"><span style="width:{share:.2f}%"></span></td>'
        yield f"<td>{_text(bar.said)}</td></tr>\n"
    yield "</table>"


def _grid(chart: Grid) -> Iterator[str]:
    most = max((count for row in chart.counts for count in row), default=0) or 1
    yield '<table class="g"><tr><th></th>'
    for name in chart.names:
        yield f'<th class="c" scope="col">{_text(name)}</th>'
    yield "</tr>\n"
    for name, row in zip(chart.names, chart.counts, strict=True):
        yield f'<tr><th scope="row">{_text(name)}</th>'
        for count in row:
            share = 0.0 if not count else 0.1 + 0.7 * (count / most) ** 0.5
            yield f'<td style="background:rgb(46 134 193 / {share:.2f})">{count:,}</td>'
        yield "</tr>\n"
    yield "</table>"


def _text(text: str) -> str:
    """Return text from data: no markup, and no character that turns the line or cannot be seen."""
    return escape(safe(text))
