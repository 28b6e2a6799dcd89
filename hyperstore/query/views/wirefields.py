"""Which fields a view has as plain data, by place; and what looks like one of them and is none.

A field that nobody here knows is kept, since a later release may know it. One that was meant to be
ours and is misspelt would be kept as well, and ask for nothing: the view would have all frames.
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from hyperstore.errors import QueryError, nearest

__all__ = ["FILTER", "ITERATION", "RULE", "SOURCE", "TOP", "names_below", "refuse_misspelt"]

TOP = {
    "augmentation",
    "description",
    "filters",
    "iteration",
    "labels_enumeration",
    "mapping",
    "name",
    "output_rois",
    "project",
    "tags",
}
FILTER = {
    "dataset": "dataset_id",
    "dataset_name": "dataset_name",
    "filter_by_roi": "filter_by_roi",
    "frame_query": "frame_query",
    "label_rules": "roi_queries",
    "merge_with": "merge_with",
    "name": "name",
    "project_name": "project_name",
    "sources_query": "source_query",
    "version": "version_id",
    "version_name": "version_name",
    "weight": "weight",
}
"""The fields of a query, and what a Query calls them."""

RULE = {"conf_range", "count_range", "label", "must_not"}
ITERATION = {
    "clip_frames",
    "infinite",
    "jump",
    "limit",
    "min_sequence",
    "order",
    "random_seed",
    "relative_weights",
}
SOURCE = {
    "dataset": "dataset_id",
    "dataset_name": "dataset_name",
    "version": "version_id",
    "version_name": "version_name",
}
"""The fields that say which frames a mapping rule is about."""

_PLACES: Mapping[tuple[str, ...], set[str]] = {
    (): TOP,
    ("filters", "0"): set(FILTER),
    ("filters", "0", "label_rules", "0"): RULE,
    ("augmentation",): {"crop_around_rois", "sets"},
    ("augmentation", "sets", "0"): {"arguments", "cls", "strength", "types"},
    ("iteration",): ITERATION,
    ("iteration", "jump"): {"time"},
    ("mapping",): {"rules"},
    ("mapping", "rules", "0"): {"source", "target"},
    ("mapping", "rules", "0", "source"): {*SOURCE, "labels"},
}
_CALLED = {  # What calls of a DataView say, and options of the command.
    "clip_length": "clip_frames",
    "conf": "conf_range",
    "count": "count_range",
    "dataset_id": "dataset",
    "from_labels": "labels",
    "label": "label_rules",
    "labels": "labels_enumeration",
    "iteration_order": "order",
    "jump_time": "jump",
    "map": "mapping",
    "mapping_rules": "mapping",
    "maximum_number_of_frames": "limit",
    "num_instances": "count_range",
    "queries": "filters",
    "query": "frame_query",
    "roi": "label_rules",
    "roi_queries": "label_rules",
    "roi_query": "label_rules",
    "seed": "random_seed",
    "source": "sources_query",
    "source_query": "sources_query",
    "to_label": "target",
    "version_id": "version",
}
_ELSEWHERE = {  # What would be missed where it is not read.
    **dict.fromkeys(("clip_frames", "infinite", "jump", "limit", "random_seed"), "iteration"),
    **dict.fromkeys(("filter_by_roi", "frame_query", "label_rules", "sources_query"), "filters"),
    **dict.fromkeys(("conf_range", "count_range", "must_not"), "label_rules"),
}
_ALIKE = 0.75  # Two words are one misspelt, from this share of equal letters on.


def names_below(parts: Sequence[str]) -> set[str] | None:
    """Return the names that may stand below a place; None where any may."""
    return _PLACES.get(tuple("0" if one.isdecimal() else one for one in parts))


def refuse_misspelt(said: object, before: object = None) -> None:
    """Raise QueryError for a field that looks like one of ours, in another place or misspelt.

    What was there before is passed over: it was taken, or kept, from elsewhere.
    """
    known = {name for name, _ in _strange(before, ())}
    for name, meant in _strange(said, ()):
        if name not in known:
            raise QueryError(f"a view has no field {name!a:.200}: {meant}")


def _strange(said: object, place: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield each field that is none of ours and looks so, by its dotted name, and what is meant."""
    if isinstance(said, list | tuple) and names_below((*place, "0")) is not None:
        for at, one in enumerate(said):
            yield from _strange(one, (*place, str(at)))
    known = names_below(place)
    if known is None or not isinstance(said, Mapping):
        return
    for name, value in said.items():
        below = (*place, str(name))
        if name in known:
            yield from _strange(value, below)
        elif meant := _meant(str(name), known):
            yield ".".join(below), meant


def _meant(name: str, known: set[str]) -> str:
    """Return what may be meant by a name that is not known in its place; empty where nothing is."""
    if _CALLED.get(name) in known:
        return f"{_CALLED[name]!a} is what says it there"
    near = nearest(name, sorted(known), 1)
    likeness = SequenceMatcher(None, name[:100], near.strip("'")).ratio()
    if likeness >= _ALIKE:
        return f"{near} may be meant"
    return f"it belongs into {_ELSEWHERE[name]}" if name in _ELSEWHERE else ""
