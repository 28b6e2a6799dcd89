"""Frames that hold what nobody should put there: each is a fault of its own and of no other."""

import copy
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hyperstore import (
    Annotation,
    BoundingBox2D,
    Dataset,
    DatasetVersion,
    FrameError,
    FrameGroup,
    Mask,
    Polygon2D,
    SingleFrame,
    UsageError,
)

BOX = [1.0, 2.0, 3.0, 4.0]


@pytest.fixture
def draft(default_store: object) -> DatasetVersion:
    """Return the empty draft of a new dataset."""
    return Dataset.create("cells").get_version()


def good(name: str, **given: Any) -> SingleFrame:
    """Return a frame with a box."""
    frame = SingleFrame(id=name, source=f"s3://b/{name}.jpg", **given)
    frame.add_annotation(box2d_xywh=BOX, labels=["car"])
    return frame


class Raising(Annotation):
    """A kind of a user that fails to say itself."""

    __slots__ = ()

    def to_dict(self) -> dict[str, object]:
        """Fail."""
        raise RuntimeError("no words")


class Misusing(Annotation):
    """A kind of a user whose call of ours is wrong."""

    __slots__ = ()

    def to_dict(self) -> dict[str, object]:
        """Fail by an error of ours."""
        raise UsageError("misused")


class Listing(Annotation):
    """A kind of a user that says itself as a list."""

    __slots__ = ()

    def to_dict(self) -> dict[str, object]:
        """Return no dict."""
        return []  # type: ignore[return-value]


class Odd(dict[str, object]):
    """A map that fails when somebody looks into it."""

    def items(self) -> Any:
        """Fail."""
        raise RuntimeError("no items")


class OddFrame:
    """An object of a user that fails to say itself as a frame."""

    id = "odd"

    def to_dict(self) -> dict[str, object]:
        """Fail."""
        raise LookupError("no frame")


def listed(one: object) -> SingleFrame:
    """Return a frame with something in its live list of annotations."""
    frame = good("bad")
    frame.annotations.append(one)  # type: ignore[arg-type]
    return frame


def holding(value: object) -> SingleFrame:
    """Return a frame with something in the metadata of its ROI."""
    frame = good("bad")
    frame.annotations[0].metadata["a"] = value
    return frame


def cyclic() -> SingleFrame:
    """Return a frame whose metadata contains itself."""
    frame = good("bad")
    frame.metadata["self"] = frame.metadata
    return frame


def deep(levels: int = 1_500) -> SingleFrame:
    """Return a frame whose ROI has metadata far too deep."""
    frame = good("bad")
    held: dict[str, object] = {}
    frame.annotations[0].metadata["a"] = held
    for _ in range(levels):
        held["a"] = held = {}
    return frame


def grouped(frame: SingleFrame) -> FrameGroup:
    """Return a group with a bad member and a good one."""
    return FrameGroup("bad", None, {"left": good("l"), "right": frame})


ODD: list[tuple[str, Callable[[], Any], str]] = [
    ("dict", lambda: listed({"label": ["x"]}), "annotations[1]"),
    ("none", lambda: listed(None), "annotations[1]"),
    ("raises", lambda: listed(Raising(labels=["x"])), "annotations[1]"),
    ("misuses", lambda: listed(Misusing(labels=["x"])), "annotations[1]"),
    ("no dict", lambda: listed(Listing(labels=["x"])), "annotations[1]"),
    ("cyclic", cyclic, "self.self"),
    ("deep", deep, "meta.a"),
    ("odd map", lambda: holding(Odd(b=1)), "no items"),
    ("odd wire", lambda: Odd(id="bad"), "no source"),
    ("odd frame", OddFrame, "no frame"),
    ("time", lambda: good("bad", timestamp=object()), "timestamp"),
]


def twice() -> SingleFrame:
    """Return a frame in whose list one object stands twice."""
    frame = good("bad")
    frame.annotations.append(frame.annotations[0])
    return frame


ODD.append(("twice", twice, "annotations[1]"))
GROUPED = [
    (f"{name} in a group", lambda make=make: grouped(make()), place)
    for name, make, place in ODD
    if not name.startswith("odd")
]


@pytest.mark.parametrize(
    ("make", "place"), [one[1:] for one in ODD + GROUPED], ids=[one[0] for one in ODD + GROUPED]
)
def test_one_odd_frame_is_one_failure(
    draft: DatasetVersion, make: Callable[[], Any], place: str
) -> None:
    """Whatever it raises: those beside it are stored, by every call that takes frames."""
    bad = make()
    (failure,) = draft.add_frames([good("a"), bad, good("b")])
    assert (failure["frame"] is bad, failure["error_type"]) == (True, "validation")
    assert place in str(failure["error"])
    assert [one.id for one in draft.get_iterator()] == ["a", "b"]
    assert len(draft.add_frames([good("c"), bad], strict_schema=True)) == 1
    assert len(draft.update_frames([good("d"), bad], without_fields=[])) == 1
    assert len(draft) == 4
    with pytest.raises(FrameError):
        draft.add_frames([good("e"), bad], strict=True)
    assert len(draft) == 4


@pytest.mark.parametrize(
    "make", [one[1] for one in ODD + GROUPED], ids=[one[0] for one in ODD + GROUPED]
)
def test_an_odd_frame_is_shown_and_compared(make: Callable[[], Any]) -> None:
    """To look at what is wrong is the first thing that somebody does."""
    one, other = make(), make()
    assert isinstance(repr(one), str)
    if isinstance(one, (SingleFrame, FrameGroup)):
        assert "<div" in one._repr_html_()
        assert one == one
        assert (one == other) in (True, False)
        assert one != good("else")


@pytest.mark.filterwarnings("ignore:1 frame could not be stored")
@pytest.mark.parametrize(
    "make", [lambda: listed(None), cyclic, lambda: listed(Raising(labels=["x"]))]
)
def test_a_bulk_context_is_not_jammed_by_an_odd_frame(
    draft: DatasetVersion, make: Callable[[], Any]
) -> None:
    """What is good is written, and what is not comes back."""
    with draft.get_bulk_context() as bulk:
        for one in (good("a"), make(), good("b")):
            bulk.add_frame(one)
        assert [one["error_type"] for one in bulk.flush()] == ["validation"]
        assert (len(bulk), bulk.flush()) == (0, [])
    assert [one.id for one in draft.get_iterator()] == ["a", "b"]


class Elsewhere:
    """An object of a user that fails where nobody expects it."""

    def to_dict(self) -> dict[str, object]:
        """Return a frame."""
        return good("bad").to_dict()

    @property
    def object_id(self) -> bytes:
        """Fail."""
        raise RuntimeError("no object")


@pytest.mark.filterwarnings("ignore:1 frame could not be stored")
def test_a_bulk_context_keeps_what_is_good_whatever_is_raised(draft: DatasetVersion) -> None:
    """Also by a fault that the call on its own lets out."""
    draft.add_frames([good("z")])
    bad = Elsewhere()
    with pytest.raises(RuntimeError):
        draft.add_frames([bad])
    with draft.get_bulk_context() as bulk:
        for one in (good("a"), good("b"), bad, good("c"), good("d")):
            bulk.add_frame(one)
        bulk.delete_frame("b")
        (failure,) = bulk.flush()
    assert (failure["frame"] is bad, failure["error_type"]) == (True, "validation")
    assert "no object" in str(failure["error"])
    assert [one.id for one in draft.get_iterator()] == ["a", "c", "d", "z"]


def test_what_is_no_annotation_is_no_global_one() -> None:
    """A dict has a `copy` too."""
    group = FrameGroup(a=good("a"))
    with pytest.raises(FrameError, match="dict"):
        group.add_global_annotation({"label": ["x"]})  # type: ignore[arg-type]
    assert len(group["a"].annotations) == 1


def test_metadata_is_compared_as_it_is_stored(draft: DatasetVersion) -> None:
    """NumPy's numbers and arrays, tuples, and numbers by value: in frames as in annotations."""
    numpy = pytest.importorskip("numpy")
    plain = {"a": 1.5, "b": [1, 2], "c": 3}
    for meta in (
        {"a": numpy.float64(1.5), "b": numpy.array([1, 2]), "c": numpy.int32(3)},
        {"a": 1.5, "b": (1, 2), "c": 3.0},
    ):
        assert good("a", metadata=meta) == good("a", metadata=plain) == good("a", metadata=meta)
        one, other = (BoundingBox2D(BOX, metadata=each) for each in (meta, plain))
        assert one == other
        assert other == one
        stored = good("a", metadata=meta)
        assert draft.add_frames([stored]) == []
        assert draft.get_frame("a") == stored
    assert good("a", metadata={"b": numpy.array([1, 2])}) != good("a", metadata={"b": [1, 3]})
    assert good("a", metadata={1: 2}) == good("a", metadata={1: 2}) != good("a", metadata={1: 3})
    frames = [SingleFrame(id="a", source="s3://b/a.jpg") for _ in range(2)]
    for frame, kind in zip(frames, (int, float), strict=True):
        frame.add_annotation(box2d_xywh=[kind(one) for one in BOX], labels=["a"])
    assert frames[0].annotations[0] == frames[1].annotations[0]
    assert frames[0] == frames[1]
    assert FrameGroup("g", None, a=frames[0]) == FrameGroup("g", None, a=frames[1])


@pytest.mark.parametrize(
    ("field", "value"), [("blob", "x"), ("meta_blob", {"a": 1}), ("context_id", "drive")]
)
def test_fg_06_what_a_member_cannot_keep_is_refused(
    draft: DatasetVersion, field: str, value: object
) -> None:
    """The wire has no place for it, and nothing vanishes without a word."""
    member = good("r")
    setattr(member, field, value)
    group = FrameGroup("g", None, left=good("l"), right=member)
    if field == "context_id":
        group.context_id = "walk"
    (failure,) = draft.add_frames([group])
    assert str(failure["error"]).startswith(f"right.{field}: ")
    setattr(member, field, None)
    assert draft.add_frames([group]) == []


def test_fg_06_nor_an_unknown_field() -> None:
    """A frame of another program has fields that this one does not know."""
    wire = {**good("r").to_dict(), "rating": 5}
    group = FrameGroup("g", None, right=SingleFrame.from_dict(wire))
    with pytest.raises(FrameError) as caught:
        group.to_dict()
    assert caught.value.path == "right.rating"


def test_fg_12_the_context_of_all_members_is_the_group_s(draft: DatasetVersion) -> None:
    """Where it is one; else the group would say it of members of another."""
    left, right = good("l", context_id="drive"), good("r", context_id="drive")
    group = FrameGroup("g", None, left=left, right=right)
    assert draft.add_frames([group]) == []
    assert draft.get_frame("g").context_id == "drive"
    right.context_id = "walk"
    (failure,) = draft.add_frames([group])
    assert str(failure["error"]).startswith("right.context_id: ")


def test_an_30_a_mask_annotation_may_come_before_the_masks(
    draft: DatasetVersion, caplog: pytest.LogCaptureFixture
) -> None:
    """Its mask is the first one then, whichever that is when the frame is stored."""
    frame = SingleFrame(id="a", source="s3://b/a.jpg")
    frame.add_annotation(mask_rgb=[1, 2, 3], labels=["x"])
    frame.annotations.append(Mask([4, 5, 6], labels=["y"]))
    frame.annotations.append(Mask([4, 5, 6], labels=["z"], mask_id="depth"))
    frame.masks_source = {"seg": "s3://b/s.png", "depth": "s3://b/d.png"}
    group = FrameGroup("g", None, one=good("l"), two=copy.deepcopy(frame))
    assert draft.add_frames([frame, group]) == []
    for name, skipped in (("a", 0), ("g", 1)):
        wires: Any = draft.get_frame(name).to_dict()["rois"]
        assert [one["mask"]["id"] for one in wires[skipped:]] == ["seg", "seg", "depth"]
    assert caplog.messages == []
    frame.add_annotation(mask_rgb=[1, 2, 3], labels=["x"], mask_id="dept")
    assert "'dept'" in caplog.text


def test_a_copy_has_the_id_of_what_it_is_a_copy_of() -> None:
    """Also where the id is random, since there is no source yet, and nobody asked for it."""
    for make in (SingleFrame, FrameGroup, lambda: FrameGroup(a=SingleFrame())):
        frame: Any = make()
        other = copy.deepcopy(frame)
        assert frame.id == other.id == pickle.loads(pickle.dumps(frame)).id
        assert frame.copy().id != frame.id


def many(draft: DatasetVersion, members: int) -> FrameGroup:
    """Return a stored group of members with two annotations each, one of them shared by two."""
    group = FrameGroup("g", None, {f"m{at}": good(str(at)) for at in range(members)})
    shared = Polygon2D([1, 2, 3, 4, 5, 7], labels=["both"])
    group["m0"].annotations.append(shared)
    group["m1"].annotations.append(shared)
    draft.add_frames([group])
    found = draft.get_frame("g")
    assert isinstance(found, FrameGroup)
    return found


def test_a_copied_member_carries_its_own_annotations_only(draft: DatasetVersion) -> None:
    """Else copying all members of a group costs the square of their number."""
    for touch in (False, True):
        few, lots = many(draft, 2), many(draft, 60)
        if touch:
            assert len(few["m0"].annotations) == len(lots["m0"].annotations) == 2
        small, large = (len(pickle.dumps(one["m0"])) for one in (few, lots))
        assert large < 1.2 * small
        alone = pickle.loads(pickle.dumps(lots["m0"]))
        assert [one.labels for one in alone.annotations] == [["car"], ["both"]]
        assert lots["m0"].copy().annotations == alone.annotations


def test_a_copied_group_is_whole(draft: DatasetVersion) -> None:
    """What is shared by members stays shared, whether or not somebody looked at it before."""
    for touched in ([], ["m0"], ["m0", "m1", "m2"]):
        found = many(draft, 3)
        for name in touched:
            assert found[name].annotations
        for made in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
            assert made == found
            shared = [
                next(one for one in made[name].annotations if one.labels == ["both"])
                for name in ("m0", "m1")
            ]
            assert shared[0] is shared[1]
            assert made["m0"].home == found["m0"].home
            made["m2"].annotations.clear()
            assert len(found["m2"].annotations) == 1


def look(frame: SingleFrame, gate: threading.Barrier, seen: list[object]) -> None:
    """Read the annotations when all are ready to."""
    gate.wait()
    seen.append(frame.annotations)


@pytest.fixture
def hasty() -> Iterator[None]:
    """Let threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty")
def test_threads_that_look_at_once_see_one_list(draft: DatasetVersion) -> None:
    """What one of them adds must not be lost to the others."""
    made = good("a")
    for at in range(100):
        made.add_annotation(box2d_xywh=[at, 2, 3, 4], labels=["car"])
    draft.add_frames([made])
    for _ in range(30):
        frame = draft.get_frame("a")
        assert isinstance(frame, SingleFrame)
        seen: list[object] = []
        gate = threading.Barrier(4)

        crowd = [threading.Thread(target=look, args=(frame, gate, seen)) for _ in range(4)]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
        assert len(seen) == 4
        assert all(one is seen[0] for one in seen)


def test_tied_shapes_are_told_apart_by_any_way_in() -> None:
    """The ids that are taken are kept between calls, and looked up where the list was changed."""
    frame = SingleFrame(source="s3://b/a.jpg")

    def tie() -> object:
        at, _ = frame.add_annotation(box2d_xywh=BOX, points2d_xy=[1, 2], labels=["a"])
        return frame.annotations[at].id

    first, second = tie(), tie()
    frame.add_annotation(box2d_xywh=BOX, id="mine", labels=["a"])
    third = tie()
    assert len({first, second, third}) == 3
    del frame.annotations[:2]
    assert tie() == first
    other = SingleFrame(source="s3://b/a.jpg")
    other.annotations = [one.copy() for one in frame.annotations]
    frame, before = other, {one.id for one in other.annotations}
    assert tie() not in before
