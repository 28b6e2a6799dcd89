"""A condition over one segment of the index, by algebra of sets and without reading a frame.

Places are of ROIs and sources as well as of frames: see `layout.py`. What must hold within
one ROI is decided over places; `_frames_of` then says in which frames, and `counts_of` how often.
"""

from collections.abc import Callable, Mapping

from pyroaring import BitMap

from hyperstore.query.index.columnanswers import Answers
from hyperstore.query.index.knownfields import leaves_of
from hyperstore.query.index.layout import BLOCK, BLOCK_BITS
from hyperstore.query.index.segment import Segment
from hyperstore.query.language.condition import (
    EVERYTHING,
    Condition,
    Exists,
    Field,
    Leaf,
    Node,
    Not,
    Or,
    Range,
    RoiCondition,
    Scope,
)

__all__ = ["asked_places", "counts_of", "fitting_slots", "hidden_slots"]

Sets = Callable[[Leaf], BitMap]


def fitting_slots(
    condition: Condition, segment: Segment, answers: Answers, given: Mapping[Leaf, BitMap]
) -> BitMap:
    """Return the slots of the frames of a segment that a condition holds of.

    `given` has the slots of leaves that are known already.
    """
    found = segment.universe(Scope.FRAME)
    for step in _steps(condition):
        found = found & step(segment, answers, given)
        if not found:
            break
    return found


Step = Callable[[Segment, Answers, Mapping[Leaf, BitMap]], BitMap]


def _steps(condition: Condition) -> list[Step]:
    """Return what makes up a condition, what is likely cheapest first."""
    steps: list[Step] = []
    if condition.no_rois:
        steps.append(lambda segment, *_: _no_rois(segment))
    steps += map(_roi_step, condition.rois)
    if condition.source is not None:
        node = condition.source
        steps.append(
            lambda segment, answers, _: _frames_of(_places(node, segment, answers, Scope.SOURCE))
        )
    if condition.frame != EVERYTHING:
        steps.append(
            lambda segment, answers, given: _flat(condition.frame, segment, answers, given)
        )
    return steps


def _roi_step(condition: RoiCondition) -> Step:
    return lambda segment, answers, _: _roi_slots(condition, segment, answers)


def hidden_slots(condition: Condition, segment: Segment) -> BitMap:
    """Return the slots of frames of which the segment does not know enough to answer."""
    found = BitMap()
    for leaf in leaves_of(condition):
        exists = isinstance(leaf.test, Exists)
        for places in segment.opaque(leaf.field.scope, leaf.field.path, above=exists):
            found |= _frames_of(places)
    return found


def _no_rois(segment: Segment) -> BitMap:
    return segment.universe(Scope.FRAME) - _frames_of(segment.universe(Scope.ROI))


def _places(node: Node, segment: Segment, answers: Answers, scope: Scope) -> BitMap:
    """Return the places of the ROIs, or sources, that a node holds of, each by itself."""
    return _evaluated(
        node,
        lambda leaf: answers.places(leaf, segment),
        lambda: segment.universe(scope),
    )


def _flat(node: Node, segment: Segment, answers: Answers, given: Mapping[Leaf, BitMap]) -> BitMap:
    """Return the slots of the frames that a node holds of, ROIs and sources flattened."""

    def slots(leaf: Leaf) -> BitMap:
        known = given.get(leaf)
        if known is not None:
            return known
        found = answers.places(leaf, segment)
        return found if leaf.field.scope is Scope.FRAME else _frames_of(found)

    return _evaluated(node, slots, lambda: segment.universe(Scope.FRAME))


def _evaluated(node: Node, leaf: Sets, universe: Callable[[], BitMap]) -> BitMap:
    if isinstance(node, Leaf):
        return leaf(node)
    if isinstance(node, Not):
        return universe() - _evaluated(node.part, leaf, universe)
    if isinstance(node, Or):
        found = [_evaluated(part, leaf, universe) for part in node.parts]
        return BitMap.union(*found) if found else BitMap()
    if not node.parts:
        return universe()
    # What takes something away needs no universe where something else is there to take it from.
    positive = sorted((part for part in node.parts if not isinstance(part, Not)), key=_cost)
    negative = [part.part for part in node.parts if isinstance(part, Not)]
    result = _evaluated(positive[0], leaf, universe) if positive else universe()
    for part in positive[1:]:
        if not result:
            return result
        result = result & _evaluated(part, leaf, universe)
    for other in negative:
        if not result:
            return result
        result = result - _evaluated(other, leaf, universe)
    return result


def _roi_slots(condition: RoiCondition, segment: Segment, answers: Answers) -> BitMap:
    """Return the slots of the frames of which as many ROIs fit as are asked for."""
    places = _fitting_places(condition, segment, answers)
    if condition.must_not:
        return segment.universe(Scope.FRAME) - _frames_of(places)
    low, high = condition.count
    if high is None and low <= 1:
        return _frames_of(places) if low == 1 else segment.universe(Scope.FRAME)
    return _within(counts_of(places), low, high, segment.universe(Scope.FRAME))


def _fitting_places(condition: RoiCondition, segment: Segment, answers: Answers) -> BitMap:
    """Return the places of the ROIs that fit a condition, each by itself."""
    places = _places(condition.node, segment, answers, Scope.ROI)
    if condition.confidence is not None and places:
        low, high = condition.confidence
        field = Field(Scope.ROI, "confidence")
        fitting = answers.places(Leaf(field, Range(low, high)), segment)
        if low <= 1.0 <= high:  # As much as an ROI has that says nothing of it.
            column = segment.column(Scope.ROI, "confidence")
            told = BitMap() if column is None else column.present
            fitting = fitting | (segment.universe(Scope.ROI) - told)
        places = places & fitting
    return places


def asked_places(condition: Condition, segment: Segment, answers: Answers) -> BitMap:
    """Return the places of the ROIs that a condition asks for: all where it asks for none."""
    asked = [rule for rule in condition.rois if not rule.must_not]
    if not asked:
        return segment.universe(Scope.ROI)
    return BitMap.union(*(_fitting_places(rule, segment, answers) for rule in asked))


def _frames_of(places: BitMap) -> BitMap:
    """Return the slots of the frames to which ROIs or sources belong."""
    return BitMap.union(BitMap(), *_by_position(places))


def _by_position(places: BitMap) -> list[BitMap]:
    """Return, for each position at which there is any, the slots."""
    found: list[BitMap] = []
    if not places:
        return found
    last = places.max() >> BLOCK_BITS
    at = places.min() >> BLOCK_BITS
    while True:
        base = at << BLOCK_BITS
        found.append((places & BitMap(range(base, base + BLOCK))).shift(-base))
        if at == last:
            return found
        following = places.next_set_bit(base + BLOCK)
        at = following >> BLOCK_BITS


def counts_of(places: BitMap) -> list[BitMap]:
    """Return how many places each slot has, in binary: the slots whose count has bit 0, 1, 2 ..."""
    bits: list[BitMap] = []
    for carry in _by_position(places):
        for number, bit in enumerate(bits):
            bits[number], carry = bit ^ carry, bit & carry
            if not carry:
                break
        if carry:
            bits.append(carry)
    return bits


def _within(bits: list[BitMap], low: int, high: int | None, universe: BitMap) -> BitMap:
    """Return the slots whose count lies between two bounds, both inside."""
    found = _at_least(bits, low, universe)
    return found if high is None else found - _at_least(bits, high + 1, universe)


def _at_least(bits: list[BitMap], least: int, universe: BitMap) -> BitMap:
    """Return the slots whose count is at least so much."""
    if least <= 0:
        return universe
    if least.bit_length() > len(bits):
        return BitMap()
    equal, more = universe, BitMap()  # As far as the bits that were looked at.
    for number in range(len(bits) - 1, -1, -1):
        if least >> number & 1:
            equal = equal & bits[number]
        else:
            more = more | (equal & bits[number])
            equal = equal - bits[number]
    return more | equal


def _cost(node: Node) -> int:
    """Return a number by which to look at cheap parts first."""
    if isinstance(node, Leaf):
        return _COSTS.get(type(node.test).__name__, 2)
    if isinstance(node, Not):
        return _cost(node.part)
    return max((_cost(part) for part in node.parts), default=0)


_COSTS = {"Since": 0, "Exists": 1, "Term": 1, "Range": 2, "Wildcard": 4, "Regex": 5}
