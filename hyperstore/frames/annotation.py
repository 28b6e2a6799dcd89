"""Annotations: the Python objects that read and write ROIs, one class for each kind of shape.

An annotation holds the record that is stored, so that whatever it does not understand is kept.
Coordinates are source pixels, origin top-left; angles are radians, clockwise on the screen.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import SupportsIndex, TypeVar

from hyperstore.codec import Unfit, replace
from hyperstore.errors import FrameError, UsageError, a_type
from hyperstore.frames import geometry, pixels
from hyperstore.frames.clipping import Ring
from hyperstore.frames.geometry import Num
from hyperstore.frames.labelled import AnnotationId, Labelled
from hyperstore.frames.overlap import area_of, iou_of
from hyperstore.frames.records import MaskValue
from hyperstore.frames.values import amounts, exact_meta, given_names, numbers

__all__ = ["Annotation", "ImageAnnotation", "Mask", "registered"]

_Kind = TypeVar("_Kind", bound="type[Annotation]")

_registered: dict[str, "type[Annotation]"] = {}
# What `add_annotation` and ROIs understand already.
_TAKEN = frozenset({*geometry.KINDS, "im"}) | {
    "box2d_xywh",
    "box3d_xyzwhxyzwh",
    "confidence",
    "ellipse2d_xyrrt",
    "frame_class",
    "id",
    "labels",
    "mask_id",
    "mask_rgb",
    "metadata",
    "points2d_xy",
    "points3d_xyz",
    "poly2d_xy",
    "poly3d_xyz",
}


class Annotation(Labelled):
    """One annotation. The base class holds any kind, as the list of its stored numbers."""

    __slots__ = ()

    @staticmethod
    def register(type_names: str | Iterable[str]) -> Callable[[_Kind], _Kind]:
        """Return a class decorator that makes a class read and write ROIs of kinds of the user's.

        `add_annotation` takes each name as an argument then, with the values of the shape. In a
        process that does not register a kind, its ROIs are plain annotations, and nothing is lost;
        so are those whose numbers are no shape of the built-in class that the user's class is a
        subclass of. ROIs that are read make their objects by `__new__`: `__init__` is not called,
        and what it would set beside the values is not there.
        """
        try:
            names = given_names(type_names, "the name of a kind")
        except FrameError as fault:
            raise UsageError(str(fault)) from None
        for name in names:
            if not isinstance(name, str):
                raise UsageError(f"the name of a kind is a str, not {a_type(name)}")
            if not name:
                raise UsageError("the name of a kind is not empty")
            if name in _TAKEN:
                raise UsageError(f"{name!a} is built in; choose another name for the kind")
        if not names:
            raise UsageError("register takes the name of a kind, or several")
        kinds = [str(name) for name in names]

        def keep(kind: _Kind) -> _Kind:
            given: object = kind
            if not (isinstance(given, type) and issubclass(given, Annotation)):
                raise UsageError(f"a kind of annotation is a subclass of Annotation, not {kind!a}")
            # That of its base would lead a reader to the base.
            own = vars(kind).get("KIND")
            if own is None:
                kind.KIND = kinds[0]
            elif own not in kinds and _registered.get(own) is not kind:
                raise UsageError(
                    f"the KIND of {kind.__name__} is {own!a}, which is none of the names {kinds}; "
                    "its annotations would be written under it; name it too, or leave out KIND"
                )
            _registered.update(dict.fromkeys(kinds, kind))
            return kind

        return keep

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


def registered(name: str) -> type[Annotation] | None:
    """Return the class that was registered for a kind."""
    return _registered.get(name)


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
        """Take the pixel value as red, green, blue, and the mask's id.

        Without one it is the first mask of the frame, whichever that is when it is stored; 00 in a
        frame without masks.
        """
        self._begin(id, labels, confidence, metadata)
        if mask_rgb is not None:
            value = numbers(mask_rgb, "mask_rgb")
            self._roi.mask = MaskValue(id="" if mask_id is None else mask_id, value=value)

    @property
    def mask_id(self) -> str | None:
        """The id of the mask; None where it is the frame's first one."""
        return None if self._roi.mask is None else self._roi.mask.id or None

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
        mask_id = "" if self._roi.mask is None else self._roi.mask.id
        self._roi.mask = MaskValue(id=mask_id, value=numbers(value, "mask_rgb"))

    def _shape(self) -> object:
        return self.mask_rgb

    def clip(self, width: float, height: float) -> Annotation:
        """Return a copy: the pixels are the mask's, not the annotation's."""
        return self.copy()

    def _mapped(self, sx: Num, sy: Num, dx: Num, dy: Num) -> Annotation:
        return self.copy()
