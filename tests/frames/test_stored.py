"""The strict check of a stored frame: each fault that reading alone would pass over."""

from typing import Any

import msgpack
import pytest

from hyperstore.codec import pack
from hyperstore.errors import CorruptError
from hyperstore.frames.change import frame_change
from hyperstore.frames.merging import merge_frames
from hyperstore.frames.prepare import prepare
from hyperstore.frames.read import read_frame
from hyperstore.frames.roots import NO_ROOTS
from hyperstore.frames.stored import check_frame, order_key_of, roi_count_of

Stored = dict[str, Any]


def stored() -> Stored:
    """Return the map of a stored frame."""
    return {
        "id": "f",
        "kind": "frame",
        "rois": [{"id": "r", "label": ["a"], "poly": [1, 2]}],
        "sources": [{"id": "default", "uri": "s3://a"}],
    }


def test_a_good_frame_passes() -> None:
    """The map above is what the writer writes."""
    check_frame(pack(stored()))
    for root in ("root:/a b.png", "root:disk/x/ö.png"):
        check_frame(pack(stored() | {"sources": [{"id": "default", "uri": root}]}))
    wire = {name: value for name, value in stored().items() if name != "kind"}
    assert prepare(wire, roots=NO_ROOTS).payload == pack(stored())


@pytest.mark.parametrize(
    "fault",
    [
        {"id": None},
        {"id": ""},
        {"kind": None},
        {"kind": "video"},
        {"blob": None},
        {"meta": {"a": float("nan")}},
        {"unknown": 1},
        {"sources": []},
        {"sources": stored()["sources"] * 2},
        {"context_id": "x" * 9000},
        {"timestamp": 1.0},
        {"rois": stored()["rois"] * 2},
        {"rois": [{"id": "r", "label": []}]},
        {"rois": [{"label": ["a"]}]},
        {"rois": [{"id": "r", "label": ["a"], "poly": [1]}]},
        {"rois": [{"id": "r", "label": ["a"], "poly": [1, float("inf")]}]},
        {"rois": [{"id": "r", "label": ["a"], "sources": ["b"]}]},
        {"rois": [{"id": "r", "label": ["a"], "confidence": 2.0}]},
        {"rois": [{"id": "r", "label": ["a"], "sources": ["default", "default"]}]},
        {"rois": [{"id": "r", "label": ["a"], "meta": {"_type": "b2d"}}]},
        {"rois": [{"id": "", "label": ["a"]}]},
        {"rois": [{"id": "r" * 256, "label": ["a"]}]},
        {"rois": []},
        {"meta": {}},
        {"extra": {}},
        {"extra": {"timestamp": 5}},
        {"extra": {"saved": 5}},
        {"extra": {"_kind": "group"}},
        {"sources": [{"id": "a", "uri": "s3://a"}, {"id": "b", "uri": "s3://b"}]},
        {"sources": [{"id": "", "uri": "s3://a"}]},
        {"sources": [{"id": "default", "uri": ""}]},
        {"sources": [{"id": "default", "uri": "/bare/path"}]},
        {"sources": [{"id": "default", "uri": "root:no slash"}]},
        {"sources": [{"id": "default", "uri": "root:disk/../up"}]},
    ],
    ids=str,
)
def test_each_fault_is_damage(fault: Stored) -> None:
    """What comes from another store obeys the rules of ours."""
    with pytest.raises(CorruptError):
        check_frame(pack(stored() | fault))


def test_unsorted_bytes_are_damage() -> None:
    """The same frame in two forms would have two ids."""
    turned = dict(reversed(list(stored().items())))
    with pytest.raises(CorruptError, match="canonical"):
        check_frame(msgpack.packb(turned))


def test_reading_finds_what_it_needs_or_says_so() -> None:
    """Faults that matter to a reader are found by the reader."""
    bare = stored() | {"rois": [{"label": ["a"]}]}
    with pytest.raises(CorruptError, match="no id"):
        frame_change(pack(bare), pack(stored()))
    with pytest.raises(CorruptError, match="no id"):
        merge_frames(*(pack(stored() | {"rois": bare["rois"] * n}) for n in (1, 2, 3)))
    with pytest.raises(CorruptError):
        order_key_of(pack(stored() | {"context_id": "x" * 9000}))
    faults: list[Stored] = [{"sources": []}, {"id": None}, {"kind": None}]
    for fault in faults:
        with pytest.raises(CorruptError):
            read_frame(pack(stored() | fault), home=None, object_id=None, roots=NO_ROOTS)


def test_counts_and_keys_decode_no_roi() -> None:
    """They answer for a frame whose ROIs are damaged: what is not touched is not decoded."""
    damaged = pack(stored() | {"rois": [5, {"x": 1}]})
    assert roi_count_of(damaged) == 2
    assert order_key_of(damaged) == order_key_of(pack(stored()))
    frame = read_frame(damaged, home=None, object_id=None, roots=NO_ROOTS)
    assert frame.id == "f"
    with pytest.raises(CorruptError):
        frame.to_dict()
    without = stored()
    del without["rois"]
    assert roi_count_of(pack(without)) == 0
