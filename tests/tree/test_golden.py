"""Roots of fixed content. They change only when the format does, and FORMAT_VERSION with it."""

from hashlib import sha256

from hyperstore.tree.build import build
from hyperstore.tree.nodes import EMPTY, Nodes
from tests.support.slow import MemorySource


def frame_key(number: int) -> bytes:
    return b"\x01" + sha256(b"%d" % number).digest()[:16]


def order_key(number: int) -> bytes:
    uri = b"https://example.com/images/%06d.jpg" % (number % 700)
    return uri + b"\0\0" + (2**63 + number).to_bytes(8, "big") + frame_key(number)


def value(number: int) -> bytes:
    return sha256(b"value %d" % number).digest()


def root_of(entries: dict[bytes, bytes]) -> str:
    return build(Nodes(MemorySource()), sorted(entries.items())).hex()


def test_the_empty_tree() -> None:
    """The leaf without entries."""
    assert EMPTY.hex() == "1d8b7511463284746ddd3bf2b9eb3e60ad644c5a56506dbf53b32481b7db15fd"


def test_frame_keys() -> None:
    """2,000 keys of one width."""
    assert (
        root_of({frame_key(at): value(at) for at in range(2_000)})
        == "89050b6e019b7eed2b3a0e98d466394472cd748460b6bee9b60b9fc4c5e2835a"
    )


def test_order_keys() -> None:
    """2,000 keys that share long beginnings."""
    assert (
        root_of({order_key(at): value(at) for at in range(2_000)})
        == "fb49388e51b2ce0c12ee19711b5345ccbbbcfa48bf2fc4218f18af4b159d9f64"
    )


def test_values_of_many_widths() -> None:
    """Values that stand apart, an empty one and an empty key among them."""
    entries = {bytes([at]) * (at % 5): bytes(at % 40) for at in range(200)}
    assert root_of(entries) == "0581d405440be37676c1a21a582f603e8264d7264223582cd0a9b80509e33995"
