"""Annotations made of points: polygons and key points.

Coordinates are source pixels, origin top-left. Points are given one by one or as one flat list.
"""

from collections.abc import Iterable, Mapping, Sequence

from hyperstore.errors import FrameError, a_type
from hyperstore.frames import geometry
from hyperstore.frames.annotation import Annotation, AnnotationId, exactly, numbers
from hyperstore.frames.geometry import Num

__all__ = [
    "ComplexPolygon2D",
    "ComplexPolygon3D",
    "KeyPoints2D",
    "KeyPoints3D",
    "Polygon2D",
    "Polygon3D",
]

Labels = Iterable[str]
Meta = Mapping[str, object]


class Polygon2D(Annotation):
    """A closed polygon."""

    __slots__ = ()
    KIND = geometry.POLYGON_2D

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
        self._set_poly(_flat(value, 2, "polygon_xy"), "polygon_xy")

    def get_bounding_box(self) -> list[Num]:
        """Return left, top, width and height."""
        return geometry.bounds(self.values)


class ComplexPolygon2D(Annotation):
    """Several polygons that are one object."""

    __slots__ = ()
    KIND = geometry.POLYGON_2D

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
        self._set_poly(_parts(value, 2, "polygons_xy"), "polygons_xy")

    def get_bounding_box(self) -> list[Num]:
        """Return left, top, width and height."""
        return geometry.bounds(self.values)


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
        self._set_poly(_flat(value, 3, "polygon_xyz"), "polygon_xyz")


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
        self._set_poly(_parts(value, 3, "polygons_xyz"), "polygons_xyz")


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
        self._set_poly(_flat(value, 2, "keypoints_xy"), "keypoints_xy")

    def get_bounding_box(self) -> list[Num]:
        """Return left, top, width and height."""
        return geometry.bounds(self.values)


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
        self._set_poly(_flat(value, 3, "keypoints_xyz"), "keypoints_xyz")


def _flat(points: object, size: int, what: str) -> list[Num]:
    """Return flat coordinates of points that are given flat or one by one."""
    if isinstance(points, Iterable):
        points = list(points)
        if points and isinstance(points[0], Iterable):
            return [
                number
                for at, point in enumerate(points)
                for number in exactly(point, size, f"{what}[{at}]")
            ]
    return numbers(points, what)


def _points(flat: Sequence[Num], size: int) -> list[tuple[Num, ...]]:
    return [tuple(flat[at : at + size]) for at in range(0, len(flat), size)]


def _parts(parts: object, size: int, what: str) -> list[Num]:
    if not isinstance(parts, Iterable):
        raise FrameError(f"{what}: {a_type(parts)} is not a list of polygons", path=what)
    return geometry.join_parts(
        [_flat(part, size, f"{what}[{at}]") for at, part in enumerate(parts)]
    )
