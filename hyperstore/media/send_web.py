"""Files sent to servers of the web by PUT, as WebDAV and plain file servers take them.

A server may keep half of what it was sent and say nothing; so it is asked for the length
afterwards, and whoever finds a file there compares its bytes.
"""

import contextlib
import hashlib
import http.client
from collections.abc import Iterable, Iterator
from http import HTTPStatus

from hyperstore.errors import MediaError, NotFoundError, RefusedError
from hyperstore.limits import FETCH_CHUNK_BYTES
from hyperstore.media.part import Interrupted
from hyperstore.media.reach import ANYWHERE
from hyperstore.media.sending import Content, Held, chunks_of, content_type_of
from hyperstore.media.uri import shown
from hyperstore.media.web import AGAIN, connection_to, request_of, web_errors

__all__ = ["check_server", "held_page", "put_page"]

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_BLIND = frozenset((401, 403, 405, 501))
_GONE = frozenset((HTTPStatus.NOT_FOUND, HTTPStatus.GONE))


def check_server(probe: str, timeout_s: int) -> bool:
    """Write a file, then delete it; return whether it could be deleted."""
    with _answer("PUT", probe, timeout_s, body=(b"hyperstore",), size=10) as response:
        _check(response, probe)
    with _answer("DELETE", probe, timeout_s) as response:
        return response.status < HTTPStatus.BAD_REQUEST


def held_page(uri: str, content: Content, timeout_s: int) -> Held:
    """Tell what is at a place, by its bytes."""
    with _answer("HEAD", uri, timeout_s) as response:
        if response.status in _GONE:
            return "absent"
        if response.status in _BLIND:
            return "unknown"
        _check(response, uri)
        length = response.getheader("Content-Length")
        if length is not None and length != str(content.size):
            return "other"
    digest = hashlib.sha256()
    with _answer("GET", uri, timeout_s) as response:
        if response.status in _BLIND:
            return "unknown"
        _check(response, uri)
        while data := response.read(FETCH_CHUNK_BYTES):
            digest.update(data)
    return "same" if digest.hexdigest() == content.sha256 else "other"


def put_page(path: str, uri: str, content: Content, timeout_s: int, *, replace: bool) -> bool:
    """Send a file; False where something is there already and stays, if the server tells."""
    headers = {} if replace else {"If-None-Match": "*"}
    kind = content_type_of(path)
    if kind is not None:
        headers["Content-Type"] = kind
    body = chunks_of(path, content)
    with _answer("PUT", uri, timeout_s, headers, body, content.size) as response:
        if response.status == HTTPStatus.PRECONDITION_FAILED and not replace:
            return False
        _check(response, uri)
    _check_kept(uri, content, timeout_s)
    return True


def _check_kept(uri: str, content: Content, timeout_s: int) -> None:
    """Raise Interrupted where a server that took a file well has not kept it."""
    for verb in ("HEAD", "GET"):
        with _answer(verb, uri, timeout_s) as response:
            length = response.getheader("Content-Length")
            if response.status == HTTPStatus.OK and length not in (None, str(content.size)):
                raise Interrupted(
                    f"{shown(uri)}: the server was sent {content.size:,} bytes and keeps {length}"
                )
            if response.status not in _GONE:
                return  # It is there, or nobody may look.
    # Both, as there are servers that know GET only.
    raise Interrupted(f"{shown(uri)}: the server took {content.size:,} bytes, and keeps nothing")


@contextlib.contextmanager
def _answer(
    verb: str,
    uri: str,
    timeout_s: int,
    headers: dict[str, str] | None = None,
    body: Iterable[bytes] = (),
    size: int | None = None,
) -> Iterator[http.client.HTTPResponse]:
    """Give what a server answers; Interrupted where another try may get further."""
    with contextlib.ExitStack() as stack, web_errors(uri):
        connection = connection_to(uri, ANYWHERE, timeout_s, uri)
        stack.callback(connection.close)
        target, common = request_of(connection, uri)
        connection.putrequest(verb, target, skip_host=True, skip_accept_encoding=True)
        if size is not None:
            common["Content-Length"] = str(size)
        for name, value in {**common, **(headers or {})}.items():
            connection.putheader(name, value)
        connection.endheaders()
        # A server that refuses may say so before it has read all, and hang up.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for chunk in body:
                connection.send(chunk)
        response = connection.getresponse()
        stack.callback(response.close)
        yield response


def _check(response: http.client.HTTPResponse, uri: str) -> None:
    status = response.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    said = f"{shown(uri)}: the server answers {status} {response.reason[:100]!a}"
    if status in _REDIRECTS:
        where = shown(response.getheader("Location", ""))
        raise MediaError(f"{said}, to {where}; uploads follow no redirect, name that address")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise RefusedError(said)
    if status in (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED):
        raise RefusedError(f"{said}: it takes no files by PUT")
    if status == HTTPStatus.NOT_FOUND:
        raise NotFoundError(said)
    raise (Interrupted if status in AGAIN else MediaError)(said)
