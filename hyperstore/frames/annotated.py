"""The annotations of a SingleFrame: a live list, decoded when somebody first looks at it."""

import operator
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import SupportsIndex, overload

from hyperstore.codec import Raw
from hyperstore.errors import (
    FrameError,
    HyperstoreError,
    UsageError,
    a_type,
    nearest,
)
from hyperstore.frames.annotation import Annotation
from hyperstore.frames.boxes import BoundingBox2D
from hyperstore.frames.drawing import Common, Rois, by_argument, decoding, draw
from hyperstore.frames.labelled import AnnotationId
from hyperstore.frames.records import RoiRecord, count_rois, read_rois
from hyperstore.frames.said import all_plain, refuse_again, roi_wire_of, settle_mask
from hyperstore.frames.source import Pictured
from hyperstore.frames.values import given_names
from hyperstore.frames.wire import WireFrame

__all__ = ["Annotated"]

_CHOICES = ("id", "label", "labels")


class Annotated(Pictured):
    """The part of a SingleFrame that is about what is to be seen in its source."""

    __slots__ = ("_annotations", "_member", "_rois", "_ties")
    _annotations: list[Annotation] | None
    _member: str | None
    _rois: Rois | None
    _ties: tuple[int, set[object]] | None

    @property
    def annotations(self) -> list[Annotation]:
        """The annotations: a live list."""
        if self._annotations is None:
            with decoding.lock:  # Two threads that look at once must see one list.
                if self._annotations is None:
                    rois, member = self._rois or Rois(self._record.rois), self._member
                    # A group shares its ROIs out among its members; a single frame has them all.
                    self._annotations = list(rois.all() if member is None else rois.of(member))
                    self._rois, self._record.rois = None, Raw()
        return self._annotations

    @annotations.setter
    def annotations(self, value: Iterable[Annotation] | Mapping[object, Annotation] | None) -> None:
        given: object = value.values() if isinstance(value, Mapping) else value
        if given is not None and not isinstance(given, Iterable):
            said = f"annotations: {a_type(given)} is not a list of annotations"
            raise FrameError(said, path="annotations")
        items = list(given or ())
        for at, one in enumerate(items):
            if not isinstance(one, Annotation):
                path = f"annotations[{at}]"
                raise FrameError(f"{path}: {a_type(one)} is no Annotation", path=path)
        self._annotations, self._ties = items, None

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
            try:
                made_box = BoundingBox2D(box2d_xywh, id, labels, confidence, metadata)
            except FrameError as fault:
                raise by_argument(fault, "box2d_xywh") from None
            known.append(made_box)
            if self._ties is not None:
                self._note_ties([made_box])
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
        elif masks and mask_rgb is not None and all(mask_id != mask.id for mask in masks):
            import logging  # Not loaded for those who are told nothing.

            said = "no mask of the frame has the id %a of the annotation"
            logging.getLogger("hyperstore.frames").warning(said, mask_id)
        made = draw(shapes, common, frame_class=frame_class, mask_id=mask_id, taken=self._taken)
        first = len(known)
        known.extend(made)
        self._note_ties(made)
        return list(range(first, first + len(made)))

    def _taken(self) -> set[object]:
        """Return the ids of all annotations, which are looked for once while only calls add."""
        known, ties = self.annotations, self._ties
        if ties is None or ties[0] != len(known):
            ties = self._ties = len(known), {one.id for one in known}
        return ties[1]

    def _note_ties(self, added: Sequence[Annotation]) -> None:
        """Note the ids of what was just added, where those of the others are known."""
        known, ties = self.annotations, self._ties
        if ties is not None and ties[0] + len(added) == len(known):
            ties[1].update(one.id for one in added)
            self._ties = len(known), ties[1]

    def get_annotations(
        self, id: AnnotationId | None = None, index: int | None = None
    ) -> list[Annotation]:
        """Return the annotations with a user's id, or the one at a position, or all."""
        found = self.annotations
        at = _position(index)
        if at is not None:
            found = found[at : at + 1 or None]
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
        at = _position(index)
        if at is None or not -len(self.annotations) <= at < len(self.annotations):
            return None
        return self.annotations.pop(at)

    def remove_annotations(
        self,
        id: AnnotationId | None = None,
        label: str | None = None,
        labels: Iterable[str] | None = None,
    ) -> list[Annotation]:
        """Remove and return the annotations with this id, this label, exactly these labels.

        Without an argument all go.
        """
        exact = None if labels is None else given_names(labels, "labels")
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
            raw, rois, annotations = self._record.rois, self._rois, self._annotations
            if annotations is not None:
                return str(len(annotations))
            if rois is None:
                return str(len(count_rois(raw)) if raw else 0)
            return str(rois.count(self._member))
        except HyperstoreError:
            return "unreadable"

    def _rois_as_they_are(self) -> list[RoiRecord] | None:
        """Return the records of the annotations, to be looked at only; None where one is written
        in a way of its own.
        """
        # In this order: another thread sets the annotations before it lets go of the others.
        raw, rois, annotations = self._record.rois, self._rois, self._annotations
        if annotations is None:
            if self._member is not None:
                return None
            if rois is not None:
                return rois.records()
            return read_rois(raw, what="ROIs") if raw else []
        return [one._roi for one in annotations] if all_plain(annotations) else None

    def _rois_in_order(self) -> list[RoiRecord]:
        rois = self._rois
        if self._annotations is None and rois is not None and self._member is None:
            return rois.records()
        return [one._roi for one in self.annotations]

    def _roi_wires(self) -> list[WireFrame]:
        """Return the wire forms of the annotations; FrameError names the first that has none."""
        annotations, masks = self.annotations, self._record.sources[0].masks
        if all_plain(annotations):
            with suppress(Exception):  # Whose place is looked for below.
                wires = [one.to_dict() for one in annotations]
                for one, wire in zip(annotations, wires, strict=True) if masks else ():
                    settle_mask(one, wire, masks)
                return wires
        wires = []
        seen: dict[int, int] = {}
        for at, one in enumerate(annotations):
            path = f"annotations[{at}]"
            wires.append(roi_wire_of(one, path, masks))
            refuse_again(seen.setdefault(id(one), at), at, path)
        return wires


def _position(index: object) -> int | None:
    """Return a position that somebody gave; UsageError for what is none."""
    if index is None or isinstance(index, SupportsIndex):
        return None if index is None else operator.index(index)
    raise UsageError(f"index: the position of an annotation is an integer, not {a_type(index)}")
