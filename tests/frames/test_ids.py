"""Ids that nobody gave: they follow from content, and stay."""

import sys
from types import FrameType
from typing import Any

import msgpack
from blake3 import blake3

from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.prepare import prepare
from hyperstore.frames.read import read_frame, settle
from hyperstore.frames.roots import NO_ROOTS, Roots
from hyperstore.frames.wire import decode_plain
from hyperstore.ids import Kind, derived_id, object_id

Wire = dict[str, Any]
BOX = [1.0, 2.0, 3.0, 2.0, 3.0, 4.0, 1.0, 4.0]


def frame(*rois: Wire, **fields: object) -> Wire:
    """Return a wire frame with these ROIs."""
    uri = "s3://b/a.jpg"
    return {"sources": [{"id": "default", "uri": uri}], "rois": list(rois), **fields}


def ids(wire: Wire, previous: bytes | None = None) -> list[str]:
    """Return the ROI ids of a frame as it is stored."""
    payload = prepare(wire, roots=NO_ROOTS, previous=previous).payload
    stored: Wire = decode_plain(payload, roots=NO_ROOTS)
    return [roi["id"] for roi in stored["rois"]]


def test_the_frame_id_is_the_hash_that_the_format_says() -> None:
    """Two stores, and a stranger's writer, give a frame the same id."""
    still = frame(timestamp=9)
    expected = blake3(msgpack.packb([["default", "s3://b/a.jpg"]])).hexdigest()[:32]
    assert prepare(still, roots=NO_ROOTS).frame_id == expected
    still["sources"][0]["timestamp"] = 0
    assert prepare(still, roots=NO_ROOTS).frame_id == expected
    still["sources"][0]["timestamp"] = 33
    moment = blake3(msgpack.packb([["default", "s3://b/a.jpg", 33]])).hexdigest()[:32]
    assert prepare(still, roots=NO_ROOTS).frame_id == moment


def test_the_frame_id_does_not_follow_the_root_of_a_file() -> None:
    """It is made of the URI as given, with a local path made absolute."""
    wire = frame()
    wire["sources"][0]["uri"] = "/data/a.jpg"
    one = prepare(wire, roots=Roots({"": "/data"}))
    other = prepare(wire, roots=NO_ROOTS)
    assert one.frame_id == other.frame_id
    assert one.payload != other.payload


def test_the_roi_id_is_the_hash_that_the_format_says() -> None:
    """Not confidence and not metadata: an edit of these is a change of the same ROI."""
    content = [None, "b2d", ["a"], None, BOX, None, 0]
    expected = blake3(msgpack.packb(content)).hexdigest()[:32]
    plain = {"label": ["a"], "poly": BOX, "meta": {"_type": "b2d"}}
    other = plain | {"confidence": 0.5, "meta": {"_type": "b2d", "k": 1}}
    assert ids(frame(plain)) == ids(frame(other)) == [expected]


def test_equal_rois_of_one_frame_are_counted() -> None:
    """Two boxes drawn twice are two annotations."""
    roi = {"label": ["a"], "poly": BOX}
    once, twice = ids(frame(roi)), ids(frame(roi, roi))
    assert twice[0] == once[0] != twice[1]
    expected = blake3(msgpack.packb([None, None, ["a"], None, BOX, None, 1])).hexdigest()[:32]
    assert twice[1] == expected


def test_each_id_of_equal_rois_is_tried_once() -> None:
    """Ten thousand equal ones, such as a script makes by mistake, took more than a minute."""
    count = 300
    wire = frame(*[{"label": ["a"]} for _ in range(count)])
    tried = 0

    def note(stack: FrameType, event: str, _: object) -> None:
        nonlocal tried
        tried += event == "call" and stack.f_code is derived_id.__code__

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        found = ids(wire)
    finally:
        sys.setprofile(before)
    contents = [[None, None, ["a"], None, None, None, ordinal] for ordinal in range(count)]
    assert found == [blake3(msgpack.packb(one)).hexdigest()[:32] for one in contents]
    assert count <= tried <= 3 * count


def test_running_a_script_twice_changes_nothing() -> None:
    """The same frame over itself gets the same bytes."""
    roi = {"label": ["a"], "poly": BOX}
    wire = frame(roi, roi, {"label": ["b"]})
    first = prepare(wire, roots=NO_ROOTS)
    assert prepare(wire, roots=NO_ROOTS, previous=first.payload) == first


def test_an_id_in_use_for_something_else_is_not_given_again() -> None:
    """An ROI that was moved keeps its id; a new one in its old place gets another."""
    roi = {"label": ["a"], "poly": BOX}
    first = prepare(frame(roi), roots=NO_ROOTS)
    edited: Wire = decode_plain(first.payload, roots=NO_ROOTS)
    edited["rois"][0]["poly"] = [9.0, 9.0]
    second = prepare(edited, roots=NO_ROOTS, previous=first.payload)
    old_id = edited["rois"][0]["id"]
    assert ids(frame(roi), second.payload) != [old_id]
    # Within one frame the same holds for ids that were given.
    assert ids(frame(roi, {"label": ["z"], "id": old_id}))[0] != old_id


def test_whether_ids_were_derived_is_said() -> None:
    """Only then the frame that is replaced has to be read."""
    roi = {"label": ["a"], "id": "x"}
    assert not prepare(frame(roi, id="f"), roots=NO_ROOTS).derived
    assert not prepare(frame(id="f"), roots=NO_ROOTS).derived
    assert prepare(frame(roi, {"label": ["b"]}, id="f"), roots=NO_ROOTS).derived


def test_a_stored_frame_keeps_its_ids_whatever_is_edited() -> None:
    """The id follows the source until the frame is first stored, then never changes."""
    frame = SingleFrame(source="s3://b/a.jpg")
    frame.add_annotation(box2d_xywh=[1.0, 2.0, 3.0, 4.0], labels=["a"])
    before = frame.id
    frame.source = "s3://b/b.jpg"
    assert frame.id != before
    prepared = prepare(frame, roots=NO_ROOTS)
    settle(frame, prepared, object_id=object_id(Kind.FRAME, prepared.payload), home=None)
    roi_id = frame.annotations[0].roi_id
    assert roi_id is not None
    frame.source = "s3://b/c.jpg"
    frame.timestamp = 5
    frame.annotations[0].labels = ["other"]
    again = prepare(frame, roots=NO_ROOTS, previous=prepared.payload)
    assert again.frame_id == prepared.frame_id
    back = read_frame(again.payload, home=None, object_id=None, roots=NO_ROOTS)
    assert isinstance(back, SingleFrame)
    assert [one.roi_id for one in back.annotations] == [roi_id]


def test_frames_of_one_video_do_not_overwrite_each_other() -> None:
    """The timestamp takes part in the id where it is neither missing nor 0."""
    frames = [SingleFrame(source="s3://b/v.mp4", timestamp=time) for time in (None, 0, 33, 66)]
    assert len({one.id for one in frames}) == 3


def test_shapes_of_one_call_are_tied_by_one_id() -> None:
    """The id follows from the shapes, so a script that runs twice ties them alike."""

    def drawn() -> SingleFrame:
        frame = SingleFrame(source="s3://b/a.jpg")
        for _ in range(2):
            frame.add_annotation(
                box2d_xywh=[1, 2, 3, 4], points2d_xy=[1, 2], frame_class=["c"], labels=["a"]
            )
        return frame

    one, other = drawn(), drawn()
    ties = [annotation.id for annotation in one.annotations]
    assert ties == [annotation.id for annotation in other.annotations]
    assert ties[0] == ties[1] != ties[2] == ties[3]
    assert one.annotations[0].labels == ["a", "c"]
