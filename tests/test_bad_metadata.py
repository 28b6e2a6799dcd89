"""Every kind of value of the standard library in metadata: kept as documented, or refused."""

import array
import asyncio
import collections
import contextvars
import dataclasses
import datetime
import decimal
import enum
import fractions
import io
import ipaddress
import itertools
import operator
import pathlib
import queue
import random
import re
import string
import sys
import threading
import types
import typing
import uuid
import weakref
import zoneinfo
from collections.abc import Callable

import pytest

from hyperstore import DatasetVersion, SingleFrame, Store, UsageError
from tests.dataset.conftest import draft, store
from tests.support.frames import Wire, wire
from tests.support.unchanged import held

__all__ = ["draft", "store"]


class Colour(enum.Enum):
    RED = "red"


class Shade(enum.StrEnum):
    DARK = "dark"


class Level(enum.IntEnum):
    HIGH = 3


class Permission(enum.Flag):
    READ = 1


class Mode(enum.IntFlag):
    EXEC = 4


class Share(float, enum.Enum):
    HALF = 0.5


@dataclasses.dataclass
class Box:
    x: int = 1


class Pair(typing.NamedTuple):
    x: int
    y: float


class Typed(typing.TypedDict):
    x: int


class Nowhere(datetime.tzinfo):
    """A zone that does not know itself: the base class raises NotImplementedError."""

    utcoffset = dst = datetime.tzinfo.utcoffset
    tzname = datetime.tzinfo.tzname


class Word(str):
    __slots__ = ()


def numbers() -> typing.Iterator[int]:
    yield 1


async def later() -> None:
    """Only to have a coroutine function."""


UTC = datetime.UTC
MOMENT = datetime.datetime(2020, 3, 26, 16, 55, 38, 441671)
EAST = datetime.timezone(datetime.timedelta(hours=2))

KEPT: list[tuple[object, object]] = [
    (None, None),
    (True, True),
    (0, 0),
    (-0.0, 0.0),
    (2**64 - 1, 2**64 - 1),
    (-(2**63), -(2**63)),
    (sys.float_info.max, sys.float_info.max),
    (5e-324, 5e-324),
    ("", ""),
    ("nul \0, é, e\u0301, \U0001f600, \u202e", "nul \0, é, e\u0301, \U0001f600, \u202e"),
    ([], []),
    ({}, {}),
    ((1, (2.0, "3")), [1, [2.0, "3"]]),
    (Pair(1, 2.5), [1, 2.5]),
    (Typed(x=1), {"x": 1}),
    (collections.OrderedDict(b=1, a=2), {"a": 2, "b": 1}),
    (collections.defaultdict(list, a=[1]), {"a": [1]}),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
    (collections.ChainMap({"a": 1}, {"a": 2, "b": 3}), {"a": 1, "b": 3}),
    (collections.UserDict(a=1), {"a": 1}),
    (types.MappingProxyType({"a": (1,)}), {"a": [1]}),
    (Shade.DARK, "dark"),
    (Level.HIGH, 3),
    (Mode.EXEC, 4),
    (Word("w"), "w"),
    ({Word("k"): Level.HIGH, Shade.DARK: 1}, {"dark": 1, "k": 3}),
    (MOMENT.replace(tzinfo=UTC), "2020-03-26T16:55:38.441671+00:00"),
    (MOMENT.replace(tzinfo=EAST), "2020-03-26T16:55:38.441671+02:00"),
    (MOMENT.replace(tzinfo=zoneinfo.ZoneInfo("UTC")), "2020-03-26T16:55:38.441671+00:00"),
]
REFUSED: list[object] = [
    float("nan"),
    float("inf"),
    -float("inf"),
    2**64,
    -(2**63) - 1,
    10**5000,
    "\ud800",
    {"\udfff": 1},
    {1: 2},
    {None: 1},
    {b"a": 1},
    {("a",): 1},
    {Colour.RED: 1},
    Colour.RED,
    Permission.READ,
    Share.HALF,
    Colour,
    MOMENT,
    MOMENT.replace(tzinfo=Nowhere()),
    MOMENT.date(),
    MOMENT.time(),
    MOMENT.timetz().replace(tzinfo=UTC),
    datetime.timedelta(days=1),
    UTC,
    decimal.Decimal("1.5"),
    decimal.Decimal("NaN"),
    fractions.Fraction(1, 2),
    1j,
    b"bytes",
    bytearray(b"b"),
    memoryview(b"b"),
    array.array("d", [1.0]),
    {1, 2},
    frozenset("a"),
    {"a": 1}.keys(),
    {"a": 1}.values(),
    {"a": 1}.items(),
    collections.deque([1]),
    collections.UserList([1]),
    collections.UserString("a"),
    range(3),
    slice(1),
    iter([1]),
    numbers(),
    numbers,
    map(int, "1"),
    zip([1], [2], strict=True),
    enumerate([1]),
    reversed([1]),
    itertools.count(),
    later,
    len,
    "a".upper,
    operator.itemgetter(0),
    int,
    object,
    type,
    typing.Any,
    list[int],
    int | None,
    object(),
    Box(),
    Box,
    types.SimpleNamespace(a=1),
    types,
    ...,
    NotImplemented,
    ValueError("a"),
    pathlib.Path("a"),
    pathlib.PurePosixPath("a"),
    uuid.UUID(int=1),
    ipaddress.IPv4Address("1.2.3.4"),
    ipaddress.IPv6Network("::/64"),
    re.compile("a"),
    re.match("a", "a"),
    string.Template("a"),
    io.BytesIO(b"a"),
    io.StringIO("a"),
    sys.stdin,
    sys.implementation,
    random.Random(1),
    threading.Lock(),
    threading.Event(),
    queue.Queue(),
    contextvars.ContextVar("a"),
    weakref.ref(Box),
    asyncio.Event(),
    property(),
    staticmethod(len),
]


def kind(value: object) -> str:
    """Name a value for a test, the same in every process."""
    return type(value).__name__


@pytest.mark.parametrize(("given", "kept"), KEPT, ids=kind)
def test_what_is_kept_comes_back_as_documented(
    draft: DatasetVersion, given: object, kept: object
) -> None:
    """Of a frame, an ROI, a source and a version, flat and nested; types told apart."""
    expected = {"flat": kept, "nested": [{"in": kept}]}
    for at, frame in enumerate(_frames({"flat": given, "nested": [{"in": given}]})):
        assert draft.add_frames([frame]) == [], at
        back: typing.Any = draft.get_frame(str(frame["id"])).to_dict()
        place = (back, back["sources"][0], back["rois"][0])[at]
        found = {name: place["meta"][name] for name in expected}
        assert repr(found) == repr(expected)
    draft.set_metadata({"flat": given})
    assert repr(draft.get_metadata()) == repr({"flat": kept})


@pytest.mark.parametrize("given", REFUSED, ids=kind)
def test_what_would_come_back_as_something_else_is_refused(
    store: Store, draft: DatasetVersion, given: object
) -> None:
    """The failure names the place; nothing is stored of the frame, nothing logged."""
    before = held(store)
    metas: list[tuple[dict[str, object], str]] = [
        ({"flat": given}, "flat"),
        ({"nested": [0, {"in": given}]}, "nested[1].in"),
    ]
    for meta, place in metas:
        for frame, path in zip(_frames(meta), ("", "sources[0].", "rois[0]."), strict=True):
            (failure,) = draft.add_frames([frame])
            assert f"{path}meta.{place}" in str(failure["error"])
            assert len(str(failure["error"])) < 300
        with pytest.raises(UsageError, match="metadata"):
            draft.set_metadata(meta)
        with pytest.raises(UsageError):
            store.create_dataset("other", metadata=meta)
    assert held(store) == before


@pytest.mark.parametrize("given", REFUSED, ids=kind)
def test_what_is_refused_is_refused_in_a_frame_object_too(
    draft: DatasetVersion, given: object
) -> None:
    """Whether it was given to the constructor or written into the live metadata."""
    live = SingleFrame(source="s3://b/live.jpg")
    live.metadata["a"] = {"b": given}
    (failure,) = draft.add_frames([live])
    assert "meta.a.b" in str(failure["error"])
    built = SingleFrame(source="s3://b/built.jpg", metadata={"a": {"b": given}})
    (failure,) = draft.add_frames([built])
    assert "meta.a.b" in str(failure["error"])


def _frames(meta: dict[str, object]) -> list[Wire]:
    """Return three frames, with that metadata of their own, of their source, of their ROI."""
    frames = [wire("frame"), wire("source"), wire("roi")]
    frames[0]["meta"] = dict(meta)
    frames[1]["sources"][0]["meta"] = dict(meta)  # type: ignore[index]
    frames[2]["rois"][0]["meta"] = dict(meta)  # type: ignore[index]
    return frames


def _ring() -> object:
    inner: dict[str, object] = {}
    inner["list"] = [inner]
    return inner


def _deep(make: Callable[[object], object], levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = make(value)
    return value


@pytest.mark.parametrize(
    "given",
    [
        _ring(),
        _deep(lambda value: [value], 64),
        _deep(lambda value: (value,), 10_000),
        _deep(lambda value: {"k": value}, 10_000),
        _deep(lambda value: types.MappingProxyType({"k": [value]}), 10_000),
    ],
    ids=["ring", "just too deep", "tuples", "maps", "proxies"],
)
def test_what_nests_too_deep_or_in_itself_is_refused(
    store: Store, draft: DatasetVersion, given: object
) -> None:
    """No RecursionError, no process that dies, and a place that still fits on a line."""
    before = held(store)
    for frame in _frames({"a": given}):
        (failure,) = draft.add_frames([frame])
        assert "nested deeper than 64" in str(failure["error"])
        assert len(str(failure["error"])) < 300
    with pytest.raises(UsageError, match="nested deeper"):
        draft.set_metadata({"a": given})
    assert held(store) == before


def test_a_key_of_a_megabyte_does_not_make_an_error_of_a_megabyte(draft: DatasetVersion) -> None:
    """The place is named as far as it fits a line."""
    for frame in _frames({"k" * 1_000_000: {"set": {1}}}):
        (failure,) = draft.add_frames([frame])
        assert len(str(failure["error"])) < 1_000
    with pytest.raises(UsageError) as caught:
        draft.set_metadata({"k" * 1_000_000: {"set": {1}}})
    assert len(str(caught.value)) < 1_000


def test_keys_of_versions_cannot_break_a_path(store: Store, draft: DatasetVersion) -> None:
    """A query names a value by its path, in which `.` and `$` have a meaning."""
    before = held(store)
    for key in ("a.b", "$a", "."):
        for meta in ({key: 1}, {"ok": [{key: 1}]}):
            with pytest.raises(UsageError, match="rename it"):
                draft.set_metadata(meta)
    assert held(store) == before
