"""Benchmarks of queries and of reading by a view: every contender at every question.

    python benchmarks/query.py [--smoke] [--only warm,fresh] [--sizes 100000] [--json]

Each measurement is a fresh process on one core, and turns are interleaved. An answer is the exact
count and the first thousand ids in order; answers of different contenders are compared, and a
difference ends the run. Contenders and questions: `querying/` and `querydata.py`.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from querying import NAMES
from querytargets import judged
from querywork import ASKED, WORKLOADS
from run import anonymous_bytes, shown

__all__ = ["main"]

HERE = Path(__file__).resolve().parent
LARGE = 1_000_000
ONCE = ("ingest", "first", "warm", "memory", "memory-shuffled", "child", "catch-up")
WATCHED = ("hyperstore", "raw")  # Whose memory of reading all frames is of interest.
Figures = dict[str, Any]
Key = tuple[int, str, str]


class Bench:
    """The scratch folder, the figures found so far, and who could not do what."""

    def __init__(self, scratch: Path, core: int, turns: int, *, quiet: bool, keeps: bool) -> None:
        self.scratch, self.core, self.turns = scratch, core, turns
        self.quiet, self.keeps = quiet, keeps
        self.found: dict[Key, list[Figures]] = {}
        self.skipped: set[tuple[str, str]] = set()
        self.absent: dict[str, str] = {}
        self.answers: dict[tuple[int, str], tuple[str, str]] = {}

    def child(self, contender: str, workload: str, folder: Path, size: int) -> Figures | None:
        """Run one measurement, watching its memory; None where the contender cannot do it."""
        folder.mkdir(parents=True, exist_ok=True)
        words = [contender, workload, str(folder), str(size), str(self.core)]
        process = subprocess.Popen(
            [sys.executable, str(HERE / "querywork.py"), *words], stdout=subprocess.PIPE, text=True
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, anonymous_bytes(process.pid))
            time.sleep(0.01)
        assert process.stdout is not None
        answer = process.stdout.read()
        process.stdout.close()
        if process.returncode:
            raise SystemExit(f"{contender} failed at {workload} of {size:,} frames")
        figures: Figures = json.loads(answer)
        if "absent" in figures:
            self.absent[contender] = figures["absent"]
            return None
        if "skipped" in figures:
            self.skipped.add((contender, workload))
            return None
        start = figures.pop("start_bytes", None)
        if start is not None:
            return figures | {"over_start_bytes": peak - start}
        return figures | ({"peak_bytes": peak} if workload in ("ingest", "first") else {})

    def measure(self, contender: str, workload: str, size: int) -> None:
        """Make one measurement and keep it."""
        if contender in self.absent or (contender, workload) in self.skipped:
            return
        if workload.startswith("memory") and contender not in WATCHED:
            return
        folder = self.scratch / f"{contender}-{size}"
        kept = folder.with_suffix(".json")
        if workload == "ingest" and kept.exists():
            figures = json.loads(kept.read_text())
        else:
            figures = self.child(contender, workload, folder, size)
        if figures is None:
            return
        if workload == "ingest":
            kept.write_text(json.dumps(figures))
        for name in [name for name in figures if name.endswith(" answer")]:
            self.compare(contender, size, name.removesuffix(" answer"), figures.pop(name))
        self.found.setdefault((size, workload, contender), []).append(figures)
        said = "  ".join(f"{name}={value:,.6g}" for name, value in figures.items())
        if not self.quiet:
            print(f"{size:>9,} {workload:<15} {contender:<14} {said}", file=sys.stderr, flush=True)

    def compare(self, contender: str, size: int, question: str, answer: str) -> None:
        """End the run where two contenders answer one question differently."""
        who, known = self.answers.setdefault((size, question), (contender, answer))
        if answer != known:
            raise SystemExit(f"{question}: {contender} says {answer}, {who} says {known}")

    def run(self, contenders: list[str], workloads: list[str], sizes: list[int]) -> None:
        """Measure everything asked for, a turn of each contender after the other."""
        for size in sizes:
            for workload in ["ingest", *(one for one in workloads if one != "ingest")]:
                alone = workload in ONCE or size >= LARGE
                for _ in range(1 if alone else self.turns):
                    for contender in contenders:
                        self.measure(contender, workload, size)
            for contender in () if self.keeps else contenders:
                shutil.rmtree(self.scratch / f"{contender}-{size}", ignore_errors=True)

    def medians(self) -> dict[Key, Figures]:
        """Return the median of each figure over its turns."""
        return {
            key: {name: statistics.median(each[name] for each in turns) for name in turns[0]}
            for key, turns in self.found.items()
        }


def table(medians: dict[Key, Figures], contenders: list[str]) -> str:
    """Return a table in Markdown: a row a figure, a column a contender.

    In brackets how many times as long as hyperstore the contender takes; for rates, its share.
    """
    there = [one for one in contenders if any(key[2] == one for key in medians)]
    lines = ["| frames | workload | figure | " + " | ".join(there) + " |"]
    lines.append("| --: | --- | --- |" + " --: |" * len(there))
    rows = dict.fromkeys(
        (size, workload, name)
        for (size, workload, _), figures in medians.items()
        for name in figures
    )
    for size, workload, name in rows:
        own = medians.get((size, workload, "hyperstore"), {}).get(name)
        cells = []
        for contender in there:
            value = medians.get((size, workload, contender), {}).get(name)
            cell = "—" if value is None else shown(name, value)
            if value and own and contender != "hyperstore":
                cell += f" ({value / own:,.3g})"
            cells.append(cell)
        lines.append(f"| {size:,} | {workload} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="small and once: does it still run?")
    parser.add_argument("--only", default="", help="workloads whose names start with one of these")
    parser.add_argument("--questions", default="", help="of `warm`, those that start with these")
    parser.add_argument("--contenders", default=",".join(NAMES))
    parser.add_argument("--sizes", default="100000")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--core", type=int, default=(os.cpu_count() or 1) - 1)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    parser.add_argument("--keep", type=Path, help="write here, and begin with what is here already")
    parser.add_argument("--json", action="store_true", help="print figures as JSON, not a table")
    given = parser.parse_args()
    if given.smoke:
        given.sizes, given.turns = "500", 1
    return given


def main() -> None:
    """Measure and print."""
    given = arguments()
    starts = tuple(given.only.split(",")) if given.only else ("",)
    workloads = [each for each in WORKLOADS if each.startswith(starts)]
    contenders = given.contenders.split(",")
    os.environ[ASKED] = given.questions
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="hyperstore-query-") as scratch:
        bench = Bench(
            given.keep or Path(scratch),
            given.core,
            given.turns,
            quiet=given.smoke,
            keeps=given.keep is not None,
        )
        bench.run(contenders, workloads, [int(each) for each in given.sizes.split(",")])
    medians = bench.medians()
    if given.json:
        rows = [
            {"size": size, "workload": workload, "contender": contender, **figures}
            for (size, workload, contender), figures in medians.items()
        ]
        print(json.dumps(rows, indent=1))
        return
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores\n")
    print(table(medians, contenders))
    if lines := list(judged(medians)):
        print(
            "\n| target | reach | reached | by CPU | |\n| --- | --- | --: | --: | --- |",
            *lines,
            sep="\n",
        )
    for who, why in bench.absent.items():
        print(f"skipped: {who}: {why}")


if __name__ == "__main__":
    main()
