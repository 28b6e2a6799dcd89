"""What a stored frame says without being read whole: its key in the order, and its counts."""

from hyperstore.codec import decode, pack
from hyperstore.errors import CorruptError, FrameError
from hyperstore.frames.geometry import poly_fault
from hyperstore.frames.keys import frame_key, order_key
from hyperstore.frames.records import count_rois, read_keys, read_whole

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
    another store.
    """
    decode(payload, what="frame")
    record = read_whole(payload, what="frame")
    if pack(record) != payload:
        raise CorruptError("a stored frame is not in canonical form")
    if record.id is None or record.kind is None:
        raise CorruptError("a stored frame has no id or no kind")
    order_key_of(payload)
    known = {source.id for source in record.sources}
    if len(known) != len(record.sources):
        raise CorruptError("a stored frame has two sources of one id")
    seen = set()
    for roi in record.rois or ():
        if roi.id is None or roi.id in seen or not roi.label:
            raise CorruptError(f"the stored ROI {roi.id!a} has no label or no id of its own")
        seen.add(roi.id)
        if not known.issuperset(roi.sources or ()):
            raise CorruptError(f"the stored ROI {roi.id!a} names a source that is not there")
        if roi.poly is not None and poly_fault(roi.kind, roi.poly):
            raise CorruptError(f"the shape of the stored ROI {roi.id!a} is malformed")
