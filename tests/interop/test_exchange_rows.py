"""Import and export, row by row: frames as dicts, as JSON files, from other formats and folders."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hyperstore
from hyperstore import FrameGroup, SingleFrame, Store
from hyperstore.formats.combine import Wire
from tests.support.coco import put
from tests.support.panoptic import put_panoptic
from tests.support.unchanged import fails, run_well


def _wires() -> list[dict[str, object]]:
    """Return frames of both kinds, with what has a shape of its own on the wire."""
    one = SingleFrame(id="a", source="s3://bucket/ä b.jpg", width=9, height=8, metadata={"k": None})
    one.add_annotation(box2d_xywh=(1, 2, 3.5, 4), labels=["car", "red"], confidence=0.5)
    one.add_annotation(poly2d_xy=[[0, 0, 4, 0, 4, 4], [1, 1, 2, 1, 2, 2]], labels=["hole"])
    one.masks_source = {"m": "s3://bucket/m.png"}
    one.add_annotation(mask_rgb=[1, 2, 3], labels=["sky"])
    group = FrameGroup(id="b", metadata={"weather": "dry"})
    group["left"] = SingleFrame(source="s3://bucket/l.jpg", metadata={"n": 1})
    group["right"] = SingleFrame(source="s3://bucket/r.jpg")
    return [one.to_dict(), group.to_dict()]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a store with `cells@Current`, which has the frames."""
    run_well(tmp_path, "init")
    run_well(tmp_path, "dataset", "create", "cells")
    with hyperstore.open(tmp_path / ".hyperstore") as opened:
        assert opened.dataset("cells").version().add_frames(_wires()) == []
        yield opened


def test_ie_01_frames_become_dicts_and_dicts_the_same_frames(store: Store) -> None:
    """By JSON text in between, as an interchange format is; in another dataset too."""
    version = store.dataset("cells").version()
    texts = [json.dumps(frame.to_dict()) for frame in version]
    first, second = map(json.loads, texts)
    made: list[SingleFrame | FrameGroup] = [
        FrameGroup.from_dict(first),
        SingleFrame.from_dict(second),
    ]
    assert [json.dumps(frame.to_dict()) for frame in made] == texts
    other = store.create_dataset("other").version()
    assert other.add_frames(made) == []
    assert other.content_id == version.content_id


@pytest.mark.parametrize("form", [(), ("--list",)])
def test_ie_02_frames_go_out_as_json_and_come_in_again(
    store: Store, tmp_path: Path, form: tuple[str, ...]
) -> None:
    """Lines or one list: read by `json`, and by `add` into a version of the same content."""
    version = store.dataset("cells").version()
    file = tmp_path / "frames.json"
    said = run_well(tmp_path, "export", "frames", "cells@Current", file, *form)
    assert "2 frames" in said
    text = file.read_text()
    found = json.loads(text) if form else [json.loads(line) for line in text.splitlines()]
    assert found == [frame.to_dict() for frame in version]
    run_well(tmp_path, "dataset", "create", "again")
    run_well(tmp_path, "add", file)
    assert store.dataset("again").version().content_id == version.content_id


@pytest.mark.usefixtures("store")
def test_ie_02_a_projection_leaves_parts_of_frames_and_their_nulls(tmp_path: Path) -> None:
    """Nested as they are in the frame; a frame that has none of it is an empty object."""
    file = tmp_path / "parts.jsonl"
    paths = ("--projection", "rois.*.label", "--projection", "meta.k")
    run_well(tmp_path, "export", "frames", "cells@Current", file, *paths)
    labels = [{"label": ["car", "red"]}, {"label": ["hole"]}, {"label": ["sky"]}]
    found = [json.loads(line) for line in file.read_text().splitlines()]
    assert found == [{"meta": {}}, {"meta": {"k": None}, "rois": labels}]
    assert "empty part" in fails(
        tmp_path, "export", "frames", "cells@Current", file, "--projection", "a..b", code=2
    )


def test_ie_02_an_empty_version_is_an_empty_file_or_an_empty_list(tmp_path: Path) -> None:
    """Both are read as no frames."""
    run_well(tmp_path, "init")
    run_well(tmp_path, "dataset", "create", "cells")
    for form, text in (((), ""), (("--list",), "[]\n")):
        run_well(tmp_path, "export", "frames", "cells@Current", tmp_path / "f", *form)
        assert (tmp_path / "f").read_text() == text


def test_ie_03_what_examples_register_by_hand_is_one_command(tmp_path: Path) -> None:
    """COCO, its masks by name, VOC: the same picture is one frame each time it is named."""
    image = {"id": 1, "file_name": "a.jpg", "width": 4, "height": 2}
    categories = [{"id": 1, "name": "cat"}]
    boxes = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2]}]
    segments = [{"id": 7, "category_id": 1}]
    plain: Wire = {"images": [image], "categories": categories, "annotations": boxes}
    shown = {"image_id": 1, "file_name": "a.png", "segments_info": segments}
    put(tmp_path / "boxes.json", plain)
    ids = np.array([[7, 7, 0, 0], [7, 0, 0, 0]])
    put_panoptic(tmp_path / "p.json", plain | {"annotations": [shown]}, {"a.png": ids})
    (tmp_path / "a.xml").write_text(
        "<annotation><filename>a.jpg</filename><size><width>4</width><height>2</height></size>"
        "<object><name>dog</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax>"
        "</bndbox></object></annotation>"
    )
    run_well(tmp_path, "init")
    words = ("--images", tmp_path, "--dataset", "d", "-m", "Import")
    run_well(tmp_path, "import", "coco", tmp_path / "boxes.json", *words)
    run_well(tmp_path, "import", "panoptic", tmp_path / "p.json", *words)
    run_well(tmp_path, "import", "voc", tmp_path / "a.xml", *words)
    rois = _rois_of_the_one(tmp_path)
    kinds = [(roi["label"], roi["meta"]["_type"]) for roi in rois]
    assert sorted(kinds) == [(["cat"], "b2d"), (["cat"], "mask"), (["dog"], "b2d")]
    run_well(tmp_path, "undo")
    assert len(_rois_of_the_one(tmp_path)) == 2


def _rois_of_the_one(folder: Path) -> list[dict[str, Any]]:
    with hyperstore.open(folder / ".hyperstore") as opened:
        (frame,) = opened.dataset("d").version()
        rois = frame.to_dict()["rois"]
    assert isinstance(rois, list)
    return rois


@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_ie_05_frames_move_between_datasets_in_batches_of_any_size(store: Store, size: int) -> None:
    """Iterated and added again, as users do; the content is the same whatever the batches."""
    source = store.create_dataset("many").version()
    source.add_frames(
        {"id": f"f{number:03}", "sources": [{"id": "default", "uri": f"s3://b/{number}"}]}
        for number in range(250)
    )
    target = store.create_dataset("other").version()
    frames = iter(source)
    while batch := list(islice(frames, size)):
        assert target.add_frames(batch) == []
    assert (len(target), target.content_id) == (250, source.content_id)
