"""An iterator that keeps what it hands out, for whoever goes through it again."""

from collections.abc import Iterator, Sequence

from hyperstore.dataset.view import Frame
from hyperstore.errors import QueryError
from hyperstore.query.iteration.iterator import FrameIterator
from hyperstore.query.iteration.state import State

__all__ = ["CachingIterator"]


class CachingIterator(FrameIterator):
    """Frames as FrameIterator gives them; once it came to its end, the same again from memory.

    All that it gave out is kept, so what has no end is a QueryError. Sent to another place it keeps
    what it gives out from there on. Its pickle goes on where it stands, with none of them.
    """

    _kept: list[Frame] | None = None
    _ended = False

    def __iter__(self) -> Iterator[Frame]:  # type: ignore[override]
        if self._ended:
            return iter([*(self._kept or ())])
        if self._course.count is None:
            raise QueryError("what has no end cannot be kept in memory; give it a limit")
        return self

    def __next__(self) -> Frame:
        with self._alone:  # So that they are kept in their order.
            try:
                frame = super().__next__()
            except StopIteration:
                self._ended = True
                raise
            if self._kept is None:
                self._kept = []
            self._kept.append(frame)
            return frame

    def set_initial_iteration(self, number: int) -> None:
        super().set_initial_iteration(number)
        self._drop()

    def load_state_dict(self, state: State | Sequence[State]) -> None:
        super().load_state_dict(state)
        self._drop()

    def _drop(self) -> None:
        self._kept, self._ended = None, False

    def __getstate__(self) -> dict[str, object]:
        return {**super().__getstate__(), "_kept": None, "_ended": False}
