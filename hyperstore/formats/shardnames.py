"""What frames, sources and masks are called in a tar of WebDataset.

A name has letters, digits, `_` and `-`; each other byte of its UTF-8 is `=` and two hex digits. One
that would be longer than its place is `==` and digits of its hash. So two names are never one.
"""

import re

from hyperstore.ids import derived_id
from hyperstore.limits import SHARD_FIELD_CHARS_MAX, SHARD_KEY_CHARS_MAX

__all__ = ["EXTENSIONS", "JSON", "MASK", "extension_of", "field_of", "key_of"]

JSON = "json"
MASK = "mask-"
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,4})$")
_BY_TYPE = {
    "image/avif": "avif",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/jp2": "jp2",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
    "image/webp": "webp",
    "image/x-portable-anymap": "ppm",
}
EXTENSIONS = frozenset({*_BY_TYPE.values(), "jpeg", "tiff", "pgm", "pbm", "pnm"})
"""Of files in a tar that are pictures."""


def key_of(frame_id: str) -> str:
    """Return what the files of a frame begin with."""
    return _safe(frame_id, SHARD_KEY_CHARS_MAX)


def field_of(source: str, *, mask: str | None, alone: bool) -> str:
    """Return what stands between key and extension: "" for the source of a single frame.

    Else it ends with a dot.
    """
    parts = [] if alone else [_safe(source, SHARD_FIELD_CHARS_MAX)]
    if mask is not None:
        parts.append(MASK + _safe(mask, SHARD_FIELD_CHARS_MAX))
    return "".join(f"{part}." for part in parts)


def extension_of(content_type: str | None, uri: str) -> str:
    """Return the extension of a file by its content, or else by its name."""
    found = _EXTENSION.search(uri.partition("?")[0])
    own = found[1].lower() if found else "bin"
    return _BY_TYPE.get(content_type or "", "bin" if own == JSON else own)


def _safe(name: str, most: int) -> str:
    data = name.encode()
    text = "".join(chr(byte) if byte in _PLAIN else f"={byte:02x}" for byte in data)
    if 0 < len(text) <= most:
        return text
    return f"=={derived_id(data)[: min(32, most - 2)]}"
