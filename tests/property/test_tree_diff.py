"""Laws of diff and merge, against slow twins over dicts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.tree import diff as diff_module
from hyperstore.tree.boundary import LAW, Law
from hyperstore.tree.build import build
from hyperstore.tree.diff import diff
from hyperstore.tree.edit import edit
from hyperstore.tree.merge import merge
from hyperstore.tree.nodes import Nodes
from tests.support.slow import MemorySource, slow_apply, slow_build, slow_diff, slow_merge

SMALL = Law(2, 5, 3)

laws = st.sampled_from([LAW, SMALL])
keys = st.one_of(
    st.binary(max_size=2),
    st.integers(0, 300).map(lambda number: b"shared beginning" + number.to_bytes(2, "big")),
)
values = st.one_of(st.binary(min_size=32, max_size=32), st.sampled_from([b"", b"a", b"b"]))
maps = st.dictionaries(keys, values, max_size=120)
changes = st.dictionaries(keys, st.one_of(st.none(), values), max_size=30)

Changes = dict[bytes, bytes | None]


def sorted_changes(batch: Changes) -> list[tuple[bytes, bytes | None]]:
    return sorted(batch.items(), key=lambda change: change[0])


@given(laws, maps, changes)
def test_diff_of_an_edit_is_what_it_changed(
    law: Law, entries: dict[bytes, bytes], batch: Changes
) -> None:
    """Trees that share most of their nodes, as two versions do."""
    nodes = Nodes(MemorySource(), law=law)
    old = build(nodes, sorted(entries.items()))
    new = edit(nodes, old, sorted_changes(batch))
    expected = slow_diff(entries, slow_apply(entries, batch.items()))
    assert list(diff(nodes, old, new)) == expected
    assert list(diff(nodes, new, old)) == [(key, now, was) for key, was, now in expected]


@given(laws, maps, maps)
def test_applying_the_diff_of_any_two_trees_gives_the_second(
    law: Law, one: dict[bytes, bytes], other: dict[bytes, bytes]
) -> None:
    """Trees of different heights, and empty ones, too."""
    nodes = Nodes(MemorySource(), law=law)
    old, new = build(nodes, sorted(one.items())), build(nodes, sorted(other.items()))
    found = list(diff(nodes, old, new))
    assert found == slow_diff(one, other)
    assert edit(nodes, old, [(change.key, change.new) for change in found]) == new


def test_a_leaf_is_not_taken_for_a_node_with_the_same_keys() -> None:
    """The keys of one tree's only leaf may be the separators of the other's root."""
    nodes = Nodes(MemorySource(), law=Law(2, 2, 2**63))  # Cuts after two entries, always.
    low = {b"": b"1", b"m": b"2"}
    high = {b"": b"1", b"a": b"2", b"ma": b"3", b"mb": b"4"}
    one, other = build(nodes, sorted(low.items())), build(nodes, sorted(high.items()))
    assert nodes.root(one).keys == nodes.root(other).keys
    assert list(diff(nodes, one, other)) == slow_diff(low, high)
    assert list(diff(nodes, other, one)) == slow_diff(high, low)


@given(maps, maps, st.integers(1, 9))
def test_diff_in_parts_is_the_diff(
    one: dict[bytes, bytes], other: dict[bytes, bytes], most: int
) -> None:
    """A range of keys that is split anywhere loses no change and yields none twice."""
    nodes = Nodes(MemorySource(), law=SMALL)
    old, new = build(nodes, sorted(one.items())), build(nodes, sorted(other.items()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diff_module, "DIFF_NODES_MAX", most + 3)
        assert list(diff(nodes, old, new)) == slow_diff(one, other)


@given(laws, maps, changes, changes)
def test_merge_agrees_with_the_slow_twin(
    law: Law, entries: dict[bytes, bytes], our_changes: Changes, their_changes: Changes
) -> None:
    """What only they changed is taken, what both changed alike is settled, the rest reported."""
    nodes = Nodes(MemorySource(), law=law)
    base = build(nodes, sorted(entries.items()))
    ours = edit(nodes, base, sorted_changes(our_changes))
    theirs = edit(nodes, base, sorted_changes(their_changes))
    expected = slow_merge(
        entries,
        slow_apply(entries, our_changes.items()),
        slow_apply(entries, their_changes.items()),
    )
    assert merge(nodes, base, ours, theirs) == expected


@given(maps, changes)
def test_merge_of_one_side_is_that_side(entries: dict[bytes, bytes], batch: Changes) -> None:
    """A merge where only they moved fast-forwards; one where both went the same way is empty."""
    nodes = Nodes(MemorySource())
    base = build(nodes, sorted(entries.items()))
    theirs = edit(nodes, base, sorted_changes(batch))
    result = merge(nodes, base, base, theirs)
    assert edit(nodes, base, [(change.key, change.new) for change in result.changes]) == theirs
    assert result.conflicts == []
    assert merge(nodes, base, theirs, theirs) == ([], [])


@pytest.mark.slow
def test_diff_and_edit_of_all_pairs_of_subsets_of_seven_keys() -> None:
    """Small and exhaustive: every way in which nodes of two to three entries can shift."""
    law = Law(2, 3, 2)
    nodes = Nodes(MemorySource(), law=law)
    subsets = [
        {bytes([65 + bit]): bytes([bit]) for bit in range(7) if mask >> bit & 1}
        for mask in range(2**7)
    ]
    roots = [build(nodes, sorted(subset.items())) for subset in subsets]
    assert roots == [slow_build(law, subset) for subset in subsets]
    for one, old in zip(subsets, roots, strict=True):
        for other, new in zip(subsets, roots, strict=True):
            found = list(diff(nodes, old, new))
            assert found == slow_diff(one, other)
            assert edit(nodes, old, [(change.key, change.new) for change in found]) == new
