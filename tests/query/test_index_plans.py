"""What the index answers, held to the slow evaluator over plain dicts."""

from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from hyperstore.frames.wire import decode_plain
from hyperstore.ids import Kind, object_id
from hyperstore.query.index import column
from hyperstore.query.index import columnbuilder as gather
from hyperstore.query.index import extractor as extract
from hyperstore.query.index import layout as columnbytes
from hyperstore.query.index.columnanswers import Answers, Costs
from hyperstore.query.index.columnbuilder import folded_words
from hyperstore.query.index.evaluation import asked_places, counts_of, fitting_slots, hidden_slots
from hyperstore.query.index.extractor import Extractor
from hyperstore.query.index.layout import BLOCK
from hyperstore.query.index.segment import Segment, SegmentWriter
from hyperstore.query.index.segmentfiles import gaps
from hyperstore.query.language.condition import Condition, Field, Leaf, Scope, Wildcard
from tests.support.query_strategies import ROOTS, conditions, stored, stores
from tests.support.slow_query import Wire, fits, fitting_rois


def segment_of(payloads: dict[int, bytes], low: int, high: int) -> Segment:
    """Return the segment of frames with these sequence numbers."""
    extractor = Extractor(folded_words)
    for number, payload in sorted(payloads.items()):
        extractor.add(number, object_id(Kind.FRAME, payload), payload)
    held = BytesIO()
    extractor.write(SegmentWriter(held), "a" * 32, low, high)
    return Segment.of(held.getbuffer())


def answered(condition: Condition, segment: Segment) -> set[int]:
    """Return the numbers of the frames that fit."""
    found = fitting_slots(condition, segment, Answers(ROOTS, Costs()), {})
    found -= hidden_slots(condition, segment)
    return set(found.shift(segment.base))


def known(condition: Condition, segment: Segment) -> set[int]:
    """Return the numbers of the frames that the segment can answer for."""
    found = segment.universe(Scope.FRAME) - hidden_slots(condition, segment)
    return set(found.shift(segment.base))


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """Let few frames fill batches, buckets and lists, so that each way of packing is taken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extract, "INDEX_BATCH", 3)
        patch.setattr(extract, "INDEX_LIST_MAX", 2)
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
        sure = known(condition, segment)
        assert answered(condition, segment) <= sure
        expected = {number for number in sure if fits(condition, seen[number])}
        assert answered(condition, segment) == expected, condition


@given(stores(), conditions())
def test_rois_are_counted_as_by_the_slow_evaluator(wires: list[Wire], asked: Condition) -> None:
    """Views that go ROI by ROI have as many positions as this says."""
    payloads = {at + 1: stored(wire) for at, wire in enumerate(wires)}
    segment = segment_of(payloads, 1, len(wires) + 1)
    bits = counts_of(asked_places(asked, segment, Answers(ROOTS, Costs())))
    for number in known(asked, segment):
        payload = payloads[number]
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
    sure = known(asked, segment)
    assert answered(asked, segment) == {number for number in sure if fits(asked, seen[number])}


@given(st.lists(st.tuples(st.integers(1, 5 * BLOCK), st.integers(1, BLOCK)), max_size=6))
def test_gaps_are_what_no_segment_covers(spans: list[tuple[int, int]]) -> None:
    """A number in no segment and no gap would never be indexed; blocks are never crossed."""
    cut = sorted((low, min(low + size, (low // BLOCK + 1) * BLOCK)) for low, size in spans)
    segments = [segment_of({}, low, high) for low, high in cut]
    end = 5 * BLOCK
    found = gaps(segments, end)
    covered = BitMap()
    for low, high in cut:
        covered |= BitMap(range(low, high))
    expected = BitMap(range(1, end)) - covered
    missing = BitMap()
    for low, high in found:
        assert low // BLOCK == (high - 1) // BLOCK
        assert missing.isdisjoint(BitMap(range(low, high)))
        missing |= BitMap(range(low, high))
    assert missing == expected
