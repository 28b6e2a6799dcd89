"""What a stored frame says without being read whole: its key in the order, and its counts."""

from posixpath import normpath

from hyperstore.codec import Unfit, pack
from hyperstore.errors import CorruptError, FrameError
from hyperstore.frames.exact import exact_record
from hyperstore.frames.keys import frame_key, order_key
from hyperstore.frames.records import count_rois, read_keys, read_whole
from hyperstore.frames.roots import RESERVED
from hyperstore.frames.wider import MINUS_ZERO, quick_record
from hyperstore.frames.wire import frame_wire, roi_wire

__all__ = ["check_frame", "order_key_of", "roi_count_of"]


def order_key_of(payload: bytes) -> bytes:
    """Return the key of a stored frame in the tree of order. No ROI is decoded."""
    record = read_keys(payload, what="frame")
    first = record.sources[0]
    context, timestamp = record.context_id, record.timestamp
    if context is None:
        context = first.uri
    if timestamp is None:
        timestamp = first.timestamp or 0
    try:
        return order_key(context, timestamp, frame_key(record.id))
    except FrameError as fault:
        raise CorruptError(f"a stored frame has no key: {fault}") from None


def roi_count_of(payload: bytes) -> int:
    """Return the number of ROIs of a stored frame. None is decoded."""
    rois = read_keys(payload, what="frame").rois
    return len(count_rois(rois, what="ROIs")) if rois else 0


def check_frame(payload: bytes) -> None:
    """Raise CorruptError unless these are, to the byte, what would be written for this frame.

    Stricter than reading, which passes over what nobody touches: for fsck, and for what comes from
    another store. The frame is turned into its wire form and taken in again.
    """
    record = read_whole(payload, what="frame")
    if pack(record) != payload:
        raise CorruptError("a stored frame is not in canonical form")
    if record.id is None or record.kind is None:
        raise CorruptError("a stored frame has no id or no kind")
    if any(roi.id is None for roi in record.rois or ()):
        raise CorruptError("a stored ROI has no id")
    order_key_of(payload)
    for source in record.sources:
        for picture in (source, source.preview, *(source.masks or ())):
            if picture is not None and picture.uri.startswith(RESERVED):
                picture.uri = _surrogate(picture.uri)
    wire = frame_wire(record, record.sources)
    wire["rois"] = [roi_wire(roi) for roi in record.rois or ()]
    try:
        # The quick way cannot see a -0.0. Either way refuses what `decode` would, and is quicker.
        quick = None if MINUS_ZERO in payload else quick_record(wire)
        again = quick or exact_record(wire)
    except Unfit as fault:
        raise CorruptError(f"a stored frame breaks a rule of frames: {fault}") from None
    if pack(again) != pack(record):
        raise CorruptError("a stored frame is not as it would be written")


def _surrogate(uri: str) -> str:
    """Return a URI that may be given in place of one relative to a root, which may not."""
    _, slash, path = uri[len(RESERVED) :].partition("/")
    if not slash or normpath(slash + path) != slash + path:
        raise CorruptError(f"the stored URI {uri!a} is not of a file inside a root")
    return f"file:///{uri}"
