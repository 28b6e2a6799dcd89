"""Going through a selection: each frame once, in one order, shared out and resumed."""

import itertools
import json
import pickle
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hyperstore
from hyperstore import Store
from hyperstore.dataset.view import Frame
from hyperstore.errors import QueryError, UsageError
from hyperstore.ids import derived_id
from hyperstore.query.iteration.iterator import FrameIterator, Iteration, joined
from hyperstore.query.order import IterationOrder
from hyperstore.query.selection.selection import Part, Selection
from tests.support.stores import frame

COUNT = 120
SEQUENTIAL = Iteration()
RANDOM = Iteration(order=IterationOrder.random, seed=7)
CLIPS = Iteration(order=IterationOrder.random, seed=3, clip_frames=7)
SHORTENED = Iteration(clip_frames=9, limit=59)
ENDLESS = Iteration(order=IterationOrder.random, infinite=True, limit=300)
OLD_FIELDS = ("form", "view", "left", "start", "shard", "shards", "taken", "inside")
ways = pytest.mark.parametrize("way", [SEQUENTIAL, RANDOM, CLIPS, ENDLESS])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A draft of 120 frames in three contexts."""
    with hyperstore.init(tmp_path_factory.mktemp("iterate") / "store") as made:
        made.create_dataset("cells").version().add_frames(frame(one) for one in range(COUNT))
        yield made


@pytest.fixture(scope="module")
def selection(store: Store) -> Selection:
    """All of its frames."""
    return Selection(store.handle, [Part(store.dataset("cells").version().view())])


def ids(frames: Iterable[Frame]) -> list[str]:
    return [one.id for one in frames]


def shards_of(
    selection: Selection, way: Iteration, world: int, workers: int
) -> list[FrameIterator]:
    """Return the iterators of all workers of all nodes, in the order in which a step goes round."""
    return [
        FrameIterator(selection, way, node=(rank, world), worker=(index, workers))
        for index in range(workers)
        for rank in range(world)
    ]


def in_turns(rows: Iterable[list[str]]) -> list[str]:
    """Return what many have, one of each in turn."""
    found = itertools.chain.from_iterable(itertools.zip_longest(*rows))
    return [one for one in found if one is not None]


def test_in_order_it_is_the_order_of_the_version(selection: Selection, store: Store) -> None:
    """Context, time, id: as a version is read."""
    expected = ids(store.dataset("cells").version())
    assert ids(FrameIterator(selection, SEQUENTIAL)) == expected
    assert selection.frame_ids(0, 50) == expected[:50] == selection.frame_ids()[:50]
    assert len(selection) == COUNT


def test_at_random_each_comes_once_and_in_an_order_of_the_seed(selection: Selection) -> None:
    """Finite random is a permutation: the same at every run, another for another seed."""
    found = ids(FrameIterator(selection, RANDOM))
    assert sorted(found) == sorted(selection.frame_ids())
    assert found == ids(FrameIterator(selection, RANDOM)) != selection.frame_ids()
    other = Iteration(order=IterationOrder.random, seed=8)
    assert ids(FrameIterator(selection, other)) != found


@ways
@pytest.mark.parametrize(("world", "workers"), [(1, 2), (3, 1), (2, 4), (1, 150)])
def test_shards_lose_and_repeat_nothing(
    selection: Selection, way: Iteration, world: int, workers: int
) -> None:
    """What a reader of all shards in turn has is what one reader has alone, in the same order."""
    rows = [ids(one) for one in shards_of(selection, way, world, workers)]
    alone = ids(FrameIterator(selection, way))
    if way.has_clips:
        assert sorted(itertools.chain.from_iterable(rows)) == sorted(alone)
    else:
        assert in_turns(rows) == alone


@ways
@given(data=st.data())
def test_who_resumes_goes_on_as_if_never_stopped(
    selection: Selection, way: Iteration, data: st.DataObject
) -> None:
    """A state is a moment of the row, wherever it was taken and however often."""
    whole = ids(FrameIterator(selection, way))
    found: list[str] = []
    running = FrameIterator(selection, way)
    while len(found) < len(whole):
        found += ids(itertools.islice(running, data.draw(st.integers(1, 60))))
        state = json.loads(json.dumps(running.state_dict()))
        running = FrameIterator(selection, way)
        running.load_state_dict(state)
        assert len(running) == len(whole) - len(found)
    assert found == whole


@pytest.mark.parametrize("way", [SEQUENTIAL, RANDOM, CLIPS, ENDLESS, SHORTENED])
@given(data=st.data())
def test_other_workers_go_on_where_some_came_at_different_paces(
    selection: Selection, way: Iteration, data: st.DataObject
) -> None:
    """No frame is lost or comes again when an epoch goes on with more or fewer workers.

    Nor where each stands in the midst of a clip: a program that is stopped cannot choose when.
    """
    whole = ids(FrameIterator(selection, way))
    state, found = None, []
    for _ in range(data.draw(st.integers(1, 3))):
        shards = shards_of(selection, way, 1, data.draw(st.integers(1, 5)))
        for one in shards:
            if state is not None:
                one.load_state_dict(state)
            found += ids(itertools.islice(one, data.draw(st.integers(0, 25))))
        state = joined([json.loads(json.dumps(one.state_dict())) for one in shards])
    last = FrameIterator(selection, way)
    assert state is not None
    last.load_state_dict(state)
    assert len(last) == len(whole) - len(found)
    rest = ids(last)
    assert sorted(found + rest) == sorted(whole)
    in_row = iter(whole)
    assert all(one in in_row for one in rest)  # What is left keeps its order.


def test_a_state_says_of_each_clip_that_is_broken_off_how_far_it_came(selection: Selection) -> None:
    """Joined and given to other workers, and joined again, each goes on behind what was seen."""
    way = Iteration(clip_frames=10)
    whole = ids(FrameIterator(selection, way))
    clips = [whole[at : at + 10] for at in range(0, COUNT, 10)]
    four = shards_of(selection, way, 1, 4)
    paces = zip(four, (3, 0, 12, 9), strict=True)
    seen = [ids(itertools.islice(one, count)) for one, count in paces]
    assert seen == [clips[0][:3], [], clips[2] + clips[6][:2], clips[3][:9]]
    alone = FrameIterator(selection, way)
    alone.load_state_dict([one.state_dict() for one in four])
    assert ids(itertools.islice(alone, 9)) == clips[0][3:] + clips[1][:2]
    pair = shards_of(selection, way, 1, 2)
    for one in pair:
        one.load_state_dict(alone.state_dict())
    rest = [clips[1][2:], clips[3][9:], clips[4], clips[5], clips[6][2:], *clips[7:]]
    shares = [[*itertools.chain.from_iterable(rest[at::2])] for at in range(2)]
    assert [ids(one) for one in pair] == shares


def test_a_state_of_clips_that_is_damaged_is_refused(selection: Selection) -> None:
    """What is handed out of a clip is as much of a state as which clips are."""
    shards = shards_of(selection, CLIPS, 1, 3)
    for one in shards:
        next(one)
    state = joined([one.state_dict() for one in shards])
    assert [frames for _, frames in state["broken"]] == [1, 1, 1]  # type: ignore[attr-defined]
    nothing = {name: held for name, held in state.items() if name != "broken"}
    for broken in ([], [[0, 2], [1, 1], [2, 1]], [[0]], [3], "x", [["a", 1]], [[0, -1]]):
        with pytest.raises(QueryError, match="state"):
            FrameIterator(selection, CLIPS).load_state_dict({**state, "broken": broken})
    with pytest.raises(QueryError, match="state"):
        FrameIterator(selection, CLIPS).load_state_dict(nothing)


def test_a_state_that_was_saved_before_clips_were_joined_is_still_read(
    selection: Selection,
) -> None:
    """Checkpoints lie about for months; this one is what an earlier version wrote."""
    running = FrameIterator(selection, CLIPS)
    seen = ids(itertools.islice(running, 10))
    state = running.state_dict()
    assert sorted(state) == [
        *("check", "form", "inside", "left", "shard", "shards", "start", "taken", "view"),
    ]
    said = (1, state["view"], (), 1, 0, 1, 0, 3)
    old = dict(zip(OLD_FIELDS, said, strict=True))
    old |= {"left": [], "check": derived_id(repr(said).encode())}
    assert old == state
    again = FrameIterator(selection, CLIPS)
    again.load_state_dict(old)
    assert seen + ids(again) == ids(FrameIterator(selection, CLIPS))


def test_a_pickled_iterator_goes_on_where_it_was(selection: Selection) -> None:
    """It is an attribute of somebody's data set, and goes with it to a worker."""
    running = FrameIterator(selection, RANDOM)
    first = ids(itertools.islice(running, 33))
    again = pickle.loads(pickle.dumps(running))
    assert first + ids(again) == ids(FrameIterator(selection, RANDOM))
    assert ids(running) == ids(FrameIterator(selection, RANDOM))[33:]


def test_a_state_of_another_view_or_a_damaged_one_is_refused(selection: Selection) -> None:
    """Going on somewhere else than where it stopped is worse than not going on."""
    running = FrameIterator(selection, RANDOM)
    next(running)
    state = running.state_dict()
    for other in (SEQUENTIAL, Iteration(order=IterationOrder.random, seed=8), CLIPS):
        with pytest.raises(QueryError, match="another view"):
            FrameIterator(selection, other).load_state_dict(state)
    damaged: list[object] = [{**state, "start": 5}, {**state, "form": 99}, {}, None, 3, [[state]]]
    damaged += [{**state, "left": "x"}, {**state, "left": [-1]}, {**state, "shards": 0}]
    damaged += [{name: one for name, one in state.items() if name != left} for left in state]
    for one in damaged:
        with pytest.raises(QueryError, match="state"):
            FrameIterator(selection, RANDOM).load_state_dict(one)  # type: ignore[arg-type]
    assert next(running).id == ids(FrameIterator(selection, RANDOM))[1]


def test_a_state_of_one_shard_is_no_state_of_another(selection: Selection) -> None:
    """Two workers that both take the first one's state would read its frames twice."""
    first, second = shards_of(selection, RANDOM, 1, 2)
    next(first)
    with pytest.raises(QueryError, match="as a list"):
        second.load_state_dict(first.state_dict())
    with pytest.raises(QueryError, match="one of each"):
        joined([first.state_dict()])
    with pytest.raises(QueryError, match="no state"):
        joined([])


def test_an_initial_iteration_skips_so_many_frames(selection: Selection) -> None:
    """Set before, told after: the position in the whole row, over all shards."""
    whole = ids(FrameIterator(selection, RANDOM))
    running = FrameIterator(selection, RANDOM)
    running.set_initial_iteration(40)
    assert ids(itertools.islice(running, 10)) == whole[40:50]
    assert running.get_current_iteration() == 50
    shards = shards_of(selection, RANDOM, 1, 3)
    for one in shards:
        one.set_initial_iteration(40)
    assert in_turns([ids(one) for one in shards]) == whole[40:]
    with pytest.raises(UsageError, match="whole number"):
        running.set_initial_iteration(-1)


def test_shares_are_set_before_and_not_under_way(selection: Selection) -> None:
    """The newer SDK sets them on the iterator; a change under way would lose frames."""
    running = FrameIterator(selection, SEQUENTIAL)
    running.set_node(1, 2)
    running.set_concurrency(worker_index=0, num_workers=3)
    assert running.node_id == 1
    assert ids(running) == selection.frame_ids()[1::6]
    with pytest.raises(UsageError, match="joining"):
        running.set_concurrency(1, 3)
    for node in ((2, 2), (-1, 2), (0, 0), (0.0, 1)):
        with pytest.raises(QueryError, match="node"):
            FrameIterator(selection, node=node)  # type: ignore[arg-type]


def test_an_endless_iteration_shows_every_frame_in_each_round(selection: Selection) -> None:
    """Rounds differ in their order and not in what they hold."""
    endless = FrameIterator(selection, Iteration(order=IterationOrder.random, infinite=True))
    rounds = [ids(itertools.islice(endless, COUNT)) for _ in range(3)]
    assert all(sorted(one) == sorted(selection.frame_ids()) for one in rounds)
    assert rounds[0] != rounds[1] != rounds[2]
    with pytest.raises(UsageError, match="no end"):
        len(endless)


def test_a_limit_counts_frames_of_all_shards(selection: Selection) -> None:
    """A finite one ends with the frames, an infinite one with the limit."""
    assert ids(FrameIterator(selection, Iteration(limit=5))) == selection.frame_ids()[:5]
    assert len(ids(FrameIterator(selection, Iteration(limit=500)))) == COUNT
    assert len(ids(FrameIterator(selection, Iteration(limit=500, infinite=True)))) == 500
    rows = [ids(one) for one in shards_of(selection, Iteration(limit=500, infinite=True), 2, 3)]
    assert [len(one) for one in rows] == [84, 84, 83, 83, 83, 83]


@pytest.mark.parametrize(
    "given",
    [
        {"limit": 0},
        {"limit": -1},
        {"limit": 1.5},
        {"limit": True},
        {"order": "backwards"},
        {"seed": None},
        {"seed": "x"},
        {"clip_frames": 0},
        {"clip_ms": -5},
        {"jump_ms": -1},
    ],
)
def test_an_iteration_of_nonsense_is_refused(given: dict[str, object]) -> None:
    """One clear error, before anything is read."""
    with pytest.raises((QueryError, UsageError)):
        Iteration(**given)  # type: ignore[arg-type]


def test_an_empty_selection_ends_at_once(store: Store) -> None:
    """Endlessly nothing is nothing."""
    view = store.create_dataset("empty").version().view()
    nothing = Selection(store.handle, [Part(view)])
    for way in (SEQUENTIAL, RANDOM, CLIPS, ENDLESS, Iteration(infinite=True)):
        assert ids(FrameIterator(nothing, way)) == []
