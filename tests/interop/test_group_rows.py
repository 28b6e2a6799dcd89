"""What the reference promises of a FrameGroup; each test is named after its row."""

import copy
import inspect
import pickle
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from hyperstore import (
    BoundingBox2D,
    DatasetVersion,
    FrameError,
    FrameGroup,
    ImageAnnotation,
    SingleFrame,
    UsageError,
)

pytestmark = pytest.mark.usefixtures("default_store")

Wire = dict[str, Any]


Again = Callable[[FrameGroup], FrameGroup]


@pytest.fixture
def again(draft: DatasetVersion) -> Again:
    """Return a function that registers a group and reads it back."""

    def stored(group: FrameGroup) -> FrameGroup:
        assert draft.add_frames([group]) == []
        found = draft.get_single_frame(group.id)
        assert isinstance(found, FrameGroup)
        return found

    return stored


def single(name: str, **more: Any) -> SingleFrame:
    """Return a frame with a source of that name."""
    return SingleFrame(source=f"s3://b/{name}.jpg", **more)


def pair(**more: Any) -> FrameGroup:
    """Return a group of two cameras."""
    return FrameGroup(left=single("l"), right=single("r"), **more)


def test_fg_01_members_come_as_arguments_or_in_dicts(again: Again) -> None:
    """After the id and the metadata, as documented."""
    parameters = inspect.signature(FrameGroup).parameters
    assert list(parameters) == ["id", "metadata", "args", "kwargs"]
    group = FrameGroup("g", {"k": 1}, {"a": single("a")}, {"b": single("b")}, c=single("c"))
    found = again(group)
    assert (found.id, found.metadata, list(found)) == ("g", {"k": 1}, ["a", "b", "c"])
    assert found["b"].source == "s3://b/b.jpg"
    assert again(FrameGroup(id=7, left=single("l"))).id == "7"


def test_fg_02_the_form_that_programs_use(again: Again) -> None:
    """A member by keyword beside metadata."""
    found = again(FrameGroup(image=single("a"), metadata={"k": "v"}))
    assert (list(found), found.metadata) == (["image"], {"k": "v"})


def test_fg_03_an_id_follows_from_the_members_as_they_are_when_it_is_asked_for() -> None:
    """From their names and sources; random where there are none."""
    group = FrameGroup()
    empty = group.id
    assert (len(empty), group.id, FrameGroup().id != empty) == (32, empty, True)
    group["left"] = single("l")
    one = group.id
    group["right"] = single("r")
    assert len({empty, one, group.id}) == 3
    assert group.id == pair().id
    assert FrameGroup(left=single("r"), right=single("l")).id != group.id
    assert FrameGroup(front=single("l"), right=single("r")).id != group.id
    group["right"].source = "s3://b/other.jpg"
    assert group.id != pair().id


def test_fg_03_registering_twice_updates(draft: DatasetVersion) -> None:
    """Fact 6: a script that runs again makes no second frame."""
    draft.add_frames([pair(metadata={"run": 1})])
    draft.add_frames([pair(metadata={"run": 2})])
    assert [one.metadata for one in draft] == [{"run": 2}]


def test_fg_04_a_group_is_a_mapping(again: Again) -> None:
    """Every call of one."""
    group = pair()
    assert isinstance(group, MutableMapping)
    assert ("left" in group, "up" in group, len(group)) == (True, False, 2)
    assert (list(group), list(group.keys())) == (["left", "right"], ["left", "right"])
    assert [name for name, _ in group.items()] == list(group)
    assert [one.source for one in group.values()] == ["s3://b/l.jpg", "s3://b/r.jpg"]
    assert group.get("up") is None
    assert group.setdefault("left", single("x")) is group["left"]
    made = group.setdefault("up", single("u"))
    assert group["up"] is made
    assert group.pop("up") is made
    group.update(down=single("d"))
    assert list(again(group)) == ["left", "right", "down"]
    name, _ = group.popitem()
    assert name not in group
    del group["left" if "left" in group else "right"]
    with pytest.raises(KeyError):
        group["gone"]
    group.clear()
    assert len(group) == 0


@pytest.mark.parametrize(
    ("name", "member"), [("", single("a")), ("x", None), ("x", {"source": "a"}), ("x", pair())]
)
def test_fg_04_what_is_no_member_is_refused(name: str, member: Any) -> None:
    """When it is put in, not when the group is stored."""
    group = FrameGroup()
    with pytest.raises(UsageError, match="member"):
        group[name] = member
    assert len(group) == 0


def test_fg_05_metadata_of_the_group_is_live_and_can_be_replaced(again: Again) -> None:
    """By both names."""
    found = again(pair(metadata={"a": 1}))
    assert found.metadata is found.meta
    found.meta["b"] = 2
    assert again(found).metadata == {"a": 1, "b": 2}
    found.metadata = {"only": 1}
    assert again(found).metadata == {"only": 1}


@pytest.mark.parametrize("value", [5, None, {"looks": "like the member's"}, {}])
@pytest.mark.parametrize("own", [None, {"k": 1}])
def test_fg_05_a_metadata_key_is_no_member_s_name(
    draft: DatasetVersion, value: object, own: dict[str, object] | None
) -> None:
    """C-42: a ValueError with the place, or a failure of its own frame; nothing is stored."""
    group = FrameGroup(id="g", metadata={"left": value}, left=single("l", metadata=own))
    with pytest.raises(FrameError, match=r"meta\.left: .* rename the key"):
        group.to_dict()
    (failure, *others) = draft.add_frames([group, single("a")])
    assert (failure["frame"], failure["error_type"], others) == (group, "validation", [])
    assert len(draft) == 1


@pytest.mark.parametrize("value", [5, None, "text", [1]])
def test_fg_05_nor_in_a_wire_dict(draft: DatasetVersion, value: object) -> None:
    """Where a dict under that name is the member's metadata."""
    wire: Wire = pair(id="g").to_dict()
    (failure,) = draft.add_frames([{**wire, "meta": {"left": value}}])
    assert "meta.left" in str(failure["error"])
    assert draft.add_frames([{**wire, "meta": {"left": {"k": 1}}}]) == []
    found = draft.get_single_frame("g")
    assert isinstance(found, FrameGroup)
    assert (found.metadata, found["left"].metadata) == ({}, {"k": 1})


def test_fg_06_members_have_metadata_of_their_own(again: Again) -> None:
    """On the wire under the member's name."""
    group = pair(metadata={"k": "group"})
    group["left"].metadata["k"] = "member"
    wire: Wire = again(group).to_dict()
    assert wire["meta"] == {"k": "group", "left": {"k": "member"}}
    found = again(group)
    found["left"].metadata["k"] = "new"
    found["right"].metadata["x"] = 1
    back = again(found)
    assert [one.metadata for one in back.values()] == [{"k": "new"}, {"x": 1}]
    assert back.metadata == {"k": "group"}


def test_fg_07_a_group_answers_what_a_frame_does(draft: DatasetVersion, again: Again) -> None:
    """Where it was read, what its version says, its blob."""
    draft.set_metadata({"camera": 1})
    group = pair()
    assert (group.origin, group.dataset_version_metadata) == ({}, {})
    group.blob, group.meta_blob = "raw", {"hidden": 1}
    found = again(group)
    assert found.origin["version_id"] == draft.version_id
    assert found.origin["dataset_name"] == "cells"
    assert found.dataset_version_metadata == {"camera": 1}
    assert (found.blob, found.meta_blob) == ("raw", {"hidden": 1})
    assert found["left"].origin == found.origin


def test_fg_07_from_a_dict_and_back(again: Again) -> None:
    """With what nobody understands, of the group and of its members."""
    wire: Wire = pair(id="g", metadata={"k": 1}).to_dict()
    wire["vendor"] = {"x": 1}
    wire["sources"][0]["vendor"] = 2
    wire["meta_blob"] = {"hidden": 1}
    group = FrameGroup.from_dict(wire)
    assert type(group) is FrameGroup
    assert again(group).to_dict() == group.to_dict() == wire
    assert FrameGroup.from_dict(wire) == group


def test_fg_07_a_copy_has_a_new_random_id(again: Again) -> None:
    """And shares nothing; a deep copy keeps the id."""
    group = again(pair(id="g", metadata={"k": [1]}))
    made, twin = group.copy(), copy.deepcopy(group)
    assert (len(made.id), made.id != "g", twin.id, twin == group) == (32, True, "g", True)
    for other in (made, twin):
        other.metadata["k"].append(2)  # type: ignore[attr-defined]
        other["left"].metadata["x"] = 1
    assert (group.metadata, group["left"].metadata) == ({"k": [1]}, {})
    assert pickle.loads(pickle.dumps(group)) == group


def test_fg_08_a_global_annotation_is_a_copy_for_each_member(again: Again) -> None:
    """C-43: one ROI a member, not one of several sources."""
    group = pair()
    day = ImageAnnotation(["day"])
    answer: object = group.add_global_annotation(day)  # type: ignore[func-returns-value]
    assert answer is None
    day.labels.append("late")
    found = again(group)
    assert [one.annotations for one in found.values()] == [[ImageAnnotation(["day"])]] * 2
    rois: list[Wire] = found.to_dict()["rois"]  # type: ignore[assignment]
    assert [one["sources"] for one in rois] == [["left"], ["right"]]
    assert rois[0]["id"] != rois[1]["id"]


def test_fg_09_a_global_annotation_is_removed_by_equality(again: Again) -> None:
    """True only where every member had it; a member that has it loses it all the same."""
    group = pair()
    group.add_global_annotation(ImageAnnotation(["day"]))
    group["left"].annotations.append(ImageAnnotation(["rain"]))
    found = again(group)
    assert found.remove_global_annotation(ImageAnnotation(["day"])) is True
    assert found.remove_global_annotation(ImageAnnotation(["rain"])) is False
    assert found.remove_global_annotation(ImageAnnotation(["day"])) is False
    assert "rois" not in again(found).to_dict()
    assert FrameGroup().remove_global_annotation(ImageAnnotation(["day"])) is False


def test_fg_10_global_annotations_are_those_of_all_members(again: Again) -> None:
    """As one member has them."""
    group = pair()
    group.add_global_annotation(ImageAnnotation(["day"]))
    group["left"].annotations.append(ImageAnnotation(["rain"]))
    found = again(group)
    assert found.get_global_annotations() == [ImageAnnotation(["day"])]
    assert FrameGroup().get_global_annotations() == []


def test_fg_11_annotations_are_equal_by_value(again: Again) -> None:
    """Without the ids that were made for them; the user's own id counts."""
    group = pair()
    one = BoundingBox2D([1, 2, 3, 4], labels=["a"], id="x", metadata={"k": 1})
    group.add_global_annotation(one)
    found = [member.annotations[0] for member in again(group).values()]
    assert found[0] == found[1] == one
    assert found[0].roi_id != found[1].roi_id
    others: list[dict[str, Any]] = [
        {"id": "y"},
        {"labels": ["b"]},
        {"confidence": 0.5},
        {"metadata": {}},
    ]
    for other in others:
        kept = {"labels": ["a"], "id": "x", "metadata": {"k": 1}, **other}
        assert BoundingBox2D([1, 2, 3, 4], **kept) != one
    assert BoundingBox2D([1, 2, 3, 5], labels=["a"], id="x", metadata={"k": 1}) != one
    assert one != "box"


def test_fg_12_a_group_has_one_context_and_one_time(draft: DatasetVersion, again: Again) -> None:
    """C-59: where unset those of its first source; members keep times of their own."""
    group = FrameGroup(left=single("l", timestamp=40), right=single("r", timestamp=41))
    found = again(group)
    assert (found.context_id, found.timestamp) == ("s3://b/l.jpg", 40)
    assert [one.timestamp for one in found.values()] == [40, 41]
    wire: Wire = found.to_dict()
    assert {"context_id", "timestamp"}.isdisjoint(wire)
    found.context_id, found.timestamp = "drive", 7
    back = again(found)
    assert (back.context_id, back.timestamp) == ("drive", 7)
    assert [one.timestamp for one in back.values()] == [40, 41]
    assert [one.id for one in draft.get_iterator(context="drive", start=7)] == [back.id]


def test_fg_13_groups_go_through_the_calls_of_frames(draft: DatasetVersion) -> None:
    """Added, fetched, updated, deleted, among single frames."""
    draft.add_frames([pair(id="g"), single("a", id="a")])
    found = draft.get_single_frame("g")
    assert isinstance(found, FrameGroup)
    found["left"].add_annotation(labels=["x"])
    draft.update_frames([found])
    (again,) = draft.get_frames_by_ids(["g"])
    assert isinstance(again, FrameGroup)
    assert [one.labels for one in again["left"].annotations] == [["x"]]
    draft.delete_frames([again])
    assert [one.id for one in draft] == ["a"]


def test_fg_13_groups_merge_as_frames_do(draft: DatasetVersion) -> None:
    """FR-12; whatever its members are called, a group is a frame with an id."""
    names = ("id", "frame", "error_type")
    group = FrameGroup("g", {"kept": 1}, {name: single(name) for name in names})
    draft.add_frames([group])
    update = FrameGroup("g", {"new": 2}, {name: single(name) for name in names})
    assert draft.update_frames([update], without_fields=[]) == []
    found = draft.get_single_frame("g")
    assert (found.metadata, len(draft)) == ({"kept": 1, "new": 2}, 1)
    assert draft.add_frames([update], strict_schema=True) == []
    assert draft.delete_frames([update]) == 1


def test_fg_14_a_group_is_stored_whole_or_not_at_all(draft: DatasetVersion) -> None:
    """One member that cannot be stored is a failure of the group."""
    group = pair(id="g")
    group["right"].metadata["x"] = object()
    (failure,) = draft.add_frames([group, single("a", id="a")])
    assert failure["frame"] is group
    assert "meta.right.x" in str(failure["error"])
    assert [one.id for one in draft] == ["a"]


def test_fg_15_programs_branch_by_the_class_and_take_the_first_member(
    draft: DatasetVersion,
) -> None:
    """In the order in which members came, also where names sort otherwise."""
    group = FrameGroup(id="g")
    for name in ("z", "a", "m"):
        group[name] = single(name)
    draft.add_frames([group, single("x", id="x")])
    found = {one.id: one for one in draft}
    assert isinstance(found["g"], FrameGroup)
    assert not isinstance(found["x"], FrameGroup)
    assert list(found["g"].values())[0].source == "s3://b/z.jpg"  # noqa: RUF015 - as they write it.


def test_pk_06_programs_that_reach_into_the_api_object_find_their_version(
    draft: DatasetVersion, tmp_path: Path
) -> None:
    """What `origin` says, under the older names, on frames and groups."""
    draft.add_frames([pair(id="g", metadata={"k": 1}), single("a", id="a", context_id="c")])
    for one in draft:
        seen = one._api_object
        assert (seen.dataset.id, seen.dataset.version) == (draft.dataset_id, draft.version_id)
        assert (seen.id, seen.context_id, seen.meta) == (one.id, one.context_id, one.metadata)
    assert single("a")._api_object.dataset.version is None
