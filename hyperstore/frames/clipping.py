"""Cutting rings off at an upright rectangle.

A ring is a list of points, closed without repeating the first; what it covers follows from the
even-odd rule. As Sutherland and Hodgman do, the rectangle is taken as four half-planes, one after
the other. Unlike theirs, a ring that is cut into several pieces gives several rings, with nothing
drawn between them along the edge: along each line, the crossings are sorted and joined in pairs,
which are just the stretches of the line inside the ring.

No ring is turned into a number that is not finite, however large its coordinates are.
"""

from collections.abc import Sequence
from typing import TypeAlias

from hyperstore.frames.geometry import Num
from hyperstore.frames.overlap import area_of

__all__ = ["Point", "Ring", "clipped", "clipped_parts"]

Point: TypeAlias = tuple[Num, Num]
Ring: TypeAlias = list[Point]

_SPECK = 1e-12  # Of the square of a piece's extent: less is what rounding leaves of no area.


def clipped_parts(parts: Sequence[Ring], width: Num, height: Num) -> list[Ring]:
    """Return what lies in 0 to `width` and 0 to `height`, of parts that cover what any covers.

    A part that lies within is returned as it is, with an area or without; of the others, pieces
    without an area are left out. Pieces of one part do not overlap.
    """
    left: list[Ring] = []
    for part in parts:
        pieces = clipped(part, (0, 0), (width, height))
        if len(pieces) == 1 and pieces[0] is part:
            left.append(part)
            continue
        pieces = [piece for piece in pieces if _has_area(piece)]
        left += pieces if _apart(pieces) else [_seamed(pieces)]
    return left


def clipped(ring: Ring, low: Point, high: Point) -> list[Ring]:
    """Return rings that cover, together under the even-odd rule, what `ring` covers in between.

    A ring that lies within comes back as the same object.
    """
    rings = [ring]
    for axis in (0, 1):
        for bound, sign in ((low[axis], 1), (high[axis], -1)):
            rings = [piece for each in rings for piece in _half(each, axis, bound, sign)]
    return rings


def _half(ring: Ring, axis: int, bound: Num, sign: int) -> list[Ring]:
    """Return the pieces of a ring where the coordinate is on the `sign` side of the bound."""
    inside = [sign * point[axis] >= sign * bound for point in ring]
    if all(inside):
        return [ring]
    if not any(inside):
        return []
    count = len(ring)
    start = next(at for at in range(count) if inside[at] and not inside[at - 1])
    chains: list[Ring] = []
    for at in (*range(start, count), *range(start)):
        before, point = ring[at - 1], ring[at]
        if inside[at] != inside[at - 1]:
            cut = _crossing(before, point, axis, bound)
            if inside[at]:
                chains.append([cut])
            else:
                chains[-1].append(cut)
        if inside[at]:
            chains[-1].append(point)
    return _joined(chains, 1 - axis)


def _crossing(one: Point, other: Point, axis: int, bound: Num) -> Point:
    """Return where a line between points on both sides of the bound meets it."""
    # Halves, since the difference of two large numbers may be too large for one.
    span = other[axis] / 2 - one[axis] / 2
    share = (bound / 2 - one[axis] / 2) / span if span else 0.5
    a, b = one[1 - axis], other[1 - axis]
    along = a if a == b else min(max(a * (1 - share) + b * share, min(a, b)), max(a, b))
    return (bound, along) if axis == 0 else (along, bound)


def _joined(chains: Sequence[Ring], along: int) -> list[Ring]:
    """Close chains, both of whose ends are on one line, by the stretches of it inside the ring."""
    ends = sorted(
        (chain[-end][along], at, end) for at, chain in enumerate(chains) for end in (0, 1)
    )
    mates: dict[tuple[int, int], tuple[int, int]] = {}
    for (_, one, at), (_, other, to) in zip(ends[::2], ends[1::2], strict=True):
        mates[one, at], mates[other, to] = (other, to), (one, at)
    rings: list[Ring] = []
    unused = set(range(len(chains)))
    for first in range(len(chains)):
        if first not in unused:
            continue
        ring: Ring = []
        chain, entry = first, 0
        while chain in unused:
            unused.remove(chain)
            # A ring that crosses itself may have to be walked the other way in parts.
            ring += chains[chain][::-1] if entry else chains[chain]
            chain, entry = mates[chain, 1 - entry]
        rings.append([point for at, point in enumerate(ring) if point != ring[at - 1]] or ring[:1])
    return rings


def _has_area(ring: Ring) -> bool:
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    extent = max(max(xs) - min(xs), max(ys) - min(ys))
    return extent > 0 and area_of([ring]) / extent / extent > _SPECK


def _apart(rings: Sequence[Ring]) -> bool:
    """Return whether rings may stand beside each other, none of them cutting a hole in another."""
    if len(rings) < 2:
        return True
    apart = sum(area_of([ring]) for ring in rings)
    return area_of(rings) >= apart * (1 - 1e-9)


def _seamed(rings: Sequence[Ring]) -> Ring:
    """Return one ring that covers what the rings cover together under the even-odd rule.

    It goes to each and back on the same line; the two ways cancel each other.
    """
    seamed = [*rings[0], rings[0][0]]
    for ring in rings[1:]:
        seamed += [*ring, ring[0], seamed[0]]
    return seamed[:-1]
