"""Frames in and out: nothing is lost, nothing foreign is raised, the two ways in agree."""

import copy
import pickle
import re
from contextlib import suppress
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.codec import Unfit, pack, plain
from hyperstore.errors import CorruptError, FrameError, HyperstoreError
from hyperstore.frames.exact import exact_record
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.group import FrameGroup
from hyperstore.frames.prepare import Prepared, prepare, prepare_exactly
from hyperstore.frames.read import read_frame
from hyperstore.frames.roots import Roots
from hyperstore.frames.stored import check_frame, order_key_of, roi_count_of
from hyperstore.frames.wider import record_of_wire
from hyperstore.frames.wire import decode_plain
from tests.support.strategies import strange, values, wire_frames
from tests.support.wire import normal_frame

ROOTS = Roots({"": "/data", "pictures": "/data/images"})
Wire = dict[str, Any]


_OFTEN_WRONG = ["kind", "labels", "metadata", "extra", "_id", "_type", "mask", "annotation_id"]


def packed(value: object) -> bytes:
    """Return bytes that tell 1 from 1.0, and not -0.0 from 0.0."""
    return pack(plain(value))


def attempt(way: Any, wire: object, previous: bytes | None = None) -> Prepared | str:
    """Return what a way of preparing gives, or the message of its refusal."""
    try:
        result: Prepared = way(wire, roots=ROOTS, previous=previous)
    except FrameError as fault:
        return f"{fault.path} {fault}"
    return result


@given(wire_frames())
def test_a_frame_comes_back_as_it_was(wire: Wire) -> None:
    """Stored or only read and written, no field of a frame is lost or changed."""
    assert packed(SingleFrame.from_dict(wire).to_dict()) == packed(wire)
    prepared = prepare(wire, roots=ROOTS)
    back: Wire = read_frame(prepared.payload, home=None, object_id=None, roots=ROOTS).to_dict()
    assert packed(back) == packed(decode_plain(prepared.payload, roots=ROOTS))
    assert back["id"] == prepared.frame_id
    for found, given_id in zip(
        [back, *back.get("rois", [])], [wire, *wire.get("rois", [])], strict=True
    ):
        if "id" not in given_id:
            del found["id"]
    assert packed(back) == packed(wire)


@given(wire_frames())
def test_a_frame_is_the_same_as_object_and_as_dict(wire: Wire) -> None:
    """Bytes follow from content, not from the way it came in; nor from having been looked at."""
    prepared = prepare(wire, roots=ROOTS)
    for frame in (
        SingleFrame.from_dict(wire),
        read_frame(prepared.payload, home=None, object_id=None, roots=ROOTS),
    ):
        assert prepare(frame, roots=ROOTS).payload == prepared.payload
        for member in frame.values() if isinstance(frame, FrameGroup) else [frame]:
            assert member.annotations is member.annotations
            assert member.metadata is member.meta
            assert [one.copy() for one in member.annotations] == member.annotations
        assert prepare(frame, roots=ROOTS).payload == prepared.payload
        assert pickle.loads(pickle.dumps(frame)) == frame


@given(wire_frames())
def test_looking_at_annotations_changes_no_word_of_a_frame(wire: Wire) -> None:
    """ROIs that nobody touched are written without becoming annotations first."""
    payload = prepare(wire, roots=ROOTS).payload
    for fresh, seen in (
        [read_frame(payload, home=None, object_id=None, roots=ROOTS) for _ in range(2)],
        [SingleFrame.from_dict(wire) for _ in range(2)],
    ):
        for member in seen.values() if isinstance(seen, FrameGroup) else [seen]:
            assert isinstance(member.annotations, list)
        first = packed(fresh.to_dict())
        assert first == packed(seen.to_dict()) == packed(fresh.to_dict())
        assert first == packed(pickle.loads(pickle.dumps(fresh)).to_dict())


@given(wire_frames())
def test_the_payload_is_canonical_and_anybody_reads_it(wire: Wire) -> None:
    """The independent library finds the stored fields; our strict check finds no fault."""
    prepared = prepare(wire, roots=ROOTS)
    check_frame(prepared.payload)
    stored = msgpack.unpackb(prepared.payload)
    assert stored["id"] == prepared.frame_id
    assert len(stored.get("rois", [])) == prepared.roi_count == roi_count_of(prepared.payload)
    assert order_key_of(prepared.payload) == prepared.order_key


@given(wire_frames(), st.data())
def test_the_quick_way_and_the_exact_way_agree(wire: Wire, data: st.DataObject) -> None:
    """Bytes, keys and refusals are the same, whatever stands anywhere in the frame."""
    for _ in range(data.draw(st.integers(0, 2))):
        spoil(wire, data)
    previous = data.draw(
        st.none() | wire_frames().map(lambda one: prepare(one, roots=ROOTS).payload)
    )
    assert attempt(prepare, wire, previous) == attempt(prepare_exactly, wire, previous)


@given(wire_frames(), st.data())
def test_a_frame_object_is_made_as_the_exact_way_makes_it(wire: Wire, data: st.DataObject) -> None:
    """What the quick way makes of a dict, or refuses, and that it shares nothing with the dict."""
    for _ in range(data.draw(st.integers(0, 2))):
        spoil(wire, data)
    try:
        exact = pack(exact_record(copy.deepcopy(wire), need_source=False))
    except Unfit as fault:
        with pytest.raises(FrameError, match=re.escape(str(fault))):
            SingleFrame.from_dict(wire)
        return
    quick = record_of_wire(wire)
    scribble(wire)
    assert pack(quick) == exact


@given(wire_frames(), st.data())
def test_an_edited_object_is_stored_as_its_wire_form_is(wire: Wire, data: st.DataObject) -> None:
    """Whatever was set on it and on its annotations: the same bytes, or the same refusal."""
    made: Any = SingleFrame.from_dict(wire)
    frame = next(iter(made.values())) if isinstance(made, FrameGroup) else made
    for _ in range(data.draw(st.integers(0, 3))):
        where: Any = data.draw(st.sampled_from([frame, *frame.annotations]))
        maps = [where.metadata, *([frame.sourcedata, frame.meta_blob] if where is frame else [])]
        value = data.draw(strange)
        if data.draw(st.booleans()):
            data.draw(st.sampled_from(maps))[data.draw(st.sampled_from(["_type", "_id", "a"]))] = (
                value
            )
        elif where is frame:
            names = ["width", "height", "timestamp", "blob", "context_id"]
            setattr(frame, data.draw(st.sampled_from(names)), value)
        else:
            where.labels.append(value)
    assert attempt(prepare, frame) == attempt(prepare_exactly, frame)


def scribble(value: Any) -> None:
    """Put something else in every list and dict."""
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, (dict, list)):
            scribble(inner)
    if isinstance(value, dict):
        value["scribbled"] = 1
    else:
        value.append("scribbled")


def spoil(value: Any, data: st.DataObject) -> None:
    """Put something strange in a place of a frame."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    if isinstance(value, dict):
        keys.append(
            data.draw(st.sampled_from(["kind", "labels", "metadata", "extra", "_id", "mask"]))
        )
    if not keys:
        return
    key = data.draw(st.sampled_from(keys))
    inner = value[key] if key in keys[: len(value)] else None
    if isinstance(inner, (dict, list)) and inner and data.draw(st.integers(0, 3)):
        spoil(inner, data)
    elif isinstance(value, dict) and key in value and data.draw(st.booleans()):
        del value[key]
    else:
        value[key] = data.draw(strange)


@given(wire_frames(), st.data())
def test_what_is_taken_comes_back_normalised(wire: Wire, data: st.DataObject) -> None:
    """Nulls, empties, aliases and answered fields change as documented, and nothing else."""
    wire["saved"] = 5
    if "meta" in wire and data.draw(st.booleans()):
        wire["metadata"] = wire.pop("meta")
    for roi in wire.get("rois", []):
        roi["labels"] = roi.pop("label")
        roi.setdefault("confidence", data.draw(st.sampled_from([None, 1, 0])))
        roi.setdefault("poly", data.draw(st.sampled_from([None, []])))
        roi["label_num"] = 3
    for source in wire["sources"]:
        source.setdefault("preview", data.draw(st.sampled_from([None, "s3://p", "", {}])))
        source.setdefault("width", data.draw(st.sampled_from([None, 33.0])))
    wire.setdefault("timestamp", data.draw(st.sampled_from([None, 12.0])))
    assert packed(SingleFrame.from_dict(wire).to_dict()) == packed(normal_frame(wire))


@given(values)
def test_what_is_no_frame_is_refused(value: object) -> None:
    """Any plain value in place of a frame gives one clear error."""
    if not (isinstance(value, dict) and "sources" in value):
        with pytest.raises(FrameError):
            prepare(value, roots=ROOTS)  # type: ignore[arg-type]


def touch_everything(payload: bytes) -> None:
    """Read a payload in every way there is."""
    for read in (order_key_of, roi_count_of, check_frame):
        with suppress(CorruptError):
            read(payload)
    with suppress(CorruptError):
        decode_plain(payload, roots=ROOTS)
    with suppress(CorruptError):
        frame = read_frame(payload, home=None, object_id=None, roots=ROOTS)
        frame.to_dict()
        str(frame)


@given(st.binary(max_size=300))
def test_random_bytes_are_damage(payload: bytes) -> None:
    """Reading lets nothing but CorruptError out."""
    touch_everything(payload)
    with pytest.raises(CorruptError):
        check_frame(payload)


@given(wire_frames(), st.data())
def test_changed_payloads_raise_nothing_foreign(wire: Wire, data: st.DataObject) -> None:
    """A flipped bit or a hostile sender gives CorruptError, or another frame."""
    payload = bytearray(prepare(wire, roots=ROOTS).payload)
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    touch_everything(bytes(payload))


@given(values)
def test_foreign_values_raise_nothing_foreign(value: object) -> None:
    """A well-formed value that is no frame is damage where a frame should be."""
    touch_everything(pack(value))
    with suppress(HyperstoreError):
        SingleFrame.from_dict({"sources": value, "rois": value, "meta": value})
