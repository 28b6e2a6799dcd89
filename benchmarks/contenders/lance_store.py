"""Packed frames in a Lance table: columns for id, context and time, a b-tree on the id.

Lance keeps every version of a table but has no difference between two of them.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import lance
import msgpack
import pyarrow

__all__ = ["Contender"]

Frame = dict[str, Any]
_SCHEMA = pyarrow.schema(
    [
        ("id", pyarrow.string()),
        ("context", pyarrow.string()),
        ("time", pyarrow.int64()),
        ("body", pyarrow.binary()),
    ]
)
_BATCH_FRAMES = 2_000


def _batches(frames: Iterable[Frame]) -> Iterator[pyarrow.RecordBatch]:
    source = iter(frames)
    while chunk := list(islice(source, _BATCH_FRAMES)):
        columns = [
            [each["id"] for each in chunk],
            [each["context_id"] for each in chunk],
            [each["timestamp"] for each in chunk],
            [msgpack.packb(each) for each in chunk],
        ]
        typed = zip(columns, _SCHEMA, strict=True)
        arrays = [pyarrow.array(column, type=field.type) for column, field in typed]
        yield pyarrow.record_batch(arrays, schema=_SCHEMA)


class Contender:
    """One Lance table; every update is a version of it."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "frames.lance")
        self._table = lance.dataset(self._path) if Path(self._path).exists() else None

    def ingest(self, frames: Iterable[Frame]) -> None:
        reader = pyarrow.RecordBatchReader.from_batches(_SCHEMA, _batches(frames))
        self._table = lance.write_dataset(reader, self._path)

    def settle(self) -> None:
        self._table.create_scalar_index("id", "BTREE")

    def update(self, frames: Iterable[Frame]) -> None:
        rows = pyarrow.Table.from_batches(list(_batches(frames)), schema=_SCHEMA)
        merge = self._table.merge_insert("id")
        merge.when_matched_update_all().when_not_matched_insert_all().execute(rows)

    def read_decoded(self) -> int:
        count = 0
        order = ["context", "time", "id"]
        columns = [*order, "body"]  # Lance 14 cannot sort by what it does not return.
        for batch in self._table.scanner(columns=columns, order_by=order).to_batches():
            for body in batch.column("body"):
                frame = msgpack.unpackb(body.as_buffer())
                count += len(frame["sources"]) and len(frame["meta"]) > 0
        return count

    def get_decoded(self, frame_id: str) -> Frame:
        rows = self._table.to_table(columns=["body"], filter=f"id = '{frame_id}'")
        return msgpack.unpackb(rows.column("body")[0].as_buffer())

    def branch(self, name: str) -> None:
        self._table.create_branch(name)

    def tag(self, name: str) -> None:
        self._table.tags.create(name, self._table.version)

    def collect(self) -> None:
        self._table.optimize.compact_files()

    def close(self) -> None:
        self._table = None
