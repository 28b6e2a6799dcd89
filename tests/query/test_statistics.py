"""Statistics held to a slow twin that counts over wire frames, and to sums done by hand."""

import json
import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.frames.prepare import prepare
from hyperstore.frames.roots import NO_ROOTS, Roots
from hyperstore.frames.wire import decode_plain
from hyperstore.query.statistics import counting
from hyperstore.query.statistics.counting import Tally
from hyperstore.query.statistics.report import Statistics
from hyperstore.query.statistics.tally import Measure, Names
from tests.support.frames import wire
from tests.support.slow_statistics import slow_statistics
from tests.support.strategies import wire_frames

Wire = dict[str, Any]


def in_order(frames: Sequence[Wire], roots: Roots = NO_ROOTS) -> list[bytes]:
    """Return the stored forms of frames, as a version iterates them."""
    prepared = [prepare(frame, roots=roots) for frame in frames]
    return [one.payload for one in sorted(prepared, key=lambda one: one.order_key)]


def counted(payloads: Sequence[bytes], roots: Roots = NO_ROOTS) -> Statistics:
    """Return the statistics of stored frames."""
    tally = Tally()
    for payload in payloads:
        tally.add(payload)
    return tally.result(roots)


def close(found: Any, expected: Any) -> bool:
    """Whether two spreads are equal but for the last bits of their numbers."""
    return all(
        found[key] == (None if value is None else pytest.approx(value, rel=1e-9))
        for key, value in expected.items()
    )


@given(st.lists(wire_frames(), max_size=12))
def test_statistics_are_those_of_the_wire_frames(frames: list[Wire]) -> None:
    """Typed and partial decoding is quick, and must not miss or add anything."""
    payloads = in_order(frames)
    expected = slow_statistics([decode_plain(payload, roots=NO_ROOTS) for payload in payloads])
    statistics = counted(payloads)
    found: Any = json.loads(json.dumps(statistics.to_dict(), allow_nan=False))
    assert expected["frames"].items() <= found["frames"].items()
    assert found["rois"]["count"] == expected["rois"]["count"]
    assert found["rois"]["unlabelled"] == expected["rois"]["unlabelled"]
    assert dict(found["rois"]["a_frame"]) == expected["rois"]["a_frame"]
    assert found["rois"]["kinds"] == expected["rois"]["kinds"]
    assert {one["label"]: (one["rois"], one["frames"]) for one in found["labels"]} == (
        expected["labels"]
    )
    assert {tuple(one["labels"]): one["frames"] for one in found["pairs"]} == expected["pairs"]
    assert close(found["confidence"], expected["confidence"])
    for name in ("width", "height", "area", "aspect"):
        assert close(found["boxes"][name], expected[name]), name
    assert found["boxes"]["sizes"] == expected["sizes"]
    assert found["contexts"]["count"] == len(expected["contexts"])
    assert {one["context"]: one["frames"] for one in found["contexts"]["largest"]} == (
        expected["contexts"]
    )
    assert {one["source"]: one["frames"] for one in found["sources"]} == expected["sources"]
    assert found["content_types"] == expected["content_types"]
    assert found["picture_sizes"] == expected["picture_sizes"]
    assert found["others"] == {}


@given(
    st.lists(st.lists(st.floats(-1e9, 1e9), max_size=9), max_size=5),
    st.lists(st.floats(-1e9, 1e9), unique=True, max_size=5).map(sorted),
)
def test_bins_hold_every_number_once(chunks: list[list[float]], edges: list[float]) -> None:
    """From an edge on and below the next one, in whatever chunks the numbers come."""
    measure = Measure(edges)
    for chunk in chunks:
        measure.take(chunk)
    numbers = [number for chunk in chunks for number in chunk]
    for one in measure.spread().bins:
        low = float("-inf") if one.low is None else one.low
        high = float("inf") if one.high is None else one.high
        assert one.count == sum(low <= number < high for number in numbers)


def test_many_chunks_count_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a chunk ends must not show."""
    frames = [
        wire(f"f{number:03}", context=f"c{number // 7}", labels="ab"[: number % 3], x=number)
        for number in range(60)
    ]
    payloads = in_order(frames)
    whole = counted(payloads)
    monkeypatch.setattr(counting, "STATS_CHUNK", 1)
    assert counted(payloads) == whole
    assert whole.rois_a_frame == {0: 20, 1: 20, 2: 20}
    assert whole.contexts == 9


def test_only_the_rois_that_are_asked_for_are_counted() -> None:
    """By their positions in the frame."""
    tally = Tally()
    tally.add(in_order([wire("f", labels=["a", "b", "c"])])[0], [0, 2])
    tally.add(in_order([wire("g", labels=["a"])])[0], [])
    found = tally.result(NO_ROOTS)
    assert [(one.label, one.rois, one.frames) for one in found.labels] == [("a", 1, 1), ("c", 1, 1)]
    assert (found.frames, found.annotated, found.rois) == (2, 1, 2)


def test_a_context_that_is_a_local_file_has_its_path() -> None:
    """Stored is a path relative to a root, which means nothing to a reader."""
    frame = wire("f")
    del frame["context_id"]
    frame["sources"] = [{"id": "default", "uri": "/data/a/1.jpg"}]
    roots = Roots({"": "/data"})
    found = counted(in_order([frame], roots), roots)
    assert [one.context for one in found.largest_contexts] == ["file:///data/a/1.jpg"]


def test_names_beyond_the_first_are_counted_together() -> None:
    """Memory stays bounded, and no count is wrong."""
    names: Names[str] = Names(2)
    for chunk in (["a", "b"], ["c", "a", "d"], ["b"]):
        names.take(chunk)
    assert dict(names.counts) == {"a": 2, "b": 2}
    assert names.others == 2


def test_pairs_in_crowded_frames_are_not_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame with thousands of labels has millions of pairs."""
    monkeypatch.setattr(counting, "STATS_PAIRED_MAX", 3)
    found = counted(in_order([wire("f", labels="abcd"), wire("g", labels="abc")]))
    assert len(found.pairs) == 3
    assert found.others == {"pairs": 6}


def test_the_largest_contexts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a million contexts nobody reads more; of equals the first are kept."""
    monkeypatch.setattr(counting, "STATS_CONTEXTS_KEPT", 2)
    frames = [wire(f"{context}{at}", context=context) for context in "abcd" for at in range(2)]
    frames.append(wire("more", context="c"))
    found = counted(in_order(frames))
    assert [(one.context, one.frames) for one in found.largest_contexts] == [("c", 3), ("a", 2)]
    assert (found.contexts, found.context_frames.most) == (4, 3)


def test_sizes_beyond_any_picture_are_left_out() -> None:
    """Their sums would be no numbers any more."""
    far = wire("f")
    far["rois"] = [
        {"label": ["a"], "poly": [-1.7e308, 0.0, 1.7e308, 9.0]},
        {"label": ["a"], "poly": [0.0, 0.0, 2.0**31, 9.0]},
        {"label": ["a"], "poly": [0.0, 0.0, 3.0, 4.0]},
    ]
    found = counted(in_order([far]))
    assert found.unmeasured == 2
    assert (found.area.count, found.area.mean, found.sizes["small"]) == (1, 12.0, 1)


def test_areas_are_small_medium_or_large_as_coco_says() -> None:
    """Below 32 x 32, below 96 x 96, and above."""
    frame = wire("f")
    frame["rois"] = [
        {"label": ["a"], "poly": [0, 0, side, 0, side, side, 0, side], "meta": {"_type": "b2d"}}
        for side in (31, 32, 95, 96, 97)
    ]
    assert counted(in_order([frame])).sizes == {"small": 1, "medium": 2, "large": 2}


def test_memory_does_not_grow_with_the_frames() -> None:
    """A million frames, each of a context of its own, are counted like a thousand."""
    [payload] = in_order([wire("f", context="c" * 20, labels=["a", "b"], x=1.5)])
    tally = Tally()

    def count(start: int, stop: int) -> int:
        """Return the most memory in use while some frames are counted."""
        for number in range(start, stop):
            tally.add(payload.replace(b"c" * 20, b"%020d" % number))
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        first = count(0, 3_000)
        assert count(3_000, 12_000) < first + 100_000
    finally:
        tracemalloc.stop()
    assert tally.result(NO_ROOTS).contexts == 12_000
