"""The bytes of one column of the index: the pieces of which it is made, and how they are packed.

A column holds the values of one field, each with its *place*: the 32-bit number of the thing that
has the value, `position << 16 | slot`. The slot is the frame's sequence number in its block of
65,536; the position is that of the ROI or source in its frame, 0 for the frame itself. So a set of
places is a roaring bitmap of one container for each position, sets within one ROI are the
intersections of such bitmaps, and the frames of a set are the union of its containers.

Values of one type lie sorted, and places beside them in that order. (Ids of ROIs are listed as they
came: to sort them would take a fifth of the time and most of the memory of building an index, for
a question that nearly nobody asks.) Where a run of equal strings
is long it has a bitmap of its own; numbers have one for each bucket of so many.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from pyroaring import BitMap

from hyperstore.codec import Struct
from hyperstore.limits import INDEX_BUCKET, INDEX_HEAVY

__all__ = [
    "BLOCK",
    "BLOCK_BITS",
    "PIECES",
    "PIECES_OF_NUMBERS",
    "PIECES_OF_STRINGS",
    "ColumnEntry",
    "in_order",
    "pack_dealt_numbers",
    "pack_numbers",
    "pack_strings",
    "pack_words",
    "set_bytes",
]

BLOCK_BITS = 16
BLOCK = 1 << BLOCK_BITS

PIECES_OF_NUMBERS = ("values", "places", "bucket_ends", "buckets")
PIECES_OF_STRINGS = (
    "offsets",
    "text",
    "starts",
    "places",
    "heavy",
    "heavy_ends",
    "heavy_sets",
    "word_offsets",
    "word_text",
    "word_starts",
    "word_strings",
)
PIECES = (
    "present",
    "true",
    "false",
    *(f"{kind}.{name}" for kind in ("int", "float", "big", "date") for name in PIECES_OF_NUMBERS),
    *(f"string.{name}" for name in PIECES_OF_STRINGS),
    "order.offsets",
    "order.text",
    "listed.offsets",
    "listed.text",
    "listed.places",
    "opaque",
)
"""The pieces of a column in the order in which they lie; most columns lack most of them."""

assert array("I").itemsize == 4
assert array("q").itemsize == array("d").itemsize == 8


class ColumnEntry(Struct, array_like=True, gc=False):
    """What the directory of a segment says of a column."""

    scope: str
    path: str
    offset: int
    length: int
    check: bytes
    pieces: list[int]  # Number of the piece and its length, pair after pair.
    types: list[str]


def in_order(pieces: Mapping[str, bytes]) -> tuple[list[int], list[bytes]]:
    """Return the lengths of the pieces, as a directory has them, and the pieces as they lie."""
    lengths: list[int] = []
    found: list[bytes] = []
    for number, name in enumerate(PIECES):
        data = pieces.get(name)
        if data:
            lengths += (number, len(data))
            found.append(data)
    return lengths, found


def pack_numbers(
    kind: str, code: str, values: Sequence[int | float], places: "array[int]"
) -> Iterator[tuple[str, bytes]]:
    """Yield the pieces of numbers of one type: sorted, with a bitmap for each full bucket."""
    if not values:
        return
    order = sorted(range(len(values)), key=list(values).__getitem__)
    yield f"{kind}.values", array(code, map(values.__getitem__, order)).tobytes()
    sorted_places = array("I", map(places.__getitem__, order))
    yield f"{kind}.places", sorted_places.tobytes()
    if len(values) >= 2 * INDEX_BUCKET:
        sets = [
            BitMap(sorted_places[start : start + INDEX_BUCKET]).serialize()
            for start in range(0, len(values), INDEX_BUCKET)
        ]
        yield f"{kind}.bucket_ends", array("I", accumulate(map(len, sets))).tobytes()
        yield f"{kind}.buckets", b"".join(sets)


def pack_dealt_numbers(
    kind: str, code: str, dealt: Mapping[int | float, "array[int]"]
) -> Iterator[tuple[str, bytes]]:
    """Yield the pieces of few different numbers, each with a bitmap of its places."""
    if dealt:
        values = sorted(dealt)
        sets = [set_bytes(dealt[value]) for value in values]
        yield f"{kind}.values", array(code, values).tobytes()
        yield f"{kind}.bucket_ends", array("I", accumulate(map(len, sets))).tobytes()
        yield f"{kind}.buckets", b"".join(sets)


def pack_strings(
    strings: list[str], counts: Sequence[int] | None, places: "array[int]"
) -> Iterator[tuple[str, bytes]]:
    """Yield the pieces of distinct strings that are sorted; `places` are those of each in turn.

    `counts` says how many each has, None that each has one. The list of strings is used up.
    """
    if not strings:
        return
    yield from _texts("string.offsets", "string.text", strings)
    strings.clear()  # They take more memory than anything else here.
    if counts is None:
        yield "string.places", places.tobytes()
        return
    heavy, heavy_sets = array("I"), list[bytes]()
    starts, light = array("I", (0,)), array("I")
    begin = 0
    for number, count in enumerate(counts):
        found = places[begin : begin + count]
        begin += count
        if count >= INDEX_HEAVY:
            heavy.append(number)
            heavy_sets.append(set_bytes(found))
        else:
            light += found
        starts.append(len(light))
    yield "string.starts", starts.tobytes()
    yield "string.places", light.tobytes()
    yield "string.heavy", heavy.tobytes()
    yield "string.heavy_ends", array("I", accumulate(map(len, heavy_sets))).tobytes()
    yield "string.heavy_sets", b"".join(heavy_sets)


def pack_words(words: Mapping[str, Sequence[int]]) -> Iterator[tuple[str, bytes]]:
    """Yield the pieces of words, sorted, each with the numbers of the strings that hold it."""
    if not words:
        return
    starts, strings = array("I", (0,)), array("I")
    for numbers in words.values():
        strings.extend(numbers)
        starts.append(len(strings))
    yield from _texts("string.word_offsets", "string.word_text", list(words))
    yield "string.word_starts", starts.tobytes()
    yield "string.word_strings", strings.tobytes()


def set_bytes(places: Sequence[int]) -> bytes:
    """Return a set of places as it is kept."""
    found = BitMap(places)
    found.run_optimize()
    return found.serialize()


def _texts(offsets: str, text: str, strings: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield where each string begins, with the end of the last, and the strings joined."""
    joined = "".join(strings)
    data = joined.encode()
    ascii_only = len(data) == len(joined)
    lengths = map(len, strings if ascii_only else map(str.encode, strings))
    yield offsets, array("I", accumulate(lengths, initial=0)).tobytes()
    yield text, data
