"""A DataView as a bag or a dataframe of Dask: `to_bag(view)` and `to_dataframe(view)`.

Each partition is a split: a place, a question and a range, so what travels is small and each worker
opens the store that it sees at the same path. Partitions stand in the order of the view.
"""

from collections.abc import Mapping

from hyperstore.errors import UsageError

try:
    import dask
    import dask.bag
    import dask.dataframe
    import pandas
except ImportError:
    raise UsageError(
        "hyperstore.integrations.dask needs the library dask: pip install 'hyperstore[dask]'"
    ) from None

from hyperstore.integrations.rows import COLUMNS, Mapper, Row, summary, table_of, wire
from hyperstore.query.splits import Planned, Split, plan_splits

__all__ = ["to_bag", "to_dataframe"]


def to_bag(dataview: Planned, mapper: Mapper = wire, *, partitions: int = 16) -> dask.bag.Bag:
    """Return a bag of rows: the wire dict of each frame, or what a mapper makes of it."""
    splits = plan_splits(dataview, partitions)
    if not splits:
        return dask.bag.from_sequence([], npartitions=1)
    read = dask.delayed(_rows, pure=False)
    return dask.bag.from_delayed([read(split, mapper) for split in splits])


def to_dataframe(
    dataview: Planned,
    mapper: Mapper = summary,
    columns: Mapping[str, str] = COLUMNS,
    *,
    partitions: int = 16,
) -> dask.dataframe.DataFrame:
    """Return a dataframe with a row for each frame.

    `columns` names what a mapper gives and how pandas holds it; what is said there of no row is
    left out. Without a mapper these are the columns of `rows.summary`.
    """
    like = pandas.DataFrame({name: pandas.Series(dtype=kind) for name, kind in columns.items()})
    splits = plan_splits(dataview, partitions)
    if not splits:
        return dask.dataframe.from_pandas(like, npartitions=1)
    return dask.dataframe.from_map(_table, splits, mapper=mapper, like=like, meta=like)


def _rows(split: Split, mapper: Mapper) -> list[Row]:
    return list(split.rows(mapper))


def _table(split: Split, mapper: Mapper, like: pandas.DataFrame) -> pandas.DataFrame:
    rows = list(split.rows(mapper))
    return table_of(rows, list(like.columns)).astype(like.dtypes)
