"""Annotations: the Python objects that read and write ROIs, one class for each kind of shape.

An annotation holds the record that is stored, so that whatever it does not understand is kept.
Coordinates are source pixels, origin top-left; angles are radians, clockwise on the screen.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, SupportsIndex

from hyperstore.codec import Unfit, replace
from hyperstore.errors import FrameError, UsageError
from hyperstore.frames import geometry, pixels
from hyperstore.frames.clipping import Ring
from hyperstore.frames.geometry import Num, poly_fault
from hyperstore.frames.overlap import area_of, iou_of
from hyperstore.frames.records import MaskValue, Metadata, RoiRecord
from hyperstore.frames.values import (
    amounts,
    exact_confidence,
    exact_labels,
    exact_meta,
    exact_numbers,
)
from hyperstore.frames.wire import WireFrame, roi_wire, unshared

__all__ = [
    "Annotation",
    "AnnotationId",
    "ImageAnnotation",
    "Mask",
    "exactly",
    "numbers",
]

AnnotationId = str | int


def numbers(values: object, what: str) -> list[Num]:
    """Return finite numbers from any iterable; FrameError names the first that is none."""
    if type(values) is not list:
        if not isinstance(values, Iterable):
            given = type(values).__name__
            raise FrameError(f"{what}: a {given} is not a list of numbers", path=what)
        values = list(values)
    try:
        return exact_numbers(values, what)
    except Unfit as fault:
        raise FrameError(str(fault), path=fault.path) from None


def exactly(values: object, size: int, what: str) -> list[Num]:
    """Return exactly so many finite numbers."""
    found = numbers(values, what)
    if len(found) != size:
        raise FrameError(f"{what} takes {size} numbers; these are {len(found)}", path=what)
    return found


class Annotation:
    """One annotation. The base class holds any kind, as the list of its stored numbers."""

    __slots__ = ("_roi",)
    KIND: ClassVar[str | None] = None

    def __init__(
        self,
        values: Iterable[float] | None = None,
        id: AnnotationId | None = None,
        labels: Iterable[str] | None = None,
        confidence: float | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Take `labels` as a list of strings, `confidence` from 0 to 1, `metadata` as a dict."""
        self._begin(id, labels, confidence, metadata)
        if values is not None:
            self.values = values

    def _begin(
        self,
        id: AnnotationId | None,
        labels: Iterable[str] | None,
        confidence: float | None,
        metadata: Mapping[str, object] | None,
    ) -> None:
        # One label and a confidence that are good at sight, as most are, need no setter.
        label: list[str] = []
        if type(labels) is list and len(labels) == 1:
            only = labels[0]
            if type(only) is str and only.isascii():
                label, labels = [only], None
        sure = None
        if type(confidence) is float and 0.0 < confidence <= 1.0:
            sure, confidence = confidence, None
        self._roi = RoiRecord(
            confidence=sure,
            kind=self.KIND,
            label=label,
            meta=dict(metadata) if metadata else None,
            sources=["default"],
        )
        if id is not None:
            self.id = id
        if labels is not None:
            self.labels = labels
        if confidence is not None:
            self.confidence = confidence

    @classmethod
    def get_type(cls) -> str | None:
        """Return the kind as it stands in `meta._type` on the wire."""
        return cls.KIND

    @property
    def id(self) -> AnnotationId | None:
        """The user's id, shared by shapes that belong together; not the id of the ROI."""
        return self._roi.annotation_id

    @id.setter
    def id(self, value: AnnotationId | None) -> None:
        if isinstance(value, bool) or not isinstance(value, (str, int, type(None))):
            raise FrameError(f"an annotation id is a string or an integer, not {value!a:.60}")
        self._roi.annotation_id = value

    @property
    def labels(self) -> list[str]:
        """The labels: a live list."""
        return self._roi.label

    @labels.setter
    def labels(self, value: Iterable[str]) -> None:
        given = [value] if isinstance(value, str) else list(value)
        if len(given) == 1 and type(given[0]) is str and given[0].isascii():
            self._roi.label = given
            return
        try:
            self._roi.label = exact_labels(given, "labels") if given else []
        except Unfit as fault:
            raise FrameError(str(fault), path=fault.path) from None

    @property
    def confidence(self) -> float | None:
        """How sure the annotator is, from 0 to 1; None where that was not said."""
        return self._roi.confidence

    @confidence.setter
    def confidence(self, value: float | None) -> None:
        if type(value) is float and 0.0 < value <= 1.0:
            self._roi.confidence = value
            return
        try:
            self._roi.confidence = exact_confidence(value, "confidence")
        except Unfit as fault:
            raise FrameError(str(fault), path=fault.path) from None

    @property
    def metadata(self) -> Metadata:
        """The user's metadata: a live dict."""
        meta = self._roi.meta
        if meta is None:
            meta = self._roi.meta = {}
        return meta

    @metadata.setter
    def metadata(self, value: Mapping[str, object] | None) -> None:
        self._roi.meta = dict(value) if value else None

    @property
    def meta(self) -> Metadata:
        """The same live dict as `metadata`."""
        return self.metadata

    @meta.setter
    def meta(self, value: Mapping[str, object] | None) -> None:
        self.metadata = value

    @property
    def values(self) -> list[Num]:
        """The flat list of numbers in which the shape is stored; a copy."""
        return list(self._roi.poly or ())

    @values.setter
    def values(self, value: Iterable[object]) -> None:
        self._set_poly(numbers(value, "values"), "values")

    def _set_poly(self, poly: list[Num], what: str) -> None:
        fault = poly_fault(self._roi.kind, poly) if poly else None
        if fault is not None:
            at, reason = fault
            path = what if at is None else f"{what}[{at}]"
            raise FrameError(f"{path}: {reason}", path=path)
        self._roi.poly = poly or None

    @property
    def roi_id(self) -> str | None:
        """The id of the stored ROI; None until the frame is stored, unless it was given."""
        return self._roi.id

    @property
    def sources(self) -> list[str]:
        """The ids of the sources that the annotation is about; a copy."""
        return list(self._roi.sources or ())

    def to_dict(self) -> WireFrame:
        """Return the wire form of the ROI; it shares nothing that edits the annotation."""
        return unshared(roi_wire(self._roi))

    def copy(self) -> "Annotation":
        """Return an independent copy that will get an ROI id of its own."""
        made = type(self).__new__(type(self))
        roi = self._roi
        try:
            meta = exact_meta(roi.meta, "metadata", 3)
        except Unfit as fault:
            raise FrameError(str(fault), path=fault.path) from None
        made._roi = replace(
            roi,
            id=None,
            label=list(roi.label),
            meta=meta,
            poly=None if roi.poly is None else list(roi.poly),
            extra=None if roi.extra is None else dict(roi.extra),
            sources=None if roi.sources is None else list(roi.sources),
        )
        return made

    @property
    def area(self) -> float | None:
        """The square pixels that the shape covers: what lies twice within it counts once.

        A polygon covers what is inside it by the even-odd rule, several polygons what any of them
        covers. 0.0 for a shape without an inside, inf where no float is so large; None for what is
        no area of the plane: labels, key points, shapes in space.
        """
        rings = self._rings()
        return None if rings is None else area_of(rings)

    def iou(self, other: "Annotation") -> float:
        """Return the shared area over the area of both together, from 0.0 to 1.0.

        It is right for any two kinds that have an area, turned, concave or crossing themselves; an
        ellipse counts as the polygon of `to_polygons`. 0.0 where neither covers anything.
        """
        if not isinstance(other, Annotation):
            raise UsageError(f"IoU is of two annotations; {other!a:.60} is none")
        return iou_of(self._covering(), other._covering())

    def to_polygons(self) -> list[list[Num]]:
        """Return the outlines as flat lists x, y, x, y, ...: COCO's `segmentation`."""
        return [[number for point in ring for number in point] for ring in self._covering()]

    def to_mask(self, width: SupportsIndex, height: SupportsIndex) -> memoryview:
        """Return the pixels of an image of this size that the shape covers, as pycocotools would.

        Shape (height, width), one byte 0 or 1 a pixel, writable; `numpy.asarray` takes it as it is.
        """
        return pixels.mask_of(self._covering(), width, height)

    def to_rle(self, width: SupportsIndex, height: SupportsIndex) -> dict[str, object]:
        """Return the same pixels in COCO's run-length form: `size` [height, width] and `counts`."""
        return pixels.rle_of(self._covering(), width, height)

    def clip(self, width: float, height: float) -> "Annotation | None":
        """Return a new annotation of what lies in 0 to `width`, 0 to `height`; None if nothing.

        A shape that lies within comes back unchanged; of others, what has no area is nothing.
        """
        raise self._not_flat()

    def shift(self, dx: float, dy: float) -> "Annotation":
        """Return a new annotation, moved by pixels to the right and down."""
        return self._mapped(1, 1, *amounts((dx, dy), "the shift"))

    def rescale(self, sx: float, sy: float | None = None) -> "Annotation":
        """Return a new annotation for an image whose sides are `sx` and `sy` times as long.

        Without `sy`, both are `sx` times as long. Factors are over 0.
        """
        x, y = amounts((sx, sx if sy is None else sy), "the scale")
        if x <= 0 or y <= 0:
            raise UsageError(f"an image is scaled by factors over 0, not {x} and {y}")
        return self._mapped(x, y, 0, 0)

    def _rings(self) -> list[Ring] | None:
        """Return the outlines of the area that is covered; None for what has none."""
        return None

    def _covering(self) -> list[Ring]:
        rings = self._rings()
        if rings is None:
            raise UsageError(f"a {type(self).__name__} covers no area of the plane")
        return rings

    def _mapped(self, sx: Num, sy: Num, dx: Num, dy: Num) -> "Annotation":
        """Return a new annotation whose points are scaled, then moved."""
        raise self._not_flat()

    def _not_flat(self) -> UsageError:
        return UsageError(f"a {type(self).__name__} is no shape in the plane, so it stays as it is")

    def __eq__(self, other: object) -> bool:
        """Compare by value, without the ids of ROIs and sources, which follow from the frame."""
        if not isinstance(other, Annotation):
            return NotImplemented
        return _content(self._roi) == _content(other._roi)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        name = f", id={self.id!r}" if self.id is not None else ""
        return f"{type(self).__name__}(labels={self.labels!r}{name})"


def _content(roi: RoiRecord) -> RoiRecord:
    return replace(roi, id=None, sources=None, meta=roi.meta or None)


class ImageAnnotation(Annotation):
    """Labels of the whole frame."""

    __slots__ = ()

    def __init__(
        self,
        image_classes: Iterable[str] | None = None,
        id: AnnotationId | None = None,
        labels: Iterable[str] | None = None,
        confidence: float | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        self._begin(id, image_classes if labels is None else labels, confidence, metadata)

    @classmethod
    def get_type(cls) -> str:
        """Return `im`, which is not written: a frame label is an ROI without a shape."""
        return "im"

    @property
    def image_classes(self) -> list[str]:
        """The same live list as `labels`."""
        return self._roi.label

    @image_classes.setter
    def image_classes(self, value: Iterable[str]) -> None:
        self.labels = value

    def clip(self, width: float, height: float) -> Annotation:
        """Return a copy: a label of the whole frame has no place in it."""
        return self.copy()

    def _mapped(self, sx: Num, sy: Num, dx: Num, dy: Num) -> Annotation:
        return self.copy()


class Mask(Annotation):
    """Labels of the pixels that have one value in a mask of the source."""

    __slots__ = ()
    KIND = geometry.MASK

    def __init__(
        self,
        mask_rgb: Sequence[int] | None = None,
        id: AnnotationId | None = None,
        labels: Iterable[str] | None = None,
        confidence: float | None = None,
        metadata: Mapping[str, object] | None = None,
        mask_id: str | None = None,
    ) -> None:
        """Take the pixel value as red, green, blue, and the mask's id (default: the first, 00)."""
        self._begin(id, labels, confidence, metadata)
        if mask_rgb is not None:
            value = numbers(mask_rgb, "mask_rgb")
            self._roi.mask = MaskValue(id="00" if mask_id is None else mask_id, value=value)

    @property
    def mask_id(self) -> str | None:
        """The id of the mask."""
        return None if self._roi.mask is None else self._roi.mask.id

    @mask_id.setter
    def mask_id(self, value: str) -> None:
        rgb = [] if self._roi.mask is None else self._roi.mask.value
        self._roi.mask = MaskValue(id=value, value=rgb)

    @property
    def mask_rgb(self) -> list[Num] | None:
        """The pixel value; a copy."""
        return None if self._roi.mask is None else list(self._roi.mask.value)

    @mask_rgb.setter
    def mask_rgb(self, value: Iterable[object]) -> None:
        mask_id = "00" if self._roi.mask is None else self._roi.mask.id
        self._roi.mask = MaskValue(id=mask_id, value=numbers(value, "mask_rgb"))

    def clip(self, width: float, height: float) -> Annotation:
        """Return a copy: the pixels are the mask's, not the annotation's."""
        return self.copy()

    def _mapped(self, sx: Num, sy: Num, dx: Num, dy: Num) -> Annotation:
        return self.copy()
