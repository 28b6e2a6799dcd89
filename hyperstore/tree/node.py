"""One node of a tree: its bytes, and what they say.

A leaf (level 0) holds entries, key and value. A node above holds children: separator, count of
the entries below, and id. One list of entries has one byte string, and `decode` takes no other.
All numbers are big-endian:

    level 1, entries 1, form 1, prefix length 2, suffix width 2, value width 2
    prefix          what all keys begin with, stored where that is 8 bytes or more
    suffix ends     one number an entry, absent where all suffixes have one width
    suffixes        the rest of each key
    counts          one number a child; absent in a leaf
    value ends      as suffix ends; absent where all values have one width
    values          in a node above: the ids of the children

`form` is three pairs of bits, lowest first: bytes of a suffix end (0: one width, 1: 1, 2: 2,
3: 4), of a value end (the same), of a count (0: 1, 1: 2, 2: 4, 3: 8). Ends are counted from the
start of their region and take the fewest bytes that hold the last; counts take the fewest that
hold the greatest. A width that does not apply is 0.
"""

from collections.abc import Sequence
from operator import le, lt
from struct import Struct
from typing import NamedTuple, TypeAlias

from hyperstore.errors import CorruptError, UsageError
from hyperstore.limits import (
    ID_BYTES,
    KEY_BYTES_MAX,
    NODE_ENTRIES_MAX,
    NODE_PREFIX_BYTES_MIN,
    TREE_HEIGHT_MAX,
    VALUE_BYTES_MAX,
)
from hyperstore.tree.boundary import common_bytes

__all__ = ["Child", "Node", "decode", "encode_inner", "encode_leaf"]

Child: TypeAlias = tuple[bytes, int]
"""Id of a child and the count of entries below it."""

_HEADER = Struct(">BBBHHH")
_HEADER_BYTES = _HEADER.size
_COUNT_BYTES = (1, 2, 4, 8)
_ENDS = [[Struct(f">{number}{code}") for number in range(NODE_ENTRIES_MAX + 1)] for code in "xBHI"]
_COUNTS = [
    [Struct(f">{number}{code}") for number in range(NODE_ENTRIES_MAX + 1)] for code in "BHIQ"
]
_IDS = [Struct(">" + f"{ID_BYTES}s" * number) for number in range(NODE_ENTRIES_MAX + 1)]
_PLANS_MAX = 4096


class Node:
    """A decoded node. Nothing changes it: editing makes another."""

    __slots__ = ("counts", "keys", "level", "payload", "total", "value_ends", "values_at", "width")

    def __init__(
        self,
        level: int,
        keys: Sequence[bytes],
        counts: tuple[int, ...],
        total: int,
        payload: bytes,
        values_at: int,
        width: int,
        value_ends: tuple[int, ...],
    ) -> None:
        self.level = level
        self.keys = keys  # Whole keys in a leaf, separators above.
        self.counts = counts
        self.total = total  # Entries below, or held.
        self.payload = payload
        self.values_at = values_at
        self.width = width  # Of each value; value_ends is empty then.
        self.value_ends = value_ends

    def value(self, index: int) -> bytes:
        """Return the value of entry `index`; above the leaves, the id of child `index`."""
        if self.value_ends:
            start = self.value_ends[index - 1] if index else 0
            return self.payload[self.values_at + start : self.values_at + self.value_ends[index]]
        at = self.values_at + index * self.width
        return self.payload[at : at + self.width]

    def values(self) -> Sequence[bytes]:
        """Return all values; above the leaves, all ids."""
        if self.width == ID_BYTES:
            return _IDS[len(self.keys)].unpack_from(self.payload, self.values_at)
        return [self.value(index) for index in range(len(self.keys))]

    def with_values(self, changes: Sequence[tuple[int, bytes]]) -> "Node":
        """Return this leaf with the values of some entries replaced: same keys, so same cuts."""
        width = self.width
        if not self.value_ends and all(len(value) == width for _, value in changes):
            return self._spliced(changes)
        values = list(self.values())
        for index, value in changes:
            values[index] = value
        return decode(encode_leaf(self.keys, values))

    def with_children(self, changes: Sequence[tuple[int, Child]]) -> "Node":
        """Return this node with some children replaced, their separators kept."""
        counts = list(self.counts)
        for index, (_, count) in changes:
            counts[index] = count
        node = self._spliced([(index, child[0]) for index, child in changes])
        if tuple(counts) == self.counts:
            return node
        old, new = _count_form(self.counts), _count_form(counts)
        if old != new:
            return decode(encode_inner(self.level, self.keys, node.values(), counts))
        packed = _COUNTS[new][len(counts)].pack(*counts)
        head = node.payload[: self.values_at - len(packed)]
        node.payload = b"".join((head, packed, node.payload[self.values_at :]))
        node.counts = tuple(counts)
        node.total = sum(counts)
        return node

    def _spliced(self, changes: Sequence[tuple[int, bytes]]) -> "Node":
        """Return this node with values of the same width put in place."""
        pieces = []
        done = 0
        for index, value in changes:
            at = self.values_at + index * self.width
            pieces.append(self.payload[done:at])
            pieces.append(value)
            done = at + self.width
        pieces.append(self.payload[done:])
        payload = b"".join(pieces)
        return Node(
            self.level,
            self.keys,
            self.counts,
            self.total,
            payload,
            self.values_at,
            self.width,
            self.value_ends,
        )


def encode_leaf(keys: Sequence[bytes], values: Sequence[bytes]) -> bytes:
    """Return the payload of the leaf that holds these entries, which are in order."""
    if not keys:
        return bytes(_HEADER_BYTES)
    widths = list(map(len, values))
    width = widths[0]
    if widths.count(width) == len(widths):
        if width > VALUE_BYTES_MAX:
            raise UsageError(f"a value of {width} bytes, more than {VALUE_BYTES_MAX}")
        return _encode(0, keys, 0, width, values)
    if max(widths) > VALUE_BYTES_MAX:
        raise UsageError(f"a value of {max(widths)} bytes, more than {VALUE_BYTES_MAX}")
    form, ends = _pack_ends(widths)
    return _encode(0, keys, form << 2, 0, (ends, *values))


def encode_inner(
    level: int, separators: Sequence[bytes], ids: Sequence[bytes], counts: Sequence[int]
) -> bytes:
    """Return the payload of the node that holds these children, which are in order."""
    if level >= TREE_HEIGHT_MAX:
        raise UsageError(f"a tree of more than {TREE_HEIGHT_MAX} levels")
    form = _count_form(counts)
    packed = _COUNTS[form][len(counts)].pack(*counts)
    return _encode(level, separators, form << 4, ID_BYTES, (packed, *ids))


def _encode(
    level: int, keys: Sequence[bytes], form: int, value_width: int, rest: Sequence[bytes]
) -> bytes:
    """Return header, keys and `rest` as one."""
    first, last = keys[0], keys[-1]
    prefix = b""
    least = NODE_PREFIX_BYTES_MIN
    if len(first) >= least and first[:least] == last[:least]:
        shared = common_bytes(first, last)
        prefix = first[:shared]
        keys = [key[shared:] for key in keys]
    widths = list(map(len, keys))
    width = widths[0]
    ends = b""
    if widths.count(width) != len(widths):
        key_form, ends = _pack_ends(widths)
        form |= key_form
        width = max(widths)
    if len(prefix) + width > KEY_BYTES_MAX:
        raise UsageError(f"a key of {len(prefix) + width} bytes, more than {KEY_BYTES_MAX}")
    header = _HEADER.pack(level, len(keys), form, len(prefix), 0 if ends else width, value_width)
    return b"".join((header, prefix, ends, *keys, *rest))


def _pack_ends(widths: Sequence[int]) -> tuple[int, bytes]:
    """Return the form of the ends of these widths, and the ends."""
    ends = []
    end = 0
    for width in widths:
        end += width
        ends.append(end)
    form = _end_form(end)
    return form, _ENDS[form][len(ends)].pack(*ends)


def _end_form(last: int) -> int:
    return 1 if last < 2**8 else 2 if last < 2**16 else 3


def _count_form(counts: Sequence[int]) -> int:
    most = max(counts)
    return 0 if most < 2**8 else 1 if most < 2**16 else 2 if most < 2**32 else 3


class _Plan(NamedTuple):
    """What a header says, worked out once for all nodes that begin with it."""

    level: int
    entries: int
    prefix_bytes: int
    key_form: int
    value_form: int
    count_form: int
    width: int
    value_width: int
    suffixes_at: int
    values_at: int  # Where all widths are fixed, as is the length.
    payload_bytes: int  # 0 where a region has ends.
    suffixes: Struct


_plans: dict[bytes, _Plan] = {}


def decode(payload: bytes) -> Node:
    """Return the node of these bytes. Anything but what `encode_*` writes is a CorruptError."""
    plan = _plans.get(payload[:_HEADER_BYTES]) or _plan(payload)
    entries = plan.entries
    suffixes: Sequence[bytes]
    value_ends: tuple[int, ...] = ()
    if plan.payload_bytes:
        if len(payload) != plan.payload_bytes:
            raise CorruptError(f"{len(payload)} bytes where {plan.payload_bytes} are due")
        suffixes = plan.suffixes.unpack_from(payload, plan.suffixes_at)
        values_at = plan.values_at
    elif not entries:
        if len(payload) != _HEADER_BYTES:
            raise CorruptError("no entries, and yet not the empty leaf")
        return Node(0, (), (), 0, payload, _HEADER_BYTES, 0, ())
    else:
        suffixes, values_at, value_ends = _regions(payload, plan)
    if not all(map(lt, suffixes, suffixes[1:])):
        raise CorruptError("keys out of order")
    first = suffixes[0]
    if plan.prefix_bytes:
        if first and (entries == 1 or first[0] == suffixes[-1][0]):
            raise CorruptError("a prefix shorter than what the keys share")
        prefix = payload[_HEADER_BYTES : _HEADER_BYTES + plan.prefix_bytes]
        keys: Sequence[bytes] = [prefix + suffix for suffix in suffixes]
    else:
        least = NODE_PREFIX_BYTES_MIN
        if len(first) >= least and first[:least] == suffixes[-1][:least]:
            raise CorruptError("no prefix where the keys share one")
        keys = suffixes
    level = plan.level
    if not level:
        return Node(0, keys, (), entries, payload, values_at, plan.value_width, value_ends)
    form = plan.count_form
    counts = _COUNTS[form][entries].unpack_from(payload, values_at - entries * _COUNT_BYTES[form])
    if 0 in counts:
        raise CorruptError("a child of no entries")
    if form and _count_form(counts) != form:
        raise CorruptError("counts wider than they need be")
    return Node(level, keys, counts, sum(counts), payload, values_at, ID_BYTES, ())


def _plan(payload: bytes) -> _Plan:
    """Check a header, and remember what it says."""
    header = payload[:_HEADER_BYTES]
    if len(header) < _HEADER_BYTES:
        raise CorruptError(f"{len(header)} bytes, shorter than a header")
    level, entries, form, prefix_bytes, width, value_width = _HEADER.unpack(header)
    key_form, value_form, count_form = form & 3, form >> 2 & 3, form >> 4
    if level >= TREE_HEIGHT_MAX:
        raise CorruptError(f"level {level} of a tree of at most {TREE_HEIGHT_MAX} levels")
    if entries > NODE_ENTRIES_MAX:
        raise CorruptError(f"{entries} entries, more than {NODE_ENTRIES_MAX}")
    if not entries and payload != bytes(_HEADER_BYTES):
        raise CorruptError("no entries, and yet not the empty leaf")
    if count_form > 3 or (count_form and not level) or (level and value_form):
        raise CorruptError(f"form {form} at level {level}")
    if (key_form and (width or entries == 1)) or (value_form and (value_width or entries == 1)):
        raise CorruptError("ends where one width holds, or a width beside ends")
    if level and value_width != ID_BYTES:
        raise CorruptError(f"ids of {value_width} bytes")
    if prefix_bytes and prefix_bytes < NODE_PREFIX_BYTES_MIN:
        raise CorruptError(f"a prefix of {prefix_bytes} bytes")
    if prefix_bytes + width > KEY_BYTES_MAX:
        raise CorruptError(f"keys of {prefix_bytes + width} bytes, more than {KEY_BYTES_MAX}")
    at = _HEADER_BYTES + prefix_bytes
    fixed = bool(entries) and not key_form and not value_form
    counts_bytes = entries * _COUNT_BYTES[count_form] if level else 0
    values_at = at + entries * width + counts_bytes
    size = values_at + entries * value_width if fixed else 0
    suffixes = Struct(f"{width}s" * entries if fixed else "")
    plan = _Plan(
        level, entries, prefix_bytes, key_form, value_form, count_form, width, value_width,
        at, values_at, size, suffixes,
    )  # fmt: skip
    if len(_plans) >= _PLANS_MAX:
        _plans.clear()
    _plans[header] = plan
    return plan


def _regions(payload: bytes, plan: _Plan) -> tuple[Sequence[bytes], int, tuple[int, ...]]:
    """Return suffixes, where the values begin, and their ends, of a node that has ends."""
    entries = plan.entries
    at = plan.suffixes_at
    if plan.key_form:
        ends, at = _read_ends(payload, at, entries, plan.key_form)
        last = ends[-1]
        if plan.prefix_bytes + last > KEY_BYTES_MAX:
            _check_widths(ends, KEY_BYTES_MAX - plan.prefix_bytes, "key")
    else:
        last = plan.width * entries
        ends = tuple(range(plan.width, last + 1, plan.width)) if plan.width else (0,) * entries
    region = payload[at : at + last]
    suffixes = []
    start = 0
    for end in ends:  # Ends that fall give an empty suffix, which is then out of order.
        suffixes.append(region[start:end])
        start = end
    at += last
    if plan.level:
        at += entries * _COUNT_BYTES[plan.count_form]
    value_ends: tuple[int, ...] = ()
    size = entries * plan.value_width
    if plan.value_form:
        value_ends, at = _read_ends(payload, at, entries, plan.value_form)
        if not all(map(le, value_ends, value_ends[1:])):
            raise CorruptError("value ends out of order")
        _check_widths(value_ends, VALUE_BYTES_MAX, "value")
        size = value_ends[-1]
    if len(payload) != at + size:
        raise CorruptError(f"{len(payload)} bytes where {at + size} are due")
    return suffixes, at, value_ends


def _read_ends(payload: bytes, at: int, entries: int, form: int) -> tuple[tuple[int, ...], int]:
    """Return the ends of a region and where it begins."""
    layout = _ENDS[form][entries]
    if len(payload) < at + layout.size:
        raise CorruptError(f"{len(payload)} bytes, too few for the ends at {at}")
    ends = layout.unpack_from(payload, at)
    last, first = ends[-1], ends[0]
    if form != 1 and _end_form(last) != form:
        raise CorruptError("ends wider than they need be")
    if last == first * entries and ends == tuple(first * (index + 1) for index in range(entries)):
        raise CorruptError("ends where one width holds")
    return ends, at + layout.size


def _check_widths(ends: tuple[int, ...], most: int, what: str) -> None:
    for start, end in zip((0, *ends), ends, strict=False):
        if end - start > most:
            raise CorruptError(f"a {what} of {end - start} bytes, more than {most}")
