"""What the index answers, held to the slow evaluator over plain dicts."""

from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st

from hyperstore.frames.wire import decode_plain
from hyperstore.ids import Kind, object_id
from hyperstore.query.answer import Answers, Costs
from hyperstore.query.columnbytes import BLOCK
from hyperstore.query.evaluate import fitting_slots
from hyperstore.query.expression import Condition
from hyperstore.query.extract import Extractor
from hyperstore.query.gather import folded_words
from hyperstore.query.segment import Segment, SegmentWriter
from tests.support.query_strategies import ROOTS, conditions, stored, stores
from tests.support.slow_query import Wire, fits


def segment_of(payloads: dict[int, bytes], low: int, high: int) -> Segment:
    """Return the segment of frames with these sequence numbers."""
    extractor = Extractor(folded_words)
    for number, payload in sorted(payloads.items()):
        extractor.add(number, object_id(Kind.FRAME, payload), payload)
    held = BytesIO()
    extractor.write(SegmentWriter(held), "a" * 32, low, high)
    return Segment(held.getbuffer(), None)


def answered(condition: Condition, segment: Segment) -> set[int]:
    """Return the numbers of the frames that fit."""
    found = fitting_slots(condition, segment, Answers(ROOTS, Costs()), {})
    return set(found.shift(segment.base))


@given(stores(), st.lists(conditions(), min_size=1, max_size=4), st.integers(0, 3))
def test_a_segment_answers_as_the_slow_evaluator(
    wires: list[Wire], asked: list[Condition], block: int
) -> None:
    """An index that is fast and wrong trains on the wrong frames."""
    low = block * BLOCK + 1
    payloads = {low + 3 * at: stored(wire) for at, wire in enumerate(wires)}
    segment = segment_of(payloads, low, low + 3 * len(wires))
    seen = {number: decode_plain(payload, roots=ROOTS) for number, payload in payloads.items()}
    for condition in asked:
        expected = {number for number, wire in seen.items() if fits(condition, wire)}
        assert answered(condition, segment) == expected, condition
