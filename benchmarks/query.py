"""Benchmarks of queries and of reading by a view: every contender at every question.

    python benchmarks/query.py [--smoke] [--only warm,fresh] [--sizes 100000] [--json]

Each measurement is a fresh process on one core, and turns are interleaved. An answer is the exact
count and the first thousand ids in order; answers of different contenders are compared, and a
difference ends the run. Contenders and questions: `querying/` and `querydata.py`.
"""

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path

from bench import (
    Figures,
    Key,
    cell,
    medians,
    options,
    parsed,
    rows_of,
    run_child,
    say,
    table_of,
    tell,
)
from querying import NAMES
from querytargets import judged
from querywork import ASKED, WORKLOADS

__all__ = ["main"]

LARGE = 1_000_000
ONCE = ("ingest", "first", "warm", "memory", "memory-shuffled", "child", "catch-up")
WATCHED = ("hyperstore", "raw")  # Whose memory of reading all frames is of interest.


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
        what = f"{contender} at {workload} of {size:,} frames"
        figures, peak = run_child("querywork.py", words, what)
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
        key = (size, workload, contender)
        self.found.setdefault(key, []).append(figures)
        if not self.quiet:
            say(key, figures)

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


def table(found: dict[Key, Figures], contenders: list[str]) -> str:
    """Return a table in Markdown: a row a figure, a column a contender.

    In brackets how many times as long as hyperstore the contender takes; for rates, its share.
    """
    there = [one for one in contenders if any(key[2] == one for key in found)]
    rows = []
    for size, workload, name in rows_of(found):
        own = found.get((size, workload, "hyperstore"), {}).get(name)
        cells = []
        for contender in there:
            value = found.get((size, workload, contender), {}).get(name)
            is_other = value and own and contender != "hyperstore"
            cells.append(cell(name, value, f"{value / own:,.3g}" if is_other else ""))
        rows.append((size, workload, name, cells))
    return table_of(there, rows)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = options(__doc__, NAMES, "100000")
    parser.add_argument("--questions", default="", help="of `warm`, those that start with these")
    parser.add_argument("--keep", type=Path, help="write here, and begin with what is here already")
    return parsed(parser)


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
    found = medians(bench.found)
    tell(found, table(found, contenders), judged(found), bench.absent, as_json=given.json)


if __name__ == "__main__":
    main()
