"""From the number of a step to positions of a selection: what an iteration goes through.

A step is a frame, or a clip: frames of one context, one after another. Every step is computed from
its number, so who knows how many steps were taken knows all there is to know.

Without repetition each frame comes once: in order, or permuted by the seed. Weights do nothing
then, but where a limit leaves some of a permuted selection out: parts of different weights share
what comes, as long as they have frames left. With repetition, each part of the selection is dealt
on its own, as often as its weight says, over and over: every round is another permutation of it.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from math import inf
from operator import add, itemgetter, le
from typing import NamedTuple, Protocol

from hyperstore.errors import QueryError
from hyperstore.limits import SHARE_BLOCK
from hyperstore.query.checks import checked_count, checked_order, checked_seed
from hyperstore.query.iteration.permutation import Permutation, Shares, seed_of, synthetic_epoch
from hyperstore.query.order import IterationOrder

__all__ = ["Iteration", "Ordered", "Plan", "Steps"]

_WALKED = 4_096  # Steps of which the sizes are looked at together.
_ROUNDS_KEPT = 64  # Of a small part, among draws that change places.


@dataclass(frozen=True, slots=True)
class Iteration:
    """How a selection is gone through; a plain value.

    `limit` counts frames. An infinite iteration ends there, or never; a finite one repeats
    nothing, unless `allow_repetition` lets parts repeat until each has its share: for as many
    frames as the largest part then takes to be shown once, or up to the limit. Clips are of
    `clip_frames` frames or of less than `clip_ms` milliseconds from first to last, and end where
    two frames are more than `jump_ms` apart; of a context's end they may be shorter.
    """

    order: IterationOrder = IterationOrder.sequential
    infinite: bool = False
    limit: int | None = None
    seed: int = 1337
    clip_frames: int | None = None
    clip_ms: int | None = None
    jump_ms: int | None = None
    allow_repetition: bool = False

    def __post_init__(self) -> None:
        keep = object.__setattr__
        keep(self, "order", checked_order(self.order))
        for name, least in (("limit", 1), ("clip_frames", 1), ("clip_ms", 1), ("jump_ms", 0)):
            keep(self, name, checked_count(getattr(self, name), name, least=least))
        seed = checked_seed(self.seed)
        if seed is None:
            raise QueryError("a random seed is a whole number, not None")
        keep(self, "seed", seed)

    @property
    def is_random(self) -> bool:
        """Whether the order follows from the seed."""
        return self.order is IterationOrder.random

    @property
    def has_clips(self) -> bool:
        """Whether frames go in clips."""
        return not self.clip_frames is self.clip_ms is self.jump_ms is None

    @property
    def repeats(self) -> bool:
        """Whether frames may come again."""
        return self.infinite or self.allow_repetition


class Ordered(Protocol):
    """What a plan needs of a selection."""

    def __len__(self) -> int: ...

    @property
    def weights(self) -> list[float]:
        """The shares of its parts."""
        ...

    @property
    def counts(self) -> list[int]:
        """The frames of each part."""
        ...

    def positions_of_part(self, part: int, *, first_only: bool = False) -> Sequence[int]:
        """The positions of a part; with `first_only` those that no part before it has."""
        ...

    def moments(self) -> Iterator[tuple[bytes, int]]:
        """Context and timestamp of every position."""
        ...


class Steps(NamedTuple):
    """Positions to be read, one step after another."""

    positions: Sequence[int]
    parts: Sequence[int] | None = None  # Of which part each was drawn, where that was drawn.
    sizes: Sequence[int] | None = None  # Positions of each step, where they are not one each.


class Plan:
    """All steps of an iteration over a selection; `count` is None where it never ends."""

    def __init__(self, selection: Ordered, iteration: Iteration) -> None:
        self._iteration = iteration
        self._cuts = _Cuts(selection, iteration) if iteration.has_clips else None
        self._decks: list[_Deck] = []
        self._phases: list[_Phase] = []  # None where one deck is all.
        weights = [
            weight if count else 0.0
            for weight, count in zip(selection.weights, selection.counts, strict=True)
        ]
        drawn = [weight for weight in weights if weight]
        size, limit = len(selection), iteration.limit
        if iteration.repeats and len(drawn) > 1:
            self._deal(selection, first_only=False)
            sizes = [deck.size for deck in self._decks]  # ROIs, where a frame comes once for each.
            weights = [one if size else 0.0 for one, size in zip(weights, sizes, strict=True)]
            if not iteration.infinite and limit is None:
                limit = synthetic_epoch(sizes, selection.weights)
            length = None if iteration.has_clips else limit
            shares = Shares(weights, self._mixing(), length)
            self._phases = [_Phase(0, shares, [0] * len(weights))]
        elif self._divides(limit, size) and len({*drawn}) > 1:
            self._deal(selection, first_only=True)
            self._phases = self._phased(weights)
        else:
            self._decks = [self._deck(range(size), 0)]
            if limit is None and not iteration.infinite:
                limit = size
        self._last: tuple[int, int] | None = None  # A step that is not whole, and its positions.
        self.count = self._counted(limit)

    # Making.

    def _divides(self, limit: int | None, size: int) -> bool:
        """Whether weights say what a limit lets through of frames that come once, in no order."""
        iteration = self._iteration
        is_cut = limit is not None and limit < size
        return is_cut and iteration.is_random and not iteration.repeats

    def _deal(self, selection: Ordered, *, first_only: bool) -> None:
        self._decks = [
            self._deck(selection.positions_of_part(part, first_only=first_only), part)
            for part in range(len(selection.counts))
        ]

    def _deck(self, positions: Sequence[int], part: int) -> "_Deck":
        cuts = None if self._cuts is None else self._cuts.of(positions)
        seed = self._iteration.seed if self._iteration.is_random else None
        if part and seed is not None:
            seed = seed_of(seed, "part", part)
        return _Deck(positions, cuts, seed)

    def _mixing(self) -> int | None:
        """Return the seed by which draws of several parts change places, if they do."""
        return seed_of(self._iteration.seed, "shares") if self._iteration.is_random else None

    def _phased(self, weights: list[float]) -> list["_Phase"]:
        """Return what is drawn until a part has no more, then from the others, and so on."""
        phases = []
        start, taken = 0, [0] * len(weights)
        left = [len(deck) for deck in self._decks]
        while any(left):
            own = [weight if count else 0.0 for weight, count in zip(weights, left, strict=True)]
            shares = Shares(own, None)
            low, high = 0, sum(left) + 1
            while high - low > 1:
                middle = (low + high) // 2
                fits = all(map(le, shares.before(middle), left))
                low, high = (middle, high) if fits else (low, middle)
            phases.append(_Phase(start, Shares(own, self._mixing(), low), taken.copy()))
            for part, count in enumerate(shares.before(low)):
                taken[part] += count
                left[part] -= count
            start += low
        return phases

    def _counted(self, limit: int | None) -> int | None:
        """Return how many steps there are within a limit of frames."""
        if not any(map(len, self._decks)):
            return 0
        if limit is None:
            return None
        most = None if self._iteration.repeats else sum(map(len, self._decks))
        if self._cuts is None:
            return limit if most is None else min(limit, most)
        if most is not None and limit >= sum(deck.size for deck in self._decks):
            return most
        step, frames = self._far_step(limit)
        while frames < limit and (most is None or step < most):
            stop = step + _WALKED if most is None else min(step + _WALKED, most)
            for size in self._sizes(range(step, stop)):
                if frames + size > limit:
                    self._last = step, limit - frames
                frames += size
                step += 1
                if frames >= limit:
                    break
        return step

    def _far_step(self, limit: int) -> tuple[int, int]:
        """Return a step near to the limit, and how many frames come before it: by arithmetic.

        That of a round, or of several parts one at which a block of draws begins.
        """
        if not self._phases:
            deck = self._decks[0]
            return limit // deck.size * len(deck), limit // deck.size * deck.size
        at = bisect_right(self._phases, limit, key=lambda one: self._frames_in(one.taken)) - 1
        start, shares, taken = self._phases[at]

        def frames(block: int) -> int:
            drawn = shares.before(block * SHARE_BLOCK)
            return self._frames_in([*map(add, taken, drawn)])

        low, high = 0, limit // SHARE_BLOCK + 1  # Every step has a frame.
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if frames(middle) <= limit else (low, middle)
        return start + low * SHARE_BLOCK, frames(low)

    def _frames_in(self, turns: Sequence[int]) -> int:
        """Return how many frames there are in so many first turns of each part."""
        return sum(deck.frames(count) for deck, count in zip(self._decks, turns, strict=True))

    def _sizes(self, numbers: Sequence[int]) -> list[int]:
        """Return how many frames each of some steps has."""
        if not self._phases:
            return self._decks[0].sizes(numbers)
        return [self._decks[part].sizes((turn,))[0] for part, turn in map(self._drawn, numbers)]

    # Asking.

    def steps(self, numbers: Sequence[int]) -> Steps:
        """Return the positions of steps, all of which there are."""
        if not self._phases:
            return self._shortened(numbers, self._decks[0].steps(numbers))
        drawn = list(map(self._drawn, numbers))
        parts = [part for part, _ in drawn]
        if self._cuts is None:
            positions = [self._decks[part].steps((turn,)).positions[0] for part, turn in drawn]
            return Steps(positions, parts)
        found = [self._decks[part].steps((turn,)).positions for part, turn in drawn]
        sizes = [len(one) for one in found]
        owners = [part for part, size in zip(parts, sizes, strict=True) for _ in range(size)]
        return self._shortened(numbers, Steps([*chain.from_iterable(found)], owners, sizes))

    def _drawn(self, number: int) -> tuple[int, int]:
        """Return of which part a step is, and which turn of it."""
        phase = self._phases[bisect_right(self._phases, number, key=itemgetter(0)) - 1]
        part, turn = phase.shares.draw(number - phase.start)
        return part, phase.taken[part] + turn

    def _shortened(self, numbers: Sequence[int], found: Steps) -> Steps:
        """Leave out what lies beyond the limit, at the end of the last step."""
        if self._last is None or self._last[0] not in numbers or found.sizes is None:
            return found
        at = list(numbers).index(self._last[0])
        sizes = [*found.sizes]
        end = sum(sizes[: at + 1])
        start, sizes[at] = end - sizes[at] + self._last[1], self._last[1]
        kept = [one for one in range(len(found.positions)) if not start <= one < end]
        parts = None if found.parts is None else [found.parts[one] for one in kept]
        return Steps([found.positions[one] for one in kept], parts, sizes)


class _Phase(NamedTuple):
    """Steps from `start` on in which the same parts are drawn from."""

    start: int
    shares: Shares
    taken: list[int]  # Of each part, before.


class _Deck:
    """Some positions, in steps, dealt round after round."""

    def __init__(
        self, positions: Sequence[int], cuts: "array[int] | None", seed: int | None
    ) -> None:
        self.size = len(positions)
        self._positions = positions
        self._cuts = cuts
        self._seed = seed
        self._count = len(positions) if cuts is None else len(cuts) - 1
        self._rounds: dict[int, Permutation] = {}
        self._before: tuple[int, array[int]] | None = None  # Of a round: frames before each turn.

    def __len__(self) -> int:
        return self._count

    def steps(self, turns: Sequence[int]) -> Steps:
        """Return the positions of some turns, counted over all rounds."""
        items = self._items(turns)
        positions, cuts = self._positions, self._cuts
        if cuts is not None:
            found = [positions[cuts[one] : cuts[one + 1]] for one in items]
            return Steps([*chain.from_iterable(found)], None, [len(one) for one in found])
        if isinstance(positions, range):  # All of a selection, from 0 on.
            return Steps(items)
        return Steps([positions[one] for one in items])

    def sizes(self, turns: Sequence[int]) -> list[int]:
        """Return how many positions each of some turns has."""
        cuts = self._cuts
        if cuts is None:
            return [1] * len(turns)
        return [cuts[one + 1] - cuts[one] for one in self._items(turns)]

    def frames(self, count: int) -> int:
        """Return how many positions so many first turns have, over all rounds."""
        if not self._count:
            return 0
        number, rest = divmod(count, self._count)
        if self._before is None or self._before[0] != number:
            start = number * self._count
            sizes = self.sizes(range(start, start + self._count))
            self._before = number, array("Q", accumulate(sizes, initial=0))
        return number * self.size + self._before[1][rest]

    def _items(self, turns: Sequence[int]) -> Sequence[int]:
        """Return which step of a round each turn is."""
        count = self._count
        if turns and (turns[0] >= count or turns[-1] >= count or max(turns) >= count):
            return [self._item(turn) for turn in turns]
        return turns if self._seed is None else self._permuted(0).at(turns)

    def _item(self, turn: int) -> int:
        number, item = divmod(turn, self._count)
        return item if self._seed is None else self._permuted(number).at((item,))[0]

    def _permuted(self, number: int) -> Permutation:
        assert self._seed is not None
        found = self._rounds.get(number)
        if found is None:
            if len(self._rounds) == _ROUNDS_KEPT:
                self._rounds.clear()
            seed = seed_of(self._seed, "round", number) if number else self._seed
            found = self._rounds[number] = Permutation(self._count, seed)
        return found


class _Cuts:
    """Where clips may begin and end."""

    def __init__(self, selection: Ordered, iteration: Iteration) -> None:
        self._iteration = iteration
        self._contexts, self._times = array("I"), array("q")
        before, number = None, -1
        learn, note = self._contexts.append, self._times.append
        for context, time in selection.moments():
            if context != before:
                before, number = context, number + 1
            learn(number)
            note(time)

    def of(self, positions: Sequence[int]) -> "array[int]":
        """Return the places in `positions` at which clips begin, and the end of the last one."""
        rules = self._iteration
        frames, span, jump = (
            inf if one is None else one for one in (rules.clip_frames, rules.clip_ms, rules.jump_ms)
        )
        cuts = array("I")
        context, begun, last, first = -1, 0, 0, 0
        contexts, times = self._contexts, self._times
        for place, position in enumerate(positions):
            time = times[position]
            if (
                contexts[position] != context
                or place - first >= frames
                or time - begun >= span
                or time - last > jump
            ):
                cuts.append(place)
                context, begun, first = contexts[position], time, place
            last = time
        cuts.append(len(positions))
        return cuts
