"""The members of a FrameGroup: a mapping of names to SingleFrames, in the order of their coming."""

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Unpack

from hyperstore.errors import FrameError, UsageError, a_type
from hyperstore.frames.annotation import Annotation
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.shown import Drawing

if TYPE_CHECKING:  # Pillow is loaded where a picture is opened, not before.
    from hyperstore.media.draw import Picture

__all__ = ["Members"]


class Members(MutableMapping[str, SingleFrame]):
    """The part of a FrameGroup that is about its members."""

    __slots__ = ("_members",)
    _members: dict[str, SingleFrame]

    def __getitem__(self, name: str) -> SingleFrame:
        return self._members[name]

    def __setitem__(self, name: str, frame: SingleFrame) -> None:
        if not name:
            raise UsageError("a member of a group needs a name")
        if not isinstance(frame, SingleFrame):
            raise UsageError(f"the member {name!a} is {a_type(frame)}, not a SingleFrame")
        self._members[name] = frame

    def __delitem__(self, name: str) -> None:
        del self._members[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    # Annotations of all members.

    def add_global_annotation(self, annotation: Annotation) -> None:
        """Add a copy of an annotation to every member."""
        given: object = annotation
        if not isinstance(given, Annotation):
            raise FrameError(f"annotation: {a_type(given)} is no Annotation", path="annotation")
        for member in self._members.values():
            member.annotations.append(annotation.copy())

    def remove_global_annotation(self, annotation: Annotation) -> bool:
        """Remove an annotation, found by equality; tell whether every member had it."""
        found = [annotation in member.annotations for member in self._members.values()]
        for member in self._members.values():
            if annotation in member.annotations:
                member.annotations.remove(annotation)
        return bool(found) and all(found)

    def get_global_annotations(self) -> list[Annotation]:
        """Return the annotations, of the first member, that every member has."""
        members = list(self._members.values())
        if not members:
            return []
        others = members[1:]
        return [
            one
            for one in members[0].annotations
            if all(one in other.annotations for other in others)
        ]

    def draw(self, **drawing: Unpack[Drawing]) -> "dict[str, Picture]":
        """Return each member drawn, by its name; the arguments are those of SingleFrame.draw."""
        return {name: member.draw(**drawing) for name, member in self.items()}
