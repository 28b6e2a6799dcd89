"""Numbers that NumPy computed are numbers, wherever a view or an iterator of one takes any."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hyperstore
from hyperstore import HyperstoreError, QueryError, Store, UsageError
from hyperstore.query.dataview import DataView
from hyperstore.query.splits import plan_splits
from tests.support.stores import frame

numpy = pytest.importorskip("numpy")

COUNT = 20


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with hyperstore.init(tmp_path / "store") as made:
        made.create_dataset("cells").version().add_frames(map(frame, range(COUNT)))
        yield made


@pytest.fixture
def view(store: Store) -> DataView:
    return DataView(store=store).add_query("cells", "Current")


def test_an_iterator_is_dealt_by_them(view: DataView) -> None:
    """Ranks and counts come out of arrays and of what launches processes."""
    whole = [one.id for one in view]
    running = view.get_iterator()
    running.set_node(numpy.int64(1), numpy.uint8(2))
    running.set_concurrency(numpy.int32(0), numpy.int64(1))
    running.set_initial_iteration(numpy.int64(4))
    assert [one.id for one in running] == whole[4:][1::2]
    with pytest.raises(QueryError):
        running.set_node(numpy.float64(1), numpy.int64(2))


def test_shares_of_a_split_may_be_an_array(view: DataView) -> None:
    """An array of shares is a list of them, of whatever kind of numbers."""
    for ratio in (
        [numpy.int64(3), numpy.float32(1)],
        numpy.array([3, 1]),
        numpy.array([0.75, 0.25], dtype=numpy.float32),
    ):
        assert [len(one) for one in view.split_to_lists(ratio, seed=numpy.int64(5))] == [15, 5]
    refused: list[Any] = [
        numpy.array([1, -1]),
        numpy.array([numpy.nan]),
        [numpy.bool_(True)],
        numpy.array(3),
        {3: 1},
    ]
    for wrong in refused:
        with pytest.raises(HyperstoreError, match="share"):
            view.split_to_lists(wrong)


def test_a_view_is_browsed_and_planned_by_them(view: DataView) -> None:
    """Times of frames come out of tables, and the number of workers out of arithmetic."""
    first = next(iter(view))
    assert first.context_id is not None
    whole = [one.id for one in view.browse(first.context_id)]
    start = numpy.int64(first.timestamp or 0)
    assert [one.id for one in view.browse(first.context_id, start)] == whole
    with pytest.raises(UsageError, match="timestamp"):
        list(view.browse(first.context_id, numpy.float64(0.5)))
    splits = plan_splits(view, numpy.int64(3))
    assert [one.id for split in splits for one in split] == [one.id for one in view]
    assert len(splits) == 3


def test_stored_views_are_paged_by_them(store: Store, view: DataView) -> None:
    """As all numbers of a call."""
    for name in "abc":
        view.clone(name).store()
    found = DataView.list(page=numpy.int64(1), page_size=numpy.int8(2), store=store)
    assert [one.name for one in found] == ["a"]
