"""Pictures that tests make, and small ways to look at pixels."""

import io
import os
import struct
import time
import zlib
from pathlib import Path

from PIL import Image

__all__ = ["CORNERS", "bomb", "corners_of", "draw", "encoded", "quarters", "turned_to"]

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
CORNERS = [RED, GREEN, BLUE, WHITE]

# Which corner of what is looked at lies top-left, top-right, bottom-left, bottom-right in the
# file, by EXIF's own words: "the 0th row is at the visual top, the 0th column at the left" and so
# on. Corners are counted in that order.
_LIES = {
    1: [0, 1, 2, 3],
    2: [1, 0, 3, 2],
    3: [3, 2, 1, 0],
    4: [2, 3, 0, 1],
    5: [0, 2, 1, 3],
    6: [1, 3, 0, 2],
    7: [3, 1, 2, 0],
    8: [2, 0, 3, 1],
}


def draw(path: Path, seed: int = 0, size: tuple[int, int] = (6, 4), age_s: int = 3600) -> Path:
    """Write a small picture, of content that follows from the seed, last changed so long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Image.new("RGB", size, (seed % 256, seed // 256 % 256, seed // 65536 % 256))
    made.save(path, "PNG" if path.suffix.lower() == ".png" else None)
    moment = time.time() - age_s
    os.utime(path, (moment, moment))
    return path


def quarters(width: int, height: int, colours: list[tuple[int, int, int]] = CORNERS) -> Image.Image:
    """Return a picture of four colours: top-left, top-right, bottom-left, bottom-right."""
    made = Image.new("RGB", (width, height))
    for at, colour in enumerate(colours):
        left, top = at % 2 * (width // 2), at // 2 * (height // 2)
        made.paste(colour, (left, top, left + width // 2, top + height // 2))
    return made


def turned_to(orientation: int, kind: str, **options: object) -> bytes:
    """Return a file that is looked at as 64 x 32 pixels of four colours, stored in another way."""
    stored = [CORNERS[at] for at in _LIES[orientation]]
    size = (64, 32) if orientation < 5 else (32, 64)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(quarters(*size, stored), kind, exif=exif, **options)


def corners_of(image: Image.Image) -> list[tuple[int, ...]]:
    """Return the pixels at a quarter from each corner, each rounded to black or full light."""
    width, height = image.size
    found = []
    for at in range(4):
        place = (width // 4 + at % 2 * (width // 2), height // 4 + at // 2 * (height // 2))
        pixel = image.convert("RGB").getpixel(place)
        assert isinstance(pixel, tuple)
        found.append(tuple(255 if level > 127 else 0 for level in pixel))
    return found


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return the bytes of a file of this kind."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def bomb(width: int, height: int) -> bytes:
    """Return a small PNG file whose header promises so many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
