"""A store's path that is something else, or damaged, or full, through the API and the command."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest

import hyperstore
from hyperstore import (
    CorruptError,
    DiskFullError,
    FormatError,
    HyperstoreError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from hyperstore.limits import FORMAT_VERSION
from hyperstore.storage.header import HEADER_KEY, encode_header
from hyperstore.storage.header import Header as StoreHeader
from tests.support.disks import read_only, small_disk
from tests.support.frames import wires
from tests.support.unchanged import fails, held, run, run_well

VERBS = ["status", "log", "ls", "branch", "dataset list", "reflog", "diff", "commit -m x", "gc"]
VERBS += ["media ls", "media verify", "media prune"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a store that has frames and a commit."""
    home = tmp_path / "home"
    _fill(home)
    return home


def _fill(home: Path) -> None:
    home.mkdir(exist_ok=True)
    with hyperstore.init(home / ".hyperstore") as store:
        version = store.create_dataset("cells").version()
        version.add_frames(wires(300))
        version.commit("One")
        version.add_frames(wires(5, start=500))
        store.set_head(version)


def snapshot_of(folder: Path) -> dict[str, bytes]:
    """Return every file under a folder, except lock files."""
    return {
        str(one.relative_to(folder)): one.read_bytes()
        for one in folder.rglob("*")
        if one.is_file() and "lock" not in one.name
    }


def test_a_file_in_place_of_a_store_is_left_alone(tmp_path: Path) -> None:
    """For opening, making, and every verb that finds it."""
    path = tmp_path / ".hyperstore"
    path.write_text("mine")
    with pytest.raises(UsageError, match="file"):
        hyperstore.open(path)
    with pytest.raises(UsageError, match="file"):
        hyperstore.init(path)
    with pytest.raises(HyperstoreError):
        hyperstore.open(path / "deeper")
    with pytest.raises(HyperstoreError):
        hyperstore.init(path / "deeper")
    for verb in VERBS:
        assert "no store" in fails(tmp_path, *verb.split())
    fails(tmp_path, "init", code=2)
    assert path.read_text() == "mine"


@pytest.mark.parametrize("path", ["", "\0", "a\0b", "x" * 5_000, "a/" * 3_000])
def test_a_path_that_no_system_takes_is_an_error_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """OSError and ValueError of the system do not come out."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").touch()
    for call in (hyperstore.open, hyperstore.init):
        with pytest.raises(HyperstoreError):
            call(path)
    assert [one.name for one in tmp_path.iterdir()] == ["other"]


@pytest.mark.parametrize("path", [None, 3, b"\xff", object(), ["a"]])
def test_what_is_no_path_is_a_wrong_call(path: object) -> None:
    """Bytes and numbers are not folders of ours."""
    for call in (hyperstore.open, hyperstore.init):
        with pytest.raises(HyperstoreError):
            call(path)  # type: ignore[arg-type]


def test_a_device_or_a_pipe_is_no_store(tmp_path: Path) -> None:
    """Nothing waits on it."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        for call in (hyperstore.open, hyperstore.init):
            with pytest.raises(HyperstoreError):
                call(path)


def _judge(home: Path, wanted: type[HyperstoreError] | tuple[type[HyperstoreError], ...]) -> None:
    """Hold every way in to one clear error, and the files to what they were."""
    before = snapshot_of(home)
    for readonly in (False, True):
        with pytest.raises(wanted) as caught:
            hyperstore.open(home / ".hyperstore", readonly=readonly)
        assert str(home) in str(caught.value)
    with pytest.raises(wanted):
        hyperstore.init(home / ".hyperstore")
    for verb in [*VERBS, "init"]:
        assert str(home) in fails(home, *verb.split()), verb
    assert snapshot_of(home) == before
    done = run(home, "fsck")
    assert done.code in (1, 128)
    assert "Traceback" not in done.out + done.err
    assert snapshot_of(home) == before


@pytest.mark.parametrize("left", [100, 4_095, 4_096, 8_191, 8_192, 20_000, 0.3])
def test_a_cut_data_file_is_damage(folder: Path, left: float) -> None:
    """Refused before it is mapped, for each length; none is made new."""
    data = folder / ".hyperstore" / "db" / "data.mdb"
    whole = data.read_bytes()
    data.write_bytes(whole[: int(left if left >= 1 else left * len(whole))])
    _judge(folder, (CorruptError, FormatError))


@pytest.mark.parametrize("content", [b"\xff" * 65_536, b"SQLite format 3\0" * 4_096, b"{}"])
def test_a_data_file_of_something_else_is_refused(folder: Path, content: bytes) -> None:
    """And left as it is."""
    (folder / ".hyperstore" / "db" / "data.mdb").write_bytes(content)
    _judge(folder, (CorruptError, FormatError))


@pytest.mark.parametrize("content", [b"", b"\0", b"\0" * 65_536])
def test_a_data_file_of_nothing_is_refused_by_all_but_init(folder: Path, content: bytes) -> None:
    """So looks a store whose making was cut off, which `init` completes."""
    (folder / ".hyperstore" / "db" / "data.mdb").write_bytes(content)
    for readonly in (False, True):
        with pytest.raises(HyperstoreError, match="home"):
            hyperstore.open(folder / ".hyperstore", readonly=readonly)
    for verb in VERBS:
        assert str(folder) in fails(folder, *verb.split()), verb
    assert (folder / ".hyperstore" / "db" / "data.mdb").read_bytes() == content
    run_well(folder, "init")
    assert run_well(folder, "dataset", "list") == ""


def test_the_other_engine_is_refused(tmp_path: Path) -> None:
    """py-lmdb 3 carries two, with files of one name that cannot read each other."""
    home = tmp_path / "home"
    (home / ".hyperstore" / "db").mkdir(parents=True)
    lmdb.open(str(home / ".hyperstore" / "db"), lib_version=1).close()
    _judge(home, FormatError)


def test_a_newer_format_is_refused_by_its_number(folder: Path) -> None:
    """The header is what says it; nothing behind it is read."""
    header = StoreHeader("0" * 32, FORMAT_VERSION + 1, "lmdb-0.9", "blake3", "own")
    _put_header(folder, encode_header(header))
    _judge(folder, FormatError)
    with pytest.raises(FormatError, match=f"format {FORMAT_VERSION + 1}.*newer"):
        hyperstore.open(folder / ".hyperstore")


@pytest.mark.parametrize(("engine", "name"), [("other", "blake3"), ("lmdb-0.9", "other")])
def test_another_engine_or_hash_in_the_header_is_refused(
    folder: Path, engine: str, name: str
) -> None:
    """What a header names and we have not is not guessed at."""
    header = StoreHeader("0" * 32, FORMAT_VERSION, engine, name, "own")
    _put_header(folder, encode_header(header))
    _judge(folder, FormatError)


@pytest.mark.parametrize("content", [b"", b"x", struct.pack("<II", FORMAT_VERSION, 4), b"\0" * 64])
def test_a_damaged_header_is_damage(folder: Path, content: bytes) -> None:
    """No store id is made up for it."""
    _put_header(folder, content)
    _judge(folder, CorruptError)


def _put_header(folder: Path, value: bytes) -> None:
    with lmdb.open(str(folder / ".hyperstore" / "db"), lib_version=0, max_dbs=16) as environment:
        table = environment.open_db(b"header")
        with environment.begin(write=True) as transaction:
            assert transaction.get(HEADER_KEY, db=table)
            transaction.put(HEADER_KEY, value, db=table)


def test_a_folder_with_other_files_is_not_made_a_store(tmp_path: Path) -> None:
    """Photographs do not become part of a store by a slip of the finger."""
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(RefusedError, match="other files"):
        hyperstore.init(tmp_path)
    with pytest.raises(NotFoundError, match="init"):
        hyperstore.open(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["photo.jpg"]


@pytest.mark.parametrize("content", [b"[user\n", b"\xff\xfe", b"user = 3\n", b"[gc]\ngrace = []\n"])
def test_settings_that_cannot_be_read_name_their_file(folder: Path, content: bytes) -> None:
    """Where they are needed; what needs none goes on working."""
    (folder / ".hyperstore" / "config.toml").write_bytes(content)
    with hyperstore.open(folder / ".hyperstore") as store:
        before = held(store)
        for verb in ("commit -m x", "tag t", "config user.name", "dataset create d"):
            assert "config.toml" in fails(folder, *verb.split()), verb
        assert held(store) == before
    assert run(folder, "fsck").code == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a small disk with a store on it."""
    with small_disk(tmp_path / "disk", 8 * 1024) as place:
        _fill(place)
        yield place


def test_a_store_that_cannot_be_written_is_read(disk: Path, tmp_path: Path) -> None:
    """Every verb that reads works, every verb that writes is one line, and says why."""
    (tmp_path / "a.xml").write_text("<annotation/>")
    before = snapshot_of(disk)
    with read_only(disk):
        for verb in ("status", "log", "ls -n 3", "cat f001", "diff", "branch", "tag", "reflog"):
            run_well(disk, *verb.split())
        for verb in ("dataset list", "show", "fsck --full", "version", "config", "gc --dry-run"):
            run_well(disk, *verb.split())
        run_well(disk, "export", "coco", "cells@Current", tmp_path / "out.json")
        for verb in ("commit -m x", "tag t", "rm f001", "publish", "undo", "branch x", "gc"):
            assert "read" in fails(disk, *verb.split()).lower(), verb
        for verb in ("dataset create d", "switch -c x", "reset --hard", "restore ."):
            assert "read" in fails(disk, *verb.split()).lower(), verb
        fails(disk, "import", "voc", tmp_path / "a.xml", "--dataset", "cells")
        fails(disk, "config", "user.name", "Ada")
        with hyperstore.open(disk / ".hyperstore", readonly=True) as store:
            version = store.dataset("cells").version()
            assert len(list(version)) == len(version) == 305
            with pytest.raises(HyperstoreError):
                version.add_frames(wires(1, start=900))
    assert snapshot_of(disk) == before
    run_well(disk, "commit", "-m", "Now it can")


def test_a_full_disk_is_one_line_and_the_store_goes_on_when_there_is_room(disk: Path) -> None:
    """An import that does not fit leaves what was there; room again, and it fits."""
    with hyperstore.open(disk / ".hyperstore") as store:
        before = held(store)
        version = store.dataset("cells").version()
        ballast = disk / "ballast"
        _fill_up(ballast)
        with pytest.raises(DiskFullError):
            version.add_frames(wires(4_000, start=1_000))
        assert held(store) == before
        assert len(list(version)) == 305
        run_well(disk, "log")
        run_well(disk, "fsck", "--full")
        ballast.unlink()
        assert version.add_frames(wires(500, start=1_000)) == []
        version.commit("Room again")
    run_well(disk, "fsck", "--full")


def _fill_up(file: Path) -> None:
    """Write until the disk takes no more."""
    with file.open("wb", buffering=0) as stream:
        while True:
            try:
                stream.write(bytes(4_096))
            except OSError:  # No space left.
                return
