"""Frames as one Parquet file: columns for every reader, and the frame itself for us.

A row is a frame: the columns of the table `frames` (metadata as one struct `meta`), then `rois` and
`sources`, lists of structs with the columns of those tables, then `wire`, the frame in the wire
form as JSON. Who reads it back takes `wire`, so that a round trip gives the same frames to the
byte; where there is no such column, frames are made of the others (`parquet_rows`). What the
version says of itself, its metadata, stands in the file's own key `hyperstore`.

Memory holds some thousand frames: those of one group of rows.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from hyperstore.errors import FormatError, HyperstoreError, NotFoundError, RefusedError
from hyperstore.formats.combine import Wire
from hyperstore.formats.parquet_rows import frame_of_row
from hyperstore.formats.report import Report
from hyperstore.formats.target import Target
from hyperstore.frames.records import WholeRecord
from hyperstore.frames.wire import frame_wire, roi_wire
from hyperstore.limits import (
    ITEMS_MAX,
    OBJECT_BYTES_MAX,
    PARQUET_GROUP_BYTES_MAX,
    PARQUET_READ_BYTES,
    PARQUET_READ_ROWS,
    PARQUET_ROWS,
    PARQUET_VALUES_BYTES,
)
from hyperstore.query.tables import Filler, Scan, arrow, meta_columns
from hyperstore.query.tabular.batches import Frames, batches_of
from hyperstore.query.tabular.columns import TABLES
from hyperstore.query.tabular.rows import Batch, Rows

__all__ = [
    "HOW",
    "KEY",
    "WIRE",
    "ByteSink",
    "ParquetFrames",
    "open_parquet",
    "read",
    "rows_of",
    "told",
    "translated",
    "wire_of",
    "wire_text",
    "write",
    "write_table",
]

KEY = b"hyperstore"
"""The key of the file under which stands what is said of the version, as JSON."""
WIRE = "wire"
_OF_FRAME = frozenset({"frame_id", "frame_position", "position"})
HOW = {"compression": "zstd", "write_page_checksum": True}
"""How files are written."""
_MAGIC = b"PAR1"


class ByteSink:
    """A target as Arrow writes to files."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._at = 0
        self.closed = False

    def write(self, data: object) -> int:
        taken = bytes(memoryview(data))  # type: ignore[arg-type]
        self._target.write_bytes(taken)
        self._at += len(taken)
        return len(taken)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Nothing: the target is seen to the disk as a whole."""

    def close(self) -> None:
        self.closed = True


def write(
    frames: Frames,
    file: Path,
    *,
    meta: Mapping[str, object] | None = None,
    content_id: str = "",
    progress: Callable[[str, int, int], None] | None = None,
) -> Report:
    """Write frames to a Parquet file, which appears whole or not at all.

    `meta` is the version's metadata, and `content_id` names its frames, for whoever compares.
    `progress` is told what is done, how far it is, and how far it will go (0: not known).
    """
    pq = arrow("pyarrow.parquet", "Parquet")
    report = Report()
    layout = _Layout(frames)
    said = {"version": 1, "content_id": content_id, "meta": dict(meta or {})}
    schema = layout.schema.with_metadata({KEY: json.dumps(said).encode()})
    with Target.open(file) as target, translated(str(file), "cannot be written"):
        sink = ByteSink(target)
        with pq.ParquetWriter(sink, schema, **HOW) as writer:
            batches = told(batches_of(frames, rois=True), frames, progress)
            made = (layout.batch(one, schema) for one in batches)
            report.count("frames", _write(writer, made))
    return report


def write_table(frames: Frames, file: Path, table: str) -> Report:
    """Write one of the plain tables, such as `rois`; only `frames` can be read back."""
    pq = arrow("pyarrow.parquet", "Parquet")
    report = Report()
    scan = Scan(frames, table, nested=True)
    with (
        Target.open(file) as target,
        translated(str(file), "cannot be written"),
        pq.ParquetWriter(ByteSink(target), scan.schema, **HOW) as writer,
    ):
        report.count("rows", _write(writer, scan.reader()))
    return report


def told(
    batches: Iterable[Batch], frames: Frames, progress: Callable[[str, int, int], None] | None
) -> Iterator[Batch]:
    """Yield batches, and tell how many frames there were."""
    total = len(frames) if isinstance(frames, Sized) else 0
    for batch in batches:
        yield batch
        if progress is not None:
            progress("Exporting frames", batch.first + len(batch.records), total)


def _write(writer: object, batches: Iterable[object]) -> int:
    """Write batches, many as one group of rows; return the number of rows."""
    pa = arrow()
    waiting: list[object] = []
    rows = count = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows  # type: ignore[attr-defined]
        if rows >= PARQUET_ROWS:
            writer.write_table(pa.Table.from_batches(waiting))  # type: ignore[attr-defined]
            count, rows, waiting = count + rows, 0, []
    if waiting:
        writer.write_table(pa.Table.from_batches(waiting))  # type: ignore[attr-defined]
    return count + rows


class _Layout:
    """The columns of the file, and how a batch of frames fills them."""

    def __init__(self, frames: Frames) -> None:
        self._pa = pa = arrow()
        table = TABLES["frames"]
        columns = [*table.columns, *meta_columns(frames, table, fold=True)]
        self._frames = Filler(columns, nested=True)
        self._parts: dict[str, Filler] = {}
        fields = list(self._frames.fields)
        for name in ("sources", "rois"):
            part = TABLES[name]
            own = [one for one in part.columns if one.name not in _OF_FRAME]
            self._parts[name] = Filler(own)
            fields.append(pa.field(name, pa.list_(pa.struct(self._parts[name].fields))))
        fields.append(pa.field(WIRE, pa.string()))
        self.schema = pa.schema(fields)

    def batch(self, batch: Batch, schema: object) -> object:
        pa = self._pa
        arrays = self._frames.arrays(TABLES["frames"].rows(batch))
        for name, filler in self._parts.items():
            rows = TABLES[name].rows(batch)
            struct = pa.StructArray.from_arrays(filler.arrays(rows), fields=filler.fields)
            arrays.append(pa.ListArray.from_arrays(_offsets(pa, batch, rows), struct))
        arrays.append(pa.array(map(wire_text, batch.records), type=pa.string()))
        return pa.record_batch(arrays, schema=schema)


def _offsets(pa: ModuleType, batch: Batch, rows: Rows) -> object:
    """Return where the parts of each frame begin, and where those of the last one end."""
    counts = [0] * len(batch.records)
    for owner in rows.owners:
        counts[owner] += 1
    offsets = [0]
    for count in counts:
        offsets.append(offsets[-1] + count)
    return pa.array(offsets, type=pa.int32())


def wire_text(record: object) -> str:
    """Return a frame, whose URIs are absolute, in the wire form as JSON."""
    assert isinstance(record, WholeRecord)
    wire = frame_wire(record, record.sources)
    if record.rois:
        wire["rois"] = list(map(roi_wire, record.rois))
    return json.dumps(wire, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


# The way back.


@dataclass(frozen=True, slots=True)
class ParquetFrames:
    """An open file: what it says of the version, and its frames, read as they are asked for."""

    name: str
    meta: dict[str, object]
    count: int
    report: Report
    opened: object  # By pyarrow.

    def frames(self) -> Iterator[Wire]:
        """Yield the frames in the wire form; FormatError for rows that are none."""
        names = self.opened.schema_arrow.names  # type: ignore[attr-defined]
        columns = [WIRE] if WIRE in names else None
        number = 0
        with translated(self.name):
            for row in rows_of(self.opened, self.name, PARQUET_READ_ROWS, columns):
                number += 1
                self.report.count("frames")
                place = f"{self.name}: row {number}"
                if columns is None:
                    yield frame_of_row(row, place, self.report)
                else:
                    yield wire_of(row[WIRE], place)


@contextmanager
def read(file: Path, *, report: Report | None = None) -> Iterator[ParquetFrames]:
    """Open a Parquet file of frames, ours or one with columns that say as much."""
    with open_parquet(file) as opened:
        meta = _said(opened, str(file))
        rows: int = opened.metadata.num_rows  # type: ignore[attr-defined]
        yield ParquetFrames(str(file), meta, rows, report or Report(), opened)


@contextmanager
def open_parquet(file: Path) -> Iterator[object]:
    """Give pyarrow's reader of a file that is one, and whose parts are not too large."""
    pq = arrow("pyarrow.parquet", "Parquet")
    if not file.is_file():
        raise NotFoundError(f"no file {str(file)!a}")
    with translated(str(file)):
        with file.open("rb") as stream:
            if stream.read(len(_MAGIC)) != _MAGIC:
                raise FormatError(f"{file} is no Parquet file")
        opened = pq.ParquetFile(file, pre_buffer=False, page_checksum_verification=True)
    try:
        _check_groups(opened, str(file))
        yield opened
    finally:
        opened.close()


def _check_groups(opened: object, name: str) -> None:
    """Refuse what would fill memory, by what the file says of itself."""
    metadata = opened.metadata  # type: ignore[attr-defined]
    for at in range(metadata.num_row_groups):
        group = metadata.row_group(at)
        size = group.total_byte_size
        held = sum(group.column(column).num_values for column in range(group.num_columns))
        if held > group.num_rows * ITEMS_MAX:
            raise RefusedError(
                f"{name}: row group {at} holds {held:,} values in {group.num_rows:,} rows; the "
                f"limit is {ITEMS_MAX:,} a row"
            )
        if size > PARQUET_GROUP_BYTES_MAX:
            raise RefusedError(
                f"{name}: row group {at} takes {size:,} bytes in memory; the limit is "
                f"{PARQUET_GROUP_BYTES_MAX:,}. Write it in smaller groups"
            )


def rows_of(
    opened: object, name: str, most: int, columns: Sequence[str] | None = None
) -> Iterator[dict[str, object]]:
    """Yield the rows of an open file, of which at most so many are in memory at once.

    A file of some kilobytes can say of a million rows that each has one and the same large value,
    or of one row that it has a list of as many nulls: neither is made as a whole.
    """
    metadata = opened.metadata  # type: ignore[attr-defined]
    for group in range(metadata.num_row_groups):
        largest = max(1, metadata.row_group(group).total_byte_size)  # No value is larger.
        size = max(1, min(most, PARQUET_READ_BYTES // largest))
        for batch in opened.iter_batches(  # type: ignore[attr-defined]
            batch_size=size, row_groups=[group], columns=columns
        ):
            few = batch.nbytes <= PARQUET_VALUES_BYTES and _values_in(batch.columns) <= ITEMS_MAX
            for at in range(0, batch.num_rows, max(1, batch.num_rows) if few else 1):
                piece = batch if few else batch.slice(at, 1)
                if not few and _values_in(piece.columns) > ITEMS_MAX:
                    raise RefusedError(f"{name}: a row holds more than {ITEMS_MAX:,} values")
                yield from piece.to_pylist()


def _values_in(arrays: Iterable[object]) -> int:
    """Return how many values there are, those in lists and maps at any depth included."""
    pending, count = list(arrays), 0
    while pending:
        array = pending.pop()
        count += len(array)  # type: ignore[arg-type]
        if arrow().types.is_nested(array.type):  # type: ignore[attr-defined]
            inner = array.flatten()  # type: ignore[attr-defined]
            pending += inner if isinstance(inner, list) else [inner]
    return count


def _said(opened: object, name: str) -> dict[str, object]:
    """Return the metadata of the version in a file of ours; {} in one of others."""
    found = (opened.schema_arrow.metadata or {}).get(KEY)  # type: ignore[attr-defined]
    if found is None:
        return {}
    try:
        said = json.loads(found)
    except (ValueError, RecursionError):
        raise FormatError(f"{name}: what its key {KEY.decode()} says is no JSON") from None
    meta = said.get("meta") if isinstance(said, dict) else None
    if not isinstance(meta, dict) or said.get("version") != 1:
        raise FormatError(f"{name} was written by another version of hyperstore")
    return meta


def wire_of(text: object, place: str) -> Wire:
    """Return the frame that a cell of `wire` holds."""
    if not isinstance(text, str) or len(text) > OBJECT_BYTES_MAX:
        raise FormatError(f"{place}: its column {WIRE} is no JSON of a frame")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise FormatError(f"{place}: its column {WIRE} is no JSON: {fault}") from None
    if not isinstance(value, dict):
        raise FormatError(f"{place}: its column {WIRE} is no frame")
    return value


@contextmanager
def translated(name: str, what: str = "is no Parquet file that can be read") -> Iterator[None]:
    """Let Arrow's errors about a file out as ours."""
    pa = arrow()
    try:
        yield
    except (HyperstoreError, MemoryError):
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as fault:
        said = " ".join(str(fault).split())[:300]
        raise FormatError(f"{name} {what}: {said}") from None
