"""A JSON object read field by field, and its large arrays item by item, in bounded memory.

The standard library's scanner (C) runs over a window of text that grows only while one value does
not fit it. On annotations like those of instances_train2017 it reads 29 MB a second of CPU time,
ijson 3.6 (yajl2_c) 28 with Decimals and 42 with floats; a file of 341 MB takes 12 MB of anonymous
memory. Why not ijson: it keeps the last of two equal keys and makes unpaired surrogates into "?",
both in silence, and says no line.

Refused, each with line and column: what is not UTF-8 (a byte order mark is skipped), a key that
stands twice in one object, NaN and infinities, numbers that a frame cannot hold, unpaired
surrogates, nesting deeper than a frame can hold, values over the limit, text after the end.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from hyperstore.codec import Unfit, plain
from hyperstore.errors import FormatError, NotFoundError, RefusedError
from hyperstore.limits import (
    DEPTH_MAX,
    FOREIGN_DEPTH_MAX,
    JSON_CHUNK_BYTES,
    JSON_VALUE_CHARS_MAX,
)

__all__ = ["Field", "JsonFile"]

_SPACE = re.compile(r"[ \t\n\r]*")
# What may be a number out of range, or half a character: then the exact, slow check looks. The
# search runs over bytes whose digits are all made 0, a whole chunk at a time: a search of each
# value with a pattern took two thirds of the time of reading.
_DIGITS = bytes.maketrans(b"123456789ED", b"000000000ed")
_SUSPECT = (b"0" * 19, b"0e000", b"0e+000", b"\\ud")
_OVERLAP = 20  # So that nothing hides at the seam of two chunks.


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the file; of a streamed array, one item, or its start, where `index` is -1."""

    name: str
    index: int | None  # None where the field is given whole.
    value: object
    text: str  # As it stood in the file.


class _Refused(ValueError):
    """A value that JSON's grammar allows, or Python's reader does, and we do not."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Refused(f"the key {key[:80]!r} stands twice in one object")
            seen.add(key)
    return value


def _constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is not a number of JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


def _is_suspect(data: bytes) -> bool:
    plain = data.translate(_DIGITS)
    long, exponent, signed, surrogate = _SUSPECT
    return long in plain or exponent in plain or signed in plain or surrogate in plain


class JsonFile:
    """An open file; `fields` may be walked once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._at = 0
        self._line, self._column = 1, 1  # Of the window's first character.
        self._bytes = 0
        self._tail = b""
        self._is_suspect = False  # Whether anything in the window is.
        self._ended = False
        if path.is_dir():
            raise FormatError(f"{path} is a folder, not a JSON file")
        try:
            self._stream = path.open("rb")
        except FileNotFoundError:
            raise NotFoundError(f"no file {path}") from None
        except OSError as fault:
            raise RefusedError(f"{path} cannot be read: {fault.strerror}") from None

    def __enter__(self) -> "JsonFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def fields(self, streamed: frozenset[str]) -> Iterator[Field]:
        """Yield the fields of the one object in the file, arrays named in `streamed` by item."""
        found = self._peek()
        if found != "{":
            self._fail("a COCO file is one JSON object" if found else "the file is empty")
        names: set[str] = set()
        for _ in self._members("}"):
            name = self._key()
            if name in names:
                self._fail(f"the field {name[:80]!r} stands twice")
            names.add(name)
            if name in streamed and self._peek() == "[":
                yield Field(name, -1, [], "")
                for index, _ in enumerate(self._members("]")):
                    yield Field(name, index, *self._value(f"{name}[{index}]"))
            else:
                yield Field(name, None, *self._value(name))
        if self._peek():
            self._fail("there is more text after the end of the object")

    def _members(self, end: str) -> Iterator[None]:
        """Step over an opening bracket, then stop before each member, then over the end."""
        self._at += 1
        if self._peek() == end:
            self._at += 1
            return
        while True:
            yield
            found = self._peek()
            if found not in (",", end):
                self._fail(f"expected ',' or '{end}'" if found else "the file ends too early")
            self._at += 1
            if found == end:
                return

    def _key(self) -> str:
        if self._peek() != '"':
            self._fail("expected a field's name in double quotes")
        name, _ = self._value("a field's name")
        if self._peek() != ":":
            self._fail(f"expected ':' after the field's name {str(name)[:80]!r}")
        self._at += 1
        return str(name)

    def _peek(self) -> str:
        """Return the next character that is no space, or "" at the end."""
        found = self._text[self._at : self._at + 1]
        if found > " ":
            return found
        while True:
            space = _SPACE.match(self._text, self._at)
            assert space is not None
            self._at = space.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def _value(self, place: str) -> tuple[object, str]:
        if not self._peek():
            self._fail(f"the file ends where {place} should begin")
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as fault:
                if self._is_certain(fault) or not self._grow(place):
                    short = self._ended and fault.pos >= len(self._text) - 1
                    why = "the file ends too early" if short else fault.msg.removesuffix(" at")
                    self._fail(f"{place} is not JSON: {why}", at=fault.pos)
                continue
            except RecursionError:
                self._fail(f"{place} is nested deeper than the {DEPTH_MAX} levels of a frame")
            except _Refused as fault:
                self._fail(f"{place}: {fault}")
            except ValueError:  # Python's own bound on the digits of an integer.
                self._fail(f"{place} holds a number that no frame can hold")
            if len(self._text) - end < len("e+0") and not self._ended and self._grow(place):
                continue  # A number may go on in the next chunk, with `.`, `e` or `e+` in this one.
            text = self._text[self._at : end]
            self._check(value, text, place)
            self._at = end
            return value, text

    def _is_certain(self, fault: json.JSONDecodeError) -> bool:
        """Whether more text could not mend it: an end that is cut off shows near the end."""
        if fault.msg.startswith(("Unterminated", "Invalid \\")):
            return False
        return fault.pos < len(self._text) - len("-Infinity")

    def _check(self, value: object, text: str, place: str) -> None:
        brackets = text.count("[") + text.count("{")
        if brackets <= FOREIGN_DEPTH_MAX and not (self._is_suspect and _is_suspect(text.encode())):
            return
        try:
            plain(value, path=place, depth=DEPTH_MAX - FOREIGN_DEPTH_MAX)
        except Unfit as fault:
            self._fail(str(fault))

    def _grow(self, place: str) -> bool:
        if len(self._text) - self._at > JSON_VALUE_CHARS_MAX:
            self._fail(f"{place} is longer than {JSON_VALUE_CHARS_MAX:,} characters")
        return self._fill()

    def _fill(self) -> bool:
        """Drop what is read, and read at least as much again as is left; False at the end."""
        if self._ended:
            return False
        # One read from below at a time: a long one over a pipe would not see Ctrl-C in between.
        chunk = self._stream.read1(max(JSON_CHUNK_BYTES, len(self._text) - self._at))
        first = self._bytes == 0
        if first and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            self._fail("the file is UTF-16 (or UTF-32); COCO files are UTF-8")
        more = self._decoded(chunk)
        if not chunk:
            self._ended = True
            return False
        self._line, self._column = self._position(self._at)
        rest = self._text[self._at :]
        self._at = 0
        self._is_suspect = _is_suspect(self._tail + chunk) or (self._is_suspect and rest != "")
        self._tail = chunk[-_OVERLAP:]
        self._bytes += len(chunk)
        self._text = rest + (more.removeprefix("\ufeff") if first else more)
        return True

    def _decoded(self, chunk: bytes) -> str:
        held = self._decoder.getstate()[0]  # The beginning of a character that was cut off.
        try:
            return self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as fault:
            self._text += (held + chunk)[: fault.start].decode()
            offset = self._bytes - len(held) + fault.start
            self._fail(f"byte {offset} is not UTF-8; COCO files are UTF-8", at=len(self._text))

    def _position(self, at: int) -> tuple[int, int]:
        lines = self._text.count("\n", 0, at)
        if not lines:
            return self._line, self._column + at
        return self._line + lines, at - self._text.rfind("\n", 0, at)

    def _fail(self, why: str, *, at: int | None = None) -> NoReturn:
        line, column = self._position(self._at if at is None else at)
        raise FormatError(f"{self.path}: line {line}, column {column}: {why}")
