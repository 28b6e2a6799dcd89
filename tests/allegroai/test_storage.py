"""StorageManager: files by URI, here and back, on folders, the web and a bucket."""

import io
import os
import tarfile
import urllib.request
import zipfile
from pathlib import Path

import pytest

from hyperstore import MediaError, NotFoundError, RefusedError, UsageError
from hyperstore.allegroai.storage import StorageManager, _below
from tests.support.clouds import moto_server
from tests.support.webserver import web_server

pytestmark = pytest.mark.usefixtures("default_store")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with files in it, one below another and one empty."""
    folder = tmp_path / "files ü"
    (folder / "below").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "below" / "b.bin").write_bytes(b"bb")
    (folder / "empty").write_bytes(b"")
    return folder


def test_local_files_are_answered_as_they_are(files: Path) -> None:
    """By path and by file://, never as a copy."""
    for uri in (str(files / "a.txt"), f"file://{files}/a.txt"):
        assert StorageManager.get_local_copy(remote_url=uri) == str(files / "a.txt")
    assert StorageManager.get_local_copy(str(files / "empty")) == str(files / "empty")
    assert StorageManager.download_folder(str(files)) == str(files)
    assert StorageManager.download_folder(f"file://{files}/") == str(files)


def test_what_is_not_there_is_none_and_said(files: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As the documents have it."""
    assert StorageManager.get_local_copy(str(files / "gone")) is None
    assert "gone" in caplog.text
    assert not StorageManager.exists_file(str(files / "gone"))
    assert StorageManager.exists_file(str(files / "a.txt"))
    assert StorageManager.list(str(files / "nowhere")) == []


def test_a_folder_is_no_file(files: Path) -> None:
    """It has a size on disk, which says nothing."""
    assert not StorageManager.exists_file(str(files))
    assert StorageManager.get_file_size_bytes(str(files)) is None


@pytest.mark.parametrize("path", ["../out", "a/../../out", "a/../b", "/out"])
def test_what_a_bucket_calls_its_files_does_not_lead_out(tmp_path: Path, path: str) -> None:
    """A name in a bucket may be anything, also one that no client of ours would list."""
    with pytest.raises(MediaError, match="leads out"):
        _below(tmp_path / "target", path)
    assert _below(tmp_path / "target", "a/b") == tmp_path / "target" / "a" / "b"


def test_a_number_of_files_is_no_limit_here(caplog: pytest.LogCaptureFixture) -> None:
    """A call that does nothing says so."""
    assert StorageManager.set_cache_file_limit(100) == 100
    assert "cache.max_bytes" in caplog.text


@pytest.mark.parametrize("uri", ["s3://bucket/../x", "https://user:pass@host/x", "text://a"])
def test_what_is_refused_raises(uri: str) -> None:
    """A mistake is no missing file."""
    with pytest.raises((RefusedError, UsageError)):
        StorageManager.get_local_copy(uri)


def test_folders_are_listed_by_name(files: Path) -> None:
    """Relative to what was asked for, or whole, or with sizes."""
    assert StorageManager.list(str(files)) == ["a.txt", "empty", "below/b.bin"]
    full = StorageManager.list(str(files), return_full_path=True)
    assert full == [f"{files}/{name}" for name in ("a.txt", "empty", "below/b.bin")]
    sizes = StorageManager.list(str(files / "below"), with_metadata=True)
    assert sizes == [{"name": "b.bin", "size": 2}]


def test_the_web_has_no_folders() -> None:
    """Nobody can tell what a server has."""
    with pytest.raises(UsageError, match="cannot be listed"):
        StorageManager.list("https://example.com/folder")


def test_files_are_sent_over_what_is_there(files: Path, tmp_path: Path) -> None:
    """Who names a place means it, and reads it back by that name."""
    target = f"{tmp_path}/out/x.txt"
    assert StorageManager.upload_file(local_file=str(files / "a.txt"), remote_url=target) == target
    assert Path(target).read_text() == "a"
    assert StorageManager.upload_file(str(files / "below" / "b.bin"), f"file://{target}")
    assert Path(target).read_bytes() == b"bb"
    with pytest.raises(NotFoundError):
        StorageManager.upload_file(str(files / "gone"), target)
    assert sorted(one.name for one in Path(target).parent.iterdir()) == ["x.txt"]


def test_folders_are_sent_and_brought_back(files: Path, tmp_path: Path) -> None:
    """All of it, or what fits a pattern."""
    StorageManager.upload_folder(str(files), f"{tmp_path}/up", match_wildcard="*.txt")
    assert StorageManager.list(f"{tmp_path}/up") == ["a.txt"]
    StorageManager.upload_folder(str(files), f"{tmp_path}/up")
    place = str(tmp_path / "down")
    down = StorageManager.download_folder(f"{tmp_path}/up", place, skip_zero_size_check=True)
    assert down == place
    assert StorageManager.list(down) == StorageManager.list(str(files))
    with pytest.raises(NotFoundError):
        StorageManager.upload_folder(str(tmp_path / "nowhere"), f"{tmp_path}/up")


def packed(folder: Path, members: dict[str, bytes]) -> list[Path]:
    """Return a zip and a tar.gz with these members, by whatever names."""
    zipped, tarred = folder / "data.zip", folder / "data.tar.gz"
    with zipfile.ZipFile(zipped, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with tarfile.open(tarred, "w:gz") as archive_:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive_.addfile(member, io.BytesIO(data))
    return [zipped, tarred]


def test_archives_are_unpacked_once(tmp_path: Path) -> None:
    """And again where they have changed."""
    for path in packed(tmp_path, {"in/a.txt": b"a"}):
        folder = StorageManager.get_local_copy(str(path))
        assert folder is not None
        assert (Path(folder) / "in" / "a.txt").read_text() == "a"
        assert StorageManager.get_local_copy(str(path)) == folder
        assert StorageManager.get_local_copy(str(path), extract_archive=False) == str(path)
    for path in packed(tmp_path, {"in/b.txt": b"other"}):
        again = StorageManager.get_local_copy(str(path))
        assert again is not None
        assert (Path(again) / "in" / "b.txt").read_text() == "other"


def test_an_archive_does_not_reach_out_of_its_folder(tmp_path: Path) -> None:
    """It came from somewhere, and is unpacked with this user's rights."""
    (tmp_path / "deep").mkdir()
    absolute = tmp_path / "absolute.txt"
    for path in packed(tmp_path / "deep", {"../../out.txt": b"x", str(absolute): b"x"}):
        StorageManager.get_local_copy(str(path))
    assert not absolute.exists()
    unpacked = tmp_path / "cache" / "unpacked"
    found = [one for one in tmp_path.rglob("*.txt") if not one.is_relative_to(unpacked)]
    assert found == []


def test_a_broken_archive_is_none_and_leaves_nothing(tmp_path: Path) -> None:
    """A half unpacked folder would be taken for the whole the next time."""
    for name in ("broken.zip", "broken.tgz"):
        (tmp_path / name).write_bytes(b"no archive")
        assert StorageManager.get_local_copy(str(tmp_path / name)) is None
    assert not list((tmp_path / "cache").rglob("*.txt"))
    assert not list((tmp_path / "cache" / "unpacked").iterdir())


def test_files_of_the_web_are_fetched(tmp_path: Path) -> None:
    """Through the cache of sources."""
    with web_server() as server:
        server.files["a.bin"] = b"web"
        url = server.url("/files/a.bin")
        path = StorageManager.get_local_copy(url)
        assert path is not None
        assert Path(path).read_bytes() == b"web"
        assert StorageManager.get_local_copy(url) == path
        assert StorageManager.get_file_size_bytes(url) == 3
        into = StorageManager.download_file(url, local_folder=str(tmp_path / "into"))
        assert into == str(tmp_path / "into" / "a.bin")
        assert StorageManager.get_local_copy(server.url("/status/404")) is None


def test_a_bucket_is_listed_sent_to_and_brought_back(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a folder is, in the protocol of its provider."""
    pytest.importorskip("obstore", reason="obstore is not installed: the extra `cloud`")
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with moto_server(tmp_path) as host:
        urllib.request.urlopen(urllib.request.Request(f"http://{host}/pets", method="PUT")).close()
        base = f"s3://{host}/pets/some/where"
        assert StorageManager.upload_folder(str(files), base) == base
        assert StorageManager.list(base) == ["a.txt", "below/b.bin", "empty"]
        below = StorageManager.list(f"{base}/below", return_full_path=True)
        assert below == [f"{base}/below/b.bin"]
        assert StorageManager.list(f"s3://{host}/pets") == [
            f"some/where/{name}" for name in ("a.txt", "below/b.bin", "empty")
        ]
        down = StorageManager.download_folder(base, skip_zero_size_check=True)
        assert down is not None
        assert (Path(down) / "below" / "b.bin").read_bytes() == b"bb"
        assert StorageManager.upload_file(str(files / "below" / "b.bin"), f"{base}/a.txt")
        path = StorageManager.get_local_copy(f"{base}/a.txt", force_download=True)
        assert path is not None
        assert Path(path).read_bytes() == b"bb"
        assert StorageManager.get_file_size_bytes(f"{base}/a.txt") == 2
        assert not StorageManager.exists_file(f"{base}/gone")
        assert StorageManager.download_folder(base) is None  # One of its files is empty.
