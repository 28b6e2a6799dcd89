"""Which files lie below a place: a local folder, or what a bucket has under a prefix."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

from hyperstore.errors import MediaError, UsageError
from hyperstore.media.cloud import client_of, need_library, threads_are_lost, translated
from hyperstore.media.settings import media_settings
from hyperstore.media.uri import Bucket, locate, shown

__all__ = ["Listed", "list_files"]


class Listed(NamedTuple):
    """A file below a place: its path from there, with slashes, and its size in bytes."""

    path: str
    size: int


def list_files(folder: str) -> Iterator[Listed]:
    """Yield the files below a folder's URI, by name, as they are found.

    UsageError where nobody can tell: the web has no folders.
    """
    base = folder.rstrip("/")
    place = locate(f"{base}/x")  # The folder's own name may be that of a bucket, which has no key.
    if isinstance(place, str):
        return _local(os.path.dirname(place))  # noqa: PTH120 - a str as it came.
    if not isinstance(place, Bucket):
        raise UsageError(f"{shown(folder)} cannot be listed; folders and buckets can")
    if threads_are_lost():
        raise UsageError(f"{shown(folder)} cannot be listed after a fork; list before it, or spawn")
    need_library(folder)
    return _objects(place, folder)


def _local(folder: str) -> Iterator[Listed]:
    if not os.path.isdir(folder):  # noqa: PTH112 - the same.
        return
    for above, folders, names in os.walk(folder, onerror=_raise):
        folders.sort()
        for name in sorted(names):
            path = Path(above, name)
            try:
                found = path.stat()
            except FileNotFoundError:  # A link that leads nowhere, or a file that has gone since.
                continue
            except OSError as error:
                _raise(error)
            if stat.S_ISREG(found.st_mode):
                yield Listed(os.path.relpath(path, folder), found.st_size)


def _raise(error: OSError) -> NoReturn:
    """Say what cannot be read: a list that lacks it would pass for the whole."""
    raise MediaError(f"{str(error.filename)!a} cannot be read: {error.strerror}") from None


def _objects(place: Bucket, folder: str) -> Iterator[Listed]:
    import obstore

    settings = media_settings(None)
    prefix = place.key[: -len("x")]
    with translated(folder):
        pages = obstore.list(
            client_of(place, settings.timeout_s, settings.retries), prefix=prefix or None
        )
        for page in pages:
            for one in page:
                path = str(one["path"]).removeprefix(prefix)
                if path and not path.endswith("/"):
                    yield Listed(path, int(one["size"]))
