"""A whole view over a random store, held to the slow evaluator: queries, counts, ROIs, labels."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hyperstore
from hyperstore import DataView, FrameGroup, QueryError, Store
from hyperstore.dataset.view import Frame
from hyperstore.frames.wire import decode_plain
from hyperstore.ids import new_id
from hyperstore.query.language.condition import EVERYTHING, Condition, RoiCondition, Scope
from hyperstore.query.language.writer import text_of
from hyperstore.query.views.queries import Query, RoiQuery
from tests.support.query_strategies import conditions, stores
from tests.support.slow_query import asks_in_vain, fits, fitting_rois

Wire = dict[str, Any]
LABELS = ["car", "red car", "Car", "person", "traffic light", "x"]
OUTPUTS = ["all_in_frame", "only_filtered", "frame_per_roi"]

rules = st.lists(
    st.tuples(
        st.lists(st.sampled_from([*LABELS, "*"]), min_size=1, max_size=2, unique=True),
        st.sampled_from(["vehicle", "car"]),
    ),
    max_size=3,
    unique_by=lambda rule: tuple(sorted({*rule[0]} - {"*"})),
)


def rule_of(rule: RoiCondition) -> RoiQuery:
    """Return a rule as a program types it."""
    least, most = rule.count
    return RoiQuery(
        "*" if rule.node == EVERYTHING else text_of(rule.node, Scope.ROI),
        count_range=None if rule.must_not else (least, -1 if most is None else most),
        conf_range=rule.confidence,
        must_not=rule.must_not,
    )


def query_of(asked: Condition, version: str, dataset: str) -> Query:
    """Return what is asked as a query of a version."""
    source = asked.source
    return Query(
        dataset_id=dataset,
        version_id=version,
        frame_query=text_of(asked.frame) if asked.frame != EVERYTHING else None,
        source_query=None if source is None else text_of(source, Scope.SOURCE),
        roi_queries=tuple(map(rule_of, asked.rois)),
        filter_by_roi="no_rois" if asked.no_rois else "label_rules",
    )


def slow_labels(labels: list[str], mapping: list[tuple[list[str], str]]) -> list[str]:
    """Return what becomes of the labels of one ROI, label by label."""
    for wanted, target in mapping:
        if wanted == ["*"]:  # Beside others it adds nothing.
            return [target] if labels else []
        if set(wanted) - {"*"} <= set(labels):
            seen: list[str] = []
            for one in labels:
                new = target if one in wanted else one
                if new not in seen:
                    seen.append(new)
            return seen
    return labels


def labels_of(frame: Frame) -> list[list[str]]:
    """Return the labels of each ROI, in the order of the wire."""
    rois: Any = frame.to_dict().get("rois") or []
    return [roi["label"] for roi in rois]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return one store for all: making one costs more than asking it."""
    with hyperstore.init(tmp_path_factory.mktemp("views") / "store") as made:
        yield made


@pytest.fixture(scope="module")
def ever() -> list[Wire]:
    """Return all frames that the store ever got: what one of them has can be asked for."""
    return []


@given(
    wires=stores(),
    asked=st.lists(conditions(), min_size=1, max_size=3),
    mapping=rules,
    output=st.sampled_from(OUTPUTS),
)
def test_a_view_gives_what_the_slow_evaluator_gives(
    store: Store,
    ever: list[Wire],
    wires: list[Wire],
    asked: list[Condition],
    mapping: list[tuple[list[str], str]],
    output: str,
) -> None:
    """Each query by itself, a frame once and for its first query, its ROIs, their labels."""
    draft = store.create_dataset(new_id()).version()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of keys that hold dots.
        assert draft.add_frames(wires) == []
    queries = [query_of(one, draft.id, draft.dataset_id) for one in asked]
    asked = [one.condition() for one in queries]
    view = DataView(queries=queries, output_rois=output, store=store)
    for wanted, target in mapping:
        view.add_mapping_rule(from_labels=wanted, to_label=target)
    seen: list[Wire] = [
        decode_plain(payload, roots=store.handle.roots) for _, payload in draft.view().payloads()
    ]
    ever += seen
    if any(asks_in_vain(one, ever) for one in asked):
        with pytest.raises(QueryError, match=r"no frame here has|is compared with"):
            view.get_count()
        return
    count = view.get_count()
    matching = [[fits(one, wire) for wire in seen] for one in asked]
    assert count[1] == [sum(one) for one in matching]
    expected: list[tuple[str, list[list[str]]]] = []
    owners = [
        next((q for q, found in enumerate(matching) if found[at]), None) for at in range(len(seen))
    ]
    for wire, owner in zip(seen, owners, strict=True):
        if owner is None:
            continue
        rois = wire.get("rois") or []
        chosen = fitting_rois(asked[owner], wire)
        labels = [slow_labels(roi["label"], mapping) for roi in rois]
        if output == "all_in_frame":
            expected.append((wire["id"], labels))
        elif output == "only_filtered":
            expected.append((wire["id"], [labels[at] for at in chosen]))
        else:
            expected += [(wire["id"], [labels[at]]) for at in chosen]
    assert int(count) == sum(owner is not None for owner in owners)
    assert len(view) == len(expected)
    assert [(one.id, labels_of(one)) for one in view] == expected
    assert all(isinstance(one, FrameGroup | hyperstore.SingleFrame) for one in view)
