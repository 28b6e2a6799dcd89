"""Parquet: the same frames back, and columns that other readers understand."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hyperstore
from hyperstore import FormatError, NotFoundError, RefusedError, Store
from hyperstore.dataset.view import View
from hyperstore.formats import parquet
from hyperstore.ids import new_id
from tests.query.test_tables import filled
from tests.support.frames import wire, wires
from tests.support.slow_tables import slow_rows
from tests.support.strategies import wire_frames

Row = dict[str, Any]
BOX = {"bbox_x": 1.0, "bbox_y": 2.0, "bbox_w": 3.0, "bbox_h": 4.0}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store for many datasets."""
    with hyperstore.init(tmp_path_factory.mktemp("parquet") / "store") as made:
        yield made


def read_back(store: Store, file: Path) -> View:
    """Return the view of a new draft with the frames of a file."""
    draft = store.create_dataset(new_id()).version()
    with parquet.read(file) as opened:
        assert draft.add_frames(opened.frames(), strict=True) == []
    return draft.view()


@pytest.mark.filterwarnings("ignore:the metadata key")
@given(frames=st.lists(wire_frames(), max_size=4))
def test_a_round_trip_gives_the_same_frames_to_the_byte(
    frames: list[Row], store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever a frame holds: the file is one more place to keep a version."""
    file = tmp_path_factory.mktemp("p") / "frames.parquet"
    view = filled(store, frames)
    report = parquet.write(view, file)
    assert report.counts.get("frames", 0) == len(frames)
    assert read_back(store, file).content_id == view.content_id


def test_other_readers_find_the_columns_of_the_tables(store: Store, tmp_path: Path) -> None:
    """By DuckDB's own reader: metadata is a struct, ROIs and sources are lists."""
    frames = [wire(f"f{at}", labels=["a", "b"][: at % 3], speed=at) for at in range(7)]
    view = filled(store, frames)
    parquet.write(view, tmp_path / "f.parquet")
    with duckdb.connect(":memory:") as held:
        held.execute(f"create view f as from '{tmp_path}/f.parquet'")
        slow = slow_rows(view, "frames")
        assert held.execute("select id, roi_count, labels from f").fetchall() == [
            (row["id"], row["roi_count"], row["labels"]) for row in slow
        ]
        assert held.execute("select meta.speed from f").fetchall() == [(at,) for at in range(7)]
        found = held.execute("select id, r.label, r.bbox_w from f, unnest(rois) u(r)").fetchall()
        assert found == [
            (row["frame_id"], row["label"], row["bbox_w"]) for row in slow_rows(view, "rois")
        ]
        wires_ = [json.loads(text) for (text,) in held.execute("select wire from f").fetchall()]
        assert wires_ == [frame.to_dict() for frame in view]


def test_frames_are_made_of_columns_where_the_frame_itself_is_not_there(
    store: Store, tmp_path: Path
) -> None:
    """Somebody edits columns in pandas and drops `wire`: what the columns say is read."""
    view = filled(store, [wire(f"f{at}", labels=["a", "b"], speed=at) for at in range(3)])
    parquet.write(view, tmp_path / "f.parquet")
    table = pq.read_table(tmp_path / "f.parquet").drop_columns(["wire"])
    pq.write_table(table, tmp_path / "g.parquet")
    back = read_back(store, tmp_path / "g.parquet")
    assert back.content_id == view.content_id


def _picture(uri: str, **said: object) -> Row:
    return {"uri": uri, "content_type": "image/png", "width": 3, "height": 2, **said}


def _without_wire(view: View, file: Path) -> pa.Table:
    parquet.write(view, file)
    return pq.read_table(file).drop_columns(["wire"])


def test_columns_alone_keep_what_is_known_of_previews_and_masks(
    store: Store, tmp_path: Path
) -> None:
    """Sizes, types and times of them are asked of files otherwise, which may lie far away."""
    source = _picture("s3://b/1.png", id="default") | {
        "preview": _picture("s3://b/p.png", timestamp=7),
        "masks": [_picture("s3://b/m.png", id="00", shade=[1]), {"id": "01", "uri": "s3://b/n"}],
    }
    view = filled(store, [{"id": "one", "sources": [source]}])
    pq.write_table(_without_wire(view, tmp_path / "f.parquet"), tmp_path / "g.parquet")
    assert read_back(store, tmp_path / "g.parquet").content_id == view.content_id


def test_edited_columns_of_previews_and_masks_hold(store: Store, tmp_path: Path) -> None:
    """Who leads masks elsewhere in pandas edits the column that has their URIs."""
    source = _picture("s3://b/1.png", id="default") | {
        "preview": _picture("s3://b/p.png"),
        "masks": [_picture("s3://b/m.png", id="00"), _picture("s3://b/n.png", id="01")],
    }
    view = filled(store, [{"id": "one", "sources": [source]}])
    (row,) = _without_wire(view, tmp_path / "f.parquet").to_pylist()
    row["sources"][0] |= {"preview_uri": None, "mask_ids": ["01"], "mask_uris": ["s3://c/n.png"]}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "g.parquet")
    with parquet.read(tmp_path / "g.parquet") as opened:
        (found,) = opened.frames()
    assert found["sources"] == [
        _picture("s3://b/1.png", id="default") | {"masks": [_picture("s3://c/n.png", id="01")]}
    ]


def test_columns_alone_say_which_number_became_text(store: Store, tmp_path: Path) -> None:
    """The column annotation_id is text, so who reads it cannot tell 5 from \"5\"."""
    roi = {"label": ["a"], "meta": {"_type": "b2d", "_id": 5}, "poly": [0, 0, 1, 0, 1, 1, 0, 1]}
    view = filled(store, [wire("f", labels=[]) | {"rois": [roi]}])
    pq.write_table(_without_wire(view, tmp_path / "f.parquet"), tmp_path / "g.parquet")
    with parquet.read(tmp_path / "g.parquet") as opened:
        list(opened.frames())
        assert list(opened.report.notes) == ["number in the column annotation_id, read as text"]


def test_a_table_of_strangers_needs_no_more_than_an_address(store: Store, tmp_path: Path) -> None:
    """Columns that say nothing to us are counted."""
    made = pa.table({
        "uri": ["s3://b/1.jpg", "s3://b/2.jpg"],
        "id": ["one", "two"],
        "rois": [[{"label": "cat", **BOX}], []],
        "meta": [{"speed": 1, "far": None}, {"speed": None, "far": None}],
        "odd": [1, None],
    })  # fmt: skip
    pq.write_table(made, tmp_path / "s.parquet")
    with parquet.read(tmp_path / "s.parquet") as opened:
        first, second = opened.frames()
        assert first == {
            "id": "one",
            "sources": [{"id": "default", "uri": "s3://b/1.jpg"}],
            "rois": [
                {"label": ["cat"], "poly": [1, 2, 4, 2, 4, 6, 1, 6], "meta": {"_type": "b2d"}}
            ],
            "meta": {"speed": 1},
        }
        assert second == {"id": "two", "sources": [{"id": "default", "uri": "s3://b/2.jpg"}]}
        assert list(opened.report.notes) == ["column 'odd', left out"]


def test_what_the_version_says_of_itself_goes_along(store: Store, tmp_path: Path) -> None:
    """Its metadata, such as the legend of its masks, is no frame's."""
    view = filled(store, wires(2))
    meta = {"mask_labels": {"_all_": [{"value": [1, 2, 3], "labels": ["cell"]}]}}
    parquet.write(view, tmp_path / "f.parquet", meta=meta, content_id=view.content_id)
    with parquet.read(tmp_path / "f.parquet") as opened:
        assert (opened.meta, opened.count) == (meta, 2)


def test_plain_tables_are_those_that_arrow_has(store: Store, tmp_path: Path) -> None:
    """For programs that want a table of ROIs, and no lists in lists."""
    view = filled(store, wires(3))
    report = parquet.write_table(view, tmp_path / "rois.parquet", "rois")
    assert report.counts == {"rows": 3}
    assert [row["frame_id"] for row in pq.read_table(tmp_path / "rois.parquet").to_pylist()] == [
        frame.id for frame in view
    ]


def _broken(tmp_path: Path) -> Iterator[tuple[str, bytes]]:
    good = tmp_path / "good.parquet"
    pq.write_table(pa.table({"wire": ["{}"]}), good)
    data = good.read_bytes()
    yield "empty", b""
    yield "text", b"no parquet at all"
    yield "cut", data[: len(data) // 2]
    yield "no end", data[:-4]
    yield "no beginning", b"XXXX" + data[4:]
    yield "noise", data[:4] + bytes(255 - one for one in data[4:-8]) + data[-8:]


def test_what_is_no_parquet_is_one_format_error(tmp_path: Path) -> None:
    """Nothing of Arrow's leaks, whatever the bytes."""
    for name, data in list(_broken(tmp_path)):
        file = tmp_path / f"{name}.parquet"
        file.write_bytes(data)
        with pytest.raises(FormatError), parquet.read(file) as opened:
            list(opened.frames())
    with pytest.raises(NotFoundError), parquet.read(tmp_path / "none.parquet"):
        pass


@pytest.mark.parametrize(
    "rows",
    [
        {"wire": ["no json"]},
        {"wire": ["[1]"]},
        {"wire": [1]},
        {"wire": [None]},
        {"wire": ["[" * 100_000]},
        {"other": [1]},
        {"uri": ["a"], "meta_json": ["{"]},
        {"uri": ["a"], "meta_json": ["[]"]},
    ],
)
def test_rows_that_are_no_frames_are_named(rows: Row, tmp_path: Path) -> None:
    """By the number of the row, so that it can be found."""
    pq.write_table(pa.table(rows), tmp_path / "f.parquet")
    with (
        pytest.raises(FormatError, match="row 1"),
        parquet.read(tmp_path / "f.parquet") as opened,
    ):
        list(opened.frames())
    good = {b"hyperstore": b'{"version": 2}'}
    pq.write_table(pa.table(rows).replace_schema_metadata(good), tmp_path / "g.parquet")
    with pytest.raises(FormatError, match="another version"), parquet.read(tmp_path / "g.parquet"):
        pass


def test_a_value_that_stands_once_for_many_rows_is_not_made_for_all(tmp_path: Path) -> None:
    """Some kilobytes on disk are no gigabyte in memory; to 64 rows of 15 MB they were."""
    places = pa.array([0] * 1_000, pa.int32())
    frame = json.dumps(wire("f", note="y" * 15_000_000))
    values = {"wire": frame, "other": "y" * 60_000_000}
    columns = {
        name: pa.DictionaryArray.from_arrays(places, pa.array([value]))
        for name, value in values.items()
    }
    file = tmp_path / "f.parquet"
    pq.write_table(
        pa.table(columns),
        file,
        compression="zstd",
        dictionary_pagesize_limit=2**30,
        store_schema=False,  # As plain strings for whoever reads.
    )
    assert file.stat().st_size < 100_000
    ours, before = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    pa.set_memory_pool(ours)
    try:
        with parquet.read(file) as opened:
            first = next(opened.frames())
    finally:
        pa.set_memory_pool(before)
    assert first == json.loads(frame)
    assert ours.max_memory() < 600_000_000


@pytest.mark.parametrize("others", [0, 50])
def test_a_row_of_endless_lists_is_refused(tmp_path: Path, others: int) -> None:
    """A list of nulls takes no room in a file, and each of them some in memory."""
    lists = [[None] * 3_000_000] + [[]] * others
    table = pa.table({"uri": ["a"] * len(lists), "rois": pa.array(lists, pa.list_(pa.null()))})
    pq.write_table(table, tmp_path / "f.parquet")
    with (
        pytest.raises(RefusedError, match=r"f\.parquet.* 1,000,000"),
        parquet.read(tmp_path / "f.parquet") as opened,
    ):
        list(opened.frames())


def test_a_failed_export_leaves_nothing(store: Store, tmp_path: Path) -> None:
    """The file appears whole or not at all."""

    class Broken(list[object]):
        def __iter__(self) -> Iterator[object]:
            yield from filled(store, wires(1))
            raise NotFoundError("gone")

    with pytest.raises(NotFoundError, match="gone"):
        parquet.write(Broken(), tmp_path / "f.parquet")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
