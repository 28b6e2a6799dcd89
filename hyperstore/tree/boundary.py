"""Where a run of sorted entries is cut into nodes, and what separates two nodes.

A node ends after an entry whose key's hash falls under the cut, once it holds the minimum of
entries, and always at the maximum. That depends only on the keys since the node began, never on
values or bytes: one set of entries gives one tree, whatever order it was written in, and a change
of value moves no cut.

A node is known above by its separator: the shortest prefix of its first key that is greater than
the last key before it, and nothing at all for the first node. A key lies below the last separator
that is not greater than it.

Figures: 100,000 entries of 32 bytes; keys of 17 random bytes, and in brackets of about 100 with a
shared beginning. Bytes of nodes written for 10 and for 100 random changes of value, what a store
adds (115 bytes a node) included; nodes and payload bytes an entry.

    minimum, one in, maximum       10, kB       100, kB      nodes    bytes
    8, 4, 24                       22 (28)      163 (197)    0.100    56 (79)    chosen
    4, 3, 12                       19 (25)      143 (177)    0.203    61 (90)    two levels more
    6, 3, 18; 5, 3, 15 above       20 (25)      150 (184)    0.146    58 (84)    one level more
    8, 4, 24; 6, 3, 18 above       21 (27)      157 (196)    0.104    56 (80)    one level more
    8, 4, 24; 6, 8, 24 above       24 (29)      170 (205)    0.099    56 (79)
    12, 4, 24; 8, 4, 24 above      23 (30)      173 (219)    0.074    55 (76)
    1, 8, 24                       26 (33)      188 (236)    0.151    58 (85)
    1, 11, 64                      31 (41)      223 (287)    0.102    56 (79)

Smaller nodes write a tenth less and read more: cold look-ups cost what the height is, and every
node is hashed, put and indexed. Whole keys instead of separators: 26 (37) kB for 10 changes.
"""

from collections.abc import Sequence

from hyperstore.codec import Struct
from hyperstore.ids import key_hash
from hyperstore.limits import NODE_CUT_ONE_IN, NODE_ENTRIES_MAX, NODE_ENTRIES_MIN

__all__ = ["LAW", "Law", "common_bytes", "next_cut", "renewed_separator", "separator"]


class Law(Struct, frozen=True):
    """The three numbers of the cut. A store always uses `LAW`; tests make trees of few entries."""

    entries_min: int
    entries_max: int
    cut_one_in: int


LAW = Law(NODE_ENTRIES_MIN, NODE_ENTRIES_MAX, NODE_CUT_ONE_IN)


def next_cut(law: Law, keys: Sequence[bytes], start: int, level: int) -> int:
    """Return where the node that begins at `start` ends, exclusive, or 0 if no key ends it."""
    stop = start + law.entries_max
    under = 2**64 // law.cut_one_in
    for index in range(start + law.entries_min - 1, min(stop - 1, len(keys))):
        if key_hash(keys[index], level) < under:
            return index + 1
    return stop if stop <= len(keys) else 0


def separator(before: bytes, first: bytes) -> bytes:
    """Return the shortest prefix of `first` that is greater than `before`; `before < first`."""
    if before[:8] != first[:8]:
        length = 1
        while first[:length] <= before:
            length += 1
        return first[:length]
    return first[: common_bytes(before, first) + 1]


def renewed_separator(old: bytes, first: bytes) -> bytes:
    """Return the separator of a node whose first key changed, the node before being as it was.

    Without its last byte the old separator is what the last key before the node begins with, as
    far as that key and this node's keys go together. So nothing else need be read.
    """
    return first[: common_bytes(old[:-1], first) + 1] if old else b""


def common_bytes(one: bytes, other: bytes) -> int:
    """Return how many bytes both begin with."""
    length = min(len(one), len(other))
    differ = int.from_bytes(one[:length], "big") ^ int.from_bytes(other[:length], "big")
    return length - (differ.bit_length() + 7) // 8
