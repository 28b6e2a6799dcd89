"""COCO's run-length masks, read and written without NumPy.

A mask of `height` rows and `width` columns is walked down its columns, the left one first. Its
counts are the lengths of runs of 0 and 1 in turn, beginning with 0 (so the first may be 0), and
add up to height times width. The compressed form is text: each count (from the fourth on, its
difference to the count two before) in groups of five bits, lowest first, a sixth bit for "more
follows", and 48 added to make a printable character.

Nothing here makes room for a mask before its numbers have been checked, and only `rows` makes
room for pixels at all.
"""

from collections.abc import Iterable, Iterator, Sequence

from hyperstore.codec import Struct
from hyperstore.errors import FormatError
from hyperstore.limits import RLE_PIXELS_MAX, RLE_SIDE_MAX

__all__ = ["Rle", "compress", "decompress", "from_counts", "from_intervals", "from_rows", "rows"]

_BITS = 5
_FIRST = 48  # The character of a group of five zeros.
_GROUPS_MAX = 8  # 40 bits: more than any difference of two counts of a legal mask.

assert RLE_SIDE_MAX**2 < 1 << (_BITS * _GROUPS_MAX - 1)


class Rle(Struct, frozen=True):
    """A checked mask: sides within limits, counts that add up to height times width."""

    height: int
    width: int
    counts: tuple[int, ...]

    def runs(self) -> Iterator[tuple[int, int]]:
        """Yield (start, length) of each run of ones, in pixels down the columns."""
        position = 0
        for index, count in enumerate(self.counts):
            if index % 2 and count:
                yield position, count
            position += count

    @property
    def area(self) -> int:
        """How many pixels are set."""
        return sum(self.counts[1::2])

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Return x, y, width, height in pixels of what is set; four zeros where nothing is."""
        left, top, right, bottom = self.width, self.height, -1, -1
        for start, length in self.runs():
            first, high = divmod(start, self.height)
            last, low = divmod(start + length - 1, self.height)
            if first != last:  # The run goes over an end of a column, so it touches both edges.
                high, low = 0, self.height - 1
            left, right = min(left, first), max(right, last)
            top, bottom = min(top, high), max(bottom, low)
        if right < 0:
            return 0, 0, 0, 0
        return left, top, right - left + 1, bottom - top + 1


def from_counts(size: object, counts: object) -> Rle:
    """Check what a COCO file has as `size` ([height, width]) and `counts` (text or numbers)."""
    if not isinstance(size, (list, tuple)) or len(size) != 2:
        raise FormatError(f"a mask's size is [height, width], not {str(size)[:60]}")
    height, width = size
    for side in (height, width):
        if type(side) is not int or not 0 <= side <= RLE_SIDE_MAX:
            raise FormatError(f"a mask's sides are 0 to {RLE_SIDE_MAX}, not {str(side)[:60]}")
    if isinstance(counts, (str, bytes)):
        numbers = decompress(counts)
    elif isinstance(counts, (list, tuple)):
        numbers = list(counts)
    else:
        raise FormatError(f"a mask's counts are text or numbers, not {type(counts).__name__}")
    total = 0
    for index, count in enumerate(numbers):
        if type(count) is not int or count < 0:
            raise FormatError(f"count {index} of a mask is {str(count)[:60]}, not a length")
        total += count
    if total != height * width:
        raise FormatError(
            f"the counts of a mask add up to {total}, but it has {height} x {width} pixels"
        )
    return Rle(height, width, tuple(numbers))


def decompress(text: str | bytes) -> list[int]:
    """Return the counts of COCO's compressed text; they are whole, but not otherwise checked."""
    try:
        data = text.encode("ascii") if isinstance(text, str) else text
    except UnicodeEncodeError:
        raise FormatError("a compressed mask is ASCII text") from None
    counts: list[int] = []
    value = shift = 0
    for position, character in enumerate(data):
        group = character - _FIRST
        if not 0 <= group < 64:
            raise FormatError(f"character {position} of a compressed mask is not one of its 64")
        value |= (group & 31) << shift
        shift += _BITS
        if group & 32:
            if shift >= _BITS * _GROUPS_MAX:
                raise FormatError(f"the count at character {position} of a mask is too large")
            continue
        if group & 16:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    if shift:
        raise FormatError("a compressed mask ends within a count")
    return counts


def compress(counts: Sequence[int]) -> str:
    """Return COCO's compressed text of `counts`."""
    text = bytearray()
    for index, count in enumerate(counts):
        value = count - counts[index - 2] if index > 2 else count
        while True:
            group = value & 31
            value >>= _BITS
            if value == (-1 if group & 16 else 0):
                break
            text.append(group + 32 + _FIRST)
        text.append(group + _FIRST)
    return text.decode("ascii")


def rows(rle: Rle) -> Iterator[bytes]:
    """Yield each row, the top one first, one byte 0 or 1 a pixel; makes room for every pixel."""
    if rle.height * rle.width > RLE_PIXELS_MAX:
        raise FormatError(
            f"a mask of {rle.height} x {rle.width} pixels is over the {RLE_PIXELS_MAX} drawn"
        )
    pixels = bytearray(rle.height * rle.width)
    for start, length in rle.runs():
        pixels[start : start + length] = b"\1" * length
    for row in range(rle.height):
        yield bytes(pixels[row :: rle.height])


def from_rows(lines: Iterable[bytes], *, width: int) -> Rle:
    """Return the mask of rows as `rows` yields them, each `width` bytes; any byte but 0 is set."""
    table = list(lines)
    height = len(table)
    if height * width > RLE_PIXELS_MAX or max(height, width) > RLE_SIDE_MAX:
        raise FormatError(f"a mask of {height} x {width} pixels is too large")
    pixels = bytearray(height * width)
    for row, line in enumerate(table):
        if len(line) != width:
            raise FormatError(f"row {row} of a mask has {len(line)} pixels, not {width}")
        pixels[row::height] = line.translate(_TO_BITS)
    counts = []
    position, wanted = 0, b"\1"
    while position < len(pixels):
        end = pixels.find(wanted, position)
        end = len(pixels) if end < 0 else end
        counts.append(end - position)
        position, wanted = end, b"\0" if wanted == b"\1" else b"\1"
    return Rle(height, width, tuple(counts or [0]))


def from_intervals(intervals: Iterable[tuple[int, int]], *, height: int, width: int) -> Rle:
    """Return the mask of pixels that any interval holds: (start, end) down the columns.

    The intervals may overlap and stand in any order; those without a pixel count for nothing.
    """
    counts: list[int] = []
    done = 0
    for start, end in sorted(intervals):
        if end <= max(start, done):
            continue
        if counts and start <= done:
            counts[-1] += end - done
        else:
            counts += [start - done, end - start]
        done = end
    if done < height * width or not counts:
        counts.append(height * width - done)
    return Rle(height, width, tuple(counts))


_TO_BITS = bytes([0]) + bytes([1]) * 255
