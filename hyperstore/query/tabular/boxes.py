"""The box around an ROI and its area, in source pixels, without an annotation object for most."""

import math
from contextlib import suppress

from hyperstore.errors import HyperstoreError
from hyperstore.frames import geometry
from hyperstore.frames.records import RoiRecord
from hyperstore.frames.shapes import annotation_of

__all__ = ["area_of", "bounds_of"]

_FLAT = frozenset({None, geometry.POLYGON_2D, geometry.BOX_2D, geometry.KEYPOINTS_2D})


def bounds_of(roi: object) -> tuple[float, float, float, float] | None:
    """Return x, y, width, height of the upright box around a shape in the plane; None for none."""
    assert isinstance(roi, RoiRecord)
    poly = roi.poly
    if not poly:
        return None
    if roi.kind == geometry.BOX_2D and len(poly) == 8:
        x0, y0, x1, y1, x2, y2, x3, y3 = poly
        if y0 == y1 and x1 == x2 and y2 == y3 and x3 == x0 and x0 <= x2 and y0 <= y2:
            # As nearly all are: what `bounds` gives, without a search.
            across, down = geometry.extent(x0, x2), geometry.extent(y0, y2)
            return float(x0), float(y0), float(across), float(down)
    if roi.kind in _FLAT:
        x, y, wide, high = geometry.bounds(poly)
        return float(x), float(y), float(wide), float(high)
    if roi.kind == geometry.ELLIPSE and len(poly) == 5:
        x, y, rx, ry, angle = map(float, poly)
        cos, sin = math.cos(angle), math.sin(angle)
        across, down = math.hypot(rx * cos, ry * sin), math.hypot(rx * sin, ry * cos)
        return x - across, y - down, 2 * across, 2 * down
    return None


def area_of(roi: object) -> float | None:
    """Return the area in square pixels; None where the shape has none, or it cannot be told."""
    assert isinstance(roi, RoiRecord)
    if roi.kind == geometry.BOX_2D and roi.extra is None and roi.poly and len(roi.poly) == 8:
        x0, y0, x1, y1, x2, y2, x3, y3 = roi.poly  # As nearly all are.
        if y0 == y1 and x1 == x2 and y2 == y3 and x3 == x0:
            return float(abs(geometry.extent(x0, x1))) * float(abs(geometry.extent(y0, y2)))
    with suppress(HyperstoreError, OverflowError, ValueError):
        return annotation_of(roi).area
    return None
