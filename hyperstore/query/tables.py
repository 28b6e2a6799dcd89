"""Frames, ROIs, sources, labels and metadata as Arrow tables, whole or batch by batch.

The only module that imports pyarrow (extra `arrow`); it is loaded by the first call that needs it.
What tables there are, and what their columns mean, says `tablecolumns`. Beside the columns that
are always there, metadata makes one for each key (`tablemeta`): `meta.speed`, or with `nested` a
field of one struct column `meta`. Which keys there are is found out by reading the metadata first,
unless the columns that are asked for have none; then nothing is read before the first batch.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from itertools import islice
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from hyperstore.dataset.view import Frame, View
from hyperstore.errors import NotFoundError, UsageError, a_type, nearest
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.own import record_of_frame
from hyperstore.frames.records import WholeRecord, read_lazily, read_whole
from hyperstore.frames.wider import DOUBTS, record_of_wire
from hyperstore.frames.wire import absolute_sources
from hyperstore.limits import TABLE_BATCH_FRAMES
from hyperstore.query.tablecolumns import TABLES
from hyperstore.query.tablemeta import MetaKinds
from hyperstore.query.tablerows import META, Batch, Column, Record, Table, meta_column

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Frames",
    "Positions",
    "Scan",
    "arrow",
    "library",
    "to_arrow",
    "to_batches",
    "to_pandas",
    "to_polars",
]


@runtime_checkable
class Positions(Protocol):
    """Frames that are read by their positions, such as a Selection."""

    def __len__(self) -> int: ...

    def read(self, positions: Sequence[int]) -> list[Frame]: ...


Frames: TypeAlias = View | Positions | Iterable[Frame]
"""What tables are made of. What can be gone through only once gives no columns of metadata."""


def library(name: str, install: str, what: str) -> ModuleType:
    """Return a library of others; UsageError that names the command where it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        said = f"{what} needs the library {name.partition('.')[0]}: pip install {install}"
        raise UsageError(said) from None


def arrow(part: str = "pyarrow", what: str = "a table") -> ModuleType:
    """Return pyarrow, or a part of it such as `pyarrow.parquet`."""
    return library(part, "'hyperstore[arrow]'", what)


def to_arrow(
    frames: Frames,
    table: str = "frames",
    *,
    columns: Sequence[str] | None = None,
    nested: bool = False,
) -> "pa.Table":
    """Return one of the tables `frames`, `rois`, `sources`, `labels`, `metadata`.

    `columns` are those that are made, in their order; all by default. A name such as `meta` or
    `meta.splits` stands for all columns below it. `nested` puts metadata into one column.
    """
    return Scan(frames, table, columns=columns, nested=nested).reader().read_all()


def to_batches(
    frames: Frames,
    table: str = "frames",
    *,
    columns: Sequence[str] | None = None,
    nested: bool = False,
) -> "pa.RecordBatchReader":
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
        self._columns = self._chosen(columns, strict=strict)
        self._nested = nested
        self.schema = self._schema()
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
            known |= {one.name: one for one in _meta_columns(self._frames, table)}
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

    def reader(self) -> "pa.RecordBatchReader":
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
        pa, table = self._pa, self._table
        fixed = [one for one in self._columns if not (self._nested and one.path)]
        below = [one for one in self._columns if self._nested and one.path]
        for batch in _batches_of(self._frames, rois=_needs_rois(table, self._columns)):
            rows = table.rows(batch)
            made = {one.name: pa.array(one.fill(rows), type=self._type(one)) for one in fixed}
            if below:
                arrays = {one.path: pa.array(one.fill(rows), type=self._type(one)) for one in below}
                made[META] = _struct(pa, arrays)
            yield pa.record_batch([made[name] for name in self.schema.names], schema=self.schema)

    def _schema(self) -> "pa.Schema":
        pa = self._pa
        fields: list[object] = []
        below: dict[tuple[str, ...], object] = {}
        for one in self._columns:
            if self._nested and one.path:
                if not below:
                    fields.append(None)
                below[one.path] = self._type(one)
            else:
                about = {"about": one.about}
                fields.append(pa.field(one.name, self._type(one), metadata=about))
        return pa.schema([_struct_field(pa, META, below) if one is None else one for one in fields])

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


def _meta_columns(frames: Frames, table: Table) -> list[Column]:
    kinds = MetaKinds()
    assert table.metas is not None
    for batch in _batches_of(frames, rois=table.needs_rois):
        for record in batch.records:
            for meta in table.metas(record):
                kinds.add(meta)  # type: ignore[arg-type]
    return [meta_column(one) for one in kinds.columns()]


def _needs_rois(table: Table, columns: Sequence[Column]) -> bool:
    return table.needs_rois or any(one.needs_rois for one in columns)


# Where frames come from.


def _batches_of(frames: Frames, *, rois: bool) -> Iterator[Batch]:
    if isinstance(frames, View):
        yield from _of_view(frames, rois=rois)
        return
    first = 0
    source = _read(frames) if isinstance(frames, Positions) else iter(frames)
    while chunk := list(islice(source, TABLE_BATCH_FRAMES)):
        ids = [getattr(one, "object_id", None) for one in chunk]
        yield Batch(
            first, [getattr(one, "home", None) for one in chunk], ids, list(map(_record, chunk))
        )
        first += len(chunk)


def _of_view(view: View, *, rois: bool) -> Iterator[Batch]:
    """Give batches from stored bytes, without a frame object between."""
    read: Callable[..., Record] = read_whole if rois else read_lazily
    source, first = view.payloads(), 0
    while chunk := list(islice(source, TABLE_BATCH_FRAMES)):
        records = [read(payload, what="frame") for _, payload in chunk]
        for record in records:
            absolute_sources(record.sources, view.roots)
        yield Batch(first, [view.home] * len(chunk), [one for one, _ in chunk], records)
        first += len(chunk)


def _read(frames: Positions) -> Iterator[Frame]:
    count = len(frames)
    for start in range(0, count, TABLE_BATCH_FRAMES):
        yield from frames.read(range(start, min(start + TABLE_BATCH_FRAMES, count)))


def _record(frame: object) -> WholeRecord:
    """Return the record of a frame, or of a wire dict, as it would be stored."""
    if isinstance(frame, SingleFrame):
        try:
            record = record_of_frame(frame)
        except DOUBTS:
            record = None
        if record is not None:
            return record
    to_dict = getattr(frame, "to_dict", None)
    wire = to_dict() if callable(to_dict) else frame
    if not isinstance(wire, dict):
        raise UsageError(f"tables are made of frames, not of {a_type(frame)}")
    return record_of_wire(wire)


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
