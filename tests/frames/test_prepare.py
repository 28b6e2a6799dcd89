"""What is refused when a frame is stored, and by which place."""

import datetime
import decimal
import enum
import fractions
import os
import pathlib
import uuid
from typing import Any

import numpy as np
import pytest

from hyperstore.errors import FrameError
from hyperstore.frames.prepare import prepare
from hyperstore.frames.roots import NO_ROOTS
from hyperstore.frames.wire import decode_plain
from hyperstore.limits import CONTEXT_BYTES_MAX, FRAME_ID_BYTES_MAX, OBJECT_BYTES_MAX

Wire = dict[str, Any]


class Colour(enum.Enum):
    RED = "red"


def frame(**fields: object) -> Wire:
    """Return a wire frame with one source and these fields."""
    return {"id": "f", "sources": [{"id": "default", "uri": "s3://b/a.jpg"}], **fields}


def roi(**fields: object) -> Wire:
    """Return a wire frame with two ROIs, the second with these fields."""
    return frame(rois=[{"label": ["a"]}, {"label": ["b"], **fields}])


def source(**fields: object) -> Wire:
    """Return a wire frame whose source has these fields."""
    return frame(sources=[{"id": "default", "uri": "s3://b/a.jpg", **fields}])


def stored(wire: Wire) -> Wire:
    """Return a frame as it comes back."""
    return decode_plain(prepare(wire, roots=NO_ROOTS).payload, roots=NO_ROOTS)


def cyclic() -> list[object]:
    """Return a list that contains itself."""
    loop: list[object] = []
    loop.append(loop)
    return loop


def deep(levels: int) -> object:
    """Return so many maps, one in the other."""
    value: object = 1
    for _ in range(levels):
        value = {"in": value}
    return value


REFUSED = [
    (frame(rois=[{"poly": [1, 2]}]), "rois[0].label"),
    (roi(label=[]), "rois[1].label"),
    (roi(label=None), "rois[1].label"),
    (roi(label=["a", 3]), "rois[1].label[1]"),
    (roi(labels=["c"]), "rois[1].labels"),
    (roi(poly=[1, 2, 3]), "rois[1].poly"),
    (roi(poly=[1.0, 2.0, float("nan"), 4.0]), "rois[1].poly[2]"),
    (roi(poly=[1.0, float("-inf")]), "rois[1].poly[1]"),
    (roi(poly=[True, 2]), "rois[1].poly[0]"),
    (roi(poly=["1", "2"]), "rois[1].poly[0]"),
    (roi(poly={1.0, 2.0}), "rois[1].poly"),
    (roi(poly=[[1, 2], [3, 4]]), "rois[1].poly[0]"),
    (roi(poly="12"), "rois[1].poly"),
    (roi(poly=[-999999999, 1, 2, 3, 4]), "rois[1].poly[0]"),
    (roi(poly=[1, 2, 3, 4, -999999999]), "rois[1].poly[4]"),
    (roi(poly=[1, 2, -999999999, -999999999, 3, 4]), "rois[1].poly[3]"),
    (roi(poly=[1, 2, 3, -999999999, 3, 4]), "rois[1].poly"),
    (roi(poly=[1, -999999999], meta={"_type": "k2d"}), "rois[1].poly[1]"),
    (roi(poly=[1, 2, 3, 4], meta={"_type": "p3d"}), "rois[1].poly"),
    (roi(poly=[1, 2, 3, 4], meta={"_type": "elp"}), "rois[1].poly"),
    (roi(poly=[1] * 9, meta={"_type": "b3d"}), "rois[1].poly"),
    (roi(confidence=1.5), "rois[1].confidence"),
    (roi(confidence=-0.1), "rois[1].confidence"),
    (roi(confidence=float("nan")), "rois[1].confidence"),
    (roi(confidence=True), "rois[1].confidence"),
    (roi(confidence="0.5"), "rois[1].confidence"),
    (roi(sources=["other"]), "rois[1].sources"),
    (roi(sources=["default", "default"]), "rois[1].sources[1]"),
    (roi(meta={"_type": 3}), "rois[1].meta._type"),
    (roi(meta={"_id": 1.5}), "rois[1].meta._id"),
    (roi(mask={"id": "00"}), "rois[1].mask.value"),
    (roi(mask={"value": [1, 2, 3]}), "rois[1].mask.id"),
    (roi(id=""), "rois[1].id"),
    (frame(rois=[{"label": "a", "id": "x"}, {"label": "b", "id": "x"}]), "rois[1].id"),
    (frame(rois=[3]), "rois[0]"),
    (frame(rois={"label": "a"}), "rois"),
    (frame(sources=[]), "sources"),
    ({"id": "f"}, "sources"),
    (frame(sources=[{"id": "default"}]), "sources[0].uri"),
    (frame(sources=[{"uri": "s3://a"}]), "sources[0].id"),
    (source(uri=""), "sources[0].uri"),
    (source(uri=b"s3://a"), "sources[0].uri"),
    (source(uri="root:/a"), "sources[0].uri"),
    (source(uri="/a/\udcff.jpg"), "sources[0].uri"),
    (source(timestamp=33.5), "sources[0].timestamp"),
    (source(width=-1), "sources[0].width"),
    (source(height="640"), "sources[0].height"),
    (source(width=True), "sources[0].width"),
    (source(preview={"width": 3}), "sources[0].preview.uri"),
    (source(masks=[{"uri": "s3://m"}]), "sources[0].masks[0].id"),
    (frame(sources=[{"id": "a", "uri": "s3://a"}] * 2), "sources[1].id"),
    (frame(timestamp=33.5), "timestamp"),
    (frame(timestamp="33"), "timestamp"),
    (frame(timestamp=2**63), "timestamp"),
    (frame(timestamp=float("inf")), "timestamp"),
    (frame(id="x" * (FRAME_ID_BYTES_MAX + 1)), "id"),
    (frame(id="é" * (FRAME_ID_BYTES_MAX // 2 + 1)), "id"),
    (frame(id=""), "id"),
    (frame(id=True), "id"),
    (frame(id="\ud800"), "id"),
    (frame(context_id="x" * (CONTEXT_BYTES_MAX + 1)), "context_id"),
    (source(uri="text://" + "x" * CONTEXT_BYTES_MAX), "context_id"),
    (frame(blob={}), "blob"),
    (frame(_kind="video"), "_kind"),
    (frame(meta=[1]), "meta"),
    (frame(meta={1: 2}), "meta"),
    (frame(meta={"a": {"\ud800": 1}}), "meta.a.<key>"),
    (frame(meta={"a": ["x", "\ud800"]}), "meta.a[1]"),
    (frame(meta={}, metadata={"a": 1}), "metadata"),
    (frame(unknown={"a": {1}}), "unknown.a"),
    (roi(unknown=object()), "rois[1].unknown"),
]


@pytest.mark.parametrize(("wire", "path"), REFUSED, ids=[path for _, path in REFUSED])
def test_a_fault_is_named_by_its_place(wire: Wire, path: str) -> None:
    """Whoever registers a million frames must find the one number that is wrong."""
    with pytest.raises(FrameError) as caught:
        prepare(wire, roots=NO_ROOTS)
    assert caught.value.path == path
    assert path in str(caught.value) or path == "id" or path == "context_id"
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        frozenset("a"),
        b"bytes",
        bytearray(b"b"),
        memoryview(b"b"),
        decimal.Decimal("1.5"),
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
        iter([1]),
        object(),
        float("nan"),
        float("-inf"),
        2**64,
        cyclic(),
        deep(63),
        [[b"x"]],
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("level", ["frame", "source", "roi", "blob"])
def test_metadata_that_cannot_come_back_is_refused_at_every_level(
    value: object, level: str
) -> None:
    """A set would come back as a list, a Decimal as a float: better an error than another value."""
    wire, path = {
        "frame": (frame(meta={"a": {"b": value}, "c": 1}), "meta.a.b"),
        "source": (source(meta={"a": {"b": value}, "c": 1}), "sources[0].meta.a.b"),
        "roi": (roi(meta={"_type": "b2d", "a": {"b": value}}), "rois[1].meta.a.b"),
        "blob": (frame(meta_blob={"a": {"b": value}}), "meta_blob.a.b"),
    }[level]
    with pytest.raises(FrameError) as caught:
        prepare(wire, roots=NO_ROOTS)
    assert caught.value.path.startswith(path)


def test_metadata_alone_is_refused_where_it_is_not_nested_too() -> None:
    """The quick way looks at flat metadata by itself."""
    for value in (decimal.Decimal(1), float("nan"), {1}, b"x", 2**64, "\ud800"):
        for wire in (frame(meta={"a": value}), roi(meta={"a": value}), source(meta={"a": value})):
            with pytest.raises(FrameError):
                prepare(wire, roots=NO_ROOTS)


def test_numbers_of_numpy_and_tuples_are_taken() -> None:
    """Coordinates come out of arrays more often than out of lists."""
    moment = datetime.datetime(2020, 3, 26, 16, 55, tzinfo=datetime.UTC)
    wire = roi(
        poly=np.array([1.5, 2.0, 3.0, 4.0], dtype=np.float32),
        confidence=np.float32(0.5),
        meta={"_type": "p2d", "score": np.int64(3), "at": moment, "size": (1, 2)},
    )
    wire["timestamp"] = np.int64(5)
    back = stored(wire)
    assert back["timestamp"] == 5
    got = back["rois"][1]
    assert (got["poly"], got["confidence"]) == ([1.5, 2.0, 3.0, 4.0], 0.5)
    assert got["meta"] == {
        "_type": "p2d",
        "score": 3,
        "at": "2020-03-26T16:55:00+00:00",
        "size": [1, 2],
    }


def test_numbers_keep_their_type_where_the_format_says_so() -> None:
    """poly and meta keep 1 and 1.0 apart; confidence is a float, times and sizes are integers."""
    wire = roi(poly=[1, 2.0, -0.0, 0], confidence=1, meta={"a": 1, "b": 1.0})
    wire["timestamp"] = 33.0
    back = stored(wire)
    got = back["rois"][1]
    assert repr(got["poly"]) == "[1, 2.0, 0.0, 0]"
    assert repr(got["confidence"]) == "1.0"
    assert repr(got["meta"]) == "{'a': 1, 'b': 1.0}"
    assert repr(back["timestamp"]) == "33"


def test_equal_frames_have_equal_bytes_whatever_their_order_of_keys() -> None:
    """Equality of frames is equality of stored bytes."""
    wire = roi(poly=[1, 2], meta={"_type": "p2d", "b": 1, "a": 2})
    turned = {key: wire[key] for key in reversed(wire)}
    turned["rois"] = [dict(reversed(list(one.items()))) for one in wire["rois"]]
    assert prepare(turned, roots=NO_ROOTS) == prepare(wire, roots=NO_ROOTS)


def test_a_frame_over_the_limit_is_refused() -> None:
    """The writer refuses what the reader would."""
    with pytest.raises(FrameError, match="the limit is"):
        prepare(frame(blob="x" * OBJECT_BYTES_MAX), roots=NO_ROOTS)
    with pytest.raises(FrameError, match="1,000,000"):
        prepare(frame(meta_blob={"a": [[0] * 999_000, [0] * 2_000]}), roots=NO_ROOTS)
    # Neither of the two alone is too much.
    with pytest.raises(FrameError, match="1,000,000"):
        prepare(frame(meta={"a": [0] * 600_000}, meta_blob={"a": [0] * 600_000}), roots=NO_ROOTS)


def test_numeric_ids_become_strings() -> None:
    """Ids of other systems are often numbers."""
    assert prepare(frame(id=287024), roots=NO_ROOTS).frame_id == "287024"
    assert prepare(frame(id=1.5), roots=NO_ROOTS).frame_id == "1.5"


def test_defaults_of_the_order_key() -> None:
    """Context and timestamp default to those of the first source, missing ones to 0."""
    one = prepare(source(timestamp=7), roots=NO_ROOTS)
    other = prepare(source(timestamp=7) | {"context_id": "s3://b/a.jpg"}, roots=NO_ROOTS)
    assert one.order_key == other.order_key
    assert one.payload != other.payload
    later = prepare(source(timestamp=7) | {"timestamp": 8}, roots=NO_ROOTS)
    assert later.order_key > one.order_key > prepare(source(), roots=NO_ROOTS).order_key


@pytest.mark.parametrize("given", [None, 3, "frame", [], [("id", 1)], object(), os])
def test_what_is_no_frame_at_all_is_refused(given: object) -> None:
    """A clear error, and no AttributeError from inside."""
    with pytest.raises(FrameError):
        prepare(given, roots=NO_ROOTS)  # type: ignore[arg-type]


@pytest.mark.parametrize("wire", [5, None, [], "x"])
def test_a_frame_object_says_itself_as_a_dict(wire: object) -> None:
    """A class of somebody's own is named in the error, and what it gave."""

    class Odd:
        def to_dict(self) -> object:
            return wire

    with pytest.raises(FrameError, match="Odd.*not an? " + type(wire).__name__):
        prepare(Odd(), roots=NO_ROOTS)  # type: ignore[arg-type]


def test_an_object_whose_to_dict_is_no_method_is_not_a_frame() -> None:
    """The name alone does not make a frame."""

    class Odd:
        to_dict = 5

    with pytest.raises(FrameError, match="Odd is not a frame"):
        prepare(Odd(), roots=NO_ROOTS)  # type: ignore[arg-type]
