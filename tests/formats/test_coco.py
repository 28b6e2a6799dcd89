"""COCO in and out on real files, after edits, and for frames that were made by hand."""

import json
import math
import os
from pathlib import Path

import pytest

from hyperstore.errors import ConflictError, NotFoundError, RefusedError, UsageError
from hyperstore.formats import coco
from hyperstore.formats.combine import Wire, mapping, sequence
from tests.support.coco import DictVersion, put, value_of
from tests.support.pose import write_pose_file
from tests.support.shared import shared_data

_COUNTS = {
    "captions_train2017.json": (80, 400),
    "captions_val2017.json": (79, 395),
    "instances_train2017.json": (80, 739),
    "instances_val2017.json": (79, 624),
    "person_keypoints_train2017.json": (80, 172),
    "person_keypoints_val2017.json": (79, 118),
}


def test_the_six_original_files_come_back_equal_from_one_version(tmp_path: Path) -> None:
    """Boxes, key points and captions of one picture share a frame, and no file loses anything."""
    folder = shared_data("coco-mini") / "annotations"
    version = DictVersion()
    version.read(*(folder / name for name in _COUNTS))
    assert len(version.frames) == 159
    for name, counts in _COUNTS.items():
        found, report = version.write(tmp_path / name, of=name)
        assert value_of(found) == value_of(json.loads((folder / name).read_bytes()))
        assert (report.counts["images"], report.counts["annotations"]) == counts
        assert report.notes == {}


def test_every_kind_of_coco_file_comes_back_equal(tmp_path: Path) -> None:
    """Stuff, labels, panoptic, plain images and Roboflow's naming are COCO too."""
    files = sorted(shared_data("formats").joinpath("coco_dataset").rglob("*.json"))
    assert len(files) == 32
    for folder in {file.parents[1] for file in files}:
        version = DictVersion()
        own = [file for file in files if file.parents[1] == folder]
        version.read(*own)
        for file in own:
            found, _ = version.write(tmp_path / "out.json", of="/".join(file.parts[-2:]))
            assert value_of(found) == value_of(json.loads(file.read_bytes()))


def test_joining_train_and_val_keeps_every_object(tmp_path: Path) -> None:
    """A task of two files is exported as one, with ids that do not clash, and read again."""
    folder = shared_data("coco-mini") / "annotations"
    version = DictVersion()
    version.read(folder / "instances_train2017.json", folder / "instances_val2017.json")
    found, _ = version.write(tmp_path / "all.json")
    again = DictVersion()
    report = again.read(tmp_path / "all.json")
    assert (report.counts["images"], report.counts["annotations"]) == (159, 1363)
    assert report.notes == {}
    assert len({item["id"] for item in _items(found, "annotations")}) == 1363
    assert set(again.frames) == set(version.frames)


@pytest.mark.slow
def test_twenty_thousand_pictures_of_people_come_back_equal(tmp_path: Path) -> None:
    """The same laws at the size of a real dataset."""
    archive = shared_data("coco-pose-20k.tar.gz")
    counts = write_pose_file(archive, tmp_path / "pose.json")
    assert counts == (20_000, 53_033)
    with coco.read([tmp_path / "pose.json"]) as source:
        meta = coco.combine_version({}, source)
        frames = (coco.combine(None, partial) for partial in source.frames())
        report = coco.write(frames, meta, tmp_path / "out.json")
    assert (report.counts["images"], report.counts["annotations"]) == counts
    found, given = (
        json.loads((tmp_path / name).read_bytes()) for name in ("out.json", "pose.json")
    )
    assert value_of(found) == value_of(given)


def _items(data: Wire, name: str) -> list[Wire]:
    return [mapping(item) for item in sequence(data[name])]


def _dataset() -> Wire:
    mask = {"counts": [1, 2, 3], "size": [2, 3]}
    shapes: list[Wire] = [
        {"bbox": [10, 20, 30.5, 40], "area": 7.5, "segmentation": []},
        {"segmentation": [[0, 0, 9, 0, 9, 9]], "bbox": [0, 0, 9, 9], "area": 3, "x": None},
        {"segmentation": mask, "bbox": [0, 0, 2, 2], "area": 2, "iscrowd": 1},
        {"keypoints": [1, 2, 2, 3, 4, 1, 0, 0, 0], "num_keypoints": 2, "bbox": [0, 0, 8, 8]},
    ]
    common = {"iscrowd": 0, "category_id": 2, "image_id": 5}
    return {
        "info": {},
        "images": [{"id": 5, "file_name": "a.jpg", "width": 64, "height": 48}],
        "categories": [{"id": 2, "name": "cat"}, {"id": 9, "name": "dog"}],
        "annotations": [common | shape | {"id": at} for at, shape in enumerate(shapes, 1)],
    }


def _edited(tmp_path: Path, index: int, change: Wire) -> tuple[list[Wire], coco.Report]:
    """Import, change one ROI of the frame, export; answers the annotations by id."""
    version = DictVersion()
    version.read(put(tmp_path / "in.json", _dataset()))
    (frame,) = version.frames.values()
    rois = [dict(mapping(roi)) for roi in sequence(frame["rois"])]
    rois[index] |= change
    version.put(frame | {"rois": rois})
    found, report = version.write(tmp_path / "out.json")
    return sorted(_items(found, "annotations"), key=lambda item: str(item["id"])), report


def test_a_moved_box_is_exported_where_it_is_now(tmp_path: Path) -> None:
    """What was kept of the old geometry must not contradict the ROI."""
    found, _ = _edited(tmp_path, 0, {"poly": [1, 2, 4, 2, 4, 6, 1, 6]})
    before = _items(_dataset(), "annotations")
    assert found[0] == before[0] | {"bbox": [1, 2, 3, 4], "area": 12}
    assert found[1:] == before[1:]


def test_a_moved_polygon_takes_its_box_and_area_along(tmp_path: Path) -> None:
    """All three say the same shape; an unknown field stays."""
    found, _ = _edited(tmp_path, 1, {"poly": [0, 0, 4, 0, 4, 4, 0, 4]})
    assert found[1] == _items(_dataset(), "annotations")[1] | {
        "segmentation": [[0, 0, 4, 0, 4, 4, 0, 4]],
        "bbox": [0, 0, 4, 4],
        "area": 16.0,
    }


def test_a_mask_whose_box_moved_is_left_out_and_reported(tmp_path: Path) -> None:
    """The mask would say another place than the box."""
    found, report = _edited(tmp_path, 2, {"poly": [1, 0, 3, 0, 3, 2, 1, 2]})
    assert (found[2]["bbox"], found[2]["segmentation"]) == ([1, 0, 2, 2], [])
    assert any("mask" in line for line in report.lines())


def test_moved_key_points_keep_their_visibility_and_their_person(tmp_path: Path) -> None:
    """The box of a person is a fact of its own."""
    found, _ = _edited(tmp_path, 3, {"poly": [1, 2.5, 3, 4, 0, 0]})
    before = _items(_dataset(), "annotations")[3]
    assert found[3] == before | {"keypoints": [1, 2.5, 2, 3, 4, 1, 0, 0, 0]}


def test_a_relabelled_roi_is_exported_under_its_new_category(tmp_path: Path) -> None:
    """Also under one that the file did not have."""
    found, _ = _edited(tmp_path, 0, {"label": ["dog"]})
    assert found[0] == _items(_dataset(), "annotations")[0] | {"category_id": 9}
    found, report = _edited(tmp_path, 0, {"label": ["emu"]})
    assert found[0]["category_id"] == 10
    assert any("emu" in line for line in report.lines())


def test_deleted_added_and_copied_rois(tmp_path: Path) -> None:
    """A deleted one is gone, one made by hand has a new id, and so has a copy."""
    version = DictVersion()
    version.read(put(tmp_path / "in.json", _dataset()))
    (frame,) = version.frames.values()
    rois = sequence(frame["rois"])
    drawn: Wire = {"label": ["dog"], "poly": [0, 0, 2, 0, 2, 2, 0, 2], "meta": {"_type": "b2d"}}
    copied = {**mapping(rois[1]), "id": "copy"}
    version.put(frame | {"rois": [*rois[1:], drawn, copied]})
    found, _ = version.write(tmp_path / "out.json")
    assert sorted(int(str(item["id"])) for item in _items(found, "annotations")) == [2, 3, 4, 5, 6]
    by_id = {item["id"]: item for item in _items(found, "annotations")}
    assert (by_id[5]["bbox"], by_id[5]["category_id"], by_id[5]["image_id"]) == ([0, 0, 2, 2], 9, 5)
    assert by_id[6] == by_id[2] | {"id": 6}


def test_importing_again_restores_content_and_keeps_ids_and_handwork(tmp_path: Path) -> None:
    """The file's ROIs are as in the file again; what was made by hand stays, also its place."""
    version = DictVersion()
    file = put(tmp_path / "in.json", _dataset())
    version.read(file)
    (frame,) = version.frames.values()
    before = sequence(frame["rois"])
    drawn: Wire = {"id": "mine", "label": ["x"], "sources": ["default"]}
    edited = {**mapping(before[2]), "label": ["dog"]}
    version.put(frame | {"rois": [before[0], drawn, edited, before[3]], "meta": {"k": 1}})
    version.read(file)
    (frame,) = version.frames.values()
    rois = [mapping(roi) for roi in sequence(frame["rois"])]
    assert frame["meta"] == {"k": 1}
    assert rois[1] == {**mapping(before[1]), "id": rois[1]["id"]}
    assert [rois[0], *rois[2:]] == [before[0], drawn, before[2], before[3]]


def test_frames_made_by_hand_become_proper_coco(tmp_path: Path) -> None:
    """Ids are given, categories follow from labels, shapes from geometry, the rest is reported."""
    shapes: list[tuple[str, list[float]]] = [
        ("b2d", [0, 0, 2, 0, 2, 3, 0, 3]),
        ("b2d", [1, 0, 2, 1, 1, 2, 0, 1]),
        ("p2d", [0, 0, 2, 0, 2, 2, -999999999, 5, 5, 6, 5, 6, 6]),
        ("elp", [5, 5, 2, 1, 0]),
        ("b3d", [1] * 10),
        ("k2d", [1, 1]),
    ]
    rois = [
        {"label": [f"l{at}"], "poly": poly, "sources": ["default"], "meta": {"_type": kind}}
        for at, (kind, poly) in enumerate(shapes)
    ]
    rois.append({"label": ["sunny"], "sources": ["default"]})
    source = {"id": "default", "uri": f"{tmp_path}/p/a.jpg", "width": 9, "height": 8}
    frame: Wire = {"id": "f", "sources": [source], "rois": rois}
    report = coco.write([frame], {}, tmp_path / "out.json")
    data = json.loads((tmp_path / "out.json").read_text())
    assert data["images"] == [{"id": 1, "file_name": "p/a.jpg", "width": 9, "height": 8}]
    box, turned, parts, ellipse, points = data["annotations"]
    assert box == {
        "id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0,
        "bbox": [0, 0, 2, 3], "area": 6, "segmentation": [],
    }  # fmt: skip
    assert (turned["bbox"], turned["area"]) == ([0, 0, 2, 2], 2.0)
    assert turned["segmentation"] == [[1, 0, 2, 1, 1, 2, 0, 1]]
    assert (parts["area"], parts["bbox"], len(parts["segmentation"])) == (2.5, [0, 0, 6, 6], 2)
    assert ellipse["area"] == pytest.approx(math.pi * 2)
    assert ellipse["bbox"] == [3.0, 4.0, 4.0, 2.0]
    names = {item["id"]: item["name"] for item in data["categories"]}
    labels = [names[item["category_id"]] for item in data["annotations"]]
    assert labels == ["l0", "l1", "l2", "l3", "l5"]
    assert (points["keypoints"], points["num_keypoints"]) == ([1, 1, 2], 1)
    said = "\n".join(report.lines())
    for word in ("b3d", "labels", "ellipse", "rotated"):
        assert word in said


def test_only_the_lists_of_images_and_annotations_are_reordered(tmp_path: Path) -> None:
    """By frames; within an image annotations stay as they stood, and so do categories."""
    data = _dataset()
    images: list[Wire] = [{"id": at, "file_name": f"{at}.jpg"} for at in (9, 3, 7, 1)]
    boxes = [{"id": at, "image_id": (9, 3, 7, 1)[at % 4], "category_id": 2, "bbox": [at, 1, 2, 2]}
             for at in (8, 2, 5, 11, 3, 0, 6, 1, 4, 7, 9, 10)]  # fmt: skip
    given_in = data | {"images": images, "annotations": boxes}
    given_in["categories"] = _items(data, "categories")[::-1]
    given_in["licenses"] = [{"id": 2}, {"id": 1}]
    version = DictVersion()
    version.read(put(tmp_path / "in.json", given_in))
    found, _ = version.write(tmp_path / "out.json")
    assert value_of(found) == value_of(given_in)
    frames = [mapping(frame["_coco"]) for frame in version.sorted()]  # As a version has them.
    by_frame = [mapping(mapping(sequence(kept["images"])[0])["record"]) for kept in frames]
    assert found["images"] == by_frame != images
    order = [image["id"] for image in by_frame]
    wanted = sorted(boxes, key=lambda box: order.index(box["image_id"]))
    assert [item["id"] for item in _items(found, "annotations")] == [box["id"] for box in wanted]
    assert found["categories"] == given_in["categories"]


def test_boxes_of_negative_sides_are_written_as_they_lie_and_counted(tmp_path: Path) -> None:
    """No reader expects them; but what came in so goes out so."""
    turned = [50, 40, 30, 40, 30, 30, 50, 30]
    roi = {"label": ["cat"], "poly": turned, "sources": ["default"], "meta": {"_type": "b2d"}}
    version = DictVersion()
    version.put({"id": "f", "sources": [{"id": "default", "uri": "/a.jpg"}], "rois": [roi]})
    found, report = version.write(tmp_path / "out.json")
    (annotation,) = _items(found, "annotations")
    assert (annotation["bbox"], annotation["area"]) == ([30, 30, 20, 10], 200)
    assert report.notes["box of negative sides, written as it lies"].count == 1
    data = _dataset()
    _items(data, "annotations")[0]["bbox"] = [50, 40, -20, -10]
    version = DictVersion()
    version.read(put(tmp_path / "in.json", data))
    found, report = version.write(tmp_path / "out.json")
    assert value_of(found) == value_of(data)
    assert report.notes == {}


def test_two_pictures_of_one_name_are_not_mixed(tmp_path: Path) -> None:
    """Train and val folders may both hold `a.jpg`; boxes must not land on the other picture."""
    version = DictVersion()
    version.read(put(tmp_path / "a.json", _dataset()), images=tmp_path / "train")
    other = _dataset() | {"images": [{"id": 5, "file_name": "a.jpg", "width": 65, "height": 48}]}
    with pytest.raises(ConflictError, match=r"train/a\.jpg"):
        version.read(put(tmp_path / "b.json", other), images=tmp_path / "val")


def test_a_name_that_leads_out_of_the_folder_does_not(tmp_path: Path) -> None:
    """It is data: kept, exported, and no place outside follows from it."""
    data: Wire = {
        "images": [
            {"id": 1, "file_name": "../../etc/passwd"},
            {"id": 2, "file_name": "/etc/shadow"},
            {"id": 3, "file_name": f"{tmp_path}/in/x.jpg"},
        ]
    }
    version = DictVersion()
    report = version.read(put(tmp_path / "in.json", data), images=tmp_path / "in")
    uris = {mapping(sequence(frame["sources"])[0])["uri"] for frame in version.frames.values()}
    assert uris == {f"{tmp_path}/in/{name}" for name in ("etc/passwd", "etc/shadow", "x.jpg")}
    assert [note.count for note in report.notes.values()] == [2]
    assert value_of(version.write(tmp_path / "out.json")[0]) == value_of(data)


def test_where_a_picture_is(tmp_path: Path) -> None:
    """The folder named counts first, then the file's own URL, then the file's folder."""
    url = "http://example.org/a.jpg"
    data: Wire = {"images": [{"id": 1, "file_name": "a.jpg", "coco_url": url}]}
    plain: Wire = {"images": [{"id": 1, "file_name": "a.jpg"}]}
    for content, images, expected in (
        (data, tmp_path / "p", f"{tmp_path}/p/a.jpg"),
        (data, None, url),
        (plain, None, f"{tmp_path}/a.jpg"),
    ):
        version = DictVersion()
        version.read(put(tmp_path / "in.json", content), images=images)
        (frame,) = version.frames.values()
        assert mapping(sequence(frame["sources"])[0])["uri"] == expected


def test_nothing_planted_is_followed_and_nothing_is_left(tmp_path: Path) -> None:
    """A link under the target's name is neither replaced nor written through."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "out.json").symlink_to(victim)
    with pytest.raises(RefusedError, match="symbolic link"):
        coco.write([], {}, tmp_path / "out.json")
    assert victim.read_text() == "mine"
    assert (tmp_path / "out.json").is_symlink()
    (tmp_path / "out.json").unlink()
    coco.write([], {}, tmp_path / "out.json")
    before = (tmp_path / "out.json").read_text()

    def failing() -> object:
        raise KeyError("a frame that cannot be read")

    with pytest.raises(KeyError):
        coco.write((mapping(failing()) for _ in range(1)), {}, tmp_path / "out.json")
    assert {path.name for path in tmp_path.iterdir()} == {"out.json", "victim"}
    assert (tmp_path / "out.json").read_text() == before
    with pytest.raises(NotFoundError):
        coco.write([], {}, tmp_path / "none" / "out.json")
    with pytest.raises(UsageError):
        coco.write([], {}, tmp_path)


@pytest.mark.parametrize("name", ["\0", "a\0b", "x" * 256, "\u732b" * 86, "\ud800"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    """It is the caller's mistake, not the disk's."""
    with pytest.raises(UsageError, match="no name of a file"):
        coco.write([], {}, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_name_may_be_as_long_as_the_system_takes(tmp_path: Path) -> None:
    """The name under which it is written first is shorter."""
    coco.write([], {}, tmp_path / ("\u732b" * 84))
    assert [path.name for path in tmp_path.iterdir()] == ["\u732b" * 84]


def test_a_file_that_is_replaced_hands_down_its_mode(tmp_path: Path) -> None:
    """Whoever kept it from others, or shared it with a group, meant it."""
    target = tmp_path / "out.json"
    target.write_text("old")
    for mode in (0o600, 0o664):
        target.chmod(mode)
        coco.write([], {}, target)
        assert target.stat().st_mode & 0o777 == mode


def test_a_device_or_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    """Root would put a file in the place of /dev/null."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(os.devnull)
    for name in ("pipe", "link"):
        with pytest.raises(UsageError, match="plain file"):
            coco.write([], {}, tmp_path / name)
    assert (tmp_path / "link").is_symlink()


def test_what_to_export_has_to_be_clear(tmp_path: Path) -> None:
    """Two tasks in one version: one of them is named, or the error says which there are."""
    version = DictVersion()
    captions: Wire = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "annotations": [{"id": 1, "image_id": 1, "caption": "a cat"}],
    }
    version.read(put(tmp_path / "x/i.json", _dataset()), put(tmp_path / "x/c.json", captions))
    for wrong in (None, "nothing"):
        with pytest.raises(UsageError, match="captions, keypoints"):
            coco.write(version.sorted(), version.meta, tmp_path / "out.json", of=wrong)
    for of in ("captions", "x/c.json", "c.json", "c"):
        assert value_of(version.write(tmp_path / "out.json", of=of)[0]) == value_of(captions)
    (frame,) = version.frames.values()
    texts = [mapping(mapping(roi).get("meta")).get("caption") for roi in sequence(frame["rois"])]
    assert "a cat" in texts
