"""Hypothesis strategies: frames that share words and numbers, and queries that hit some of them.

Frames and queries draw from the same small pools, so that most queries fit some frames and not
others; what is odd (letters that fold to two, numbers that no float holds, keys with dots, values
of several types under one key) is in the pools.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from hyperstore.frames.prepare import prepare
from hyperstore.frames.roots import Roots
from hyperstore.query.language.condition import (
    And,
    Condition,
    Exists,
    Field,
    Leaf,
    Node,
    Not,
    Or,
    Range,
    Regex,
    RoiCondition,
    Scope,
    Term,
    Test,
    Wildcard,
)

__all__ = ["ROOTS", "conditions", "frames", "leaves", "nodes", "stored", "stores"]

Wire = dict[str, Any]

ROOTS = Roots({"": "/data", "images": "/data/images", "other": "/mnt/a b"})
"""Under which some of the frames' files lie."""

LABELS = [
    *("car", "Car", "traffic light", "Traffic Light red", "car traffic", "Straße", "STRASSE"),
    *(
        "été",
        "日本 車",
        "C++",
        "+",
        "a.b/c",
        "driver's seat",
        "x",
        "İstanbul",
        "5",
        "true",
        'a"b\\',
    ),
]
TEXTS = [
    *LABELS,
    "rain",
    "heavy rain",
    "rain heavy",
    "2024-10-20",
    "1.5",
    "False",
    "",
    "\u017f",
    "a\nb",
]
DATES = [
    *("2024-10-20", "2024-10-20T10:30", "2024-10-21T00:00:00Z", "2024-10-20 23:59:59.9999999"),
    *("2024-10-21T01:00:00+02:00", "2024-10-19T23:00:00-0130", "1969-12-31", "9999-12-31"),
    *("2024-02-30", "2024-10", "20241020", "2024-10-20T10", "2024-10-20T10:30,5+02", "0001-01-01"),
]
NUMBERS: list[int | float] = [
    *(
        0,
        1,
        -1,
        2,
        5,
        0.5,
        1.0,
        1.5,
        0.1,
        -0.5,
        2**53,
        2**53 + 1,
        float(2**53),
        -(2**63),
        2**64 - 1,
    ),
    *(1e300, -1e-300, 0.30000000000000004, 0.3, float(2**63), 2**63),
]
KEYS = ["k", "weather", "a", "a.b", "b", "speed", "updated", "été", "keyword", "two words", "A"]
URIS = [
    *("s3://bucket/a/1.jpg", "s3://bucket/a/2.png", "s3://bucket/b/1.jpg", "https://host/x?y=1"),
    *("file:///data/1.jpg", "file:///data/images/1.jpg", "file:///data/images/b/22.png"),
    *("file:///mnt/a b/[1].jpg", "file:///srv/data/1.jpg", "text://hello", "file:///datas/1.jpg"),
]
MEMBERS = ["default", "cam1", "cam 2", "k"]
TYPES = ["image/jpeg", "image/png", "IMAGE/PNG"]
CONFIDENCES = [0.0, 0.1, 0.3, 0.5, 0.75, 0.8, 0.8000000000000002, 1.0]
KINDS = ["b2d", "p2d", None, "own kind"]
TIMES = [-5, 0, 1, 1000, 2**53 + 1, 2**63 - 1]
SIZES = [0, 480, 640, 641]

_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NUMBERS),
    st.sampled_from(TEXTS),
    st.sampled_from(DATES),
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=4,
)
_metas = st.dictionaries(st.sampled_from(KEYS), _scalars | _values, max_size=4)


# Frames.


@st.composite
def _rois(draw: st.DrawFn, sources: list[str]) -> Wire:
    wire: Wire = {"label": draw(st.lists(st.sampled_from(LABELS), min_size=1, max_size=2))}
    if draw(st.booleans()):
        wire["confidence"] = draw(st.sampled_from(CONFIDENCES))
    meta: Wire = draw(_metas) if draw(st.booleans()) else {}
    kind = draw(st.sampled_from(KINDS))
    if kind == "b2d":
        wire["poly"] = [0.0, 0.0, 9.0, 0.0, 9.0, 9.0, 0.0, 9.0]
    elif kind == "p2d":
        wire["poly"] = [0, 0, 5, 0, 5, 5]
    if kind is not None:
        meta["_type"] = kind
    if draw(st.integers(0, 3)) == 0:
        meta["_id"] = draw(st.sampled_from(["r1", "5", 5, 7]))
    if meta:
        wire["meta"] = meta
    if draw(st.booleans()):
        wire["sources"] = draw(st.lists(st.sampled_from(sources), min_size=1, unique=True))
    if draw(st.integers(0, 4)) == 0:
        value = draw(st.lists(st.integers(0, 5), min_size=1, max_size=3))
        wire["mask"] = {"id": draw(st.sampled_from(["00", "seg"])), "value": value}
    return wire


@st.composite
def _pictures(draw: st.DrawFn) -> Wire:
    wire: Wire = {"uri": draw(st.sampled_from(URIS))}
    for name, pool in (("content_type", TYPES), ("width", SIZES), ("height", SIZES)):
        if draw(st.booleans()):
            wire[name] = draw(st.sampled_from(pool))
    if draw(st.booleans()):
        wire["timestamp"] = draw(st.sampled_from(TIMES))
    return wire


@st.composite
def _sources(draw: st.DrawFn, name: str) -> Wire:
    wire: Wire = {**draw(_pictures()), "id": name}
    if draw(st.booleans()) and (meta := draw(_metas)):
        wire["meta"] = meta
    if draw(st.integers(0, 2)) == 0:
        wire["preview"] = draw(_pictures())
    if draw(st.integers(0, 2)) == 0:
        wire["masks"] = [{**draw(_pictures()), "id": mask} for mask in ("00", "seg")]
    return wire


@st.composite
def frames(draw: st.DrawFn) -> Wire:
    """Return a legal wire frame with an id, single or group."""
    names = ["default"]
    if draw(st.integers(0, 2)) == 0:
        names = draw(st.lists(st.sampled_from(MEMBERS), min_size=1, max_size=3, unique=True))
    wire: Wire = {
        "id": draw(st.sampled_from(["f1", "F1", "287024", "0" * 31 + "a"]) | st.uuids().map(str)),
        "sources": [draw(_sources(name)) for name in names],
    }
    if draw(st.booleans()):
        wire["context_id"] = draw(st.sampled_from(["clip 1", "clip 2", URIS[0], "", "/data/1.jpg"]))
    if draw(st.booleans()):
        wire["timestamp"] = draw(st.sampled_from(TIMES))
    meta = draw(_metas)
    if names != ["default"]:
        for name in names:  # What lies under a member's name is its metadata.
            if name in meta and not isinstance(meta[name], dict):
                meta[name] = {"weather": meta[name]}
    if meta:
        wire["meta"] = meta
    if rois := draw(st.lists(_rois(names), max_size=4)):
        wire["rois"] = rois
        if draw(st.booleans()):
            for at, roi in enumerate(rois):
                roi["id"] = f"r{at}"
    return wire


def stores(least: int = 1, most: int = 12) -> st.SearchStrategy[list[Wire]]:
    """Return frames of distinct ids, as one version would hold them."""
    return st.lists(frames(), min_size=least, max_size=most, unique_by=lambda wire: str(wire["id"]))


def stored(wire: Wire, roots: Roots = ROOTS) -> bytes:
    """Return a wire frame's payload, as it is stored."""
    return prepare(wire, roots=roots).payload


# Queries.

_TEXT_FIELDS: dict[Scope, dict[str, list[str]]] = {
    Scope.ROI: {"id": ["r1", "r2"], "kind": ["b2d", "p2d"], "sources": MEMBERS, "mask.id": ["00"]},
    Scope.SOURCE: {
        "id": MEMBERS,
        "uri": URIS,
        "content_type": TYPES,
        "preview.uri": URIS,
        "masks.id": ["00", "seg"],
        "masks.uri": URIS,
    },
    Scope.FRAME: {
        "id": ["f1", "287024"],
        "context_id": ["clip 1", *URIS],
        "kind": ["frame", "group"],
    },
}
_NUMBER_FIELDS: dict[Scope, dict[str, list[Any]]] = {
    Scope.ROI: {"confidence": CONFIDENCES, "mask.value": [0, 1, 5]},
    Scope.SOURCE: {
        "width": SIZES,
        "height": SIZES,
        "timestamp": TIMES,
        "preview.width": SIZES,
        "masks.timestamp": TIMES,
    },
    Scope.FRAME: {"timestamp": TIMES},
}
_paths = (
    st.one_of(
        st.sampled_from(KEYS),
        st.tuples(st.sampled_from(KEYS), st.sampled_from(KEYS)).map(".".join),
        st.tuples(st.sampled_from(MEMBERS), st.sampled_from(KEYS)).map(".".join),
    )
    .map("meta.{}".format)
    .filter(lambda path: path == "meta.keyword" or path[-8:] != ".keyword")
)
_ESCAPED = re.compile(r"[^\w\s]|[_\\]")


@st.composite
def _ranges(draw: st.DrawFn, bounds: st.SearchStrategy[Any]) -> Test:
    ends = sorted([draw(bounds), draw(bounds)])
    low, high = draw(st.sampled_from([(ends[0], ends[1]), (ends[0], None), (None, ends[1])]))
    return Range(low, high, draw(st.booleans()), draw(st.booleans()))


@st.composite
def _wildcards(draw: st.DrawFn, pool: list[str]) -> Test:
    """Return a wildcard made of a text by blotting parts of it out."""
    text = draw(st.sampled_from(pool))
    parts: list[str | bool | None] = []
    for char in text:
        part = draw(st.sampled_from([char, char, char, True, None]))
        if isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += part
        elif part is not None or not parts or parts[-1] is not None:
            parts.append(part)
    if not any(part is None or part is True for part in parts) or parts == [None]:
        parts.append(True)
    return Wildcard(tuple(parts))


@st.composite
def _regexes(draw: st.DrawFn, pool: list[str]) -> Test:
    """Return an expression made of a text by putting others in the place of its characters."""
    pieces = []
    for char in draw(st.sampled_from(pool))[:12]:
        plain = _ESCAPED.sub(r"\\\g<0>", char)
        pieces.append(
            draw(
                st.sampled_from(
                    [
                        *(plain, plain, plain, ".", ".*", "@", f"({plain}|b)+", f"[^{plain}]?"),
                        *(f"[{plain}a-f]", f"({plain}){{1,2}}", "(.?)", "[0-9]*", "\\w", "\\D*"),
                        *(f"({plain})?", "<1-12>", "<01-12>", '"."?' if char == "." else plain),
                    ]
                )
            )
        )
    return Regex("".join(pieces) or "a*")


def _text_tests(pool: list[str], bounds: list[str] | None = None) -> st.SearchStrategy[Test]:
    return st.one_of(
        st.sampled_from(pool).map(Term),
        st.sampled_from(pool).map(Term),
        _wildcards(pool),
        _regexes(pool),
        _ranges(st.sampled_from(bounds or pool)),
        st.just(Exists()),
    )


def _number_tests(pool: list[Any]) -> st.SearchStrategy[Test]:
    return st.one_of(
        st.sampled_from(pool).map(lambda number: Term(repr(number))),
        _ranges(st.sampled_from(pool)),
        st.just(Exists()),
    )


_words = st.sampled_from([word for text in TEXTS for word in text.split()])
_moments = st.sampled_from(
    [
        datetime(2024, 10, 20, tzinfo=UTC),
        datetime(2024, 10, 20, 10, 30, tzinfo=UTC),
        datetime(2024, 10, 21, tzinfo=UTC) - timedelta(microseconds=1),
        datetime(2024, 10, 21, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ]
)
_meta_tests = st.one_of(
    _text_tests([*TEXTS, *DATES], LABELS),  # A bound that is a date is never text.
    _number_tests(NUMBERS),
    _words.map(Term),
    st.sampled_from(["true", "FALSE", "1.50", "+5", "1e0", "9007199254740993"]).map(Term),
    _ranges(_moments),
)


@st.composite
def leaves(draw: st.DrawFn, scope: Scope) -> Leaf:
    """Return a leaf of a query of this scope."""
    owner = scope
    if scope is Scope.FRAME:
        owner = draw(st.sampled_from([Scope.FRAME, Scope.ROI, Scope.SOURCE]))
    kind = draw(st.integers(0, 3))
    exact = draw(st.booleans())
    if owner is Scope.ROI and kind == 0:
        tests = _text_tests(LABELS) | _words.map(Term)
        return Leaf(Field(owner, "label", exact), draw(tests))
    if owner is Scope.ROI and draw(st.integers(0, 9)) == 0:
        return Leaf(Field(owner, "annotation_id"), draw(_text_tests(["r1", "5"])))
    if owner is Scope.FRAME and draw(st.integers(0, 9)) == 0:
        return Leaf(Field(owner, "rois"), Exists())
    if kind == 1:
        path = draw(st.sampled_from(sorted(_NUMBER_FIELDS[owner])))
        return Leaf(Field(owner, path), draw(_number_tests(_NUMBER_FIELDS[owner][path])))
    if kind == 2:
        path = draw(st.sampled_from(sorted(_TEXT_FIELDS[owner])))
        return Leaf(Field(owner, path), draw(_text_tests(_TEXT_FIELDS[owner][path])))
    if draw(st.integers(0, 9)) == 0:
        return Leaf(Field(owner, "meta"), Exists())
    return Leaf(Field(owner, draw(_paths), exact), draw(_meta_tests))


def nodes(scope: Scope, most: int = 6) -> st.SearchStrategy[Node]:
    """Return trees of up to so many leaves, not all of them in normal form."""
    return st.recursive(
        leaves(scope),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(tuple).map(And),
            st.lists(inner, max_size=3).map(tuple).map(Or),
            inner.map(Not),
        ),
        max_leaves=most,
    )


@st.composite
def _rules(draw: st.DrawFn) -> RoiCondition:
    least = draw(st.integers(0, 3))
    most = draw(st.none() | st.integers(least, 4))
    confidence = None
    if draw(st.booleans()):
        low, high = sorted([draw(st.sampled_from(CONFIDENCES)), draw(st.sampled_from(CONFIDENCES))])
        confidence = (low, high)
    return RoiCondition(
        draw(nodes(Scope.ROI, 4)),
        (least, most) if draw(st.booleans()) else (1, None),
        confidence,
        draw(st.integers(0, 3)) == 0,
    )


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    """Return what one query asks, often of one scope only."""
    frame: Node = And(())
    source = None
    rules: list[RoiCondition] = []
    asked = draw(st.integers(0, 3))
    if asked in (0, 3):
        frame = draw(nodes(Scope.FRAME))
    if asked in (1, 3):
        source = draw(nodes(Scope.SOURCE))
    if asked in (2, 3):
        rules = draw(st.lists(_rules(), max_size=3))
    return Condition(frame, source, tuple(rules), no_rois=draw(st.integers(0, 9)) == 0)
