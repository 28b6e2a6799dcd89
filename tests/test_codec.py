"""The canonical form, and what the codec refuses to write or read."""

import datetime
import decimal
import enum
import fractions
import io
import pathlib
import types
import uuid
from collections import Counter, OrderedDict, deque, namedtuple

import msgpack
import numpy as np
import pytest

from hyperstore.codec import (
    Struct,
    Unfit,
    canonical_fields,
    decode,
    decoder,
    encode,
    plain,
    stream_unpack,
)
from hyperstore.errors import CorruptError, FrameError, UsageError
from hyperstore.limits import DEPTH_MAX, ITEMS_MAX, OBJECT_BYTES_MAX


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Word(str):
    __slots__ = ()


Point = namedtuple("Point", "x y")


def nested(levels: int) -> list[object]:
    """Return so many lists, one in the other."""
    value: list[object] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_bytes_are_as_the_format_says() -> None:
    """A stranger's reader is written from these bytes."""
    value = {"b": [1, -1, 300, 1.5, None, True], "a": "é", "": {}}
    assert encode(value, what="value") == (
        b"\x83\xa0\x80\xa1a\xa2\xc3\xa9\xa1b\x96\x01\xff\xcd\x01\x2c\xcb?\xf8\0\0\0\0\0\0\xc0\xc3"
    )


def test_keys_sort_by_their_utf8_bytes() -> None:
    """UTF-16 order would put the second key before the first."""
    data = encode({"\U00010000": 1, "\uffff": 2}, what="value")
    assert list(msgpack.unpackb(data)) == ["\uffff", "\U00010000"]


def test_minus_zero_is_zero() -> None:
    """Numbers that are equal and of one type are one value, and have one id."""
    assert encode([-0.0], what="value") == encode([0.0], what="value")
    assert encode([0], what="value") != encode([0.0], what="value")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ((1, 2.5), [1, 2.5]),
        (Point(1, 2), [1, 2]),
        (np.float32(0.5), 0.5),
        (np.int8(-3), -3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array(7.0), 7.0),
        (OrderedDict(b=1, a=2), {"a": 2, "b": 1}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (Word("w"), "w"),
        (Level.HIGH, 3),
        (
            datetime.datetime(2020, 3, 26, 16, 55, tzinfo=datetime.UTC),
            "2020-03-26T16:55:00+00:00",
        ),
    ],
)
def test_what_is_kept_becomes_plain(given: object, kept: object) -> None:
    """What NumPy and the standard library give for numbers, lists, maps and moments is taken."""
    assert plain(given) == kept
    assert decode(encode({"a": given}, what="value"), what="value") == {"a": kept}


@pytest.mark.parametrize(
    "given",
    [
        {1, 2},
        frozenset("a"),
        b"bytes",
        bytearray(b"b"),
        memoryview(b"b"),
        decimal.Decimal(1),
        fractions.Fraction(1, 2),
        1j,
        Colour.RED,
        pathlib.PurePosixPath("a"),
        uuid.UUID(int=1),
        datetime.datetime(2020, 1, 1),
        datetime.date(2020, 1, 1),
        datetime.time(1),
        datetime.timedelta(1),
        range(3),
        (number for number in (1, 2)),
        deque([1]),
        object(),
        len,
        type,
        io.BytesIO(),
        np.complex64(1),
        np.datetime64("2020-01-01T00:00:00", "ns"),
        np.timedelta64(1, "s"),
        np.zeros(1, dtype=[("a", "i4")]),
        np.longdouble(1),
        np.array([{1}], dtype=object),
        float("nan"),
        float("inf"),
        np.float64("nan"),
        2**64,
        -(2**63) - 1,
        "\ud800",
        {"\udfff": 1},
        {1: "one"},
        {None: 1},
        {b"a": 1},
        {("a",): 1},
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_stored_is_refused_by_place(given: object) -> None:
    """A value that would come back as another one must not be written."""
    with pytest.raises(Unfit) as caught:
        plain({"meta": {"speed": [0, given]}})
    assert caught.value.path.startswith("meta.speed[1]")
    with pytest.raises(FrameError, match=r"the thing cannot be stored: meta\.speed\[1\]"):
        encode({"meta": {"speed": [0, given]}}, what="the thing", error=FrameError)


def test_depth_is_counted_from_the_root() -> None:
    """The writer refuses exactly what the reader would."""
    data = encode(nested(DEPTH_MAX), what="value")
    assert decode(data, what="value") == nested(DEPTH_MAX)
    with pytest.raises(UsageError, match="nested deeper"):
        encode(nested(DEPTH_MAX + 1), what="value")
    with pytest.raises(CorruptError, match="nested deeper"):
        decode(b"\x91" + data, what="value")
    with pytest.raises(CorruptError):
        decode(b"\x91" * 5000 + b"\xc0", what="value")


def test_cycles_are_refused() -> None:
    """A value that holds itself has no end."""
    wide: list[object] = []
    wide.extend([wide] * 100)
    loop: dict[str, object] = {}
    loop["self"] = {"again": [loop]}
    for value in (wide, loop):
        with pytest.raises(UsageError, match="contains itself"):
            encode(value, what="value")


def test_items_are_counted_also_where_a_value_stands_many_times() -> None:
    """Ten lists of ten of ten ... are small in memory and without end on disk."""
    value: list[object] = [0] * 10
    for _ in range(7):
        value = [value] * 10
    with pytest.raises(UsageError, match="holds more than"):
        encode(value, what="value")


def test_size_is_bounded_on_both_sides() -> None:
    """An object over the limit is neither written nor read."""
    with pytest.raises(UsageError, match="the limit is"):
        encode("a" * OBJECT_BYTES_MAX, what="value")
    with pytest.raises(CorruptError, match="the limit is"):
        decode(msgpack.packb("a" * OBJECT_BYTES_MAX), what="value")


def test_a_small_message_does_not_become_a_large_value() -> None:
    """Two million empty lists take 2 MB here and 128 MB when decoded."""
    with pytest.raises(CorruptError, match="items"):
        decode(msgpack.packb([[[]] * (ITEMS_MAX - 1), [[]] * (ITEMS_MAX - 1)]), what="value")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc0\xc0",
        b"\xc1",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xa3\xed\xa0\x80",
        b"\xa2\xc3(",
        b"\xd4\x01\x02",
        b"\xd6\xff\0\0\0\0",
        b"\x82\xa1a\x01\xa1a\x02",
        b"\x82\xa1b\x01\xa1a\x02",
        b"\x81\x01\x01",
        b"\x81\x91\x01\x01",
        b"\x81\x90\x01",
        b"\xcc\x01",
        b"\xd9\x01a",
        b"\xdc\x00\x01\x01",
        b"\xca\x3f\xc0\0\0",
        b"\xcb\x80\0\0\0\0\0\0\0",
        b"\xcb\x7f\xf8\0\0\0\0\0\0",
        b"\xc4\x01a",
    ],
    ids=bytes.hex,
)
def test_bytes_that_are_never_written_are_refused(data: bytes) -> None:
    """Each is damage, or a second form of a value that has one already."""
    with pytest.raises(CorruptError, match="the thing"):
        decode(data, what="the thing")


def test_bytes_pass_only_where_they_are_asked_for() -> None:
    """Nodes and commits hold ids; frames hold none."""
    data = encode([b"id"], what="v", allow_bytes=True)
    assert decode(data, what="v", allow_bytes=True) == [b"id"]
    with pytest.raises(CorruptError):
        decode(data, what="v")


def test_typed_decoding_lets_only_corrupt_errors_out() -> None:
    """Callers above never see an error of the library underneath."""

    class Record(Struct):
        name: str
        number: int

    read = decoder(Record)
    assert read(encode({"name": "a", "number": 1}, what="v")) == Record("a", 1)
    for data in (b"", b"\x80", b"\x82\xa4name\x01\xa6number\x01", b"\x81\xa4name\xa1\xff"):
        with pytest.raises(CorruptError, match="a record"):
            read(data, what="a record")
    with pytest.raises(CorruptError, match="limit"):
        read(bytes(OBJECT_BYTES_MAX + 1))


def test_records_out_of_order_are_refused_at_import() -> None:
    """A struct is written in the order of its fields, so that order is the format."""

    class Wrong(Struct):
        b: int
        a: int

    with pytest.raises(AssertionError):
        canonical_fields(Wrong)


def test_a_stream_gives_its_values_one_by_one() -> None:
    """What comes over a wire is read under the same limits."""
    data = msgpack.packb({"a": 1}) + msgpack.packb([b"x"])
    assert list(stream_unpack(io.BytesIO(data), what="stream")) == [{"a": 1}, [b"x"]]
    for bad in (data[:-1], data + b"\xc1", data + b"\xdd\xff\xff\xff\xff", data + b"\xd4\x01\x02"):
        with pytest.raises(CorruptError, match="the stream"):
            list(stream_unpack(io.BytesIO(bad), what="the stream"))
    many = msgpack.packb([[[]] * (ITEMS_MAX - 1), [[]] * (ITEMS_MAX - 1)])
    with pytest.raises(CorruptError, match="items"):
        list(stream_unpack(io.BytesIO(many), what="the stream"))
