"""Thumbnails, made once for each content, size and recipe, and kept in a store's `previews/`.

The name of a kept thumbnail follows from the hash of the raw bytes, so a renamed or copied file has
one already, and a changed file has none. A thumbnail appears under its name whole or not at all,
whoever else makes the same one; where the folder cannot be written, it is made and not kept. The
folder has a limit, `media.previews_max_bytes`: what was looked at longest ago goes first.
"""

import contextlib
import io
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from hyperstore.errors import HyperstoreError, UsageError
from hyperstore.limits import (
    CACHE_TOUCH_S,
    PICTURE_PIXELS_MAX,
    THUMBNAIL_QUALITY,
    THUMBNAIL_RECIPE,
    THUMBNAIL_SIDE_MAX,
)
from hyperstore.media.evict import Room, add_usage
from hyperstore.media.picture import decoding, header, in_colour, orientation, upright
from hyperstore.media.rawfile import RawFile, Source, raw_file
from hyperstore.media.settings import media_settings
from hyperstore.media.video import moment_of

__all__ = ["PARTS", "Thumbnail", "checked_box", "thumbnail"]

Box = tuple[int, int]

PARTS = "partial"  # Where files are while they are written, in the folder of previews.
_KINDS = {".jpg": ("image/jpeg", b"\xff\xd9"), ".png": ("image/png", b"IEND\xaeB`\x82")}


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """An encoded picture. `path` is where it is kept; None where it is not."""

    data: bytes
    content_type: str
    path: str | None


def thumbnail(
    source: Source,
    *,
    box: Box = (256, 256),
    folder: str | os.PathLike[str] | None = None,
    frame: int = 0,
    moment_ms: int | None = None,
    pixels_max: int = PICTURE_PIXELS_MAX,
) -> Thumbnail:
    """Return a thumbnail that fits in `box`, width by height, and is never larger than its source.

    `folder` keeps thumbnails: a store's `previews`; None keeps nothing. `frame` is the frame of an
    animation or the page of a TIFF; `moment_ms` makes the source a video, shown at that time. JPEG,
    or PNG where the picture has transparency. Errors are those of `open_picture`.
    """
    wide, high = checked_box(box)
    with raw_file(source) as raw:
        with decoding(raw.name):
            content = raw.hash()
        what = f"f{frame}" if moment_ms is None else f"t{moment_ms}"
        name = f"{content}-{wide}x{high}-{what}-v{THUMBNAIL_RECIPE}"
        shelf = None if folder is None else Path(folder) / content[:2]
        found = None if shelf is None else _kept(shelf, name)
        if found is not None:
            return found
        if moment_ms is None:
            made = _small(raw, (wide, high), frame, pixels_max)
        else:
            made = moment_of(raw, moment_ms, pixels_max=pixels_max)
            made.thumbnail((wide, high), reducing_gap=2.0)
        raw.check_same()
    data, suffix = _encoded(made)
    path = None if shelf is None else _keep(shelf, name + suffix, data)
    return Thumbnail(data, _KINDS[suffix][0], path)


def checked_box(box: Box) -> Box:
    """Return the box if it is one; UsageError else."""
    given: object = box
    sides: tuple[object, ...] = tuple(given) if isinstance(given, (tuple, list)) else ()
    if len(sides) != 2 or not all(
        type(side) is int and 1 <= side <= THUMBNAIL_SIDE_MAX for side in sides
    ):
        raise UsageError(
            f"box is (width, height), whole numbers from 1 to {THUMBNAIL_SIDE_MAX}, not {box!a:.60}"
        )
    wide, high = box
    return wide, high


def _small(raw: RawFile, box: Box, frame: int, pixels_max: int) -> Image.Image:
    with header(raw, frame=frame, pixels_max=pixels_max) as image, decoding(raw.name):
        turn = orientation(image)
        wide, high = box if turn < 5 else box[::-1]
        # A JPEG decodes at a half, a quarter or an eighth of its size in as much less time.
        times = max(image.width / wide, image.height / high)
        if times > 1:
            image.draft(None, (int(2 * image.width / times), int(2 * image.height / times)))
        made = in_colour(image)
        made.thumbnail((wide, high), reducing_gap=2.0)
        return upright(made, turn)


def _encoded(image: Image.Image) -> tuple[bytes, str]:
    stream = io.BytesIO()
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    if image.mode == "RGBA":
        image.save(stream, "PNG", exif=b"")
        return stream.getvalue(), ".png"
    image.save(stream, "JPEG", quality=THUMBNAIL_QUALITY)
    return stream.getvalue(), ".jpg"


def _kept(shelf: Path, name: str) -> Thumbnail | None:
    for suffix, (content_type, ending) in _KINDS.items():
        path = shelf / (name + suffix)
        with contextlib.suppress(OSError):
            data = path.read_bytes()
            # Nobody waits for a thumbnail to reach the disk, so a power cut may leave it short.
            if data.endswith(ending):
                _touch(path)
                return Thumbnail(data, content_type, str(path))
    return None


def _touch(path: Path) -> None:
    """Note that a file was used, if it does not say so already."""
    found, now = path.stat(), time.time()
    if abs(now - found.st_atime) >= CACHE_TOUCH_S:
        with contextlib.suppress(OSError):  # Of somebody else, or read-only.
            os.utime(path, ns=(int(now * 1e9), found.st_mtime_ns))


def _keep(shelf: Path, name: str, data: bytes) -> str | None:
    """Return the path at which the thumbnail is now kept; None where it cannot be."""
    folder = shelf.parent
    parts = folder / PARTS
    part = parts / f"{os.getpid()}-{secrets.token_hex(8)}"
    path = shelf / name
    try:
        parts.mkdir(parents=True, exist_ok=True)
        said = media_settings(str(folder.parent.absolute()))  # The folder is its store's.
        Room(folder, said.previews_max_bytes, said.min_free_bytes).make(len(data), len(data))
        part.write_bytes(data)
        try:
            part.replace(path)
        except FileNotFoundError:
            shelf.mkdir(exist_ok=True)
            part.replace(path)
        add_usage(folder, len(data))
    except (OSError, HyperstoreError):  # Read-only, or full: it can be made again at any time.
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        return None
    return str(path)
