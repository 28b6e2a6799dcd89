"""FrameGroup: several named sources at one moment, as a mapping of names to SingleFrames.

Each member keeps its own annotations and metadata. On the wire and in the store a group is one
frame: its sources are the members, an ROI names the members it is about, and a member's metadata
lies under the member's name. An annotation object that is in the lists of several members is one
ROI that names them all.
"""

import copy
from collections.abc import Mapping
from typing import cast

from hyperstore.errors import CorruptError, FrameError, HyperstoreError, UsageError, a_type
from hyperstore.frames.comparing import id_in_brief, same_content
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
from hyperstore.frames.said import Placed, in_wire_order, refuse_more, roi_wire_of
from hyperstore.frames.values import given_id, given_map
from hyperstore.frames.wider import record_of_wire
from hyperstore.frames.wire import WireFrame, frame_wire, unshared
from hyperstore.frames.words import brief
from hyperstore.ids import ObjectId, new_id
from hyperstore.limits import GLANCE_MEMBERS_MAX

__all__ = ["FrameGroup", "group_frame"]

_Bare = tuple[FrameRecord, Home | None, ObjectId | None]
"""A member that was read and not touched, as a copy or a pickle of its group has it."""


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
                id=given_id(id),
                kind=GROUP,
                meta=given_map(metadata, "metadata"),
                sources=[],
            ),
            Rois(None),
        )
        for members in (*args, kwargs):
            given: object = members
            if not isinstance(given, Mapping):
                raise UsageError(
                    f"members come by keyword, or in a dict of names to frames, not as "
                    f"{a_type(given)}"
                )
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
        self._record.meta = given_map(value, "metadata")

    meta = metadata

    @property
    def meta_blob(self) -> Metadata:
        """Metadata that no query sees: a live dict."""
        if self._record.meta_blob is None:
            self._record.meta_blob = {}
        return self._record.meta_blob

    @meta_blob.setter
    def meta_blob(self, value: Mapping[str, object] | None) -> None:
        self._record.meta_blob = given_map(value, "meta_blob")

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
            refuse_more(name, member._record, context)
            own = member._record.meta
            if name in meta:
                fault = namesake(name)
                raise FrameError(str(fault), path=fault.path)
            if own or name in self._given:
                meta[name] = own or {}
        if meta:
            wire["meta"] = unshared(meta)
        rois = []
        for annotation, sources, path in self._in_wire_order():
            first = self._members.get(sources[0]) if sources else None
            masks = None if first is None else first._record.sources[0].masks
            rois.append(roi_wire_of(annotation, path, masks))
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
        """Compare by content: what would be stored, whatever the objects that hold it.

        Numbers are equal by value, 1 and 1.0 too.
        """
        if not isinstance(other, FrameGroup):
            return NotImplemented
        return self is other or same_content(self, other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        count = self._said_annotations()
        members = brief(list(self))
        said = f"id={id_in_brief(self)}, members={members}, annotations={count}"
        return f"{type(self).__name__}({said})"

    def __getstate__(self) -> object:
        """Return what a copy or a pickle holds; members that nobody touched as their records."""
        if self._record.id is None:
            self._random_id = self.id if self._random_id is None else self._random_id
        plain, slots = cast("tuple[object, dict[str, object]]", super().__getstate__())
        slots["_members"] = {
            name: (
                (member._record, member._home, member._object_id)
                if type(member) is SingleFrame
                and member._rois is self._rois
                and member._member == name
                and member._annotations is None
                else member
            )
            for name, member in self._members.items()
        }
        return plain, slots

    def __setstate__(self, state: tuple[dict[str, object] | None, dict[str, object]]) -> None:
        plain, slots = state
        if plain:
            vars(self).update(plain)
        for name, value in slots.items():
            setattr(self, name, value)
        self._members = {}
        for name, held in cast("dict[str, SingleFrame | _Bare]", slots["_members"]).items():
            if isinstance(held, SingleFrame):
                self._members[name] = held
            else:
                record, home, object_id = held
                self._members[name] = single_frame(record, self._rois, home, object_id, name)

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
            own = member._record.timestamp
            moment = source.timestamp if own is None else own
            if source.id != name or moment != source.timestamp:
                # A frame may be a member of two groups, by two names.
                source = copy.copy(source)
                source.id, source.timestamp = name, moment
            sources.append(source)
        return sources

    def _in_wire_order(self) -> list[Placed]:
        members = {name: member.annotations for name, member in self._members.items()}
        return in_wire_order(self._rois.all(), members)

    def _rois_in_order(self) -> list[RoiRecord]:
        return [one._roi for one, _, _ in self._in_wire_order()]


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
