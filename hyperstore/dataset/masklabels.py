"""What the colours of masks mean, as a version's metadata says it.

Its `mask_labels` holds, under `_all_` for every mask, a list of `{"value": [r, g, b],
"labels": [...]}`.
"""

from collections.abc import Iterable, Mapping
from operator import index
from typing import SupportsIndex

from hyperstore.dataset.arguments import names_of
from hyperstore.errors import UsageError, a_type
from hyperstore.frames.legend import ALL, colours_of

__all__ = ["MaskLabels", "labels_of", "with_labels"]

MaskLabels = dict[tuple[int, ...], tuple[str, ...]]

_KEY = "mask_labels"


def labels_of(metadata: Mapping[str, object]) -> MaskLabels:
    """Return the labels of each colour, as frames read them; UsageError where they cannot."""
    return colours_of(metadata.get(_KEY, {}))


def with_labels(
    metadata: Mapping[str, object], labels: Mapping[tuple[int, ...], Iterable[str]]
) -> dict[str, object]:
    """Return metadata that says these labels instead; all else in it stays."""
    if not isinstance(labels, Mapping):
        raise UsageError(f"mask labels are a dict of colours to labels, not {a_type(labels)}")
    said = metadata.get(_KEY)
    others = said if isinstance(said, dict) else {}
    entries = [
        {"labels": names_of(names, what=f"labels of {value!a}"), "value": _colour(value)}
        for value, names in labels.items()
    ]
    return {**metadata, _KEY: {**others, ALL: entries}}


def _colour(value: object) -> list[int]:
    items = list(value) if isinstance(value, Iterable) else []
    numbers = [
        index(one) for one in items if isinstance(one, SupportsIndex) and not isinstance(one, bool)
    ]
    if not 1 <= len(numbers) == len(items) <= 4:
        raise UsageError(f"a colour is a tuple of ints such as (255, 0, 0), not {value!a}")
    return numbers
