"""A server that keeps what is PUT, well or badly: plain HTTP, and as much of S3 and of the XML
interface of Google's storage as objects need. What goes wrong is said before, by the end of a path:

    server.faults["a.jpg"] = ["503", "drop"]     the first PUT of it, and the second

503, 403, ...      that status, before the body is read
drop               the connection is cut in the middle of the body
late               the object is kept, and the connection cut before the answer
half               half of the body is kept, and 201 answered
none               nothing is kept, and 201 answered
stall              no answer until the server ends
"""

import contextlib
import html
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.loopback import LoopbackServer, QuietHandler, served

__all__ = ["Kept", "PutServer", "put_server"]

_KEYS = re.compile(r"<Key>(.*?)</Key>")


@dataclass
class Kept:
    """One object."""

    data: bytes
    headers: dict[str, str] = field(default_factory=dict)


class PutServer(LoopbackServer):
    """Objects by path, and what was asked for."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.objects: dict[str, Kept] = {}
        self.faults: dict[str, list[str]] = {}
        self.asked: list[tuple[str, str]] = []
        self.deletes = True  # Whether it lets anybody delete.
        self.reads = True  # Whether it lets anybody see what is there.
        self.conditions = True  # Whether it has heard of what may be PUT only where nothing is.
        self.heeds = True  # Whether it does as they say; else it says nothing of that.
        self.on_put: Callable[[str], None] = lambda path: (
            None
        )  # Told of each PUT, before it is read.
        self.lock = threading.Lock()

    def puts(self, ending: str = "") -> list[str]:
        """Return the paths of what was PUT, but for the object that tries whether one may."""
        return [
            path
            for verb, path in self.asked
            if verb == "PUT" and path.endswith(ending) and not path.endswith("-probe")
        ]

    def kept(self) -> dict[str, bytes]:
        """Return the bytes of each object."""
        return {path: one.data for path, one in self.objects.items()}

    def fault(self, path: str) -> str:
        """Return what goes wrong this time."""
        with self.lock:
            for ending, faults in self.faults.items():
                if path.endswith(ending) and faults:
                    return faults.pop(0)
        return ""


class _Handler(QuietHandler):
    server: PutServer

    @property
    def where(self) -> str:
        """The path that is asked for."""
        return unquote(urlsplit(self.path).path)

    def do_PUT(self) -> None:
        """Keep an object, unless something is to go wrong."""
        self.server.asked.append(("PUT", self.where))
        self.server.on_put(self.where)
        length = int(self.headers.get("Content-Length", 0))
        fault = self.server.fault(self.where)
        if fault.isdecimal():
            self.close_connection = True
            return self._say(int(fault))
        data = self.rfile.read(length // 2 if fault in ("drop", "half") else length)
        if fault == "drop" or len(data) < (length // 2 if fault == "half" else length):
            self.close_connection = True
            return None
        if fault == "half":
            self.rfile.read(length - length // 2)
        if fault == "stall":
            self.server.ended.wait(60)
        create = (
            self.headers.get("If-None-Match") == "*"
            or self.headers.get("x-goog-if-generation-match") == "0"
        )
        if create and not self.server.conditions:
            return self._say(501)
        with self.server.lock:
            if create and self.server.heeds and self.where in self.server.objects:
                return self._say(412)
            kept = {
                name.lower(): value
                for name, value in self.headers.items()
                if "-meta-" in name.lower() or name.lower() == "content-type"
            }
            if fault != "none":
                self.server.objects[self.where] = Kept(data, kept)
        if fault == "late":
            self.close_connection = True
            return None
        return self._say(201 if fault in ("half", "none") else 200)

    def do_HEAD(self) -> None:
        """Say what is known of an object."""
        self._get("HEAD")

    def do_GET(self) -> None:
        """Give an object, or list some."""
        self._get("GET")

    def do_DELETE(self) -> None:
        """Delete an object."""
        self.server.asked.append(("DELETE", self.where))
        fault = self.server.fault(f"DELETE {self.where}")
        if fault or not self.server.deletes:
            return self._say(int(fault or 403))
        with self.server.lock:
            found = self.server.objects.pop(self.where, None)
        return self._say(204 if found else 404)

    def do_POST(self) -> None:
        """Delete many, as S3 has it."""
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        paths = [f"{self.where.rstrip('/')}/{html.unescape(key)}" for key in _KEYS.findall(asked)]
        self.server.asked += [("DELETE", path) for path in paths]
        if not self.server.deletes or any(self.server.fault(f"DELETE {one}") for one in paths):
            return self._say(403)
        with self.server.lock:
            for path in paths:
                self.server.objects.pop(path, None)
        rows = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in _KEYS.findall(asked))
        return self._say(200, f"<DeleteResult>{rows}</DeleteResult>".encode())

    def _get(self, verb: str) -> None:
        self.server.asked.append((verb, self.where))
        asked = parse_qs(urlsplit(self.path).query)
        if self.server.reads and ("list-type" in asked or "prefix" in asked):
            return self._list(asked.get("prefix", [""])[0])
        if not self.server.reads:
            return self._say(403)
        found = self.server.objects.get(self.where)
        if found is None:
            return self._say(404)
        return self._say(200, found.data, found.headers, body=verb == "GET")

    def _list(self, prefix: str) -> None:
        bucket = self.where.rstrip("/")
        rows = "".join(
            f"<Contents><Key>{path[len(bucket) + 1 :]}</Key><Size>{len(one.data)}</Size>"
            "<LastModified>2026-11-01T00:00:00.000Z</LastModified><ETag>x</ETag></Contents>"
            for path, one in self.server.objects.items()
            if path.startswith(f"{bucket}/{prefix}")
        )
        said = f"<ListBucketResult>{rows}<IsTruncated>false</IsTruncated></ListBucketResult>"
        self._say(200, said.encode(), {"content-type": "application/xml"})

    def _say(
        self,
        status: int,
        data: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        body: bool = True,
    ) -> None:
        self.send_response(status)
        self.send_header("Last-Modified", "Sun, 01 Nov 2026 00:00:00 GMT")
        self.send_header("ETag", '"x"')
        self.send_header("x-goog-generation", "1")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)


@contextlib.contextmanager
def put_server() -> Iterator[PutServer]:
    """Run a server in a thread of this process."""
    with served(PutServer()) as server:
        yield server
