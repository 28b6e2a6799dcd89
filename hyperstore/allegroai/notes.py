"""Annotations as the newer names handle them, over those of a frame."""

from collections.abc import Iterable, Sequence

from hyperstore.dataset.arguments import one_of
from hyperstore.errors import UsageError
from hyperstore.frames.annotation import Annotation
from hyperstore.frames.frame import SingleFrame

__all__ = ["Notes"]


class Notes:
    """The annotations of a frame, or without one of nothing in particular."""

    def __init__(self, frame: SingleFrame | None = None) -> None:
        self._frame = SingleFrame() if frame is None else frame

    @property
    def held(self) -> list[Annotation]:
        """The annotations: a live list."""
        return self._frame.annotations

    def add(self, **said: object) -> list[int]:
        """Append one annotation for each shape, or a label of the whole; return their positions."""
        return self._frame.add_annotation(**said)  # type: ignore[arg-type]

    def replace(self, annotations: Iterable[Annotation]) -> None:
        """Replace all by others."""
        self._frame.annotations = annotations

    def take(self, rois: Iterable[dict[str, object]]) -> None:
        """Replace all by what ROIs of the wire form say."""
        self._frame.annotations = SingleFrame.from_dict({"rois": list(rois)}).annotations

    def get(self, *, id: str | int | None = None, index: int | None = None) -> list[Annotation]:
        """Return those of an id, or the one at a position; without, all."""
        if index is not None:
            return [self.held[index]] if -len(self.held) <= index < len(self.held) else []
        return [one for one in self.held if id is None or one.id == id]

    def remove_one(
        self, index: int | None, *, id: object = None
    ) -> Annotation | list[Annotation] | None:
        """Remove the one at a position, or all of an id; None where there is none."""
        one_of(index=index, id=id)
        if index is None:
            if id is None:
                raise UsageError("an annotation is removed by its index, or by its id")
            return self.remove(id=id) or None
        if not -len(self.held) <= index < len(self.held):
            return None
        return self.held.pop(index)

    def remove(
        self,
        *,
        id: object = None,
        label: str | None = None,
        labels: Sequence[str] | None = None,
    ) -> list[Annotation]:
        """Remove those of an id, with a label, or with any of these labels; without, all."""
        gone = [
            one
            for one in self.held
            if (id is None or one.id == id)
            and (label is None or label in one.labels)
            and (labels is None or not set(labels).isdisjoint(one.labels))
        ]
        kept = [one for one in self.held if not any(one is each for each in gone)]
        self._frame.annotations = kept
        return gone
