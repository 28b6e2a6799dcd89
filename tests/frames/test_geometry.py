"""Geometry of annotations: worked examples, what stays with an annotation, and what is refused."""

import math
import random
from collections.abc import Callable

import pytest

from hyperstore.errors import FormatError, FrameError, UsageError
from hyperstore.frames.annotation import Annotation, ImageAnnotation, Mask
from hyperstore.frames.boxes import BoundingBox2D, BoundingBox3D, Ellipse2D
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.polygons import (
    ComplexPolygon2D,
    ComplexPolygon3D,
    KeyPoints2D,
    KeyPoints3D,
    Polygon2D,
    Polygon3D,
)
from hyperstore.limits import POLY_SENTINEL

U_SHAPE = [0, 0, 30, 0, 30, 30, 20, 30, 20, 10, 10, 10, 10, 30, 0, 30]
BOX = BoundingBox2D([0, 0, 10, 10])
HUGE = Polygon2D([-1e308, -1e308, 1e308, -1e308, 1e308, 1.7e308, 0, 1e308])


def numbers_of(found: Annotation | None) -> list[float]:
    """Return the stored numbers of an annotation that there must be."""
    assert found is not None
    return found.values


def test_worked_areas() -> None:
    """Known by heart: a box however it is turned, a pointed star's five tips and none of its heart.

    By the even-odd rule the heart of a pentagram is a hole, and a part beside it counts once.
    """
    assert BoundingBox2D([5, 5, 10, 20]).area == 200
    assert BoundingBox2D([5, 5, 10, 20, 0.7]).area == 200
    assert BoundingBox2D([5, 5, -10, 20]).area == 200
    assert Ellipse2D([9, 9, 2, 3, 0.3]).area == pytest.approx(6 * math.pi)
    assert Polygon2D(U_SHAPE).area == 700
    assert ComplexPolygon2D([U_SHAPE, U_SHAPE, [10, 10, 20, 10, 20, 30, 10, 30]]).area == 900
    bow_tie = [0, 0, 2, 2, 2, 0, 0, 2]
    assert Polygon2D(bow_tie).area == 2


@pytest.mark.parametrize(
    "shape",
    [
        Polygon2D([30, 50, 30, 50, 50, 50, 100, 50, 30, 50]),
        Polygon2D([1, 1, 5, 5]),
        Polygon2D([3, 3]),
        Polygon2D(),
        ComplexPolygon2D(),
        BoundingBox2D([1, 1, 0, 5]),
        BoundingBox2D(),
        Ellipse2D([5, 5, 0, 3, 1.0]),
        Ellipse2D(),
    ],
    ids=repr,
)
def test_shapes_without_an_inside_have_defined_answers(shape: Annotation) -> None:
    """No area, no overlap, no pixels; none of it is NaN or a division by zero."""
    assert shape.area == 0
    assert shape.iou(BOX) == BOX.iou(shape) == shape.iou(shape) == 0
    assert not any(shape.to_mask(9, 7).tobytes())
    assert shape.to_rle(9, 7)["size"] == [7, 9]
    assert shape.shift(1, 1).area == shape.rescale(3).area == 0
    within = shape.clip(1000, 1000)
    assert within == (shape if shape.values else None)
    assert shape.shift(-50, -50).clip(2, 2) is None


def test_a_box_of_boxes() -> None:
    """Half of each of two boxes is shared: a third of both together; touching shares nothing."""
    assert BOX.iou(BoundingBox2D([5, 0, 10, 10])) == pytest.approx(1 / 3)
    assert BOX.iou(BoundingBox2D([10, 0, 10, 10])) == 0
    diamond = BoundingBox2D([0, 0, 10, 10, math.pi / 4])
    octagon = 200 * (math.sqrt(2) - 1)
    assert BOX.iou(diamond) == pytest.approx(octagon / (200 - octagon))


def test_corners_turn_clockwise_on_the_screen() -> None:
    """A quarter turn takes the corner at the top left to the top right."""
    assert BoundingBox2D([0, 0, 4, 2]).corners == [(0, 0), (4, 0), (4, 2), (0, 2)]
    turned = BoundingBox2D([0, 0, 4, 2, math.pi / 2]).corners
    assert [number for corner in turned for number in corner] == pytest.approx(
        [3, -1, 3, 3, 1, 3, 1, -1]
    )


def test_clipping_keeps_the_kind_where_it_can() -> None:
    """Numbers keep their type; what was within is equal to what it was; a turned box is cut."""
    assert numbers_of(BoundingBox2D([-5, 2, 10, 10]).clip(100, 8)) == [0, 2, 5, 2, 5, 8, 0, 8]
    assert BOX.clip(10, 10) == BOX
    assert BOX.clip(10, 10) is not BOX
    assert BOX.shift(10, 0).clip(10, 10) is None
    turned = BoundingBox2D([2, 2, 4, 4, 0.5])
    assert turned.clip(100, 100) == turned
    cut = turned.clip(4, 100)
    assert type(cut) is Polygon2D
    assert cut.to_dict().keys() == {"label", "meta", "poly", "sources"}
    ellipse = Ellipse2D([5, 5, 5, 5, 0.4])
    assert ellipse.clip(10, 10) == ellipse
    assert type(ellipse.clip(10, 6)) is Polygon2D
    points = KeyPoints2D([1, 1, 11, 1, 10, 10])
    assert numbers_of(points.clip(10, 10)) == [1, 1, 10, 10]
    assert KeyPoints2D([11, 11]).clip(10, 10) is None


def test_a_polygon_that_is_cut_in_two_is_two() -> None:
    """The legs of a U, cut from what joins them, and nothing between the feet."""
    legs = Polygon2D(U_SHAPE).shift(0, -20).clip(100, 100)
    assert type(legs) is ComplexPolygon2D
    assert sorted(sorted(part) for part in legs.polygons_xy) == [
        [(0, 0), (0, 10), (10, 0), (10, 10)],
        [(20, 0), (20, 10), (30, 0), (30, 10)],
    ]
    one = ComplexPolygon2D([[1, 1, 3, 1, 3, 3], [50, 50, 60, 50, 60, 60]]).clip(10, 10)
    assert type(one) is Polygon2D


def test_what_is_said_of_a_shape_stays_with_what_is_made_of_it() -> None:
    """Labels, id, confidence and metadata; the ROI's id is the old one's alone."""
    frame = SingleFrame(source="s3://b/a.jpg")
    frame.add_annotation(
        box2d_xywh=[0, 0, 4, 4, 0.3], labels=["a"], id="n", confidence=0.5, metadata={"k": [1]}
    )
    old = frame.annotations[0]
    before = old.to_dict()
    for made in (old.clip(3, 3), old.shift(1, 1), old.rescale(2), old.rescale(1, 2)):
        assert made is not None
        assert (made.labels, made.id, made.confidence) == (["a"], "n", 0.5)
        assert (made.metadata, made.sources, made.roi_id) == ({"k": [1]}, ["default"], None)
        made.labels.append("b")
        made.metadata["k"] = 2
    assert old.to_dict() == before


def test_the_box_of_a_copy_is_its_own() -> None:
    """A copy that is made upright takes nothing from the turned box that it was made of."""
    turned = BoundingBox2D([1, 2, 3, 4, 0.5])
    copied = turned.copy()
    assert isinstance(copied, BoundingBox2D)
    copied.bounding_box_xywh = [0.5, 1.5, 2.0, 2.0]
    assert turned.bounding_box_xywha == [1, 2, 3, 4, 0.5]


def test_rescaling_keeps_what_can_be_kept() -> None:
    """Twice as wide, a turned box leans, and is a polygon; by a quarter turn it does not."""
    assert numbers_of(BOX.rescale(2, 0.5)) == [0, 0, 20, 0, 20, 5, 0, 5]
    turned = BoundingBox2D([10, 10, 4, 2, 0.5])
    twice = turned.rescale(2)
    assert isinstance(twice, BoundingBox2D)
    assert twice.bounding_box_xywha == [20, 20, 8, 4, 0.5]
    assert type(turned.rescale(2, 1)) is Polygon2D
    quarter = BoundingBox2D([0, 0, 4, 2, math.pi / 2]).rescale(2, 1)
    assert isinstance(quarter, BoundingBox2D)
    assert quarter.get_bounding_box() == pytest.approx([2, -1, 4, 4])
    assert Ellipse2D([1, 1, 2, 3, 0]).rescale(3, 2).values == [3, 2, 6, 6, 0]
    assert KeyPoints2D([1, 2]).rescale(3, 2).shift(1, -1).values == [4, 3]


def test_large_coordinates_have_defined_answers() -> None:
    """Products of them are no floats; their IoU, their pixels and what is left of them are."""
    assert HUGE.area == math.inf
    assert HUGE.iou(HUGE) == pytest.approx(1)
    assert HUGE.iou(BOX) == 0
    left = HUGE.clip(20, 10)
    assert left is not None
    assert left.area == 200
    assert HUGE.to_mask(3, 2).tobytes() == bytes([1] * 6)
    far = Polygon2D([1e9, 1e9, 1e9 + 1, 1e9, 1e9 + 1, 1e9 + 1, 1e9, 1e9 + 1])
    assert far.area == pytest.approx(1)
    small = BoundingBox2D([1e-300, 1e-300, 1e-300, 1e-300])
    assert (small.area, small.iou(small)) == (0, 1)


def test_a_hole_is_on_a_seam() -> None:
    """Down to the hole, around it and back up: worked by hand."""
    mask = [[1, 1, 1], [1, 0, 1], [1, 1, 1]]
    ring = ComplexPolygon2D.from_mask(mask, labels=["ring"])
    assert ring is not None
    assert (ring.area, ring.labels) == (8, ["ring"])
    assert ring.to_mask(3, 3).tobytes() == bytes([1, 1, 1, 1, 0, 1, 1, 1, 1])
    (part,) = ring.polygons_xy
    assert {(0, 0), (3, 0), (3, 3), (0, 3)} < set(part)
    assert part.count((1, 0)) == 2
    assert ComplexPolygon2D.from_mask([[0, 0], [0, 0]]) is None
    assert ComplexPolygon2D.from_mask([]) is None


def test_labels_and_masks_stay_as_they_are() -> None:
    """A loop over a frame's annotations need not ask which of them have a place."""
    for one in (ImageAnnotation(["day"]), Mask([1, 2, 3], labels=["road"])):
        assert one.clip(5, 5) == one.shift(1, 1) == one.rescale(2) == one
        assert one.clip(5, 5) is not one
        assert one.area is None


@pytest.mark.parametrize(
    "one",
    [
        ImageAnnotation(["a"]),
        Mask([1, 2, 3]),
        KeyPoints2D([1, 2]),
        KeyPoints3D([1, 2, 3]),
        Polygon3D([1, 2, 3]),
        ComplexPolygon3D([[1, 2, 3, 4, 5, 6, 7, 8, 10]]),
        BoundingBox3D(range(10)),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_covers_no_area_says_so(one: Annotation) -> None:
    """Neither 0.0 nor an AttributeError: both would be taken for something else."""
    assert one.area is None
    with pytest.raises(UsageError, match=type(one).__name__):
        one.iou(BOX)
    with pytest.raises(UsageError, match=type(one).__name__):
        BOX.iou(one)
    for ask in (one.to_polygons, lambda: one.to_mask(2, 2), lambda: one.to_rle(2, 2)):
        with pytest.raises(UsageError, match=type(one).__name__):
            ask()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: Polygon3D([1, 2, 3]).clip(1, 1),
        lambda: BoundingBox3D(range(10)).shift(1, 1),
        lambda: KeyPoints3D([1, 2, 3]).rescale(2),
        lambda: BOX.rescale(0),
        lambda: BOX.rescale(1, -1),
        lambda: BOX.shift(math.nan, 0),
        lambda: BOX.clip("a", 1),  # type: ignore[arg-type]
        lambda: Polygon2D(U_SHAPE).clip(math.inf, 1),
        lambda: BOX.iou(3),  # type: ignore[arg-type]
        lambda: BOX.to_mask(0, 1),
        lambda: BOX.to_mask(1.5, 1),  # type: ignore[arg-type]
        lambda: BOX.to_mask(60_000, 60_000),
        lambda: BOX.to_rle(10**9, 1),
        lambda: ComplexPolygon2D.from_mask(5),
        lambda: ComplexPolygon2D.from_mask("mask"),
        lambda: ComplexPolygon2D.from_mask([1, 2]),
        lambda: ComplexPolygon2D.from_mask([[1, 0], [1]]),
        lambda: ComplexPolygon2D.from_mask(memoryview(b"flat")),
        lambda: ComplexPolygon2D.from_rle([1]),
    ],
)
def test_calls_that_mean_nothing_are_refused(ask: Callable[[], object]) -> None:
    """Each is the caller's to mend, and each says what it found."""
    with pytest.raises(UsageError):
        ask()


def test_runs_that_are_none_are_refused() -> None:
    """Masks come from files of others: sizes are checked before room is made for pixels."""
    for rle in ({}, {"size": [2, 2], "counts": [5]}, {"size": [10**9, 10**9], "counts": "0"}):
        with pytest.raises(FormatError):
            ComplexPolygon2D.from_rle(rle)


def test_numbers_that_cannot_be_stored_are_refused() -> None:
    """A coordinate that is no float, and one that would part a polygon in two."""
    with pytest.raises(FrameError, match="finite"):
        HUGE.rescale(2)
    with pytest.raises(FrameError, match="finite"):
        Ellipse2D([1.7e308, 0, 1.7e308, 1, 0]).iou(BOX)
    with pytest.raises(FrameError, match="parts polygons"):
        Polygon2D(U_SHAPE).shift(POLY_SENTINEL, 0)


def test_hopeless_tangles_are_refused_in_time() -> None:
    """Every edge crosses a third of the others: a million crossings, for an hour."""
    draw = random.Random(1)
    flat = [draw.uniform(0, 1000) for _ in range(2 * 3000)]
    with pytest.raises(UsageError, match="simplify"):
        _ = Polygon2D(flat).area
