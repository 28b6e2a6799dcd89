"""`query --history`: the frames that ever fitted, and the commits where that began and ended."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeVar

import click

from hyperstore.cli.asked import Asked
from hyperstore.cli.console import Console
from hyperstore.cli.output import Part, styled
from hyperstore.cli.progress import stages
from hyperstore.cli.text import fit, plural, safe
from hyperstore.errors import UsageError
from hyperstore.ids import CommitId, ObjectId
from hyperstore.query.index.frameindex import FrameIndex
from hyperstore.query.versionsets.history import FrameHistory, Span, history, matcher_of

__all__ = ["history_option", "show_history"]

T = TypeVar("T")

_TITLE_COLUMNS = 50
_BEFORE = len("  from 0123456789ab ")
_LEAST = 12

history_option: Callable[[T], T] = click.option(  # type: ignore[assignment]
    "--history",
    "is_history",
    is_flag=True,
    help="Frames that ever fitted, and the commits where that began and ended.",
)


def show_history(
    console: Console,
    asked: Asked,
    *,
    as_json: bool = False,
    ids: bool = False,
    is_count: bool = False,
    most: int | None = None,
) -> int:
    """Print the history of one revision; return 1 where nothing ever fitted."""
    if len(asked.points) != 1:
        raise UsageError("--history is of one revision; name one")
    point = asked.points[0]
    handle = console.store.handle
    head = CommitId(ObjectId(bytes.fromhex(point.commit_id())))
    with stages(console.out) as progress:
        FrameIndex.of(handle).refresh(
            lambda done, total: progress("Indexing for the first query", done, total)
        )
    found = history(handle, head, asked.condition, matcher_of(handle, asked.condition))
    if is_count:
        console.out.json({"count": len(found)}) if as_json else console.out.line(str(len(found)))
        return int(not found)
    titles = _Titles(console)
    for one in islice(found, most):
        if as_json:
            console.out.json(_json(one))
        elif ids:
            console.out.line(one.frame_id)
        else:
            for parts in _lines(console, one, titles):
                console.out.folded(*parts, indent=7)
    if most is not None and most < len(found) and not as_json and not ids:
        console.out.note(f"{most:,} of {plural(len(found), 'frame')}")
    if point.is_version and point.version.status().state == "draft":
        console.out.note("what is pending is in no commit, and so not in this history")
    return int(not found)


class _Titles:
    """Commits as they are shown: the start of the id, and the first line of the message."""

    def __init__(self, console: Console) -> None:
        self._store = console.store
        self._known: dict[str, str] = {}
        columns = console.out.columns
        left = _TITLE_COLUMNS if columns is None else max(_LEAST, columns - _BEFORE)
        self._columns = min(_TITLE_COLUMNS, left)

    def parts(self, commit: str, done_in: str | None) -> Iterator[Part]:
        yield styled(commit[:12], "yellow")
        yield f" {self._title(commit)}"
        if done_in is not None:
            yield ", by "
            yield styled(done_in[:12], "yellow")
            yield f" {self._title(done_in)}"

    def _title(self, commit: str) -> str:
        if commit not in self._known:
            message = self._store.commit_info(commit).message
            self._known[commit] = fit(safe(message.splitlines()[0]), self._columns)
        return self._known[commit]


def _lines(console: Console, one: FrameHistory, titles: _Titles) -> Iterator[list[Part]]:
    columns, name = console.out.columns, safe(one.frame_id)
    name = name if columns is None else fit(name, columns)
    yield [styled(name, "green" if one.fits_now else "red")]
    for span in one.spans:
        cut = " or earlier, history ends there" if span.is_cut else ""
        yield ["  from ", *titles.parts(span.began, span.began_in), cut]
        if span.ended is not None:
            yield ["  to   ", *titles.parts(span.ended, span.ended_in)]


def _json(one: FrameHistory) -> dict[str, object]:
    return {
        "id": one.frame_id,
        "fits_now": one.fits_now,
        "spans": [_span(span) for span in one.spans],
    }


def _span(span: Span) -> dict[str, object]:
    return {
        "began": span.began,
        "ended": span.ended,
        "began_in": span.began_in,
        "ended_in": span.ended_in,
        "is_cut": span.is_cut,
    }
