"""Real folders as frames: KITTI's stereo pairs, nuScenes' six cameras and lidar, masks, a video."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import hyperstore
from hyperstore import DatasetVersion, FrameGroup, SingleFrame
from hyperstore.formats.folder import add_folder
from tests.support.shared import shared_data


@pytest.fixture
def draft(tmp_path: Path) -> Iterator[DatasetVersion]:
    """Return an empty draft."""
    with hyperstore.init(tmp_path / "store") as store:
        yield store.create_dataset("real").version()


def groups(draft: DatasetVersion) -> list[FrameGroup]:
    return [one for one in draft if isinstance(one, FrameGroup)]


def test_fg_01_stereo_pairs_of_kitti(draft: DatasetVersion) -> None:
    """One folder for each camera, and one name for each moment."""
    folder = shared_data("kitti") / "detection"
    report = add_folder(draft, folder, group="{camera}/{group}.png")
    assert (report.added, report.incomplete, report.refused) == (2, [], [])
    for group in groups(draft):
        assert sorted(group) == ["image_2", "image_3"]
        for name, member in group.items():
            path = Path(str(member.source))
            assert path.parent == folder / name
            with Image.open(path) as image:
                assert image.size == (member.width, member.height)


def test_fg_01_one_moment_of_nuscenes(draft: DatasetVersion) -> None:
    """Six cameras and a sweep of lidar, which is no picture, whose names tell each their time."""
    folder = shared_data("nuscenes")
    report = add_folder(draft, folder, group="{group}__{camera}__{any}")
    assert (report.added, report.refused) == (1, [])
    (group,) = groups(draft)
    cameras = [name for name in group if name.startswith("CAM_")]
    assert len(cameras) == 6
    assert {(group[name].width, group[name].height) for name in cameras} == {(1600, 900)}
    lidar = group["LIDAR_TOP"]
    assert str(lidar.source).endswith(".pcd.bin")
    assert lidar.size == Path(str(lidar.source)).stat().st_size
    assert lidar.width is None


def test_mk_01_semantic_masks_of_coco(draft: DatasetVersion, tmp_path: Path) -> None:
    """Each of 64 photographs finds its mask, and each mask is as large as its photograph."""
    folder = shared_data("coco128")
    for part in ("images", "semantic"):
        shutil.copytree(folder / part, tmp_path / "coco" / part)
    masks = {path.stem for path in (folder / "semantic").iterdir()}
    report = add_folder(draft, tmp_path / "coco", masks="semantic/{stem}.png")
    assert report.refused == []
    frames = [one for one in draft if isinstance(one, SingleFrame)]
    assert len(frames) == len(list((folder / "images").iterdir()))
    found = {Path(str(one.source)).stem for one in frames if one.mask_source}
    assert found == masks
    again = add_folder(draft, tmp_path / "coco", masks="semantic/{stem}.png")
    assert (again.added, again.changed) == (0, 0)


def test_so_05_a_real_video(draft: DatasetVersion, tmp_path: Path) -> None:
    """Every frame of it, as its own container says."""
    pytest.importorskip("av", reason="videos need PyAV")
    video = shared_data("video.mp4")
    shutil.copy(video, tmp_path / "video.mp4")
    add_folder(draft, tmp_path, only=["video.mp4"])
    frames = [one for one in draft if isinstance(one, SingleFrame)]
    # Its header: 12,288 ticks a second, 4,096 a frame, eight frames.
    assert [one.timestamp for one in frames] == [int(1000 * at * 4096 / 12288) for at in range(8)]
    assert {(one.width, one.height) for one in frames} == {(1920, 1080)}
