"""Within one context, from a time on and back: what sorting all frames would show."""

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from hyperstore import DatasetVersion, DataView, Store
from hyperstore.errors import UsageError
from hyperstore.query.language.condition import (
    Condition,
    Field,
    Leaf,
    RoiCondition,
    Scope,
    Since,
    Term,
)
from hyperstore.query.selection.contexts import browse
from hyperstore.query.selection.selection import Part, Selection
from tests.support.frames import wire
from tests.support.stores import frame

DOGS = Condition(rois=(RoiCondition(Leaf(Field(Scope.ROI, "label", exact=True), Term("dog"))),))


def check(selection: Selection, context: str, timestamp: int) -> int:
    """Hold both ways to a filter over everything; return how many frames that is."""
    whole = [one for one in selection.read(range(len(selection))) if one.context_id == context]
    later = [one.object_id for one in whole if (one.timestamp or 0) >= timestamp]
    before = [one.object_id for one in whole if (one.timestamp or 0) <= timestamp]
    assert [one.object_id for one in browse(selection, context, timestamp)] == later
    back = browse(selection, context, timestamp, backwards=True)
    assert [one.object_id for one in back] == before[::-1]
    return len(later) + len(before)


@pytest.mark.parametrize("seed", range(3))
def test_both_ways_show_what_sorting_shows(store: Store, seed: int) -> None:
    """Over versions and conditions: annotators go back and forth in a video."""
    drawn = random.Random(seed)
    draft = store.create_dataset("cells").version()
    draft.add_frames(frame(one, drawn.choice(["dog", "cat"])) for one in range(150))
    parts = [Part(draft.view(), drawn.choice([DOGS, Condition()]))]
    for _ in range(2):
        draft.add_frames(frame(one, "dog") for one in drawn.sample(range(170), 20))
        draft.delete_frames([f"{one:032x}" for one in drawn.sample(range(150), 9)])
        parts.append(Part(draft.view(), drawn.choice([DOGS, Condition()])))
    selection = Selection(store.handle, parts)
    for context in ("camera 0", "camera 2", "camera 1"):
        for timestamp in (0, 1, 70, 71, 72, 149, 500, -1):
            assert check(selection, context, timestamp)
    assert check(selection, "camera", 0) == check(selection, "camera 00", 10) == 0


def test_frames_that_are_gone_are_where_they_were(store: Store) -> None:
    """A question for what was removed shows it among what is there."""
    draft = store.create_dataset("cells").version()
    draft.add_frames(map(frame, range(60)))
    commit = draft.commit("all") or ""
    draft.delete_frames([f"{one:032x}" for one in range(10, 40)])
    gone = Condition(frame=Leaf(Field(Scope.FRAME, "removed"), Since(commit)))
    selection = Selection(store.handle, [Part(draft.view(), gone), Part(draft.view())])
    assert (len(selection), selection.counts) == (60, [30, 30])
    assert check(selection, "camera 1", 20)
    assert selection.frame_ids() == [one.id for one in draft.at(commit)]
    assert selection.parts_of(range(60)).count(0) == 30


def test_local_files_are_named_as_users_name_them(store: Store, tmp_path: Path) -> None:
    """A frame without a context is in that of its source, which is stored relative to a root."""
    draft = store.create_dataset("cells").version()
    path = str(tmp_path / "video.mp4")
    draft.add_frames(
        {"sources": [{"id": "default", "uri": path, "timestamp": one}]} for one in range(5)
    )
    selection = Selection(store.handle, [Part(draft.view())])
    found = [one.timestamp for one in browse(selection, path, 2)]
    assert found == [2, 3, 4]
    assert [one.timestamp for one in browse(selection, f"file://{path}", 1, backwards=True)] == [
        1,
        0,
    ]


def test_nonsense_is_refused(store: Store) -> None:
    """Before anything is read."""
    selection = Selection(store.handle, [Part(store.create_dataset("d").version().view())])
    for context, timestamp in (("a", 1.5), ("a", True), (3, 0), (None, 0)):
        with pytest.raises(UsageError):
            browse(selection, context, timestamp)  # type: ignore[arg-type]


@pytest.fixture
def mixed(store: Store) -> DatasetVersion:
    """Return a draft of one context: frames of dogs, of cats, of both, and both twice."""
    draft = store.create_dataset("pets").version()
    rows = (["dog", "cat"], ["cat"], ["cat", "dog", "dog"], ["dog"])
    draft.add_frames(wire(f"f{at}", timestamp=at, labels=labels) for at, labels in enumerate(rows))
    return draft


def browsing(store: Store, output_rois: str) -> DataView:
    """Return a view of dogs, then of cats, that shows cats as pets."""
    view = DataView(store=store, output_rois=output_rois)
    for label in ("dog", "cat"):
        view.add_query("pets", "Current", label)
    return view.add_mapping_rule(from_labels=["cat"], to_label="pet")


def labels_of(frames: Iterable[Any]) -> dict[str, list[str]]:
    return {
        one.id: [label for roi in one.get_annotations() for label in roi.labels] for one in frames
    }


@pytest.mark.parametrize("output_rois", ["all_in_frame", "only_filtered"])
@pytest.mark.parametrize("backwards", [False, True])
def test_browsing_shows_frames_as_going_through_them_does(
    store: Store, mixed: DatasetVersion, output_rois: str, backwards: bool
) -> None:
    """An annotator who looks at a frame of a view sees what training on it will see."""
    view = browsing(store, output_rois)
    found = view.browse("clip", 9 if backwards else 0, backwards=backwards)
    assert labels_of(found) == labels_of(view)


def test_a_frame_for_each_roi_is_browsed_once_and_whole(
    store: Store, mixed: DatasetVersion
) -> None:
    """It comes once, so it stands for all of its ROIs, under the labels that the view gives."""
    found = list(browsing(store, "frame_per_roi").browse("clip"))
    assert [one.id for one in found] == ["f0", "f1", "f2", "f3"]
    assert labels_of(found) == {
        "f0": ["dog", "pet"],
        "f1": ["pet"],
        "f2": ["pet", "dog", "dog"],
        "f3": ["dog"],
    }
