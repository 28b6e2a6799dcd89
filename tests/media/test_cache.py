"""The cache: what hits, what is evicted, and what happens where it cannot be written."""

import os
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hyperstore.errors import DiskFullError, HyperstoreError, MediaError, RefusedError
from hyperstore.limits import CACHE_YOUNG_S
from hyperstore.media.evict import read_usage
from hyperstore.media.local import local_file
from hyperstore.media.part import Ended, ends_with
from hyperstore.media.settings import media_settings
from tests.support.disks import read_only, small_disk
from tests.support.webserver import WebServer

KB = 1000


def aged(path: str | Path, *, seconds: float = 2 * CACHE_YOUNG_S) -> Path:
    """Make a file look as if it was last handed out so long ago."""
    when = time.time() - seconds
    os.utime(path, (when, when))
    return Path(path)


def given(web: WebServer, *sizes: int) -> list[str]:
    """Return URLs of new files of these sizes."""
    urls = []
    for size in sizes:
        name = f"{len(web.files)}.bin"
        web.files[name] = bytes([len(web.files) % 256]) * size
        urls.append(web.url(f"/files/{name}"))
    return urls


def test_st_08_a_hit_needs_no_network(web: WebServer) -> None:
    """What was fetched once is there when the server is not."""
    first = local_file(web.url("/files/cat.jpg"))
    web.files.clear()
    assert local_file(web.url("/files/cat.jpg")) == first
    assert len(web.asked) == 1


def test_st_08_force_download_passes_the_cache_by(web: WebServer) -> None:
    """It is how a file that changed under its name is seen; until then the old one stays."""
    path = Path(local_file(web.url("/files/cat.jpg")))
    web.files["cat.jpg"] = b"another cat"
    assert local_file(web.url("/files/cat.jpg"), force=True) == str(path)
    assert path.read_bytes() == b"another cat"
    del web.files["cat.jpg"]
    with pytest.raises(HyperstoreError, match="404"):
        local_file(web.url("/files/cat.jpg"), force=True)
    assert path.read_bytes() == b"another cat"


def test_an_empty_file_is_asked_for_again(web: WebServer, cache: Path) -> None:
    """Most often it is a picture that somebody was just writing."""
    web.files["cat.jpg"] = b""
    with pytest.raises(MediaError, match="empty"):
        local_file(web.url("/files/cat.jpg"))
    assert not list(cache.rglob("*cat.jpg"))
    assert Path(local_file(web.url("/files/cat.jpg"), empty_ok=True)).read_bytes() == b""
    web.files["cat.jpg"] = b"cat"
    assert Path(local_file(web.url("/files/cat.jpg"))).read_bytes() == b"cat"


def test_a_folder_in_a_files_place_is_no_file(web: WebServer) -> None:
    """Nor is it taken away, as nobody knows whose it is."""
    path = Path(local_file(web.url("/files/cat.jpg")))
    path.unlink()
    (path / "sub").mkdir(parents=True)
    with pytest.raises(HyperstoreError, match=re.escape(str(path))):
        local_file(web.url("/files/cat.jpg"))
    assert (path / "sub").is_dir()
    shutil.rmtree(path)
    assert local_file(web.url("/files/cat.jpg")) == str(path)


def test_whoever_waits_for_anothers_download_ends_with_his_call(web: WebServer) -> None:
    """The other one goes on."""
    url, ended = web.url("/held/cat.jpg"), Ended()
    with (
        ThreadPoolExecutor(1) as pool,
        ThreadPoolExecutor(1, "ends", ends_with, (ended,)) as mine,
    ):
        try:
            first = pool.submit(local_file, url)
            assert web.begun.wait(30)
            second = mine.submit(local_file, url)
            ended.set()
            with pytest.raises(MediaError, match="given up"):
                second.result(15)
            assert not first.done()
        finally:
            web.release.set()
        assert Path(first.result()).read_bytes() == web.files["cat.jpg"]


def test_two_uris_are_two_files(web: WebServer) -> None:
    """One name in two folders, or of two moments, is not one picture."""
    web.files["a/cat.jpg"], web.files["b/cat.jpg"] = b"one", b"two"
    paths = [local_file(web.url(f"/files/{name}")) for name in ("a/cat.jpg", "b/cat.jpg")]
    assert [Path(path).read_bytes() for path in paths] == [b"one", b"two"]
    assert all(path.endswith("-cat.jpg") for path in paths)


def test_st_10_what_was_used_longest_ago_goes_first(
    web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit holds, and what is in use stays."""
    monkeypatch.setenv("HYPERSTORE_CACHE_MAX_BYTES", str(100 * KB))
    old, used, older, last = given(web, 30 * KB, 30 * KB, 30 * KB, 30 * KB)
    held = [
        aged(local_file(url), seconds=age) for url, age in ((old, 300), (used, 500), (older, 400))
    ]
    assert local_file(used) == str(held[1])  # Which is now the one used last.
    local_file(last)
    assert [path.exists() for path in held] == [True, True, False]


def test_st_10_what_was_just_handed_out_is_not_evicted(
    web: WebServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reader may not have opened it yet; the cache is larger for that moment."""
    monkeypatch.setenv("HYPERSTORE_CACHE_MAX_BYTES", str(100 * KB))
    urls = given(web, *[30 * KB] * 6)
    paths = [Path(local_file(url)) for url in urls]
    assert all(path.exists() for path in paths)
    for path in paths:
        aged(path)
    local_file(*given(web, 30 * KB))
    kept = sum(path.stat().st_size for path in cache.glob("??/*"))
    assert kept <= 100 * KB
    assert read_usage(cache) == kept


def test_st_10_a_file_larger_than_the_cache_is_refused(
    web: WebServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before its bytes come, or where their number is not told as soon as they are too many."""
    monkeypatch.setenv("HYPERSTORE_CACHE_MAX_BYTES", str(100 * KB))
    small, _ = given(web, KB, 101 * KB)
    kept = aged(local_file(small))
    with pytest.raises(DiskFullError, match=r"cache\.max_bytes"):
        local_file(web.url("/files/2.bin"))
    assert kept.exists()
    with pytest.raises(DiskFullError, match=r"cache\.max_bytes"):
        local_file(web.url("/chunked/2.bin"))
    assert list((cache / "partial").iterdir()) == []


def test_st_10_the_floor_of_the_disk_holds(
    web: WebServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache that fills the disk stops every other program."""
    (url,) = given(web, KB)
    monkeypatch.setenv("HYPERSTORE_CACHE_MIN_FREE_BYTES", str(2**60))
    with pytest.raises(DiskFullError, match=r"cache\.min_free_bytes"):
        local_file(url)
    assert list((cache / "partial").iterdir()) == []


def test_a_full_disk_is_made_room_on_or_said(
    web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real one: first old files go, then the answer is an error that names the folder."""
    with small_disk(tmp_path / "disk", 1024) as disk:
        monkeypatch.setenv("HYPERSTORE_CACHE_DIR", str(disk / "cache"))
        first, second, huge = given(web, 700 * KB, 600 * KB, 2000 * KB)
        path = aged(local_file(first))
        assert Path(local_file(second)).stat().st_size == 600 * KB
        assert not path.exists()
        for kind in ("files", "chunked", "endless"):
            with pytest.raises(DiskFullError, match=str(disk)):
                local_file(huge.replace("/files/", f"/{kind}/"))
        assert list((disk / "cache" / "partial").iterdir()) == []
        # What fills it may be somebody else's: then nothing here can go.
        (disk / "other").write_bytes(bytes(330 * KB))
        with pytest.raises(DiskFullError):
            local_file(first)


def test_a_cache_that_is_read_only_hits_and_says_so_otherwise(
    web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers mount caches so; what is there is used all the same."""
    with small_disk(tmp_path / "disk", 1024) as disk:
        monkeypatch.setenv("HYPERSTORE_CACHE_DIR", str(disk / "cache"))
        known, unknown = given(web, KB, KB)
        path = aged(local_file(known))
        with read_only(disk):
            assert local_file(known) == str(path)
            with pytest.raises(RefusedError, match="HYPERSTORE_CACHE_DIR"):
                local_file(unknown)


def test_a_cache_that_is_a_file_is_said_so(
    web: WebServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the folder and how to name another."""
    cache.write_bytes(b"")
    with pytest.raises(HyperstoreError, match="HYPERSTORE_CACHE_DIR"):
        local_file(web.url("/files/cat.jpg"))


def test_a_cache_that_somebody_emptied_fills_again(web: WebServer, cache: Path) -> None:
    """`rm -r` is how people clear caches, also while programs run."""
    path = Path(local_file(web.url("/files/cat.jpg")))
    for one in cache.glob("*/*"):
        one.unlink()
    for one in cache.iterdir():
        one.rmdir() if one.is_dir() else one.unlink()
    assert local_file(web.url("/files/cat.jpg")) == str(path)
    assert path.stat().st_size


def test_what_killed_downloads_left_behind_is_swept(web: WebServer, cache: Path) -> None:
    """A day later nobody goes on writing it."""
    local_file(*given(web, KB))
    dead, alive = cache / "partial" / "dead", cache / "partial" / "alive"
    dead.write_bytes(b"x")
    alive.write_bytes(b"x")
    aged(dead, seconds=2 * 24 * 3600)
    local_file(*given(web, KB))
    assert [dead.exists(), alive.exists()] == [False, True]


def test_settings_come_from_the_variables_then_the_store_then_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container sets a variable; a store has a setting; a user has a home."""
    config = tmp_path / "config.toml"
    config.write_text(f'[cache]\ndir = "{tmp_path}/stores"\nmax_bytes = 5\n[user]\nname = 3\n')
    assert media_settings(str(tmp_path)).cache_dir != f"{tmp_path}/stores"
    monkeypatch.delenv("HYPERSTORE_CACHE_DIR")
    found = media_settings(str(tmp_path))
    assert (found.cache_dir, found.max_bytes) == (f"{tmp_path}/stores", 5)
    config.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert media_settings(str(tmp_path)).cache_dir == "/xdg/hyperstore"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert media_settings(None).cache_dir == "/home/me/.cache/hyperstore"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CACHE_MAX_BYTES", "many"),
        ("CACHE_MAX_BYTES", "-1"),
        ("CACHE_DIR", "relative"),
        ("MEDIA_TIMEOUT", "0"),
        ("MEDIA_ALLOW_HOSTS", "*"),
    ],
)
def test_a_wrong_setting_is_named(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that is silently none fills the disk."""
    monkeypatch.setenv(f"HYPERSTORE_{name}", text)
    with pytest.raises(HyperstoreError, match=f"HYPERSTORE_{name} takes"):
        local_file("http://127.0.0.1:1/x")
