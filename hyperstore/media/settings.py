"""What may be set about media: where the cache lies, how large it grows, how patient fetching is.

Each key of config.toml has a variable too, `cache.max_bytes` the variable
`HYPERSTORE_CACHE_MAX_BYTES`. The variable wins: containers and tests set one where there is no
store, and frames that no store has seen yet have media as well.
"""

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from hyperstore.codec import Struct
from hyperstore.errors import FormatError, UsageError
from hyperstore.limits import (
    CACHE_FREE_BYTES_MIN,
    FETCH_RETRIES,
    FETCH_TIMEOUT_S,
    PICTURE_PIXELS_MAX,
    PREVIEWS_BYTES_MAX,
)

__all__ = ["MEDIA_KEYS", "MEDIA_NUMBERS", "MediaSettings", "media_settings"]

Setting = str | int


def _folder(value: object) -> Setting:
    if not isinstance(value, str) or not Path(value).is_absolute() or "\0" in value:
        raise ValueError("an absolute path of a folder")
    return os.path.normpath(value)


def _bytes(value: object) -> Setting:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a whole number of bytes, 0 for no limit")
    return value


def _seconds(value: object) -> Setting:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 86_400:
        raise ValueError("a whole number of seconds, 1 or more")
    return value


def _pixels(value: object) -> Setting:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("a whole number of pixels, 1 or more")
    return value


def _retries(value: object) -> Setting:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
        raise ValueError("a whole number from 0 to 100")
    return value


def _way(value: object) -> Setting:
    if value not in ("copy", "link"):
        raise ValueError("`copy` or `link`")
    return str(value)


def _hosts(value: object) -> Setting:
    if not isinstance(value, str) or not value.isprintable() or "*" in value:
        raise ValueError("hosts with spaces between, such as `nas.local 10.0.0.7:9000`")
    return value


MEDIA_KEYS: dict[str, tuple[Callable[[object], Setting], str]] = {
    "cache.dir": (_folder, "where downloads are kept, ~/.cache/hyperstore unless set"),
    "cache.max_bytes": (_bytes, "how large that grows, 0 (no limit) unless set"),
    "cache.min_free_bytes": (_bytes, "what stays free on its disk, 1073741824 unless set"),
    "media.allow_hosts": (_hosts, "private hosts that frames of a foreign store may name"),
    "media.keep": (_way, "how files are kept: copy unless set, or link"),
    "media.pixels_max": (_pixels, f"larger pictures are refused, {PICTURE_PIXELS_MAX} unless set"),
    "media.previews_max_bytes": (
        _bytes,
        f"how large thumbnails grow, {PREVIEWS_BYTES_MAX} unless set",
    ),
    "media.retries": (_retries, f"tries after a failed one, {FETCH_RETRIES} unless set"),
    "media.timeout": (_seconds, f"seconds without a byte, {FETCH_TIMEOUT_S} unless set"),
}
MEDIA_NUMBERS = (
    "cache.max_bytes",
    "cache.min_free_bytes",
    "media.pixels_max",
    "media.previews_max_bytes",
    "media.retries",
    "media.timeout",
)

_VARIABLES = {key: "HYPERSTORE_" + key.upper().replace(".", "_") for key in MEDIA_KEYS}
_PLACES = (*_VARIABLES.values(), "XDG_CACHE_HOME", "HOME")


class MediaSettings(Struct, frozen=True):
    """What holds for one fetch: the user's and the store's settings put together."""

    cache_dir: str
    max_bytes: int
    min_free_bytes: int
    timeout_s: int
    retries: int
    allow_hosts: frozenset[str]
    keeps_links: bool  # Whether kept files may be hard links.
    pixels_max: int  # Of a picture that is decoded.
    previews_max_bytes: int
    roots: tuple[str, ...]  # Folders of the store's local files.


def media_settings(store: str | None) -> MediaSettings:
    """Return what is set for frames of the store in this folder; None for frames of no store."""
    said = tuple(map(os.environ.get, _PLACES))
    if store is None:
        return _settled(said, None, None)
    path = os.path.join(store, "config.toml")  # noqa: PTH118 - asked at every hit.
    try:
        seen = os.stat(path)  # noqa: PTH116 - the same.
    except OSError:
        return _settled(said, store, None)
    return _settled(said, store, (seen.st_mtime_ns, seen.st_size, seen.st_ino))


@lru_cache(64)
def _settled(
    said: tuple[str | None, ...], store: str | None, seen: tuple[int, int, int] | None
) -> MediaSettings:
    values = {} if store is None or seen is None else _written(Path(store) / "config.toml")
    for (key, variable), text in zip(_VARIABLES.items(), said[: len(_VARIABLES)], strict=True):
        if text:
            number = key in MEDIA_NUMBERS and text.isdecimal()
            values[key] = _checked(key, int(text) if number else text, variable)
    roots = [str(value) for key, value in values.items() if key.startswith("roots.")]
    if store is not None:
        roots.append(os.path.dirname(store))  # noqa: PTH120 - a str as it came.
    return MediaSettings(
        cache_dir=str(values.get("cache.dir") or _home(*said[len(_VARIABLES) :])),
        max_bytes=int(values.get("cache.max_bytes", 0)),
        min_free_bytes=int(values.get("cache.min_free_bytes", CACHE_FREE_BYTES_MIN)),
        timeout_s=int(values.get("media.timeout", FETCH_TIMEOUT_S)),
        retries=int(values.get("media.retries", FETCH_RETRIES)),
        allow_hosts=frozenset(str(values.get("media.allow_hosts", "")).lower().split()),
        keeps_links=values.get("media.keep") == "link",
        pixels_max=int(values.get("media.pixels_max", PICTURE_PIXELS_MAX)),
        previews_max_bytes=int(values.get("media.previews_max_bytes", PREVIEWS_BYTES_MAX)),
        roots=tuple(roots),
    )


def _home(xdg: str | None, home: str | None) -> str:
    """Return the folder of the user's caches that is ours, as the XDG rules have it."""
    if xdg and xdg.startswith("/"):
        return os.path.join(xdg, "hyperstore")  # noqa: PTH118 - a str as it came.
    found = home or os.path.expanduser("~")  # noqa: PTH111 - which would raise instead.
    if not found.startswith("/"):
        raise UsageError(
            "there is no home folder for the cache of downloads; name one by HYPERSTORE_CACHE_DIR"
        )
    return os.path.join(found, ".cache", "hyperstore")  # noqa: PTH118 - the same.


def _written(path: Path) -> dict[str, Setting]:
    """Return what config.toml says about media; what else it holds is not ours to judge."""
    try:
        text = path.read_bytes().decode()
        import tomllib  # Most stores have no such file.

        tables = tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:  # In TOML or in UTF-8.
        raise FormatError(f"{path} cannot be read: {error}; mend it or delete it") from None
    values: dict[str, Setting] = {}
    for table in ("cache", "media", "roots"):
        entries = tables.get(table)
        for name, value in entries.items() if isinstance(entries, dict) else ():
            key = f"{table}.{name}"
            if table == "roots":
                values[key] = str(value)
            elif key in MEDIA_KEYS:
                values[key] = _checked(key, value, f"{path}: {key}")
    return values


def _checked(key: str, value: object, what: str) -> Setting:
    try:
        return MEDIA_KEYS[key][0](value)
    except ValueError as error:
        raise UsageError(f"{what} takes {error}, not {value!a}") from None
