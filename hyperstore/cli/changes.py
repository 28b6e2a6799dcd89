"""What a person wants to know of a change: which frame, which ROI, how far, before and after."""

import json
from collections.abc import Iterable, Iterator, Mapping

from hyperstore.cli.output import Part, styled
from hyperstore.cli.text import plural
from hyperstore.dataset.compare import ChangedFrame
from hyperstore.frames.change import ABSENT, FieldChange, FrameChange, Move, RoiChange
from hyperstore.frames.records import RoiRecord
from hyperstore.frames.wire import roi_wire

__all__ = ["MARKS", "change_json", "frame_lines", "metadata_lines", "short_stat"]

MARKS = {"added": ("A", "green"), "changed": ("M", "yellow"), "removed": ("D", "red")}

_SIGNS = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}
_VALUE_CHARACTERS_MAX = 60
_ROI_DIGITS = 12


def frame_lines(frame: ChangedFrame, change: FrameChange) -> Iterator[list[Part]]:
    """Yield the lines that show one frame's change."""
    sign, colour = _SIGNS[frame.kind]
    count = f" with {plural(len(change.rois), 'ROI')}" if frame.kind != "changed" else ""
    yield [styled(f"{sign} frame {frame.frame_id}", colour), styled(f" {frame.kind}{count}", "dim")]
    for field in change.fields:
        yield ["    ", *_field(field)]
    for roi in change.rois:
        yield from _roi_lines(roi)


def _roi_lines(change: RoiChange) -> Iterator[list[Part]]:
    kind = "removed" if change.after is None else "added" if change.before is None else "changed"
    sign, colour = _SIGNS[kind]
    record = change.after or change.before
    assert record is not None
    head: list[Part] = ["    ", styled(f"{sign} ROI {change.id[:_ROI_DIGITS]}", colour), " "]
    head.append(styled(_labels(record.label), "bold"))
    if kind != "changed":
        yield [*head, *_described(record)]
        return
    said = [*_moved(change.move)] if change.move is not None else []
    yield [*head, *said]
    for field in change.fields:
        yield ["        ", *_field(field)]


def _labels(labels: Iterable[str]) -> str:
    return ", ".join(labels) or "(no label)"


def _described(roi: RoiRecord) -> list[Part]:
    parts: list[Part] = [f" ({roi.kind})"] if roi.kind is not None else []
    if roi.confidence is not None:
        parts.append(f", confidence {roi.confidence:g}")
    return parts


def _moved(move: Move) -> Iterator[Part]:
    if move.box is None:
        if move.distance is None:
            yield ": the shape has other points"
        else:
            yield f": moved by up to {move.distance:.1f} px"
        return
    dx, dy, dw, dh = move.box
    if dx or dy:
        yield f": moved {(dx * dx + dy * dy) ** 0.5:.1f} px (x {dx:+g}, y {dy:+g})"
    if dw or dh:
        yield f"{',' if dx or dy else ':'} resized (w {dw:+g}, h {dh:+g})"
    if move.iou is not None:
        yield styled(f", IoU {move.iou:.2f}", "dim")


def _field(change: FieldChange) -> list[Part]:
    return [
        f"{change.path}: ",
        styled(_shown(change.before), "red"),
        " -> ",
        styled(_shown(change.after), "green"),
    ]


def _shown(value: object) -> str:
    if value is ABSENT:
        return "(absent)"
    text = _json_text(value)
    if len(text) > _VALUE_CHARACTERS_MAX:
        return text[: _VALUE_CHARACTERS_MAX - 1] + "…"
    return text


def _json_text(value: object) -> str:
    try:
        return json.dumps(_plain(value), ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)


def _plain(value: object) -> object:
    """Return a value as JSON can hold it; records of the stored form become maps."""
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(held) for held in value]
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    names = getattr(value, "__struct_fields__", ())
    return {name: _plain(getattr(value, name)) for name in names}


def metadata_lines(
    before: Mapping[str, object], after: Mapping[str, object]
) -> Iterator[list[Part]]:
    """Yield the lines that show how a version's metadata differs."""
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key, ABSENT), after.get(key, ABSENT)
        if one is ABSENT or other is ABSENT or _json_text(one) != _json_text(other):
            yield ["  ", *_field(FieldChange(key, one, other))]


def short_stat(change: FrameChange) -> str:
    """Return how many ROIs and fields of one frame differ: `ROIs +1 ~2 -0, 3 fields`."""
    rois = f"ROIs +{len(change.rois_added)} ~{len(change.rois_changed)} -{len(change.rois_removed)}"
    return f"{rois}, {plural(len(change.fields), 'field')}" if change.fields else rois


def change_json(frame: ChangedFrame, change: FrameChange) -> dict[str, object]:
    """Return one frame's change for programs."""
    return {
        "frame": frame.frame_id,
        "change": frame.kind,
        "fields": [_field_json(field) for field in change.fields],
        "rois": [_roi_json(roi) for roi in change.rois],
    }


def _field_json(field: FieldChange) -> dict[str, object]:
    sides = (("before", field.before), ("after", field.after))
    found: dict[str, object] = {"path": field.path}
    return found | {name: _plain(value) for name, value in sides if value is not ABSENT}


def _roi_json(roi: RoiChange) -> dict[str, object]:
    move = roi.move
    return {
        "id": roi.id,
        "before": None if roi.before is None else roi_wire(roi.before),
        "after": None if roi.after is None else roi_wire(roi.after),
        "fields": [_field_json(field) for field in roi.fields],
        "move": None
        if move is None
        else {
            "box": None if move.box is None else list(move.box),
            "iou": move.iou,
            "distance": move.distance,
        },
    }
