"""The annotations of a SingleFrame: a live list, decoded when somebody first looks at it."""

from collections.abc import Iterable, Mapping
from typing import overload

from hyperstore.codec import Raw
from hyperstore.errors import FrameError, HyperstoreError, UsageError, a_type, nearest
from hyperstore.frames.annotation import Annotation
from hyperstore.frames.boxes import BoundingBox2D
from hyperstore.frames.drawing import Common, Rois, draw
from hyperstore.frames.labelled import AnnotationId
from hyperstore.frames.records import RoiRecord, count_rois, read_rois
from hyperstore.frames.source import Pictured

__all__ = ["Annotated"]

_CHOICES = ("id", "label", "labels")


class Annotated(Pictured):
    """The part of a SingleFrame that is about what is to be seen in its source."""

    __slots__ = ("_annotations", "_member", "_rois")
    _annotations: list[Annotation] | None
    _member: str | None
    _rois: Rois | None

    @property
    def annotations(self) -> list[Annotation]:
        """The annotations: a live list."""
        if self._annotations is None:
            if self._rois is None:
                self._rois = Rois(self._record.rois)
                self._record.rois = Raw()
            # A group shares its ROIs out among its members; a single frame has them all.
            member = self._member
            self._annotations = list(self._rois.all() if member is None else self._rois.of(member))
        return self._annotations

    @annotations.setter
    def annotations(self, value: Iterable[Annotation] | Mapping[object, Annotation] | None) -> None:
        items = list(value.values() if isinstance(value, Mapping) else value or ())
        for at, one in enumerate(items):
            if not isinstance(one, Annotation):
                path = f"annotations[{at}]"
                raise FrameError(f"{path}: {a_type(one)} is no Annotation", path=path)
        self._annotations = items

    def add_annotation(
        self,
        poly2d_xy: Iterable[object] | None = None,
        poly3d_xyz: Iterable[object] | None = None,
        points2d_xy: Iterable[object] | None = None,
        points3d_xyz: Iterable[object] | None = None,
        box2d_xywh: Iterable[object] | None = None,
        box3d_xyzwhxyzwh: Iterable[object] | None = None,
        ellipse2d_xyrrt: Iterable[object] | None = None,
        mask_rgb: Iterable[object] | None = None,
        frame_class: Iterable[str] | None = None,
        id: AnnotationId | None = None,
        labels: Iterable[str] | None = None,
        confidence: float | None = None,
        metadata: Mapping[str, object] | None = None,
        *,
        mask_id: str | None = None,
        **kwargs: object,
    ) -> list[int]:
        """Append one annotation for each shape, and return their positions.

        Several shapes are tied by one id, made up where none is given. A polygon may be a list of
        polygons; a box takes x, y, width, height and perhaps an angle; labels without a shape are
        labels of the whole frame. `mask_rgb` is a colour of the mask `mask_id`, of the first one
        unless said. Other names are kinds that were registered.
        """
        known = self.annotations
        # Boxes alone are so frequent that they have a way of their own.
        only_2d = poly2d_xy is points2d_xy is ellipse2d_xyrrt is mask_rgb is frame_class is None
        only_box = only_2d and poly3d_xyz is points3d_xyz is box3d_xyzwhxyzwh is None
        if box2d_xywh is not None and only_box and not kwargs:
            known.append(BoundingBox2D(box2d_xywh, id, labels, confidence, metadata))
            return [len(known) - 1]
        common: Common = {
            "id": id,
            "labels": labels,
            "confidence": confidence,
            "metadata": metadata,
        }
        shapes = {
            "poly2d_xy": poly2d_xy,
            "poly3d_xyz": poly3d_xyz,
            "points2d_xy": points2d_xy,
            "points3d_xyz": points3d_xyz,
            "box2d_xywh": box2d_xywh,
            "box3d_xyzwhxyzwh": box3d_xyzwhxyzwh,
            "ellipse2d_xyrrt": ellipse2d_xyrrt,
            "mask_rgb": mask_rgb,
            **kwargs,
        }
        masks = self._record.sources[0].masks
        if mask_id is None and masks:
            mask_id = masks[0].id
        made = draw(shapes, common, frame_class=frame_class, mask_id=mask_id, known=known)
        first = len(known)
        known.extend(made)
        return list(range(first, first + len(made)))

    def get_annotations(
        self, id: AnnotationId | None = None, index: int | None = None
    ) -> list[Annotation]:
        """Return the annotations with a user's id, or the one at a position, or all."""
        found = self.annotations
        if index is not None:
            found = found[index : index + 1 or None]
        return [one for one in found if id is None or one.id == id]

    @overload
    def remove_annotation(self, index: int | None = None) -> Annotation | None: ...

    @overload
    def remove_annotation(
        self, index: None = None, **kwargs: object
    ) -> list[Annotation] | None: ...

    def remove_annotation(
        self, index: int | None = None, **kwargs: object
    ) -> Annotation | list[Annotation] | None:
        """Remove the annotation at a position and return it; None where there is none.

        With `id`, `label` or `labels` instead, remove and return all that `remove_annotations`
        would; None where there is none either.
        """
        for name in kwargs:
            if name not in _CHOICES:
                raise TypeError(
                    f"remove_annotation() has no argument {name!a}; "
                    f"the closest: {nearest(name, _CHOICES, 3)}"
                )
        if kwargs:
            if index is not None:
                raise UsageError(f"index and {' and '.join(kwargs)} exclude each other; give one")
            return self.remove_annotations(**kwargs) or None  # type: ignore[arg-type]
        if index is None or not -len(self.annotations) <= index < len(self.annotations):
            return None
        return self.annotations.pop(index)

    def remove_annotations(
        self,
        id: AnnotationId | None = None,
        label: str | None = None,
        labels: Iterable[str] | None = None,
    ) -> list[Annotation]:
        """Remove and return the annotations with this id, this label, exactly these labels.

        Without an argument all go.
        """
        exact = None if labels is None else list(labels)
        kept: list[Annotation] = []
        gone: list[Annotation] = []
        for one in self.annotations:
            found = (
                (id is None or one.id == id)
                and (label is None or label in one.labels)
                and (exact is None or one.labels == exact)
            )
            (gone if found else kept).append(one)
        self.annotations[:] = kept
        return gone

    def _said_annotations(self) -> str:
        """Return how many annotations there are, for `repr`; what is encoded is only counted."""
        try:
            if self._annotations is not None:
                return str(len(self._annotations))
            if self._rois is None:
                return str(len(count_rois(self._record.rois)) if self._record.rois else 0)
            return str(self._rois.count(self._member))
        except HyperstoreError:
            return "unreadable"

    def _rois_as_they_are(self) -> list[RoiRecord] | None:
        """Return the records of the annotations, to be looked at only; None where one is written
        in a way of its own.
        """
        if self._annotations is None:
            if self._member is not None:
                return None
            if self._rois is not None:
                return self._rois.records()
            return read_rois(self._record.rois, what="ROIs") if self._record.rois else []
        for kind in {type(one) for one in self._annotations}:
            if kind.to_dict is not Annotation.to_dict:
                return None
        return [one._roi for one in self._annotations]

    def _rois_in_order(self) -> list[RoiRecord]:
        if self._annotations is None and self._rois is not None and self._member is None:
            return self._rois.records()
        return [one._roi for one in self.annotations]
