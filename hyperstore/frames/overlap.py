"""How much of the plane shapes cover, alone and together.

A shape is a list of rings; a ring covers what is inside it by the even-odd rule, and the shape what
any of its rings covers. So it may be concave, cross itself, touch itself, repeat points, have holes
on seams, or be no more than a line.

The plane is cut into slabs, at the heights of all points and, in a slab where edges cross, at the
crossings. Within a slab, edges sorted from left to right bound trapezoids, whose areas add up. No
outline of an intersection is ever built, which is what makes general clipping fragile: here a
coordinate that is rounded changes the sum by about as much, and nothing else can go wrong. That is
why no geometry library is needed, even for general shapes.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from hyperstore.errors import UsageError
from hyperstore.frames.geometry import Num
from hyperstore.limits import OVERLAP_STEPS_MAX

__all__ = ["area_of", "iou_of"]

Rings = Sequence[Sequence[tuple[Num, Num]]]
Edge = tuple[float, float, float, float, int]  # y0, y1, x0, x1 with y0 < y1, and whose it is.

_SPECK = 1e-15  # Of the square of the longer side: less is rounding.
_EXPONENT_MAX = 400  # Areas of coordinates up to 2**400 are in range.


def area_of(rings: Rings) -> float:
    """Return the area that a shape covers, in square pixels; inf where no float is so large."""
    shape, _, exponent = _near_one(rings, ())
    area = _areas(shape, ())[0]
    try:
        return math.ldexp(area, 2 * exponent)
    except OverflowError:
        return math.inf


def iou_of(one: Rings, other: Rings) -> float:
    """Return the shared area of two shapes over the area of both together, from 0 to 1.

    0 where neither has an area.
    """
    one, other, _ = _near_one(one, other)
    extents = [(_extent(one, axis), _extent(other, axis)) for axis in (0, 1)]
    if any(a[1] <= b[0] or b[1] <= a[0] for a, b in extents):
        return 0.0  # An upright or a level line parts them.
    first, second, shared = _areas(one, other)
    together = first + second - shared
    return min(max(shared / together, 0.0), 1.0) if together > 0 else 0.0


def _extent(rings: Rings, axis: int) -> tuple[float, float]:
    """Return where a shape begins and ends along x or y; nowhere where it has no points."""
    along = [point[axis] for ring in rings for point in ring]
    return (min(along), max(along)) if along else (0.0, 0.0)


def _near_one(one: Rings, other: Rings) -> tuple[Rings, Rings, int]:
    """Return shapes moved to the origin and scaled, by a power of two, which is also returned.

    Far from the origin, small areas would be differences of large products. Numbers whose squares
    are no floats are scaled; the others are left, since most are.
    """
    points = [point for rings in (one, other) for ring in rings for point in ring]
    if not points:
        return one, other, 0
    exponent = math.frexp(max(max(abs(x), abs(y)) for x, y in points))[1]
    if abs(exponent) < _EXPONENT_MAX:
        exponent = 0
    left = math.ldexp(min(x for x, _ in points), -exponent)
    top = math.ldexp(min(y for _, y in points), -exponent)

    def moved(rings: Rings) -> Rings:
        if not exponent:
            return [[(x - left, y - top) for x, y in ring] for ring in rings]
        return [
            [(math.ldexp(x, -exponent) - left, math.ldexp(y, -exponent) - top) for x, y in ring]
            for ring in rings
        ]

    return moved(one), moved(other), exponent


def _areas(one: Rings, other: Rings) -> tuple[float, float, float]:
    """Return the area of one shape, of the other, and of what both cover."""
    edges = sorted(_edges(one, other))
    rows = sorted({row for edge in edges for row in edge[:2]})
    count = len(one)
    first = second = shared = 0.0
    steps = begun = 0
    active: list[Edge] = []
    for top, bottom in pairwise(rows):
        active = [edge for edge in active if edge[1] > top]
        while begun < len(edges) and edges[begun][0] <= top:
            active.append(edges[begun])
            begun += 1
        across = sorted((_at(edge, top), _at(edge, bottom), edge[4]) for edge in active)
        cuts = _crossings(across, steps)
        steps += (len(cuts) + 1) * len(active)
        if steps > OVERLAP_STEPS_MAX:
            raise _tangled()
        for low, high in pairwise([0.0, *cuts, 1.0]):
            middle = (low + high) / 2
            walls = [(x0 * (1 - middle) + x1 * middle, ring) for x0, x1, ring in across]
            if cuts:
                walls.sort()
            height = (bottom - top) * (high - low)
            a, b, both = _widths(walls, count)
            first, second, shared = first + a * height, second + b * height, shared + both * height
    if not _real(first, one):
        first = shared = 0.0
    if not _real(second, other):
        second = shared = 0.0
    return first, second, shared


def _real(area: float, rings: Rings) -> bool:
    """Return whether an area is more than what rounding gives a turned line."""
    longest = max(high - low for low, high in (_extent(rings, 0), _extent(rings, 1)))
    return area > _SPECK * longest * longest


def _edges(one: Rings, other: Rings) -> Iterator[Edge]:
    for number, ring in enumerate([*one, *other]):
        for at, (x1, y1) in enumerate(ring):
            x0, y0 = ring[at - 1]
            if y0 < y1:
                yield float(y0), float(y1), float(x0), float(x1), number
            elif y1 < y0:
                yield float(y1), float(y0), float(x1), float(x0), number


def _at(edge: Edge, row: float) -> float:
    """Return where an edge crosses a row; exactly at its ends, so that neighbours meet there."""
    y0, y1, x0, x1, _ = edge
    if row == y1:
        return x1
    return x0 + (x1 - x0) * ((row - y0) / (y1 - y0))


def _crossings(across: Sequence[tuple[float, float, int]], steps: int) -> list[float]:
    """Return where, from 0 to 1 down a slab, edges that are sorted at its top cross."""
    if all(left[1] <= right[1] for left, right in pairwise(across)):
        return []
    if steps + len(across) ** 2 > OVERLAP_STEPS_MAX:
        raise _tangled()
    cuts: set[float] = set()
    for at, (top, bottom, _) in enumerate(across):
        for other_top, other_bottom, _ in across[at + 1 :]:
            if bottom > other_bottom and top < other_top:
                apart = other_top - top
                cuts.add(apart / (apart + (bottom - other_bottom)))
    return sorted(cuts - {0.0, 1.0})


def _widths(walls: Sequence[tuple[float, int]], count: int) -> tuple[float, float, float]:
    """Return how much of a line the first `count` rings cover, the rest, and both."""
    first = second = shared = 0.0
    inside: set[int] = set()
    ones = others = 0
    before = 0.0
    for wall, ring in walls:
        width = wall - before
        if ones:
            first += width
            if others:
                shared += width
        if others:
            second += width
        before = wall
        step = -1 if ring in inside else 1
        inside ^= {ring}
        if ring < count:
            ones += step
        else:
            others += step
    return first, second, shared


def _tangled() -> UsageError:
    return UsageError(
        f"these outlines cross so often that their overlap takes over {OVERLAP_STEPS_MAX} steps;"
        " simplify them, or draw them (to_mask) and count pixels"
    )
