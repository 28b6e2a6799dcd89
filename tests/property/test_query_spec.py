"""Plain data is a view, or is refused by an error of ours; one that is taken stays what it is."""

from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hyperstore import HyperstoreError
from hyperstore.query.views.spec import canonical, from_wire, patched, to_wire

KEYS = [
    "filters",
    "label_rules",
    "label",
    "count_range",
    "conf_range",
    "dataset",
    "version",
    "versions",
    "weight",
    "frame_query",
    "iteration",
    "order",
    "limit",
    "jump",
    "time",
    "mapping",
    "rules",
    "source",
    "labels",
    "target",
    "labels_enumeration",
    "name",
    "tags",
    "zzz",
]
TEXTS = ["car", "*", "", "random", "meta.a:1", "a:(", "only_filtered", "no_rois", "\ud800", "\x00"]
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([2**63, -(2**70), 0.5, float("nan"), float("inf"), -0.0]),
    st.sampled_from(TEXTS),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)
rules = st.fixed_dictionaries(
    {"label": st.sampled_from(["car", "*", "a AND b"])},
    optional={
        "count_range": st.lists(st.integers(-1, 3), max_size=3),
        "conf_range": st.lists(st.sampled_from([-1, 0, 0.5, 1, 2]), max_size=2),
        "must_not": st.booleans(),
        "zzz": values,
    },
)
filters = st.fixed_dictionaries(
    {"dataset": st.sampled_from(["*", "d" * 32])},
    optional={
        "label_rules": st.lists(rules, max_size=2),
        "weight": st.sampled_from([1, 2.0, 0.1, 0, -1]),
        "frame_query": st.sampled_from(["meta.a:1", "a:(", "*"]),
        "filter_by_roi": st.sampled_from(["no_rois", "label_rules", "x"]),
        "zzz": values,
    },
)
views = st.fixed_dictionaries(
    {},
    optional={
        "filters": st.lists(filters, max_size=3) | values,
        "iteration": st.dictionaries(st.sampled_from(KEYS), values, max_size=3),
        "mapping": values,
        "labels_enumeration": st.dictionaries(st.sampled_from(TEXTS), st.integers(-2, 3)),
        "output_rois": st.sampled_from([*TEXTS, "frame_per_roi"]),
        "zzz": values,
    },
)


@given(st.one_of(views, values))
def test_plain_data_is_a_view_or_is_refused(given_: Any) -> None:
    """What comes from a file or another program is anything at all."""
    try:
        taken = to_wire(from_wire(given_))
    except HyperstoreError:
        return
    assert to_wire(from_wire(taken)) == taken == canonical(taken)


@given(
    views,
    st.dictionaries(
        st.lists(st.sampled_from([*KEYS, "0", "1", "-1", ""]), min_size=1, max_size=5).map(
            ".".join
        ),
        values,
        max_size=3,
    ),
)
def test_values_set_by_name_are_taken_or_refused(given_: Any, changes: dict[str, Any]) -> None:
    """And what was given is as it was."""
    try:
        before = to_wire(from_wire(given_))
    except HyperstoreError:
        before = {"filters": [{"dataset": "*"}]}
    kept = canonical(before)
    with suppress(HyperstoreError):
        from_wire(patched(before, changes))
    assert before == kept
