"""Frames, ROIs, sources, labels and metadata as Arrow tables, whole or batch by batch.

The only module that imports pyarrow (extra `arrow`); it is loaded by the first call that needs it.
What tables there are, and what their columns mean, says `tablecolumns`. Beside the columns that
are always there, metadata makes one for each key (`tablemeta`): `meta.speed`, or with `nested` a
field of one struct column `meta`. Which keys there are is found out by reading the metadata first,
unless the columns that are asked for have none; then nothing is read before the first batch.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias

from hyperstore.errors import NotFoundError, UsageError, nearest
from hyperstore.query.tabular.batches import Frames, batches_of
from hyperstore.query.tabular.columns import TABLES
from hyperstore.query.tabular.metadata import MetaKinds
from hyperstore.query.tabular.rows import META, Column, Rows, Table, meta_column

if TYPE_CHECKING:
    import pyarrow as pa

    ArrowTable: TypeAlias = pa.Table
    ArrowReader: TypeAlias = pa.RecordBatchReader
else:
    ArrowTable = ArrowReader = object  # Only types, for those who may not import pyarrow.

__all__ = [
    "ArrowReader",
    "ArrowTable",
    "Filler",
    "Scan",
    "arrow",
    "library",
    "meta_columns",
    "to_arrow",
    "to_batches",
    "to_pandas",
    "to_polars",
]


def library(name: str, install: str, what: str) -> ModuleType:
    """Return a library of others; UsageError that names the command where it is not installed."""
    try:
        return import_module(name)
    except ImportError as fault:
        said = f"{what} needs the library {name.partition('.')[0]}"
        if isinstance(fault, ModuleNotFoundError):
            raise UsageError(f"{said}: pip install {install}") from None
        raise UsageError(f"{said}, which fails to load: {fault}") from None


def arrow(part: str = "pyarrow", what: str = "a table") -> ModuleType:
    """Return pyarrow, or a part of it such as `pyarrow.parquet`."""
    return library(part, "'hyperstore[arrow]'", what)


def to_arrow(
    frames: Frames,
    table: str = "frames",
    *,
    columns: Sequence[str] | None = None,
    nested: bool = False,
) -> ArrowTable:
    """Return one of the tables `frames`, `rois`, `sources`, `labels`, `metadata`.

    `columns` are those that are made, in their order; all by default. A name such as `meta` or
    `meta.splits` stands for all columns below it. `nested` puts metadata into one column, in
    which keys that differ by case are one.
    """
    return Scan(frames, table, columns=columns, nested=nested).reader().read_all()


def to_batches(
    frames: Frames,
    table: str = "frames",
    *,
    columns: Sequence[str] | None = None,
    nested: bool = False,
) -> ArrowReader:
    """Return what gives the same table batch by batch, in memory that does not grow."""
    return Scan(frames, table, columns=columns, nested=nested).reader()


def to_pandas(
    frames: Frames, table: str = "frames", *, columns: Sequence[str] | None = None
) -> object:
    """Return a pandas DataFrame. Whole numbers and booleans that may be missing stay such."""
    pandas = library("pandas", "pandas", "to_pandas()")
    made = to_arrow(frames, table, columns=columns)
    pa = arrow()
    kinds = {pa.int64(): pandas.Int64Dtype(), pa.bool_(): pandas.BooleanDtype()}
    return made.to_pandas(types_mapper=kinds.get)


def to_polars(
    frames: Frames, table: str = "frames", *, columns: Sequence[str] | None = None
) -> object:
    """Return a polars DataFrame."""
    polars = library("polars", "polars", "to_polars()")
    return polars.from_arrow(to_arrow(frames, table, columns=columns))


class Scan:
    """One table over frames, which may be read more than once: whoever takes Arrow streams may."""

    def __init__(
        self,
        frames: Frames,
        table: str = "frames",
        *,
        columns: Sequence[str] | None = None,
        nested: bool = False,
        strict: bool = True,
    ) -> None:
        """Look up the columns, and what metadata there is if they ask for any.

        Without `strict` there need not be all columns that are asked for, and their case may vary.
        """
        self._pa = arrow()
        self._frames = frames
        self._table = _table(table)
        self.known: list[str] = []
        """All columns that there are, as far as they had to be looked up."""
        self._fold = nested  # Who reads structs often knows no case, and would see one of two keys.
        self._columns = self._chosen(columns, strict=strict)
        self._filler = Filler(self._columns, nested=nested)
        self.schema: pa.Schema = self._pa.schema(self._filler.fields)
        self.error: BaseException | None = None
        """What stopped the last reading, if anything did."""

    @property
    def table(self) -> str:
        return self._table.name

    @property
    def names(self) -> list[str]:
        """The columns that are made, those of metadata by their paths."""
        return [one.name for one in self._columns]

    def _chosen(self, columns: Sequence[str] | None, *, strict: bool) -> list[Column]:
        """Return the columns that are asked for; all, where that is None."""
        if isinstance(columns, str):
            raise UsageError("columns come in a list")
        table, known = self._table, {one.name: one for one in self._table.columns}
        if columns is not None and known.keys() >= set(columns):
            return [known[name] for name in dict.fromkeys(columns)]
        if table.metas is not None and not isinstance(self._frames, Iterator):
            made = meta_columns(self._frames, table, fold=self._fold)
            known |= {one.name: one for one in made}
        self.known = list(known)
        if columns is None:
            return list(known.values())
        chosen: dict[str, Column] = {}
        for name in columns:
            found = [one for one in known.values() if _is_asked(one, name, strict=strict)]
            if strict and not found and name != META:
                raise NotFoundError(
                    f"the table {table.name} has no column {name!a}; the closest: "
                    f"{nearest(str(name), self.known)}"
                )
            chosen |= {one.name: one for one in found}
        return list(chosen.values())

    def reader(self) -> ArrowReader:
        """Return what gives the batches from the first on."""
        return self._pa.RecordBatchReader.from_batches(self.schema, self._guarded())

    def __arrow_c_schema__(self) -> object:
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.reader().__arrow_c_stream__(requested_schema)

    def _guarded(self) -> Iterator["pa.RecordBatch"]:
        self.error = None
        try:
            yield from self._batches()
        except BaseException as error:
            if not isinstance(error, GeneratorExit):
                self.error = error  # Who reads it through C is told no more than its text.
            raise

    def _batches(self) -> Iterator["pa.RecordBatch"]:
        rois = _needs_rois(self._table, self._columns)
        light = rois and self._table.light.issuperset(self.names)
        for batch in batches_of(self._frames, rois=rois, light=light):
            made = self._filler.arrays(self._table.rows(batch))
            yield self._pa.record_batch(made, schema=self.schema)


def _table(name: str) -> Table:
    found = TABLES.get(name)
    if found is None:
        raise UsageError(f"there is no table {name!a}; there are {', '.join(TABLES)}")
    return found


def _is_asked(column: Column, name: str, *, strict: bool) -> bool:
    """Whether a column has a name, or stands below it."""
    own = column.name if strict else column.name.casefold()
    name = name if strict else name.casefold()
    return own == name or (bool(column.path) and own.startswith(f"{name}."))


def meta_columns(frames: Frames, table: Table, *, fold: bool = False) -> list[Column]:
    """Return the columns that the metadata of a table's rows makes, by reading all of it.

    With `fold`, keys that differ by case share one.
    """
    kinds = MetaKinds()
    assert table.metas is not None
    for batch in batches_of(frames, rois=table.needs_rois):
        for record in batch.records:
            for meta in table.metas(record):  # type: ignore[arg-type]
                kinds.add(meta)  # type: ignore[arg-type]
    return [meta_column(one) for one in kinds.columns(fold=fold)]


def _needs_rois(table: Table, columns: Sequence[Column]) -> bool:
    return table.needs_rois or any(one.needs_rois for one in columns)


class Filler:
    """Makes Arrow arrays of the rows of a table, one for each field."""

    def __init__(self, columns: Sequence[Column], *, nested: bool = False) -> None:
        """With `nested`, metadata is one struct, the last field."""
        self._pa = arrow()
        self._fixed = [one for one in columns if not (nested and one.path)]
        self._below = {one.path: one for one in columns if nested and one.path}
        self.fields = [
            self._pa.field(one.name, self._type(one), metadata={"about": one.about})
            for one in self._fixed
        ]
        if self._below:
            types = {path: self._type(one) for path, one in self._below.items()}
            self.fields.append(_struct_field(self._pa, META, types))

    def arrays(self, rows: Rows) -> list["pa.Array"]:
        """Return the arrays of some rows."""
        made = [self._array(one, rows) for one in self._fixed]
        if self._below:
            below = {path: self._array(one, rows) for path, one in self._below.items()}
            made.append(_struct(self._pa, below))
        return made

    def _array(self, column: Column, rows: Rows) -> "pa.Array":
        return self._pa.array(column.fill(rows), type=self._type(column))

    def _type(self, column: Column) -> "pa.DataType":
        pa = self._pa
        kinds: dict[str, Callable[[], object]] = {
            "text": pa.string,
            "int": pa.int64,
            "real": pa.float64,
            "boolean": pa.bool_,
            "texts": lambda: pa.list_(pa.string()),
            "reals": lambda: pa.list_(pa.float64()),
        }
        return kinds[column.kind]()


# Metadata in one column.


def _below(paths: Iterable[tuple[str, ...]]) -> dict[str, list[tuple[str, ...]]]:
    """Return the paths by their second part; the first is dropped."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for path in paths:
        found.setdefault(path[0], []).append(path[1:])
    return found


def _struct(pa: ModuleType, arrays: dict[tuple[str, ...], object]) -> object:
    names, made = [], []
    for name, paths in _below(arrays).items():
        names.append(name)
        if paths == [()]:
            made.append(arrays[(name,)])
        else:
            made.append(_struct(pa, {path: arrays[(name, *path)] for path in paths}))
    return pa.StructArray.from_arrays(made, names=names)


def _struct_field(pa: ModuleType, name: str, types: dict[tuple[str, ...], object]) -> object:
    fields = [
        pa.field(part, types[(part,)])
        if paths == [()]
        else _struct_field(pa, part, {path: types[(part, *path)] for path in paths})
        for part, paths in _below(types).items()
    ]
    return pa.field(name, pa.struct(fields))
