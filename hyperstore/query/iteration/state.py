"""Where an iteration stands: the row of steps that is left, and how far each shard of it came.

A row is a few steps that were passed over, and all from a number on; of clips that several shards
broke off, it knows how many frames of each are handed out. A state is a small dict of plain values
with a check, so that JSON, pickle and a checkpoint of torch can carry it.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

from hyperstore.errors import QueryError, a_type
from hyperstore.ids import derived_id
from hyperstore.limits import STATE_LEFT_MAX

__all__ = ["Row", "State", "check_state", "joined", "state_of"]

State: TypeAlias = dict[str, object]

_FORM, _FORM_BROKEN = 1, 2  # The second with `broken`, which states had not always.


class Standing(NamedTuple):
    """What a state says, once it is believed."""

    form: int
    view: str  # Of what it is: a fingerprint.
    left: tuple[int, ...]
    start: int
    shard: int
    shards: int
    taken: int
    inside: int
    broken: tuple[tuple[int, int], ...] = ()

    @property
    def row(self) -> "Row":
        """The row, as it was when the shards began."""
        return Row(self.left, self.start, self.broken)


class Row(NamedTuple):
    """Steps still to be taken when the shards began: `left`, then all from `start` on.

    Of those in `broken` so many frames came before.
    """

    left: tuple[int, ...]
    start: int
    broken: tuple[tuple[int, int], ...] = ()

    @property
    def begun(self) -> int:
        """How many steps were taken before."""
        return self.start - len(self.left)

    def shared(self, count: int, shard: int, shards: int) -> int:
        """Return how many steps one shard has, of an iteration of `count`."""
        length = len(self.left) + max(0, count - self.start)
        return max(0, -(-(length - shard) // shards))

    def steps(self, shard: int, shards: int, start: int, stop: int) -> Sequence[int]:
        """Return the steps of one shard from its `start` to its `stop`."""
        places = range(shard + start * shards, shard + stop * shards, shards)
        left = len(self.left)
        if not left:
            return range(self.start + places.start, self.start + places.stop, shards)
        return [self.left[place] if place < left else self.start + place - left for place in places]


def state_of(view: str, row: Row, shard: tuple[int, int], taken: int, inside: int) -> State:
    """Return the state of one shard that has taken so many steps of the row."""
    if shard[1] == 1:  # Alone it knows what is left, whoever goes on.
        row, taken = _after(row, [taken]), 0
    form = _FORM_BROKEN if row.broken else _FORM
    made = Standing(form, view, row.left, row.start, *shard, taken, inside, row.broken)
    said = {**made._asdict(), "left": [*row.left], "check": _check(made)}
    if row.broken:
        return {**said, "broken": [[*one] for one in row.broken]}
    del said["broken"]
    return said


def check_state(state: object, view: str, shard: tuple[int, int]) -> tuple[Row, int, int]:
    """Return row, steps taken and positions inside the next one, for one shard.

    QueryError where the state is damaged, of another view, or of other shards.
    """
    known = _sound(state)
    if known.view != view:
        raise QueryError(
            "this state is of another view: its versions, queries or iteration differ from what "
            "is iterated now"
        )
    if known.shards != 1 and (known.shard, known.shards) != shard:
        raise QueryError(
            f"this state is of shard {known.shard} of {known.shards}, not of {shard[0]} of "
            f"{shard[1]}; load those of all {known.shards} as a list"
        )
    # Of a lone reader, the step that was broken off goes on in the first shard.
    inside = 0 if known.shards == 1 and shard[0] else known.inside
    return known.row, known.taken, inside


def joined(states: Iterable[object]) -> State:
    """Return the state of a whole iteration, from those of all its shards, taken at any moment.

    Steps that some shard passed and another has not reached are left out, and of clips that they
    stand in what each handed out. QueryError where one is missing.
    """
    if not isinstance(states, Iterable):
        raise QueryError(f"states are a list of those of all shards, not {a_type(states)}")
    known = [_sound(state) for state in states]
    if not known:
        raise QueryError("there is no state to join")
    first, shards = known[0], known[0].shards
    if any((one.view, one.row, one.shards) != (first.view, first.row, shards) for one in known):
        raise QueryError("these states are not of one iteration: they began apart")
    by_shard = {one.shard: one for one in known}
    if len(known) != shards or len(by_shard) != shards:
        raise QueryError(f"of {shards} shards {len(by_shard)} have a state here; one of each goes")
    broken = dict(first.broken)
    for one in known if shards > 1 else ():
        if one.inside:
            step = one.row.steps(one.shard, shards, one.taken, one.taken + 1)[0]
            broken[step] = broken.get(step, 0) + one.inside
    begun = first.row._replace(broken=tuple(sorted(broken.items())))
    row = _after(begun, [by_shard[at].taken for at in range(shards)])
    return state_of(first.view, row, (0, 1), 0, first.inside if shards == 1 else 0)


def _after(row: Row, taken: Sequence[int]) -> Row:
    """Return the row that is left when each shard has taken so many steps of it."""
    shards, left = len(taken), len(row.left)
    nexts = [shard + count * shards for shard, count in enumerate(taken)]
    end = max(0, max(nexts) - shards + 1)  # Behind the last step that any of them took.
    if end - min(nexts) > STATE_LEFT_MAX:
        raise QueryError("the shards are too far apart for their states to be joined")
    passed = [at for at in range(min(nexts), end) if at // shards >= taken[at % shards]]
    passed += range(end, left)
    steps = [row.left[at] if at < left else row.start + at - left for at in passed]
    made = Row(tuple(steps), row.start + max(0, end - left))
    if not row.broken:
        return made
    kept = set(steps)
    broken = (one for one in row.broken if one[0] >= made.start or one[0] in kept)
    return made._replace(broken=tuple(broken))


def _sound(state: object) -> Standing:
    """Return what a state says; QueryError unless every value is as it was."""
    fault = QueryError("this is no state of an iteration, or it is damaged")
    if not isinstance(state, Mapping):
        raise fault
    held = dict(state)
    check = held.pop("check", None)
    if set(held) | {"broken"} != set(Standing._fields):
        raise fault
    if held["form"] != (_FORM_BROKEN if "broken" in held else _FORM):
        raise QueryError(f"this state has a form that is not known here: {held['form']!a}")
    left, broken = held["left"], held.get("broken", ())
    for found in (left, broken):
        if not isinstance(found, (list, tuple)) or len(found) > STATE_LEFT_MAX:
            raise fault
    if any(not isinstance(one, (list, tuple)) or len(one) != 2 for one in broken):
        raise fault
    known = Standing(**{**held, "left": tuple(left), "broken": tuple(map(tuple, broken))})
    numbers = (*known.left, known.start, known.shard, known.shards, known.taken, known.inside)
    numbers += (*chain.from_iterable(known.broken),)
    if any(type(one) is not int or one < 0 for one in numbers) or known.shard >= known.shards:
        raise fault
    if type(known.view) is not str or check != _check(known):
        raise fault
    return known


def _check(known: Standing) -> str:
    said = tuple(known) if known.broken else tuple(known)[:-1]
    return derived_id(repr(said).encode("utf-8", "surrogatepass"))
