"""COCO files that are wrong: one error, which names file and place, and no frame."""

import json
import subprocess
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.errors import FormatError, HyperstoreError, NotFoundError
from hyperstore.formats import coco
from hyperstore.formats.jsonstream import JsonFile
from hyperstore.limits import JSON_CHUNK_BYTES, JSON_VALUE_CHARS_MAX, PICTURE_RECORDS_MAX
from tests.support.command import environment

_IMAGE = {"id": 1, "file_name": "a.jpg", "width": 4, "height": 3}
_CATEGORY = {"id": 1, "name": "cat"}
_BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}


def _read(path: Path, content: bytes) -> int:
    path.write_bytes(content)
    with coco.read([path]) as source:
        return sum(1 for _ in source.frames())


def _text(**changes: object) -> bytes:
    data = {"images": [_IMAGE], "annotations": [_BOX], "categories": [_CATEGORY]}
    return json.dumps(data | changes).encode()


def _one(**changes: object) -> bytes:
    return _text(annotations=[_BOX, _BOX | changes])


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"", "line 1, column 1: the file is empty"),
        (b"[]", "one JSON object"),
        (b"{}", "no list of images"),
        (b'{"images": [', "ends"),
        (b'{"images": [{"id": 1', r"images\[0\] .* ends too early"),
        (_text()[:-1], "ends too early"),
        (_text() + b"x", "after the end"),
        (b'{"images": [],}', "field's name"),
        (b'{"images": [] "a": 1}', "expected ','"),
        (b'{\n\n"images": [{"id": x}]}', "line 3, column 19"),
        (b'{"images": [], "images": []}', "'images' stands twice"),
        (b'{"images": [{"id": 1, "id": 2}]}', r"images\[0\]: the key 'id' stands twice"),
        (b'{"images": [{"id": NaN}]}', r"images\[0\]: NaN"),
        (b'{"images": [{"id": 1, "x": -Infinity}]}', "Infinity"),
        (b'{"images": [{"id": 1, "x": [1e999]}]}', r"images\[0\]\.x\[0\]: inf"),
        (b'{"images": [{"id": 18446744073709551616}]}', r"images\[0\]\.id: an integer outside"),
        (b'{"images": [{"id": -9223372036854775809}]}', "an integer outside"),
        (b'{"images": [{"id": ' + b"9" * 5000 + b"}]}", "no frame can hold"),
        (b'{"images": [{"id": "\\ud800"}]}', "surrogate"),
        (b'{"images": ' + b"[" * 100_000, r"images\[0\] is nested deeper"),
        (b'{"x": ' + b"[" * 60 + b"]" * 60 + b', "images": []}', "nested deeper"),
        (b'{"images": [], "info": {"by": "Jos\xe9"}}', "line 1, column 35: byte 34 is not UTF-8"),
        ('{"images": []}'.encode("utf-16"), "UTF-16"),
        ('{"images": []}'.encode("utf-32"), "UTF-16"),
        ('{"images": []}'.encode("utf-16-le"), "field's name"),
        (_text(images={}), "images is a dict"),
        (_text(images=[1]), r"images\[0\] is an int"),
        (_text(images=[_IMAGE, _IMAGE]), r"images\[1\]\.id is 1, as images\[0\]\.id is"),
        (_text(images=[_IMAGE | {"id": None}]), r"images\[0\]\.id is None"),
        (_text(images=[_IMAGE | {"id": True}]), r"images\[0\]\.id is True"),
        (_text(images=[_IMAGE | {"id": 1.5}]), r"images\[0\]\.id is 1.5"),
        (_text(images=[{"id": 1}]), r"images\[0\]\.file_name is None"),
        (_text(images=[{"id": 1, "file_name": ""}]), r"file_name is '', not a file's name"),
        (_text(images=[_IMAGE | {"file_name": "."}]), r"images\[0\]\.file_name"),
        (_text(images=[_IMAGE | {"width": "4"}]), r"images\[0\]\.width is 4"),
        (_text(annotations="x"), "annotations is a str"),
        (_text(annotations=[[]]), r"annotations\[0\] is a list"),
        (_text(categories={}), "categories is a dict"),
        (_text(categories=[1]), r"categories\[0\] is an int"),
        (_text(categories=[{"name": "cat"}]), r"categories\[0\]\.id is None"),
        (_text(categories=[{"id": 1, "name": 3}]), r"categories\[0\]\.name is an int"),
        (_one(image_id=2), r"annotations\[1\]\.image_id is 2, which no image has"),
        (_one(image_id=None), r"annotations\[1\]\.image_id is None"),
        (_one(category_id=7), r"annotations\[1\]\.category_id is 7, which no category has"),
        (_one(category_id="1"), r"annotations\[1\]\.category_id is 1, which no category has"),
        (_one(category_id=[1]), r"annotations\[1\]\.category_id is \[1\], not"),
        (_one(bbox="0,0,1,1"), r"annotations\[1\]\.bbox is 0,0,1,1, not a list of numbers"),
        (_one(bbox=[0, 0, "1", 1]), r"annotations\[1\]\.bbox"),
        (_one(bbox=[0, 0, True, 1]), r"annotations\[1\]\.bbox"),
        (_one(segmentation="x"), r"annotations\[1\]\.segmentation is a str"),
        (_one(segmentation=[[0, 0, 1, 1, 2, 2], "x"]), r"annotations\[1\]\.segmentation\[1\]"),
        (_one(keypoints=[0, 0, "2"]), r"annotations\[1\]\.keypoints"),
        (_one(caption=1), r"annotations\[1\]\.caption is an int"),
    ],
)
def test_a_wrong_file_is_one_error_that_names_the_place(
    tmp_path: Path, content: bytes, place: str
) -> None:
    """A person finds the place without a debugger."""
    with pytest.raises(FormatError, match=place) as found:
        _read(tmp_path / "bad.json", content)
    assert str(tmp_path / "bad.json") in str(found.value)


def test_a_missing_file_and_a_folder_are_said(tmp_path: Path) -> None:
    """The system's errors do not leak."""
    with pytest.raises(NotFoundError), coco.read([tmp_path / "none.json"]):
        raise AssertionError
    with pytest.raises(FormatError, match="folder"), coco.read([tmp_path]):
        raise AssertionError


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    """Windows tools write one; it says nothing that UTF-8 does not."""
    assert _read(tmp_path / "a.json", b"\xef\xbb\xbf" + _text()) == 1


def test_geometry_that_is_merely_odd_is_kept_and_reported(tmp_path: Path) -> None:
    """One bad polygon does not keep a dataset out; it comes back as it was."""
    odd: list[dict[str, object]] = [
        {"segmentation": [[1, 2, 3]]},
        {"segmentation": {"size": [2, 2], "counts": [9]}},
        {"bbox": [1, 2, 3]},
        {"segmentation": [[-999999999, 0, 1, 1, 2, 2]]},
        {"bbox": [0, 0, 1e300, 1e300]},
    ]
    plain = {"image_id": 1, "category_id": 1}
    listed = [{**plain, "id": at, **item} for at, item in enumerate(odd)]
    content = _text(annotations=listed)
    (tmp_path / "a.json").write_bytes(content)
    with coco.read([tmp_path / "a.json"]) as source:
        (partial,) = source.frames()
        meta = coco.combine_version({}, source)
    assert "rois" not in partial.wire
    assert source.report.notes["annotation kept as it is, no ROI of its own"].count == len(odd)
    coco.write([partial.wire], meta, tmp_path / "out.json")
    found = json.loads((tmp_path / "out.json").read_bytes())
    assert found["annotations"] == listed


@given(st.binary(max_size=60), st.integers(0, 200), st.integers(0, 30))
def test_no_mutation_lets_anything_else_out(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int, cut: int
) -> None:
    """Whatever the bytes, the reader answers or raises one of ours: no other gets through here."""
    content = _text()
    path = tmp_path_factory.getbasetemp() / "mutated.json"
    with suppress(HyperstoreError):
        _read(path, content[:at] + noise + content[at + cut :])


@given(st.integers(-40, 40), st.sampled_from(["é", "\\u00e9", "1234567", "-1.5e3", "[[]]"]))
def test_the_seam_of_two_chunks_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, shift: int, piece: str
) -> None:
    """A character, an escape or a number may lie across the place where reading stopped."""
    path = tmp_path_factory.getbasetemp() / "seam.json"
    value = piece if piece[0] in "-1[" else f'"{piece}"'
    head = '{"pad": "' + "x" * (JSON_CHUNK_BYTES + shift - 20) + '", '
    path.write_text(head + f'"a": {value}, "images": [{value}, {value}], "n": 7}}', "utf-8")
    whole = json.loads(path.read_text("utf-8"))
    with JsonFile(path) as stream:
        fields = list(stream.fields(frozenset({"images"})))
    found = {field.name: field.value for field in fields if field.index is None}
    assert found == {name: whole[name] for name in ("pad", "a", "n")}
    assert [field.value for field in fields if (field.index or 0) >= 0 and field.name == "images"][
        -2:
    ] == whole["images"]


def test_a_value_without_end_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    """A file may claim one annotation of gigabytes."""
    path = tmp_path / "huge.json"
    with path.open("wb") as stream:
        stream.write(b'{"images": ["')
        for _ in range(3 * JSON_VALUE_CHARS_MAX // (1 << 20)):
            stream.write(b"x" * (1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="longer than"), coco.read([path]):
            raise AssertionError
        assert tracemalloc.get_traced_memory()[1] < 8 * JSON_VALUE_CHARS_MAX
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Ten times the images and annotations: what grew with them would take ten times the room."""
    peaks = [_peak(tmp_path, count) for count in (150, 1_500)]
    assert peaks[1] < 2 * peaks[0]


def _peak(folder: Path, count: int) -> int:
    images = [_IMAGE | {"id": at, "file_name": f"{at}.jpg"} for at in range(count)]
    polygon = [float(value) for value in range(60)]
    annotations = [
        _BOX | {"id": at, "image_id": at % count, "segmentation": [polygon]}
        for at in range(4 * count)
    ]
    path = folder / f"{count}.json"
    path.write_bytes(_text(images=images, annotations=annotations))
    del images, annotations
    # In a process of its own: what other tests left alive there changes when Python collects.
    words = [sys.executable, "-c", _MEASURE, str(path), str(folder / "out.json")]
    answer = subprocess.run(words, env=environment(), capture_output=True, text=True, check=True)
    return int(answer.stdout)


_MEASURE = """
import sys, tracemalloc
from pathlib import Path
from hyperstore.formats import coco
tracemalloc.start()
with coco.read([Path(sys.argv[1])]) as source:
    meta = coco.combine_version({}, source)
    frames = (coco.combine(None, partial) for partial in source.frames())
    coco.write(frames, meta, Path(sys.argv[2]))
print(tracemalloc.get_traced_memory()[1])
"""


def test_so_many_images_may_name_one_picture_and_no_more(tmp_path: Path) -> None:
    """All of them stand in one frame, and each is compared with all others."""
    images = [_IMAGE | {"id": number} for number in range(1, PICTURE_RECORDS_MAX + 2)]
    assert _read(tmp_path / "a.json", _text(images=images[:-1])) == 1
    with pytest.raises(FormatError, match=f"{len(images)} images name one picture"):
        _read(tmp_path / "b.json", _text(images=images))
