"""Rows that nobody wrote, planted one by one: each is an error of ours, never other data."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hyperstore.errors import CorruptError, HyperstoreError
from hyperstore.ids import ObjectId, object_id
from hyperstore.limits import RECORD_OVERHEAD_BYTES
from hyperstore.storage import packing
from hyperstore.storage.database import Database
from hyperstore.storage.objects import ObjectState
from hyperstore.storage.packing import WHERE, row_key
from hyperstore.storage.reader import Reader
from hyperstore.storage.rows import seal
from hyperstore.storage.writer import Writer

RECORDS = [
    (object_id(1, payload), 1, payload) for payload in (bytes([n]) * (200 + n) for n in range(9))
]
IDS = [oid for oid, _, _ in RECORDS]
FIRST = packing.ROW_HEAD_BYTES
SECOND = FIRST + len(RECORDS[0][2]) + RECORD_OVERHEAD_BYTES


@pytest.mark.parametrize(
    "where",
    [
        b"",
        b"short",
        WHERE.pack(row_key(7), 0, FIRST),
        WHERE.pack(row_key(1), 1, FIRST),
        WHERE.pack(row_key(1), 0, SECOND),
        WHERE.pack(row_key(1), 0, FIRST + 1),
        WHERE.pack(row_key(1), 0, 65_535),
    ],
)
def test_an_index_that_leads_elsewhere_is_damage(tmp_path: Path, where: bytes) -> None:
    """A flipped bit in an index leads to another valid object; a read notices."""
    with Database.create(tmp_path / "db") as database:
        with database.writing() as writer:
            writer.put_many(RECORDS)
            writer._transaction.put(IDS[0], where, db=writer._tables.oids)
        with database.reading() as reader:
            for read in (reader.get, reader.get_record, reader.kind_of):
                with pytest.raises(CorruptError, match=IDS[0].hex()):
                    read(IDS[0])
            for read_many in (reader.get_many, reader.get_records, reader.sequences):
                with pytest.raises(CorruptError):
                    read_many(IDS)
            assert reader.get_many(IDS[1:]) == [payload for _, _, payload in RECORDS[1:]]
        with database.writing() as writer:
            assert writer.put_many(RECORDS) == 1
            assert writer.get_many(IDS) == [payload for _, _, payload in RECORDS]


def test_an_index_that_leads_to_the_same_place_of_another_row_is_damage(tmp_path: Path) -> None:
    """Only the id tells the two records apart: each is whole, and first in its row."""
    with Database.create(tmp_path / "db") as database:
        for record in RECORDS[:2]:
            with database.writing() as writer:
                writer.put_many([record])
        with database.writing() as writer:
            other = bytes(writer._transaction.get(IDS[1], b"", writer._tables.oids))
            assert other == WHERE.pack(row_key(2), 0, FIRST)
            writer._transaction.put(IDS[0], other, db=writer._tables.oids)
        with database.reading() as reader:
            for read in (reader.get, reader.get_record, reader.kind_of):
                with pytest.raises(CorruptError, match=IDS[0].hex()):
                    read(IDS[0])
            for read_many in (reader.get_many, reader.get_records):
                with pytest.raises(CorruptError):
                    read_many(IDS[:2])
            assert reader.get(IDS[1]) == RECORDS[1][2]


@pytest.mark.parametrize("cut", [0, 10, 19, 20, 60, 100, -1])
def test_a_row_that_is_cut_is_damage(tmp_path: Path, cut: int) -> None:
    """What is left of it is not believed beyond its end."""
    with Database.create(tmp_path / "db") as database:
        with database.writing() as writer:
            writer.put_many(RECORDS)
            row = bytes(writer._transaction.get(row_key(1), b"", writer._tables.objects))
            writer._transaction.put(row_key(1), row[:cut] or b"\0", db=writer._tables.objects)
        with database.reading() as reader:
            with pytest.raises(CorruptError):
                list(reader.scan_objects())
            with pytest.raises(CorruptError):
                reader.get(IDS[-1])


def test_a_row_under_a_false_key_is_damage(tmp_path: Path) -> None:
    """Its head is checked together with its key."""
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        writer.put_many(RECORDS)
        row = bytes(writer._transaction.get(row_key(1), b"", writer._tables.objects))
        for key in (b"\xff", row_key(1)[:-1] + b"\xff"):
            writer._transaction.put(key, row, db=writer._tables.objects)
            with pytest.raises(CorruptError):
                list(writer.scan_objects(2**20))
            writer._transaction.delete(key, db=writer._tables.objects)


def test_a_count_behind_the_objects_is_damage(tmp_path: Path) -> None:
    """Sequence numbers are never given twice, even where the count is damaged."""
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        writer.put_many(RECORDS[:3])
        writer.put_many(RECORDS[3:6])
        table = writer._tables.header
        writer._transaction.put(b"sequence", seal(b"header", b"sequence", bytes(8)), db=table)
        with pytest.raises(CorruptError, match="behind"):
            writer.put_many(RECORDS[6:])
        writer._transaction.put(b"sequence", b"garbage", db=table)
        with pytest.raises(CorruptError):
            writer.last_sequence()


def test_a_store_without_numbers_left_says_so(tmp_path: Path) -> None:
    """Better than a number that comes again."""
    last = packing.SEQUENCE_MAX.to_bytes(8, "little")
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        sealed = seal(b"header", b"sequence", last)
        writer._transaction.put(b"sequence", sealed, db=writer._tables.header)
        with pytest.raises(HyperstoreError, match="all its sequence numbers"):
            writer.put_many(RECORDS)


@pytest.mark.parametrize("mark", [b"\x09" + bytes(8), b"\x01"])
def test_a_mark_that_says_nothing_is_damage(tmp_path: Path, mark: bytes) -> None:
    """Neither lost nor left out can be told from it."""
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        sealed = seal(b"absent", IDS[0], mark)
        writer._transaction.put(IDS[0], sealed, db=writer._tables.absent)
        with pytest.raises(CorruptError, match="mark"):
            writer.state(IDS[0])


def test_deleting_takes_an_index_that_leads_nowhere(tmp_path: Path) -> None:
    """Garbage collection must be able to clear what is damaged."""
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        writer.put_many(RECORDS)
        where = WHERE.pack(row_key(99), 0, FIRST)
        writer._transaction.put(IDS[0], where, db=writer._tables.oids)
        assert writer.delete_objects([IDS[0]]).objects == 1
        assert writer.state(IDS[0]) is ObjectState.LOST
        writer._transaction.put(IDS[1], b"short", db=writer._tables.oids)
        with pytest.raises(CorruptError):
            writer.delete_objects([IDS[1]])


READS: dict[str, Callable[[Reader], object]] = {
    "get": lambda reader: reader.get(IDS[0]),
    "get_record": lambda reader: reader.get_record(IDS[0]),
    "get_records": lambda reader: reader.get_records(IDS),
    "get_many": lambda reader: reader.get_many(IDS),
    "has": lambda reader: reader.has(IDS[0]),
    "state": lambda reader: reader.state(IDS[0]),
    "find": lambda reader: reader.find("0" * 8),
    "last_sequence": lambda reader: reader.last_sequence(),
    "sequences": lambda reader: reader.sequences(IDS),
    "scan_objects": lambda reader: next(reader.scan_objects()),
    "ref": lambda reader: reader.ref("HEAD"),
    "refs": lambda reader: reader.refs(),
    "operation": lambda reader: reader.operation(1),
    "operations": lambda reader: next(reader.operations()),
    "last_operation": lambda reader: reader.last_operation(),
    "header": lambda reader: reader.header(),
    "has_header": lambda reader: reader.has_header(),
}
WRITES: dict[str, Callable[[Writer], object]] = {
    "put_many": lambda writer: writer.put_many(RECORDS),
    "move": lambda writer: writer.move("HEAD", None, IDS[0]),
    "log": lambda writer: writer.log(time_ms=0, actor="", command="", moves=[]),
    "delete_objects": lambda writer: writer.delete_objects(IDS),
    "mark_missing": lambda writer: writer.mark_missing([ObjectId(b"m" * 32)]),
    "forget": lambda writer: writer.forget(IDS),
    "put_header": lambda writer: writer.put_header(writer.header()),
}


@pytest.mark.parametrize("name", sorted(READS))
def test_reading_after_the_block_says_so(tmp_path: Path, name: str) -> None:
    """No error of the engine leaks, from no method."""
    with Database.create(tmp_path / "db") as database:
        with database.reading() as reader:
            pass
        with pytest.raises(HyperstoreError, match="closed"):
            READS[name](reader)


@pytest.mark.parametrize("name", sorted(WRITES))
def test_writing_after_the_block_says_so(tmp_path: Path, name: str) -> None:
    """No error of the engine leaks, from no method."""
    with Database.create(tmp_path / "db") as database:
        with database.writing() as writer:
            pass
        with pytest.raises(HyperstoreError, match="closed"):
            WRITES[name](writer)
