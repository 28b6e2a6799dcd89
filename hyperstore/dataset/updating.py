"""Updates that merge: what a frame says is laid over the stored one, and nothing is taken away.

Metadata merges key by key at any depth; a list, such as the sources or the ROIs, is replaced whole
where the frame has one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from hyperstore.dataset.arguments import names_of
from hyperstore.dataset.ingest import Failure, FrameLike, unfailed
from hyperstore.dataset.view import Frame
from hyperstore.errors import CorruptError, HyperstoreError, UsageError, nearest
from hyperstore.frames.records import WholeRecord
from hyperstore.limits import FRAME_ID_BYTES_MAX

__all__ = ["Merged", "as_given", "merged_frames", "unsent_fields", "wire_of"]

_CHUNK = 256
_FIELDS = frozenset({"metadata", *WholeRecord.__struct_fields__} - {"extra", "kind"})


class Merged:
    """A frame that is to be stored, and what it was made of."""

    def __init__(self, given: FrameLike, wire: dict[str, object]) -> None:
        self.given = given
        self._wire = wire

    def to_dict(self) -> dict[str, object]:
        """Return it as a wire frame."""
        return self._wire


def unsent_fields(without_fields: object) -> tuple[str, ...]:
    """Return the fields that are not sent: False, None and no fields at all are all none."""
    if not without_fields:
        return ()
    return tuple(names_of(without_fields, what="without_fields"))


def merged_frames(
    frames: Iterable[FrameLike],
    without: Sequence[str],
    stored: Callable[[list[str]], list[Frame]],
) -> Iterator[FrameLike]:
    """Yield frames laid over those of their ids that `stored` returns; new ones as they come."""
    source = map(unfailed, frames)
    unseen = {path.split(".")[0] for path in without} - _FIELDS
    while chunk := list(islice(source, _CHUNK)):
        ids = [_id_of(frame) for frame in chunk]
        held = {one.id: one.to_dict() for one in stored([one for one in ids if one is not None])}
        for frame, frame_id in zip(chunk, ids, strict=True):
            before = None if frame_id is None else held.get(frame_id)
            said = wire_of(frame)
            unseen -= said.keys() if said is not None and unseen else set()
            if before is None or frame_id is None or said is None:
                yield frame
                continue
            try:
                wire = _over(before, _sent(said, without))
            except (HyperstoreError, MemoryError):
                raise
            except Exception:  # noqa: BLE001 - a map of a user that fails is refused when stored.
                yield frame
                continue
            held[frame_id] = wire  # The same frame may come again.
            yield Merged(frame, wire)
    for name in sorted(unseen):
        raise UsageError(
            f"without_fields names {name!a}, which no frame has; "
            f"the closest: {nearest(name, sorted(_FIELDS))}"
        )


def as_given(failures: list[Failure]) -> list[Failure]:
    """Return failures that name the frames which the caller gave."""
    for failure in failures:
        frame = failure["frame"]
        if isinstance(frame, Merged):
            failure["frame"] = frame.given
    return failures


def _id_of(frame: object) -> str | None:
    found = getattr(frame, "id", None)  # Of a group too, which is a mapping of its members.
    if found is None and isinstance(frame, Mapping):
        found = frame.get("id")
    if not isinstance(found, str):
        return None
    size = len(found.encode("utf-8", "replace"))
    return found if 1 <= size <= FRAME_ID_BYTES_MAX else None  # Else it will be refused.


def wire_of(frame: object) -> Mapping[str, object] | None:
    """Return a frame's wire form; None for what has none, which storing it will refuse."""
    to_dict: Callable[[], object] | None = getattr(frame, "to_dict", None)
    try:
        wire = to_dict() if callable(to_dict) else frame
    except CorruptError:
        raise
    except Exception:  # noqa: BLE001 - a FrameError, or whatever an object of a user raises.
        return None
    return wire if isinstance(wire, Mapping) else None


def _sent(said: Mapping[str, object], without: Sequence[str]) -> dict[str, object]:
    wire = dict(said)
    if not wire.get("sources"):
        wire.pop("sources", None)  # A frame that only says what changes.
    for path in without:
        wire = _dropped(wire, path.split("."))
    return wire


def _dropped(wire: Mapping[str, object], parts: Sequence[str]) -> dict[str, object]:
    """Return a copy without the field at a path; what the caller gave stays as it is."""
    first, *rest = parts
    left = dict(wire)
    below = left.get(first)
    if not rest:
        left.pop(first, None)
    elif isinstance(below, Mapping):
        left[first] = _dropped(below, rest)
    return left


def _over(before: dict[str, object], sent: Mapping[str, object]) -> dict[str, object]:
    merged = dict(before)
    for key, value in sent.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, Mapping):
            merged[key] = _over(old, value)
        else:
            merged[key] = value
    return merged
