"""Frames compared and named, whatever users have set on them: neither may raise."""

from typing import Protocol

from hyperstore.codec import pack
from hyperstore.errors import CorruptError, FrameError, HyperstoreError
from hyperstore.frames.wider import record_of_wire
from hyperstore.frames.wire import WireFrame
from hyperstore.frames.words import brief

__all__ = ["id_in_brief", "same_content"]


class Frame(Protocol):
    """A SingleFrame or a FrameGroup, which stand above this."""

    @property
    def id(self) -> str: ...
    def to_dict(self) -> WireFrame: ...


def same_content(one: Frame, other: Frame) -> bool:
    """Tell whether two frames say the same, made plain as they are for the store.

    What could not be stored is compared as it is; where that fails too, it is not the same.
    """
    try:
        wires = one.to_dict(), other.to_dict()
    except CorruptError:
        raise
    except Exception:  # noqa: BLE001 - a FrameError, or what a map of a user raises.
        return False
    try:
        if pack(wires[0]) == pack(wires[1]):
            return True
    except Exception:  # noqa: BLE001 - they hold what is not plain; what follows takes it.
        pass
    try:
        return record_of_wire(wires[0]) == record_of_wire(wires[1])
    except FrameError:
        pass
    try:
        return bool(wires[0] == wires[1])
    except Exception:  # noqa: BLE001 - arrays, and dicts that contain themselves.
        return False


def id_in_brief(frame: Frame) -> str:
    """Return the id of a frame for `repr`, also of one of whose source none can be derived."""
    try:
        return brief(frame.id)
    except HyperstoreError:
        return "unknown"
