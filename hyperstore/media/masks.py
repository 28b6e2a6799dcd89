"""Masks: pictures whose colours say what each pixel shows, or how much of it.

A mask is read as red, green and blue, whatever its kind: a palette by its colours, grey v as
(v, v, v), with no scaling, so grey of 16 bits or more keeps its numbers. Transparency is left out.
The masks that are returned are `memoryview`s of shape (height, width), one byte a pixel, the top
row first; `numpy.asarray` wraps one without a copy.
"""

import operator
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

from PIL import Image, ImageChops

from hyperstore.errors import FrameError, MediaError
from hyperstore.frames.legend import Colour
from hyperstore.limits import MASK_COLOURS_MAX, PICTURE_PIXELS_MAX
from hyperstore.media.picture import decoding, header, in_colour, orientation, upright
from hyperstore.media.rawfile import Source, raw_file

__all__ = [
    "Colour",
    "Legend",
    "MaskLabelling",
    "MaskPicture",
    "opacity_of",
    "read_mask",
]

Legend: TypeAlias = Mapping[Colour, Iterable[str]]

_DEEP_MAX = 2**24 - 1


@dataclass(frozen=True, slots=True)
class MaskLabelling:
    """What a mask shows, in pixels: of each label, and of each colour that the legend lacks."""

    labels: dict[str, int]
    unknown: dict[Colour, int]


class MaskPicture:
    """A mask that was read."""

    __slots__ = ("_colours", "_deep", "_image", "name")

    def __init__(self, image: Image.Image, name: str, *, deep: bool) -> None:
        self._image = image  # RGB; of deep grey, the three low bytes of each number.
        self._deep = deep
        self._colours: dict[Colour, int] | None = None  # Once they were counted.
        self.name = name

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._image.size

    def colours(self) -> dict[Colour, int]:
        """Return each colour with the number of its pixels, the most frequent first."""
        if self._colours is None:
            self._colours = self._counted()
        return dict(self._colours)

    def _counted(self) -> dict[Colour, int]:
        found = self._image.getcolors(MASK_COLOURS_MAX)
        if found is None:
            raise MediaError(
                f"{self.name} has more than {MASK_COLOURS_MAX} colours, so it is no mask; one that"
                " was kept as JPEG has lost its colours"
            )
        pairs = [(self._said(value), count) for count, value in found]
        return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))

    def labels(self, legend: Legend) -> MaskLabelling:
        """Return which labels are there, and what the legend does not know."""
        known = {_full(value): list(names) for value, names in legend.items()}
        labels: dict[str, int] = {}
        unknown: dict[Colour, int] = {}
        for colour, count in self.colours().items():
            if colour not in known:
                unknown[colour] = count
                continue
            for label in dict.fromkeys(known[colour]):
                labels[label] = labels.get(label, 0) + count
        return MaskLabelling(labels, unknown)

    def pixels_of(self, *colours: Colour) -> memoryview:
        """Return a mask that is 1 where the picture has one of these colours, else 0."""
        ones = self.selection(*colours).point([0] + [1] * 255)
        return _view(ones)

    def label_pixels(self, legend: Legend, label: str) -> memoryview:
        """Return a mask that is 1 where the legend says this label, else 0."""
        return self.pixels_of(*(value for value, names in legend.items() if label in set(names)))

    def selection(self, *colours: Colour) -> Image.Image:
        """Return a grey picture, 255 where this one has one of the colours, else 0."""
        bands = self._image.split()
        made = Image.new("L", self._image.size)
        for stored in filter(None, map(self._stored, colours)):
            hits = [
                band.point([255 if level == value else 0 for level in range(256)])
                for band, value in zip(bands, stored, strict=True)
            ]
            made = ImageChops.lighter(made, reduce(ImageChops.darker, hits))
        return made

    def only(self, *colours: Colour) -> Image.Image:
        """Return a picture with these colours, of a byte each, where this one has them.

        It is black elsewhere.
        """
        others = self.colours().keys() - {*colours, (0, 0, 0)}
        if not self._deep and len(others) <= len(colours):
            made = self._image.copy()
            for colour in others:
                made.paste((0, 0, 0), (0, 0), self.selection(colour))
            return made
        made = Image.new("RGB", self._image.size)
        for colour in colours:
            red, green, blue = _full(colour)
            made.paste((red, green, blue), (0, 0), self.selection(colour))
        return made

    def shade(self, colour: Colour) -> tuple[int, int, int]:
        """Return a colour of this mask as one to look at, which for deep grey is made up."""
        if not self._deep:
            return colour[0], colour[1], colour[2]
        mixed = (colour[0] * 2_654_435_761) & 0xFFFFFF  # Neighbours come to lie far apart.
        return mixed >> 16, mixed >> 8 & 255, (mixed & 255) | 64

    def _said(self, stored: object) -> Colour:
        assert isinstance(stored, tuple)
        if not self._deep:
            return tuple(stored)
        return (stored[0] + 256 * stored[1] + 65536 * stored[2],) * 3

    def _stored(self, colour: Colour) -> Colour | None:
        """Return a colour as the picture holds it; None where it cannot hold it."""
        full = _full(colour)
        if self._deep:
            value = full[0]
            if len(set(full)) != 1 or not 0 <= value <= _DEEP_MAX:
                return None
            return value & 255, value >> 8 & 255, value >> 16
        return full if len(full) == 3 and all(0 <= one <= 255 for one in full) else None


def read_mask(
    source: Source,
    *,
    size: tuple[int, int] | None = None,
    pixels_max: int = PICTURE_PIXELS_MAX,
) -> MaskPicture:
    """Read a mask from a path or from bytes, upright.

    `size` is the width and height of the image that it lies over: FrameError where it has others.
    """
    with raw_file(source) as raw:
        with header(raw, frame=0, pixels_max=pixels_max) as image, decoding(raw.name):
            turn = orientation(image)
            image.load()
            deep = image.mode.startswith("I")
            if image.mode == "F":
                raise MediaError(f"{raw.name} holds floats; a mask holds colours or whole numbers")
            made = upright(_bytes_of(image, raw.name) if deep else _plain(image), turn)
        raw.check_same()
    if size is not None and made.size != tuple(size):
        raise FrameError(
            f"mask {raw.name} is {made.size[0]} x {made.size[1]} pixels, its image"
            f" {size[0]} x {size[1]}; a mask has a pixel for each of the image's"
        )
    return MaskPicture(made, raw.name, deep=deep)


def opacity_of(mask: MaskPicture) -> memoryview:
    """Return an alpha mask as opacities: 0 hides a pixel of the image, 255 shows it."""
    return _view(mask._image.convert("L"))


def _full(value: Iterable[int]) -> Colour:
    """Return a colour of a legend as three numbers; a single one is a shade of grey."""
    colour = tuple(map(operator.index, value))
    return colour * 3 if len(colour) == 1 else colour


def _plain(image: Image.Image) -> Image.Image:
    """Return the colours, also of pixels that are transparent."""
    return in_colour(image).convert("RGB")


def _bytes_of(image: Image.Image, name: str) -> Image.Image:
    """Return the low bytes of whole numbers as bands."""
    wide = image.convert("I")
    low, high = wide.getextrema()
    if low < 0 or high > _DEEP_MAX:  # type: ignore[operator]
        raise MediaError(f"{name} holds {low} to {high}; a mask holds 0 to {_DEEP_MAX}")
    data = wide.tobytes()
    places = range(3) if sys.byteorder == "little" else range(3, 0, -1)
    bands = [Image.frombytes("L", wide.size, data[at::4]) for at in places]
    return Image.merge("RGB", bands)


def _view(grey: Image.Image) -> memoryview:
    width, height = grey.size
    return memoryview(bytearray(grey.tobytes())).cast("B", (height, width))
