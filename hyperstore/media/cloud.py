"""Objects in buckets of S3, Google and Azure, through `obstore`, which comes by an extra.

Credentials are those of the usual environment: the variables of each provider, its roles on its own
machines, and for S3 the files of the `aws` command too.

Its threads do not survive a fork: a child that used it would wait for them for ever (seen, not
guessed). So a process that was forked after `obstore` was loaded fetches by a new Python.
"""

import contextlib
import json
import os
import re
import sys
from collections import OrderedDict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from hyperstore.errors import HyperstoreError, MediaError, NotFoundError, RefusedError, UsageError
from hyperstore.limits import FETCH_CHUNK_BYTES, FETCH_CONNECT_S, FETCH_STORES_MAX
from hyperstore.media.part import Interrupted, Part
from hyperstore.media.uri import Bucket, Web, locate, shown

if TYPE_CHECKING:
    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Store

    Client = S3Store | GCSStore | AzureStore

__all__ = [
    "client_of",
    "fetch_bucket",
    "need_library",
    "object_keys",
    "open_object",
    "place_of",
    "threads_are_lost",
    "translated",
]

# The last resort of a client without credentials is the service that gives machines their roles.
_ASKED_FOR_A_ROLE = re.compile(r"/latest/(api/token|meta-data)|token request")
_PREFIX = {"s3": "AWS", "gs": "GOOGLE", "azure": "AZURE"}
_HTTPS_PORTS = ("443", "8443")
_SETTINGS = ("AWS_", "AZURE_", "GOOGLE_", "STORAGE_EMULATOR_HOST", "HTTP", "NO_PROXY", "SSL_CERT")


class _Clients:
    """The clients of this process, the one used last at the end. Never pickled, never inherited."""

    def __init__(self) -> None:
        self.held: OrderedDict[tuple[object, ...], Client] = OrderedDict()
        self.lock = Lock()
        self.lost = False

    def forked(self) -> None:
        self.held = OrderedDict()
        self.lock = Lock()
        self.lost = self.lost or "obstore" in sys.modules


_clients = _Clients()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_clients.forked)


def threads_are_lost() -> bool:
    """Tell whether this process must leave `obstore` alone."""
    return _clients.lost


def need_library(uri: str) -> None:
    """Raise UsageError where the library that knows buckets is not installed."""
    try:
        import obstore  # noqa: F401 - whether it is there is what is asked.
    except ImportError:
        raise UsageError(
            f"{shown(uri)} needs the library obstore: pip install 'hyperstore[cloud]'"
        ) from None


def fetch_bucket(place: Bucket, part: Part, timeout_s: int, retries: int, uri: str) -> None:
    """Write an object into a part; Interrupted where it ends too early or too late."""
    part.restart()
    size, chunks = open_object(place, timeout_s, retries, uri)
    part.expect(size)
    for chunk in chunks:
        part.write(chunk)
    if part.size != size:
        raise Interrupted(f"{shown(uri)}: {size:,} bytes were promised and {part.size:,} came")


def open_object(
    place: Bucket, timeout_s: int, retries: int, uri: str
) -> tuple[int, Iterator[bytes]]:
    """Return the size of an object, and its bytes as they come."""
    need_library(uri)
    import obstore

    with translated(uri):
        found = obstore.get(client_of(place, timeout_s, retries), place.key)
        return int(found.meta["size"]), _chunks(iter(found.stream(FETCH_CHUNK_BYTES)), uri)


def _chunks(stream: Iterator[bytes], uri: str) -> Iterator[bytes]:
    while True:
        with translated(uri):
            chunk = next(stream, None)
        if chunk is None:
            return
        yield bytes(chunk)


@contextlib.contextmanager
def translated(uri: str) -> Iterator[None]:
    """Let what `obstore` raises out of a block as an error of ours."""
    from obstore.exceptions import (
        BaseError,
        NotSupportedError,
        PermissionDeniedError,
        UnauthenticatedError,
    )

    try:
        yield
    except HyperstoreError:
        raise
    except FileNotFoundError as error:
        raise NotFoundError(f"{shown(uri)} is not there: {_said(error)}") from None
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise RefusedError(
            f"{shown(uri)}: the provider refuses the credentials that the environment gives, or "
            f"their lack: {_said(error)}"
        ) from None
    except (NotSupportedError, ValueError) as error:
        raise MediaError(f"{shown(uri)}: {_said(error)}") from None
    except (BaseError, OSError) as error:
        if _ASKED_FOR_A_ROLE.search(str(error)):
            raise RefusedError(
                f"{shown(uri)}: the environment gives no credentials; for a bucket that is open to "
                f"all set {_PREFIX[uri.partition(':')[0].lower()]}_SKIP_SIGNATURE=true"
            ) from None
        raise Interrupted(f"{shown(uri)}: {_said(error)}") from None


def _said(error: Exception) -> str:
    """Return the first lines of a message that goes on with a dump of structures."""
    return str(error).partition("Debug source")[0].strip()[:500]


def place_of(uri: str) -> str:
    """Return what the spellings of one place have in common, as far as a bucket's can be told."""
    place = locate(uri)
    if not isinstance(place, Bucket):
        return uri
    host = place.host
    if place.scheme == "s3" and not host:
        named = next(filter(None, _endpoints()), "")
        host = named.rpartition("://")[2].partition("/")[0]
    # The clients drop a slash at either end, and take none that stands beside another.
    key = "/".join(filter(None, place.key.split("/")))
    return f"{place.scheme}://{host.lower()}/{place.account}/{place.bucket}/{key}"


def object_keys(uri: str) -> Iterator[str]:
    """Yield bucket and key of each object that a URI may be a name of, whoever keeps the bucket.

    Of one in a bucket that is one; on the web, where a bucket stands in the path or in the host's
    name, some. Nothing where it is no name of an object.
    """
    try:
        place = locate(uri)
    except (RefusedError, UsageError):
        return
    if isinstance(place, Bucket):
        yield "/".join((place.bucket, *filter(None, place.key.split("/"))))
    elif isinstance(place, Web):
        parts = urlsplit(place.url)
        path = list(filter(None, unquote(parts.path).split("/")))
        yield "/".join(path)
        yield "/".join(path[1:])  # After an account's name.
        yield "/".join((parts.netloc.partition(".")[0], *path))


def client_of(place: Bucket, timeout_s: int, retries: int) -> "Client":
    """Return the client of a bucket, a new one where the environment has changed since."""
    around = tuple(
        sorted(one for one in os.environ.items() if one[0].upper().startswith(_SETTINGS))
    )
    key = (place.scheme, place.bucket, place.host, place.account, timeout_s, retries, around)
    with _clients.lock:
        found = _clients.held.get(key)
        if found is None:
            found = _clients.held[key] = _new_client(place, timeout_s, retries)
            if len(_clients.held) > FETCH_STORES_MAX:
                _clients.held.popitem(last=False)
        _clients.held.move_to_end(key)
        return found


def _new_client(place: Bucket, timeout_s: int, retries: int) -> "Client":
    from obstore.store import AzureStore, GCSStore, S3Store

    # A whole file may take long, as long as it keeps coming.
    options: ClientConfig = {
        "connect_timeout": timedelta(seconds=min(FETCH_CONNECT_S, timeout_s)),
        "read_timeout": timedelta(seconds=timeout_s),
        "timeout": timedelta(days=1),
    }
    again: RetryConfig = {
        "max_retries": retries,
        "retry_timeout": timedelta(seconds=max(timeout_s, 1) * (retries + 1)),
    }
    if place.scheme == "gs":
        emulator = os.environ.get("STORAGE_EMULATOR_HOST")
        if not emulator:
            return GCSStore(place.bucket, client_options=options, retry_config=again)
        options["allow_http"] = True
        return GCSStore(
            place.bucket,
            service_account_key=_nobody_at(emulator),
            client_options=options,
            retry_config=again,
        )
    if place.scheme == "azure":
        settings: dict[str, str] = {}
        if place.account:
            settings["account_name"] = place.account
        if place.host:
            secure = ":" not in place.host or _is_secure(place.host, "AZURE_ENDPOINT_URL")
            account = f"/{place.account}" if ":" in place.host else ""
            settings["endpoint"] = f"{'https' if secure else 'http'}://{place.host}{account}"
            options["allow_http"] = not secure
        return AzureStore(
            place.bucket,
            client_options=options,
            retry_config=again,
            **settings,  # type: ignore[arg-type]
        )
    settings = _aws_files()
    if place.host:
        secure = _is_secure(place.host, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
        settings["endpoint"] = f"{'https' if secure else 'http'}://{place.host}"
        options["allow_http"] = not secure
    elif any(value.startswith("http://") for value in _endpoints()):
        options["allow_http"] = True  # Whoever names such an endpoint means it.
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true" and not _has_aws(settings):
        settings["skip_signature"] = "true"
    return S3Store(
        place.bucket,
        client_options=options,
        retry_config=again,
        **settings,  # type: ignore[arg-type]
    )


def _nobody_at(emulator: str) -> str:
    """Return the key of nobody, at an emulator of Google's storage.

    Without a signature it would still ask for a token before it writes.
    """
    nobody = {
        "client_email": "",
        "disable_oauth": True,
        "gcs_base_url": emulator if "://" in emulator else f"http://{emulator}",
        "private_key": "",
        "private_key_id": "",
    }
    return json.dumps(nobody)


def _is_secure(host: str, *variables: str) -> bool:
    """Tell whether a host is spoken to by TLS: as a variable has it, else as its port suggests."""
    for variable in variables:
        scheme, mark, rest = os.environ.get(variable, "").partition("://")
        if mark and rest.partition("/")[0].lower() == host.lower():
            return scheme.lower() == "https"
    return host.rpartition(":")[2] in _HTTPS_PORTS


def _endpoints() -> list[str]:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    return [os.environ.get(name, "") for name in names]


def _has_aws(settings: dict[str, str]) -> bool:
    return "access_key_id" in settings or any(
        name in os.environ
        for name in (
            "AWS_ACCESS_KEY_ID",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        )
    )


def _aws_files() -> dict[str, str]:
    """Return what the files of the `aws` command say, of keys only where no variable does."""
    profile = os.environ.get("AWS_PROFILE") or "default"
    home = os.path.expanduser("~/.aws")  # noqa: PTH111 - Path.home() raises where there is none.
    found: dict[str, str] = {}
    if not _has_aws({}):
        held = _section(
            os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or f"{home}/credentials", profile
        )
        if "aws_access_key_id" in held and "aws_secret_access_key" in held:
            found["access_key_id"] = held["aws_access_key_id"]
            found["secret_access_key"] = held["aws_secret_access_key"]
            if held.get("aws_session_token"):
                found["session_token"] = held["aws_session_token"]
    if not (os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")):
        name = profile if profile == "default" else f"profile {profile}"
        held = _section(os.environ.get("AWS_CONFIG_FILE") or f"{home}/config", name)
        if held.get("region"):
            found["region"] = held["region"]
    return found


def _section(path: str, name: str) -> dict[str, str]:
    """Return one section of such a file; nothing where it cannot be read, as `aws` does."""
    import configparser  # Most processes have no use for it.

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(Path(path).read_text(encoding="utf-8"))
        return dict(parser.items(name)) if parser.has_section(name) else {}
    except (OSError, ValueError, configparser.Error):
        return {}
