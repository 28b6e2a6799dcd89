"""Drawing polygons into masks, pixel for pixel as pycocotools draws them.

That is the rule by which COCO's own areas and scores are made (`rleFrPoly` in its maskApi.c; this
is code of our own to the same rule). Points are rounded to fifths of a pixel. Each edge is walked
on that finer grid, one step of its longer side at a time; where the walk passes the middle of a
column of pixels, that column changes between mask and no mask at the row it has reached. What is
inside a ring follows from the even-odd rule, and a mask holds what any of its rings covers.

Only the columns' middles are visited here, not each step of the walk.
"""

from collections.abc import Sequence
from itertools import chain

from hyperstore.frames.clipping import Ring, clipped
from hyperstore.frames.rle import Rle, from_intervals

__all__ = ["drawn"]

_FINE = 5  # Steps a pixel.
_MIDDLE = 2  # A column's middle lies between this step of it and the next.
_NEAR = 2**26  # Beyond it pycocotools' whole numbers overflow; here the ring is cut off first.


def drawn(rings: Sequence[Ring], *, height: int, width: int) -> Rle:
    """Return the mask of rings, in pixels with the origin top left; what lies outside is cut."""
    intervals: list[tuple[int, int]] = []
    for ring in rings:
        near = [ring]
        if any(abs(number) > _NEAR for number in chain.from_iterable(ring)):
            near = clipped(ring, (-_NEAR, -_NEAR), (_NEAR, _NEAR))
        changes = sorted(at for each in near for at in _changes(each, height, width))
        intervals += zip(changes[::2], changes[1::2], strict=True)
    return from_intervals(intervals, height=height, width=width)


def _changes(ring: Ring, height: int, width: int) -> list[int]:
    """Return the pixels, counted down the columns, from which on a ring's inside is outside."""
    points = [(int(_FINE * x + 0.5), int(_FINE * y + 0.5)) for x, y in ring]
    found: list[int] = []
    for at, (x1, y1) in enumerate(points):
        x0, y0 = points[at - 1]
        low, high = (x0, x1) if x0 < x1 else (x1, x0)
        first = max(0, -((_MIDDLE - low) // _FINE))
        last = min(width - 1, (high - _MIDDLE - 1) // _FINE)
        if first > last:
            continue
        across, down = high - low, abs(y1 - y0)
        if (x0 > x1) if across >= down else (y0 > y1):
            x0, y0, x1, y1 = x1, y1, x0, y0
        for column in range(first, last + 1):
            x = _FINE * column + _MIDDLE
            if across >= down:
                step, slope = x - x0, (y1 - y0) / across
                y = min(int(y0 + slope * step + 0.5), int(y0 + slope * (step + 1) + 0.5))
            else:
                y = y0 + _step_over(x, x0, (x1 - x0) / down)
            row = min(max(-((_MIDDLE - y) // _FINE), 0), height)
            found.append(column * height + row)
    return found


def _step_over(x: int, start: int, slope: float) -> int:
    """Return the step down a steep edge before it changes between `x` and the one to its right."""
    begins_left = slope > 0
    step = int((x + 0.5 - start) / slope)
    while step > 0 and (int(start + slope * step + 0.5) <= x) != begins_left:
        step -= 1
    while (int(start + slope * (step + 1) + 0.5) <= x) == begins_left:
        step += 1
    return step
