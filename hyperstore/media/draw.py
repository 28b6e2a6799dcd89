"""A frame as people look at it: its picture with ROIs, labels and masks over it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import Protocol, SupportsIndex, TypeAlias

from PIL import Image, ImageDraw

from hyperstore.errors import FrameError, UsageError, a_type
from hyperstore.frames.annotation import Annotation, ImageAnnotation, Mask
from hyperstore.frames.boxes import BoundingBox2D, Ellipse2D
from hyperstore.frames.clipping import Ring, clipped
from hyperstore.frames.geometry import split_parts
from hyperstore.frames.polygons import ComplexPolygon2D, KeyPoints2D, Polygon2D
from hyperstore.limits import DRAWN_COORDINATE_MAX, DRAWN_LABEL_CHARS_MAX, PICTURE_PIXELS_MAX
from hyperstore.media.lettering import Rgb, Writer, colour_of
from hyperstore.media.masks import Legend, MaskPicture, opacity_of, read_mask
from hyperstore.media.picture import open_picture
from hyperstore.media.rawfile import Source
from hyperstore.media.video import open_moment

__all__ = ["Drawable", "Legends", "Manner", "Picture", "draw_frame", "draw_on", "refuse_lying"]

Picture: TypeAlias = Image.Image
Legends: TypeAlias = Mapping[str, Legend]
"""What the colours of each mask mean, by the mask's id."""

_GREY = (128, 128, 128)


class Drawable(Protocol):
    """What is asked of a frame."""

    @property
    def annotations(self) -> list[Annotation]: ...
    @property
    def width(self) -> int | None: ...
    @property
    def height(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Manner:
    """How a frame is drawn."""

    labels: bool = True  # Whether text stands beside the shapes.
    confidence_min: float = 0.0  # Shapes with less are left out; those without one are not.
    fill: float = 0.15  # Opacity of the insides of shapes, from 0 to 1.
    mask_opacity: float = 0.5
    line: int | None = None  # Pixels; as the picture's size asks for where None.
    colours: Mapping[str, Rgb] | None = None  # By label; the others follow from their names.

    def __post_init__(self) -> None:
        for name in ("confidence_min", "fill", "mask_opacity"):
            value: object = getattr(self, name)
            if not (isinstance(value, (int, float)) and 0 <= value <= 1):
                raise UsageError(f"{name} is a number from 0 to 1, not {value!a:.60}")
        line: object = self.line
        if line is not None and not (_is_byte(line, most=1000) and line):
            raise UsageError(f"line is 1 to 1000 whole pixels, not {line!a:.60}")
        colours: object = self.colours
        if colours is not None and not isinstance(colours, Mapping):
            raise UsageError(f"colours are a dict of labels to colours, not {a_type(colours)}")
        for label, colour in (self.colours or {}).items():
            given: object = colour
            if not (
                isinstance(given, (tuple, list)) and len(given) == 3 and all(map(_is_byte, given))
            ):
                raise UsageError(
                    f"colours: that of {label!a:.60} is {given!a:.60}; a colour is red, green and "
                    "blue, each a whole number from 0 to 255"
                )

    def colour(self, labels: Iterable[str]) -> Rgb:
        """Return the colour of the first label: the same one at every run."""
        for label in labels:
            known = (self.colours or {}).get(label)
            if known is None:
                return colour_of(label)
            red, green, blue = known
            return red, green, blue
        return _GREY


def _is_byte(given: object, most: int = 255) -> bool:
    """Tell whether this is a whole number from 0 to `most`; NumPy's are."""
    if isinstance(given, bool) or not isinstance(given, SupportsIndex):
        return False
    return 0 <= index(given) <= most


_PLAIN = Manner()


def draw_frame(
    frame: Drawable,
    *,
    source: Source,
    moment_ms: int | None = None,
    masks: Mapping[str, Source] | None = None,
    legends: Legends | None = None,
    alpha: Source | None = None,
    manner: Manner = _PLAIN,
    pixels_max: int = PICTURE_PIXELS_MAX,
) -> Picture:
    """Return the picture at `source`, a path or bytes, in RGB with the frame's annotations over it.

    `moment_ms` makes the source a video, shown at that time. `masks` gives the paths of the masks
    to draw, by their ids, and `legends` the labels of their colours; of the mask `alpha`, colours
    say how much of the picture is seen, before white. A mask has the size that the frame states, or
    else the picture's; FrameError where not.
    """
    if moment_ms is None:
        picture = open_picture(source, pixels_max=pixels_max)
    else:
        picture = open_moment(source, moment_ms, pixels_max=pixels_max)
    size = (frame.width, frame.height) if frame.width and frame.height else picture.size
    refuse_lying(size, picture.size)
    read = {
        mask_id: read_mask(path, size=size, pixels_max=pixels_max)
        for mask_id, path in (masks or {}).items()
    }
    if alpha is not None:
        mask = read_mask(alpha, size=size, pixels_max=pixels_max)
        seen = Image.frombytes("L", mask.size, opacity_of(mask).tobytes())
        picture = picture.convert("RGB")
        picture.putalpha(seen if seen.size == picture.size else seen.resize(picture.size))
    return draw_on(picture, frame, masks=read, legends=legends, manner=manner)


def refuse_lying(stated: tuple[int, int], found: tuple[int, int]) -> None:
    """Raise FrameError where a frame states the size of its picture lying on its side.

    Cameras store pictures unturned, with a note of how to turn them. Whoever read the size without
    the note may have measured the ROIs so too, or not: drawn either way they might be wrong.
    """
    if stated == found[::-1] != found:
        raise FrameError(
            f"the frame says that its picture is {stated[0]} x {stated[1]} pixels; as it is looked "
            f"at, turned by its EXIF orientation, it is {found[0]} x {found[1]}. If the ROIs are "
            "measured on it as it is looked at, set width and height so, by update_source_info() "
            "for one; else turn them too",
            path="width",
        )


def draw_on(
    picture: Picture,
    frame: Drawable,
    *,
    masks: Mapping[str, MaskPicture] | None = None,
    legends: Legends | None = None,
    manner: Manner = _PLAIN,
) -> Picture:
    """Return a copy of a picture, on white where it is transparent, with annotations over it.

    Where the frame states its width and height and the picture has others (it may be a preview),
    shapes are scaled to it. What has no place in the plane is not drawn; labels of the whole frame
    stand in the corner.
    """
    image = _opaque(picture)
    shown = [one for one in frame.annotations if _sure(one, manner.confidence_min)]
    first = next(iter(masks or ()), None)
    for mask_id, mask in (masks or {}).items():
        own = [one for one in shown if isinstance(one, Mask) and (one.mask_id or first) == mask_id]
        _lay(image, mask, _meanings(own, (legends or {}).get(mask_id), manner), manner)
    scale = (
        image.width / (frame.width or image.width),
        image.height / (frame.height or image.height),
    )
    line = manner.line or max(1, round(max(image.size) / 400))
    pen = ImageDraw.Draw(image, "RGBA")
    writer = Writer(image)
    texts: list[tuple[float, float, str, Rgb]] = []
    for one in shown:
        colour = manner.colour(one.labels)
        anchor = _shape(pen, one, scale, colour, line, manner.fill)
        if anchor is not None and one.labels:
            texts.append((*anchor, _text(one), colour))
    if manner.labels:
        for x, y, text, colour in texts:  # Last, so that no shape runs through them.
            writer.beside(x, y, text, colour)
        whole = [one for one in shown if isinstance(one, ImageAnnotation)]
        writer.corner([(_text(one), manner.colour(one.labels)) for one in whole if one.labels])
    return image


def _sure(one: Annotation, least: float) -> bool:
    return one.confidence is None or one.confidence >= least


def _text(one: Annotation) -> str:
    sure = "" if one.confidence is None or one.confidence == 1 else f" {one.confidence:.2f}"
    shown = [label[: DRAWN_LABEL_CHARS_MAX + 1] for label in one.labels[:DRAWN_LABEL_CHARS_MAX]]
    return ", ".join(shown) + sure


def _opaque(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGB":
        return picture.copy()
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")


def _shape(
    pen: ImageDraw.ImageDraw,
    one: Annotation,
    scale: tuple[float, float],
    colour: Rgb,
    line: int,
    fill: float,
) -> tuple[float, float] | None:
    """Draw a shape and return the top-left of what it spans; None where nothing was drawn."""
    if not one.values:
        return None
    if isinstance(one, KeyPoints2D):
        points = _scaled([one.values], scale)[0]
        radius = line + 1
        near = [point for point in points if max(map(abs, point)) < DRAWN_COORDINATE_MAX]
        for x, y in near:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
        return _corner([near])
    if not isinstance(one, (BoundingBox2D, Ellipse2D, Polygon2D, ComplexPolygon2D)):
        return None
    rings = _scaled(_outlines(one), scale)
    far = DRAWN_COORDINATE_MAX
    drawn = [piece for ring in rings for piece in clipped(ring, (-far, -far), (far, far))]
    for ring in drawn:
        flat = [(float(x), float(y)) for x, y in ring]
        if fill and len(flat) > 2:
            pen.polygon(flat, fill=(*colour, round(255 * fill)))
        pen.line([*flat, flat[0]], fill=colour, width=line, joint="curve")
    return _corner(drawn)


def _outlines(one: Annotation) -> list[list[float]]:
    if isinstance(one, (Polygon2D, ComplexPolygon2D)):
        return split_parts(one.values)
    try:
        return one.to_polygons()
    except FrameError:  # Its points are beyond all floats, so none is in the picture.
        return []


def _scaled(flats: Sequence[Sequence[float]], scale: tuple[float, float]) -> list[Ring]:
    sx, sy = scale
    return [
        [(x * sx, y * sy) for x, y in zip(flat[0::2], flat[1::2], strict=False)] for flat in flats
    ]


def _corner(rings: Sequence[Ring]) -> tuple[float, float] | None:
    points = [point for ring in rings for point in ring]
    return (min(x for x, _ in points), min(y for _, y in points)) if points else None


def _meanings(
    own: Iterable[Mask], legend: Legend | None, manner: Manner
) -> dict[tuple[int, ...], Rgb]:
    """Return in which colour each value of a mask is drawn; none where nobody says what it means.

    Black, which is the background of every mask, is never drawn.
    """
    said = {tuple(value): manner.colour(labels) for value, labels in (legend or {}).items()}
    for one in own:
        value = one.mask_rgb
        if value and all(float(number).is_integer() for number in value):
            said[tuple(map(int, value))] = manner.colour(one.labels)
    return {value: colour for value, colour in said.items() if any(value)}


def _lay(
    image: Image.Image, mask: MaskPicture, said: Mapping[tuple[int, ...], Rgb], manner: Manner
) -> None:
    """Lay a mask over an image; one of which nothing is said is drawn in its own colours."""
    if not said:
        own = mask.colours()
        said = {colour: mask.shade(colour) for colour in own if any(colour)}
    by_colour: dict[Rgb, list[tuple[int, ...]]] = {}
    for value, colour in said.items():
        by_colour.setdefault(colour, []).append(value)
    level = round(255 * manner.mask_opacity)
    for colour, values in by_colour.items():
        where = mask.selection(*values).point([level if at else 0 for at in range(256)])
        if where.size != image.size:
            where = where.resize(image.size, Image.Resampling.NEAREST)
        image.paste(colour, (0, 0), where)
