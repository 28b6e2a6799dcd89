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
from typing import Any, NamedTuple

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # The checkout, installed or not.

__all__ = ["ASKED", "WORKLOADS", "main"]

START = time.perf_counter()  # Before any contender is imported.

Figures = dict[str, Any]
CHANGES = 100
REPEATS = 5
ASKED = "HYPERSTORE_BENCH_QUESTIONS"
SLOW_S = 0.5  # From which on one repeat is enough.
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


class Took(NamedTuple):
    """How long some work took, by the clock and by the processor, and what it gave."""

    wall: float
    cpu: float
    done: Any


def timed(work: Callable[[], Any]) -> Took:
    """Do some work."""
    start, cpu = time.perf_counter(), time.process_time()
    done = work()
    return Took(time.perf_counter() - start, time.process_time() - cpu, done)


def often(work: Callable[[], Any]) -> Took:
    """Return the medians of several times, after one that does not count."""
    first = timed(work)
    turns = [timed(work) for _ in range(1 if first.wall > SLOW_S else REPEATS)]
    wall, cpu = (statistics.median(turn[at] for turn in turns) for at in (0, 1))
    return Took(wall, cpu, first.done)


def begun() -> Figures:
    """Return the time since this process began, by the clock and by the processor.

    By the clock from where our own code runs; by the processor all of it, the interpreter's too.
    """
    return {"fresh_s": time.perf_counter() - START, "fresh_cpu_s": time.process_time()}


def ingest(store: Any, folder: Path, size: int) -> Figures:
    """Fill the store, and make the indexes that somebody would make by hand."""
    from querydata import frames
    from synthetic import Timed

    made = Timed(frames(size))
    took = timed(lambda: store.ingest(made))
    figures = {"ingest_s": took.wall - made.wall_s, "ingest_cpu_s": took.cpu - made.cpu_s}
    if hasattr(store, "settle"):
        figures["settle_s"] = timed(store.settle).wall
    return figures | {
        "disk_bytes": sum(
            each.stat().st_blocks * 512 for each in folder.rglob("*") if each.is_file()
        )
    }


def first(store: Any, folder: Path, size: int) -> Figures:
    """Ask the first question of a store that has no index."""
    from querydata import QUESTIONS

    before = store.index_bytes()
    took = timed(lambda: store.ask(QUESTIONS["roi 20%"]))
    figures = {"first_s": took.wall, "first_cpu_s": took.cpu}
    return figures | {"index_bytes": store.index_bytes() - before}


def warm(store: Any, folder: Path, size: int) -> Figures:
    """Ask every question, again and again."""
    from querydata import QUESTIONS

    figures: Figures = {}
    for name, question in QUESTIONS.items():
        if not name.startswith(tuple(os.environ.get(ASKED, "").split(","))):
            continue
        took = often(lambda question=question: store.ask(question))
        figures[f"{name}_s"], figures[f"{name}_cpu_s"] = took.wall, took.cpu
        figures[f"{name} answer"] = digest(took.done)
    return figures


def fresh(store: Any, folder: Path, size: int) -> Figures:
    """Ask one question in a process that has just begun: what it imports and opens counts."""
    from querydata import QUESTIONS

    store.ask(QUESTIONS["roi 20%"])
    return begun()


def fresh1(store: Any, folder: Path, size: int) -> Figures:
    """The same, of what few frames have."""
    from querydata import QUESTIONS

    store.ask(QUESTIONS["roi 1%"])
    return begun()


def catchup(store: Any, folder: Path, size: int) -> Figures:
    """Add a tenth as many frames, then ask: what of the second is there because of the first?"""
    from querydata import QUESTIONS, frames
    from synthetic import Timed

    question = QUESTIONS["roi 20%"]
    store.index_bytes()  # Which only who keeps an index up can tell.
    usual = often(lambda: store.ask(question))
    made = Timed(frames(max(500, size // 10), start=size))
    added = timed(lambda: store.ingest(made))
    asked = timed(lambda: store.ask(question))
    return {
        "added_s": added.wall - made.wall_s,
        "caught_up_s": asked.wall - usual.wall,
        "upkeep_x": (asked.wall - usual.wall) / (added.wall - made.wall_s),
        "upkeep_cpu_x": (asked.cpu - usual.cpu) / (added.cpu - made.cpu_s),
    }


def child(store: Any, folder: Path, size: int) -> Figures:
    """Ask a version that is a hundred changes away from one that was asked."""
    from querydata import QUESTIONS

    question = QUESTIONS["roi 20%"]
    parent = often(lambda: store.ask(question))
    view = store.child(min(CHANGES, size), size)
    begins = timed(lambda: store.ask(question, view))
    later = often(lambda: store.ask(question, view))
    return {
        "parent_s": parent.wall,
        "child_first_s": begins.wall,
        "child_s": later.wall,
        "child_first_x": begins.wall / parent.wall,
        "child_first_cpu_x": begins.cpu / parent.cpu,
        "child_x": later.wall / parent.wall,
        "child_cpu_x": later.cpu / parent.cpu,
    }


def _walked(store: Any, size: int) -> int:
    """Return how many frames are read: all, where the contender says that it has the time."""
    return size if getattr(store, "walks_all", False) else min(size, WALKED)


def walk(store: Any, folder: Path, size: int) -> Figures:
    """Read frames in order."""
    most = _walked(store, size)
    took = timed(lambda: store.walk(most))
    assert took.done == most, f"{took.done} of {most}"
    return {"walk_per_s": most / took.wall, "walk_cpu_us": took.cpu / most * 1e6}


def shuffled(store: Any, folder: Path, size: int) -> Figures:
    """Read frames in an order that a seed gives."""
    most = _walked(store, size)
    store.shuffled(1)
    took = timed(lambda: store.shuffled(most))
    assert took.done == most, f"{took.done} of {most}"
    return {"shuffled_per_s": most / took.wall, "shuffled_cpu_us": took.cpu / most * 1e6}


def memory(store: Any, folder: Path, size: int) -> Figures:
    """Read all frames; the runner watches the memory."""
    start = anonymous_bytes()
    took = timed(lambda: store.walk())
    assert took.done >= size
    return {"walk_all_per_s": took.done / took.wall, "start_bytes": start}


def memory_shuffled(store: Any, folder: Path, size: int) -> Figures:
    """The same by chance, a share of it."""
    start = anonymous_bytes()
    store.shuffled(min(size, WALKED))
    return {"start_bytes": start}


def first_shuffled(store: Any, folder: Path, size: int) -> Figures:
    """Read one frame in a process that has just begun."""
    store.first_shuffled()
    return begun()


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
