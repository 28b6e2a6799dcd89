"""Frames as verbs name and show them: ids shortened, ROIs picked, lines of a list."""

from collections.abc import Iterable, Mapping

from hyperstore.cli.console import Console
from hyperstore.cli.text import plural
from hyperstore.dataset.abbreviation import find_frame
from hyperstore.dataset.view import View
from hyperstore.errors import NotFoundError, UsageError

__all__ = ["Wire", "find_roi", "frame_ids", "rois_of"]

Wire = dict[str, object]


def frame_ids(console: Console, view: View, words: Iterable[str]) -> list[str]:
    """Return the ids of the frames that words name, each once, in the order given."""
    return list(dict.fromkeys(find_frame(console.store, view, word) for word in words))


def rois_of(frame: Mapping[str, object]) -> list[Wire]:
    """Return the ROIs of a wire frame."""
    rois = frame.get("rois")
    return [roi for roi in rois if isinstance(roi, dict)] if isinstance(rois, list) else []


def find_roi(frame: Mapping[str, object], word: str) -> Wire:
    """Return the ROI whose id begins with `word`.

    NotFoundError where there is none, UsageError where there are several.
    """
    rois = rois_of(frame)
    found = [roi for roi in rois if roi.get("id") == word] or [
        roi for roi in rois if str(roi.get("id")).startswith(word)
    ]
    if not found:
        raise NotFoundError(
            f"frame {frame.get('id')!a} has no ROI {word!a}, of {plural(len(rois), 'ROI')}"
        )
    if len(found) > 1:
        shown = ", ".join(ascii(roi.get("id")) for roi in found[:5])
        raise UsageError(f"{word!a} is short for several ROIs: {shown}; give more of the id")
    return found[0]
