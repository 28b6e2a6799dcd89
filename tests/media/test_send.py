"""Files sent to folders, buckets and servers, and what is there when something goes wrong."""

import contextlib
import hashlib
import http.client
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from hyperstore.errors import (
    DiskFullError,
    HyperstoreError,
    MediaError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from hyperstore.limits import UPLOAD_SMALL_BYTES
from hyperstore.media.cloud import place_of
from hyperstore.media.local import local_file
from hyperstore.media.part import ends_with
from hyperstore.media.send import Sender
from hyperstore.media.sending import Content, chunks_of, content_of
from tests.support.children import run_in_child
from tests.support.clouds import AZURITE_KEY, azurite, make_container, moto_server
from tests.support.disks import fill_up, read_only, small_disk
from tests.support.putserver import Kept, PutServer, put_server

# The server of these tests is a thread of a process that forks, which newer Pythons warn of.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

NAMES = ["cat.jpg", "a b/é c.jpg", "50%25.jpg", "q?x=1&y#z.jpg", "a+b@2x.jpg", "no_extension"]
DATA = bytes(range(256)) * 80
LARGE = 12 * 1024 * 1024
REMOTE = ("s3", "gs", "http")


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Say who we are as users of AWS do, and nothing else."""
    for name in [one for one in os.environ if one.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PutServer]:
    """Return a server that S3 and Google's storage are spoken to at, and plain HTTP."""
    with put_server() as found:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{found.host}")
        yield found


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Return a file to send."""
    path = tmp_path / "cat.jpg"
    path.write_bytes(DATA)
    return path


def folder_at(scheme: str, server: PutServer, tmp_path: Path) -> str:
    """Return a destination of each kind."""
    if scheme == "s3":
        pytest.importorskip("obstore", reason="obstore is not installed: the extra `cloud`")
        return f"s3://{server.host}/pets/up"
    if scheme == "gs":
        pytest.importorskip("obstore", reason="obstore is not installed: the extra `cloud`")
        return "gs://pets/up"
    if scheme == "http":
        return f"http://{server.host}/pets/up"
    return f"file://{tmp_path}/up"


def sender(retries: int = 2, timeout_s: int = 20) -> Sender:
    """Return what sends, with little patience."""
    return Sender(timeout_s=timeout_s, retries=retries)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["s3", "gs", "http", "file"])
def test_a_file_lies_where_its_name_says(
    scheme: str, name: str, server: PutServer, tmp_path: Path, picture: Path
) -> None:
    """By any name; sent once, and found there the second time."""
    folder = folder_at(scheme, server, tmp_path)
    out = sender()
    out.check(folder)
    uri = f"{folder}/{quote(name) if scheme == 'http' else name}"
    content = content_of(str(picture))
    assert content == Content(hashlib.sha256(DATA).hexdigest(), len(DATA))
    assert out.send(str(picture), content, uri, folder) == (uri, True)
    again = sender()
    again.check(folder)
    assert again.send(str(picture), content, uri, folder) == (uri, False)
    out.close(folder)
    if scheme == "file":
        assert {str(one.relative_to(tmp_path)) for one in (tmp_path / "up").rglob("*.jpg")} <= {
            f"up/{name}"
        }
        assert (tmp_path / "up" / name).read_bytes() == DATA
    else:
        assert server.kept() == {f"/pets/up/{name}": DATA}


@pytest.mark.parametrize("scheme", ["s3", "gs", "http", "file"])
def test_what_is_at_a_place_is_never_written_over(
    scheme: str, server: PutServer, tmp_path: Path, picture: Path
) -> None:
    """An older commit may name it; the new content goes beside it."""
    folder = folder_at(scheme, server, tmp_path)
    out = sender()
    out.check(folder)
    uri = f"{folder}/cat.jpg"
    out.send(str(picture), content_of(str(picture)), uri, folder)
    picture.write_bytes(b"another cat")
    digits = hashlib.sha256(b"another cat").hexdigest()[:16]
    content = content_of(str(picture))
    assert out.send(str(picture), content, uri, folder) == (f"{folder}/cat.{digits}.jpg", True)
    assert out.send(str(picture), content, uri, folder) == (f"{folder}/cat.{digits}.jpg", False)
    if scheme == "file":
        held = {one.name: one.read_bytes() for one in (tmp_path / "up").glob("*.jpg")}
    else:
        held = {path.rpartition("/")[2]: data for path, data in server.kept().items()}
    assert held == {"cat.jpg": DATA, f"cat.{digits}.jpg": b"another cat"}


@pytest.mark.parametrize("scheme", REMOTE)
@pytest.mark.parametrize("fault", ["503", "429", "drop", "late"])
def test_st_06_what_may_pass_is_tried_again(
    scheme: str, fault: str, server: PutServer, tmp_path: Path, picture: Path
) -> None:
    """A busy server, a cut in the middle of the body, an answer that never came."""
    folder = folder_at(scheme, server, tmp_path)
    server.faults["cat.jpg"] = [fault, fault] if fault != "late" else ["late"]
    content = content_of(str(picture))
    found = sender().send(str(picture), content, f"{folder}/cat.jpg", folder)
    assert found.uri == f"{folder}/cat.jpg"
    assert server.kept() == {"/pets/up/cat.jpg": DATA}


@pytest.mark.parametrize("scheme", REMOTE)
def test_st_06_tries_come_to_an_end(
    scheme: str, server: PutServer, tmp_path: Path, picture: Path
) -> None:
    """The message says how often."""
    folder = folder_at(scheme, server, tmp_path)
    server.faults["cat.jpg"] = ["503"] * 9
    with pytest.raises(MediaError, match=r"503.*\(tried 2 times\)"):
        sender(1).send(str(picture), content_of(str(picture)), f"{folder}/cat.jpg", folder)
    assert (len(server.puts("cat.jpg")), server.kept()) == (2, {})


@pytest.mark.parametrize("scheme", REMOTE)
def test_what_will_not_pass_is_not_tried_again(
    scheme: str, server: PutServer, tmp_path: Path, picture: Path
) -> None:
    """A refusal is one."""
    folder = folder_at(scheme, server, tmp_path)
    server.faults["cat.jpg"] = ["403"] * 9
    with pytest.raises(RefusedError):
        sender().send(str(picture), content_of(str(picture)), f"{folder}/cat.jpg", folder)
    assert len(server.puts("cat.jpg")) == 1


@pytest.mark.parametrize("scheme", REMOTE)
def test_a_server_that_says_nothing_is_given_up(
    scheme: str, server: PutServer, tmp_path: Path, picture: Path
) -> None:
    """After the time that media.timeout says."""
    folder = folder_at(scheme, server, tmp_path)
    server.faults["cat.jpg"] = ["stall"]
    with pytest.raises(MediaError, match="tried once"):
        sender(0, timeout_s=1).send(
            str(picture), content_of(str(picture)), f"{folder}/cat.jpg", folder
        )


def test_a_server_that_keeps_half_is_found_out(server: PutServer, picture: Path) -> None:
    """It says that all is well; so it is asked for the length."""
    folder = f"http://{server.host}/up"
    server.faults["cat.jpg"] = ["half"]
    found = sender().send(str(picture), content_of(str(picture)), f"{folder}/cat.jpg", folder)
    assert server.objects[found.uri.removeprefix(f"http://{server.host}")].data == DATA
    assert found.uri != f"{folder}/cat.jpg"


def test_a_server_that_keeps_nothing_is_found_out(server: PutServer, picture: Path) -> None:
    """Though it says that it took all; another try may get further."""
    folder = f"http://{server.host}/up"
    uri, content = f"{folder}/cat.jpg", content_of(str(picture))
    server.faults["cat.jpg"] = ["none", "none"]
    with pytest.raises(MediaError, match=r"keeps nothing \(tried 2 times\)"):
        sender(1).send(str(picture), content, uri, folder)
    server.faults["cat.jpg"] = ["none"]
    assert sender(1).send(str(picture), content, uri, folder) == (uri, True)
    assert server.kept() == {"/up/cat.jpg": DATA}


@pytest.mark.parametrize("scheme", REMOTE)
def test_of_two_contents_for_one_place_each_is_sent(
    scheme: str, server: PutServer, tmp_path: Path
) -> None:
    """At the same time, to a server that lets the last one win; the second goes beside."""
    folder = folder_at(scheme, server, tmp_path)
    server.heeds = False
    both = threading.Barrier(2)

    def together(path: str) -> None:
        if path.endswith("cat.jpg"):
            with contextlib.suppress(threading.BrokenBarrierError):
                both.wait(0.3)

    server.on_put = together
    out = sender()
    out.check(folder)
    paths = [tmp_path / "one.jpg", tmp_path / "two.jpg"]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 90)

    def send(path: Path) -> str:
        content = content_of(str(path))
        return out.send(str(path), content, f"{folder}/cat.jpg", folder).uri

    with ThreadPoolExecutor(2) as pool:
        uris = list(pool.map(send, paths))
    names = [uri.rpartition("/")[2] for uri in uris]
    held = {path.rpartition("/")[2]: data for path, data in server.kept().items()}
    assert {name: held[name] for name in names} == {
        name: path.read_bytes() for name, path in zip(names, paths, strict=True)
    }
    assert "cat.jpg" in names


def test_two_spellings_of_one_place_are_one(
    server: PutServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the clients take them."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{server.host}")
    one = place_of(f"s3://{server.host}/pets/up/cat.jpg")
    assert one == place_of("s3://pets/up/cat.jpg") == place_of("S3://pets//up/cat.jpg/")
    assert one != place_of("s3://pets/up/Cat.jpg")
    assert one != place_of("s3://127.0.0.1:1/pets/up/cat.jpg")
    assert place_of("http://h/a//b") == "http://h/a//b"


def test_who_stops_does_not_wait_for_a_silent_server(server: PutServer, picture: Path) -> None:
    """Neither for its answer, nor for another try."""
    folder = f"http://{server.host}/up"
    server.faults["cat.jpg"] = ["stall"] * 9
    asked = threading.Event()
    server.on_put = lambda _: asked.set()
    out = sender(9, timeout_s=60)
    with ThreadPoolExecutor(1, "sends", ends_with, (out.stopped,)) as pool:
        content = content_of(str(picture))
        sending = pool.submit(out.send, str(picture), content, f"{folder}/cat.jpg", folder)
        assert asked.wait(30)
        out.stop()
        with pytest.raises(MediaError):
            sending.result(15)
    assert len(server.puts()) == 1


@pytest.mark.parametrize("scheme", ["s3", "http", "file"])
def test_a_pipe_that_came_instead_of_the_file_is_no_file(
    scheme: str, server: PutServer, tmp_path: Path, picture: Path
) -> None:
    """To open it would wait for whoever writes to it."""
    folder = folder_at(scheme, server, tmp_path)
    content = content_of(str(picture))
    picture.unlink()
    os.mkfifo(picture)
    out = sender()
    out.check(folder)
    with pytest.raises(MediaError, match="is no regular file"):
        out.send(str(picture), content, f"{folder}/cat.jpg", folder)


@pytest.mark.parametrize("scheme", ["s3", "gs", "http"])
def test_st_03_a_destination_that_refuses_is_found_out_first(
    scheme: str, server: PutServer, tmp_path: Path
) -> None:
    """With one error, that says what was tried."""
    folder = folder_at(scheme, server, tmp_path)
    server.faults["-probe"] = ["403"]
    with pytest.raises(RefusedError, match="nothing can be written to the upload destination"):
        sender().check(folder)


def test_st_03_a_server_that_takes_no_files(server: PutServer) -> None:
    """Many take them by a form only."""
    server.faults["-probe"] = ["405"]
    with pytest.raises(RefusedError, match="takes no files by PUT"):
        sender().check(f"http://{server.host}/up")


@pytest.mark.parametrize("scheme", REMOTE)
def test_who_may_only_write_writes_over_nothing(
    scheme: str, server: PutServer, tmp_path: Path, picture: Path
) -> None:
    """Nobody says then what is there; so the second content has a name with its hash."""
    folder = folder_at(scheme, server, tmp_path)
    server.reads = False
    out = sender(0)
    out.check(folder)
    for data in (DATA, DATA[::-1], DATA):
        picture.write_bytes(data)
        out.send(str(picture), content_of(str(picture)), f"{folder}/cat.jpg", folder)
    held = sorted(data for path, data in server.kept().items() if not path.endswith("-probe"))
    assert set(held) == {DATA, DATA[::-1]}
    if scheme != "http":
        assert server.kept()["/pets/up/cat.jpg"] == DATA


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_a_server_that_has_never_heard_of_conditions(
    scheme: str, server: PutServer, tmp_path: Path, picture: Path
) -> None:
    """It is asked first whether something is there, so nothing is written over."""
    folder = folder_at(scheme, server, tmp_path)
    server.conditions = False
    content = content_of(str(picture))
    assert sender(0).send(str(picture), content, f"{folder}/cat.jpg", folder).moved
    assert not sender(0).send(str(picture), content, f"{folder}/cat.jpg", folder).moved
    assert server.kept() == {"/pets/up/cat.jpg": DATA}


@pytest.mark.parametrize("scheme", REMOTE)
def test_who_may_only_add_is_welcome(
    scheme: str, server: PutServer, tmp_path: Path, picture: Path
) -> None:
    """The object that tried whether one may write stays then."""
    folder = folder_at(scheme, server, tmp_path)
    server.deletes = False
    out = sender()
    out.check(folder)
    assert out.send(str(picture), content_of(str(picture)), f"{folder}/cat.jpg", folder).moved
    assert set(server.kept()) == {"/pets/up/.hyperstore-probe", "/pets/up/cat.jpg"}


def test_st_03_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    """A file stands where the folder should be; or its disk is read-only."""
    (tmp_path / "up").write_bytes(b"")
    with pytest.raises(HyperstoreError, match="nothing can be written"):
        sender().check(f"file://{tmp_path}/up/below")
    with (
        small_disk(tmp_path / "disk", 256) as disk,
        read_only(disk),
        pytest.raises(RefusedError, match="nothing can be written"),
    ):
        sender().check(f"file://{disk}/up")


@pytest.mark.parametrize(
    "folder", ["s3://", "gs://h:9/b/x", "ftp://host/x", "http:///x", "media:up"]
)
def test_what_is_no_destination(folder: str) -> None:
    """Before anybody is asked."""
    with pytest.raises(HyperstoreError):
        sender(0).check(folder)


def test_a_full_disk_leaves_nothing(tmp_path: Path, picture: Path) -> None:
    """No part of a file, under any name; and once there is room, the file."""
    with small_disk(tmp_path / "disk", 512) as disk:
        out = sender()
        folder = f"file://{disk}/up"
        out.check(folder)
        fill_up(disk / "filler")
        with pytest.raises(DiskFullError):
            out.send(str(picture), content_of(str(picture)), f"{folder}/cat.jpg", folder)
        assert [one for one in (disk / "up").rglob("*") if one.is_file()] == []
        (disk / "filler").unlink()
        assert out.send(str(picture), content_of(str(picture)), f"{folder}/cat.jpg", folder).moved
        assert (disk / "up" / "cat.jpg").read_bytes() == DATA


@pytest.mark.parametrize("scheme", ["s3", "gs", "http", "file"])
@pytest.mark.parametrize("now", [b"short", DATA[::-1], DATA + b"more", None])
def test_a_file_that_changes_while_it_is_sent_is_not_sent(
    scheme: str, now: bytes | None, server: PutServer, tmp_path: Path, picture: Path
) -> None:
    """Shorter, longer, of the same length, gone: no half of it is taken for whole."""
    folder = folder_at(scheme, server, tmp_path)
    content = content_of(str(picture))
    if now is None:
        picture.unlink()
    else:
        picture.write_bytes(now)
    with pytest.raises(HyperstoreError, match=r"changed while it was sent|there is no file"):
        sender(0).send(str(picture), content, f"{folder}/cat.jpg", folder)
    assert server.kept() == {}
    assert [one for one in (tmp_path / "up").rglob("*") if one.is_file()] == []


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """A pipe would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MediaError, match="is no regular file"):
        content_of(str(tmp_path / "pipe"))
    with pytest.raises(MediaError, match="is a folder"):
        content_of(str(tmp_path))
    with pytest.raises(NotFoundError):
        content_of(str(tmp_path / "none"))


def test_the_last_bytes_wait_until_all_is_known(tmp_path: Path) -> None:
    """Whoever receives chunks has not the whole of a file that changed."""
    path = tmp_path / "file"
    path.write_bytes(b"abcdef")
    content = content_of(str(path))
    assert list(chunks_of(str(path), content, 2)) == [b"ab", b"cd", b"ef"]
    path.write_bytes(b"abcdeg")
    chunks = chunks_of(str(path), content, 2)
    assert [next(chunks), next(chunks)] == [b"ab", b"cd"]
    with pytest.raises(MediaError, match="changed"):
        next(chunks)
    path.write_bytes(b"")
    assert list(chunks_of(str(path), content_of(str(path)))) == []


def test_what_a_killed_process_left_is_swept(tmp_path: Path, picture: Path) -> None:
    """After a day; what is younger may be on its way."""
    parts = tmp_path / "up" / ".hyperstore-parts"
    parts.mkdir(parents=True)
    for name, age in (("old", 2 * 24 * 3600), ("new", 60)):
        (parts / name).write_bytes(b"half")
        then = (parts / name).stat().st_mtime - age
        os.utime(parts / name, (then, then))
    sender().check(f"file://{tmp_path}/up")
    assert [one.name for one in parts.iterdir()] == ["new"]


def test_a_file_without_a_recorded_hash_is_read(server: PutServer, picture: Path) -> None:
    """Somebody else may have put it there by other means."""
    pytest.importorskip("obstore", reason="obstore is not installed: the extra `cloud`")
    folder = f"s3://{server.host}/pets/up"
    server.objects["/pets/up/cat.jpg"] = Kept(DATA)
    server.objects["/pets/up/dog.jpg"] = Kept(DATA[::-1])
    content = content_of(str(picture))
    out = sender()
    assert out.send(str(picture), content, f"{folder}/cat.jpg", folder).moved is False
    assert out.send(str(picture), content, f"{folder}/dog.jpg", folder).uri != f"{folder}/dog.jpg"


def test_a_forked_child_sends_by_another_python(server: PutServer, picture: Path) -> None:
    """The threads of the library that knows buckets are its parent's."""
    pytest.importorskip("obstore", reason="obstore is not installed: the extra `cloud`")
    folder = f"s3://{server.host}/pets/up"
    sender().check(folder)

    def work() -> None:
        out = sender()
        out.check(folder)
        content = content_of(str(picture))
        server.faults["dog.jpg"] = ["403"]  # Of the child's copy; the parent's is not changed.
        assert out.send(str(picture), content, f"{folder}/cat.jpg", folder).moved
        assert not out.send(str(picture), content, f"{folder}/cat.jpg", folder).moved
        with pytest.raises(MediaError, match="changed while it was sent"):
            out.send(str(picture), Content("0" * 64, 1), f"{folder}/dog.jpg", folder)
        out.close(folder)

    assert run_in_child(work) == "done"
    assert server.kept() == {"/pets/up/cat.jpg": DATA}


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the HOST:PORT of an S3 that has the bucket `pets`."""
    with moto_server(tmp_path_factory.mktemp("moto")) as host:
        asked = http.client.HTTPConnection(host)
        asked.request("PUT", "/pets")
        asked.getresponse().read()
        asked.close()
        yield host


def test_of_large_contents_for_one_place_each_is_sent(moto: str, tmp_path: Path) -> None:
    """A file in parts cannot be told to appear only where nothing is."""
    obstore = pytest.importorskip("obstore", reason="obstore is not installed: the extra `cloud`")
    from obstore.store import S3Store

    folder = f"s3://{moto}/pets/twice"
    out = sender()
    out.check(folder)

    def send(number: int) -> str:
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(bytes([number]) * (UPLOAD_SMALL_BYTES + 1))
        return out.send(str(path), content_of(str(path)), f"{folder}/cat.jpg", folder).uri

    with ThreadPoolExecutor(4) as pool:
        uris = list(pool.map(send, range(4)))
    client = S3Store("pets", endpoint=f"http://{moto}", client_options={"allow_http": True})
    for number, uri in enumerate(uris):
        data = bytes(obstore.get(client, uri.partition("/pets/")[2]).bytes())
        assert (len(data), set(data)) == (UPLOAD_SMALL_BYTES + 1, {number})


def test_s3_as_others_speak_it(moto: str, tmp_path: Path) -> None:
    """Small files in one request, large ones in parts, each with its hash and its type."""
    obstore = pytest.importorskip("obstore", reason="obstore is not installed: the extra `cloud`")
    from obstore.store import S3Store

    folder = f"s3://{moto}/pets/up"
    out = sender()
    out.check(folder)
    client = S3Store("pets", endpoint=f"http://{moto}", client_options={"allow_http": True})
    for name, size in (("small.png", 1000), ("large.jpg", LARGE), ("empty.bin", 0)):
        path = tmp_path / name
        path.write_bytes(os.urandom(size))
        content = content_of(str(path))
        assert out.send(str(path), content, f"{folder}/{name}", folder).moved
        assert not out.send(str(path), content, f"{folder}/{name}", folder).moved
        found = obstore.get(client, f"up/{name}")
        assert bytes(found.bytes()) == path.read_bytes()
        assert found.attributes["sha256"] == content.sha256
    assert obstore.get(client, "up/small.png").attributes["Content-Type"] == "image/png"
    out.delete(f"{folder}/small.png")
    out.delete(f"{folder}/small.png")
    assert not out.holds(f"{folder}/small.png", content)


def test_a_large_file_that_changes_never_appears(moto: str, tmp_path: Path) -> None:
    """Though some of its parts have been sent."""
    pytest.importorskip("obstore", reason="obstore is not installed: the extra `cloud`")
    path = tmp_path / "large"
    path.write_bytes(bytes(LARGE))
    content = content_of(str(path))
    path.write_bytes(bytes(LARGE - 1) + b"x")
    folder = f"s3://{moto}/pets/other"
    with pytest.raises(MediaError, match="changed while it was sent"):
        sender(0).send(str(path), content, f"{folder}/large", folder)
    assert not sender(0).holds(f"{folder}/large", content)
    with pytest.raises(NotFoundError):
        local_file(f"{folder}/large")


def test_a_bucket_that_is_not_there(moto: str) -> None:
    """Which is found out before anything else."""
    pytest.importorskip("obstore", reason="obstore is not installed: the extra `cloud`")
    with pytest.raises(NotFoundError, match="nothing can be written"):
        sender().check(f"s3://{moto}/dogs/up")


def test_azure_at_a_host_and_port(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As azurite and its like are named."""
    pytest.importorskip("obstore", reason="obstore is not installed: the extra `cloud`")
    with azurite(tmp_path) as host:
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", AZURITE_KEY)
        make_container(f"http://{host}/devstoreaccount1")
        folder = f"azure://{host}/devstoreaccount1/pets/up"
        out = sender()
        out.check(folder)
        content = content_of(str(picture))
        assert out.send(str(picture), content, f"{folder}/cat.jpg", folder).moved
        assert not out.send(str(picture), content, f"{folder}/cat.jpg", folder).moved


def test_without_the_library_one_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before a file is looked at."""
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(UsageError, match=r"pip install 'hyperstore\[cloud\]'"):
        sender().check("s3://pets/up")
