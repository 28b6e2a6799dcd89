"""What a view changes in frames that it gives out: their ROIs, when somebody looks at them."""

from collections.abc import Callable, Mapping

from hyperstore.frames.drawing import Rois
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.group import FrameGroup
from hyperstore.frames.records import RoiRecord, read_rois

__all__ = ["Change", "reshape", "stored_rois"]

Change = Callable[[list[RoiRecord]], list[RoiRecord]]
"""From the ROIs of a frame as they are stored to those that readers see."""


def reshape(
    frame: SingleFrame | FrameGroup, change: Change | None, numbers: Mapping[str, int] | None
) -> None:
    """Let a frame that was just read show its ROIs changed, and labels as numbers.

    Nothing is decoded for it. A frame in whose annotations somebody looked already stays.
    """
    if isinstance(frame, FrameGroup):
        rois = Rois(frame._rois._raw, frame._rois._records, change=change, numbers=numbers)
        frame._rois = rois
        for member in frame.values():
            member._rois = rois
    elif frame._annotations is None:
        frame._rois = Rois(frame._record.rois, change=change, numbers=numbers)


def stored_rois(frame: SingleFrame | FrameGroup) -> list[RoiRecord]:
    """Return the ROIs of a frame that was just read, as they are stored; the caller owns them."""
    raw = frame._rois._raw if isinstance(frame, FrameGroup) else frame._record.rois
    return read_rois(raw, what="ROIs") if raw else []
