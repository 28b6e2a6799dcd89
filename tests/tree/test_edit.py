"""Long runs of edits, the same each time, against trees built from scratch."""

import random

import pytest

from hyperstore.tree.boundary import LAW, Law
from hyperstore.tree.build import build
from hyperstore.tree.check import check
from hyperstore.tree.diff import diff
from hyperstore.tree.edit import edit
from hyperstore.tree.merge import merge
from hyperstore.tree.nodes import Nodes
from tests.support.slow import MemorySource, slow_apply, slow_diff, slow_merge

Changes = list[tuple[bytes, bytes | None]]


def changes_to(chance: random.Random, held: dict[bytes, bytes]) -> Changes:
    """Return some changes: keys added, changed and removed, far apart or side by side."""
    number = chance.choice([1, 5, 60])
    known = sorted(held)
    if known and chance.random() < 0.3:
        at = chance.randrange(len(known))
        doomed = known[at : at + number]
    else:
        doomed = chance.sample(known, min(number, len(known)))
    changes: dict[bytes, bytes | None] = {
        key: chance.choice([None, chance.randbytes(32)]) for key in doomed
    }
    for _ in range(number // 2):
        changes[b"a shared beginning " * chance.randrange(2) + chance.randbytes(2)] = b"new"
    return sorted(changes.items(), key=lambda change: change[0])


@pytest.mark.parametrize("law", [LAW, Law(2, 5, 3), Law(2, 2, 2)])
def test_fifty_edits_in_a_row_give_the_tree_built_from_scratch(law: Law) -> None:
    """Each edit starts from what the last one made, so an early slip would show."""
    chance = random.Random(7)
    held = {chance.randbytes(3): chance.randbytes(32) for _ in range(600)}
    nodes = Nodes(MemorySource(), law=law)
    root = build(nodes, sorted(held.items()))
    for _ in range(50):
        changes = changes_to(chance, held)
        before, old = held, root
        held = slow_apply(held, changes)
        root = edit(nodes, root, changes)
        assert root == build(nodes, sorted(held.items()))
        assert list(diff(nodes, old, root)) == slow_diff(before, held)
    assert list(check(nodes, root)) == []


def test_merges_of_large_trees_agree_with_the_slow_twin() -> None:
    """Both sides change many keys, some of them the same."""
    chance = random.Random(8)
    held = {chance.randbytes(3): chance.randbytes(32) for _ in range(3_000)}
    nodes = Nodes(MemorySource())
    base = build(nodes, sorted(held.items()))
    common = chance.sample(sorted(held), 40)
    sides = []
    for _ in range(2):
        changed = {key: chance.choice([None, b"one", b"other"]) for key in common}
        changed |= dict(changes_to(chance, held))
        sides.append(sorted(changed.items(), key=lambda change: change[0]))
    ours, theirs = (slow_apply(held, side) for side in sides)
    result = merge(nodes, base, *(edit(nodes, base, side) for side in sides))
    changes, conflicts = slow_merge(held, ours, theirs)
    assert changes
    assert conflicts
    assert result.changes == changes
    assert result.conflicts == conflicts
