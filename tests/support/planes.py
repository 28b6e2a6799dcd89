"""Outlines to draw at random, and the slow, plain answer to what they cover."""

from collections.abc import Sequence

from hypothesis import strategies as st

from hyperstore.frames.boxes import BoundingBox2D, Ellipse2D
from hyperstore.frames.polygons import ComplexPolygon2D, Polygon2D

__all__ = ["Shape", "covers", "flats", "flats_in_parts", "shapes", "stars"]

Flat = Sequence[float]
Shape = BoundingBox2D | Ellipse2D | Polygon2D | ComplexPolygon2D

_grid = st.integers(-4, 14)  # Points on each other and on edges, edges on edges.
_fifths = st.integers(-40, 140).map(lambda number: number / 10)
_free = st.floats(-10, 40, allow_subnormal=False)
_angles = st.floats(-7, 7) | st.sampled_from([0.0, 0.5, 3.141592653589793 / 2])


def covers(parts: Sequence[Flat], x: float, y: float) -> bool:
    """Return whether any part has a point inside: a ray to the right crosses it oddly often."""
    for part in parts:
        points = list(zip(part[0::2], part[1::2], strict=True))
        odd = False
        for at, (x1, y1) in enumerate(points):
            x0, y0 = points[at - 1]
            if (y0 > y) != (y1 > y) and x < x0 + (x1 - x0) * (y - y0) / (y1 - y0):
                odd = not odd
        if odd:
            return True
    return False


@st.composite
def flats(draw: st.DrawFn) -> list[float]:
    """Return any outline: crossing itself, touching itself, or hardly there."""
    number = draw(st.sampled_from([_grid, _fifths, _free]))
    return draw(st.lists(number, min_size=6, max_size=18).filter(lambda flat: len(flat) % 2 == 0))


flats_in_parts = st.lists(flats(), min_size=1, max_size=3)


@st.composite
def stars(draw: st.DrawFn) -> list[float]:
    """Return an outline that does not cross itself, mostly concave."""
    x, y = draw(_free), draw(_free)
    radii = draw(st.lists(st.floats(0.5, 20), min_size=3, max_size=24))
    flat: list[float] = []
    for at, radius in enumerate(radii):
        turn = complex(0, 2 * 3.141592653589793 * at / len(radii))
        point = radius * 2.718281828459045**turn
        flat += [x + point.real, y + point.imag]
    return flat


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Return an annotation with an area of any kind."""
    kind = draw(st.integers(0, 3))
    if kind == 0:
        side = st.floats(0.1, 30)
        return BoundingBox2D([draw(_free), draw(_free), draw(side), draw(side), draw(_angles)])
    if kind == 1:
        radius = st.floats(0.1, 15)
        return Ellipse2D([draw(_free), draw(_free), draw(radius), draw(radius), draw(_angles)])
    if kind == 2:
        return Polygon2D(draw(stars()))
    return ComplexPolygon2D(draw(st.lists(stars(), min_size=1, max_size=3)))
