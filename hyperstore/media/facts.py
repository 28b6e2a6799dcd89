"""What is recorded of a file when it is registered: its type, its size, its SHA-256, its moments.

The bytes are read once. A picture's header is believed, unless the file lacks the end that its
format has: such a one is decoded, so that a download that broke off is found for certain.
"""

import hashlib
import math
from fractions import Fraction

from hyperstore.codec import Struct
from hyperstore.errors import HyperstoreError, MediaError
from hyperstore.limits import PICTURE_CHUNK_BYTES, PICTURE_PIXELS_MAX, VIDEO_MOMENTS_MAX
from hyperstore.media.headers import VIDEO_TYPES
from hyperstore.media.picture import CONTENT_TYPES, decoding, header, orientation
from hyperstore.media.rawfile import RawFile, Source, raw_file
from hyperstore.media.video import moving_pictures

__all__ = ["Facts", "file_facts", "picture_facts", "video_facts"]

_TAIL_BYTES = 64
_JPEG_END = b"\xff\xd9"


class Facts(Struct, frozen=True, gc=False, omit_defaults=True):
    """What was found. Where `fault` says what is wrong, the rest may be missing."""

    content_type: str | None = None
    width: int | None = None  # In pixels, as the picture is looked at.
    height: int | None = None
    size: int = 0  # In bytes.
    sha256: str | None = None
    moments: list[int] | None = None  # Of a video: when each of its frames is shown, in ms.
    fault: str | None = None


def picture_facts(source: Source, *, whole: bool = False) -> Facts:
    """Read a picture; with `whole` decode it too. Never raises for what the file is."""
    try:
        with raw_file(source) as raw:
            return _of_picture(raw, whole=whole)
    except HyperstoreError as error:
        return Facts(fault=str(error))


def video_facts(source: Source, suffix: str) -> Facts:
    """Read a video by PyAV (extra `video`); never raises for what the file is, nor without it."""
    try:
        with raw_file(source) as raw:
            if raw.size == 0:
                raise MediaError(f"{raw.name} is empty")
            digest = _sha256(raw)
            width, height, moments = _moments(raw)
            raw.check_same()
            kind = VIDEO_TYPES.get(suffix.lower())
            return Facts(kind, width, height, raw.size, digest, moments)
    except HyperstoreError as error:
        return Facts(fault=str(error))


def file_facts(source: Source) -> Facts:
    """Read a file of which only size and hash are asked."""
    try:
        with raw_file(source) as raw:
            digest = _sha256(raw)
            raw.check_same()
            return Facts(size=raw.size, sha256=digest)
    except HyperstoreError as error:
        return Facts(fault=str(error))


def _of_picture(raw: RawFile, *, whole: bool) -> Facts:
    content_type = width = height = fault = None
    digest = _sha256(raw)
    try:
        # The size is a fact whether or not so much would be decoded.
        with header(raw, frame=0, pixels_max=2**63) as image:
            kind = str(image.format)
            content_type = CONTENT_TYPES[kind]
            width, height = image.size
            if orientation(image) >= 5:
                width, height = height, width
            pixels = width * height
            if (whole or _breaks_off(raw, kind)) and pixels <= PICTURE_PIXELS_MAX:
                with decoding(raw.name):
                    image.load()
        raw.check_same()
    except HyperstoreError as error:
        fault = str(error)
    return Facts(content_type, width, height, raw.size, digest, None, fault)


def _sha256(raw: RawFile) -> str:
    found = hashlib.sha256()
    raw.stream.seek(0)
    with decoding(raw.name):
        while chunk := raw.stream.read(PICTURE_CHUNK_BYTES):
            found.update(chunk)
    raw.stream.seek(0)
    return found.hexdigest()


def _breaks_off(raw: RawFile, kind: str) -> bool:
    """Return whether a file may lack its end; True proves nothing."""
    at = raw.stream.tell()
    with decoding(raw.name):
        raw.stream.seek(max(0, raw.size - _TAIL_BYTES))
        tail = raw.stream.read(_TAIL_BYTES)
        raw.stream.seek(0)
        head = raw.stream.read(8)
        raw.stream.seek(at)  # The decoder goes on from where its header ended.
    if kind in {"JPEG", "MPO"}:
        return _JPEG_END not in tail
    if kind == "PNG":
        return b"IEND" not in tail
    if kind == "GIF":
        return b";" not in tail
    if kind == "WEBP":
        return int.from_bytes(head[4:8], "little") + 8 > raw.size
    return True  # Of the others the end is not known; they are few.


def _moments(raw: RawFile) -> tuple[int, int, list[int]]:
    """Return a video's width and height, and when each frame is shown; decode the first only."""
    with moving_pictures(raw) as (container, stream):
        first = next(container.decode(stream), None)
        if first is None:
            raise MediaError(f"{raw.name} is a broken video: it shows nothing")
        width, height = first.width, first.height
        if getattr(first, "rotation", 0) % 180:
            width, height = height, width
        container.seek(0)
        base = stream.time_base or Fraction(1, 1000)
        start = stream.start_time or 0
        found: set[int] = set()
        for packet in container.demux(stream):
            if packet.pts is not None and not packet.is_discard:
                found.add(max(0, math.floor((packet.pts - start) * base * 1000)))
                if len(found) > VIDEO_MOMENTS_MAX:
                    raise MediaError(
                        f"{raw.name} has more than {VIDEO_MOMENTS_MAX:,} frames; cut it in parts"
                    )
    return width, height, sorted(found)
