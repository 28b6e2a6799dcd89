"""Frame objects of a caller that a call changes, and what they had before.

A call that leads URIs elsewhere leads those of the very objects that it was given, so that storing
them again does not lead back. Where a frame is not stored in the end, it gets back what it had.
"""

import weakref
from collections.abc import Iterable

from hyperstore.dataset.ingest import Failure
from hyperstore.frames.read import Frame

__all__ = ["ChangedFrames", "Changes"]

_FRAMES = 4_096  # After so many, those that are gone are dropped.


class Changes:
    """What one frame had, attribute by attribute of its records."""

    def __init__(self) -> None:
        self._old: list[tuple[object, str, object]] = []

    def note(self, target: object, *names: str) -> None:
        """Remember attributes that are about to change."""
        self._old += [(target, name, getattr(target, name)) for name in names]

    def take_back(self) -> None:
        """Give the frame what it had, once: what its owner does to it afterwards stays."""
        for target, name, value in reversed(self._old):
            setattr(target, name, value)
        self._old = []


class ChangedFrames:
    """The frames of one call that were changed, for as long as somebody else holds them."""

    def __init__(self) -> None:
        self._held: list[tuple[weakref.ref[Frame], Changes]] = []

    def add(self, frame: Frame, changes: Changes) -> None:
        """Take in a frame that was changed; one that is changed again comes again."""
        self._held.append((weakref.ref(frame), changes))
        if len(self._held) % _FRAMES == 0:
            self._held = [one for one in self._held if one[0]() is not None]

    def take_back(self) -> None:
        """Give all frames what they had."""
        held, self._held = self._held, []
        for frame, changes in reversed(held):
            if frame() is not None:
                changes.take_back()

    def take_back_failed(self, failures: Iterable[Failure]) -> None:
        """Give the frames that failed what they had."""
        failed = {id(failure["frame"]) for failure in failures}
        for frame, changes in reversed(self._held if failed else []):
            if id(frame()) in failed:
                changes.take_back()
