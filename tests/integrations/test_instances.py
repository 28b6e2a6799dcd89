"""What a detector is to find, from annotations of every kind; expected values written out."""

import math

import pytest

from hyperstore import (
    BoundingBox2D,
    BoundingBox3D,
    Ellipse2D,
    ImageAnnotation,
    KeyPoints2D,
    Mask,
    Polygon2D,
    SingleFrame,
)
from hyperstore.frames.annotation import Annotation
from hyperstore.integrations.instances import Instance, instances_of


def one_of(annotation: Annotation) -> Instance:
    """Return the instance of one annotation."""
    (found,) = instances_of([annotation], no_masks)
    return found


def no_masks(mask: Mask) -> memoryview:
    """Fail where a mask picture is asked for and there is none."""
    raise AssertionError(f"{mask} was looked up")


def test_an_upright_box_is_its_own() -> None:
    """Left, top, right, bottom, as detectors have them."""
    found = one_of(BoundingBox2D([10, 20, 30, 5.5], labels=["car"]))
    assert (found.box, found.area, found.labels) == ((10, 20, 40, 25.5), 165, ["car"])


def test_a_turned_box_has_the_upright_one_around_its_corners() -> None:
    """A square of 2, turned by an eighth about (1, 1), reaches the root of 2 from there."""
    found = one_of(BoundingBox2D([0, 0, 2, 2, math.pi / 4], labels=["a"]))
    reach = math.sqrt(2)
    assert found.box == pytest.approx((1 - reach, 1 - reach, 1 + reach, 1 + reach))
    assert found.area == 4


def test_a_turned_ellipse_touches_its_box() -> None:
    """No point of the curve lies outside, and each side is touched."""
    x, y, rx, ry, angle = 50, 40, 20, 6, 0.7
    found = one_of(Ellipse2D([x, y, rx, ry, angle], labels=["a"]))
    turns = [2 * math.pi * step / 100_000 for step in range(100_000)]
    xs = [
        x + rx * math.cos(t) * math.cos(angle) - ry * math.sin(t) * math.sin(angle) for t in turns
    ]
    ys = [
        y + rx * math.cos(t) * math.sin(angle) + ry * math.sin(t) * math.cos(angle) for t in turns
    ]
    assert found.box == pytest.approx((min(xs), min(ys), max(xs), max(ys)), abs=1e-6)
    assert found.area == pytest.approx(math.pi * rx * ry)


def test_all_parts_of_a_polygon_are_in_its_box() -> None:
    """The number between the parts is no coordinate."""
    frame = SingleFrame(id="a")
    frame.add_annotation(poly2d_xy=[[0, 0, 4, 0, 4, 4], [10, 1, 12, 1, 12, 9]], labels=["a"])
    found = one_of(frame.annotations[0])
    assert (found.box, found.area) == ((0, 0, 12, 9), 8 + 8)


def test_key_points_have_the_box_around_them() -> None:
    """Without more to go by, all points are visible."""
    found = one_of(KeyPoints2D([1, 2, 9, 4, 5, 8], labels=["p"]))
    assert (found.box, found.visible) == ((1, 2, 9, 8), [2, 2, 2])
    assert found.points == [(1, 2), (9, 4), (5, 8)]


def test_shapes_that_share_an_id_are_one_instance() -> None:
    """The box says where, the outline which pixels, the key points how it stands."""
    frame = SingleFrame(id="a")
    frame.add_annotation(
        box2d_xywh=[0, 0, 10, 10],
        poly2d_xy=[1, 1, 9, 1, 9, 9],
        points2d_xy=[2, 2, 3, 3],
        labels=["person"],
    )
    (found,) = instances_of(frame.annotations, no_masks)
    assert (found.box, found.area) == ((0, 0, 10, 10), 32)
    assert found.points == [(2, 2), (3, 3)]
    assert isinstance(found.shape, Polygon2D)


def test_two_boxes_that_share_an_id_stay_two() -> None:
    """An id may also be a class or a track of the user's."""
    boxes = [BoundingBox2D([at, 0, 2, 2], id="7", labels=["a"]) for at in (0, 5)]
    assert [one.box[0] for one in instances_of(boxes, no_masks)] == [0, 5]


def test_what_is_no_shape_of_the_plane_is_none() -> None:
    """Labels of the whole frame, boxes in space, and what has no width or height."""
    others = [
        ImageAnnotation(["day"]),
        BoundingBox3D([0, 0, 0, 1, 1, 0, 0, 1, 1, 1], labels=["a"]),
        BoundingBox2D([5, 5, 0, 9], labels=["a"]),
        KeyPoints2D([3, 3], labels=["a"]),
    ]
    assert instances_of(others, no_masks) == []


def test_a_crowd_is_said_in_metadata() -> None:
    """As COCO has it, whoever made the frame."""
    crowd = BoundingBox2D([0, 0, 1, 1], labels=["a"], metadata={"iscrowd": 1})
    assert one_of(crowd).crowd
    assert not one_of(BoundingBox2D([0, 0, 1, 1], labels=["a"])).crowd


def test_pixels_of_a_mask_have_the_box_around_them() -> None:
    """Right and bottom lie after the last pixel."""
    pixels = memoryview(bytearray([0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0])).cast("B", (3, 4))
    (found,) = instances_of([Mask([1, 2, 3], labels=["a"])], lambda _: pixels)
    assert (found.box, found.area) == ((1, 1, 3, 3), 3)
    nothing = memoryview(bytearray(12)).cast("B", (3, 4))
    assert instances_of([Mask([1, 2, 3], labels=["a"])], lambda _: nothing) == []


def test_shapes_of_two_files_with_one_id_by_chance_stay_two() -> None:
    """Files number what they hold by themselves; key points elsewhere are another's."""
    outline: dict[str, object] = {"id": 7, "file": "a"}
    for points, label, count in (
        ([1, 1, 9, 9], "person", 1),
        ([50, 50, 60, 60], "person", 2),
        ([1, 1, 9, 9], "dog", 2),
    ):
        frame = SingleFrame(id="a")
        frame.add_annotation(poly2d_xy=[0, 0, 10, 0, 10, 10, 0, 10], labels=["person"])
        frame.add_annotation(points2d_xy=points, labels=[label])
        shape, pose = frame.annotations
        shape._roi.extra = {"_coco": outline}
        pose._roi.extra = {"_coco": {"id": 7, "file": "b"}}
        for order in ([shape, pose], [pose, shape]):
            assert len(instances_of(order, no_masks)) == count
