"""A file on its way out: what it holds, and its bytes exactly as they were when that was seen."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from hyperstore.errors import MediaError
from hyperstore.media.part import check_wanted
from hyperstore.media.rawfile import open_regular, reading
from hyperstore.media.uri import shown

__all__ = ["Content", "Held", "chunks_of", "content_of", "content_type_of"]

_CHUNK_BYTES = 256 * 1024

Held = Literal["absent", "same", "other", "unknown"]
"""What is at a place: nothing, the content asked about, another one, or nobody may look."""


class Content(NamedTuple):
    """What a file holds."""

    sha256: str
    size: int


def content_of(path: str) -> Content:
    """Read a file through; NotFoundError or MediaError where it is none."""
    with open_regular(Path(path), shown(path)) as file, reading(shown(path)):
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Content(digest, file.tell())


def chunks_of(path: str, content: Content, size: int = _CHUNK_BYTES) -> Iterator[bytes]:
    """Yield the bytes of a file, the last of them only when all are what was seen before.

    So whoever receives them never has the whole of a file that changed in between.
    """
    digest = hashlib.sha256()
    sent = 0
    held = b""
    with open_regular(Path(path), shown(path)) as file:
        while sent <= content.size and (data := _read(file, size, path)):
            digest.update(data)
            sent += len(data)
            if held:
                yield held
            held = data
    if (digest.hexdigest(), sent) != content:
        raise MediaError(f"{shown(path)} changed while it was sent; send it again")
    if held:
        yield held


def _read(file: BinaryIO, size: int, path: str) -> bytes:
    check_wanted(shown(path))
    with reading(shown(path)):
        return file.read(size)


def content_type_of(path: str) -> str | None:
    """Return the type that a file's name stands for."""
    import mimetypes  # Not loaded for those who send nothing.

    return mimetypes.guess_type(path, strict=False)[0]
