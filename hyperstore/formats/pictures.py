"""Which picture a file of annotations names: its place, and the id of its frame.

The id follows from the path relative to the folder named, and from nothing else, so that two
laptops that keep the folder in different places agree, and so that several files about one picture
(boxes, key points, captions) meet in one frame. Two different pictures of one relative name
therefore need the folder above both.

A name is data from outside. It never leads out of the folder: `..` and leading slashes are dropped
from the place (as archives are unpacked), and kept in what the format had to say. Nothing is read.
"""

import posixpath
import re
from pathlib import Path, PurePosixPath

from hyperstore.codec import encode
from hyperstore.errors import FormatError
from hyperstore.ids import derived_id

__all__ = ["frame_id", "is_url", "place_of", "relative_name"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def frame_id(relative: str) -> str:
    """Return the id of the frame of the picture at `relative`, a path with slashes."""
    return derived_id(encode([["default", relative]], what="the name of a picture"))


def is_url(name: str) -> bool:
    return _URL.match(name) is not None


def relative_name(name: str, *, images: Path | None) -> tuple[str, bool]:
    """Return the path of `name` relative to the folder of pictures, and whether it led out of it.

    A URL stays as it is.
    """
    if is_url(name):
        return name, False
    bare = name
    if images is not None and name.startswith("/"):
        folder = PurePosixPath(_absolute(images).as_posix())
        if PurePosixPath(name).is_relative_to(folder):
            bare = str(PurePosixPath(name).relative_to(folder))
    parts = posixpath.normpath("/" + bare).lstrip("/")
    if not parts or "\0" in parts:
        raise FormatError(f"{name[:80]!r} names no picture")
    led_out = bare.startswith("/") or posixpath.normpath(bare).split("/", 1)[0] == ".."
    return parts, led_out


def place_of(relative: str, *, images: Path) -> str:
    """Return the URI of the picture: an absolute path, or the URL itself."""
    return relative if is_url(relative) else str(_absolute(images) / relative)


def _absolute(folder: Path) -> Path:
    return Path(posixpath.normpath(folder.absolute()))
