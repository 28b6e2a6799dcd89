"""What files say of themselves, recorded in the frame that names them."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from hyperstore.frames.hashes import hashes_of
from hyperstore.frames.records import MaskRecord, PreviewRecord, SourceRecord
from hyperstore.media.headers import Header, header_of
from hyperstore.media.rawfile import open_regular
from hyperstore.media.uri import file_name

__all__ = ["lacks_hash", "note_content", "note_header", "update_info"]

Described = SourceRecord | PreviewRecord | MaskRecord


def lacks_hash(source: SourceRecord) -> bool:
    """Tell whether nobody recorded the hash of a source's bytes."""
    return hashes_of(source).get("source") is None


def note_header(target: Described, header: Header, *, over: bool = False) -> None:
    """Record what a file's header says; what somebody recorded stays, unless `over`."""
    for name, value in zip(Header._fields, header, strict=True):
        if value is not None and (over or getattr(target, name) is None):
            setattr(target, name, value)


def note_content(
    source: SourceRecord, size: int, sha256: str | None, *, over: bool = False
) -> None:
    """Record how many bytes a source has, and their hash; as note_header."""
    meta = dict(source.meta or {})
    if over or meta.get("size") is None:
        meta["size"] = size
    if sha256 is not None and (over or lacks_hash(source)):
        meta["hash"] = {**hashes_of(source), "source": sha256}
    source.meta = meta


def update_info(source: SourceRecord, path_of: Callable[[str, str], str | None]) -> None:
    """Record what the files of a source say, over what was recorded.

    `path_of` is asked with a URI and what it is, and answers None for a file that is passed over.
    All files are read before anything is recorded.
    """
    found: list[tuple[Described, Header]] = []
    content: tuple[int, str] | None = None
    targets: list[tuple[Described, str]] = [(source, "source")]
    targets += [(mask, f"mask {mask.id!a}") for mask in source.masks or ()]
    if source.preview is not None:
        targets.append((source.preview, "preview"))
    for target, what in targets:
        path = path_of(target.uri, what)
        if path is None:
            continue
        if target is source:
            with open_regular(Path(path), file_name(target.uri)) as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                content = (file.tell(), digest)
        found.append((target, header_of(path, target.uri)))
    for target, header in found:
        note_header(target, header, over=True)
    if content is not None:
        note_content(source, *content, over=True)
