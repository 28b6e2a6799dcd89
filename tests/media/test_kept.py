"""The folder of kept files: what is in it is whole, on the disk, and named by its bytes."""

import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.errors import (
    CorruptError,
    DiskFullError,
    MediaError,
    NotFoundError,
    RefusedError,
)
from hyperstore.media import kept
from hyperstore.media.kept import KeptMedia
from hyperstore.media.local import is_local, is_remote, local_file
from hyperstore.media.uri import refusal
from tests.support.children import run_crowd
from tests.support.disks import fill_up, read_only, small_disk


def made(folder: Path, data: bytes, name: str = "original.bin") -> Path:
    """Return a new file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def keep(store: Path, path: Path) -> str:
    """Keep one file as a writer does; return its URI."""
    media = KeptMedia(store)
    with media.holding():
        taken = media.keep(str(path), path.name, sha256=True)
        media.settle()
    return taken.uri


def everything(store: Path) -> list[str]:
    """Return the paths of all files in the folder of kept ones, but for the lock."""
    found = [path for path in (store / "media").rglob("*") if not path.is_dir()]
    return sorted(str(path.relative_to(store / "media")) for path in found if path.name != "lock")


@given(data=st.binary(min_size=1, max_size=3000), times=st.integers(1, 2000))
def test_what_is_kept_is_what_was_there(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, times: int
) -> None:
    """Bytes are bytes, of any length, and their name is their blake3."""
    store = tmp_path_factory.mktemp("store")
    whole = data * times
    uri = keep(store, made(store, whole))
    assert uri == f"media:{blake3(whole).hexdigest()}"
    assert Path(local_file(uri, store=str(store))).read_bytes() == whole


def test_a_kept_file_lies_under_its_hash_for_reading_only(tmp_path: Path) -> None:
    """The place follows from the name alone, and no program edits it by mistake."""
    before = os.umask(0o022)
    try:
        digest = keep(tmp_path, made(tmp_path, b"cat")).removeprefix("media:")
    finally:
        os.umask(before)
    path = tmp_path / "media" / digest[:2] / digest
    assert path.stat().st_mode & 0o777 == 0o444
    assert everything(tmp_path) == [f"{digest[:2]}/{digest}"]


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    """Ten copies of a legend take the room of one."""
    uris = {keep(tmp_path, made(tmp_path, b"same", f"{at}.png")) for at in range(10)}
    assert len(uris) == 1
    assert len(everything(tmp_path)) == 1


def test_an_edit_of_the_original_changes_nothing(tmp_path: Path) -> None:
    """Neither in place nor by a new file, and the right to write to it stays with its owner."""
    path = made(tmp_path, b"before")
    uri = keep(tmp_path, path)
    with path.open("r+b") as file:
        file.write(b"AFTER!")
    assert Path(local_file(uri, store=str(tmp_path))).read_bytes() == b"before"
    assert path.stat().st_mode & 0o200


def test_a_damaged_kept_file_is_replaced_when_its_bytes_come_again(tmp_path: Path) -> None:
    """Adding the original again is how a user mends what a disk lost."""
    path = made(tmp_path, b"good bytes")
    uri = keep(tmp_path, path)
    there = Path(local_file(uri, store=str(tmp_path)))
    there.chmod(0o644)
    there.write_bytes(b"evil bytes")
    keep(tmp_path, path)
    assert there.read_bytes() == b"good bytes"


@pytest.mark.parametrize("name", ["über.jpg", "日本 \n.png", "-rf", "a" * 255])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    """A name takes no part in how bytes are kept."""
    uri = keep(tmp_path, made(tmp_path, name.encode(), name))
    assert Path(local_file(uri, store=str(tmp_path))).read_bytes() == name.encode()


def test_a_file_is_linked_only_on_request(tmp_path: Path) -> None:
    """A second name takes no room; what the original's owner may do with it stays as it was."""
    path = made(tmp_path, b"one file, two names")
    os.utime(path, (10**9, 10**9))
    media = KeptMedia(tmp_path, links=True)
    for _ in range(2):
        with media.holding():
            taken = media.keep(str(path), path.name, sha256=True)
            media.settle()
    there = media.path(taken.digest)
    assert there.samefile(path)
    assert (path.stat().st_mtime, path.stat().st_mode & 0o777) == (10**9, 0o644)
    assert taken.uri == f"media:{blake3(b'one file, two names').hexdigest()}"
    assert taken.sha256 == hashlib.sha256(b"one file, two names").hexdigest()
    assert len(everything(tmp_path)) == 1
    path.unlink()
    assert there.read_bytes() == b"one file, two names"


def test_a_linked_file_that_was_edited_gives_way_to_a_good_copy(tmp_path: Path) -> None:
    """And the edit of the original is kept under its own hash; the original stays."""
    path = made(tmp_path, b"before")
    media = KeptMedia(tmp_path, links=True)
    with media.holding():
        first = media.keep(str(path), path.name)
        path.write_bytes(b"AFTER!")
        second = media.keep(str(path), path.name)
        good = media.keep(str(made(tmp_path, b"before", "copy")), "copy")
    assert media.path(second.digest).read_bytes() == b"AFTER!"
    assert good == first
    assert media.path(first.digest).read_bytes() == b"before"
    assert path.read_bytes() == b"AFTER!"


def test_where_no_link_can_be_made_a_copy_is(tmp_path: Path) -> None:
    """From another disk, say."""
    with small_disk(tmp_path / "disk", 2048) as disk:
        path = made(disk, b"elsewhere")
        media = KeptMedia(tmp_path, links=True)
        with media.holding():
            taken = media.keep(str(path), path.name)
        assert media.path(taken.digest).read_bytes() == b"elsewhere"
        assert not media.path(taken.digest).stat().st_mode & 0o222


# What is refused.


def test_what_is_empty_or_no_file_is_refused(tmp_path: Path) -> None:
    """A pipe would never end, and an empty picture is none."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    made(tmp_path, b"", "empty")
    places = ["empty", "pipe", "loop", ".", "/dev/null", "/dev/zero", "a" * 300]
    for place in places:
        with pytest.raises(MediaError):
            keep(tmp_path, tmp_path / place)
    with pytest.raises(NotFoundError):
        keep(tmp_path, tmp_path / "nowhere")
    assert everything(tmp_path) == []


def test_a_file_that_grows_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept would be neither what was there before nor after."""
    path = made(tmp_path, bytes(3 * 1024 * 1024))
    written = os.write

    def write(handle: int, data: bytes) -> int:
        with path.open("ab") as file:
            file.write(b"more")
        return written(handle, data)

    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(kept, "clone_file", lambda *_: False)
    with pytest.raises(MediaError, match="changed while it was read"):
        keep(tmp_path, path)
    assert everything(tmp_path) == []


HOSTILE = [
    "media:",
    "media:../../../etc/passwd",
    "media:" + "a" * 63,
    "media:" + "a" * 65,
    "media:" + "A" * 64,
    "MEDIA:" + "a" * 64,
    "media:" + "a" * 60 + "/../",
    "media:" + "a" * 64 + "\n",
    "media:" + "a" * 64 + "\0",
    "media://" + "a" * 62,
    "media:" + "\u0661" * 64,
]


@pytest.mark.parametrize("uri", HOSTILE)
def test_a_false_name_is_refused(tmp_path: Path, uri: str) -> None:
    """A name from a stranger is never a path."""
    assert refusal(uri) is not None
    with pytest.raises(RefusedError):
        local_file(uri, store=str(tmp_path))


def test_a_link_among_kept_files_is_not_followed(tmp_path: Path) -> None:
    """The folder may have come from somebody else, and with it what it leads to."""
    secret = made(tmp_path, b"secret")
    digest = "ab" * 32
    place = tmp_path / "media" / "ab" / digest
    place.parent.mkdir(parents=True)
    place.symlink_to(secret)
    with pytest.raises(NotFoundError):
        local_file(f"media:{digest}", store=str(tmp_path))
    assert list(KeptMedia(tmp_path).files()) == []


# What is answered of what is not there.


def test_a_missing_file_says_how_to_get_it(tmp_path: Path) -> None:
    """Frames travel without their bytes, and whoever reads them is told what to do."""
    uri = f"media:{'0' * 64}"
    with pytest.raises(NotFoundError, match="copy that file from the media folder"):
        local_file(uri, store=str(tmp_path))
    with pytest.raises(NotFoundError, match="belongs to none"):
        local_file(uri)
    assert is_local(uri)
    assert not is_remote(uri)


def test_a_shortened_file_is_told_by_its_size(tmp_path: Path) -> None:
    """It costs a look at the size; a size that was recorded wrongly costs a look at the bytes."""
    uri = keep(tmp_path, made(tmp_path, b"0123456789"))
    path = Path(local_file(uri, store=str(tmp_path), size=10))
    assert local_file(uri, store=str(tmp_path), size=11) == str(path)
    path.chmod(0o644)
    path.write_bytes(b"01234")
    with pytest.raises(CorruptError, match="other bytes than were kept"):
        local_file(uri, store=str(tmp_path), size=10)
    path.write_bytes(b"")
    with pytest.raises(CorruptError):
        local_file(uri, store=str(tmp_path))


# A full disk, a crowd, a crash.


def test_a_full_disk_leaves_no_part_behind(tmp_path: Path) -> None:
    """The call fails, what was kept stays, and there is room for the next smaller file."""
    with small_disk(tmp_path / "disk", 2048) as disk:
        uri = keep(disk, made(tmp_path, b"small"))
        before = everything(disk)
        with pytest.raises(DiskFullError):
            keep(disk, made(tmp_path, bytes(4 * 1024 * 1024), "large.bin"))
        assert everything(disk) == before
        fill_up(disk / "rest")
        with pytest.raises(DiskFullError):
            keep(disk, made(tmp_path, b"other" * 2000, "other.bin"))
        assert everything(disk) == before
        assert Path(local_file(uri, store=str(disk))).read_bytes() == b"small"


def test_a_store_for_reading_only_answers_what_it_keeps(tmp_path: Path) -> None:
    """An archive on a disk that cannot be written to is a store like any other."""
    with small_disk(tmp_path / "disk", 2048) as disk:
        uri = keep(disk, made(tmp_path, b"small"))
        with read_only(disk):
            assert Path(local_file(uri, store=str(disk))).read_bytes() == b"small"
            with pytest.raises(RefusedError):
                keep(disk, made(tmp_path, b"more", "more.bin"))


CROWD = 6


def test_a_crowd_keeps_the_same_files(tmp_path: Path) -> None:
    """Processes that import one folder at once neither lose a file nor keep one twice."""
    originals = [made(tmp_path, bytes([at]) * 5000 * (at + 1), f"{at}.bin") for at in range(12)]

    def work(at: int) -> None:
        for path in random.Random(at).sample(originals, len(originals)):
            uri = keep(tmp_path, path)
            assert Path(local_file(uri, store=str(tmp_path))).read_bytes() == path.read_bytes()

    run_crowd(work, CROWD)
    names = {blake3(path.read_bytes()).hexdigest() for path in originals}
    assert everything(tmp_path) == sorted(f"{name[:2]}/{name}" for name in names)


def test_threads_share_one(tmp_path: Path) -> None:
    """`add_frames` copies by threads, of which several may meet the same bytes."""
    originals = [made(tmp_path, bytes([at % 4]) * 9000, f"{at}.bin") for at in range(40)]
    media = KeptMedia(tmp_path)
    with media.holding():
        threads = [
            threading.Thread(target=media.keep, args=(str(path), path.name)) for path in originals
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        media.settle()
    assert len(everything(tmp_path)) == 4


STEPS = ["os.open", "os.write", "os.fsync", "os.replace", "os.fsync folder"]


@contextmanager
def dying_at(step: str) -> Iterator[None]:
    """Let this process kill itself as a step begins."""
    name, _, folder = step.removeprefix("os.").partition(" ")
    target: object = os
    if name == "replace":
        target = Path
    if folder:
        target, name = kept, "sync_folder"
    before: Callable[..., object] = getattr(target, name)

    def struck(*given: object, **named: object) -> object:
        if name != "open" or "partial" in str(given[0]):
            os.kill(os.getpid(), signal.SIGKILL)
        return before(*given, **named)

    setattr(target, name, struck)
    try:
        yield
    finally:
        setattr(target, name, before)


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_step_leaves_no_part_under_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """What is there after that is whole, and keeping the file again works."""
    monkeypatch.setattr(kept, "clone_file", lambda *_: False)
    path = made(tmp_path, b"picture" * 200_000)
    child = os.fork()
    if child == 0:
        try:
            with dying_at(step):
                keep(tmp_path, path)
        finally:
            os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    for one in KeptMedia(tmp_path).files():
        assert one.digest == blake3(path.read_bytes()).hexdigest()
        assert KeptMedia(tmp_path).path(one.digest).read_bytes() == path.read_bytes()
    uri = keep(tmp_path, path)
    assert Path(local_file(uri, store=str(tmp_path))).read_bytes() == path.read_bytes()


def test_an_old_part_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What killed processes left behind does not fill the disk for ever; a new one is at work."""
    parts = tmp_path / "media" / "partial"
    made(parts, b"half", "a" * 32)
    os.utime(parts / ("a" * 32), (0, 0))  # As that of a second name for an old original.
    keep(tmp_path, made(tmp_path, b"one"))
    assert [path.name for path in parts.iterdir()] == ["a" * 32]
    later = time.time() + 3 * 24 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    keep(tmp_path, made(tmp_path, b"two"))
    assert list(parts.iterdir()) == []


def test_who_keeps_is_waited_for(tmp_path: Path) -> None:
    """Nobody prunes between a file and the frame that names it."""
    media = KeptMedia(tmp_path)
    with media.holding(), media.holding(), media.pruning() as alone:
        assert not alone
    with media.pruning() as alone:
        assert alone
    with media.holding():
        child = os.fork()
        if child == 0:  # Which has the lock too, but does not keep it.
            signal.pause()
            os._exit(0)
    try:
        with media.pruning() as alone:
            assert alone
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


# Shared blocks.


@pytest.fixture
def cloning_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk whose files can share blocks."""
    image, folder = tmp_path / "disk.img", tmp_path / "cloning"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(512 * 1024 * 1024)
    for words in (["mkfs.xfs", "-q", "-m", "reflink=1", image], ["mkfs.btrfs", "-q", image]):
        try:
            done = subprocess.run(list(map(str, words)), capture_output=True, check=False)
        except FileNotFoundError:
            continue
        mount = ["mount", "-o", "loop", str(image), str(folder)]
        if done.returncode or subprocess.run(mount, capture_output=True, check=False).returncode:
            continue
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        return
    pytest.skip("no file system that shares blocks can be made and mounted here")


def test_a_file_system_that_can_shares_the_blocks(cloning_disk: Path) -> None:
    """A terabyte of pictures is kept in no more room; an edit of the original parts the two."""
    path = made(cloning_disk, os.urandom(64 * 1024 * 1024))
    os.sync()
    before = os.statvfs(cloning_disk).f_bavail
    uri = keep(cloning_disk, path)
    os.sync()
    room = (before - os.statvfs(cloning_disk).f_bavail) * os.statvfs(cloning_disk).f_frsize
    assert room < 8 * 1024 * 1024
    whole = path.read_bytes()
    with path.open("r+b") as file:
        file.write(b"edited")
    assert Path(local_file(uri, store=str(cloning_disk))).read_bytes() == whole


def test_a_clone_is_hashed_as_it_was_cloned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where blocks are shared, the copy does not depend on what is read of the original after."""

    def clone(source: int, target: int) -> bool:
        data = os.pread(source, 1 << 20, 0)
        return os.pwrite(target, data, 0) == len(data)

    monkeypatch.setattr(kept, "clone_file", clone)
    uri = keep(tmp_path, made(tmp_path, b"cloned bytes"))
    assert uri == f"media:{blake3(b'cloned bytes').hexdigest()}"
    assert Path(local_file(uri, store=str(tmp_path))).read_bytes() == b"cloned bytes"


def test_an_error_of_reading_is_not_one_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad sector under the original is about that file; others are kept all the same."""

    class Failing:
        def __init__(self, path: Path) -> None:
            self._file = path.open("rb")

        def __enter__(self) -> "Failing":
            return self

        def __exit__(self, *raised: object) -> None:
            self._file.close()

        def fileno(self) -> int:
            return self._file.fileno()

        def read(self, size: int) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(kept, "open_regular", lambda path, _: Failing(path))
    monkeypatch.setattr(kept, "clone_file", lambda *_: False)
    with pytest.raises(MediaError, match="cannot be read"):
        keep(tmp_path, made(tmp_path, b"bad sector"))
    assert everything(tmp_path) == []


def test_reading_a_kept_uri_loads_no_pillow(tmp_path: Path) -> None:
    """A loader that answers paths is quick to start."""
    uri = keep(tmp_path, made(tmp_path, b"cat"))
    code = (
        "import sys; from hyperstore.media.local import local_file; "
        f"local_file({uri!r}, store={str(tmp_path)!r}); print('PIL' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
