"""`allegroai.dataframe`: frames and annotations."""

from hyperstore.frames.annotation import Annotation, ImageAnnotation, Mask
from hyperstore.frames.boxes import BoundingBox2D, BoundingBox3D, Ellipse2D
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.group import FrameGroup
from hyperstore.frames.polygons import (
    ComplexPolygon2D,
    ComplexPolygon3D,
    KeyPoints2D,
    KeyPoints3D,
    Polygon2D,
    Polygon3D,
)

__all__ = [
    "Annotation",
    "BoundingBox2D",
    "BoundingBox3D",
    "ComplexPolygon2D",
    "ComplexPolygon3D",
    "Ellipse2D",
    "FrameGroup",
    "ImageAnnotation",
    "KeyPoints2D",
    "KeyPoints3D",
    "Mask",
    "Polygon2D",
    "Polygon3D",
    "SingleFrame",
]
