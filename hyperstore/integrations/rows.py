"""Frames as rows of a table or a cluster: the wire dict, or what a mapper makes of a frame.

A row that is a wire dict has fields as the frame has them, so no two rows need have the same; where
columns are wanted, `summary` gives every frame the same ones.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import pandas

from hyperstore.dataset.view import Frame
from hyperstore.frames.group import FrameGroup

__all__ = ["COLUMNS", "Mapper", "Row", "summary", "table_of", "wire"]

Row: TypeAlias = Mapping[str, object]
Mapper: TypeAlias = Callable[[Frame], Row]

COLUMNS: Mapping[str, str] = {
    "id": "string",
    "context_id": "string",
    "timestamp": "int64",
    "uri": "string",
    "width": "Int64",
    "height": "Int64",
    "rois": "int64",
    "labels": "string",
    "metadata": "string",
}
"""The columns of `summary`, and how pandas holds each."""


def wire(frame: Frame) -> dict[str, object]:
    """Return the wire dict of a frame."""
    return frame.to_dict()


def summary(frame: Frame) -> dict[str, object]:
    """Return a row of COLUMNS: of a group its first member's source, and the ROIs of all.

    `labels` is a JSON list of each label once, `metadata` a JSON object: tables keep text as it is.
    """
    members = list(frame.values()) if isinstance(frame, FrameGroup) else [frame]
    first = members[0] if members else None
    rois = frame._rois_in_order()
    return {
        "id": frame.id,
        "context_id": frame.context_id,
        "timestamp": frame.timestamp,
        "uri": None if first is None else first.source,
        "width": None if first is None else first.width,
        "height": None if first is None else first.height,
        "rois": len(rois),
        "labels": json.dumps(list(dict.fromkeys(label for roi in rois for label in roi.label))),
        "metadata": json.dumps(frame.metadata, sort_keys=True),
    }


def table_of(rows: Sequence[Row], names: Sequence[str] | None = None) -> pandas.DataFrame:
    """Return rows as a table of pandas, None where a row lacks a column.

    Only columns of one plain type are arrays of it; a whole number stays one.
    """
    columns = names or list(dict.fromkeys(name for row in rows for name in row))
    return pandas.DataFrame({name: _column([row.get(name) for row in rows]) for name in columns})


def _column(values: list[object]) -> pandas.Series:
    kinds = set(map(type, values))
    plain = len(kinds) == 1 and kinds <= {bool, int, float, str}
    return pandas.Series(values, dtype=None if plain else object)
