"""From stored bytes to frames, decoding no more than is touched."""

from typing import TypeAlias

from hyperstore.errors import CorruptError
from hyperstore.frames.drawing import Rois
from hyperstore.frames.frame import SingleFrame, single_frame
from hyperstore.frames.group import FrameGroup, group_frame
from hyperstore.frames.home import Home
from hyperstore.frames.prepare import Prepared
from hyperstore.frames.records import GROUP, read_lazily
from hyperstore.frames.roots import Roots
from hyperstore.frames.wire import absolute_sources
from hyperstore.ids import ObjectId

__all__ = ["Frame", "read_frame", "settle"]

Frame: TypeAlias = SingleFrame | FrameGroup


def read_frame(
    payload: bytes, *, home: Home | None, object_id: ObjectId | None, roots: Roots
) -> Frame:
    """Return the frame of a stored payload; CorruptError for bytes that are none.

    ROIs are decoded when they are first touched, and a fault in them shows then.
    """
    record = read_lazily(payload, what="frame")
    absolute_sources(record.sources, roots)
    if record.id is None or record.kind is None:
        raise CorruptError("a stored frame has no id or no kind")
    if record.kind == GROUP:
        return group_frame(record, Rois(record.rois), home=home, object_id=object_id)
    return single_frame(record, None, home, object_id)


def settle(frame: Frame, prepared: Prepared, *, object_id: ObjectId, home: Home | None) -> None:
    """Tell a frame object the ids under which it was stored, so that it keeps them when edited."""
    frame._record.id = prepared.frame_id
    frame._object_id, frame._home = object_id, home
    for member in frame.values() if isinstance(frame, FrameGroup) else ():
        member._home = home
    if prepared.roi_ids is not None:
        for roi, roi_id in zip(frame._rois_in_order(), prepared.roi_ids, strict=True):
            roi.id = roi_id
