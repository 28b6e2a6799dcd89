"""`edit`: frames in an editor, or by options: fields, labels, boxes."""

import json
from collections.abc import Callable, Iterator

import click

from hyperstore.cli.alter import (
    add_roi,
    move_roi,
    relabel,
    set_box,
    set_confidence,
    set_field,
    set_labels,
    unset_field,
)
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.editor import edited, may_ask
from hyperstore.cli.frames import Wire, find_roi, frame_ids, rois_of
from hyperstore.cli.text import plural
from hyperstore.cli.verb import Verb
from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.errors import FrameError, UsageError

__all__ = ["edit_command"]

Alter = Callable[[Wire], None]


@click.command("edit", cls=Verb)
@click.argument("frames", metavar="FRAME...", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All frames of the draft.")
@click.option(
    "--set", "settings", multiple=True, metavar="PATH=VALUE", help="Such as meta.speed=3."
)
@click.option("--unset", "unset", multiple=True, metavar="PATH", help="Drop a field.")
@click.option("--relabel", multiple=True, metavar="OLD=NEW", help="Of all ROIs that have OLD.")
@click.option("--roi", metavar="ROI", help="What follows is about this ROI, by its id's start.")
@click.option("--label", "labels", multiple=True, help="The labels of the ROI.")
@click.option("--move", metavar="DX,DY", help="Move the ROI by so many pixels.")
@click.option("--box", metavar="X,Y,W,H", help="Make the ROI this box; without --roi, add one.")
@click.option("--confidence", type=float, help="How sure the annotator is, 0 to 1.")
@click.option("--remove", is_flag=True, help="Remove the ROI.")
@pass_console
def edit_command(
    console: Console,
    frames: tuple[str, ...],
    is_all: bool,
    settings: tuple[str, ...],
    unset: tuple[str, ...],
    relabel: tuple[str, ...],
    roi: str | None,
    labels: tuple[str, ...],
    move: str | None,
    box: str | None,
    confidence: float | None,
    remove: bool,
) -> None:
    """Change frames of the draft on which HEAD stands.

    FRAME is an id or the start of one. Without options, the frame's JSON opens in an editor
    (HYPERSTORE_EDITOR, VISUAL, EDITOR). VALUE is JSON, or a plain string where it is not. PATH is
    dotted, with places in brackets: rois[0].confidence.

    \b
      hyperstore edit 4f2a --roi 91c0 --label truck --move 3,-2
      hyperstore edit --all --relabel car=vehicle
    """
    version = console.version()
    if not frames and not is_all:
        raise UsageError("name the frames to edit, or --all")
    alters = [*_field_alters(settings, unset, relabel)]
    alters += _roi_alters(roi, labels, move, box, confidence, remove=remove)
    if is_all:
        if frames or not alters:
            raise UsageError("--all takes no frames, and at least one change")
        source = _every(version)
    else:
        ids = frame_ids(console, version.view(), frames)
        source = iter([version.get_frame(one).to_dict() for one in ids])
    if not alters:
        _edit_by_hand(console, version, list(source))
        return
    _store(console, version, _altered(source, alters))


def _field_alters(
    settings: tuple[str, ...], unset: tuple[str, ...], renames: tuple[str, ...]
) -> Iterator[Alter]:
    for text in settings:
        path, value = _pair(text, "PATH=VALUE")
        yield set_field(path, value)
    for path in unset:
        yield unset_field(path)
    for text in renames:
        old, new = _pair(text, "OLD=NEW")
        yield relabel(old, new)


def _roi_alters(
    roi: str | None,
    labels: tuple[str, ...],
    move: str | None,
    box: str | None,
    confidence: float | None,
    *,
    remove: bool,
) -> list[Alter]:
    """Return what to do with the one ROI that is named, or with a new one."""
    alters: list[Callable[[Wire], None]] = []
    if labels:
        alters.append(lambda found: set_labels(found, labels))
    if box is not None:
        corners = _numbers(box, 4, "--box")
        if roi is None:
            if not labels:
                raise UsageError("a new box takes a --label")
            return [lambda frame: add_roi(frame, corners, labels, confidence)]
        alters.append(lambda found: set_box(found, corners))
    if move is not None:
        dx, dy = _numbers(move, 2, "--move")
        alters.append(lambda found: move_roi(found, dx, dy))
    if confidence is not None:
        alters.append(lambda found: set_confidence(found, confidence))
    if roi is None:
        if alters or remove:
            raise UsageError("say which ROI: --roi; `hyperstore cat FRAME` shows their ids")
        return []
    if remove and alters:
        raise UsageError("--remove goes alone with --roi")
    if not remove and not alters:
        raise UsageError(
            "--roi takes what to change: --label, --move, --box, --confidence, --remove"
        )

    def alter(frame: Wire) -> None:
        found = find_roi(frame, roi)
        if remove:
            frame["rois"] = [one for one in rois_of(frame) if one is not found]
        for each in alters:
            each(found)

    return [alter]


def _altered(frames: Iterator[Wire], alters: list[Alter]) -> Iterator[Wire]:
    """Yield the frames that the changes change."""
    for frame in frames:
        before = json.dumps(frame)
        for alter in alters:
            alter(frame)
        if json.dumps(frame) != before:
            yield frame


def _every(version: DatasetVersion) -> Iterator[Wire]:
    for frame in version.view():
        yield frame.to_dict()


def _store(console: Console, version: DatasetVersion, frames: Iterator[Wire]) -> None:
    count = 0

    def counting() -> Iterator[Wire]:
        nonlocal count
        for frame in frames:
            count += 1
            yield frame

    try:
        version.update_frames(counting(), strict=True)
    except FrameError as error:
        known = "" if error.frame_id is None else f"frame {error.frame_id!a}: "
        raise FrameError(f"{known}{error}; nothing was changed") from None
    console.out.line(f"Changed {plural(count, 'frame')} of {console.title(version)}")


def _edit_by_hand(console: Console, version: DatasetVersion, frames: list[Wire]) -> None:
    if not may_ask():  # An editor that finds no terminal waits for ever.
        raise UsageError("say what to change, or run this on a terminal: an editor opens there")
    changed = []
    for frame in frames:
        before = json.dumps(frame, indent=2, ensure_ascii=False) + "\n"
        after = edited(before, ".json")
        if after == before:
            continue
        try:
            value = json.loads(after)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"not JSON: {error}; nothing was changed") from None
        if not isinstance(value, dict) or value.get("id") != frame["id"]:
            raise UsageError("an edited frame keeps its id; nothing was changed")
        changed.append(value)
    _store(console, version, iter(changed))


def _pair(text: str, shape: str) -> tuple[str, str]:
    first, equals, second = text.partition("=")
    if not equals or not first or (shape.startswith("OLD") and not second):
        raise UsageError(f"{text!a} is not {shape}")
    return first, second


def _numbers(text: str, count: int, option: str) -> list[float]:
    try:
        found = [json.loads(part, parse_constant=_constant) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) != count or not all(type(number) in (int, float) for number in found):
        raise UsageError(f"{option} takes {count} numbers with commas between, not {text!a}")
    return found


def _constant(name: str) -> float:
    raise ValueError(name)
