"""Annotations from the arguments of `add_annotation`, and from stored ROIs when first touched."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import TypedDict, cast

from hyperstore.codec import Raw
from hyperstore.errors import FrameError, a_type, nearest
from hyperstore.frames.annotation import Annotation, ImageAnnotation, Mask, registered
from hyperstore.frames.boxes import BoundingBox2D, BoundingBox3D, Ellipse2D
from hyperstore.frames.derive import derive_tie
from hyperstore.frames.labelled import AnnotationId
from hyperstore.frames.points import is_one_polygon
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
from hyperstore.frames.values import given_names

__all__ = ["Common", "Rois", "by_argument", "decoding", "draw"]


class _Decoding:
    """Held while ROIs become annotations: for a moment, and but once for each frame."""

    def __init__(self) -> None:
        self.lock = threading.RLock()

    def forked(self) -> None:
        """Begin anew in a child: whoever held the lock is not there to let it go."""
        self.lock = threading.RLock()


decoding = _Decoding()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=decoding.forked)


class Rois:
    """The annotations of a frame; its ROIs stay what they are until somebody looks."""

    __slots__ = ("_annotations", "_by_source", "_change", "_numbers", "_raw", "_records")

    def __init__(
        self,
        raw: Raw | None,
        records: list[RoiRecord] | None = None,
        *,
        change: Callable[[list[RoiRecord]], list[RoiRecord]] | None = None,
        numbers: Mapping[str, int] | None = None,
    ) -> None:
        """`change` is done to what is decoded, and `numbers` are those of labels: a view's."""
        self._raw = raw
        self._records = records
        self._change = change
        self._numbers = numbers
        self._annotations: list[Annotation] | None = None
        self._by_source: dict[str, list[Annotation]] | None = None

    def all(self) -> list[Annotation]:
        """Return every annotation, in stored order: the same objects at every call."""
        if self._annotations is None:
            with decoding.lock:
                if self._annotations is None:
                    found = [annotation_of(record) for record in self.records()]
                    if self._numbers is not None:
                        for one in found:
                            one._numbers = self._numbers
                    self._annotations = found
                    self._raw = self._records = self._change = None
        return self._annotations

    def of(self, source: str) -> list[Annotation]:
        """Return the annotations that named a source when they were read."""
        with decoding.lock:
            if self._by_source is None:
                self._by_source = {}
                for one in self.all():
                    for name in one._roi.sources or ():
                        self._by_source.setdefault(name, []).append(one)
        return list(self._by_source.get(source, ()))

    def count(self, source: str | None = None) -> int:
        """Return how many annotations there are, or how many name a source."""
        if source is not None:
            return sum(source in (one.sources or ()) for one in self.records())
        raw = self._raw
        if self._annotations is None and self._records is None and raw and not self._change:
            return len(count_rois(raw))
        return len(self.records())

    def records(self) -> list[RoiRecord]:
        """Return the records of all ROIs, to be looked at only."""
        # In this order: another thread sets the annotations before it lets go of the others.
        change, raw = self._change, self._raw
        records, annotations = self._records, self._annotations
        if annotations is not None:
            return [one._roi for one in annotations]
        if records is not None:
            return records
        found = read_rois(raw, what="ROIs") if raw else []
        return found if change is None else change(found)

    def __getstate__(self) -> object:
        """Return what a pickle holds: ROIs as the view has changed them, without the view."""
        if self._change is not None:
            self._records, self._raw, self._change = self.records(), None, None
        return super().__getstate__()


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
    taken: Callable[[], Set[object]],
) -> list[Annotation]:
    """Return one annotation for each shape, tied by one id where there are several.

    `taken` is asked for the ids that the frame's annotations have already.
    """
    given = {name: value for name, value in shapes.items() if value is not None}
    if frame_class is not None:
        labels = common["labels"]
        names = given_names(frame_class, "frame_class")
        if labels is not None:
            names = [*given_names(labels, "labels"), *names]
        common["labels"] = cast("list[str]", names)
    elif len(given) > 1 and common["labels"] is not None:  # Each goes through them.
        common["labels"] = cast("list[str]", given_names(common["labels"], "labels"))
    if not given:
        return [ImageAnnotation(None, **common)]
    made = [_named(name, value, common, mask_id) for name, value in given.items()]
    if len(made) > 1 and common["id"] is None:
        shapes_drawn = [[one._roi.kind, one._roi.poly, one._roi.mask] for one in made]
        tie = derive_tie(shapes_drawn, taken())
        for one in made:
            one.id = tie
    return made


def _named(name: str, value: object, common: Common, mask_id: str | None) -> Annotation:
    """Return one annotation; what is wrong with its shape is said by the name of the argument."""
    try:
        return _one(name, value, common, mask_id)
    except FrameError as fault:
        raise by_argument(fault, name) from None


def by_argument(fault: FrameError, name: str) -> FrameError:
    """Return the fault of a shape by the name of the argument that it came from."""
    own = fault.path.partition("[")[0]
    if own not in _OWN_NAMES:
        return fault
    return FrameError(str(fault).replace(own, name, 1), path=fault.path.replace(own, name, 1))


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
        # What can be gone through only once is looked at twice.
        values = [list(one) if isinstance(one, Iterator) else one for one in values]
        several, size = _COMPLEX[kind]
        if not is_one_polygon(values, size):
            kind = several
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
_COMPLEX: dict[type[Annotation], tuple[type[Annotation], int]] = {
    Polygon2D: (ComplexPolygon2D, 2),
    Polygon3D: (ComplexPolygon3D, 3),
}
# What the classes call their shapes.
_OWN_NAMES = frozenset(
    {
        "bounding_box_3d_xyzwhxyzwh",
        "bounding_box_xywh",
        "keypoints_xy",
        "keypoints_xyz",
        "polygon_xy",
        "polygon_xyz",
        "polygons_xy",
        "polygons_xyz",
    }
)
