"""Which class reads which kind of ROI."""

from collections.abc import Callable, Iterable

from hyperstore.errors import UsageError
from hyperstore.frames import geometry
from hyperstore.frames.annotation import Annotation, ImageAnnotation, Mask
from hyperstore.frames.boxes import BoundingBox2D, BoundingBox3D, Ellipse2D
from hyperstore.frames.polygons import (
    ComplexPolygon2D,
    ComplexPolygon3D,
    KeyPoints2D,
    KeyPoints3D,
    Polygon2D,
    Polygon3D,
)
from hyperstore.frames.records import RoiRecord
from hyperstore.limits import POLY_SENTINEL

__all__ = ["annotation_of", "register", "registered"]

_CLASSES: dict[str | None, type[Annotation]] = {
    geometry.POLYGON_2D: Polygon2D,
    geometry.POLYGON_3D: Polygon3D,
    geometry.KEYPOINTS_2D: KeyPoints2D,
    geometry.KEYPOINTS_3D: KeyPoints3D,
    geometry.BOX_2D: BoundingBox2D,
    geometry.BOX_3D: BoundingBox3D,
    geometry.ELLIPSE: Ellipse2D,
    geometry.MASK: Mask,
    "im": ImageAnnotation,
}
_COMPLEX: dict[type[Annotation], type[Annotation]] = {
    Polygon2D: ComplexPolygon2D,
    Polygon3D: ComplexPolygon3D,
}
_registered: dict[str, type[Annotation]] = {}


def annotation_of(roi: RoiRecord) -> Annotation:
    """Return the annotation that reads and writes a record."""
    kind, poly = roi.kind, roi.poly
    if kind is None:
        # A shape without a kind is a polygon; no shape at all is a label of the frame.
        shape = roi.mask is None and poly is None
        found: type[Annotation] = ImageAnnotation if shape else Mask if poly is None else Polygon2D
    else:
        found = _CLASSES.get(kind) or _registered.get(kind) or Annotation
    if found in _COMPLEX and poly is not None and POLY_SENTINEL in poly:
        found = _COMPLEX[found]
    made = found.__new__(found)
    made._roi = roi
    return made


def register(
    type_names: str | Iterable[str],
) -> Callable[[type[Annotation]], type[Annotation]]:
    """Return a class decorator that makes a class read and write ROIs of new kinds."""
    names = [type_names] if isinstance(type_names, str) else list(type_names)
    for name in names:
        if name in _CLASSES:
            raise UsageError(f"the kind {name!a} is built in; choose another name")

    def keep(kind: type[Annotation]) -> type[Annotation]:
        for name in names:
            _registered[name] = kind
        return kind

    return keep


def registered(name: str) -> type[Annotation] | None:
    """Return the class that was registered for a kind."""
    return _registered.get(name)
