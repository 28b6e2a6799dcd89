"""Where a database may lie, and what is said where it may not."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperstore.errors import (
    CorruptError,
    DiskFullError,
    FormatError,
    HyperstoreError,
    LockedError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from hyperstore.ids import ObjectId
from hyperstore.storage import host
from hyperstore.storage.database import Database
from hyperstore.storage.gate import Gate
from hyperstore.storage.header import HEADER_KEY, Header, decode_header, encode_header
from hyperstore.storage.rows import seal
from tests.support.children import run_in_child
from tests.support.disks import small_disk

NOBODY = 65534


def mounts(tmp_path: Path, *lines: tuple[str, str]) -> str:
    table = tmp_path / "mountinfo"
    numbered = (
        f"{n} 1 0:{n} / {point} rw - {kind} dev rw" for n, (point, kind) in enumerate(lines)
    )
    table.write_text("\n".join(["broken line", *numbered]) + "\n")
    return str(table)


def test_the_innermost_and_topmost_mount_counts(tmp_path: Path) -> None:
    """A network share below a local folder, and one mounted over it."""
    table = mounts(
        tmp_path, ("/", "ext4"), ("/mnt", "ext4"), ("/mnt/a\\040b", "nfs4"), ("/mnt", "cifs")
    )
    assert host._mount_type(Path("/mnt/a b/store"), table) == "nfs4"
    assert host._mount_type(Path("/mnt/x"), table) == "cifs"
    assert host._mount_type(Path("/mntx"), table) == "ext4"
    assert host._mount_type(Path("/x"), str(tmp_path / "absent")) is None


@pytest.mark.parametrize(
    ("kind", "remote"),
    [
        *((kind, True) for kind in ("nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse")),
        *((kind, True) for kind in ("fuse.rclone", "fuse.gcsfuse", "virtiofs", "lustre")),
        *((kind, False) for kind in ("ext4", "xfs", "btrfs", "tmpfs", "overlay", "fuseblk")),
    ],
)
def test_network_file_systems_are_told_by_type(kind: str, remote: bool) -> None:
    """They neither lock nor map as LMDB needs."""
    assert host._is_remote(kind) is remote


@pytest.mark.parametrize("name", ["Dropbox", "OneDrive - Firm", "Google Drive", "Nextcloud"])
def test_cloud_folders_are_refused_unless_allowed(tmp_path: Path, name: str) -> None:
    """A program that copies a database in the middle of a write damages it."""
    folder = tmp_path / name / "deep" / "db"
    with pytest.raises(RefusedError, match="allow_network"):
        Database.create(folder)
    Database.create(folder, allow_network=True).close()
    with pytest.raises(RefusedError, match="allow_network"):
        Database.open(folder)
    Database.open(folder, allow_network=True).close()


def test_a_folder_that_a_cloud_program_marked_is_refused(tmp_path: Path) -> None:
    """Such a folder may have any name."""
    (tmp_path / ".dropbox").touch()
    with pytest.raises(RefusedError, match="synchronised"):
        Database.create(tmp_path / "db")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    """And how to make it."""
    with pytest.raises(NotFoundError, match="init"):
        Database.open(tmp_path / "absent")
    with pytest.raises(NotFoundError, match="init"):
        Database.open(tmp_path)
    with pytest.raises(UsageError):
        Database.open("a\0b")
    (tmp_path / "data.mdb").mkdir()
    with pytest.raises(FormatError, match="not a file"):
        Database.open(tmp_path)


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    """Said in our words, whichever way it is met."""
    file = tmp_path / "file"
    file.write_text("text")
    for way in (Database.open, Database.create):
        for path in (file, file / "below"):
            with pytest.raises((UsageError, NotFoundError, DiskFullError)):
                way(path)


@pytest.fixture
def as_nobody(tmp_path: Path) -> None:
    """Let a child without rights reach the test's folder."""
    if os.getuid() != 0:
        pytest.skip(
            "only root can drop its rights; run as a plain user, the rights are as they are"
        )
    for folder in (tmp_path, *list(tmp_path.parents)[:3]):
        folder.chmod(0o755)


def drop_rights() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


@pytest.mark.usefixtures("as_nobody")
@pytest.mark.parametrize("with_lock_file", [True, False])
def test_a_folder_without_write_rights_opens_to_read(tmp_path: Path, with_lock_file: bool) -> None:
    """A shared store on a read-only disk can be used."""
    folder = tmp_path / "db"
    with Database.create(folder) as database, database.writing() as writer:
        writer.put_many([(ObjectId(b"i" * 32), 1, b"payload")])
    if not with_lock_file:
        (folder / "lock.mdb").unlink()

    def use() -> None:
        drop_rights()
        with pytest.raises(RefusedError, match="reading only"):
            Database.open(folder)
        with pytest.raises(RefusedError):
            Database.create(folder)
        with Database.open(folder, readonly=True) as database, database.reading() as reader:
            assert reader.get(ObjectId(b"i" * 32)) == b"payload"

    assert run_in_child(use) == "done"


@pytest.mark.usefixtures("as_nobody")
def test_a_folder_without_read_rights_is_refused(tmp_path: Path) -> None:
    """Not as damage, and not as absence."""
    folder = tmp_path / "db"
    Database.create(folder).close()
    (folder / "data.mdb").chmod(0o600)

    def use() -> None:
        drop_rights()
        with pytest.raises(RefusedError, match="may not be used"):
            Database.open(folder, readonly=True)
        with pytest.raises(RefusedError):
            Database.create(tmp_path / "new")

    assert run_in_child(use) == "done"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 8 MB."""
    with small_disk(tmp_path / "small", 8 * 1024) as place:
        yield place


def fill(database: Database) -> None:
    for number in range(100):
        with database.writing() as writer:
            writer.put_many([(ObjectId(bytes([number]) * 32), 1, os.urandom(1_000_000))])


def test_a_full_disk_changes_nothing_and_is_told(disk: Path) -> None:
    """The message names the room that is left; what was there stays, and smaller writes go on."""
    with Database.create(disk / "db") as database:
        with database.writing() as writer:
            writer.put_many([(ObjectId(b"a" * 32), 1, b"first")])
        with pytest.raises(DiskFullError, match="bytes are free"):
            fill(database)
        with database.reading() as reader:
            assert reader.get(ObjectId(b"a" * 32)) == b"first"
            count = reader.last_sequence()
            assert len(list(reader.scan_objects())) == count
        with database.writing() as writer:
            writer.delete_objects([ObjectId(bytes([number]) * 32) for number in range(4)])
        with database.writing() as writer:
            writer.put_many([(ObjectId(b"z" * 32), 1, b"later")])


def test_a_store_on_a_full_disk_is_not_made(disk: Path) -> None:
    """And can be made there later."""
    filler = disk / "filler"
    with pytest.raises(OSError, match="space"):
        filler.write_bytes(bytes(9_000_000))
    with pytest.raises(HyperstoreError):
        Database.create(disk / "db")
    filler.unlink()
    Database.create(disk / "db").close()


def test_a_header_comes_back_and_only_its_own_format_is_read(tmp_path: Path) -> None:
    """A newer store is refused before anything else of it is read."""
    header = Header.new("a" * 32, "foreign")
    assert decode_header(memoryview(encode_header(header))) == header
    for other in (
        header._replace(format_version=2),
        header._replace(engine="lmdb-1.0"),
        header._replace(hash_name="sha256"),
    ):
        with pytest.raises(FormatError):
            decode_header(memoryview(encode_header(other)))
    for data in (b"", b"\1\0\0\0", b"\1\0\0\0\4\0\0\0\1\0a", b"\1\0\0\0\0\0\0\0x"):
        with pytest.raises(CorruptError):
            decode_header(memoryview(seal(b"header", HEADER_KEY, data)))


def test_trust_is_kept(tmp_path: Path) -> None:
    """A cloned store stays foreign until its user says otherwise."""
    with Database.create(tmp_path / "db", trust="foreign") as database:
        assert database.trust == "foreign"
        database.set_trust("own")
        assert database.trust == "own"
    with Database.open(tmp_path / "db") as database:
        assert database.trust == "own"
        assert database.format_version == 1


def test_a_database_without_header_is_not_opened(tmp_path: Path) -> None:
    """A crash between the tables and the header; `init` completes it."""
    with Database.create(tmp_path / "db") as database, database.writing() as writer:
        writer._transaction.delete(HEADER_KEY, db=writer._tables.header)
    with pytest.raises(CorruptError, match="init"):
        Database.open(tmp_path / "db")
    Database.create(tmp_path / "db", store_id="b" * 32).close()
    with Database.open(tmp_path / "db") as database:
        assert database.store_id == "b" * 32


def test_a_compact_copy_is_a_database_of_its_own(tmp_path: Path) -> None:
    """What gc leaves behind is left behind."""
    records = [(ObjectId(bytes([n]) * 32), 1, os.urandom(50_000)) for n in range(100)]
    with Database.create(tmp_path / "db") as database:
        with database.writing() as writer:
            writer.put_many(records)
        with database.writing() as writer:
            writer.delete_objects([oid for oid, _, _ in records[5:]])
        copied = database.compact_copy(tmp_path / "copy")
        assert copied.stat().st_size < (tmp_path / "db" / "data.mdb").stat().st_size / 5
        with pytest.raises(UsageError, match="already"):
            database.compact_copy(tmp_path / "copy")
        store_id = database.store_id
    with Database.open(tmp_path / "copy") as copy, copy.reading() as reader:
        assert copy.store_id == store_id
        assert [r[:3] for r in reader.scan_objects()] == [
            (n, oid, kind) for n, (oid, kind, _) in enumerate(records[:5], 1)
        ]


def test_a_reader_that_stays_is_named_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Growth does not wait for ever for a thread that forgot its read."""
    monkeypatch.setattr("hyperstore.storage.gate.OWN_READERS_WAIT_S", 0.1)
    gate = Gate(tmp_path)
    reader = _Reader()
    thread = threading.Thread(target=gate.enter, args=(reader,))
    thread.start()
    thread.join()
    with pytest.raises(LockedError, match="stays"), gate.alone():
        pass
    gate.leave(reader)
    with gate.alone():
        assert gate.is_empty()


class _Reader:
    def reopen(self) -> None: ...
