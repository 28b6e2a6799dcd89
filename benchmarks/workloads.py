"""What is measured: each workload takes an open contender and returns its figures by name.

The end of a name is its unit: `_s`, `_us`, `_per_s`, `_bytes`, or `_x` for a bare ratio. Where a
contender has not the method that a workload needs, AttributeError makes the runner print a dash.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import synthetic
from contenders import disk_bytes

__all__ = ["AT", "FRESH", "HISTORY", "ONCE", "WORKLOADS", "Figures"]

Figures = dict[str, float]
CHANGES = 100
COMMITS = 7
DIFFS = 5
GETS = 1_000
NAMES = 20
HISTORY_COMMITS = 1_000
SINGLE_CALLS = 2_000
PACKED_BYTES = 1_715  # One frame by msgpack; disk is compared with it.


def _ingest(put: Callable[[Iterable[synthetic.Frame]], None], made: Iterable[Any]) -> Figures:
    """Time a call that stores frames, without the time it took to make them."""
    frames = synthetic.Timed(made)
    wall, cpu = time.perf_counter(), time.process_time()
    put(frames)
    wall = time.perf_counter() - wall - frames.wall_s
    cpu = time.process_time() - cpu - frames.cpu_s
    return {"ingest_per_s": frames.count / wall, "ingest_cpu_us": cpu / frames.count * 1e6}


def ingest(store: Any, folder: Path, size: int, turn: int) -> Figures:
    """Wire frames with ids into an empty store, committed."""
    figures = _ingest(store.ingest, synthetic.frames(size))
    if hasattr(store, "settle"):
        store.settle()
    packed = size * PACKED_BYTES
    return figures | {"disk_bytes": disk_bytes(folder), "disk_x": disk_bytes(folder) / packed}


def ingest_derived(store: Any, folder: Path, size: int, turn: int) -> Figures:
    """The same frames, none with an id, which the store derives."""
    return _ingest(store.ingest_derived, synthetic.derived(size))


def ingest_objects(store: Any, folder: Path, size: int, turn: int) -> Figures:
    """The same frames, each made into a frame object first, in the timed region."""
    return _ingest(store.ingest_objects, synthetic.frames(size))


def _read(walk: Callable[[], int], size: int) -> Figures:
    wall, cpu = time.perf_counter(), time.process_time()
    count = walk()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert count == size, f"{count} frames read, {size} expected"
    return {"read_per_s": count / wall, "read_cpu_us": cpu / count * 1e6}


def read_lazy(store: Any, folder: Path, size: int, turn: int) -> Figures:
    """All frames in order, sources and metadata touched, regions not."""
    return _read(store.read_lazy, size)


def read_decoded(store: Any, folder: Path, size: int, turn: int) -> Figures:
    """All frames in order, every field as plain Python values."""
    return _read(store.read_decoded, size)


def _get(get: Callable[[str], object], size: int, turn: int) -> Figures:
    walls, cpus = [], []
    for number in synthetic.picks(min(GETS, size), size, 1_000 + turn):
        wall, cpu = _clock(get, synthetic.frame_id(number))
        walls.append(wall)
        cpus.append(cpu)
    return {"get_us": statistics.median(walls) * 1e6, "get_cpu_us": statistics.median(cpus) * 1e6}


def get_lazy(store: Any, folder: Path, size: int, turn: int) -> Figures:
    """1,000 frames by id in a fresh process, one call each."""
    return _get(store.get_lazy, size, turn)


def get_decoded(store: Any, folder: Path, size: int, turn: int) -> Figures:
    """The same, every field as plain Python values."""
    return _get(store.get_decoded, size, turn)


def _clock(call: Callable[..., object], *given: object) -> tuple[float, float]:
    """Return the wall and process seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    call(*given)
    return time.perf_counter() - wall, time.process_time() - cpu


def commit(store: Any, folder: Path, size: int, turn: int) -> Figures:
    """Commits of 100 changed frames each."""
    walls, cpus, records = [], [], []
    before = disk_bytes(folder)
    for number in range(COMMITS):
        frames = synthetic.changed(min(CHANGES, size), size, 1 + turn * COMMITS + number)
        mark = store.mark() if hasattr(store, "mark") else None
        wall, cpu = _clock(store.update, frames)
        walls.append(wall)
        cpus.append(cpu)
        records.append(0 if mark is None else store.record_bytes(mark))
    figures = {
        "commit_s": statistics.median(walls),
        "commit_first_s": walls[0],
        "commit_cpu_s": statistics.median(cpus),
        "growth_bytes": (disk_bytes(folder) - before) / COMMITS,
    }
    return figures | ({"record_bytes": statistics.median(records)} if records[0] else {})


def diff(store: Any, folder: Path, size: int, turn: int) -> Figures:
    """Two versions 100 frames apart: several pairs, each by a store opened anew."""
    newest_first = store.revisions(DIFFS + 1)
    times = []
    for new, old in pairwise(newest_first):
        if hasattr(store, "reopen"):
            store.reopen()  # So nothing is cached.
        wall, cpu = time.perf_counter(), time.process_time()
        count = store.diff(old, new)
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
        assert count == min(CHANGES, size), count
    return {
        "diff_s": statistics.median(wall for wall, _ in times),
        "diff_first_s": times[0][0],  # In a process that never did it before.
        "diff_cpu_s": statistics.median(cpu for _, cpu in times),
    }


def names(store: Any, folder: Path, size: int, turn: int) -> Figures:
    """Branch, switch to it, tag; and one fsync of the same disk, to compare with."""
    figures: Figures = {}
    for verb in ("branch", "switch", "tag"):
        if act := getattr(store, verb, None):
            times = [_clock(act, f"name-{turn}-{at}") for at in range(NAMES)]
            figures[f"{verb}_s"] = statistics.median(wall for wall, _ in times)
            figures[f"{verb}_cpu_s"] = statistics.median(cpu for _, cpu in times)
    if not figures:
        raise AttributeError("branch", obj=store)
    with (folder / "fsync.tmp").open("wb") as file:
        times = []
        for _ in range(NAMES):
            file.write(b"x" * 4096)
            file.flush()
            times.append(_clock(os.fsync, file.fileno())[0])
    (folder / "fsync.tmp").unlink()
    return figures | {"fsync_s": statistics.median(times)}


def history(store: Any, folder: Path, size: int, turn: int) -> Figures:
    """1,000 commits of 10 changed frames."""
    before, times = disk_bytes(folder), []
    for number in range(HISTORY_COMMITS):
        frames = synthetic.changed(10, size, 100_000 + number)
        times.append(_clock(store.update, frames)[0])
    edge = HISTORY_COMMITS // 20
    first, last = statistics.median(times[:edge]), statistics.median(times[-edge:])
    return {
        "first_s": first,
        "last_s": last,
        "last_x": last / first,
        "grown_bytes": disk_bytes(folder) - before,
    }


def singles(store: Any, folder: Path, size: int, turn: int) -> Figures:
    """2,000 calls that add one frame each, after `size` in one call; then collect."""
    calls = min(SINGLE_CALLS, size)
    add_one = store.add_one
    store.ingest(synthetic.frames(size))
    before = disk_bytes(folder)
    times = [_clock(add_one, frame)[0] for frame in synthetic.frames(calls, start=size)]
    figures = {
        "call_s": statistics.median(times),
        "call_bytes": (disk_bytes(folder) - before) / calls,
    }
    store.collect()
    return figures | {"collected_bytes": disk_bytes(folder)}


def one_call(store: Any, folder: Path, size: int, turn: int) -> Figures:
    """What `singles` is compared with: the same frames by one call, then collect."""
    store.ingest(synthetic.frames(size + min(SINGLE_CALLS, size)))
    store.collect()
    return {"collected_bytes": disk_bytes(folder)}


WORKLOADS: dict[str, Callable[[Any, Path, int, int], Figures]] = {
    "ingest": ingest,
    "ingest-derived": ingest_derived,
    "ingest-objects": ingest_objects,
    "read-lazy": read_lazy,
    "read-decoded": read_decoded,
    "get-lazy": get_lazy,
    "get-decoded": get_decoded,
    "commit": commit,
    "diff": diff,
    "names": names,
    "singles": singles,
    "one-call": one_call,
    "history": history,
}
FRESH = {"ingest", "ingest-derived", "ingest-objects", "singles", "one-call"}  # In an empty folder.
ONCE = {"singles", "one-call", "history"}  # Too long to repeat; made of many calls anyway.
AT = {"singles": 10_000, "one-call": 10_000, "history": 100_000}  # Measured at this size only.
HISTORY = {"diff"}  # Needs commits: `commit` is run first where it has not been.
