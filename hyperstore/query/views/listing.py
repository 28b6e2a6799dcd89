"""The part of a DataView that gives all of it at once: lists, dicts, splits, numbers of labels."""

from collections.abc import Iterable, Iterator, Sequence

from hyperstore.dataset.arguments import documented
from hyperstore.dataset.view import Frame
from hyperstore.errors import QueryError, UsageError, a_type
from hyperstore.query import checks
from hyperstore.query.iteration.iterator import FrameIterator
from hyperstore.query.selection.contexts import browse
from hyperstore.query.views import counts as amounts
from hyperstore.query.views.explained import Explained, explained
from hyperstore.query.views.reading import DEFAULT_SEED, Reading
from hyperstore.query.views.spec import Wire
from hyperstore.query.views.splitting import context_of, dealt, grouped

__all__ = ["Listing"]


class Listing(Reading):
    """A view as something finite."""

    _listed: tuple[object, list[Frame]] | None = None

    def __getstate__(self) -> dict[str, object]:
        state = super().__getstate__()
        state.pop("_listed", None)  # Each process has its own.
        return state

    @documented
    def to_list(
        self, allow_repetition: bool = False, auto_synthetic_epoch_limit: bool | None = None
    ) -> list[Frame]:
        """Return the frames as a list, in the order of iteration.

        They are kept, and given again while neither the view nor what its versions hold changes:
        the same objects. QueryError where the view is endless and has no limit.
        """
        self._refuse_endless(repeats=allow_repetition and auto_synthetic_epoch_limit is False)
        found = self.resolve()
        key = (self.spec(), found.state, allow_repetition, self._first)
        if self._listed is None or self._listed[0] != key:
            frames = self.get_iterator(
                allow_repetition=allow_repetition,
                auto_synthetic_epoch_limit=auto_synthetic_epoch_limit,
            )
            self._listed = (key, list(frames))
        return list(self._listed[1])

    @documented
    def to_dict(self, projection: Sequence[str] | None = None) -> list[Wire]:
        """Return the frames as dicts; with a projection, a list of paths, these parts of them."""
        self._refuse_endless()
        found = self.resolve()
        shape = self._dicts(found, self._shaped(found), projection)
        selection, iteration = self._drawn(found, self.iteration, ends=True)
        made = FrameIterator(selection, iteration, shape=shape)  # type: ignore[arg-type]
        return list(self._begun(made))  # type: ignore[arg-type]

    @documented
    def split_to_lists(
        self,
        ratio: Sequence[float] = (80, 20),
        *,
        seed: int | None = None,
        by: str = "frame",
    ) -> list[list[Frame]]:
        """Return the frames in several lists of these shares, drawn by a seed.

        The sizes are exact, to the frame. With `by="context"` frames of one context, such as a
        video, all go to one list: no clip is in two of them, and sizes are as near as that allows.
        """
        checked = checks.checked_seed(seed)
        if by not in ("frame", "context"):
            raise UsageError(f"a split is by 'frame' or by 'context', not {by!a:.100}")
        amounts.exact_parts(0, ratio)
        self._refuse_endless()
        drawn = self._spec.seed if checked is None else checked
        found = self.resolve()
        hand = self._handing(self._shaped(found))

        def both(frame: Frame, part: int = 0, roi: int | None = None) -> tuple[object, object]:
            return context_of(frame), frame if hand is None else hand(frame, part, roi)

        selection, iteration = self._drawn(found, self.iteration, ends=True)
        pairs: list[tuple[object, Frame]] = list(
            FrameIterator(selection, iteration, shape=both)  # type: ignore[arg-type]
        )
        keys = (key for key, _ in pairs) if by == "context" else iter(range(len(pairs)))
        parts = dealt(grouped(keys), ratio, DEFAULT_SEED if drawn is None else drawn)
        return [[pairs[at][1] for at in part] for part in parts]

    def _refuse_endless(self, *, repeats: bool = False) -> None:
        if (self._spec.infinite or repeats) and self._spec.limit is None:
            raise QueryError("the view is endless; set maximum_number_of_frames to list it")

    def explain(self) -> Explained:
        """Return what its queries ask, and what it takes to answer each; print it to read it."""
        found = self.resolve()
        numbers = [at for at, views in enumerate(found.views) for _ in views]
        count = self._selected(found).frame_count
        return explained(self._store_handle(), found.parts(), numbers, count)

    @documented
    def browse(
        self, context_id: str, timestamp: int = 0, *, backwards: bool = False
    ) -> Iterator[Frame]:
        """Yield the frames of one context from a time in ms on, or with `backwards` back from it.

        In sequence and each once, however the view is iterated.
        """
        found = self.resolve()
        shape = self._shaped(found) if self._spec.output_rois == checks.ALL_IN_FRAME else None
        frames = browse(self._selected(found), context_id, timestamp, backwards=backwards)
        return frames if shape is None else map(shape, frames)

    def roi_stats(self, frames: Iterable[Frame] | None = None) -> dict[str, int]:
        """Return how many ROIs have each label, as the view shows them: of a batch, or of all.

        QueryError for all of a view that is endless and has no limit.
        """
        if frames is None:
            self._refuse_endless()
            frames = self
        if not isinstance(frames, Iterable):
            raise UsageError(f"a batch is an iterable of frames, not {a_type(frames)}")
        counts: dict[str, int] = {}
        for frame in frames:
            if not isinstance(frame, Frame):
                raise UsageError(f"a batch is of frames; here is {a_type(frame)}")
            for roi in frame._rois_in_order():
                for label in dict.fromkeys(roi.label):
                    counts[label] = counts.get(label, 0) + 1
        return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
