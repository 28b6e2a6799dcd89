"""From a mask to polygons, exactly: the outlines run between pixels, along their edges.

Vertices are whole numbers, corners of pixels, so the area of the polygons is the number of pixels,
and drawing them gives the mask again, bit by bit. (Outlines through the centres of pixels, as image
libraries draw them, lose half a pixel on each side.)

The work follows the runs of the mask, not its pixels. Each column has cracks where the mask changes
on the way down; crack 0, 2, ... of a column lies on top of a run and is walked to the right, crack
1, 3, ... lies below one and is walked to the left. So the mask is on the right hand, outlines go
clockwise on the screen and holes the other way. Between two columns each crack leads to exactly one
other, straight or up or down the edge between them. Where two set pixels share a corner only, the
walk turns right: they belong to two parts.

A polygon has one outline, so a hole is joined to it by a seam: the walk goes down through the mask
to the hole, around it, and back the same way. The two ways along a seam cancel each other under the
even-odd rule, in areas, and when drawn.
"""

from collections.abc import Sequence

from hyperstore.frames.rle import Rle

__all__ = ["outlines"]

Corner = tuple[int, int]


def outlines(mask: Rle) -> list[list[Corner]]:
    """Return one ring of pixel corners for each part of the mask, its first column first.

    Parts are connected by the sides of pixels. The rings are not closed by a repeated corner.
    """
    cracks, starts = _cracks(mask)
    rows = [row for _, row in cracks]
    leads_to = _successors(rows, starts)
    outer: list[int] = []
    holes: dict[int, int] = {}  # From the crack on top of a run to the crack below it: a hole's.
    seen = bytearray(len(cracks))
    for first in range(len(cracks)):
        if seen[first]:
            continue
        area, at, highest = 0, first, first
        while not seen[at]:
            seen[at] = 1
            area += rows[at] if at % 2 else -rows[at]
            if at % 2 and (highest % 2 == 0 or rows[at] < rows[highest]):
                highest = at
            at = leads_to[at]
        if area > 0:
            outer.append(first)
        else:
            holes[highest - 1] = highest  # The run above a hole's highest crack is mask.
    return [_ring(first, cracks, leads_to, holes) for first in outer]


def _cracks(mask: Rle) -> tuple[list[Corner], list[int]]:
    """Return column and row of each crack, and where each column's cracks start, and the end."""
    cracks: list[Corner] = []
    starts = [0]
    height = mask.height
    for start, length in mask.runs():
        end = start + length
        while start < end:
            column, top = divmod(start, height)
            bottom = min(height, top + end - start)
            while len(starts) <= column:
                starts.append(len(cracks))
            # A run of no length may stand between two runs, which then are one.
            if len(cracks) > starts[-1] and cracks[-1] == (column, top):
                cracks[-1] = (column, bottom)
            else:
                cracks += [(column, top), (column, bottom)]
            start += bottom - top
    while len(starts) <= mask.width:
        starts.append(len(cracks))
    return cracks, starts


def _successors(rows: Sequence[int], starts: Sequence[int]) -> list[int]:
    """Return which crack follows each on its outline."""
    leads_to = [0] * len(rows)
    before = range(0)
    for column in range(len(starts)):
        here = range(starts[column], starts[column + 1]) if column + 1 < len(starts) else range(0)
        _join(before, here, rows, leads_to)
        before = here
    return leads_to


def _join(left: range, right: range, rows: Sequence[int], leads_to: list[int]) -> None:
    """Lead cracks of two neighbouring columns to each other, along the line between them.

    Cracks that come to the line are the tops on its left and the bottoms on its right; the others
    leave it. A stretch of the line with mask on its left only is walked down, on its right only up.
    """
    at, to = left.start, right.start
    waiting = -1  # The crack at the upper end of the stretch of outline that we are beside.
    while at < left.stop or to < right.stop:
        row_at = rows[at] if at < left.stop else None
        row_to = rows[to] if to < right.stop else None
        if row_at == row_to:
            comes, leaves = (at, to) if at % 2 == 0 else (to, at)
            if at % 2 == to % 2:  # Straight on: both begin, or both end.
                leads_to[comes] = leaves
            elif at % 2 == 0:  # Right-hand mask ends where left-hand mask begins: up, then down.
                leads_to[to], waiting = waiting, at
            else:
                leads_to[waiting], waiting = at, to
            at, to = at + 1, to + 1
            continue
        on_left = row_to is None or (row_at is not None and row_at < row_to)
        crack = at if on_left else to
        if waiting < 0:
            waiting = crack
        else:
            comes = (crack % 2 == 0) == on_left
            if comes:
                leads_to[crack] = waiting
            else:
                leads_to[waiting] = crack
            waiting = -1
        at, to = (at + 1, to) if on_left else (at, to + 1)


def _ring(
    first: int, cracks: Sequence[Corner], leads_to: Sequence[int], holes: dict[int, int]
) -> list[Corner]:
    """Return the corners of an outline and of the holes on its seams, in walking order."""
    ring: list[Corner] = []
    entered: list[tuple[int, int]] = []  # The crack that ends a hole, the one its seam begins at.
    at = first
    while True:
        column, row = cracks[at]
        if at % 2:
            _step(ring, (column + 1, row))
            _step(ring, (column, row))
        else:
            _step(ring, (column, row))
            if at in holes:
                hole = holes[at]
                _step(ring, cracks[hole])
                entered.append((hole, at))
                at = leads_to[hole]
                continue
            _step(ring, (column + 1, row))
        if entered and entered[-1][0] == at:
            at = entered.pop()[1]
            column, row = cracks[at]
            _step(ring, (column, row))
            _step(ring, (column + 1, row))
        at = leads_to[at]
        if at == first:
            return ring


def _step(ring: list[Corner], corner: Corner) -> None:
    """Go to a corner; what lies straight on the way to it is no vertex."""
    if ring and ring[-1] == corner:
        return
    if len(ring) > 1:
        (x0, y0), (x1, y1), (x2, y2) = ring[-2], ring[-1], corner
        if (x0 == x1 == x2 and (y1 > y0) == (y2 > y1)) or (
            y0 == y1 == y2 and (x1 > x0) == (x2 > x1)
        ):
            ring[-1] = corner
            return
    ring.append(corner)
