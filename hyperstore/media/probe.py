"""What a file says of itself: its content type, its size in pixels and bytes, its hash."""

from dataclasses import dataclass

from hyperstore.errors import HyperstoreError
from hyperstore.limits import PICTURE_PIXELS_MAX
from hyperstore.media.picture import CONTENT_TYPES, decoding, header, orientation
from hyperstore.media.rawfile import RawFile, Source, raw_file

__all__ = ["Probe", "probe", "verify"]


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found; None for what could not be. `fault` says what is wrong, None if nothing."""

    content_type: str | None = None
    width: int | None = None  # In pixels, as the picture is looked at.
    height: int | None = None
    size: int | None = None  # In bytes.
    hash: str | None = None  # blake3 of the bytes, 64 hex digits.
    fault: str | None = None


def probe(source: Source) -> Probe:
    """Read a file's header and hash its bytes; never raises for what the file is.

    No pixel is decoded, so a picture whose header is good may still be broken: see `verify`.
    """
    return _looked(source, whole=False, pixels_max=PICTURE_PIXELS_MAX)


def verify(source: Source, *, pixels_max: int = PICTURE_PIXELS_MAX) -> Probe:
    """Do the same and decode the whole picture, so that `fault` is known for certain."""
    return _looked(source, whole=True, pixels_max=pixels_max)


def _looked(source: Source, *, whole: bool, pixels_max: int) -> Probe:
    try:
        with raw_file(source) as raw:
            return _judged(raw, whole=whole, pixels_max=pixels_max)
    except HyperstoreError as error:
        return Probe(fault=str(error))


def _judged(raw: RawFile, *, whole: bool, pixels_max: int) -> Probe:
    name = content_type = width = height = fault = None
    with decoding(raw.name):
        name = raw.hash()
    try:
        # The size is a fact whether or not so much would be decoded.
        with header(raw, frame=0, pixels_max=2**63) as image:
            content_type = CONTENT_TYPES[str(image.format)]
            width, height = image.size
            if orientation(image) >= 5:
                width, height = height, width
            if width * height > pixels_max:
                fault = f"{raw.name} is {width} x {height} pixels, over the {pixels_max} decoded"
            elif whole:
                with decoding(raw.name):
                    image.load()
        raw.check_same()
    except HyperstoreError as error:
        fault = str(error)
    return Probe(content_type, width, height, raw.size, name, fault)
