"""Which frames a snapshot has, as the sequence numbers of their objects in the order of iteration.

Numbers are of one store and stand for one object for good, so a set of frames is a bitmap of them.
Whoever asks for a snapshot for the first time pays a walk over its tree of order. The answer stays
in memory, and in `cache/versions/` for the next process; that of a relative, such as the version
as it was some edits ago, follows from a difference of two trees. All of it is derived: a file that
is missing, damaged, of another store or of frames that were collected since is made anew.
"""

from array import array
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice
from operator import lt
from weakref import WeakKeyDictionary

from pyroaring import BitMap

from hyperstore.dataset.edit import root
from hyperstore.dataset.handle import Handle
from hyperstore.errors import CorruptError, MissingObjectError
from hyperstore.history.commit import Snapshot
from hyperstore.ids import NodeId, ObjectId
from hyperstore.limits import (
    VERSION_SET_CHANGES_MIN,
    VERSION_SET_CHANGES_SHARE,
    VERSION_SET_SAVED_MIN,
    VERSION_SETS_HELD_BYTES_MAX,
    VERSION_SETS_HELD_MAX,
    VERSION_SETS_TRIED,
)
from hyperstore.query.index.objectnumbers import numbers_of
from hyperstore.query.versionsets.savedsets import Shelf, Stamp, VersionSet
from hyperstore.tree import cursor
from hyperstore.tree.diff import Change, diff
from hyperstore.tree.nodes import Nodes

__all__ = ["VersionSet", "renew_version_set", "version_set"]

_BATCH = 4_096


class _Held:
    """The sets that one handle remembers: those used last."""

    def __init__(self) -> None:
        self.sets: OrderedDict[NodeId, VersionSet] = OrderedDict()

    def get(self, order: NodeId) -> VersionSet | None:
        found = self.sets.get(order)
        if found is not None:
            self.put(order, found)
        return found

    def put(self, order: NodeId, made: VersionSet) -> None:
        kept = [*((one, held) for one, held in self.sets.copy().items() if one != order)]
        size = made.order_bytes
        room: OrderedDict[NodeId, VersionSet] = OrderedDict()
        for one, held in reversed(kept[-VERSION_SETS_HELD_MAX + 1 :]):
            size += held.order_bytes
            if size > VERSION_SETS_HELD_BYTES_MAX:
                break
            room[one] = held
        self.sets = OrderedDict([*reversed(room.items()), (order, made)])  # At once, for threads.


_held: WeakKeyDictionary[Handle, _Held] = WeakKeyDictionary()


def version_set(handle: Handle, snapshot: Snapshot) -> VersionSet:
    """Return the frames of a snapshot, whose objects are stored and held by whoever asks.

    QueryError where the store has given more numbers than a set can hold.
    """
    held = _held.setdefault(handle, _Held())
    order = root(snapshot, "order")
    stamp = _stamp(handle, order)
    found = held.get(order)
    if found is None or found.stamp != stamp:
        found = _made(handle, snapshot, held, stamp)
        held.put(order, found)
    return found


def renew_version_set(handle: Handle, snapshot: Snapshot) -> None:
    """Make the set anew: a number of it led to no object. Where that fails, it stays as it is."""
    order = root(snapshot, "order")
    made = _walked(handle, handle.staging().nodes, order).of_tree(_stamp(handle, order))
    _held.setdefault(handle, _Held()).put(order, made)
    Shelf(handle.folder, handle.database.store_id).remove(order)


def _made(handle: Handle, snapshot: Snapshot, held: _Held, stamp: Stamp) -> VersionSet:
    shelf = Shelf(handle.folder, handle.database.store_id)
    order = root(snapshot, "order")
    saved = shelf.load(order)
    if saved is not None and saved.stamp == stamp and len(saved) == snapshot.count:
        return saved
    nodes = handle.staging().nodes
    made, cost = None, snapshot.count
    for relative in _relatives(handle, snapshot, held, shelf):
        derived = _derived(handle, nodes, relative, snapshot)
        if derived is not None:
            made, cost = derived
            break
    if made is None:
        made = _walked(handle, nodes, order)
    made = made.of_tree(stamp)
    if cost >= VERSION_SET_SAVED_MIN:
        shelf.save(order, made)
    return made


def _stamp(handle: Handle, order: NodeId) -> Stamp:
    """Return the stamp of a tree's root."""
    with handle.database.reading() as reader:
        number = reader.numbers([order]).get(order, 0)
        return number, reader.written_ms(number) if number else 0


def _walked(handle: Handle, nodes: Nodes, order: NodeId) -> VersionSet:
    """Return the set by a walk over the whole tree."""
    numbers = array("I")
    entries = cursor.scan(nodes, order)
    while batch := [ObjectId(value) for _, value in islice(entries, _BATCH)]:
        numbers.extend(numbers_of(handle, batch))
    ascends = all(map(lt, numbers, islice(numbers, 1, None)))
    return VersionSet(numbers, BitMap(numbers), ascends=ascends)


# From a relative.


def _relatives(
    handle: Handle, snapshot: Snapshot, held: _Held, shelf: Shelf
) -> Iterator[tuple[NodeId, VersionSet]]:
    """Yield a few known sets that may differ little, those used last first."""
    tried = 0
    most = _most_changes(snapshot.count)
    for order, known in reversed(held.sets.copy().items()):
        near = abs(len(known) - snapshot.count) <= most
        if near and tried < VERSION_SETS_TRIED and known.stamp == _stamp(handle, order):
            tried += 1
            yield order, known
    for order, count in shelf.listed():
        if tried >= VERSION_SETS_TRIED:
            return
        if abs(count - snapshot.count) <= most and order not in held.sets:
            tried += 1
            saved = shelf.load(order)
            if saved is not None and saved.stamp[0] and saved.stamp == _stamp(handle, order):
                yield order, saved


def _most_changes(count: int) -> int:
    return max(VERSION_SET_CHANGES_MIN, count // VERSION_SET_CHANGES_SHARE)


def _derived(
    handle: Handle, nodes: Nodes, relative: tuple[NodeId, VersionSet], snapshot: Snapshot
) -> tuple[VersionSet, int] | None:
    """Return the set and the number of changes that led to it; None where they are too many."""
    old, known = relative
    most = _most_changes(snapshot.count)
    try:
        changes = list(islice(diff(nodes, old, root(snapshot, "order")), most + 1))
        if len(changes) > most:
            return None
        made = _changed(handle, nodes, old, known, changes)
    except (MissingObjectError, CorruptError):  # The relative may be gone; who asks is not.
        return None
    return (made, len(changes)) if len(made) == snapshot.count else None


def _changed(
    handle: Handle, nodes: Nodes, old: NodeId, known: VersionSet, changes: list[Change]
) -> VersionSet:
    """Return a set with changes, which come in order: what lies between them is copied whole."""
    came = numbers_of(handle, [ObjectId(one.new) for one in changes if one.new is not None])
    ranks = [*cursor.ranks(nodes, old, (change.key for change in changes))]
    gone = [
        known.at(place) for place, one in zip(ranks, changes, strict=True) if one.old is not None
    ]
    members = known.members - BitMap(gone)
    members.update(came)
    if len(gone) == len(came) == len(changes):  # All in their places: edits of frames, as most are.
        made = known.changed(ranks, came, members)
        places = ranks
    else:
        numbers, places = _moved(known.order, changes, ranks, came)
        made = VersionSet(numbers, members)
    made.ascends = known.ascends and _ascends_at(made, places)
    return made


def _moved(
    known: "array[int]", changes: list[Change], ranks: list[int], came: "array[int]"
) -> tuple["array[int]", list[int]]:
    """Return the array with changes, and the places of what came."""
    fresh = iter(came)
    numbers, places = array("I"), []
    at = 0
    for change, place in zip(changes, ranks, strict=True):
        numbers += known[at:place]
        at = place + (change.old is not None)
        if change.new is not None:
            places.append(len(numbers))
            numbers.append(next(fresh))
    numbers += known[at:]
    return numbers, places


def _ascends_at(made: VersionSet, places: list[int]) -> bool:
    """Tell whether what was put into an ascending order leaves it so."""
    at, last = made.at, len(made) - 1
    return all(
        (not place or at(place - 1) < at(place)) and (place == last or at(place) < at(place + 1))
        for place in places
    )
