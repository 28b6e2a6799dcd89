"""What the index answers, held to the slow evaluator over plain dicts."""

from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.frames.wire import decode_plain
from hyperstore.ids import Kind, object_id
from hyperstore.query import column, columnbytes, extract, gather
from hyperstore.query.answer import Answers, Costs
from hyperstore.query.columnbytes import BLOCK
from hyperstore.query.evaluate import asked_places, counts_of, fitting_slots
from hyperstore.query.expression import Condition, Field, Leaf, Scope, Wildcard
from hyperstore.query.extract import Extractor
from hyperstore.query.gather import folded_words
from hyperstore.query.segment import Segment, SegmentWriter
from tests.support.query_strategies import ROOTS, conditions, stored, stores
from tests.support.slow_query import Wire, fits, fitting_rois


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


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """Let few frames fill batches, buckets and lists, so that each way of packing is taken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extract, "INDEX_BATCH", 3)
        patch.setattr(gather, "INDEX_DEALT_MAX", 4)
        patch.setattr(gather, "INDEX_DEALT_NUMBERS_MAX", 2)
        patch.setattr(columnbytes, "INDEX_HEAVY", 2)
        for module in (columnbytes, column):
            patch.setattr(module, "INDEX_BUCKET", 2)
        yield


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


@given(stores(), conditions())
def test_rois_are_counted_as_by_the_slow_evaluator(wires: list[Wire], asked: Condition) -> None:
    """Views that go ROI by ROI have as many positions as this says."""
    payloads = {at + 1: stored(wire) for at, wire in enumerate(wires)}
    segment = segment_of(payloads, 1, len(wires) + 1)
    bits = counts_of(asked_places(asked, segment, Answers(ROOTS, Costs())))
    for number, payload in payloads.items():
        wire = decode_plain(payload, roots=ROOTS)
        found = sum(1 << at for at, bit in enumerate(bits) if number in bit)
        assert found == len(fitting_rois(asked, wire))


@given(stores(), st.data())
def test_a_pattern_finds_what_it_finds_string_by_string(
    wires: list[Wire], data: st.DataObject
) -> None:
    """Bisection and searches in joined strings are short cuts, and must not cut anything off."""
    payloads = {at + 1: stored(wire) for at, wire in enumerate(wires)}
    segment = segment_of(payloads, 1, len(wires) + 1)
    uris = [source["uri"] for wire in wires for source in wire["sources"]]
    text = data.draw(st.sampled_from(uris))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=4)))
    parts: list[str | bool | None] = [text[: cuts[0]]]
    for begin, end in pairwise(cuts):
        parts += [data.draw(st.sampled_from([None, True])), text[begin:end]]
    parts += [data.draw(st.sampled_from([None, True])), text[cuts[-1] :]]
    used = tuple(part for part in parts if part != "")
    asked = Condition(source=Leaf(Field(Scope.SOURCE, "uri"), Wildcard(used)))
    seen = {number: decode_plain(payload, roots=ROOTS) for number, payload in payloads.items()}
    assert answered(asked, segment) == {n for n, wire in seen.items() if fits(asked, wire)}
