"""Fetching by a new Python, for a process that was forked and may not use `obstore` itself.

The new one writes a line of JSON, then the object; what goes wrong is its last line of errors.
"""

import json
import subprocess
import sys
from collections.abc import Mapping

from hyperstore import errors
from hyperstore.errors import HyperstoreError, MediaError
from hyperstore.limits import FETCH_CHUNK_BYTES
from hyperstore.media.cloud import open_object
from hyperstore.media.part import Interrupted, Part
from hyperstore.media.uri import Bucket, shown

__all__ = ["be_relay", "error_of", "fetch_by_relay"]

_LINE_BYTES_MAX = 64 * 1024
_BEGIN = (
    "import sys; sys.path[:] = {path!r}; from hyperstore.media.relay import be_relay; be_relay()"
)


def fetch_by_relay(place: Bucket, part: Part, timeout_s: int, retries: int, uri: str) -> None:
    """Write an object into a part, as `fetch_bucket` does."""
    part.restart()
    asked = [place.scheme, place.bucket, place.key, place.host, place.account]
    wish = json.dumps({"place": asked, "timeout_s": timeout_s, "retries": retries, "uri": uri})
    command = [sys.executable, "-c", _BEGIN.format(path=sys.path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        try:
            child.stdin.write(wish.encode())
            child.stdin.close()
            head = child.stdout.readline(_LINE_BYTES_MAX)
            size = json.loads(head)["size"] if head else -1
            if head:
                part.expect(size)
            while data := child.stdout.read(FETCH_CHUNK_BYTES):
                part.write(data)
            said = child.stderr.read(_LINE_BYTES_MAX)
        finally:
            child.kill()  # It has ended, unless writing failed here.
    if said.strip():
        raise _error(said, uri)
    if part.size != size:
        raise Interrupted(f"{shown(uri)}: {size:,} bytes were promised and {part.size:,} came")


def be_relay() -> None:
    """Do what the line on standard input asks for."""
    wish: Mapping[str, object] = json.loads(sys.stdin.buffer.read())
    out = sys.stdout.buffer
    try:
        place, timeout_s, retries, uri = (
            wish[name] for name in ("place", "timeout_s", "retries", "uri")
        )
        assert isinstance(place, list)
        assert isinstance(timeout_s, int)
        assert isinstance(retries, int)
        size, chunks = open_object(Bucket(*place), timeout_s, retries, str(uri))
        out.write(json.dumps({"size": size}).encode() + b"\n")
        for chunk in chunks:
            out.write(chunk)
        out.flush()
    except HyperstoreError as error:
        said = {"kind": type(error).__name__, "said": str(error)}
        sys.stderr.write("\n" + json.dumps(said) + "\n")


def _error(said: bytes, uri: str) -> HyperstoreError:
    last = said.strip().splitlines()[-1]
    try:
        told = json.loads(last)
        name, text = str(told["kind"]), str(told["said"])
    except (ValueError, KeyError, TypeError):
        return MediaError(f"{shown(uri)}: {last.decode(errors='replace')}")
    return error_of(name, text)


def error_of(name: str, said: str) -> HyperstoreError:
    """Return an error of another process anew, from the name of its class and its text."""
    kind = Interrupted if name == "Interrupted" else getattr(errors, name, MediaError)
    return kind(said) if issubclass(kind, HyperstoreError) else MediaError(said)
