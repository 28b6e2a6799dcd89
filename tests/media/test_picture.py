"""Pictures of every kind come out upright and in colour; what is no picture is one clear error."""

import os
import struct
import threading
import warnings
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from hyperstore.errors import MediaError, NotFoundError, RefusedError, UsageError
from hyperstore.media.picture import open_picture
from tests.support.pictures import CORNERS, bomb, corners_of, encoded, quarters, turned_to


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_is_turned_as_its_exif_says(orientation: int, kind: str) -> None:
    """Phones store pictures lying on their side; ROIs are drawn on what people saw."""
    found = open_picture(turned_to(orientation, kind))
    assert (found.size, corners_of(found)) == ((64, 32), CORNERS)


def test_a_turned_picture_is_not_turned_twice() -> None:
    """What is saved again must not carry the old word about how it lies."""
    again = open_picture(encoded(open_picture(turned_to(6, "JPEG")), "PNG"))
    assert corners_of(again) == CORNERS
    assert "exif" not in open_picture(turned_to(6, "JPEG")).info


def _sixteen(values: list[int]) -> bytes:
    image = Image.frombytes("I;16", (len(values), 1), struct.pack(f"<{len(values)}H", *values))
    return encoded(image, "PNG")


@pytest.mark.parametrize(
    ("values", "shades"),
    [
        ([0, 32768, 65535], [0, 128, 255]),
        ([0, 2048, 4095], [0, 128, 255]),
        ([0, 100, 255], [0, 100, 255]),
        ([0, 0, 0], [0, 0, 0]),
    ],
)
def test_grey_of_16_bits_is_shown_by_the_bits_it_uses(values: list[int], shades: list[int]) -> None:
    """Cameras of 12 bits write files of 16, which the high byte alone would show as black."""
    found = open_picture(_sixteen(values))
    assert [found.getpixel((at, 0)) for at in range(3)] == [(one, one, one) for one in shades]


def test_floats_are_stretched_to_what_can_be_seen() -> None:
    """A TIFF of heights or of shares has no shades of its own; pixels without a value are black."""
    for values, shades in [
        ([0.0, 0.5, 1.0, 0.25], [0, 128, 255, 64]),
        ([-100.0, 0.0, 100.0, 50.0], [0, 128, 255, 191]),
        ([float("nan"), 0.0, 1.0, float("inf")], [0, 0, 255, 255]),
    ]:
        image = Image.frombytes("F", (4, 1), struct.pack("=4f", *values))
        found = open_picture(encoded(image, "TIFF"))
        assert [found.getpixel((at, 0)) for at in range(4)] == [(one,) * 3 for one in shades]


def test_numbers_of_32_bits_may_be_negative() -> None:
    """The lowest is black and the highest white."""
    image = Image.frombytes("I", (3, 1), struct.pack("=3i", -1000, 0, 1000))
    found = open_picture(encoded(image, "TIFF"))
    assert [found.getpixel((at, 0)) for at in range(3)] == [(0,) * 3, (128,) * 3, (255,) * 3]


def test_a_palette_keeps_its_colours_and_its_holes() -> None:
    """A PNG of few colours says by a list which of them are transparent."""
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    plain = open_picture(encoded(image, "PNG"))
    holes = open_picture(encoded(image, "PNG", transparency=bytes([255, 7])))
    assert [plain.getpixel((at, 0)) for at in (0, 1)] == [(255, 0, 0), (0, 0, 255)]
    assert [holes.getpixel((at, 0)) for at in (0, 1)] == [(255, 0, 0, 255), (0, 0, 255, 7)]


def test_grey_with_opacity_and_single_bits_come_in_colour() -> None:
    """Whoever draws or trains asks for three numbers a pixel, not for the file's own way."""
    assert open_picture(encoded(Image.new("LA", (1, 1), (9, 5)), "PNG")).getpixel((0, 0)) == (
        9,
        9,
        9,
        5,
    )
    assert open_picture(encoded(Image.new("1", (1, 1), 1), "PNG")).getpixel((0, 0)) == (255,) * 3


def test_printers_colours_are_read_as_light_whoever_wrote_them() -> None:
    """Adobe's JPEGs hold CMYK the other way round, and say so by a mark; others do not."""
    ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # Red.
    adobe = encoded(ink, "JPEG", quality=100)
    at = adobe.index(b"\xff\xeeX"[:2])
    length = struct.unpack(">H", adobe[at + 2 : at + 4])[0]
    other = encoded(ImageChops.invert(ink), "JPEG", quality=100)
    other = other[: other.index(b"\xff\xee")] + other[other.index(b"\xff\xee") + 2 + length :]
    for data in (adobe, other, encoded(ink, "TIFF")):
        red, green, blue = open_picture(data).getpixel((8, 8))  # type: ignore[misc]
        assert red > 240
        assert green < 15
        assert blue < 15


def test_a_picture_by_lightness_and_two_colours_is_read() -> None:
    """Pillow itself does not turn LAB into RGB."""
    found = open_picture(encoded(Image.new("LAB", (1, 1), (255, 128, 128)), "TIFF"))
    assert min(found.getpixel((0, 0))) > 245  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_a_chosen_frame_of_several_is_read(kind: str) -> None:
    """Animations and pages: the first unless another is asked for, and none past the last."""
    pages = [Image.new("RGB", (8, 8), colour) for colour in CORNERS]
    data = encoded(pages[0], kind, save_all=True, append_images=pages[1:], lossless=True)
    found = [open_picture(data, frame=at).convert("RGB").getpixel((4, 4)) for at in range(4)]
    assert found == CORNERS
    with pytest.raises(MediaError, match="has no frame 4, counted from 0"):
        open_picture(data, frame=4)
    with pytest.raises(UsageError, match="from 0"):
        open_picture(data, frame=-1)


@pytest.mark.parametrize(("width", "height"), [(9_000, 9_000), (12_000, 12_000), (60_000, 60_000)])
def test_a_bomb_is_refused_by_its_header(width: int, height: int) -> None:
    """A small file may promise gigabytes of pixels; Pillow only warns of most such."""
    with pytest.raises(RefusedError, match="pixels_max") as caught:
        open_picture(bomb(width, height))
    assert f"{width} x {height}" in str(caught.value) or str(width * height) in str(caught.value)


def test_a_large_picture_is_read_where_the_caller_allows_it() -> None:
    """Pictures from above are larger than what is decoded unasked."""
    data = encoded(Image.new("1", (9_000, 9_000)), "PNG")
    with pytest.raises(RefusedError, match="9000 x 9000 pixels"):
        open_picture(data)
    assert open_picture(data, pixels_max=81_000_000).size == (9_000, 9_000)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"II*\0" + bytes(40), b"RIFF0000WEBP"]
)
def test_what_is_no_picture_is_said_to_be_none(data: bytes, tmp_path: Path) -> None:
    """The error names the file, so that it is found among thousands."""
    path = tmp_path / "thing.png"
    path.write_bytes(data)
    with pytest.raises(MediaError, match=r"thing\.png is "):
        open_picture(path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
def test_a_picture_cut_off_anywhere_is_broken_or_whole(kind: str) -> None:
    """Interrupted copies end anywhere; nothing but an error of ours comes of them."""
    data = encoded(Image.effect_noise((40, 40), 80).convert("RGB"), kind)
    broken = 0
    for end in range(0, len(data), max(1, len(data) // 60)):
        try:
            open_picture(data[:end])
        except MediaError:
            broken += 1
    assert broken > 40


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "PPM"])
def test_a_picture_with_false_bytes_is_an_error_of_ours_or_a_picture(kind: str) -> None:
    """Disks and strangers change bytes; decoders answer with whatever exception comes to them."""
    data = encoded(quarters(32, 32), kind)
    for at in range(0, len(data), max(1, len(data) // 100)):
        changed = bytearray(data)
        changed[at] ^= 0xFF
        try:
            found = open_picture(bytes(changed), pixels_max=10_000_000)
        except (MediaError, RefusedError):
            continue
        assert found.mode in {"RGB", "RGBA"}


def test_places_that_hold_no_file_are_said_plainly(tmp_path: Path) -> None:
    """A file that is gone, a folder, and a pipe, at which a careless reader would wait for ever."""
    with pytest.raises(NotFoundError, match="there is no file"):
        open_picture(tmp_path / "gone.png")
    with pytest.raises(MediaError, match="folder"):
        open_picture(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MediaError, match="no regular file"):
        open_picture(tmp_path / "pipe")
    with pytest.raises(MediaError, match="null"):
        open_picture("a\0b")
    with pytest.raises(UsageError, match="an int"):
        open_picture(7)  # type: ignore[arg-type]


def test_a_warning_of_pillow_reaches_nobody_and_filters_stay_as_they_were() -> None:
    """Programs that turn warnings into errors must be able to look at old pictures."""
    data = encoded(quarters(8, 8), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff")
    before = list(warnings.filters)
    threads = [threading.Thread(target=open_picture, args=(data,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert open_picture(data).size == (8, 8)
    assert list(warnings.filters) == before
