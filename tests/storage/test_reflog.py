"""The operation log: dense numbers, every move, damage found."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.errors import CorruptError, UsageError
from hyperstore.ids import ObjectId
from hyperstore.storage import reflog
from hyperstore.storage.database import Database
from hyperstore.storage.reflog import Move
from hyperstore.storage.rows import seal

ids = st.none() | st.binary(min_size=32, max_size=32).map(ObjectId)
texts = st.text(st.characters(codec="utf-8"), max_size=30)
moves = st.lists(st.builds(Move, texts, ids, ids), max_size=6)


@given(st.integers(-(2**63), 2**63 - 1), texts, texts, moves)
def test_an_operation_comes_back_as_it_was_written(
    time_ms: int, actor: str, command: str, made: list[Move]
) -> None:
    """Undo needs every ref that an operation moved."""
    data = reflog._encode(time_ms, actor, command, made)
    decoded = reflog._decode(7, data)
    assert decoded == (7, time_ms, actor, command, tuple(made))


@given(st.binary(max_size=80))
def test_any_bytes_as_an_operation_are_refused(data: bytes) -> None:
    """Nothing but CorruptError comes out of bytes that nobody wrote."""
    key = (1).to_bytes(8, "big")
    try:
        found = reflog._read(key, memoryview(seal(b"oplog", key, data)))
    except CorruptError:
        return
    assert reflog._encode(*found[1:]) == data


def test_numbers_are_dense_and_start_at_one(tmp_path: Path) -> None:
    """`@{n}` and `before` count on them."""
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        assert writer.last_operation() == 0
        assert list(writer.operations()) == []
        for number in range(1, 4):
            assert writer.log(time_ms=0, actor="", command="", moves=[]) == number
        assert [writer.operation(n) is not None for n in (-1, 0, 1, 3, 4, 2**64)] == [
            *(False, False, True, True, False, False)
        ]
        for before, expected in ((None, [3, 2, 1]), (3, [2, 1]), (1, []), (0, []), (-5, [])):
            found = [op.number for op in writer.operations(before=before)]
            assert found == expected
            oldest = writer.operations(before=before, newest_first=False)
            assert [op.number for op in oldest] == expected[::-1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_ms": 2**63},
        {"actor": "\ud800"},
        {"command": "x" * (1024 * 1024 + 1)},
        {"moves": [Move("HEAD", ObjectId(b"short"), None)]},
    ],
)
def test_what_cannot_be_read_again_is_not_written(tmp_path: Path, wrong: dict[str, object]) -> None:
    """The writer refuses what a reader would."""
    given_ = {"time_ms": 0, "actor": "", "command": "", "moves": [], **wrong}
    with (
        Database.create(tmp_path / "db") as database,
        database.writing() as writer,
        pytest.raises(UsageError),
    ):
        writer.log(**given_)  # type: ignore[arg-type]


def test_a_lost_operation_is_found(tmp_path: Path) -> None:
    """A row that a damaged page hides leaves a gap in the numbers."""
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        for _ in range(5):
            writer.log(time_ms=0, actor="", command="", moves=[])
        writer._transaction.delete((3).to_bytes(8, "big"), db=writer._tables.oplog)
        with pytest.raises(CorruptError, match="between 4 and 2"):
            list(writer.operations())


def test_a_key_that_is_no_number_is_damage(tmp_path: Path) -> None:
    """Nobody can have written it."""
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        table = writer._tables.oplog
        writer._transaction.put(b"\xff", seal(b"oplog", b"\xff", b""), db=table)
        with pytest.raises(CorruptError, match="false key"):
            list(writer.operations())
        with pytest.raises(CorruptError, match="false key"):
            writer.log(time_ms=0, actor="", command="", moves=[])
        with pytest.raises(CorruptError, match="false key"):
            reflog._read(b"\xff", memoryview(seal(b"oplog", b"\xff", b"")))


def test_an_operation_under_another_number_or_with_a_flipped_bit_is_damage(tmp_path: Path) -> None:
    """Undo would take back what somebody else did."""
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        for number in (1, 2):
            writer.log(time_ms=number, actor="a", command="c", moves=[])
        table = writer._tables.oplog
        one, two = ((number).to_bytes(8, "big") for number in (1, 2))
        found = writer._transaction.get(one, None, table)
        assert found is not None
        row = bytes(found)
        flipped = bytes([*row[:-9], row[-9] ^ 1, *row[-8:]])  # In the data, before the check.
        for key, value in ((two, row), (one, flipped)):
            writer._transaction.put(key, value, db=table)
            with pytest.raises(CorruptError):
                writer.operation(int.from_bytes(key, "big"))
            with pytest.raises(CorruptError):
                list(writer.operations())
