"""The part of a DataView that reads: versions, counts, iterators.

Whatever it begins goes on, on the state of the versions that it found then; what is asked next is
asked of what they hold by then.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from pyroaring import BitMap

from hyperstore.dataset.arguments import documented
from hyperstore.dataset.view import Frame, View
from hyperstore.errors import QueryError, UsageError
from hyperstore.query import checks
from hyperstore.query.iteration.iterator import FrameIterator, Iteration
from hyperstore.query.iteration.permutation import synthetic_epoch
from hyperstore.query.selection.selection import Selection
from hyperstore.query.versionsets.parts import Found, Part
from hyperstore.query.views.counts import Count
from hyperstore.query.views.definition import Definition
from hyperstore.query.views.dicts import Dicts
from hyperstore.query.views.mapping import MappingRule
from hyperstore.query.views.queries import Query
from hyperstore.query.views.shape import Shape
from hyperstore.query.views.versions import check_some_dataset, newer_views, pinned, views_of

__all__ = ["DEFAULT_SEED", "Reading", "Resolved"]

DEFAULT_SEED = 1337
"""Of a shuffled iteration for which no seed was said."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The queries of a view with the frames of the versions that they are asked of, by now."""

    queries: tuple[Query, ...]
    views: tuple[tuple[View, ...], ...]  # Of each query.

    @property
    def state(self) -> tuple[tuple[str, ...], ...]:
        """What tells whether anything has changed: which frames which versions have."""
        return tuple(
            tuple(f"{one.home.version_id} {one.content_id}" for one in views)
            for views in self.views
        )

    def parts(self, weights: Sequence[Sequence[float]] | None = None) -> list[Part]:
        """Return what a selection is made of: each query in each of its versions.

        With weights, which are of what each version adds, a query has a frame in one of them.
        """
        return [
            Part(view, query.condition(), query.weight)
            if weights is None
            else Part(view, query.condition(), weights[at][number], at)
            for at, (query, views) in enumerate(zip(self.queries, self.views, strict=True))
            for number, view in enumerate(views)
        ]

    def of_queries(self, found: Sequence[Found]) -> list[list[BitMap]]:
        """Return for each part what it has and no earlier one of its query has, by query.

        Versions of one dataset share frames, and a query has each of them once.
        """
        parts = iter(found)
        sets: list[list[BitMap]] = []
        for views in self.views:
            seen: dict[str, BitMap] = {}
            own = []
            for view in views:
                one = next(parts)
                before = seen.get(view.home.dataset_id, BitMap())
                frames = (one.frames | one.removed) - before
                seen[view.home.dataset_id] = before | frames
                own.append(frames)
            sets.append(own)
        return sets


class Reading(Definition):
    """What a view does."""

    _first = 0  # Where its next iterators begin.
    _last: FrameIterator | None = None
    _held: tuple[object, Selection] | None = None

    def __getstate__(self) -> dict[str, object]:
        state = super().__getstate__()
        for name in ("_last", "_held"):  # Each process has its own.
            state.pop(name, None)
        return state

    # What it comes to.

    def resolve(self) -> Resolved:
        """Return which versions it means, as they are now.

        QueryError where it says nothing, NotFoundError where what it names is not there.
        """
        handle = self._store_handle()
        check_some_dataset(self._spec.queries)
        queries = tuple(pinned(handle, one) for one in self._spec.queries)
        self._spec.queries = list(queries)
        return Resolved(queries, tuple(tuple(views_of(handle, one)) for one in queries))

    def selection(self) -> Selection:
        """Return the frames that it asks for, in order: exact, lazy, picklable; see Selection."""
        return self._drawn(self.resolve(), self.iteration, ends=True)[0]

    def _selected(self, found: Resolved) -> Selection:
        key = (found.queries, found.state, self._spec.output_rois)
        held = self._held
        if held is None or held[0] != key:
            handle = self._store_handle()
            made = Selection(handle, found.parts(), output_rois=self._spec.output_rois)
            held = self._held = (key, made)
        return held[1]

    @property
    def iteration(self) -> Iteration:
        """How it is gone through, as one value."""
        spec = self._spec
        return Iteration(
            order=spec.order,
            infinite=spec.infinite,
            limit=spec.limit,
            seed=DEFAULT_SEED if spec.seed is None else spec.seed,
            clip_frames=spec.clip_frames,
            clip_ms=spec.clip_ms,
            jump_ms=spec.jump_ms,
        )

    @property
    def shape(self) -> Shape:
        """What is done to each frame that it gives out; picklable."""
        return self._shaped(self.resolve())

    def _shaped(self, found: Resolved) -> Shape:
        handle = self._store_handle()
        return Shape(
            output_rois=self._spec.output_rois,
            conditions=tuple(one.condition for one in found.parts()),
            rules=self._mapping(),
            labels=dict(self._spec.labels) or None,
            roots=handle.roots,
        )

    def _mapping(self) -> tuple[MappingRule, ...]:
        """Return its mapping rules with ids in the place of names."""
        handle = self._store_handle()
        return tuple(pinned(handle, one, current=False) for one in self._spec.rules)

    def _drawn(
        self, found: Resolved, iteration: Iteration, *, ends: bool
    ) -> tuple[Selection, Iteration]:
        """Return what is gone through, and how: with weights, and for how long.

        Where shares matter, that of a query is divided among its versions by what each adds to it.
        """
        spec, whole = self._spec, self._selected(found)
        weights = [float(one.weight) for one in found.queries]
        differ = spec.relative_weights or len(set(weights)) > 1
        divides = differ and iteration.limit is not None and iteration.is_random
        if not iteration.repeats and not divides:
            return whole, iteration
        once = whole
        if any(len(one) > 1 for one in found.views):
            owned = zip(
                whole.found, chain.from_iterable(found.of_queries(whole.found)), strict=True
            )
            once = Selection(
                self._store_handle(),
                found.parts(),
                output_rois=spec.output_rois,
                found=[Found(one.frames & own, one.removed & own) for one, own in owned],
            )
        left = iter(once.sizes)
        sizes = [[next(left) for _ in views] for views in found.views]
        counts = list(map(sum, sizes))
        if spec.relative_weights:
            weights = [one * max(count, 1) for one, count in zip(weights, counts, strict=True)]
        if iteration.allow_repetition and iteration.limit is None:
            limit = synthetic_epoch(counts, weights) if ends else None
            iteration = replace(iteration, limit=limit or None, infinite=not ends)
        if once is whole and not spec.relative_weights:
            return whole, iteration
        shares = [
            [weight * (one / count) if one else weight for one in own]
            for weight, count, own in zip(weights, counts, sizes, strict=True)
        ]
        return once.copied(found.parts(shares)), iteration

    # Counting.

    def get_count(self) -> Count:
        """Return how many frames it has; and by `[1]` or unpacking, how many each query has.

        A frame that several queries find counts once. Of an output with a frame for each ROI it is
        frames still; `len()` counts what an iteration gives out.
        """
        found = self.resolve()
        return self._counted(found)

    def _counted(self, found: Resolved) -> Count:
        whole = self._selected(found)
        sets = found.of_queries(whole.found)
        return Count(whole.frame_count, [sum(map(len, one)) for one in sets])

    def __len__(self) -> int:
        """Return how many frames an iteration gives out; of an endless one, how many differ."""
        limit = self._spec.limit
        if self._first and not (self._spec.infinite and limit is None):
            selection, iteration = self._drawn(self.resolve(), self.iteration, ends=True)
            return len(self._begun(FrameIterator(selection, iteration)))
        count = len(self.selection())
        if limit is None:
            return count
        return limit if self._spec.infinite and count else min(limit, count)

    # Iterating.

    def __iter__(self) -> Iterator[Frame]:
        return iter(self.get_iterator())

    @documented
    def get_iterator(
        self,
        projection: Sequence[str] | None = None,
        query_cache_size: int | None = None,
        query_queue_depth: int = 5,
        allow_repetition: bool = False,
        auto_synthetic_epoch_limit: bool | None = None,
        node_id: int | None = None,
        *,
        worker_index: int | None = None,
        num_workers: int | None = None,
        num_nodes: int | None = None,
        cache_in_memory: bool = False,
    ) -> FrameIterator:
        """Return an iterator over the frames; with a projection, a list of paths, over dicts.

        It knows where it is, so that it can be saved and resumed: see FrameIterator. With
        `allow_repetition` queries give their shares by weight, frames coming again where one has
        fewer; unless a limit is set it ends after a synthetic epoch, in which the largest query
        gives each of its frames about once, or with `auto_synthetic_epoch_limit=False` never.
        Of `num_nodes` machines each gives `node_id` its number, and on it each of `num_workers`
        processes `worker_index`; together they give every frame once. What is read ahead and how
        is not for callers to say: `query_cache_size`, `query_queue_depth` and `cache_in_memory`
        change nothing but what is refused.
        """
        checks.checked_count(query_cache_size, "query_cache_size")
        checks.checked_count(query_queue_depth, "query_queue_depth")
        node = _share(node_id, num_nodes, "node_id", "num_nodes")
        worker = _share(worker_index, num_workers, "worker_index", "num_workers")
        found = self.resolve()
        iteration = replace(self.iteration, allow_repetition=allow_repetition)
        ends = auto_synthetic_epoch_limit is not False
        selection, iteration = self._drawn(found, iteration, ends=ends)
        shape = self._shaped(found)
        if projection is None:
            hand = self._handing(shape)
        else:
            hand = self._dicts(found, shape, projection)
        made = FrameIterator(
            selection,
            iteration,
            shape=hand,  # type: ignore[arg-type]
            node=node,
            worker=worker,
        )
        self._last = self._begun(made)
        return made

    def _begun(self, made: FrameIterator) -> FrameIterator:
        """Return an iterator where iterators of this view begin."""
        if self._first:
            made.set_initial_iteration(self._first)
        return made

    def get_current_iteration(self) -> int:
        """Return how many frames the iterator made last has given out, over all its shares."""
        return self._first if self._last is None else self._last.get_current_iteration()

    def set_initial_iteration(self, iteration: int) -> None:
        """Let the iterators made from now on begin after so many frames.

        So do `to_list`, `to_dict` and `len()`. Counts, splits and tables are of the whole view.
        """
        first = checks.plain_number(iteration)
        if type(first) is not int or first < 0:
            raise QueryError(f"an iteration is a whole number of 0 or more, not {iteration!a:.100}")
        self._first, self._last = first, None

    def _handing(self, shape: Shape) -> Callable[..., object] | None:
        """Return what makes of a frame that was read what is handed out; None for the frame."""
        return None if shape.is_plain else shape

    def _dicts(self, found: Resolved, shape: Shape, projection: Sequence[str] | None) -> Dicts:
        handle = self._store_handle()
        called = [
            (query.name or f"rule_{at}", query)
            for at, (query, views) in enumerate(zip(found.queries, found.views, strict=True))
            for _ in views
        ]
        views = [view for several in found.views for view in several]
        newer = [
            of_query.get(view.home.dataset_id)
            for of_query, several in zip(self._newer(found), found.views, strict=True)
            for view in several
        ]
        return Dicts(handle, shape, projection, views, called, newer)

    def _newer(self, found: Resolved) -> list[Mapping[str, View]]:
        """Return for each query what its frames are to be merged with, by dataset."""
        handle = self._store_handle()
        pairs = zip(found.queries, found.views, strict=True)
        return [newer_views(handle, query, views) for query, views in pairs]


def _share(at: int | None, of: int | None, one: str, all_: str) -> tuple[int, int]:
    """Return which share of how many is wanted."""
    if of is None:
        if at not in (None, 0):
            raise UsageError(f"{one}={at!a:.60} is one of several: give {all_} too")
        return 0, 1
    count = checks.checked_count(of, all_) or 1
    place = checks.plain_number(at)
    if type(place) is not int or not 0 <= place < count:
        raise UsageError(f"{one} is a whole number from 0 to {count - 1}, not {at!a:.60}")
    return place, count
