"""Files from servers of the web, by the standard library alone.

The connection goes to the very address that was checked, redirects are followed one by one, and a
query string reaches the server as it was written. That is what object storage clients do not give:
they look the host up themselves, follow redirects by themselves, and take `?` for part of a name.
"""

import contextlib
import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from hyperstore.errors import HyperstoreError, MediaError, NotFoundError, RefusedError
from hyperstore.limits import FETCH_CHUNK_BYTES, FETCH_CONNECT_S, FETCH_REDIRECTS_MAX
from hyperstore.media.part import Interrupted, Part, check_wanted, waits_on
from hyperstore.media.reach import Address, Reach
from hyperstore.media.uri import Web, locate, shown

__all__ = [
    "AGAIN",
    "Pinned",
    "Resume",
    "connection_to",
    "fetch_web",
    "request_of",
    "web_errors",
]

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_UNSAFE = re.compile(r"[^!-~]")


@dataclass(slots=True)
class Resume:
    """What an interrupted download knows of its file, so that the next try goes on from there."""

    tag: str = ""  # A strong ETag: the same tag, the same bytes.


class Pinned(http.client.HTTPConnection):
    """A connection to one of some addresses that were looked up before."""

    def __init__(
        self, host: str, port: int, addresses: list[Address], timeout_s: int, secure: bool
    ) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._addresses = addresses
        self._timeout_s = timeout_s
        self._secure = secure
        self.tunnel_to = ""

    def connect(self) -> None:
        """Connect to the first address that answers, and agree on encryption where it is asked."""
        failure: OSError = OSError("no address")
        for family, target in self._addresses:
            check_wanted(self.host)
            made = socket.socket(family, socket.SOCK_STREAM)
            waits_on(made)
            try:
                made.settimeout(min(FETCH_CONNECT_S, self._timeout_s))
                made.connect(target)
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                made.close()
                failure = error
                continue
            made.settimeout(self._timeout_s)
            self.sock = made
            break
        else:
            raise failure
        name = self.host
        if self.tunnel_to:
            name = self.tunnel_to
            self._tunnel()  # type: ignore[attr-defined]
        if self._secure:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=name)
            waits_on(self.sock)


def fetch_web(
    place: Web, part: Part, reach: Reach, timeout_s: int, resume: Resume, uri: str
) -> None:
    """Write what a URL answers into a part; Interrupted where another try may get further."""
    url = place.url
    for _ in range(FETCH_REDIRECTS_MAX + 1):
        with contextlib.ExitStack() as stack, web_errors(uri):
            connection = connection_to(url, reach, timeout_s, uri)
            stack.callback(connection.close)
            response = _ask(connection, url, part, resume)
            stack.callback(response.close)
            if response.status not in _REDIRECTS:
                _receive(response, part, resume, uri)
                check_wanted(shown(uri))  # Else its end may be where it was cut.
                return
            url = _redirected(url, response.getheader("Location"), reach, uri)
    raise MediaError(f"{shown(uri)} is redirected more than {FETCH_REDIRECTS_MAX} times")


@contextlib.contextmanager
def web_errors(uri: str) -> Iterator[None]:
    """Let what a connection says out of a block as an error of ours; Interrupted for what may pass.

    It stands inside of what closes the connection, whose own errors come out as they are.
    """
    try:
        yield
    except HyperstoreError:
        raise
    except ssl.SSLCertVerificationError as error:
        raise RefusedError(f"{shown(uri)}: {error.verify_message}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        said = "no answer in time" if isinstance(error, TimeoutError) else repr(error)
        raise Interrupted(f"{shown(uri)}: {said}") from None


def connection_to(url: str, reach: Reach, timeout_s: int, uri: str) -> Pinned:
    """Return what speaks to the server of a URL, or to the proxy before it; not connected yet."""
    parts = urlsplit(url)
    secure = parts.scheme.lower() == "https"
    host = parts.hostname
    if not host:
        raise RefusedError(f"{shown(uri)} names no host")
    port = parts.port or (443 if secure else 80)
    proxy = getproxies().get(parts.scheme.lower())
    if proxy is None or proxy_bypass(host):
        return Pinned(host, port, reach.addresses(host, port, uri), timeout_s, secure)
    if reach.foreign:  # Who a name is, the proxy decides; so it must at least be public here too.
        reach.addresses(host, port, uri)
    through = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    at, at_port = through.hostname or "", through.port or 80
    found = Reach().addresses(at, at_port, proxy)
    made = Pinned(at, at_port, found, timeout_s, secure)
    if secure:
        made.set_tunnel(host, port)
        made.tunnel_to = host
    return made


def request_of(connection: Pinned, url: str) -> tuple[str, dict[str, str]]:
    """Return what a server is asked for, and the headers that go with every request."""
    parts = urlsplit(url)
    path = parts.path or "/"
    target = path + (f"?{parts.query}" if parts.query else "")
    target = _UNSAFE.sub(lambda found: quote(found[0]), target)  # A space stands as it was given.
    if connection.host != parts.hostname and not connection.tunnel_to:
        target = f"{parts.scheme}://{parts.netloc}{target}"  # To a proxy.
    return target, {
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Host": _ascii_host(parts.netloc),
        "User-Agent": "hyperstore",
    }


def _ask(connection: Pinned, url: str, part: Part, resume: Resume) -> http.client.HTTPResponse:
    target, headers = request_of(connection, url)
    if part.size and resume.tag:
        headers["Range"] = f"bytes={part.size}-"
        headers["If-Range"] = resume.tag
    connection.request("GET", target, headers=headers)
    return connection.getresponse()


def _ascii_host(netloc: str) -> str:
    """Return a host with its port in letters that a header may hold."""
    if netloc.isascii():
        return netloc
    host, colon, port = netloc.partition(":")
    return host.encode("idna").decode() + colon + port


def _redirected(url: str, location: str | None, reach: Reach, uri: str) -> str:
    """Return where a redirect leads, which is as far within reach as the first URL was."""
    if not location:
        raise MediaError(f"{shown(uri)} is redirected to nowhere")
    target = urljoin(url, location).partition("#")[0]
    if not target.lower().startswith(("http://", "https://")):
        raise RefusedError(f"{shown(uri)} is redirected to {shown(target)}, which is not followed")
    reach.check(locate(target), target)
    return target


def _receive(response: http.client.HTTPResponse, part: Part, resume: Resume, uri: str) -> None:
    _check_status(response, uri)
    if response.getheader("Content-Encoding", "identity").lower() not in ("identity", ""):
        raise MediaError(f"{shown(uri)}: the server packs the file though it was asked not to")
    tag = response.getheader("ETag", "")
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        found = _RANGE.fullmatch(response.getheader("Content-Range", ""))
        if not part.size or found is None or int(found[1]) != part.size or tag != resume.tag:
            part.restart()
            raise Interrupted(f"{shown(uri)}: the server sent a part that was not asked for")
        total = int(found[3])
    else:
        part.restart()
        total = _length(response, uri)
    resume.tag = "" if tag.startswith("W/") else tag
    part.expect(None if total < 0 else total)
    while data := response.read1(FETCH_CHUNK_BYTES):
        part.write(data)
    if total >= 0 and part.size != total:
        raise Interrupted(
            f"{shown(uri)}: the server promised {total:,} bytes and sent {part.size:,}"
        )


def _length(response: http.client.HTTPResponse, uri: str) -> int:
    """Return the promised length; -1 for a body that is chunked, or ends with the connection."""
    said = response.headers.get_all("Content-Length") or []
    if response.chunked or not said:
        return -1
    if len(set(said)) > 1 or not (said[0].isascii() and said[0].isdecimal()):
        raise MediaError(f"{shown(uri)}: the server's Content-Length is {', '.join(said)!a}")
    return int(said[0])


def _check_status(response: http.client.HTTPResponse, uri: str) -> None:
    status = response.status
    if status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        return
    said = f"{shown(uri)}: the server answers {status} {response.reason[:100]!a}"
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        raise NotFoundError(said)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise RefusedError(said)
    raise (Interrupted if status in AGAIN else MediaError)(said)
