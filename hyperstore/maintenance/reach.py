"""What the roots lead to, one bit for each sequence number.

A million frames take 150 kB here, where their ids in a set would take 100 MB. Links are followed
by kind: a commit leads to its snapshot and parents, a tag to its commit, a snapshot to its roots,
a node to its children or to its values, a lock to its commits, a run to the commits, snapshots and
locks that it names, as far as they are here. Objects of other kinds, and values of leaves, lead
nowhere: they are marked and not read.
"""

from collections.abc import Iterable, Sequence

from hyperstore.errors import MissingObjectError
from hyperstore.history.commit import decode_commit, decode_snapshot, decode_tag
from hyperstore.history.dataview import commits_of_view, decode_view
from hyperstore.history.lock import commits_of_lock, decode_lock
from hyperstore.history.run import decode_run, links_of_run
from hyperstore.ids import Kind, ObjectId
from hyperstore.limits import ID_BYTES, MARK_BATCH
from hyperstore.storage.objects import ObjectState
from hyperstore.storage.reader import Reader
from hyperstore.tree.node import decode as decode_node

__all__ = ["Bits", "Links", "Marking", "links_of"]

_FOLLOWED = frozenset(
    (Kind.NODE, Kind.SNAPSHOT, Kind.COMMIT, Kind.TAG, Kind.DATAVIEW, Kind.RUN, Kind.LOCK)
)


class Bits:
    """A set of numbers from 0 on."""

    def __init__(self, most: int) -> None:
        self._bits = bytearray(most // 8 + 1)

    def add(self, number: int) -> bool:
        """Take a number in; say whether it is new."""
        at, bit = number >> 3, 1 << (number & 7)
        if at >= len(self._bits):
            self._bits.extend(bytes(max(at + 1 - len(self._bits), len(self._bits))))
        if self._bits[at] & bit:
            return False
        self._bits[at] |= bit
        return True

    def __contains__(self, number: int) -> bool:
        at = number >> 3
        return at < len(self._bits) and bool(self._bits[at] & 1 << (number & 7))

    def __len__(self) -> int:
        return int.from_bytes(self._bits, "little").bit_count()


Links = tuple[Sequence[ObjectId], Sequence[ObjectId]]
"""Ids of objects that lead on, and of objects that do not."""


def links_of(oid: ObjectId, kind: int, payload: bytes) -> Links:
    """Return what one object leads to. CorruptError where it cannot be read."""
    if kind == Kind.NODE:
        node = decode_node(payload)
        values = [ObjectId(value) for value in node.values() if len(value) == ID_BYTES]
        return (values, ()) if node.level else ((), values)
    if kind == Kind.SNAPSHOT:
        return [ObjectId(root) for root in decode_snapshot(payload, oid).roots.values()], ()
    if kind == Kind.COMMIT:
        commit = decode_commit(payload, oid)
        return [ObjectId(commit.snapshot), *map(ObjectId, commit.parents)], ()
    if kind == Kind.TAG:
        return [ObjectId(decode_tag(payload, oid).commit)], ()
    if kind == Kind.LOCK:
        return commits_of_lock(decode_lock(payload, oid)), ()
    if kind == Kind.DATAVIEW:
        return commits_of_view(decode_view(payload, oid)), ()
    if kind == Kind.RUN:
        return links_of_run(decode_run(payload, oid)), ()
    return (), ()


class Marking:
    """Marks what ids lead to; done in steps, so that no transaction lasts long."""

    def __init__(self, live: Bits, *, batch: int = MARK_BATCH) -> None:
        self.live = live
        self.looked = 0  # How many ids were looked up so far.
        self._batch = batch
        self._pending: list[ObjectId] = []

    def add(self, ids: Iterable[ObjectId]) -> None:
        """Take in more ids to begin from."""
        self._pending += ids

    def step(self, reader: Reader, batches: int | None = None) -> bool:
        """Go on by so many batches, or to the end; say whether all is marked.

        What is missing on purpose or forgotten is passed over. CorruptError, or MissingObjectError
        for what is lost, where it is not known what an object leads to.
        """
        pending = self._pending
        while pending and batches != 0:
            # From the end, so that a tree is walked down and few ids wait.
            batch = pending[-self._batch :]
            del pending[-self._batch :]
            self.looked += len(batch)
            fresh = _unmarked(reader, batch, self.live)
            for oid, (kind, payload) in zip(fresh, reader.get_records(fresh), strict=True):
                if kind in _FOLLOWED:
                    onward, ends = links_of(oid, kind, payload)
                    if kind == Kind.RUN:  # It may have named what was collected already.
                        onward = list(reader.numbers(onward))
                    pending += onward
                    self.looked += len(ends)
                    _mark_ends(reader, ends, self.live)
            batches = None if batches is None else batches - 1
        return not pending


def _mark_ends(reader: Reader, ends: Sequence[ObjectId], live: Bits) -> None:
    for number in reader.numbers(ends).values():
        live.add(number)


def _unmarked(reader: Reader, batch: Sequence[ObjectId], live: Bits) -> list[ObjectId]:
    """Return those that were not marked, marking them; lost ones raise."""
    numbers = reader.numbers(batch)
    if len(numbers) < len(set(batch)):
        for oid in batch:
            if oid not in numbers and reader.state(oid) is ObjectState.LOST:
                raise MissingObjectError(
                    f"object {oid.hex()} is lost, so what it led to is not known. Run fsck"
                )
    return [oid for oid, number in numbers.items() if live.add(number)]
