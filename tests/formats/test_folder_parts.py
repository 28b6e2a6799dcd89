"""Masks, legends, side files, groups and videos of a folder: what belongs to what."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import hyperstore
from hyperstore.errors import FormatError, FrameError, HyperstoreError, UsageError
from hyperstore.formats.folder import add_folder
from tests.support.folders import Pictures
from tests.support.pictures import draw

BOX = {"label": ["cat"], "poly": [1, 1, 3, 1, 3, 3, 1, 3], "meta": {"_type": "polygon"}}


def test_mk_04_masks_are_found_by_their_names(pictures: Pictures) -> None:
    """A picture may have several masks, and each says which it is."""
    for seed, name in enumerate(["a.png", "b.png", "masks/a_cells.png", "masks/a_walls.png"]):
        pictures.draw(name, seed)
    pictures.draw("masks/b_cells.png", 9)
    report = pictures.add(masks="masks/{stem}_{mask}.png")
    assert report.added == 2
    masks = pictures.folder / "masks"
    assert pictures.at("a.png").masks_source == {
        "cells": str(masks / "a_cells.png"),
        "walls": str(masks / "a_walls.png"),
    }
    said = json.loads(json.dumps(pictures.at("b.png").to_dict()))
    (mask,) = said["sources"][0]["masks"]
    assert (mask["width"], mask["height"], mask["content_type"]) == (6, 4, "image/png")
    hashes = pictures.at("a.png").sourcedata["hash"]
    frame = pictures.at("a.png")
    frame.update_source_files_hash()
    assert frame.sourcedata["hash"] == hashes, "as SF-24 records them"
    assert pictures.add(masks="masks/{stem}_{mask}.png").unchanged == 2


def test_the_hashes_of_masks_that_are_left_stay_when_others_are_pruned(pictures: Pictures) -> None:
    """They stand in the order of the masks: each belongs to the one at its place."""
    names = ["a.png", "masks/a_cells.png", "masks/a_walls.png", "b.png", "masks/b_cells.png"]
    for seed, name in enumerate(names):
        pictures.draw(name, seed)
    pictures.add(masks="masks/{stem}_{mask}.png")
    (pictures.folder / "masks/a_cells.png").unlink()
    pictures.add(masks="masks/{stem}_{mask}.png", prune=True)
    frame = pictures.at("a.png")
    assert list(frame.masks_source) == ["walls"]
    recorded = frame.sourcedata["hash"]
    frame.update_source_files_hash()
    assert frame.sourcedata["hash"] == recorded
    (pictures.folder / "masks/a_walls.png").unlink()
    pictures.add(masks="masks/{stem}_{mask}.png", prune=True)
    frame = pictures.at("a.png")
    assert (frame.masks_source, frame.sourcedata["hash"]) == ({}, {"source": frame.hash})


@pytest.mark.parametrize(
    ("pattern", "mask"),
    [
        ("{stem}_mask.png", "deep/a_mask.png"),
        ("{name}.png", "deep/a.jpg.png"),
        ("{path}_mask.png", "deep/a_mask.png"),
        ("labels/{path}.png", "labels/deep/a.png"),
        ("{dir}/m/{stem}.png", "deep/m/a.png"),
        ("m/{stem}/{stem}_0.png", "m/a/a_0.png"),
    ],
)
def test_the_ways_in_which_people_lay_masks_down(
    pictures: Pictures, pattern: str, mask: str
) -> None:
    """Beside the picture, in a folder of their own, or in a tree that mirrors the first."""
    pictures.draw("deep/a.jpg", 1)
    pictures.draw(mask, 2)
    pictures.add(masks=pattern)
    assert pictures.at("deep/a.jpg").masks_source == {"00": str(pictures.folder / mask)}


def test_pictures_may_be_those_of_a_pattern(pictures: Pictures) -> None:
    """Cityscapes has the same name with other endings in two trees, and more pictures besides."""
    for town in ("aachen", "bonn"):
        for at, name in enumerate(["0_leftImg8bit.png", "0_leftImg8bit_blurred.png"]):
            pictures.draw(f"left/train/{town}/{town}_{name}", at)
        for at, kind in enumerate(["color", "labelIds"]):
            pictures.draw(f"gt/train/{town}/{town}_0_gt_{kind}.png", 3 + at)
    options = {"images": "left/{path}_leftImg8bit.png", "masks": "gt/{path}_gt_{mask}.png"}
    assert pictures.add(**options).added == 2
    frame = pictures.at("left/train/bonn/bonn_0_leftImg8bit.png")
    assert sorted(frame.masks_source) == ["color", "labelIds"]
    assert pictures.add(**options).unchanged == 2


def test_a_name_that_splits_in_two_ways_is_split_where_there_is_a_picture(
    pictures: Pictures,
) -> None:
    """`a_b_c.png` is mask `c` of `a_b`, where no `a` is."""
    pictures.draw("a_b.jpg", 1)
    pictures.draw("masks/a_b_c.png", 2)
    pictures.add(masks="masks/{stem}_{mask}.png")
    assert list(pictures.at("a_b.jpg").masks_source) == ["c"]
    pictures.draw("a.jpg", 3)
    with pytest.raises(FormatError, match=r"'masks/a_b_c\.png' is a mask of 'a\.jpg', 'a_b\.jpg'"):
        pictures.add(masks="masks/{stem}_{mask}.png")


def wrong_size(pictures: Pictures) -> None:
    pictures.draw("a_mask.png", 1, (7, 4))


def of_no_picture(pictures: Pictures) -> None:
    pictures.draw("z_mask.png", 1)


def of_two_pictures(pictures: Pictures) -> None:
    pictures.draw("a_mask.png", 1)
    pictures.draw("a.bmp", 2)


def broken(pictures: Pictures) -> None:
    pictures.write("a_mask.png", "no picture")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (wrong_size, ["'a_mask.png'", "7 x 4", "'a.png' has 6 x 4"]),
        (of_no_picture, ["'z_mask.png'", "no picture"]),
        (of_two_pictures, ["'a_mask.png'", "'a.bmp', 'a.png'"]),
    ],
)
def test_a_mask_that_does_not_fit_is_an_error_that_names_both(
    pictures: Pictures, spoil: Callable[[Pictures], None], words: list[str]
) -> None:
    """Labels on the wrong pixels are worse than none; nothing is stored."""
    pictures.draw("a.png")
    pictures.draw("b.png", 3)
    pictures.draw("b_mask.png", 3)
    spoil(pictures)
    with pytest.raises(FormatError) as raised:
        pictures.add(masks="{stem}_mask.png")
    assert all(word in str(raised.value) for word in words), str(raised.value)
    assert len(pictures.draft) == 0
    report = pictures.add(masks="{stem}_mask.png", skip_invalid=True)
    assert report.refused
    assert "b.png" in pictures.names()


def test_a_broken_mask_costs_its_picture(pictures: Pictures) -> None:
    """A frame without the mask that its folder has would be trained on as background."""
    pictures.draw("a.png")
    pictures.draw("b.png", 1)
    broken(pictures)
    report = pictures.add(masks="{stem}_mask.png")
    assert report.added == 1
    assert [name for name, _ in report.refused] == ["a_mask.png", "a.png"]


def test_a_mask_that_changes_or_goes_is_seen(pictures: Pictures) -> None:
    """As its picture is: facts follow the file, and what is gone is listed until it is pruned."""
    pictures.draw("a.png")
    pictures.draw("b.png", 5)
    pictures.draw("b_mask.png", 6)
    pictures.draw("a_mask.png", 1)
    pictures.add(masks="{stem}_mask.png")
    before = pictures.at("a.png").sourcedata["hash"]
    pictures.draw("a_mask.png", 2)
    assert pictures.add(masks="{stem}_mask.png").changed == 1
    after = pictures.at("a.png").sourcedata["hash"]
    assert after != before
    frame = pictures.at("a.png")
    frame.masks_source = [*frame.masks_source.values(), "s3://bucket/mine.png"]
    pictures.draft.update_frames([frame])
    (pictures.folder / "a_mask.png").unlink()
    assert pictures.add(masks="{stem}_mask.png").gone == ["a_mask.png"]
    assert pictures.add(masks="{stem}_mask.png").gone == ["a_mask.png"]
    report = pictures.add(masks="{stem}_mask.png", prune=True)
    assert (report.gone, report.pruned, report.changed) == ([], 0, 1)
    assert pictures.at("a.png").masks_source == {"01": "s3://bucket/mine.png"}
    assert pictures.add(masks="{stem}_mask.png").unchanged == 2


@pytest.mark.parametrize(
    "text",
    [
        '{"255,0,0": ["cell"], "#00ff00": "wall"}',
        '[{"value": [255, 0, 0], "labels": ["cell"]}, {"value": [0, 255, 0], "labels": ["wall"]}]',
    ],
)
def test_mk_02_a_legend_says_what_colours_mean(
    pictures: Pictures, tmp_path: Path, text: str
) -> None:
    """As set_masks_labels does, and once only."""
    pictures.draw("a.png")
    pictures.draw("a_mask.png", 1)
    legend = tmp_path / "legend.json"
    legend.write_text(text)
    pictures.add(masks="{stem}_mask.png", legend=legend)
    wanted = {(255, 0, 0): ("cell",), (0, 255, 0): ("wall",)}
    assert pictures.draft.get_masks_labels() == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "empty"),
        ('{"256,0,0": ["a"]}', "'256,0,0' is no colour"),
        ('{"red": ["a"]}', "'red' is no colour"),
        ('{"1,2,3": []}', "no label"),
        ('{"1,2,3": [1]}', "list of words"),
        ('{"1,2,3": ["a"], "#010203": ["b"]}', "stands twice"),
        ('[{"value": [1, 2], "labels": ["a"]}]', "value"),
        ('[{"color": [1, 2, 3], "labels": ["a"]}]', "'color'"),
        ("[1]", "line 1"),
        ("{", "line 1"),
    ],
)
def test_a_legend_that_is_none_is_one_error(
    pictures: Pictures, tmp_path: Path, text: str, words: str
) -> None:
    """It names the file and the entry."""
    pictures.draw("a.png")
    pictures.draw("a_mask.png", 1)
    legend = tmp_path / "legend.json"
    legend.write_text(text)
    with pytest.raises(FormatError, match=r"legend\.json") as raised:
        pictures.add(masks="{stem}_mask.png", legend=legend)
    assert words in str(raised.value)


def test_a_side_file_says_what_people_know_of_a_picture(pictures: Pictures) -> None:
    """Metadata, ROIs in the wire form, words for the whole picture, context and time."""
    pictures.draw("a.png")
    said = {
        "metadata": {"weather": "rain"},
        "annotations": [BOX],
        "labels": ["street"],
        "context_id": "drive 7",
        "timestamp": 40,
        "width": 6,
        "height": 4,
    }
    pictures.write("a.json", json.dumps(said))
    pictures.add(side="{stem}.json")
    frame = pictures.at("a.png")
    assert frame.metadata == {"weather": "rain"}
    assert [one.labels for one in frame.annotations] == [["cat"], ["street"]]
    assert (frame.context_id, frame.timestamp) == ("drive 7", 40)
    assert pictures.add(side="{stem}.json").unchanged == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "no single JSON object"),
        ("{} {}", "no single JSON object"),
        ("{", "line 1"),
        ('{"a": 1, "a": 2}', "stands twice"),
        ('{"lables": []}', "no key 'lables'; the closest: 'labels'"),
        ('{"meta": {}, "metadata": {}}', "two names of one key"),
        ('{"metadata": []}', "metadata is a map"),
        ('{"labels": "cat"}', "labels"),
        ('{"annotations": [1]}', "annotations is a list"),
        ('{"annotations": [{"label": ["a"], "poly": ["x"]}]}', "annotations[0].poly[0]"),
        ('{"rois": [{"label": ["a"], "confidence": 7}]}', "rois[0].confidence"),
        ('{"timestamp": "noon"}', "timestamp"),
        ('{"width": 7}', "width is 7, but that of 'a.png' is 6"),
        ('{"width": -1}', "width"),
    ],
)
def test_a_side_file_that_is_wrong_is_one_error_with_its_name_and_key(
    pictures: Pictures, text: str, words: str
) -> None:
    """Whoever wrote it finds the place."""
    pictures.draw("a.png")
    pictures.write("a.json", text)
    with pytest.raises(FormatError, match=r"a\.json") as raised:
        pictures.add(side="{stem}.json")
    assert words in str(raised.value), str(raised.value)
    assert len(pictures.draft) == 0


def test_a_side_file_of_no_picture_is_an_error(pictures: Pictures) -> None:
    """Its labels would be lost without a word."""
    pictures.draw("a.png")
    pictures.write("b.json", "{}")
    with pytest.raises(FormatError, match=r"'b\.json' is a side file of no picture"):
        pictures.add(side="{stem}.json")


@pytest.mark.parametrize("forget", [False, True])
def test_a_side_file_that_changes_is_merged(
    pictures: Pictures, tmp_path: Path, forget: bool
) -> None:
    """What the file newly says comes in, what people said in the store stays.

    The frame knows what the file said before, whatever becomes of the cache.
    """
    pictures.draw("a.png")
    other = {**BOX, "label": ["dog"], "poly": [0, 0, 2, 0, 2, 2, 0, 2]}
    pictures.write("a.json", json.dumps({"metadata": {"a": 1, "b": 1}, "rois": [BOX, other]}))
    pictures.add(side="{stem}.json")
    frame = pictures.at("a.png")
    frame.annotations[0].labels = ["lynx"]
    frame.metadata["b"] = 5
    pictures.draft.update_frames([frame])
    third = {**BOX, "label": ["bird"], "poly": [2, 2, 4, 2, 4, 3, 2, 3]}
    said = {"metadata": {"a": 2, "b": 2, "c": 2}, "rois": [BOX, third]}
    path = pictures.write("a.json", json.dumps(said))
    assert path.stat().st_size
    if forget:
        for index in (tmp_path / ".hyperstore" / "cache" / "folders").iterdir():
            index.unlink()
    assert pictures.add(side="{stem}.json").changed == 1
    found = pictures.at("a.png")
    labels = sorted(one.labels[0] for one in found.annotations)
    assert labels == ["bird", "lynx"]
    assert found.metadata == {"a": 2, "b": 5, "c": 2}
    assert pictures.add(side="{stem}.json").changed == 0


def test_an_unchanged_side_file_does_not_bring_back_what_was_deleted(
    pictures: Pictures, tmp_path: Path
) -> None:
    """Also where nothing is remembered but what the frame says of itself."""
    pictures.draw("a.png")
    pictures.write("a.json", json.dumps({"rois": [BOX]}))
    pictures.add(side="{stem}.json")
    frame = pictures.at("a.png")
    frame.annotations.clear()
    pictures.draft.update_frames([frame])
    for index in (tmp_path / ".hyperstore" / "cache" / "folders").iterdir():
        index.unlink()
    pictures.add(side="{stem}.json", verify=True)
    assert not pictures.at("a.png").annotations


def test_fg_01_pictures_of_one_moment_are_one_group(pictures: Pictures) -> None:
    """With their masks, and a side file for the group or for each."""
    for camera, seed in (("left", 1), ("right", 2)):
        for number in ("000", "001"):
            pictures.draw(f"{number}_{camera}.jpg", seed)
    pictures.draw("masks/000_left.png", 3)
    pictures.write("000.json", json.dumps({"metadata": {"speed": 3}, "rois": [BOX]}))
    pictures.draw("alone.jpg", 5)
    options = {
        "group": "{group}_{camera}.jpg",
        "masks": "masks/{stem}.png",
        "side": "{group}.json",
    }
    report = pictures.add(**options)
    assert (report.added, report.incomplete) == (3, [])
    groups = pictures.groups()
    assert [sorted(one) for one in groups] == [["left", "right"]] * 2
    (first,) = [one for one in groups if one.metadata]
    assert first["left"].source == str(pictures.folder / "000_left.jpg")
    assert first["left"].mask_source == str(pictures.folder / "masks/000_left.png")
    assert first.metadata == {"speed": 3}
    root = pictures.draft.content_id
    assert pictures.add(**options, verify=True).unchanged == 3
    assert pictures.draft.content_id == root


def test_a_group_without_a_camera_is_listed_and_gets_it_later(pictures: Pictures) -> None:
    """A camera that failed for a moment costs nobody the others."""
    pictures.draw("l/0.png", 1)
    pictures.draw("r/0.png", 2)
    pictures.draw("l/1.png", 3)
    report = pictures.add(group="{camera}/{group}.png")
    assert report.incomplete == [("{camera}/1.png", ["r"])]
    ids = sorted(one.id for one in pictures.draft)
    pictures.draw("r/1.png", 4)
    report = pictures.add(group="{camera}/{group}.png")
    assert (report.added, report.changed, report.incomplete) == (0, 1, [])
    assert sorted(one.id for one in pictures.draft) == ids
    assert all(sorted(one) == ["l", "r"] for one in pictures.groups())


def test_a_new_camera_does_not_bring_back_what_was_deleted(pictures: Pictures) -> None:
    """Also where it comes before the others: the group's side file was told already."""
    pictures.draw("0_left.png", 1)
    pictures.draw("0_right.png", 2)
    pictures.write("0.json", '{"metadata": {"speed": 3}}')
    options = {"group": "{group}_{camera}.png", "side": "{group}.json"}
    pictures.add(**options)
    (group,) = pictures.groups()
    del group.metadata["speed"]
    pictures.draft.update_frames([group])
    pictures.draw("0_front.png", 3)
    assert pictures.add(**options).changed == 1
    (group,) = pictures.groups()
    assert (sorted(group), group.metadata) == (["front", "left", "right"], {})


def test_a_group_moves_as_one(pictures: Pictures, tmp_path: Path) -> None:
    """Its id follows from its name, its sources from where its files are."""
    for camera, seed in (("left", 1), ("right", 2)):
        pictures.draw(f"000_{camera}.jpg", seed)
    pictures.add(group="{group}_{camera}.jpg")
    (before,) = pictures.draft
    for camera in ("left", "right"):
        path = pictures.folder / f"000_{camera}.jpg"
        path.rename(pictures.folder / f"777_{camera}.jpg")
    report = pictures.add(group="{group}_{camera}.jpg")
    assert (report.moved, report.added) == (1, 0)
    (after,) = pictures.groups()
    assert after.id == before.id
    assert after["left"].source == str(pictures.folder / "777_left.jpg")


def test_metadata_under_the_name_of_a_member_is_refused(pictures: Pictures) -> None:
    """A side file of a group may not say it, since it would be the member's; the file is named."""
    for camera, seed in (("left", 1), ("right", 2)):
        pictures.draw(f"0_{camera}.png", seed)
        pictures.draw(f"1_{camera}.png", seed)
    pictures.write("0.json", '{"metadata": {"left": 5}}')
    options = {"group": "{group}_{camera}.png", "side": "{group}.json"}
    with pytest.raises(FrameError, match=r"0_left\.png: .*left"):
        pictures.add(**options)
    report = pictures.add(**options, skip_invalid=True)
    assert [name for name, _ in report.refused] == ["0_left.png"]
    assert report.added == 1


def test_a_group_is_all_or_nothing(pictures: Pictures) -> None:
    """One broken camera refuses the moment."""
    pictures.draw("0_l.png", 1)
    pictures.write("0_r.png", "no picture")
    pictures.draw("1_l.png", 2)
    pictures.draw("1_r.png", 3)
    report = pictures.add(group="{group}_{camera}.png")
    assert report.added == 1
    assert [name for name, _ in report.refused] == ["0_r.png", "0_{camera}.png"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"masks": "masks/*.png"}, "is no pattern"),
        ({"masks": "{stem"}, "is no pattern"),
        ({"masks": "{steam}.png"}, "{steam}; the closest: 'stem'"),
        ({"masks": "{stem}{mask}.png"}, "nothing stands between"),
        ({"masks": "../{stem}.png"}, "out of the folder"),
        ({"masks": "/m/{stem}.png"}, "out of the folder"),
        ({"masks": "{mask}.png"}, "nothing of the picture"),
        ({"masks": "a/{dir}/{stem}.png"}, "{dir} comes first"),
        ({"side": "all.json"}, "is no pattern"),
        ({"side": "{group}.json"}, "{group}"),
        ({"group": "{group}.png"}, "{group} and {camera}"),
        ({"group": "{group}-{camera}.tif"}, "no file fits"),
        ({"every_ms": 0}, "every_ms"),
        ({"fps": -1}, "fps"),
        ({"every_ms": 10, "fps": 10}, "not both"),
        ({"legend": "legend.json"}, "legend.json"),
    ],
)
def test_options_that_make_no_sense_are_one_error(
    pictures: Pictures, options: dict[str, object], words: str
) -> None:
    """It quotes what was asked."""
    pictures.draw("a.png")
    with pytest.raises(HyperstoreError) as raised:
        pictures.add(**options)
    assert words in str(raised.value)
    assert len(pictures.draft) == 0


@pytest.fixture
def film(pictures: Pictures) -> Path:
    """Return a video of 30 frames, ten a second, each of its own grey."""
    av: ModuleType = pytest.importorskip("av", reason="videos need PyAV")
    from PIL import Image

    path = pictures.folder / "drive" / "a.mp4"
    path.parent.mkdir()
    with av.open(str(path), "w") as container:
        track = container.add_stream("mpeg4", rate=10)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        for shade in range(0, 240, 8):
            picture = Image.new("RGB", (64, 48), (shade,) * 3)
            container.mux(track.encode(av.VideoFrame.from_image(picture)))
        container.mux(track.encode(None))
    return path


@pytest.mark.parametrize(
    ("options", "moments"),
    [
        ({}, list(range(0, 3000, 100))),
        ({"every_ms": 1000}, [0, 1000, 2000]),
        ({"fps": 3}, [0, 333, 666, 1000, 1333, 1666, 2000, 2333, 2666]),
    ],
)
def test_so_05_a_video_is_a_frame_for_each_moment(
    pictures: Pictures, film: Path, options: dict[str, object], moments: list[int]
) -> None:
    """One source, one context, ordered by time."""
    report = pictures.add(**options)
    assert report.added == len(moments)
    frames = list(pictures.draft)
    assert [one.timestamp for one in frames] == moments
    assert {one.context_id for one in frames} == {"drive/a.mp4"}
    first = pictures.frames()[0]
    assert (first.source, first.width, first.height) == (str(film), 64, 48)
    assert '"video/mp4"' in json.dumps(first.to_dict())
    root = pictures.draft.content_id
    assert pictures.add(**options).unchanged == len(moments)
    assert pictures.add(**options, verify=True).unchanged == len(moments)
    film.rename(pictures.folder / "b.mp4")
    assert pictures.add(**options).moved == len(moments)
    assert [one.id for one in pictures.draft] == [one.id for one in frames]
    assert pictures.draft.content_id != root


def test_moments_that_a_video_has_no_more_are_listed_and_pruned(
    pictures: Pictures, film: Path
) -> None:
    """It was made shorter; what is left of it keeps its labels."""
    pictures.add(every_ms=500)
    av: ModuleType = pytest.importorskip("av", reason="videos need PyAV")
    with av.open(str(film), "w") as container:
        track = container.add_stream("mpeg4", rate=10)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        for _ in range(12):
            container.mux(track.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(track.encode(None))
    report = pictures.add(every_ms=500)
    assert (report.changed, report.gone, len(pictures.draft)) == (3, ["drive/a.mp4"], 6)
    report = pictures.add(every_ms=500, prune=True)
    assert (report.pruned, report.gone, len(pictures.draft)) == (3, [], 3)


def test_moments_that_nobody_asks_for_go_where_their_video_goes(
    pictures: Pictures, film: Path
) -> None:
    """Whoever looks less often at a video that was renamed loses none of its labels."""
    pictures.add(every_ms=500)
    film.rename(pictures.folder / "b.mp4")
    report = pictures.add(every_ms=1000, prune=True)
    assert (report.moved, report.pruned, report.added) == (6, 0, 0)
    assert {one.source for one in pictures.frames()} == {str(pictures.folder / "b.mp4")}
    assert [one.timestamp for one in pictures.draft] == list(range(0, 3000, 500))


def test_a_broken_video_is_listed(pictures: Pictures, film: Path) -> None:
    """As a broken picture is."""
    data = film.read_bytes()
    (pictures.folder / "cut.mp4").write_bytes(data[: len(data) // 2])
    (pictures.folder / "empty.mkv").touch()
    (pictures.folder / "words.avi").write_text("no video")
    report = pictures.add(every_ms=1000)
    assert sorted(name for name, _ in report.refused) == ["cut.mp4", "empty.mkv", "words.avi"]
    assert report.added == 3


def test_masks_and_side_files_agree_on_two_machines(tmp_path: Path) -> None:
    """Everything that a folder says ends in the same bytes."""
    found = []
    for place in ("one", "two/deep"):
        root = tmp_path / place
        draw(root / "pics/a.png", 1)
        draw(root / "pics/a_mask.png", 2)
        (root / "pics/a.json").write_text(json.dumps({"rois": [BOX], "metadata": {"b": 1, "a": 2}}))
        with hyperstore.init(root / ".hyperstore") as store:
            draft = store.create_dataset("cells").version()
            add_folder(draft, root / "pics", masks="{stem}_mask.png", side="{stem}.json")
            found.append(draft.content_id)
    assert found[0] == found[1]


def test_a_legend_without_masks_is_an_error(pictures: Pictures, tmp_path: Path) -> None:
    """It would mean nothing."""
    pictures.draw("a.png")
    legend = tmp_path / "legend.json"
    legend.write_text('{"1,2,3": ["a"]}')
    with pytest.raises(UsageError, match="pattern of masks"):
        pictures.add(legend=legend)
