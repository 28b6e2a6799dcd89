"""COCO and VOC files that are wrong, through the command: one line, and nothing has changed.

What the readers say of each fault is held in tests/formats; here it is that nothing is left behind,
not even the dataset and the version that an import makes where they are missing.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import hyperstore
from hyperstore import Store
from hyperstore.limits import XML_BYTES_MAX
from tests.support.frames import wire
from tests.support.unchanged import fails, held, run

IMAGE = {"id": 1, "file_name": "a.jpg", "width": 4, "height": 3}
BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "area": 1, "iscrowd": 0}
GOOD = {
    "info": {"description": "cells"},
    "licenses": [{"id": 1, "name": "MIT", "url": ""}],
    "images": [IMAGE, IMAGE | {"id": 2, "file_name": "b.jpg"}],
    "annotations": [BOX, BOX | {"id": 2, "image_id": 2}],
    "categories": [{"id": 1, "name": "cell"}],
}
OBJECT = (
    "<object><name>cell</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax>"
    "</bndbox></object>"
)
XML = (
    "<annotation><filename>a.jpg</filename><size><width>9</width><height>9</height></size>"
    f"{OBJECT}</annotation>"
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a store with a dataset that has one frame, on which the command stands."""
    with hyperstore.init(tmp_path / ".hyperstore") as made:
        version = made.create_dataset("old").version()
        version.add_frames([wire("good")])
        version.commit("One")
        made.set_head(version)
        yield made


def refuse(store: Store, folder: Path, *words: str | Path) -> str:
    """Import into a new dataset, a new version and the old one: refused, and nothing changes."""
    before = held(store)
    said = ""
    for place in (["new"], ["old", "--version", "new"], ["old"]):
        said = fails(folder, "import", *words, "--dataset", *place, "-m", "Import")
        assert held(store) == before, place
        assert len(said) < 700
        assert list((folder / ".hyperstore" / "tmp").iterdir()) == []
    return said


@pytest.mark.parametrize("twentieth", range(20))
def test_a_coco_file_cut_anywhere_is_refused(tmp_path: Path, store: Store, twentieth: int) -> None:
    """A download that broke off; after each 20th, and a byte before the end."""
    text = json.dumps(GOOD).encode()
    cut = len(text) * twentieth // 20 if twentieth else len(text) - 1
    (tmp_path / "cut.json").write_bytes(text[:cut])
    assert "cut.json" in refuse(store, tmp_path, "coco", tmp_path / "cut.json")


@pytest.mark.parametrize("twentieth", range(20))
def test_a_voc_file_cut_anywhere_is_refused(tmp_path: Path, store: Store, twentieth: int) -> None:
    """The last of two files, so that frames were read already."""
    folder = tmp_path / "voc"
    folder.mkdir()
    (folder / "a.xml").write_text(XML)
    text = XML.replace("a.jpg", "b.jpg")
    (folder / "b.xml").write_text(text[: len(text) * twentieth // 20 if twentieth else -1])
    assert "b.xml" in refuse(store, tmp_path, "voc", folder)


WRONG: list[object] = [None, True, 3, -1.5, "x", [], [[]], {}, {"a": 1}, [None], 2**80, 10**400]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: str(json.dumps(value))[:20])
def test_a_value_of_another_type_in_any_field_is_refused_or_kept(
    tmp_path: Path, store: Store, wrong: object
) -> None:
    """Each field of each object in turn; a traceback, or a change after an error, is neither."""
    kept = 0
    for name, text in _with_each_field(wrong):
        before = held(store)
        (tmp_path / "odd.json").write_text(text)
        done = _try(tmp_path, "import", "coco", tmp_path / "odd.json", "--dataset", "new")
        if done == 0:
            kept += 1
            store.delete_dataset("new", force=True)
        else:
            assert held(store) == before, name
    assert bool(kept) != (wrong in WRONG[-2:])  # What is merely unknown to us is not refused.


def _try(folder: Path, *words: str | Path) -> int:
    done = run(folder, *words)
    if done.code:
        assert done.err.startswith("error: "), done.err
        assert "odd.json" in done.err
    return done.code


def _with_each_field(wrong: object) -> Iterator[tuple[str, str]]:
    for name, value in GOOD.items():
        yield name, json.dumps({**GOOD, name: wrong})
        if isinstance(value, list):
            yield f"{name}[0]", json.dumps({**GOOD, name: [wrong, *value[1:]]})
            for key in (*value[0], "segmentation", "keypoints", "caption", "new"):
                item = {**value[0], key: wrong}
                yield f"{name}[0].{key}", json.dumps({**GOOD, name: [item, *value[1:]]})


BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "utf-16": (json.dumps(GOOD).encode("utf-16"), "UTF-16"),
    "latin-1": (json.dumps(GOOD).replace("cell", "zé").encode("latin-1"), "zé"),
    "bytes": (bytes(range(256)), "broken.json"),
    "image twice": (json.dumps({**GOOD, "images": [IMAGE, IMAGE]}).encode(), "images[1].id"),
    "no such image": (
        json.dumps({**GOOD, "annotations": [BOX, BOX | {"image_id": 9}]}).encode(),
        "annotations[1].image_id is 9",
    ),
    "no such category": (
        json.dumps({**GOOD, "annotations": [BOX, BOX | {"category_id": 9}]}).encode(),
        "annotations[1].category_id is 9",
    ),
    "nesting": (b'{"images": ' + b"[" * 200_000, "nested"),
    "objects": (b'{"a":' * 200_000, "nested"),
    "number": (b'{"images": [{"id": ' + b"9" * 200_000 + b"}]}", "images[0]"),
    "xml": (XML.encode(), "broken.json"),
    "lines": (b'{"images": []}\n{"images": []}\n', "after the end"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_coco_file_is_one_line(tmp_path: Path, store: Store, name: str) -> None:
    """Each names file and place."""
    content, place = BROKEN[name]
    (tmp_path / "broken.json").write_bytes(content)
    said = refuse(store, tmp_path, "coco", tmp_path / "broken.json")
    assert "broken.json" in said
    if name != "latin-1":
        assert place in said


def test_the_second_of_two_files_leaves_nothing_of_the_first(tmp_path: Path, store: Store) -> None:
    """One import is one edit."""
    (tmp_path / "good.json").write_text(json.dumps(GOOD))
    (tmp_path / "bad.json").write_text(json.dumps(GOOD)[:-9])
    said = refuse(store, tmp_path, "coco", tmp_path / "good.json", tmp_path / "bad.json")
    assert "bad.json" in said


def test_a_frame_that_cannot_be_stored_leaves_nothing_of_the_others(
    tmp_path: Path, store: Store
) -> None:
    """A name of a picture longer than any context: found only when its frame is made."""
    images = [IMAGE, IMAGE | {"id": 2, "file_name": "x" * 9_000}]
    (tmp_path / "long.json").write_text(json.dumps({**GOOD, "images": images}))
    assert "context" in refuse(store, tmp_path, "coco", tmp_path / "long.json")


def test_a_value_of_gigabytes_is_refused(tmp_path: Path, store: Store) -> None:
    """Sparse, so that it costs no disk here; refused before it fills memory."""
    with (tmp_path / "huge.json").open("wb") as stream:
        stream.write(b'{"images": ["')
        stream.truncate(2**33)
    said = refuse(store, tmp_path, "coco", tmp_path / "huge.json")
    assert "line 1, column 14: images[0] is not JSON" in said
    with (tmp_path / "huge.xml").open("wb") as stream:
        stream.write(XML.encode())
        stream.truncate(2**33)
    assert f"{XML_BYTES_MAX:,}" in refuse(store, tmp_path, "voc", tmp_path / "huge.xml")


LOL = "".join(f'<!ENTITY l{at + 1} "{f"&l{at};" * 10}">' for at in range(9))
HOSTILE: dict[str, bytes] = {
    "billion laughs": (
        f'<!DOCTYPE a [<!ENTITY l0 "lol">{LOL}]><annotation>&l9;</annotation>'.encode()
    ),
    "quadratic": (
        f'<!DOCTYPE a [<!ENTITY x "{"x" * 50_000}">]><annotation>{"&x;" * 50_000}</annotation>'
    ).encode(),
    "external": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>',
    "dtd": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><annotation/>',
    "deep": b"<a>" * 100_000,
    "many": b"<annotation>" + b"<a/>" * 500_000 + b"</annotation>",
    "twice": b'<annotation a="1" a="2"/>',
    "declared": b'<?xml version="1.0" encoding="latin-1"?><annotation>\xe9',
    "unknown": b'<?xml version="1.0" encoding="x-none"?><annotation/>',
    "not utf-8": XML.replace("cell", "zé").encode("latin-1"),
    "nul": XML.replace("cell", "ce\0ll").encode(),
    "html": b"<html><body>404</body></html>",
    "json": b'{"images": []}',
    "no box edge": XML.replace("<xmax>3</xmax>", "").encode(),
    "edge of words": XML.replace("<xmax>3<", "<xmax>three<").encode(),
    "edge nan": XML.replace("<xmax>3<", "<xmax>nan<").encode(),
    "edge huge": XML.replace("<xmax>3<", "<xmax>" + "9" * 400 + "<").encode(),
    "no name": XML.replace("<name>cell</name>", "").encode(),
    "empty name": XML.replace("<name>cell</name>", "<name/>").encode(),
    "size of words": XML.replace("<width>9<", "<width>wide<").encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_xml_that_is_wrong_or_hostile_is_one_line(tmp_path: Path, store: Store, name: str) -> None:
    """Nothing is fetched, expanded or followed."""
    (tmp_path / "hostile.xml").write_bytes(HOSTILE[name])
    said = refuse(store, tmp_path, "voc", tmp_path / "hostile.xml")
    assert "hostile.xml" in said
    assert "root:" not in said


def test_two_files_of_one_picture_are_refused(tmp_path: Path, store: Store) -> None:
    """In one folder, and named one by one: neither overwrites the other in silence."""
    for name in ("a.xml", "b.xml"):
        (tmp_path / "voc").mkdir(exist_ok=True)
        (tmp_path / "voc" / name).write_text(XML)
    assert "one picture" in refuse(store, tmp_path, "voc", tmp_path / "voc")
    files = [tmp_path / "voc" / name for name in ("a.xml", "b.xml")]
    assert "one picture" in refuse(store, tmp_path, "voc", *files)


@pytest.mark.parametrize("kind", ["coco", "voc"])
def test_what_is_no_file_is_one_line(tmp_path: Path, store: Store, kind: str) -> None:
    """Missing, a folder without any, a device, a pipe that nobody writes to."""
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    refuse(store, tmp_path, kind, tmp_path / "none")
    refuse(store, tmp_path, kind, tmp_path / "empty")
    refuse(store, tmp_path, kind, "/dev/zero")
    refuse(store, tmp_path, kind, tmp_path / "loop" / ".." / "none")
    if os.geteuid():
        (tmp_path / "secret.json").touch(mode=0)
        refuse(store, tmp_path, kind, tmp_path / "secret.json")


def test_an_export_that_fails_leaves_the_old_file(tmp_path: Path, store: Store) -> None:
    """Into a folder, into nowhere, of a task that is not there."""
    before = held(store)
    (tmp_path / "out.json").write_text("mine")
    for words in (
        ("old@Current", tmp_path / "none" / "out.json"),
        ("none@Current", tmp_path / "out.json"),
        ("old@none", tmp_path / "out.json"),
    ):
        fails(tmp_path, "export", "coco", *words)
    fails(tmp_path, "export", "coco", "old@Current", tmp_path, code=2)
    fails(tmp_path, "export", "coco", "old", tmp_path / "out.json", "--of", "none", code=2)
    assert (tmp_path / "out.json").read_text() == "mine"
    assert held(store) == before
