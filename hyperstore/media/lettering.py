"""Text on pictures, and the colours of labels."""

import colorsys
from collections.abc import Iterable
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFont

from hyperstore.ids import content_hash
from hyperstore.limits import DRAWN_LABEL_CHARS_MAX

__all__ = ["Rgb", "Writer", "colour_of"]

Rgb: TypeAlias = tuple[int, int, int]

_SIZE_MIN, _SIZE_MAX = 10, 28  # Of letters, in pixels.
_SHARE = 40  # Letters are this part of the picture's longer side.


def colour_of(label: str) -> Rgb:
    """Return a bright colour that follows from the label alone, so it is the same at every run."""
    digits = content_hash([label.encode(errors="surrogatepass")])
    hue, value = int(digits[:8], 16) / 2**32, 0.75 + int(digits[8:10], 16) / 1024
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.8, value)
    return round(255 * red), round(255 * green), round(255 * blue)


class Writer:
    """Writes on one image, each text on a plate of its colour and wholly within the picture."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image
        self._pen = ImageDraw.Draw(image)
        size = min(_SIZE_MAX, max(_SIZE_MIN, max(image.size) // _SHARE))
        self._font = ImageFont.load_default(size)
        self._pad = max(1, size // 6)

    def beside(self, x: float, y: float, text: str, colour: Rgb) -> None:
        """Write a text over the point, or under it where there is no room."""
        fitted = self._fitted(text)
        if fitted is not None:
            text, width, height = fitted
            top = y - height if y >= height else y
            self._plate(x, top, text, (width, height), colour)

    def corner(self, texts: Iterable[tuple[str, Rgb]]) -> None:
        """Write texts below each other, from the top-left corner on, as many as there is room."""
        top = 0
        for text, colour in texts:
            fitted = self._fitted(text)
            if fitted is None or top + fitted[2] > self._image.height:
                return
            text, width, height = fitted
            self._plate(0, top, text, (width, height), colour)
            top += height

    def _plate(self, x: float, y: float, text: str, size: tuple[int, int], colour: Rgb) -> None:
        width, height = size
        left = round(min(max(x, 0), self._image.width - width))
        top = round(min(max(y, 0), self._image.height - height))
        self._pen.rectangle((left, top, left + width - 1, top + height - 1), fill=colour)
        red, green, blue = colour
        bright = 0.299 * red + 0.587 * green + 0.114 * blue > 140
        ink = (0, 0, 0) if bright else (255, 255, 255)
        middle = (left + self._pad, top + height / 2)
        self._pen.text(middle, text, fill=ink, font=self._font, anchor="lm")

    def _fitted(self, text: str) -> tuple[str, int, int] | None:
        """Return as much of a text as the picture is wide, with its plate's size; None for none."""
        cut = text[: DRAWN_LABEL_CHARS_MAX + 1]  # More is not looked at, however much there is.
        line = "".join(letter if letter.isprintable() else "�" for letter in cut)
        whole = None if len(line) > DRAWN_LABEL_CHARS_MAX else self._plate_of(line)
        if whole is not None or not line:
            return whole
        # A text grows with its letters, so the longest that fits is found by halving.
        best = None
        low, high = 1, len(line) - 1
        while low <= high:
            middle = (low + high) // 2
            found = self._plate_of(line[:middle] + "...")
            if found is None:
                high = middle - 1
            else:
                best, low = found, middle + 1
        return best

    def _plate_of(self, text: str) -> tuple[str, int, int] | None:
        """Return a text with its plate's size; None where it is larger than the picture."""
        if not text:
            return None
        _, top, right, bottom = self._font.getbbox("Ag" + text)
        width = int(self._font.getlength(text)) + 1 + 2 * self._pad
        height = int(bottom - min(top, 0)) + 1 + self._pad
        fits = height <= self._image.height and width <= self._image.width and right >= 0
        return (text, width, height) if fits else None
