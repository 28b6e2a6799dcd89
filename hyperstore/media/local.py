"""From a URI to the path of a file on this machine."""

import os
import random
import time

from hyperstore.errors import HyperstoreError, MediaError, NotFoundError
from hyperstore.limits import FETCH_BACKOFF_S, FETCH_BACKOFF_S_MAX
from hyperstore.media.cache import cached, obtain
from hyperstore.media.cloud import fetch_bucket, threads_are_lost
from hyperstore.media.part import Interrupted, Part
from hyperstore.media.reach import Reach
from hyperstore.media.settings import MediaSettings, media_settings
from hyperstore.media.uri import Bucket, Web, locate, shown

__all__ = ["is_local", "local_file"]


def is_local(uri: str) -> bool:
    """Tell whether a URI names a file of this machine."""
    return isinstance(locate(uri), str)


def local_file(
    uri: str,
    *,
    store: str | None = None,
    foreign: bool = False,
    force: bool = False,
    empty_ok: bool = False,
) -> str:
    """Return the absolute path of a URI's file, which for what is not local is in the cache.

    `store` is the folder of the store whose settings hold, `foreign` says that its contents came
    from somebody else. An error of ours says why there is no such file.
    """
    settings = media_settings(store)
    location = locate(uri)
    reach = Reach(foreign, settings.roots, settings.allow_hosts)
    reach.check(location, uri)
    if isinstance(location, str):
        return _present(location, uri, empty_ok=empty_ok)
    if not force:
        found = cached(uri, settings, empty_ok=empty_ok)
        if found is not None:
            return found

    def download(part: Part) -> None:
        _fetch(location, part, settings, reach, uri)

    return obtain(uri, settings, download, force=force, empty_ok=empty_ok)


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
        pause = min(FETCH_BACKOFF_S_MAX, FETCH_BACKOFF_S * 2**tried)
        time.sleep(pause * random.uniform(0.5, 1.0))


def _given_up(error: Interrupted, tries: int) -> HyperstoreError:
    times = "once" if tries == 1 else f"{tries} times"
    return MediaError(f"{error} (tried {times}; it is not in the cache)")
