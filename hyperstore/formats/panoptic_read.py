"""Panoptic COCO files to frames: the segments' colours stand in PNGs, which become masks.

    with read([panoptic], masks=folder, images=pictures) as source:
        frames = (combine(existing_frame(partial.id), partial) for partial in source.frames())

Of each PNG every pixel is looked at: a colour that no segment has is an error, as is a PNG of
another size than its image. A segment without a pixel is noted. So is an annotation whose PNG is
not there, which is kept as it is; a folder without any PNG is an error.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from hyperstore.errors import FormatError, NotFoundError, a_type
from hyperstore.formats.coco_map import Drawn
from hyperstore.formats.coco_read import CocoSource, Painted
from hyperstore.formats.coco_read import read as read_coco
from hyperstore.formats.coco_spill import SpilledImage
from hyperstore.formats.combine import Wire
from hyperstore.formats.panoptic_map import SEGMENT_ID_MAX, id_of, mask_id, roi_of
from hyperstore.formats.pictures import relative_name
from hyperstore.limits import PICTURE_PIXELS_MAX
from hyperstore.media.masks import MaskPicture, read_mask

__all__ = ["PNG_MISSING", "read"]

PNG_MISSING = "annotation whose PNG is not there, kept as it is"


def read(
    files: Sequence[Path],
    *,
    masks: Path | None = None,
    images: Path | None = None,
    scratch: Path | None = None,
    pixels_max: int = PICTURE_PIXELS_MAX,
) -> CocoSource:
    """Return a context manager that reads panoptic files when it is entered.

    `masks` is the folder of PNGs; by default each file's is beside it, named as the file is without
    its `.json`. One of more than `pixels_max` is refused. The rest is as in `coco_read.read`.
    """
    folders = {masks or path.with_suffix("") for path in files}
    for folder in sorted(folders):
        if not folder.is_dir():
            raise NotFoundError(f"no folder {folder} of PNGs; name it: --masks DIR")
        if not _has_png(folder):
            raise NotFoundError(f"{folder} holds no PNG; name the folder of PNGs: --masks DIR")

    def painter(image: SpilledImage, drawn: Drawn, path: Path) -> Painted:
        return _painted(image, drawn, path, masks or path.with_suffix(""), pixels_max)

    return read_coco(files, images=images, scratch=scratch, painter=painter)


def _has_png(folder: Path) -> bool:
    return any(name.lower().endswith(".png") for _, _, names in os.walk(folder) for name in names)


def _painted(
    image: SpilledImage, drawn: Drawn, path: Path, folder: Path, pixels_max: int
) -> Painted:
    if not image.annotations:
        drawn.report.note("image without an annotation", f"{path}: images[{image.at}]")
        return Painted([], [], [])
    at, annotation = image.annotations[0]
    place = f"{path}: annotations[{at}]"
    if len(image.annotations) > 1:
        other = image.annotations[1][0]
        raise FormatError(
            f"{path}: annotations[{other}] is of the image that annotations[{at}] is of; a panoptic"
            " file has one annotation an image"
        )
    segments = _segments(annotation, place)
    name = annotation.get("file_name")
    if not isinstance(name, str) or not name:
        raise FormatError(f"{place}.file_name is {ascii(name)[:60]}, not the name of a PNG")
    try:
        relative, led_out = relative_name(name, images=folder)
    except FormatError as fault:
        raise FormatError(f"{place}.file_name: {fault}") from None
    if led_out:
        drawn.report.note(
            "PNG whose name leads out of its folder; its place was taken inside", place
        )
    png = Path(os.path.abspath(folder / relative))  # noqa: PTH100 - links stay as they are.
    if not png.is_file():
        drawn.report.note(PNG_MISSING, f"{place}: {png}")
        return Painted([], [{"file": drawn.file, "annotation": annotation}], [])
    shown = read_mask(png, pixels_max=pixels_max)
    _check(shown, png, image, segments, drawn, place)
    width, height = shown.size
    mask = mask_id(drawn.file)
    rois: list[object] = [
        roi_of(segment, drawn, mask=mask, place=f"{place}.segments_info[{number}]")
        for number, segment in enumerate(segments)
    ]
    rest = {key: value for key, value in annotation.items() if key != "segments_info"}
    return Painted(
        rois,
        [{"file": drawn.file, "annotation": rest, "mask": mask}],
        [{"id": mask, "uri": str(png), "width": width, "height": height}],
    )


def _segments(annotation: Wire, place: str) -> list[Wire]:
    listed = annotation.get("segments_info")
    if not isinstance(listed, list):
        found = a_type(listed) if "segments_info" in annotation else "missing"
        raise FormatError(f"{place}.segments_info is {found}, so this is no panoptic file")
    known: dict[int, int] = {}
    for number, segment in enumerate(listed):
        where = f"{place}.segments_info[{number}]"
        if not isinstance(segment, dict):
            raise FormatError(f"{where} is {a_type(segment)}, not an object")
        name = segment.get("id")
        if type(name) is not int or not 0 < name <= SEGMENT_ID_MAX:
            raise FormatError(
                f"{where}.id is {str(name)[:60]}, not a segment's: a whole number from 1 to"
                f" {SEGMENT_ID_MAX}"
            )
        if name in known:
            raise FormatError(f"{where}.id is {name}, as segments_info[{known[name]}].id is")
        known[name] = number
    return listed


def _check(
    mask: MaskPicture,
    png: Path,
    image: SpilledImage,
    segments: list[Wire],
    drawn: Drawn,
    place: str,
) -> None:
    """Hold a PNG and the segments that it should show against each other."""
    for side, found in zip(("width", "height"), mask.size, strict=True):
        if image.body.get(side) not in (None, 0, found):
            raise FormatError(
                f"{png} is {mask.size[0]} x {mask.size[1]} pixels, but its image has a {side} of"
                f" {str(image.body[side])[:60]} ({place})"
            )
    colours = mask.colours()
    if any(max(colour) > 255 for colour in colours):
        raise FormatError(f"{png} has shades of more than 8 bits; a panoptic PNG has RGB colours")
    pixels = {id_of(colour): count for colour, count in colours.items()}
    pixels.pop(0, None)
    for number, segment in enumerate(segments):
        name = segment["id"]
        assert isinstance(name, int)
        where = f"{place}.segments_info[{number}], segment {name} of {png}"
        area = pixels.pop(name, 0)
        if not area:
            drawn.report.note("segment without a pixel in its PNG", where)
        elif "area" in segment and segment["area"] != area:
            drawn.report.note("segment whose area is not its number of pixels, kept", where)
    if pixels:
        name, count = min(pixels.items())
        raise FormatError(
            f"{png}: {count} pixels have the colour of segment {name}, which {place} has not"
        )
