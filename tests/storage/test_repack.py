"""Joining short rows: nothing of what they say is lost."""

from pathlib import Path

import pytest

from hyperstore.errors import CorruptError
from hyperstore.ids import object_id
from hyperstore.storage.database import Database
from hyperstore.storage.packing import row_key
from hyperstore.storage.writer import Writer


def test_joined_rows_are_as_young_as_the_youngest_of_them(tmp_path: Path) -> None:
    """What is younger than the grace period stays, so nothing may grow older by being joined."""
    payloads = [bytes([number]) * 200 for number in range(3)]
    with Database.create(tmp_path / "db") as database:
        for payload, time_ms in zip(payloads, (1_000, 3_000, 2_000), strict=True):
            with Writer(database._environment, time_ms) as writer:
                writer.put_many([(object_id(7, payload), 7, payload)])
        with database.reading() as reader:
            before = list(reader.scan_objects())
        with database.writing() as writer:
            assert writer.join_rows(b"", most=10) == (None, 2)
        with database.reading() as reader:
            after = list(reader.scan_objects())
    assert [one.created_ms for one in before] == [1_000, 3_000, 2_000]
    assert [one._replace(created_ms=0) for one in before] == [
        one._replace(created_ms=0) for one in after
    ]
    assert {one.created_ms for one in after} == {3_000}


def test_a_damaged_record_is_not_made_good_by_joining(tmp_path: Path) -> None:
    """With a new check over its bytes it would be read as if nothing had happened."""
    payloads = [bytes([number]) * 200 for number in range(3)]
    ids = [object_id(7, payload) for payload in payloads]
    with Database.create(tmp_path / "db") as database:
        for oid, payload in zip(ids, payloads, strict=True):
            with database.writing() as writer:
                writer.put_many([(oid, 7, payload)])
        with database.writing() as writer:
            table, key = writer._tables.objects, row_key(2)
            row = bytearray(writer._transaction.get(key, None, table) or b"")
            row[-20] ^= 1  # In the payload.
            writer._transaction.put(key, bytes(row), db=table)
            writer.join_rows(b"", most=10)
        with database.reading() as reader:
            assert [reader.get(ids[0]), reader.get(ids[2])] == [payloads[0], payloads[2]]
            with pytest.raises(CorruptError, match="check"):
                reader.get(ids[1])
