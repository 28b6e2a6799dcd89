"""SIGKILL at every n-th write and sync, and at random moments; then a look at what is left."""

import os
import signal
import time
from itertools import count
from pathlib import Path
from random import Random

from tests.support.faults_children import (
    Child,
    Ledger,
    Template,
    in_child,
    judge,
    progress,
    states,
    work,
)
from tests.support.faults_preload import KILL_AFTER, KILL_BEFORE, KILL_INSIDE, Striker
from tests.support.model import Operation
from tests.support.workload import operations

__all__ = ["kill"]


def kill(folder: Path, rounds: int, seed: int) -> object:
    """Kill at the n-th write or sync for every n, and at random moments; judge what is left."""
    inside, killed, calls, faults = 0, 0, 0, []
    placed = rounds * 2 // 3
    template = Template(folder / "template", seed)
    store, ledger = folder / "store", folder.parent / f"{folder.name}.ledger"
    for series in count():
        steps = list(operations(Random(seed + series), template.state, 8))
        allowed = states(template.state, steps)
        _, answer = _one(template, store, ledger, steps, strike=(-1, 0))
        assert isinstance(answer, list), answer
        total, duration = answer
        calls += total
        share = min(placed - killed, total) if killed < placed else rounds - killed
        for number in range(share):
            choice = Random(seed * 1_000_003 + killed)
            if killed < placed:
                at = 1 + (number if rounds >= 500 else number * total // share)
                what = choice.choice((KILL_BEFORE, KILL_INSIDE, KILL_AFTER))
                ended, _ = _one(template, store, ledger, steps, strike=(at, what))
            else:
                after_s = choice.uniform(0, 0.9) * duration
                ended, _ = _one(template, store, ledger, steps, after_s=after_s)
            done, under_way = progress(ledger.read_text().splitlines())
            if not ended:  # It was done before the signal came; the next series tries again.
                continue
            assert ended == signal.SIGKILL, f"died of signal {ended}"
            killed += 1
            inside += under_way
            _, verdict = in_child(lambda: judge(store, allowed[done : done + 1 + under_way]))  # noqa: B023
            if verdict:
                faults.append(f"series {series}, kill {number}: {verdict}")
        if killed >= rounds:
            return {"killed": killed, "inside": inside, "calls": calls, "faults": faults}
    raise AssertionError("count() does not end")


def _one(
    template: Template,
    store: Path,
    ledger: Path,
    steps: list[Operation],
    *,
    strike: tuple[int, int] | None = None,
    after_s: float | None = None,
) -> tuple[int, object]:
    """Do the steps on a fresh store in a fork that dies; return how it ended, and its calls."""
    template.copy(store)
    ledger.write_text("")

    def run() -> list[float]:
        striker = Striker()

        def ready() -> None:
            if strike is not None:
                striker.arm(*strike)

        took = work(store, Ledger(ledger), steps, ready)
        return [striker.counted(), took]

    child = Child(run)
    if after_s is not None:
        while not ledger.stat().st_size and child.runs():
            time.sleep(0.001)
        time.sleep(after_s)
        os.kill(child.pid, signal.SIGKILL)  # Not waited for yet, so the number is still its own.
    return child.ended()
