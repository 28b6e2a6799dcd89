"""`sql`, as somebody at a terminal meets it: a table, JSON lines, CSV; errors in one line."""

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hyperstore.query.tabular.columns import TABLES
from tests.cli.conftest import lines
from tests.cli.test_hostile_text import PAYLOADS, harmless, hostile
from tests.cli.test_signals import started
from tests.support.command import Command, environment
from tests.support.frames import wire


def test_a_statement_is_answered_as_a_table(cells: Command) -> None:
    """Numbers stand to the right, what is missing is a dash."""
    said = cells("sql", "select id, meta.number n, meta_blob_json b from frames limit 2").out
    assert said == "id    n  b\nf000  0  -\nf004  4  -\n"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such limit")
@pytest.mark.parametrize(
    "asked",
    [
        "length(repeat('x', 3_000_000_000))",
        "max(length(repeat(id, 300_000_000)))",
        "max(len(range(200_000_000 + position)))",
    ],
)
def test_strings_and_lists_that_a_function_makes_are_bounded(
    cells: Command, tmp_path: Path, asked: str
) -> None:
    """DuckDB's own limit does not count them, and one line would take all memory that there is."""
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run([sys.executable, '-m', 'hyperstore', *sys.argv[1:]])\n"
        "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    words = [sys.executable, "-c", code, "sql", f"select {asked} from frames"]
    done = subprocess.run(words, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    ended, peak_kb = map(int, done.stdout.split())
    assert ended == 128
    assert re.fullmatch(
        r"error: the query takes more than 1024 MiB of memory.* or ask for less\n", done.stderr
    )
    assert peak_kb < 1024 * (1024 + 512 + 200)


def test_the_bound_of_memory_ends_with_the_statement(cells: Command) -> None:
    """Who runs the command inside a program of theirs goes on as before."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    cells("sql", "select 1")
    cells.fails("sql", "select nothing", code=128)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_json_and_csv_are_for_programs(cells: Command) -> None:
    """Columns of one name are told apart, and values are those of the frames."""
    statement = "select id, id, labels, width / 3 w, meta from frames order by id limit 1"
    rows = cells("sql", statement, "--json").rows()
    assert rows == [
        {"id": "f000", "id_1": "f000", "labels": ["cell"], "w": 640 / 3, "meta": {"number": 0}}
    ]
    text = cells("sql", "select id, 'a,\"b\"\nc' x, null y from frames limit 1", "--csv").out
    assert list(csv.reader(io.StringIO(text))) == [["id", "x", "y"], ["f000", 'a,"b"\nc', ""]]
    assert cells("sql", "select id from frames where false", "--csv").out == "id\n"
    assert cells("sql", "select id from frames where false").out == "id\n"
    assert cells("sql", "select id from frames where false", "--json").out == ""


def test_values_that_json_lacks_are_text(cells: Command) -> None:
    """A line is JSON, whatever a statement computes."""
    odd = "select 'nan'::double a, '-inf'::double b, 0.5 c, 170141183460469231731::hugeint d, "
    odd += "date '2026-01-02' e, 'ab'::blob f, map {1: 2} g, interval 1 day h"
    assert cells("sql", odd, "--json").rows()[0] == {
        "a": "NaN",
        "b": "-Infinity",
        "c": 0.5,
        "d": 170141183460469231731,
        "e": "2026-01-02",
        "f": "6162",
        "g": {"1": 2},
        "h": "1 day, 0:00:00",
    }


def test_any_revision_may_be_asked(cells: Command) -> None:
    """A draft as it is now, and commits as they were."""
    cells("rm", "f000")
    count = "select count(*) n from frames"
    assert cells("sql", count, "--json").rows() == [{"n": 9}]
    assert cells("sql", count, "--at", "HEAD", "--json").rows() == [{"n": 10}]
    assert cells("sql", count, "--at", "cells@Current", "--json").rows() == [{"n": 9}]


def test_the_tables_are_listed_with_what_their_columns_mean(hs: Command) -> None:
    """Before the first statement, and without a store."""
    said = hs("sql", "--tables").out
    rows = hs("sql", "--tables", "--json").rows()
    assert len(rows) == sum(len(table.columns) for table in TABLES.values())
    for row in rows:
        assert f"  {row['column']}" in said
        assert str(row["about"]) in said
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["sql"], 2, "give a statement"),
        (["sql", " ; "], 2, "give a statement"),
        (["sql", "select 1", "--json", "--csv"], 2, "not both"),
        (["sql", "select * from frame"], 128, "there is no table 'frame'"),
        (["sql", "select nothing from frames"], 128, "nothing"),
        (["sql", "select meta.numbr from frames"], 128, "meta.number"),
        (["sql", "drop table frames"], 128, "only SELECT"),
        (["sql", "select 1; select 2"], 128, "one statement"),
        (["sql", "copy frames to 'out.csv'"], 128, "only SELECT"),
        (["sql", "select error('no')"], 128, "no"),
        (["sql", "select id from frames", "--at", "nowhere@here"], 128, "nowhere"),
    ],
)
def test_what_is_wrong_is_one_line(cells: Command, words: list[str], code: int, part: str) -> None:
    """No traceback, and nothing of DuckDB's drawing of the statement."""
    assert part in cells.fails(*words, code=code)
    assert not Path("out.csv").exists()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_text_of_frames_reaches_no_terminal(store: Command, payload: str) -> None:
    """Names of columns too: metadata's keys and aliases."""
    done = store.run("add", "-", stdin=lines([hostile(payload, 1)]))
    if done.code:
        return  # A store takes no such text.
    for statement in ("select * from frames", "select label, meta_json from rois"):
        assert harmless(store("sql", statement).out)
        assert harmless(store("sql", statement, "--json").out)
    assert json.loads(store("sql", "select label from rois", "--json").out) == {"label": payload}


def on_a_terminal(folder: Path, *words: str) -> list[str]:
    """Return the lines that the command prints on a terminal of 80 columns, without colours."""
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "hyperstore", *words],
        cwd=folder,
        env=environment({"COLUMNS": "80", "NO_COLOR": "1"}),
        stdout=inner,
    )
    os.close(inner)
    said = b""
    while True:
        try:
            chunk = os.read(outer, 65_536)
        except OSError:
            break
        if not chunk:
            break
        said += chunk
    os.close(outer)
    assert process.wait() == 0
    return said.decode().replace("\r\n", "\n").splitlines()


def test_a_terminal_gets_lines_that_fit_it(cells: Command, tmp_path: Path) -> None:
    """80 columns, whatever a statement selects: wide tables come a row at a time, below itself."""
    for statement in (
        "select id, uri, labels, context_id, meta_json from frames",
        "select * from frames limit 2",
        "select repeat('x', 500) a, 1 b",
    ):
        shown = on_a_terminal(tmp_path, "sql", statement)
        assert shown
        assert all(len(line) <= 80 for line in shown), shown
    csv_lines = on_a_terminal(tmp_path, "sql", "select 'a' || chr(27) || '[31m' x", "--csv")
    assert csv_lines == ["x", "a\\x1b[31m"]


@pytest.mark.usefixtures("heard")
def test_ctrl_c_ends_a_long_statement(cells: Command, tmp_path: Path) -> None:
    """At once, by the code of the command, and without a trace of DuckDB."""
    cells("add", "-", stdin=lines([wire(f"g{at}") for at in range(10)]))
    process = started(tmp_path, "sql", "select * from range(1000000000000)")
    assert process.stdout is not None
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1] == "error: interrupted\n"
    assert process.returncode == 130
