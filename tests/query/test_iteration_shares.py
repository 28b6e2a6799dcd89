"""Repetition, shares, limits and clips: what a step shows, counted by another road."""

import itertools
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hyperstore
from hyperstore import Store
from hyperstore.dataset.view import Frame
from hyperstore.query.iteration.iterator import FrameIterator, Iteration
from hyperstore.query.iteration.steps import Plan
from hyperstore.query.language.condition import Condition, Field, Leaf, RoiCondition, Scope, Term
from hyperstore.query.order import IterationOrder
from hyperstore.query.selection.selection import Part, Selection
from tests.support.stores import frame

COUNT = 90
RANDOM = IterationOrder.random


def fits(label: str) -> Condition:
    return Condition(rois=(RoiCondition(Leaf(Field(Scope.ROI, "label", exact=True), Term(label))),))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Frames of which 10 show a dog, 50 a cat and 30 a bird; 4 of the dogs are cats too."""
    with hyperstore.init(tmp_path_factory.mktemp("shares") / "store") as made:
        frames = [frame(one, "dog" if one < 10 else "cat") for one in range(COUNT)]
        for one in range(60, COUNT):
            frames[one] = frame(one, "bird")
        for one in range(4):
            frames[one]["rois"] = [{"label": ["dog", "cat"], "poly": [1, 2, 3, 4]}]
        made.create_dataset("cells").version().add_frames(frames)
        yield made


def selection_of(store: Store, **weights: float) -> Selection:
    view = store.dataset("cells").version().view()
    parts = [Part(view, fits(label), weight) for label, weight in weights.items()]
    return Selection(store.handle, parts)


def ids(frames: Iterable[Frame]) -> list[str]:
    return [one.id for one in frames]


class Noting:
    """A shape that notes of which part each frame was drawn."""

    def __init__(self) -> None:
        self.parts: list[int] = []

    def __call__(self, frame: Frame, part: int = 0, roi: int | None = None) -> Frame:
        self.parts.append(part)
        return frame


@pytest.mark.parametrize("order", list(IterationOrder))
def test_with_repetition_each_part_has_its_share(store: Store, order: IterationOrder) -> None:
    """Weights are shares of what comes out, whatever the parts hold."""
    selection = selection_of(store, dog=3, bird=1)
    noting = Noting()
    way = Iteration(order=order, infinite=True, limit=4_000)
    found = ids(FrameIterator(selection, way, shape=noting))
    counts = Counter(noting.parts[:4_000])
    assert abs(counts[0] - 3_000) <= 1
    seen = Counter(found)
    dogs = [seen[one] for one in selection.frame_ids() if int(one, 16) < 10]
    birds = [seen[one] for one in selection.frame_ids() if int(one, 16) >= 60]
    assert max(dogs) - min(dogs) <= 1  # Round after round: no frame waits for chance.
    assert max(birds) - min(birds) <= 1


def test_a_synthetic_epoch_is_as_long_as_the_largest_part_takes(store: Store) -> None:
    """Repetition without a length of its own: 54 cats at a share of a quarter."""
    selection = selection_of(store, cat=1, dog=3)
    assert selection.counts == [54, 10]
    way = Iteration(order=RANDOM, allow_repetition=True)
    noting = Noting()
    found = ids(FrameIterator(selection, way, shape=noting))
    assert len(found) == 216
    assert {one for one, part in zip(found, noting.parts, strict=True) if part == 0} == set(
        selection_of(store, cat=1).frame_ids()
    )


def test_of_a_finite_limit_parts_have_their_shares_and_nothing_repeats(store: Store) -> None:
    """As long as they last: then the others go on."""
    selection = selection_of(store, dog=1, bird=1, cat=2)
    for limit in (8, 20, 40, 60, 80, 89):
        found = ids(FrameIterator(selection, Iteration(order=RANDOM, limit=limit)))
        assert len(found) == len({*found}) == min(limit, COUNT)
        dogs = sum(int(one, 16) < 10 for one in found)
        assert abs(dogs - min(10, limit / 4)) <= 2
    assert sorted(ids(FrameIterator(selection, Iteration(order=RANDOM)))) == sorted(
        selection.frame_ids()
    )


def test_a_finite_one_shows_what_two_parts_find_once(store: Store) -> None:
    """The total is unique, with or without a limit that weights divide."""
    selection = selection_of(store, dog=5, cat=1)
    assert (len(selection), selection.counts) == (60, [10, 54])
    for limit in (None, 59, 60, 1_000):
        found = ids(FrameIterator(selection, Iteration(order=RANDOM, limit=limit)))
        assert len(found) == len({*found}) == min(limit or 60, 60)


@pytest.mark.parametrize("clip", [None, 4])
def test_weights_change_no_order_of_what_comes_in_sequence(store: Store, clip: int | None) -> None:
    """A limit takes the first frames: by context, time and id, none of them passed over."""
    selection = selection_of(store, dog=5, bird=1, cat=2)
    way = Iteration(limit=40, clip_frames=clip)
    assert ids(FrameIterator(selection, way)) == selection.frame_ids(0, 40)


def test_parts_whose_frames_have_no_position_have_no_share() -> None:
    """Frames without a ROI that fits, where a frame comes once for each: nothing is to be drawn."""

    class Bare(Listed):
        def positions_of_part(self, part: int, *, first_only: bool = False) -> range:
            return range(4) if part == 0 else range(0)

        def __len__(self) -> int:
            return 4

    bare = Bare([[3], [2]], [1.0, 9.0])  # By frames.
    once = Plan(bare, Iteration(allow_repetition=True))
    assert once.count == 4
    assert [*once.steps(range(4)).positions] == [0, 1, 2, 3]
    endless = Plan(bare, Iteration(infinite=True))
    assert [*endless.steps(range(6)).positions] == [0, 1, 2, 3, 0, 1]


def test_empty_parts_have_no_share(store: Store) -> None:
    """What is not there cannot be drawn, and takes nothing from the others."""
    selection = selection_of(store, dog=1, cow=100)
    assert selection.counts == [10, 0]
    way = Iteration(order=RANDOM, allow_repetition=True)
    assert sorted(ids(FrameIterator(selection, way))) == sorted(selection.frame_ids())


def slow_clips(frames: list[Frame], way: Iteration) -> list[list[str]]:
    """Return the clips by the rules, one frame at a time."""
    clips: list[list[Frame]] = []
    for one in frames:
        clip = clips[-1] if clips else []
        time = one.timestamp or 0
        if (
            clip
            and clip[0].context_id == one.context_id
            and (way.clip_frames is None or len(clip) < way.clip_frames)
            and (way.clip_ms is None or time - (clip[0].timestamp or 0) < way.clip_ms)
            and (way.jump_ms is None or time - (clip[-1].timestamp or 0) <= way.jump_ms)
        ):
            clip.append(one)
        else:
            clips.append([one])
    return [[one.id for one in clip] for clip in clips]


@given(
    frames=st.none() | st.integers(1, 9),
    span=st.none() | st.integers(1, 40),
    jump=st.none() | st.integers(0, 9),
    shuffled=st.booleans(),
)
def test_clips_are_of_one_context_and_whole(
    store: Store, frames: int | None, span: int | None, jump: int | None, shuffled: bool
) -> None:
    """In order the frames come as ever; shuffled, clips change places and not their frames."""
    selection = selection_of(store, cat=1)
    order = RANDOM if shuffled else IterationOrder.sequential
    way = Iteration(order=order, clip_frames=frames, clip_ms=span, jump_ms=jump)
    whole = [*FrameIterator(selection, Iteration())]
    found = ids(FrameIterator(selection, way))
    if not shuffled or not way.has_clips:
        way = Iteration(order=order)
        assert found == ids(FrameIterator(selection, way))
        return
    expected = slow_clips(whole, way)
    rest = iter(found)
    sizes = {clip[0]: len(clip) for clip in expected}
    dealt = [[first, *itertools.islice(rest, sizes[first] - 1)] for first in rest]
    assert sorted(dealt) == sorted(expected)


@pytest.mark.parametrize("limit", [1, 6, 7, 8, 29, 89, 200])
def test_a_limit_ends_inside_a_clip(store: Store, limit: int) -> None:
    """It counts frames, in the order in which they come."""
    selection = selection_of(store, dog=1, cat=1, bird=1)
    for infinite in (False, True):
        way = Iteration(order=RANDOM, clip_frames=7, limit=limit, infinite=infinite)
        found = ids(FrameIterator(selection, way))
        assert len(found) == (limit if infinite else min(limit, COUNT))
        shards = [FrameIterator(selection, way, worker=(one, 3)) for one in range(3)]
        assert sum(map(len, shards)) == len(found)
        assert Counter(itertools.chain.from_iterable(map(ids, shards))) == Counter(found)


class Listed:
    """Parts of a selection: each a list of places, of contexts with so many frames each."""

    def __init__(self, parts: list[list[int]], weights: list[float]) -> None:
        self.weights = weights
        self.counts = list(map(sum, parts))
        ends = [0, *itertools.accumulate(self.counts)]
        self._parts = [range(start, end) for start, end in itertools.pairwise(ends)]
        self._contexts = [one for sizes in parts for one in sizes]

    def __len__(self) -> int:
        return sum(self.counts)

    def positions_of_part(self, part: int, *, first_only: bool = False) -> range:
        return self._parts[part]

    def moments(self) -> Iterator[tuple[bytes, int]]:
        for number, count in enumerate(self._contexts):
            yield from ((b"%d" % number, time) for time in range(count))


SIZES = [[3, 1, 2] * 60, [1] * 7, [], [5, 4] * 2_000]


@pytest.mark.parametrize("order", list(IterationOrder))
@pytest.mark.parametrize(
    ("sizes", "weights", "infinite"),
    [
        (SIZES[:1], [1.0], True),
        (SIZES[:1], [1.0], False),
        (SIZES, [1.0, 2.5, 9.0, 1.0], True),
        (SIZES, [1.0, 2.5, 9.0, 0.5], False),
    ],
)
def test_steps_within_a_limit_are_those_that_adding_them_up_gives(
    sizes: list[list[int]], weights: list[float], infinite: bool, order: IterationOrder
) -> None:
    """Found by arithmetic, near to it; the last step is cut off where the limit is."""
    listed = Listed(sizes, weights)
    way = Iteration(order=order, clip_frames=4, infinite=infinite)
    most = len(listed) - 1 if not infinite else 25_000
    whole = Plan(listed, replace(way, limit=most))
    assert whole.count is not None
    lengths = [len(whole.steps((step,)).positions) for step in range(whole.count)]
    assert sum(lengths) == most
    ends = list(itertools.accumulate(lengths))
    for limit in {1, 2, 360, 361, most // 3, 4_096, 9_000, most - 1, most}:
        if limit > most:
            continue
        plan = Plan(listed, replace(way, limit=limit))
        count = bisect_left(ends, limit) + 1
        assert plan.count == count
        before = ends[count - 2] if count > 1 else 0
        assert len(plan.steps((count - 1,)).positions) == limit - before
        assert sum(len(plan.steps((step,)).positions) for step in range(count)) == limit


def test_a_limit_far_away_is_not_walked_to() -> None:
    """Somebody says a billion where they mean no end: nothing is drawn to find out."""
    for sizes, weights in ((SIZES[:1], [1.0]), (SIZES, [1.0, 2.5, 9.0, 1.0])):
        way = Iteration(order=RANDOM, clip_frames=4, infinite=True, limit=10**15)
        plan = Plan(Listed(sizes, weights), way)
        assert plan.count is not None
        assert 10**15 // 4 <= plan.count <= 10**15
    rounds, rest = divmod(10**15, 360)
    alone = Listed([[3, 1, 2] * 60], [1.0])
    way = replace(way, order=IterationOrder.sequential)
    last = Plan(alone, replace(way, limit=rest)).count
    assert last is not None
    assert Plan(alone, way).count == 180 * rounds + last
