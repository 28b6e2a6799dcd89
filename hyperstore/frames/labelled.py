"""What every annotation has, whatever its shape: labels, numbers, and the record that is stored."""

from collections.abc import Iterable, Mapping
from operator import index
from typing import ClassVar, SupportsIndex

from hyperstore.codec import Unfit, replace
from hyperstore.errors import FrameError
from hyperstore.frames.geometry import KINDS, Num, poly_fault
from hyperstore.frames.records import Metadata, RoiRecord
from hyperstore.frames.values import (
    exact_confidence,
    exact_labels,
    given_map,
    given_names,
    numbers,
    quick_meta,
)
from hyperstore.frames.wire import FIRST_MASK, WireFrame, roi_wire, unshared
from hyperstore.frames.words import brief

__all__ = ["NO_NUMBER", "AnnotationId", "Labelled", "number_of_labels"]

AnnotationId = str | int
NO_NUMBER = -1
"""The number of labels that nobody gave one."""

_OURS = ("_type", "_id")


class Labelled:
    """The part of an annotation that is not about the plane."""

    __slots__ = ("_numbers", "_roi")
    _numbers: Mapping[str, int]
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
            meta=None if metadata is None else _own_meta(metadata),
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
        if value is not None and type(value) is not str:
            given: object = value
            if isinstance(given, bool) or not isinstance(given, (str, SupportsIndex)):
                said = f"id: an annotation id is a string or an integer, not {given!a:.60}"
                raise FrameError(said, path="id")
            value = str(given) if isinstance(given, str) else index(given)  # NumPy's are no int.
        self._roi.annotation_id = value

    @property
    def labels(self) -> list[str]:
        """The labels: a live list."""
        return self._roi.label

    @labels.setter
    def labels(self, value: Iterable[str]) -> None:
        given = given_names(value, "labels")
        if len(given) == 1 and type(given[0]) is str and given[0].isascii():
            self._roi.label = [given[0]]
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
        self._roi.meta = None if value is None else _own_meta(value)

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
        fault = poly_fault(self._form(self._roi.kind), poly) if poly else None
        if fault is not None:
            at, reason = fault
            path = what if at is None else f"{what}[{at}]"
            raise FrameError(f"{path}: {reason}", path=path)
        self._roi.poly = poly or None

    @classmethod
    def _form(cls, kind: str | None) -> str | None:
        """Return the built-in kind whose rules the numbers of this kind keep; itself if none."""
        if kind is None or kind in KINDS:
            return kind
        above = (vars(base).get("KIND") for base in cls.__mro__)
        return next((one for one in above if one in KINDS), kind)

    @property
    def roi_id(self) -> str | None:
        """The id of the stored ROI; None until the frame is stored, unless it was given."""
        return self._roi.id

    @property
    def sources(self) -> list[str]:
        """The ids of the sources that the annotation is about; a copy."""
        return list(self._roi.sources or ())

    @property
    def label_enum(self) -> int:
        """The number that the DataView which gave the frame enumerates the labels by; else -1.

        Of several labels it is that of the first which has one.
        """
        numbers: Mapping[str, int] | None = getattr(self, "_numbers", None)  # Seldom set.
        return NO_NUMBER if numbers is None else number_of_labels(self._roi.label, numbers)

    def to_dict(self) -> WireFrame:
        """Return the wire form of the ROI; it shares nothing that edits the annotation."""
        meta = self._roi.meta
        if meta and ("_type" in meta or "_id" in meta):
            _refuse_ours(meta, "meta")
        return unshared(roi_wire(self._roi))

    def __eq__(self, other: object) -> bool:
        """Compare by value, without the ids of ROIs and sources, which follow from the frame."""
        if not isinstance(other, Labelled):
            return NotImplemented
        if self is other:
            return True
        try:
            return bool(_content(self._roi) == _content(other._roi))
        except Exception:  # noqa: BLE001 - what cannot be stored may hold what cannot be compared.
            return False

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shape = self._shape()
        said = [] if shape is None else [brief(shape)]
        said.append(f"labels={brief(self.labels)}")
        for name, value in (("id", self.id), ("confidence", self.confidence)):
            if value is not None:
                said.append(f"{name}={brief(value)}")
        return f"{type(self).__name__}({', '.join(said)})"

    def _shape(self) -> object:
        """Return the numbers of the shape as its class takes them; None where it has none."""
        return self._roi.poly


def number_of_labels(labels: Iterable[str], numbers: Mapping[str, int]) -> int:
    """Return the number of the first of an ROI's labels that has one; -1 where none has."""
    return next((numbers[one] for one in labels if one in numbers), NO_NUMBER)


def _content(roi: RoiRecord) -> RoiRecord:
    """Return what two annotations are compared by, made plain as it is for the store."""
    meta = quick_meta(roi.meta, 3) if roi.meta else None
    mask = roi.mask
    if mask is not None and not mask.id:
        mask = replace(mask, id=FIRST_MASK)
    return replace(roi, id=None, sources=None, meta=meta, mask=mask)


def _own_meta(given: object) -> Metadata | None:
    """Return a copy of the metadata of one annotation, which shares no dict and no list."""
    if type(given) is dict and "_type" not in given and "_id" not in given:
        for value in given.values():  # Most hold nothing that could be shared.
            if isinstance(value, (dict, list)):
                break
        else:
            return given.copy() or None
    found = given_map(given, "metadata")
    if found is None:
        return None
    _refuse_ours(found, "metadata")
    return unshared(found)


def _refuse_ours(meta: Metadata, what: str) -> None:
    """Raise FrameError where metadata of a user has a key that on the wire is ours."""
    for key in _OURS:
        if key in meta:
            path = f"{what}.{key}"
            raise FrameError(
                f"{path}: the wire form of an ROI keeps its kind or id under {key}; rename the key",
                path=path,
            )
