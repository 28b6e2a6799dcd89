"""Pascal VOC: real datasets, the convention of its boxes, and XML that is wrong or hostile."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore import codec
from hyperstore.errors import FormatError, HyperstoreError, NotFoundError
from hyperstore.formats import coco, voc
from hyperstore.formats.combine import Partial, combine, mapping, sequence
from hyperstore.formats.report import Report
from hyperstore.formats.shapes import box_of_corners, numbers
from hyperstore.limits import XML_BYTES_MAX
from tests.support.shared import shared_data

_BOX = "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>5.5</xmax><ymax>7</ymax></bndbox>"
_OBJECT = f"<object><name>cat</name><difficult>1</difficult>{_BOX}</object>"


def _rois(partial: Partial) -> list[dict[str, object]]:
    return [mapping(roi) for roi in sequence(partial.wire.get("rois"))]


def _labels(partials: Sequence[Partial]) -> Counter[object]:
    return Counter(sequence(roi["label"])[0] for partial in partials for roi in _rois(partial))


def _read(folder: Path, *xml: str) -> list[Partial]:
    for at, text in enumerate(xml):
        (folder / f"{at}.xml").write_text(text)
    return list(voc.read(folder))


def test_the_blood_cells_are_all_there() -> None:
    """A whole real dataset, with its lists of pictures kept."""
    report = Report()
    partials = list(voc.read(shared_data("bccd"), report=report))
    assert _labels(partials) == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    assert (len(partials), report.notes) == (364, {})
    (first,) = (mapping(image) for image in sequence(mapping(partials[0].wire["_voc"])["images"]))
    assert {"size", "folder", "sets"} <= set(mapping(first["record"]))
    source = mapping(sequence(partials[0].wire["sources"])[0])
    assert Path(str(source["uri"])).is_file()


def test_three_formats_give_the_same_boxes() -> None:
    """COCO v1, COCO v2 and VOC of one truth: equal labels, and edges within a pixel of VOC's."""
    folder = shared_data("eight-formats")
    found = [list(voc.read(folder / "gts" / "pascalvoc_format", images=folder / "images"))]
    for name in ("coco_format_v1", "coco_format_v2"):
        files = list((folder / "gts" / name).glob("*.json"))
        with coco.read(files, images=folder / "images") as source:
            found.append(list(source.frames()))
    truth = [_edges(partials) for partials in found]
    assert [sum(map(len, frames.values())) for frames in truth] == [273] * 3
    assert [len(_labels(partials)) for partials in found] == [20] * 3
    assert truth[0].keys() == truth[1].keys() == truth[2].keys()
    for key, boxes in truth[0].items():
        for other in truth[1:]:
            assert len(other[key]) == len(boxes)
            for ours in boxes:
                assert any(_near(ours, theirs) for theirs in other[key])


def _edges(partials: list[Partial]) -> dict[str, list[tuple[object, list[float]]]]:
    frames: dict[str, list[tuple[object, list[float]]]] = {}
    for partial in partials:
        boxes = frames.setdefault(partial.id, [])
        for roi in _rois(partial):
            poly = [float(value) for value in numbers(roi["poly"]) or []]
            boxes.append((roi["label"], [min(poly[::2]), min(poly[1::2]), max(poly[::2]),
                                         max(poly[1::2])]))  # fmt: skip
    return frames


def _near(one: tuple[object, list[float]], two: tuple[object, list[float]]) -> bool:
    return one[0] == two[0] and all(
        abs(left - right) <= 1 for left, right in zip(one[1], two[1], strict=True)
    )


def test_boxes_count_from_one_and_hold_their_last_pixel(tmp_path: Path) -> None:
    """The pixels 2 to 5 are the stretch from 1 to 5; whole numbers stay whole."""
    (partial,) = _read(tmp_path, f"<annotation>{_OBJECT}</annotation>")
    (roi,) = _rois(partial)
    assert box_of_corners(numbers(roi["poly"]) or []) == [1, 2, 4.5, 5]
    assert [type(value) for value in numbers(roi["poly"]) or []][:2] == [int, int]
    assert mapping(roi["_voc"])["fields"] == {"difficult": 1}


def test_parts_flags_and_unknown_elements_are_kept(tmp_path: Path) -> None:
    """Nothing of a file is lost, and nothing of it goes into the user's metadata."""
    part = f"<part><name>head</name>{_BOX}</part>"
    text = (
        '<annotation odd="1"><filename>p.png</filename><size><width>9</width><height>8</height>'
        f"<depth>3</depth></size><object><name>person</name><pose>Left</pose><truncated>1"
        f"</truncated><occluded>0</occluded>{_BOX}{part}{part}<actions><run>1</run></actions>"
        "</object><object><name>sky</name></object></annotation>"
    )
    (partial,) = _read(tmp_path, text)
    (roi,) = _rois(partial)
    fields = mapping(mapping(roi["_voc"])["fields"])
    assert (fields["pose"], fields["truncated"], fields["occluded"]) == ("Left", 1, 0)
    assert [mapping(item)["name"] for item in sequence(fields["part"])] == ["head", "head"]
    assert fields["actions"] == {"run": "1"}
    assert roi["meta"] == {"_type": "b2d"}
    kept = json.dumps(partial.wire["_voc"])
    for word in ("p.png", '"@odd": "1"', '"depth": "3"', "sky"):
        assert word in kept
    source = {"id": "default", "uri": f"{tmp_path}/p.png", "width": 9, "height": 8}
    assert partial.wire["sources"] == [source]
    codec.encode(partial.wire, what="frame")
    assert combine(partial.wire, partial) == partial.wire


def test_odd_corners_of_the_format_are_read() -> None:
    """Files without sizes, without objects, with a comment first; parts with half pixels."""
    folder = shared_data("formats") / "voc_dataset"
    counts = {
        name: sum(_labels(list(voc.read(folder / name))).values())
        for name in ("voc_dataset1", "voc_dataset2", "voc_dataset3")
    }
    assert counts == {"voc_dataset1": 2, "voc_dataset2": 4, "voc_dataset3": 1}


def test_lists_are_read_but_for_comments_and_classes_and_nothing_is_lost_silently(
    tmp_path: Path,
) -> None:
    """A name without a file, and a list of one class, are counted."""
    folder = tmp_path / "ImageSets" / "Main"
    folder.mkdir(parents=True)
    (folder / "train.txt").write_text("# made by hand\n\na\nlost\n")
    (folder / "cat_train.txt").write_text("a  1\n")
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations" / "a.xml").write_text(f"<annotation>{_OBJECT}</annotation>")
    report = Report()
    (partial,) = voc.read(tmp_path, report=report)
    (image,) = sequence(mapping(partial.wire["_voc"])["images"])
    assert mapping(mapping(image)["record"])["sets"] == ["Main/train"]
    assert {what: (note.count, note.first) for what, note in report.notes.items()} == {
        "list of one class, left out (it follows from the objects)": (
            1,
            str(folder / "cat_train.txt"),
        ),
        "name in ImageSets that has no XML file, left out": (1, "lost in Main/train"),
        "picture of unknown width": (1, str(tmp_path / "Annotations" / "a.xml")),
        "picture of unknown height": (1, str(tmp_path / "Annotations" / "a.xml")),
    }


def test_other_encodings_are_read_where_they_are_declared(tmp_path: Path) -> None:
    """XML says its encoding, so a Latin-1 file is no guess; one that lies is an error."""
    text = _OBJECT.replace("cat", "Öl")
    head = '<?xml version="1.0" encoding="ISO-8859-1"?>'
    (tmp_path / "a.xml").write_bytes(f"{head}<annotation>{text}</annotation>".encode("latin-1"))
    assert _labels(list(voc.read(tmp_path))) == {"Öl": 1}
    (tmp_path / "a.xml").write_bytes(f"<annotation>{text}</annotation>".encode("latin-1"))
    with pytest.raises(FormatError, match="line 1"):
        list(voc.read(tmp_path))


_BOMB = "<!DOCTYPE a [<!ENTITY x 'xx'><!ENTITY y '&x;&x;'>]><annotation>&y;</annotation>"
_OUTSIDE = "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><annotation/>"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "no element found"),
        ("<annotation>", "no element found"),
        ("<annotation><a></annotation>", "line 1, column 18: mismatched tag"),
        ("<html/>", "<html> is no VOC annotation"),
        (_BOMB, "document type is refused"),
        (_OUTSIDE, "document type is refused"),
        ("<annotation>&nbsp;</annotation>", "undefined entity"),
        ("<annotation>" + "<a>" * 1000, "nested deeper"),
        ('<?xml version="1.0" encoding="klingon"?><annotation/>', "unknown encoding"),
        ("<annotation>\n<object></object></annotation>", "line 2: an object without a name"),
        (f"<annotation>{_OBJECT.replace('2', 'two')}</annotation>", "xmin is 'two'"),
        (f"<annotation>{_OBJECT.replace('5.5', 'nan')}</annotation>", "xmax is 'nan'"),
        (f"<annotation>{_OBJECT.replace('5.5', '1e999')}</annotation>", "xmax is '1e999'"),
        (f"<annotation>{_OBJECT.replace('7', '')}</annotation>", "ymax is ''"),
        (f"<annotation>{_OBJECT.replace('xmin', 'left')}</annotation>", "without xmin"),
        ("<annotation><size><width>x</width></size></annotation>", "width is 'x'"),
    ],
)
def test_a_wrong_file_is_one_error_that_names_the_place(
    tmp_path: Path, text: str, place: str
) -> None:
    """Nothing expands, nothing outside is read, and the file and line are said."""
    with pytest.raises(FormatError, match=place) as found:
        _read(tmp_path, text)
    assert str(tmp_path / "0.xml") in str(found.value)


def test_files_too_large_doubled_or_missing_are_said(tmp_path: Path) -> None:
    """Also an empty folder, and two files about one picture."""
    with pytest.raises(NotFoundError):
        list(voc.read(tmp_path))
    with pytest.raises(NotFoundError):
        list(voc.read(tmp_path / "none"))
    named = "<annotation><filename>a.jpg</filename></annotation>"
    with pytest.raises(FormatError, match="name one picture"):
        _read(tmp_path, named, named)
    (tmp_path / "0.xml").write_bytes(b" " * (XML_BYTES_MAX + 1))
    with pytest.raises(FormatError, match="larger than"):
        list(voc.read(tmp_path))


@given(st.binary(max_size=40), st.integers(0, 120), st.integers(0, 20))
def test_no_mutation_lets_anything_else_out(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int, cut: int
) -> None:
    """Whatever the bytes, the reader answers or raises one of ours: no other gets through here."""
    content = f"<annotation><filename>a</filename>{_OBJECT}</annotation>".encode()
    path = tmp_path_factory.getbasetemp() / "mutated.xml"
    path.write_bytes(content[:at] + noise + content[at + cut :])
    with suppress(HyperstoreError):
        for partial in voc.read(path):
            codec.encode(partial.wire, what="frame")
