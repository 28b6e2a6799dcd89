"""Joining short rows: nothing of what they say is lost."""

from pathlib import Path

from hyperstore.ids import object_id
from hyperstore.storage.database import Database
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
