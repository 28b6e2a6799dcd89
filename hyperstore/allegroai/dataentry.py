"""DataEntry and DataSubEntry: the newer names for a group of sources and for one of them.

An entry is a FrameGroup by another name, a sub-entry one of its members. What is said of the entry
as a whole, an annotation without sources, stays with the entry.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Self

from hyperstore.allegroai.entryclasses import (
    CLASSES,
    class_name,
    classes_of,
    resolved,
)
from hyperstore.allegroai.notes import Notes
from hyperstore.dataset.arguments import documented
from hyperstore.errors import UsageError, a_type
from hyperstore.frames.annotation import Annotation
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.group import FrameGroup
from hyperstore.ids import new_id

__all__ = ["DataEntry", "DataSubEntry"]

_FIELDS = ("source", "preview_source", "mask_source")
_Wire = dict[str, object]


class DataSubEntry:
    """One source of an entry, of any kind: a file, a picture, a text, a URI of one's own."""

    def __init__(
        self,
        name: str,
        source: str | None = None,
        preview_source: str | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        self._name = _word(name, "a sub-entry is named by a str")
        self._frame = SingleFrame(source=source, preview_uri=preview_source, metadata=metadata)
        self._destination: str | None = None

    @property
    def name(self) -> str:
        """What it is called in its entry."""
        return self._name

    @property
    def source(self) -> str | None:
        return self._frame.source

    @property
    def preview_source(self) -> str | None:
        return self._frame.preview_uri

    @property
    def metadata(self) -> dict[str, object]:
        """What the user says of it: a live dict."""
        return self._frame.metadata

    @property
    def upload_destination(self) -> str | None:
        """Where its local files are sent when it is added, where that was said of it alone."""
        return self._destination

    def get_source(self, source_field: str = "source") -> str | None:
        """Return one URI: `source`, `preview_source` or `mask_source`."""
        found: str | None = getattr(self._frame, _field(source_field))
        return found

    def set_source(self, source_field: str, uri: str | None) -> None:
        """Set one URI."""
        setattr(self._frame, _field(source_field), uri)

    def get_hash(self, source_field: str = "source") -> str | None:
        """Return the SHA-256 of a file, where it was taken."""
        _field(source_field)
        held = self._frame.sourcedata.get("hash")
        found = held.get(source_field) if isinstance(held, dict) else None
        if isinstance(found, list):  # One of each mask.
            found = found[0] if found else None
        return found if isinstance(found, str) else None

    def set_local_sources_upload_destination(
        self, local_sources_upload_destination: str | None
    ) -> None:
        """Say where its local files are sent when it is added."""
        self._destination = local_sources_upload_destination

    @documented
    def get_local_source(
        self, raise_on_error: bool = False, force_download: bool = False
    ) -> str | None:
        """Return the path of the source here; None, or an error if asked for, where it fails."""
        return self._frame.get_local_source(
            raise_on_error=raise_on_error, force_download=force_download
        )

    @documented
    def get_local_preview_source(
        self, raise_on_error: bool = False, force_download: bool = False
    ) -> str | None:
        """Return the path of the preview here."""
        return self._frame.get_local_preview_source(
            raise_on_error=raise_on_error, force_download=force_download
        )

    @classmethod
    def from_api_object(
        cls, source_obj: Mapping[str, object], name_fallback: str = "source_0"
    ) -> Self:
        """Return the sub-entry of a source in the wire form."""
        wire = dict(source_obj)
        name = wire.get("id")
        wire["id"] = "default"
        frame = SingleFrame.from_dict({"sources": [wire]})
        return cls._of(name if isinstance(name, str) and name else name_fallback, frame)

    @classmethod
    def _of(cls, name: str, frame: SingleFrame) -> Self:
        """Return a sub-entry over a frame, without asking what a subclass's own maker wants."""
        made = cls.__new__(cls)
        DataSubEntry.__init__(made, name)
        made._frame = frame
        return made

    def _take_uris(self, source: Mapping[str, object]) -> None:
        """Take over the URIs of a source in the wire form, its preview's and its masks' too."""
        self._frame.source = str(source["uri"])
        preview, masks = source.get("preview"), source.get("masks")
        if isinstance(preview, dict) and isinstance(preview.get("uri"), str):
            self._frame.preview_uri = preview["uri"]
        if isinstance(masks, list):
            known = {str(one["id"]): str(one["uri"]) for one in masks if isinstance(one, dict)}
            self._frame.masks_source = known
        if isinstance(source.get("meta"), dict):
            self._frame.sourcedata = dict(source["meta"])  # type: ignore[call-overload]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self._name!r}, source={self.source!r})"


class DataEntry:
    """Sources that belong together, with metadata, vectors and annotations."""

    sub_class: type[DataSubEntry] = DataSubEntry
    """As what its parts are read where nothing else is said."""

    @documented
    def __init__(
        self, data_entry_id: str | None = None, metadata: Mapping[str, object] | None = None
    ) -> None:
        self._begin(FrameGroup(id=data_entry_id or new_id(), metadata=metadata))

    def _begin(self, group: FrameGroup) -> None:
        self._group = group
        self._parts: dict[str, DataSubEntry] = {}
        self._notes = Notes()
        self._is_single = False  # Read from a SingleFrame, and stored as one.

    @property
    def id(self) -> str:
        return self._group.id

    @property
    def metadata(self) -> dict[str, object]:
        """What the user says of it: a live dict."""
        return self._group.metadata

    @property
    def sub_data_entries(self) -> list[DataSubEntry]:
        """Its parts, in the order in which they came."""
        return list(self._parts.values())

    def __iter__(self) -> Iterator[DataSubEntry]:
        return iter(self.sub_data_entries)

    def __len__(self) -> int:
        return len(self._parts)

    def add_sub_entries(self, sub_entries: Iterable[DataSubEntry]) -> None:
        """Add parts; UsageError for two of one name, and then none is added."""
        added = list(sub_entries)
        names = set(self._parts)
        for one in added:
            if not isinstance(one, DataSubEntry):
                raise UsageError(f"a DataSubEntry is added to an entry, not {a_type(one)}")
            if one.name in names:
                raise UsageError(f"entry {self.id!a} has two sub-entries of name {one.name!a}")
            names.add(one.name)
        for one in added:
            self._group[one.name] = one._frame
            self._parts[one.name] = one

    @documented
    def set_vector(self, vector: Sequence[float], metadata_field: str) -> None:
        """Keep a vector under a key of the metadata; `a.b` stands for `b` in the dict of `a`."""
        key = _word(metadata_field, "a vector is kept under a key, a str").removeprefix("meta.")
        values = vector.tolist() if hasattr(vector, "tolist") else vector
        if not isinstance(values, list | tuple) or not all(
            isinstance(one, int | float) and not isinstance(one, bool) for one in values
        ):
            raise UsageError(f"a vector is a list of numbers, not {a_type(vector)}")
        place = self.metadata
        *above, last = key.split(".")
        for name in above:
            below = place.setdefault(name, {})
            if not isinstance(below, dict):
                raise UsageError(f"{key!a} is no place for a vector: {name!a} is {a_type(below)}")
            place = below
        place[last] = list(values)

    # Annotations of the entry as a whole.

    @documented
    def add_annotation(
        self,
        id: str | int | None = None,
        labels: Iterable[str] | None = None,
        confidence: float | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> int:
        """Label the entry as a whole; return the annotation's position."""
        return self._notes.add(labels=labels, id=id, confidence=confidence, metadata=metadata)[-1]

    @documented
    def remove_annotation(
        self, index: int | None = None, *, id: str | int | None = None
    ) -> Annotation | list[Annotation] | None:
        """Remove the annotation at a position, or those of an `id`; return what was removed."""
        return self._notes.remove_one(index, id=id)

    @documented
    def remove_annotations(
        self,
        id: str | int | None = None,
        label: str | None = None,
        labels: Sequence[str] | None = None,
    ) -> list[Annotation]:
        """Remove annotations of an id, with a label, or with any of these labels; without, all."""
        return self._notes.remove(id=id, label=label, labels=labels)

    def get_all_annotations(self) -> list[Annotation]:
        return list(self._notes.held)

    @documented
    def get_annotations(
        self, id: str | int | None = None, index: int | None = None
    ) -> list[Annotation]:
        """Return the annotations of an id, or the one at a position; without, all."""
        return self._notes.get(id=id, index=index)

    # The wire form.

    def to_api_object(self) -> _Wire:
        """Return the frame in the wire form, which from_api_object reads."""
        if self._is_single and list(self._parts) == ["default"]:
            frame = self._parts["default"]._frame
            wire = frame.to_dict() | {"id": self.id}
            meta = {**self.metadata, **frame.metadata}
            if meta:
                wire["meta"] = meta
        else:
            wire = self._group.to_dict() | {"_kind": "group"}
            rois = [one for one in _rois(wire) if one.get("sources")] + self._whole()
            wire.pop("rois", None)
            if rois:
                wire["rois"] = rois
        wire.pop(CLASSES, None)
        said: _Wire = {}
        if type(self) is not DataEntry:
            said["entry"] = class_name(type(self))
        kinds = {one.name: class_name(type(one)) for one in self if type(one) is not DataSubEntry}
        if kinds:
            said["parts"] = kinds
        if said:
            wire[CLASSES] = said
        return wire

    def _whole(self) -> list[_Wire]:
        """Return the ROIs that are of the entry as a whole."""
        return [_without_sources(one) for one in self._notes.held]

    @classmethod
    def from_api_object(cls, data_entry: "Mapping[str, object] | SingleFrame | FrameGroup") -> Self:
        """Return the entry of a frame: of the class that wrote it, if that is loaded."""
        frame, wire = _frame_of(data_entry)
        name, parts = classes_of(wire)
        made_of = resolved(name, cls, cls)
        entry = made_of.__new__(made_of)
        entry._begin(_group_of(frame))
        entry._is_single = isinstance(frame, SingleFrame)
        for member in list(entry._group):
            kind = resolved(parts.get(member), DataSubEntry, entry.sub_class)
            entry._parts[member] = kind._of(member, entry._group[member])
        if not entry._is_single:
            entry._notes.take(one for one in _rois(wire) if not one.get("sources"))
        entry._settle()
        return entry

    def _settle(self) -> None:
        """Sort what was read; for the classes above."""

    def moved_to(self, wire: Mapping[str, object]) -> None:
        """Take over the URIs of a wire frame whose files were moved when it was stored."""
        sources = wire.get("sources")
        for one in sources if isinstance(sources, list) else ():
            part = self._parts.get(str(one.get("id")))
            if part is not None and isinstance(one.get("uri"), str):
                part._take_uris(one)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id!r}, sub_data_entries={list(self._parts)!r})"


def _word(given: object, what: str) -> str:
    if not isinstance(given, str) or not given:
        raise UsageError(f"{what}, not {given!a}")
    return given


def _field(name: object) -> str:
    """Return the attribute of a frame in which a URI is."""
    if name not in _FIELDS:
        raise UsageError(f"a source is one of {', '.join(_FIELDS)}, not {name!a}")
    return "preview_uri" if name == "preview_source" else str(name)


def _frame_of(given: object) -> tuple[SingleFrame | FrameGroup, _Wire]:
    """Return a frame of one's own, and its wire form, which may be taken apart."""
    if isinstance(given, SingleFrame | FrameGroup):  # A group is a mapping as well.
        frame = copy.deepcopy(given)
        return frame, frame.to_dict()
    if not isinstance(given, Mapping):
        raise UsageError(f"an entry is made of a frame in the wire form, not of {a_type(given)}")
    wire = _plain(given)
    classes_of(wire)  # What clearml keeps in the metadata is not the user's.
    return SingleFrame.from_dict(wire), _plain(given)


def _plain(given: Mapping[str, object]) -> _Wire:
    """Return a copy of a wire frame whose metadata may be edited."""
    wire = dict(given)
    if isinstance(wire.get("meta"), dict):
        wire["meta"] = copy.deepcopy(wire["meta"])
    return wire


def _group_of(frame: SingleFrame | FrameGroup) -> FrameGroup:
    """Return a group, or the group of a single frame, whose metadata becomes the group's."""
    if isinstance(frame, FrameGroup):
        return frame
    meta, frame.metadata = frame.metadata, {}
    return FrameGroup(frame.id, meta, default=frame)


def _rois(wire: Mapping[str, object]) -> list[_Wire]:
    rois = wire.get("rois")
    return [one for one in rois if isinstance(one, dict)] if isinstance(rois, list) else []


def _without_sources(annotation: Annotation) -> _Wire:
    roi = annotation.to_dict()
    roi.pop("sources", None)
    return roi
