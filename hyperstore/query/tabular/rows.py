"""Batches of frames, the rows that they have in a table, and what fills its columns."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from hyperstore.codec import Raw, Struct, decoder
from hyperstore.frames.home import Home
from hyperstore.frames.records import FrameRecord, WholeRecord
from hyperstore.ids import ObjectId
from hyperstore.query.tabular.metadata import MetaColumn, json_text

__all__ = [
    "META",
    "Batch",
    "Column",
    "LightFrame",
    "LightRoi",
    "Record",
    "Rows",
    "Table",
    "attribute",
    "json_of",
    "meta_column",
    "of_frames",
    "of_items",
    "read_light",
]


class LightRoi(Struct, gc=False):
    """What of a stored ROI is asked for most often; all else is skipped unread."""

    label: list[str]
    confidence: float | None = None
    id: str | None = None
    kind: str | None = None
    mask: Raw = Raw()
    poly: Raw = Raw()


class LightFrame(Struct, gc=False):
    """What of a stored frame is needed for those."""

    id: str
    rois: list[LightRoi] | None = None


Record = FrameRecord | WholeRecord
META = "meta"
read_light = decoder(LightFrame)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some frames in a row; `first` is the position of the first. Their URIs are absolute."""

    first: int
    homes: Sequence[Home | None]
    object_ids: Sequence[ObjectId | None]
    records: Sequence[Record | LightFrame]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that a batch has in one table."""

    batch: Batch
    owners: Sequence[int]  # Of which frame of the batch each row is.
    items: Sequence[object]  # What it is about.
    places: Sequence[int]  # The how-manieth of its frame.
    bounds: list[tuple[float, float, float, float] | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `kind` is text, int, real, boolean, texts or reals, the last two lists."""

    name: str
    kind: str
    about: str
    fill: Callable[[Rows], list[object]]
    path: tuple[str, ...] = ()  # Of metadata: where in the struct `meta` it stands.
    needs_rois: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table, its fixed columns, and whose metadata makes further ones."""

    name: str
    about: str
    columns: tuple[Column, ...]
    rows: Callable[[Batch], Rows]
    metas: Callable[[Record], Iterator[object]] | None = None
    needs_rois: bool = False
    light: frozenset[str] = frozenset()  # Columns that a LightFrame has all for.


def meta_column(column: MetaColumn) -> Column:
    """Return the column of one key of the metadata of a table's rows."""

    def fill(rows: Rows) -> list[object]:
        return [column.value_in(item.meta) for item in rows.items]  # type: ignore[attr-defined]

    kind = "text" if column.kind == "json" else column.kind
    said = "as JSON" if column.kind == "json" else "its value"
    return Column(f"{META}.{column.name}", kind, said, fill, path=column.path)


def of_frames(value: Callable[[Batch, int], object]) -> Callable[[Rows], list[object]]:
    def fill(rows: Rows) -> list[object]:
        held = [value(rows.batch, at) for at in range(len(rows.batch.records))]
        return [held[owner] for owner in rows.owners]

    return fill


def of_items(value: Callable[[object], object]) -> Callable[[Rows], list[object]]:
    return lambda rows: list(map(value, rows.items))


def attribute(name: str) -> Callable[[Rows], list[object]]:
    return lambda rows: [getattr(item, name) for item in rows.items]


def json_of(name: str) -> Callable[[Rows], list[object]]:
    def fill(rows: Rows) -> list[object]:
        held = (getattr(item, name) for item in rows.items)
        return [None if one is None else json_text(one) for one in held]

    return fill
