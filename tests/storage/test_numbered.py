"""Objects by sequence number: what a scan finds under it, checked, or one clear error."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest

from hyperstore.errors import CorruptError, MissingObjectError
from hyperstore.ids import Kind, ObjectId, object_id
from hyperstore.storage.database import Database
from hyperstore.storage.writer import Writer


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """500 objects in many rows, one of them longer than a row."""
    drawn = random.Random(5)
    payloads = [drawn.randbytes(drawn.randrange(10, 3_000)) for _ in range(500)]
    payloads[250] = drawn.randbytes(200_000)
    with Database.create(tmp_path / "db") as made:
        with made.writing() as writer:
            writer.put_many((object_id(1, one), 1, one) for one in payloads)
        yield made


def scanned(database: Database) -> dict[int, tuple[ObjectId, bytes]]:
    with database.reading() as reader:
        return {one.sequence: (one.oid, one.payload) for one in reader.scan_objects()}


def asked(database: Database, numbers: list[int]) -> list[tuple[ObjectId, bytes]]:
    with database.reading() as reader:
        return reader.payloads_at(numbers, Kind.FRAME)


def test_numbers_in_any_order_and_repeated_give_what_a_scan_has(database: Database) -> None:
    """The order asked is the order of the answer; a sampler asks twice for one frame."""
    held = scanned(database)
    numbers = sorted(held)
    assert asked(database, numbers) == [held[one] for one in numbers]
    drawn = random.Random(2).choices(numbers, k=900)
    assert asked(database, drawn) == [held[one] for one in drawn]
    assert asked(database, []) == []


def test_numbers_of_what_was_taken_out_are_not_here_and_others_stay(database: Database) -> None:
    """Rows are written anew by a collection, and what is remembered of them must not lead astray.

    A number is never given again, so what stands for one frame never comes to stand for another.
    """
    held = scanned(database)
    asked(database, sorted(held))
    dead = [number for number in held if number % 3 == 0]
    with database.writing() as writer:
        writer.delete_objects([held[one][0] for one in dead])
    left = [number for number in held if number % 3]
    assert asked(database, left) == [held[one] for one in left]
    for number in (*dead[:5], 0, -1, 501, 2**48, 2**70):
        with pytest.raises(MissingObjectError, match=f"number {number} "):
            asked(database, [number])


def test_when_a_number_was_given_is_told_also_where_its_object_is_gone(database: Database) -> None:
    """So what was found out of a store is known again where only the end of it was collected."""
    with database.writing() as writer:
        writer.put_many((object_id(1, one), 1, one) for one in (b"later", b"last"))
    with database.reading() as reader:
        held = {one.sequence: one for one in reader.scan_objects()}
        assert {one: reader.written_ms(one) for one in held} == {
            number: one.created_ms for number, one in held.items()
        }
        assert reader.written_ms(0) == 0
    *_, before, last = sorted(held)
    with database.writing() as writer:
        writer.delete_objects([held[last].oid])
    with database.reading() as reader:
        assert reader.written_ms(last) == held[before].created_ms


def test_a_read_of_one_record_tells_where_all_of_its_row_lie(database: Database) -> None:
    """A shuffled epoch comes to each row some thirty times, and may parse it but once."""
    held = scanned(database)
    rows: list[list[int]] = []
    with database.reading() as reader:
        after = b""
        while row := reader.survey_row(after):
            after = row.key
            rows.append([one.sequence for one in row.records])
    assert [one for numbers in rows for one in numbers] == sorted(held)
    places = database._environment.places
    places.chunks = {}
    known: list[int] = []
    for numbers in random.Random(6).sample(rows, len(rows)):
        asked(database, [numbers[len(numbers) // 2]])
        known = sorted(known + numbers)
        assert [one for one in held if places.chunks[0][one]] == known
    before = places.chunks[0].tolist()
    asked(database, sorted(held))
    assert places.chunks[0].tolist() == before


def test_rows_of_many_small_objects_are_read_in_any_order(tmp_path: Path) -> None:
    """Their places are remembered a thousand numbers together, and rows begin and end between."""
    payloads = [b"%d" % one for one in range(5_000)]
    with Database.create(tmp_path / "db") as made:
        with made.writing() as writer:
            writer.put_many((object_id(1, one), 1, one) for one in payloads)
        for dead in (0, 7):
            with made.writing() as writer:
                writer.delete_objects([object_id(1, b"%d" % one) for one in range(dead, 5_000, 50)])
            held = scanned(made)
            drawn = random.Random(4).choices(sorted(held), k=9_000)
            for _ in range(2):
                assert asked(made, drawn) == [held[one] for one in drawn]
        assert len(held) == 4_800


def test_a_flipped_bit_is_told_and_never_read(tmp_path: Path, database: Database) -> None:
    """Nobody compares an id here, so the checks of head and record must tell every damage."""
    held = scanned(database)
    database.close()
    drawn = random.Random(9)
    told = 0
    for _ in range(60):
        folder = str(tmp_path / "db")
        with lmdb.open(folder, max_dbs=8, lib_version=0) as raw, raw.begin(write=True) as change:
            rows = raw.open_db(b"objects", txn=change)
            key, row = drawn.choice(list(change.cursor(rows)))
            place = drawn.randrange(len(row) * 8)
            damaged = bytearray(row)
            damaged[place // 8] ^= 1 << place % 8
            change.put(key, bytes(damaged), db=rows)
        with Database.open(tmp_path / "db", readonly=True) as opened:
            for number, expected in held.items():
                try:
                    assert asked(opened, [number]) == [expected]
                except (CorruptError, MissingObjectError):
                    told += 1
        with lmdb.open(folder, max_dbs=8, lib_version=0) as raw, raw.begin(write=True) as change:
            change.put(key, row, db=raw.open_db(b"objects", txn=change))
    assert told


def test_an_object_of_another_kind_is_refused(database: Database) -> None:
    """A number that leads to a node where a frame is meant was led astray."""
    with database.reading() as reader, pytest.raises(CorruptError, match="kind"):
        reader.payloads_at([1], Kind.NODE)


def test_a_map_that_moves_between_two_reads_takes_nothing_along(tmp_path: Path) -> None:
    """Rows are remembered where they lie; whoever grows the map makes them lie elsewhere."""
    drawn = random.Random(3)
    payloads = [drawn.randbytes(3_000) for _ in range(200)]
    with Database.create(tmp_path / "db", map_bytes=1 << 20) as made:
        for start in range(0, 200, 20):
            with made.writing() as writer:
                writer.put_many((object_id(1, one), 1, one) for one in payloads[start : start + 20])
            numbers = sorted(held := scanned(made))
            assert asked(made, numbers) == [held[one] for one in numbers]
            assert [payload for _, payload in asked(made, numbers)] == payloads[: start + 20]


def test_a_write_that_is_taken_back_leaves_nothing_remembered(database: Database) -> None:
    """Rows that a write sees before its end lie in memory that is let go of with it."""
    held = scanned(database)
    late = [bytes([one]) * 2_000 for one in range(100)]
    numbers: list[int] = []

    def taken_back(writer: Writer) -> None:
        writer.put_many((object_id(1, one), 1, one) for one in late)
        numbers.extend(writer.sequences([object_id(1, one) for one in late]))
        assert [payload for _, payload in writer.payloads_at(numbers)] == late
        raise RuntimeError("enough")

    for _ in range(2):
        numbers.clear()
        with pytest.raises(RuntimeError, match="enough"):
            database.write(taken_back)
        with pytest.raises(MissingObjectError):
            asked(database, numbers[:1])
        assert asked(database, sorted(held)) == [held[one] for one in sorted(held)]


def test_a_child_reads_by_number_what_its_parent_read(database: Database) -> None:
    """A fork opens the file anew, at another address."""
    held = scanned(database)
    expected = [held[one] for one in sorted(held)]
    assert asked(database, sorted(held)) == expected
    child = os.fork()
    if not child:
        os._exit(0 if asked(database, sorted(held)) == expected else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert asked(database, sorted(held)) == expected
