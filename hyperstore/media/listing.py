"""Which files lie below a place: a local folder, or what a bucket has under a prefix."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from hyperstore.errors import UsageError
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
    for above, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(above, name)  # noqa: PTH118 - the same.
            if os.path.isfile(path):  # noqa: PTH113 - the same.
                yield Listed(os.path.relpath(path, folder), os.path.getsize(path))  # noqa: PTH202


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
