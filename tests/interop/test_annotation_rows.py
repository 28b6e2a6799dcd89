"""What the reference promises of annotations; each test is named after its row."""

import inspect
import math
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import hyperstore
from hyperstore import (
    Annotation,
    BoundingBox2D,
    BoundingBox3D,
    ComplexPolygon2D,
    ComplexPolygon3D,
    DatasetVersion,
    Ellipse2D,
    FrameError,
    FrameGroup,
    ImageAnnotation,
    KeyPoints2D,
    KeyPoints3D,
    Mask,
    Polygon2D,
    Polygon3D,
    SingleFrame,
    UsageError,
)
from tests.interop.conftest import Again

pytestmark = pytest.mark.usefixtures("default_store")

BREAK = -999999999
TEN = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
KIND_2D = {"_type": "p2d"}
Wire = dict[str, Any]


def bare() -> SingleFrame:
    """Return a frame without annotations."""
    return SingleFrame(id="a", source="s3://b/a.jpg")


def drawn(again: Again, **shape: Any) -> tuple[Any, Wire]:
    """Return the annotation of a shape as it comes back, and its wire form."""
    frame = bare()
    assert frame.add_annotation(**shape) == [0]
    found = again(frame)
    (annotation,) = found.annotations
    wire: Wire = found.to_dict()["rois"][0]  # type: ignore[index]
    assert annotation == frame.annotations[0]
    return annotation, wire


def test_an_01_indices_of_what_was_added_are_returned() -> None:
    """C-13; the arguments are the documented ones, in their order."""
    names = (
        "poly2d_xy poly3d_xyz points2d_xy points3d_xyz box2d_xywh box3d_xyzwhxyzwh ellipse2d_xyrrt"
        " mask_rgb frame_class id labels confidence metadata"
    )
    parameters = list(inspect.signature(SingleFrame.add_annotation).parameters)
    assert " ".join(parameters[1:]).startswith(names)
    frame = bare()
    assert frame.add_annotation(box2d_xywh=[1, 2, 3, 4], labels=["a"]) == [0]
    assert frame.add_annotation(poly2d_xy=[1, 2, 3, 4], mask_rgb=[1, 2, 3], labels=["a"]) == [1, 2]
    assert frame.add_annotation(frame_class=["a"]) == [3]


def test_an_02_several_shapes_of_one_call_are_tied(again: Again) -> None:
    """C-11: by the id that is given, else by one made up; a single shape without an id has none."""
    frame = bare()
    frame.add_annotation(box2d_xywh=[1, 2, 3, 4], points2d_xy=[1, 2], id="mine", labels=["a"])
    frame.add_annotation(box2d_xywh=[1, 2, 3, 4], points2d_xy=[1, 2], labels=["a"])
    frame.add_annotation(box2d_xywh=[9, 2, 3, 4], points2d_xy=[9, 2], labels=["a"])
    frame.add_annotation(box2d_xywh=[1, 2, 3, 4], labels=["a"])
    ids = [one.id for one in again(frame).annotations]
    assert ids[:2] == ["mine", "mine"]
    assert ids[2] == ids[3] != ids[4] == ids[5]
    assert None not in ids[2:6]
    assert ids[6] is None


@pytest.mark.parametrize(
    ("given", "kind", "poly"),
    [
        ([1, 2, 3, 4, 5.5, 6], Polygon2D, [1, 2, 3, 4, 5.5, 6]),
        ([[1, 2, 3, 4, 5, 6]], ComplexPolygon2D, [1, 2, 3, 4, 5, 6]),
        (
            [[1, 2, 3, 4, 5, 6], [(7, 8), (9, 8), (9, 9)]],
            ComplexPolygon2D,
            [1, 2, 3, 4, 5, 6, BREAK, 7, 8, 9, 8, 9, 9],
        ),
        ([(1, 2), (3, 4), (5, 6)], Polygon2D, [1, 2, 3, 4, 5, 6]),
        ([[[1, 2]], [[3, 4]], [[5, 6]]], Polygon2D, [1, 2, 3, 4, 5, 6]),
        (iter([iter([1, 2]), iter([3, 4]), iter([5, 6])]), Polygon2D, [1, 2, 3, 4, 5, 6]),
        ([[(1, 2), (3, 4), (5, 6)]], ComplexPolygon2D, [1, 2, 3, 4, 5, 6]),
        ([(1, 2), (3, 4)], Polygon2D, [1, 2, 3, 4]),
        (
            [[[[1, 2]], [[3, 4]], [[5, 6]]], [[[7, 8]], [[9, 8]], [[9, 9]]]],
            ComplexPolygon2D,
            [1, 2, 3, 4, 5, 6, BREAK, 7, 8, 9, 8, 9, 9],
        ),
    ],
)
def test_an_03_polygons_and_polygons_of_parts(
    given: list[Any], kind: type[Annotation], poly: list[float], again: Again
) -> None:
    """Parts are joined by one sentinel; where there is one part, the wire is that of a polygon.

    A list of points is one polygon, also where each stands in a list of its own, as in OpenCV.
    """
    frame = bare()
    frame.add_annotation(poly2d_xy=given, labels=["a"])
    assert type(frame.annotations[0]) is kind
    wire: Wire = again(frame).to_dict()["rois"][0]  # type: ignore[index]
    assert (wire["poly"], wire["meta"]["_type"]) == (poly, "p2d")


@pytest.mark.parametrize(
    ("given", "kind", "poly"),
    [
        ([1, 2, 3, 4, 5, 6], Polygon3D, [1, 2, 3, 4, 5, 6]),
        ([(1, 2, 3), (4, 5, 6), (7, 8, 9)], Polygon3D, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ([TEN[1:], TEN[1:]], ComplexPolygon3D, [*TEN[1:], BREAK, *TEN[1:]]),
        (
            [[(1, 2, 3), (4, 5, 6), (7, 8, 9)], TEN[1:]],
            ComplexPolygon3D,
            [*TEN[1:], BREAK, *TEN[1:]],
        ),
    ],
)
def test_an_04_polygons_in_space(
    given: list[Any], kind: type[Annotation], poly: list[float], again: Again
) -> None:
    """Likewise by triplets."""
    found, wire = drawn(again, poly3d_xyz=given, labels=["a"])
    assert type(found) is kind
    assert (wire["poly"], wire["meta"]["_type"]) == (poly, "p3d")


@pytest.mark.parametrize("size", [2, 3])
def test_an_03_points_in_an_array_are_one_polygon(size: int) -> None:
    """As NumPy has them, and OpenCV the points of a contour; by the class alike."""
    numpy = pytest.importorskip("numpy")
    name, one, several = {
        2: ("poly2d_xy", Polygon2D, ComplexPolygon2D),
        3: ("poly3d_xyz", Polygon3D, ComplexPolygon3D),
    }[size]
    points = numpy.arange(1, 4 * size + 1).reshape(4, size)
    flat = list(range(1, 4 * size + 1))
    frame = bare()
    for given in (points, points.reshape(4, 1, size)):
        frame.add_annotation(**{name: given}, labels=["a"])
        assert type(frame.annotations[-1]) is one
        assert frame.annotations[-1].values == one(given).values == several(given).values == flat


@pytest.mark.parametrize(
    ("kind", "given", "place"),
    [
        (ComplexPolygon2D, [[1, 2, 3, 4, 5, 6], [7, 8]], "polygons_xy[1]"),
        (ComplexPolygon2D, [[(1, 2), (3, 4)], [(7, 8), (9, 9)]], "polygons_xy[0]"),
        (ComplexPolygon2D, [(1, 2), (3, 4)], "polygons_xy"),
        (ComplexPolygon3D, [TEN[1:], [1, 2, 3, 4, 5, 6]], "polygons_xyz[1]"),
        (Polygon2D, [1, 2, BREAK, 3, 4, 5], "polygon_xy[2]"),
        (Polygon2D, [(1, 2), (3, BREAK), (4, 5)], "polygon_xy[3]"),
        (Polygon3D, [1, 2, 3, BREAK, 4, 5], "polygon_xyz[3]"),
        (KeyPoints2D, [1, float(BREAK)], "keypoints_xy[1]"),
        (BoundingBox2D, [BREAK, 2, 3, 4], "bounding_box_xywh"),
        (BoundingBox2D, [float(BREAK), 2.0, 3.0, 4.0], "bounding_box_xywh"),
        (BoundingBox2D, [1.0, 2.0, float(BREAK - 1), 4.0], "bounding_box_xywh"),
    ],
)
def test_what_is_no_part_of_a_polygon_is_refused_at_once(
    kind: type[Annotation], given: list[Any], place: str
) -> None:
    """A part has 3 points or more, and the number that parts polygons is no coordinate."""
    with pytest.raises(FrameError) as caught:
        kind(given)
    assert caught.value.path == place


def test_parts_of_a_point_that_are_on_the_wire_are_read(draft: DatasetVersion) -> None:
    """What others wrote, and earlier versions of this, comes back as it is."""
    poly = [1, 2, BREAK, 3, 4]
    roi = {"label": ["a"], "poly": poly, "id": "r", "sources": ["default"], "meta": KIND_2D}
    wire = {"id": "f", "sources": [{"id": "default", "uri": "s3://b/a.jpg"}], "rois": [roi]}
    assert draft.add_frames([wire]) == []
    found = draft.get_frame("f")
    assert found.to_dict() == wire
    assert isinstance(found, SingleFrame)
    assert found.annotations[0].polygons_xy == [[(1, 2)], [(3, 4)]]  # type: ignore[attr-defined]
    assert draft.update_frames([found]) == []


def test_an_05_key_points(again: Again) -> None:
    """By pairs."""
    found, wire = drawn(again, points2d_xy=[1, 2, 3, 4], labels=["a"])
    assert type(found) is KeyPoints2D
    assert (wire["poly"], wire["meta"]["_type"]) == ([1, 2, 3, 4], "k2d")


def test_an_06_key_points_in_space(again: Again) -> None:
    """By triplets."""
    found, wire = drawn(again, points3d_xyz=[1, 2, 3], labels=["a"])
    assert type(found) is KeyPoints3D
    assert (wire["poly"], wire["meta"]["_type"]) == ([1, 2, 3], "k3d")


def test_an_07_a_box_is_its_corners_and_keeps_its_angle(again: Again) -> None:
    """2.1.12 drops the angle; here the corners are turned, and the five values are kept."""
    found, wire = drawn(again, box2d_xywh=[10, 20, 30, 40], labels=["a"])
    assert type(found) is BoundingBox2D
    assert (wire["poly"], wire["meta"]["_type"]) == ([10, 20, 40, 20, 40, 60, 10, 60], "b2d")
    found, wire = drawn(again, box2d_xywh=[10, 20, 40, 20, math.pi / 2], labels=["a"])
    assert wire["poly"] == pytest.approx([40, 10, 40, 50, 20, 50, 20, 10])
    assert found.bounding_box_xywha == [10, 20, 40, 20, math.pi / 2]


def test_an_08_a_box_in_space_is_ten_numbers(again: Again) -> None:
    """C-14: not four."""
    found, wire = drawn(again, box3d_xyzwhxyzwh=TEN, labels=["a"])
    assert type(found) is BoundingBox3D
    assert (wire["poly"], wire["meta"]["_type"]) == (TEN, "b3d")
    with pytest.raises(FrameError, match="10 numbers"):
        bare().add_annotation(box3d_xyzwhxyzwh=[1, 2, 3, 4], labels=["a"])


def test_an_09_an_ellipse_is_its_five_numbers(again: Again) -> None:
    """Not vertices."""
    found, wire = drawn(again, ellipse2d_xyrrt=[50, 40, 30, 20, 0.5], labels=["a"])
    assert type(found) is Ellipse2D
    assert (wire["poly"], wire["meta"]["_type"]) == ([50, 40, 30, 20, 0.5], "elp")


def test_an_10_a_mask_annotation_names_a_value_of_a_mask(again: Again) -> None:
    """In the deprecated field, which is still how it is written."""
    found, wire = drawn(again, mask_rgb=[1, 2, 3], labels=["a"])
    assert type(found) is Mask
    assert wire["mask"] == {"id": "00", "value": [1, 2, 3]}
    assert "poly" not in wire
    assert wire["meta"]["_type"] == "mask"


@pytest.mark.parametrize("given", [{"frame_class": ["a", "b"]}, {"labels": ["a", "b"]}])
def test_an_11_an_12_labels_without_a_shape_are_the_frame_s(
    given: dict[str, Any], again: Again
) -> None:
    """2.1.12 stores nothing for one of these, and no label for the other."""
    found, wire = drawn(again, **given)
    assert type(found) is ImageAnnotation
    assert found.labels == found.image_classes == ["a", "b"]
    assert wire["label"] == ["a", "b"]
    assert {"poly", "mask", "meta"}.isdisjoint(wire)


@pytest.mark.parametrize("given", [None, 0, 0.0, 0.25, 1])
def test_an_13_a_confidence_that_is_absent_is_not_0(given: float | None, again: Again) -> None:
    """And what is no share of 1 is refused."""
    found, wire = drawn(again, box2d_xywh=[1, 2, 3, 4], labels=["a"], confidence=given)
    assert found.confidence == given
    assert ("confidence" in wire) == (given is not None)
    for wrong in (1.5, -0.1, float("nan"), "high"):
        with pytest.raises(FrameError):
            found.confidence = wrong


def test_an_14_metadata_of_an_annotation_is_live(again: Again) -> None:
    """On the wire `rois[].meta`, beside the kind and the user's id."""
    frame = bare()
    frame.add_annotation(poly2d_xy=[1, 2], labels=["a"], id=7, metadata={"hard": True})
    found = again(frame)
    found.annotations[0].metadata["by"] = {"who": "me"}
    back = again(found)
    assert back.annotations[0].metadata == {"hard": True, "by": {"who": "me"}}
    assert back.annotations[0].metadata is back.annotations[0].meta
    wire: Wire = back.to_dict()["rois"][0]  # type: ignore[index]
    assert wire["meta"] == {"_type": "p2d", "_id": 7, "hard": True, "by": {"who": "me"}}


@Annotation.register(["lane_of_three", "lane_of_four"])
class Lane(Annotation):
    """A kind of this file's."""

    __slots__ = ()


@Annotation.register("closed_lane")
class ClosedLane(Polygon2D):
    """A kind that is a polygon as well."""

    __slots__ = ()


def test_an_15_users_register_kinds_of_their_own(again: Again) -> None:
    """By a name, or several; what such a class inherits works."""
    frame = bare()
    frame.add_annotation(lane_of_three=[1, 2, 3], labels=["a"], metadata={"k": 1})
    frame.add_annotation(lane_of_four=(one for one in [1, 2, 3, 4]), labels=["a"])
    frame.add_annotation(closed_lane=[(0, 0), (4, 0), (4, 3)], labels=["a"])
    frame.annotations.append(Lane([5], labels=["a"]))
    found = again(frame)
    assert [type(one) for one in found.annotations] == [Lane, Lane, ClosedLane, Lane]
    assert [one.values for one in found.annotations[:2]] == [[1, 2, 3], [1, 2, 3, 4]]
    assert found.annotations[2].area == 6
    wires: list[Wire] = found.to_dict()["rois"]  # type: ignore[assignment]
    kinds = [one["meta"]["_type"] for one in wires]
    assert kinds == ["lane_of_three", "lane_of_four", "closed_lane", "lane_of_three"]
    assert type(pickle.loads(pickle.dumps(found)).annotations[0]) is Lane


def test_an_15_a_kind_that_nobody_registered_is_kept(default_store: Path, again: Again) -> None:
    """A process without the class reads a plain annotation, and writes what it read."""
    frame = bare()
    frame.add_annotation(lane_of_three=[1, 2, 3], labels=["a"], metadata={"k": 1})
    wire = again(frame).to_dict()
    said = (
        "import hyperstore; version = hyperstore.Dataset.get('cells').get_version();"
        "frame = version.get_single_frame('a');"
        "print(type(frame.annotations[0]).__name__, frame.annotations[0].values);"
        "frame.annotations[0].labels = ['b']; version.update_frames([frame])"
    )
    ran = subprocess.run([sys.executable, "-c", said], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "Annotation [1, 2, 3]"
    found = DatasetVersion.get_single_frame("a", dataset_name="cells")
    wire["rois"][0]["label"] = ["b"]  # type: ignore[index]
    assert found.to_dict() == wire


@pytest.mark.parametrize("names", ["p2d", "mask", "im", "box2d_xywh", "labels", "id", "", []])
def test_an_15_built_in_names_are_not_registered(names: Any) -> None:
    """Nor is what is no annotation; a shape that nobody knows names the closest."""
    with pytest.raises(UsageError):
        Annotation.register(names)
    with pytest.raises(UsageError, match="subclass"):
        Annotation.register("mine")(dict)  # type: ignore[type-var]
    with pytest.raises(TypeError, match="box2d_xywh"):
        bare().add_annotation(box_2d_xywh=[1, 2, 3, 4], labels=["a"])


def test_an_16_an_annotation_is_removed_by_its_position() -> None:
    """Returned, or None; by keyword as `remove_annotations` does."""
    frame = bare()
    for label in "abca":
        frame.add_annotation(labels=[label])
    removed = frame.remove_annotation(1)
    assert removed is not None
    assert removed.labels == ["b"]
    last = frame.remove_annotation(index=-1)
    assert last is not None
    assert last.labels == ["a"]
    assert [one.labels for one in frame.annotations] == [["a"], ["c"]]
    assert (frame.remove_annotation(7), frame.remove_annotation()) == (None, None)
    assert frame.remove_annotation(label="c") == [ImageAnnotation(["c"])]
    assert frame.remove_annotation(label="c") is None
    with pytest.raises(TypeError, match="'label'"):
        frame.remove_annotation(lable="a")
    with pytest.raises(UsageError, match="exclude each other"):
        frame.remove_annotation(0, label="a")  # type: ignore[call-overload]
    assert len(frame.annotations) == 1


def test_an_17_annotations_are_removed_by_id_label_or_exactly_their_labels() -> None:
    """C-16; without an argument all go."""
    frame = bare()
    for annotation_id, labels in [
        ("x", ["a"]),
        ("x", ["a", "b"]),
        ("y", ["b", "a"]),
        (None, ["c"]),
    ]:
        frame.add_annotation(labels=labels, id=annotation_id)
    assert [one.id for one in frame.remove_annotations(labels=["a", "b"])] == ["x"]
    assert [one.labels for one in frame.remove_annotations(id="x")] == [["a"]]
    assert [one.labels for one in frame.remove_annotations(label="a")] == [["b", "a"]]
    assert frame.remove_annotations(label="a") == []
    assert [one.labels for one in frame.remove_annotations()] == [["c"]]
    assert frame.annotations == []


def test_an_18_annotations_are_found_by_id_or_position() -> None:
    """All where nothing is asked; the very objects of the frame."""
    frame = bare()
    frame.add_annotation(box2d_xywh=[1, 2, 3, 4], points2d_xy=[1, 2], id="x", labels=["a"])
    frame.add_annotation(labels=["b"])
    assert frame.get_annotations(id="x") == frame.annotations[:2]
    assert frame.get_annotations(index=2)[0] is frame.annotations[2]
    assert frame.get_annotations(index=9) == frame.get_annotations(id="y") == []
    assert frame.get_annotations() == frame.annotations


def test_an_19_the_base_class_holds_any_numbers() -> None:
    """With the documented arguments and properties."""
    one = Annotation([1, 2.5], "x", ["a"], 0.5, {"k": 1})
    assert (one.values, one.id, one.labels, one.confidence) == ([1, 2.5], "x", ["a"], 0.5)
    assert one.metadata == {"k": 1}
    assert one.label_enum == -1
    with pytest.raises(AttributeError):
        one.label_enum = 3  # type: ignore[misc]
    assert Annotation.get_type() is None
    assert Annotation().values == []


def test_an_19_a_copy_is_another_roi_of_the_same_content(again: Again) -> None:
    """Its ROI gets an id of its own; the user's id, which may be shared, stays."""
    frame = bare()
    frame.add_annotation(box2d_xywh=[1, 2, 3, 4], labels=["a"], id="x", metadata={"k": [1]})
    found = again(frame)
    (one,) = found.annotations
    found.annotations.append(one.copy())
    first, second = again(found).annotations
    assert first == second
    assert first.roi_id != second.roi_id
    assert (first.roi_id, second.id) == (one.roi_id, "x")
    second.metadata["k"].append(2)  # type: ignore[attr-defined]
    assert first.metadata == {"k": [1]}


KINDS: list[tuple[type[Annotation], str, Any, str]] = [
    (Mask, "mask_rgb", [1, 2, 3], "mask"),
    (Polygon2D, "polygon_xy", [(1, 2), (3, 4)], "p2d"),
    (ComplexPolygon2D, "polygons_xy", [[(1, 2), (3, 4), (5, 6)]] * 2, "p2d"),
    (Polygon3D, "polygon_xyz", [(1, 2, 3)], "p3d"),
    (ComplexPolygon3D, "polygons_xyz", [[(1, 2, 3), (4, 5, 6), (7, 8, 8)]] * 2, "p3d"),
    (KeyPoints2D, "keypoints_xy", [(1, 2), (3, 4)], "k2d"),
    (KeyPoints3D, "keypoints_xyz", [(1, 2, 3)], "k3d"),
    (Ellipse2D, "ellipse2d_xyrrt", [50, 40, 30, 20, 0.5], "elp"),
    (BoundingBox2D, "bounding_box_xywh", [1, 2, 3, 4], "b2d"),
    (BoundingBox3D, "bounding_box_3d_xyzwhxyzwh", TEN, "b3d"),
    (ImageAnnotation, "image_classes", ["a"], "im"),
]


@pytest.mark.parametrize(("kind", "name", "value", "type_name"), KINDS)
def test_an_19_to_an_28_each_class_takes_its_shape_first(
    kind: Any,
    name: str,
    value: object,
    type_name: str,
) -> None:
    """Then id, labels, confidence and metadata; the property of that name gives it back."""
    parameters = list(inspect.signature(kind).parameters)
    assert parameters[:5] == [name, "id", "labels", "confidence", "metadata"]
    labels = {} if kind is ImageAnnotation else {"labels": ["a"]}
    one = kind(value, id="x", confidence=0.5, metadata={"k": 1}, **labels)
    assert getattr(one, name) == value
    assert (one.id, one.labels, one.confidence, one.metadata) == ("x", ["a"], 0.5, {"k": 1})
    assert kind.get_type() == type_name
    other = kind()
    setattr(other, name, value)
    assert getattr(other, name) == value
    assert one.copy() == one != kind(value, **labels)
    assert type(one.copy()) is kind


def test_an_20_a_mask_annotation_has_the_mask_s_id() -> None:
    """Both can be set."""
    one = Mask([1, 2, 3], labels=["a"], mask_id="seg")
    assert (one.mask_id, one.mask_rgb) == ("seg", [1, 2, 3])
    one.mask_id, one.mask_rgb = "01", (4, 5, 6)
    assert one.to_dict()["mask"] == {"id": "01", "value": [4, 5, 6]}
    late = Mask(labels=["a"])
    assert (late.mask_id, late.mask_rgb) == (None, None)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (Polygon2D([(10, 20), (5, 30), (15, 25)]), [5, 20, 10, 10]),
        (
            ComplexPolygon2D([[(10, 20), (15, 30), (9, 9)], [(0, 50), (1, 51), (0, 51)]]),
            [0, 9, 15, 42],
        ),
        (KeyPoints2D([(3, 4), (1, 9)]), [1, 4, 2, 5]),
        (BoundingBox2D([10, 20, 30, 40]), [10, 20, 30, 40]),
        (BoundingBox2D([0, 0, 4, 2, math.pi / 2]), [1, -1, 2, 4]),
        (Ellipse2D([50, 40, 30, 20, 0.5]), [20, 20, 60, 40, 0.5]),
    ],
)
def test_an_21_an_22_an_24_bounding_boxes(one: Any, expected: list[float]) -> None:
    """Left, top, width, height (C-15), over all parts; of an ellipse the angle too."""
    assert one.get_bounding_box() == pytest.approx(expected)


def test_an_25_an_ellipse_answers_its_parts_and_a_polygon_around_it() -> None:
    """The polygon wraps it: with more corners its area falls to that of the ellipse."""
    one = Ellipse2D([50, 40, 30, 20, 0.5])
    assert (one.center, one.radii, one.angle) == ([50, 40], [30, 20], 0.5)
    assert len(one.get_polygon()) == 8
    areas = [Polygon2D(one.get_polygon(count)).area or 0 for count in (4, 8, 64, 512)]
    assert areas == sorted(areas, reverse=True)
    assert math.pi * 600 < areas[-1] < math.pi * 600 * 1.0001


def test_an_26_a_box_answers_four_values_or_five() -> None:
    """And takes either."""
    one = BoundingBox2D([1, 2, 3, 4])
    assert (one.bounding_box_xywh, one.bounding_box_xywha) == ([1, 2, 3, 4], [1, 2, 3, 4, 0])
    assert one.angle == 0
    one.bounding_box_xywha = [5, 6, 7, 8, 0.25]
    assert (one.bounding_box_xywh, one.angle) == ([5, 6, 7, 8], 0.25)


def test_an_29_an_roi_of_several_sources_stays_one(draft: DatasetVersion) -> None:
    """2.1.12 makes two of it."""
    wire: Wire = {
        "id": "g",
        "sources": [{"id": one, "uri": f"s3://b/{one}"} for one in ("front", "rear")],
        "rois": [{"id": "r", "label": ["car"], "sources": ["front", "rear"]}],
    }
    draft.add_frames([wire])
    found = draft.get_frame("g")
    assert isinstance(found, FrameGroup)
    assert found["front"].annotations[0] is found["rear"].annotations[0]
    draft.update_frames([found])
    assert draft.get_frame("g").to_dict() == wire


def test_an_30_a_mask_annotation_carries_the_id_of_the_right_mask(again: Again) -> None:
    """That of the frame's own mask, which is not always 00; or the one that is named."""
    frame = bare()
    frame.masks_source = {"seg": "s3://b/s.png", "depth": "s3://b/d.png"}
    frame.add_annotation(mask_rgb=[1, 2, 3], labels=["a"])
    frame.add_annotation(mask_rgb=[1, 2, 3], labels=["a"], mask_id="depth")
    wires: list[Wire] = again(frame).to_dict()["rois"]  # type: ignore[assignment]
    assert [one["mask"]["id"] for one in wires] == ["seg", "depth"]


@pytest.mark.parametrize(
    "name",
    ["poly2d_xy", "points2d_xy", "box2d_xywh", "ellipse2d_xyrrt", "box3d_xyzwhxyzwh", "mask_rgb"],
)
def test_an_30_any_iterable_is_taken(name: str) -> None:
    """Of numbers and of labels: tuples, ranges, generators, arrays."""
    numpy = pytest.importorskip("numpy")
    count = {"box2d_xywh": 4, "ellipse2d_xyrrt": 5, "box3d_xyzwhxyzwh": 10, "mask_rgb": 3}.get(
        name, 6
    )
    plain = list(range(1, count + 1))
    frame = bare()
    for given in (plain, tuple(plain), range(1, count + 1), iter(plain), numpy.array(plain)):
        shape: Wire = {name: given}
        frame.add_annotation(**shape, labels=(one for one in ("a", "b")))
    wires: list[Wire] = frame.to_dict()["rois"]  # type: ignore[assignment]
    assert len(wires) == 5
    assert all(one == wires[0] for one in wires)
    assert wires[0]["label"] == ["a", "b"]


def test_an_30_a_label_that_is_repeated_is_kept(again: Again) -> None:
    """The page of the reference refuses to make it; what a program says is its own."""
    found, _ = drawn(again, box2d_xywh=[1, 2, 3, 4], labels=["a", "a"])
    assert found.labels == ["a", "a"]


@pytest.mark.parametrize(
    "shape",
    [
        {"box2d_xywh": [1, 2, 3]},
        {"poly2d_xy": [1, 2, 3]},
        {"poly3d_xyz": [1, 2, 3, 4]},
        {"points2d_xy": [1]},
        {"ellipse2d_xyrrt": [1, 2, 3, 4]},
        {"box2d_xywh": [1, 2, float("nan"), 3]},
        {"mask_rgb": "red"},
    ],
)
def test_malformed_shapes_are_refused_at_once(shape: dict[str, Any]) -> None:
    """2.1.12 drops them in silence."""
    frame = bare()
    with pytest.raises(FrameError):
        frame.add_annotation(**shape, labels=["a"])
    assert frame.annotations == []


def test_pk_03_every_class_is_at_the_root() -> None:
    """As programs import them."""
    for kind, *_ in KINDS:
        assert getattr(hyperstore, kind.__name__) is kind
