"""From a URI to the path of a file on this machine."""

import os
import re
import stat
from functools import lru_cache
from pathlib import Path

from hyperstore.errors import (
    CorruptError,
    HyperstoreError,
    MediaError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from hyperstore.media.cache import cached, obtain
from hyperstore.media.cloud import fetch_bucket, threads_are_lost
from hyperstore.media.kept import kept_path
from hyperstore.media.part import Interrupted, Part, check_wanted, pause
from hyperstore.media.rawfile import raw_file, sha256_of
from hyperstore.media.reach import Reach
from hyperstore.media.settings import MediaSettings, media_settings
from hyperstore.media.uri import Bucket, Kept, Web, locate, shown

__all__ = ["FILE_FAULTS", "is_local", "is_remote", "local_file", "sha256_in"]

FILE_FAULTS = (CorruptError, MediaError, NotFoundError, RefusedError, UsageError)
"""What `local_file` says of one file, and another one may be had all the same; all else, such as a
full disk, holds for all of them.
"""

_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")


def is_local(uri: str) -> bool:
    """Tell whether a URI names a file of this machine, or one that a store keeps."""
    try:
        return isinstance(locate(uri), (str, Kept))
    except UsageError:  # A pointer only.
        return False


def is_remote(uri: str) -> bool:
    """Tell whether a URI names what is fetched from elsewhere; a pointer only is not."""
    try:
        return isinstance(locate(uri), (Web, Bucket))
    except UsageError:
        return False
    except RefusedError:
        return True  # Whoever asks for it is told why.


def local_file(
    uri: str,
    *,
    store: str | None = None,
    foreign: bool = False,
    force: bool = False,
    empty_ok: bool = False,
    size: object = None,
    sha256: object = None,
) -> str:
    """Return the absolute path of a URI's file, which for what is not local is in the cache.

    `store` is the folder of the store whose settings hold, and which keeps what is named by
    `media:`; `foreign` says that its contents came from somebody else. `size` is what somebody
    recorded: a kept file of another size is hashed. So is `sha256`, which what is downloaded must
    have, if it is 64 hex digits; a cached file that has another is downloaded anew, and a local
    file of the percent-decoded name is then no answer. An error of ours says why there is no file.
    """
    location = locate(uri)
    if isinstance(location, Kept):
        return _kept(location.digest, store, size)
    settings = media_settings(store)
    reach = Reach(foreign, settings.roots, settings.allow_hosts)
    reach.check(location, uri)
    if isinstance(location, str):
        path = _present(location, uri, empty_ok=empty_ok)
        if "%" in uri and not uri.endswith(path) and not _is_as_recorded(path, sha256):
            raise NotFoundError(
                f"there is no file {shown(uri)}, and {shown(path)} is another one: it has not the "
                "SHA-256 that is recorded"
            )
        return path
    if not force:
        found = cached(uri, settings, empty_ok=empty_ok)
        if found is not None and _is_as_recorded(found, sha256):
            return found
        force = found is not None

    def download(part: Part) -> None:
        _fetch(location, part, settings, reach, uri)

    path = obtain(uri, settings, download, force=force, empty_ok=empty_ok)
    if not _is_as_recorded(path, sha256):
        raise MediaError(
            f"{shown(uri)} has another SHA-256 than is recorded: it has changed since, or did not "
            "come as it is; update_source_files_hash(allow_download=True) records the new one, and "
            "skip_size_check takes it all the same"
        )
    return path


def sha256_in(recorded: object) -> str | None:
    """Return what was recorded as a file's hash if it is a SHA-256: 64 hex digits."""
    if not isinstance(recorded, str) or _SHA256.fullmatch(recorded) is None:
        return None
    return recorded.lower()


def _is_as_recorded(path: str, recorded: object) -> bool:
    sha256 = sha256_in(recorded)
    if sha256 is None:
        return True
    try:
        found = os.stat(path)  # noqa: PTH116 - asked for every picture of a training run.
    except FileNotFoundError:
        return False
    return _sha256_at(path, found.st_size, found.st_mtime_ns) == sha256


@lru_cache(16_384)
def _sha256_at(path: str, _size: int, _mtime_ns: int) -> str:
    return sha256_of(path)


def _kept(digest: str, store: str | None, size: object) -> str:
    """Return the path of a kept file; what a link leads to was not kept here."""
    if store is None:
        raise NotFoundError(
            f"media:{digest} is kept in a store, and this frame belongs to none; "
            "read it from its store, or add it to one"
        )
    path = kept_path(store, digest)
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        found = None
    except OSError as error:
        raise MediaError(f"media:{digest} cannot be read: {error}") from None
    if found is None or not stat.S_ISREG(found.st_mode):
        raise NotFoundError(
            f"media:{digest} is not in {store}/media; copy that file from the media folder of a "
            "store that has it, or add its frame again from the original, with copy_media"
        )
    doubtful = found.st_size == 0 or (type(size) is int and size != found.st_size)
    if doubtful and _hash_of(path, found.st_size, found.st_mtime_ns) != digest:
        raise CorruptError(
            f"media:{digest} is damaged: {path} has other bytes than were kept; delete it, and "
            "add its frame again from the original, with copy_media"
        )
    return path


@lru_cache(256)
def _hash_of(path: str, _size: int, _mtime_ns: int) -> str:
    with raw_file(Path(path)) as raw:
        return raw.hash()


def _present(path: str, uri: str, *, empty_ok: bool) -> str:
    """Return the path of a local file as it is; never a copy."""
    try:
        size = os.stat(path).st_size  # noqa: PTH116 - asked for every picture of a training run.
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {shown(uri)}") from None
    except (OSError, ValueError) as error:
        raise MediaError(f"{shown(uri)} cannot be read: {error}") from None
    if size == 0 and not empty_ok:
        raise MediaError(f"{shown(uri)} is empty; skip_size_check takes it all the same")
    return path


def _fetch(
    location: Web | Bucket, part: Part, settings: MediaSettings, reach: Reach, uri: str
) -> None:
    """Download into a part, again after what may pass."""
    # These bring the standard library's clients, 40 ms that most processes do without.
    from hyperstore.media.relay import fetch_by_relay
    from hyperstore.media.web import Resume, fetch_web

    resume = Resume()
    # The clients of buckets try again by themselves, but not once their answer has begun.
    retries = settings.retries if isinstance(location, Web) else min(settings.retries, 1)
    for tried in range(retries + 1):
        try:
            if isinstance(location, Web):
                fetch_web(location, part, reach, settings.timeout_s, resume, uri)
            elif threads_are_lost():
                fetch_by_relay(location, part, settings.timeout_s, settings.retries, uri)
            else:
                fetch_bucket(location, part, settings.timeout_s, settings.retries, uri)
            return
        except Interrupted as error:
            if tried == retries:
                raise _given_up(error, tried + 1) from None
        pause(tried)
        check_wanted(shown(uri))


def _given_up(error: Interrupted, tries: int) -> HyperstoreError:
    times = "once" if tries == 1 else f"{tries} times"
    return MediaError(f"{error} (tried {times}; it is not in the cache)")
