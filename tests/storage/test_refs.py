"""Names move by compare-and-swap, and a damaged row is never taken for no row."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.errors import ConflictError, CorruptError, UsageError
from hyperstore.ids import ObjectId
from hyperstore.limits import REF_NAME_BYTES_MAX
from hyperstore.storage.database import Database
from hyperstore.storage.rows import seal, unseal

ONE, TWO = ObjectId(b"1" * 32), ObjectId(b"2" * 32)


def test_a_ref_moves_only_from_where_it_was_said_to_be(tmp_path: Path) -> None:
    """Somebody else's move must not be lost."""
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        with pytest.raises(ConflictError, match="nothing"):
            writer.move("HEAD", ONE, TWO)
        writer.move("HEAD", None, ONE)
        with pytest.raises(ConflictError, match=ONE.hex()):
            writer.move("HEAD", None, TWO)
        writer.move("HEAD", ONE, TWO)
        assert writer.ref("HEAD") == TWO
        writer.move("HEAD", TWO, None)
        assert writer.ref("HEAD") is None
        writer.move("HEAD", None, None)
        assert writer.refs() == []


def test_refs_are_listed_by_prefix_in_order_of_their_bytes(tmp_path: Path) -> None:
    """Names are UTF-8; a prefix may end inside one."""
    names = ["HEAD", "a", "a/b", "ab", "tag/é", "tag/\U0001f600", "tagh"]
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        for name in reversed(names):
            writer.move(name, None, ONE)
        assert [name for name, _ in writer.refs()] == sorted(names, key=str.encode)
        assert [name for name, _ in writer.refs("tag/")] == ["tag/é", "tag/\U0001f600"]
        assert writer.refs("zz") == []


@pytest.mark.parametrize("name", ["", "x" * (REF_NAME_BYTES_MAX + 1), "é" * 300, "\ud800"])
def test_names_that_cannot_be_keys_are_refused(tmp_path: Path, name: str) -> None:
    """The engine's limits, and the encoder's, are told in our words."""
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        with pytest.raises(UsageError):
            writer.move(name, None, ONE)
        with pytest.raises(UsageError):
            writer.ref(name)


def test_what_is_no_id_is_refused(tmp_path: Path) -> None:
    """The writer refuses what a reader would."""
    with (
        Database.create(tmp_path / "db") as database,
        database.writing() as writer,
        pytest.raises(UsageError, match="32 bytes"),
    ):
        writer.move("HEAD", None, ObjectId(b"short"))


@given(
    st.sampled_from([b"refs", b"oplog"]), st.binary(min_size=1, max_size=40), st.binary(), st.data()
)
def test_a_sealed_row_comes_back_and_a_flipped_bit_does_not(
    table: bytes, key: bytes, data: bytes, draw: st.DataObject
) -> None:
    """Every row that changes has a check."""
    sealed = bytearray(seal(table, key, data))
    assert unseal(table, key, memoryview(sealed), bytes_max=len(data)) == data
    bit = draw.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CorruptError):
        unseal(table, key, memoryview(sealed), bytes_max=2**40)


@given(st.binary(min_size=1, max_size=9), st.binary(min_size=1, max_size=9), st.binary(max_size=9))
def test_a_row_does_not_fit_another_key(key: bytes, other: bytes, data: bytes) -> None:
    """A damaged index shows the row of another key."""
    sealed = memoryview(seal(b"refs", key, data))
    if key != other:
        with pytest.raises(CorruptError):
            unseal(b"refs", other, sealed, bytes_max=100)
    with pytest.raises(CorruptError):
        unseal(b"pins", key, sealed, bytes_max=100)


@given(st.binary(max_size=60))
def test_any_bytes_as_a_row_are_refused_without_a_foreign_error(value: bytes) -> None:
    """Nothing but CorruptError comes out of bytes that nobody wrote."""
    with pytest.raises(CorruptError):
        unseal(b"refs", b"k", memoryview(value), bytes_max=1000)


@pytest.mark.parametrize("key", [b"H\x45AD", b"HEAE", b"\xc8EAD", b"HEADS"])
def test_a_ref_under_a_damaged_key_is_damage_and_not_absence(tmp_path: Path, key: bytes) -> None:
    """A head that seems not to be there would be made anew, and the old one lost."""
    with Database.create(tmp_path / "db") as database:
        with database.writing() as writer:
            writer._transaction.put(key, seal(b"refs", b"HEAD", ONE), db=writer._tables.refs)
        with database.reading() as reader:
            if key == b"HEAD":
                assert reader.ref("HEAD") == ONE
                return
            with pytest.raises(CorruptError):
                reader.ref("HEAD")
            with pytest.raises(CorruptError):
                reader.refs()


@pytest.mark.parametrize("data", [b"short", b"x" * 31])
def test_a_sealed_row_that_holds_no_id_is_damage(tmp_path: Path, data: bytes) -> None:
    """Checks prove bytes, not sense."""
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        writer._transaction.put(b"HEAD", seal(b"refs", b"HEAD", data), db=writer._tables.refs)
        with pytest.raises(CorruptError, match="does not hold an id"):
            writer.ref("HEAD")


def test_a_name_that_is_not_utf8_is_damage(tmp_path: Path) -> None:
    """Nobody can have written it."""
    key = b"\xff\xfe"
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        writer._transaction.put(key, seal(b"refs", key, ONE), db=writer._tables.refs)
        with pytest.raises(CorruptError, match="UTF-8"):
            writer.refs()


def test_a_row_that_was_good_before_is_not_believed_once_it_changed(tmp_path: Path) -> None:
    """Rows that passed their check are known by all their bytes, and the first one to differ is
    checked anew.
    """
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        writer.move("HEAD", None, ONE)
        assert writer.refs() == [("HEAD", ONE)]
        false = bytearray(seal(b"refs", b"HEAD", ONE))
        false[10] ^= 1
        writer._transaction.put(b"HEAD", bytes(false), db=writer._tables.refs)
        with pytest.raises(CorruptError, match="its check does not fit"):
            writer.refs()
