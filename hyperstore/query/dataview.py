"""DataView: queries over versions as one thing that is counted, gone through, stored and fetched.

`definition.py` has what a program says, `reading.py` what comes of it, `kept.py` how it is kept,
`locking.py` how it is pinned.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hyperstore.dataset.arguments import documented
from hyperstore.dataset.fetching import Wish
from hyperstore.limits import KEEP_THREADS, PREFETCH_THREADS_MAX
from hyperstore.query import checks
from hyperstore.query.iteration.course import Course
from hyperstore.query.iteration.iterator import FrameIterator, Iteration
from hyperstore.query.order import IterationOrder
from hyperstore.query.views.described import StoreLike
from hyperstore.query.views.locking import Locking
from hyperstore.query.views.prefetch import Prefetch
from hyperstore.query.views.queries import Query

if TYPE_CHECKING:  # Loaded by who makes a table: it is much to load for who only reads.
    from hyperstore.query import tables

__all__ = ["DataView"]


class DataView(Locking):
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
        said += [one.said for one in self._spec.queries]
        return f"<DataView {', '.join(said)}>" if said else "<DataView>"

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

    # As one value.

    def course(self) -> Course:
        """Return its frames as they are now and the way through them: picklable; see Course."""
        return self._course(self.iteration)

    def _course(self, iteration: Iteration) -> Course:
        found = self.resolve()
        selection, way = self._drawn(found, iteration, ends=True)
        return Course(selection, way, self._shaped(found))

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
        threads = checks.checked_count(num_workers, "num_workers")
        wish = Wish(
            previews=get_previews,
            masks=get_masks,
            force=force_download,
            threads=min(threads or KEEP_THREADS, PREFETCH_THREADS_MAX),
        )
        found = self.resolve()
        frames = FrameIterator(self._selected(found), Iteration())
        started = Prefetch(frames, str(self._store_handle().folder), wish)
        if wait:
            started.wait()
        return started

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
