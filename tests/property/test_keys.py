"""Keys sort like what they stand for, and can be read back."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hyperstore.errors import CorruptError
from hyperstore.frames.keys import (
    context_range,
    frame_id,
    frame_key,
    order_key,
    order_parts,
    time_bound,
)

hex_ids = st.binary(min_size=16, max_size=16).map(bytes.hex)
ids = hex_ids | hex_ids.map(str.upper) | st.text(min_size=1, max_size=40)
contexts = st.text(alphabet="a\0\1\xff\U0001f600", max_size=4) | st.text(max_size=6)
times = st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1)
TimeTuple = tuple[str, int, str]
tuples = st.tuples(contexts, times, ids)


def key_of(parts: TimeTuple) -> bytes:
    """Return the order key of a tuple."""
    return order_key(parts[0], parts[1], frame_key(parts[2]))


def sortable(parts: TimeTuple) -> tuple[bytes, int, bytes]:
    """Return a tuple that Python sorts as the order tree should."""
    return parts[0].encode(), parts[1], frame_key(parts[2])


@given(ids, ids)
@example("0" * 32, bytes(16).decode())
def test_frame_keys_tell_ids_apart_and_give_them_back(one: str, other: str) -> None:
    """Two frames with one key would overwrite each other."""
    assert (frame_key(one) == frame_key(other)) == (one == other)
    assert frame_id(frame_key(one)) == one


@given(tuples, tuples)
@example(("a", -1, "x"), ("a", 1, "x"))
@example(("a", 0, "x"), ("a\0", -(2**63), "x"))
@example(("a", 2**63 - 1, "x"), ("a\0\0", -(2**63), "x"))
def test_order_keys_sort_like_their_tuples(one: TimeTuple, other: TimeTuple) -> None:
    """A range scan of the order tree returns frames in time order."""
    assert (key_of(one) < key_of(other)) == (sortable(one) < sortable(other))
    assert order_parts(key_of(one)) == (one[0], one[1], frame_key(one[2]))


@given(tuples, contexts, times)
def test_ranges_hold_exactly_their_context(parts: TimeTuple, context: str, time: int) -> None:
    """Reading one context must neither miss a frame nor show another's."""
    start, stop = context_range(context)
    assert (start <= key_of(parts) < stop) == (parts[0] == context)
    within = time_bound(context, time) <= key_of(parts) < stop
    assert within == (parts[0] == context and parts[1] >= time)


@given(tuples)
def test_times_beyond_the_range_are_its_ends(parts: TimeTuple) -> None:
    """A caller may ask for all frames until the end of time."""
    start, stop = context_range(parts[0])
    assert start <= time_bound(parts[0], -(2**80)) <= key_of(parts)
    assert time_bound(parts[0], 2**80) == stop


@given(st.binary(max_size=40))
def test_what_is_no_key_is_damage(data: bytes) -> None:
    """A damaged tree gives an error, never a wrong frame."""
    for read in (frame_id, order_parts):
        with suppress(CorruptError):
            read(data)
    with pytest.raises(CorruptError):
        frame_id(b"\x07" + data)
