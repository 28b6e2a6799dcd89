"""What every runner of benchmarks does: children on one core, medians, tables, and what they say.

Each measurement is a fresh process. Memory is the peak of anonymous memory, sampled from outside,
since mapped pages of a database belong to the system.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = [
    "Figures",
    "Key",
    "cell",
    "medians",
    "options",
    "parsed",
    "rows_of",
    "run_child",
    "say",
    "table_of",
    "tell",
]

HERE = Path(__file__).resolve().parent
Figures = dict[str, Any]
"""What one measurement found, by names that end with their units."""
Key = tuple[int, str, str]
"""Frames, workload, contender."""


def run_child(script: str, words: Sequence[str], what: str) -> tuple[Figures, int]:
    """Run one measurement; return its figures, and the peak of its memory in bytes."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / script), *words], stdout=subprocess.PIPE, text=True
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, _anonymous_bytes(process.pid))
        time.sleep(0.01)
    assert process.stdout is not None
    answer = process.stdout.read()
    process.stdout.close()
    if process.returncode:
        raise SystemExit(f"{what} failed")
    figures: Figures = json.loads(answer)
    return figures, peak


def _anonymous_bytes(pid: int) -> int:
    """Return the anonymous memory that a process holds now; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(found[0].split()[1]) * 1024 if found else 0


def say(key: Key, figures: Figures) -> None:
    """Tell a person what was found, on stderr, so that --json stays clean."""
    shown = "  ".join(f"{name}={value:,.6g}" for name, value in figures.items())
    print(f"{key[0]:>9,} {key[1]:<15} {key[2]:<14} {shown}", file=sys.stderr, flush=True)


def medians(found: Mapping[Key, list[Figures]]) -> dict[Key, Figures]:
    """Return the median of each figure over its turns."""
    return {
        key: {name: statistics.median(each[name] for each in turns) for name in turns[0]}
        for key, turns in found.items()
    }


def rows_of(found: Mapping[Key, Figures]) -> list[tuple[int, str, str]]:
    """Return frames, workload and figure of each row of a table, in the order of measuring."""
    return list(
        dict.fromkeys(
            (size, workload, name) for (size, workload, _), each in found.items() for name in each
        )
    )


def cell(name: str, value: float | None, ratio: str = "") -> str:
    """Return a figure in the unit that its name ends with, scaled for a reader."""
    if value is None:
        return "—"
    return _shown(name, value) + (f" ({ratio})" if ratio else "")


def _shown(name: str, value: float) -> str:
    if name.endswith("_per_s"):
        return f"{value:,.0f}/s"
    if name.endswith("_us"):
        return f"{value:.1f} µs"
    if name.endswith("_bytes"):
        return f"{value / 1e6:,.2f} MB"
    if name.endswith("_x"):
        return f"{value:.2f} x"
    return f"{value * 1e3:,.2f} ms"


def table_of(contenders: Sequence[str], rows: Iterable[tuple[int, str, str, list[str]]]) -> str:
    """Return a table in Markdown: a row a figure, a column a contender."""
    lines = ["| frames | workload | figure | " + " | ".join(contenders) + " |"]
    lines.append("| --: | --- | --- |" + " --: |" * len(contenders))
    lines += [
        f"| {size:,} | {workload} | {name} | " + " | ".join(cells) + " |"
        for size, workload, name, cells in rows
    ]
    return "\n".join(lines)


def options(about: str | None, names: Sequence[str], sizes: str) -> argparse.ArgumentParser:
    """Return what every runner can be told."""
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="small and once: does it still run?")
    parser.add_argument("--only", default="", help="workloads whose names start with one of these")
    parser.add_argument("--contenders", default=",".join(names))
    parser.add_argument("--sizes", default=sizes)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--core", type=int, default=(os.cpu_count() or 1) - 1)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    parser.add_argument("--json", action="store_true", help="print figures as JSON, not a table")
    return parser


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Read the command line."""
    given = parser.parse_args()
    if given.smoke:
        given.sizes, given.turns = "500", 1
    return given


def tell(
    found: Mapping[Key, Figures],
    table: str,
    judged: Iterable[str],
    absent: Mapping[str, str],
    *,
    as_json: bool,
) -> None:
    """Print what was found, and who could not be measured."""
    if as_json:
        rows = [
            {"size": size, "workload": workload, "contender": contender, **figures}
            for (size, workload, contender), figures in found.items()
        ]
        print(json.dumps(rows, indent=1))
        return
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores\n")
    print(table)
    if lines := list(judged):
        print(
            "\n| target | reach | reached | by CPU | |\n| --- | --- | --: | --: | --- |",
            *lines,
            sep="\n",
        )
    for who, why in absent.items():
        print(f"skipped: {who}: {why}")
