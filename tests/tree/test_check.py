"""The checker: silent on good trees, and each broken law named, with the node that breaks it."""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.errors import CorruptError, MissingObjectError
from hyperstore.ids import NodeId
from hyperstore.tree.boundary import LAW, Law, separator
from hyperstore.tree.build import build
from hyperstore.tree.check import Checked, Fault, check
from hyperstore.tree.edit import edit
from hyperstore.tree.node import Node, decode, make_inner, make_leaf
from hyperstore.tree.nodes import EMPTY, Nodes
from tests.support.slow import MemorySource

SMALL = Law(2, 5, 3)


class Lossy(MemorySource):
    """A source that says of what it lost what a store says."""

    def get(self, node_id: NodeId) -> bytes:
        if node_id not in self.payloads:
            raise MissingObjectError(f"no object {node_id.hex()}")
        return super().get(node_id)

    def get_many(self, node_ids: Sequence[NodeId]) -> list[bytes]:
        return [self.get(node_id) for node_id in node_ids]


def faults(source: MemorySource, root: NodeId, law: Law = LAW) -> list[Fault]:
    return list(check(Nodes(source, law=law), root))


@given(
    st.sampled_from([LAW, SMALL]),
    st.dictionaries(st.binary(max_size=3), st.binary(max_size=2), max_size=150),
    st.dictionaries(st.binary(max_size=3), st.one_of(st.none(), st.binary(max_size=2))),
)
def test_built_and_edited_trees_have_no_faults(
    law: Law, entries: dict[bytes, bytes], changes: dict[bytes, bytes | None]
) -> None:
    """The writer keeps every law that the checker knows."""
    source = MemorySource()
    nodes = Nodes(source, law=law)
    root = build(nodes, sorted(entries.items()))
    other = edit(nodes, root, sorted(changes.items(), key=lambda change: change[0]))
    checked = Checked()
    assert list(check(nodes, root, checked)) == []
    assert list(check(nodes, other, checked)) == []


def test_the_empty_tree_has_no_faults() -> None:
    """An empty leaf is a fault anywhere but at the root; parents refuse counts of zero."""
    source = MemorySource()
    Nodes(source).save_empty()
    assert faults(source, EMPTY) == []


def numbered(number: int) -> list[tuple[bytes, bytes]]:
    return [(at.to_bytes(2, "big"), at.to_bytes(32, "big")) for at in range(number)]


def test_damage_is_reported_and_the_rest_is_checked() -> None:
    """Two damaged leaves and one lost: three faults, not one."""
    source = Lossy()
    root = build(Nodes(source), numbered(1_000))
    leaves = [node_id for node_id, payload in source.payloads.items() if not payload[1]]
    chosen = random.Random(1).sample(leaves, 3)
    source.payloads[chosen[0]] = b"\x00"
    source.payloads[chosen[1]] = source.payloads[chosen[0]][:-1]
    del source.payloads[chosen[2]]
    found = faults(source, root)
    assert {fault.node_id for fault in found} == set(chosen)
    assert len(found) == 3


def test_a_lost_root_is_a_fault() -> None:
    """The checker yields; it does not raise."""
    source = Lossy()
    assert [fault.node_id for fault in faults(source, EMPTY)] == [EMPTY]
    source.payloads[EMPTY] = b""
    assert [fault.node_id for fault in faults(source, EMPTY)] == [EMPTY]


def test_what_trees_share_is_read_once() -> None:
    """Checking a thousand versions costs what they differ in."""
    source = MemorySource()
    nodes = Nodes(source)
    root = build(nodes, numbered(20_000))
    other = edit(nodes, root, [(bytes(2), bytes(32))])
    checked = Checked()
    fresh = Nodes(source)
    assert list(check(fresh, root, checked)) == []
    reads = fresh.cache.reads
    assert list(check(fresh, other, checked)) == []
    assert fresh.cache.reads - reads < 100 < reads


def test_a_fault_in_a_shared_node_is_reported_once() -> None:
    """The second tree that holds it is silent about it."""
    source = Lossy()
    nodes = Nodes(source)
    root = build(nodes, numbered(1_000))
    other = edit(nodes, root, [(bytes(2), bytes(32))])
    leaves = [node_id for node_id, payload in source.payloads.items() if not payload[1]]
    del source.payloads[leaves[50]]
    checked = Checked()
    fresh = Nodes(source)
    assert len(list(check(fresh, root, checked))) == 1
    assert len(list(check(fresh, other, checked))) == 0


def rows(
    source: MemorySource, leaves: list[list[bytes]], lows: list[bytes] | None = None
) -> NodeId:
    """Return a root over leaves of these keys, cut wherever the test wants."""
    ids = [source.put(make_leaf(keys, [b"x"] * len(keys)).payload()) for keys in leaves]
    if lows is None:
        lows = [b""]
        for one, other in pairwise(leaves):
            lows.append(separator(one[-1], other[0]))
    return source.put(make_inner(1, lows, ids, [len(keys) for keys in leaves]).payload())


KEYS = [bytes([65 + at]) * 2 for at in range(20)]


def test_a_node_cut_too_early_is_a_fault() -> None:
    """Equal content would have two roots."""
    source = MemorySource()
    (fault,) = faults(source, rows(source, [KEYS[:1], KEYS[1:3]]), SMALL)
    assert "does not end" in fault.message


def test_a_node_cut_too_late_is_a_fault() -> None:
    """The same, the other way."""
    source = MemorySource()
    root = source.put(make_leaf(KEYS, [b"x"] * 20).payload())
    (fault,) = faults(source, root, SMALL)
    assert fault.node_id == root
    assert "goes on" in fault.message


def good_leaves() -> list[list[bytes]]:
    source = MemorySource()
    build(Nodes(source, law=SMALL), [(key, b"x") for key in KEYS[:10]])
    leaves = [decode(payload) for payload in source.payloads.values() if not payload[1]]
    return sorted(list(leaf.keys) for leaf in leaves)


def test_a_separator_longer_than_need_be_is_a_fault() -> None:
    """A look-up would still find its way, so only the checker sees it."""
    source = MemorySource()
    leaves = good_leaves()[:2]
    assert faults(source, rows(source, leaves), SMALL) == []
    (fault,) = faults(source, rows(source, leaves, [b"", leaves[1][0]]), SMALL)
    assert "is not the separator" in fault.message


def test_leaves_that_overlap_are_a_fault() -> None:
    """The last key of one subtree reaches over the first of the next."""
    source = MemorySource()
    law = Law(2, 2, 2**63)  # Cuts after two entries, always.
    leaves = [[b"a", b"b"], [b"y", b"z"], [b"m", b"n"], [b"o", b"p"]]
    ids = [source.put(make_leaf(keys, [b"x"] * 2).payload()) for keys in leaves]
    one = source.put(make_inner(1, [b"", b"c"], ids[:2], [2, 2]).payload())
    other = source.put(make_inner(1, [b"m", b"o"], ids[2:], [2, 2]).payload())
    root = source.put(make_inner(2, [b"", b"m"], [one, other], [4, 4]).payload())
    found = faults(source, root, law)
    assert any("follows" in fault.message and fault.node_id == root for fault in found)


@pytest.mark.parametrize(
    "craft",
    [
        lambda ids: make_inner(1, [b"", b"A"], ids[:2], [9, 9]),
        lambda ids: make_inner(2, [b"", b"C"], ids[:2], [5, 5]),
        lambda ids: make_inner(1, [b"A", b"C"], ids[:2], [5, 5]),
    ],
)
def test_a_parent_that_lies_is_a_fault(craft: Callable[[list[NodeId]], Node]) -> None:
    """Counts, levels and separators that do not fit the children."""
    source = MemorySource()
    ids = [source.put(make_leaf(keys, [b"x"] * 5).payload()) for keys in (KEYS[:5], KEYS[5:10])]
    root = source.put(craft(ids).payload())
    assert faults(source, root)


def test_a_dag_whose_paths_double_is_checked_in_bounded_time() -> None:
    """Sixteen levels of two references to one node are sixteen nodes."""
    source = MemorySource()
    below = source.put(make_leaf([b"a"], [b"1"]).payload())
    total = 1
    for level in range(1, 16):
        below = source.put(make_inner(level, [b"", b"a"], [below, below], [total] * 2).payload())
        total *= 2
    assert 1 <= len(faults(source, below)) < 100


def test_readers_and_checker_agree_on_damage() -> None:
    """What the checker passes, the reader reads; what it names, the reader refuses."""
    source = MemorySource()
    root = build(Nodes(source), numbered(100))
    source.payloads[root] = source.payloads[root][:-1]
    assert [fault.node_id for fault in faults(source, root)] == [root]
    with pytest.raises(CorruptError, match=root.hex()):
        Nodes(source).root(root)
