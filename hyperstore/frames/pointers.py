"""Every URI of a frame, with what it belongs to, to be read and to be led elsewhere."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from hyperstore.errors import FrameError, a_type
from hyperstore.frames.frame import DEFAULT, SingleFrame
from hyperstore.frames.group import FrameGroup
from hyperstore.frames.home import Home
from hyperstore.frames.records import MaskRecord, PreviewRecord, SourceRecord

__all__ = ["Pointer", "frame_object", "home_of", "pointers", "settle_id"]


class Pointer(NamedTuple):
    """One URI: of a source, or of its preview or one of its masks."""

    member: str
    """The name of the source: of a group's member, or `default`."""
    source: SourceRecord
    target: SourceRecord | PreviewRecord | MaskRecord
    """What has the URI; assign to `target.uri` to lead it elsewhere."""

    @property
    def uri(self) -> str:
        """The URI as the frame has it; of a local file `file:///...`."""
        return self.target.uri

    @property
    def what(self) -> str:
        """Its name in a message."""
        if isinstance(self.target, SourceRecord):
            return f"source {self.member!a}"
        if isinstance(self.target, PreviewRecord):
            return f"preview of source {self.member!a}"
        return f"mask {self.target.id!a} of source {self.member!a}"


def pointers(frame: SingleFrame | FrameGroup) -> Iterator[Pointer]:
    """Yield every URI of a frame: for each source its own, its masks', then its preview's."""
    members = frame.items() if isinstance(frame, FrameGroup) else ((DEFAULT, frame),)
    for name, member in members:
        source = member._record.sources[0]
        if source.uri:
            yield Pointer(name, source, source)
        for mask in source.masks or ():
            yield Pointer(name, source, mask)
        if source.preview is not None:
            yield Pointer(name, source, source.preview)


def home_of(frame: SingleFrame | FrameGroup, pointer: Pointer) -> Home | None:
    """Return where a URI of a frame was read: with the frame, or with the member that has it, where
    members that were read by themselves were put into a new group.
    """
    if frame.home is None and isinstance(frame, FrameGroup):
        return frame[pointer.member].home
    return frame.home


def settle_id(frame: SingleFrame | FrameGroup) -> str:
    """Make the id that follows from a frame's sources its own, whatever becomes of its URIs."""
    frame._record.id = found = frame.id
    return found


def frame_object(frame: object) -> SingleFrame | FrameGroup:
    """Return a frame in any form as an object; the same one where it is one already."""
    if isinstance(frame, (SingleFrame, FrameGroup)):
        return frame
    if not isinstance(frame, Mapping):
        to_dict = getattr(frame, "to_dict", None)
        frame = to_dict() if callable(to_dict) else frame
    if not isinstance(frame, Mapping):
        raise FrameError(
            f"{a_type(frame)} is not a frame; give a SingleFrame, a FrameGroup or a wire dict"
        )
    return SingleFrame.from_dict(frame)
