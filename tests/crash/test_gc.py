"""gc among others, and cut short: nobody fails, nothing that was acknowledged is lost."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from hyperstore.dataset.store import init, open_store
from hyperstore.errors import LockedError
from hyperstore.maintenance import automatic
from hyperstore.maintenance.check import fsck
from hyperstore.maintenance.collect import gc
from hyperstore.maintenance.settled import read_settled
from tests.support.children import run_in_child
from tests.support.faults import is_soak, rounds
from tests.support.stores import contents, frame

YEAR_MS = 365 * 24 * 3600 * 1000


def littered(folder: Path) -> list[object]:
    """Make a store of which most is garbage a year from now; return what is not."""
    with init(folder) as store:
        dataset = store.create_dataset("d")
        draft = dataset.version()
        for number in range(25):
            draft.add_frames([frame(n, f"l{number}") for n in range(40 * number, 40 * number + 60)])
            draft.commit(f"commit {number}")
        kept = dataset.create_version("kept", draft)
        draft.add_frames(map(frame, range(2000, 2200)))
        dataset.delete_version(draft)
        return contents(kept)


@pytest.mark.slow
def test_a_collection_killed_anywhere_leaves_a_whole_store(tmp_path: Path) -> None:
    """What is left is sound after each kill, and the next collection takes the rest."""
    draw = random.Random(3)
    expected: list[object] = []
    killed = 0
    for number in range(rounds(25, soak=300)):
        folder = tmp_path / str(number)
        expected = littered(folder) if number % 10 == 0 else expected
        if number % 10:
            folder = tmp_path / str(number - number % 10)
        seconds = draw.uniform(0.001, 0.08)

        def collect(folder: Path = folder, seconds: float = seconds) -> None:
            with open_store(folder) as store:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)  # Which ends the process.
                signal.setitimer(signal.ITIMER_REAL, seconds)
                now_ms = time.time_ns() // 1_000_000 + YEAR_MS
                gc(store, now_ms=now_ms, compact=draw.random() < 0.3)
                signal.setitimer(signal.ITIMER_REAL, 0)

        killed += run_in_child(collect).startswith("killed by")
        with open_store(folder) as store:
            assert fsck(store, level="full").faults == []
            assert contents(store.dataset("d").version("kept")) == expected
    assert killed > 2


@pytest.mark.slow
def test_a_writer_killed_in_its_slices_leaves_a_whole_store(tmp_path: Path) -> None:
    """All that it was told is done is there, however far its collection had come."""
    draw = random.Random(5)
    folder, acknowledged = tmp_path / "store", tmp_path / "acknowledged"
    expected = littered(folder)
    with open_store(folder) as store:
        store.set_config("gc.grace", 0)
        store.set_config("gc.auto", 200)
        draft = store.dataset("d").version("kept")
        draft.add_frames([named("mine", 0)])
    ended = killed = 0
    for number in range(1, rounds(25, soak=300)):
        seconds = draw.uniform(0.02, 0.3)
        acknowledged.write_bytes(b"")

        def write(number: int = number, seconds: float = seconds) -> None:
            with automatic.open_store(folder) as store, acknowledged.open("ab", 0) as told:
                draft = store.dataset("d").version("kept")
                signal.signal(signal.SIGALRM, signal.SIG_DFL)  # Which ends the process.
                signal.setitimer(signal.ITIMER_REAL, seconds)
                for turn in range(10_000):
                    draft.add_frames([{**named("mine", turn % 20), "meta": {"n": [number, turn]}}])
                    told.write(b"x")

        killed += run_in_child(write).startswith("killed by")
        with open_store(folder) as store:
            assert fsck(store, level="full").faults == []
            held = contents(store.dataset("d").version("kept"))
            mine = [one for one in held if "mine" in str(one)]
            done = len(acknowledged.read_bytes())
            turns = [one["meta"]["n"][1] for one in mine if one["meta"]["n"][0] == number]  # type: ignore[index]
            assert max(turns, default=-1) in (done - 1, done)
            assert [one for one in held if "mine" not in str(one)] == expected
            ended += read_settled(folder / "cache", store.id).number > 1000
    assert killed > 2
    assert ended


def write_much(folder: Path, name: str, seconds: float) -> None:
    """Add, drop and add again frames, in small calls and in batches that are flushed early."""
    draw = random.Random(name)
    end = time.monotonic() + seconds
    with automatic.open_store(folder) as store:
        version = store.dataset("d").version()
        mine: set[int] = set()
        while time.monotonic() < end:
            numbers = {draw.randrange(40) for _ in range(6)}
            if draw.random() < 0.4 and mine:
                gone = {number for number in numbers if number in mine}
                version.delete_frames([frame_id(name, number) for number in gone])
                mine -= gone
                continue
            with version.batch():
                version.add_frames([named(name, number) for number in numbers], strict=True)
                pending = version._editor.pending
                assert pending is not None
                pending[1].flush()
            mine |= numbers
            if draw.random() < 0.1:
                version.commit("some")
        found = {one.id for one in version if one.id.startswith(name)}
        assert found == {frame_id(name, number) for number in mine}


def frame_id(name: str, number: int) -> str:
    return f"{name} {number}"


def named(name: str, number: int) -> dict[str, object]:
    return {**frame(number), "id": frame_id(name, number)}


def read_much(folder: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    with open_store(folder, readonly=True) as store:
        version = store.dataset("d").version()
        while time.monotonic() < end:
            view = version.view()
            assert len(list(view)) == len(view)


def collect_much(folder: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    taken = 0
    with open_store(folder) as store:
        while time.monotonic() < end:
            taken += gc(store).objects
            try:
                gc(store, prune_now=True)
            except LockedError:
                continue
    assert taken > 0


@pytest.mark.slow
@pytest.mark.parametrize("asked", [True, False])
def test_nobody_fails_or_loses_while_garbage_is_collected(tmp_path: Path, asked: bool) -> None:
    """Two writers that take up what they dropped before, two readers, and gc without a pause: of a
    process of its own, or in slices of the writers."""
    folder = tmp_path / "store"
    with init(folder) as store:
        store.set_config("gc.grace", 1)
        store.set_config("gc.auto", 0 if asked else 50)
        store.create_dataset("d").version().add_frames(map(frame, range(100)))
    seconds = 60.0 if is_soak() else 5.0
    work = [
        lambda: write_much(folder, "one", seconds),
        lambda: write_much(folder, "two", seconds),
        lambda: read_much(folder, seconds),
        lambda: read_much(folder, seconds),
    ]
    if asked:
        work.append(lambda: collect_much(folder, seconds))
    children = []
    for number, one in enumerate(work):
        out = tmp_path / f"{number}.txt"
        child = os.fork()
        if child == 0:
            out.write_text(run_in_child(one, seconds=int(seconds) + 60))
            os._exit(0)
        children.append((child, out))
    for child, _ in children:
        os.waitpid(child, 0)
    assert [out.read_text() for _, out in children] == ["done"] * len(work)
    with open_store(folder) as store:
        assert asked or read_settled(folder / "cache", store.id).number > 100
        assert fsck(store, level="full").faults == []
        gc(store, prune_now=True)
        assert fsck(store, level="full").faults == []
