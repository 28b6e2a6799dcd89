"""Frames taken as they are when they are given, though they are stored later."""

import pickle
from collections.abc import Mapping
from typing import cast

from hyperstore.dataset.ingest import FrameLike
from hyperstore.errors import FrameError
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.group import FrameGroup
from hyperstore.frames.read import Frame

__all__ = ["Taken", "tell_ids"]


class Taken:
    """A frame as it was when it was given, whatever its owner does to it since.

    Where nothing was done, its owner's very object is stored, and learns its ids as always.
    """

    __slots__ = ("_copy", "_given", "_state")

    def __init__(self, given: FrameLike) -> None:
        self._given = given
        self._state = _state_of(given)
        self._copy: Frame | None = None

    def frame(self) -> FrameLike:
        """Return what is to be stored."""
        given, state = self._given, self._state
        self._copy = None
        if state is None:
            return given  # Of what cannot even be copied the store says what is wrong.
        now = _state_of(given)
        if now == state:
            return given
        wire = cast("dict[str, object]", pickle.loads(state))
        if not isinstance(given, SingleFrame | FrameGroup):
            return wire
        if now is not None and pickle.loads(now) == wire:
            return given
        try:
            self._copy = type(given).from_dict(wire)
        except FrameError:
            return wire
        self._copy._object_id, self._copy._home = given._object_id, given._home
        return self._copy

    def tell(self, told: set[int]) -> None:
        """Let its owner's frame know the id of what was stored, unless it is known already."""
        given = self._given
        if not isinstance(given, SingleFrame | FrameGroup) or id(given) in told:
            return
        told.add(id(given))
        copy = self._copy
        if copy is not None and copy._object_id is not None:
            if given._record.id is None:
                given._record.id = copy._record.id
            given._object_id, given._home = copy._object_id, copy._home


def tell_ids(taken: list[Taken]) -> None:
    """Let frames know under which ids they were stored; one that was given often, the last."""
    told: set[int] = set()
    for one in reversed(taken):
        one.tell(told)


def _state_of(given: FrameLike) -> bytes | None:
    """Return all that a frame says, as bytes; None where it cannot say that."""
    try:
        wire = given
        if not isinstance(given, dict):
            to_dict = getattr(given, "to_dict", None)
            wire = to_dict() if callable(to_dict) else dict(cast("Mapping[str, object]", given))
        return pickle.dumps(wire, pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001 - whatever an object of a user raises.
        return None
