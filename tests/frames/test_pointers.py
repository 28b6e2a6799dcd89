"""Every URI of a frame can be found, and led elsewhere."""

from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.group import FrameGroup
from hyperstore.frames.pointers import frame_object, pointers, settle_id


def _group() -> FrameGroup:
    left = SingleFrame(source="s3://b/left.png", mask_source=["s3://b/a.png", "s3://b/b.png"])
    left.preview_uri = "s3://b/small.png"
    return FrameGroup(left=left, right=SingleFrame(source="s3://b/right.png"))


def test_all_uris_of_a_group_are_found() -> None:
    """One that is missed stays behind when the others are uploaded."""
    found = {(one.what, one.uri) for one in pointers(_group())}
    assert len(found) == 5
    assert {uri for _, uri in found} == {
        f"s3://b/{name}.png" for name in ("left", "a", "b", "small", "right")
    }
    assert len({what for what, _ in found}) == 5


def test_a_uri_that_is_led_elsewhere_is_on_the_wire() -> None:
    """What is assigned is what gets stored."""
    group = _group()
    for one in pointers(group):
        one.target.uri = one.uri.replace("s3://b/", "gs://c/")
    assert "s3://" not in str(group.to_dict())
    assert str(group.to_dict()).count("gs://c/") == 5


def test_a_settled_id_stays_when_the_source_moves() -> None:
    """A frame is the same frame wherever its picture lies."""
    frame = SingleFrame(source="s3://b/x.png")
    before = settle_id(frame)
    frame.source = "s3://elsewhere/y.png"
    assert frame.id == before
    group = _group()
    known = settle_id(group)
    group["left"].source = "s3://elsewhere/z.png"
    assert group.id == known


def test_a_wire_dict_becomes_an_object_and_an_object_stays_itself() -> None:
    """What is led elsewhere is the user's own object where there is one."""
    group = _group()
    assert frame_object(group) is group
    assert frame_object(group.to_dict()).to_dict() == group.to_dict()
