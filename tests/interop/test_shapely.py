"""Areas, overlaps and clipping are what shapely says, for any two kinds of shape."""

import math

import pytest
import shapely
import shapely.affinity
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from hyperstore.frames.boxes import BoundingBox2D, Ellipse2D
from hyperstore.frames.polygons import ComplexPolygon2D, Polygon2D
from tests.support.planes import Shape, covers, flats_in_parts, shapes, stars

CLOSE = 1e-7


def of(shape: Shape) -> BaseGeometry:
    """Return a shape as shapely builds it from the numbers that a user gave."""
    if isinstance(shape, BoundingBox2D):
        x, y, w, h = shape.bounding_box_xywh
        return shapely.affinity.rotate(
            shapely.box(x, y, x + w, y + h), shape.angle, origin="center", use_radians=True
        )
    if isinstance(shape, Ellipse2D):
        (x, y), (rx, ry) = shape.center, shape.radii
        circle = shapely.Point(0, 0).buffer(1, quad_segs=200)
        upright = shapely.affinity.scale(circle, rx, ry, origin=(0, 0))
        turned = shapely.affinity.rotate(upright, shape.angle, origin=(0, 0), use_radians=True)
        return shapely.affinity.translate(turned, x, y)
    parts = shape.polygons_xy if isinstance(shape, ComplexPolygon2D) else [shape.polygon_xy]
    return shapely.union_all([shapely.Polygon(part) for part in parts])


def slack(*shapes: Shape) -> float:
    """Return how near is equal: an ellipse is a polygon of 180 points here, of 800 there."""
    return 1e-3 if any(isinstance(each, Ellipse2D) for each in shapes) else CLOSE


@given(shapes())
def test_an_area_is_shapelys(shape: Shape) -> None:
    """However the shape is turned, and counting once where its parts overlap."""
    theirs = of(shape)
    tolerance = 1e-4 if isinstance(shape, Ellipse2D) else CLOSE
    assert shape.area == pytest.approx(theirs.area, rel=tolerance)


@given(shapes(), shapes())
def test_an_iou_is_shapelys(one: Shape, other: Shape) -> None:
    """Boxes turned and upright, ellipses, concave polygons, several polygons: any with any."""
    a, b = of(one), of(other)
    theirs = a.intersection(b).area / a.union(b).area
    assert one.iou(other) == pytest.approx(theirs, abs=slack(one, other))
    assert other.iou(one) == pytest.approx(one.iou(other), abs=1e-12)
    assert one.iou(one) == pytest.approx(1)


@given(shapes(), st.integers(1, 40), st.integers(1, 40))
def test_what_is_left_of_a_shape_is_shapelys(shape: Shape, width: int, height: int) -> None:
    """The area is theirs, nothing lies outside, and all of it lay in the shape."""
    theirs = of(shape).intersection(shapely.box(0, 0, width, height))
    left = shape.clip(width, height)
    tolerance = 2e-3 * (of(shape).area + 1) if isinstance(shape, Ellipse2D) else 1e-6
    if left is None:
        assert theirs.area <= tolerance
        return
    assert left.area == pytest.approx(theirs.area, abs=tolerance)
    for part in left.to_polygons():
        # The polygon of an ellipse that touches the edge goes beyond it by what it is off by.
        loose = 0.01 if isinstance(left, Ellipse2D) else 0.0
        assert min(part) >= -loose
        assert max(part[0::2]) <= width + loose
        assert max(part[1::2]) <= height + loose


@given(stars(), st.integers(1, 30), st.integers(1, 30))
def test_a_polygon_is_cut_into_as_many_pieces(flat: list[float], width: int, height: int) -> None:
    """No thin bridge along the edge joins what the edge has parted."""
    theirs = shapely.Polygon(list(zip(flat[0::2], flat[1::2], strict=True)))
    assume(shapely.is_valid(theirs))
    cut = theirs.intersection(shapely.box(0, 0, width, height))
    pieces = [piece.area for piece in getattr(cut, "geoms", [cut])]
    assume(all(area > 1e-6 or area == 0 for area in pieces))
    left = Polygon2D(flat).clip(width, height)
    ours = [] if left is None else [abs(_shoelace(part)) for part in left.to_polygons()]
    assert sorted(ours) == pytest.approx(
        sorted(area for area in pieces if area), rel=CLOSE, abs=CLOSE
    )


def _shoelace(flat: list[float]) -> float:
    return float(shapely.Polygon(list(zip(flat[0::2], flat[1::2], strict=True))).area)


@given(flats_in_parts, st.integers(1, 14), st.integers(1, 14), st.data())
def test_outlines_that_cross_themselves_are_cut_point_by_point(
    parts: list[list[float]], width: int, height: int, data: st.DataObject
) -> None:
    """Where shapely calls a polygon invalid, a point is left if it was covered and is inside."""
    left = ComplexPolygon2D(parts).clip(width, height)
    remains = [] if left is None else left.to_polygons()
    for _ in range(8):
        # Not on a line between points of the grid, where the side is a matter of rounding.
        x = data.draw(st.integers(-4, 14)) + math.pi / 7
        y = data.draw(st.integers(-4, 14)) + math.e / 9
        within = covers(parts, x, y) and 0 < x < width and 0 < y < height
        assert covers(remains, x, y) == within


def test_pieces_that_cross_each_other_stay_one_outline() -> None:
    """Two pieces beside each other would cover the crossing, which the even-odd rule leaves out."""
    left = Polygon2D([1, -3, 2, 8, 1, -1, 7, 1, 1, 1, 2, -2]).clip(8, 8)
    spike = shapely.Polygon([(14 / 11, 0), (2, 8), (10 / 9, 0)])
    wedge = shapely.Polygon([(4, 0), (7, 1), (1, 1), (4 / 3, 0)])
    assert isinstance(left, Polygon2D)
    assert left.area == pytest.approx(spike.symmetric_difference(wedge).area)


@given(flats_in_parts, flats_in_parts)
def test_overlap_of_tangles_is_that_of_their_faces(
    one: list[list[float]], other: list[list[float]]
) -> None:
    """The area of tangles is the sum of the faces between all their lines that both cover."""
    lines = shapely.union_all([_closed(part) for part in [*one, *other]])
    a = b = both = 0.0
    for face in shapely.polygonize([lines]).geoms:
        x, y = face.representative_point().coords[0]
        in_one, in_other = covers(one, x, y), covers(other, x, y)
        a, b = a + face.area * in_one, b + face.area * in_other
        both += face.area * (in_one and in_other)
    first, second = ComplexPolygon2D(one), ComplexPolygon2D(other)
    assert first.area == pytest.approx(a, abs=1e-6)
    assert second.area == pytest.approx(b, abs=1e-6)
    if a + b > 1e-6:
        assert first.iou(second) == pytest.approx(both / (a + b - both), abs=1e-5)


def _closed(flat: list[float]) -> BaseGeometry:
    points = list(zip(flat[0::2], flat[1::2], strict=True))
    return shapely.LineString([*points, points[0]])


@given(shapes(), st.floats(0.1, 5), st.floats(0.1, 5), st.floats(-50, 50), st.floats(-50, 50))
def test_a_rescaled_and_shifted_shape_is_shapelys(
    shape: Shape, sx: float, sy: float, dx: float, dy: float
) -> None:
    """Turned boxes become parallelograms, ellipses other ellipses."""
    there = shapely.affinity.affine_transform(of(shape), [sx, 0, 0, sy, dx, dy])
    here = shape.rescale(sx, sy).shift(dx, dy)
    rings = [list(zip(part[0::2], part[1::2], strict=True)) for part in here.to_polygons()]
    drawn = shapely.union_all([shapely.Polygon(ring) for ring in rings])
    apart = drawn.symmetric_difference(there).area
    assert apart <= (2e-3 if isinstance(shape, Ellipse2D) else 1e-7) * there.area + 1e-7
