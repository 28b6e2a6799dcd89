"""SingleFrame, FrameGroup and annotations as users hold them."""

import copy
import math
import pickle
from typing import Any

import pytest

from hyperstore.errors import FrameError, UsageError
from hyperstore.frames.annotation import Annotation, ImageAnnotation, Mask
from hyperstore.frames.boxes import BoundingBox2D, BoundingBox3D, Ellipse2D
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.group import FrameGroup
from hyperstore.frames.home import Home
from hyperstore.frames.polygons import (
    ComplexPolygon2D,
    ComplexPolygon3D,
    KeyPoints2D,
    KeyPoints3D,
    Polygon2D,
    Polygon3D,
)
from hyperstore.frames.prepare import prepare
from hyperstore.frames.read import Frame, read_frame, settle
from hyperstore.frames.roots import NO_ROOTS
from hyperstore.ids import ObjectId

Wire = dict[str, Any]
HOME = Home("/s/.hyperstore", "d1", "cats", "v1", "Current")


def again(frame: Frame) -> Any:
    """Return a frame as it comes back from a store."""
    payload = prepare(frame, roots=NO_ROOTS).payload
    return read_frame(payload, home=HOME, object_id=ObjectId(bytes(32)), roots=NO_ROOTS)


def test_every_property_comes_back() -> None:
    """What the constructor takes is what a reader finds."""
    frame = SingleFrame(
        id=7,
        source="/a/b.jpg",
        width=640,
        height=480,
        timestamp=33,
        size=1000,
        hash="abc",
        preview_uri="/a/p.png",
        preview_uri_timestamp=5,
        metadata={"k": {"n": 1}},
        annotations=[ImageAnnotation(["c"])],
        mask_source="/a/m.png",
        context_id="video",
    )
    frame.blob = "raw"
    frame.meta_blob["x"] = [1]
    back = again(frame)
    assert isinstance(back, SingleFrame)
    assert (back.id, back.source, back.width, back.height) == ("7", "/a/b.jpg", 640, 480)
    assert (back.timestamp, back.size, back.hash, back.blob) == (33, 1000, "abc", "raw")
    assert back.sourcedata == {"size": 1000, "hash": {"source": "abc"}}
    assert (back.preview_uri, back.preview_source) == ("/a/p.png", "/a/p.png")
    assert (back.preview_uri_timestamp, back.preview_source_timestamp) == (5, 5)
    assert back.metadata == back.meta == {"k": {"n": 1}}
    assert back.meta_blob == {"x": [1]}
    assert (back.mask_source, back.masks_source) == ("/a/m.png", {"00": "/a/m.png"})
    assert back.context_id == "video"
    assert [one.labels for one in back.annotations] == [["c"]]
    assert back.origin == {
        "dataset_id": "d1",
        "dataset_name": "cats",
        "version_id": "v1",
        "version_name": "Current",
    }
    assert (back.object_id, back.home) == (bytes(32), HOME)


def test_an_empty_frame_answers_and_is_not_stored() -> None:
    """A frame may be built without a source."""
    frame = SingleFrame()
    assert (frame.source, frame.width, frame.timestamp, frame.context_id) == (None, None, 0, None)
    assert frame.id == frame.id
    assert len(frame.id) == 32
    assert frame.id != SingleFrame().id
    assert frame.origin == {}
    assert SingleFrame.from_dict(frame.to_dict()).to_dict() == frame.to_dict()
    with pytest.raises(FrameError, match="no source"):
        prepare(frame, roots=NO_ROOTS)
    with pytest.raises(UsageError):
        frame.preview_uri_timestamp = 3


def test_metadata_is_live() -> None:
    """`del frame.metadata[k]` and `frame.meta[k] = v` work, read or made."""
    frame = again(SingleFrame(source="s3://b/a", metadata={"a": 1, "b": 2}))
    del frame.metadata["a"]
    frame.meta["c"] = 3
    assert again(frame).metadata == {"b": 2, "c": 3}
    frame.metadata = {"only": 1}
    assert again(frame).metadata == {"only": 1}
    frame.metadata = None
    assert "meta" not in frame.to_dict()


SHAPES: list[tuple[dict[str, Any], type[Annotation], list[float] | None, str | None]] = [
    ({"poly2d_xy": [1, 2, 3, 4, 5.5, 6]}, Polygon2D, [1, 2, 3, 4, 5.5, 6], "p2d"),
    (
        {"poly2d_xy": [[1, 2, 3, 4, 5, 6], [7, 8, 9, 8, 9, 9]]},
        ComplexPolygon2D,
        [1, 2, 3, 4, 5, 6, -999999999, 7, 8, 9, 8, 9, 9],
        "p2d",
    ),
    ({"poly3d_xyz": [1, 2, 3]}, Polygon3D, [1, 2, 3], "p3d"),
    (
        {"poly3d_xyz": [list(range(9)), list(range(1, 10))]},
        ComplexPolygon3D,
        [*range(9), -999999999, *range(1, 10)],
        "p3d",
    ),
    ({"points2d_xy": [1, 2]}, KeyPoints2D, [1, 2], "k2d"),
    ({"points3d_xyz": [1, 2, 3]}, KeyPoints3D, [1, 2, 3], "k3d"),
    ({"box2d_xywh": [1, 2, 3, 4]}, BoundingBox2D, [1, 2, 4, 2, 4, 6, 1, 6], "b2d"),
    ({"box3d_xyzwhxyzwh": list(range(10))}, BoundingBox3D, list(range(10)), "b3d"),
    ({"ellipse2d_xyrrt": [1, 2, 3, 4, 0.5]}, Ellipse2D, [1, 2, 3, 4, 0.5], "elp"),
    ({"mask_rgb": [1, 2, 3]}, Mask, None, "mask"),
    ({"frame_class": ["a"]}, ImageAnnotation, None, None),
    ({}, ImageAnnotation, None, None),
]


@pytest.mark.parametrize(("shape", "kind", "poly", "wire_type"), SHAPES)
def test_each_shape_is_written_as_the_reference_says_and_read_as_its_class(
    shape: dict[str, Any], kind: type[Annotation], poly: list[float] | None, wire_type: str | None
) -> None:
    """The numbers and the kind on the wire, and the class that a reader gets."""
    frame = SingleFrame(source="s3://b/a.jpg")
    labels = None if "frame_class" in shape else iter(["a"])
    assert frame.add_annotation(**shape, labels=labels, confidence=1, metadata={"k": 1}) == [0]
    wire: Wire = frame.to_dict()["rois"][0]  # type: ignore[index]
    assert wire["label"] == ["a"]
    assert wire.get("poly") == poly
    assert wire["meta"] == {"k": 1} | ({} if wire_type is None else {"_type": wire_type})
    assert wire["sources"] == ["default"]
    assert wire["confidence"] == 1.0
    found = again(frame).annotations[0]
    assert type(found) is kind
    assert found == frame.annotations[0]


def test_a_polygon_without_a_kind_is_read_as_one_and_stays_without() -> None:
    """The documents' examples have no `_type`."""
    wire: Wire = {"label": ["a"], "poly": [30, 50, 50, 50, 100, 50, 100, 100]}
    frame = SingleFrame.from_dict({"sources": [{"id": "default", "uri": "s3://a"}], "rois": [wire]})
    found = frame.annotations[0]
    assert isinstance(found, Polygon2D)
    assert found.polygon_xy == [(30, 50), (50, 50), (100, 50), (100, 100)]
    assert found.get_bounding_box() == [30, 50, 70, 50]
    assert frame.to_dict()["rois"] == [wire]


@pytest.mark.parametrize(
    "box",
    [
        [0.1, 0.2, 0.2, 0.7],
        [10, 20, 30, 40],
        [1e9, 1e-9, 1e-7, 0.123456789012345],
        [100.17, 3.3, 33.33, 0.0],
        [10.5, 20.5, 30.0, 40.0, 0.3],
        [10.5, 20.5, 30.0, 40.0, -3.1],
        [10.5, 20.5, 30.0, 40.0, 7.0],
    ],
)
def test_the_values_of_a_box_come_back_exactly(box: list[float]) -> None:
    """Corners are written; where they do not say the same numbers, these are kept beside them."""
    frame = SingleFrame(source="s3://b/a.jpg")
    frame.add_annotation(box2d_xywh=box, labels=["a"])
    found = again(frame).annotations[0]
    assert found.bounding_box_xywh == box[:4]
    assert found.angle == (box[4] if len(box) == 5 else 0)
    assert found.bounding_box_xywha[:4] == box[:4]
    corners = found.values
    centre = box[0] + box[2] / 2, box[1] + box[3] / 2
    assert math.isclose(sum(corners[0::2]) / 4, centre[0])
    assert math.isclose(sum(corners[1::2]) / 4, centre[1])


def test_a_turned_box_has_turned_corners_and_is_found_from_them() -> None:
    """Another program writes corners only."""
    quarter = BoundingBox2D([0, 0, 4, 2, math.pi / 2])
    assert quarter.values == pytest.approx([3, -1, 3, 3, 1, 3, 1, -1])
    assert quarter.get_bounding_box() == pytest.approx([1, -1, 2, 4])
    wire = quarter.to_dict()
    del wire["_xywha"]
    wire["label"] = ["a"]
    frame = SingleFrame.from_dict({"sources": [{"id": "default", "uri": "s3://a"}], "rois": [wire]})
    found = frame.annotations[0]
    assert isinstance(found, BoundingBox2D)
    assert found.bounding_box_xywha == pytest.approx([0, 0, 4, 2, math.pi / 2])


def test_kept_values_give_way_to_edited_corners() -> None:
    """A program that moves the corners knows nothing of the values beside them."""
    wire = BoundingBox2D([0, 0, 4, 2, 0.5], labels=["a"]).to_dict()
    wire["poly"] = [1, 1, 3, 1, 3, 2, 1, 2]
    frame = SingleFrame.from_dict({"sources": [{"id": "default", "uri": "s3://a"}], "rois": [wire]})
    found = frame.annotations[0]
    assert isinstance(found, BoundingBox2D)
    assert found.bounding_box_xywha == [1, 1, 2, 1, 0]


def test_an_ellipse_answers_its_parts() -> None:
    """The polygon wraps the ellipse: each side touches it."""
    ellipse = Ellipse2D([10, 20, 4, 2, 0.0])
    assert (ellipse.center, ellipse.radii, ellipse.angle) == ([10, 20], [4, 2], 0.0)
    assert ellipse.get_bounding_box() == [6, 18, 8, 4, 0.0]
    square = ellipse.get_polygon(4)
    assert sorted(round(x, 9) for x in square[0::2]) == [6, 6, 14, 14]
    assert sorted(round(y, 9) for y in square[1::2]) == [18, 18, 22, 22]
    with pytest.raises(UsageError):
        ellipse.get_polygon(2)


def test_coordinates_that_are_wrong_raise_at_once() -> None:
    """Not when the frame is stored, when nobody knows where they came from."""
    frame = SingleFrame(source="s3://b/a.jpg")
    for shape in (
        {"poly2d_xy": [1, 2, 3]},
        {"poly2d_xy": [1, float("nan")]},
        {"poly2d_xy": 5},
        {"poly2d_xy": [[1, 2, 3], [4, 5, 6]]},
        {"points3d_xyz": [1, 2]},
        {"box2d_xywh": [1, 2, 3]},
        {"box2d_xywh": [1.0, 2.0, float("inf"), 3.0]},
        {"box2d_xywh": [1e308, 2.0, 1e308, 3.0]},
        {"box2d_xywh": "1234"},
        {"box3d_xyzwhxyzwh": [1, 2, 3, 4]},
        {"ellipse2d_xyrrt": [1, 2, 3, 4]},
        {"mask_rgb": ["a"]},
    ):
        with pytest.raises(FrameError):
            frame.add_annotation(**shape, labels=["a"])
    with pytest.raises(FrameError):
        frame.add_annotation(box2d_xywh=[1, 2, 3, 4], labels=["a"], confidence=1.5)
    with pytest.raises(FrameError):
        frame.add_annotation(box2d_xywh=[1, 2, 3, 4], labels=["a"], id=1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="poly9d"):
        frame.add_annotation(poly9d=[1], labels=["a"])
    assert frame.annotations == []


def test_annotations_are_found_and_removed() -> None:
    """By position, by id, by label, by all labels."""
    frame = SingleFrame(source="s3://b/a.jpg")
    frame.add_annotation(box2d_xywh=[1, 2, 3, 4], labels=["a", "b"], id="one")
    frame.add_annotation(box2d_xywh=[5, 6, 7, 8], labels=["a"], id="one")
    frame.add_annotation(labels=["c"])
    assert [one.labels for one in frame.get_annotations(id="one")] == [["a", "b"], ["a"]]
    assert frame.get_annotations(index=2)[0].labels == ["c"]
    assert frame.get_annotations(index=-1)[0].labels == ["c"]
    assert len(frame.get_annotations()) == 3
    assert frame.remove_annotation(9) is None
    assert frame.remove_annotation() is None
    assert [one.labels for one in frame.remove_annotations(labels=["a"])] == [["a"]]
    assert [one.labels for one in frame.remove_annotations(label="a")] == [["a", "b"]]
    removed = frame.remove_annotation(0)
    assert removed is not None
    assert removed.labels == ["c"]
    frame.annotations.append(Polygon2D([1, 2], labels=["x"]))
    assert len(frame.remove_annotations()) == 1
    assert frame.annotations == []
    with pytest.raises(FrameError):
        frame.annotations = [3]  # type: ignore[list-item]


def test_a_mask_annotation_names_the_mask_of_its_frame() -> None:
    """The id of the mask is that of the source's mask, not always 00."""
    frame = SingleFrame(source="s3://b/a.jpg", mask_source={"seg": "s3://b/m.png"})
    frame.add_annotation(mask_rgb=(1, 2, 3), labels=["sky"])
    found = again(frame).annotations[0]
    assert (found.mask_id, found.mask_rgb) == ("seg", [1, 2, 3])


def test_registered_kinds_are_drawn_and_read() -> None:
    """Users add kinds of their own."""

    @Annotation.register("lane_3_points")
    class Lane(Annotation):
        __slots__ = ()
        KIND = "lane_3_points"

    frame = SingleFrame(source="s3://b/a.jpg")
    frame.add_annotation(lane_3_points=[1, 2, 3], labels=["lane"])
    found = again(frame).annotations[0]
    assert isinstance(found, Lane)
    assert found.values == [1, 2, 3]
    with pytest.raises(UsageError):
        Annotation.register("p2d")


def test_frames_are_plain_values() -> None:
    """They pickle and copy, read or made, touched or not; a copy shares nothing."""
    made = SingleFrame(source="s3://b/a.jpg", metadata={"a": [1]})
    made.add_annotation(box2d_xywh=[1, 2, 3, 4], labels=["a"])
    group = FrameGroup(front=made, rear=SingleFrame(source="s3://b/r.jpg"))
    for frame in (made, again(made), group, again(group)):
        for twin in (pickle.loads(pickle.dumps(frame)), copy.deepcopy(frame)):
            assert twin == frame
            assert twin.id == frame.id
            assert twin.origin == frame.origin
            twin.metadata["a"] = 2
            assert twin != frame
        other = frame.copy()
        assert other.id != frame.id
        assert other.to_dict().keys() >= frame.to_dict().keys()
    assert made != group
    with pytest.raises(TypeError):
        hash(made)


def test_a_group_is_a_mapping_of_its_members() -> None:
    """Insertion order is kept, and members keep annotations and metadata of their own."""
    front = SingleFrame(source="s3://b/f.jpg", timestamp=5, metadata={"lens": 1})
    rear = SingleFrame(source="s3://b/r.jpg", width=10)
    front.add_annotation(box2d_xywh=[1, 2, 3, 4], labels=["car"])
    group = FrameGroup(metadata={"weather": "rain"}, front=front)
    group["rear"] = rear
    group.add_global_annotation(ImageAnnotation(["day"]))
    assert group.get_global_annotations() == [ImageAnnotation(["day"])]
    wire: Wire = group.to_dict()
    assert wire["meta"] == {"weather": "rain", "front": {"lens": 1}}
    assert [source["id"] for source in wire["sources"]] == ["front", "rear"]
    assert [roi["sources"] for roi in wire["rois"]] == [["front"], ["front"], ["rear"]]
    back = again(group)
    assert isinstance(back, FrameGroup)
    assert list(back) == ["front", "rear"]
    assert back.metadata == {"weather": "rain"}
    assert back["front"].metadata == {"lens": 1}
    assert back["rear"].width == 10
    assert [one.labels for one in back["front"].annotations] == [["car"], ["day"]]
    assert (back.timestamp, back.context_id) == (5, "s3://b/f.jpg")
    assert back.remove_global_annotation(ImageAnnotation(["day"]))
    assert not back.remove_global_annotation(ImageAnnotation(["day"]))
    assert len(again(back).to_dict()["rois"]) == 1
    assert back.pop("rear").source == "s3://b/r.jpg"
    assert "rear" not in again(back)


def test_a_group_of_one_comes_back_as_a_group() -> None:
    """Also when its member is called like the source of a single frame."""
    for name in ("default", "Frame"):
        group = FrameGroup(None, None, {name: SingleFrame(source="s3://b/a.jpg")})
        back = again(group)
        assert isinstance(back, FrameGroup)
        assert isinstance(SingleFrame.from_dict(group.to_dict()), FrameGroup)
    assert group.to_dict().keys() == {"sources"}


def test_an_roi_of_several_sources_stays_one() -> None:
    """Read, edited from one member, written: it is never doubled."""
    wire: Wire = {
        "sources": [{"id": "a", "uri": "s3://a"}, {"id": "b", "uri": "s3://b"}],
        "rois": [
            {"label": ["only b"], "sources": ["b"]},
            {"label": ["both"], "sources": ["b", "a"]},
            {"label": ["nobody's"]},
        ],
    }
    group = FrameGroup.from_dict(wire)
    assert group.to_dict() == wire
    assert group["a"].annotations[0] is group["b"].annotations[1]
    group["a"].annotations[0].labels = ["shared"]
    del group["b"].annotations[1]
    assert group.to_dict()["rois"] == [
        {"label": ["only b"], "sources": ["b"]},
        {"label": ["shared"], "sources": ["a"]},
        {"label": ["nobody's"]},
    ]
    del group["a"].annotations[0]
    assert len(group.to_dict()["rois"]) == 2  # type: ignore[arg-type]
    prepared = prepare(group, roots=NO_ROOTS)
    settle(group, prepared, object_id=ObjectId(bytes(32)), home=HOME)
    assert prepare(group, roots=NO_ROOTS, previous=prepared.payload) == prepare(
        again(group), roots=NO_ROOTS
    )


def test_a_member_stored_by_itself_is_a_single_frame() -> None:
    """Its annotations then are about its one source."""
    group = FrameGroup(front=SingleFrame(source="s3://f"), rear=SingleFrame(source="s3://r"))
    group["front"].add_annotation(box2d_xywh=[1, 2, 3, 4], labels=["a"])
    member = again(group)["front"]
    back = again(member)
    assert isinstance(back, SingleFrame)
    assert back.to_dict()["sources"] == [{"id": "default", "uri": "s3://f"}]
    assert back.annotations[0].sources == ["default"]


def test_group_metadata_must_not_have_the_name_of_a_member() -> None:
    """On the wire a member's metadata lies under its name."""
    group = FrameGroup(metadata={"front": 1}, front=SingleFrame(source="s3://f", metadata={"a": 1}))
    with pytest.raises(FrameError, match=r"meta\.front"):
        group.to_dict()


def test_members_are_frames_with_names() -> None:
    """A clear error where the mapping is filled, not where it is stored."""
    group = FrameGroup()
    with pytest.raises(UsageError):
        group[""] = SingleFrame()
    with pytest.raises(UsageError):
        group["x"] = {}  # type: ignore[assignment]
    assert group.id == group.id
    group["x"] = SingleFrame(source="s3://a")
    assert group.id == FrameGroup(None, None, {"x": SingleFrame(source="s3://a")}).id


@pytest.mark.parametrize("grouped", [False, True])
def test_editing_the_wire_form_edits_no_frame(grouped: bool) -> None:
    """A dict that was got to be changed and registered elsewhere is the caller's own."""
    single = SingleFrame(source="s3://b/a.jpg", metadata={"deep": {"list": [1]}})
    single.add_annotation(box2d_xywh=(1, 2, 3, 4), labels=["x"], metadata={"seen": [1]})
    frame: Frame = FrameGroup(metadata={"own": [1]}, left=single) if grouped else single
    for held in (frame, again(frame)):
        for touched in (False, True):
            if touched and isinstance(held, SingleFrame):
                assert held.annotations
            before = copy.deepcopy(held.to_dict())
            spoil(held.to_dict())
            assert held.to_dict() == before


def spoil(value: object) -> None:
    """Change every list and dict inside a value."""
    if isinstance(value, dict):
        for inner in value.values():
            spoil(inner)
        value["spoiled"] = True
    elif isinstance(value, list):
        for inner in value:
            spoil(inner)
        value.append("spoiled")
