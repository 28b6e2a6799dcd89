"""The n-th write, sync or rename fails, for every n of one operation: old state or new state."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

from hyperstore.dataset import ingest, spill, staging
from hyperstore.dataset.store import Store, init, open_store
from hyperstore.errors import DiskFullError
from hyperstore.maintenance.collect import gc
from tests.support.faults_children import Template, begin, expected, in_child, judge, show
from tests.support.faults_preload import FAIL, FAIL_ON, SHORT, Striker
from tests.support.model import Operation, Portrait, apply
from tests.support.workload import frames

__all__ = ["fail", "fail_init"]


def _commit(store: Store) -> None:
    store.dataset("cells").version().commit("of pending edits")


def _import(store: Store) -> None:
    version = store.dataset("cells").version()
    version.add_frames(frames(Random(5), 600, size=100))


def _publish(store: Store) -> None:
    store.dataset("cells").version().snapshot("snapshot", message="of pending edits")


def _configure(store: Store) -> None:
    store.set_config("user.name", "Ada")
    assert store.config.text("user.name") == "Ada"


def _collect(store: Store) -> None:
    gc(store, prune_now=True)


def _compact(store: Store) -> None:
    gc(store, prune_now=True, compact=True)


_PENDING: Operation = ("add", "cells", "Current", frames(Random(7), 5))
_SCENES: dict[str, tuple[Callable[[Store], None], Operation | None]] = {
    "commit": (_commit, ("commit", "cells", "Current", "of pending edits")),
    "import": (_import, ("add", "cells", "Current", frames(Random(5), 600, size=100))),
    "snapshot": (_publish, ("snapshot", "cells", "Current", "snapshot", "of pending edits")),
    "config": (_configure, None),
    "gc": (_collect, None),
    "compact": (_compact, None),
}
_FAILURES = [
    (FAIL, errno.EIO),
    (FAIL, errno.ENOSPC),
    (FAIL_ON, errno.ENOSPC),
    (SHORT, errno.ENOSPC),
]


def fail(folder: Path, scene: str, most: int) -> object:
    """Fail the n-th call of one operation for every n; judge the store before and after."""
    # Small bounds, so that one import writes several transactions and spills to files.
    staging._STAGED_BYTES_MAX, spill._ROWS_IN_MEMORY, ingest._CHUNK = 64 * 1024, 200, 128
    template = Template(folder / "template", 1)
    pending = apply(template.state, _PENDING)
    in_child(lambda: begin(template.folder, [_PENDING]))
    act, step = _SCENES[scene]
    after = pending if step is None else apply(pending, step)
    allowed = [expected(pending), expected(after)]
    striker, store, faults, struck = Striker(), folder / "store", [], 0
    template.copy(store)
    _, calls = in_child(lambda: _count_calls(striker, store, act))
    assert isinstance(calls, int), calls
    places = [(at, how) for at in range(1, calls + 1) for how in _FAILURES]
    for at, (what, error) in places[:: max(1, len(places) // most)]:
        template.copy(store)
        ended, verdict = in_child(lambda: _fail_once(striker, store, act, allowed, at, what, error))  # noqa: B023
        struck += 1
        if ended or verdict:
            faults.append(f"call {at} of {calls}, {what} {error}: {verdict or f'signal {ended}'}")
    return {"calls": calls, "struck": struck, "faults": faults}


def _count_calls(striker: Striker, folder: Path, act: Callable[[Store], None]) -> int:
    with open_store(folder) as store:
        striker.arm(-1, 0)
        act(store)
        return striker.counted()


def _fail_once(
    striker: Striker,
    folder: Path,
    act: Callable[[Store], None],
    allowed: list[Portrait],
    at: int,
    what: int,
    error: int,
) -> str:
    """Strike one call of `act`; return what is wrong, '' where nothing is."""
    with open_store(folder) as store:
        raised: Exception | None = None
        striker.arm(at, what, error)
        try:
            act(store)
        except Exception as given:  # noqa: BLE001 - its kind is judged below.
            raised = given
        struck = striker.struck()
        striker.disarm()
        if not struck:
            return ""  # The operation took fewer calls this time.
        if raised is not None and not isinstance(raised, DiskFullError):
            return f"it raised {type(raised).__name__}: {raised}"
        shown = show(store)
        if shown not in allowed:
            return "it shows neither the state before nor the one after"
        if raised is None and shown != allowed[1]:
            return "it returned, and shows the state before"
        try:
            if shown != allowed[1] or allowed[0] == allowed[1]:
                act(store)
        except Exception as given:  # noqa: BLE001 - it is the verdict.
            return f"with room again: {type(given).__name__}: {given}"
        if show(store) != allowed[1]:
            return "with room again it does not show the state after"
    return judge(folder, allowed[1:])


def fail_init(folder: Path, most: int) -> object:
    """Fail the n-th call of an init for every n; `init` again must complete it."""
    striker, store, faults, struck = Striker(), folder / "store", [], 0

    def calls_of_init() -> int:
        striker.arm(-1, 0)
        init(store).close()
        return striker.counted()

    _, calls = in_child(calls_of_init)
    assert isinstance(calls, int), calls
    places = [(at, how) for at in range(1, calls + 1) for how in _FAILURES]
    for at, (what, error) in places[:: max(1, len(places) // most)]:
        shutil.rmtree(store)
        ended, verdict = in_child(lambda: _fail_init_once(striker, store, at, what, error))  # noqa: B023
        struck += 1
        if ended or verdict:
            faults.append(f"call {at} of {calls}, {what} {error}: {verdict or f'signal {ended}'}")
    return {"calls": calls, "struck": struck, "faults": faults}


def _fail_init_once(striker: Striker, folder: Path, at: int, what: int, error: int) -> str:
    striker.arm(at, what, error)
    try:
        init(folder).close()
    except DiskFullError:
        pass
    except Exception as given:  # noqa: BLE001 - it is the verdict.
        return f"it raised {type(given).__name__}: {given}"
    striker.disarm()
    try:
        init(folder).close()
    except Exception as given:  # noqa: BLE001 - it is the verdict.
        return f"with room again: {type(given).__name__}: {given}"
    return judge(folder, [{}])
