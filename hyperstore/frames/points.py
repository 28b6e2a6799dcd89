"""Points and polygons as they are given, in any nesting, as the flat lists that are stored."""

from collections.abc import Iterable, Sequence
from typing import TypeGuard

from hyperstore.errors import FrameError, a_type, count_of
from hyperstore.frames import geometry
from hyperstore.frames.geometry import Num
from hyperstore.frames.values import exactly, numbers
from hyperstore.limits import POLY_SENTINEL

__all__ = ["flat_parts", "flat_points", "is_one_polygon"]


def flat_points(points: object, size: int, what: str) -> list[Num]:
    """Return flat coordinates of points that are given flat or one by one.

    A point may lie in a list of its own, as OpenCV has the points of a contour.
    """
    flat: list[Num] | None = None
    if _is_listing(points):
        points = list(points)
        if points and _is_listing(points[0]):
            flat = [
                number
                for at, point in enumerate(points)
                for number in exactly(_unwrapped(point), size, f"{what}[{at}]")
            ]
    if flat is None:
        flat = numbers(points, what)
    if POLY_SENTINEL in flat:
        at = flat.index(POLY_SENTINEL)
        path = f"{what}[{at}]"
        reason = "parts polygons on the wire, so it is no coordinate; give each part as a list"
        raise FrameError(f"{path}: {POLY_SENTINEL} {reason}", path=path)
    return flat


def _is_listing(given: object) -> TypeGuard[Iterable[object]]:
    return isinstance(given, Iterable) and not isinstance(given, (str, bytes))


def _unwrapped(point: object) -> object:
    """Return the point in a list of one point; any other point as it is."""
    if _is_listing(point) and not (isinstance(point, (list, tuple)) and len(point) > 1):
        point = list(point)
        if len(point) == 1 and _is_listing(point[0]):
            return point[0]
    return point


def is_one_polygon(parts: Sequence[object], size: int) -> bool:
    """Tell whether what stands in a list are the points of one polygon, and not its parts."""
    return all(_is_point(_unwrapped(part), size) for part in parts)


def _is_point(given: object, size: int) -> bool:
    if not _is_listing(given):
        return False
    point = list(given)
    return len(point) == size and not any(map(_is_listing, point))


def flat_parts(given: object, size: int, what: str) -> list[Num]:
    """Return the flat form of polygons; a list of points is one of them."""
    if not _is_listing(given):
        raise FrameError(f"{what}: {a_type(given)} is not a list of polygons", path=what)
    # What can be gone through only once is looked at twice.
    parts = [list(part) if _is_listing(part) else part for part in given]
    if parts and is_one_polygon(parts, size):
        flats = [flat_points(parts, size, what)]
    else:
        flats = [flat_points(part, size, f"{what}[{at}]") for at, part in enumerate(parts)]
    for at, flat in enumerate(flats):
        if len(flat) < 3 * size and len(flat) % size == 0:
            path = what if len(flats) == 1 else f"{what}[{at}]"
            points = count_of(len(flat) // size, "point")
            raise FrameError(f"{path}: a polygon takes 3 points or more, not {points}", path=path)
        fault = geometry.poly_fault(geometry.POLYGON_2D if size == 2 else geometry.POLYGON_3D, flat)
        if fault is not None:
            raise FrameError(f"{what}[{at}]: {fault[1]}", path=f"{what}[{at}]")
    return geometry.join_parts(flats)
