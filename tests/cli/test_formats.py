"""`import` and `export` of panoptic COCO and Pascal VOC, as somebody at a terminal meets them."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import hyperstore
from hyperstore import SingleFrame
from tests.cli.conftest import lines
from tests.cli.test_hostile_text import PAYLOADS, harmless
from tests.support.command import Command
from tests.support.disks import read_only, small_disk
from tests.support.panoptic import put_panoptic

_IDS = np.array([[7, 7, 0], [0, 0, 300]])


def _panoptic(path: Path) -> Path:
    segments = [{"id": name, "category_id": 1} for name in (7, 300)]
    annotation = {"image_id": 1, "file_name": "a.png", "segments_info": segments}
    image = {"id": 1, "file_name": "a.jpg", "width": 3, "height": 2}
    data = {"images": [image], "categories": [{"id": 1, "name": "cat"}]}
    return put_panoptic(path, {**data, "annotations": [annotation]}, {"a.png": _IDS})


def _boxes(number: int) -> list[dict[str, object]]:
    """Return frames with a box each, small enough for any format."""
    roi = {"label": ["cat"], "poly": [1, 1, 9, 1, 9, 9, 1, 9], "meta": {"_type": "b2d"}}
    return [
        {
            "id": f"f{at:03}",
            "sources": [{"id": "default", "uri": f"/d/{at}.jpg", "width": 64, "height": 64}],
            "rois": [roi],
        }
        for at in range(number)
    ]


@pytest.fixture
def boxes(store: Command) -> Command:
    """Return the command where `cells@Current` holds 300 frames with a box each."""
    store("add", "-", stdin=lines(_boxes(300)))
    return store


def test_a_panoptic_import_is_one_operation_that_goes_back(hs: Command, tmp_path: Path) -> None:
    """Dataset, frames and metadata go; the PNGs are nobody's but the user's."""
    _panoptic(tmp_path / "p.json")
    hs("init")
    said = hs("import", "panoptic", "p.json", "--dataset", "d", "-m", "Import").out
    assert "Imported 1 image, 1 annotation, 1 file, 2 ROIs into d@Current" in said
    hs("undo")
    assert hs("dataset").out == ""
    assert (tmp_path / "p" / "a.png").is_file()


def test_what_is_wrong_with_a_png_imports_nothing(hs: Command, tmp_path: Path) -> None:
    """One line names PNG and segment, and the dataset is not made."""
    data = json.loads(_panoptic(tmp_path / "p.json").read_text())
    del data["annotations"][0]["segments_info"][1]
    (tmp_path / "p.json").write_text(json.dumps(data))
    hs("init")
    said = hs.fails("import", "panoptic", "p.json", "--dataset", "d", "-m", "Import", code=128)
    assert "a.png: 1 pixels have the colour of segment 300" in said
    assert hs("dataset").out == ""


def test_both_exports_say_what_they_wrote_and_what_they_could_not(
    boxes: Command, tmp_path: Path
) -> None:
    """Counts first, then a line for each thing that the format has no words for."""
    poly = {"label": ["cat"], "poly": [0, 0, 9, 0, 9, 9], "meta": {"_type": "p2d"}}
    frame = _boxes(1)[0] | {"rois": [poly], "meta": {"night": True}}
    boxes("add", "-", stdin=lines([frame]))
    done = boxes("export", "voc", "cells@Current", "voc")
    assert "Exported 300 images, 300 objects to voc" in done.out
    assert "1 x polygon of which VOC has the box around it" in done.err
    assert "1 x frame whose meta VOC has no place for" in done.err
    done = boxes("export", "panoptic", "cells@Current", "p.json")
    assert "300 images, 300 segments, 300 annotations, 1 category to p.json" in done.out
    assert "1 x category added for a label that the file has not (first: cat)" in done.err
    assert len(list((tmp_path / "p").iterdir())) == 300


@pytest.mark.parametrize("words", ["voc cells@Current out", "panoptic cells@Current out.json"])
def test_an_export_never_mixes_with_what_stands_there_unless_asked(
    boxes: Command, tmp_path: Path, words: str
) -> None:
    """Another run into the same folder says so; --force replaces what has the same name."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    assert "--force writes among them" in boxes.fails("export", *words.split(), code=128)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]
    boxes("export", *words.split(), "--force")
    boxes("export", *words.split(), "-f")
    assert (tmp_path / "out" / "mine").read_text() == "x"
    assert [path for path in tmp_path.rglob(".*") if path.name != ".hyperstore"] == []


@pytest.mark.parametrize("words", ["voc cells@Current", "panoptic cells@Current"])
def test_a_disk_that_fills_up_keeps_nothing_of_an_export(
    boxes: Command, tmp_path: Path, words: str
) -> None:
    """One line says that there is no room; with room the same line works."""
    name = "out" if words.startswith("voc") else "out.json"
    with small_disk(tmp_path / "small", 200) as disk:
        said = boxes.fails("export", *words.split(), str(disk / name), code=128)
        assert "No space left" in said
        assert list(disk.iterdir()) == []
    (tmp_path / "large").mkdir()
    boxes("export", *words.split(), str(tmp_path / "large" / name))


@pytest.mark.parametrize("words", ["voc cells@Current", "panoptic cells@Current"])
def test_a_folder_that_cannot_be_written_to_is_one_error(
    boxes: Command, tmp_path: Path, words: str
) -> None:
    """So is one that is not there, and a file where a folder should be."""
    name = "out" if words.startswith("voc") else "out.json"
    with small_disk(tmp_path / "small", 200) as disk, read_only(disk):
        boxes.fails("export", *words.split(), str(disk / name), code=128)
    assert "no folder" in boxes.fails("export", *words.split(), f"none/{name}", code=128)
    (tmp_path / "out").write_text("x")
    assert "is no folder" in boxes.fails("export", *words.split(), name, code=2)
    assert (tmp_path / "out").read_text() == "x"


def test_a_pipe_is_refused_where_a_file_has_to_be_whole(boxes: Command) -> None:
    """`ls --json` is for pipes."""
    for form in ("coco", "panoptic", "frames"):
        assert "which a pipe cannot be" in boxes.fails("export", form, "cells", "-", code=2)


def test_how_large_a_png_may_be_is_set_in_one_place(hs: Command, tmp_path: Path) -> None:
    """`media.pixels_max` holds for masks that are read, and for what is painted."""
    _panoptic(tmp_path / "p.json")
    hs("init")
    words = ("import", "panoptic", "p.json", "--dataset", "d")
    hs("config", "media.pixels_max", "5")
    assert "a.png is 3 x 2 pixels, over the 5" in hs.fails(*words, code=128)
    hs("config", "media.pixels_max", "6")
    hs(*words)
    hs("config", "media.pixels_max", "5")
    for export in ("panoptic d@Current out.json", "voc d@Current out"):
        assert "3 x 2 pixels, over the 5" in hs.fails("export", *export.split(), code=128)
    hs("config", "media.pixels_max", "6")
    hs("export", "panoptic", "d@Current", "out.json")
    hs("export", "voc", "d@Current", "voc")


def test_the_labelmap_of_voc_explains_masks_in_every_export(hs: Command, tmp_path: Path) -> None:
    """It is read into the version's legend, and what no ROI shows is exported by that."""
    annotations, masks = tmp_path / "in" / "Annotations", tmp_path / "in" / "SegmentationClass"
    annotations.mkdir(parents=True)
    masks.mkdir()
    (annotations / "a.xml").write_text("<annotation><filename>a.jpg</filename></annotation>")
    pixels = np.zeros((2, 3, 3), dtype=np.uint8)
    pixels[0] = (128, 64, 128)
    Image.fromarray(pixels).save(masks / "a.png")
    labelmap = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nroad:128,64,128::\n"
    (tmp_path / "in" / "labelmap.txt").write_text(labelmap)
    hs("init")
    hs("import", "voc", "in", "--dataset", "d", "-m", "Import")
    assert "Nothing has changed" in hs("import", "voc", "in", "--dataset", "d", "-m", "Again").out
    hs("export", "panoptic", "d@Current", "out.json")
    found = json.loads((tmp_path / "out.json").read_text())
    (annotation,) = found["annotations"]
    assert [(one["area"], one["bbox"]) for one in annotation["segments_info"]] == [
        (3, [0, 0, 3, 1])]  # fmt: skip
    assert [one["name"] for one in found["categories"]] == ["road"]
    hs("export", "voc", "d@Current", "voc")
    assert (tmp_path / "voc" / "labelmap.txt").read_text() == labelmap
    assert (tmp_path / "voc" / masks.name / "a.png").read_bytes() == (masks / "a.png").read_bytes()


def test_colours_that_set_masks_labels_explains_are_exported(hs: Command, tmp_path: Path) -> None:
    """As ClearML has it: a mask for the frame, a legend for the version, and no ROI."""
    Image.new("RGB", (3, 2), (255, 0, 0)).save(tmp_path / "m.png")
    hs("init")
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        version = store.create_dataset("d").version("Current")
        version.set_masks_labels({(255, 0, 0): ["road"]})
        source = str(tmp_path / "a.jpg")
        version.add_frames(
            [SingleFrame(source=source, width=3, height=2, mask_source=str(tmp_path / "m.png"))]
        )
    assert "1 segment" in hs("export", "panoptic", "d@Current", "out.json").out
    assert "1 mask" in hs("export", "voc", "d@Current", "voc").out
    with Image.open(tmp_path / "voc" / "SegmentationClass" / "a.png") as png:
        assert np.array_equal(np.asarray(png), np.full((2, 3), 21))


def _in_xml(character: str) -> str:
    """Return a character, or what stands for one below the space that is no white space."""
    return "\ufffd" if character < " " and character not in "\t\n\r" else character


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_of_a_frame_acts_on_the_terminal_or_leaves_the_folder(
    store: Command, tmp_path: Path, payload: str
) -> None:
    """Ids, labels and names of pictures: whole in the files, but for what no XML can hold."""
    frame = _boxes(1)[0] | {"id": f"f{payload}", "meta": {payload: payload}}
    rois = [roi | {"label": [payload]} for roi in frame["rois"]]  # type: ignore[attr-defined]
    done = store.run("add", "-", stdin=lines([frame | {"rois": rois}]))
    assert harmless(done.out + done.err)
    if done.code:
        return  # A store takes no such text, so no export meets it.
    for words in ("voc cells@Current voc", "panoptic cells@Current p.json"):
        done = store.run("export", *words.split())
        assert done.code == 0
        assert harmless(done.out + done.err)
        form, _, name = words.split()
        if form == "panoptic":
            categories = json.loads((tmp_path / name).read_text())["categories"]
            assert [one["name"] for one in categories] == [payload]
        else:
            (file,) = (tmp_path / name / "Annotations").iterdir()
            label = ElementTree.parse(file).getroot().findtext("object/name")
            assert label == "".join(map(_in_xml, payload)).strip()
