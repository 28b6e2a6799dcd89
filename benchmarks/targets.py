"""What hyperstore is meant to reach, row by row, and whether it did in this run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["Medians", "judged"]

Medians = dict[tuple[int, str, str], dict[str, float]]
Value = Callable[[Medians], float]

TEN, HUNDRED, MILLION = 10_000, 100_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Target:
    """One figure with its bound; `value` raises KeyError where the run did not measure it."""

    row: str
    value: Value
    bound: float
    unit: str
    at_least: bool = False
    by_cpu: Value | None = None  # The same in processor time, for a machine with neighbours.


def _own(size: int, workload: str, figure: str, scale: float = 1) -> Value:
    """Return a figure of hyperstore's."""
    return lambda found: found[size, workload, "hyperstore"][figure] * scale


def _to_raw(size: int, workload: str, figure: str, rawly: str) -> Value:
    """Return hyperstore's figure as a multiple of raw's at the workload `rawly`."""
    return lambda found: (
        found[size, workload, "hyperstore"][figure] / found[size, rawly, "raw"][figure]
    )


def _saved(size: int, workload: str, figure: str, rawly: str) -> Value:
    """Return raw's cost at the workload `rawly` as a multiple of hyperstore's."""
    return lambda found: (
        found[size, rawly, "raw"][figure] / found[size, workload, "hyperstore"][figure]
    )


def _to_size(workload: str, figure: str, large: int, small: int) -> Value:
    """Return how a figure of hyperstore's changes from a small store to a large one."""
    return lambda found: (
        found[large, workload, "hyperstore"][figure] / found[small, workload, "hyperstore"][figure]
    )


def _over_fsync(size: int, verb: str) -> Value:
    """Return the milliseconds that a verb takes beyond one fsync."""
    return lambda found: (
        1e3
        * (
            found[size, "names", "hyperstore"][f"{verb}_s"]
            - found[size, "names", "hyperstore"]["fsync_s"]
        )
    )


def _collected(found: Medians) -> float:
    """Return the size after many small calls and gc over that of one call and gc."""
    many, one = found[TEN, "singles", "hyperstore"], found[TEN, "one-call", "hyperstore"]
    return many["collected_bytes"] / one["collected_bytes"]


TARGETS = [
    Target(
        "ingest, ids given, 100,000, to raw",
        _to_raw(HUNDRED, "ingest", "ingest_per_s", "ingest"),
        0.95,
        "x",
        at_least=True,
        by_cpu=_saved(HUNDRED, "ingest", "ingest_cpu_us", "ingest"),
    ),
    Target(
        "ingest, ids derived, 100,000, to raw",
        _to_raw(HUNDRED, "ingest-derived", "ingest_per_s", "ingest"),
        0.75,
        "x",
        at_least=True,
        by_cpu=_saved(HUNDRED, "ingest-derived", "ingest_cpu_us", "ingest"),
    ),
    Target(
        "ingest of SingleFrames, 100,000, to raw",
        _to_raw(HUNDRED, "ingest-objects", "ingest_per_s", "ingest"),
        0.4,
        "x",
        at_least=True,
        by_cpu=_saved(HUNDRED, "ingest-objects", "ingest_cpu_us", "ingest"),
    ),
    Target(
        "ingest at 1,000,000, to 100,000",
        _to_size("ingest", "ingest_per_s", MILLION, HUNDRED),
        0.8,
        "x",
        at_least=True,
    ),
    Target("ingest at 1,000,000, peak", _own(MILLION, "ingest", "peak_bytes", 1e-6), 160, "MB"),
    Target(
        "ordered read, lazy, 100,000, to raw",
        _to_raw(HUNDRED, "read-lazy", "read_per_s", "read-decoded"),
        1.6,
        "x",
        at_least=True,
        by_cpu=_saved(HUNDRED, "read-lazy", "read_cpu_us", "read-decoded"),
    ),
    Target(
        "ordered read, decoded, 100,000, to raw",
        _to_raw(HUNDRED, "read-decoded", "read_per_s", "read-decoded"),
        0.85,
        "x",
        at_least=True,
        by_cpu=_saved(HUNDRED, "read-decoded", "read_cpu_us", "read-decoded"),
    ),
    Target(
        "get, lazy, at 1,000,000",
        _own(MILLION, "get-lazy", "get_us"),
        60,
        "µs",
        by_cpu=_own(MILLION, "get-lazy", "get_cpu_us"),
    ),
    Target(
        "get, decoded, at 1,000,000",
        _own(MILLION, "get-decoded", "get_us"),
        75,
        "µs",
        by_cpu=_own(MILLION, "get-decoded", "get_cpu_us"),
    ),
    Target(
        "commit of 100 at 100,000, to raw",
        _to_raw(HUNDRED, "commit", "commit_s", "commit"),
        1.1,
        "x",
        by_cpu=_to_raw(HUNDRED, "commit", "commit_cpu_s", "commit"),
    ),
    Target(
        "commit of 100 at 100,000, records",
        _own(HUNDRED, "commit", "record_bytes", 1e-6),
        0.6,
        "MB",
    ),
    Target(
        "commit time at 1,000,000, to 10,000",
        _to_size("commit", "commit_s", MILLION, TEN),
        2.5,
        "x",
    ),
    Target(
        "commit records at 1,000,000, to 10,000",
        _to_size("commit", "record_bytes", MILLION, TEN),
        1.8,
        "x",
    ),
    Target(
        "diff of 100 at 100,000",
        _own(HUNDRED, "diff", "diff_s", 1e3),
        4,
        "ms",
        by_cpu=_own(HUNDRED, "diff", "diff_cpu_s", 1e3),
    ),
    Target("diff at 1,000,000, to 10,000", _to_size("diff", "diff_s", MILLION, TEN), 2.5, "x"),
    *(
        Target(
            f"{verb} at {size:,}, beyond an fsync",
            _over_fsync(size, verb),
            0.5,
            "ms",
            by_cpu=_own(size, "names", f"{verb}_cpu_s", 1e3),
        )
        for verb in ("branch", "switch", "tag")
        for size in (TEN, HUNDRED, MILLION)
    ),
    Target("1,000 commits, last to first", _own(HUNDRED, "history", "last_x"), 1.2, "x"),
    Target("1,000 commits, growth", _own(HUNDRED, "history", "grown_bytes", 1e-6), 75, "MB"),
    Target("one frame a call, bytes", _own(TEN, "singles", "call_bytes", 1e-3), 20, "kB"),
    Target("one frame a call, after gc, to one call", _collected, 1.1, "x"),
    Target("disk at 100,000, to packed frames", _own(HUNDRED, "ingest", "disk_x"), 1.3, "x"),
    Target("import hyperstore", _own(0, "startup", "import_s", 1e3), 100, "ms"),
    Target("hyperstore version", _own(0, "startup", "version_s", 1e3), 110, "ms"),
    Target("hyperstore log", _own(0, "startup", "log_s", 1e3), 200, "ms"),
    Target("python -m hyperstore.allegroai", _own(0, "startup", "runner_s", 1e3), 30, "ms"),
    Target("the same, by import", _own(0, "startup", "runner_reads_s", 1e3), 40, "ms"),
    Target("the same, with Task.init", _own(0, "startup", "runner_task_s", 1e3), 300, "ms"),
    Target("hyperstore run", _own(0, "startup", "run_s", 1e3), 120, "ms"),
    Target("installed size", _own(0, "startup", "installed_bytes", 1e-6), 60, "MB"),
]


def judged(found: Medians) -> Iterator[str]:
    """Yield a line of Markdown for each target that this run measured."""
    for target in TARGETS:
        try:
            value = target.value(found)
        except KeyError:
            continue
        good = value >= target.bound if target.at_least else value <= target.bound
        sign = "≥" if target.at_least else "≤"
        bound = f"{sign} {target.bound:g} {target.unit}"
        cpu = f"{target.by_cpu(found):.3g} {target.unit}" if target.by_cpu else ""
        verdict = "" if good else "short"
        yield f"| {target.row} | {bound} | {value:.3g} {target.unit} | {cpu} | {verdict} |"
