"""FrameGroup: several named sources at one moment, as a mapping of names to SingleFrames.

Each member keeps its own annotations and metadata. On the wire and in the store a group is one
frame: its sources are the members, an ROI names the members it is about, and a member's metadata
lies under the member's name. An annotation object that is in the lists of several members is one
ROI that names them all.
"""

import copy
from collections.abc import Mapping
from typing import cast

from hyperstore.codec import pack
from hyperstore.errors import CorruptError, FrameError, HyperstoreError
from hyperstore.frames.annotation import Annotation
from hyperstore.frames.derive import derive_frame_id
from hyperstore.frames.drawing import Rois
from hyperstore.frames.exact import namesake
from hyperstore.frames.frame import SingleFrame, makers, single_frame
from hyperstore.frames.home import ApiDataset, ApiFrame, Home
from hyperstore.frames.members import Members
from hyperstore.frames.notebook import facts_table, page
from hyperstore.frames.owner import version_metadata
from hyperstore.frames.records import (
    GROUP,
    FrameRecord,
    Metadata,
    RoiRecord,
    SourceRecord,
    WholeRecord,
    without_rois,
)
from hyperstore.frames.wider import record_of_wire
from hyperstore.frames.wire import WireFrame, frame_wire, unshared
from hyperstore.frames.words import brief
from hyperstore.ids import ObjectId, new_id
from hyperstore.limits import GLANCE_MEMBERS_MAX

__all__ = ["FrameGroup", "group_frame"]


class FrameGroup(Members):
    """A frame with several sources. It needs a member with a source to be stored."""

    __slots__ = (
        "__weakref__",
        "_given",
        "_home",
        "_object_id",
        "_random_id",
        "_record",
        "_rois",
    )

    def __init__(
        self,
        id: str | float | None = None,
        metadata: Mapping[str, object] | None = None,
        *args: Mapping[str, SingleFrame],
        **kwargs: SingleFrame,
    ) -> None:
        """Take members as keyword arguments, or as dicts of names to SingleFrames."""
        self._begin(
            FrameRecord(
                id=None if id is None else str(id),
                kind=GROUP,
                meta=dict(metadata) if metadata else None,
                sources=[],
            ),
            Rois(None),
        )
        for members in (*args, kwargs):
            self.update(members)

    def _begin(self, record: FrameRecord, rois: Rois) -> None:
        self._record = record
        self._rois = rois
        self._home: Home | None = None
        self._object_id: ObjectId | None = None
        self._random_id: str | None = None
        # Members that came with metadata, be it empty.
        self._given: frozenset[str] = frozenset()
        self._members = {}

    # What the group is, and where it was read.

    @property
    def id(self) -> str:
        """The group's id: as given or stored; else it follows from the members, or is random."""
        if self._record.id is not None:
            return self._record.id
        if self._members and all(member.source for member in self._members.values()):
            return derive_frame_id(self._sources())
        if self._random_id is None:
            self._random_id = new_id()
        return self._random_id

    @property
    def object_id(self) -> ObjectId | None:
        """The stored object that this group was read from; None for a group made here."""
        return self._object_id

    @property
    def home(self) -> Home | None:
        """The version that this group was read from; None for a group made here."""
        return self._home

    @property
    def origin(self) -> dict[str, str]:
        """Ids and names of the dataset and version that this group was read from; a new dict."""
        return {} if self._home is None else self._home.origin()

    @property
    def dataset_version_metadata(self) -> Metadata:
        """A copy of the metadata of the version that it was read from; empty for one made here.

        As of the commit at which it was read, else as the version says now.
        """
        return version_metadata(self._home)

    @property
    def _api_object(self) -> ApiFrame:
        dataset = ApiDataset() if self._home is None else self._home.api_dataset()
        return ApiFrame(self.id, dataset, self.context_id, self.timestamp, self.metadata, self.blob)

    @property
    def context_id(self) -> str | None:
        """What the group belongs to; where unset that of a member, then the first source's URI."""
        own = self._context()
        sources = self._sources()
        return (sources[0].uri or None if sources else None) if own is None else own

    @context_id.setter
    def context_id(self, value: str | None) -> None:
        self._record.context_id = value

    def _context(self) -> str | None:
        """Return the context that somebody set, on the group or else on the first such member."""
        set_ones = (member._record.context_id for member in self._members.values())
        own = self._record.context_id
        return next((one for one in set_ones if one is not None), None) if own is None else own

    @property
    def timestamp(self) -> int:
        """The moment of the group; where unset that of its first source, or 0."""
        own = self._record.timestamp
        sources = self._sources()
        return ((sources[0].timestamp or 0) if sources else 0) if own is None else own

    @timestamp.setter
    def timestamp(self, value: int | None) -> None:
        self._record.timestamp = value

    @property
    def metadata(self) -> Metadata:
        """The user's metadata of the group, beside that of its members: a live dict."""
        if self._record.meta is None:
            self._record.meta = {}
        return self._record.meta

    @metadata.setter
    def metadata(self, value: Mapping[str, object] | None) -> None:
        self._record.meta = dict(value) if value else None

    meta = metadata

    @property
    def meta_blob(self) -> Metadata:
        """Metadata that no query sees: a live dict."""
        if self._record.meta_blob is None:
            self._record.meta_blob = {}
        return self._record.meta_blob

    @meta_blob.setter
    def meta_blob(self, value: Mapping[str, object] | None) -> None:
        self._record.meta_blob = dict(value) if value else None

    @property
    def blob(self) -> str | None:
        """A string that is kept with the group and that no query sees."""
        return self._record.blob

    @blob.setter
    def blob(self, value: str | None) -> None:
        self._record.blob = value

    # As a value.

    def to_dict(self) -> WireFrame:
        """Return the group as nested dicts and lists; they share nothing that edits the group."""
        wire = frame_wire(self._record, self._sources())
        context = self._context()
        if context is not None:
            wire["context_id"] = context
        meta = dict(self._record.meta or {})
        for name, member in self._members.items():
            own = member._record.meta
            if name in meta:
                fault = namesake(name)
                raise FrameError(str(fault), path=fault.path)
            if own or name in self._given:
                meta[name] = own or {}
        if meta:
            wire["meta"] = unshared(meta)
        rois = []
        for annotation, sources in self._in_wire_order():
            rois.append(annotation.to_dict())
            if sources is not None:
                rois[-1]["sources"] = sources
        if rois:
            wire["rois"] = rois
        return wire

    @staticmethod
    def from_dict(wire: Mapping[str, object]) -> "FrameGroup":
        """Return the frame of a wire dict, which is a SingleFrame where the dict says so."""
        record = record_of_wire(wire)
        assert record.kind is not None
        return cast("FrameGroup", makers[record.kind](record))

    def copy(self) -> "FrameGroup":
        """Return an independent group of the same content, with a new random id."""
        made = copy.deepcopy(self)
        made._record.id = new_id()
        made._object_id = None
        return made

    def __eq__(self, other: object) -> bool:
        """Compare by content: what would be stored, whatever the objects that hold it."""
        if not isinstance(other, FrameGroup):
            return NotImplemented
        return pack(self.to_dict()) == pack(other.to_dict())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        count = self._said_annotations()
        members = brief(list(self))
        return f"{type(self).__name__}(id={brief(self.id)}, members={members}, annotations={count})"

    def _said_annotations(self) -> str:
        """Return how many annotations there are, for `repr`, decoding no more than that takes."""
        members = self._members
        try:
            if any(one._annotations is not None for one in members.values()):
                return str(len(self._in_wire_order()))
            named = [one.sources for one in self._rois.records()]
        except HyperstoreError:
            return "unreadable"
        return str(sum(names is None or not members.keys().isdisjoint(names) for names in named))

    def _repr_html_(self) -> str:
        """Return the group as a notebook shows it, side by side; asks nothing of the network."""
        names = list(self)[:GLANCE_MEMBERS_MAX]
        cards, tables = [], []
        for name in names:
            card, rows = self[name]._card(name, len(names))
            cards.append(card)
            tables.append(facts_table([(name,), *rows] if rows else []))
        facts: list[tuple[str, object]] = [
            ("context", self.context_id),
            ("timestamp", self.timestamp),
            ("version", None if self._home is None else self._home.describe()),
            ("metadata", self._record.meta or None),
            ("not shown", list(self)[GLANCE_MEMBERS_MAX:] or None),
        ]
        said = [(name, value) for name, value in facts if value is not None]
        return page(repr(self), cards, [facts_table(said), *tables])

    def _sources(self) -> list[SourceRecord]:
        sources = []
        for name, member in self._members.items():
            source = member._record.sources[0]
            if source.id != name:  # A frame may be a member of two groups, by two names.
                source = copy.copy(source)
                source.id = name
            sources.append(source)
        return sources

    def _in_wire_order(self) -> list[tuple[Annotation, list[str] | None]]:
        """Return the annotations with the members they name: stored ones first, then added ones.

        None stands for an ROI that was read without sources.
        """
        members_of: dict[int, list[str]] = {}
        known = self._rois.all()
        ordered = {id(one): one for one in known}
        for name, member in self._members.items():
            for one in member.annotations:
                ordered.setdefault(id(one), one)
                members_of.setdefault(id(one), []).append(name)
        found: list[tuple[Annotation, list[str] | None]] = []
        for key, one in ordered.items():
            before = one._roi.sources
            now = members_of.get(key, [])
            if now:
                kept = [name for name in before or () if name in now]
                found.append((one, kept + [name for name in now if name not in kept]))
            elif before is None:
                found.append((one, None))
        return found

    def _rois_in_order(self) -> list[RoiRecord]:
        return [one._roi for one, _ in self._in_wire_order()]


def group_frame(
    record: FrameRecord,
    rois: Rois,
    *,
    home: Home | None = None,
    object_id: ObjectId | None = None,
) -> FrameGroup:
    """Return the group that holds a record, whose URIs are absolute."""
    group = FrameGroup.__new__(FrameGroup)
    group._begin(record, rois)
    group._home, group._object_id = home, object_id
    meta = dict(record.meta or {})
    given = set()
    for source in record.sources:
        own: Metadata | None = None
        if source.id in meta:
            held = meta.pop(source.id)
            if not isinstance(held, dict):
                raise CorruptError(f"a stored frame breaks a rule of frames: {namesake(source.id)}")
            given.add(source.id)
            own = held
        member = FrameRecord(sources=[source], meta=own)
        group._members[source.id] = single_frame(member, rois, home=home, member=source.id)
    record.meta = meta or None
    record.sources = []
    group._given = frozenset(given)
    return group


def _group_of_wire(record: WholeRecord) -> FrameGroup:
    return group_frame(without_rois(record), Rois(None, record.rois or []))


makers[GROUP] = _group_of_wire
