"""Pascal VOC out: what came in comes back, edits and other shapes are written as VOC can.

The standard library's ElementTree reads what was written.
"""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from hyperstore.errors import ExistsError, FormatError, MediaError, NotFoundError, RefusedError
from hyperstore.formats.combine import Wire, mapping, sequence
from tests.support.panoptic import PanopticVersion, put_panoptic
from tests.support.shared import shared_data
from tests.support.voc import VocVersion, tree_of

_BOX = "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>5.5</xmax><ymax>7</ymax></bndbox>"


def _written(folder: Path, *xml: str) -> list[Path]:
    """Put files as Annotations, import them, export them; answers what was exported."""
    version = VocVersion()
    (folder / "in" / "Annotations").mkdir(parents=True)
    for number, text in enumerate(xml):
        (folder / "in" / "Annotations" / f"{number}.xml").write_text(text)
    version.read_voc(folder / "in")
    version.write_voc(folder / "out")
    return sorted((folder / "out" / "Annotations").iterdir())


def _frames(version: VocVersion) -> list[Wire]:
    """Return the frames without the ids of their ROIs, which a stand-in gave."""
    return [
        frame | {"rois": [mapping(roi) | {"id": ""} for roi in sequence(frame.get("rois"))]}
        for frame in version.sorted()
    ]


def _lists(folder: Path) -> dict[str, set[str]]:
    return {
        str(file.relative_to(folder)): set(file.read_text().split())
        for file in folder.glob("ImageSets/*/*.txt")
    }


@pytest.mark.parametrize(
    "name",
    ["bccd", "eight-formats/gts/pascalvoc_format", *(f"formats/voc_dataset/voc_dataset{number}"
     for number in (1, 2, 3))],
)  # fmt: skip
def test_real_datasets_come_back_element_by_element(tmp_path: Path, name: str) -> None:
    """In the order of each file; and what was written is read as the same frames."""
    folder = shared_data(name)
    plain = not (folder / "Annotations").is_dir()
    pictures = folder / "JPEGImages"
    version, again = VocVersion(), VocVersion()
    version.read_voc(folder, images=pictures)
    report = version.write_voc(tmp_path / "out")
    given_in = {path.name: path for path in folder.rglob("*.xml")}
    written = {path.name: path for path in (tmp_path / "out" / "Annotations").iterdir()}
    assert written.keys() == given_in.keys()
    for file, path in written.items():
        assert tree_of(path) == tree_of(given_in[file])
    assert report.notes == {}
    again.read_voc(tmp_path / "out", images=pictures)
    if plain:  # The folder has another name now, and with it the files.
        assert again.frames.keys() == version.frames.keys()
        return
    for frame in again.frames.values():
        _look_at(frame, folder, instead_of=tmp_path / "out")
    assert _frames(again) == _frames(version)


def _look_at(frame: Wire, folder: Path, *, instead_of: Path) -> None:
    """Name the masks where they stood before they were copied."""
    for source in map(mapping, sequence(frame["sources"])):
        for mask in map(mapping, sequence(source.get("masks"))):
            mask["uri"] = str(folder / Path(str(mask["uri"])).relative_to(instead_of))


@pytest.mark.slow
def test_lists_and_masks_of_real_datasets_come_back(tmp_path: Path) -> None:
    """Whoever trains on the split, or on the masks, finds them."""
    cells, masks = shared_data("bccd"), shared_data("formats") / "voc_dataset" / "voc_dataset1"
    version = VocVersion()
    version.read_voc(cells)
    version.write_voc(tmp_path / "cells")
    assert _lists(tmp_path / "cells") == _lists(cells)
    version = VocVersion()
    report = version.read_voc(masks)
    assert report.counts["masks"] == 2
    report = version.write_voc(tmp_path / "masks")
    for kind in ("SegmentationClass", "SegmentationObject"):
        (png,) = (tmp_path / "masks" / kind).iterdir()
        assert png.read_bytes() == (masks / kind / png.name).read_bytes()


def test_every_oddity_of_a_file_comes_back(tmp_path: Path) -> None:
    """Order, attributes, repeated and empty elements, parts, flags, odd numbers, no box."""
    text = (
        '<annotation odd="a &amp; &quot;b&quot;"><size><depth>3</depth><height>8</height>'
        "<width>9.0</width></size><object><name>sky</name></object><filename>p.x.png</filename>"
        f"<object>{_BOX}<name>per &lt;son&gt; &amp;c</name><pose/><occluded>1</occluded>"
        f"<part><name>head</name>{_BOX}</part><part>{_BOX}<name>hand</name></part>"
        "<truncated>2</truncated><actions><run>1</run></actions></object><owner></owner>"
        "<object><difficult>0</difficult><bndbox><ymax>007</ymax><xmin>+1</xmin><ymin>0.1</ymin>"
        '<xmax>1e1</xmax><angle>3</angle></bndbox><name lang="de">Öl</name></object>'
        "<object><name>a</name><name>b</name><bndbox><xmin>9</xmin><ymin>1</ymin><xmax>1</xmax>"
        "<ymax>9</ymax></bndbox></object></annotation>"
    )
    (file,) = _written(tmp_path, text)
    assert tree_of(file) == tree_of(tmp_path / "in" / "Annotations" / "0.xml")


_names = st.sampled_from(["name", "pose", "part", "x", "y.z", "truncated", "bndbox", "size"])
_characters = st.one_of(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), st.sampled_from(" \n\t\r")
)
_texts = st.text(_characters, max_size=5)
_edges = st.sampled_from(["1", "2.5", "10", "3.0", "0.1", "7e0", "1000.123"])


@st.composite
def _elements(draw: st.DrawFn, name: str, depth: int = 0) -> ElementTree.Element:
    element = ElementTree.Element(name, draw(st.dictionaries(st.just("k"), _texts)))
    if depth < 2 and draw(st.booleans()):
        for child in draw(st.lists(_names.filter(lambda one: one != "bndbox"), max_size=3)):
            element.append(draw(_elements(child, depth + 1)))
    else:
        element.text = draw(_texts)
    return element


@st.composite
def _annotations(draw: st.DrawFn) -> ElementTree.Element:
    root = draw(_elements("annotation"))
    for child in [one for one in root if one.tag == "size"]:
        root.remove(child)
    for _ in range(draw(st.integers(0, 3))):
        item = ElementTree.Element("object")
        box = ElementTree.Element("bndbox")
        for side in draw(st.permutations(["xmin", "ymin", "xmax", "ymax"])):
            ElementTree.SubElement(box, side).text = draw(_edges)
        label = ElementTree.Element("name")
        label.text = draw(st.sampled_from(["cat", "a & b", "<", "Öl"]))
        others = [draw(_elements(one)) for one in draw(st.lists(_names, max_size=3))
                  if one not in ("name", "bndbox")]  # fmt: skip
        for child in draw(st.permutations([label, box, *others])):
            item.append(child)
        root.insert(draw(st.integers(0, len(root))), item)
    return root


@given(_annotations())
def test_any_annotation_comes_back_element_by_element(
    tmp_path_factory: pytest.TempPathFactory, root: ElementTree.Element
) -> None:
    """Names, attributes, texts, order; and reading what was written gives the same frames."""
    folder = tmp_path_factory.mktemp("voc")
    source = folder / "in" / "Annotations"
    source.mkdir(parents=True)
    ElementTree.ElementTree(root).write(source / "0.xml", encoding="utf-8")
    version, again = VocVersion(), VocVersion()
    version.read_voc(folder / "in", images=folder)
    version.write_voc(folder / "out")
    assert tree_of(folder / "out" / "Annotations" / "0.xml") == tree_of(source / "0.xml")
    again.read_voc(folder / "out", images=folder)
    assert _frames(again) == _frames(version)


def _version(tmp_path: Path) -> VocVersion:
    folder = tmp_path / "in" / "Annotations"
    folder.mkdir(parents=True)
    size = "<size><width>20</width><height>10</height><depth>3</depth></size>"
    item = f"<object><name>cat</name><pose>Left</pose><difficult>1</difficult>{_BOX}</object>"
    text = f"<annotation><filename>a.jpg</filename>{size}{item}{item}</annotation>"
    (folder / "a.xml").write_text(text)
    version = VocVersion()
    version.read_voc(tmp_path / "in")
    return version


def _objects(file: Path) -> list[ElementTree.Element]:
    return ElementTree.parse(file).getroot().findall("object")


def _edges_of(item: ElementTree.Element) -> list[str | None]:
    return [item.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]


def test_what_was_edited_is_written_as_it_is_now(tmp_path: Path) -> None:
    """A moved and relabelled box keeps its pose and flags; the size follows the picture."""
    version = _version(tmp_path)
    (frame,) = version.frames.values()
    first, second = map(mapping, sequence(frame["rois"]))
    first |= {"label": ["dog"], "poly": [0, 1, 4, 1, 4, 9, 0, 9]}
    source = mapping(sequence(frame["sources"])[0]) | {"width": 30}
    version.put(frame | {"rois": [first, second], "sources": [source]})
    version.write_voc(tmp_path / "out")
    file = tmp_path / "out" / "Annotations" / "a.xml"
    one, two = _objects(file)
    assert (one.findtext("name"), one.findtext("pose"), one.findtext("difficult")) == (
        "dog", "Left", "1")  # fmt: skip
    assert _edges_of(one) == ["1", "2", "4", "9"]
    assert (two.findtext("name"), _edges_of(two)) == ("cat", ["2", "3", "5.5", "7"])
    root = ElementTree.parse(file).getroot()
    assert [root.findtext(f"size/{side}") for side in ("width", "height", "depth")] == [
        "30", "10", "3"]  # fmt: skip


def _frame(name: str, **more: object) -> Wire:
    return {"id": name, "sources": [{"id": "default", "uri": f"/data/{name}.jpg"}], **more}


def _roi(kind: str, poly: list[float], **more: object) -> Wire:
    return {"label": ["cat"], "poly": poly, "meta": {"_type": kind}, **more}


def test_other_shapes_become_the_boxes_around_them_and_are_counted(tmp_path: Path) -> None:
    """Polygons, rotated boxes, ellipses; points and labels of the whole frame are left out."""
    rois = [
        _roi("b2d", [1, 2, 4, 2, 4, 6, 1, 6], confidence=0.5),
        _roi("p2d", [0, 0, 6, 1, 3, 9, -999999999, 1, 1, 2, 2]),
        _roi("b2d", [2, 0, 4, 2, 2, 4, 0, 2]),
        _roi("elp", [10, 10, 4, 2, 0]),
        _roi("k2d", [1, 2]),
        {"label": ["dusk"]},
        {"label": ["cat"], "mask": {"id": "11", "value": [1, 1, 1]}},
    ]
    version = VocVersion()
    masks = [{"id": "00", "uri": "/data/m.png"}]
    source = {"id": "default", "uri": "/data/a.jpg", "masks": masks}
    version.put(_frame("a", rois=rois, meta={"x": 1}) | {"sources": [source, {"id": "b"} | source]})
    report = version.write_voc(tmp_path / "out")
    found = [_edges_of(item) for item in _objects(tmp_path / "out" / "Annotations" / "a.xml")]
    assert found == [
        ["2", "3", "4", "6"],
        ["1", "1", "6", "9"],
        ["1", "1", "4", "4"],
        ["7.0", "9.0", "14.0", "12.0"],
    ]
    assert {what: note.count for what, note in report.notes.items()} == {
        "ROI whose confidence VOC has no place for": 1,
        "polygon of which VOC has the box around it": 1,
        "rotated box of which VOC has the box around it": 1,
        "ellipse of which VOC has the box around it": 1,
        "ROI of kind k2d, which VOC cannot say": 1,
        "label of the whole frame, which VOC cannot say": 1,
        "ROI of kind mask, which VOC cannot say": 1,
        "mask that VOC has no place for, left out": 1,
        "frame whose meta VOC has no place for": 1,
        "frame of several sources, of which the first is written": 1,
        "picture of unknown width": 1,
        "picture of unknown height": 1,
    }


def test_segments_become_boxes_and_masks_of_vocs_own(tmp_path: Path) -> None:
    """The number of a pixel is that of its object, or of its class: VOC's own, then new ones."""
    ids = np.zeros((6, 8), dtype=np.int64)
    ids[:2], ids[3:6, :3], ids[4:, 5:] = 300, 70_000, 9
    categories = [{"id": 1, "name": "sky"}, {"id": 2, "name": "cat"}, {"id": 3, "name": "a:b"}]
    segments = [{"id": 300, "category_id": 1}, {"id": 70_000, "category_id": 2},
                {"id": 9, "category_id": 3}]  # fmt: skip
    shown = {"image_id": 1, "file_name": "a.png", "segments_info": segments}
    image = {"id": 1, "file_name": "a.jpg", "width": 8, "height": 6}
    data: Wire = {"images": [image], "annotations": [shown], "categories": categories}
    panoptic = PanopticVersion()
    panoptic.read_panoptic(put_panoptic(tmp_path / "p.json", data, {"a.png": ids}))
    version = VocVersion()
    (frame,) = panoptic.frames.values()
    first = _roi("b2d", [1, 2, 4, 2, 4, 6, 1, 6])
    version.put(frame | {"rois": [first, *sequence(frame["rois"])]})
    report = version.write_voc(tmp_path / "out")
    found = _objects(tmp_path / "out" / "Annotations" / "a.xml")
    assert [item.findtext("name") for item in found] == ["cat", "sky", "cat", "a:b"]
    assert [_edges_of(item) for item in found[1:]] == [
        ["1", "1", "8", "2"], ["1", "4", "3", "6"], ["6", "5", "8", "6"]]  # fmt: skip
    for kind, numbers in (("Object", (2, 3, 4)), ("Class", (21, 8, 22))):
        wanted = np.zeros((6, 8), dtype=np.int64)
        wanted[:2], wanted[3:6, :3], wanted[4:, 5:] = numbers
        with Image.open(tmp_path / "out" / f"Segmentation{kind}" / "a.png") as png:
            assert png.mode == "P"
            assert np.array_equal(np.asarray(png), wanted)
            palette = png.getpalette()
    assert palette is not None
    assert [palette[3 * at : 3 * at + 3] for at in (1, 8, 15, 20)] == [
        [128, 0, 0], [64, 0, 0], [192, 128, 128], [0, 64, 128]]  # fmt: skip
    lines = (tmp_path / "out" / "labelmap.txt").read_text().splitlines()
    assert lines[1:3] == ["background:0,0,0::", "aeroplane:128,0,0::"]
    assert [line.split(":")[0] for line in lines[21:]] == ["tvmonitor", "sky", "class 22"]
    assert list(report.notes) == ["label that labelmap.txt cannot hold, named by its number"]
    assert report.counts["masks"] == 2


def test_pictures_made_by_hand_stand_in_one_list_or_are_counted(tmp_path: Path) -> None:
    """A trainer needs a list; beside real splits a made up one would be a lie."""
    version = VocVersion()
    version.put(_frame("a"))
    version.put(_frame("b"))
    version.write_voc(tmp_path / "new")
    assert _lists(tmp_path / "new") == {"ImageSets/Main/all.txt": {"a", "b"}}
    mixed = _version(tmp_path)
    mixed.put(_frame("b"))
    report = mixed.write_voc(tmp_path / "mixed")
    assert _lists(tmp_path / "mixed") == {}
    assert report.notes["picture in none of the lists of ImageSets"].count == 1


def test_pictures_of_one_name_get_files_of_their_own(tmp_path: Path) -> None:
    """Two pictures that differ in their ending, and two frames of one picture."""
    version = VocVersion()
    for number, name in enumerate(("a.jpg", "a.png", "a.png")):
        source = {"id": "default", "uri": f"/data/{name}"}
        version.put({"id": str(number), "sources": [source]})
    report = version.write_voc(tmp_path / "out")
    found = {
        path.name: ElementTree.parse(path).getroot().findtext("filename")
        for path in (tmp_path / "out" / "Annotations").rglob("*.xml")
    }
    assert found == {"a.xml": "a.jpg", "a-2.xml": "a.png", "a-3.xml": "a.png"}
    assert report.notes["picture whose name another has too, its file renamed"].count == 2


@pytest.mark.parametrize("name", ["../../../evil.jpg", "/etc/evil.jpg", "a/../../evil.jpg"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    """Names of pictures, of files and of lists are data from outside."""
    version = _version(tmp_path)
    (frame,) = version.frames.values()
    record = {"filename": name, "xml": name.replace("jpg", "xml"), "sets": [f"Main/{name}"]}
    version.put(frame | {"_voc": {"images": [{"files": ["x"], "record": record}]}})
    out = tmp_path / "deep" / "deeper" / "out"
    out.parent.mkdir(parents=True)
    version.write_voc(out)
    files = [path for path in tmp_path.rglob("*evil*") if path.is_file()]
    assert files
    assert all(path.is_relative_to(out) for path in files)


def test_a_folder_with_files_is_written_to_only_when_asked(tmp_path: Path) -> None:
    """What stands there stays, links are not followed, and a failure leaves nothing."""
    version = _version(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("x")
    with pytest.raises(ExistsError, match="--force"):
        version.write_voc(out)
    assert [path.name for path in out.iterdir()] == ["mine"]
    version.write_voc(out, replace=True)
    assert sorted(path.name for path in out.iterdir()) == ["Annotations", "mine"]
    (out / "Annotations" / "a.xml").unlink()
    (out / "Annotations").rmdir()
    (tmp_path / "elsewhere").mkdir()
    (out / "Annotations").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match="is not a folder"):
        version.write_voc(out, replace=True)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert sorted(path.name for path in out.iterdir()) == ["Annotations", "mine"]
    with pytest.raises(NotFoundError):
        version.write_voc(tmp_path / "none" / "out")


@pytest.mark.parametrize(
    ("label", "fields", "words"),
    [
        ("cat", {"a b": "1"}, "'a b' is no name of an XML element"),
        ("cat", {"@a b": "1"}, "'a b' is no name of an XML attribute"),
        ("cat", {"pose": [["x"]]}, "pose is a list"),
    ],
)
def test_what_no_xml_can_hold_is_one_error_that_names_the_frame(
    tmp_path: Path, label: str, fields: Wire, words: str
) -> None:
    """A file that nobody can read back is worse than none."""
    version = _version(tmp_path)
    (frame,) = version.frames.values()
    rois = [mapping(roi) | {"label": [label]} for roi in sequence(frame["rois"])]
    mapping(rois[0]["_voc"])["fields"] = fields
    version.put(frame | {"rois": rois})
    with pytest.raises(FormatError, match=words) as caught:
        version.write_voc(tmp_path / "out")
    assert str(frame["id"]) in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_characters_that_no_xml_can_hold_are_replaced_and_counted(tmp_path: Path) -> None:
    """One label among a million frames does not stop the export; any parser reads the file."""
    version = VocVersion()
    version.put(_frame("a", rois=[
        _roi("b2d", [1, 2, 4, 2, 4, 6, 1, 6], label=["b\x07e\x00ll"]),
        _roi("b2d", [1, 2, 4, 2, 4, 6, 1, 6], label=["\uffff"]),
    ]))  # fmt: skip
    report = version.write_voc(tmp_path / "out")
    found = _objects(tmp_path / "out" / "Annotations" / "a.xml")
    assert [item.findtext("name") for item in found] == ["b\ufffde\ufffdll", "\ufffd"]
    note = report.notes["character that no XML can hold, written as U+FFFD"]
    assert (note.count, note.first) == (3, "frame a: name")


def test_a_record_that_names_no_picture_is_one_error_that_names_the_frame(tmp_path: Path) -> None:
    """Somebody edited it; nothing foreign leaks."""
    version = _version(tmp_path)
    (frame,) = version.frames.values()
    for record in ({"filename": "."}, {"filename": "a.jpg", "xml": ".."}, {"#listed": "."}):
        version.put(frame | {"_voc": {"images": [{"files": ["x"], "record": record}]}})
        with pytest.raises(FormatError, match=f"frame {frame['id']}: .* names no picture"):
            version.write_voc(tmp_path / "out")


_SIDES = st.one_of(st.integers(-30, 30), st.integers(-300, 300).map(lambda side: side / 10))


@given(st.tuples(st.integers(0, 60), _SIDES, _SIDES, _SIDES))
@example((50, 40, -20, -10))
@example((10, 10.1, 20.3, 0))
@example((10, 10.5, 0.5, -0.5))
def test_any_box_with_an_area_is_read_back_around_the_same_place(
    tmp_path_factory: pytest.TempPathFactory, box: tuple[float, float, float, float]
) -> None:
    """Sides may lead anywhere: no edge stands before its opposite; what has no area is counted."""
    x, y, width, height = box
    folder = tmp_path_factory.mktemp("voc")
    version, again = VocVersion(), VocVersion()
    poly = [x, y, x + width, y, x + width, y + height, x, y + height]
    version.put(_frame("a", rois=[_roi("b2d", poly)]))
    report = version.write_voc(folder / "out")
    again.read_voc(folder / "out")
    (frame,) = again.frames.values()
    if not width or not height:
        assert "rois" not in frame
        assert report.notes["ROI without an area, which VOC cannot say"].count == 1
        return
    assert ("box of negative sides, written as it lies" in report.notes) == (min(box[2:]) < 0)
    (roi,) = map(mapping, sequence(frame["rois"]))
    found = roi["poly"]
    assert isinstance(found, list)
    left, top = min(x, x + width), min(y, y + height)
    wide, high = max(abs(width), 1), max(abs(height), 1)
    assert found == pytest.approx(
        [left, top, left + wide, top, left + wide, top + high, left, top + high], abs=1e-6
    )


_LEGEND = {"_all_": [{"value": [255, 0, 0], "labels": ["road"]}, {"value": [7], "labels": ["sky"]},
                     {"value": [9, 9, 9], "labels": ["nowhere"]}]}  # fmt: skip


def test_colours_that_only_the_legend_explains_are_in_the_mask_of_classes(tmp_path: Path) -> None:
    """They are of a class, and no objects; what nobody explains is background."""
    pixels = np.zeros((4, 6, 3), dtype=np.uint8)
    pixels[:2], pixels[3, :3], pixels[3, 3:] = (255, 0, 0), 7, (1, 2, 3)
    Image.fromarray(pixels).save(tmp_path / "m.png")
    masks = [{"id": "00", "uri": str(tmp_path / "m.png")}]
    source = {"id": "default", "uri": "/d/a.jpg", "width": 6, "height": 4, "masks": masks}
    version = VocVersion()
    version.put({"id": "a", "sources": [source]})
    version.put({"id": "b", "sources": [source | {"uri": "/d/b.jpg", "masks": []}]})
    roi = {"label": ["car"], "mask": {"id": "00", "value": [255, 0, 0]}, "sources": ["default"]}
    version.put({"id": "c", "sources": [source | {"uri": "/d/c.jpg"}], "rois": [roi]})
    out = tmp_path / "out"
    report = version.write_voc(out, legend=_LEGEND)
    assert report.notes == {}
    wanted = np.zeros((4, 6), dtype=np.int64)
    for name, road in (("a", 21), ("c", 7)):
        wanted[:2], wanted[3, :3] = road, 22
        with Image.open(out / "SegmentationClass" / f"{name}.png") as png:
            assert np.array_equal(np.asarray(png), wanted)
    assert [path.name for path in (out / "SegmentationObject").iterdir()] == ["c.png"]
    assert [len(_objects(out / "Annotations" / f"{name}.xml")) for name in "abc"] == [0, 0, 1]
    said = [ElementTree.parse(out / "Annotations" / f"{name}.xml").findtext("segmented")
            for name in "abc"]  # fmt: skip
    assert said == ["1", "0", "1"]
    assert (out / "labelmap.txt").read_text().splitlines()[22:] == [
        "road:128,64,128::", "sky:0,192,128::"]  # fmt: skip


def test_the_labelmap_is_the_legend_of_the_masks_of_classes(tmp_path: Path) -> None:
    """Not of those of objects, whose colours are numbers; it comes back beside the masks."""
    version = _version(tmp_path)
    for kind in ("SegmentationClass", "SegmentationObject"):
        (tmp_path / "in" / kind).mkdir()
        Image.new("P", (20, 10)).save(tmp_path / "in" / kind / "a.png")
    lines = ["# label:color_rgb:parts:actions", "background:0,0,0::", "road way:128,64,128::",
             "sky:70,130,180::", "odd:300,0,0::", "twice:70,130,180::", "cat:::",
             "dog:1,2,3:head:"]  # fmt: skip
    (tmp_path / "in" / "labelmap.txt").write_text("\n".join(lines) + "\n")
    mine = {"_all_": [{"value": [1], "labels": ["x"]}]}
    version.meta["mask_labels"] = mine
    report = version.read_voc(tmp_path / "in")
    assert version.meta["mask_labels"] == mine | {"SegmentationClass": [
        {"value": [128, 64, 128], "labels": ["road way"]},
        {"value": [70, 130, 180], "labels": ["sky"]},
        {"value": [1, 2, 3], "labels": ["dog"]},
    ]}  # fmt: skip
    assert [note.count for note in report.notes.values()] == [2, 1, 1]
    version.write_voc(tmp_path / "out", legend=version.meta["mask_labels"])
    assert (tmp_path / "out" / "labelmap.txt").read_text().splitlines() == [
        *lines[:4], "dog:1,2,3::"]  # fmt: skip
    version.meta["mask_labels"] = {"SegmentationClass": [{"value": [9], "labels": ["mine"]}]}
    version.read_voc(tmp_path / "in")
    assert version.meta["mask_labels"] == {
        "SegmentationClass": [{"value": [9], "labels": ["mine"]}]}  # fmt: skip


def test_a_picture_whose_masks_cannot_be_written_says_that_it_has_none(tmp_path: Path) -> None:
    """Readers of VOC look for the PNG of each picture that claims to be segmented."""
    Image.new("L", (6, 4), 50).save(tmp_path / "m.png")
    masks = [{"id": "00", "uri": str(tmp_path / "m.png")}]
    version = VocVersion()
    version.put({"id": "a", "sources": [{"id": "default", "uri": "/d/a.jpg", "masks": masks}]})
    report = version.write_voc(tmp_path / "out", legend=_LEGEND)
    root = ElementTree.parse(tmp_path / "out" / "Annotations" / "a.xml").getroot()
    assert root.findtext("segmented") == "0"
    assert report.notes["mask that VOC has no place for, left out"].count == 1


def test_a_png_that_went_away_takes_its_mask_along(tmp_path: Path) -> None:
    """Importing again sets the frame to what stands there; masks of others stay."""
    version = _version(tmp_path)
    png = tmp_path / "in" / "SegmentationClass" / "a.png"
    png.parent.mkdir()
    Image.new("P", (20, 10)).save(png)
    version.read_voc(tmp_path / "in")
    (frame,) = version.frames.values()
    (source,) = map(mapping, sequence(frame["sources"]))
    mine = {"id": "SegmentationObject", "uri": "/mine.png"}
    version.put(frame | {"sources": [source | {"masks": [*sequence(source["masks"]), mine]}]})
    version.read_voc(tmp_path / "in")
    assert _mask_ids(version) == ["SegmentationClass", "SegmentationObject"]
    png.unlink()
    version.read_voc(tmp_path / "in")
    assert _mask_ids(version) == ["SegmentationObject"]


def _mask_ids(version: VocVersion) -> list[object]:
    (frame,) = version.frames.values()
    (source,) = map(mapping, sequence(frame["sources"]))
    return [mapping(mask)["id"] for mask in sequence(source["masks"])]


def test_a_mask_that_is_broken_or_of_another_size_is_said(tmp_path: Path) -> None:
    """When it is read, and when it is given back."""
    _version(tmp_path)
    png = tmp_path / "in" / "SegmentationClass" / "a.png"
    png.parent.mkdir()
    Image.new("P", (10, 20)).save(png)
    with pytest.raises(FormatError, match=r"a\.png has a width of 10 pixels, but .*a\.xml says 20"):
        VocVersion().read_voc(tmp_path / "in")
    png.write_bytes(b"no picture")
    with pytest.raises(FormatError, match=r"a\.xml: its mask cannot be read"):
        VocVersion().read_voc(tmp_path / "in")
    Image.new("P", (20, 10)).save(png)
    version = VocVersion()
    version.read_voc(tmp_path / "in")
    png.write_bytes(b"no picture")
    with pytest.raises(MediaError, match="the mask SegmentationClass"):
        version.write_voc(tmp_path / "out")
    assert not (tmp_path / "out").exists()
