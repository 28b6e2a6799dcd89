"""Progress of work over a second, on a terminal's stderr: by rich where installed, else plainly."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from hyperstore.cli.output import Output
from hyperstore.cli.text import fit

__all__ = ["MakeBar", "counted", "plain_bar", "rich_bar", "stages"]

QUIET_S = 1.0  # Work shorter than this shows nothing.
STEP_S = 0.1

T = TypeVar("T")


class Bar(Protocol):
    """What shows progress until it is closed."""

    def update(self, what: str, done: int, total: int | None) -> None: ...

    def close(self) -> None: ...


MakeBar = Callable[[Output, int], Bar]
"""Makes a bar for an output of so many columns."""


class _PlainBar:
    """One line that is written over."""

    def __init__(self, output: Output, columns: int) -> None:
        self._output = output
        self._columns = columns
        self._start = time.monotonic()

    def update(self, what: str, done: int, total: int | None) -> None:
        share = f" of {total:,} ({done * 100 // total}%)" if total else ""
        rate = done / max(0.001, time.monotonic() - self._start)
        text = f"{what}: {done:,}{share}, {rate:,.0f}/s"
        self._output.overwrite(fit(text, self._columns - 1))

    def close(self) -> None:
        self._output.overwrite("", end=True)


class _RichBar:
    """A bar with the time left. Made only once rich has been found."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("", total=None)
        self._progress.start()

    def update(self, what: str, done: int, total: int | None) -> None:
        self._progress.update(self._task, description=what, completed=done, total=total)

    def close(self) -> None:
        self._progress.stop()


class _Meter:
    """Shows a bar once the work has lasted long enough, and updates it now and then."""

    def __init__(self, output: Output, make_bar: MakeBar) -> None:
        self._output = output
        self._make_bar = make_bar
        self._columns = output.progress_columns()
        self._next = time.monotonic() + QUIET_S
        self._bar: Bar | None = None

    def tick(self, what: str, done: int, total: int | None) -> None:
        if self._columns is None or time.monotonic() < self._next:
            return
        if self._bar is None:
            self._bar = self._make_bar(self._output, self._columns)
        self._bar.update(what, done, total)
        self._next = time.monotonic() + STEP_S

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def rich_bar(output: Output, columns: int) -> Bar:
    """Return a bar with the time left where rich is installed, else a plain one."""
    try:
        return _RichBar()
    except ImportError:
        return _PlainBar(output, columns)


def plain_bar(output: Output, columns: int) -> Bar:
    """Return a bar that needs nothing."""
    return _PlainBar(output, columns)


def counted(
    output: Output,
    items: Iterable[T],
    what: str,
    total: int | None = None,
    *,
    make_bar: MakeBar = rich_bar,
) -> Iterator[T]:
    """Yield the items, and show how many there were so far."""
    meter = _Meter(output, make_bar)
    try:
        for done, item in enumerate(items):
            meter.tick(what, done, total)
            yield item
    finally:
        meter.close()


@contextmanager
def stages(output: Output) -> Iterator["Stages"]:
    """Give what work that reports stages by itself can call."""
    meter = _Meter(output, rich_bar)
    try:
        yield Stages(meter)
    finally:
        meter.close()


class Stages:
    """Called with what is being done, how far it is, and how far it will go (0: not known)."""

    def __init__(self, meter: _Meter) -> None:
        self._meter = meter

    def __call__(self, what: str, done: int, total: int) -> None:
        self._meter.tick(what, done, total or None)
