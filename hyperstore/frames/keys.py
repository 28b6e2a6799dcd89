"""The keys of the two trees of a snapshot, as bytes that sort like what they stand for.

A frame key is a tag and the frame id: ids of 32 hex digits, which most are, take 16 bytes. An order
key is (context, timestamp, frame key): the context with each NUL escaped, two NULs, the time with
its sign flipped, the frame key. No encoded context is the beginning of another, so the keys sort
like the tuples.
"""

from hyperstore.errors import CorruptError, FrameError
from hyperstore.limits import CONTEXT_BYTES_MAX, FRAME_ID_BYTES_MAX, TIMESTAMP_BYTES

__all__ = [
    "AFTER_ALL",
    "context_range",
    "frame_id",
    "frame_key",
    "frame_key_of",
    "moment_of",
    "order_key",
    "order_parts",
    "time_bound",
]

AFTER_ALL = b"\xff"
"""A bound that stands after every order key: no UTF-8 begins with this byte."""

_HEX = b"\x01"
_TEXT = b"\x02"
_END = b"\0\0"
_AFTER_END = b"\0\1"
_ESCAPED_NUL = b"\0\xff"
_SIGN = 2**63


def frame_key(frame_id: str) -> bytes:
    """Return the key of a frame in the tree of frames."""
    if len(frame_id) == 32:
        try:
            raw = bytes.fromhex(frame_id)
        except ValueError:
            pass
        else:
            if raw.hex() == frame_id:  # Not so for upper case, which is another id.
                return _HEX + raw
    try:
        text = frame_id.encode()
    except UnicodeEncodeError:
        raise FrameError(f"frame id {frame_id!a} is not UTF-8", path="id") from None
    if not 0 < len(text) <= FRAME_ID_BYTES_MAX:
        raise FrameError(
            f"a frame id takes 1 to {FRAME_ID_BYTES_MAX} bytes; this one takes {len(text):,}",
            path="id",
        )
    return _TEXT + text


def frame_id(key: bytes) -> str:
    """Return the frame id of a key; CorruptError for a key that `frame_key` does not make."""
    try:
        found = key[1:].hex() if key[:1] == _HEX else key[1:].decode()
        if frame_key(found) == key:
            return found
    except (UnicodeDecodeError, FrameError):
        pass
    raise CorruptError(f"{key.hex()} is not the key of a frame")


def order_key(context: str, timestamp: int, key: bytes) -> bytes:
    """Return the key, in the tree of order, of the frame with this frame key."""
    try:
        text = context.encode()
    except UnicodeEncodeError:
        raise FrameError(f"{context[:60]!a} is not UTF-8", path="context_id") from None
    if len(text) > CONTEXT_BYTES_MAX:
        raise FrameError(
            f"the context takes {len(text):,} bytes; the limit is {CONTEXT_BYTES_MAX:,} "
            "(where no context_id is given, it is the URI of the first source)",
            path="context_id",
        )
    if b"\0" in text:
        text = text.replace(b"\0", _ESCAPED_NUL)
    return text + (_AT_ZERO if timestamp == 0 else _moment(timestamp)) + key


def _moment(timestamp: int) -> bytes:
    """Return what stands between context and frame key."""
    # Flipping the sign bit makes negative times sort before positive ones.
    return _END + (timestamp + _SIGN).to_bytes(TIMESTAMP_BYTES, "big")


_AT_ZERO = _moment(0)


def order_parts(key: bytes) -> tuple[str, int, bytes]:
    """Return context, timestamp and frame key of an order key; CorruptError if it is none."""
    at = key.find(_END)
    time_at = at + len(_END)
    key_at = time_at + TIMESTAMP_BYTES
    try:
        context = key[:at].replace(_ESCAPED_NUL, b"\0").decode()
        timestamp = int.from_bytes(key[time_at:key_at], "big") - _SIGN
        frame_id(key[key_at:])
        if at >= 0 and order_key(context, timestamp, key[key_at:]) == key:
            return context, timestamp, key[key_at:]
    except (UnicodeDecodeError, FrameError):
        pass
    raise CorruptError(f"{key.hex()} is not an order key")


def moment_of(key: bytes) -> tuple[bytes, int]:
    """Return the encoded context and the timestamp of an order key that a sound tree holds."""
    at = key.find(_END)
    time_at = at + len(_END)
    return key[:at], int.from_bytes(key[time_at : time_at + TIMESTAMP_BYTES], "big") - _SIGN


def frame_key_of(key: bytes) -> bytes:
    """Return the frame key of an order key that a sound tree holds."""
    return key[key.find(_END) + len(_END) + TIMESTAMP_BYTES :]


def context_range(context: str) -> tuple[bytes, bytes]:
    """Return the first order key that a frame of this context can have, and the end of them all."""
    start = order_key(context, 0, b"")[:-TIMESTAMP_BYTES]
    return start, start[: -len(_END)] + _AFTER_END


def time_bound(context: str, timestamp: int) -> bytes:
    """Return a bound that stands before all frames of a context at or after this time.

    A time beyond 64 bits gives the bound that stands at that end of the context.
    """
    _, stop = context_range(context)
    if timestamp >= _SIGN:
        return stop
    return order_key(context, max(timestamp, -_SIGN), b"")
