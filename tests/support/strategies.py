"""Hypothesis strategies: plain values, and frames in their wire form."""

from typing import Any

from hypothesis import strategies as st

from hyperstore.limits import INT_MAX, INT_MIN, POLY_SENTINEL

__all__ = ["metadata", "numbers", "rois", "strange", "texts", "values", "wire_frames"]

Wire = dict[str, Any]

texts = st.text(max_size=8)  # Hypothesis draws no unpaired surrogates unless told to.
numbers = st.one_of(
    st.integers(-200, 1000),
    st.integers(INT_MIN, INT_MAX),
    st.floats(allow_nan=False, allow_infinity=False),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
metadata = st.dictionaries(texts, scalars, max_size=3) | st.dictionaries(texts, values, max_size=2)

_KNOWN = """
id blob context_id timestamp meta metadata meta_blob rois sources label labels confidence poly mask
uri content_type width height preview masks value label_num dataset saved saved_in_version updated
updated_in_version num_frames rule_name label_rule_counts labels_size new_ver augmentation _kind
"""
_unknown = st.dictionaries(
    st.sampled_from(["extra", "kind", "annotation_id", "area", "_coco", ""])
    | texts.filter(lambda name: name not in _KNOWN.split()),
    values,
    max_size=2,
)
_ids = st.text(min_size=1, max_size=8) | st.binary(min_size=16, max_size=16).map(bytes.hex)
_times = st.integers(-3, 50) | st.integers(-(2**63), 2**63 - 1)
_sizes = st.integers(0, 4000)
_coordinates = st.one_of(
    st.floats(-1e6, 1e6), st.integers(-1000, 1000), st.sampled_from([0.0, -0.0])
)
_uris = st.one_of(
    st.integers(0, 9).map("s3://bucket/{}.jpg".format),
    st.integers(0, 9).map("file:///data/images/{}.jpg".format),
    st.sampled_from(["http://host/a?b=c#d", "text://hello", "data:,x", "file://host/x", "urn:é"]),
)


@st.composite
def _polygons(draw: st.DrawFn, size: int) -> list[float]:
    point = st.lists(_coordinates, min_size=size, max_size=size)
    flat: list[float] = []
    for at in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        if at:
            flat.append(draw(st.sampled_from([POLY_SENTINEL, float(POLY_SENTINEL)])))
        for _ in range(draw(st.integers(1, 4))):
            flat += draw(point)
    return flat


def _fixed(size: int) -> st.SearchStrategy[list[float]]:
    return st.lists(_coordinates, min_size=size, max_size=size)


_shapes = st.one_of(
    st.tuples(st.none(), st.none()),
    st.tuples(st.none() | st.just("p2d"), _polygons(2)),
    st.tuples(st.just("p3d"), _polygons(3)),
    st.tuples(st.sampled_from(["k2d", "b2d"]), _fixed(8)),
    st.tuples(st.just("k3d"), _fixed(6)),
    st.tuples(st.just("elp"), _fixed(5)),
    st.tuples(st.just("b3d"), _fixed(10)),
    st.tuples(st.just("mask"), st.none()),
    st.tuples(st.just("own kind"), _fixed(7)),
)


@st.composite
def rois(draw: st.DrawFn, sources: list[str]) -> Wire:
    """Return a legal ROI about some of the sources."""
    kind, poly = draw(_shapes)
    wire: Wire = {"label": draw(st.lists(texts, min_size=1, max_size=2))}
    meta = draw(metadata)
    meta.pop("_type", None)
    meta.pop("_id", None)
    if kind is not None:
        meta["_type"] = kind
    if draw(st.booleans()):
        meta["_id"] = draw(texts | st.integers(0, 99))
    if meta:
        wire["meta"] = meta
    if poly is not None:
        wire["poly"] = poly
    if draw(st.booleans()):
        wire["confidence"] = draw(st.floats(0, 1))
    if draw(st.booleans()):
        wire["sources"] = draw(st.lists(st.sampled_from(sources), min_size=1, unique=True))
    if kind == "mask":
        wire["mask"] = {"id": "00", "value": draw(st.lists(st.integers(-1, 255), max_size=3))}
    return wire | (draw(_unknown) if draw(st.integers(0, 3)) == 0 else {})


@st.composite
def _pictures(draw: st.DrawFn) -> Wire:
    wire: Wire = {"uri": draw(_uris)}
    for name, strategy in (
        ("content_type", st.sampled_from(["image/jpeg", "png"])),
        ("width", _sizes),
        ("height", _sizes),
        ("timestamp", _times),
    ):
        if draw(st.booleans()):
            wire[name] = draw(strategy)
    return wire | (draw(_unknown) if draw(st.integers(0, 3)) == 0 else {})


@st.composite
def _sources(draw: st.DrawFn, name: str) -> Wire:
    wire = draw(_pictures()) | {"id": name}
    if meta := draw(metadata):
        wire["meta"] = meta
    if draw(st.integers(0, 3)) == 0:
        wire["preview"] = draw(_pictures())
    if draw(st.integers(0, 3)) == 0:
        wire["masks"] = [draw(_pictures()) | {"id": name} for name in ("00", "seg")]
    return wire


@st.composite
def wire_frames(draw: st.DrawFn) -> Wire:
    """Return a legal wire frame in the form in which it comes back, single or group."""
    single = draw(st.booleans())
    names = (
        ["default"]
        if single
        else draw(st.lists(texts.filter(bool), min_size=1, max_size=3, unique=True))
    )
    wire: Wire = {"sources": [draw(_sources(name)) for name in names]}
    if draw(st.booleans()):
        wire["id"] = draw(_ids)
    if draw(st.booleans()):
        wire["timestamp"] = draw(_times)
    if draw(st.booleans()):
        wire["context_id"] = draw(texts)
    meta: Wire = draw(metadata)
    if meta:
        for name in () if single else names:  # What lies under a member's name is its metadata.
            if name in meta and not isinstance(meta[name], dict):
                meta[name] = {"held": meta[name]}
        wire["meta"] = meta
    if draw(st.integers(0, 3)) == 0:
        wire["meta_blob"] = {"a": draw(values)}
        wire["blob"] = draw(texts)
    if not single and names == ["default"]:
        wire["_kind"] = "group"
    found = draw(st.lists(rois(names), max_size=3))
    if draw(st.booleans()):
        for at, roi in enumerate(found):
            roi["id"] = f"roi-{at}"
    if found:
        wire["rois"] = found
    return wire | (draw(_unknown) if draw(st.integers(0, 3)) == 0 else {})


strange: st.SearchStrategy[object] = st.one_of(
    st.sampled_from([None, True, "", "text", "\ud800", [], {}, [1], {"a": 1}, {1}, (1.5, 2)]),
    st.sampled_from([float("nan"), float("inf"), -0.0, 2**64, -(2**70), 33.0, 33.5, b"x", 1j]),
    st.sampled_from([-1, POLY_SENTINEL, object, ["a", "b"], {"a"}, [[]], {"_type": 5}, "root:/x"]),
    values,
)
"""What a careless or hostile caller may put anywhere."""
