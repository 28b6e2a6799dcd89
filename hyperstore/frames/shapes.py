"""Which class reads which kind of ROI."""

from hyperstore.frames import geometry
from hyperstore.frames.annotation import Annotation, ImageAnnotation, Mask, registered
from hyperstore.frames.boxes import BoundingBox2D, BoundingBox3D, Ellipse2D
from hyperstore.frames.geometry import kind_of, poly_fault
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

__all__ = ["annotation_of"]

_CLASSES: dict[str | None, type[Annotation]] = {
    geometry.POLYGON_2D: Polygon2D,
    geometry.POLYGON_3D: Polygon3D,
    geometry.KEYPOINTS_2D: KeyPoints2D,
    geometry.KEYPOINTS_3D: KeyPoints3D,
    geometry.BOX_2D: BoundingBox2D,
    geometry.BOX_3D: BoundingBox3D,
    geometry.ELLIPSE: Ellipse2D,
    geometry.MASK: Mask,
    geometry.WHOLE: ImageAnnotation,
}
_COMPLEX: dict[type[Annotation], type[Annotation]] = {
    Polygon2D: ComplexPolygon2D,
    Polygon3D: ComplexPolygon3D,
}


def annotation_of(roi: RoiRecord) -> Annotation:
    """Return the annotation that reads and writes a record."""
    kind, poly = roi.kind, roi.poly
    if kind is None:
        kind = kind_of(None, has_poly=poly is not None, has_mask=roi.mask is not None)
        found = _CLASSES[kind]
    else:
        found = _CLASSES.get(kind) or registered(kind) or Annotation
        if poly and kind not in _CLASSES and poly_fault(found._form(kind), poly):
            found = Annotation  # A user's kind of a built-in shape, whose numbers are none.
    if found in _COMPLEX and poly is not None and POLY_SENTINEL in poly:
        found = _COMPLEX[found]
    made = found.__new__(found)
    made._roi = roi
    return made
