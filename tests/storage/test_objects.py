"""Objects in packed rows: what was put comes back, in order, or is told apart as not here."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.errors import CorruptError, MissingObjectError, UsageError
from hyperstore.ids import ObjectId, object_id
from hyperstore.limits import (
    OBJECT_BYTES_MAX,
    RECORD_OVERHEAD_BYTES,
    ROW_BYTES_MAX,
    ROW_RECORDS_MAX,
)
from hyperstore.storage import packing
from hyperstore.storage.database import Database
from hyperstore.storage.objects import ObjectState

Stored = tuple[ObjectId, int, bytes]


def objects_of(sizes: list[int], seed: int = 7) -> list[Stored]:
    drawn = random.Random(seed)
    payloads = [drawn.randbytes(size) for size in sizes]
    return [(object_id(1, payload), 1, payload) for payload in payloads]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """An empty database; closed by the test."""
    return Database.create(tmp_path / "db")


@given(st.lists(st.integers(47, 80_000), max_size=200))
def test_rows_take_every_record_once_and_stay_in_bounds(lengths: list[int]) -> None:
    """A row is as large as its bound says unless one record alone is larger."""
    counts = packing.row_counts(lengths)
    assert sum(counts) == len(lengths)
    start = 0
    for count in counts:
        row = sum(lengths[start : start + count]) + packing.ROW_HEAD_BYTES
        assert count == 1 or (row <= ROW_BYTES_MAX and 1 < count <= ROW_RECORDS_MAX)
        start += count


def test_more_small_records_than_a_row_holds_go_to_the_next() -> None:
    """Places must fit two bytes, whatever the records' size."""
    assert max(packing.row_counts([1] * 20_000)) == ROW_RECORDS_MAX


@given(
    st.integers(0, 2**16 - 1),
    st.binary(min_size=32, max_size=32),
    st.integers(0, 255),
    st.binary(max_size=300),
    st.data(),
)
def test_a_flipped_bit_anywhere_in_a_record_is_found(
    place: int, oid: bytes, kind: int, payload: bytes, data: st.DataObject
) -> None:
    """A read returns what was written, or raises."""
    record = bytearray(b"".join(packing.pack_record(place, oid, kind, payload)))
    assert packing.record_at(oid, memoryview(record), place, 0, None) == (kind, payload)
    bit = data.draw(st.integers(0, len(record) * 8 - 1))
    record[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CorruptError):
        packing.record_at(oid, memoryview(record), place, 0, None)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_bytes_as_a_row_are_refused(row: bytes, offset: int) -> None:
    """Nothing but CorruptError comes out of bytes that nobody wrote."""
    view = memoryview(row)
    with pytest.raises(CorruptError):
        packing.row_records(b"\0" * 6, view)
    with pytest.raises(CorruptError):
        packing.record_at(b"i" * 32, view, 0, offset, None)


def test_objects_of_every_size_come_back(database: Database) -> None:
    """Empty ones, ones that fill a row exactly, and the largest there may be."""
    edge = ROW_BYTES_MAX - packing.ROW_HEAD_BYTES - RECORD_OVERHEAD_BYTES
    sizes = [0, 1, 100, edge - 1, edge, edge + 1, 40, 70_000, 2, 3, OBJECT_BYTES_MAX, 5]
    records = objects_of(sizes)
    with database:
        with database.writing() as writer:
            assert writer.put_many(iter(records)) == len(sizes)
            assert writer.get_many([oid for oid, _, _ in records]) == [p for _, _, p in records]
        with database.reading() as reader:
            for oid, kind, payload in records:
                assert reader.get_record(oid) == (kind, payload)
            scanned = list(reader.scan_objects())
            assert [(r.oid, r.kind, r.payload) for r in scanned] == records
            assert reader.sequences([oid for oid, _, _ in records]) == list(range(1, 13))


def test_the_same_object_twice_is_stored_once(database: Database) -> None:
    """Objects are named by what they are."""
    records = objects_of([10, 20])
    with database, database.writing() as writer:
        assert writer.put_many(records + records) == 2
        assert writer.put_many(records) == 0
        assert writer.put_many([]) == 0
        assert writer.last_sequence() == 2


@pytest.mark.parametrize(
    "record", [(b"short", 1, b""), (b"i" * 32, 256, b""), (b"i" * 32, -1, b"")]
)
def test_what_is_no_object_is_refused(database: Database, record: Stored) -> None:
    """The writer refuses what a reader would."""
    with database, pytest.raises(UsageError), database.writing() as writer:
        writer.put_many([record])


def test_an_object_over_the_limit_is_refused(database: Database) -> None:
    """The writer refuses what a reader would."""
    large = bytes(OBJECT_BYTES_MAX + 1)
    with database, pytest.raises(UsageError, match="16,777,216"), database.writing() as writer:
        writer.put_many([(ObjectId(b"i" * 32), 1, large)])


def test_an_object_of_another_kind_is_not_returned(database: Database) -> None:
    """A reference that leads to a thing of another kind is damage."""
    (record,) = objects_of([10])
    with database, database.writing() as writer:
        writer.put_many([record])
        assert writer.get(record[0], 1) == record[2]
        assert writer.get_many([record[0]], 1) == [record[2]]
        with pytest.raises(CorruptError, match="kind 1 where kind 2"):
            writer.get(record[0], 2)
        with pytest.raises(CorruptError, match="kind 1 where kind 2"):
            writer.get_many([record[0]], 2)


def test_the_four_states_are_told_apart(database: Database) -> None:
    """Reads and fsck must know lost from left out and from forgotten."""
    here, shallow, forgotten, lost = objects_of([10, 11, 12, 13])
    with database:
        with database.writing() as writer:
            writer.put_many([here, forgotten])
            writer.mark_missing([shallow[0], here[0]])
            assert writer.forget([forgotten[0]]).objects == 1
        with database.reading() as reader:
            states = [reader.state(record[0]) for record in (here, shallow, forgotten, lost)]
            assert states == list(ObjectState)
            for record, state in ((shallow, "missing"), (forgotten, "forgotten"), (lost, "lost")):
                with pytest.raises(MissingObjectError) as caught:
                    reader.get(record[0])
                assert caught.value.state == state
                with pytest.raises(MissingObjectError) as caught:
                    reader.get_many([here[0], record[0]])
                assert caught.value.state == state
        with database.writing() as writer:
            writer.put_many([shallow, forgotten])
            assert writer.state(shallow[0]) is ObjectState.PRESENT
            assert writer.get(forgotten[0]) == forgotten[2]


def test_marks_are_made_for_ids_only(database: Database) -> None:
    """A mark under a false key would never be found."""
    with database, database.writing() as writer, pytest.raises(UsageError):
        writer.mark_missing([ObjectId(b"short")])


def test_has_answers_for_one_and_many(database: Database) -> None:
    """What is to be sent is found without reading it."""
    records = objects_of([10, 20, 30])
    with database, database.writing() as writer:
        writer.put_many(records[:2])
        assert writer.has(records[0][0])
        assert not writer.has(records[2][0])
        assert writer.has_many([r[0] for r in records]) == {records[0][0], records[1][0]}
        assert writer.kind_of(records[0][0]) == 1
        assert writer.get_records([records[1][0]]) == [(1, records[1][2])]


def test_ids_are_found_by_a_prefix(database: Database) -> None:
    """People type the first digits, of odd number too, in either case."""
    records = objects_of([20] * 300)
    with database, database.writing() as writer:
        writer.put_many(records)
        wanted = sorted(oid for oid, _, _ in records)[17]
        for digits in (6, 7, 8, 63, 64):
            assert writer.find(wanted.hex()[:digits].upper()) == [wanted]
        assert writer.find("000000") == []
        assert writer.find("ffffffff") == []
        for bad in ("abc", "xyzxyz", "", "0" * 65):
            with pytest.raises(UsageError):
                writer.find(bad)


def test_find_stops_at_the_number_asked(database: Database) -> None:
    """A prefix of many objects does not list them all."""
    records = [(ObjectId(b"same" + bytes([n]) * 28), 1, b"") for n in range(50)]
    with database, database.writing() as writer:
        writer.put_many(records)
        assert writer.find(b"same".hex(), most=2) == [records[0][0], records[1][0]]


def test_survivors_keep_their_numbers_when_others_are_deleted(database: Database) -> None:
    """Indexes over sequence numbers stay true across garbage collection."""
    records = objects_of([900] * 300)
    dead = records[::3] + records[200:]
    kept = [record for record in records[:200] if record not in dead]
    numbers = {record[0]: place for place, record in enumerate(records, 1)}
    with database:
        with database.writing() as writer:
            writer.put_many(records)
        with database.writing() as writer:
            swept = writer.delete_objects([record[0] for record in dead])
            assert swept.objects == len({record[0] for record in dead})
            assert writer.delete_objects([record[0] for record in dead]).objects == 0
        with database.reading() as reader:
            scanned = list(reader.scan_objects())
            assert [(r.sequence, r.oid) for r in scanned] == [(numbers[k[0]], k[0]) for k in kept]
            assert reader.sequences([k[0] for k in kept]) == [numbers[k[0]] for k in kept]
            assert reader.get_many([k[0] for k in kept]) == [k[2] for k in kept]
            assert reader.last_sequence() == 300


def test_numbers_of_deleted_objects_are_not_given_again(database: Database) -> None:
    """An index that still names a deleted object must not name another one."""
    records = objects_of([10] * 20)
    with database:
        with database.writing() as writer:
            writer.put_many(records[:10])
        with database.writing() as writer:
            writer.delete_objects([record[0] for record in records[:10]])
            assert list(writer.scan_objects()) == []
        with database.writing() as writer:
            writer.put_many(records[10:])
            assert [record.sequence for record in writer.scan_objects()] == list(range(11, 21))


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=60), st.integers(-1, 70))
def test_a_scan_starts_at_any_number(sizes: list[int], start: int) -> None:
    """Iterators go on where they stopped, in the middle of a row too."""
    import tempfile

    records = objects_of([size + 8 for size in sizes])
    with tempfile.TemporaryDirectory() as folder, Database.create(folder) as database:
        with database.writing() as writer:
            writer.put_many(records[:20])
        with database.writing() as writer:
            writer.put_many(records[20:])
            writer.delete_objects([record[0] for record in records[::4]])
        with database.reading() as reader:
            found = [(record.sequence, record.oid) for record in reader.scan_objects(start)]
    expected = [(n, r[0]) for n, r in enumerate(records, 1) if n >= start and (n - 1) % 4]
    assert found == expected


def test_a_damaged_object_is_mended_by_putting_it_again(database: Database) -> None:
    """What a remote or an import brings again heals what was damaged."""
    records = objects_of([500] * 10)
    victim = records[4]
    with database:
        with database.writing() as writer:
            writer.put_many(records)
            key = packing.row_key(1)
            row = bytearray(writer._transaction.get(key, b"", writer._tables.objects))
            row[row.index(victim[2]) + 100] ^= 1
            writer._transaction.put(key, bytes(row), db=writer._tables.objects)
        with database.reading() as reader, pytest.raises(CorruptError, match="check"):
            reader.get(victim[0])
        with database.writing() as writer:
            assert writer.put_many(records) == 1
        with database.reading() as reader:
            assert reader.get_many([r[0] for r in records]) == [r[2] for r in records]
        with database.writing() as writer:
            writer.delete_objects([records[0][0]])
            assert writer.get(victim[0]) == victim[2]
