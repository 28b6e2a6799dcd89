"""The bytes of keys, and ids that have none."""

import pytest

from hyperstore.errors import CorruptError, FrameError
from hyperstore.frames.keys import AFTER_ALL, frame_key, order_key, order_parts
from hyperstore.limits import CONTEXT_BYTES_MAX, FRAME_ID_BYTES_MAX, ORDER_KEY_BYTES_MAX


def test_keys_are_as_the_format_says() -> None:
    """A stranger's reader is written from these bytes."""
    assert frame_key("0f" * 16) == b"\x01" + b"\x0f" * 16
    assert frame_key("0F" * 16) == b"\x02" + b"0F" * 16
    assert frame_key("x") == b"\x02x"
    assert order_key("a\0", -1, b"\x02x") == b"a\0\xff\0\0\x7f" + b"\xff" * 7 + b"\x02x"
    assert order_key("", 0, b"\x02x") == b"\0\0\x80" + b"\0" * 7 + b"\x02x"


def test_ids_and_contexts_over_their_limits_have_no_key() -> None:
    """The longest ones fit exactly."""
    longest = order_key("\0" * CONTEXT_BYTES_MAX, 0, frame_key("x" * FRAME_ID_BYTES_MAX))
    assert len(longest) == ORDER_KEY_BYTES_MAX
    assert longest < AFTER_ALL
    for wrong in ("", "x" * (FRAME_ID_BYTES_MAX + 1), "\ud800", "\ud800" * 32):
        with pytest.raises(FrameError):
            frame_key(wrong)
    for wrong in ("x" * (CONTEXT_BYTES_MAX + 1), "\ud800"):
        with pytest.raises(FrameError):
            order_key(wrong, 0, b"")


def test_keys_that_are_never_made_are_damage() -> None:
    """Each would be a second key for a frame that has one, or none at all."""
    good = order_key("a", 5, frame_key("x"))
    hex_as_text = b"\x02" + b"0f" * 16
    for wrong in (b"", b"a", good[:-1], b"\0\1" + good, b"\xff" + good, good[:-2] + hex_as_text):
        with pytest.raises(CorruptError):
            order_parts(wrong)
