"""What the calls of frames and annotations take, and how they refuse the rest: with its place."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hyperstore import (
    Annotation,
    BoundingBox2D,
    Ellipse2D,
    FrameError,
    FrameGroup,
    ImageAnnotation,
    Mask,
    Polygon2D,
    SingleFrame,
    UsageError,
)
from hyperstore.frames.annotation import registered
from hyperstore.frames.prepare import prepare
from hyperstore.frames.roots import NO_ROOTS

BOX = [1.0, 2.0, 3.0, 4.0]


def wrong(given: object) -> Any:
    """Return what no checker of types would let pass."""
    return given


def bare(**given: Any) -> SingleFrame:
    """Return a frame without annotations."""
    return SingleFrame(source="s3://b/a.jpg", **given)


@pytest.fixture
def kinds() -> Iterator[None]:
    """Forget the kinds that a test registers."""
    from hyperstore.frames import annotation

    before = dict(annotation._registered)
    yield
    annotation._registered.clear()
    annotation._registered.update(before)


HASHED = """
import sys
from hyperstore import Annotation, ImageAnnotation, SingleFrame
names = {"delta", "alpha", "echo", "bravo", "charlie"}
frame = SingleFrame(source="s3://b/a.jpg")
frame.add_annotation(frame_class=names, labels=frozenset(names))
frame.add_annotation(box2d_xywh=[1, 2, 3, 4], labels=names)
frame.annotations.append(ImageAnnotation(names))
class Kind(Annotation): pass
Annotation.register(names)(Kind)
frame.remove_annotations(labels={"foxtrot"})
print(Kind.KIND, [one.labels for one in frame.annotations])
"""


def test_sets_are_taken_in_the_same_order_by_every_process() -> None:
    """Python hashes strings anew in each process, and ids of ROIs follow from their labels."""
    said = {
        subprocess.run(
            [sys.executable, "-c", HASHED],
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    names = sorted({"delta", "alpha", "echo", "bravo", "charlie"})
    assert said == {f"alpha {[names * 2, names, names]}\n"}


def test_a_text_is_one_label_wherever_labels_are_taken() -> None:
    """Not a label for each of its letters."""
    frame = bare()
    frame.add_annotation(frame_class="day", labels="car")
    frame.add_annotation(frame_class=["day"], labels="car")
    frame.add_annotation(frame_class="day", labels=["car"])
    assert [one.labels for one in frame.annotations] == [["car", "day"]] * 3
    frame.add_annotation(box2d_xywh=BOX, labels="car")
    assert [one.labels for one in frame.remove_annotations(labels="car")] == [["car"]]
    assert frame.annotations[0].labels == ["car", "day"]


def test_labels_that_end_are_given_to_every_shape_of_a_call() -> None:
    """A generator is gone through once, and each shape has all that it gave."""
    frame = bare()
    frame.add_annotation(box2d_xywh=BOX, points2d_xy=[1, 2], labels=(one for one in ("a", "b")))
    assert [one.labels for one in frame.annotations] == [["a", "b"], ["a", "b"]]


@pytest.mark.parametrize(
    ("call", "place"),
    [
        (lambda: bare(metadata=5), "metadata"),
        (lambda: bare(metadata="x"), "metadata"),
        (lambda: bare(metadata=[1]), "metadata"),
        (lambda: setattr(bare(), "metadata", 5), "metadata"),
        (lambda: setattr(bare(), "meta_blob", [1]), "meta_blob"),
        (lambda: setattr(bare(), "sourcedata", 5), "sourcedata"),
        (lambda: setattr(FrameGroup(), "metadata", 5), "metadata"),
        (lambda: setattr(FrameGroup(), "meta_blob", "x"), "meta_blob"),
        (lambda: FrameGroup("g", [1]), "metadata"),  # type: ignore[arg-type]
        (lambda: bare(annotations=5), "annotations"),
        (lambda: bare(annotations=BoundingBox2D(BOX)), "annotations"),
        (lambda: bare(annotations=[{"label": ["x"]}]), "annotations[0]"),
        (lambda: bare().add_annotation(labels=wrong(5)), "labels"),
        (lambda: bare().add_annotation(frame_class=wrong(5)), "frame_class"),
        (lambda: bare().add_annotation(labels="a", metadata=wrong(5)), "metadata"),
        (lambda: bare().add_annotation(box2d_xywh=[1, 2, 3]), "box2d_xywh"),
        (lambda: bare().add_annotation(box2d_xywh=[1, 2, 3, "x"]), "box2d_xywh[3]"),
        (lambda: bare().add_annotation(box2d_xywh=wrong(5)), "box2d_xywh"),
        (lambda: bare().add_annotation(poly2d_xy=[1, 2, 3]), "poly2d_xy"),
        (lambda: bare().add_annotation(poly2d_xy=[[1, 2, 3, 4, 5, 6], [1]]), "poly2d_xy[1]"),
        (lambda: bare().add_annotation(poly3d_xyz=[1, 2]), "poly3d_xyz"),
        (lambda: bare().add_annotation(points2d_xy=[(1, 2), (3,)]), "points2d_xy[1]"),
        (lambda: bare().add_annotation(points3d_xyz=[1]), "points3d_xyz"),
        (lambda: bare().add_annotation(box3d_xyzwhxyzwh=[1]), "box3d_xyzwhxyzwh"),
        (lambda: bare().add_annotation(ellipse2d_xyrrt=[1]), "ellipse2d_xyrrt"),
        (lambda: bare().add_annotation(mask_rgb="red"), "mask_rgb[0]"),
        (lambda: bare(id=True), "id"),
        (lambda: bare(id=float("nan")), "id"),
        (lambda: bare(id={"a": 1}), "id"),
        (lambda: FrameGroup({"a": bare()}), "id"),  # type: ignore[arg-type]
        (lambda: Annotation(id=wrong(1.5)), "id"),
        (lambda: Annotation(metadata={"_type": "p2d"}), "metadata._type"),
        (lambda: bare().add_annotation(labels="a", metadata={"_id": 1}), "metadata._id"),
        (lambda: setattr(Mask((1, 2, 3)), "metadata", {"_id": 1}), "metadata._id"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_refused_with_its_place(call: Callable[[], object], place: str) -> None:
    """By the name under which it was given, at the call that gave it."""
    with pytest.raises(FrameError) as caught:
        call()
    assert caught.value.path == place
    assert str(caught.value).startswith(place) or place == "box2d_xywh"


@pytest.mark.parametrize(
    "call",
    [
        lambda: Annotation.register(wrong(5)),
        lambda: Annotation.register([wrong(5)]),
        lambda: bare().get_annotations(index=wrong("a")),
        lambda: bare().remove_annotation(wrong("a")),
        lambda: bare().remove_annotation(wrong(1.0)),
        lambda: FrameGroup("x", None, wrong(bare())),
        lambda: setattr(bare(), "masks_source", {"s3://b/1.png", "s3://b/2.png"}),
    ],
)
def test_a_wrong_call_is_a_usage_error(call: Callable[[], object]) -> None:
    """Not a TypeError of some line within."""
    with pytest.raises(UsageError):
        call()


def test_errors_have_the_article_of_the_type() -> None:
    """An `a int` reads like a slip, and the rest of the message with it."""
    for given in (5, object()):
        with pytest.raises(FrameError, match=f": an {type(given).__name__} is not a list"):
            BoundingBox2D(given)  # type: ignore[arg-type]
    with pytest.raises(FrameError, match="an object cannot be stored"):
        prepare(bare(metadata={"a": object()}), roots=NO_ROOTS)


@pytest.mark.parametrize(("given", "said"), [("7", "7"), (7, "7"), (1.5, "1.5"), ("", "")])
def test_an_id_is_a_text_or_a_number(given: Any, said: str) -> None:
    """Those of other systems are often numbers; they are kept as text."""
    assert bare(id=given).id == FrameGroup(given).id == said


def test_numbers_of_numpy_are_ids() -> None:
    """They are what a loop over an array gives."""
    numpy = pytest.importorskip("numpy")
    assert bare(id=numpy.int64(7)).id == "7"
    assert bare(id=numpy.float64(1.5)).id == "1.5"
    one = Annotation(id=numpy.int64(7))
    assert type(one.id) is int
    assert one.id == 7


def test_metadata_of_one_call_is_no_annotation_s_but_its_own() -> None:
    """What is nested in it too: to edit one shape must not edit the other, nor what was given."""
    given = {"a": {"b": [1, {"c": 2}]}}
    frame = bare()
    frame.add_annotation(box2d_xywh=BOX, points2d_xy=[1, 2], labels=["x"], metadata=given)
    box, points = frame.annotations
    box.metadata["a"]["b"][1]["c"] = 3  # type: ignore[index]
    assert given == points.metadata == {"a": {"b": [1, {"c": 2}]}}


@pytest.mark.parametrize("key", ["_type", "_id"])
def test_a_metadata_key_that_is_ours_on_the_wire_is_refused(key: str) -> None:
    """It would change the kind of the ROI, or vanish; the dict is live, so storing looks again."""
    frame = bare()
    frame.add_annotation(labels="a")
    frame.add_annotation(box2d_xywh=BOX, labels="a")
    frame.annotations[1].metadata[key] = "mine"
    with pytest.raises(FrameError) as caught:
        prepare(frame, roots=NO_ROOTS)
    assert caught.value.path == f"annotations[1].meta.{key}"
    group = FrameGroup(a=frame)
    with pytest.raises(FrameError) as caught:
        prepare(group, roots=NO_ROOTS)
    assert caught.value.path.endswith(f"annotations[1].meta.{key}")


def test_masks_come_in_any_iterable_that_has_an_order() -> None:
    """By the constructor as by the property."""
    uris = ["s3://b/1.png", "s3://b/2.png"]
    expected = {"00": uris[0], "01": uris[1]}
    for given in (uris, tuple(uris), iter(uris), dict(zip(("00", "01"), uris, strict=True))):
        assert bare(mask_source=given).masks_source == expected
    frame = bare(mask_source=uris[0])
    assert frame.masks_source == {"00": uris[0]}
    frame.masks_source = iter(uris)
    assert frame.masks_source == expected


def test_an_ellipse_without_a_shape_answers_all() -> None:
    """It is legal, as a polygon without points is."""
    one = Ellipse2D()
    assert one.angle == 0
    assert one.get_bounding_box() == [0, 0, 0, 0, 0]
    assert one.get_polygon() == []
    assert one.to_polygons() == []


@pytest.mark.usefixtures("kinds")
def test_a_class_is_registered_under_its_own_kind() -> None:
    """Else its annotations would be written under one name and read under another."""

    class Foo(Annotation):
        KIND = "foo"

    with pytest.raises(UsageError, match="KIND"):
        Annotation.register("bar")(Foo)
    assert registered("bar") is None
    Annotation.register(["bar", "foo"])(Foo)
    Annotation.register("third")(Foo)  # It has its own by now.
    assert registered("bar") is registered("foo") is registered("third") is Foo


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize(
    ("base", "good"), [(Polygon2D, [1, 2, 3, 4, 5, 7]), (Ellipse2D, [50, 50, 20, 10, 0.5])]
)
def test_a_kind_of_a_built_in_shape_keeps_its_rules(
    base: type[Annotation], good: list[float]
) -> None:
    """What it inherits reads the numbers by them; without, `area` and `draw` would fail."""

    class Mine(base):  # type: ignore[misc, valid-type]
        pass

    Annotation.register("mine")(Mine)
    frame = bare()
    with pytest.raises(FrameError):
        frame.add_annotation(mine=[1, 2, 3], labels=["a"])
    with pytest.raises(FrameError):
        Mine().values = [1, 2, 3]
    frame.add_annotation(mine=good, labels=["a"])
    assert frame.annotations[0].area
    wire: Any = frame.to_dict()
    wire["rois"][0]["poly"] = [1, 2, 3]
    read = SingleFrame.from_dict(wire).annotations[0]
    assert type(read) is Annotation
    assert (read.values, read.area) == ([1, 2, 3], None)
    assert type(SingleFrame.from_dict(frame.to_dict()).annotations[0]) is Mine


def test_labels_of_an_image_come_as_any_argument_does() -> None:
    """A text, a tuple, or what ends."""
    for given in ("day", ("day",), iter(["day"]), {"day"}):
        assert ImageAnnotation(given).image_classes == ["day"]
