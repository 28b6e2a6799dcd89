"""What must stay: the ids from which everything that is kept is reached.

Every ref's object, and what a list of functions adds, one for each other reason to stay; a layer
that keeps ids of its own adds one. All of them read one transaction, so that what they say is true
at one moment; of the log that is what came since the moment before, and all that is older may be
read in pieces. What a ref names must be here; what others name may have been collected before.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from hyperstore.ids import ObjectId
from hyperstore.limits import HEAD_MOVES_KEPT_MS, WORKING_MOVES_KEPT, WORKING_MOVES_KEPT_MS
from hyperstore.storage.pins import Held
from hyperstore.storage.reader import Reader
from hyperstore.storage.reflog import Operation

__all__ = ["ROOTS", "Moment", "logged", "roots"]

_WORKING = "working/"
_HEAD = "head/"


@dataclass(frozen=True, slots=True)
class Moment:
    """When roots are asked for, and what is known besides the database."""

    now_ms: int
    grace_ms: int  # What was referred to this lately stays.
    pins: tuple[Held, ...] = ()
    after: int | None = None  # Operations up to this number were judged before; those since stay.


RootFunction = Callable[[Reader, Moment], Iterable[ObjectId]]


def roots(reader: Reader, moment: Moment) -> list[ObjectId]:
    """Return all roots: every ref's, and those others whose objects are still here."""
    named = dict.fromkeys(oid for _, oid in reader.refs())
    others: dict[ObjectId, None] = {}
    for function in ROOTS:
        others.update(dict.fromkeys(function(reader, moment)))
    here = reader.numbers(others)
    return [*named, *(oid for oid in others if oid in here and oid not in named)]


def _pinned(_: Reader, moment: Moment) -> Iterator[ObjectId]:
    """What living readers and writers hold."""
    for pin in moment.pins:
        yield from pin.ids


def _moved(reader: Reader, moment: Moment) -> Iterator[ObjectId]:
    """What the operation log holds, or all that it has come to name since the moment before.

    That stays whatever a clock says of it, which may have been set back: its snapshots came too
    late to be collected with what they lead to.
    """
    after = moment.after
    if after is None:
        yield from logged(reader.operations(), moment, {})
        return
    for operation in takewhile(lambda one: one.number > after, reader.operations()):
        for move in operation.moves:
            yield from (oid for oid in (move.old, move.new) if oid is not None)


def logged(
    operations: Iterable[Operation], moment: Moment, working_left: dict[str, int]
) -> Iterator[ObjectId]:
    """What operations, newest first, can still undo, or referred to within the grace period.

    All but working snapshots stay for 90 days, both sides of the move; so do working snapshots of
    refs that were deleted. Of a draft's working snapshots those stay that came since its last
    commit, at most 200 and for 24 hours. Rows of the log do not change, so it may be read in
    pieces, over several reads, with the same `working_left`: how many may still stay of each.
    """
    oldest = moment.now_ms - max(HEAD_MOVES_KEPT_MS, moment.grace_ms)
    for operation in operations:
        if operation.time_ms < oldest:
            continue  # Not the end: clocks go wrong, and an older row may have a later time.
        committed = {move.name for move in operation.moves if move.name.startswith(_HEAD)}
        for move in operation.moves:
            if _stays(operation, move.name, moment, working_left) or move.new is None:
                yield from (oid for oid in (move.old, move.new) if oid is not None)
        for name in committed:  # What came before this commit was committed with it, or dropped.
            working_left[_WORKING + name.removeprefix(_HEAD)] = 0


def _stays(operation: Operation, name: str, moment: Moment, working_left: dict[str, int]) -> bool:
    age_ms = moment.now_ms - operation.time_ms
    if 0 <= age_ms < moment.grace_ms or not name.startswith(_WORKING):
        return True  # What is dated ahead of now is spared by the age of its object, if at all.
    left = working_left.get(name, WORKING_MOVES_KEPT)
    working_left[name] = left - 1
    return left > 0 and age_ms < WORKING_MOVES_KEPT_MS


ROOTS: list[RootFunction] = [_pinned, _moved]
