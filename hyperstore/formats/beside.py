"""Datasets of several files: which they are, and what of the version stands beside them.

What a version says of itself, its metadata, lies in `hyperstore.json` in the folder of its files,
since no file of another format has a place for it.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from hyperstore.errors import FormatError, NotFoundError
from hyperstore.formats.combine import Wire, mapping
from hyperstore.formats.staging import Staging
from hyperstore.limits import SIDE_BYTES_MAX

__all__ = ["ABOUT", "files_in", "put_about", "said_beside"]

ABOUT = "hyperstore.json"
"""The file beside the others that says what the version says of itself."""
_VERSION = 1


def put_about(staging: Staging, meta: Mapping[str, object] | None) -> None:
    """Write what the version says of itself beside its files."""
    about = {"version": _VERSION, "meta": dict(meta or {})}
    staging.put(ABOUT, json.dumps(about, sort_keys=True).encode())


def said_beside(paths: Sequence[Path]) -> Wire:
    """Return what the version says of itself in these folders; {} where nothing does."""
    meta: Wire = {}
    for path in paths:
        file = path / ABOUT
        if not file.is_file():
            continue
        with file.open("rb") as stream:
            text = stream.read(SIDE_BYTES_MAX)
        try:
            said = mapping(json.loads(text))
        except (ValueError, RecursionError):
            raise FormatError(f"{file} is no JSON") from None
        if said.get("version") != _VERSION or not isinstance(said.get("meta"), dict):
            raise FormatError(f"{file} was written by another version of hyperstore")
        meta |= mapping(said["meta"])
    return meta


def files_in(
    paths: Sequence[Path], endings: tuple[str, ...], *, what: str, below: bool, may_be_none: bool
) -> list[Path]:
    """Return files as they are named, and of folders those that end so, by name.

    With `below` those of folders in them, too. Of a folder with nothing but what stands beside
    files, `may_be_none` says that it may be a version without frames.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            if not path.is_file():
                raise NotFoundError(f"no file or folder {str(path)!a}")
            found.append(path)
            continue
        inside = path.rglob("*") if below else path.iterdir()
        held = sorted(one for one in inside if one.name.endswith(endings) and one.is_file())
        if not held and not (may_be_none and (path / ABOUT).is_file()):
            raise NotFoundError(f"{path} holds no {what}")
        found += held
    return found
