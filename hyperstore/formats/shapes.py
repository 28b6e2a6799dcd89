"""Geometry between ROIs and formats that write boxes as x, y, width, height and polygons as parts.

Units are source pixels, the origin is the corner top left. Numbers keep their type: a box of whole
numbers has whole corners, and back.
"""

import math
from collections.abc import Sequence

from hyperstore.limits import POLY_SENTINEL

__all__ = [
    "Number",
    "area_of_box",
    "area_of_parts",
    "bounds",
    "box_of_corners",
    "corners",
    "ellipse_outline",
    "is_turned",
    "joined",
    "numbers",
    "parts_of",
]

Number = int | float
_ELLIPSE_POINTS = 32


def numbers(value: object) -> list[Number] | None:
    """Return `value` if it is a list of numbers (true and false are none), else None."""
    return value if isinstance(value, list) and _KINDS.issuperset(map(type, value)) else None


_KINDS = frozenset({int, float})


def corners(box: Sequence[Number]) -> list[Number]:
    """Return the four corners of x, y, width, height, as `b2d` has them."""
    x, y, width, height = box
    return [x, y, x + width, y, x + width, y + height, x, y + height]


def box_of_corners(poly: Sequence[Number]) -> list[Number] | None:
    """Return x, y, width, height of an upright box; None where it is rotated or no box."""
    if len(poly) != 8:
        return None
    left, top, right, bottom = poly[0], poly[1], poly[4], poly[5]
    if [left, top, right, top, right, bottom, left, bottom] != list(poly):
        return None
    return [left, top, _span(left, right), _span(top, bottom)]


def is_turned(poly: Sequence[Number]) -> bool:
    """Whether an upright box has sides that lead to the left or upwards."""
    box = box_of_corners(poly)
    return box is not None and min(box[2:]) < 0


def bounds(points: Sequence[Number]) -> list[Number]:
    """Return x, y, width, height around points x0, y0, x1, y1, ..."""
    xs, ys = points[0::2], points[1::2]
    left, top = min(xs), min(ys)
    return [left, top, _span(left, max(xs)), _span(top, max(ys))]


def _span(low: Number, high: Number) -> Number:
    """Return the shortest number that leads from `low` to `high`, within a few rounding steps.

    Files hold decimals such as 14.3; the difference of two floats is 14.299999999999997.
    """
    exact = high - low
    if isinstance(exact, int):
        return exact
    step = 4 * math.ulp(max(abs(low), abs(high)))
    for digits in (0, 1, 2, 3, 4, 6, 8, 10):
        short = round(exact, digits)
        if abs(low + short - high) <= step:
            return short
    return exact


def joined(parts: Sequence[Sequence[Number]]) -> list[Number]:
    """Return one `poly` of several parts, with the sentinel between them."""
    poly = list(parts[0])
    for part in parts[1:]:
        poly.append(POLY_SENTINEL)
        poly.extend(part)
    return poly


def parts_of(poly: Sequence[Number]) -> list[list[Number]]:
    ends = [at for at, value in enumerate(poly) if value == POLY_SENTINEL]
    starts = [0, *(end + 1 for end in ends)]
    return [list(poly[start:end]) for start, end in zip(starts, [*ends, len(poly)], strict=True)]


def area_of_box(box: Sequence[Number]) -> Number:
    return box[2] * box[3]


def area_of_parts(parts: Sequence[Sequence[Number]]) -> float:
    """Return the sum of the parts' areas: a part that cuts a hole is not told from one beside."""
    return float(sum(abs(_signed_area(part)) for part in parts))


def _signed_area(part: Sequence[Number]) -> float:
    xs, ys = part[0::2], part[1::2]
    total = 0.0
    for index in range(len(ys)):
        total += xs[index - 1] * ys[index] - xs[index] * ys[index - 1]
    return total / 2


def ellipse_outline(values: Sequence[Number]) -> list[Number]:
    """Return points on the ellipse of centre x, y, radii and angle in radians."""
    x, y, across, along, angle = values
    points: list[Number] = []
    for index in range(_ELLIPSE_POINTS):
        turn = 2 * math.pi * index / _ELLIPSE_POINTS
        u, v = across * math.cos(turn), along * math.sin(turn)
        points.append(x + u * math.cos(angle) - v * math.sin(angle))
        points.append(y + u * math.sin(angle) + v * math.cos(angle))
    return points
