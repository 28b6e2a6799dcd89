"""Frames that are wrong, through the API and the command: one error with its place, no change."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import hyperstore
from hyperstore import DatasetVersion, FrameError, SingleFrame, Store, UsageError
from hyperstore.limits import (
    CONTEXT_BYTES_MAX,
    DEPTH_MAX,
    FRAME_ID_BYTES_MAX,
    OBJECT_BYTES_MAX,
    POLY_SENTINEL,
)
from tests.support.frames import Wire, wire
from tests.support.unchanged import fails, held

NAN, INF = float("nan"), float("inf")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a store whose draft has one frame, on which the command stands."""
    with hyperstore.init(tmp_path / ".hyperstore") as made:
        version = made.create_dataset("cells").version()
        version.add_frames([wire("good")])
        version.commit("One")
        made.set_head(version)
        yield made


@pytest.fixture
def draft(store: Store) -> DatasetVersion:
    """Return that draft."""
    return store.dataset("cells").version()


def roi(**fields: object) -> Wire:
    """Return a frame whose second ROI has these fields."""
    frame = wire("bad", labels=("a",))
    assert isinstance(frame["rois"], list)
    frame["rois"].append({"label": ["b"], **fields})
    return frame


def frame(**fields: object) -> Wire:
    """Return a frame with these fields."""
    return wire("bad") | fields


def source(**fields: object) -> Wire:
    """Return a frame whose source has these fields."""
    return frame(sources=[{"id": "default", "uri": "s3://b/a.jpg", **fields}])


def nested(levels: int) -> object:
    """Return so many lists, one in the other."""
    value: list[object] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def unlabelled() -> Wire:
    """Return a frame with an ROI that has no label at all."""
    return frame(rois=[{"label": ["a"]}, {"poly": [1, 2]}])


# What JSON can say, so that the command meets it too.
BAD: list[tuple[str, Wire, str]] = [
    ("no label", unlabelled(), "rois[1].label"),
    ("labels empty", roi(label=[]), "rois[1].label"),
    ("label null", roi(label=None), "rois[1].label"),
    ("label number", roi(label=[1]), "rois[1].label[0]"),
    ("odd poly", roi(poly=[1, 2, 3]), "rois[1].poly"),
    ("odd part", roi(poly=[1, 2, 3, POLY_SENTINEL, 1, 2]), "rois[1].poly"),
    ("sentinel first", roi(poly=[POLY_SENTINEL, 1, 2, 3, 4]), "rois[1].poly[0]"),
    ("sentinel last", roi(poly=[1, 2, 3, 4, POLY_SENTINEL]), "rois[1].poly[4]"),
    ("sentinel twice", roi(poly=[1, 2, POLY_SENTINEL, POLY_SENTINEL, 3, 4]), "rois[1].poly[3]"),
    ("sentinel alone", roi(poly=[POLY_SENTINEL]), "rois[1].poly[0]"),
    ("float sentinel", roi(poly=[1.0, 2.0, float(POLY_SENTINEL)]), "rois[1].poly[2]"),
    ("text poly", roi(poly=["1", "2"]), "rois[1].poly[0]"),
    ("bool poly", roi(poly=[True, False]), "rois[1].poly[0]"),
    ("nested poly", roi(poly=[[1, 2]]), "rois[1].poly[0]"),
    ("null in poly", roi(poly=[1, None]), "rois[1].poly[1]"),
    ("huge int in poly", roi(poly=[1, 2**64]), "rois[1].poly[1]"),
    ("five of an ellipse", roi(poly=[1, 2, 3, 4], meta={"_type": "elp"}), "rois[1].poly"),
    ("ten of a box3d", roi(poly=[0] * 9, meta={"_type": "b3d"}), "rois[1].poly"),
    ("triples of 3d", roi(poly=[1, 2, 3, 4], meta={"_type": "k3d"}), "rois[1].poly"),
    ("confidence above", roi(confidence=1.0000001), "rois[1].confidence"),
    ("confidence below", roi(confidence=-1e-9), "rois[1].confidence"),
    ("confidence text", roi(confidence="1"), "rois[1].confidence"),
    ("confidence bool", roi(confidence=True), "rois[1].confidence"),
    ("roi to nowhere", roi(sources=["left"]), "rois[1].sources"),
    ("roi id twice", roi(id="bad-0"), "rois[1].id"),
    ("roi id long", roi(id="x" * 256), "rois[1].id"),
    ("roi null", frame(rois=[None]), "rois[0]"),
    ("time half", frame(timestamp=33.5), "timestamp"),
    ("time text", frame(timestamp="33"), "timestamp"),
    ("time bool", frame(timestamp=True), "timestamp"),
    ("time above", frame(timestamp=2**63), "timestamp"),
    ("time below", frame(timestamp=-(2**63) - 1), "timestamp"),
    ("time huge float", frame(timestamp=1e300), "timestamp"),
    ("source time half", source(timestamp=0.25), "sources[0].timestamp"),
    ("width half", source(width=1.5), "sources[0].width"),
    ("width negative", source(width=-1), "sources[0].width"),
    ("id long", frame(id="é" * 128), "id"),
    ("id very long", frame(id="x" * (FRAME_ID_BYTES_MAX + 1)), "id"),
    ("id empty", frame(id=""), "id"),
    ("id bool", frame(id=False), "id"),
    ("id list", frame(id=["a"]), "id"),
    ("id surrogate", frame(id="\ud800"), "id"),
    ("context long", frame(context_id="x" * (CONTEXT_BYTES_MAX + 1)), "context"),
    ("context number", frame(context_id=3), "context_id"),
    ("no sources", frame(sources=[]), "sources"),
    ("sources null", frame(sources=None), "sources"),
    ("source twice", frame(sources=[{"id": "a", "uri": "s3://a"}] * 2), "sources[1].id"),
    ("no uri", frame(sources=[{"id": "default"}]), "sources[0].uri"),
    ("object over its limit", frame(blob="x" * (OBJECT_BYTES_MAX + 1)), "takes"),
    ("items over their limit", frame(meta={"a": [0] * 1_000_001}), "1,000,000"),
    ("nesting over its limit", frame(meta={"a": nested(DEPTH_MAX)}), "meta.a[0]"),
    ("roi nested", roi(meta={"a": nested(DEPTH_MAX)}), "rois[1].meta.a[0]"),
    ("unknown nested", frame(other=nested(DEPTH_MAX)), "other[0]"),
    ("meta list", frame(meta=[1]), "meta"),
    ("integer above", frame(meta={"a": {"b": [0, 2**64]}}), "meta.a.b[1]"),
    ("integer below", frame(meta={"a": -(2**63) - 1}), "meta.a"),
    ("surrogate", frame(meta={"a": "\udfff"}), "meta.a"),
    ("surrogate key", roi(meta={"\udfff": 1}), "rois[1].meta"),
]
# What only Python can say.
CYCLE: list[object] = []
CYCLE.append(CYCLE)
RING: dict[str, object] = {}
RING["again"] = [RING]
ONLY_PYTHON: list[tuple[str, Wire, str]] = [
    ("poly nan", roi(poly=[1.0, NAN]), "rois[1].poly[1]"),
    ("poly inf", roi(poly=[1, 2, -INF, 3.0]), "rois[1].poly[2]"),
    ("confidence nan", roi(confidence=NAN), "rois[1].confidence"),
    ("confidence inf", roi(confidence=INF), "rois[1].confidence"),
    ("time nan", frame(timestamp=NAN), "timestamp"),
    ("time inf", frame(timestamp=INF), "timestamp"),
    ("id nan", frame(id=NAN), "id"),
    ("cycle", frame(meta={"a": CYCLE}), "meta.a[0]"),
    ("ring", roi(meta=RING), "rois[1].meta.again"),
    ("unknown cycle", frame(other=CYCLE), "other[0]"),
    ("key number", frame(meta={"a": {1: 2}}), "meta.a"),
    ("label map", roi(label={"a": 1}), "rois[1].label"),
]
_names = [name for name, _, _ in BAD + ONLY_PYTHON]


@pytest.mark.parametrize(("name", "bad", "place"), BAD + ONLY_PYTHON, ids=_names)
def test_a_bad_frame_alone_is_a_failure_and_changes_nothing(
    store: Store, draft: DatasetVersion, name: str, bad: Wire, place: str
) -> None:
    """The entry names the place; not even the operation log shows that somebody tried."""
    before = held(store)
    for add in (draft.add_frames, draft.update_frames):
        (failure,) = add([bad])
        assert failure["frame"] is bad
        assert failure["error_type"] == "validation"
        assert place in str(failure["error"]), name
        assert len(str(failure["error"])) < 500
        with pytest.raises(FrameError) as caught:
            add([wire("other"), bad], strict=True)
        assert place in str(caught.value)
        assert held(store) == before


@pytest.mark.parametrize(("name", "bad", "place"), BAD, ids=[name for name, _, _ in BAD])
def test_a_bad_frame_in_a_file_is_one_line_and_nothing_is_added(
    tmp_path: Path, store: Store, name: str, bad: Wire, place: str
) -> None:
    """`add` is all or nothing: the good frame before the bad one is not stored either."""
    before = held(store)
    file = tmp_path / "frames.jsonl"
    file.write_text(json.dumps(wire("other")) + "\n" + json.dumps(bad) + "\n")
    said = fails(tmp_path, "add", file)
    assert place in said, name
    assert len(said) < 600
    assert held(store) == before


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("NaN", "line 1, column 1: NaN is not a number of JSON"),
        ("Infinity", "line 1, column 1: Infinity is not"),
        ("-Infinity", "line 1, column 1: -Infinity is not"),
        ("1e999", "rois[1].poly[1]"),
    ],
)
def test_numbers_that_json_has_not_are_refused_in_a_file(
    tmp_path: Path, store: Store, text: str, place: str
) -> None:
    """Python writes them into JSON; no other program reads them."""
    before = held(store)
    file = tmp_path / "frames.jsonl"
    file.write_text(json.dumps(roi(poly=[1, 77])).replace("77", text) + "\n")
    assert place in fails(tmp_path, "add", file)
    assert held(store) == before


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"{", "1"),
        (b'{"id": "a"}\n{"id" 3\n', "line 2, column 7"),
        (b'{"id": "a"}\n{"id"\n', "line 3, column 1"),
        (b"[1, 2]", "1"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"id": "a", "id": "b"}', "id"),
        (b"[" * 100_000, "1"),
        (b"null\n", "1"),
    ],
)
def test_a_file_that_is_no_frames_is_one_line(
    tmp_path: Path, store: Store, content: bytes, place: str
) -> None:
    """Cut, of another kind, in another encoding, or built to exhaust the parser."""
    before = held(store)
    (tmp_path / "frames.jsonl").write_bytes(content)
    assert place in fails(tmp_path, "add", tmp_path / "frames.jsonl")
    assert held(store) == before


@pytest.mark.parametrize("name", ["NaN", "odd", "inf"])
def test_wrong_coordinates_given_to_a_class_raise_at_once(name: str) -> None:
    """Not when the frame is stored, when nobody knows any more where they came from."""
    poly = {"NaN": [1.0, NAN], "odd": [1.0, 2.0, 3.0], "inf": [1.0, INF]}[name]
    with pytest.raises((FrameError, UsageError)):
        SingleFrame(source="s3://a").add_annotation(poly2d_xy=poly, labels=["a"])


def test_one_id_twice_in_a_call_is_warned_of_and_the_last_one_stays(
    store: Store, draft: DatasetVersion, tmp_path: Path
) -> None:
    """Through the command as well, where the warning is a line on stderr."""
    with pytest.warns(UserWarning, match="came again"):
        assert draft.add_frames([wire("a", x=1), wire("a", x=2)]) == []
    poly = draft.get_frame("a").to_dict()["rois"][0]["poly"]  # type: ignore[index]
    assert poly[0] == 2


def test_good_frames_beside_bad_ones_are_stored(draft: DatasetVersion) -> None:
    """All entries come back in one list, and a list of them can be mended and given again."""
    bad = [one for _, one, _ in BAD if one["sources"]][:20]
    failures = draft.add_frames([wire("a"), *bad, wire("b")])
    assert [entry["frame"] for entry in failures] == bad
    assert {one.id for one in draft} == {"good", "a", "b"}
