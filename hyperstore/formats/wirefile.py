"""Frames in the wire form from a file or a pipe: JSON lines, lists of frames, or one frame.

What is read is a run of JSON objects, with lists around any of them, so `jq`'s output, JSON lines
and a plain list all do. The window of text grows only while one frame does not fit it.
"""

import codecs
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

from hyperstore.errors import FormatError
from hyperstore.limits import JSON_CHUNK_BYTES, JSON_VALUE_CHARS_MAX

__all__ = ["FrameInFile", "read_frames"]

_SPACE = " \t\r\n"


@dataclass(slots=True)
class FrameInFile:
    """A wire frame, and where it begins: in a line, and as which item if it stands in a list."""

    wire: dict[str, object]
    name: str
    line: int
    index: int | None  # From 0.

    def to_dict(self) -> dict[str, object]:
        """Return the wire frame: so this may be stored like any other frame."""
        return self.wire

    @property
    def place(self) -> str:
        """File, line and item, for an error."""
        item = "" if self.index is None else f", item [{self.index}]"
        return f"{self.name}: line {self.line}{item}"


class _Refused(ValueError):
    """A value that Python's reader takes and JSON does not, or that says a thing twice."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for at, key in enumerate(names) if key in names[:at])
        raise _Refused(f"the key {twice[:80]!a} stands twice in one object")
    return value


def _constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is not a number of JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


def read_frames(stream: BinaryIO, name: str) -> Iterator[FrameInFile]:
    """Yield the frames in a stream that is open for bytes; `name` is named in errors.

    FormatError with line and column for what is not UTF-8, not JSON, or no object.
    """
    return _Window(stream, name).frames()


class _Window:
    """The part of the text that is looked at, and where in the file it stands."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        # One read from below at a time: a long one over a pipe would not see Ctrl-C in between.
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self._name = name
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._at = 0
        self._line, self._column = 1, 1  # Of the window's character at `_known`.
        self._known = 0
        self._ended = False
        self._begun = False

    def frames(self) -> Iterator[FrameInFile]:
        depth = 0
        index = 0
        may_follow = True  # Whether a value may come here: not twice in a list without a comma.
        while character := self._peek():
            if character == "[" and may_follow:
                depth += 1
                index = 0
            elif character == "]" and depth:
                depth -= 1
                may_follow = not depth
            elif character == "," and depth and not may_follow:
                may_follow = True
            elif character == "{" and may_follow:
                self._advance()
                line = self._line
                yield FrameInFile(self._object(), self._name, line, index if depth == 1 else None)
                index += 1
                may_follow = not depth
                continue
            else:
                self._fail(f"a frame begins with '{{', not with {character!a}")
            self._at += 1
        if depth:
            self._fail("the file ends inside a list")

    def _object(self) -> dict[str, object]:
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except _Refused as fault:
                self._fail(str(fault))
            except json.JSONDecodeError as fault:
                near_end = fault.pos >= len(self._text) - len("-Infinity")
                ahead = fault.pos - self._at  # Growing moves the window.
                if (near_end or fault.msg.startswith(("Unterminated", "Invalid \\"))) and (
                    self._grow()
                ):
                    continue
                self._fail(f"not JSON: {fault.msg.removesuffix(' at')}", at=self._at + ahead)
            except (ValueError, RecursionError):  # More digits or levels than Python reads.
                self._fail("a number or a nesting that no frame can hold")
            assert isinstance(value, dict)
            self._at = end
            return value

    def _peek(self) -> str:
        """Return the next character that is no space, or "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def _grow(self) -> bool:
        if len(self._text) - self._at > JSON_VALUE_CHARS_MAX:
            self._fail(f"a frame is longer than {JSON_VALUE_CHARS_MAX:,} characters")
        return self._fill()

    def _fill(self) -> bool:
        """Drop what is read, and read at least as much again as is left; False at the end."""
        if self._ended:
            return False
        self._advance()
        rest = self._text[self._at :]
        chunk = self._read(max(JSON_CHUNK_BYTES, len(rest)))
        self._text, self._at, self._known = rest, 0, 0
        try:
            more = self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:
            self._fail("the text is not UTF-8", at=len(rest))
        self._ended = not chunk
        self._text = rest + (more if self._begun else more.removeprefix("\ufeff"))
        self._begun = True
        return bool(chunk)

    def _advance(self) -> None:
        """Count lines up to here, so that none is counted twice."""
        self._line, self._column = self._position(self._at)
        self._known = self._at

    def _position(self, at: int) -> tuple[int, int]:
        lines = self._text.count("\n", self._known, at)
        if not lines:
            return self._line, self._column + at - self._known
        return self._line + lines, at - self._text.rfind("\n", 0, at)

    def _fail(self, why: str, *, at: int | None = None) -> NoReturn:
        line, column = self._position(self._at if at is None else at)
        raise FormatError(f"{self._name}: line {line}, column {column}: {why}")
