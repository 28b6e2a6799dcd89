"""What all datasets of one view share: its course, how frames are decoded, what a bad one means."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypedDict, cast, runtime_checkable

from hyperstore.dataset.view import Frame, View
from hyperstore.errors import MediaError, UsageError, a_type
from hyperstore.integrations.ahead import fetched_ahead
from hyperstore.integrations.decode import Decoding, Sample, decode, unreadable
from hyperstore.limits import AHEAD_FRAMES
from hyperstore.query.checks import plain_number
from hyperstore.query.iteration.course import Course
from hyperstore.query.iteration.iterator import FrameIterator
from hyperstore.query.iteration.steps import Iteration
from hyperstore.query.selection.selection import Part, Selection
from hyperstore.query.splits import Planned
from hyperstore.query.views.shape import Shape

__all__ = ["Frames", "LabelIds", "Options", "Samples"]

_log = logging.getLogger("hyperstore.integrations")

LabelIds = Mapping[str, int] | Sequence[str]


@runtime_checkable
class _Viewing(Planned, Protocol):
    """A DataView, whose numbers of labels are asked for, too."""

    def get_labels(self) -> dict[str, int]: ...


@runtime_checkable
class _Versioned(Protocol):
    """A DatasetVersion."""

    def view(self) -> View: ...


Frames = _Viewing | _Versioned | View | FrameIterator
"""What samples come from. Of an iterator it is what it goes through, from its beginning: the way to
draw by weights, with `view.get_iterator(allow_repetition=True)`."""


class Options(TypedDict, total=False):
    """What may be said of the samples of any dataset.

    `labels` numbers them: a dict, or a list, whose items are numbered from 0 (where a detector of
    torchvision takes 0 for the background); else the enumeration of the DataView holds. An
    annotation none of whose labels has a number, or one below 0, is left out. `masks`, `keypoints`
    and `semantic` add these to a target. `transforms` is called with the image and its target, and
    of a FrameGroup with the dict of its members. `read` takes the path of a file and returns what
    stands for its picture. `skip_errors` passes over frames whose files cannot be had or decoded,
    with a warning in the log. `ahead` is of how many further frames media are fetched meanwhile.
    """

    labels: LabelIds
    masks: bool
    keypoints: bool
    semantic: bool
    mode: str
    read: Callable[[str], object]
    transforms: Callable[..., object]
    skip_errors: bool
    ahead: int


class Samples:
    """The samples of a course by the numbers of its steps; a plain value that travels."""

    def __init__(self, frames: Frames, options: Options) -> None:
        unknown = options.keys() - Options.__annotations__.keys()
        if unknown:
            known = ", ".join(sorted(Options.__annotations__))
            raise UsageError(f"there is no option {min(unknown)!a}; there are {known}")
        for name, value in options.items():
            _check_option(name, value)
        self.course = _course_of(frames)
        self.decoding = Decoding(
            label_ids=_label_ids(frames, options.get("labels")),
            wanted=frozenset(
                name
                for name in ("masks", "keypoints", "semantic")
                if cast("dict[str, object]", options).get(name)
            ),
            mode=options.get("mode", "RGB"),
            read=options.get("read"),
            transforms=options.get("transforms"),
        )
        self.skip_errors = options.get("skip_errors", False)
        ahead = plain_number(options.get("ahead", AHEAD_FRAMES))
        if type(ahead) is not int or ahead < 0:
            raise UsageError(f"ahead is a number of frames from 0 on, not {ahead!a:.40}")
        self.ahead = ahead

    def each(
        self, course: Course, chunks: Iterable[Sequence[int]], epoch: int = 0
    ) -> Iterator[Sample]:
        """Yield the sample of each step, None for one that is passed over.

        Steps of a chunk are read together. A clip is the list of its samples, without those that
        are passed over.
        """
        masks = bool({"masks", "semantic"} & self.decoding.wanted)
        clips = course.iteration.has_clips
        clip: list[Sample] = []
        for (number, is_last), frame, fault in fetched_ahead(
            _numbered(course, chunks), self.ahead, masks=masks
        ):
            sample: Sample = None
            try:
                if fault is not None:
                    raise unreadable(frame, fault) from fault
                sample = decode(frame, number, self.decoding, epoch)
            except MediaError as error:
                if not self.skip_errors:
                    raise
                _log.warning("passed over: %s", error)
            if not clips:
                yield sample
                continue
            if sample is not None:
                clip.append(sample)
            if is_last:
                yield clip or None
                clip = []


def _check_option(name: str, value: object) -> None:
    """Raise UsageError for what would fail, or count as True, only when samples are made."""
    if name in ("masks", "keypoints", "semantic", "skip_errors") and not isinstance(value, bool):
        raise UsageError(f"{name} is True or False, not {value!a:.60}")
    if name in ("read", "transforms") and value is not None and not callable(value):
        raise UsageError(f"{name} is a function, not {a_type(value)}")


def _numbered(
    course: Course, chunks: Iterable[Sequence[int]]
) -> Iterator[tuple[tuple[int, bool], Frame]]:
    """Yield each frame with the number of its step, and whether it is the step's last one."""
    for numbers in chunks:
        for number, frames in zip(numbers, course.read(numbers), strict=True):
            for at, frame in enumerate(frames, 1):
                yield (number, at == len(frames)), frame


def _course_of(frames: Frames) -> Course:
    if isinstance(frames, _Viewing):
        return frames.course()
    if isinstance(frames, FrameIterator):
        return Course(frames.selection, frames.iteration, frames.shape)
    view = frames.view() if isinstance(frames, _Versioned) else frames
    if not isinstance(view, View):
        raise UsageError(f"samples come from a DataView or a version, not from {a_type(frames)}")
    return Course(Selection(view.handle, [Part(view)]), Iteration())


def _label_ids(frames: Frames, given: LabelIds | None) -> Mapping[str, int]:
    if given is None:
        shape = frames.shape if isinstance(frames, FrameIterator) else None
        found: Mapping[str, int] | None = None
        if isinstance(frames, _Viewing):
            found = frames.get_labels()
        elif isinstance(shape, Shape):
            found = shape.labels
        if not found:
            raise UsageError(
                "labels need numbers: pass labels=['...', ...] or a dict of them, or call "
                "set_labels of the DataView"
            )
        return found
    pairs: Iterable[tuple[object, object]]
    if isinstance(given, Mapping):
        pairs = given.items()
    elif isinstance(given, (str, bytes)) or not isinstance(given, Sequence):
        raise UsageError(f"labels are a list of names or a dict of numbers, not {a_type(given)}")
    else:
        pairs = zip(given, range(len(given)), strict=True)
    made: dict[str, int] = {}
    for name, typed in pairs:
        number = plain_number(typed)
        if not isinstance(name, str) or type(number) is not int:
            raise UsageError(f"labels: {name!a:.60} with {number!a:.60} is no name with its number")
        if name in made:
            raise UsageError(f"labels: {name!a:.60} stands there twice")
        made[name] = number
    return made
