"""Questions answered by Arrow's own functions, for libraries that hand out Arrow and cannot say
"within one ROI" themselves.
"""

from collections.abc import Callable

import pyarrow
import pyarrow.compute as pc
from querydata import Question

__all__ = ["COLUMNS", "fitting"]

COLUMNS = {
    "roi": ["id", "rois"],
    "label": ["id", "rois"],
    "term": ["id", "meta"],
    "range": ["id", "meta"],
    "exists": ["id", "meta"],
    "wildcard": ["id", "sources"],
}


def fitting(question: Question) -> Callable[[pyarrow.RecordBatch], list[str]]:
    """Return what gives the ids of the frames of a batch that fit."""

    def ids(batch: pyarrow.RecordBatch) -> list[str]:
        mask = _mask(question, batch)
        return batch.column("id").filter(mask).to_pylist()

    return ids


def _mask(question: Question, batch: pyarrow.RecordBatch) -> pyarrow.Array:
    if question.kind in ("roi", "label"):
        return _roi_mask(question, batch)
    if question.kind == "wildcard":
        sources = batch.column("sources")
        uris = pc.struct_field(sources.flatten(), "uri")
        pattern = question.value.replace("*", "%").replace("?", "_")
        fits = pc.match_like(uris, pattern)
        return _rows(len(batch), pc.list_parent_indices(sources).filter(fits))
    meta = batch.column("meta")
    if question.kind == "term":
        return pc.equal(pc.struct_field(meta, "city"), question.value)
    found = pc.struct_field(meta, question.value)
    if question.kind == "exists":
        return pc.is_valid(found)
    return pc.and_(pc.greater_equal(found, question.low), pc.less(found, question.high))


def _roi_mask(question: Question, batch: pyarrow.RecordBatch) -> pyarrow.Array:
    rois = batch.column("rois")
    flat = rois.flatten()
    labels = pc.struct_field(flat, "label")
    named = pc.list_parent_indices(labels).filter(pc.equal(labels.flatten(), question.value))
    fits = _rows(len(flat), named)
    if question.kind == "roi":
        fits = pc.and_(fits, pc.greater(pc.struct_field(flat, "confidence"), question.low))
    return _rows(len(batch), pc.list_parent_indices(rois).filter(fits))


def _rows(count: int, places: pyarrow.Array) -> pyarrow.Array:
    """Return for each of so many rows whether it is among the places."""
    return pc.is_in(pyarrow.array(range(count)), value_set=pc.unique(places).cast("int64"))
