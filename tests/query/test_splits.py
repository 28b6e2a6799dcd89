"""Views in pieces that travel: together they are the view, and one that cannot be read says why."""

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import hyperstore
from hyperstore import Dataset, DatasetVersion, QueryError, UsageError
from hyperstore.dataset.handle import unshare
from hyperstore.errors import MissingObjectError, NotFoundError
from hyperstore.maintenance.collect import gc
from hyperstore.query.dataview import DataView
from hyperstore.query.splits import Split, plan_splits
from hyperstore.query.views.resolved import Resolved
from tests.support.loading import viewing
from tests.support.stores import frame

COUNT = 23
FAR_MS = 10**15  # Later than any clock says.


@pytest.fixture
def version(tmp_path: Path) -> Iterator[DatasetVersion]:
    """Return a version of plain frames in a store."""
    folder = tmp_path / "store"
    with hyperstore.init(folder) as store:
        made = store.create_dataset("plain").version()
        assert made.add_frames([frame(number) for number in range(COUNT)]) == []
        yield made
    unshare(folder)


def travelled(splits: list[Split]) -> list[Split]:
    """Return splits as another process gets them."""
    return [pickle.loads(pickle.dumps(one)) for one in splits]


@pytest.mark.parametrize("n", [1, 2, 5, COUNT, 100])
@pytest.mark.parametrize(
    "iteration",
    [
        {},
        {"order": "random", "random_seed": 3},
        {"maximum_number_of_frames": 7},
        {"infinite": True, "maximum_number_of_frames": 60, "order": "random"},
    ],
)
def test_splits_one_after_another_are_the_view(
    version: DatasetVersion, n: int, iteration: dict[str, Any]
) -> None:
    """The same frames in the same order, dealt as evenly as they can be."""
    view = viewing(version, **iteration)
    wanted = [one.to_dict() for one in view]
    splits = travelled(plan_splits(view, n))
    assert len(splits) == min(n, len(wanted))
    assert [one.to_dict() for split in splits for one in split] == wanted
    sizes = [len(split) for split in splits]
    assert max(sizes) - min(sizes) <= 1
    assert [len(list(split)) for split in splits] == sizes


@pytest.mark.parametrize("clip", [None, 3])
def test_splits_of_several_versions_have_the_shares_of_the_view(
    version: DatasetVersion, clip: int | None
) -> None:
    """A query has a frame in one of its versions, there as here, however many have it."""
    dogs = [frame(number, "dog") for number in range(100, 107)]
    assert version.add_frames(dogs) == []
    version.commit("all")
    with hyperstore.open(version._handle.folder) as store:
        store.dataset(version.dataset_id).create_version("kid", parent=version)
    view = DataView(store=version._handle)
    view.add_query(dataset_id=version.dataset_id, version_id="*", roi_query="cat")
    view.add_query(dataset_id=version.dataset_id, version_name="Current", roi_query="dog")
    for order in ("sequential", "random"):
        view.set_iteration_parameters(
            order, infinite=True, maximum_number_of_frames=200, clip_length=clip
        )
        wanted = [one.id for one in view]
        splits = travelled(plan_splits(view, 3))
        assert [one.id for split in splits for one in split] == wanted
        if clip is None:
            assert sum(int(one, 16) < 100 for one in wanted) == 100  # Half of them.
    again = DataView.from_lock(view.lock().id, store=version._handle)
    assert [one.id for split in plan_splits(again, 3) for one in split] == wanted


@pytest.mark.parametrize("given", [3, None, "cats"])
def test_what_is_no_view_is_not_split(version: DatasetVersion, given: Any) -> None:
    """A version is not, either: the error says what to make of it."""
    for one in (given, version):
        with pytest.raises(UsageError, match=r"a DataView is split, not .* with a query"):
            plan_splits(one, 2)  # type: ignore[arg-type]


def test_splits_map_labels_as_the_view_does(version: DatasetVersion) -> None:
    """What the view does to a frame is done where it is read."""
    view = viewing(version)
    view.add_mapping_rule(from_labels=["cat"], to_label="animal")
    (split,) = travelled(plan_splits(view, 1))
    found = {label for one in split for roi in one.annotations for label in roi.labels}  # type: ignore[union-attr]
    assert found == {"animal"}


def test_a_split_is_small(version: DatasetVersion) -> None:
    """It is a place and a question, whatever the version's metadata and the number of frames."""
    version.set_metadata({"notes": "x" * 100_000})
    view = viewing(version, order="random", random_seed=1)
    list(view)  # What a view found does not travel.
    assert max(len(pickle.dumps(one)) for one in plan_splits(view, 4)) < 3_000


def test_splits_show_the_view_as_it_was(version: DatasetVersion) -> None:
    """Machines that read at different times read one state."""
    view = viewing(version)
    wanted = [one.id for one in view]
    splits = plan_splits(view, 3)
    version.delete_frames([wanted[0], wanted[-1]])
    assert [one.id for split in travelled(splits) for one in split] == wanted
    assert len(plan_splits(view, COUNT)) == COUNT - 2


class Raced(DataView):
    """A view of which somebody makes a further version whenever it is looked up."""

    dataset: Dataset | None = None

    def resolve(self) -> Resolved:
        found = super().resolve()
        if self.dataset is not None:
            self.dataset.create_version(f"v{len(self.dataset.versions())}")
        return found


def test_a_split_is_of_one_moment(version: DatasetVersion) -> None:
    """Its frames, and what is done to those of each query, are of the same versions."""
    version.add_frames([frame(90, "dog"), frame(91, "bird")])
    version.commit("All")
    version.publish()
    with hyperstore.open(version._handle.folder) as store:
        view = Raced(store=store, output_rois="only_filtered")
        for label in ("dog", "cat", "bird"):
            view.add_query(dataset_id=version.dataset_id, version_id="*", roi_query=label)
        view.dataset = store.dataset("plain")
        (split,) = plan_splits(view, 1)
        shown = [(one.id, one.to_dict()["rois"]) for one in split]
        labels = {name: [roi["label"] for roi in rois] for name, rois in shown}  # type: ignore[attr-defined]
    expected = {frame(number)["id"]: [["cat"]] for number in range(COUNT)}
    assert labels == expected | {frame(90)["id"]: [["dog"]], frame(91)["id"]: [["bird"]]}


def test_a_process_plans_once_for_all_splits_of_a_plan(version: DatasetVersion) -> None:
    """To find and order a million frames for each of a hundred splits takes a hundred times as
    long; what was planned anew, or in another store of the same frames, is another plan."""
    plain = travelled(plan_splits(viewing(version), 3))
    clips = travelled(plan_splits(viewing(version, clip_length=4, order="random"), 3))
    whole = [one.id for split in clips for one in split]
    assert sorted(one.id for split in plain for one in split) == sorted(whole)
    plans: dict[str, object] = {}
    for name, splits in (("clips", clips), ("plain", plain), ("clips", clips)):
        for split in splits:
            assert plans.setdefault(name, split.course().planned) is split.course().planned
    assert plans["clips"] is not plans["plain"]
    streams = [iter(split) for split in (*clips, *clips)]  # Each from its own place on.
    found: list[list[str]] = [[] for _ in streams]
    for at in (*range(6), *reversed(range(6)), *range(6)):
        found[at] += [one.id for one in islice(streams[at], 3)]
    for ids, stream in zip(found, streams, strict=True):
        ids += [one.id for one in stream]
    assert found[0] + found[1] + found[2] == found[3] + found[4] + found[5] == whole


def test_rows_are_what_a_mapper_makes(version: DatasetVersion) -> None:
    """Without decoding more than it looks at."""
    splits = plan_splits(viewing(version), 2)
    ids = [frame_id for split in splits for frame_id in split.rows(lambda one: one.id)]
    assert ids == [one.id for one in version.get_iterator()]


def test_an_empty_view_has_no_splits(version: DatasetVersion) -> None:
    """And nobody is sent to read nothing."""
    version.delete_frames([one.id for one in version.get_iterator()])
    assert plan_splits(viewing(version), 3) == []


def test_an_endless_view_is_not_split(version: DatasetVersion) -> None:
    """Half of what never ends never ends."""
    with pytest.raises(QueryError, match="endless"):
        plan_splits(viewing(version, infinite=True), 2)


@pytest.mark.parametrize("n", [0, -1, True, 1.5, 10**9])
def test_a_number_of_parts_is_whole(version: DatasetVersion, n: Any) -> None:
    """One or more."""
    with pytest.raises(UsageError, match="1 to"):
        plan_splits(viewing(version), n)


def test_a_split_says_that_its_store_is_not_there(version: DatasetVersion, tmp_path: Path) -> None:
    """A machine that does not see the folder, or sees another store in it."""
    (split,) = travelled(plan_splits(viewing(version), 1))
    assert "plain@" in split.versions[0]
    version._handle.database.close()
    unshare(tmp_path / "store")
    shutil.move(tmp_path / "store", tmp_path / "elsewhere")
    with pytest.raises(NotFoundError, match=r"store, which is not on this machine"):
        next(iter(split))
    hyperstore.init(tmp_path / "store").close()
    with pytest.raises(NotFoundError, match="another store stands at"):
        next(iter(split))


def test_frames_stay_as_long_as_who_planned_lives(version: DatasetVersion) -> None:
    """A state of a draft that nothing else names is held by the plan, and says when it is gone."""
    splits = plan_splits(viewing(version), 2)
    copies = travelled(splits)
    wanted = [one.id for one in version.get_iterator()]
    version.delete_frames(wanted)
    with hyperstore.open(version._handle.folder) as store:
        gc(store, now_ms=FAR_MS)
        assert [one.id for split in copies for one in split] == wanted
        del splits
        gc(store, now_ms=FAR_MS)
        with pytest.raises(MissingObjectError, match=r"plain@.*plan again"):
            next(iter(copies[0]))


def test_a_program_may_end_with_splits_in_its_hands(version: DatasetVersion) -> None:
    """What they hold is let go of without a word, whatever the interpreter tears down first."""
    folder = version._handle.folder
    program = f"""
import hyperstore
from hyperstore.query.dataview import DataView
from hyperstore.query.views.resolved import Resolved
from hyperstore.query.splits import plan_splits
view = DataView(store=hyperstore.open({str(folder)!r}))
view.add_query(dataset_name="plain")
splits = plan_splits(view, 2)
hyperstore.storage.pins.os = None  # As at the interpreter's end.
del view, splits
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    "plan",
    [
        b"\x80\x02chyperstore.query.selection.selection\nGone\n.",
        b"\x80\x02chyperstore.dataset.draft\nPlace\n)\x81.",  # Made otherwise than it was.
    ],
)
def test_a_split_of_another_release_says_so(version: DatasetVersion, plan: bytes) -> None:
    """Machines of one job may have different ones; what they read must not be pickle's fault."""
    (split,) = plan_splits(viewing(version), 1)
    with pytest.raises(UsageError, match="another release of hyperstore; plan again"):
        list(replace(split, plan=plan))
