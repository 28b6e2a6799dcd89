"""Benchmarks: every contender at every workload, medians, and ratios to raw LMDB.

    python benchmarks/run.py [--smoke] [--only diff,read] [--sizes 10000,100000] [--json]

Each measurement is a fresh process on one core (`bench.py`); turns of contenders are interleaved,
so that a noisy minute hits all of them.
"""

import os
import shutil
import tempfile
from pathlib import Path

import startup
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
from contenders import NAMES
from targets import judged
from workloads import AT, FRESH, HISTORY, ONCE, WORKLOADS

__all__ = ["main"]

HERE = Path(__file__).resolve().parent
COMMAND = HERE.parent / "hyperstore" / "cli" / "main.py"
LARGE = 1_000_000  # From here on, one turn of what starts with an empty folder.


class Bench:
    """The scratch folder, the figures found so far, and who could not do what."""

    def __init__(self, scratch: Path, core: int, turns: int, quiet: bool) -> None:
        self.scratch, self.core, self.turns, self.quiet = scratch, core, turns, quiet
        self.found: dict[Key, list[Figures]] = {}
        self.skipped: dict[str, str] = {}
        self.absent: dict[str, str] = {}

    def child(self, contender: str, workload: str, folder: Path, size: int, turn: int) -> Figures:
        """Run one measurement, watching its memory."""
        folder.mkdir(parents=True, exist_ok=True)
        words = [contender, workload, str(folder), str(size), str(turn), str(self.core)]
        what = f"{contender} at {workload} of {size:,} frames"
        figures, peak = run_child("measure.py", words, what)
        if "absent" in figures:
            if contender == "hyperstore":
                raise SystemExit(f"hyperstore itself cannot be measured: {figures['absent']}")
            self.absent[contender] = figures["absent"]
            self.skipped[f"{contender} ingest"] = self.absent[contender]
            return {}
        if "skipped" in figures:
            self.skipped[f"{contender} {workload}"] = figures["skipped"]
            return {}
        return figures | {"peak_bytes": peak}

    def base(self, contender: str, size: int, workload: str) -> Path:
        """Return the folder of a filled store, filling it by an `ingest` that counts."""
        folder = self.scratch / f"{contender}-{size}"
        key = (size, "ingest", contender)
        if not folder.exists() and f"{contender} ingest" not in self.skipped:
            self.note(key, self.child(contender, "ingest", folder, size, 0))
        if workload in HISTORY and not self.found.get((size, "commit", contender)):
            self.note((size, "commit", contender), self.child(contender, "commit", folder, size, 0))
        return folder

    def note(self, key: Key, figures: Figures) -> None:
        """Keep the figures of one measurement."""
        if figures:
            self.found.setdefault(key, []).append(figures)
            if not self.quiet:
                say(key, figures)

    def measure(self, contender: str, workload: str, size: int, turn: int) -> None:
        """Make one measurement and keep it."""
        if f"{contender} {workload}" in self.skipped:
            return
        if workload not in FRESH:
            folder = self.base(contender, size, workload)
        elif workload == "ingest" and turn == 0:
            self.base(contender, size, workload)
            return
        else:
            folder = self.scratch / "fresh"
        if f"{contender} ingest" not in self.skipped:
            key = (size, workload, contender)
            self.note(key, self.child(contender, workload, folder, size, turn))
        if workload in FRESH:
            shutil.rmtree(folder, ignore_errors=True)

    def run(self, contenders: list[str], workloads: list[str], sizes: list[int]) -> None:
        """Measure everything asked for, a turn of each contender after the other."""
        for size in sizes:
            for workload in workloads:
                if AT.get(workload, size) in sizes and AT.get(workload, size) != size:
                    continue
                alone = workload in ONCE or (size >= LARGE and workload in FRESH)
                turns = 1 if alone else self.turns
                for turn in range(turns):
                    for contender in contenders:
                        self.measure(contender, workload, size, turn)
            for contender in contenders:
                shutil.rmtree(self.scratch / f"{contender}-{size}", ignore_errors=True)


def table(found: dict[Key, Figures], contenders: list[str]) -> str:
    """Return a table in Markdown: a row a figure, a column a contender, ratios to raw in brackets.

    A ratio over 1 is always a faster or a smaller one than raw's.
    """
    rows = []
    for size, workload, name in rows_of(found):
        cells = []
        raw = found.get((size, workload.replace("-lazy", "-decoded"), "raw"), {}).get(name)
        if workload.startswith("ingest-"):
            raw = found.get((size, "ingest", "raw"), {}).get(name)
        for contender in contenders:
            value = found.get((size, workload, contender), {}).get(name)
            ratio = ""
            if value and raw and contender != "raw":
                ratio = f"{value / raw if name.endswith('_per_s') else raw / value:.2f}"
            cells.append(cell(name, value, ratio))
        rows.append((size, workload, name, cells))
    return table_of(contenders, rows)


def main() -> None:
    """Measure and print."""
    given = parsed(options(__doc__, NAMES, "10000,100000"))
    starts = tuple(given.only.split(",")) if given.only else ("",)
    workloads = [each for each in WORKLOADS if each.startswith(starts)]
    if given.smoke and not given.only:
        workloads.remove("history")
    contenders = given.contenders.split(",")
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="hyperstore-bench-") as scratch:
        bench = Bench(Path(scratch), given.core, given.turns, quiet=given.smoke)
        bench.run(contenders, workloads, [int(each) for each in given.sizes.split(",")])
        if "startup".startswith(starts) and COMMAND.exists():
            if hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(0, {given.core} & os.sched_getaffinity(0) or {0})
            bench.note((0, "startup", "hyperstore"), startup.figures(Path(scratch), given.turns))
    found = medians(bench.found)
    tell(found, table(found, contenders), judged(found), bench.absent, as_json=given.json)


if __name__ == "__main__":
    main()
