"""Kept files and a process that ends at any step, or a disk that fails one: no frame without its
bytes, and no bytes under a name that is not theirs.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from unittest import mock

import pytest

import hyperstore
from hyperstore import SingleFrame
from hyperstore.errors import DiskFullError
from hyperstore.maintenance.check import fsck
from hyperstore.maintenance.keptfiles import verify_kept
from hyperstore.media import kept
from hyperstore.media.kept import KeptMedia
from hyperstore.storage.database import Database
from tests.support.struck import killed_at, struck

FILES = 3
PLACES: list[tuple[object, str]] = [
    (os, "write"),
    (os, "fsync"),
    (Path, "replace"),
    (kept, "sync_folder"),
    (Database, "write"),
]


@pytest.fixture(autouse=True)
def one_at_a_time() -> Iterator[None]:
    """Let files be copied one after the other: then the n-th call is the same one each time."""
    with (
        mock.patch("hyperstore.dataset.keeping.KEEP_THREADS", 1),
        mock.patch.object(kept, "clone_file", return_value=False),
    ):
        yield


def frames(folder: Path) -> list[SingleFrame]:
    """Return frames of large and small files."""
    made = []
    for at in range(FILES):
        path = folder / f"{at}.bin"
        path.write_bytes(bytes([at + 1]) * (10 + 1_500_000 * at))
        made.append(SingleFrame(id=f"{at}", source=path))
    return made


def add(store: Path, folder: Path) -> None:
    """Add the frames, keeping their files."""
    with hyperstore.open(store) as opened:
        version = opened.datasets()[0].version()
        version.add_frames(frames(folder), copy_media=True, strict=True)


def judged(store: Path, folder: Path) -> int:
    """Return how many frames there are, all of them whole; then add them again."""
    with hyperstore.open(store) as opened:
        version = opened.datasets()[0].version()
        there = len(version)
        assert there in (0, FILES)
        for one in version:
            path = one.get_local_source(raise_on_error=True)  # type: ignore[union-attr]
            assert Path(path or "").read_bytes() == (folder / f"{one.id}.bin").read_bytes()
        assert [fault.code for fault in verify_kept(opened).faults] == []
        assert version.add_frames(frames(folder), copy_media=True) == []
        assert fsck(opened, level="full").ok
    return there


def empty_store(folder: Path) -> Path:
    """Return a new store with an empty draft."""
    with hyperstore.init(folder) as made:
        made.create_dataset("cells")
    return folder


def test_a_crash_at_any_write_leaves_no_frame_without_its_file(tmp_path: Path) -> None:
    """The frames come last, when all that they name is on the disk."""
    ended = []
    for number in count(1):
        store = empty_store(tmp_path / f"store{number}")
        is_killed = killed_at(number, partial(add, store, tmp_path), PLACES)
        there = judged(store, tmp_path)
        if not is_killed:
            assert there == FILES
            break
        ended.append(there)
    assert len(ended) >= 4 * FILES
    assert ended == sorted(ended)  # Nothing, then from some step on all.


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_failing_write_anywhere_changes_nothing(tmp_path: Path, code: int) -> None:
    """The error says that it is the disk, and the next attempt works."""

    def fail() -> None:
        raise OSError(code, os.strerror(code))

    failed = 0
    for number in count(1):
        store = empty_store(tmp_path / f"store{number}")
        with struck(number, fail, PLACES[:-1]) as calls:
            try:
                add(store, tmp_path)
            except DiskFullError:
                failed += 1
            else:
                assert calls[0] < number
                break
        assert list((store / "media").glob("partial/*")) == []
        with hyperstore.open(store) as opened:
            assert len(opened.datasets()[0].version()) == 0
        judged(store, tmp_path)
    assert failed >= 4 * FILES


def test_names_are_on_the_disk_before_frames_are(tmp_path: Path) -> None:
    """Bytes, then their names, then the folder's, then the frames: after a power cut as well."""
    store = empty_store(tmp_path / "store")
    said: list[str] = []

    def noting(before: Callable[..., object], word: str) -> Callable[..., object]:
        def called(*given: object, **named: object) -> object:
            said.append(word if word != "folder" else f"folder {Path(str(given[0])).name}")
            return before(*given, **named)

        return called

    words = {"fsync": "bytes", "replace": "name", "sync_folder": "folder", "write": "frames"}
    with ExitStack() as stack:
        for place, name in PLACES[1:]:
            noted = noting(getattr(place, name), words[name])
            stack.enter_context(mock.patch.object(place, name, noted))
        add(store, tmp_path)
    shelves = {one.digest[:2] for one in KeptMedia(store).files()}
    first = said.index("frames")
    before = said[:first]
    assert before.count("name") == FILES
    last_name = len(before) - 1 - before[::-1].index("name")
    synced = set(before[last_name:])
    assert {f"folder {shelf}" for shelf in shelves} | {"folder media", "folder store"} <= synced
    assert before[: last_name + 1].count("bytes") >= FILES
