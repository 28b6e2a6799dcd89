"""The canonical form held against msgpack, over values of every shape and over damaged bytes."""

import io
from contextlib import suppress

import msgpack
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.codec import decode, encode, stream_unpack
from hyperstore.errors import HyperstoreError
from tests.support.strategies import values


def slow_encode(value: object) -> bytes:
    """Encode as the format says, by the other library."""

    def ordered(value: object) -> object:
        if isinstance(value, dict):
            return {key: ordered(value[key]) for key in sorted(value, key=str.encode)}
        if isinstance(value, list):
            return [ordered(item) for item in value]
        return 0.0 if isinstance(value, float) and value == 0 else value

    packed = msgpack.packb(ordered(value))
    assert isinstance(packed, bytes)
    return packed


@given(values)
def test_bytes_agree_with_an_independent_library(value: object) -> None:
    """Any MessagePack library reads what we write, and writes it alike."""
    data = encode(value, what="value")
    assert data == slow_encode(value)
    assert msgpack.unpackb(data) == value


@given(values)
def test_a_value_comes_back_and_gives_the_same_bytes(value: object) -> None:
    """Ids are hashes of these bytes."""
    data = encode(value, what="value")
    assert decode(data, what="value") == value
    assert encode(decode(data, what="value"), what="value") == data


@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_foreign(data: bytes) -> None:
    """Whatever is accepted is what the writer would have written."""
    with suppress(HyperstoreError):
        assert encode(decode(data, what="value"), what="value") == data


@given(values, st.data())
def test_changed_bytes_raise_nothing_foreign(value: object, data: st.DataObject) -> None:
    """Damage is refused, or it is another value in canonical form."""
    good = bytearray(encode(value, what="value"))
    for _ in range(data.draw(st.integers(1, 3))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with suppress(HyperstoreError):
        assert encode(decode(bytes(good), what="value"), what="value") == bytes(good)


@given(st.binary(max_size=200))
def test_random_streams_raise_nothing_foreign(data: bytes) -> None:
    """A hostile peer gets an error, not a crash."""
    with suppress(HyperstoreError):
        for _ in stream_unpack(io.BytesIO(data), what="stream"):
            pass
