"""Hypothesis strategies: plain values, and frames in their wire form."""

from hypothesis import strategies as st

from hyperstore.limits import INT_MAX, INT_MIN

__all__ = ["numbers", "texts", "values"]

texts = st.text(max_size=8)  # Hypothesis draws no unpaired surrogates unless told to.
numbers = st.one_of(
    st.integers(-200, 1000),
    st.integers(INT_MIN, INT_MAX),
    st.floats(allow_nan=False, allow_infinity=False),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
