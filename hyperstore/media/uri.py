"""What a URI is, and which ones are refused; nothing here rewrites what is stored.

A local path, `file://`, `http(s)://`, `s3://`, `gs://` and `azure://` lead to bytes, as does
`media:` and 64 hex digits, which names what a store keeps by its blake3. Every other scheme is a
pointer that only its user understands. Where a scheme has hosts that are not the provider's own,
they carry a port: `s3://HOST:PORT/BUCKET/KEY`, `azure://HOST:PORT/ACCOUNT/...`.
"""

import os
import re
from urllib.parse import unquote, urlsplit

from hyperstore.codec import Struct
from hyperstore.errors import RefusedError, UsageError
from hyperstore.limits import URI_BYTES_MAX, URI_NAME_CHARS_MAX

__all__ = [
    "KEPT",
    "Bucket",
    "Kept",
    "Location",
    "Web",
    "file_name",
    "is_kept",
    "locate",
    "refusal",
    "shown",
]

KEPT = "media:"

_FILE = "file://"
_WEB = ("http", "https")
_FETCHED = frozenset(("http", "https", "s3", "gs", "azure"))
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
# What most URIs do not hold; the rest are looked at part by part.
_DOUBTFUL = re.compile(r"[\x00-\x1f\x7f\\@]|\.\.|%2[eE]|%5[cC]|%0|%1|%7[fF]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
_AZURE = ".blob.core.windows.net"
_KEPT = re.compile(r"media:[0-9a-f]{64}")
_USERINFO = re.compile(r"(?<=://)[^/?#]*@")


class Web(Struct, frozen=True):
    """A place that answers HTTP."""

    url: str


class Bucket(Struct, frozen=True):
    """An object in a cloud's bucket or container."""

    scheme: str  # s3, gs or azure.
    bucket: str
    key: str
    host: str = ""  # With its port, where it is not the provider's own.
    account: str = ""  # Azure's.


class Kept(Struct, frozen=True):
    """A file that a store keeps in its folder `media`."""

    digest: str  # Its blake3, 64 hex digits.


Location = str | Web | Bucket | Kept
"""Where the bytes of a URI are: a str is the path of a local file."""


def is_kept(uri: str) -> bool:
    """Tell whether a URI names a kept file as such names are written."""
    return uri.startswith(KEPT) and _KEPT.fullmatch(uri) is not None


def refusal(uri: str) -> str | None:
    """Say why a URI is not to be stored or followed; None where nothing is wrong with it.

    Of a local path and of a scheme that is a pointer only, nothing is asked but that it hold no
    NUL, since any other character may stand in a file's name.
    """
    if uri[: len(KEPT)].lower() == KEPT:
        return None if is_kept(uri) else "a kept file is `media:` and 64 hex digits, in lower case"
    if len(uri) <= URI_BYTES_MAX // 4 and _DOUBTFUL.search(uri) is None:
        return None
    scheme = _scheme(uri)
    if scheme not in _FETCHED:
        if "\0" in uri:
            return "it holds a NUL"
        if scheme in ("", "file"):
            if len(uri.encode(errors="replace")) > URI_BYTES_MAX:
                return f"it is longer than {URI_BYTES_MAX:,} bytes"
            if ".." in _path(uri).split("/"):
                return "it climbs by `..`"
        return None
    if len(uri.encode(errors="replace")) > URI_BYTES_MAX:
        return f"it is longer than {URI_BYTES_MAX:,} bytes"
    if _CONTROL.search(uri):
        return "it holds a control character"
    authority = re.split(r"[/?#]", uri.partition("://")[2], maxsplit=1)[0]
    if "@" in authority:
        return "it carries credentials; give them by the environment"
    if "\\" in authority:
        return "its host holds a backslash"
    # A key in a bucket is taken as it stands; a server of the web decodes what it is asked for.
    path = unquote(_path(uri)) if scheme in _WEB else _path(uri)
    if _CONTROL.search(path):
        return "it holds a control character"
    if ".." in re.split(r"[/\\]", path):
        return "it climbs by `..`"
    return None


def locate(uri: str) -> Location:
    """Return where the bytes of a URI are; RefusedError or UsageError where that is nowhere."""
    reason = refusal(uri)
    if reason is not None:
        raise RefusedError(f"{shown(uri)} is not followed: {reason}")
    if uri.startswith(("http://", "https://")):
        return Web(uri)
    if uri.startswith(KEPT):
        return Kept(uri[len(KEPT) :])
    scheme = _scheme(uri)
    if scheme in _WEB:
        return Web(uri)
    if scheme in ("", "file"):
        return _local(uri)
    if scheme == "root":
        name = uri[5:].partition("/")[0]
        raise UsageError(f"{shown(uri)} lies in a root that has no folder here: set roots.{name}")
    if scheme not in _FETCHED:
        raise UsageError(
            f"{shown(uri)} is a pointer only: what {scheme}: means is its user's own; what is "
            "fetched are local paths, file, http, https, s3, gs, azure and what is kept in media:"
        )
    return _bucket(scheme, uri)


def shown(uri: str) -> str:
    """Return a URI for a message: quoted, cut where it is long, its credentials and query left out.

    What follows a question mark is often a signature that opens the file to whoever has it.
    """
    if _scheme(uri) in _FETCHED:
        uri = _USERINFO.sub("...@", uri)
        base, mark, _ = uri.partition("?") if _scheme(uri) in _WEB else (uri, "", "")
        uri = base + ("?..." if mark else "")
    return ascii(uri if len(uri) <= 300 else f"{uri[:200]}...{uri[-80:]}")


def file_name(uri: str) -> str:
    """Return a name for a copy of a URI's file: the last part of its path, made harmless.

    A long name is cut in its middle, so that its extension stays.
    """
    path = _path(uri)
    last = path.rstrip("/").rpartition("/")[2]
    last = unquote(last) if _scheme(uri) in _WEB else last
    safe = re.sub(r"[^A-Za-z0-9._+-]+", "_", last).lstrip(".-")
    if len(safe) > URI_NAME_CHARS_MAX:
        stem, dot, extension = safe.rpartition(".")
        kept = dot + extension if stem and len(extension) <= 16 else ""
        safe = safe[: URI_NAME_CHARS_MAX - len(kept)] + kept
    return safe or "file"


def _scheme(uri: str) -> str:
    found = _SCHEME.match(uri)
    return found[1].lower() if found else ""


def _path(uri: str) -> str:
    """Return the path of a URI, for a bucket its key too; without query and fragment on the web."""
    rest = uri.partition("://")[2] if "://" in uri[:16] else uri
    if _scheme(uri) in _WEB:
        rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    return rest


def _local(uri: str) -> str:
    """Return the path of a local file. It stands in the URI as it is, spaces and all.

    Where no such file is, but one of the percent-decoded name, some other program has written it.
    """
    if _scheme(uri) == "":
        return os.path.abspath(uri)  # noqa: PTH100 - Path.absolute() would keep `..`.
    path = uri[len(_FILE) :] if uri[: len(_FILE)].lower() == _FILE else ""
    if path.lower().startswith("localhost/"):
        path = path[len("localhost") :]
    if not path.startswith("/"):
        raise UsageError(f"{shown(uri)} names no file of this machine; write file:///FOLDER/FILE")
    if "%" in path and not os.path.lexists(path):
        decoded = unquote(path)
        if ".." not in decoded.split("/") and "\0" not in decoded and os.path.lexists(decoded):
            return decoded
    return path


def _bucket(scheme: str, uri: str) -> Bucket:
    host, _, rest = uri.partition("://")[2].partition("/")
    account = ""
    if ":" in host:
        _check_host(uri, host)
        if scheme == "gs":
            raise UsageError(f"{shown(uri)}: gs takes no host; write gs://BUCKET/KEY")
        if scheme == "azure":
            account, _, rest = rest.partition("/")
        bucket, _, key = rest.partition("/")
    elif scheme == "azure" and "." in host:
        _check_host(uri, host)
        account = host.partition(".")[0]
        bucket, _, key = rest.partition("/")
        host = "" if host.endswith(_AZURE) and host.count(".") == _AZURE.count(".") else host
    else:
        bucket, key, host = host, rest, ""
    parts = (account or "none", bucket)
    if not key or not all(_BUCKET.fullmatch(part) and ".." not in part for part in parts):
        form = "s3://BUCKET/KEY or s3://HOST:PORT/BUCKET/KEY"
        if scheme == "azure":
            form = f"azure://ACCOUNT{_AZURE}/CONTAINER/KEY"
        raise UsageError(f"{shown(uri)} names no object; write {form.replace('s3', scheme)}")
    return Bucket(scheme, bucket, key, host, account)


def _check_host(uri: str, host: str) -> None:
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port
    except ValueError:
        port = None
        parts = urlsplit("//")
    bare = host.rpartition(":")[0] if ":" in host else host
    if not _HOST.fullmatch(bare) or not parts.hostname or (":" in host and not port):
        raise UsageError(f"{shown(uri)}: {host!a} is no HOST:PORT")
