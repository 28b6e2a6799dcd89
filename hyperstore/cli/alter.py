"""The small changes that `edit` makes to wire frames: fields, labels, shapes."""

import json
import re
from collections.abc import Callable, Iterable, Sequence

from hyperstore.cli.frames import Wire, rois_of
from hyperstore.errors import UsageError
from hyperstore.frames.geometry import box_corners
from hyperstore.limits import POLY_SENTINEL

__all__ = [
    "add_roi",
    "move_roi",
    "relabel",
    "set_box",
    "set_confidence",
    "set_field",
    "set_labels",
    "unset_field",
]

_PLACE = re.compile(r"([^.\[\]]+)|\[([0-9]+)\]")
_POINT_NUMBERS = {None: 2, "b2d": 2, "p2d": 2, "k2d": 2, "p3d": 3, "k3d": 3}
_ELLIPSE = "elp"

Container = dict[str, object] | list[object]


def set_field(path: str, text: str) -> Callable[[Wire], None]:
    """Return what sets one field; maps on the way to it are made."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    steps = _steps(path)

    def alter(frame: Wire) -> None:
        holder = _holder(frame, steps, path, make=True)
        last = steps[-1]
        if isinstance(holder, dict) and isinstance(last, str):
            holder[last] = value
        elif isinstance(holder, list) and isinstance(last, int) and last <= len(holder):
            holder[last : last + 1] = [value]
        else:
            raise UsageError(f"there is no place {path!a} in frame {frame.get('id')!a}")

    return alter


def unset_field(path: str) -> Callable[[Wire], None]:
    """Return what drops one field, where it is there."""
    steps = _steps(path)

    def alter(frame: Wire) -> None:
        try:
            holder = _holder(frame, steps, path, make=False)
        except UsageError:
            return
        last = steps[-1]
        if isinstance(holder, dict) and isinstance(last, str):
            holder.pop(last, None)
        elif isinstance(holder, list) and isinstance(last, int):
            del holder[last : last + 1]

    return alter


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        match = _PLACE.match(path, position)
        if match is None:
            raise UsageError(f"{path!a} is no path; write one like meta.speed or rois[0].meta.id")
        steps.append(match[1] if match[1] is not None else int(match[2]))
        position = match.end() + (path[match.end() : match.end() + 1] == ".")
    if not steps or isinstance(steps[0], int):
        raise UsageError(f"{path!a} is no path; it begins with a field's name")
    if steps[0] == "id":
        raise UsageError("a frame keeps its id; add a frame of another id, and rm this one")
    return steps


def _holder(frame: Wire, steps: Sequence[str | int], path: str, *, make: bool) -> Container:
    """Return the map or list that holds the last step."""
    holder: Container = frame
    for step in steps[:-1]:
        found: object = None
        if isinstance(holder, dict) and isinstance(step, str):
            found = holder.setdefault(step, {}) if make else holder.get(step)
        elif isinstance(holder, list) and isinstance(step, int) and step < len(holder):
            found = holder[step]
        if not isinstance(found, (dict, list)):
            raise UsageError(f"there is no place {path!a} in frame {frame.get('id')!a}")
        holder = found
    return holder


def relabel(old: str, new: str) -> Callable[[Wire], None]:
    """Return what puts one label in the place of another, in all ROIs."""

    def alter(frame: Wire) -> None:
        for roi in rois_of(frame):
            labels = roi.get("label")
            if isinstance(labels, list) and old in labels:
                roi["label"] = list(
                    dict.fromkeys(new if label == old else label for label in labels)
                )

    return alter


def set_labels(roi: Wire, labels: Iterable[str]) -> None:
    """Replace the labels of an ROI."""
    roi["label"] = list(labels)


def set_confidence(roi: Wire, confidence: float) -> None:
    """Say how sure the annotator is."""
    roi["confidence"] = confidence


def move_roi(roi: Wire, dx: float, dy: float) -> None:
    """Move a shape by pixels of its source; UsageError for a kind that has no x and y."""
    poly = roi.get("poly")
    meta = roi.get("meta")
    kind = meta.get("_type") if isinstance(meta, dict) else None
    if not isinstance(poly, list) or (kind != _ELLIPSE and kind not in _POINT_NUMBERS):
        raise UsageError(f"ROI {roi.get('id')!a} has no shape that can be moved in the picture")
    size = 5 if kind == _ELLIPSE else _POINT_NUMBERS[kind]
    moved: list[object] = []
    place = 0  # In the point: x, y, and perhaps what stays.
    for number in poly:
        if number == POLY_SENTINEL:
            moved.append(number)
            place = 0
            continue
        step = dx if place == 0 else dy if place == 1 else 0
        moved.append(number + step)
        place = (place + 1) % size
    roi["poly"] = moved


def set_box(roi: Wire, box: Sequence[float]) -> None:
    """Make the shape an upright box; UsageError for an ROI that is no box."""
    meta = roi.get("meta")
    kind = meta.get("_type") if isinstance(meta, dict) else None
    if kind != "b2d":
        raise UsageError(f"ROI {roi.get('id')!a} is no box; remove it and add one by --box")
    roi["poly"] = list(box_corners(*box))


def add_roi(
    frame: Wire, box: Sequence[float], labels: Iterable[str], confidence: float | None
) -> None:
    """Add a box to a frame, on its first source."""
    sources = frame.get("sources")
    first = sources[0] if isinstance(sources, list) and sources else {}
    source = first.get("id", "default") if isinstance(first, dict) else "default"
    roi: Wire = {
        "label": list(labels),
        "poly": list(box_corners(*box)),
        "sources": [source],
        "meta": {"_type": "b2d"},
    }
    if confidence is not None:
        roi["confidence"] = confidence
    frame["rois"] = [*rois_of(frame), roi]
