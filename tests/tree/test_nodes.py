"""The cache of decoded nodes, and what a parent must agree on with its children."""

import pytest

from hyperstore.errors import CorruptError
from hyperstore.ids import NodeId, ObjectId
from hyperstore.tree import nodes as nodes_module
from hyperstore.tree.build import build
from hyperstore.tree.cursor import count, get, nth, rank, ranks, scan
from hyperstore.tree.diff import diff
from hyperstore.tree.edit import edit
from hyperstore.tree.node import make_inner, make_leaf
from hyperstore.tree.nodes import EMPTY, NodeCache, Nodes
from tests.support.slow import MemorySource


def entries(number: int) -> list[tuple[bytes, bytes]]:
    return [(at.to_bytes(4, "big"), at.to_bytes(32, "big")) for at in range(number)]


def numbered(number: int) -> NodeId:
    return NodeId(ObjectId(number.to_bytes(32, "big")))


def test_the_empty_tree_is_a_leaf_that_can_be_read_once_written() -> None:
    """EMPTY is the id of real bytes, not a sentinel."""
    nodes = Nodes(MemorySource())
    assert build(nodes, []) == EMPTY == nodes.save_empty()
    fresh = Nodes(MemorySource())
    fresh.save_empty()
    assert count(fresh, EMPTY) == 0
    assert get(fresh, EMPTY, b"a") is None
    assert rank(fresh, EMPTY, b"a") == 0
    assert list(scan(fresh, EMPTY)) == []


def test_a_remembered_node_is_not_read_again() -> None:
    """Two readers that share a cache share what it holds."""
    source, cache = MemorySource(), NodeCache()
    root = build(Nodes(source), entries(500))
    assert get(Nodes(source, cache), root, bytes(4)) == bytes(32)
    reads = cache.reads
    assert reads > 1
    assert get(Nodes(source, cache), root, bytes(4)) == bytes(32)
    assert cache.reads == reads


def test_the_cache_forgets_what_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more nodes are held than the limit, and one in constant use stays."""
    monkeypatch.setattr(nodes_module, "CACHE_LEAVES_MAX", 8)
    cache = NodeCache()
    used = NodeId(EMPTY)
    ids = [numbered(at) for at in range(100)]
    leaf = make_leaf([b"a"], [b"x"])
    cache.put(used, leaf, 20)
    for node_id in ids:
        cache.put(node_id, leaf, len(leaf.payload()))
        assert cache.get(used) is leaf
    held = [node_id for node_id in ids if cache.get(node_id) is not None]
    assert 1 <= len(held) <= 8
    assert ids[-1] in held


def test_the_cache_is_bounded_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves of long keys count for what they take."""
    monkeypatch.setattr(nodes_module, "CACHE_LEAF_BYTES_MAX", 100_000)
    cache = NodeCache()
    leaf = make_leaf([bytes(20_000)], [b"x"])
    ids = [numbered(at) for at in range(50)]
    for node_id in ids:
        cache.put(node_id, leaf, len(leaf.payload()))
    assert sum(cache.get(node_id) is not None for node_id in ids) <= 3


def test_scans_do_not_wash_the_cache_out() -> None:
    """Reading a whole tree in order leaves leaves that are in use where they are."""
    source, cache = MemorySource(), NodeCache()
    root = build(Nodes(source), entries(20_000))
    nodes = Nodes(source, cache)
    assert len(list(scan(nodes, root))) == 20_000
    first = cache.reads
    assert len(list(scan(nodes, root))) == 20_000
    assert cache.reads - first > 1_000


class Crafted:
    """A tree of two leaves whose root says what it is told to."""

    def __init__(self, separators: list[bytes], counts: list[int], *, level: int = 1) -> None:
        source = MemorySource()
        self.nodes = Nodes(source)
        self.one = source.put(make_leaf([b"a", b"b"], [b"1", b"2"]).payload())
        self.other = source.put(make_leaf([b"m", b"n"], [b"3", b"4"]).payload())
        root = make_inner(level, separators, [self.one, self.other], counts)
        self.root = source.put(root.payload())


def test_a_parent_that_says_the_truth_is_believed() -> None:
    """The crafted trees below differ from this good one in one thing each."""
    tree = Crafted([b"", b"m"], [2, 2])
    assert [key for key, _ in scan(tree.nodes, tree.root)] == [b"a", b"b", b"m", b"n"]


@pytest.mark.parametrize(
    "tree",
    [
        Crafted([b"", b"m"], [3, 2]),  # A count too high.
        Crafted([b"", b"m"], [2, 2], level=2),  # Levels that fall by two.
        Crafted([b"", b"b"], [2, 2]),  # A key that belongs to the right.
        Crafted([b"0", b"m"], [2, 2]),  # Not the root of a tree.
    ],
)
def test_a_parent_that_lies_is_found_out(tree: Crafted) -> None:
    """Every reader compares what it was told with what it found."""
    for read in (
        lambda: list(scan(tree.nodes, tree.root)),
        lambda: get(tree.nodes, tree.root, b"a"),
        lambda: nth(tree.nodes, tree.root, 0),
        lambda: rank(tree.nodes, tree.root, b"a"),
        lambda: list(ranks(tree.nodes, tree.root, [b"a"])),
        lambda: list(diff(tree.nodes, tree.root, tree.one)),
        lambda: edit(tree.nodes, tree.root, [(b"a", None)]),
    ):
        with pytest.raises(CorruptError):
            read()


def test_a_key_left_of_its_separator_is_found_out() -> None:
    """The right leaf must not hold keys that a look-up would search on the left."""
    tree = Crafted([b"", b"mm"], [2, 2])
    with pytest.raises(CorruptError, match="not the child"):
        list(scan(tree.nodes, tree.root))
    with pytest.raises(CorruptError, match="not the child"):
        get(tree.nodes, tree.root, b"n")


def test_a_dag_whose_paths_double_ends_in_an_error() -> None:
    """A node under two separators would be walked twice a level, two to the sixteenth in all."""
    source = MemorySource()
    nodes = Nodes(source)
    below = source.put(make_leaf([b"a"], [b"1"]).payload())
    total = 1
    for level in range(1, 16):
        below = source.put(make_inner(level, [b"", b"a"], [below, below], [total] * 2).payload())
        total *= 2
    other = build(nodes, entries(3))
    for read in (
        lambda: list(scan(nodes, below)),
        lambda: list(diff(nodes, below, other)),
        lambda: list(scan(nodes, below, reverse=True)),
    ):
        with pytest.raises(CorruptError):
            read()


def test_subtrees_that_overlap_at_their_edges_end_in_an_error() -> None:
    """Each child fits its parent, and yet the last leaf of one subtree reaches into the next."""
    source = MemorySource()
    nodes = Nodes(source)
    leaf = {
        name: source.put(make_leaf([name], [b"1"]).payload()) for name in (b"a", b"c", b"m", b"x")
    }
    left = source.put(make_inner(1, [b"", b"b"], [leaf[b"a"], leaf[b"m"]], [1, 1]).payload())
    right = source.put(make_inner(1, [b"c", b"x"], [leaf[b"c"], leaf[b"x"]], [1, 1]).payload())
    root = source.put(make_inner(2, [b"", b"c"], [left, right], [2, 2]).payload())
    for reverse in (False, True):
        with pytest.raises(CorruptError, match="leaves out of order"):
            list(scan(nodes, root, reverse=reverse))
    with pytest.raises(CorruptError, match="overlap"):
        list(diff(nodes, root, nodes.save_empty()))
    with pytest.raises(CorruptError, match="overlap"):
        edit(nodes, root, [(b"a", None)])
