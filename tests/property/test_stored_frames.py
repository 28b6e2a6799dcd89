"""The strict check of stored frames, held to the codec and to the writer."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hyperstore.codec import decode, pack
from hyperstore.errors import CorruptError
from hyperstore.frames.prepare import prepare_exactly
from hyperstore.frames.roots import NO_ROOTS
from hyperstore.frames.stored import check_frame
from hyperstore.frames.wire import decode_plain
from tests.support.strategies import wire_frames

ODD = [
    -0.0,
    0.0,
    1.5,
    float("nan"),
    float("inf"),
    b"bytes",
    None,
    [],
    {},
    {"a": -0.0},
    [[b""]],
    2**64 - 1,
]


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """Return stored frames, some with a strange value somewhere or a flipped bit."""
    wire = draw(wire_frames())
    payload = prepare_exactly(wire, roots=NO_ROOTS).payload
    how = draw(st.sampled_from(["as it is", "value", "bit"]))
    if how == "value":
        stored: Any = decode(payload, what="frame")
        place = draw(st.sampled_from([stored, stored["sources"][0], *stored.get("rois", [])]))
        name = draw(st.sampled_from([*place, "meta", "extra"]))
        deep = draw(st.booleans())
        place[name] = {"x": draw(st.sampled_from(ODD))} if deep else draw(st.sampled_from(ODD))
        return pack(stored)
    if how == "bit":
        at = draw(st.integers(0, 8 * len(payload) - 1))
        return (int.from_bytes(payload, "little") ^ 1 << at).to_bytes(len(payload), "little")
    return payload


@given(payloads())
def test_what_passes_is_what_would_be_written(payload: bytes) -> None:
    """A frame from elsewhere is good exactly when this program could have made it."""
    try:
        check_frame(payload)
    except CorruptError:
        return
    assert pack(decode(payload, what="frame")) == payload
    if b"root:" not in payload:
        wire = decode_plain(payload, roots=NO_ROOTS)
        assert prepare_exactly(wire, roots=NO_ROOTS).payload == payload


@given(wire_frames())
def test_what_is_written_passes(wire: dict[str, Any]) -> None:
    """The check must not cry over sound stores."""
    check_frame(prepare_exactly(wire, roots=NO_ROOTS).payload)
