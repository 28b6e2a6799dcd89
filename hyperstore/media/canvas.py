"""A picture painted segment by segment, as a PNG whose colours tell the segments apart.

What is laid on last covers what was there. Black is where nothing was laid.
"""

import io
from collections.abc import Mapping

from PIL import Image

from hyperstore.errors import RefusedError
from hyperstore.frames.rle import Rle
from hyperstore.limits import MASK_COLOURS_MAX, PICTURE_PIXELS_MAX
from hyperstore.media.masks import Colour, MaskPicture

__all__ = ["Canvas"]

Box = tuple[int, int, int, int]


class Canvas:
    """An RGB picture of so many pixels, at first all black."""

    __slots__ = ("_image", "_is_blank")

    def __init__(self, width: int, height: int, *, pixels_max: int = PICTURE_PIXELS_MAX) -> None:
        if width * height > pixels_max:
            raise RefusedError(
                f"a picture of {width} x {height} pixels is over the {pixels_max} that are drawn"
            )
        self._image = Image.new("RGB", (width, height))
        self._is_blank = True

    def lay_mask(self, mask: MaskPicture, colours: Mapping[Colour, Colour]) -> None:
        """Paint the pixels that a mask of this size has in each of the colours, in another."""
        same = [colour for colour, drawn in colours.items() if colour == drawn]
        if self._is_blank and same:
            self._image = mask.only(*same)
            self._is_blank = False
        else:
            same = []
        for colour in colours.keys() - set(same):
            self._paint(mask.selection(colour), colours[colour])

    def lay(self, shape: Rle, colour: Colour) -> None:
        """Paint a shape of this size in a colour."""
        pixels = bytearray(shape.height * shape.width)
        for start, length in shape.runs():
            pixels[start : start + length] = b"\xff" * length
        # A mask runs down its columns: that is a picture lying on its side.
        lying = Image.frombytes("L", (shape.height, shape.width), bytes(pixels))
        self._paint(lying.transpose(Image.Transpose.TRANSPOSE), colour)

    def colours(self) -> dict[Colour, int]:
        """Return each colour with the number of its pixels; black too."""
        found = self._image.getcolors(MASK_COLOURS_MAX)
        if found is None:
            raise RefusedError(f"a picture of more than {MASK_COLOURS_MAX} segments is not drawn")
        return {_triple(colour): count for count, colour in found}

    def box(self, colour: Colour) -> Box:
        """Return x, y, width, height of a colour's pixels; four zeros where it has none."""
        bounds = MaskPicture(self._image, "", deep=False).selection(colour).getbbox()
        if bounds is None:
            return 0, 0, 0, 0
        left, top, right, bottom = bounds
        return left, top, right - left, bottom - top

    def png(self) -> bytes:
        """Return the picture as a PNG file."""
        written = io.BytesIO()
        self._image.save(written, "PNG")
        return written.getvalue()

    def indexed(self, indices: Mapping[Colour, int], palette: bytes) -> bytes:
        """Return a PNG of one byte a pixel: what each colour stands for, 0 for the others.

        `palette` has red, green and blue for each byte, to look at.
        """
        made = Image.new("P", self._image.size)
        made.putpalette(palette)
        painted = MaskPicture(self._image, "", deep=False)
        for colour, index in indices.items():
            made.paste(index, (0, 0), painted.selection(colour))
        written = io.BytesIO()
        made.save(written, "PNG")
        return written.getvalue()

    def _paint(self, where: Image.Image, colour: Colour) -> None:
        self._is_blank = False
        self._image.paste(_triple(colour), (0, 0), where)


def _triple(colour: object) -> tuple[int, int, int]:
    assert isinstance(colour, tuple)
    red, green, blue = colour
    return red, green, blue
