"""What a stored frame says without being read whole: its key in the order, and its counts."""

from hyperstore.errors import CorruptError, FrameError
from hyperstore.frames.keys import frame_key, order_key
from hyperstore.frames.records import count_rois, read_keys

__all__ = ["order_key_of", "roi_count_of"]


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
