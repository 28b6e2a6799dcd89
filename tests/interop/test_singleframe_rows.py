"""What the reference promises of a SingleFrame; each test is named after its row."""

import copy
import gc
import inspect
import json
import pickle
import subprocess
import sys
from collections.abc import Iterable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from hyperstore import (
    Annotation,
    BoundingBox2D,
    Dataset,
    DatasetVersion,
    FrameError,
    FrameGroup,
    ImageAnnotation,
    NotFoundError,
    SingleFrame,
)
from tests.interop.conftest import Again

pytestmark = pytest.mark.usefixtures("default_store")

DOCUMENTED = (
    "id source width height timestamp size hash preview_uri preview_uri_timestamp metadata"
    " annotations mask_source context_id"
)
Wire = dict[str, Any]


def test_sf_01_every_argument_is_optional_and_in_the_documented_order() -> None:
    """None unless given."""
    parameters = inspect.signature(SingleFrame).parameters
    assert " ".join(parameters) == DOCUMENTED
    assert {one.default for one in parameters.values()} == {None}
    frame = SingleFrame()
    assert (frame.source, frame.preview_uri, frame.mask_source) == (None, None, None)
    assert (frame.metadata, frame.annotations, frame.masks_source) == ({}, [], {})


def test_sf_01_an_argument_that_nobody_knows_names_the_closest() -> None:
    """At once: a frame without its source would be found much later."""
    with pytest.raises(TypeError, match=r"no argument 'sorce'; the closest: 'source'"):
        SingleFrame(sorce="s3://b/a.jpg")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"no argument 'label'.* the closest: 'labels'"):
        SingleFrame().add_annotation(box2d_xywh=[1, 2, 3, 4], label=["a"])


def test_sf_01_a_filled_frame_comes_back(again: Again) -> None:
    """By every property."""
    given: dict[str, Any] = {
        "id": "a",
        "source": "s3://b/a.jpg",
        "width": 640,
        "height": 480,
        "timestamp": 40,
        "size": 1234,
        "hash": "ab12",
        "preview_uri": "s3://b/p.jpg",
        "preview_uri_timestamp": 7,
        "metadata": {"k": {"deep": [1, 2.5, None, "x"]}},
        "mask_source": "s3://b/m.png",
        "context_id": "drive",
    }
    found = again(SingleFrame(**given))
    assert {name: getattr(found, name) for name in given} == given


@pytest.mark.parametrize(("given", "expected"), [("a7", "a7"), (7, "7"), (7.5, "7.5")])
def test_sf_02_an_id_is_text(given: str | float, expected: str, again: Again) -> None:
    """Numbers become strings."""
    frame = SingleFrame(id=given, source="s3://b/a.jpg")
    assert frame.id == expected
    assert again(frame).id == expected


def test_sf_02_without_an_id_it_follows_from_the_source() -> None:
    """The same at every run and on every machine; random without a source."""
    made = SingleFrame(source="s3://b/a.jpg").id
    said = "from hyperstore import SingleFrame; print(SingleFrame(source='s3://b/a.jpg').id)"
    ran = subprocess.run([sys.executable, "-c", said], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == made
    assert len(made) == 32
    assert int(made, 16) >= 0
    assert SingleFrame(source="s3://b/b.jpg").id != made
    bare = SingleFrame()
    assert (len(bare.id), bare.id) == (32, bare.id)
    assert bare.id != SingleFrame().id


def test_sf_03_a_local_path_is_a_file_uri_that_reads_as_a_path(
    again: Again, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Absolute, relative, as a Path, or as the URI itself."""
    monkeypatch.chdir(tmp_path)
    for given in ("/data/a b.jpg", "file:///data/a b.jpg", Path("/data/a b.jpg")):
        found = again(SingleFrame(id="x", source=given))
        wire: Wire = found.to_dict()
        assert found.source == "/data/a b.jpg"
        assert wire["sources"][0]["uri"] == "file:///data/a b.jpg"
    assert SingleFrame(source="a.jpg").source == str(tmp_path / "a.jpg")
    frame = SingleFrame()
    frame.source = "s3://b/a.jpg"
    assert frame.source == "s3://b/a.jpg"
    frame.source = None
    assert frame.source is None


def test_sf_04_width_and_height_are_set_later(again: Again) -> None:
    """As who reads the picture after he made the frame does."""
    frame = SingleFrame(source="s3://b/a.jpg")
    assert (frame.width, frame.height) == (None, None)
    frame.width, frame.height = 640, 480
    found = again(frame)
    assert (found.width, found.height) == (640, 480)
    found.width = None
    assert "width" not in found.to_dict()["sources"][0]  # type: ignore[index]


def test_sf_05_a_timestamp_that_is_unset_reads_as_0(again: Again) -> None:
    """C-09: the wire does not say it then; any whole number does (C-10)."""
    frame = SingleFrame(source="s3://b/a.jpg")
    assert frame.timestamp == 0
    assert "timestamp" not in frame.to_dict()
    for value in (33, 1234567889, -5, 2**63 - 1):
        frame.timestamp = value
        assert again(frame).timestamp == value
    wire: Wire = {"sources": [{"id": "default", "uri": "s3://b/a.jpg", "timestamp": 9}]}
    assert SingleFrame.from_dict(wire).timestamp == 9


def test_sf_06_size_and_hash_are_kept_as_they_were_given(again: Again) -> None:
    """Informational; they lie in the metadata of the source."""
    frame = SingleFrame(source="s3://b/a.jpg")
    assert (frame.size, frame.hash) == (None, None)
    frame.size, frame.hash = 10, "ff"
    found = again(frame)
    assert (found.size, found.hash) == (10, "ff")
    found.size = found.hash = None
    assert found.sourcedata == {}


def test_sf_07_a_preview_has_two_names(again: Again) -> None:
    """Both can be read and set, the timestamp too."""
    frame = SingleFrame(source="s3://b/a.tif", preview_uri="s3://b/1.jpg")
    assert frame.preview_source == "s3://b/1.jpg"
    frame.preview_source = "/p/2.jpg"
    frame.preview_source_timestamp = 3
    found = again(frame)
    assert (found.preview_uri, found.preview_source) == ("/p/2.jpg", "/p/2.jpg")
    assert (found.preview_uri_timestamp, found.preview_source_timestamp) == (3, 3)
    found.preview_uri_timestamp = 4
    found.preview_uri = "s3://b/3.jpg"
    assert (found.preview_source, found.preview_source_timestamp) == ("s3://b/3.jpg", 4)
    found.preview_uri = None
    assert "preview" not in found.to_dict()["sources"][0]  # type: ignore[index]


def test_sf_08_metadata_is_one_live_dict_by_two_names(again: Again) -> None:
    """Edited in place, by `del` too, or replaced."""
    found = again(SingleFrame(source="s3://b/a.jpg", metadata={"a": 1, "b": {"c": 2}}))
    assert found.metadata is found.meta
    del found.metadata["a"]
    found.meta["b"]["c"] = 3  # type: ignore[index]
    found.metadata["d"] = [None]
    twice = again(found)
    assert twice.metadata == {"b": {"c": 3}, "d": [None]}
    twice.meta = {"only": True}
    assert again(twice).metadata == {"only": True}


def test_sf_09_annotations_are_one_live_list(again: Again) -> None:
    """Appended to, cut, replaced."""
    frame = SingleFrame(source="s3://b/a.jpg")
    frame.annotations.append(BoundingBox2D([1, 2, 3, 4], labels=["a"]))
    found = again(frame)
    assert found.annotations is found.annotations
    found.annotations.append(ImageAnnotation(["b"]))
    del found.annotations[0]
    assert [one.labels for one in again(found).annotations] == [["b"]]
    found.annotations = (BoundingBox2D([1, 2, 3, 4], labels=[name]) for name in "xy")
    assert [one.labels for one in again(found).annotations] == [["x"], ["y"]]
    found.annotations = None
    assert again(found).annotations == []


def test_sf_10_the_first_of_several_masks_is_the_mask(again: Again) -> None:
    """And setting it leaves one."""
    frame = SingleFrame(source="s3://b/a.jpg", mask_source={"z": "s3://b/z", "a": "s3://b/a"})
    found = again(frame)
    assert found.mask_source == "s3://b/z"
    found.mask_source = "/m.png"
    assert found.masks_source == {"00": "/m.png"}
    found.mask_source = None
    assert (found.mask_source, found.masks_source) == (None, {})


def test_sf_11_masks_by_a_dict_or_a_list(again: Again) -> None:
    """C-55: a dict keeps its ids, wherever it is given; a list gets 00, 01, and so on."""
    named = {"seg": "s3://b/s.png", "depth": "/d.png"}
    frame = SingleFrame(source="s3://b/a.jpg")
    frame.masks_source = named
    assert again(frame).masks_source == named
    assert SingleFrame(source="s3://b/a.jpg", mask_source=named).masks_source == named
    uris = [f"s3://b/{at}.png" for at in range(11)]
    frame.masks_source = uris
    assert list(again(frame).masks_source) == [f"{at:02}" for at in range(11)]
    assert list(frame.masks_source.values()) == uris


def test_sf_12_an_unset_context_is_the_uri_of_the_source(again: Again) -> None:
    """Which the wire does not repeat."""
    frame = SingleFrame(source="/data/video.mp4")
    assert frame.context_id == "file:///data/video.mp4"
    assert "context_id" not in frame.to_dict()
    frame.context_id = "drive 7"
    assert again(frame).context_id == "drive 7"


def test_sf_13_the_origin_of_a_frame_is_where_it_was_read(draft: DatasetVersion) -> None:
    """A new dict at each look, which changes nothing; empty for a frame made here."""
    frame = SingleFrame(id="a", source="s3://b/a.jpg")
    assert frame.origin == {}
    draft.add_frames([frame])
    found = draft.get_single_frame("a")
    expected = {
        "dataset_id": draft.dataset_id,
        "dataset_name": "cells",
        "version_id": draft.version_id,
        "version_name": "Current",
    }
    assert found.origin == expected
    found.origin.clear()
    assert found.origin == expected
    with pytest.raises(AttributeError):
        found.origin = {}  # type: ignore[misc]


def test_sf_14_the_metadata_of_the_version_is_read_with_the_frame(draft: DatasetVersion) -> None:
    """As it is now for a draft, as it was for a commit; edits of the answer reach nothing."""
    assert SingleFrame().dataset_version_metadata == {}
    draft.add_frames([SingleFrame(id="a", source="s3://b/a.jpg")])
    draft.set_metadata({"camera": {"lens": 1}})
    first = draft.commit("First")
    assert first is not None
    found = draft.get_single_frame("a")
    old = draft.at(first).get_frame("a")
    draft.set_metadata({"camera": {"lens": 2}})
    assert found.dataset_version_metadata == {"camera": {"lens": 2}}
    assert old.dataset_version_metadata == {"camera": {"lens": 1}}
    found.dataset_version_metadata["camera"]["lens"] = 3  # type: ignore[index]
    old.dataset_version_metadata["camera"]["lens"] = 3  # type: ignore[index]
    assert found.dataset_version_metadata == {"camera": {"lens": 2}}
    assert old.dataset_version_metadata == {"camera": {"lens": 1}}
    draft.publish_version()
    assert found.dataset_version_metadata == {"camera": {"lens": 2}}
    with pytest.raises(AttributeError):
        found.dataset_version_metadata = {}  # type: ignore[misc]


def test_sf_14_a_version_that_is_gone_is_said_so(draft: DatasetVersion) -> None:
    """Not an empty dict, which would be an answer."""
    draft.add_frames([SingleFrame(id="a", source="s3://b/a.jpg")])
    found = draft.get_single_frame("a")
    Dataset.delete("cells", delete_all_versions=True)
    with pytest.raises(NotFoundError, match="cells@Current"):
        found.dataset_version_metadata  # noqa: B018


def test_sf_15_a_blob_is_kept_as_it_is(again: Again) -> None:
    """Any text."""
    frame = SingleFrame(source="s3://b/a.jpg")
    assert frame.blob is None
    frame.blob = '{"any": "text"}\n\0é'
    assert again(frame).blob == '{"any": "text"}\n\0é'


def test_sf_16_a_source_has_metadata_of_its_own(again: Again) -> None:
    """On the wire `sources[].meta`; the hash lies there under its documented name."""
    frame = SingleFrame(source="s3://b/a.jpg", hash="ff", metadata={"k": 1})
    frame.sourcedata["lens"] = "wide"
    wire: Wire = again(frame).to_dict()
    assert wire["sources"][0]["meta"] == {"hash": {"source": "ff"}, "lens": "wide"}
    assert wire["meta"] == {"k": 1}
    frame.sourcedata = {"only": 1}
    assert again(frame).sourcedata == {"only": 1}


def test_sf_17_a_copy_has_the_same_content_and_a_new_random_id(again: Again) -> None:
    """It shares nothing, and both can be again."""
    frame = again(SingleFrame(id="a", source="s3://b/a.jpg", metadata={"k": [1]}))
    frame.add_annotation(box2d_xywh=[1, 2, 3, 4], labels=["x"])
    made = frame.copy()
    assert (len(made.id), made.id != frame.id, made.id != frame.copy().id) == (32, True, True)
    assert {**made.to_dict(), "id": "a"} == frame.to_dict()
    made.metadata["k"].append(2)  # type: ignore[attr-defined]
    made.annotations[0].labels.append("y")
    assert (frame.metadata, frame.annotations[0].labels) == ({"k": [1]}, ["x"])
    assert again(made).metadata == {"k": [1, 2]}


def test_sf_18_a_deep_copy_keeps_the_id(again: Again) -> None:
    """Touched or not, and shares nothing."""
    frame = again(SingleFrame(id="a", source="s3://b/a.jpg", annotations=[ImageAnnotation(["x"])]))
    for touched in (False, True):
        assert not touched or frame.annotations
        twin = copy.deepcopy(frame)
        assert (twin.id, twin.origin, twin == frame) == ("a", frame.origin, True)
        twin.annotations[0].labels.append("y")
        assert twin != frame
        assert frame.annotations[0].labels == ["x"]


def test_sf_23_a_wire_dict_comes_back_with_what_nobody_understands(again: Again) -> None:
    """From a dict, into the store, to a dict: JSON all the way."""
    wire: Wire = {
        "id": "a",
        "blob": "raw",
        "context_id": "c",
        "timestamp": 5,
        "meta": {"k": 1},
        "meta_blob": {"hidden": {"a.b": [1]}},
        "new_field": {"x": 1},
        "rois": [
            {
                "id": "r1",
                "label": ["a", "b"],
                "poly": [1, 2, 3, 4, 5, 6],
                "confidence": 0.5,
                "sources": ["default"],
                "meta": {"_type": "p2d", "_id": "mine", "own": 1},
                "area": 3,
            }
        ],
        "sources": [
            {
                "id": "default",
                "uri": "s3://b/a.jpg",
                "content_type": "image/jpeg",
                "width": 6,
                "height": 5,
                "timestamp": 5,
                "meta": {"size": 3},
                "preview": {"uri": "s3://b/p.jpg", "timestamp": 0, "codec": "x"},
                "masks": [{"id": "00", "uri": "s3://b/m.png", "more": [1]}],
                "vendor": {"x": 1},
            }
        ],
    }
    found = again(SingleFrame.from_dict(json.loads(json.dumps(wire))))
    assert json.loads(json.dumps(found.to_dict())) == wire
    assert found.meta_blob == {"hidden": {"a.b": [1]}}
    assert SingleFrame.from_dict(found.to_dict()) == found


def test_sf_23_a_dict_of_several_sources_is_a_group() -> None:
    """C-07: one source named `default` is a SingleFrame, all else a FrameGroup."""
    source = {"uri": "s3://b/a"}
    assert type(SingleFrame.from_dict({"sources": [source | {"id": "default"}]})) is SingleFrame
    for ids in (["front"], ["default", "rear"]):
        wire = {"sources": [source | {"id": one} for one in ids]}
        assert isinstance(SingleFrame.from_dict(wire), FrameGroup)


def test_sf_23_fields_that_only_a_reader_fills_are_read_and_not_kept(again: Again) -> None:
    """A frame that was exported elsewhere comes in as it is."""
    answered = {
        "dataset": {"id": "d", "version": "v"},
        "saved": 1598982880693,
        "saved_in_version": "v",
        "updated": 1598982880693,
        "updated_in_version": "v",
        "num_frames": 1,
        "rule_name": "r",
    }
    wire: Wire = {"id": "a", "sources": [{"id": "default", "uri": "s3://b/a"}]}
    assert again(SingleFrame.from_dict({**wire, **answered})).to_dict() == wire


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        [ImageAnnotation(["a"])],
        (ImageAnnotation(["a"]),),
        {"first": ImageAnnotation(["a"])},
        iter([ImageAnnotation(["a"])]),
    ],
)
def test_sf_25_annotations_come_in_any_iterable_or_a_dict(
    given: Iterable[Any], again: Again
) -> None:
    """C-12: the documents call it a dictionary and a list."""
    frame = SingleFrame(source="s3://b/a.jpg", annotations=given)
    expected = [["a"]] if given else []
    assert [one.labels for one in again(frame).annotations] == expected


@pytest.mark.parametrize("given", [{"label": ["a"]}, [{"label": ["a"]}], [None]])
def test_sf_25_a_dict_of_unknown_shape_is_refused(given: Any) -> None:
    """With the place of what is no annotation."""
    with pytest.raises(FrameError, match=r"annotations\[0\]"):
        SingleFrame(source="s3://b/a.jpg", annotations=given)


def _look(frames: list[SingleFrame | FrameGroup]) -> list[tuple[object, ...]]:
    """Return from a worker what frames say there."""
    frames[0].metadata["seen"] = True
    return [(one.id, one.origin, one.dataset_version_metadata, one.to_dict()) for one in frames]


def _living() -> int:
    """Return how many annotations there are in this process."""
    return sum(Annotation in type(one).__mro__ for one in gc.get_objects())


def test_rois_become_annotations_when_they_are_first_touched(draft: DatasetVersion) -> None:
    """Of one frame only; reading, printing and pickling others makes none."""
    frames = [SingleFrame(id=f"{at}", source=f"s3://b/{at}") for at in range(5)]
    for frame in frames:
        frame.annotations = [BoundingBox2D([at, 1, 2, 3], labels=["x"]) for at in range(20)]
    draft.add_frames(frames)
    del frame, frames
    gc.collect()
    before = _living()
    found = list(draft)
    for one in found:
        assert "annotations=20" in repr(one)
        assert (one.id, one.metadata, one.timestamp) == (one.id, {}, 0)
        assert len(one.to_dict()["rois"]) == 20  # type: ignore[arg-type]
        pickle.dumps(one)
    assert _living() == before
    assert isinstance(found[3], SingleFrame)
    assert found[3].annotations[0].labels == ["x"]
    assert _living() == before + 20


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_sf_26_frames_travel_into_workers_without_their_store(
    draft: DatasetVersion, method: str
) -> None:
    """As values: small, equal there, and what they ask of their version they ask anew."""
    draft.set_metadata({"camera": 1})
    draft.add_frames(
        [SingleFrame(id="a", source="s3://b/a.jpg", annotations=[ImageAnnotation("x")])]
    )
    draft.add_frames([FrameGroup(id="g", left=SingleFrame(source="s3://b/l.jpg"))])
    frames = list(draft)
    data = pickle.dumps(frames)
    assert b"hyperstore.storage" not in data
    assert b"hyperstore.dataset" not in data
    with get_context(method).Pool(1) as workers:
        found = workers.apply(_look, (pickle.loads(data),))
    frames[0].metadata["seen"] = True
    assert found == [(one.id, one.origin, {"camera": 1}, one.to_dict()) for one in frames]
