"""Numbers that NumPy computed are numbers, wherever a view or an iterator of one takes any."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import hyperstore
from hyperstore import QueryError, Store
from hyperstore.query.dataview import DataView
from tests.support.stores import frame

numpy = pytest.importorskip("numpy")

COUNT = 20


@pytest.fixture
def view(tmp_path: Path) -> Iterator[DataView]:
    with hyperstore.init(tmp_path / "store") as store:
        store.create_dataset("cells").version().add_frames(map(frame, range(COUNT)))
        yield viewing(store)


def viewing(store: Store) -> DataView:
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
