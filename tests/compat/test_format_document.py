"""The store that FORMAT.md spells out is one that the package reads, and would write."""

import json
import re
from pathlib import Path
from typing import Any

import lmdb
import pytest

import hyperstore
from hyperstore.frames.stored import check_frame
from hyperstore.ids import Kind, ObjectId
from hyperstore.maintenance.check import fsck
from hyperstore.storage.header import Header, encode_header
from hyperstore.storage.packing import pack_record, pack_row, row_head, row_key, row_records
from hyperstore.storage.rows import seal
from tests.support.stranger import StrangerStore, packed

Rows = dict[str, dict[bytes, bytes]]
FORMAT = Path(hyperstore.__file__).with_name("FORMAT.md")
WIRE: dict[str, Any] = {
    "context_id": "slide",
    "timestamp": 40,
    "color": "red",
    "sources": [{"id": "default", "uri": "s3://cells/a.png", "width": 64}],
    "rois": [
        {"label": ["cell"], "poly": [1, 2, 3.5, 4], "confidence": 1, "meta": {"_type": "k2d"}}
    ],
}


def written_rows() -> Rows:
    """Return the rows of the example: table -> key -> value."""
    (block,) = re.findall(r"^```rows\n(.*?)^```", FORMAT.read_text(), re.DOTALL | re.MULTILINE)
    tables: Rows = {}
    key = b""
    for line in block.splitlines():
        code = line.partition("#")[0].strip()
        if code.startswith("table "):
            table = tables.setdefault(code.removeprefix("table "), {})
        elif code.startswith("key "):
            text = code.removeprefix("key ")
            key = text[1:-1].encode() if text.startswith('"') else bytes.fromhex(text)
            assert key not in table
            table[key] = b""
        else:
            table[key] += bytes.fromhex(code)
    return tables


ROWS = written_rows()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a store's folder that was made without the package."""
    made = tmp_path / "store"
    (made / "db").mkdir(parents=True)
    path = str(made / "db")
    with (
        lmdb.Environment(path, lib_version=0, max_dbs=len(ROWS), map_size=2**24) as env,
        env.begin(write=True) as transaction,
    ):
        for name, rows in ROWS.items():
            table = env.open_db(name.encode(), transaction)
            for key, value in rows.items():
                transaction.put(key, value, db=table)
    return made


def test_the_package_reads_the_example(folder: Path) -> None:
    """What the page says and what the code does are one thing."""
    with hyperstore.open(folder) as store:
        assert store.id == "0123456789abcdef" * 2
        (dataset,) = store.datasets()
        (version,) = dataset.versions()
        assert (dataset.name, dataset.id, version.name, version.id) == (
            "cells",
            "d" * 32,
            "Current",
            "e" * 32,
        )
        assert version.status().state == "committed"
        (commit,) = version.log()
        assert (commit.author, commit.message) == ("Ada <ada@example.org>", "One cell")
        (frame,) = version
        wire = frame.to_dict()
        rois: Any = wire["rois"]
        del wire["id"], rois[0]["id"]
        assert packed(wire) == packed(WIRE | {"rois": [WIRE["rois"][0] | {"confidence": 1.0}]})
        assert fsck(store, level="full").ok
        assert [one.command for one in store.operations()] == [
            "commit: One cell",
            "add frames",
            "create dataset cells",
        ]


def test_the_package_goes_on_writing_the_example(folder: Path) -> None:
    """A store that somebody else wrote is a store like any other."""
    with hyperstore.open(folder) as store:
        version = store.dataset("cells").version()
        version.add_frames([WIRE | {"timestamp": -1}, WIRE | {"id": "other"}])
        assert version.commit("Two cells")
        assert fsck(store, level="full").ok
    with StrangerStore(folder) as stranger:
        (record,) = stranger.versions("d" * 32)
        assert [len(stranger.wires(stranger.snapshot(record)))] == [2]
        assert stranger.last_sequence > 9


def test_the_stranger_reads_the_example(folder: Path) -> None:
    """The page's own reader, on the page's own store."""
    with StrangerStore(folder) as stranger:
        (record,) = stranger.versions("d" * 32)
        (wire,) = stranger.wires(stranger.snapshot(record))
        assert wire["color"] == "red"
        assert len(stranger.operations()) == 3


def test_the_same_frame_has_the_same_ids_elsewhere(folder: Path, tmp_path: Path) -> None:
    """Ids of frames, ROIs, nodes and versions' contents follow from content alone."""
    with hyperstore.open(folder) as store, hyperstore.init(tmp_path / "other") as other:
        version = store.dataset("cells").version()
        draft = other.create_dataset("another name").version()
        assert draft.add_frames([WIRE]) == []
        assert draft.content_id == version.content_id
        assert draft.view().snapshot == version.view().snapshot
        assert [one.object_id for one in draft] == [one.object_id for one in version]


def test_a_store_holds_no_file_that_the_page_does_not_name(tmp_path: Path) -> None:
    """Whoever copies, cleans or reads a store by hand must know what every file is."""
    table = FORMAT.read_text().partition("## 2. Files")[2].partition("**data.mdb**")[0]
    named = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    with hyperstore.init(tmp_path / "store") as store:
        store.set_config("gc.grace", 5)
        draft = store.create_dataset("cells").version()
        draft.add_frames([WIRE])
        pin = store.handle.database.pin([ObjectId(b"x" * 32)], sequence=7)
        assert pin is not None
        with pin:
            folder = store.path
            found = [one.relative_to(folder) for one in folder.rglob("*") if one.is_file()]
            (held,) = (folder / one for one in found if one.parts[:2] == ("db", "pins"))
            wanted = b"i" + b"x" * 32 + b"s" + (7).to_bytes(8, "little") + bytes(24)
            assert held.read_bytes() == wanted
    assert len(found) >= 5
    for one in found:
        places = [*one.parents, one]
        assert any(place.match(name.rstrip("/")) for place in places for name in named), one


def test_the_package_would_write_the_same_rows() -> None:
    """Reading might pass over what writing would do otherwise."""
    header = Header.new("0123456789abcdef" * 2)
    assert ROWS["header"][b"store"] == encode_header(header)
    assert ROWS["header"][b"sequence"] == seal(b"header", b"sequence", (9).to_bytes(8, "little"))
    for table in ("refs", "oplog"):
        for key, value in ROWS[table].items():
            assert value == seal(table.encode(), key, value[4:-8])
    number = 1
    for key, value in ROWS["objects"].items():
        row = memoryview(value)
        assert key == row_key(number)
        pieces: list[bytes] = []
        for record in row_records(key, row):
            assert record.sequence == number
            pieces += pack_record(number - row_key_number(key), *record[1:4])
            if record.kind == Kind.FRAME:
                check_frame(record.payload)
            number += 1
        assert value == pack_row(key, row_head(key, row).created_ms, len(pieces) // 2, pieces)


def row_key_number(key: bytes) -> int:
    return int.from_bytes(key, "big")


def test_the_wire_frame_of_the_page_is_the_one_tested() -> None:
    """The example begins with what somebody typed."""
    text = FORMAT.read_text().partition("The frame was given as")[2]
    (shown,) = re.findall(r"^```json\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert json.loads(shown) == WIRE
