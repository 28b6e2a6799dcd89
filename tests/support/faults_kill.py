"""SIGKILL at every n-th write and sync, and at random moments; then a look at what is left."""

import signal
import time
from itertools import count
from pathlib import Path
from random import Random

from tests.support.faults_children import Ledger, Template, in_child, judge, progress, states, work
from tests.support.faults_preload import KILL_AFTER, KILL_BEFORE, KILL_INSIDE, Striker
from tests.support.model import Operation
from tests.support.workload import operations

__all__ = ["kill"]


def kill(folder: Path, rounds: int, seed: int) -> object:
    """Kill at the n-th write or sync for every n, and at random moments; judge what is left."""
    striker, inside, killed, calls, faults = Striker(), 0, 0, 0, []
    placed = rounds * 2 // 3
    template = Template(folder / "template", seed)
    store, ledger = folder / "store", folder.parent / f"{folder.name}.ledger"

    def one(steps: list[Operation], at: int, what: int, after_s: float | None) -> tuple[int, int]:
        template.copy(store)
        ledger.unlink(missing_ok=True)

        def run() -> int:
            striker.arm(at, what)
            work(store, Ledger(ledger), steps)
            return striker.counted()

        ended, answer = in_child(run, kill_after_s=after_s)
        return ended, answer if isinstance(answer, int) else 0

    for series in count():
        steps = list(operations(Random(seed + series), template.state, 8))
        allowed = states(template.state, steps)
        begin = time.monotonic()
        _, total = one(steps, -1, 0, None)
        duration = time.monotonic() - begin
        calls += total
        share = min(placed - killed, total) if killed < placed else rounds - killed
        for number in range(share):
            choice = Random(seed * 1_000_003 + killed)
            if killed < placed:
                at = 1 + number * total // share if rounds < 500 else 1 + number
                what = choice.choice((KILL_BEFORE, KILL_INSIDE, KILL_AFTER))
                ended, _ = one(steps, at, what, None)
            else:
                ended, _ = one(steps, -1, 0, choice.uniform(0.1, 0.95) * duration)
            lines = ledger.read_text().splitlines() if ledger.exists() else []
            done, under_way = progress(lines)
            killed += 1
            inside += under_way
            assert ended in (0, signal.SIGKILL), f"died of signal {ended}"
            _, verdict = in_child(lambda: judge(store, allowed[done : done + 1 + under_way]))  # noqa: B023
            if verdict:
                faults.append(f"series {series}, kill {number}: {verdict}")
        if killed >= rounds:
            return {"killed": killed, "inside": inside, "calls": calls, "faults": faults}
    raise AssertionError("count() does not end")
