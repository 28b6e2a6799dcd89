"""Annotations made of points: polygons and key points.

Coordinates are source pixels, origin top-left. Points are given one by one or as one flat list.
"""

import operator
from collections.abc import Iterable, Mapping, Sequence

from hyperstore.errors import FrameError
from hyperstore.frames import geometry
from hyperstore.frames.annotation import Annotation
from hyperstore.frames.clipping import Point, Ring, clipped_parts
from hyperstore.frames.geometry import Num
from hyperstore.frames.labelled import AnnotationId
from hyperstore.frames.pixels import rings_of_mask, rings_of_rle
from hyperstore.frames.points import flat_parts, flat_points
from hyperstore.frames.values import amounts
from hyperstore.limits import POLY_SENTINEL

__all__ = [
    "ComplexPolygon2D",
    "ComplexPolygon3D",
    "KeyPoints2D",
    "KeyPoints3D",
    "Polygon2D",
    "Polygon3D",
    "clipped_outline",
    "in_parts",
]

Labels = Iterable[str]
Meta = Mapping[str, object]


class _Outlined(Annotation):
    """A closed polygon, or several, in the plane."""

    __slots__ = ()
    KIND = geometry.POLYGON_2D

    def get_bounding_box(self) -> list[Num]:
        """Return left, top, width and height."""
        return geometry.bounds(self.values)

    def clip(self, width: float, height: float) -> Annotation | None:
        """Return what lies in 0 to `width`, 0 to `height`, as one polygon or several; None if none.

        A polygon that lies within comes back unchanged; a piece without an area is left out.
        """
        return clipped_outline(self, self._rings(), width, height)

    def _rings(self) -> list[Ring]:
        return _rings_of(self.values)

    def _mapped(self, sx: Num, sy: Num, dx: Num, dy: Num) -> Annotation:
        return _with_points(self, _moved(self._rings(), sx, sy, dx, dy))


class Polygon2D(_Outlined):
    """A closed polygon."""

    __slots__ = ()

    def __init__(
        self,
        polygon_xy: Iterable[object] | None = None,
        id: AnnotationId | None = None,
        labels: Labels | None = None,
        confidence: float | None = None,
        metadata: Meta | None = None,
    ) -> None:
        self._begin(id, labels, confidence, metadata)
        if polygon_xy is not None:
            self.polygon_xy = polygon_xy

    @property
    def polygon_xy(self) -> list[tuple[Num, ...]]:
        """The vertices; set from pairs or from a flat list."""
        return _points(self.values, 2)

    @polygon_xy.setter
    def polygon_xy(self, value: Iterable[object]) -> None:
        self._set_poly(flat_points(value, 2, "polygon_xy"), "polygon_xy")


class ComplexPolygon2D(_Outlined):
    """Several polygons that are one object."""

    __slots__ = ()

    def __init__(
        self,
        polygons_xy: Iterable[object] | None = None,
        id: AnnotationId | None = None,
        labels: Labels | None = None,
        confidence: float | None = None,
        metadata: Meta | None = None,
    ) -> None:
        self._begin(id, labels, confidence, metadata)
        if polygons_xy is not None:
            self.polygons_xy = polygons_xy

    @property
    def polygons_xy(self) -> list[list[tuple[Num, ...]]]:
        """The vertices of each part; set from pairs or from flat lists."""
        return [_points(part, 2) for part in geometry.split_parts(self.values)]

    @polygons_xy.setter
    def polygons_xy(self, value: Iterable[object]) -> None:
        self._set_poly(flat_parts(value, 2, "polygons_xy"), "polygons_xy")

    @classmethod
    def from_mask(
        cls,
        mask: object,
        id: AnnotationId | None = None,
        labels: Labels | None = None,
        confidence: float | None = None,
        metadata: Meta | None = None,
    ) -> "ComplexPolygon2D | None":
        """Return the outlines of what is not 0 in a mask; None where all is.

        `mask` has `height` rows of `width` pixels: a NumPy array, or a list of rows. The outlines
        follow the edges of pixels, so `area` is the number of pixels, and `to_mask` gives them
        back. Each part that holds together by sides of pixels is a polygon; a hole is joined to its
        outline by a seam of no width.
        """
        return cls._of(rings_of_mask(mask), id, labels, confidence, metadata)

    @classmethod
    def from_rle(
        cls,
        rle: object,
        id: AnnotationId | None = None,
        labels: Labels | None = None,
        confidence: float | None = None,
        metadata: Meta | None = None,
    ) -> "ComplexPolygon2D | None":
        """Return the outlines of a mask in COCO's run-length form, as `from_mask` would.

        `rle` is {"size": [height, width], "counts": text or numbers}; FormatError where it is not.
        """
        return cls._of(rings_of_rle(rle), id, labels, confidence, metadata)

    @classmethod
    def _of(
        cls,
        rings: list[list[tuple[int, int]]],
        id: AnnotationId | None,
        labels: Labels | None,
        confidence: float | None,
        metadata: Meta | None,
    ) -> "ComplexPolygon2D | None":
        return cls(rings, id, labels, confidence, metadata) if rings else None


class Polygon3D(Annotation):
    """A closed polygon in space."""

    __slots__ = ()
    KIND = geometry.POLYGON_3D

    def __init__(
        self,
        polygon_xyz: Iterable[object] | None = None,
        id: AnnotationId | None = None,
        labels: Labels | None = None,
        confidence: float | None = None,
        metadata: Meta | None = None,
    ) -> None:
        self._begin(id, labels, confidence, metadata)
        if polygon_xyz is not None:
            self.polygon_xyz = polygon_xyz

    @property
    def polygon_xyz(self) -> list[tuple[Num, ...]]:
        """The vertices; set from triplets or from a flat list."""
        return _points(self.values, 3)

    @polygon_xyz.setter
    def polygon_xyz(self, value: Iterable[object]) -> None:
        self._set_poly(flat_points(value, 3, "polygon_xyz"), "polygon_xyz")


class ComplexPolygon3D(Annotation):
    """Several polygons in space that are one object."""

    __slots__ = ()
    KIND = geometry.POLYGON_3D

    def __init__(
        self,
        polygons_xyz: Iterable[object] | None = None,
        id: AnnotationId | None = None,
        labels: Labels | None = None,
        confidence: float | None = None,
        metadata: Meta | None = None,
    ) -> None:
        self._begin(id, labels, confidence, metadata)
        if polygons_xyz is not None:
            self.polygons_xyz = polygons_xyz

    @property
    def polygons_xyz(self) -> list[list[tuple[Num, ...]]]:
        """The vertices of each part; set from triplets or from flat lists."""
        return [_points(part, 3) for part in geometry.split_parts(self.values)]

    @polygons_xyz.setter
    def polygons_xyz(self, value: Iterable[object]) -> None:
        self._set_poly(flat_parts(value, 3, "polygons_xyz"), "polygons_xyz")


class KeyPoints2D(Annotation):
    """Points that are not joined."""

    __slots__ = ()
    KIND = geometry.KEYPOINTS_2D

    def __init__(
        self,
        keypoints_xy: Iterable[object] | None = None,
        id: AnnotationId | None = None,
        labels: Labels | None = None,
        confidence: float | None = None,
        metadata: Meta | None = None,
    ) -> None:
        self._begin(id, labels, confidence, metadata)
        if keypoints_xy is not None:
            self.keypoints_xy = keypoints_xy

    @property
    def keypoints_xy(self) -> list[tuple[Num, ...]]:
        """The points; set from pairs or from a flat list."""
        return _points(self.values, 2)

    @keypoints_xy.setter
    def keypoints_xy(self, value: Iterable[object]) -> None:
        self._set_poly(flat_points(value, 2, "keypoints_xy"), "keypoints_xy")

    def get_bounding_box(self) -> list[Num]:
        """Return left, top, width and height."""
        return geometry.bounds(self.values)

    def clip(self, width: float, height: float) -> Annotation | None:
        """Return the points that lie in 0 to `width`, 0 to `height`, in order; None if none does.

        Where their places in the list mean something, look at the points before they are dropped.
        """
        wide, high = amounts((width, height), "the size")
        within = [(x, y) for x, y in _pairs(self.values) if 0 <= x <= wide and 0 <= y <= high]
        return _with_points(self, [within]) if within else None

    def _mapped(self, sx: Num, sy: Num, dx: Num, dy: Num) -> Annotation:
        return _with_points(self, _moved([_pairs(self.values)], sx, sy, dx, dy))


class KeyPoints3D(Annotation):
    """Points in space that are not joined."""

    __slots__ = ()
    KIND = geometry.KEYPOINTS_3D

    def __init__(
        self,
        keypoints_xyz: Iterable[object] | None = None,
        id: AnnotationId | None = None,
        labels: Labels | None = None,
        confidence: float | None = None,
        metadata: Meta | None = None,
    ) -> None:
        self._begin(id, labels, confidence, metadata)
        if keypoints_xyz is not None:
            self.keypoints_xyz = keypoints_xyz

    @property
    def keypoints_xyz(self) -> list[tuple[Num, ...]]:
        """The points; set from triplets or from a flat list."""
        return _points(self.values, 3)

    @keypoints_xyz.setter
    def keypoints_xyz(self, value: Iterable[object]) -> None:
        self._set_poly(flat_points(value, 3, "keypoints_xyz"), "keypoints_xyz")


def _points(flat: Sequence[Num], size: int) -> list[tuple[Num, ...]]:
    return [tuple(flat[at : at + size]) for at in range(0, len(flat), size)]


def _pairs(flat: Sequence[Num]) -> Ring:
    return list(zip(flat[0::2], flat[1::2], strict=True))


def _rings_of(flat: Sequence[Num]) -> list[Ring]:
    return [_pairs(part) for part in geometry.split_parts(flat) if part]


def _moved(rings: Sequence[Ring], sx: Num, sy: Num, dx: Num, dy: Num) -> list[Ring]:
    return [[(x * sx + dx, y * sy + dy) for x, y in ring] for ring in rings]


def _with_points(old: Annotation, rings: Sequence[Sequence[Point]]) -> Annotation:
    """Return a copy with other points."""
    made = old.copy()
    made.values = _joined(rings)
    return made


def _joined(rings: Sequence[Sequence[Point]]) -> list[Num]:
    parts = [[number for point in ring for number in point] for ring in rings]
    if any(POLY_SENTINEL in part for part in parts):
        raise FrameError(f"a coordinate would be {POLY_SENTINEL}, which parts polygons")
    return geometry.join_parts(parts)


def in_parts(old: Annotation, rings: Sequence[Ring]) -> Annotation:
    """Return a new annotation that says of some rings what an old one says of its shape."""
    copied = old.copy()
    made = Polygon2D() if len(rings) == 1 else ComplexPolygon2D()
    made._roi = roi = copied._roi
    if roi.kind is not None:
        roi.kind = geometry.POLYGON_2D
    if roi.extra:
        roi.extra.pop(geometry.BOX_FIELD, None)
    made.values = _joined(rings)
    return made


def clipped_outline(
    old: Annotation, rings: Sequence[Ring], width: float, height: float
) -> Annotation | None:
    """Return a copy if all rings lie in the image, else what is left as polygons, or None."""
    wide, high = amounts((width, height), "the size")
    left = clipped_parts(rings, wide, high)
    if not left:
        return None
    same = len(left) == len(rings) and all(map(operator.is_, left, rings))
    return old.copy() if same else in_parts(old, left)
