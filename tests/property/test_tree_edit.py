"""Laws of building, editing and reading trees, against dicts and slow twins."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hyperstore.tree.boundary import LAW, Law
from hyperstore.tree.build import build
from hyperstore.tree.cursor import (
    count,
    get,
    get_many,
    nth,
    prefix,
    rank,
    ranks,
    scan,
    scan_leaves,
)
from hyperstore.tree.edit import edit
from hyperstore.tree.nodes import Nodes
from tests.support.slow import MemorySource, slow_apply, slow_build, slow_rank, slow_scan

# Few entries a node make high trees of few entries, and many cuts to get wrong.
SMALL = Law(2, 5, 3)

laws = st.sampled_from([LAW, SMALL])
keys = st.one_of(
    st.binary(max_size=3),
    st.binary(min_size=17, max_size=17),
    st.binary(max_size=2).map(lambda tail: b"https://example.com/frames/" + tail),
    st.integers(0, 400).map(lambda number: number.to_bytes(2, "big")),
)
values = st.one_of(st.binary(min_size=32, max_size=32), st.binary(max_size=4))
maps = st.dictionaries(keys, values, max_size=150)
changes = st.dictionaries(keys, st.one_of(st.none(), values), max_size=60)
bounds = st.one_of(st.none(), keys)


@given(laws, maps)
def test_build_agrees_with_the_slow_twin(law: Law, entries: dict[bytes, bytes]) -> None:
    """The streaming builder cuts and separates as the law says when read literally."""
    nodes = Nodes(MemorySource(), law=law)
    assert build(nodes, sorted(entries.items())) == slow_build(law, entries)


@given(laws, maps, st.lists(changes, max_size=4), st.data())
def test_edits_in_any_order_give_the_tree_built_from_scratch(
    law: Law,
    entries: dict[bytes, bytes],
    batches: list[dict[bytes, bytes | None]],
    data: st.DataObject,
) -> None:
    """History independence: equal content, equal root, whatever happened before."""
    nodes = Nodes(MemorySource(), law=law)
    root = build(nodes, sorted(entries.items()))
    expected: dict[bytes, bytes] = entries
    for batch in batches:
        if expected:
            doomed = data.draw(st.lists(st.sampled_from(sorted(expected)), unique=True))
            batch = {**batch, **dict.fromkeys(doomed)}
        root = edit(nodes, root, sorted(batch.items(), key=lambda change: change[0]))
        expected = slow_apply(expected, batch.items())
        assert root == slow_build(law, expected)


@given(laws, maps, st.data())
def test_a_range_of_keys_can_be_cut_out(
    law: Law, entries: dict[bytes, bytes], data: st.DataObject
) -> None:
    """Whole leaves and whole subtrees vanish, and the tree grows lower where it must."""
    nodes = Nodes(MemorySource(), law=law)
    root = build(nodes, sorted(entries.items()))
    order = sorted(entries)
    first = data.draw(st.integers(0, len(order)))
    last = data.draw(st.integers(first, len(order)))
    kept = {key: entries[key] for key in order[:first] + order[last:]}
    assert edit(nodes, root, [(key, None) for key in order[first:last]]) == slow_build(law, kept)
    back = edit(nodes, slow_build(law, kept), [(key, entries[key]) for key in order[first:last]])
    assert back == root


@given(laws, maps, bounds, bounds, st.booleans())
def test_scan_is_sorted_and_complete_within_its_range(
    law: Law,
    entries: dict[bytes, bytes],
    start: bytes | None,
    stop: bytes | None,
    reverse: bool,
) -> None:
    """Start counts, stop does not, and backwards is the same list backwards."""
    nodes = Nodes(MemorySource(), law=law)
    root = build(nodes, sorted(entries.items()))
    expected = slow_scan(entries, start, stop)
    if reverse:
        expected.reverse()
    assert list(scan(nodes, root, start=start, stop=stop, reverse=reverse)) == expected
    leaves = list(scan_leaves(nodes, root, start=start, stop=stop, reverse=reverse))
    assert all(leaves)
    assert [entry for leaf in leaves for entry in leaf] == expected


@given(laws, maps, keys)
def test_reading_by_key_and_by_place_agrees_with_a_dict(
    law: Law, entries: dict[bytes, bytes], other: bytes
) -> None:
    """get, get_many, nth, rank, ranks and count."""
    nodes = Nodes(MemorySource(), law=law)
    root = build(nodes, sorted(entries.items()))
    asked = sorted({*entries, other})
    assert count(nodes, root) == len(entries)
    assert [get(nodes, root, key) for key in asked] == [entries.get(key) for key in asked]
    assert get_many(nodes, root, asked) == [entries.get(key) for key in asked]
    assert [rank(nodes, root, key) for key in asked] == [slow_rank(entries, key) for key in asked]
    for some in (asked, asked[::3]):
        assert list(ranks(nodes, root, some)) == [slow_rank(entries, key) for key in some]
    assert [nth(nodes, root, at) for at in range(len(entries))] == sorted(entries.items())


@given(laws, maps, st.one_of(st.binary(max_size=2), st.just(b"\xff"), st.just(b"https://")))
def test_prefix_finds_what_begins_so(law: Law, entries: dict[bytes, bytes], begin: bytes) -> None:
    """Prefixes that end in 255 included, which have no successor of their length."""
    nodes = Nodes(MemorySource(), law=law)
    root = build(nodes, sorted(entries.items()))
    expected = [entry for entry in sorted(entries.items()) if entry[0].startswith(begin)]
    assert list(prefix(nodes, root, begin)) == expected
    assert list(prefix(nodes, root, begin, reverse=True)) == expected[::-1]


@given(maps)
def test_leaves_of_a_scan_do_not_overlap(entries: dict[bytes, bytes]) -> None:
    """A reader that resumes after the last key of a list misses nothing and repeats nothing."""
    nodes = Nodes(MemorySource(), law=SMALL)
    root = build(nodes, sorted(entries.items()))
    leaves = list(scan_leaves(nodes, root))
    assert all(one[-1][0] < other[0][0] for one, other in pairwise(leaves))
