"""Files from a server of the web: whole, once, and what is wrong with them said."""

from pathlib import Path

import pytest

from hyperstore.errors import HyperstoreError, MediaError, NotFoundError, RefusedError
from hyperstore.media.local import local_file
from tests.support.webserver import WebServer

PICTURE = bytes(range(256)) * 40


def left_over(cache: Path) -> list[Path]:
    """Return the files of the cache that are neither its lock nor its count."""
    return [
        one for one in cache.rglob("*") if one.is_file() and one.name not in ("evict.lock", "usage")
    ]


@pytest.mark.parametrize("kind", ["files", "chunked", "endless", "hops/1", "hops/10"])
def test_a_file_arrives_as_it_is(web: WebServer, kind: str) -> None:
    """However a server frames a body, the bytes are the same."""
    path = Path(local_file(web.url(f"/{kind}/cat.jpg")))
    assert path.read_bytes() == PICTURE
    assert path.name.endswith("-cat.jpg")


def test_a_query_reaches_the_server_as_it_was_written(web: WebServer) -> None:
    """The signature of a signed URL is in it, and is wrong once a character is."""
    local_file(web.url("/files/cat.jpg?sig=a%2Fb+c%20d&x=/../y#part"))
    assert web.asked == ["/files/cat.jpg?sig=a%2Fb+c%20d&x=/../y"]


def test_a_space_in_a_url_is_sent_as_servers_take_it(web: WebServer) -> None:
    """People write URLs as they see file names."""
    web.files["my cat é.jpg"] = b"meow"
    assert Path(local_file(web.url("/files/my cat é.jpg"))).read_bytes() == b"meow"


@pytest.mark.parametrize(
    "kind", ["cut", "chunked-cut", "two-lengths", "packed", "hops/11", "status/403", "status/500"]
)
def test_a_body_that_is_not_what_it_claims_is_an_error(
    web: WebServer, cache: Path, kind: str
) -> None:
    """Half a picture trains a model as well as a whole one does, only worse."""
    with pytest.raises((MediaError, RefusedError), match=r"/cat\.jpg"):
        local_file(web.url(f"/{kind}/cat.jpg"))
    assert left_over(cache) == []


def test_what_is_not_there_is_not_found(web: WebServer) -> None:
    """Whoever asks for it again gets the same answer, so it is asked for once."""
    with pytest.raises(NotFoundError, match="404"):
        local_file(web.url("/files/dog.jpg"))
    assert len(web.asked) == 1


def test_a_passing_failure_is_tried_again(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """One busy second of a server should not end a night of training."""
    monkeypatch.setenv("HYPERSTORE_MEDIA_RETRIES", "2")
    assert Path(local_file(web.url("/busy/2/cat.jpg"))).read_bytes() == PICTURE
    assert len(web.asked) == 3


def test_tries_come_to_an_end(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is down is an answer too."""
    monkeypatch.setenv("HYPERSTORE_MEDIA_RETRIES", "2")
    with pytest.raises(MediaError, match="tried 3 times"):
        local_file(web.url("/status/503"))
    assert len(web.asked) == 3


@pytest.mark.parametrize(("kind", "ranges"), [("cut-once", 1), ("wrong-range", 1)])
def test_an_interrupted_file_is_taken_up_where_it_ended(
    web: WebServer, monkeypatch: pytest.MonkeyPatch, kind: str, ranges: int
) -> None:
    """Videos are long; and a server that answers another range than asked spoils nothing."""
    monkeypatch.setenv("HYPERSTORE_MEDIA_RETRIES", "3")
    assert Path(local_file(web.url(f"/{kind}/cat.jpg"))).read_bytes() == PICTURE
    assert sum("Range" in headers for headers in web.headers) == ranges


def test_a_file_that_changed_between_two_tries_is_not_pieced_together(
    web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the old file and half of the new one are neither."""
    monkeypatch.setenv("HYPERSTORE_MEDIA_RETRIES", "1")
    answered = web.files["cat.jpg"]

    class Changing(dict[str, bytes]):
        def __getitem__(self, name: str) -> bytes:
            return answered if len(web.asked) == 1 else b"new" * 5000

    web.files = Changing(web.files)
    assert Path(local_file(web.url("/cut-once/cat.jpg"))).read_bytes() == b"new" * 5000


def test_a_server_that_falls_silent_is_given_up(
    web: WebServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for ever for the second half."""
    monkeypatch.setenv("HYPERSTORE_MEDIA_TIMEOUT", "1")
    with pytest.raises(MediaError, match="no answer in time"):
        local_file(web.url("/stall/cat.jpg"))
    assert left_over(cache) == []


def test_nobody_listening_is_said_so(web: WebServer) -> None:
    """Offline, the answer is a clear error and not a traceback of sockets."""
    port = web.server_port
    web.server_close()
    with pytest.raises(MediaError, match="not in the cache"):
        local_file(f"http://127.0.0.1:{port}/files/cat.jpg")


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/x", "//u:p@127.0.0.1/x"])
def test_a_redirect_leads_to_the_web_only(web: WebServer, cache: Path, to: str) -> None:
    """A server has no say over the files of this machine."""
    with pytest.raises(HyperstoreError, match=r"redirected|credentials"):
        local_file(web.url(f"/to?{to}"))
    assert left_over(cache) == []


def test_a_proxy_of_the_environment_is_used(
    web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a proxy is the only way out, it is set there."""
    monkeypatch.setenv("http_proxy", f"http://{web.host}")
    with pytest.raises(NotFoundError):
        local_file("http://pictures.example/files/cat.jpg")
    assert web.asked == ["http://pictures.example/files/cat.jpg"]


def test_a_signature_is_not_in_messages(web: WebServer) -> None:
    """Logs are read by more people than may read the file."""
    with pytest.raises(NotFoundError) as failure:
        local_file(web.url("/files/dog.jpg?X-Amz-Signature=canary"))
    assert "canary" not in str(failure.value)
