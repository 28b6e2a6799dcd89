"""Iterators that go to other processes, and outlive edits and collections."""

import gc as python_gc
import itertools
import pickle
import shutil
import threading
from collections.abc import Iterable, Iterator
from multiprocessing.context import ForkContext, ForkServerContext, SpawnContext
from pathlib import Path

import pytest

import hyperstore
from hyperstore import Store
from hyperstore.dataset import handle as handles
from hyperstore.dataset.view import Frame
from hyperstore.errors import HyperstoreError, NotFoundError, QueryError
from hyperstore.maintenance.collect import gc
from hyperstore.query.iteration.iterator import FrameIterator, Iteration, joined
from hyperstore.query.language.condition import Condition, Field, Leaf, RoiCondition, Scope, Term
from hyperstore.query.order import IterationOrder
from hyperstore.query.selection.selection import Part, Selection
from tests.support.children import run_in_child
from tests.support.stores import frame

COUNT = 1_500
RANDOM = Iteration(order=IterationOrder.random, seed=11)
CATS = Condition(rois=(RoiCondition(Leaf(Field(Scope.ROI, "label", exact=True), Term("cat"))),))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A draft of frames enough for several batches."""
    with hyperstore.init(tmp_path / "store") as made:
        made.create_dataset("cells").version().add_frames(map(frame, range(COUNT)))
        yield made


def selection_of(store: Store) -> Selection:
    return Selection(store.handle, [Part(store.dataset("cells").version().view(), CATS)])


def ids(frames: Iterable[Frame]) -> list[str]:
    return [one.id for one in frames]


def read_shard(running: FrameIterator, index: int, workers: int, path: str) -> None:
    """Write the ids of one worker's share, in a process of its own."""
    running.set_concurrency(index, workers)
    Path(path).write_text("\n".join(ids(running)), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("method", [ForkContext, SpawnContext, ForkServerContext])
def test_workers_share_one_iteration(
    store: Store,
    tmp_path: Path,
    method: type[ForkContext | SpawnContext | ForkServerContext],
) -> None:
    """However they are started: each frame comes to one of them, in the order of its share."""
    running = FrameIterator(selection_of(store), RANDOM)
    context = method()
    paths = [str(tmp_path / f"worker {at}") for at in range(3)]
    children = [
        context.Process(target=read_shard, args=(running, at, 3, path))
        for at, path in enumerate(paths)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0, 0]
    found = [Path(path).read_text(encoding="utf-8").split("\n") for path in paths]
    whole = ids(running)
    assert found == [whole[at::3] for at in range(3)]


def test_parent_and_child_both_go_on_after_a_fork(store: Store) -> None:
    """In mid-epoch: neither loses a frame."""
    whole = ids(FrameIterator(selection_of(store), RANDOM))
    running = FrameIterator(selection_of(store), RANDOM)
    first = ids(itertools.islice(running, 100))

    def go_on() -> None:
        assert first + ids(running) == whole

    assert run_in_child(go_on) == "done"
    assert first + ids(running) == whole


def test_what_is_gone_or_edited_meanwhile_is_read_as_it_was(store: Store) -> None:
    """`gc --prune=now` while it iterates: what it began with is held until it ends."""
    draft = store.dataset("cells").version()
    selection = selection_of(store)
    whole = [one.to_dict() for one in FrameIterator(selection, RANDOM)]
    running = FrameIterator(selection, RANDOM)
    found = [next(running).to_dict() for _ in range(20)]
    draft.delete_frames([f"{one:032x}" for one in range(1, COUNT)])
    draft.commit("one left")
    assert gc(store, prune_now=True).pins >= 1
    found += [one.to_dict() for one in running]
    assert found == whole
    del running, selection
    python_gc.collect()
    assert gc(store, prune_now=True).objects > COUNT


def test_a_frame_that_was_lost_and_came_back_is_found_again(store: Store) -> None:
    """It has another number now, and the selection was made before."""
    selection = selection_of(store)
    before = [one.to_dict() for one in FrameIterator(selection, RANDOM)]
    lost = [object_id for _, object_id in selection.entries()][40:60]
    with store.handle.database.reading() as reader:
        records = [(one, *reader.get_record(one)) for one in lost]
    with store.handle.database.writing() as writer:
        writer.delete_objects(lost)
    with pytest.raises(HyperstoreError, match="not here"):
        list(FrameIterator(selection, RANDOM))
    with store.handle.database.writing() as writer:
        writer.put_many(records)
    assert [one.to_dict() for one in FrameIterator(selection, RANDOM)] == before


@pytest.mark.parametrize("states", [3, None, "state"])
def test_only_states_are_joined(states: object) -> None:
    """What is no list of these is refused by name, as a list of others is."""
    with pytest.raises(QueryError, match="state"):
        joined(states)  # type: ignore[arg-type]


def test_threads_share_one_iterator(store: Store) -> None:
    """Who asks while another reads waits for it, and each frame goes to one of them."""
    selection = selection_of(store)
    taken: list[str] = []
    faults: list[ValueError] = []

    def take() -> None:
        try:
            taken.extend(one.id for one in running)
        except ValueError as fault:
            faults.append(fault)

    other = threading.Thread(target=take)

    def shape(frame: Frame, part: int = 0, roi: int | None = None) -> Frame:
        if other.ident is None:
            other.start()
            other.join(0.2)  # It ends in that time if it does not wait.
        return frame

    running = FrameIterator(selection, RANDOM, shape=shape)
    take()
    other.join()
    assert faults == []
    assert sorted(taken) == sorted(selection.frame_ids())


def test_an_iterator_says_that_another_store_stands_there(store: Store, tmp_path: Path) -> None:
    """Its numbers mean other frames there, or none."""
    folder = store.path
    pickled = pickle.dumps(FrameIterator(selection_of(store), RANDOM))
    store.close()
    handles._shared.pop(folder, None)
    shutil.move(folder, tmp_path / "elsewhere")
    with (
        hyperstore.init(folder),
        pytest.raises(NotFoundError, match=r"another store stands at .* by now"),
    ):
        pickle.loads(pickled)


def test_a_fault_while_reading_comes_to_who_asks(store: Store) -> None:
    """And comes again: the frame that could not be read is not passed over."""
    selection = selection_of(store)
    whole = FrameIterator(selection, Iteration())
    lost = [object_id for _, object_id in selection.entries()][200]
    expected = ids(itertools.islice(whole, 16))
    with store.handle.database.writing() as writer:
        writer.delete_objects([lost])
    running = FrameIterator(selection_of_found(selection), Iteration())
    assert ids(itertools.islice(running, 16)) == expected
    for _ in range(2):
        with pytest.raises(HyperstoreError, match="not here"):
            list(running)
    assert running.get_current_iteration() >= 16


def selection_of_found(selection: Selection) -> Selection:
    """Return a selection as another process gets it, with what was found."""
    return Selection(selection.handle, selection.parts, found=selection.found)


def test_a_pickle_says_where_no_store_is(store: Store, tmp_path: Path) -> None:
    """One clear error that names the folder, in whatever process it comes up."""
    pickled = pickle.dumps(FrameIterator(selection_of(store), RANDOM))
    assert b"LMDB" not in pickled
    folder = store.path
    store.close()
    handles._shared.pop(folder, None)
    shutil.move(folder, tmp_path / "elsewhere")
    with pytest.raises(HyperstoreError, match=r"store"):
        pickle.loads(pickled)


def test_numbers_of_another_store_are_not_believed(store: Store, tmp_path: Path) -> None:
    """A pickle that is read where another copy stands in the folder finds all again."""
    draft = store.dataset("cells").version()
    draft.commit("all")
    selection = selection_of(store)
    whole = ids(FrameIterator(selection, RANDOM))
    data = pickle.dumps(selection)
    again = pickle.loads(data)
    assert again._found is not None
    stored = pickle.loads(data.replace(store.handle.database.store_id.encode(), b"0" * 32))
    assert stored._found is None
    assert ids(FrameIterator(stored, RANDOM)) == ids(FrameIterator(again, RANDOM)) == whole


def test_a_small_state_stands_for_a_large_epoch(store: Store) -> None:
    """It goes into every checkpoint: some hundred bytes, whatever was read, and of all workers."""
    running = FrameIterator(selection_of(store), RANDOM)
    for _ in itertools.islice(running, 1_234):
        pass
    assert len(pickle.dumps(running.state_dict())) < 400
    workers = [FrameIterator(selection_of(store), RANDOM, worker=(at, 4)) for at in range(4)]
    for at, one in enumerate(workers):
        for _ in itertools.islice(one, 100 + at):
            pass
    assert len(pickle.dumps(joined([one.state_dict() for one in workers]))) < 400


def test_a_store_that_is_closed_meanwhile_ends_the_reading(store: Store) -> None:
    """One clear error, and nobody looks at a file that is not mapped any more."""
    folder = store.path
    for taken in range(0, 60, 3):
        with hyperstore.open(folder) as mine:
            view = mine.dataset("cells").version().view()
            endless = Iteration(order=IterationOrder.random, infinite=True)
            running = FrameIterator(Selection(mine.handle, [Part(view)]), endless)
            for _ in itertools.islice(running, taken):
                pass
            store.close()
        with pytest.raises(HyperstoreError, match="closed"):
            list(itertools.islice(running, 10_000))
