"""A server of the web on loopback that behaves well or badly, as its paths say.

/files/NAME        the bytes given under that name; ranges, and a strong ETag
/cut/NAME          promises all of them and sends half, always
/cut-once/NAME     the same, but only the first time; after that as /files
/chunked/NAME      sent in chunks; /chunked-cut/NAME without the last ones
/endless/NAME      without a length: ends with the connection
/wrong-range/NAME  cut, and then answers a range that nobody asked for
/two-lengths/NAME  two lengths that differ
/packed/NAME       says that it is gzip
/busy/N/NAME       503 for N times, then the file
/status/N          that status
/to?URL            redirects there; /hops/N/NAME through N redirects
/stall/NAME        half of the bytes, then nothing until the server ends
/held/NAME         waits for `release` before it sends the second half
"""

import contextlib
import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.loopback import LoopbackServer, QuietHandler, served

__all__ = ["WebServer", "private_cache", "web_server"]


def private_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have downloads kept in a folder, with no patience for failures and no floor; return it."""
    monkeypatch.setenv("HYPERSTORE_CACHE_DIR", str(folder))
    monkeypatch.setenv("HYPERSTORE_CACHE_MIN_FREE_BYTES", "0")
    monkeypatch.setenv("HYPERSTORE_MEDIA_RETRIES", "0")
    return folder


class WebServer(LoopbackServer):
    """Files by name, and what was asked for."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.tries: Counter[str] = Counter()
        self.connections = 0
        self.release = threading.Event()
        self.begun = threading.Event()

    def get_request(self) -> tuple[object, object]:  # type: ignore[override]
        """Count whoever connects, also who then asks for nothing."""
        self.connections += 1
        return super().get_request()

    def url(self, path: str) -> str:
        """Return the URL of a path."""
        return f"http://{self.host}{path}"


class _Handler(QuietHandler):
    server: WebServer

    def do_GET(self) -> None:
        """Answer as the path says."""
        self.server.asked.append(self.path)
        self.server.headers.append(dict(self.headers.items()))
        self.server.tries[self.path] += 1
        self.close_connection = True
        word, _, rest = self.path.lstrip("/").partition("/")
        if self.path.startswith("/to?"):
            return self._redirect(unquote(self.path[4:]))
        if word == "status":
            return self._empty(int(rest))
        if word == "hops":
            left, _, name = rest.partition("/")
            to = f"/files/{name}" if left == "1" else f"../{int(left) - 1}/{name}"
            return self._redirect(to)
        if word == "busy":
            times, _, rest = rest.partition("/")
            if self.server.tries[self.path] <= int(times):
                return self._empty(503)
        name = unquote(rest.partition("?")[0])
        if name not in self.server.files:
            return self._empty(404)
        data = self.server.files[name]
        answer = getattr(self, "_" + word.replace("-", "_"), self._files)
        answer(data)
        return None

    def _files(self, data: bytes) -> None:
        tag = _tag(data)
        wanted = self.headers.get("Range", "")
        if wanted and self.headers.get("If-Range", tag) == tag:
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            self._head(206, len(data) - start, ("ETag", tag), _range(start, data))
            self.wfile.write(data[start:])
            return
        self._head(200, len(data), ("ETag", tag))
        self.wfile.write(data)

    def _cut(self, data: bytes) -> None:
        self._head(200, len(data))
        self.wfile.write(data[: len(data) // 2])

    def _cut_once(self, data: bytes) -> None:
        if self.server.tries[self.path] > 1:
            self._files(data)
            return
        self._head(200, len(data), ("ETag", _tag(data)))
        self.wfile.write(data[: len(data) // 2])

    def _wrong_range(self, data: bytes) -> None:
        if "Range" not in self.headers:
            self._cut_once(data)
            return
        self._head(206, len(data), ("ETag", _tag(data)), _range(0, data))
        self.wfile.write(data)

    def _chunked(self, data: bytes, *, whole: bool = True) -> None:
        self._head(200, None, ("Transfer-Encoding", "chunked"))
        for start in range(0, len(data), 1000):
            chunk = data[start : start + 1000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            if not whole and start > len(data) // 2:
                return
        self.wfile.write(b"0\r\n\r\n")

    def _chunked_cut(self, data: bytes) -> None:
        self._chunked(data, whole=False)

    def _endless(self, data: bytes) -> None:
        self._head(200, None)
        self.wfile.write(data)

    def _two_lengths(self, data: bytes) -> None:
        self._head(200, len(data), ("Content-Length", str(len(data) + 1)))
        self.wfile.write(data)

    def _packed(self, data: bytes) -> None:
        self._head(200, len(data), ("Content-Encoding", "gzip"))
        self.wfile.write(data)

    def _stall(self, data: bytes) -> None:
        self._wait(data, self.server.ended)

    def _held(self, data: bytes) -> None:
        self._wait(data, self.server.release)

    def _wait(self, data: bytes, until: threading.Event) -> None:
        self._head(200, len(data), ("ETag", _tag(data)))
        half = len(data) // 2
        self.wfile.write(data[:half])
        self.wfile.flush()
        self.server.begun.set()
        until.wait(60)
        self.wfile.write(data[half:])

    def _redirect(self, to: str) -> None:
        self._head(302, 0, ("Location", to))

    def _empty(self, status: int) -> None:
        self._head(status, 0)

    def _head(self, status: int, length: int | None, *more: tuple[str, str]) -> None:
        self.send_response(status)
        self.send_header("Connection", "close")
        self.send_header("Last-Modified", "Sun, 01 Nov 2026 00:00:00 GMT")
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()


def _tag(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'


def _range(start: int, data: bytes) -> tuple[str, str]:
    return "Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}"


@contextlib.contextmanager
def web_server() -> Iterator[WebServer]:
    """Run a server in a thread of this process."""
    with served(WebServer()) as server:
        try:
            yield server
        finally:
            server.release.set()
