"""Where the frames of tables come from: a view's stored bytes, or frames one by one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol, TypeAlias, runtime_checkable

from hyperstore.dataset.view import Frame, View
from hyperstore.errors import UsageError, a_type
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.own import record_of_frame
from hyperstore.frames.records import WholeRecord, read_lazily, read_whole
from hyperstore.frames.wider import DOUBTS, record_of_wire
from hyperstore.frames.wire import absolute_sources
from hyperstore.limits import TABLE_BATCH_FRAMES
from hyperstore.query.tabular.rows import Batch, Record, read_light

__all__ = ["Frames", "Positions", "batches_of"]


@runtime_checkable
class Positions(Protocol):
    """Frames that are read by their positions, such as a Selection."""

    def __len__(self) -> int: ...

    def read(self, positions: Sequence[int]) -> list[Frame]: ...


Frames: TypeAlias = View | Positions | Iterable[Frame]
"""What tables are made of. What can be gone through only once gives no columns of metadata."""


def batches_of(frames: Frames, *, rois: bool, light: bool = False) -> Iterator[Batch]:
    """Yield the frames in order, some at a time; with `rois` these are decoded too.

    With `light` there may be LightFrames in place of their records.
    """
    if isinstance(frames, View):
        yield from _of_light(frames) if light else _of_view(frames, rois=rois)
        return
    first = 0
    source = _read(frames) if isinstance(frames, Positions) else iter(frames)
    while chunk := list(islice(source, TABLE_BATCH_FRAMES)):
        ids = [getattr(one, "object_id", None) for one in chunk]
        yield Batch(
            first, [getattr(one, "home", None) for one in chunk], ids, list(map(_record, chunk))
        )
        first += len(chunk)


def _of_view(view: View, *, rois: bool) -> Iterator[Batch]:
    """Give batches from stored bytes, without a frame object between."""
    read: Callable[..., Record] = read_whole if rois else read_lazily
    source, first, roots = view.payloads(), 0, view.roots
    while chunk := list(islice(source, TABLE_BATCH_FRAMES)):
        records = [read(payload, what="frame") for _, payload in chunk]
        for record in records:
            absolute_sources(record.sources, roots)
        yield Batch(first, [view.home] * len(chunk), [one for one, _ in chunk], records)
        first += len(chunk)


def _of_light(view: View) -> Iterator[Batch]:
    """Give batches of what is asked for most often."""
    source, first = view.payloads(), 0
    while chunk := list(islice(source, TABLE_BATCH_FRAMES)):
        records = [read_light(payload, what="frame") for _, payload in chunk]
        yield Batch(first, [view.home] * len(chunk), [one for one, _ in chunk], records)
        first += len(chunk)


def _read(frames: Positions) -> Iterator[Frame]:
    count = len(frames)
    for start in range(0, count, TABLE_BATCH_FRAMES):
        yield from frames.read(range(start, min(start + TABLE_BATCH_FRAMES, count)))


def _record(frame: object) -> WholeRecord:
    """Return the record of a frame, or of a wire dict, as it would be stored."""
    if isinstance(frame, SingleFrame):
        try:
            record = record_of_frame(frame)
        except DOUBTS:
            record = None
        if record is not None:
            return record
    to_dict = getattr(frame, "to_dict", None)
    wire = to_dict() if callable(to_dict) else frame
    if not isinstance(wire, dict):
        raise UsageError(f"tables are made of frames, not of {a_type(frame)}")
    return record_of_wire(wire)
