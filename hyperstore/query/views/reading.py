"""What a view gives out: which frames, how often, in which order, in which shape.

All of it is asked of what the view was resolved to: what begins goes on, on the state of the
versions that was found then.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from hyperstore.errors import QueryError, UsageError
from hyperstore.query import checks
from hyperstore.query.iteration.iterator import FrameIterator, Iteration
from hyperstore.query.iteration.permutation import synthetic_epoch
from hyperstore.query.selection.selection import Selection
from hyperstore.query.versionsets.parts import Found
from hyperstore.query.views.counts import Count
from hyperstore.query.views.dicts import Dicts
from hyperstore.query.views.resolved import Resolved
from hyperstore.query.views.shape import Shape
from hyperstore.query.views.spec import Spec
from hyperstore.query.views.state import ViewState

__all__ = [
    "DEFAULT_SEED",
    "begun",
    "begun_at",
    "counted",
    "dicts_of",
    "drawn",
    "iteration_of",
    "length",
    "selected",
    "shape_of",
    "share_of",
]

DEFAULT_SEED = 1337
"""Of a shuffled iteration for which no seed was said."""


def iteration_of(spec: Spec) -> Iteration:
    """Return how a view is gone through, as one value."""
    return Iteration(
        order=spec.order,
        infinite=spec.infinite,
        limit=spec.limit,
        seed=DEFAULT_SEED if spec.seed is None else spec.seed,
        clip_frames=spec.clip_frames,
        clip_ms=spec.clip_ms,
        jump_ms=spec.jump_ms,
    )


def selected(state: ViewState, found: Resolved) -> Selection:
    """Return the frames, each once; kept for the next question about the same ones."""
    output = state.spec.output_rois
    key = (found.queries, found.state, output)
    held = state.held.selection
    if held is None or held[0] != key:
        made = Selection(state.handle, found.parts(), output_rois=output)
        held = state.held.selection = (key, made)
    return held[1]


def drawn(
    state: ViewState, found: Resolved, iteration: Iteration, *, ends: bool = True
) -> tuple[Selection, Iteration]:
    """Return what is gone through, and how: with weights, and for how long.

    Where shares matter, that of a query is divided among its versions by what each adds to it.
    """
    spec, whole = state.spec, selected(state, found)
    weights = [float(one.weight) for one in found.queries]
    differ = spec.relative_weights or len(set(weights)) > 1
    divides = differ and iteration.limit is not None and iteration.is_random
    if not iteration.repeats and not divides:
        return whole, iteration
    once = whole
    if any(len(one) > 1 for one in found.views):
        owned = zip(whole.found, chain.from_iterable(found.of_queries(whole.found)), strict=True)
        once = Selection(
            state.handle,
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


def counted(state: ViewState, found: Resolved) -> Count:
    """Return how many frames there are, and how many each query has."""
    whole = selected(state, found)
    sets = found.of_queries(whole.found)
    return Count(whole.frame_count, [sum(map(len, one)) for one in sets])


def length(state: ViewState, found: Resolved) -> int:
    """Return how many frames an iteration gives out; of an endless one, how many differ."""
    spec = state.spec
    selection, way = drawn(state, found, iteration_of(spec))
    if state.first and not (spec.infinite and spec.limit is None):
        return len(begun(state, FrameIterator(selection, way)))
    count = len(selection)
    if spec.limit is None:
        return count
    return spec.limit if spec.infinite and count else min(spec.limit, count)


# How frames go out.


def shape_of(state: ViewState, found: Resolved) -> Shape:
    """Return what is done to each frame."""
    handle, spec = state.handle, state.spec
    return Shape(
        output_rois=spec.output_rois,
        conditions=tuple(one.condition for one in found.parts()),
        rules=state.origin.rules(handle, spec),
        labels=dict(spec.labels) or None,
        roots=handle.roots,
    )


def dicts_of(
    state: ViewState, found: Resolved, shape: Shape, projection: Sequence[str] | None
) -> Dicts:
    """Return what makes a dict of each frame, or of the parts of it that a projection names."""
    handle = state.handle
    called = [
        (query.name or f"rule_{at}", query)
        for at, (query, views) in enumerate(zip(found.queries, found.views, strict=True))
        for _ in views
    ]
    views = [view for several in found.views for view in several]
    newer = [
        of_query.get(view.home.dataset_id)
        for of_query, several in zip(state.origin.merged(handle, found), found.views, strict=True)
        for view in several
    ]
    return Dicts(handle, shape, projection, views, called, newer)


# Where an iteration begins, and whose it is.


def begun(state: ViewState, made: FrameIterator) -> FrameIterator:
    """Return an iterator where iterators of the view begin."""
    if state.first:
        made.set_initial_iteration(state.first)
    return made


def begun_at(given: object) -> int:
    """Return after how many frames iterators are to begin."""
    first = checks.plain_number(given)
    if type(first) is not int or first < 0:
        raise QueryError(f"an iteration is a whole number of 0 or more, not {given!a:.100}")
    return first


def share_of(at: int | None, of: int | None, one: str, all_: str) -> tuple[int, int]:
    """Return which share of how many is wanted; `one` and `all_` are what the numbers are called.

    Without a number of shares there is one.
    """
    if of is None:
        if at not in (None, 0):
            raise UsageError(f"{one}={at!a:.60} is one of several: give {all_} too")
        return 0, 1
    count = checks.checked_count(of, all_) or 1
    place = checks.plain_number(at)
    if type(place) is not int or not 0 <= place < count:
        raise UsageError(f"{one} is a whole number from 0 to {count - 1}, not {at!a:.60}")
    return place, count
