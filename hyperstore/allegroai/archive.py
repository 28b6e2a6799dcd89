"""Archives unpacked once, into the cache, by what cannot lead out of the folder.

What is unpacked is bounded: an archive may claim to be small and be a bomb.
"""

import shutil
import tarfile
import zipfile
from pathlib import Path

from hyperstore.errors import MediaError
from hyperstore.ids import content_hash, new_id
from hyperstore.limits import ARCHIVE_BYTES_MAX, ARCHIVE_FILES_MAX
from hyperstore.media.settings import media_settings
from hyperstore.media.uri import shown

__all__ = ["extracted", "is_archive"]

_SUFFIXES = (".zip", ".tgz", ".tar.gz")


def is_archive(path: str) -> bool:
    """Tell whether a file is an archive, by its name."""
    return path.lower().endswith(_SUFFIXES)


def extracted(path: str) -> str:
    """Return the folder with what is in an archive; it appears when all of it is there."""
    known = Path(path).stat()
    key = f"{path}\0{known.st_size}\0{known.st_mtime_ns}".encode(errors="surrogateescape")
    folder = Path(media_settings(None).cache_dir) / "unpacked" / content_hash([key])[:40]
    if folder.is_dir():
        return str(folder)
    part = folder.with_name(f".{folder.name}.{new_id()}")
    part.mkdir(parents=True)
    try:
        if path.lower().endswith(".zip"):
            _unzip(path, part)
        else:
            _untar(path, part)
        part.rename(folder)
    except OSError:
        if not folder.is_dir():  # Else somebody else was first.
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return str(folder)


def _unzip(path: str, folder: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _check(path, len(members), sum(one.file_size for one in members))
        archive.extractall(folder)  # Which drops what would lead out of it.


def _untar(path: str, folder: Path) -> None:
    if not hasattr(tarfile, "data_filter"):
        raise MediaError(f"{shown(path)} is not unpacked by this Python: 3.11.4 is the first")
    with tarfile.open(path) as archive:
        members = archive.getmembers()
        _check(path, len(members), sum(one.size for one in members))
        archive.extractall(folder, filter="data")


def _check(path: str, files: int, size: int) -> None:
    if files > ARCHIVE_FILES_MAX or size > ARCHIVE_BYTES_MAX:
        raise MediaError(
            f"{shown(path)} holds {files:,} files of {size:,} bytes, more than is unpacked; "
            "extract_archive=False leaves it as it is"
        )
