"""`media`: what is kept, is it sound, what may go, and what is fetched."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from tests.cli.conftest import lines
from tests.support.command import Command
from tests.support.frames import Wire
from tests.support.pictures import draw
from tests.support.webserver import WebServer, private_cache, web_server


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of downloads."""
    return private_cache(tmp_path / "cache", monkeypatch)


@pytest.fixture
def web() -> Iterator[WebServer]:
    """Return a server with some files."""
    with web_server() as server:
        for at in range(5):
            server.files[f"{at}.bin"] = b"%d" % at * 1000
        yield server


def remote(web: WebServer, name: str) -> Wire:
    """Return a frame whose source is on the server."""
    return {"id": name, "sources": [{"id": "default", "uri": web.url(f"/files/{name}")}]}


@pytest.fixture
def there(store: Command, web: WebServer) -> Command:
    """Return the command where the draft has five frames on a server, and one that is here."""
    here: Wire = {"id": "here", "sources": [{"id": "default", "uri": str(Path.cwd() / "x.bin")}]}
    Path("x.bin").write_bytes(b"here")
    store("add", "-", stdin=lines([here, *(remote(web, f"{at}.bin") for at in range(5))]))
    store("commit", "-m", "Add")
    return store


def uris(hs: Command) -> dict[str, str]:
    """Return the source of each frame."""
    return {row["id"]: row["sources"][0]["uri"] for row in hs("ls", "--json").rows()}  # type: ignore[index,misc]


def uri_of(data: bytes) -> str:
    """Return what bytes are kept under."""
    return f"media:{blake3(data).hexdigest()}"


def test_fetch_brings_all_into_the_cache(there: Command, web: WebServer) -> None:
    """Then the network may go; a second call asks nobody."""
    done = there("media", "fetch")
    assert done.out == "5 files of 5 frames in the cache\n"
    asked = len(web.asked)
    assert there("media", "fetch", "HEAD", "--json").rows() == [
        {"frames": 5, "files": 5, "failures": []}
    ]
    assert len(web.asked) == asked
    assert set(uris(there).values()) == {
        (Path.cwd() / "x.bin").as_uri(),
        *(web.url(f"/files/{at}.bin") for at in range(5)),
    }


def test_fetch_keep_leads_the_draft_to_the_store_by_one_edit(
    there: Command, web: WebServer
) -> None:
    """What is here already stays where it is; undo takes all of it back."""
    before = uris(there)
    number = len(there("reflog", "--all", "--json").rows())
    assert there("media", "fetch", "--keep").out == "5 files of 5 frames in the store\n"
    after = uris(there)
    assert list(after) == list(before)  # The order stays.
    assert after == {
        "here": before["here"],
        **{name: uri_of(data) for name, data in web.files.items()},
    }
    assert len(there("reflog", "--all", "--json").rows()) == number + 1
    assert there("media", "fetch", "--keep").out == "0 files of 0 frames in the store\n"
    there("undo")
    assert uris(there) == before
    listed = there("media", "ls", "--json").rows()
    assert {row["uri"]: row["frames"] for row in listed} == {
        uri_of(data): 1 for data in web.files.values()
    }


def test_fetch_goes_on_where_something_failed(there: Command, web: WebServer) -> None:
    """Failures are listed by frame, the rest is done, and the next call asks for the rest."""
    lost = web.files.pop("3.bin")
    done = there.run("media", "fetch", "--keep")
    assert done.code == 1
    assert "4 files of 5 frames" in done.out
    assert "3.bin" in done.err
    web.files["3.bin"] = lost
    asked = len(web.asked)
    assert there("media", "fetch", "--keep").out == "1 file of 1 frame in the store\n"
    assert len(web.asked) == asked + 1
    row = there.run("media", "fetch", "--json", "HEAD").rows()
    assert row == [{"frames": 5, "files": 5, "failures": []}]  # Of the commit before.


def test_keep_needs_a_draft(there: Command) -> None:
    """A commit is what it was."""
    assert "name a version" in there.fails("media", "fetch", "--keep", "HEAD~0", code=2)
    there("publish")
    there.fails("media", "fetch", "--keep", code=128)


def test_verify_tells_of_faults_by_its_exit_code(there: Command, tmp_path: Path) -> None:
    """Scripts ask it."""
    there("media", "fetch", "--keep")
    assert "No faults" in there("media", "verify").out
    path = next((tmp_path / ".hyperstore" / "media").glob("??/*"))
    path.unlink()
    done = there.run("media", "verify")
    assert done.code == 1
    assert f"missing media:{path.name}" in done.out
    done = there.run("media", "verify", "--json")
    assert done.code == 1
    (row,) = done.rows()
    assert row["ok"] is False
    assert row["faults"][0]["code"] == "missing"  # type: ignore[index]
    full = there.run("fsck", "--full")
    assert full.code == 1
    assert "missing-media" in full.out


def test_prune_deletes_what_is_old_and_unused(there: Command, tmp_path: Path) -> None:
    """And says what it would do before."""
    there("media", "fetch", "--keep")
    there("media", "ls")
    shelf = tmp_path / ".hyperstore" / "media" / "ab"
    shelf.mkdir(exist_ok=True)
    stray = shelf / ("ab" * 32)
    stray.write_bytes(b"nobody's")
    os.utime(stray, (0, 0))
    assert there("media", "prune", "-n").out.startswith("Would delete 1 file, 8 bytes")
    assert stray.exists()
    assert there("media", "prune", "--json").rows() == [
        {"dry_run": False, "files": 1, "bytes": 8, "used": 5, "young": 0}
    ]
    assert not stray.exists()
    assert there("media").out.count("\n") == 5


def test_kept_frames_are_exported_and_read_in_the_wire_form(
    there: Command, web: WebServer, tmp_path: Path
) -> None:
    """`ls --json | add -` in a store that has the same media folder is all a copy takes."""
    there("media", "fetch", "--keep")
    rows = there("ls", "--json").out
    there("dataset", "create", "again")
    there("add", "-", stdin=rows)
    assert there("media", "verify", "--json").rows()[0]["ok"] is True
    kept = [json.loads(line)["sources"][0]["uri"] for line in rows.splitlines()]
    assert [uri for uri in kept if uri.startswith("media:")] == [
        uri_of(web.files[f"{at}.bin"]) for at in range(5)
    ]
    shutil.rmtree(tmp_path / ".hyperstore" / "media")
    assert there.run("media", "verify").code == 1


def test_two_laptops_that_keep_one_folder_get_the_same_frames(
    hs: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it lies: every byte of every frame, and the same kept files. Offline as well."""
    found = []
    for folder in ("one", "two/deeper"):
        here = tmp_path / folder
        for at in range(3):
            draw(here / "pics" / f"bild ä{at}.png", at)
        monkeypatch.chdir(here)
        hs("init", "--quiet")
        hs("dataset", "create", "cells")
        hs("add", "--copy", "pics")
        shutil.rmtree(here / "pics")
        content = hs("show", "HEAD", "--json").rows()[0]["content_id"]
        found.append((content, hs("ls", "--json").out, hs("media", "ls").out))
        assert "decoded 3 pictures" in hs("media", "verify").out
    assert found[0] == found[1]


def test_what_frames_say_does_no_harm_to_a_terminal(store: Command) -> None:
    """The ids of frames whose files are missing are shown, whatever they hold."""
    wire: Wire = {"id": "\x1b[2J\u202e", "sources": [{"id": "default", "uri": "media:" + "0" * 64}]}
    store("add", "-", stdin=lines([wire]))
    done = store.run("media", "verify")
    assert done.code == 1
    assert "frames: " in done.out
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out
    assert store.run("media", "verify", "--json").rows()[0]["faults"][0]["frames"] == [wire["id"]]  # type: ignore[index]
