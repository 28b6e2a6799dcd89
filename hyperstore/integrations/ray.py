"""A DataView as a dataset of Ray: `to_ray(view)`, or `ViewSource` for `ray.data.read_datasource`.

Each read task is a split: a place, a question and a range, so what travels is small and each worker
opens the store that it sees at the same path. `to_ray` keeps the order of the view; with
`read_datasource` that is up to `DataContext.execution_options.preserve_order`.
"""

from collections.abc import Iterator
from functools import partial
from itertools import islice

from hyperstore.errors import UsageError

try:
    import pandas
    import ray.data
    from ray.data.block import BlockMetadata
    from ray.data.datasource import Datasource, ReadTask
except ImportError:
    raise UsageError(
        "hyperstore.integrations.ray needs the library ray: pip install 'hyperstore[ray]'"
    ) from None

from hyperstore.integrations.rows import Mapper, table_of, wire
from hyperstore.limits import ROWS_IN_BLOCK
from hyperstore.query.splits import Planned, Split, plan_splits

__all__ = ["ViewSource", "to_ray"]


class ViewSource(Datasource):  # type: ignore[misc]
    """The frames of a view as rows: wire dicts, or what a mapper makes of each frame."""

    def __init__(self, dataview: Planned, mapper: Mapper = wire) -> None:
        super().__init__()
        self._dataview = dataview
        self._mapper = mapper

    def get_name(self) -> str:
        """Return what Ray calls it in its messages."""
        return "hyperstore"

    def estimate_inmemory_data_size(self) -> int | None:
        """Return None: what rows weigh is not known before they are made."""
        return None

    def get_read_tasks(
        self, parallelism: int, per_task_row_limit: int | None = None, data_context: object = None
    ) -> list[ReadTask]:
        """Return a task for each split; one after another they give the view in its order."""
        return [
            ReadTask(
                partial(_blocks, split, self._mapper),
                BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None),
                per_task_row_limit=per_task_row_limit,
            )
            for split in plan_splits(self._dataview, max(1, parallelism))
        ]


def to_ray(
    dataview: Planned, mapper: Mapper = wire, *, blocks: int | None = None
) -> ray.data.Dataset:
    """Return a dataset of Ray with a row for each frame of the view, in the view's order.

    `blocks` is how many tasks read it at once at most; as Ray sees fit where None.
    """
    made = ray.data.read_datasource(ViewSource(dataview, mapper), override_num_blocks=blocks)
    made.context.execution_options.preserve_order = True
    return made


def _blocks(split: Split, mapper: Mapper) -> Iterator[pandas.DataFrame]:
    rows = iter(split.rows(mapper))
    while chunk := list(islice(rows, ROWS_IN_BLOCK)):
        yield table_of(chunk)
