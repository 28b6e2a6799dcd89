"""Regular expressions that cannot blow up: time grows with the text, whatever the expression.

An expression becomes an automaton of a bounded number of states, all of which are followed at
once; each set of states that comes up is remembered with where its characters lead, up to a bound,
so that a character costs one look-up. Nothing is tried twice, so nothing can be tried for ever.

Complements, and intersections by way of them, are made deterministic when the expression is
compiled, under a bound of their own; an expression beyond a bound is refused with its reason.
"""

import functools
from bisect import bisect_right
from collections.abc import Callable

from hyperstore.errors import QueryError
from hyperstore.limits import (
    QUERY_PATTERNS_MAX,
    REGEX_MEMORY_MAX,
    REGEX_STATES_MAX,
    REGEX_STEPS_MAX,
)
from hyperstore.query.language.regexsyntax import (
    Alternatives,
    Chain,
    Characters,
    Complement,
    Repeat,
    Tree,
    parse_pattern,
)

__all__ = ["Matcher", "compiled"]


class _Set:
    """A set of states that was reached, and where each character leads from there."""

    __slots__ = ("accepts", "moves", "states")

    def __init__(self, states: int, accepts: bool) -> None:
        self.states = states
        self.accepts = accepts
        self.moves: dict[str, _Set] = {}


class Matcher:
    """Tells of a text whether all of it fits; threads may share it.

    `literal` stands in every text that fits.
    """

    def __init__(self, automaton: "_Automaton", begin: int, literal: str) -> None:
        self._automaton = automaton
        self._begin = begin
        self.literal = literal
        self._forget()

    def _forget(self) -> None:
        self._sets: dict[int, _Set] = {}
        self._known = 0
        self._start = self._set(self._begin)

    def __call__(self, text: str) -> bool:
        """Tell whether the whole text fits."""
        if self.literal not in text:
            return False
        now = self._start
        for char in text:
            try:
                now = now.moves[char]
            except KeyError:
                now = self._move(now, char)
            if not now.states:
                return False
        return now.accepts

    def after(self, prefix: str) -> Callable[[str], bool]:
        """Return what tells of a text whether the prefix with it behind fits."""
        states = self._begin
        for char in prefix:
            states = self._automaton.step(states, char)
        return Matcher(self._automaton, states, "")

    def _set(self, states: int) -> _Set:
        found = self._sets.get(states)
        if found is None:
            found = self._sets[states] = _Set(states, bool(states & 1 << self._automaton.end))
        return found

    def _move(self, now: _Set, char: str) -> _Set:
        if self._known >= REGEX_MEMORY_MAX:
            self._forget()
        self._known += 1
        found = now.moves[char] = self._set(self._automaton.step(now.states, char))
        return found


@functools.lru_cache(maxsize=QUERY_PATTERNS_MAX)
def compiled(pattern: str, fold: bool) -> Matcher:
    """Return what tells whether a whole text fits the expression; QueryError says what is wrong.

    With `fold` the texts are folded (`str.casefold`), and so is the expression.
    """
    tree = parse_pattern(pattern, fold=fold)
    automaton = _Automaton(tree, pattern)
    return Matcher(automaton, automaton.closure(automaton.begin), _literal(tree))


class _Automaton:
    """States 0, 1, ...: where each leads unread (`free`), and by which characters.

    Characters are told apart by class only: a class is what lies between two `cuts`, ends of spans
    of the expression. A set of states or of classes is an int with a bit for each.
    """

    def __init__(self, tree: Tree, pattern: str) -> None:
        self.pattern = pattern
        self.steps = 0
        self.cuts = sorted({0, *_cuts(tree)})
        self.free: list[list[int]] = []
        self.moves: list[list[tuple[int, int]]] = []
        self.closures: dict[int, int] = {}
        self.begin = self.state()
        self.end = self.build(tree, self.begin)

    def step(self, states: int, char: str) -> int:
        """Return the states that a character leads to."""
        return self.step_class(states, bisect_right(self.cuts, ord(char)) - 1)

    def step_class(self, states: int, number: int) -> int:
        found = 0
        while states:
            lowest = states & -states
            states ^= lowest
            for classes, target in self.moves[lowest.bit_length() - 1]:
                if classes >> number & 1:
                    found |= self.closure(target)
        return found

    def closure(self, state: int) -> int:
        """Return the states that are reached from one without reading anything, itself too."""
        found = self.closures.get(state)
        if found is None:
            found, waiting = 0, [state]
            while waiting:
                one = waiting.pop()
                if not found >> one & 1:
                    found |= 1 << one
                    waiting.extend(self.free[one])
            self.closures[state] = found
        return found

    # Building.

    def work(self, steps: int = 1) -> None:
        self.steps += steps
        if self.steps > REGEX_STEPS_MAX or len(self.free) > REGEX_STATES_MAX:
            raise QueryError(
                f"the regular expression /{self.pattern[:80]}/ repeats, combines or excludes more "
                f"than can be matched quickly; the limit is {REGEX_STATES_MAX:,} states"
            )

    def state(self) -> int:
        self.work()
        self.free.append([])
        self.moves.append([])
        return len(self.free) - 1

    def build(self, tree: Tree, begin: int) -> int:
        """Add what reads a text that fits from `begin` on; return the state in which it is read."""
        self.work()
        if isinstance(tree, Characters):
            end = self.state()
            self.moves[begin].append((self.classes(tree), end))
            return end
        if isinstance(tree, Chain):
            for part in tree.parts:
                begin = self.build(part, begin)
            return begin
        if isinstance(tree, Repeat):
            return self.repeat(tree, begin)
        if isinstance(tree, Complement):
            return self.complement(tree, begin)
        end = self.state()
        for part in tree.parts:
            first = self.state()
            self.free[begin].append(first)
            self.free[self.build(part, first)].append(end)
        return end

    def repeat(self, tree: Repeat, begin: int) -> int:
        for _ in range(tree.least):
            begin = self.build(tree.part, begin)
        if tree.most is None:
            # A state of its own, so that whoever comes back here is in no other loop.
            loop, end = self.state(), self.state()
            self.free[begin].append(loop)
            self.free[self.build(tree.part, loop)].append(loop)
            self.free[loop].append(end)
            return end
        if tree.most == tree.least:
            return begin
        end = self.state()
        for _ in range(tree.most - tree.least):
            self.free[begin].append(end)
            first = self.state()
            self.free[begin].append(first)
            begin = self.build(tree.part, first)
        self.free[begin].append(end)
        return end

    def complement(self, tree: Complement, begin: int) -> int:
        """Follow all that the part may be in at once, and end wherever it does not."""
        first = self.state()
        last = self.build(tree.part, first)
        end = self.state()
        start = self.closure(first)
        entries = {start: self.state()}
        self.free[begin].append(entries[start])
        waiting = [start]
        while waiting:
            states = waiting.pop()
            own = entries[states]
            if not states >> last & 1:
                self.free[own].append(end)
            leads: dict[int, int] = {}
            for number in range(len(self.cuts)):
                self.work(1 + states.bit_count())
                to = self.step_class(states, number)
                leads[to] = leads.get(to, 0) | 1 << number
            for to, classes in leads.items():
                if to not in entries:
                    entries[to] = self.state()
                    waiting.append(to)
                self.moves[own].append((classes, entries[to]))
        return end

    def classes(self, tree: Characters) -> int:
        found = 0
        for low, high in tree.spans:
            first = bisect_right(self.cuts, low) - 1
            last = bisect_right(self.cuts, high) - 1
            found |= (1 << last + 1) - (1 << first)
        return found


def _cuts(tree: Tree) -> set[int]:
    if isinstance(tree, Characters):
        return {one for low, high in tree.spans for one in (low, high + 1)}
    if isinstance(tree, (Repeat, Complement)):
        return _cuts(tree.part)
    found: set[int] = set()
    for part in tree.parts:
        found |= _cuts(part)
    return found


def _literal(tree: Tree) -> str:
    """Return the longest run of characters that the tree itself shows to be in every text."""
    if isinstance(tree, Repeat):
        return _literal(tree.part) if tree.least else ""
    if isinstance(tree, Alternatives):
        return _literal(tree.parts[0]) if len(tree.parts) == 1 else ""
    best = run = ""
    for part in tree.parts if isinstance(tree, Chain) else (tree,):
        if isinstance(part, Characters) and len(part.spans) == 1 and len(set(part.spans[0])) == 1:
            run += chr(part.spans[0][0])
        else:
            best, run = max(best, run, key=len), ""
            if not isinstance(part, (Characters, Complement)):
                best = max(best, _literal(part), key=len)
    return max(best, run, key=len)
