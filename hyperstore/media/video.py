"""Videos, by PyAV (extra `video`), which is imported only here: one moment as a picture."""

import contextlib
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from PIL import Image

from hyperstore.errors import MediaError, RefusedError, UsageError
from hyperstore.limits import PICTURE_PIXELS_MAX
from hyperstore.media.headers import VIDEO_TYPES
from hyperstore.media.picture import decoding
from hyperstore.media.rawfile import RawFile, Source, raw_file

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

__all__ = ["is_video", "moment_of", "moving_pictures", "open_moment"]

# Those that folders are looked through for, and some that a frame may name all the same.
_SUFFIXES = (*VIDEO_TYPES, ".ogv", ".ts", ".wmv")


def is_video(uri: str, content_type: str | None = None) -> bool:
    """Tell whether a source is said to be a video, or else is named like one."""
    if content_type:
        return content_type.lower().startswith("video/")
    return uri.partition("?")[0].lower().endswith(_SUFFIXES)


def open_moment(
    source: Source, moment_ms: int, *, pixels_max: int = PICTURE_PIXELS_MAX
) -> Image.Image:
    """Return, in RGB, the frame that a video shows so many milliseconds after its beginning.

    Past its end that is the last one. UsageError where PyAV is not installed.
    """
    with raw_file(source) as raw:
        return moment_of(raw, moment_ms, pixels_max=pixels_max)


def moment_of(raw: RawFile, moment_ms: int, *, pixels_max: int) -> Image.Image:
    """Do the same for an open file."""
    if moment_ms < 0:
        raise UsageError(f"a moment is a number of milliseconds from 0, not {moment_ms}")
    with moving_pictures(raw) as (container, stream):
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > pixels_max:
            raise RefusedError(
                f"{raw.name} is {width} x {height} pixels, over the {pixels_max} that are decoded;"
                f" pass pixels_max={width * height} if it can be trusted"
            )
        start = stream.start_time or 0
        assert stream.time_base is not None
        wanted = start + math.floor(Fraction(moment_ms, 1000) / stream.time_base)
        # A frame at 33.3 ms is written down as 33, so a moment lasts for its whole millisecond.
        end = start + math.ceil(Fraction(moment_ms + 1, 1000) / stream.time_base)
        # To the last frame before it that stands by itself; what follows is decoded up to it.
        container.seek(wanted, stream=stream)
        shown = None
        for frame in container.decode(stream):
            if shown is not None and frame.pts is not None and frame.pts >= end:
                break
            shown = frame
        if shown is None:
            raise MediaError(f"{raw.name} has no frame at {moment_ms} ms")
        image: Image.Image = shown.to_image()  # type: ignore[no-untyped-call]
        return _turned(image, getattr(shown, "rotation", 0))


@contextlib.contextmanager
def moving_pictures(raw: RawFile) -> Iterator[tuple["InputContainer", "VideoStream"]]:
    """Give a video and its first stream of pictures; UsageError where PyAV is not installed."""
    try:
        import av
    except ImportError:
        raise UsageError(
            f"{raw.name}: videos need the library PyAV: pip install 'hyperstore[video]'"
        ) from None
    raw.stream.seek(0)
    with decoding(raw.name), av.open(raw.stream, mode="r") as container:
        if not container.streams.video:
            raise MediaError(f"{raw.name} has no moving pictures")
        yield container, container.streams.video[0]


def _turned(image: Image.Image, degrees: int) -> Image.Image:
    """Turn a picture as the phone that took the video was held."""
    turns = {
        90: Image.Transpose.ROTATE_90,
        180: Image.Transpose.ROTATE_180,
        270: Image.Transpose.ROTATE_270,
    }
    turn = turns.get(degrees % 360)
    return image if turn is None else image.transpose(turn)
