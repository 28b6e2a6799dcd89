"""Annotations from the arguments of `add_annotation`, and from stored ROIs when first touched."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict, cast

from hyperstore.codec import Raw
from hyperstore.errors import FrameError, a_type, nearest
from hyperstore.frames.annotation import Annotation, ImageAnnotation, Mask, registered
from hyperstore.frames.boxes import BoundingBox2D, BoundingBox3D, Ellipse2D
from hyperstore.frames.derive import derive_tie
from hyperstore.frames.labelled import AnnotationId
from hyperstore.frames.polygons import (
    ComplexPolygon2D,
    ComplexPolygon3D,
    KeyPoints2D,
    KeyPoints3D,
    Polygon2D,
    Polygon3D,
)
from hyperstore.frames.records import RoiRecord, count_rois, read_rois
from hyperstore.frames.shapes import annotation_of

__all__ = ["Common", "Rois", "draw"]


class Rois:
    """The annotations of a frame; its ROIs stay what they are until somebody looks."""

    __slots__ = ("_annotations", "_raw", "_records")

    def __init__(self, raw: Raw | None, records: list[RoiRecord] | None = None) -> None:
        self._raw = raw
        self._records = records
        self._annotations: list[Annotation] | None = None

    def all(self) -> list[Annotation]:
        """Return every annotation, in stored order: the same objects at every call."""
        if self._annotations is None:
            self._annotations = [annotation_of(record) for record in self.records()]
            self._raw = self._records = None
        return self._annotations

    def of(self, source: str) -> list[Annotation]:
        """Return the annotations that name a source."""
        return [one for one in self.all() if one._roi.sources and source in one._roi.sources]

    def count(self, source: str | None = None) -> int:
        """Return how many annotations there are, or how many name a source."""
        if source is not None:
            return sum(source in (one.sources or ()) for one in self.records())
        if self._annotations is None and self._records is None and self._raw:
            return len(count_rois(self._raw))
        return len(self.records())

    def records(self) -> list[RoiRecord]:
        """Return the records of all ROIs, to be looked at only."""
        if self._annotations is not None:
            return [one._roi for one in self._annotations]
        if self._records is not None:
            return self._records
        return read_rois(self._raw, what="ROIs") if self._raw else []


class Common(TypedDict):
    """What all annotations of one call share."""

    id: AnnotationId | None
    labels: Iterable[str] | None
    confidence: float | None
    metadata: Mapping[str, object] | None


def draw(
    shapes: Mapping[str, object],
    common: Common,
    *,
    frame_class: Iterable[str] | None,
    mask_id: str | None,
    known: Iterable[Annotation],
) -> list[Annotation]:
    """Return one annotation for each shape, tied by one id where there are several."""
    given = {name: value for name, value in shapes.items() if value is not None}
    if frame_class is not None:
        labels = common["labels"]
        names = [frame_class] if isinstance(frame_class, str) else list(frame_class)
        common["labels"] = names if labels is None else [*labels, *names]
    if not given:
        return [ImageAnnotation(None, **common)]
    made = [_one(name, value, common, mask_id) for name, value in given.items()]
    if len(made) > 1 and common["id"] is None:
        shapes_drawn = [[one._roi.kind, one._roi.poly, one._roi.mask] for one in made]
        tie = derive_tie(shapes_drawn, [one.id for one in known])
        for one in made:
            one.id = tie
    return made


def _one(name: str, value: object, common: Common, mask_id: str | None) -> Annotation:
    if name == "box2d_xywh":  # By far the most frequent.
        return BoundingBox2D(cast("Iterable[object]", value), **common)
    if name == "mask_rgb":
        return Mask(cast("Sequence[int]", value), **common, mask_id=mask_id)
    kind = _SHAPES.get(name) or registered(name)
    if kind is None:
        raise TypeError(
            f"add_annotation() has no argument {name!a}, and no class is registered for such a "
            f"shape; the closest: {nearest(name, _ARGUMENTS, 3)}"
        )
    if not isinstance(value, Iterable):
        raise FrameError(f"{name}: {a_type(value)} is not a list of numbers", path=name)
    values = list(value)
    if kind in _COMPLEX and values and isinstance(values[0], Iterable):
        kind = _COMPLEX[kind]
    made = kind(values, **common)
    if registered(name) is kind and registered(made._roi.kind or "") is kind:
        made._roi.kind = name  # One class may stand for several kinds.
    return made


_SHAPES: dict[str, type[Annotation]] = {
    "poly2d_xy": Polygon2D,
    "poly3d_xyz": Polygon3D,
    "points2d_xy": KeyPoints2D,
    "points3d_xyz": KeyPoints3D,
    "box3d_xyzwhxyzwh": BoundingBox3D,
    "ellipse2d_xyrrt": Ellipse2D,
}
_ARGUMENTS = sorted(
    {*_SHAPES, *Common.__annotations__, "box2d_xywh", "frame_class", "mask_id", "mask_rgb"}
)
_COMPLEX: dict[type[Annotation], type[Annotation]] = {
    Polygon2D: ComplexPolygon2D,
    Polygon3D: ComplexPolygon3D,
}
