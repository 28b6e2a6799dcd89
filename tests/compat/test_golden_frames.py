"""The stored form of one frame of each kind, byte for byte: what format 1 is."""

import msgpack
import pytest

from hyperstore.frames.prepare import prepare
from hyperstore.frames.read import read_frame
from hyperstore.frames.roots import Roots
from hyperstore.frames.stored import check_frame
from hyperstore.ids import Kind, object_id
from tests.compat.golden_frames import FRAMES

ROOTS = Roots({"": "/data", "nas": "/mnt/nas"})
NAMES = sorted(FRAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_has_the_bytes_it_always_had(name: str) -> None:
    """A changed byte changes every id of every store that there is."""
    golden = FRAMES[name]
    prepared = prepare(golden.wire, roots=ROOTS)
    assert prepared.payload == golden.payload
    assert object_id(Kind.FRAME, prepared.payload).hex() == golden.object_id
    assert (prepared.key.hex(), prepared.order_key.hex()) == (golden.key, golden.order_key)


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_frame_of_this_format_is_still_read(name: str) -> None:
    """Whatever a later version writes, it reads what this one wrote."""
    golden = FRAMES[name]
    check_frame(golden.payload)
    frame = read_frame(golden.payload, home=None, object_id=None, roots=ROOTS)
    assert prepare(frame, roots=ROOTS).payload == golden.payload
    assert msgpack.unpackb(golden.payload)["id"] == frame.id
