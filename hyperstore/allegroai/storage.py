"""StorageManager: files by URI, brought here and sent there.

Local paths, `file://`, `http(s)://`, `s3://`, `gs://` and `azure://`, through the same cache and
the same rules as the sources of frames. What cannot be had is None and a line in the log, as the
documents have it; a call that makes no sense, or that is refused, raises.
"""

import logging
import os
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

from hyperstore.allegroai.archive import extracted, is_archive
from hyperstore.dataset.arguments import documented
from hyperstore.errors import HyperstoreError, MediaError, NotFoundError, UsageError
from hyperstore.ids import content_hash, new_id
from hyperstore.media.listing import Listed, list_files
from hyperstore.media.local import is_local, local_file
from hyperstore.media.send import Sender
from hyperstore.media.sending import content_of
from hyperstore.media.settings import media_settings
from hyperstore.media.uri import locate, shown

__all__ = ["StorageManager"]

_log = logging.getLogger("hyperstore")
_ERRORS = (NotFoundError, MediaError, OSError, tarfile.TarError, zipfile.BadZipFile)


class StorageManager:
    """Calls on the class; there is nothing to make."""

    @classmethod
    @documented
    def get_local_copy(
        cls,
        remote_url: str,
        cache_context: str | None = None,
        extract_archive: bool = True,
        name: str | None = None,
        force_download: bool = False,
    ) -> str | None:
        """Return the path of a file here: its own if it is local, else in the cache.

        An archive (zip, tar.gz, tgz) is unpacked, and the path is that of the folder.
        """
        try:
            path = local_file(_text(remote_url), force=force_download, empty_ok=True)
            return extracted(path) if extract_archive and is_archive(path) else path
        except _ERRORS as error:
            _log.warning("%s", error)
            return None

    @classmethod
    @documented
    def download_file(
        cls,
        remote_url: str,
        local_folder: str | None = None,
        overwrite: bool = False,
        skip_zero_size_check: bool = False,
        silence_errors: bool = False,
    ) -> str | None:
        """Bring a file into a folder, under its own name; without one, into the cache."""
        try:
            path = local_file(_text(remote_url), force=overwrite, empty_ok=skip_zero_size_check)
            if local_folder is None:
                return path
            name = remote_url.rstrip("/").rpartition("/")[2].partition("?")[0]
            return str(_placed(path, Path(local_folder).absolute() / name, overwrite=overwrite))
        except _ERRORS as error:
            if not silence_errors:
                _log.warning("%s", error)
            return None

    @classmethod
    @documented
    def download_folder(
        cls,
        remote_url: str,
        local_folder: str | None = None,
        match_wildcard: str | None = None,
        overwrite: bool = False,
        skip_zero_size_check: bool = False,
        silence_errors: bool = False,
    ) -> str | None:
        """Bring all files below a place into a folder, and return that.

        A local folder is answered as it is, unless another one is asked for. Without one, a
        bucket's files go into a folder of the cache, which is the same the next time. None where
        any of them cannot be had; the others are here then.
        """
        base = _text(remote_url).rstrip("/")
        local = locate(f"{base}/x")
        if local_folder is None and isinstance(local, str):
            return os.path.dirname(local)  # noqa: PTH120 - a str as it came.
        target = _folder_of(base) if local_folder is None else Path(local_folder).absolute()
        is_whole = True
        try:
            for one in _matching(base, match_wildcard):
                try:
                    path = local_file(
                        f"{base}/{one.path}", force=overwrite, empty_ok=skip_zero_size_check
                    )
                    _placed(path, _below(target, one.path), overwrite=overwrite)
                except _ERRORS as error:
                    is_whole = False
                    if not silence_errors:
                        _log.warning("%s", error)
        except _ERRORS as error:
            _log.warning("%s", error)
            return None
        target.mkdir(parents=True, exist_ok=True)
        return str(target) if is_whole else None

    @classmethod
    @documented
    def list(
        cls, remote_url: str, return_full_path: bool = False, with_metadata: bool = False
    ) -> list[str] | list[dict[str, object]] | None:
        """Return the paths of the files below a place, or with `with_metadata` dicts of them."""
        base = _text(remote_url).rstrip("/")
        try:
            found = [
                (f"{base}/{one.path}" if return_full_path else one.path, one.size)
                for one in list_files(base)
            ]
        except (NotFoundError, MediaError) as error:
            _log.warning("%s", error)
            return None
        if with_metadata:
            return [{"name": name, "size": size} for name, size in found]
        return [name for name, _ in found]

    @classmethod
    @documented
    def upload_file(
        cls,
        local_file: str,
        remote_url: str,
        wait_for_upload: bool = True,
        retries: int | None = None,
    ) -> str:
        """Send a file to a URI, over what is there; return the URI. What fails is raised.

        It is there when the call returns, whether that was to be waited for or not.
        """
        target = _text(remote_url)
        folder = target.rpartition("/")[0]
        sender = _sender(retries)
        try:
            sender.replace(local_file, content_of(local_file), target, folder)
        finally:
            sender.close(folder)
        return target

    @classmethod
    @documented
    def upload_folder(
        cls,
        local_folder: str,
        remote_url: str,
        match_wildcard: str | None = None,
        retries: int | None = None,
    ) -> str:
        """Send all files below a folder to below a URI, over what is there; return the URI."""
        source, base = Path(local_folder).absolute(), _text(remote_url).rstrip("/")
        if not source.is_dir():
            raise NotFoundError(f"there is no folder {str(source)!a}")
        sender = _sender(retries)
        try:
            for one in _matching(str(source), match_wildcard):
                path = str(source / one.path)
                sender.replace(path, content_of(path), f"{base}/{one.path}", base)
        finally:
            sender.close(base)
        return base

    @classmethod
    @documented
    def exists_file(cls, remote_url: str) -> bool:
        """Tell whether there is such a file."""
        return cls.get_file_size_bytes(remote_url, silence_errors=True) is not None

    @classmethod
    @documented
    def get_file_size_bytes(cls, remote_url: str, silence_errors: bool = False) -> int | None:
        """Return how large a file is; None where there is none. One of the web is fetched."""
        url = _text(remote_url)
        folder, _, name = url.rpartition("/")
        try:
            if is_local(url) or url.startswith(("http://", "https://")):
                found = Path(local_file(url, empty_ok=True))
                return found.stat().st_size if found.is_file() else None
            return next((one.size for one in list_files(folder) if one.path == name), None)
        except _ERRORS as error:
            if not silence_errors:
                _log.warning("%s", error)
            return None

    @classmethod
    @documented
    def set_cache_file_limit(cls, cache_file_limit: int, cache_context: str | None = None) -> int:
        """Say in the log that nothing is limited by it; return it."""
        _log.warning(
            "the cache is bounded in bytes, by cache.max_bytes, and not to %s files",
            cache_file_limit,
        )
        return cache_file_limit


def _text(uri: object) -> str:
    if not isinstance(uri, str | os.PathLike):
        raise UsageError(f"a place is a path or a URI, not {uri!a}")
    return os.fspath(uri)


def _sender(retries: int | None) -> Sender:
    settings = media_settings(None)
    return Sender(
        timeout_s=settings.timeout_s, retries=settings.retries if retries is None else retries
    )


def _matching(base: str, wildcard: str | None) -> Iterator[Listed]:
    """Yield files below a place; a wildcard is compared with their paths, then their names."""
    for one in list_files(base):
        names = (one.path, one.path.rpartition("/")[2])
        if wildcard is None or any(fnmatch(name, wildcard) for name in names):
            yield one


def _folder_of(uri: str) -> Path:
    """Return the folder of the cache for what lies below a URI."""
    return Path(media_settings(None).cache_dir) / "folders" / content_hash([uri.encode()])[:40]


def _below(folder: Path, path: str) -> Path:
    """Return a path inside of a folder; MediaError for one that leads out of it."""
    found = folder / path
    if Path(os.path.normpath(found)) != found or not found.is_relative_to(folder):
        raise MediaError(f"{shown(path)} leads out of {shown(str(folder))}")
    return found


def _placed(path: str, target: Path, *, overwrite: bool) -> Path:
    """Copy a file to its place, where it appears whole."""
    if target.is_file() and not overwrite and target.stat().st_size == Path(path).stat().st_size:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name[:100]}.{new_id()}")
    try:
        shutil.copyfile(path, part)
        part.replace(target)
    except (OSError, HyperstoreError):
        with suppress(OSError):
            part.unlink()
        raise
    return target
