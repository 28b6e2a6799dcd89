"""Masks as users hold them: arrays of pixels, and COCO's run-length form as a dict.

A mask that is given may be a NumPy array (of booleans or numbers), any other buffer of height rows
and width columns, or a list of rows; whatever is not 0 is set. A mask that is returned is a
`memoryview` of shape (height, width), one byte 0 or 1 a pixel, the top row first: the core has no
NumPy, and `numpy.asarray(mask)` wraps it without a copy.
"""

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import SupportsIndex

from hyperstore.errors import UsageError, a_type
from hyperstore.frames.clipping import Ring
from hyperstore.frames.contour import outlines
from hyperstore.frames.raster import drawn
from hyperstore.frames.rle import compress, from_counts, from_rows, rows
from hyperstore.limits import RLE_PIXELS_MAX, RLE_SIDE_MAX

__all__ = ["mask_of", "rings_of_mask", "rings_of_rle", "rle_of"]


def mask_of(rings: Sequence[Ring], width: SupportsIndex, height: SupportsIndex) -> memoryview:
    """Return the mask that rings draw; its bytes may be written to."""
    wide, high = _side(width, "width"), _side(height, "height")
    if wide * high > RLE_PIXELS_MAX:
        raise UsageError(
            f"a mask of {wide} x {high} pixels is over the {RLE_PIXELS_MAX} drawn; use to_rle"
        )
    mask = drawn(rings, height=high, width=wide)
    return memoryview(bytearray().join(rows(mask))).cast("B", (high, wide))


def rle_of(rings: Sequence[Ring], width: SupportsIndex, height: SupportsIndex) -> dict[str, object]:
    """Return the mask that rings draw as COCO writes it: `size` [height, width], `counts` text."""
    wide, high = _side(width, "width"), _side(height, "height")
    mask = drawn(rings, height=high, width=wide)
    return {"size": [high, wide], "counts": compress(mask.counts)}


def rings_of_rle(rle: object) -> list[list[tuple[int, int]]]:
    """Return the outlines of a mask in COCO's form, its counts as text or as numbers."""
    if not isinstance(rle, Mapping):
        raise UsageError(f"a mask in COCO's form is a dict of size and counts, not {a_type(rle)}")
    return outlines(from_counts(rle.get("size"), rle.get("counts")))


def rings_of_mask(mask: object) -> list[list[tuple[int, int]]]:
    """Return the outlines of a mask of pixels."""
    lines = _lines(mask)
    return outlines(from_rows(lines, width=len(lines[0]) if lines else 0))


def _side(value: SupportsIndex, what: str) -> int:
    try:
        side = operator.index(value)
    except TypeError:
        raise UsageError(f"{what} is a whole number of pixels, not {value!a:.60}") from None
    if not 1 <= side <= RLE_SIDE_MAX:
        raise UsageError(f"{what} is 1 to {RLE_SIDE_MAX} pixels, not {str(side)[:60]}")
    return side


def _lines(mask: object) -> list[bytes]:
    """Return the rows of a mask, one byte a pixel."""
    try:
        view = memoryview(mask)  # type: ignore[arg-type]
    except (TypeError, ValueError, BufferError):  # No buffer, or one of strange elements.
        view = None
    if view is not None:
        if view.ndim != 2:
            raise UsageError(f"a mask has rows and columns; this array has {view.ndim} dimensions")
        if view.itemsize == 1:
            width = (view.shape or (0, 0))[1]
            flat = view.tobytes()
            return [flat[at : at + width] for at in range(0, len(flat), width)] if flat else []
        try:
            mask = view.tolist()
        except NotImplementedError:
            raise UsageError(
                f"a mask holds booleans or numbers, not elements of format {view.format!a}"
            ) from None
    if not isinstance(mask, Iterable) or isinstance(mask, (str, Mapping)):
        raise UsageError(f"a mask is an array or a list of rows, not {a_type(mask)}")
    lines: list[bytes] = []
    for row in mask:
        if not isinstance(row, Iterable) or isinstance(row, (str, Mapping)):
            raise UsageError(f"row {len(lines)} of a mask is {a_type(row)}, not a row of pixels")
        lines.append(bytes(bool(pixel) for pixel in row))
        if len(lines[-1]) != len(lines[0]):
            found, wanted = len(lines[-1]), len(lines[0])
            raise UsageError(f"row {len(lines) - 1} of a mask has {found} pixels, not {wanted}")
    return lines
