"""One node of a tree: its bytes, and what they say.

A leaf (level 0) holds entries, key and value. A node above holds children: separator, count of
the entries below, and id. Its payload is a MessagePack array of five:

    level       0 for a leaf
    prefix      what all keys begin with, if that is 8 bytes or more; else empty
    suffixes    the rest of each key, in order
    counts      the entries below each child; empty in a leaf
    values      the ids of the children; in a leaf, the values: joined to one if each has 32
                bytes, else an array of them

One list of entries has one byte string, and `decode` takes no other.

Measured on nodes of 11 entries: a layout of our own (header, ends of suffixes, joined suffixes,
counts, values, read by `struct` and slices) saved a byte a key, 3 %, and took 1.6 us to decode a
leaf, 3.4 us one above and 4.6 us one with a prefix; this takes 1.9, 2.2 and 2.8, every check
included. Prefixes under 8 bytes would save 4 % of a leaf of frames, and cost 0.7 us.
"""

from collections.abc import Sequence
from operator import lt
from struct import Struct as Layout
from typing import Annotated, TypeAlias

from hyperstore.codec import Meta, Struct, decoder, pack
from hyperstore.errors import CorruptError, UsageError
from hyperstore.limits import (
    ID_BYTES,
    KEY_BYTES_MAX,
    NODE_ENTRIES_MAX,
    NODE_PREFIX_BYTES_MIN,
    TREE_ENTRIES_MAX,
    TREE_HEIGHT_MAX,
    VALUE_BYTES_MAX,
)
from hyperstore.tree.boundary import common_bytes

__all__ = ["Child", "Node", "decode", "make_inner", "make_leaf"]

Child: TypeAlias = tuple[bytes, int]
"""Id of a child and the count of entries below it."""

_IDS = [Layout(f"{ID_BYTES}s" * number) for number in range(NODE_ENTRIES_MAX + 1)]


_NONE: list[bytes] = []  # Never added to.


class _Wire(Struct, array_like=True, gc=False):
    """The payload, field by field."""

    level: Annotated[int, Meta(ge=0, lt=TREE_HEIGHT_MAX)]
    prefix: bytes
    suffixes: list[bytes]
    counts: list[Annotated[int, Meta(ge=1)]]
    values: bytes | list[bytes]


_decode_wire = decoder(_Wire)


class Node(Struct, gc=False):
    """A decoded node. Nothing changes it: editing makes another."""

    level: int
    keys: list[bytes]  # Whole keys in a leaf, separators above.
    counts: list[int]
    total: int  # Entries below, or held.
    joined: bytes  # Values of 32 bytes, and ids.
    apart: list[bytes]  # Other values.
    prefix: bytes
    suffixes: list[bytes]

    def value(self, index: int) -> bytes:
        """Return the value of entry `index`; above the leaves, the id of child `index`."""
        if self.apart:
            return self.apart[index]
        return self.joined[index * ID_BYTES : (index + 1) * ID_BYTES]

    def values(self) -> Sequence[bytes]:
        """Return all values; above the leaves, all ids."""
        return self.apart or _IDS[len(self.keys)].unpack(self.joined)

    def payload(self) -> bytes:
        """Return the bytes of this node."""
        values = self.apart or self.joined
        return pack(_Wire(self.level, self.prefix, self.suffixes, self.counts, values))

    def with_values(self, changes: Sequence[tuple[int, bytes]]) -> "Node":
        """Return this leaf with the values of some entries replaced: same keys, so same cuts."""
        if not self.apart and all(len(value) == ID_BYTES for _, value in changes):
            joined, apart = _spliced(self.joined, changes), self.apart
        else:
            values = list(self.values())
            for index, value in changes:
                values[index] = value
            joined, apart = _arranged(values)
        return Node(0, self.keys, [], self.total, joined, apart, self.prefix, self.suffixes)

    def with_children(self, changes: Sequence[tuple[int, Child]]) -> "Node":
        """Return this node with some children replaced, their separators kept."""
        counts = self.counts.copy()
        for index, (_, count) in changes:
            counts[index] = count
        joined = _spliced(self.joined, [(index, node_id) for index, (node_id, _) in changes])
        total = sum(counts)
        return Node(self.level, self.keys, counts, total, joined, [], self.prefix, self.suffixes)


def make_leaf(keys: list[bytes], values: Sequence[bytes]) -> Node:
    """Return the leaf that holds these entries, which are in order."""
    prefix, suffixes = _shared(keys)
    joined, apart = _arranged(values)
    return Node(0, keys, [], len(keys), joined, apart, prefix, suffixes)


def make_inner(
    level: int, separators: list[bytes], ids: Sequence[bytes], counts: list[int]
) -> Node:
    """Return the node that holds these children, which are in order."""
    if level >= TREE_HEIGHT_MAX:
        raise UsageError(f"a tree of {level + 1} levels; the limit is {TREE_HEIGHT_MAX}")
    total = sum(counts)
    if total > TREE_ENTRIES_MAX:
        raise UsageError(f"a tree of {total:,} entries; the limit is {TREE_ENTRIES_MAX:,}")
    prefix, suffixes = _shared(separators)
    return Node(level, separators, counts, total, b"".join(ids), [], prefix, suffixes)


def decode(payload: bytes) -> Node:
    """Return the node of these bytes. Any that `Node.payload` does not write: CorruptError."""
    wire = _decode_wire(payload, what="a node")
    level, prefix, suffixes = wire.level, wire.prefix, wire.suffixes
    counts, values = wire.counts, wire.values
    entries = len(suffixes)
    if entries > NODE_ENTRIES_MAX:
        raise CorruptError(f"{entries} entries, more than {NODE_ENTRIES_MAX}")
    if pack(wire) != payload:
        raise CorruptError("not in canonical form")
    if not all(map(lt, suffixes, suffixes[1:])):
        raise CorruptError("keys out of order")
    if len(payload) > KEY_BYTES_MAX:  # Or no key could be too long.
        _check_widths(prefix, suffixes)
    keys = suffixes
    if prefix:
        keys = [prefix + suffix for suffix in suffixes]
    least = NODE_PREFIX_BYTES_MIN
    if prefix or entries < 2 or suffixes[0][:least] == suffixes[-1][:least]:
        _check_prefix(prefix, suffixes)
    joined, apart = (values, _NONE) if isinstance(values, bytes) else (b"", values)
    if apart is not _NONE:
        _check_values(level, entries, apart)
    elif len(joined) != entries * ID_BYTES:
        raise CorruptError(f"{len(joined)} bytes of values for {entries} entries")
    if not level:
        if counts:
            raise CorruptError("counts in a leaf")
        return Node(0, keys, counts, entries, joined, apart, prefix, suffixes)
    total = sum(counts)
    if len(counts) != entries or not entries or total > TREE_ENTRIES_MAX:
        raise CorruptError(f"counts {counts} of {entries} children")
    return Node(level, keys, counts, total, joined, apart, prefix, suffixes)


def _check_widths(prefix: bytes, suffixes: list[bytes]) -> None:
    longest = len(prefix) + max(map(len, suffixes), default=0)
    if longest > KEY_BYTES_MAX:
        raise CorruptError(f"a key of {longest} bytes, more than {KEY_BYTES_MAX}")


def _check_prefix(prefix: bytes, suffixes: list[bytes]) -> None:
    """Raise CorruptError unless the prefix is what first and last key share, if that is enough."""
    if not suffixes:
        if prefix:
            raise CorruptError("a prefix of no keys")
        return
    first, last = suffixes[0], suffixes[-1]
    least = NODE_PREFIX_BYTES_MIN
    if prefix:
        good = len(prefix) >= least and (not first or first[0] != last[0])
    else:
        good = len(first) < least or first[:least] != last[:least]
    if not good:
        raise CorruptError(f"prefix {prefix.hex()} is not what the keys share")


def _check_values(level: int, entries: int, values: list[bytes]) -> None:
    """Raise CorruptError unless values that stand apart must."""
    if level:
        raise CorruptError("ids that are not joined")
    if len(values) != entries:
        raise CorruptError(f"{len(values)} values for {entries} entries")
    longest = max(map(len, values), default=0)
    if longest > VALUE_BYTES_MAX:
        raise CorruptError(f"a value of {longest} bytes, more than {VALUE_BYTES_MAX}")
    if all(len(value) == ID_BYTES for value in values):
        raise CorruptError("values that should be joined")


def _shared(keys: list[bytes]) -> tuple[bytes, list[bytes]]:
    """Return what the keys begin with, if that is enough to be stored apart, and the rest."""
    if not keys:
        return b"", keys
    first, last = keys[0], keys[-1]
    least = NODE_PREFIX_BYTES_MIN
    if len(first) < least or first[:least] != last[:least]:
        return b"", keys
    length = common_bytes(first, last)
    return first[:length], [key[length:] for key in keys]


def _arranged(values: Sequence[bytes]) -> tuple[bytes, list[bytes]]:
    """Return values joined, or apart where their widths ask for it."""
    widths = list(map(len, values))
    if widths.count(ID_BYTES) == len(widths):
        return b"".join(values), []
    if max(widths) > VALUE_BYTES_MAX:
        raise UsageError(f"a value of {max(widths)} bytes; the limit is {VALUE_BYTES_MAX}")
    return b"", list(values)


def _spliced(joined: bytes, changes: Sequence[tuple[int, bytes]]) -> bytes:
    """Return joined values with some replaced."""
    pieces = []
    done = 0
    for index, value in changes:
        at = index * ID_BYTES
        pieces.append(joined[done:at])
        pieces.append(value)
        done = at + ID_BYTES
    pieces.append(joined[done:])
    return b"".join(pieces)
