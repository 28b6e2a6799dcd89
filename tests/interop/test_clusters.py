"""Views read by clusters of Ray and of Dask on this machine: the same frames in the same order."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hyperstore
from hyperstore import DatasetVersion
from hyperstore.dataset.handle import unshare
from hyperstore.query.dataview import DataView
from tests.support import loading
from tests.support.optional import needed
from tests.support.stores import frame

COUNT = 300
PROJECT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Those of the libraries.


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatasetVersion]:
    """Return a version whose frames differ in which fields they have."""
    folder = tmp_path_factory.mktemp("cluster") / "store"
    with hyperstore.init(folder) as store:
        made = store.create_dataset("plain").version()
        frames = [frame(number, f"label {number % 7}") for number in range(COUNT)]
        for number, one in enumerate(frames):
            if number % 3 == 0:  # No type holds all of them.
                one["meta"] = {"speed": number if number % 2 else str(number), "at": [1, "a", {}]}
            if number % 5 == 0:
                one["blob"] = "x"
        assert made.add_frames(frames) == []
        yield made
    unshare(folder)


def viewing(version: DatasetVersion, **iteration: Any) -> DataView:
    """Return a view of all frames, with labels mapped."""
    view = loading.viewing(version, **iteration)
    view.add_mapping_rule(from_labels=["label 1"], to_label="mapped")
    return view


def wires(view: DataView) -> list[dict[str, object]]:
    """Return the wire dicts of a view, read here."""
    return [one.to_dict() for one in view]


def said(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows without the fields that they lack, which a table has all the same."""
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[None]:
    """Start a cluster of two processes; nobody else may join it."""
    needed("ray", group="cluster")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", str(PROJECT))
        import ray

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
        ray.data.DataContext.get_current().enable_progress_bars = False
        yield
        ray.shutdown()


@pytest.mark.parametrize("iteration", [{}, {"order": "random", "random_seed": 3}])
def test_ray_reads_the_frames_of_a_view_in_its_order(
    ray_cluster: None, version: DatasetVersion, iteration: dict[str, Any]
) -> None:
    """Whichever worker ends first; every field of every frame, as the view shows it."""
    from hyperstore.integrations.ray import to_ray

    view = viewing(version, **iteration)
    dataset = to_ray(view, blocks=7)
    assert said(dataset.take_all()) == wires(view)


def test_ray_has_rows_that_a_mapper_made(ray_cluster: None, version: DatasetVersion) -> None:
    """Columns of one type, that Ray computes with."""
    from hyperstore.integrations.ray import to_ray

    def row(one: Any) -> dict[str, object]:
        return {"id": one.id, "timestamp": one.timestamp, "rois": len(one.annotations)}

    view = viewing(version, maximum_number_of_frames=50)
    dataset = to_ray(view, row, blocks=3)
    rows = dataset.take_all()
    assert rows == [row(one) for one in view]
    assert dataset.sum("timestamp") == sum(one.timestamp for one in view)


def test_ray_says_that_a_store_is_not_there(
    ray_cluster: None, version: DatasetVersion, tmp_path: Path
) -> None:
    """A machine that does not see the folder says so, with its path."""
    import ray

    from hyperstore.integrations.ray import ViewSource

    with hyperstore.init(tmp_path / "gone") as store:
        made = store.create_dataset("plain").version()
        made.add_frames([frame(1)])
        tasks = ViewSource(viewing(made)).get_read_tasks(1)
    unshare(tmp_path / "gone")
    (tmp_path / "gone").rename(tmp_path / "moved")
    with pytest.raises(Exception, match=r"gone, which is not on this machine"):
        ray.get(ray.remote(lambda task: list(task())).remote(tasks[0]))


@pytest.fixture(scope="module")
def dask_cluster() -> Iterator[None]:
    """Start a cluster of two processes."""
    needed("distributed", group="cluster")
    from distributed import Client, LocalCluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(PROJECT))
        with (
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster),
        ):
            yield


@pytest.mark.parametrize("iteration", [{}, {"order": "random", "random_seed": 3}])
def test_dask_reads_the_frames_of_a_view_in_its_order(
    dask_cluster: None, version: DatasetVersion, iteration: dict[str, Any]
) -> None:
    """As a bag of wire dicts."""
    from hyperstore.integrations.dask import to_bag

    view = viewing(version, **iteration)
    bag = to_bag(view, partitions=7)
    assert bag.npartitions == 7
    assert bag.compute() == wires(view)


def test_dask_has_a_dataframe_of_a_view(dask_cluster: None, version: DatasetVersion) -> None:
    """The same columns for every frame, of types that Dask computes with."""
    from hyperstore.integrations.dask import to_dataframe

    view = viewing(version, order="random", random_seed=3)
    frame = to_dataframe(view, partitions=4)
    table = frame.compute()
    wanted = wires(view)
    assert list(table["id"]) == [one["id"] for one in wanted]
    assert list(table["timestamp"]) == [one["timestamp"] for one in wanted]
    assert [json.loads(one) for one in table["metadata"]] == [one.get("meta", {}) for one in wanted]
    assert [json.loads(one) for one in table["labels"]] == [
        one["rois"][0]["label"]  # type: ignore[index]
        for one in wanted
    ]
    assert table["width"].isna().all()
    assert int(frame["rois"].sum().compute()) == COUNT


def test_dask_takes_columns_of_a_mapper(dask_cluster: None, version: DatasetVersion) -> None:
    """Of an empty view too there is a table, with the columns that were said."""
    from hyperstore.integrations.dask import to_bag, to_dataframe

    def row(one: Any) -> dict[str, object]:
        return {"id": one.id, "late": one.timestamp > 100, "unasked": 1}

    view = viewing(version)
    columns = {"id": "string", "late": "bool"}
    table = to_dataframe(view, row, columns, partitions=3).compute()
    assert list(table.columns) == ["id", "late"]
    assert int(table["late"].sum()) == COUNT - 101
    with hyperstore.open(version._handle.folder) as store:
        empty = store.dataset("plain").create_version("empty")
        nothing = viewing(empty)
        assert list(to_dataframe(nothing, row, columns).compute().columns) == ["id", "late"]
        assert to_bag(nothing).compute() == []
