"""Ids that nobody gave follow from content, so that running a script twice changes nothing."""

from collections.abc import Iterable, Sequence, Set

from hyperstore.codec import Unfit, pack
from hyperstore.errors import FrameError
from hyperstore.frames.records import RoiRecord, SourceRecord, read_whole
from hyperstore.frames.values import exact_time
from hyperstore.ids import derived_id

__all__ = ["derive_again", "derive_frame_id", "derive_roi_ids", "derive_tie", "moment_of"]


def derive_frame_id(sources: Iterable[SourceRecord]) -> str:
    """Return the id that follows from the sources, whose URIs are absolute.

    A timestamp takes part where it is neither missing nor 0, so that the frames of one video
    differ and a still image is one frame whether or not its timestamp was written.
    """
    parts: list[list[object]] = []
    for source in sources:
        part: list[object] = [source.id, source.uri]
        moment = source.timestamp
        if type(moment) is not int and moment is not None:
            moment = moment_of(moment)
        if moment:
            part.append(moment)
        parts.append(part)
    return derived_id(pack(parts))


def moment_of(given: object) -> int | None:
    """Return a timestamp that was set on an object and not looked at yet."""
    try:
        return exact_time(given, "timestamp")
    except Unfit as fault:
        raise FrameError(str(fault), path=fault.path) from None


def derive_roi_ids(rois: Sequence[RoiRecord], before: Iterable[RoiRecord]) -> None:
    """Give an id to each ROI that has none.

    It is the hash of what the ROI says of the picture (not how sure it is, nor its metadata) and
    the smallest ordinal that makes it new: no other ROI of this frame has it, and none of the
    frame that this one replaces (`before`) has it for something else.
    """
    taken = {roi.id for roi in rois}
    earlier = {roi.id: pack(_content(roi, 0)) for roi in before}
    tried: dict[bytes, int] = {}  # Up to which ordinal all are taken, so that none is tried twice.
    for roi in rois:
        if roi.id is None:
            # `_content`, without the call: most frames come here several times.
            first = pack(
                [roi.annotation_id, roi.kind, roi.label, roi.mask, roi.poly, roi.sources, 0]
            )
            new = derived_id(first)
            if new in taken or (earlier and earlier.get(new, first) != first):
                ordinal = tried.get(first, 0)
                while new in taken or earlier.get(new, first) != first:
                    ordinal += 1
                    new = derived_id(pack(_content(roi, ordinal)))
                tried[first] = ordinal
            taken.add(new)
            roi.id = new


def derive_again(
    payload: bytes, *, given: Set[str], previous: bytes | None
) -> tuple[bytes, list[str]]:
    """Return a stored frame, and its ROI ids, with those not `given` derived anew.

    `previous` is the stored frame that this one replaces, if there is one.
    """
    record = read_whole(payload, what="frame")
    rois = record.rois or []
    for roi in rois:
        if roi.id not in given:
            roi.id = None
    before = () if previous is None else read_whole(previous, what="frame").rois or ()
    derive_roi_ids(rois, before)
    return pack(record), [roi.id for roi in rois if roi.id is not None]


def _content(roi: RoiRecord, ordinal: int) -> list[object]:
    """Return what an ROI id is the hash of."""
    return [roi.annotation_id, roi.kind, roi.label, roi.mask, roi.poly, roi.sources, ordinal]


def derive_tie(shapes: Sequence[object], taken: Set[object]) -> str:
    """Return the annotation id that ties several shapes drawn in one call."""
    ordinal = 0
    while (new := derived_id(pack([*shapes, ordinal]))) in taken:
        ordinal += 1
    return new
