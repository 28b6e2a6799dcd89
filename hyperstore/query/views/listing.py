"""A view as something finite: as lists, in shares, and how many ROIs have each label."""

from collections.abc import Callable, Iterable, Sequence

from hyperstore.dataset.view import Frame
from hyperstore.errors import QueryError, UsageError, a_type
from hyperstore.query import checks
from hyperstore.query.iteration.iterator import FrameIterator
from hyperstore.query.views.counts import exact_parts
from hyperstore.query.views.reading import DEFAULT_SEED, drawn, iteration_of
from hyperstore.query.views.resolved import Resolved
from hyperstore.query.views.spec import Spec
from hyperstore.query.views.splitting import Key, dealt, grouped, keys_of
from hyperstore.query.views.state import ViewState

__all__ = ["check_split", "labels_counted", "refuse_endless", "split"]


def refuse_endless(spec: Spec, *, repeats: bool = False) -> None:
    """Raise QueryError where what comes would never end."""
    if (spec.infinite or repeats) and spec.limit is None:
        raise QueryError("the view is endless; set maximum_number_of_frames to list it")


def check_split(ratio: Sequence[float], seed: object, by: str) -> int | None:
    """Return the seed; an error for what is wrong in a split, before anything is read."""
    checked = checks.checked_seed(seed)
    if by not in ("frame", "context"):
        raise UsageError(f"a split is by 'frame' or by 'context', not {by!a:.100}")
    exact_parts(0, ratio)
    return checked


def split(
    state: ViewState,
    found: Resolved,
    hand: Callable[..., object] | None,
    ratio: Sequence[float],
    *,
    seed: int | None,
    by: str,
) -> list[list[Frame]]:
    """Return the frames in lists of these shares; `hand` makes of each what is handed out.

    What comes several times under one id, or by="context" in one context, goes to one list.
    """
    drawn_by = state.spec.seed if seed is None else seed

    def both(frame: Frame, part: int = 0, roi: int | None = None) -> tuple[object, object]:
        keys = keys_of(frame, by_context=by == "context")
        return keys, frame if hand is None else hand(frame, part, roi)

    selection, way = drawn(state, found, iteration_of(state.spec))
    pairs: list[tuple[tuple[Key, ...], Frame]] = list(
        FrameIterator(selection, way, shape=both)  # type: ignore[arg-type]
    )
    groups = grouped([keys for keys, _ in pairs])
    parts = dealt(groups, ratio, DEFAULT_SEED if drawn_by is None else drawn_by)
    return [[pairs[at][1] for at in part] for part in parts]


def labels_counted(frames: Iterable[Frame]) -> dict[str, int]:
    """Return how many ROIs of a batch have each label, most of them first."""
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
