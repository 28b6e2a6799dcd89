"""A selection and a way through it: one value, read by steps or from the first on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import hyperstore
from hyperstore import Store
from hyperstore.query.dataview import DataView
from hyperstore.query.iteration.course import Course
from tests.support.stores import frame

COUNT = 40


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with hyperstore.init(tmp_path / "store") as made:
        made.create_dataset("cells").version().add_frames(map(frame, range(COUNT)))
        yield made


def ids(course: Course) -> list[str]:
    return [one.id for one in course]


def shuffled(store: Store, seed: int) -> Course:
    view = DataView(store=store, iteration_order="random", iteration_random_seed=seed)
    return view.add_query("cells", "Current").course()


def test_epochs_of_seeds_side_by_side_are_all_shuffled_otherwise(store: Store) -> None:
    """Who repeats a run with the next seed does not train on the same orders one epoch later."""
    orders = [ids(shuffled(store, seed).in_epoch(epoch)) for seed in range(4) for epoch in range(4)]
    assert len({*map(tuple, orders)}) == 16
    assert {tuple(sorted(one)) for one in orders} == {tuple(sorted(orders[0]))}
    assert ids(shuffled(store, 2).in_epoch(3)) == orders[11]


def test_an_order_that_is_not_shuffled_is_the_same_in_each_epoch(store: Store) -> None:
    """An epoch shuffles; it changes nothing else."""
    course = DataView(store=store).add_query("cells", "Current").course()
    assert ids(course.in_epoch(5)) == ids(course)


def test_a_course_gives_by_steps_what_it_gives_from_the_first_on(store: Store) -> None:
    """As often as somebody asks, of the moment at which it was taken, as its view does."""
    view = DataView(store=store, iteration_order="random").add_query("cells", "Current")
    view.set_iteration_parameters(clip_length=3, maximum_number_of_frames=17)
    course = view.course()
    expected = [one.id for one in view]
    store.dataset("cells").version().delete_frames(expected[:5])
    assert ids(course) == ids(course) == ids(course.copied()) == expected
    assert course.count is not None
    steps = course.read(range(course.count))
    assert [one.id for clip in steps for one in clip] == expected
