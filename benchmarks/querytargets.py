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


_MS = {"roi": 50, "label": 20, "term": 20, "range": 50, "exists": 20, "wildcard": 500}
_NESTED = {"DuckDB, nested": "duckdb_nested", "Lance, nested": "lance"}
_DERIVED = {"DuckDB, derived": "duckdb_columns", "SQLite": "sqlite", "datasets": "datasets"}

TARGETS = [
    *(
        Target(f"{kind} {share}, warm", _own("warm", f"{kind} {share}_s", 1e3), bound, "ms")
        for kind, bound in _MS.items()
        for share in ("1%", "20%")
    ),
    *(
        Target(f"roi {share}, {name} to it", _times("warm", f"roi {share}_s", other), 10, "x", True)
        for name, other in _NESTED.items()
        for share in ("1%", "20%")
    ),
    *(
        Target(f"roi {share}, {name} to it", _times("warm", f"roi {share}_s", other), 0, "x", True)
        for name, other in _DERIVED.items()
        for share in ("1%", "20%")
    ),
    Target("roi 20%, fresh process", _own("fresh", "fresh_s", 1e3), 300, "ms"),
    Target("roi 1%, fresh process", _own("fresh-1%", "fresh_s", 1e3), 300, "ms"),
    Target("first query, unindexed", _own("first", "first_s"), 40, "s"),
    Target("upkeep of the index, to ingest", _own("catch-up", "upkeep_x"), 0.25, "x"),
    Target("child 100 changes away, first", _own("child", "child_first_x"), 2, "x"),
    Target("child 100 changes away, then", _own("child", "child_x"), 2, "x"),
    Target(
        "sequential, to raw",
        _share("walk", "walk_per_s", "raw", "walk", "walk_per_s"),
        1.2,
        "x",
        True,
    ),
    Target(
        "shuffled, to sequential",
        _share("shuffled", "shuffled_per_s", "hyperstore", "walk", "walk_per_s"),
        0.8,
        "x",
        True,
    ),
    Target("first frame, shuffled, fresh", _own("first-shuffled", "fresh_s", 1e3), 300, "ms"),
    Target("resume at half", _own("resume", "resume_s", 1e3), 300, "ms"),
    Target("lock, make", _own("lock", "make_s"), 2, "s"),
    Target("lock, verify", _own("lock", "verify_s"), 2, "s"),
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
            yield f"| {row} | {bound} | {value:.3g} {target.unit} | {verdict} |"
