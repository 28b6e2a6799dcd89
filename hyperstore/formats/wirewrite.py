"""Frames in the wire form to a file: one a line, or all in one list; whole or not at all."""

import json
from collections.abc import Iterable
from pathlib import Path

from hyperstore.formats.combine import Wire
from hyperstore.formats.report import Report
from hyperstore.formats.target import Target

__all__ = ["write_frames"]


def write_frames(frames: Iterable[Wire], file: Path, *, in_list: bool = False) -> Report:
    """Write frames, or the parts of them that a projection left; `add` reads both forms."""
    report = Report()
    with Target.open(file) as target:
        before, between, after = ("[", ",\n", "]\n") if in_list else ("", "", "")
        target.write(before)
        for frame in frames:
            text = json.dumps(frame, ensure_ascii=False, allow_nan=False)
            target.write((between if report.counts else "") + text + ("" if in_list else "\n"))
            report.count("frames")
        target.write(after)
    return report
