"""A data file is looked at as plain bytes before it is mapped."""

import os
import shutil
import struct
from pathlib import Path

import lmdb
import pytest

from hyperstore.errors import CorruptError, FormatError, HyperstoreError
from hyperstore.storage.database import Database
from hyperstore.storage.datafile import DATA_FILE, check_data_file, is_unborn
from tests.support.children import run_in_child


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A database with a few rows in every table's neighbourhood."""
    path = tmp_path / "db"
    with Database.create(path) as database:
        for number in range(5):
            with database.writing() as writer:
                payload = os.urandom(20_000)
                writer.put_many([(bytes([number]) * 32, 1, payload)])  # type: ignore[list-item]
    return path


def test_a_sound_file_passes(folder: Path) -> None:
    """The check refuses nothing that LMDB wrote."""
    check_data_file(folder / DATA_FILE)


@pytest.mark.parametrize("engine", [1])
def test_another_engine_is_refused_by_name(tmp_path: Path, engine: int) -> None:
    """Both engines of the binding call their files data.mdb."""
    folder = tmp_path / "db"
    folder.mkdir()
    lmdb.open(str(folder), lib_version=engine).close()
    with pytest.raises(FormatError, match=r"1\.0"):
        Database.open(folder)
    with pytest.raises(FormatError, match=r"1\.0"):
        Database.create(folder)


def test_a_newer_data_format_is_refused_by_number(folder: Path) -> None:
    """What a later LMDB writes is not guessed at."""
    data = bytearray((folder / DATA_FILE).read_bytes())
    for page in (0, 4096):
        struct.pack_into("<I", data, page + 20, 7)
    (folder / DATA_FILE).write_bytes(data)
    with pytest.raises(FormatError, match="format 7"):
        Database.open(folder)


@pytest.mark.parametrize("content", [b"SQLite format 3\0" * 600, b"x", bytes(range(256)) * 64])
def test_a_file_of_another_program_is_refused(tmp_path: Path, content: bytes) -> None:
    """Neither opened nor completed, and left as it was."""
    folder = tmp_path / "db"
    folder.mkdir()
    (folder / DATA_FILE).write_bytes(content)
    for way in (Database.open, Database.create):
        with pytest.raises((FormatError, CorruptError)):
            way(folder)
    assert (folder / DATA_FILE).read_bytes() == content


def test_a_machine_of_the_other_byte_order_is_named(folder: Path) -> None:
    """LMDB writes numbers as the processor has them."""
    data = bytearray((folder / DATA_FILE).read_bytes())
    for page in (0, 4096):
        data[page + 16 : page + 20] = data[page + 16 : page + 20][::-1]
    (folder / DATA_FILE).write_bytes(data)
    with pytest.raises(FormatError, match="byte order"):
        Database.open(folder)


def test_one_lost_meta_page_is_damage(folder: Path) -> None:
    """LMDB would refuse the file without saying which."""
    data = bytearray((folder / DATA_FILE).read_bytes())
    data[4096:8192] = bytes(4096)
    (folder / DATA_FILE).write_bytes(data)
    with pytest.raises(CorruptError, match="meta page"):
        Database.open(folder)


def test_a_false_page_size_is_no_meta_page(folder: Path) -> None:
    """A flipped bit in the page size must not send the look-up elsewhere."""
    data = bytearray((folder / DATA_FILE).read_bytes())
    struct.pack_into("<I", data, 40, 4097)
    (folder / DATA_FILE).write_bytes(data)
    with pytest.raises(CorruptError, match="meta page"):
        Database.open(folder)


def test_a_cut_file_is_refused_and_kills_nobody(folder: Path, tmp_path: Path) -> None:
    """Mapping it would end the process by SIGBUS."""
    whole = (folder / DATA_FILE).read_bytes()
    last_page = max(struct.unpack_from("<Q", whole, page + 136)[0] for page in (0, 4096))
    needed = (last_page + 1) * 4096
    lengths = {needed - 1, needed - 4096, 8192, 8191, 4096, 4095, 152, 100, 1, 0}
    lengths |= set(range(0, needed, needed // 40))

    def open_each() -> None:
        for length in sorted(lengths):
            cut = tmp_path / f"cut{length}"
            cut.mkdir()
            (cut / DATA_FILE).write_bytes(whole[:length])
            try:
                with Database.open(cut) as database, database.reading() as reader:
                    list(reader.scan_objects())
            except (CorruptError, FormatError):
                pass
            else:
                raise AssertionError(f"{length} of {len(whole)} bytes were opened")

    assert run_in_child(open_each) == "done"
    with Database.open(folder) as database, database.reading() as reader:
        assert reader.last_sequence() == 5


def test_a_first_write_that_never_came_is_completed(tmp_path: Path) -> None:
    """A kill or power cut while a store is made leaves an empty or zeroed file."""
    for size in (0, 1, 4096, 8192):
        folder = tmp_path / f"db{size}"
        folder.mkdir()
        (folder / DATA_FILE).write_bytes(bytes(size))
        assert is_unborn(folder / DATA_FILE)
        with pytest.raises(HyperstoreError):
            Database.open(folder)
        Database.create(folder).close()
        Database.open(folder).close()


def test_a_database_without_tables_is_completed(tmp_path: Path) -> None:
    """The engine's own first write came, ours did not."""
    folder = tmp_path / "db"
    folder.mkdir()
    lmdb.open(str(folder), lib_version=0).close()
    with pytest.raises(FormatError, match="completed"):
        Database.open(folder)
    Database.create(folder).close()
    Database.open(folder).close()


def test_the_database_of_another_program_is_not_completed(tmp_path: Path) -> None:
    """Our tables have no business in it."""
    folder = tmp_path / "db"
    folder.mkdir()
    with lmdb.open(str(folder), lib_version=0) as other, other.begin(write=True) as transaction:
        transaction.put(b"theirs", b"value")
    with pytest.raises(FormatError, match="no hyperstore database"):
        Database.create(folder)


def test_creating_again_changes_nothing(folder: Path) -> None:
    """`init` is safe to repeat."""
    with Database.open(folder) as database:
        store_id = database.store_id
    with Database.create(folder, store_id="f" * 32) as database, database.reading() as reader:
        assert database.store_id == store_id
        assert reader.last_sequence() == 5


def test_a_copy_opens_like_the_original(folder: Path, tmp_path: Path) -> None:
    """A data file holds all there is; the lock file is made anew."""
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(folder / DATA_FILE, copy / DATA_FILE)
    with Database.open(copy) as database, database.reading() as reader:
        assert len(list(reader.scan_objects())) == 5


@pytest.mark.parametrize("lost", [0, 1])
@pytest.mark.parametrize("more", [0, 3])
def test_a_first_write_of_which_one_page_came_is_begun_anew(
    tmp_path: Path, lost: int, more: int
) -> None:
    """The power went in the middle of `init`: nothing was acknowledged, and `init` goes on."""
    folder = tmp_path / "db"
    folder.mkdir()
    lmdb.open(str(folder), lib_version=0).close()
    data = folder / DATA_FILE
    pages = bytearray(data.read_bytes()[:8192]) + os.urandom(4096) * more
    pages[4096 * lost : 4096 * (lost + 1)] = bytes(4096)
    data.write_bytes(pages)
    with pytest.raises(HyperstoreError):
        Database.open(folder)
    Database.create(folder).close()
    Database.open(folder).close()


@pytest.mark.parametrize("lost", [0, 1])
def test_a_database_that_lost_a_meta_page_is_never_begun_anew(tmp_path: Path, lost: int) -> None:
    """Not even the youngest: from the moment that `init` is done there is something to lose."""
    folder = tmp_path / "db"
    Database.create(folder).close()
    data = folder / DATA_FILE
    pages = bytearray(data.read_bytes())
    pages[4096 * lost : 4096 * (lost + 1)] = bytes(4096)
    data.write_bytes(pages)
    with pytest.raises(CorruptError):
        Database.create(folder)
    assert data.read_bytes() == pages


@pytest.mark.parametrize("damaged", [0, 1])
def test_a_first_write_with_a_page_of_something_else_is_not_begun_anew(
    tmp_path: Path, damaged: int
) -> None:
    """A page that never came is all zeros; one that holds anything was written, then damaged."""
    folder = tmp_path / "db"
    folder.mkdir()
    lmdb.open(str(folder), lib_version=0).close()
    data = folder / DATA_FILE
    pages = bytearray(data.read_bytes()[:8192])
    pages[4096 * damaged : 4096 * damaged + 64] = b"\xff" * 64
    data.write_bytes(pages)
    assert not is_unborn(data)
    with pytest.raises(CorruptError):
        Database.create(folder)
    assert data.read_bytes() == pages
