"""Benchmarks: every contender at every workload, medians, and ratios to raw LMDB.

    python benchmarks/run.py [--smoke] [--only diff,read] [--sizes 10000,100000] [--json]

Each measurement is a fresh process on one core; turns of contenders are interleaved, so that a
noisy minute hits all of them. Memory is the peak of anonymous memory, sampled from outside, since
mapped pages of a database belong to the system.
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

import startup
from contenders import NAMES
from targets import judged
from workloads import AT, FRESH, HISTORY, ONCE, WORKLOADS, Figures

__all__ = ["main"]

HERE = Path(__file__).resolve().parent
COMMAND = HERE.parent / "hyperstore" / "cli" / "main.py"
LARGE = 1_000_000  # From here on, one turn of what starts with an empty folder.


def anonymous_bytes(pid: int) -> int:
    """Return the anonymous memory that a process holds now; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(found[0].split()[1]) * 1024 if found else 0


class Bench:
    """The scratch folder, the figures found so far, and who could not do what."""

    def __init__(self, scratch: Path, core: int, turns: int, quiet: bool) -> None:
        self.scratch, self.core, self.turns, self.quiet = scratch, core, turns, quiet
        self.found: dict[tuple[int, str, str], list[Figures]] = {}
        self.skipped: dict[str, str] = {}
        self.absent: dict[str, str] = {}

    def say(self, line: str) -> None:
        """Tell a person what is going on, on stderr, so that --json stays clean."""
        if not self.quiet:
            print(line, file=sys.stderr, flush=True)

    def child(self, contender: str, workload: str, folder: Path, size: int, turn: int) -> Figures:
        """Run one measurement, watching its memory."""
        folder.mkdir(parents=True, exist_ok=True)
        words = [contender, workload, str(folder), str(size), str(turn), str(self.core)]
        process = subprocess.Popen(
            [sys.executable, str(HERE / "measure.py"), *words], stdout=subprocess.PIPE, text=True
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
        figures = json.loads(answer)
        if "absent" in figures:
            if contender == "hyperstore":
                raise SystemExit(f"hyperstore itself cannot be measured: {figures['absent']}")
            self.absent[contender] = figures["absent"]
            self.skipped[f"{contender} ingest"] = self.absent[contender]
            return {}
        if "skipped" in figures:
            self.skipped[f"{contender} {workload}"] = figures["skipped"]
            return {}
        return dict(figures) | {"peak_bytes": peak}

    def base(self, contender: str, size: int, workload: str) -> Path:
        """Return the folder of a filled store, filling it by an `ingest` that counts."""
        folder = self.scratch / f"{contender}-{size}"
        key = (size, "ingest", contender)
        if not folder.exists() and f"{contender} ingest" not in self.skipped:
            self.note(key, self.child(contender, "ingest", folder, size, 0))
        if workload in HISTORY and not self.found.get((size, "commit", contender)):
            self.note((size, "commit", contender), self.child(contender, "commit", folder, size, 0))
        return folder

    def note(self, key: tuple[int, str, str], figures: Figures) -> None:
        """Keep the figures of one measurement."""
        if figures:
            self.found.setdefault(key, []).append(figures)
            shown = "  ".join(f"{name}={value:,.6g}" for name, value in figures.items())
            self.say(f"{key[0]:>9,} {key[1]:<15} {key[2]:<11} {shown}")

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

    def medians(self) -> dict[tuple[int, str, str], Figures]:
        """Return the median of each figure over its turns."""
        return {
            key: {name: statistics.median(each[name] for each in turns) for name in turns[0]}
            for key, turns in self.found.items()
        }


def shown(name: str, value: float) -> str:
    """Return a figure in the unit that its name ends with, scaled for a reader."""
    if name.endswith("_per_s"):
        return f"{value:,.0f}/s"
    if name.endswith("_us"):
        return f"{value:.1f} µs"
    if name.endswith("_bytes"):
        return f"{value / 1e6:,.2f} MB"
    if name.endswith("_x"):
        return f"{value:.2f} x"
    return f"{value * 1e3:,.2f} ms"


def table(medians: dict[tuple[int, str, str], Figures], contenders: list[str]) -> str:
    """Return a table in Markdown: a row a figure, a column a contender, ratios to raw in brackets.

    A ratio over 1 is always a faster or a smaller one than raw's.
    """
    lines = ["| frames | workload | figure | " + " | ".join(contenders) + " |"]
    lines.append("| --: | --- | --- |" + " --: |" * len(contenders))
    rows = dict.fromkeys(
        (size, workload, name)
        for (size, workload, _), figures in medians.items()
        for name in figures
    )
    for size, workload, name in rows:
        cells = []
        raw = medians.get((size, workload.replace("-lazy", "-decoded"), "raw"), {}).get(name)
        if workload.startswith("ingest-"):
            raw = medians.get((size, "ingest", "raw"), {}).get(name)
        for contender in contenders:
            value = medians.get((size, workload, contender), {}).get(name)
            cell = "—" if value is None else shown(name, value)
            if value and raw and contender != "raw":
                ratio = value / raw if name.endswith("_per_s") else raw / value
                cell += f" ({ratio:.2f})"
            cells.append(cell)
        lines.append(f"| {size:,} | {workload} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="small and once: does it still run?")
    parser.add_argument("--only", default="", help="workloads whose names start with one of these")
    parser.add_argument("--contenders", default=",".join(NAMES))
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--core", type=int, default=(os.cpu_count() or 1) - 1)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
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
