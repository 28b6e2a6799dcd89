"""What a caller gets wrong, and what bounds memory."""

from collections.abc import Iterator

import pytest

from hyperstore.errors import NotFoundError, UsageError
from hyperstore.limits import BUILD_BATCH, CHANGES_CHUNK, KEY_BYTES_MAX
from hyperstore.tree.build import build
from hyperstore.tree.cursor import get_many, nth, scan
from hyperstore.tree.edit import edit
from hyperstore.tree.nodes import EMPTY, Nodes
from tests.support.slow import MemorySource


def numbered(number: int) -> list[tuple[bytes, bytes]]:
    return [(at.to_bytes(4, "big"), at.to_bytes(32, "big")) for at in range(number)]


@pytest.mark.parametrize("second", [b"a", b"b"])
def test_keys_out_of_order_are_refused(second: bytes) -> None:
    """Descending or twice: a tree of them would not be one."""
    nodes = Nodes(MemorySource())
    with pytest.raises(UsageError, match="follows 62"):
        build(nodes, [(b"b", b""), (second, b"")])
    with pytest.raises(UsageError, match="follows 62"):
        edit(nodes, build(nodes, []), [(b"b", b""), (second, None)])
    with pytest.raises(UsageError, match="follows 62"):
        get_many(nodes, build(nodes, []), [b"b", second])


@pytest.mark.parametrize("at", [1, BUILD_BATCH, CHANGES_CHUNK])
def test_order_is_checked_from_one_batch_to_the_next(at: int) -> None:
    """The key before is remembered over the end of a batch, and over a leaf's."""
    entries = numbered(at)
    entries.append(entries[-1])
    nodes = Nodes(MemorySource())
    with pytest.raises(UsageError, match="follows"):
        build(nodes, entries)
    with pytest.raises(UsageError, match="follows"):
        edit(nodes, build(nodes, []), entries)


def test_a_key_over_the_limit_is_refused() -> None:
    """The reader would call it damage."""
    nodes = Nodes(MemorySource())
    entries = [(bytes(KEY_BYTES_MAX), b"x"), (bytes(KEY_BYTES_MAX + 1), b"x")]
    build(nodes, entries[:1])
    with pytest.raises(UsageError, match="limit"):
        build(nodes, entries)
    with pytest.raises(UsageError, match="limit"):
        edit(nodes, build(nodes, []), entries)


def test_a_place_outside_the_tree_is_not_found() -> None:
    """Negative places do not count from the end."""
    nodes = Nodes(MemorySource())
    root = build(nodes, numbered(100))
    for place in (-1, 100):
        with pytest.raises(NotFoundError, match="100"):
            nth(nodes, root, place)
    with pytest.raises(NotFoundError):
        nth(nodes, nodes.save_empty(), 0)


def test_an_error_in_the_callers_entries_comes_through() -> None:
    """Nothing refers to nodes that were written before it."""

    def broken() -> Iterator[tuple[bytes, bytes]]:
        yield from numbered(3_000)
        raise LookupError("the caller's own")

    nodes = Nodes(MemorySource())
    with pytest.raises(LookupError, match="own"):
        build(nodes, broken())
    with pytest.raises(LookupError, match="own"):
        edit(nodes, build(nodes, []), broken())


def test_edits_over_several_chunks_give_the_tree_built_from_scratch() -> None:
    """A stream of changes is taken in chunks, and the tree grows and shrinks by levels."""
    entries = numbered(3 * CHANGES_CHUNK)
    nodes = Nodes(MemorySource())
    whole = build(nodes, entries)
    assert edit(nodes, build(nodes, []), iter(entries)) == whole
    half = edit(nodes, whole, ((key, None) for key, _ in entries[::2]))
    assert half == build(nodes, entries[1::2])
    assert edit(nodes, half, ((key, None) for key, _ in entries)) == EMPTY


def test_a_scan_outlives_edits() -> None:
    """Nodes never change, so an iterator goes on over the tree that it began with."""
    nodes = Nodes(MemorySource())
    entries = numbered(2_000)
    root = build(nodes, entries)
    reader = scan(nodes, root)
    first = [next(reader) for _ in range(10)]
    edit(nodes, root, [(key, None) for key, _ in entries[5:]])
    assert first + list(reader) == entries
    assert list(scan(nodes, root, start=first[-1][0])) == entries[9:]
