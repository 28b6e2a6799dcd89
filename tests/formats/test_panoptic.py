"""Panoptic COCO: what comes in, what goes out after edits and from other shapes, what is refused.

Pixels are compared with arrays that NumPy filled, never with what our painter made.
"""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hyperstore.errors import (
    ExistsError,
    FormatError,
    HyperstoreError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from hyperstore.formats import panoptic
from hyperstore.formats.combine import Wire, mapping, sequence
from tests.support.coco import DictVersion, put, value_of
from tests.support.command import environment
from tests.support.panoptic import Ids, PanopticVersion, ids_in, put_panoptic, put_png

_CATEGORIES: list[object] = [
    {"id": 1, "name": "cat", "supercategory": "animal", "isthing": 1, "color": [9, 8, 7]},
    {"id": 4, "name": "sky", "supercategory": "outside", "isthing": 0, "color": [1, 2, 3]},
]
_BIG = 70_000  # An id that needs all three bytes.


def _ids() -> Ids:
    """6 rows, 8 columns: sky above, a cat at the left below it, and void."""
    ids = np.zeros((6, 8), dtype=np.int64)
    ids[:2] = 300
    ids[3:6, :3] = _BIG
    return ids


def _data() -> Wire:
    segments = [
        {"id": 300, "category_id": 4, "iscrowd": 0, "bbox": [0, 0, 8, 2], "area": 16},
        {"id": _BIG, "category_id": 1, "iscrowd": 1, "bbox": [0, 3, 3, 3], "area": 9, "x": None},
    ]
    return {
        "info": {"year": 2026},
        "images": [{"id": 5, "file_name": "a.jpg", "width": 8, "height": 6}],
        "annotations": [{"image_id": 5, "file_name": "a.png", "segments_info": segments}],
        "categories": _CATEGORIES,
    }


def _read(folder: Path) -> PanopticVersion:
    version = PanopticVersion()
    version.read_panoptic(put_panoptic(folder / "in" / "p.json", _data(), {"a.png": _ids()}))
    return version


def _frame(version: DictVersion) -> Wire:
    (frame,) = version.frames.values()
    return frame


def _rois(frame: Wire) -> list[Wire]:
    return [mapping(roi) for roi in sequence(frame.get("rois"))]


def _segments(data: Wire) -> list[Wire]:
    (annotation,) = sequence(data["annotations"])
    return [mapping(segment) for segment in sequence(mapping(annotation)["segments_info"])]


def _box(x: int, y: int, width: int, height: int, label: str) -> Wire:
    poly = [x, y, x + width, y, x + width, y + height, x, y + height]
    return {"label": [label], "sources": ["default"], "poly": poly, "meta": {"_type": "b2d"}}


def test_a_segment_is_an_roi_of_its_colour_in_the_mask(tmp_path: Path) -> None:
    """The bytes of 300 and 70,000, lowest first, are the colours; the rest is kept beside."""
    frame = _frame(_read(tmp_path))
    source = mapping(sequence(frame["sources"])[0])
    (mask,) = map(mapping, sequence(source["masks"]))
    assert mask["uri"] == str(tmp_path / "in" / "p" / "a.png")
    assert (mask["width"], mask["height"]) == (8, 6)
    sky, cat = _rois(frame)
    assert sky["mask"] == {"id": mask["id"], "value": [44, 1, 0]}
    assert cat["mask"] == {"id": mask["id"], "value": [112, 17, 1]}
    assert (sky["label"], cat["label"], cat["meta"]) == (["sky"], ["cat"], {"_type": "mask"})
    fields = {"iscrowd": 1, "bbox": [0, 3, 3, 3], "area": 9, "x": None}
    assert mapping(cat["_coco"])["fields"] == fields


def test_what_nobody_edited_comes_back_with_things_stuff_and_colours(tmp_path: Path) -> None:
    """Categories with isthing, color and supercategory too; void stays void."""
    found, report = _read(tmp_path).write_panoptic(tmp_path / "out.json")
    assert value_of(found) == value_of(_data())
    assert np.array_equal(ids_in(tmp_path / "out" / "a.png"), _ids())
    assert report.notes == {}


def test_importing_again_or_with_instances_changes_nothing(tmp_path: Path) -> None:
    """Two files about one picture share its frame, and each gives its own back."""
    version = _read(tmp_path)
    other = _data() | {"annotations": [{"id": 1, "image_id": 5, "category_id": 1, "iscrowd": 0,
                       "bbox": [1, 1, 2, 2], "area": 4, "segmentation": []}]}  # fmt: skip
    version.read(put(tmp_path / "in" / "i.json", other))
    before = dict(version.frames), version.meta
    version.read_panoptic(tmp_path / "in" / "p.json")
    version.read(tmp_path / "in" / "i.json")
    assert (version.frames, version.meta) == before
    found, report = version.write_panoptic(tmp_path / "out.json")
    assert value_of(found) == value_of(_data())
    assert report.notes == {}
    found, report = version.write(tmp_path / "back.json", of="instances")
    assert value_of(found) == value_of(other)
    assert report.notes == {}


def test_a_png_that_went_away_takes_its_mask_along(tmp_path: Path) -> None:
    """The file says the same, and the frame no longer names pixels that nobody can look at."""
    version = _read(tmp_path)
    (tmp_path / "in" / "p" / "a.png").unlink()
    put_png(tmp_path / "in" / "p" / "other.png", _ids())
    report = version.read_panoptic(tmp_path / "in" / "p.json")
    assert "annotation whose PNG is not there, kept as it is" in report.notes
    frame = _frame(version)
    assert (_rois(frame), mapping(sequence(frame["sources"])[0])["masks"]) == ([], [])
    found, report = version.write_panoptic(tmp_path / "out.json")
    assert value_of(found) == value_of(_data())
    assert list(report.notes) == ["annotation that came without its PNG, written without it"]


def test_a_segment_that_was_deleted_leaves_void(tmp_path: Path) -> None:
    """Its pixels are nobody's then, and those of the others stay."""
    version = _read(tmp_path)
    frame = _frame(version)
    version.put(frame | {"rois": _rois(frame)[1:]})
    found, _ = version.write_panoptic(tmp_path / "out.json")
    assert _segments(found) == _segments(_data())[1:]
    wanted = _ids()
    wanted[wanted == 300] = 0
    assert np.array_equal(ids_in(tmp_path / "out" / "a.png"), wanted)


def test_a_segment_that_was_relabelled_has_its_new_category(tmp_path: Path) -> None:
    """Also one that the file had not, which is added as stuff, since only a mask says it."""
    version = _read(tmp_path)
    frame = _frame(version)
    sky, cat = _rois(frame)
    version.put(frame | {"rois": [sky | {"label": ["fog"]}, cat | {"label": ["sky"]}]})
    found, report = version.write_panoptic(tmp_path / "out.json")
    before = _segments(_data())
    assert _segments(found) == [before[0] | {"category_id": 5}, before[1] | {"category_id": 4}]
    added = mapping(sequence(found["categories"])[-1])
    assert (added["id"], added["name"], added["isthing"]) == (5, "fog", 0)
    assert "category added for a label that the file has not" in report.notes
    assert np.array_equal(ids_in(tmp_path / "out" / "a.png"), _ids())


def test_outlines_go_over_masks_and_small_ones_over_large_ones(tmp_path: Path) -> None:
    """Whatever their order in the frame; what is covered has the area and box of what shows."""
    version = _read(tmp_path)
    frame = _frame(version)
    boxes = [_box(2, 1, 1, 1, "cat"), _box(1, 1, 3, 4, "dog")]
    version.put(frame | {"rois": [boxes[0], *_rois(frame), boxes[1]]})
    found, report = version.write_panoptic(tmp_path / "out.json")
    small, sky, cat, large = _segments(found)
    wanted = _ids()
    wanted[1:5, 1:4] = int(str(large["id"]))
    wanted[1, 2] = int(str(small["id"]))
    assert np.array_equal(ids_in(tmp_path / "out" / "a.png"), wanted)
    for segment in (small, sky, cat, large):
        rows, columns = np.nonzero(wanted == segment["id"])
        assert segment["area"] == len(rows)
        box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert segment["bbox"] == box
    assert len({small["id"], large["id"], 0, 300, _BIG}) == 5
    assert (sky["iscrowd"], cat["iscrowd"], cat["x"]) == (0, 1, None)
    assert report.notes["segment that others cover in part"].count == 3


def test_what_is_covered_wholly_is_left_out_and_said(tmp_path: Path) -> None:
    """A segment without a pixel is none, unless it came so."""
    version = _read(tmp_path)
    frame = _frame(version)
    version.put(frame | {"rois": [*_rois(frame), _box(0, 3, 3, 3, "dog")]})
    found, report = version.write_panoptic(tmp_path / "out.json")
    assert [segment["category_id"] for segment in _segments(found)] == [4, 5]
    assert report.notes["segment without a pixel, left out"].count == 1


def test_instances_become_segments_crowds_below(tmp_path: Path) -> None:
    """A version without a panoptic file gives what its outlines say, run lengths too."""
    crowd = {"size": [6, 8], "counts": [0, 24, 24]}  # The four columns at the left.
    annotations: list[object] = [
        {"id": 7, "image_id": 5, "category_id": 1, "iscrowd": 0, "bbox": [0, 0, 6, 5],
         "area": 30, "segmentation": [[0, 0, 6, 0, 6, 5, 0, 5]]},
        {"id": 8, "image_id": 5, "category_id": 4, "iscrowd": 1, "bbox": [0, 0, 4, 6],
         "area": 24, "segmentation": crowd},
    ]  # fmt: skip
    data = _data() | {"annotations": annotations, "categories": [
        {"id": 1, "name": "cat"}, {"id": 4, "name": "sky"}]}  # fmt: skip
    version = PanopticVersion()
    version.read(put(tmp_path / "i.json", data))
    found, report = version.write_panoptic(tmp_path / "out.json")
    cat, sky = _segments(found)
    wanted = np.zeros((6, 8), dtype=np.int64)
    wanted[:, :4] = int(str(sky["id"]))
    wanted[:5, :6] = int(str(cat["id"]))
    assert np.array_equal(ids_in(tmp_path / "out" / "a.png"), wanted)
    assert [(one["category_id"], one["iscrowd"], one["area"]) for one in (cat, sky)] == [
        (1, 0, 30), (4, 1, 4)]  # fmt: skip
    assert all(mapping(one)["isthing"] == 1 for one in sequence(found["categories"]))
    assert list(report.notes) == ["segment that others cover in part"]
    assert sequence(found["images"]) == data["images"]


def test_what_has_no_pixels_is_counted(tmp_path: Path) -> None:
    """Key points, labels of whole frames, ROIs of masks that are not there: none in silence."""
    points: Wire = {"label": ["cat"], "poly": [1, 2], "meta": {"_type": "k2d"}}
    lost: Wire = {"label": ["cat"], "mask": {"id": "77", "value": [1, 1, 1]}}
    version = _read(tmp_path)
    frame = _frame(version)
    source = mapping(sequence(frame["sources"])[0])
    source["masks"] = [*sequence(source["masks"]), {"id": "00", "uri": "s3://b/m.png"}]
    version.put(frame | {"rois": [points, {"label": ["dusk"]}, lost, *_rois(frame)], "blob": "b"})
    found, report = version.write_panoptic(tmp_path / "out.json")
    assert _segments(found) == _segments(_data())
    said = "\n".join(report.lines())
    for words in ("ROI of kind k2d", "label of the whole frame", "mask that the frame has not",
                  "whose blob", "mask that no segment shows"):  # fmt: skip
        assert words in said


def test_colours_that_only_the_legend_explains_become_stuff(tmp_path: Path) -> None:
    """One segment a colour; a mask's own legend goes before that of all, an ROI before both."""
    pixels = np.zeros((4, 6, 3), dtype=np.uint8)
    pixels[:2], pixels[3, :3], pixels[3, 3:] = (255, 0, 0), 7, (1, 2, 3)
    Image.fromarray(pixels).save(tmp_path / "m.png")
    masks = [{"id": name, "uri": str(tmp_path / "m.png")} for name in ("00", "other")]
    source = {"id": "default", "uri": "/d/a.jpg", "masks": masks[:1]}
    red = {"label": ["car"], "mask": {"id": "00", "value": [255, 0, 0]}, "sources": ["default"]}
    version = PanopticVersion()
    version.put({"id": "a", "sources": [source]})
    version.put({"id": "b", "sources": [source | {"uri": "/d/b.jpg"}], "rois": [red]})
    version.put({"id": "c", "sources": [source | {"uri": "/d/c.jpg", "masks": masks[1:]}]})
    version.meta["mask_labels"] = {
        "_all_": [{"value": [255, 0, 0], "labels": ["road"]}, {"value": [7], "labels": ["sky"]},
                  {"value": [9, 9, 9], "labels": ["nowhere"]}, {"value": [1, 2, 3], "labels": []}],
        "other": [{"value": [255, 0, 0], "labels": ["roof"]}],
    }  # fmt: skip
    found, report = version.write_panoptic(tmp_path / "out.json")
    names = {mapping(one)["id"]: mapping(one) for one in sequence(found["categories"])}
    shown = [
        {names[mapping(one)["category_id"]]["name"]: (mapping(one)["id"], mapping(one)["area"])
         for one in sequence(mapping(annotation)["segments_info"])}
        for annotation in sequence(found["annotations"])
    ]  # fmt: skip
    grey = 7 + 256 * 7 + 65536 * 7
    assert shown == [{label: (255, 12), "sky": (grey, 3)} for label in ("road", "car", "roof")]
    assert {one["name"]: one["isthing"] for one in names.values()} == {
        "road": 0, "sky": 0, "car": 0, "roof": 0}  # fmt: skip
    wanted = np.zeros((4, 6), dtype=np.int64)
    wanted[:2], wanted[3, :3] = 255, grey
    for name in "abc":
        assert np.array_equal(ids_in(tmp_path / "out" / f"{name}.png"), wanted)
    assert "mask that no segment shows, left out" not in report.notes


def test_a_mask_of_which_the_legend_says_nothing_is_counted(tmp_path: Path) -> None:
    """Neither a segment nor a category comes of it."""
    Image.new("L", (6, 4), 50).save(tmp_path / "m.png")
    masks = [{"id": "00", "uri": str(tmp_path / "m.png")}]
    version = PanopticVersion()
    version.put({"id": "a", "sources": [{"id": "default", "uri": "/d/a.jpg", "masks": masks}]})
    version.meta["mask_labels"] = {"_all_": [{"value": [9], "labels": ["sky"]}]}
    found, report = version.write_panoptic(tmp_path / "out.json")
    assert (found["annotations"], found["categories"]) == ([], [])
    assert report.notes["mask that no segment shows, left out"].count == 1


def test_train_and_val_are_joined_with_ids_that_do_not_clash(tmp_path: Path) -> None:
    """A task of two files is one file; the PNGs of both stand in its folder."""
    version = _read(tmp_path)
    images = [{"id": 5, "file_name": "b.jpg", "width": 8, "height": 6}]
    annotation = mapping(sequence(_data()["annotations"])[0]) | {"file_name": "b.png"}
    other = _data() | {"images": images, "annotations": [annotation]}
    version.read_panoptic(put_panoptic(tmp_path / "in" / "q.json", other, {"b.png": _ids()[::-1]}))
    found, _ = version.write_panoptic(tmp_path / "out.json")
    names = {mapping(one)["id"]: mapping(one)["file_name"] for one in sequence(found["images"])}
    assert sorted(map(str, names.values())) == ["a.jpg", "b.jpg"]
    for annotation in map(mapping, sequence(found["annotations"])):
        assert annotation.keys() == {"image_id", "file_name", "segments_info"}
        assert str(names[annotation["image_id"]])[0] == str(annotation["file_name"])[0]
    assert np.array_equal(ids_in(tmp_path / "out" / "b.png"), _ids()[::-1])


def test_a_copied_frame_gets_a_png_of_its_own(tmp_path: Path) -> None:
    """Two frames of one image are two images, and no PNG is written twice."""
    version = _read(tmp_path)
    for letter in "ef":
        version.put(next(iter(version.frames.values())) | {"id": letter * 32})
    found, report = version.write_panoptic(tmp_path / "out.json")
    names = [str(mapping(one)["file_name"]) for one in sequence(found["annotations"])]
    assert sorted(names) == ["a.png", "in/a-2.png", "in/a.png"]
    assert "copied frame, exported under a new image id" in report.notes
    for name in names:
        assert np.array_equal(ids_in(tmp_path / "out" / name), _ids())


def test_neither_export_loses_what_only_the_other_can_say(tmp_path: Path) -> None:
    """Plain COCO has no PNGs; what came without them has none to paint."""
    version = _read(tmp_path)
    with pytest.raises(UsageError, match="`export panoptic` gives it back"):
        version.write(tmp_path / "out.json")
    plain = PanopticVersion()
    plain.read(tmp_path / "in" / "p.json")
    with pytest.raises(UsageError, match="`export coco` gives it back"):
        plain.write_panoptic(tmp_path / "out.json", of="panoptic")
    assert not (tmp_path / "out.json").exists()


def test_nothing_is_written_outside_of_the_folder(tmp_path: Path) -> None:
    """A PNG's name is data from outside; it is given back, and leads nowhere."""
    data = _data()
    (annotation,) = map(mapping, sequence(data["annotations"]))
    annotation["file_name"] = "../../a.png"
    version = PanopticVersion()
    report = version.read_panoptic(
        put_panoptic(tmp_path / "in" / "p.json", data, {"a.png": _ids()})
    )
    assert "PNG whose name leads out of its folder; its place was taken inside" in report.notes
    (tmp_path / "new" / "deep").mkdir(parents=True)
    found, _ = version.write_panoptic(tmp_path / "new" / "deep" / "out.json")
    assert value_of(found) == value_of(data)
    files = {path.relative_to(tmp_path / "new") for path in (tmp_path / "new").rglob("*.png")}
    assert files == {Path("deep/out/a.png")}


def test_a_folder_with_files_is_written_to_only_when_asked(tmp_path: Path) -> None:
    """What stands there stays, and a link in it is not followed."""
    version = _read(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")

    def write(*, replace: bool) -> None:
        coco_file = tmp_path / "out.json"
        panoptic.write(version.sorted(), version.meta, coco_file, fetch=str, replace=replace)

    with pytest.raises(ExistsError, match="--force"):
        write(replace=False)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]
    write(replace=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "mine"]
    (tmp_path / "out" / "a.png").unlink()
    (tmp_path / "out" / "a.png").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match="is not a plain file"):
        write(replace=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "mine"]
    assert not (tmp_path / "elsewhere").exists()


def test_a_mask_that_vanished_leaves_nothing_half_written(tmp_path: Path) -> None:
    """The error names the file; neither the JSON nor a folder shows."""
    version = _read(tmp_path)
    (tmp_path / "in" / "p" / "a.png").unlink()
    with pytest.raises(NotFoundError, match=r"a\.png"):
        version.write_panoptic(tmp_path / "out.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


_SEGMENT = {"id": 300, "category_id": 4}


@pytest.mark.parametrize(
    ("segments", "words"),
    [
        ([_SEGMENT], "9 pixels have the colour of segment 70000, which .*annotations.0. has not"),
        ([_SEGMENT, _SEGMENT], r"segments_info\[1\].id is 300, as segments_info\[0\].id is"),
        ([{"id": 0, "category_id": 4}], r"segments_info\[0\].id is 0, not a segment's"),
        ([{"id": 2**24, "category_id": 4}], "id is 16777216, not a segment's"),
        ([{"id": "300", "category_id": 4}], "id is 300, not a segment's"),
        ([{"id": True, "category_id": 4}], "id is True, not a segment's"),
        ([{"category_id": 4}], "id is None, not a segment's"),
        ([_SEGMENT, {"id": _BIG}], r"segments_info\[1\] has no category_id"),
        ([_SEGMENT, {"id": _BIG, "category_id": 3}], "category_id is 3, which no category has"),
        ([3], r"segments_info\[0\] is an? int"),
        (None, "no panoptic file"),
    ],
)
def test_wrong_segments_are_one_error_that_names_them(
    tmp_path: Path, segments: object, words: str
) -> None:
    """File, annotation and segment stand in it."""
    data = _data()
    mapping(sequence(data["annotations"])[0])["segments_info"] = segments
    path = put_panoptic(tmp_path / "p.json", data, {"a.png": _ids()})
    with pytest.raises(FormatError, match=words) as caught:
        PanopticVersion().read_panoptic(path)
    assert str(tmp_path / "p") in str(caught.value)


def test_a_png_that_does_not_fit_is_one_error_that_names_it(tmp_path: Path) -> None:
    """Another size, no picture, an empty file, a pipe: each says which file."""
    path = put_panoptic(tmp_path / "p.json", _data(), {"a.png": _ids().T})
    png = tmp_path / "p" / "a.png"
    with pytest.raises(FormatError, match=r"a\.png is 6 x 8 pixels, but .* a width of 8"):
        PanopticVersion().read_panoptic(path)
    for content in (b"", b"no picture", b"\x89PNG\r\n\x1a\n"):
        png.write_bytes(content)
        with pytest.raises(HyperstoreError, match=r"a\.png"):
            PanopticVersion().read_panoptic(path)


def test_a_png_with_too_many_pixels_is_refused_by_its_header(tmp_path: Path) -> None:
    """Nothing of a bomb is decoded; the error names it."""
    side = 10_000
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    path = put_panoptic(tmp_path / "p.json", _data(), {"a.png": _ids()})
    (tmp_path / "p" / "a.png").write_bytes(png)
    with pytest.raises(RefusedError, match=r"a\.png is 10000 x 10000 pixels"):
        PanopticVersion().read_panoptic(path)


def test_a_frame_that_claims_to_be_huge_is_not_drawn(tmp_path: Path) -> None:
    """A size is a number in a frame; the memory for it is this machine's."""
    version = PanopticVersion()
    source = {"id": "default", "uri": "/data/a.jpg", "width": 10**6, "height": 10**6}
    version.put({"id": "a", "sources": [source], "rois": [_box(0, 0, 2, 2, "cat")]})
    with pytest.raises(RefusedError, match="1000000 x 1000000 pixels"):
        version.write_panoptic(tmp_path / "out.json")
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_not_panoptic_or_have_no_pngs_are_refused(tmp_path: Path) -> None:
    """A wrong folder is not one of missing PNGs; an image has one annotation."""
    path = put(tmp_path / "p.json", _data())
    for make in (False, True):
        if make:
            (tmp_path / "p").mkdir()
        with pytest.raises(NotFoundError, match="--masks DIR"):
            PanopticVersion().read_panoptic(path)
    data = _data()
    data["annotations"] = [*sequence(data["annotations"]), *sequence(data["annotations"])]
    with pytest.raises(FormatError, match=r"\[1\] is of the image that annotations\[0\]"):
        PanopticVersion().read_panoptic(put_panoptic(path, data, {"a.png": _ids()}))
    data = _data()
    data["images"] = [*sequence(data["images"]), mapping(sequence(data["images"])[0]) | {"id": 6}]
    with pytest.raises(FormatError, match="picture of another image"):
        PanopticVersion().read_panoptic(put(path, data))


def test_a_segment_without_a_pixel_comes_back(tmp_path: Path) -> None:
    """It is odd and harmless: counted, and kept in both directions."""
    ids = _ids()
    ids[ids == 300] = 0
    path = put_panoptic(tmp_path / "p.json", _data(), {"a.png": ids})
    version = PanopticVersion()
    report = version.read_panoptic(path)
    assert report.notes["segment without a pixel in its PNG"].count == 1
    found, _ = version.write_panoptic(tmp_path / "out.json")
    assert value_of(found) == value_of(_data())


def test_the_plain_reader_still_keeps_panoptic_files_as_they_are(tmp_path: Path) -> None:
    """Whoever has only the JSON loses nothing of it."""
    version = DictVersion()
    version.read(put(tmp_path / "p.json", _data()))
    found, _ = version.write(tmp_path / "out.json")
    assert value_of(found) == value_of(_data())


def test_a_file_may_be_read_again_without_its_pngs_and_with_them(tmp_path: Path) -> None:
    """What the other way of reading left in the frames goes, and nothing of the file."""
    version = _read(tmp_path)
    before = dict(version.frames), version.meta
    version.read(tmp_path / "in" / "p.json")
    frame = _frame(version)
    assert (_rois(frame), mapping(sequence(frame["sources"])[0])["masks"]) == ([], [])
    found, _ = version.write(tmp_path / "out.json")
    assert value_of(found) == value_of(_data())
    version.read_panoptic(tmp_path / "in" / "p.json")
    assert (version.frames, version.meta) == before


@pytest.mark.slow
@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Ten times the pictures: what grew with them would take ten times the room."""
    peaks = [_peak(tmp_path, count) for count in (60, 600)]
    assert peaks[1] < 2 * peaks[0]


def _peak(folder: Path, count: int) -> int:
    """Return the most bytes that reading and writing took, in a process of its own."""
    path = folder / f"{count}.json"
    image = mapping(sequence(_data()["images"])[0])
    images = [image | {"id": at, "file_name": f"{at}.jpg"} for at in range(count)]
    shown = mapping(sequence(_data()["annotations"])[0])
    annotations = [shown | {"image_id": at, "file_name": f"{at}.png"} for at in range(count)]
    pngs = {f"{at}.png": _ids() for at in range(count)}
    put_panoptic(path, _data() | {"images": images, "annotations": annotations}, pngs)
    words = [sys.executable, "-c", _MEASURE, str(path), str(folder / f"out{count}.json")]
    answer = subprocess.run(words, env=environment(), capture_output=True, text=True, check=True)
    return int(answer.stdout)


_MEASURE = """
import sys, tracemalloc
from pathlib import Path
from hyperstore.formats import panoptic
tracemalloc.start()
with panoptic.read([Path(sys.argv[1])]) as source:
    meta = panoptic.combine_version({}, source)
    frames = (panoptic.combine(None, partial) for partial in source.frames())
    panoptic.write(frames, meta, Path(sys.argv[2]), fetch=str)
print(tracemalloc.get_traced_memory()[1])
"""
