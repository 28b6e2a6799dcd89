"""The kinds of ROI, and the flat lists of numbers in which their shapes are written.

Coordinates are source pixels, origin top-left, x before y (before z). A complex polygon is written
as its parts with one sentinel number between each two.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

from hyperstore.limits import POLY_SENTINEL

__all__ = [
    "BOX_2D",
    "BOX_3D",
    "BOX_FIELD",
    "ELLIPSE",
    "FLAT_2D",
    "KEYPOINTS_2D",
    "KEYPOINTS_3D",
    "KINDS",
    "MASK",
    "POLYGON_2D",
    "POLYGON_3D",
    "WHOLE",
    "Num",
    "bounds",
    "box_corners",
    "box_of_corners",
    "extent",
    "join_parts",
    "kind_of",
    "poly_fault",
    "split_parts",
    "stretched_ellipse",
]

Num: TypeAlias = int | float

POLYGON_2D = "p2d"
POLYGON_3D = "p3d"
KEYPOINTS_2D = "k2d"
KEYPOINTS_3D = "k3d"
BOX_2D = "b2d"
BOX_3D = "b3d"
ELLIPSE = "elp"
MASK = "mask"
WHOLE = "im"  # A label of the whole frame, which no shape is stored for.

KINDS = frozenset(
    {POLYGON_2D, POLYGON_3D, KEYPOINTS_2D, KEYPOINTS_3D, BOX_2D, BOX_3D, ELLIPSE, MASK}
)

# The exact five values of a box, kept on the wire where its corners do not give them back.
BOX_FIELD = "_xywha"

# Kinds whose numbers, where no sentinel stands among them, are pairs. None: a polygon by default.
FLAT_2D = frozenset({None, POLYGON_2D, KEYPOINTS_2D, BOX_2D})

_SENTINEL = float(POLY_SENTINEL)  # Equal to both, and most numbers are floats.
_NUMBERS_A_POINT = {
    None: 2,
    POLYGON_2D: 2,
    KEYPOINTS_2D: 2,
    BOX_2D: 2,
    POLYGON_3D: 3,
    KEYPOINTS_3D: 3,
}
_NUMBERS_IN_ALL = {ELLIPSE: 5, BOX_3D: 10}
_KINDS_WITH_PARTS = frozenset({None, POLYGON_2D, POLYGON_3D})


def kind_of(kind: str | None, *, has_poly: bool, has_mask: bool) -> str:
    """Return as what an ROI is read, asked for and counted; few say themselves what they are."""
    if kind is not None:
        return kind
    if has_poly:
        return POLYGON_2D
    return MASK if has_mask else WHOLE


def poly_fault(kind: str | None, poly: Sequence[Num]) -> tuple[int | None, str] | None:
    """Return the index (None for the whole) and the fault of a list of finite numbers, if any.

    A kind that is not built in may hold what it likes.
    """
    in_all = _NUMBERS_IN_ALL.get(kind or "")
    if in_all is not None:
        fault = f"a shape of kind {kind} takes {in_all} numbers; these are {len(poly)}"
        return None if len(poly) == in_all else (None, fault)
    a_point = _NUMBERS_A_POINT.get(kind)
    if a_point is None:
        return None
    cuts = _cuts(poly)
    if cuts and kind not in _KINDS_WITH_PARTS:
        return cuts[0], f"{POLY_SENTINEL} parts polygons only, and this shape is of kind {kind}"
    for before, after in pairwise([-1, *cuts, len(poly)]):
        if after == before + 1:
            at = min(after, len(poly) - 1)
            return at, f"{POLY_SENTINEL} stands where no two parts meet"
        if (after - before - 1) % a_point:
            count = after - before - 1
            return None, f"{count} numbers are not points of {a_point} coordinates each"
    return None


def _cuts(poly: Sequence[Num]) -> list[int]:
    """Return where the sentinels are."""
    cuts: list[int] = []
    for _ in range(poly.count(_SENTINEL)):
        cuts.append(poly.index(_SENTINEL, cuts[-1] + 1 if cuts else 0))
    return cuts


def split_parts(poly: Sequence[Num]) -> list[list[Num]]:
    """Return the parts of a complex polygon; one part where there is no sentinel."""
    cuts = _cuts(poly)
    return [list(poly[before + 1 : after]) for before, after in pairwise([-1, *cuts, len(poly)])]


def join_parts(parts: Sequence[Sequence[Num]]) -> list[Num]:
    """Return the flat form of a complex polygon."""
    flat: list[Num] = []
    for part in parts:
        if flat:
            flat.append(POLY_SENTINEL)
        flat.extend(part)
    return flat


def box_corners(x: Num, y: Num, w: Num, h: Num, angle: Num = 0) -> list[Num]:
    """Return the four corners, clockwise from the top-left; `angle` turns them about the centre.

    The angle is in radians, clockwise on the screen, since y points down.
    """
    if not angle:
        right, bottom = x + w, y + h
        return [x, y, right, y, right, bottom, x, bottom]
    cos, sin = math.cos(angle), math.sin(angle)
    cx, cy = x + w / 2, y + h / 2
    corners: list[Num] = []
    for dx, dy in ((-w / 2, -h / 2), (w / 2, -h / 2), (w / 2, h / 2), (-w / 2, h / 2)):
        corners += [cx + dx * cos - dy * sin, cy + dx * sin + dy * cos]
    return corners


def box_of_corners(poly: Sequence[Num]) -> list[Num]:
    """Return x, y, w, h and angle of the box with these corners, whose order says the angle.

    Anything that is no rectangle gives its bounds, with angle 0.
    """
    if len(poly) == 8:
        x0, y0, x1, y1, x2, y2, x3, y3 = poly
        if y0 == y1 and x1 == x2 and y2 == y3 and x3 == x0:
            return [x0, y0, extent(x0, x1), extent(y0, y2), 0]
        w, h = math.hypot(x1 - x0, y1 - y0), math.hypot(x3 - x0, y3 - y0)
        slack = 1e-6 * max(w, h)
        closes = abs(x0 + x2 - x1 - x3) <= slack and abs(y0 + y2 - y1 - y3) <= slack
        square = abs((x1 - x0) * (x3 - x0) + (y1 - y0) * (y3 - y0)) <= slack * max(w, h)
        if closes and square and w and h:
            cx, cy = (x0 + x2) / 2, (y0 + y2) / 2
            return [cx - w / 2, cy - h / 2, w, h, math.atan2(y1 - y0, x1 - x0)]
    return [*bounds(poly), 0]


def bounds(poly: Sequence[Num]) -> list[Num]:
    """Return left, top, width and height of a flat list of x and y; sentinels are passed over."""
    xs: list[Num] = []
    ys: list[Num] = []
    for part in split_parts(poly):
        xs += part[0::2]
        ys += part[1::2]
    if not xs or not ys:
        return [0, 0, 0, 0]
    left, top = min(xs), min(ys)
    return [left, top, extent(left, max(xs)), extent(top, max(ys))]


def extent(low: Num, high: Num) -> Num:
    """Return the extent that, added to `low`, gives `high`: in the fewest digits that do.

    0.3 - 0.1 is 0.19999999999999998, but whoever wrote x = 0.1 and w = 0.2 meant 0.2.
    """
    extent = high - low
    short = round(extent, 9)
    return short if low + short == high else extent


def stretched_ellipse(rx: Num, ry: Num, angle: Num, sx: Num, sy: Num) -> list[Num]:
    """Return the radii, the longer one first, and the angle of an ellipse that is stretched.

    The unit circle becomes the ellipse by a matrix, stretched here by its rows; its singular values
    are the new radii.
    """
    cos, sin = math.cos(angle), math.sin(angle)
    matrix = (sx * cos * rx, -sx * sin * ry, sy * sin * rx, sy * cos * ry)
    size = max(map(abs, matrix))  # Squares of large numbers, or of small ones, are not in range.
    if size == 0 or math.isinf(size):
        return [rx * sx, ry * sy, angle]
    a, b, c, d = (number / size for number in matrix)
    across, along, down = a * a + b * b, a * c + b * d, c * c + d * d
    longer = math.sqrt((across + down) / 2 + math.hypot((across - down) / 2, along))
    shorter = abs(a * d - b * c) / longer
    return [longer * size, shorter * size, math.atan2(2 * along, across - down) / 2]
