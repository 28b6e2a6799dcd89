"""Every error that leaves the package, grouped by what a caller does next.

HyperstoreError
    UsageError(ValueError, RuntimeError)      the call itself is wrong: change the call
    FrameError(ValueError)                    a frame cannot be stored: mend the frame
    QueryError(ValueError)                    a query cannot be read: mend the query
    NotFoundError(KeyError, ValueError)       no such dataset, version, frame, commit, tag or key
    ExistsError(ValueError)                   the name is taken
    PublishedError                            a published version does not change: make a child
    ConflictError                             somebody else moved it first: read again, then retry
    MissingObjectError                        an object is not here: on purpose, forgotten, or lost
    RefusedError                              refused for safety: the message says how to allow it
    MediaError(OSError)                       raw data cannot be had: look at the source, then retry
    CorruptError                              stored bytes are damaged: run fsck
    FormatError                               bytes of another format, or a newer one
    LockedError                               another process holds what is needed: wait, then retry
    DiskFullError(OSError)                    no room, or the disk failed a write: nothing changed
    ForkError                                 a handle was carried over a fork inside a write
"""

import sys
import warnings
from collections.abc import Sequence
from contextlib import __file__ as _CONTEXTS
from pathlib import Path

__all__ = [
    "ConflictError",
    "CorruptError",
    "DiskFullError",
    "ExistsError",
    "ForkError",
    "FormatError",
    "FrameError",
    "HyperstoreError",
    "LockedError",
    "MediaError",
    "MissingObjectError",
    "NotFoundError",
    "PublishedError",
    "QueryError",
    "RefusedError",
    "UsageError",
    "a_type",
    "count_of",
    "nearest",
    "warn",
]

_PACKAGE = str(Path(__file__).parent)


_SHOWN_MAX = 1_000  # Characters of a message.
_COMPARED = 2_000  # Names; comparing costs by their number and their length.
_COMPARED_CHARACTERS = 255


class HyperstoreError(Exception):
    """The base of all errors that hyperstore raises on purpose."""

    def __str__(self) -> str:
        text = Exception.__str__(self)  # KeyError would otherwise quote the message.
        if len(text) <= _SHOWN_MAX:
            return text
        # What was asked may have been a megabyte; what to do about it stands at the end.
        return f"{text[: _SHOWN_MAX // 2]} ... {text[-_SHOWN_MAX // 2 :]}"


class UsageError(HyperstoreError, ValueError, RuntimeError):
    """A call with arguments that do not fit together."""


class FrameError(HyperstoreError, ValueError):
    """A frame that cannot be stored; `path` names the place inside it, such as `rois[2].poly`.

    `frame` is the frame as it was given, where it came as one of many.
    """

    def __init__(self, message: str, *, path: str = "", frame_id: str | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.frame_id = frame_id
        self.frame: object | None = None


class QueryError(HyperstoreError, ValueError):
    """A query that cannot be parsed or answered."""


class NotFoundError(HyperstoreError, KeyError, ValueError):
    """Something that was asked for by name or id and is not there."""


class ExistsError(HyperstoreError, ValueError):
    """Something that was to be created and is there already."""


class PublishedError(HyperstoreError):
    """An edit of a published version."""


class ConflictError(HyperstoreError):
    """A compare-and-swap that lost, or edits that do not merge."""


class MissingObjectError(HyperstoreError):
    """An object that is not in the store; `state` says whether on purpose, forgotten or lost."""

    def __init__(self, message: str, *, state: str = "lost") -> None:
        super().__init__(message)
        self.state = state


class RefusedError(HyperstoreError):
    """Something that could be done but is refused for safety unless explicitly allowed."""


class MediaError(HyperstoreError, OSError):
    """Raw data that could not be fetched, or was not what it claimed to be."""


class CorruptError(HyperstoreError):
    """Stored bytes that are not what was written."""


class FormatError(HyperstoreError):
    """Bytes that are not of a format that this version reads."""


class LockedError(HyperstoreError):
    """Something that another process holds."""


class DiskFullError(HyperstoreError, OSError):
    """A write that the disk refused: no room, or an input/output error."""


class ForkError(HyperstoreError):
    """A store handle used in a forked child while the parent was inside a write."""


def count_of(number: int, noun: str) -> str:
    """Return `1 frame`, `2 frames`, for a message."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def nearest(name: str, known: Sequence[str], most: int = 5) -> str:
    """Return the known names that look most like one, for a message; then the others."""
    from difflib import get_close_matches  # Not loaded for those whom nothing goes wrong for.

    close = get_close_matches(
        name[:_COMPARED_CHARACTERS], [one[:_COMPARED_CHARACTERS] for one in known[:_COMPARED]], most
    )
    shown = list(dict.fromkeys([*close, *known]))[: max(most, 1)]
    return ", ".join(ascii(one) for one in shown)


def a_type(value: object) -> str:
    """Return what a value is, for a message: `an int`, `a str`."""
    name = type(value).__name__
    return f"{'an' if name[:1] in 'aeiouAEIOU' else 'a'} {name}"


def warn(message: str) -> None:
    """Warn whoever called the package, at the line where that was."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith((_PACKAGE, _CONTEXTS)):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)
