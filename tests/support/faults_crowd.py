"""Many at once on one draft: processes, threads, forks. Nothing is lost, and no reader stays."""

import itertools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import lmdb

from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.dataset.store import Store, init, open_store
from hyperstore.dataset.view import Frame, View
from tests.support.faults_children import Child, faults_of, in_child
from tests.support.model import Wire, essence
from tests.support.workload import frame

__all__ = ["crowd", "readers_of", "threads", "workers"]

_CALLS_MIN = 100
_PATIENCE_S = 60
_BOTH = 4  # Writers, and as many readers.

Kept = dict[str, int]


def _frame(name: str) -> Wire:
    """Return the one frame of this name: whoever reads it can tell whether it is whole."""
    return essence(frame(Random(name), name))


def _begin(folder: Path) -> None:
    with init(folder) as store:
        version = store.create_dataset("crowd").version()
        version.add_frames([_frame(f"base-{number:04}") for number in range(300)])


def _going(begin: float, seconds: float, calls: int) -> bool:
    passed = time.monotonic() - begin
    return passed < seconds or (calls < _CALLS_MIN and passed < _PATIENCE_S)


def _write(version: DatasetVersion, name: str, seconds: float) -> dict[str, object]:
    """Add and delete frames of one's own, commit now and then; return what must be there."""
    begin, calls, kept = time.monotonic(), 0, set[str]()
    choice = Random(name)
    while _going(begin, seconds, calls):
        calls += 1
        if calls % 25 == 0:
            version.commit(f"{name} {calls}")
        elif calls % 10 == 0:
            gone = choice.choice(sorted(kept))
            assert version.delete_frames([gone]) == 1, f"{gone} was gone before it was deleted"
            kept.discard(gone)
        else:
            new = [f"{name}-{calls:05}-{place}" for place in range(choice.randrange(1, 4))]
            assert not version.add_frames([_frame(each) for each in new])
            kept.update(new)
    return {"calls": calls, "kept": sorted(kept)}


def _read(version: DatasetVersion, seconds: float) -> dict[str, object]:
    """Read all frames again and again; return what was not whole, or went back in time."""
    begin, calls = time.monotonic(), 0
    newest: Kept = {}
    wrong: list[str] = []
    while _going(begin, seconds, calls):
        calls += 1
        view = version.view()
        seen: Kept = {}
        read = list(_some(view, calls))
        for each in read:
            if essence(each.to_dict()) != _frame(each.id):
                wrong.append(f"{each.id} is not whole")
            writer, number, *_ = each.id.split("-")
            seen[writer] = max(seen.get(writer, 0), int(number))
        if calls % 4 == 0:
            if len(read) != len(view):
                wrong.append(f"{len(read)} frames of {len(view)}")
            for writer, last in newest.items():
                if seen.get(writer, 0) < last - 10:  # The newest may have been deleted again.
                    wrong.append(f"{writer} went back from {last} to {seen.get(writer)}")
            newest = seen
    return {"calls": calls, "wrong": wrong[:5]}


def _some(view: View, calls: int) -> Iterator[Frame]:
    """Yield all frames each fourth time, else a few from somewhere in the middle."""
    if calls % 4 == 0:
        return view.get_iterator()
    return view.get_iterator(start=calls * 7 % len(view), stop=calls * 7 % len(view) + 20)


def readers_of(folder: Path) -> list[str]:
    """Return the lines of LMDB's reader table, after one check of whose processes are gone."""
    with open_store(folder):
        pass  # Opening takes out the dead.
    with lmdb.open(str(folder / "db"), lock=True, max_dbs=8, lib_version=0) as environment:
        lines = environment.readers().splitlines()
    return [line for line in lines if line[:1] != "(" and not line.strip().startswith("pid")]


def _judge(folder: Path, kept: set[str]) -> list[str]:
    """Return what is wrong after all have ended."""

    def look() -> list[str]:
        wrong: list[str] = []
        with open_store(folder) as store:
            version = store.dataset("crowd").version()
            there = {each.id: essence(each.to_dict()) for each in version}
            expected = kept | {f"base-{number:04}" for number in range(300)}
            wrong += [f"lost: {sorted(expected - there.keys())[:5]}"] * bool(
                expected - there.keys()
            )
            wrong += [f"back: {sorted(there.keys() - expected)[:5]}"] * bool(
                there.keys() - expected
            )
            torn = [name for name, one in there.items() if one != _frame(name)]
            wrong += [f"not whole: {torn[:5]}"] * bool(torn)
            wrong += faults_of(store)
        wrong += [f"a reader stays: {line}" for line in readers_of(folder)]
        return wrong

    ended, answer = in_child(look)
    return answer if isinstance(answer, list) else [f"judging ended by {ended}: {answer}"]


def crowd(folder: Path, seconds: int) -> object:
    """Four writers and four readers, each a process; one more reader dies inside a read."""
    store = folder / "store"
    in_child(lambda: _begin(store))

    def at_work(work: Callable[[DatasetVersion], object]) -> Child:
        def run() -> object:
            with open_store(store) as opened:
                return work(opened.dataset("crowd").version())

        return Child(run)

    def die(version: DatasetVersion) -> None:
        with version._handle.database.reading():
            os.kill(os.getpid(), signal.SIGKILL)

    people = [
        *(at_work(lambda v, n=n: _write(v, f"writer{n}", seconds)) for n in range(_BOTH)),  # type: ignore[misc]
        *(at_work(lambda v: _read(v, seconds)) for _ in range(_BOTH)),
    ]
    killed = at_work(die).ended()[0]
    return _summary(store, [each.ended() for each in people], killed == signal.SIGKILL)


def _summary(store: Path, ends: list[tuple[int, object]], killed: bool) -> dict[str, object]:
    calls: list[int] = []
    faults: list[str] = [] if killed else ["the reader that was to die did not"]
    kept: set[str] = set()
    for ended, answer in ends:
        if ended or not isinstance(answer, dict):
            faults.append(f"one ended by signal {ended}: {answer}")
            continue
        calls.append(answer["calls"])
        kept.update(answer.get("kept", ()))
        faults += answer.get("wrong", ())
    return {"calls": calls, "faults": faults + _judge(store, kept)}


def threads(folder: Path, seconds: int) -> object:
    """Four writers and four readers, all threads of one process on one handle."""
    store = folder / "store"
    in_child(lambda: _begin(store))

    def run() -> object:
        ends: list[tuple[int, object]] = []

        def at_work(work: Callable[[DatasetVersion], object], opened: Store) -> threading.Thread:
            def body() -> None:
                try:
                    ends.append((0, work(opened.dataset("crowd").version())))
                except Exception as error:  # noqa: BLE001 - it is the verdict.
                    ends.append((0, f"{type(error).__name__}: {error}"))

            return threading.Thread(target=body)

        with open_store(store) as opened:
            people = [
                *(
                    at_work(lambda v, n=n: _write(v, f"writer{n}", seconds), opened)  # type: ignore[misc]
                    for n in range(_BOTH)
                ),
                *(at_work(lambda v: _read(v, seconds), opened) for _ in range(_BOTH)),
            ]
            for each in people:
                each.start()
            for each in people:
                each.join()
        return ends

    ended, answer = in_child(run)
    ends = [(0, one) for _, one in answer] if isinstance(answer, list) else [(ended, answer)]
    return _summary(store, ends, killed=True)


# Workers of the three kinds that data loaders start.

_LIVE: list[Iterator[Frame]] = []  # What a forked worker inherits and goes on with.


def _worker(version: DatasetVersion, view: View, done: int, name: str, answers: object) -> None:
    """Go on with the iterator where there is one, read the view anew, and write one frame."""
    rest = _LIVE[0] if _LIVE else view.get_iterator(start=done)
    ids = [each.id for each in rest]
    whole = all(essence(each.to_dict()) == _frame(each.id) for each in view)
    version.add_frames([_frame(f"{name}-00001-0")])
    answers.put((name, ids, whole, len(version)))  # type: ignore[attr-defined]


def workers(folder: Path, method: str) -> object:
    """Start workers by fork, forkserver or spawn, with an open store and a live iterator."""
    store, faults = folder / "store", []
    in_child(lambda: _begin(store))
    context = multiprocessing.get_context(method)
    with open_store(store) as opened:
        version = opened.dataset("crowd").version()
        view = version.view()
        expected = [each.id for each in view]
        live = view.get_iterator()
        begun = [each.id for each in itertools.islice(live, 100)]
        if method == "fork":
            _LIVE.append(live)
        answers = context.Queue()
        names = [f"worker{number}" for number in range(3)]
        people = [
            context.Process(  # type: ignore[attr-defined]
                target=_worker, args=(version, view, 100, name, answers), daemon=True
            )
            for name in names
        ]
        for each in people:
            each.start()
        version.add_frames([_frame("parent-00001-0")])
        for each in people:
            each.join(_PATIENCE_S)
        got = [answers.get() for each in people if each.exitcode == 0]
        if begun + [each.id for each in live] != expected:
            faults.append("the parent's iterator lost its place")
        for name, ids, whole, _ in got:
            if begun + ids != expected:
                faults.append(f"the iterator of {name} lost its place: {len(ids)} frames")
            if not whole:
                faults.append(f"{name} read a frame that is not whole")
        faults += [f"a worker ended with {each.exitcode}" for each in people if each.exitcode != 0]
        faults += _die_in_a_read(version, method)
    kept = {"parent-00001-0", *(f"{name}-00001-0" for name in names)}
    return {"workers": len(got), "faults": faults + _judge(store, kept)}


def _die_in_a_read(version: DatasetVersion, method: str) -> list[str]:
    """Let a fork that inherited the open store die inside a read; its slot must be freed."""
    if method != "fork":
        return []

    def die() -> None:
        with version._handle.database.reading():
            os.kill(os.getpid(), signal.SIGKILL)

    ended, _ = in_child(die)
    folder = version._handle.folder
    ended_too, lines = in_child(lambda: _readers_elsewhere(folder))
    if (ended, ended_too) != (signal.SIGKILL, 0) or not isinstance(lines, list):
        return [f"the fork ended by {ended}, the look at readers by {ended_too}: {lines}"]
    return [f"a reader stays: {line}" for line in lines]


def _readers_elsewhere(folder: Path) -> object:
    """Look at the readers from a process that inherited nothing."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(readers_of, (folder,))
