"""A frame led to where its files lie now; and how far a call has come."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hyperstore.dataset.changed import Changes
from hyperstore.frames.hashes import hashes_of, mask_hashes
from hyperstore.frames.pointers import Pointer, settle_id
from hyperstore.frames.read import Frame
from hyperstore.frames.records import SourceRecord
from hyperstore.media.sending import Content

__all__ = ["Lies", "Report", "lead"]

_log = logging.getLogger("hyperstore.uploads")


class Lies(NamedTuple):
    """Where a file lies now, and what it holds."""

    uri: str
    content: Content
    moved: bool


def lead(frame: Frame, found: list[tuple[Pointer, Lies]]) -> Changes:
    """Lead the URIs of a frame to where its files lie, and record their hashes."""
    changes = Changes()
    changes.note(frame._record, "id")
    settle_id(frame)
    contents: dict[int, str] = {}
    sources: dict[int, SourceRecord] = {}
    for pointer, lies in found:
        changes.note(pointer.target, "uri")
        pointer.target.uri = lies.uri
        contents[id(pointer.target)] = lies.content.sha256
        sources[id(pointer.source)] = pointer.source
    for source in sources.values():
        changes.note(source, "meta")
        source.meta = {**(source.meta or {}), "hash": _hashes(source, contents)}
    return changes


def _hashes(source: SourceRecord, contents: Mapping[int, str]) -> dict[str, object]:
    """Return the recorded hashes of a source's files, those that are known now put in."""
    hashes = hashes_of(source)
    if id(source) in contents:
        hashes["source"] = contents[id(source)]
    if id(source.preview) in contents:
        hashes["preview_source"] = contents[id(source.preview)]
    masks = source.masks or []
    if any(id(one) in contents for one in masks):
        known = mask_hashes(source, hashes)
        hashes["mask_source"] = [
            contents.get(id(mask), one) for mask, one in zip(masks, known, strict=True)
        ]
    return hashes


@dataclass(slots=True)
class Report:
    """What was done so far; said in the log every now and then."""

    every_s: float
    frames: int = 0
    sent: int = 0
    sent_bytes: int = 0
    linked: int = 0
    failed: int = 0
    begun: float = field(default_factory=time.monotonic)
    said: float = field(default_factory=time.monotonic)

    def look(self, *, last: bool = False) -> None:
        now = time.monotonic()
        late = now - self.said >= self.every_s
        if not late and not (last and self.sent + self.linked + self.failed):
            return
        self.said = now
        _log.info(
            "%s%d frames: %d files sent (%d bytes), %d were there, %d frames failed; %.0f s",
            "uploaded " if last else "uploading, ",
            self.frames,
            self.sent,
            self.sent_bytes,
            self.linked,
            self.failed,
            now - self.begun,
        )
