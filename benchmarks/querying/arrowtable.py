"""The frames as an Arrow table, nested as they are: what DuckDB, Lance and datasets import."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import pyarrow

__all__ = ["SCHEMA", "batches"]

Frame = dict[str, Any]
_CHUNK = 2_000
_ROI = pyarrow.struct(
    [
        ("id", pyarrow.string()),
        ("label", pyarrow.list_(pyarrow.string())),
        ("poly", pyarrow.list_(pyarrow.float64())),
        ("confidence", pyarrow.float64()),
        ("sources", pyarrow.list_(pyarrow.string())),
        (
            "meta",
            pyarrow.struct(
                [
                    ("_type", pyarrow.string()),
                    ("iscrowd", pyarrow.int64()),
                    ("area", pyarrow.float64()),
                ]
            ),
        ),
    ]
)
_SOURCE = pyarrow.struct(
    [
        ("id", pyarrow.string()),
        ("uri", pyarrow.string()),
        ("content_type", pyarrow.string()),
        ("width", pyarrow.int64()),
        ("height", pyarrow.int64()),
        ("timestamp", pyarrow.int64()),
    ]
)
_META = pyarrow.struct(
    [
        ("split", pyarrow.string()),
        ("license", pyarrow.int64()),
        ("night", pyarrow.bool_()),
        ("city", pyarrow.string()),
        ("speed", pyarrow.float64()),
        ("note", pyarrow.string()),
        ("checked", pyarrow.bool_()),
    ]
)
SCHEMA = pyarrow.schema(
    [
        ("id", pyarrow.string()),
        ("context_id", pyarrow.string()),
        ("timestamp", pyarrow.int64()),
        ("sources", pyarrow.list_(_SOURCE)),
        ("rois", pyarrow.list_(_ROI)),
        ("meta", _META),
    ]
)


def batches(frames: Iterable[Frame]) -> Iterator[pyarrow.RecordBatch]:
    """Yield the frames in batches, in their order."""
    source = iter(frames)
    while chunk := list(islice(source, _CHUNK)):
        yield pyarrow.RecordBatch.from_pylist(chunk, schema=SCHEMA)
