"""SingleFrame: one source with its annotations, as a plain value that pickles and compares.

It holds the record that is stored, so that whatever it does not understand is kept. ROIs stay
encoded until somebody looks at them.
"""

import copy
import functools
import os
from collections.abc import Callable, Iterable, Mapping
from typing import ParamSpec, cast

from hyperstore.errors import nearest
from hyperstore.frames.annotation import Annotation
from hyperstore.frames.comparing import id_in_brief, same_content
from hyperstore.frames.derive import derive_frame_id
from hyperstore.frames.drawing import Rois
from hyperstore.frames.home import ApiDataset, ApiFrame, Home
from hyperstore.frames.owner import version_metadata
from hyperstore.frames.records import (
    FRAME,
    FrameRecord,
    Metadata,
    SourceRecord,
    WholeRecord,
    read_rois,
    without_rois,
)
from hyperstore.frames.shown import Shown
from hyperstore.frames.source import Uri, uri_of
from hyperstore.frames.values import given_id, given_map
from hyperstore.frames.wider import record_of_wire
from hyperstore.frames.wire import WireFrame, frame_wire, new_roi_wires
from hyperstore.frames.words import brief
from hyperstore.ids import ObjectId, new_id

__all__ = ["DEFAULT", "SingleFrame", "makers", "single_frame"]

_P = ParamSpec("_P")

DEFAULT = "default"
_NOTHING = SourceRecord(id=DEFAULT, uri="")

makers: dict[str, Callable[[WholeRecord], object]] = {}
"""What makes a frame of each kind of record. FrameGroup stands above SingleFrame and puts itself
here, since `SingleFrame.from_dict` may have to return one."""


def _naming_typos(call: Callable[_P, None]) -> Callable[_P, None]:
    """Let a call whose argument is unknown say which one is closest."""
    known = call.__code__.co_varnames[1 : call.__code__.co_argcount]
    among = frozenset(known)

    @functools.wraps(call)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> None:
        if not among.issuperset(kwargs):
            unknown = next(name for name in kwargs if name not in among)
            raise TypeError(
                f"SingleFrame() has no argument {unknown!a}; "
                f"the closest: {nearest(unknown, known, 3)}"
            )
        call(*args, **kwargs)

    return checked


class SingleFrame(Shown):
    """A frame with one source. All arguments are optional; a frame needs a source to be stored."""

    __slots__ = ("__weakref__", "_object_id", "_random_id")

    @_naming_typos
    def __init__(
        self,
        id: str | float | None = None,
        source: Uri | None = None,
        width: int | None = None,
        height: int | None = None,
        timestamp: int | None = None,
        size: int | None = None,
        hash: str | None = None,
        preview_uri: Uri | None = None,
        preview_uri_timestamp: int | None = None,
        metadata: Mapping[str, object] | None = None,
        annotations: Iterable[Annotation] | None = None,
        mask_source: Uri | Mapping[str, Uri] | Iterable[Uri] | None = None,
        context_id: str | None = None,
    ) -> None:
        uri = "" if source is None else uri_of(source, "source")
        record = SourceRecord(id=DEFAULT, uri=uri, width=width, height=height, timestamp=timestamp)
        self._record = FrameRecord(
            id=None if id is None else given_id(id),
            context_id=context_id,
            kind=FRAME,
            meta=None if metadata is None else given_map(metadata, "metadata"),
            sources=[record],
            timestamp=timestamp,
        )
        self._home = None
        self._object_id: ObjectId | None = None
        self._random_id: str | None = None
        self._member = None
        self._rois = None
        self._annotations = []
        self._ties = None
        if size is not None:
            self.size = size
        if hash is not None:
            self.hash = hash
        if preview_uri is not None:
            self.preview_uri = preview_uri
        if preview_uri_timestamp is not None:
            self.preview_uri_timestamp = preview_uri_timestamp
        if annotations is not None:
            self.annotations = annotations
        if mask_source is not None:
            one = isinstance(mask_source, (str, os.PathLike))
            self.masks_source = [mask_source] if one else mask_source  # type: ignore[list-item, assignment]

    # What the frame is, and where it was read.

    @property
    def id(self) -> str:
        """The frame's id: as given or stored; else it follows from the source, or is random."""
        if self._record.id is not None:
            return self._record.id
        if self._record.sources[0].uri:
            return derive_frame_id(self._record.sources)
        if self._random_id is None:
            self._random_id = new_id()
        return self._random_id

    @property
    def object_id(self) -> ObjectId | None:
        """The stored object that this frame was read from; None for a frame made here."""
        return self._object_id

    @property
    def home(self) -> Home | None:
        """The version that this frame was read from; None for a frame made here."""
        return self._home

    @property
    def origin(self) -> dict[str, str]:
        """Ids and names of the dataset and version that this frame was read from; a new dict."""
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

    # Its place among other frames, and what the user keeps with it.

    @property
    def context_id(self) -> str | None:
        """What the frame belongs to, such as a video; the URI of its source where unset."""
        own = self._record.context_id
        return self._record.sources[0].uri or None if own is None else own

    @context_id.setter
    def context_id(self, value: str | None) -> None:
        self._record.context_id = value

    @property
    def metadata(self) -> Metadata:
        """The user's metadata: a live dict."""
        meta = self._record.meta
        if meta is None:
            meta = self._record.meta = {}
        return meta

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
        """A string that is kept with the frame and that no query sees."""
        return self._record.blob

    @blob.setter
    def blob(self, value: str | None) -> None:
        self._record.blob = value

    # As a value.

    def to_dict(self) -> WireFrame:
        """Return the frame as nested dicts and lists; they share nothing that edits the frame."""
        record = self._record
        source = record.sources[0]
        if self._member is not None:  # By itself it is no longer what the group called it.
            source = copy.copy(source)
            source.id = DEFAULT
        empty = not source.uri and source == _NOTHING
        wire = frame_wire(record, [] if empty else [source])
        own = [source.id]
        raw = record.rois  # Before the others: another thread may be about to let go of it.
        if self._rois is None and self._annotations is None:
            # Nobody looked at them, so no annotation has to be made.
            rois = new_roi_wires(read_rois(raw, what="ROIs"), own) if raw else []
        else:
            rois = self._roi_wires()
            for roi in rois:
                if "sources" in roi and roi["sources"] != own:  # It was in another frame before.
                    roi["sources"] = own.copy()
        if rois:
            wire["rois"] = rois
        return wire

    @staticmethod
    def from_dict(wire: Mapping[str, object]) -> "SingleFrame":
        """Return the frame of a wire dict, which is a FrameGroup where the dict says so."""
        record = record_of_wire(wire)
        assert record.kind is not None
        made = makers[record.kind](record)
        return cast("SingleFrame", made)

    def copy(self) -> "SingleFrame":
        """Return an independent frame of the same content, with a new random id."""
        made = copy.deepcopy(self)
        made._record.id = new_id()
        made._object_id = None
        return made

    def __eq__(self, other: object) -> bool:
        """Compare by content: what would be stored, whatever the objects that hold it.

        Numbers are equal by value, 1 and 1.0 too.
        """
        if not isinstance(other, SingleFrame):
            return NotImplemented
        return self is other or same_content(self, other)

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> object:
        """Return what a copy or a pickle holds: of a member of a group its own ROIs only."""
        if self._record.id is None and not self._record.sources[0].uri:
            self._random_id = self.id  # It is made when somebody asks, and a copy has the same.
        if self._member is not None:
            self.annotations  # noqa: B018 - shares them out.
        self._ties = None
        return super().__getstate__()

    def __repr__(self) -> str:
        source = self._record.sources[0]
        said = [f"id={id_in_brief(self)}", f"source={brief(self.source)}"]
        if source.width is not None and source.height is not None:
            said.append(f"size={source.width}x{source.height}")
        said.append(f"annotations={self._said_annotations()}")
        return f"{type(self).__name__}({', '.join(said)})"


def single_frame(
    record: FrameRecord,
    rois: Rois | None = None,
    home: Home | None = None,
    object_id: ObjectId | None = None,
    member: str | None = None,
) -> SingleFrame:
    """Return the frame that holds a record of one source, whose URIs are absolute.

    Its ROIs are `rois`, or where that is None those in the record. `member` is its name in the
    group whose ROIs it shares.
    """
    frame = SingleFrame.__new__(SingleFrame)
    frame._record = record
    frame._rois = rois
    frame._annotations = frame._ties = None
    frame._home = home
    frame._object_id = object_id
    frame._random_id = None
    frame._member = member
    return frame


def _single_of_wire(record: WholeRecord) -> SingleFrame:
    bare = without_rois(record)
    if not bare.sources:
        bare.sources = [SourceRecord(id=DEFAULT, uri="")]
    return single_frame(bare, Rois(None, record.rois or []))


makers[FRAME] = _single_of_wire
