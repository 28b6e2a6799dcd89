"""Values to bytes and back: the only importer of msgspec and msgpack.

Canonical form: MessagePack with map keys that are strings sorted by their UTF-8 bytes, shortest
integers, 64-bit floats, UTF-8. One value gives one run of bytes, in any process, on any platform.
What comes in is never trusted: `plain` proves a Python value fit to be stored, and `decode` refuses
bytes that `encode` could not have written.

A `Struct` whose fields are declared in sorted order encodes without a sort; `canonical_fields`
holds each record to that.
"""

import math
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from enum import Enum
from typing import Any, NoReturn, Protocol, TypeAlias, TypeVar, Union, cast

import msgpack
import msgspec
from msgspec import Meta, Raw, Struct, field

from hyperstore.errors import CorruptError, HyperstoreError, UsageError
from hyperstore.limits import DEPTH_MAX, INT_MAX, INT_MIN, ITEMS_MAX, OBJECT_BYTES_MAX

__all__ = [
    "Meta",
    "Raw",
    "Struct",
    "Unfit",
    "Value",
    "astuple",
    "canonical_fields",
    "check_size",
    "converter",
    "decode",
    "decoder",
    "encode",
    "field",
    "pack",
    "plain",
    "replace",
    "stream_unpack",
]

# Not written with `|`: a type in quotes takes none.
Value: TypeAlias = Union[bool, int, float, str, bytes, list["Value"], dict[str, "Value"], None]  # noqa: UP007
"""What can be stored. Bytes only where the caller of `encode` and `decode` says so."""

T = TypeVar("T")


class Unfit(ValueError):
    """A value that cannot be stored: `path` is the place in it, `reason` what is wrong there.

    For callers inside the package, who know what the value was for and raise their own error.
    """

    def __init__(self, path: str, reason: str) -> None:
        shown = path if path.isprintable() else ascii(path)[1:-1]  # Keys are the user's.
        super().__init__(f"{shown[:200]}: {reason}" if path else reason)
        self.path = path
        self.reason = reason


class ByteReader(Protocol):
    """A file or socket that is open for reading bytes."""

    def read(self, size: int, /) -> bytes: ...


# Sorts the keys of maps; the fields of a Struct are written as declared.
_ENCODER = msgspec.msgpack.Encoder(order="deterministic")
_DECODER = msgspec.msgpack.Decoder()

astuple: Callable[[Struct], tuple[Any, ...]] = msgspec.structs.astuple
"""Return the values of a Struct's fields, in the order in which they are declared."""

pack: Callable[[object], bytes] = _ENCODER.encode
"""Encode what is known to be canonical: no check, so msgspec's own errors come out."""


def encode(
    value: object,
    *,
    what: str,
    allow_bytes: bool = False,
    error: type[HyperstoreError] = UsageError,
) -> bytes:
    """Return the canonical bytes of `value`, or raise `error` naming the place that is unfit."""
    try:
        data = pack(plain(value, allow_bytes=allow_bytes))
    except Unfit as fault:
        raise error(f"{what} cannot be stored: {fault}") from None
    if len(data) > OBJECT_BYTES_MAX:
        raise error(f"{what} takes {len(data):,} bytes; the limit is {OBJECT_BYTES_MAX:,}")
    return data


def decode(data: bytes, *, what: str, allow_bytes: bool = False) -> Value:
    """Return the value of canonical bytes; CorruptError for any others."""
    value = _guarded(_DECODER.decode, data, what)
    try:
        again = pack(plain(value, allow_bytes=allow_bytes))
    except Unfit as fault:
        raise CorruptError(f"{what} holds what is never written: {fault}") from None
    if again != data:
        raise CorruptError(f"{what} is not in canonical form")
    return cast("Value", value)


def decoder(kind: type[T]) -> Callable[..., T]:
    """Return `decode(data, what=...)` for one type; CorruptError for bytes that do not fit it.

    Checks types and size, not canonical form: where that matters, compare `pack(result)` and data.
    """
    raw_decode: Callable[[bytes], T] = msgspec.msgpack.Decoder(kind).decode

    def decode_typed(data: bytes, *, what: str = "record") -> T:
        if len(data) > ITEMS_MAX:
            return _guarded(raw_decode, data, what)
        try:
            return raw_decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as fault:
            raise CorruptError(f"{what} cannot be read: {fault}") from None

    return decode_typed


def replace(record: T, **fields: object) -> T:
    """Return a copy of a Struct with some fields set to other values."""
    return cast("T", msgspec.structs.replace(cast("Any", record), **fields))


def converter(kind: type[T], *, from_attributes: bool = False) -> Callable[[object], T | None]:
    """Return a function that makes a `kind` of a plain value, or None where it does not fit.

    With `from_attributes` it makes one of any object that has attributes like the fields.
    """
    convert = msgspec.convert
    with suppress(msgspec.ValidationError):
        convert(None, kind)  # A type that msgspec cannot handle is our fault, and shows here.

    def convert_typed(value: object) -> T | None:
        try:
            return convert(value, kind, from_attributes=from_attributes)
        except (msgspec.MsgspecError, ValueError, TypeError, AttributeError, RecursionError):
            return None

    return convert_typed


def canonical_fields(record: type[Struct]) -> type[Struct]:
    """Class decorator: assert that the fields of a record are declared in canonical order."""
    fields = record.__struct_encode_fields__
    assert list(fields) == sorted(fields), f"{record.__name__} is not in canonical order"
    return record


def _guarded(raw_decode: Callable[[bytes], T], data: bytes, what: str) -> T:
    """Decode under the limits on size, and on items where the size alone does not bound them."""
    if len(data) > OBJECT_BYTES_MAX:
        raise CorruptError(f"{what} takes {len(data):,} bytes; the limit is {OBJECT_BYTES_MAX:,}")
    if len(data) > ITEMS_MAX:  # An item takes a byte at least, so shorter data needs no count.
        for _ in stream_unpack(_Whole(data), what=what):
            pass
    try:
        return raw_decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as fault:
        raise CorruptError(f"{what} cannot be read: {fault}") from None


def check_size(data: bytes) -> None:
    """Raise Unfit where encoded data is over the limits of one object."""
    if len(data) > OBJECT_BYTES_MAX:
        raise Unfit("", f"it takes {len(data):,} bytes; the limit is {OBJECT_BYTES_MAX:,}")
    if len(data) > ITEMS_MAX:
        try:
            _guarded(_DECODER.decode, data, "it")
        except CorruptError as fault:
            raise Unfit("", str(fault)) from None


class _Whole:
    """Bytes in memory, read as from a file."""

    def __init__(self, data: bytes) -> None:
        self._rest = memoryview(data)

    def read(self, size: int, /) -> bytes:
        piece, self._rest = self._rest[:size], self._rest[size:]
        return bytes(piece)


def stream_unpack(source: ByteReader, *, what: str) -> Iterator[Value]:
    """Yield the values that stand one after the other in `source`, which nobody vouches for.

    Each is held to the limits of one object while it is read, so that memory stays bounded; its
    form is not checked. Bytes are allowed.
    """
    items = 0
    fed = used = 0

    def read(size: int) -> bytes:
        nonlocal fed
        piece = source.read(size)
        fed += len(piece)
        return piece

    def count(container: list[Any], each: int = 1) -> list[Any]:
        nonlocal items
        items += each * len(container)
        if items > ITEMS_MAX:
            raise ValueError(f"more than {ITEMS_MAX:,} items")
        return container

    def pairs(container: list[tuple[Any, Any]]) -> Any:
        return dict(count(container, 2))

    unpacker = msgpack.Unpacker(
        types.SimpleNamespace(read=read),
        raw=False,
        strict_map_key=True,
        list_hook=count,
        object_pairs_hook=pairs,
        ext_hook=_no_extension,
        max_buffer_size=2 * OBJECT_BYTES_MAX,
        max_str_len=OBJECT_BYTES_MAX,
        max_bin_len=OBJECT_BYTES_MAX,
        max_array_len=ITEMS_MAX,
        max_map_len=ITEMS_MAX,
        max_ext_len=0,
    )
    while True:
        items = 1
        try:
            value = unpacker.unpack()
        except msgpack.OutOfData:
            if fed != used:
                raise CorruptError(f"{what} ends in the middle of a value") from None
            return
        except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as fault:
            raise CorruptError(f"{what} cannot be read: {fault}") from None
        used = unpacker.tell()
        yield cast("Value", value)


def _no_extension(code: int, data: bytes) -> NoReturn:
    raise ValueError(f"extension type {code}, which is never written")


def plain(value: object, *, path: str = "", depth: int = 0, allow_bytes: bool = False) -> Value:
    """Return `value` made of the plain types only, or raise Unfit naming the first unfit place.

    Tuples, mappings and NumPy arrays become lists and dicts, NumPy scalars and subclasses of the
    plain types become plain, datetimes with a zone become ISO 8601 strings, -0.0 becomes 0.0.
    `depth` counts the containers around the value already.
    """
    return _Walk(allow_bytes=allow_bytes).value(value, path, depth)


class _Walk:
    """One walk over one value, counting its items."""

    def __init__(self, *, allow_bytes: bool) -> None:
        self._items = 0
        self._allow_bytes = allow_bytes

    def value(self, value: object, path: str, depth: int) -> Value:
        self._items += 1
        if self._items > ITEMS_MAX:
            raise Unfit(path, f"holds more than {ITEMS_MAX:,} values")
        if value is None or value is True or value is False:
            return value
        if isinstance(value, Enum) and not isinstance(value, (int, str)):
            raise Unfit(path, f"{_a(value)} cannot be stored; store its name or its value")
        if isinstance(value, str):
            return _text(value, path)
        if isinstance(value, int):
            return _integer(value, path)
        if isinstance(value, float):
            return _real(value, path)
        if isinstance(value, Mapping):
            return self._map(value, path, depth + 1)
        if isinstance(value, (list, tuple)):
            return self._list(value, path, depth + 1)
        return self._foreign(value, path, depth)

    def _list(self, value: list[Any] | tuple[Any, ...], path: str, depth: int) -> Value:
        _check_depth(path, depth)
        return [self.value(item, f"{path}[{at}]", depth) for at, item in enumerate(value)]

    def _map(self, value: Mapping[Any, Any], path: str, depth: int) -> Value:
        _check_depth(path, depth)
        self._items += len(value)
        found: dict[str, Value] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise Unfit(path, f"the key {_shown(key)} is {_a(key)}; keys are strings")
            name = _text(key, f"{path}.<key>" if path else "<key>")
            found[name] = self.value(item, f"{path}.{name}" if path else name, depth)
        return found

    def _foreign(self, value: object, path: str, depth: int) -> Value:
        if isinstance(value, datetime):
            try:
                moment = None if value.utcoffset() is None else value.isoformat()
            except (NotImplementedError, TypeError, ValueError) as fault:
                raise Unfit(path, f"a datetime whose time zone fails: {fault}") from None
            if moment is None:
                raise Unfit(path, "a datetime without a time zone is not a moment; give it tzinfo")
            return _text(moment, path)
        if isinstance(value, (bytes, bytearray, memoryview)) and self._allow_bytes:
            return bytes(value)
        numpy = sys.modules.get("numpy")  # Whoever has an array has imported it.
        if numpy is not None and isinstance(value, (numpy.generic, numpy.ndarray)):
            array: Any = value
            if array.dtype.kind in "biufUO" and not isinstance(array.tolist(), numpy.generic):
                return self.value(array.tolist(), path, depth)
        raise Unfit(path, f"{_a(value)} cannot be stored; make it a string, number or list")


def _check_depth(path: str, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise Unfit(path[:80], f"nested deeper than {DEPTH_MAX} levels, or it contains itself")


def _text(value: str, path: str) -> str:
    bare = value if type(value) is str else str.__str__(value)
    if not bare.isascii():
        try:
            bare.encode()
        except UnicodeEncodeError:
            raise Unfit(path, f"{_shown(bare)} holds an unpaired surrogate") from None
    return bare


def _integer(value: int, path: str) -> int:
    bare = int.__int__(value)
    if not INT_MIN <= bare <= INT_MAX:
        raise Unfit(path, "an integer outside -2^63 to 2^64-1 cannot be stored")
    return bare


def _real(value: float, path: str) -> float:
    bare = float.__float__(value)
    if not math.isfinite(bare):
        raise Unfit(path, f"{bare} is not a finite number")
    return bare + 0.0  # Makes -0.0 into 0.0, and changes no other number.


def _name(value: object) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _a(value: object) -> str:
    name = _name(value)
    return f"{'an' if name[:1] in 'aeiouAEIOU' else 'a'} {name}"


def _shown(value: object) -> str:
    """Show a value in a message: short, and safe to print."""
    text = ascii(value) if isinstance(value, (str, int, float, bytes)) else _name(value)
    return text if len(text) <= 60 else text[:57] + "..."
