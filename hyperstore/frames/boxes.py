"""Annotations of fixed size: boxes and ellipses.

Coordinates are source pixels, origin top-left; angles are radians, clockwise on the screen.
"""

import math
from collections.abc import Iterable, Mapping

from hyperstore.errors import FrameError, UsageError
from hyperstore.frames import geometry
from hyperstore.frames.annotation import Annotation
from hyperstore.frames.clipping import Ring
from hyperstore.frames.geometry import Num
from hyperstore.frames.labelled import AnnotationId
from hyperstore.frames.polygons import clipped_outline, in_parts
from hyperstore.frames.values import amounts, exactly, numbers
from hyperstore.limits import POLY_SENTINEL

__all__ = ["BoundingBox2D", "BoundingBox3D", "Ellipse2D"]

_FAR = float(POLY_SENTINEL)
_FLOATS = frozenset({float})
_OUTLINE_POINTS = 180  # A multiple of 4, so that it is as symmetrical as an ellipse.

Labels = Iterable[str]
Meta = Mapping[str, object]


class BoundingBox2D(Annotation):
    """A box that may be turned about its centre."""

    __slots__ = ()
    KIND = geometry.BOX_2D

    def __init__(
        self,
        bounding_box_xywh: Iterable[object] | None = None,
        id: AnnotationId | None = None,
        labels: Labels | None = None,
        confidence: float | None = None,
        metadata: Meta | None = None,
    ) -> None:
        """Take x and y of the top-left corner, width, height, and the angle where there is one."""
        self._begin(id, labels, confidence, metadata)
        if bounding_box_xywh is not None:
            self.bounding_box_xywh = bounding_box_xywh

    @property
    def bounding_box_xywha(self) -> list[Num]:
        """x, y, width, height and angle, as they were given."""
        poly = self._roi.poly or ()
        kept = (self._roi.extra or {}).get(geometry.BOX_FIELD)
        if isinstance(kept, list) and len(kept) == 5 and geometry.box_corners(*kept) == poly:
            return list(kept)
        return geometry.box_of_corners(poly)

    @bounding_box_xywha.setter
    def bounding_box_xywha(self, value: Iterable[object]) -> None:
        self.bounding_box_xywh = value

    @property
    def bounding_box_xywh(self) -> list[Num]:
        """x, y, width and height before it is turned; set from 4 or 5 numbers."""
        return self.bounding_box_xywha[:4]

    @bounding_box_xywh.setter
    def bounding_box_xywh(self, value: Iterable[object]) -> None:
        if type(value) is list and len(value) == 4 and self._set_upright(*value):
            return
        if type(value) is list and _FLOATS.issuperset(map(type, value)):
            box = [number + 0.0 for number in value]  # Makes -0.0 into 0.0.
        else:
            box = numbers(value, "bounding_box_xywh")
        if len(box) not in (4, 5):
            raise FrameError(
                f"a box takes x, y, width, height and perhaps an angle; got {len(box)} numbers",
                path="bounding_box_xywh",
            )
        roi = self._roi
        poly = geometry.box_corners(*box)
        x, y, w, h = box[:4]
        if POLY_SENTINEL in poly:
            raise FrameError(
                f"bounding_box_xywh: a corner is at {POLY_SENTINEL}, which parts polygons on the "
                "wire, so it is no coordinate",
                path="bounding_box_xywh",
            )
        right, bottom = poly[2], poly[5]
        turned = len(box) == 5 and box[4]
        if (right - right) + (bottom - bottom) != 0 or turned:
            numbers(box, "bounding_box_xywh")  # Names what is not finite, be it only a corner.
            numbers(poly, "bounding_box_xywh")
        roi.poly = poly
        if turned or geometry.extent(x, right) != w or geometry.extent(y, bottom) != h:
            roi.extra = (roi.extra or {}) | {geometry.BOX_FIELD: [*box, 0][:5]}
        elif roi.extra:
            roi.extra = {
                name: kept for name, kept in roi.extra.items() if name != geometry.BOX_FIELD
            }

    def _set_upright(self, x: object, y: object, w: object, h: object) -> bool:
        """Set the corners where all is as it mostly is; return whether it was."""
        if not (type(x) is float and type(y) is float and type(w) is float and type(h) is float):
            return False
        right, bottom = x + w, y + h
        roi = self._roi
        if (
            roi.extra is not None
            or x == 0.0
            or y == 0.0  # It may be a -0.0.
            or (right - right) + (bottom - bottom) != 0.0  # Infinite, or not a number.
            or not (x > _FAR and y > _FAR and right > _FAR and bottom > _FAR)
            or geometry.extent(x, right) != w
            or geometry.extent(y, bottom) != h
        ):
            return False
        roi.poly = [x, y, right, y, right, bottom, x, bottom]
        return True

    def _shape(self) -> object:
        if not self._roi.poly:
            return None
        box = self.bounding_box_xywha
        return box if box[4] else box[:4]

    @property
    def angle(self) -> Num:
        """Radians, clockwise on the screen; 0 for an upright box."""
        return self.bounding_box_xywha[4]

    def get_bounding_box(self) -> list[Num]:
        """Return left, top, width and height of the upright box around this one."""
        return geometry.bounds(self.values)

    @property
    def area(self) -> float:
        """Width times height, in square pixels; inf where no float is so large."""
        _, _, w, h, _ = self.bounding_box_xywha
        return float(abs(w)) * float(abs(h)) if w and h else 0.0

    @property
    def corners(self) -> list[tuple[Num, Num]]:
        """The four corners, turned: clockwise from what is top-left before the box is turned."""
        flat = numbers(geometry.box_corners(*self.bounding_box_xywha), "corners")
        return list(zip(flat[0::2], flat[1::2], strict=True))

    def clip(self, width: float, height: float) -> Annotation | None:
        """Return what lies in 0 to `width`, 0 to `height`; None if nothing.

        A box that lies within comes back unchanged. An upright box stays one; a turned box that is
        cut becomes a Polygon2D.
        """
        x, y, w, h, angle = self.bounding_box_xywha
        if angle or not self._roi.poly:
            return clipped_outline(self, self._rings(), width, height)
        wide, high = amounts((width, height), "the size")
        left, right = sorted((x, x + w))
        top, bottom = sorted((y, y + h))
        made = self.copy()
        if left >= 0 and top >= 0 and right <= wide and bottom <= high:
            return made
        left, top, right, bottom = max(left, 0), max(top, 0), min(right, wide), min(bottom, high)
        if left >= right or top >= bottom:
            return None
        assert isinstance(made, BoundingBox2D)
        across, down = geometry.extent(left, right), geometry.extent(top, bottom)
        made.bounding_box_xywh = [left, top, across, down]
        return made

    def _rings(self) -> list[Ring]:
        return [self.corners] if self._roi.poly else []

    def _mapped(self, sx: Num, sy: Num, dx: Num, dy: Num) -> Annotation:
        """Scale and move; a turned box that shears becomes a Polygon2D."""
        if not self._roi.poly:
            return self.copy()
        x, y, w, h, angle = self.bounding_box_xywha
        box = [x * sx + dx, y * sy + dy, w * sx, h * sy, angle]
        if angle and sx != sy:
            moved = [(x * sx + dx, y * sy + dy) for x, y in self.corners]
            flat = [number for point in moved for number in point]
            box = geometry.box_of_corners(flat)
            slack = 1e-6 * max(abs(box[2]), abs(box[3]))
            pairs = zip(geometry.box_corners(*box), flat, strict=True)
            if any(abs(one - other) > slack for one, other in pairs):
                return in_parts(self, [moved])
        made = self.copy()
        assert isinstance(made, BoundingBox2D)
        made.bounding_box_xywh = box if angle else box[:4]
        return made


class BoundingBox3D(Annotation):
    """A box in space, as its front and its back face."""

    __slots__ = ()
    KIND = geometry.BOX_3D

    def __init__(
        self,
        bounding_box_3d_xyzwhxyzwh: Iterable[object] | None = None,
        id: AnnotationId | None = None,
        labels: Labels | None = None,
        confidence: float | None = None,
        metadata: Meta | None = None,
    ) -> None:
        self._begin(id, labels, confidence, metadata)
        if bounding_box_3d_xyzwhxyzwh is not None:
            self.bounding_box_3d_xyzwhxyzwh = bounding_box_3d_xyzwhxyzwh

    @property
    def bounding_box_3d_xyzwhxyzwh(self) -> list[Num]:
        """Front top-left x, y, z and front w, h, then the same of the back: 10 numbers."""
        return self.values

    @bounding_box_3d_xyzwhxyzwh.setter
    def bounding_box_3d_xyzwhxyzwh(self, value: Iterable[object]) -> None:
        self._set_poly(
            exactly(value, 10, "bounding_box_3d_xyzwhxyzwh"), "bounding_box_3d_xyzwhxyzwh"
        )


class Ellipse2D(Annotation):
    """An ellipse that may be turned about its centre."""

    __slots__ = ()
    KIND = geometry.ELLIPSE

    def __init__(
        self,
        ellipse2d_xyrrt: Iterable[object] | None = None,
        id: AnnotationId | None = None,
        labels: Labels | None = None,
        confidence: float | None = None,
        metadata: Meta | None = None,
    ) -> None:
        self._begin(id, labels, confidence, metadata)
        if ellipse2d_xyrrt is not None:
            self.ellipse2d_xyrrt = ellipse2d_xyrrt

    @property
    def ellipse2d_xyrrt(self) -> list[Num]:
        """Centre x and y, radius along x and along y before it is turned, and the angle."""
        return self.values

    @ellipse2d_xyrrt.setter
    def ellipse2d_xyrrt(self, value: Iterable[object]) -> None:
        self._set_poly(exactly(value, 5, "ellipse2d_xyrrt"), "ellipse2d_xyrrt")

    @property
    def center(self) -> list[Num]:
        """x and y."""
        return self.values[:2]

    @property
    def radii(self) -> list[Num]:
        """Along x and along y before it is turned."""
        return self.values[2:4]

    @property
    def angle(self) -> Num:
        """Radians, clockwise on the screen; 0 for an ellipse that has no shape yet."""
        return self.values[4] if self._roi.poly else 0

    def get_bounding_box(self) -> list[Num]:
        """Return left, top, width, height and angle of the turned box around the ellipse."""
        if not self._roi.poly:
            return [0, 0, 0, 0, 0]
        x, y, rx, ry, angle = self.values
        return [x - rx, y - ry, 2 * rx, 2 * ry, angle]

    def get_polygon(self, num_point: int = 4) -> list[Num]:
        """Return a flat polygon of so many points that wraps the ellipse: it touches each side."""
        if num_point < 3:
            raise UsageError(f"a polygon has 3 points or more, not {num_point}")
        if not self._roi.poly:
            return []
        x, y, rx, ry, angle = self.values
        # Corners of the regular polygon around the unit circle lie this far out.
        out = 1 / math.cos(math.pi / num_point)
        cos, sin = math.cos(angle), math.sin(angle)
        flat: list[Num] = []
        for at in range(num_point):
            turn = (2 * at + 1) * math.pi / num_point
            dx, dy = rx * out * math.cos(turn), ry * out * math.sin(turn)
            flat += [x + dx * cos - dy * sin, y + dx * sin + dy * cos]
        return flat

    @property
    def area(self) -> float:
        """The area in square pixels, exactly; inf where no float is so large."""
        return math.pi * abs(float(self.values[2]) * self.values[3]) if self._roi.poly else 0.0

    def clip(self, width: float, height: float) -> Annotation | None:
        """Return what lies in 0 to `width`, 0 to `height`; None if nothing.

        An ellipse that lies within comes back unchanged, one that is cut as a Polygon2D.
        """
        wide, high = amounts((width, height), "the size")
        if self._roi.poly:
            x, y, rx, ry, angle = self.values
            cos, sin = math.cos(angle), math.sin(angle)
            across, down = math.hypot(rx * cos, ry * sin), math.hypot(rx * sin, ry * cos)
            if across <= x <= wide - across and down <= y <= high - down:
                return self.copy()
        return clipped_outline(self, self._rings(), wide, high)

    def _rings(self) -> list[Ring]:
        """Return a polygon with the area of the ellipse, off by at most 1/3000 of a radius."""
        if not self._roi.poly:
            return []
        x, y, rx, ry, angle = self.values
        step = 2 * math.pi / _OUTLINE_POINTS
        out = math.sqrt(step / math.sin(step))
        cos, sin = math.cos(angle), math.sin(angle)
        flat: list[Num] = []
        for at in range(_OUTLINE_POINTS):
            dx, dy = rx * out * math.cos(at * step), ry * out * math.sin(at * step)
            flat += [x + dx * cos - dy * sin, y + dx * sin + dy * cos]
        numbers(flat, "ellipse2d_xyrrt")
        return [list(zip(flat[0::2], flat[1::2], strict=True))]

    def _mapped(self, sx: Num, sy: Num, dx: Num, dy: Num) -> Annotation:
        made = self.copy()
        if self._roi.poly:
            x, y, rx, ry, angle = self.values
            if sx == sy or not angle:
                shape = [rx * sx, ry * sy, angle]
            else:
                shape = geometry.stretched_ellipse(rx, ry, angle, sx, sy)
            made.values = [x * sx + dx, y * sy + dy, *shape]
        return made
