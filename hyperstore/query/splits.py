"""A view in pieces that travel: each is read by itself, on whatever machine sees the store.

A split names a store, the frames of its versions as they were when it was planned, what is asked
of them, and a range of steps. It is a few kilobytes, opens nothing before it is read, and together
the splits of a plan, one after another, are the view in its own order.

What they read is held against garbage collection as long as a split of the plan lives in the
process that made it.
"""

import pickle
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from hyperstore.codec import replace
from hyperstore.dataset.handle import Handle, reopened
from hyperstore.dataset.view import Frame, View
from hyperstore.errors import MissingObjectError, NotFoundError, QueryError, UsageError, a_type
from hyperstore.ids import ObjectId
from hyperstore.limits import SPLIT_CHUNK, SPLIT_PLANS_KEPT, SPLITS_MAX
from hyperstore.query.checks import plain_number
from hyperstore.query.iteration.course import Course
from hyperstore.query.selection.selection import Part, Selection

__all__ = ["Planned", "Split", "plan_splits"]

_T = TypeVar("_T")


@runtime_checkable
class Planned(Protocol):
    """What is split: a DataView."""

    def course(self) -> Course: ...


@dataclass(frozen=True, slots=True)
class Split:
    """Some consecutive steps of a view; iterating gives their frames."""

    store: str  # The path of the store's folder,
    store_id: str  # and what tells it from another one that stands there.
    versions: tuple[str, ...]  # Those that are read, for people: each as dataset@version.
    start: int  # The first step, counted from 0,
    stop: int  # and the first one after.
    plan: bytes = field(repr=False)  # What is asked, of which frames, in which order.
    held: Selection | None = field(default=None, repr=False, compare=False)

    def __reduce__(self) -> tuple[type["Split"], tuple[object, ...]]:
        here = self.store, self.store_id, self.versions, self.start, self.stop, self.plan
        return Split, here

    def __len__(self) -> int:
        """Return how many steps it has: frames, unless the view goes in clips."""
        return self.stop - self.start

    def __iter__(self) -> Iterator[Frame]:
        course = self.course()
        for start in range(self.start, self.stop, SPLIT_CHUNK):
            read = course.read(range(start, min(start + SPLIT_CHUNK, self.stop)))
            if start == self.start:
                self._remember(course)
            for frames in read:
                yield from frames

    def rows(self, mapper: Callable[[Frame], _T]) -> Iterator[_T]:
        """Yield what the mapper makes of each frame."""
        return map(mapper, self)

    def course(self) -> Course:
        """Return the whole view, its store opened; an error says what is missing from that.

        A process that reads several splits of a plan finds and orders its frames once.
        """
        if not Path(self.store).is_dir():
            raise NotFoundError(
                f"this split is of the store {self.store}, which is not on this machine; mount it "
                "at that path, or plan again with one that all of them see"
            )
        handle = reopened(Path(self.store))
        if handle.database.store_id != self.store_id:
            raise NotFoundError(
                f"another store stands at {self.store} by now ({handle.database.store_id}, not "
                f"{self.store_id}); plan the splits again"
            )
        known = _known.get((self.store_id, self.plan))
        if known is not None and known.selection.handle is handle:
            course = known.copied()
        else:
            course = _unpickled(self.plan)
        course.selection.hold()
        wanted = [ObjectId(one) for part in course.selection.parts for one in _roots(part)]
        with handle.database.reading() as reader:
            missing = set(wanted) - reader.has_many(wanted)
        if missing:
            gone = [
                f"{part.view.home.describe()} ({part.view.content_id[:12]})"
                for part in course.selection.parts
                if not missing.isdisjoint(_roots(part))
            ]
            raise MissingObjectError(
                f"{self.store} no longer has the frames that this split was planned on: those of "
                f"{', '.join(gone)}, as they were then; plan again, or lock the view, which keeps "
                "them"
            )
        return course

    def _remember(self, course: Course) -> None:
        """Keep what was found and ordered, and nothing that it holds, for the other splits."""
        key = self.store_id, self.plan
        _known.pop(key, None)
        while len(_known) >= SPLIT_PLANS_KEPT:
            with suppress(KeyError, StopIteration, RuntimeError):  # Another thread was quicker.
                del _known[next(iter(_known))]
        _known[key] = course.copied()


_known: dict[tuple[str, bytes], Course] = {}  # Of this process, by store and plan.


def plan_splits(dataview: Planned, n: int) -> list[Split]:
    """Return a view in `n` parts, each as long as the others to within a step.

    One after another they give the frames that the view gives now, in its order. There are fewer
    where the view has fewer steps, and none where it has none. QueryError for an endless view.
    """
    wanted = plain_number(n)
    if type(wanted) is not int or not 1 <= wanted <= SPLITS_MAX:
        raise UsageError(f"a view is split in 1 to {SPLITS_MAX} parts, not {n!a:.60}")
    if not isinstance(dataview, Planned):
        raise UsageError(
            f"a DataView is split, not {a_type(dataview)}; one with a query shows a version"
        )
    course = dataview.course()
    selection, count = course.selection, course.count
    if count is None:
        raise QueryError("the view is endless; set maximum_number_of_frames to split it")
    selection.hold()
    handle = selection.handle
    slim = Selection(
        handle, [_slim(handle, part) for part in selection.parts], output_rois=selection.output_rois
    )
    plan = pickle.dumps(Course(slim, course.iteration, course.shape))
    versions = tuple(dict.fromkeys(part.view.home.describe() for part in selection.parts))
    parts = min(wanted, count)
    return [
        Split(
            str(handle.folder),
            handle.database.store_id,
            versions,
            at * count // parts,
            (at + 1) * count // parts,
            plan,
            selection,
        )
        for at in range(parts)
    ]


def _unpickled(plan: bytes) -> Course:
    """Return what was planned, which is to be trusted as much as who sent it."""
    try:
        found = pickle.loads(plan)
    except (pickle.UnpicklingError, AttributeError, ImportError, TypeError) as error:
        raise UsageError(
            f"this split was planned by another release of hyperstore; plan again ({error})"
        ) from None
    assert isinstance(found, Course)
    return found


def _slim(handle: Handle, part: Part) -> Part:
    """Return a part without the metadata of its version, which reading frames does not need."""
    view = part.view
    return part._replace(view=View(handle, replace(view.snapshot, meta={}), view.home))


def _roots(part: Part) -> Iterator[bytes]:
    return iter(part.view.snapshot.roots.values())
