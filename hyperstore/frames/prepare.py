"""From a frame in any form to the bytes that are stored, and the keys under which it is found."""

from collections.abc import Callable, Mapping
from typing import Protocol

from hyperstore.codec import Struct, Unfit, check_size, pack
from hyperstore.errors import FrameError, HyperstoreError, a_type
from hyperstore.frames.derive import derive_frame_id, derive_roi_ids
from hyperstore.frames.exact import exact_record
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.keys import frame_key, order_key
from hyperstore.frames.own import record_of_frame
from hyperstore.frames.records import WholeRecord, read_whole
from hyperstore.frames.roots import Roots
from hyperstore.frames.wider import DOUBTS, MINUS_ZERO, distinct_or_not
from hyperstore.frames.words import brief
from hyperstore.limits import ITEMS_MAX

__all__ = ["Prepared", "WireSource", "prepare", "prepare_exactly"]


class WireSource(Protocol):
    """A frame object: whatever can say itself as a wire frame."""

    def to_dict(self) -> dict[str, object]: ...


class Prepared(Struct, frozen=True, gc=False):
    """A frame that is fit to be stored."""

    frame_id: str
    key: bytes
    """Its key in the tree of frames."""
    order_key: bytes
    payload: bytes
    roi_count: int
    roi_ids: list[str | None] | None
    """The ids of its ROIs where one was derived, and so depends on the frame that this one
    replaces; else None."""
    given: tuple[str, ...]
    """Those of them that were given."""

    @property
    def derived(self) -> bool:
        """Whether an ROI id was derived."""
        return self.roi_ids is not None


Wire = Mapping[str, object]


def prepare(frame: Wire | WireSource, *, roots: Roots, previous: bytes | None = None) -> Prepared:
    """Return the stored form of a frame; FrameError names the first place that is unfit.

    `previous` is the payload of the frame that this one replaces, if there is one. Whatever an
    object or a class of a user raises becomes a FrameError too: the frames beside it are fit.
    """
    try:
        return _prepared(frame, roots, previous)
    except (HyperstoreError, MemoryError):
        raise
    except Exception as fault:
        raise FrameError(f"the frame cannot be stored: {brief(fault)}") from fault


def _prepared(frame: Wire | WireSource, roots: Roots, previous: bytes | None) -> Prepared:
    try:
        if type(frame) is dict:
            record = distinct_or_not(frame)
        elif isinstance(frame, SingleFrame):
            record = record_of_frame(frame) or distinct_or_not(_wire_of(frame))
        else:
            record = distinct_or_not(_wire_of(frame))
        if record is not None:
            prepared = _finish(record, roots, previous)
            # From the end: a needle with a rare first byte is found faster that way.
            if prepared.payload.rfind(MINUS_ZERO) < 0:
                return prepared
    except DOUBTS:
        pass
    return _exactly(_wire_of(frame), roots, previous)


def prepare_exactly(
    frame: Wire | WireSource, *, roots: Roots, previous: bytes | None = None
) -> Prepared:
    """Do what `prepare` does, the long way: for tests that hold the short way to it."""
    return _exactly(_wire_of(frame), roots, previous)


def _wire_of(frame: Wire | WireSource) -> Wire:
    if isinstance(frame, dict):
        return frame
    to_dict: Callable[[], object] | None = getattr(frame, "to_dict", None)
    if callable(to_dict):
        wire = to_dict()
        if isinstance(wire, dict):
            return wire
        raise FrameError(f"to_dict() of {a_type(frame)} gives a wire dict, not {a_type(wire)}")
    if isinstance(frame, Mapping):
        return frame
    raise FrameError(
        f"{a_type(frame)} is not a frame; give a SingleFrame, a FrameGroup or a wire dict"
    )


def _exactly(wire: Wire, roots: Roots, previous: bytes | None) -> Prepared:
    try:
        return _finish(exact_record(wire), roots, previous)
    except Unfit as fault:
        given = wire.get("id")
        frame_id = given if isinstance(given, str) else None
        place = "" if fault.path else "the frame cannot be stored: "
        raise FrameError(f"{place}{fault}", path=fault.path, frame_id=frame_id) from None


def _finish(record: WholeRecord, roots: Roots, previous: bytes | None) -> Prepared:
    """Fill in the ids, make local files relative to their roots, and encode."""
    sources = record.sources
    first = sources[0]
    frame_id = record.id
    if frame_id is None:
        record.id = frame_id = derive_frame_id(sources)
    for source in sources:
        source.uri = roots.stored(source.uri)
        if source.preview is not None:
            source.preview.uri = roots.stored(source.preview.uri)
        for mask in source.masks or ():
            mask.uri = roots.stored(mask.uri)
    rois = record.rois
    roi_ids = None
    given: list[str] = []
    if rois is None:
        rois = []
    else:
        ids = {roi.id for roi in rois}
        if len(ids) != len(rois) or None in ids:
            given = [roi.id for roi in rois if roi.id is not None]
            if len(given) != len(set(given)):
                raise Unfit("rois", "two ROIs have one id")
            before = () if previous is None else read_whole(previous, what="frame").rois or ()
            derive_roi_ids(rois, before)
            roi_ids = [roi.id for roi in rois]
    key = frame_key(frame_id)
    context, timestamp = record.context_id, record.timestamp
    if context is None:
        context = first.uri
    if timestamp is None:
        timestamp = first.timestamp or 0
    order = order_key(context, timestamp, key)
    payload = pack(record)
    if len(payload) > ITEMS_MAX:  # Less cannot be over a limit.
        check_size(payload)
    return Prepared(frame_id, key, order, payload, len(rois), roi_ids, tuple(given))
