"""What a frame says and a format of annotations cannot: one note each, for all formats."""

from hyperstore.formats.combine import Wire, mapping, sequence
from hyperstore.formats.report import Report

__all__ = ["TURNED", "note_unsaid"]

TURNED = "box of negative sides, written as it lies"
_FIELDS = ("meta", "meta_blob", "blob", "context_id", "timestamp")


def note_unsaid(frame: Wire, place: str, report: Report, *, by: str) -> None:
    """Note the fields, sources and kinds of media that the format named `by` has no place for."""
    for name in _FIELDS:
        if frame.get(name):
            report.note(f"frame whose {name} {by} has no place for", place)
    sources = [mapping(source) for source in sequence(frame.get("sources"))]
    if len(sources) > 1:
        report.note("frame of several sources, of which the first is written", place)
    kind = sources[0].get("content_type") if sources else None
    if isinstance(kind, str) and kind.startswith("video/"):
        report.note(f"moment of a video, which {by} takes for a picture", place)
