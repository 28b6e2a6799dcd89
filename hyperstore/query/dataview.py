"""DataView: queries over versions as one thing that is counted, gone through, stored and fetched.

`views/definition.py` has what a program says, `views/kept.py` how that is stored and pinned; here
is what comes of it. Whatever it begins goes on, on the state of the versions that it found then;
what is asked next is asked of what they hold by then.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hyperstore.dataset.arguments import documented
from hyperstore.dataset.view import Frame
from hyperstore.query import checks
from hyperstore.query.iteration.caching import CachingIterator
from hyperstore.query.iteration.course import Course
from hyperstore.query.iteration.iterator import FrameIterator, Iteration
from hyperstore.query.order import IterationOrder
from hyperstore.query.selection.contexts import browse
from hyperstore.query.selection.selection import Selection
from hyperstore.query.views import listing, prefetch, reading
from hyperstore.query.views.counts import Count
from hyperstore.query.views.explained import Explained, explained
from hyperstore.query.views.kept import Kept
from hyperstore.query.views.prefetch import Prefetch
from hyperstore.query.views.queries import Query
from hyperstore.query.views.resolved import Resolved
from hyperstore.query.views.shape import Shape
from hyperstore.query.views.spec import Wire
from hyperstore.query.views.state import StoreLike
from hyperstore.query.views.telling import tell_read

if TYPE_CHECKING:  # Loaded by who makes a table: it is much to load for who only reads.
    from hyperstore.query import tables

__all__ = ["DataView"]


class DataView(Kept):
    """Which frames of which versions, in which order, under which labels. Lazy until it is read.

    Without `store` it is about the default store, which is opened when somebody reads.
    """

    @documented
    def __init__(
        self,
        name: str | None = None,
        iteration_order: IterationOrder | str = IterationOrder.sequential,
        iteration_infinite: bool = False,
        maximum_number_of_frames: int | None = None,
        *,
        queries: "Iterable[Query] | Query | None" = None,
        iteration_random_seed: int | None = None,
        description: str | None = None,
        project: str | None = None,
        tags: Sequence[str] | None = None,
        output_rois: str = checks.ALL_IN_FRAME,
        clip_length: int | None = None,
        min_sequence: int | None = None,
        jump_time: int | None = None,
        store: StoreLike = None,
    ) -> None:
        super().__init__(store)
        self.name = name
        self.set_iteration_parameters(
            order=iteration_order,
            infinite=iteration_infinite,
            maximum_number_of_frames=maximum_number_of_frames,
            random_seed=iteration_random_seed,
            clip_length=clip_length,
            min_sequence=min_sequence,
            jump_time=jump_time,
            output_rois=output_rois,
        )
        if description is not None:
            self.description = description
        if project is not None:
            self.project = project
        if tags is not None:
            self.set_tags(tags)
        if queries is not None:
            self.set_queries(queries)

    def __repr__(self) -> str:
        said = [] if self.name is None else [ascii(self.name)]
        said += [one.said for one in self._state.spec.queries]
        return f"<DataView {', '.join(said)}>" if said else "<DataView>"

    # What it comes to.

    def selection(self) -> Selection:
        """Return the frames that it asks for, in order: exact, lazy, picklable; see Selection."""
        return reading.drawn(self._state, self.resolve(), self.iteration)[0]

    @property
    def iteration(self) -> Iteration:
        """How it is gone through, as one value."""
        return reading.iteration_of(self._state.spec)

    @property
    def shape(self) -> Shape:
        """What is done to each frame that it gives out; picklable."""
        return self._shaped(self.resolve())

    def course(self) -> Course:
        """Return its frames as they are now and the way through them: picklable; see Course."""
        return self._course(self.iteration)

    def _course(self, iteration: Iteration) -> Course:
        found = self.resolve()
        selection, way = reading.drawn(self._state, found, iteration)
        return Course(selection, way, self._shaped(found))

    def _shaped(self, found: Resolved) -> Shape:
        """Return what is done to each frame, for who is about to read them: its run is told."""
        tell_read(self._state, found)
        return reading.shape_of(self._state, found)

    def _handing(self, shape: Shape) -> Callable[..., object] | None:
        """Return what makes of a frame that was read what is handed out; None for the frame."""
        return None if shape.is_plain else shape

    # Counting.

    def get_count(self) -> Count:
        """Return how many frames it has; and by `[1]` or unpacking, how many each query has.

        A frame that several queries find counts once, one edited in one of two versions twice. Of
        a frame for each ROI (`output_rois`) it is frames still; `len()` counts what comes out.
        """
        return reading.counted(self._state, self.resolve())

    def __len__(self) -> int:
        """Return how many frames an iteration gives out; of an endless one, how many differ."""
        return reading.length(self._state, self.resolve())

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
        processes `worker_index`; together they give every frame once. With `cache_in_memory` one
        that came to its end gives the same frames again, from memory, to who iterates it anew.
        What is read ahead and how is not for callers to say: `query_cache_size` and
        `query_queue_depth` change nothing but what is refused.
        """
        checks.checked_flag(cache_in_memory, "cache_in_memory")
        checks.checked_count(query_cache_size, "query_cache_size")
        checks.checked_count(query_queue_depth, "query_queue_depth")
        node = reading.share_of(node_id, num_nodes, "node_id", "num_nodes")
        worker = reading.share_of(worker_index, num_workers, "worker_index", "num_workers")
        found, state = self.resolve(), self._state
        iteration = replace(self.iteration, allow_repetition=allow_repetition)
        ends = auto_synthetic_epoch_limit is not False
        selection, way = reading.drawn(state, found, iteration, ends=ends)
        shape = self._shaped(found)
        if projection is None:
            hand = self._handing(shape)
        else:
            hand = reading.dicts_of(state, found, shape, projection)
        kind = CachingIterator if cache_in_memory else FrameIterator
        made = kind(selection, way, shape=hand, node=node, worker=worker)  # type: ignore[arg-type]
        state.held.last = reading.begun(state, made)
        return made

    def get_current_iteration(self) -> int:
        """Return how many frames the iterator made last has given out, over all its shares."""
        last = self._state.held.last
        return self._state.first if last is None else last.get_current_iteration()

    def set_initial_iteration(self, iteration: int) -> None:
        """Let the iterators made from now on begin after so many frames.

        So do `to_list`, `to_dict`, `len()`, and `roi_stats()` without a batch. All else is of the
        whole view: counts, splits, tables, courses, and what is fetched ahead.
        """
        self._state.first = reading.begun_at(iteration)
        self._state.held.last = None

    # All of it at once.

    @documented
    def to_list(
        self, allow_repetition: bool = False, auto_synthetic_epoch_limit: bool | None = None
    ) -> list[Frame]:
        """Return the frames as a list, in the order of iteration.

        They are kept, and given again while neither the view nor what its versions hold changes:
        the same objects. QueryError where the view is endless and has no limit.
        """
        state = self._state
        repeats = allow_repetition and auto_synthetic_epoch_limit is False
        listing.refuse_endless(state.spec, repeats=repeats)
        found = self.resolve()
        key = (self.spec(), found.state, allow_repetition, state.first)
        if state.held.frames is None or state.held.frames[0] != key:
            made = self.get_iterator(
                allow_repetition=allow_repetition,
                auto_synthetic_epoch_limit=auto_synthetic_epoch_limit,
            )
            frames = list(made)
            if self.resolve().state != found.state:
                return frames  # Somebody wrote in between: of which state they are is not known.
            state.held.frames = (key, frames)
        return list(state.held.frames[1])

    @documented
    def to_dict(self, projection: Sequence[str] | None = None) -> list[Wire]:
        """Return the frames as dicts; with a projection, a list of paths, these parts of them."""
        listing.refuse_endless(self._state.spec)
        found, state = self.resolve(), self._state
        shape = reading.dicts_of(state, found, self._shaped(found), projection)
        selection, way = reading.drawn(state, found, self.iteration)
        made = FrameIterator(selection, way, shape=shape)  # type: ignore[arg-type]
        return list(reading.begun(state, made))  # type: ignore[arg-type]

    @documented
    def split_to_lists(
        self,
        ratio: Sequence[float] = (80, 20),
        *,
        seed: int | None = None,
        by: str = "frame",
    ) -> list[list[Frame]]:
        """Return the frames in several lists of these shares, drawn by a seed.

        What comes twice under one id of a dataset goes to one list; of ids that come once the
        sizes are exact. By "context" all of one video go to one list, as near as that allows.
        """
        drawn_by = listing.check_split(ratio, seed, by)
        listing.refuse_endless(self._state.spec)
        found = self.resolve()
        hand = self._handing(self._shaped(found))
        return listing.split(self._state, found, hand, ratio, seed=drawn_by, by=by)

    def explain(self) -> Explained:
        """Return what its queries ask, and what it takes to answer each; print it to read it."""
        found = self.resolve()
        numbers = [at for at, views in enumerate(found.views) for _ in views]
        count = reading.selected(self._state, found).frame_count
        return explained(self._state.handle, found.parts(), numbers, count)

    @documented
    def browse(
        self, context_id: str, timestamp: int = 0, *, backwards: bool = False
    ) -> Iterator[Frame]:
        """Yield the frames of one context from a time in ms on, or with `backwards` back from it.

        In sequence and each once, however the view is iterated; else as it gives them out. What
        comes once cannot be one ROI's: with `frame_per_roi` a frame shows all of its ROIs.
        """
        found = self.resolve()
        shape = self._shaped(found)
        if shape.output_rois == checks.FRAME_PER_ROI:
            shape = replace(shape, output_rois=checks.ALL_IN_FRAME)
        start: int = checks.plain_number(timestamp)  # type: ignore[assignment]  # Checked there.
        selection, hand = reading.selected(self._state, found), self._handing(shape)
        return browse(
            selection,
            context_id,
            start,
            backwards=backwards,
            shape=hand,  # type: ignore[arg-type]
        )

    def roi_stats(self, frames: Iterable[Frame] | None = None) -> dict[str, int]:
        """Return how many ROIs have each label, as the view shows them: of a batch, or of all.

        QueryError for all of a view that is endless and has no limit.
        """
        if frames is None:
            listing.refuse_endless(self._state.spec)
            frames = self
        return listing.labels_counted(frames)

    # As tables.

    def to_arrow(
        self,
        table: str = "frames",
        *,
        columns: Sequence[str] | None = None,
        nested: bool = False,
    ) -> "tables.ArrowTable":
        """Return its frames, or with `table` their `rois`, `sources`, `labels` or `metadata`.

        As an iteration gives them out, once: in its order, within its limit, under its labels. See
        `tables.to_arrow`; pyarrow comes with the extra `arrow`.
        """
        from hyperstore.query import tables

        return tables.to_arrow(self._once(), table, columns=columns, nested=nested)

    def to_batches(
        self,
        table: str = "frames",
        *,
        columns: Sequence[str] | None = None,
        nested: bool = False,
    ) -> "tables.ArrowReader":
        """Return what gives the same table batch by batch, in memory that does not grow."""
        from hyperstore.query import tables

        return tables.to_batches(self._once(), table, columns=columns, nested=nested)

    def to_pandas(self, table: str = "frames", *, columns: Sequence[str] | None = None) -> object:
        """Return the same table as a pandas DataFrame."""
        from hyperstore.query import tables

        return tables.to_pandas(self._once(), table, columns=columns)

    def to_polars(self, table: str = "frames", *, columns: Sequence[str] | None = None) -> object:
        """Return the same table as a polars DataFrame."""
        from hyperstore.query import tables

        return tables.to_polars(self._once(), table, columns=columns)

    def _once(self) -> Course:
        """Return its frames for whoever goes through them more than once."""
        return self._course(replace(self.iteration, infinite=False))

    # Files.

    @documented
    def prefetch(
        self,
        num_workers: int | None = None,
        wait: bool = True,
        *,
        get_previews: bool = True,
        get_masks: bool = True,
        force_download: bool = False,
    ) -> Prefetch:
        """Bring what its frames name elsewhere into the cache, in the background unless `wait`.

        Each file once, whatever the order; what cannot be had is among the failures, and stops
        nothing else. With `force_download` what is in the cache already is fetched anew.
        """
        wish = prefetch.wished(
            num_workers, previews=get_previews, masks=get_masks, force=force_download
        )
        return prefetch.started(self._state, self.resolve(), wish, wait=wait)

    @documented
    def prefetch_files(
        self,
        num_workers: int | None = None,
        wait: bool = False,
        query_cache_size: int | None = None,
        get_previews: bool = False,
        get_masks: bool = True,
        force_download: bool = False,
    ) -> Prefetch:
        """Bring the files of its frames into the cache, in the background unless `wait`."""
        checks.checked_count(query_cache_size, "query_cache_size")
        return self.prefetch(
            num_workers,
            wait,
            get_previews=get_previews,
            get_masks=get_masks,
            force_download=force_download,
        )

    @documented
    def prefetch_local_sources(
        self,
        num_workers: int | None = None,
        wait: bool = True,
        query_cache_size: int | None = None,
        get_previews: bool = False,
        get_masks: bool = True,
        force_download: bool = False,
    ) -> Prefetch:
        """Bring the files of its frames into the cache, in the background unless `wait`."""
        return self.prefetch_files(
            num_workers, wait, query_cache_size, get_previews, get_masks, force_download
        )
