"""The handle: what is put is there, for every process, after every way of opening."""

import pickle
from pathlib import Path

import pytest

from hyperstore.errors import ConflictError, MissingObjectError, RefusedError, UsageError
from hyperstore.ids import Kind, ObjectId, object_id
from hyperstore.storage.database import Database
from hyperstore.storage.objects import ObjectState
from hyperstore.storage.reflog import Move
from hyperstore.storage.writer import Writer


def some_objects(
    count: int, size: int = 100, kind: int = Kind.FRAME
) -> list[tuple[ObjectId, int, bytes]]:
    payloads = [f"{number}:".encode() * (size // 4) for number in range(count)]
    return [(object_id(kind, payload), kind, payload) for payload in payloads]


def test_what_was_put_is_read_by_a_later_handle(tmp_path: Path) -> None:
    """A store outlives the process that made it."""
    records = some_objects(1000, 400)
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        assert writer.put_many(records) == 1000
        assert writer.put_many(records) == 0
        store_id = database.store_id
    with Database.open(tmp_path / "db", readonly=True) as database:
        assert database.store_id == store_id
        with database.reading() as reader:
            assert reader.get_many([oid for oid, _, _ in records]) == [p for _, _, p in records]
            for oid, kind, payload in records[::50]:
                assert reader.get_record(oid) == (kind, payload)


def test_a_write_that_raises_changes_nothing(tmp_path: Path) -> None:
    """All or nothing."""
    (record,) = some_objects(1)
    with Database.create(tmp_path / "db") as database:

        def move_twice(writer: Writer) -> None:
            writer.put_many([record])
            writer.move("HEAD", None, record[0])
            writer.move("HEAD", None, record[0])

        with pytest.raises(ConflictError):
            database.write(move_twice)
        with database.reading() as reader:
            assert reader.state(record[0]) is ObjectState.LOST
            assert reader.ref("HEAD") is None
            with pytest.raises(MissingObjectError, match="lost"):
                reader.get(record[0])


def test_refs_and_operations_come_back_as_they_were_written(tmp_path: Path) -> None:
    """Undo needs every ref that an operation moved."""
    oid = some_objects(1)[0][0]
    with Database.create(tmp_path / "db") as database:
        for number in range(1, 600):
            with database.writing() as writer:
                writer.move(f"tag/{number:03}", None, oid)
                moves = [Move(f"tag/{number:03}", None, oid)]
                assert writer.log(time_ms=number, actor="a", command="tag", moves=moves) == number
        with database.reading() as reader:
            assert [name for name, _ in reader.refs("tag/1")] == [
                f"tag/{n}" for n in range(100, 200)
            ]
            assert [op.number for op in reader.operations()] == list(range(599, 0, -1))
            ascending = list(reader.operations(newest_first=False, before=300))
            assert [op.number for op in ascending] == list(range(1, 300))
            assert ascending[6].moves == (Move("tag/007", None, oid),)


def test_a_handle_is_pickled_as_its_path(tmp_path: Path) -> None:
    """Workers started by spawn get the handle by value."""
    with (
        Database.create(tmp_path / "db") as database,
        pickle.loads(pickle.dumps(database)) as copy,
    ):
        assert copy.store_id == database.store_id
        assert copy._environment is database._environment


def test_a_closed_handle_says_so(tmp_path: Path) -> None:
    """Nothing foreign leaks out of a closed handle."""
    database = Database.create(tmp_path / "db")
    database.close()
    database.close()
    with pytest.raises(UsageError, match="closed"):
        database.reading()
    with Database.open(tmp_path / "db", readonly=True) as reading, pytest.raises(RefusedError):
        reading.writing()


def test_a_moment_is_the_same_until_somebody_writes(tmp_path: Path) -> None:
    """Whoever read and then writes need not look again at what nobody can have moved."""
    with Database.create(tmp_path / "db") as database:
        with database.reading() as reader:
            before = reader.moment()
        with database.writing() as writer:
            assert writer.moment() == before
            writer.put_many(some_objects(1))
            assert writer.moment() == before
        with database.reading() as reader:
            assert reader.moment() != before
        with database.writing() as writer:
            assert writer.moment() != before


def test_no_moment_of_a_compact_file_is_one_of_the_file_before(tmp_path: Path) -> None:
    """Its transactions are numbered anew: the same number stands for another state."""
    moments = []

    def write(database: Database, number: int) -> None:
        with database.writing() as writer:
            moments.append(writer.moment())
            writer.put_many(some_objects(number + 1))

    with Database.create(tmp_path / "db") as database:
        for number in range(40):
            write(database, number)
        with database.alone():
            database.compact(lambda _: None)
        for number in range(40, 80):
            write(database, number)
    assert len(set(moments)) == 80
    assert len({transaction for _, transaction in moments}) < 80  # Or there were nothing to tell.
