"""What queries and views are meant to reach, row by row, and whether they did in this run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["judged"]

Medians = dict[tuple[int, str, str], dict[str, Any]]
Value = Callable[[Medians, int], float]


@dataclass(frozen=True, slots=True)
class Target:
    """One figure with its bound; `value` raises KeyError where the run did not measure it."""

    row: str
    value: Value
    bound: float
    unit: str
    at_least: bool = False
    by_cpu: Value | None = None  # The same in processor time, for a machine with neighbours.


def _own(workload: str, figure: str, scale: float = 1.0) -> Value:
    return lambda found, size: found[size, workload, "hyperstore"][figure] * scale


def _times(workload: str, figure: str, other: str) -> Value:
    """Return how many times as long another one takes."""
    return lambda found, size: (
        found[size, workload, other][figure] / found[size, workload, "hyperstore"][figure]
    )


def _share(workload: str, figure: str, other: str, otherly: str, other_figure: str) -> Value:
    """Return a rate of hyperstore's as a multiple of another rate."""
    return lambda found, size: (
        found[size, workload, "hyperstore"][figure] / found[size, otherly, other][other_figure]
    )


def _cpu_share(workload: str, figure: str, other: str, otherly: str, other_figure: str) -> Value:
    """Return how much processor time another takes for each of hyperstore's."""
    return lambda found, size: (
        found[size, otherly, other][other_figure] / found[size, workload, "hyperstore"][figure]
    )


_MS = {"roi": 50, "label": 20, "term": 20, "range": 50, "exists": 20, "wildcard": 500}
_OTHERS = {
    "DuckDB, nested": ("duckdb_nested", 10),
    "Lance, nested": ("lance", 10),
    "DuckDB, derived columns": ("duckdb_columns", 0),
    "SQLite, indexes": ("sqlite", 0),
    "datasets": ("datasets", 0),
    "raw LMDB, unpacked": ("raw", 0),
}


def _own_both(row: str, workload: str, figure: str, bound: float, unit: str) -> Target:
    """Return a target in ms or s, or of a ratio, with its twin in processor time."""
    scale = 1e3 if unit == "ms" else 1.0
    cpu = f"{figure[:-2]}_cpu{figure[-2:]}"
    return Target(
        row, _own(workload, figure, scale), bound, unit, by_cpu=_own(workload, cpu, scale)
    )


TARGETS = [
    *(
        _own_both(f"{kind} {share}, warm", "warm", f"{kind} {share}_s", bound, "ms")
        for kind, bound in _MS.items()
        for share in ("1%", "20%")
    ),
    *(
        Target(
            f"roi {share}: {name}, to that",
            _times("warm", f"roi {share}_s", other),
            bound,
            "x",
            at_least=True,
            by_cpu=_times("warm", f"roi {share}_cpu_s", other),
        )
        for name, (other, bound) in _OTHERS.items()
        for share in ("1%", "20%")
    ),
    _own_both("roi 20%, fresh process", "fresh", "fresh_s", 300, "ms"),
    _own_both("roi 1%, fresh process", "fresh-1%", "fresh_s", 300, "ms"),
    _own_both("first query, unindexed", "first", "first_s", 40, "s"),
    _own_both("upkeep of the index, to ingest", "catch-up", "upkeep_x", 0.25, "x"),
    _own_both("child 100 changes away, first", "child", "child_first_x", 2, "x"),
    _own_both("child 100 changes away, then", "child", "child_x", 2, "x"),
    Target(
        "sequential, to raw",
        _share("walk", "walk_per_s", "raw", "walk", "walk_per_s"),
        1.2,
        "x",
        at_least=True,
        by_cpu=_cpu_share("walk", "walk_cpu_us", "raw", "walk", "walk_cpu_us"),
    ),
    Target(
        "shuffled, to sequential",
        _share("shuffled", "shuffled_per_s", "hyperstore", "walk", "walk_per_s"),
        0.8,
        "x",
        at_least=True,
        by_cpu=_cpu_share("shuffled", "shuffled_cpu_us", "hyperstore", "walk", "walk_cpu_us"),
    ),
    _own_both("first frame, shuffled, fresh", "first-shuffled", "fresh_s", 300, "ms"),
    _own_both("resume at half", "resume", "resume_s", 300, "ms"),
    _own_both("lock, make", "lock", "make_s", 2, "s"),
    _own_both("lock, verify", "lock", "verify_s", 2, "s"),
    Target("memory over start, in order", _own("memory", "over_start_bytes", 1e-6), 150, "MB"),
    Target(
        "memory over start, shuffled",
        _own("memory-shuffled", "over_start_bytes", 1e-6),
        150,
        "MB",
    ),
]


def judged(found: Medians) -> Iterator[str]:
    """Yield a line of Markdown for each target that this run measured."""
    for size in sorted({size for size, _, _ in found}):
        for target in TARGETS:
            try:
                value = target.value(found, size)
            except KeyError:
                continue
            good = value >= target.bound if target.at_least else value <= target.bound
            sign = "≥" if target.at_least else "≤"
            bound = f"{sign} {target.bound:g} {target.unit}" if target.bound else ""
            verdict = "" if good else "short"
            row = f"{target.row}, {size:,}"
            cpu = f"{target.by_cpu(found, size):.3g} {target.unit}" if target.by_cpu else ""
            yield f"| {row} | {bound} | {value:.3g} {target.unit} | {cpu} | {verdict} |"
