"""On a terminal: colour, width, progress. A pseudo-terminal stands in for the real one."""

import os
import pty
import re
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.cli import progress
from hyperstore.cli.output import Output
from hyperstore.cli.text import columns_of, folds
from tests.cli.conftest import lines
from tests.support.command import Command, environment, spawn
from tests.support.frames import wire, wires

fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")
_COLOUR = re.compile(r"\x1b\[[0-9]*m")


def on_terminal(
    folder: Path,
    *words: str,
    settings: Mapping[str, str] | None = None,
    columns: int = 80,
    program: Sequence[str] = ("-m", "hyperstore"),
) -> str:
    """Run the command on a terminal of so many columns; return all that it shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, *program, *words],
        cwd=folder,
        env=environment(settings),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 65_536)
        except OSError:  # How Linux says that the other side is closed.
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    process.wait(timeout=60)
    return shown.decode().replace("\r\n", "\n")


def test_colour_goes_to_a_terminal_only(cells: Command, tmp_path: Path) -> None:
    """Files and pipes get plain text, unless it is asked for."""
    assert "\x1b[33m" in on_terminal(tmp_path, "log")
    assert "\x1b" not in on_terminal(tmp_path, "log", settings={"NO_COLOR": "1"})
    assert "\x1b" not in on_terminal(tmp_path, "log", settings={"TERM": "dumb"})
    assert "\x1b" not in on_terminal(tmp_path, "log", "--color", "never")
    assert "\x1b" not in spawn(tmp_path, "log").out
    assert "\x1b[33m" in spawn(tmp_path, "--color", "always", "log").out
    assert "\x1b[33m" in spawn(tmp_path, "log", "--color=always").out
    assert "\x1b[31merror" in on_terminal(tmp_path, "nonsense")


LISTS = [
    "ls",
    "log --oneline",
    "branch",
    "tag",
    "reflog --all",
    "head -n 99",
    "query *:*",
    "sample",
]


@pytest.mark.parametrize("line", LISTS)
def test_lists_fit_80_columns(cells: Command, tmp_path: Path, line: str) -> None:
    """A row that wraps cannot be read down its columns, whatever the names are."""
    wide = wire("猫" * 30, context="文脈" * 40, labels=["猫" * 30, "犬" * 30])
    cells("add", "-", stdin=lines([wide, wire("x" * 200, labels=["y" * 200])]))
    cells("commit", "-m", "A subject that goes on and on, " * 10)
    cells("branch", "a-name-of-some-length")
    cells("tag", "v1", "-m", "Because " * 40)
    for row in _COLOUR.sub("", on_terminal(tmp_path, *line.split())).splitlines():
        if not row.lstrip().startswith("$") and "HEAD ->" not in row:
            assert columns_of(row) <= 80, row


def test_lists_of_views_fit_80_columns(cells: Command, tmp_path: Path) -> None:
    """Names and queries are as long as people make them; --json has them whole."""
    asked = ["--roi", "cell OR " + " OR ".join(f"kind{n}" for n in range(40))]
    cells("add", "-", stdin=lines([wire("y" * 200)]))
    cells("commit", "-m", "Long")
    cells("view", "create", "猫" * 40, "cells@Current", *asked)
    cells("view", "create", "b", "cells@Current", "cells@Current~1", *asked)
    cells("view", "create", "c", "cells@Current")
    for number, name in enumerate(["猫" * 40, "b", "c"]):
        cells("view", "lock", name, "-o", f"{number}.lock")
    for line in ("view list", "view locks", "view diff 0.lock 1.lock", "view diff 1.lock 2.lock"):
        shown = _COLOUR.sub("", on_terminal(tmp_path, *line.split()))
        assert "cell" in shown
        for row in shown.splitlines():
            assert columns_of(row) <= 80, row


QUERIES = [
    *("head -n 99", "query id:*", "sample -n 99", "stats", "stats --roi 猫", "view list"),
    *("view show wide", "view lock wide -o again.lock", "view locks", "view verify wide.lock"),
    *("view diff wide.lock b.lock", "view diff b.lock wide.lock", "stamp model.pt --view wide"),
    *("stamp モデルモデルモデルモデルモデル.pt --lock b.lock", "which model.pt", "which other.pt"),
    *("which モデルモデルモデルモデルモデル.pt", "sql --tables", "query --history id:*"),
    *("query --explain rois.label:cell", "view clone wide another", "view delete another"),
]
SQL = ["select * from frames", "select id, labels, context_id from frames", "select * from rois"]
EACH = """
import sys
from hyperstore.cli.main import main
for line in sys.argv[1:]:
    sys.argv[1:] = line.split(maxsplit=1) if line.startswith("sql s") else line.split()
    try:
        main()
    except SystemExit as end:
        assert end.code in (0, 1), line
"""


@pytest.fixture
def wide(cells: Command, tmp_path: Path) -> Command:
    """Return the command where names, labels and queries are wide."""
    frame = wire("猫" * 30, context="文脈" * 40, labels=["猫" * 30, "犬" * 30], weather="雨" * 60)
    cells("add", "-", stdin=lines([frame, wire("x" * 200, timestamp=10**12, labels=["y" * 200])]))
    cells("commit", "-m", "A subject that goes on and on, " * 10)
    cells("rm", "f003")
    cells("commit", "-m", "主題" * 40)
    roi = " OR ".join(["cell", *("猫" * number for number in range(1, 30))])
    cells("view", "create", "wide", "cells@Current", "--roi", roi, "--label", f"{'猫' * 40}=1")
    cells("view", "create", "名前" * 20, "cells@Current")
    cells("view", "create", "b", "cells@Current", "cells@Current~1", "--roi", roi)
    for name in ("wide", "b"):
        cells("view", "lock", name)
    for name in ("model", "other", "モデル" * 5):
        (tmp_path / f"{name}.pt").write_text(name)
    return cells


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_what_queries_and_views_show_fits_any_terminal(
    wide: Command, tmp_path: Path, columns: int
) -> None:
    """A character of Chinese or Japanese takes two columns, and nobody chose its length."""
    asked = [*QUERIES, *(f"sql {one}" for one in SQL)]
    shown = on_terminal(tmp_path, *asked, columns=columns, program=("-c", EACH))
    rows = _COLOUR.sub("", shown).splitlines()
    assert len(rows) > 150
    assert "Deleted view another" in shown
    assert "Traceback" not in shown
    for row in rows:
        assert columns_of(row) <= columns, row


@pytest.mark.parametrize("line", ["view show wide", "which model.pt", "sql --tables"])
def test_what_is_folded_is_all_there(wide: Command, tmp_path: Path, line: str) -> None:
    """A query of which the end is cut off would be another query."""
    wide("stamp", "model.pt", "--view", "wide")
    shown = _COLOUR.sub("", on_terminal(tmp_path, *line.split(), columns=40))
    assert "".join(shown.split()) == "".join(wide(*line.split()).out.split())


@given(st.text("ab 猫"), st.integers(2, 12), st.integers(0, 6))
def test_folding_drops_nothing_but_a_space_where_it_folds(
    text: str, columns: int, indent: int
) -> None:
    """Whatever the words; with two columns beside the indent every character has room."""
    columns += indent
    places = folds(text, columns, indent)
    assert (places[0][0], places[-1][1]) == (0, len(text))
    for (begin, end), after in pairwise([*places, (len(text), len(text))]):
        assert text[end : after[0]] in ("", " ")
        assert columns_of(text[begin:end]) <= columns - (indent if begin else 0)


def test_a_table_stands_straight_where_the_terminal_knows_ascii_only(
    cells: Command, tmp_path: Path
) -> None:
    """What is shown as an escape takes the columns of the escape; what is cut is marked by `~`."""
    cells("add", "-", stdin=lines([wire("mäh", labels=["é"]), wire("x" * 90)]))
    settings = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    shown = _COLOUR.sub("", on_terminal(tmp_path, "head", "-n", "99", settings=settings))
    title, *rows = shown.splitlines()
    assert any(r"m\xe4h" in row for row in rows)
    assert any("~" in row for row in rows)
    assert shown.isascii()
    at = title.index("context")
    assert all(len(row) <= 80 and row[at - 2 : at] == "  " and row[at] != " " for row in rows)


class _Terminal(Output):
    """An output that takes whatever stderr is for a terminal."""

    def progress_columns(self) -> int | None:
        return 80


@pytest.mark.parametrize("bar", [progress.plain_bar, progress.rich_bar])
def test_work_over_a_second_shows_progress(
    bar: progress.MakeBar, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever waits sees that something is going on, and the line is gone at the end."""
    monkeypatch.setattr(progress, "QUIET_S", -1.0)
    monkeypatch.setattr(progress, "STEP_S", 0.0)
    done = list(progress.counted(_Terminal(), range(2_000), "Adding", 2_000, make_bar=bar))
    assert done == list(range(2_000))
    captured = capsys.readouterr()
    assert captured.out == ""
    if bar is progress.plain_bar:
        assert "\rAdding: 1,999 of 2,000 (99%)" in captured.err
        assert captured.err.endswith("\r\x1b[K\r")


def test_short_work_shows_no_progress(cells: Command, tmp_path: Path) -> None:
    """A line that flashes by tells nothing."""
    (tmp_path / "more.json").write_text(lines(wires(5, start=50)))
    assert "Adding" not in on_terminal(tmp_path, "add", "more.json").replace("Added", "")
