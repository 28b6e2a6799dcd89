"""A small picture of a frame with its ROIs drawn, for who glances at it: never from the network.

What is far too large to be shown at once is not opened, and of many ROIs only the first are drawn,
so that a glance takes a moment, whatever the frame leads to.
"""

import base64
import contextlib
import io
from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image

from hyperstore.errors import HyperstoreError, MediaError, NotFoundError, RefusedError
from hyperstore.frames.annotation import Annotation
from hyperstore.limits import GLANCE_FILE_BYTES_MAX, GLANCE_PIXELS_MAX, GLANCE_SIDE_MAX
from hyperstore.media.cache import cached
from hyperstore.media.draw import draw_on, refuse_lying
from hyperstore.media.local import is_local, local_file
from hyperstore.media.picture import decoding, header, in_colour, orientation, upright
from hyperstore.media.rawfile import RawFile, raw_file
from hyperstore.media.settings import media_settings
from hyperstore.media.uri import locate, shown
from hyperstore.media.video import moment_of

__all__ = ["Glance", "blank", "glance", "size_at_hand"]

_EMPTY = (238, 238, 238)
_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Glance:
    """A picture as a `data:` URI, and its size in pixels."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """What of a frame is drawn."""

    annotations: list[Annotation]
    width: int | None
    height: int | None


def size_at_hand(uri: str, *, store: str | None, foreign: bool) -> tuple[int, int] | None:
    """Return width and height of a picture, as it is looked at; None where that takes a fetch."""
    with (
        contextlib.suppress(HyperstoreError),
        raw_file(_at_hand(uri, store, foreign=foreign)) as raw,
        header(raw, frame=0, pixels_max=2**63) as image,
    ):
        width, height = image.size
        return (height, width) if orientation(image) >= 5 else (width, height)
    return None


def _at_hand(uri: str, store: str | None, *, foreign: bool) -> str:
    """Return the path of a URI's file where no network is needed; an error of ours where it is."""
    locate(uri)  # A pointer leads nowhere, and says so.
    if is_local(uri):
        return local_file(uri, store=store, foreign=foreign)
    # Of a foreign store, whether a file may be had is asked of the network.
    found = None if foreign else cached(uri, media_settings(store), empty_ok=False)
    if found is None:
        raise NotFoundError(f"{shown(uri)} is not on this machine yet")
    return found


def glance(
    uri: str,
    annotations: Iterable[Annotation],
    *,
    store: str | None,
    foreign: bool,
    size: tuple[int, int] | None,
    moment_ms: int | None = None,
    pixels_max: int = GLANCE_PIXELS_MAX,
) -> Glance:
    """Return the picture at a URI, made small, with annotations over it.

    `size` is that of the source, to which their numbers refer; None where the picture says so
    itself. An error of ours where there is no picture on this machine, or one too large.
    """
    with raw_file(_at_hand(uri, store, foreign=foreign)) as raw:
        if raw.size > GLANCE_FILE_BYTES_MAX:
            raise MediaError(f"the file has {raw.size:,} bytes, too many to be shown at a glance")
        if moment_ms is None:
            full, small = _small(raw, pixels_max)
        else:
            small = moment_of(raw, moment_ms, pixels_max=pixels_max)
            full = small.size
            small.thumbnail((GLANCE_SIDE_MAX, GLANCE_SIDE_MAX))
    width, height = size or full
    refuse_lying((width, height), full)
    with decoding("the picture"):
        return _encoded(draw_on(small, _Seen(list(annotations), width, height)))


def blank(annotations: Iterable[Annotation], *, size: tuple[int, int]) -> Glance:
    """Return the annotations on an empty ground of the source's proportions."""
    width, height = size
    scale = GLANCE_SIDE_MAX / max(width, height)
    side = (max(1, round(width * scale)), max(1, round(height * scale)))
    ground = Image.new("RGB", side, _EMPTY)
    return _encoded(draw_on(ground, _Seen(list(annotations), width, height)))


def _small(raw: RawFile, pixels_max: int) -> tuple[tuple[int, int], Image.Image]:
    """Return how large a picture is, and the picture made small, both as it is looked at."""
    with header(raw, frame=0, pixels_max=2**63) as image, decoding(raw.name):
        turn = orientation(image)
        width, height = image.size
        if width * height > pixels_max:
            raise RefusedError(f"{width} x {height} pixels are too many to be shown at a glance")
        # A JPEG decodes at a half, a quarter or an eighth of its size in as much less time.
        image.draft(None, (2 * GLANCE_SIDE_MAX, 2 * GLANCE_SIDE_MAX))
        made = in_colour(image)
        made.thumbnail((GLANCE_SIDE_MAX, GLANCE_SIDE_MAX))
        return (height, width) if turn >= 5 else (width, height), upright(made, turn)


def _encoded(image: Image.Image) -> Glance:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY)
    text = base64.b64encode(stream.getvalue()).decode()
    return Glance(f"data:image/jpeg;base64,{text}", *image.size)
