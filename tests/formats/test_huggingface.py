"""Datasets of Hugging Face: what their own library shows, and back, ours and those of others."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import hyperstore
from hyperstore import FormatError, NotFoundError, Store, UsageError
from hyperstore.formats import huggingface
from hyperstore.formats.newmedia import kept_in_store, written_to
from hyperstore.media.local import local_file
from tests.formats.test_webdataset import png, stored, wires_of
from tests.support.pictures import draw

Row = dict[str, Any]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store for many datasets."""
    with hyperstore.init(tmp_path_factory.mktemp("hf") / "store") as made:
        yield made


@pytest.fixture
def frames(tmp_path: Path) -> list[Row]:
    """Return three frames of pictures that are there: boxes, a polygon, a label of the whole."""
    found: list[Row] = []
    for at in range(3):
        uri = f"file://{draw(tmp_path / f'in/{at}.png', at)}"
        box = {"_type": "b2d", "track": at}
        found.append({
            "id": f"f{at}",
            "context_id": "camera",
            "timestamp": at,
            "meta": {"speed": at},
            "sources": [{"id": "default", "uri": uri, "width": 6, "height": 4}],
            "rois": [
                {"id": "a", "label": ["dog", "pet"], "poly": [1, 1, 3, 1, 3, 2, 1, 2], "meta": box},
                {"id": "b", "label": ["cat"], "poly": [0, 0, 4, 0, 4, 3], "confidence": 0.5},
                {"id": "c", "label": ["night"], "meta": {"_type": "im"}},
            ][: at + 1],
        })  # fmt: skip
    return found


def by_the_library(path: Path, cache: Path) -> Any:
    """Return a dataset as its own library loads it."""
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    return datasets.load_dataset(
        "parquet", data_files=str(path), split="train", cache_dir=str(cache)
    )


def test_the_library_shows_pictures_classes_and_boxes(
    store: Store, frames: list[Row], tmp_path: Path
) -> None:
    """As those who train detectors expect them: Image, ClassLabel, x y width height."""
    draft = stored(store, frames)
    report = huggingface.write(draft.view(), tmp_path / "out", fetch=local_file)
    assert report.counts == {"frames": 3, "files": 1, "categories": 3}
    found = by_the_library(tmp_path / "out/data/train-00000.parquet", tmp_path / "cache")
    classes = found.features["objects"]["category"].feature
    assert classes.names == ["cat", "dog", "night"]
    rows = list(found)
    for at, row in enumerate(rows):
        assert row["image"].convert("RGB").getpixel((0, 0)) == (at, 0, 0)
        assert row["image"].size == (6, 4)
        assert (row["id"], row["timestamp"]) == (f"f{at}", at)
    last = rows[2]["objects"]
    assert last["bbox"] == [[1, 1, 2, 1], [0, 0, 4, 3]]
    assert classes.int2str(last["category"]) == ["dog", "cat"]
    assert last["area"] == [2.0, 6.0]
    assert last["confidence"] == [None, 0.5]
    assert found.features["labels"].feature.int2str(rows[2]["labels"]) == ["night"]
    assert {note: held.count for note, held in report.notes.items()} == {
        "ROI with several labels, of which the first is written": 3,
        "ROI whose metadata has no place": 3,
        "shape written as the box around it": 2,
    }


def test_a_folder_is_loaded_by_its_card(store: Store, frames: list[Row], tmp_path: Path) -> None:
    """`load_dataset("folder")`, with the split that it was given; paths may stand for bytes."""
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    draft = stored(store, frames)
    report = huggingface.write(
        draft.view(), tmp_path / "out", fetch=local_file, split="val", file_bytes=1, embed=False
    )
    assert report.counts["files"] == 1
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == ["val"]
    assert loaded["val"][1]["image"].getpixel((0, 0)) == (1, 0, 0)


def test_what_is_read_back_is_what_such_a_dataset_can_say(
    store: Store, frames: list[Row], tmp_path: Path
) -> None:
    """Boxes, classes, metadata and addresses; with `whole`, the frames to the byte."""
    draft = stored(store, frames)
    meta: Row = {"mask_labels": {}}
    huggingface.write(draft.view(), tmp_path / "out", fetch=local_file, meta=meta)
    source = huggingface.read([tmp_path / "out"])
    assert source.meta == meta
    back = wires_of(stored(store, source.frames()))
    for frame, before in zip(back, wires_of(draft), strict=True):
        assert frame["sources"] == before["sources"]
        assert (frame["id"], frame["meta"]) == (before["id"], before["meta"])
        labels = {tuple(roi["label"][:1]) for roi in before["rois"]}
        assert {tuple(roi["label"]) for roi in frame["rois"]} == labels
    huggingface.write(draft.view(), tmp_path / "all", fetch=local_file, whole=True)
    whole = stored(store, huggingface.read([tmp_path / "all"]).frames())
    assert whole.view().content_id == draft.view().content_id


def test_pictures_are_kept_where_nothing_else_has_them(
    store: Store, frames: list[Row], tmp_path: Path
) -> None:
    """On a machine that has the dataset and no folder of pictures."""
    draft = stored(store, frames)
    for whole in (False, True):
        out = tmp_path / f"out{whole}"
        huggingface.write(draft.view(), out, fetch=local_file, whole=whole)
        with kept_in_store(store.handle) as keep:
            back = stored(store, huggingface.read([out], keep=keep, keep_all=True).frames())
        for at, frame in enumerate(back):
            uri = frame.to_dict()["sources"][0]["uri"]
            assert uri.startswith("media:")
            path = local_file(uri, store=str(store.handle.folder))
            assert Path(path).read_bytes() == (tmp_path / f"in/{at}.png").read_bytes()


FOREIGN: dict[str, tuple[Row, Row]] = {
    "map of lists": (
        {"bbox": [[1.0, 2.0, 3.0, 4.0]], "category": [1], "id": [77], "area": [12.0]},
        {"bbox": {"_type": "Sequence"}, "category": "classes"},
    ),
    "list of maps": (
        [{"bbox": [1.0, 2.0, 3.0, 4.0], "category_id": 1, "id": 77}],  # type: ignore[dict-item]
        {"category_id": "classes"},
    ),
    "old sequence": (
        {"bbox": [[1.0, 2.0, 3.0, 4.0]], "label": [1], "id": [77]},
        {"feature": {"label": "classes"}, "_type": "Sequence"},
    ),
    "by name": ({"bbox": [[1.0, 2.0, 3.0, 4.0]], "category": ["dog"], "id": [77]}, {}),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_datasets_of_others_become_frames(store: Store, tmp_path: Path, name: str) -> None:
    """Whichever way lists of objects are written, and classes are named."""
    objects, features = FOREIGN[name]
    classes = {"names": ["cat", "dog"], "_type": "ClassLabel"}
    text = json.dumps({"info": {"features": {
        "pic": {"_type": "Image"},
        "objects": features,
        "scene": {"names": ["day", "night"], "_type": "ClassLabel"},
    }}})  # fmt: skip
    text = text.replace('"classes"', json.dumps({"feature": classes, "_type": "List"}))
    row = {
        "image_id": 5,
        "pic": {"bytes": png(9), "path": "5.png"},
        "objects": objects,
        "scene": 1,
        "caption": "a dog",
        "when": None,
    }
    table = pa.Table.from_pylist([row])
    pq.write_table(
        table.replace_schema_metadata({b"huggingface": text.encode()}), tmp_path / "a.parquet"
    )
    with written_to(tmp_path / "kept") as keep:
        source = huggingface.read([tmp_path / "a.parquet"], keep=keep)
        (frame,) = wires_of(stored(store, source.frames()))
    assert frame["id"] == "5"
    assert frame["meta"] == {"caption": "a dog"}
    assert [roi["label"] for roi in frame["rois"]] == [["dog"], ["night"]]
    assert frame["rois"][0]["poly"] == [1, 2, 4, 2, 4, 6, 1, 6]
    assert frame["rois"][0]["id"] == "77"
    image = frame["sources"][0]
    assert (image["width"], image["height"]) == (3, 2)
    assert Image.open(image["uri"][7:]).getpixel((0, 0)) == (9, 0, 0)


def test_what_the_library_writes_is_read(store: Store, tmp_path: Path) -> None:
    """A dataset made by `datasets` itself, with classes of pictures."""
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    features = datasets.Features({
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=["cat", "dog"]),
    })  # fmt: skip
    pictures = [{"bytes": png(at), "path": None} for at in range(3)]
    made = datasets.Dataset.from_dict({"image": pictures, "label": [0, 1, 1]}, features=features)
    made.to_parquet(str(tmp_path / "a.parquet"))
    with written_to(tmp_path / "kept") as keep:
        found = wires_of(stored(store, huggingface.read([tmp_path], keep=keep).frames()))
    assert sorted(roi["label"][0] for frame in found for roi in frame["rois"]) == [
        "cat",
        "dog",
        "dog",
    ]
    levels = {Image.open(one["sources"][0]["uri"][7:]).getpixel((0, 0)) for one in found}
    assert levels == {(0, 0, 0), (1, 0, 0), (2, 0, 0)}


def test_what_cannot_be_read_is_one_error(tmp_path: Path) -> None:
    """No picture, no place to keep it, broken bytes, no files."""
    with pytest.raises(NotFoundError):
        huggingface.read([tmp_path])
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a"]}), file)
    with pytest.raises(FormatError, match="no column of pictures"):
        list(huggingface.read([file]).frames())
    pq.write_table(pa.table({"image": [{"bytes": png(1), "path": None}]}), file)
    with pytest.raises(UsageError, match="row 1"):
        list(huggingface.read([file]).frames())
    pq.write_table(pa.table({"image": [{"bytes": b"none", "path": None}]}), file)
    with (
        pytest.raises(hyperstore.MediaError, match="row 1"),
        written_to(tmp_path / "kept") as keep,
    ):
        list(huggingface.read([file], keep=keep).frames())
    assert not (tmp_path / "kept").exists()
    file.write_bytes(b"no parquet")
    with pytest.raises(FormatError):
        list(huggingface.read([file]).frames())


def test_paths_never_lead_out_of_the_folder(tmp_path: Path) -> None:
    """What somebody else wrote names pictures beside it, or on the web."""
    rows = ["sub/a.jpg", "/etc/passwd", "../../b.jpg", "https://example.com/c.jpg"]
    table = pa.table({"image": [{"bytes": None, "path": one} for one in rows]})
    pq.write_table(table.cast(pa.schema([
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    ])), tmp_path / "a.parquet")  # fmt: skip
    source = huggingface.read([tmp_path])
    uris = [one["sources"][0]["uri"] for one in source.frames()]  # type: ignore[index]
    inside = [str(tmp_path / one) for one in ("sub/a.jpg", "etc/passwd", "b.jpg")]
    assert uris == [*inside, "https://example.com/c.jpg"]
    assert sum(note.count for note in source.report.notes.values()) == 2


def test_pictures_that_are_gone_are_told(store: Store, frames: list[Row], tmp_path: Path) -> None:
    """The rest is written, and the row is there without one."""
    draft = stored(store, frames)
    (tmp_path / "in/1.png").unlink()
    report = huggingface.write(draft.view(), tmp_path / "out", fetch=local_file)
    assert report.notes["picture that is not to be had, left out"].count == 1
    table = pq.read_table(tmp_path / "out/data/train-00000.parquet")
    assert [row["image"] is None for row in table.to_pylist()] == [False, True, False]


def test_no_frames_make_a_dataset_without_rows(store: Store, tmp_path: Path) -> None:
    """Its columns are there all the same."""
    draft = stored(store, [])
    huggingface.write(draft.view(), tmp_path / "out", fetch=local_file)
    table = pq.read_table(tmp_path / "out/data/train-00000.parquet")
    assert table.num_rows == 0
    assert "objects" in table.schema.names
    with pytest.raises(UsageError, match="split"):
        huggingface.write(draft.view(), tmp_path / "no", fetch=local_file, split="../x")
