"""Which ROIs of a frame a query fits; stands in until records are matched by themselves."""

from hyperstore.errors import QueryError
from hyperstore.frames.records import WholeRecord
from hyperstore.frames.roots import Roots
from hyperstore.query.expression import Condition

__all__ = ["matching_rois"]


def matching_rois(condition: Condition, record: WholeRecord, roots: Roots) -> list[int]:
    """Return the positions of ROIs that fit."""
    if condition.rois:
        raise QueryError(f"ROIs are not matched yet, of {roots!a}")
    return list(range(len(record.rois or ())))
