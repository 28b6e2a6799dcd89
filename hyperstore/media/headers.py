"""What the header of a file says: its kind, and how large its picture is."""

from pathlib import Path
from typing import NamedTuple

from hyperstore.errors import HyperstoreError
from hyperstore.media.rawfile import RawFile, open_regular, stamp_of
from hyperstore.media.uri import file_name

__all__ = ["VIDEO_TYPES", "Header", "header_of"]

VIDEO_TYPES = {
    ".avi": "video/x-msvideo",
    ".m4v": "video/x-m4v",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".mpg": "video/mpeg",
    ".webm": "video/webm",
}
"""By the file's suffix: one container may hold what has several names."""

# Of what is no picture, or is named like one and broken. Not those of the system, which differ from
# machine to machine, as frames must not.
_BY_NAME = {
    **VIDEO_TYPES,
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".txt": "text/plain",
    ".webp": "image/webp",
}


class Header(NamedTuple):
    """What was found; None for what could not be."""

    content_type: str | None
    width: int | None  # In pixels, as the picture is looked at.
    height: int | None


def header_of(path: str, uri: str) -> Header:
    """Read a file's header; what is no picture, or a broken one, has the type of its URI's name.

    An error of ours says that the file cannot be opened.
    """
    # Which brings Pillow; most programs record what they know and open no picture.
    from hyperstore.media.picture import CONTENT_TYPES, header, orientation

    name = file_name(uri)
    with open_regular(Path(path), name) as handle:
        raw = RawFile(handle, name, stamp_of(handle)[0], None, None)
        try:
            # No pixel is decoded, so none is too many.
            with header(raw, frame=0, pixels_max=2**63) as image:
                width, height = image.size
                if orientation(image) >= 5:
                    width, height = height, width
                return Header(CONTENT_TYPES[str(image.format)], width, height)
        except HyperstoreError:
            return Header(_BY_NAME.get(Path(name).suffix.lower()), None, None)
