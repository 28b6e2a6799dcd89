"""gc by itself: in slices, after writes, only where it may, and with the same result as at once."""

import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.dataset import store as stores
from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.dataset.store import Store
from hyperstore.errors import NotFoundError, UsageError
from hyperstore.ids import ObjectId
from hyperstore.limits import AUTO_ALIVE_MS, AUTO_LOOK, AUTO_SLICE
from hyperstore.maintenance.automatic import Automatic, init, keep_tidy, open_store
from hyperstore.maintenance.check import fsck
from hyperstore.maintenance.collect import SLICES, Collection, gc
from hyperstore.maintenance.settled import Settled, read_settled, write_settled
from hyperstore.storage.database import Database
from hyperstore.storage.host import now_ms
from hyperstore.storage.reader import Reader
from tests.maintenance.test_collect import STEPS, take
from tests.support.children import run_in_child
from tests.support.stores import contents, frame, present, reached

TINY = SLICES._replace(batch=2, operations=3, sweep=5, join=2)


def littered(store: Store, writes: int = 40) -> DatasetVersion:
    """Make a draft whose store is mostly garbage, were it not for its age."""
    draft = store.create_dataset("d").version()
    draft.add_frames(map(frame, range(200)))
    for number in range(writes):
        draft.add_frames([frame(number % 7, f"label {number}")])
    draft.commit("all")
    return draft


def greedy(store: Store, *, auto: int = 400) -> None:
    """Let everything be old at once; what `littered` makes is enough, and not twice as much."""
    store.set_config("gc.grace", 0)
    store.set_config("gc.auto", auto)
    if store.handle.after_write is not None:
        keep_tidy(store)  # The first write of all asks whether anything is due.


def done(store: Store) -> Settled:
    """Return how far collections that came to their end have come."""
    return read_settled(store.path / "cache", store.id)


def write_until(store: Store, draft: DatasetVersion, ended: Callable[[], object]) -> int:
    """Write small things until something has happened; return how many it took."""
    for number in range(2000):
        if ended():
            return number
        draft.set_metadata({"n": number})
    raise AssertionError("it never came to that")


@given(steps=STEPS, later=STEPS, slices=st.lists(st.integers(1, 60), min_size=1, max_size=12))
def test_whatever_is_done_between_slices_what_is_left_is_right(
    steps: list[tuple[str, int]],
    later: list[tuple[str, int]],
    slices: list[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """What refs lead to is here and whole; what neither they nor the log name goes next time."""
    with stores.init(tmp_path_factory.mktemp("auto") / "store") as store:
        store.create_dataset("d")
        for step, number in [*steps, ("commit", 0)]:
            take(store, step, number)
        running = Collection(store.handle, TINY, prune_now=True).steps()
        for place, (step, number) in enumerate(later):
            list(islice(running, slices[place % len(slices)]))
            take(store, step, number)
            before = [contents(version) for version in store.dataset("d").versions()]
            list(islice(running, slices[place % len(slices)]))
            assert [contents(version) for version in store.dataset("d").versions()] == before
            assert fsck(store, level="full").faults == []
        list(running)
        left = present(store.handle.database).keys()
        assert reached(store, log=False) <= left
        assert fsck(store, level="full").faults == []
        gc(store, prune_now=True)
        left = present(store.handle.database).keys()
        assert reached(store, log=False) <= left <= reached(store, log=True)


def test_what_is_named_again_at_any_rest_stays(tmp_path: Path) -> None:
    """Chosen as dead, or half swept: who names it finds it whole, or is told that it is gone."""
    with stores.init(tmp_path / "store") as store:
        dataset = store.create_dataset("d")
        draft = dataset.version()
        draft.add_frames(map(frame, range(30)))
        commit = draft.commit("one")
        assert commit is not None
        dataset.create_version("other", draft)
        draft.add_frames(map(frame, range(10, 60)))
        commit = draft.commit("two")
        assert commit is not None
        expected = contents(draft)
        dataset.delete_version(draft)
    later_ms = now_ms() + 100 * 24 * 3600 * 1000
    rests, named = 0, 0
    while True:
        folder = tmp_path / str(rests)
        shutil.copytree(tmp_path / "store", folder)
        with stores.open_store(folder) as store:
            running = Collection(store.handle, TINY, now_ms=later_ms).steps()
            if len(list(islice(running, rests))) < rests:
                break
            try:
                again = store.dataset("d").create_version("again", commit=commit)
                named += 1
            except NotFoundError:
                again = None
            list(running)
            assert again is None or contents(again) == expected
            assert fsck(store, level="full").faults == []
        rests += 1
    assert 10 < named < rests


def test_what_was_named_meanwhile_stays_though_the_clock_was_set_back(tmp_path: Path) -> None:
    """It is too new to be collected, and undo would find it without what it leads to."""
    with stores.init(tmp_path / "store") as store:
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(60)))
        draft.commit("one")
        again = [frame(number, "again") for number in range(60)]
        draft.add_frames(again)
        draft.reset(hard=True)
        draft.set_metadata({"n": 1})
        draft.commit("two")
        later_ms = now_ms() + 100 * 24 * 3600 * 1000
        running = Collection(store.handle, TINY, now_ms=later_ms).steps()
        next(running)
        draft.add_frames(again)
        expected = contents(draft)
        draft.reset(hard=True)
        draft.set_metadata({"n": 2})
        draft.commit("three")
        assert list(running)
        assert fsck(store, level="full").faults == []
        for _ in range(3):
            store.undo()
        assert contents(draft) == expected


@given(steps=STEPS)
def test_slices_leave_what_one_collection_leaves(
    steps: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same objects, whether it is done at once or a little at a time."""
    folder = tmp_path_factory.mktemp("auto")
    with stores.init(folder / "one") as store:
        store.create_dataset("d")
        for step, number in steps:
            take(store, step, number)
    shutil.copytree(folder / "one", folder / "other")
    with stores.open_store(folder / "one") as one, stores.open_store(folder / "other") as other:
        gc(one, prune_now=True)
        list(Collection(other.handle, TINY, prune_now=True).steps())
        assert present(one.handle.database) == present(other.handle.database)
        assert done(one) == done(other)


def test_writing_collects_what_has_settled(tmp_path: Path) -> None:
    """Nobody has to remember gc; the slices end, and then there is nothing due."""
    with init(tmp_path / "store") as store:
        draft = littered(store)
        expected, objects = contents(draft), len(present(store.handle.database))
        greedy(store)
        writes = write_until(store, draft, lambda: done(store).number)
        assert writes > 3  # In slices, not at once.
        assert len(present(store.handle.database)) < objects - 100
        assert contents(draft) == expected
        assert fsck(store, level="full").faults == []
        settled = done(store)
        draft.set_metadata({"n": "and again"})
        assert done(store) == settled


def test_each_slice_looks_at_a_bounded_number_of_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write is slowed by a slice, however much there is to collect."""
    with init(tmp_path / "store") as store:
        store.set_config("gc.auto", 0)
        draft = store.create_dataset("d").version()
        draft.add_frames(map(frame, range(3000)))
        for number in range(30):
            draft.add_frames([frame(number, "again")])
        greedy(store, auto=2500)
        looked: list[int] = []
        reading = Reader.get_records

        def count(self: Reader, oids: list[ObjectId]) -> list[tuple[int, bytes]]:
            looked.append(len(oids))
            return reading(self, oids)

        monkeypatch.setattr(Reader, "get_records", count)
        each: list[int] = []
        while not done(store).number:
            looked.clear()
            draft.set_metadata({"n": len(each)})
            each.append(sum(looked))
            assert len(each) < 2000
        assert max(each) <= AUTO_SLICE // 4  # Each of these nodes leads to eight others at least.
        assert sum(each) > AUTO_SLICE


def test_nothing_is_looked_at_before_enough_has_been_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question whether something is due must cost a write next to nothing."""
    with init(tmp_path / "store") as store:
        draft = littered(store)

        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("a row of objects is read, or the turn is taken")

        monkeypatch.setattr(Reader, "survey_row", refuse)
        monkeypatch.setattr(Database, "collecting", refuse)
        begun = []
        reading = Database.reading

        def count(self: Database) -> Reader:
            begun.append(self)
            return reading(self)

        monkeypatch.setattr(Database, "reading", count)
        keep_tidy(store)
        draft.set_metadata({"n": 1})
        tidy, store.handle.after_write = len(begun), None
        begun.clear()
        draft.set_metadata({"n": 2})
        assert tidy == len(begun) + 1
        keep_tidy(store)
        draft.set_metadata({"n": 3})
        begun.clear()
        for number in range(AUTO_LOOK):
            draft.set_metadata({"n": number})
        assert len(begun) == AUTO_LOOK * (tidy - 1) + 1
        assert done(store) == Settled(0, 0)


def test_what_is_young_is_waited_for(tmp_path: Path) -> None:
    """A collection that can take nothing out would only cost."""
    with init(tmp_path / "store") as store:
        draft = littered(store)
        store.set_config("gc.auto", 1)
        for number in range(60):
            draft.set_metadata({"n": number})
        assert done(store) == Settled(0, 0)


def test_a_clock_that_was_ahead_does_not_stop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One write dated years ahead would else keep a store from being collected until then."""
    with init(tmp_path / "store") as store:
        clock = time.time_ns
        with monkeypatch.context() as ahead:
            ahead.setattr(time, "time_ns", lambda: clock() + 10**18)
            draft = littered(store)
        greedy(store)
        write_until(store, draft, lambda: done(store).number)
        settled = done(store)
        for number in range(2 * AUTO_LOOK):
            draft.set_metadata({"n": number})
        assert done(store) == settled  # Nor is it due again at once.


def test_zero_switches_it_off(tmp_path: Path) -> None:
    """As git's gc.auto does."""
    with init(tmp_path / "store") as store:
        draft = littered(store)
        greedy(store, auto=0)
        for number in range(60):
            draft.set_metadata({"n": number})
        assert done(store) == Settled(0, 0)
        with pytest.raises(UsageError, match="0 for never"):
            store.set_config("gc.auto", -1)


def test_a_batch_is_not_held_up(tmp_path: Path) -> None:
    """Neither by its edits nor by another draft's inside of it; the write at its end collects."""
    with init(tmp_path / "store") as store:
        draft = littered(store)
        other = store.create_dataset("e").version()
        greedy(store)
        assert store.handle.after_write is not None
        turn = store.path / "db" / "gc.lock"
        with draft.batch():
            for number in range(60):
                draft.add_frames([frame(number, "in a batch")])
                other.set_metadata({"n": number})
            assert not turn.exists()
        assert turn.exists()


def write_in_child(folder: Path, store: Store | None) -> None:
    """Write enough for several slices, through a store that is inherited or one's own."""
    mine = open_store(folder) if store is None else store
    draft = mine.dataset("d").version()
    for number in range(60):
        draft.set_metadata({"n": number})
    if store is None:
        mine.close()


def test_children_of_a_fork_collect_nothing(tmp_path: Path) -> None:
    """A worker of a data loader has other things to do, and several would do the same."""
    with init(tmp_path / "store") as store:
        littered(store)
        greedy(store)
        assert run_in_child(lambda: write_in_child(store.path, store)) == "done"
        assert done(store) == Settled(0, 0)


def test_workers_of_multiprocessing_collect_nothing(tmp_path: Path) -> None:
    """Nor where they open the store themselves."""
    with init(tmp_path / "store") as store:
        littered(store)
        greedy(store)
        folder = store.path
    worker = multiprocessing.get_context("spawn").Process(
        target=write_in_child, args=(folder, None)
    )
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    with open_store(folder) as store:
        assert done(store) == Settled(0, 0)


def test_a_store_opened_by_the_layer_below_collects_nothing(tmp_path: Path) -> None:
    """What tests and other layers open has no housekeeping that they did not ask for."""
    with stores.init(tmp_path / "store") as store:
        draft = littered(store)
        greedy(store)
        draft.set_metadata({"n": 1})
        assert not (store.path / "db" / "gc.lock").exists()


def test_a_write_succeeds_while_another_collection_runs(tmp_path: Path) -> None:
    """It waits for nobody, and does not collect either."""
    with init(tmp_path / "store") as store:
        draft = littered(store)
        greedy(store)
        with store.handle.database.collecting():
            draft.set_metadata({"n": 1})
        assert draft.get_metadata() == {"n": 1}
        assert done(store) == Settled(0, 0)


def test_a_collection_that_is_asked_for_ends_one_in_slices(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It moves records to other rows, where the one that rests would not look for them."""
    with init(tmp_path / "store") as store:
        draft = littered(store)
        greedy(store)
        draft.set_metadata({"n": 1})
        assert done(store) == Settled(0, 0)
        with stores.open_store(store.path) as other:
            other.dataset("d").version().add_frames(map(frame, range(300, 310)))
            gc(other)
        settled = done(store)
        assert settled.number
        store.set_config("gc.auto", 10**6)
        for number in range(200):
            draft.set_metadata({"n": number})
        assert done(store) == settled
        assert not caplog.records
        assert fsck(store, level="full").faults == []


def test_two_that_collect_in_slices_do_not_end_each_other(tmp_path: Path) -> None:
    """Two processes that write in turn would otherwise begin again and again."""
    with init(tmp_path / "store") as store, open_store(store.path) as other:
        littered(store)
        greedy(store)
        drafts = [one.dataset("d").version() for one in (store, other)]
        for number in range(400):
            if done(store).number:
                break
            drafts[number % 2].set_metadata({"n": number})
        assert done(store).number
        assert fsck(store, level="full").faults == []


def test_a_collection_left_in_the_middle_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process may have ended, or write no more."""
    with init(tmp_path / "store") as store:
        draft = littered(store)
        greedy(store, auto=400)
        draft.set_metadata({"n": 1})
        assert store.handle.after_write is not None
        keep_tidy(store)  # As another process would begin: the marks are gone.
        for number in range(20):
            draft.set_metadata({"n": number})
        assert done(store) == Settled(0, 0)
        with store.handle.database.collecting() as turn:
            turn.sign(turn.run, turn.time_ms - AUTO_ALIVE_MS)
        keep_tidy(store)
        write_until(store, draft, lambda: done(store).number)


@pytest.mark.slow
def test_short_processes_come_to_an_end_too(tmp_path: Path) -> None:
    """Each begins anew with its slice; when it is late, one of them does all of it."""
    with init(tmp_path / "store") as store:
        littered(store)
        objects = len(present(store.handle.database))
        greedy(store, auto=objects - 100)
        folder = store.path
    for runs in range(objects):
        with open_store(folder) as store:
            if done(store).number:
                break
            store.dataset("d").version().set_metadata({"n": runs})
    else:
        raise AssertionError("none of them came to the end")
    assert runs > 1
    with open_store(folder) as store:
        assert fsck(store, level="full").faults == []


def test_what_goes_wrong_is_logged_and_the_write_stands(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A write that is on disk must not look as if it had failed."""
    with init(tmp_path / "store") as store:
        draft = littered(store)
        other = store.create_dataset("e").version()
        other.add_frames(map(frame, range(1000, 1200)))
        with store.handle.database.writing() as writer:
            writer.delete_objects([ObjectId(other.view().snapshot.roots["frames"])])
        before = present(store.handle.database).keys()
        greedy(store)
        for number in range(60):
            draft.set_metadata({"n": number})
        assert draft.get_metadata() == {"n": 59}
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "fsck" in caplog.text
        assert before <= present(store.handle.database).keys()


@pytest.mark.parametrize("held", [b"x", bytes(24), b"\xff" * 24, b"a" * 25])
def test_a_spoilt_turn_ends_a_collection_that_rests_and_no_more(
    tmp_path: Path, held: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Others write to any file; the next collection begins anew, and says nothing."""
    with init(tmp_path / "store") as store:
        draft = littered(store)
        greedy(store)
        draft.set_metadata({"n": 1})
        (store.path / "db" / "gc.lock").write_bytes(held)
        write_until(store, draft, lambda: done(store).number)
        (store.path / "db" / "gc.lock").write_bytes(held)
        gc(store)
        assert not caplog.records
        assert fsck(store, level="full").faults == []


@pytest.mark.parametrize("spoil", ["gone", "cut", "flipped", "another store's", "ahead"])
def test_what_is_written_of_earlier_collections_is_believed_little(
    tmp_path: Path, spoil: str
) -> None:
    """cache/ may be deleted, or be left from another copy: then it is collected too early."""
    with init(tmp_path / "store") as store:
        draft = littered(store)
        greedy(store)
        write_until(store, draft, lambda: done(store).number)
        file = store.path / "cache" / "collected"
        data = file.read_bytes()
        if spoil == "gone":
            shutil.rmtree(file.parent)
        elif spoil == "cut":
            file.write_bytes(data[:-1])
        elif spoil == "flipped":
            file.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        elif spoil == "another store's":
            write_settled(file.parent, "0" * 32, Settled(10**9, 0))
        else:
            write_settled(file.parent, store.id, Settled(10**9, 0))
        before = done(store)
        write_until(store, draft, lambda: done(store) != before)
        assert 0 < done(store).number < 10**6
        assert fsck(store, level="full").faults == []


def test_an_interrupt_in_a_slice_ends_it_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who presses Ctrl-C is heard, and the next write begins anew."""
    with init(tmp_path / "store") as store:
        draft = littered(store)
        greedy(store)

        def interrupt(*_: object) -> Iterator[int]:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Collection, "_mark", interrupt)
            with pytest.raises(KeyboardInterrupt):
                write_until(store, draft, lambda: False)
        with store.handle.database.collecting() as turn:
            turn.sign(turn.run, turn.time_ms - AUTO_ALIVE_MS)
        write_until(store, draft, lambda: done(store).number)
        assert fsck(store, level="full").faults == []


def test_a_child_of_the_process_leaves_its_parents_slices_alone(tmp_path: Path) -> None:
    """What it inherits of them stands in the middle of a collection that is not its own."""
    with init(tmp_path / "store") as store:
        draft = littered(store)
        greedy(store)
        draft.set_metadata({"n": 1})
        child = os.fork()
        if child == 0:
            draft.set_metadata({"n": 2})
            os._exit(0)
        os.waitpid(child, 0)
        write_until(store, draft, lambda: done(store).number)
        assert fsck(store, level="full").faults == []


def test_the_hook_is_of_one_process(tmp_path: Path) -> None:
    """A handle that is pickled for a worker comes out without it."""
    with init(tmp_path / "store") as store:
        assert isinstance(getattr(store.handle.after_write, "__self__", None), Automatic)
        with open_store(store.path, readonly=True) as other:
            assert other.handle.after_write is None
