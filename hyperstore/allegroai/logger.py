"""Logger: what a program reports. Text is printed, numbers are kept beside the run, in bounds.

They lie as JSON lines in the run's folder, `events.jsonl`, one for each report. Pictures, tables
and plots are not drawn: what is kept is that they were reported, and the files that were named.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import SupportsIndex

from hyperstore.allegroai.destination import run_folder
from hyperstore.allegroai.taskrecord import TaskRecord
from hyperstore.dataset.arguments import documented
from hyperstore.errors import HyperstoreError
from hyperstore.limits import RUN_EVENTS_BYTES_MAX, RUN_NUMBERS_CHARS_MAX, RUN_TEXT_MAX
from hyperstore.storage.host import now_ms

__all__ = ["EVENTS_FILE", "Logger", "current_record"]

EVENTS_FILE = "events.jsonl"
current_record: list[Callable[[], TaskRecord | None]] = []
"""What knows the current task; given from above."""

_full: list[bool] = []


class Logger:
    """Reports to one task; without one, to nowhere but the screen."""

    def __init__(self, task: TaskRecord | None = None) -> None:
        self._task = task

    @classmethod
    def current_logger(cls) -> "Logger":
        """Return the logger of the current task."""
        return cls(current_record[0]() if current_record else None)

    @documented
    def report_scalar(self, title: str, series: str, value: float, iteration: int) -> None:
        """Keep one number of a series."""
        self._keep("scalar", title, series, iteration, value=float(value))

    @documented
    def report_single_value(self, name: str, value: float) -> None:
        """Keep one number."""
        self._keep("value", name, "", None, value=float(value))

    @documented
    def report_text(
        self, msg: str, level: int | None = None, print_console: bool = True, *args: object
    ) -> None:
        """Print a line, and keep it."""
        text = str(msg) % args if args else str(msg)
        if print_console:
            sys.stdout.write(f"{text}\n")
        self._keep("text", "", "", None, text=text[:RUN_TEXT_MAX])

    @documented
    def report_image(
        self,
        title: str,
        series: str,
        iteration: int | None = None,
        local_path: str | None = None,
        image: object = None,
        matrix: object = None,
        max_image_history: int | None = None,
        delete_after_upload: bool = False,
        url: str | None = None,
    ) -> None:
        """Keep that there was a picture, and its file where one is named."""
        held = image if image is not None else matrix
        shape = getattr(held, "shape", None) or getattr(held, "size", None)
        size = None if shape is None or isinstance(shape, int) else [int(one) for one in shape]
        self._keep("image", title, series, iteration, path=local_path or url, size=size)

    @documented
    def report_media(
        self,
        title: str,
        series: str,
        iteration: int | None = None,
        local_path: str | None = None,
        stream: object = None,
        file_extension: str | None = None,
        max_history: int | None = None,
        delete_after_upload: bool = False,
        url: str | None = None,
    ) -> None:
        """Keep that there was a file, and which."""
        self._keep("media", title, series, iteration, path=local_path or url)

    @documented
    def report_histogram(
        self,
        title: str,
        series: str,
        values: object,
        iteration: int | None = None,
        labels: object = None,
        xlabels: object = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        mode: str | None = None,
        data_args: Mapping[str, object] | None = None,
        extra_layout: Mapping[str, object] | None = None,
    ) -> None:
        """Keep the numbers of a histogram."""
        self._keep("histogram", title, series, iteration, values=_numbers(values))

    @documented
    def report_confusion_matrix(
        self,
        title: str,
        series: str,
        matrix: object,
        iteration: int | None = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        xlabels: object = None,
        ylabels: object = None,
        yaxis_reversed: bool = False,
        comment: str | None = None,
        extra_layout: Mapping[str, object] | None = None,
    ) -> None:
        """Keep the numbers of a matrix."""
        self._keep("matrix", title, series, iteration, values=_numbers(matrix))

    @documented
    def report_table(
        self,
        title: str,
        series: str,
        iteration: int | None = None,
        table_plot: object = None,
        csv: str | None = None,
        url: str | None = None,
        extra_layout: Mapping[str, object] | None = None,
    ) -> None:
        """Keep that there was a table, and its rows where they are lists."""
        self._keep("table", title, series, iteration, values=_numbers(table_plot), path=csv or url)

    @documented
    def report_vector(
        self,
        title: str,
        series: str,
        values: object,
        iteration: int | None = None,
        labels: object = None,
        xlabels: object = None,
        xaxis: str | None = None,
        yaxis: str | None = None,
        mode: str | None = None,
        extra_layout: Mapping[str, object] | None = None,
    ) -> None:
        """Keep the numbers of a histogram."""
        self.report_histogram(title, series, values, iteration)

    def report_scatter2d(
        self, title: str, series: str, scatter: object, iteration: int | None = None, **how: object
    ) -> None:
        """Keep the points of a plot; how they were to be drawn is not kept, here and below."""
        self._keep("scatter2d", title, series, iteration, values=_numbers(scatter))

    def report_scatter3d(
        self, title: str, series: str, scatter: object, iteration: int | None = None, **how: object
    ) -> None:
        """Keep the points of a plot."""
        self._keep("scatter3d", title, series, iteration, values=_numbers(scatter))

    def report_surface(
        self, title: str, series: str, matrix: object, iteration: int | None = None, **how: object
    ) -> None:
        """Keep the numbers of a surface."""
        self._keep("surface", title, series, iteration, values=_numbers(matrix))

    def report_line_plot(
        self,
        title: str,
        series: Sequence[object],
        xaxis: str = "",
        yaxis: str = "",
        mode: str = "lines",
        iteration: int | None = None,
        **how: object,
    ) -> None:
        """Keep the lines of a plot: each a dict with `name` and `data`, or an object with these."""
        for one in series:
            said = one if isinstance(one, Mapping) else vars(one)
            self._keep(
                "line", title, str(said.get("name")), iteration, values=_numbers(said.get("data"))
            )

    def report_plotly(
        self, title: str, series: str, figure: object, iteration: int | None = None
    ) -> None:
        """Keep that there was a plot."""
        self._keep("plot", title, series, iteration)

    def report_matplotlib_figure(
        self,
        title: str,
        series: str,
        figure: object,
        iteration: int | None = None,
        report_image: bool = False,
        report_interactive: bool = True,
    ) -> None:
        """Keep that there was a plot."""
        self._keep("plot", title, series, iteration)

    def flush(self, wait: bool = False) -> bool:
        """Do nothing: each report is written when it is made."""
        return True

    def set_default_upload_destination(self, uri: str) -> None:
        """Do nothing: files stay where they are."""

    def _keep(
        self, kind: str, title: str, series: str, iteration: int | None, **said: object
    ) -> None:
        """Append a line, which one write makes whole, whoever else appends."""
        task = self._task
        if task is None or task.folder is None or _full:
            return
        event: dict[str, object] = {"time": now_ms(), "kind": kind, "title": str(title)}
        event |= {"series": str(series), "iteration": _counted(iteration, task)}
        event |= {name: value for name, value in said.items() if value is not None}
        line = json.dumps(event, default=str).encode() + b"\n"
        try:
            path = run_folder(task.folder, task.id) / EVENTS_FILE
            _append(path, line)
        except (OSError, HyperstoreError) as error:
            _give_up(f"reports are not kept any more: {error}")


def _counted(iteration: object, task: TaskRecord) -> object:
    """Return an iteration as a number, NumPy's too, counted from where the task begins."""
    if not isinstance(iteration, SupportsIndex):
        return iteration
    return iteration.__index__() + task.get_initial_iteration()


def _append(path: Path, line: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        if os.fstat(handle).st_size + len(line) > RUN_EVENTS_BYTES_MAX:
            _give_up(f"{path} is full; later reports are not kept")
            return
        os.write(handle, line)
    finally:
        os.close(handle)


def _give_up(said: str) -> None:
    _full.append(True)
    import logging

    logging.getLogger("hyperstore").warning("%s", said)


def _numbers(values: object) -> object:
    """Return numbers as lists; None for what is no list of them, or too long a one."""
    plain: object = values.tolist() if hasattr(values, "tolist") else values
    is_short = (
        isinstance(plain, list) and len(json.dumps(plain, default=str)) <= RUN_NUMBERS_CHARS_MAX
    )
    return plain if is_short else None
