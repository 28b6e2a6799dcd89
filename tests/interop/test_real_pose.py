"""Twenty thousand real pictures: the main job at the size of a real dataset, in bounded memory."""

import json
import re
import resource
from collections import Counter
from pathlib import Path

import pytest

import hyperstore
from hyperstore import SingleFrame
from tests.support.children import run_in_child
from tests.support.coco import value_of
from tests.support.pose import write_pose_file
from tests.support.shared import shared_data
from tests.support.unchanged import run_well

IMAGES, PEOPLE = 20_000, 53_033
MORE_BYTES_MAX = 256 * 1024 * 1024  # Over what this process holds already; measured: under 80 MB.


def hold_memory() -> None:
    """Let this process take so much more private memory, and fail with MemoryError beyond."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmData:\s+(\d+) kB", status)
    assert found is not None
    limit = int(found[1]) * 1024 + MORE_BYTES_MAX
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


@pytest.mark.slow
def test_twenty_thousand_pictures_go_through_the_main_job(tmp_path: Path) -> None:
    """Import, commit, relabel some, diff, iterate, export: complete, sorted, equal."""
    archive = shared_data("coco-pose-20k.tar.gz")
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is bounded by Linux's means")
    file = tmp_path / "pose.json"
    assert write_pose_file(archive, file) == (IMAGES, PEOPLE)
    assert run_in_child(lambda: _job(tmp_path, file), seconds=500) == "done"
    given = value_of(json.loads(file.read_bytes()))
    assert value_of(json.loads((tmp_path / "before.json").read_bytes())) == given
    after = json.loads((tmp_path / "after.json").read_bytes())
    human = next(one["id"] for one in after["categories"] if one["name"] == "human")
    assert Counter(one["category_id"] == human for one in after["annotations"]) == {
        True: _relabelled(tmp_path),
        False: PEOPLE - _relabelled(tmp_path),
    }
    for one in after["annotations"]:
        one["category_id"] = 1
    after["categories"] = [one for one in after["categories"] if one["id"] != human]
    assert value_of(after) == given


def _relabelled(folder: Path) -> int:
    return int((folder / "relabelled").read_text())


def _job(folder: Path, file: Path) -> None:
    hold_memory()
    run_well(folder, "init")
    run_well(folder, "import", "coco", file, "--dataset", "pose", "-m", "Import")
    with hyperstore.open(folder / ".hyperstore") as store:
        version = store.dataset("pose").version()
        chosen = _check_order(version)
        assert version.head is not None
        old = version.at(version.head)
        rois = 0
        with version.batch():
            for at in range(0, len(chosen), 500):
                frames = version.get_frames_by_ids(chosen[at : at + 500])
                for frame in frames:
                    assert isinstance(frame, SingleFrame)
                    for roi in frame.annotations:
                        roi.labels = ["human"]
                        rois += 1
                assert version.update_frames(frames) == []
        assert [one.frame_id for one in version.diff()] == sorted(chosen, key=bytes.fromhex)
        changes = version.status().changes
        assert (changes.frames.changed, changes.rois.changed) == (len(chosen), rois)
        version.commit("Relabel")
        assert [one.frame_id for one in version.diff(old)] == sorted(chosen, key=bytes.fromhex)
    (folder / "relabelled").write_text(str(rois))
    run_well(folder, "import", "coco", file, "--dataset", "again")
    with hyperstore.open(folder / ".hyperstore") as store:
        assert store.dataset("again").version().content_id == old.content_id
    run_well(folder, "export", "coco", "pose@Current", folder / "after.json")
    run_well(folder, "export", "coco", "pose@Current~1", folder / "before.json")


def _check_order(version: hyperstore.DatasetVersion) -> list[str]:
    """Hold the iteration to be sorted and complete; return the ids of every hundredth frame."""
    chosen, ids = [], set()
    last: tuple[str, int, str] | None = None
    for at, frame in enumerate(version):
        key = (frame.context_id or "", frame.timestamp or 0, frame.id)
        assert last is None or last < key
        last = key
        ids.add(frame.id)
        if at % 100 == 0:
            chosen.append(frame.id)
    assert len(ids) == len(version) == IMAGES
    assert version.view().snapshot.totals.rois == PEOPLE
    return chosen
