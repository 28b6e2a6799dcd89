"""Frames of a store that came from somebody else reach neither this machine's files nor its hosts.

The listener of each test is where the URIs lead: what counts is that nobody ever connects to it.
"""

import socket
from pathlib import Path

import pytest

import hyperstore
from hyperstore.errors import HyperstoreError, RefusedError
from hyperstore.frames.frame import SingleFrame
from hyperstore.media.local import local_file
from hyperstore.media.reach import is_public
from tests.support.webserver import WebServer

FORMS = [
    "http://127.0.0.1:{port}/x",
    "http://127.1:{port}/x",
    "http://127.0.1:{port}/x",
    "http://2130706433:{port}/x",
    "http://0x7f000001:{port}/x",
    "http://0x7f.0.0.1:{port}/x",
    "http://0177.0.0.1:{port}/x",
    "http://017700000001:{port}/x",
    "http://0177.0x0.0.01:{port}/x",
    "http://0.0.0.0:{port}/x",
    "http://0:{port}/x",
    "http://localhost:{port}/x",
    "http://LOCALHOST:{port}/x",
    "http://localhost.:{port}/x",
    "http://a.localhost:{port}/x",
    "http://127.0.0.1.:{port}/x",
    "http://[::1]:{port}/x",
    "http://[::]:{port}/x",
    "http://[0:0:0:0:0:0:0:1]:{port}/x",
    "http://[::ffff:127.0.0.1]:{port}/x",
    "http://[::ffff:7f00:1]:{port}/x",
    "http://[::127.0.0.1]:{port}/x",
    "http://[64:ff9b::7f00:1]:{port}/x",
    "http://[2002:7f00:1::]:{port}/x",
    "http://example.com@127.0.0.1:{port}/x",
    "http://127.0.0.1:{port}@example.com/x",
    "http://example.com\\@127.0.0.1:{port}/x",
    "http://127.0.0.1%00.example.com:{port}/x",
    "http://①②⑦.⓪.⓪.①:{port}/x",
    "https://127.0.0.1:{port}/x",
    "HTTP://127.0.0.1:{port}/x",
    "http:/127.0.0.1:{port}/x",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1:{port}/x",
    "http://192.168.0.1:{port}/x",
    "http://100.64.0.1:{port}/x",
    "http://[fd00::1]:{port}/x",
    "http://[fe80::1%25lo]:{port}/x",
    "s3://127.0.0.1:{port}/bucket/x",
    "s3://public.example:{port}/bucket/x",
    "azure://127.0.0.1:{port}/account/container/x",
    "azure://evil.example/container/x",
]


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_private_address_is_connected_to(web: WebServer, form: str) -> None:
    """Row by row: each is a way in which such a filter was once passed."""
    with pytest.raises(HyperstoreError):
        local_file(form.format(port=web.server_port), foreign=True)
    assert web.connections == 0


def test_a_name_is_judged_by_its_address(web: WebServer) -> None:
    """This machine's own name is public by its letters and private by what it stands for."""
    with pytest.raises(HyperstoreError):
        local_file(f"http://{socket.gethostname()}:{web.server_port}/x", foreign=True)
    assert web.connections == 0


@pytest.mark.parametrize("to", ["http://127.0.0.2:{port}/files/cat.jpg", "http://[::1]:{port}/x"])
def test_a_redirect_is_judged_anew(
    web: WebServer, to: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first host is allowed; what it points at is not."""
    monkeypatch.setenv("HYPERSTORE_MEDIA_ALLOW_HOSTS", web.host)
    with pytest.raises(RefusedError, match="public hosts only"):
        local_file(web.url(f"/to?{to.format(port=web.server_port)}"), foreign=True)
    assert web.connections == 1


def test_a_host_that_is_allowed_is_reached(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused says how to allow it, and that works."""
    with pytest.raises(RefusedError, match=r"media\.allow_hosts"):
        local_file(web.url("/files/cat.jpg"), foreign=True)
    monkeypatch.setenv("HYPERSTORE_MEDIA_ALLOW_HOSTS", "nas.local 127.0.0.1")
    assert local_file(web.url("/files/cat.jpg"), foreign=True)


def test_what_is_cached_is_not_handed_to_a_stranger(web: WebServer) -> None:
    """The user's own store may have fetched it from a host that the stranger has no business at."""
    assert local_file(web.url("/files/cat.jpg"))
    with pytest.raises(RefusedError):
        local_file(web.url("/files/cat.jpg"), foreign=True)


def foreign_store(folder: Path) -> hyperstore.Store:
    """Make a store with frames as a clone leaves it."""
    store = hyperstore.init(folder / ".hyperstore")
    store.handle.database.set_trust("foreign")
    return store


def test_files_outside_the_roots_are_not_read(tmp_path: Path) -> None:
    """Not by their path, not through a link, until the user gives the store a root there."""
    own, secret = tmp_path / "own", tmp_path / "secret"
    own.mkdir()
    secret.mkdir()
    (own / "cat.jpg").write_bytes(b"cat")
    (secret / "key").write_bytes(b"key")
    (own / "link.jpg").symlink_to(secret / "key")
    with foreign_store(own) as store:
        version = store.create_dataset("cats").get_version()
        uris = [own / "cat.jpg", secret / "key", own / "link.jpg"]
        version.add_frames(SingleFrame(id=str(at), source=uri) for at, uri in enumerate(uris))
        found = version.get_iterator()
        frames = {one.id: one for one in found if isinstance(one, SingleFrame)}
        assert frames["0"].get_local_source() == str(own / "cat.jpg")
        for at in ("1", "2"):
            with pytest.raises(RefusedError, match="outside the roots"):
                frames[at].get_local_source(raise_on_error=True)
        store.set_config("roots.more", str(secret))
        assert frames["1"].get_local_source() == str(secret / "key")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("::ffff:93.184.216.34", True),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("198.18.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("2001:0:7f00:1::", False),
        ("nonsense", False),
    ],
)
def test_an_address_is_public_or_it_is_not(address: str, public: bool) -> None:
    """The registry of special addresses has many rows, and wrapped ones count as what they wrap."""
    assert is_public(address) is public
