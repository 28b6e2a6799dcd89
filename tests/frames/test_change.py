"""What differs between two stored frames, and three of them made one."""

import copy
from typing import Any

import pytest

from hyperstore.frames.change import ABSENT, FieldChange, RoiChanges, frame_change, roi_changes
from hyperstore.frames.merging import merge_frames
from hyperstore.frames.prepare import prepare
from hyperstore.frames.roots import NO_ROOTS
from hyperstore.frames.wire import decode_plain

Wire = dict[str, Any]


def box(x: float, y: float, w: float, h: float) -> list[float]:
    """Return the corners of a box."""
    return [x, y, x + w, y, x + w, y + h, x, y + h]


def base() -> Wire:
    """Return a wire frame with two ROIs."""
    return {
        "id": "f",
        "timestamp": 1,
        "sources": [{"id": "default", "uri": "s3://b/a.jpg", "width": 10, "meta": {"hash": "x"}}],
        "meta": {"weather": "rain", "deep": {"a": 1, "b": 2}},
        "rois": [
            {"id": "r1", "label": ["car"], "poly": box(0, 0, 10, 10), "meta": {"_type": "b2d"}},
            {"id": "r2", "label": ["dog"], "poly": [0, 0, 5, 5, 9, 0], "confidence": 0.5},
        ],
    }


def stored(wire: Wire) -> bytes:
    """Return the payload of a frame."""
    return prepare(wire, roots=NO_ROOTS).payload


def edited(**fields: object) -> Wire:
    """Return the base frame with some fields replaced."""
    return copy.deepcopy(base()) | fields


def test_equal_frames_do_not_differ() -> None:
    """A diff that says nothing must mean nothing."""
    change = frame_change(stored(base()), stored(base()))
    assert (change.fields, change.rois, change.added, change.removed) == ((), (), False, False)
    assert roi_changes(stored(base()), stored(base())) == RoiChanges(0, 0, 0)


def test_fields_are_named_by_dotted_path() -> None:
    """Frame, source and metadata, each with the value before and after; 1 and 1.0 differ."""
    wire = edited(timestamp=2, context_id="c")
    wire["meta"] = {"weather": "sun", "deep": {"a": 1.0}, "new": None}
    wire["sources"][0] |= {"width": 20, "meta": {}, "preview": "s3://p"}
    wire["unknown"] = 5
    fields = frame_change(stored(base()), stored(wire)).fields
    assert {field.path: (field.before, field.after) for field in fields if field.before != 1} == {
        "context_id": (ABSENT, "c"),
        "unknown": (ABSENT, 5),
        "meta.deep.b": (2, ABSENT),
        "meta.new": (ABSENT, None),
        "meta.weather": ("rain", "sun"),
        "sources.default.meta.hash": ("x", ABSENT),
        "sources.default.preview": (ABSENT, fields[-1].after),
        "sources.default.width": (10, 20),
    }
    assert FieldChange("timestamp", 1, 2) in fields
    assert [repr(one.after) for one in fields if one.path == "meta.deep.a"] == ["1.0"]


def test_a_moved_box_says_how_far() -> None:
    """dx, dy, dw, dh and the overlap of a box; the farthest vertex of any shape."""
    wire = base()
    wire["rois"][0]["poly"] = box(3, 4, 10, 20)
    wire["rois"][1]["poly"] = [0, 0, 8, 9, 9, 0]
    first, second = frame_change(stored(base()), stored(wire)).rois
    assert first.move is not None
    assert second.move is not None
    assert first.move.box == (3, 4, 0, 10)
    assert first.move.iou == pytest.approx((7 * 6) / (100 + 200 - 42))
    assert first.move.distance == pytest.approx((3**2 + 14**2) ** 0.5)
    assert second.move == (None, None, 5.0)
    assert first.fields == second.fields == ()


def test_rois_are_matched_by_id() -> None:
    """Relabelled is changed; a new id is added and a missing one removed."""
    wire = base()
    wire["rois"][0] |= {"label": ["truck"], "confidence": 1, "meta": {"_type": "b2d", "k": 1}}
    wire["rois"][1] |= {"id": "r3"}
    change = frame_change(stored(base()), stored(wire))
    assert [roi.id for roi in change.rois_changed] == ["r1"]
    assert [roi.id for roi in change.rois_removed] == ["r2"]
    assert [roi.id for roi in change.rois_added] == ["r3"]
    assert change.rois_changed[0].fields == (
        FieldChange("confidence", ABSENT, 1.0),
        FieldChange("label", ["car"], ["truck"]),
        FieldChange("meta.k", ABSENT, 1),
    )
    assert roi_changes(stored(base()), stored(wire)) == RoiChanges(added=1, removed=1, changed=1)


def test_a_change_of_kind_is_no_move() -> None:
    """Five numbers of an ellipse and eight of a box are not compared point by point."""
    wire = base()
    wire["rois"][0] |= {"poly": [1, 2, 3, 4, 5], "meta": {"_type": "elp"}}
    (roi,) = frame_change(stored(base()), stored(wire)).rois
    assert roi.move is None
    assert {field.path for field in roi.fields} == {"kind", "poly"}


def test_huge_coordinates_do_not_overflow() -> None:
    """Every finite number can be stored, so every pair can be compared."""
    one, other = base(), base()
    one["rois"][0]["poly"] = box(-1e308, 0, 1.0, 1e308)
    other["rois"][0]["poly"] = box(1e308, 0, 1.0, 1e308)
    (roi,) = frame_change(stored(one), stored(other)).rois
    assert roi.move is not None
    assert roi.move.distance == float("inf")


def test_no_frame_on_one_side() -> None:
    """An added frame shows its ROIs as added."""
    added = frame_change(None, stored(base()))
    assert (added.added, added.removed) == (True, False)
    assert len(added.rois_added) == 2
    removed = frame_change(stored(base()), None)
    assert (removed.added, removed.removed) == (False, True)
    assert len(removed.rois_removed) == 2


def merged(ours: Wire, theirs: Wire, start: Wire | None = None) -> tuple[Wire, list[str]]:
    """Return the merge of two edits of the base frame, as a wire frame, and its conflicts."""
    sides = (stored(base() if start is None else start), stored(ours), stored(theirs))
    payload, conflicts = merge_frames(*sides)
    return decode_plain(payload, roots=NO_ROOTS), sorted(conflicts)


def test_edits_of_different_things_merge() -> None:
    """One relabels and sets metadata, the other moves, deletes and adds."""
    ours, theirs = base(), base()
    ours["rois"][0]["label"] = ["truck"]
    ours["meta"]["weather"] = "sun"
    ours["sources"][0]["height"] = 5
    theirs["rois"][0]["poly"] = box(1, 1, 2, 2)
    theirs["rois"][1] = {"id": "r3", "label": ["cat"]}
    del theirs["meta"]["deep"]["a"]
    theirs["sources"][0]["width"] = 11
    expected = base()
    expected["rois"] = [
        base()["rois"][0] | {"label": ["truck"], "poly": box(1, 1, 2, 2)},
        {"id": "r3", "label": ["cat"]},
    ]
    expected["meta"] = {"weather": "sun", "deep": {"b": 2}}
    expected["sources"][0] |= {"height": 5, "width": 11}
    assert merged(ours, theirs) == (expected, [])
    assert merged(theirs, ours) == (expected, [])


def test_edits_of_one_thing_conflict_and_ours_stays() -> None:
    """Each conflict is named by its place."""
    ours, theirs = base(), base()
    ours["rois"][0]["label"] = ["truck"]
    theirs["rois"][0]["label"] = ["bus"]
    ours["rois"][0]["poly"] = box(1, 1, 2, 2)
    theirs["rois"][0] |= {"poly": [1, 2, 3, 4, 5], "meta": {"_type": "elp"}}
    theirs["rois"][1]["confidence"] = 0.9
    del ours["rois"][1]
    ours["meta"]["weather"] = 1
    theirs["meta"]["weather"] = 1.0
    ours["timestamp"], theirs["timestamp"] = 5, 6
    result, conflicts = merged(ours, theirs)
    assert result == ours
    assert conflicts == [
        "meta.weather",
        "rois.r1.label",
        "rois.r1.poly",
        "rois.r2",
        "timestamp",
    ]


def test_the_same_edit_on_both_sides_is_taken_once() -> None:
    """Two annotators who fix the same box do not fight."""
    wire = base()
    wire["rois"][0]["label"] = ["truck"]
    wire["rois"].append({"id": "r3", "label": ["new"]})
    assert merged(wire, wire) == (wire, [])


def test_one_side_alone_is_taken_whole() -> None:
    """Also its order of ROIs."""
    wire = base()
    wire["rois"].reverse()
    assert merged(base(), wire) == (wire, [])
    assert merged(wire, base()) == (wire, [])


def test_an_roi_about_a_source_that_was_removed_conflicts() -> None:
    """The merged frame must be one that could be stored."""
    start = edited(sources=[{"id": "a", "uri": "s3://a"}, {"id": "b", "uri": "s3://b"}], rois=[])
    ours, theirs = copy.deepcopy(start), copy.deepcopy(start)
    del ours["sources"][1]
    theirs["rois"] = [{"id": "r1", "label": ["x"], "sources": ["b"]}]
    payload, conflicts = merge_frames(stored(start), stored(ours), stored(theirs))
    assert conflicts == ["rois.r1.sources"]
    assert payload
