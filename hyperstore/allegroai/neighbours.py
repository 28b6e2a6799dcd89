"""Entries by how near a vector of theirs is to another: exactly, by looking at each of them."""

import math
from collections.abc import Callable, Iterable, Sequence
from heapq import nsmallest
from operator import mul

from hyperstore.allegroai.vectors import vector_at
from hyperstore.dataset.view import Frame
from hyperstore.errors import QueryError, UsageError, a_type, nearest

__all__ = ["nearest_frames"]

_Vector = Sequence[float]
_L2 = ("l2_norm", "l2", "12_norm")  # The last is a slip that programs were written with.
_COSINE, _DOT = ("cosine",), ("dot_product", "dot")


def nearest_frames(
    frames: Iterable[Frame],
    vector: object,
    field: object,
    *,
    most: object,
    similarity: object,
    fast: bool = False,
) -> list[Frame]:
    """Return the frames whose metadata have the nearest vectors at a path, the nearest first.

    Of equal ones the earlier frame comes first. Frames without a vector there are passed over, and
    so are those that have one of another length.
    """
    if fast and similarity not in _COSINE:
        raise QueryError("fast is for the cosine only, as clearml has it; leave it out")
    wanted = _checked(vector)
    if not isinstance(field, str) or not field.strip():
        raise UsageError(f"vector_field is the name of a field, not {field!a:.100}")
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise QueryError(f"number_of_neighbors is a whole number of 1 or more, not {most!a:.60}")
    distance = _distance(similarity, wanted)
    path = field.removeprefix("meta.")
    found = (
        (distance(held), at, frame)
        for at, frame in enumerate(frames)
        if (held := vector_at(frame.metadata, path)) is not None and len(held) == len(wanted)
    )
    return [frame for _, _, frame in nsmallest(most, found, key=lambda one: one[:2])]


def _checked(vector: object) -> list[float]:
    items = vector.tolist() if hasattr(vector, "tolist") else vector  # NumPy's.
    if not isinstance(items, list | tuple):
        raise UsageError(f"reference_vector is a list of numbers, not {a_type(vector)}")
    if not items:
        raise QueryError("reference_vector is empty")
    for one in items:
        if isinstance(one, bool) or not isinstance(one, int | float) or not math.isfinite(one):
            raise QueryError(f"reference_vector holds finite numbers, not {one!a:.60}")
    return [float(one) for one in items]


def _distance(similarity: object, wanted: _Vector) -> Callable[[_Vector], float]:
    """Return what is the smaller the nearer a vector is."""
    if similarity in _DOT:
        return lambda held: -_dot(wanted, held)
    if similarity in _L2:
        return lambda held: math.dist(wanted, held)
    if similarity not in _COSINE:
        known = (*_COSINE, _L2[0], _DOT[0])
        raise QueryError(
            f"similarity_function is one of {nearest(str(similarity), known)}, "
            f"not {similarity!a:.100}"
        )
    own = math.hypot(*wanted)
    if own == 0.0:
        raise QueryError("a vector of zeros has no direction, so no cosine with any other")

    def turned(held: _Vector) -> float:
        length = math.hypot(*held)
        return -_dot(wanted, held) / (own * length) if length else math.inf

    return turned


def _dot(one: _Vector, other: _Vector) -> float:
    return math.fsum(map(mul, one, other))
