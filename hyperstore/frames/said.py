"""What frames say of their annotations, whatever users have put into the lists, which are live."""

from collections.abc import Iterable, Mapping, Sequence

from hyperstore.errors import CorruptError, FrameError, a_type
from hyperstore.frames.annotation import Annotation
from hyperstore.frames.records import FrameRecord, MaskRecord
from hyperstore.frames.wire import WireFrame
from hyperstore.frames.words import brief

__all__ = [
    "Placed",
    "all_plain",
    "in_wire_order",
    "refuse_again",
    "refuse_more",
    "roi_wire_of",
    "settle_mask",
]

Placed = tuple[Annotation, list[str] | None, str]
"""An annotation, the names of the members that it is about, and its place in a group."""


def all_plain(annotations: Sequence[Annotation]) -> bool:
    """Tell whether all are annotations that say themselves as ours do, each another object."""
    for kind in set(map(type, annotations)):
        if not issubclass(kind, Annotation) or kind.to_dict is not Annotation.to_dict:
            return False
    return len(set(map(id, annotations))) == len(annotations)


def roi_wire_of(annotation: Annotation, path: str, masks: Sequence[MaskRecord] | None) -> WireFrame:
    """Return the wire form of what stands in a list of annotations; FrameError where it has none.

    The list is live, so anything may stand there; classes of users say themselves as they like."""
    given: object = annotation
    if not isinstance(given, Annotation):
        raise FrameError(f"{path}: {a_type(given)} is no Annotation", path=path)
    name = type(annotation).__name__
    try:
        wire: object = annotation.to_dict()
    except CorruptError:
        raise
    except FrameError as fault:
        place = f"{path}.{fault.path}" if fault.path else path
        said = f"{path}.{fault}" if fault.path else f"{path}: {fault}"
        raise FrameError(said, path=place) from None
    except Exception as fault:  # Whatever a class of a user raises.
        said = f"{path}: to_dict() of {name} failed: {brief(fault)}"
        raise FrameError(said, path=path) from fault
    if not isinstance(wire, dict):
        raise FrameError(f"{path}: to_dict() of {name} gives {a_type(wire)}, no dict", path=path)
    if annotation._roi.mask is not None:
        settle_mask(annotation, wire, masks)
    return wire


def settle_mask(
    annotation: Annotation, wire: WireFrame, masks: Sequence[MaskRecord] | None
) -> None:
    """Let a mask value that names no mask name the first of `masks`, if there are any."""
    mask, said = annotation._roi.mask, wire.get("mask")
    if mask is not None and not mask.id and masks and isinstance(said, dict):
        said["id"] = masks[0].id


def refuse_again(first: int, at: int, path: str) -> None:
    """Raise FrameError where an object stands at two places of a list: it can be but one ROI."""
    if first != at:
        raise FrameError(
            f"{path} is the same object as annotations[{first}]; add a copy() of it", path=path
        )


def in_wire_order(
    stored: Iterable[Annotation], members: Mapping[str, Iterable[Annotation]]
) -> list[Placed]:
    """Return the annotations of a group with the members they name and where they stand.

    Stored ones come first, then added ones. None stands for an ROI that was read without
    sources. FrameError for what is no annotation, or stands in one list twice.
    """
    members_of: dict[int, dict[str, int]] = {}
    ordered = {id(one): (one, "rois") for one in stored}
    for name, member in members.items():
        for at, one in enumerate(member):
            path = f"{name}.annotations[{at}]"
            given: object = one
            if not isinstance(given, Annotation):
                raise FrameError(f"{path}: {a_type(given)} is no Annotation", path=path)
            ordered.setdefault(id(one), (one, path))
            named = members_of.setdefault(id(one), {})
            refuse_again(named.setdefault(name, at), at, path)
    found: list[Placed] = []
    for key, (one, path) in ordered.items():
        before = one._roi.sources
        now = members_of.get(key, {})
        if now:
            kept = [name for name in before or () if name in now]
            found.append((one, kept + [name for name in now if name not in kept], path))
        elif before is None:
            found.append((one, None, path))
    return found


def refuse_more(name: str, record: FrameRecord, context: str | None) -> None:
    """Raise FrameError where a member has what its group has no place for."""
    fields = {
        "blob": record.blob,
        "meta_blob": record.meta_blob or None,
        "context_id": None if record.context_id == context else record.context_id,
        **(record.extra or {}),
    }
    for field, value in fields.items():
        if value is not None:
            raise FrameError(
                f"{name}.{field}: a member of a group has no {field} of its own, so it would be "
                "lost; set it on the group or keep it in the member's metadata, and set it to None",
                path=f"{name}.{field}",
            )
