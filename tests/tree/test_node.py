"""Nodes: one byte string for each content, and nothing else is read."""

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.errors import CorruptError, UsageError
from hyperstore.limits import (
    ID_BYTES,
    KEY_BYTES_MAX,
    NODE_ENTRIES_MAX,
    TREE_ENTRIES_MAX,
    TREE_HEIGHT_MAX,
    VALUE_BYTES_MAX,
)
from hyperstore.tree.node import Node, decode, make_inner, make_leaf

keys = st.one_of(
    st.binary(max_size=12), st.binary(max_size=3).map(lambda tail: b"beginning" + tail)
)
ids = st.binary(min_size=ID_BYTES, max_size=ID_BYTES)
values = st.one_of(ids, st.binary(max_size=3))
counts = st.one_of(st.integers(1, 300), st.integers(1, 2**40))


@st.composite
def made_nodes(draw: st.DrawFn) -> Node:
    level = draw(st.integers(0, 3))
    if not level:
        entries = draw(st.dictionaries(keys, values, max_size=NODE_ENTRIES_MAX))
        return make_leaf(sorted(entries), [entries[key] for key in sorted(entries)])
    children = draw(
        st.dictionaries(keys, st.tuples(ids, counts), min_size=1, max_size=NODE_ENTRIES_MAX)
    )
    order = sorted(children)
    return make_inner(
        level, order, [children[key][0] for key in order], [children[key][1] for key in order]
    )


@given(made_nodes())
def test_decode_gives_back_what_was_written(node: Node) -> None:
    """Keys, values and counts survive, joined or not, with a prefix or without."""
    again = decode(node.payload())
    assert again == node
    assert again.payload() == node.payload()
    assert [again.value(at) for at in range(len(again.keys))] == list(again.values())
    assert again.total == (sum(node.counts) if node.level else len(node.keys))


@given(st.binary(max_size=200))
def test_random_bytes_are_no_node(payload: bytes) -> None:
    """Whatever comes in, a CorruptError comes out, or a node that is written just so."""
    try:
        node = decode(payload)
    except CorruptError:
        return
    assert node.payload() == payload


@given(made_nodes(), st.data())
def test_mutated_bytes_are_refused_or_canonical(node: Node, data: st.DataObject) -> None:
    """A flipped, lost or added byte never gives a node that would be written otherwise."""
    payload = bytearray(node.payload())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(payload) - 1))
        action = data.draw(st.sampled_from(["set", "cut", "add", "drop"]))
        if action == "set":
            payload[at] = data.draw(st.integers(0, 255))
        elif action == "add":
            payload.insert(at, data.draw(st.integers(0, 255)))
        elif action == "drop" and len(payload) > 1:
            del payload[at]
        elif at:
            del payload[at:]
    try:
        mutated = decode(bytes(payload))
    except CorruptError:
        return
    assert mutated.payload() == bytes(payload)
    assert list(mutated.keys) == sorted(set(mutated.keys))


ID = bytes(range(32))
FAULTS = {
    "not an array": {},
    "a field too few": [0, b"", [], []],
    "a field too many": [0, b"", [], [], b"", 1],
    "a level below zero": [-1, b"", [], [], b""],
    "a level over the height": [TREE_HEIGHT_MAX, b"", [b"a"], [1], ID],
    "text for a prefix": [0, "", [], [], b""],
    "too many entries": [0, b"", [bytes([at]) for at in range(25)], [], ID * 25],
    "keys out of order": [0, b"", [b"b", b"a"], [], ID * 2],
    "a key twice": [0, b"", [b"a", b"a"], [], ID * 2],
    "a prefix of no keys": [0, b"12345678", [], [], b""],
    "a prefix too short to be stored": [0, b"1234567", [b"a", b"b"], [], ID * 2],
    "a prefix shorter than what is shared": [0, b"12345678", [b"aa", b"ab"], [], ID * 2],
    "a prefix that leaves a single key a rest": [0, b"12345678", [b"a"], [], ID],
    "no prefix where one is due": [0, b"", [b"12345678a", b"12345678b"], [], ID * 2],
    "no prefix for a single long key": [0, b"", [b"12345678"], [], ID],
    "a prefix over the limit": [0, bytes(KEY_BYTES_MAX + 1), [b""], [], ID],
    "a key over the limit": [0, b"", [b"a", bytes([99]) * (KEY_BYTES_MAX + 1)], [], ID * 2],
    "joined values of a wrong length": [0, b"", [b"a"], [], ID[1:]],
    "values of 32 bytes that stand apart": [0, b"", [b"a"], [], [ID]],
    "too few values": [0, b"", [b"a", b"b"], [], [b"x"]],
    "a value over the limit": [0, b"", [b"a"], [], [bytes(VALUE_BYTES_MAX + 1)]],
    "no entries and an array of values": [0, b"", [], [], []],
    "counts in a leaf": [0, b"", [b"a"], [1], ID],
    "ids that stand apart": [1, b"", [b"a"], [1], [b"x"]],
    "too few counts": [1, b"", [b"a", b"b"], [1], ID * 2],
    "a count of zero": [1, b"", [b"a"], [0], ID],
    "a count below zero": [1, b"", [b"a"], [-1], ID],
    "counts over the limit": [1, b"", [b"a"], [TREE_ENTRIES_MAX + 1], ID],
    "no children": [1, b"", [], [], b""],
    "deep nesting": [0, b"", [], [], b"", [[[[]]]]],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_refused(fault: str) -> None:
    """Every law of a node, broken alone, by an independent encoder."""
    payload = msgpack.packb(FAULTS[fault], use_bin_type=True)
    with pytest.raises(CorruptError):
        decode(payload)


def test_long_forms_of_numbers_and_lengths_are_refused() -> None:
    """The same values in more bytes than needed would be a second id for one node."""
    good = make_leaf([b"a"], [b"x"]).payload()
    assert good == bytes.fromhex("95 00 c4 00 91 c4 01 61 90 91 c4 01 78")
    for longer in (
        "dc 0005 00 c4 00 91 c4 01 61 90 91 c4 01 78",
        "95 cc 00 c4 00 91 c4 01 61 90 91 c4 01 78",
        "95 00 c5 0000 91 c4 01 61 90 91 c4 01 78",
        "95 00 c4 00 dc 0001 c4 01 61 90 91 c4 01 78",
    ):
        with pytest.raises(CorruptError):
            decode(bytes.fromhex(longer))


def test_a_hostile_length_takes_no_memory() -> None:
    """A header that promises four billion items is refused for being cut off."""
    with pytest.raises(CorruptError):
        decode(bytes.fromhex("95 00 c4 00 dd ffffffff"))
    with pytest.raises(CorruptError):
        decode(b"\x91" * 100_000)


def test_the_writer_refuses_what_the_reader_would() -> None:
    """Limits hold on both sides, so that nothing is stored that cannot be read."""
    with pytest.raises(UsageError, match="levels"):
        make_inner(TREE_HEIGHT_MAX, [b""], [ID], [1])
    with pytest.raises(UsageError, match="entries"):
        make_inner(1, [b""], [ID], [TREE_ENTRIES_MAX + 1])
    with pytest.raises(UsageError, match="value"):
        make_leaf([b"a"], [bytes(VALUE_BYTES_MAX + 1)])


def test_the_largest_node_can_be_stored() -> None:
    """As many entries as the law allows, each as long as it may be."""
    names = [bytes([at]) * KEY_BYTES_MAX for at in range(NODE_ENTRIES_MAX)]
    node = make_leaf(names, [bytes(VALUE_BYTES_MAX)] * NODE_ENTRIES_MAX)
    assert decode(node.payload()) == node
