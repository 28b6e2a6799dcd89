"""Where local files lie: URIs of files inside a root are stored relative to it.

So two machines that keep one folder in different places agree on every byte of a frame. The stored
form is `root:/a/b.jpg` for the default root and `root:NAME/a/b.jpg` for a named one. What is read
answers `file:///...`, and a URI that is given in such a form is refused: it could mean two things.
"""

import os
import posixpath
import re
from collections.abc import Mapping

from hyperstore.codec import Unfit
from hyperstore.errors import a_type

__all__ = ["NO_ROOTS", "RESERVED", "Roots", "absolute_uri", "is_remote", "local_path"]

RESERVED = "root:"
_FILE = "file://"
_LOCAL = "file:///"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # One letter is a drive, not a scheme.
# What most URIs begin with; anything else takes the longer way to the same answer.
_REMOTE = ("s3://", "https://", "http://", "gs://", "azure://")


def absolute_uri(given: object, path: str) -> str:
    """Return a URI as it was given, or the `file:///` form of a local path, made absolute.

    Links in a path are not followed. Raise Unfit for what cannot be stored.
    """
    if isinstance(given, os.PathLike):
        given = os.fspath(given)
    if not isinstance(given, str):
        raise Unfit(path, f"{a_type(given)} is not a URI; give a string or a path")
    uri = str.__str__(given)
    if uri.startswith(_REMOTE) and uri.isascii():
        return uri
    if not uri:
        raise Unfit(path, "the URI is empty")
    try:
        uri.encode()
    except UnicodeEncodeError:
        raise Unfit(path, f"the file name {uri!a} is not UTF-8; rename the file") from None
    if uri.startswith(RESERVED):
        raise Unfit(path, f"{uri!a} is in a form that the store keeps for itself")
    if _SCHEME.match(uri):
        return uri
    if "\0" in uri:
        raise Unfit(path, f"the path {uri!a} holds a NUL")
    return _FILE + os.path.abspath(uri)  # noqa: PTH100 - Path.absolute() would keep `..`.


def is_remote(uri: str) -> bool:
    """Tell whether a URI is surely one that `absolute_uri` leaves alone; False proves nothing."""
    return uri.startswith(_REMOTE)


def local_path(uri: str) -> str:
    """Return the path of a local file, or any other URI as it is."""
    return uri[len(_FILE) :] if uri.startswith(_LOCAL) else uri


class Roots:
    """The folders under which files are stored by relative path; a plain value that pickles."""

    __slots__ = ("_by_length", "_folders")

    def __init__(self, folders: Mapping[str, str | os.PathLike[str]]) -> None:
        """Take the name and folder of each root; the default root has the empty name."""
        self._folders = {}
        for name, folder in folders.items():
            if "/" in name:
                raise ValueError(f"the root name {name!a} holds a slash")
            self._folders[name] = os.path.abspath(folder).rstrip("/")  # noqa: PTH100
        # The longest folder first, so that a root inside another one gets its own files.
        self._by_length = sorted(
            (
                (_FILE + folder + "/", f"{RESERVED}{name}/")
                for name, folder in self._folders.items()
            ),
            key=lambda pair: (-len(pair[0]), pair[1]),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Roots) and self._folders == other._folders

    def __hash__(self) -> int:
        return hash(tuple(sorted(self._folders.items())))

    def __repr__(self) -> str:
        return f"Roots({self._folders!r})"

    def stored(self, uri: str) -> str:
        """Return the stored form of a URI that `absolute_uri` made."""
        if not uri.startswith(_LOCAL):
            return uri
        for start, short in self._by_length:
            if uri.startswith(start):
                # A path that climbs out of the root, or has two forms, is not relative to it.
                path = uri[len(_FILE) :]
                return short + uri[len(start) :] if posixpath.normpath(path) == path else uri
        return uri

    def absolute(self, stored: str) -> str:
        """Return the `file:///` form of a stored URI; as it is where its root has no folder."""
        if not stored.startswith(RESERVED):
            return stored
        name, slash, rest = stored[len(RESERVED) :].partition("/")
        folder = self._folders.get(name)
        return stored if folder is None or not slash else f"{_FILE}{folder}/{rest}"


NO_ROOTS = Roots({})
