"""What is measured of queries, one workload a process: `querywork.py CONTENDER WORKLOAD FOLDER SIZE
CORE`. Prints one line of JSON: the figures, or why there are none. Started by query.py.
"""

import hashlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # The checkout, installed or not.

__all__ = ["WORKLOADS", "main"]

START = time.perf_counter()  # Before any contender is imported.

Figures = dict[str, Any]
CHANGES = 100
REPEATS = 5
SLOW_S = 2.0  # From which on one repeat is enough.
WALKED = 100_000


def anonymous_bytes() -> int:
    """Return the anonymous memory of this process; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    found = [line for line in lines if line.startswith("RssAnon:")]
    return int(found[0].split()[1]) * 1024 if found else 0


def digest(answer: tuple[int, list[str]]) -> str:
    """Return a few digits that are the same for the same answer."""
    count, ids = answer
    return f"{count}:{hashlib.blake2b(' '.join(ids).encode(), digest_size=8).hexdigest()}"


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that some work takes, and what it gives."""
    start = time.perf_counter()
    done = work()
    return time.perf_counter() - start, done


def often(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the median of several times, after one that does not count."""
    first, done = timed(work)
    repeats = 1 if first > SLOW_S else REPEATS
    return statistics.median(timed(work)[0] for _ in range(repeats)), done


def ingest(store: Any, folder: Path, size: int) -> Figures:
    """Fill the store, and make the indexes that somebody would make by hand."""
    from querydata import frames
    from synthetic import Timed

    made = Timed(frames(size))
    wall, _ = timed(lambda: store.ingest(made))
    figures = {"ingest_s": wall - made.wall_s}
    if hasattr(store, "settle"):
        figures["settle_s"] = timed(store.settle)[0]
    return figures | {
        "disk_bytes": sum(
            each.stat().st_blocks * 512 for each in folder.rglob("*") if each.is_file()
        )
    }


def first(store: Any, folder: Path, size: int) -> Figures:
    """Ask the first question of a store that has no index."""
    from querydata import QUESTIONS

    before = store.index_bytes()
    cpu = time.process_time()
    wall, _ = timed(lambda: store.ask(QUESTIONS["roi 20%"]))
    cpu = time.process_time() - cpu
    return {"first_s": wall, "first_cpu_s": cpu, "index_bytes": store.index_bytes() - before}


def warm(store: Any, folder: Path, size: int) -> Figures:
    """Ask every question, again and again."""
    from querydata import QUESTIONS

    figures: Figures = {}
    for name, question in QUESTIONS.items():
        figures[f"{name}_s"], answer = often(lambda question=question: store.ask(question))
        figures[f"{name} answer"] = digest(answer)
    return figures


def fresh(store: Any, folder: Path, size: int) -> Figures:
    """Ask one question in a process that has just begun: what it imports and opens counts."""
    from querydata import QUESTIONS

    opened = time.perf_counter() - START
    store.ask(QUESTIONS["roi 20%"])
    return {"fresh_s": time.perf_counter() - START, "opened_s": opened}


def fresh1(store: Any, folder: Path, size: int) -> Figures:
    """The same, of what few frames have."""
    from querydata import QUESTIONS

    store.ask(QUESTIONS["roi 1%"])
    return {"fresh_s": time.perf_counter() - START}


def catchup(store: Any, folder: Path, size: int) -> Figures:
    """Add a tenth as many frames, then ask: what of the second is there because of the first?"""
    from querydata import QUESTIONS, frames
    from synthetic import Timed

    question = QUESTIONS["roi 20%"]
    store.index_bytes()  # Which only who keeps an index up can tell.
    usual, _ = often(lambda: store.ask(question))
    made = Timed(frames(max(500, size // 10), start=size))
    added, _ = timed(lambda: store.ingest(made))
    asked, _ = timed(lambda: store.ask(question))
    added -= made.wall_s
    return {"added_s": added, "caught_up_s": asked - usual, "upkeep_x": (asked - usual) / added}


def child(store: Any, folder: Path, size: int) -> Figures:
    """Ask a version that is a hundred changes away from one that was asked."""
    from querydata import QUESTIONS

    question = QUESTIONS["roi 20%"]
    parent, _ = often(lambda: store.ask(question))
    view = store.child(min(CHANGES, size), size)
    begun, _ = timed(lambda: store.ask(question, view))
    later, _ = often(lambda: store.ask(question, view))
    return {
        "parent_s": parent,
        "child_first_s": begun,
        "child_s": later,
        "child_x": later / parent,
        "child_first_x": begun / parent,
    }


def walk(store: Any, folder: Path, size: int) -> Figures:
    """Read frames in order."""
    most = min(size, WALKED)
    wall, count = timed(lambda: store.walk(most))
    assert count == most, f"{count} of {most}"
    return {"walk_per_s": most / wall}


def shuffled(store: Any, folder: Path, size: int) -> Figures:
    """Read frames in an order that a seed gives."""
    most = min(size, WALKED)
    store.shuffled(1)
    wall, count = timed(lambda: store.shuffled(most))
    assert count == most, f"{count} of {most}"
    return {"shuffled_per_s": most / wall}


def memory(store: Any, folder: Path, size: int) -> Figures:
    """Read all frames; the runner watches the memory."""
    start = anonymous_bytes()
    wall, count = timed(lambda: store.walk())
    assert count >= size
    return {"walk_all_per_s": count / wall, "start_bytes": start}


def memory_shuffled(store: Any, folder: Path, size: int) -> Figures:
    """The same by chance, a share of it."""
    start = anonymous_bytes()
    store.shuffled(min(size, WALKED))
    return {"start_bytes": start}


def first_shuffled(store: Any, folder: Path, size: int) -> Figures:
    """Read one frame in a process that has just begun."""
    store.first_shuffled()
    return {"fresh_s": time.perf_counter() - START}


def resume(store: Any, folder: Path, size: int) -> Figures:
    """Go on at half."""
    return dict(store.resume(size))


def lock(store: Any, folder: Path, size: int) -> Figures:
    """Pin the whole view, and verify it."""
    return dict(store.lock())


WORKLOADS: dict[str, Callable[[Any, Path, int], Figures]] = {
    "ingest": ingest,
    "first": first,
    "warm": warm,
    "fresh": fresh,
    "fresh-1%": fresh1,
    "walk": walk,
    "shuffled": shuffled,
    "first-shuffled": first_shuffled,
    "memory": memory,
    "memory-shuffled": memory_shuffled,
    "resume": resume,
    "lock": lock,
    "child": child,
    "catch-up": catchup,
}
"""In the order in which they are run; the last ones change the store."""


def main() -> None:
    """Run one workload on one core and print its figures."""
    contender, workload, folder, size, core = sys.argv[1:]
    if hasattr(os, "sched_setaffinity") and int(core) in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {int(core)})
    from querying import opened

    try:
        store = opened(contender, Path(folder))
    except ImportError as error:
        print(json.dumps({"absent": str(error)}))
        return
    try:
        figures = WORKLOADS[workload](store, Path(folder), int(size))
    except AttributeError as error:
        if error.obj is not store:
            raise
        print(json.dumps({"skipped": f"cannot {workload}"}))
        return
    store.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
