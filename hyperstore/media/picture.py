"""Opening a picture that may be anything: huge, broken, of a rare kind, or no picture at all.

Its size is read from the header and held to a limit before a pixel is decoded. What comes out is
upright (as its EXIF says) and in RGB, or RGBA where some of it is transparent. Nothing of Pillow's
leaks: neither its errors nor its warnings.
"""

import contextlib
import math
import os
import threading
import warnings
from array import array
from collections.abc import Iterator
from typing import TypeAlias

from PIL import Image, ImageChops, ImageCms, UnidentifiedImageError

from hyperstore.errors import HyperstoreError, MediaError, RefusedError, UsageError
from hyperstore.limits import PICTURE_PIXELS_MAX
from hyperstore.media.rawfile import RawFile, Source, raw_file

__all__ = [
    "CONTENT_TYPES",
    "decoding",
    "header",
    "in_colour",
    "open_picture",
    "orientation",
    "upright",
]

CONTENT_TYPES = {
    "AVIF": "image/avif",
    "BMP": "image/bmp",
    "DIB": "image/bmp",
    "GIF": "image/gif",
    "JPEG": "image/jpeg",
    "JPEG2000": "image/jp2",
    "MPO": "image/jpeg",  # What phones write: a JPEG with more pictures behind it.
    "PNG": "image/png",
    "PPM": "image/x-portable-anymap",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
}
# Frequent ones first: Pillow loads all it has at the first of the others. It opens MPO as JPEG.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "DIB", "PPM", "TIFF", "WEBP", "AVIF", "JPEG2000")

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Extrema: TypeAlias = tuple[float, float]


def open_picture(
    source: Source, *, frame: int = 0, pixels_max: int = PICTURE_PIXELS_MAX
) -> Image.Image:
    """Return a picture from a path or from bytes, in RGB or RGBA and upright.

    `frame` is the frame of an animation or the page of a TIFF. Grey values of more than 8 bits are
    shown by the fewest bits that hold the brightest of them, so 12 bits in a file of 16 are no
    black picture. RefusedError where it has more than `pixels_max` pixels, NotFoundError where
    there is no file, MediaError where it cannot be read.
    """
    with (
        raw_file(source) as raw,
        header(raw, frame=frame, pixels_max=pixels_max) as image,
        decoding(raw.name),
    ):
        turn = orientation(image)
        return upright(in_colour(image), turn)


@contextlib.contextmanager
def header(raw: RawFile, *, frame: int, pixels_max: int) -> Iterator[Image.Image]:
    """Give a picture of which nothing is decoded yet, and which is not over the limit."""
    if frame < 0:
        raise UsageError(f"frame is a whole number from 0, not {frame}")
    if raw.size == 0:
        raise MediaError(f"{raw.name} is empty")
    with contextlib.ExitStack() as opened:
        with decoding(raw.name):
            image = opened.enter_context(Image.open(raw.stream, formats=_FORMATS))
        # The first frame too: it is decoded on the way to those after it.
        _check_size(image, raw.name, pixels_max)
        if frame:
            _seek(image, raw.name, frame)
            _check_size(image, raw.name, pixels_max)
        yield image


@contextlib.contextmanager
def decoding(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises about a picture into an error of ours, and hush its warnings."""
    with _hush:
        try:
            yield
        except HyperstoreError:
            raise
        except Image.DecompressionBombError as error:
            raise RefusedError(
                f"{name} is refused: {error}. If it can be trusted, raise"
                " PIL.Image.MAX_IMAGE_PIXELS, and pixels_max of the call"
            ) from None
        except UnidentifiedImageError:
            raise MediaError(
                f"{name} is no picture, or none of the kinds that are read: {', '.join(_FORMATS)}"
            ) from None
        except MemoryError:
            raise MediaError(f"{name} needs more memory than this process may have") from None
        except Exception as error:  # noqa: BLE001 - a decoder meets broken bytes in any way.
            said = str(error) or type(error).__name__
            raise MediaError(f"{name} is a broken picture: {said:.200}") from None


def orientation(image: Image.Image) -> int:
    """Return how EXIF says the picture lies, from 1 (upright) to 8; what is broken says nothing."""
    if image.format == "TIFF":
        return 1  # Pillow turns these as it decodes them.
    try:
        # Not PNG's own, which decodes the whole picture to look behind its pixels.
        found = Image.Image.getexif(image).get(_ORIENTATION)
    except Exception:  # noqa: BLE001 - the picture is good without it.
        return 1
    return found if isinstance(found, int) and found in _TURNS else 1


def upright(image: Image.Image, turn: int) -> Image.Image:
    """Return a decoded picture as EXIF says that it is looked at."""
    if turn not in _TURNS:
        return image
    made = image.transpose(_TURNS[turn])
    for said in ("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp"):
        made.info.pop(said, None)  # It would be turned again by whoever believes this.
    return made


def in_colour(image: Image.Image) -> Image.Image:
    """Return a picture, of any mode, in RGB or RGBA."""
    image.load()
    mode = image.mode
    if mode == "CMYK" and image.format in {"JPEG", "MPO"} and "adobe" not in image.info:
        # Only Adobe writes how much light is left; Pillow takes every JPEG for one of theirs.
        image = ImageChops.invert(image)
    if mode.startswith("I") or mode == "F":
        return _grey(image).convert("RGB")
    if mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        made = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert made is not None
        return made
    wanted = "RGBA" if image.has_transparency_data else "RGB"
    return image if mode == wanted else image.convert(wanted)


def _check_size(image: Image.Image, name: str, pixels_max: int) -> None:
    width, height = image.size
    if width * height > pixels_max:
        raise RefusedError(
            f"{name} is {width} x {height} pixels, over the {pixels_max} that are decoded;"
            f" pass pixels_max={width * height} if it can be trusted"
        )


def _seek(image: Image.Image, name: str, frame: int) -> None:
    with decoding(name):
        try:
            image.seek(frame)
        except EOFError:
            raise MediaError(f"{name} has no frame {frame}, counted from 0") from None


def _grey(image: Image.Image) -> Image.Image:
    """Return numbers of 16 or 32 bits, or floats, as shades of 8."""
    wide = image if image.mode in {"I", "F"} else image.convert("I")
    low, high = _extrema(wide)
    if wide.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and (wide.mode == "I" or high <= 255):
        low, high = 0.0, float(2 ** max(8, int(high).bit_length()) - 1)
    scale = 255 / (high - low) if high > low else 0.0
    # Half a shade more, since what follows cuts off the fraction.
    shades = wide.convert("F").point(lambda value: value * scale + (0.5 - low * scale))
    return shades.convert("L")


def _extrema(image: Image.Image) -> Extrema:
    found = image.getextrema()
    low, high = float(found[0]), float(found[1])  # type: ignore[arg-type]
    if math.isfinite(low) and math.isfinite(high) and low <= high:
        return low, high
    # Infinities, or pixels without a value, which compare with nothing.
    finite = [value for value in array("f", image.tobytes()) if math.isfinite(value)]
    return (min(finite), max(finite)) if finite else (0.0, 0.0)


class _Hush:
    """Passes over what Pillow warns of, in every thread while any is in here.

    The filters of warnings belong to the whole process. One filter for all threads, put there by
    the first and taken away by the last, leaves them as they were; a filter for each would not.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._kept = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._kept = warnings.catch_warnings()
                self._kept.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
            self._inside += 1

    def __exit__(self, *raised: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._kept.__exit__(None, None, None)

    def forked(self) -> None:
        """Forget the threads that the child does not have."""
        self._lock = threading.Lock()


_hush = _Hush()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_hush.forked)
