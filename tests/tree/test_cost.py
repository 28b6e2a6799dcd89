"""What reading and writing cost, counted in nodes, not in seconds."""

import random
from functools import cache

import pytest

from hyperstore.ids import NodeId
from hyperstore.tree.build import build
from hyperstore.tree.cursor import get, get_many, nth, prefix, rank, scan
from hyperstore.tree.diff import diff
from hyperstore.tree.edit import edit
from hyperstore.tree.nodes import NodeCache, Nodes
from tests.support.slow import MemorySource

sizes = pytest.mark.parametrize("size", [1_000, 100_000])


@cache
def grown(size: int) -> tuple[MemorySource, NodeId, list[bytes], int]:
    """Return a source, the root of a tree of random keys in it, the keys, and the height."""
    chance = random.Random(size)
    keys = sorted({chance.randbytes(17) for _ in range(size)})
    source = MemorySource()
    root = build(Nodes(source), [(key, chance.randbytes(32)) for key in keys])
    return source, root, keys, Nodes(source).root(root).level + 1


@sizes
def test_height_is_what_nodes_of_eleven_entries_give(size: int) -> None:
    """A thousand entries stand on 3 levels or so, a hundred times as many on 2 more."""
    _, _, _, height = grown(size)
    assert height <= {1_000: 4, 100_000: 6}[size]


@sizes
def test_a_look_up_reads_one_node_a_level(size: int) -> None:
    """By key and by place, with nothing remembered."""
    source, root, keys, height = grown(size)
    chance = random.Random(1)
    for key in chance.sample(keys, 20):
        for look in (get, rank):
            counts = NodeCache()
            look(Nodes(source, counts), root, key)
            assert counts.reads == height
        counts = NodeCache()
        nth(Nodes(source, counts), root, chance.randrange(len(keys)))
        assert counts.reads == height


@sizes
def test_a_changed_value_reads_and_writes_one_path(size: int) -> None:
    """No neighbour is read, whatever the size of the tree."""
    source, root, keys, height = grown(size)
    for key in random.Random(2).sample(keys, 20):
        counts = NodeCache()
        edit(Nodes(source, counts), root, [(key, bytes(32))])
        assert (counts.reads, counts.writes) == (height, height)


@sizes
def test_a_key_added_or_removed_touches_few_neighbours(size: int) -> None:
    """On average not two nodes more a level than the path: cuts soon fall in step again."""
    source, root, keys, height = grown(size)
    chance = random.Random(3)
    reads = writes = 0
    for key in chance.sample(keys, 50):
        for change in ((key, None), (chance.randbytes(17), bytes(32))):
            counts = NodeCache()
            edit(Nodes(source, counts), root, [change])
            reads += counts.reads
            writes += counts.writes
    assert reads <= 100 * 3 * height
    assert writes <= 100 * 3 * height


@sizes
def test_an_edit_without_effect_writes_nothing(size: int) -> None:
    """A key that is not there cannot be removed, and a value may be set to what it is."""
    source, root, keys, _ = grown(size)
    same = get(Nodes(source), root, keys[7])
    counts = NodeCache()
    changes = sorted([(keys[7], same), (b"", None), (bytes(17), None), (b"\xff" * 17, None)])
    assert edit(Nodes(source, counts), root, changes) == root
    assert counts.writes == 0


@sizes
def test_diff_reads_only_what_is_not_shared(size: int) -> None:
    """Two paths a change at most, and nothing for equal trees."""
    source, root, keys, height = grown(size)
    changed = sorted(random.Random(4).sample(keys, 25))
    other = edit(Nodes(source), root, [(key, bytes(32)) for key in changed])
    counts = NodeCache()
    assert [change.key for change in diff(Nodes(source, counts), root, other)] == changed
    assert counts.reads <= 2 * 25 * height
    counts = NodeCache()
    assert list(diff(Nodes(source, counts), root, root)) == []
    assert counts.reads == 0


@sizes
def test_many_look_ups_read_each_node_once(size: int) -> None:
    """Keys that lie together share their paths."""
    source, root, keys, height = grown(size)
    counts = NodeCache()
    assert None not in get_many(Nodes(source, counts), root, keys[100:200])
    assert counts.reads <= height + 100 // 8 + 1 + height


@sizes
def test_a_short_scan_reads_little(size: int) -> None:
    """Taking the first entries of a long range does not read the range."""
    source, root, keys, height = grown(size)
    counts = NodeCache()
    entries = scan(Nodes(source, counts), root, start=keys[300])
    assert [next(entries)[0] for _ in range(5)] == keys[300:305]
    assert counts.reads <= 24 * height
    counts = NodeCache()
    assert [key for key, _ in prefix(Nodes(source, counts), root, keys[9])] == [keys[9]]
    assert counts.reads <= 24 * height
