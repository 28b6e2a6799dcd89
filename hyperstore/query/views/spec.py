"""A view as plain data: what is stored, locked, compared and edited by name.

The form is the one that ClearML's server keeps for a data view. It is canonical: what is not said
is left out, numbers are written the shortest way, keys are sorted. Fields that nobody here knows
stay as they came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hyperstore.codec import Unfit, plain
from hyperstore.dataset.arguments import names_of
from hyperstore.errors import QueryError, UsageError, a_type, nearest
from hyperstore.history.names import check_name, check_names, check_text
from hyperstore.query.checks import (
    ALL_IN_FRAME,
    checked_count,
    checked_flag,
    checked_order,
    checked_output,
    checked_seed,
)
from hyperstore.query.order import IterationOrder
from hyperstore.query.views.mapping import MappingRule, checked_labels, refuse_contradictions
from hyperstore.query.views.queries import ANY, LABEL_RULES, Query, RoiQuery, checked_range
from hyperstore.query.views.wirefields import (
    FILTER,
    ITERATION,
    RULE,
    SOURCE,
    TOP,
    names_below,
    refuse_misspelt,
)

__all__ = ["Spec", "Wire", "canonical", "from_wire", "patched", "to_wire"]

Wire = dict[str, object]


@dataclass(slots=True)
class Spec:
    """What a view says, with values that were checked."""

    name: str | None = None
    description: str = ""
    project: str = ""
    tags: list[str] = field(default_factory=list)
    queries: list[Query] = field(default_factory=list)
    rules: list[MappingRule] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    output_rois: str = ALL_IN_FRAME
    order: IterationOrder = IterationOrder.sequential
    infinite: bool = False
    limit: int | None = None
    seed: int | None = None
    clip_frames: int | None = None
    clip_ms: int | None = None
    jump_ms: int | None = None
    relative_weights: bool = False
    augmentation: Wire = field(default_factory=dict)
    more: Wire = field(default_factory=dict)
    more_iteration: Wire = field(default_factory=dict)


_OF_RECORD = {"status", "versions"}  # What of a view follows from the rest, or is the store's.


def to_wire(spec: Spec) -> Wire:
    """Return the plain form of a view."""
    said: Wire = dict(spec.more)
    if spec.name is not None:
        said["name"] = spec.name
    for name, value in (
        ("description", spec.description),
        ("project", spec.project),
        ("tags", list(spec.tags)),
        ("augmentation", dict(spec.augmentation)),
        ("labels_enumeration", dict(spec.labels)),
    ):
        if value:
            said[name] = value
    said["filters"] = [_filter_wire(one) for one in spec.queries]
    said["iteration"] = _iteration_wire(spec)
    if spec.rules:
        said["mapping"] = {"rules": [_rule_wire(one) for one in spec.rules]}
    if spec.output_rois != ALL_IN_FRAME:
        said["output_rois"] = spec.output_rois
    return canonical(said)


def canonical(said: Mapping[str, object]) -> Wire:
    """Return plain data with sorted keys at every depth; UsageError for what is not plain."""
    try:
        value = plain(said)
    except Unfit as fault:
        raise UsageError(f"this is no view: {fault}") from None
    found = _sorted(value)
    assert isinstance(found, dict)
    return found


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_sorted(one) for one in value]
    return value


def _filter_wire(query: Query) -> Wire:
    said: Wire = dict(query.more)
    for name, own in FILTER.items():
        value = getattr(query, own)
        if value is not None and own not in ("roi_queries", "filter_by_roi", "weight"):
            said[name] = value
    if "dataset" not in said and "dataset_name" not in said:
        said["dataset"] = ANY
    if query.weight != 1:
        said["weight"] = query.weight
    if query.filter_by_roi != LABEL_RULES:
        said["filter_by_roi"] = query.filter_by_roi
    if query.roi_queries:
        said["label_rules"] = query.label_rules
    return said


def _iteration_wire(spec: Spec) -> Wire:
    said: Wire = {**spec.more_iteration, "order": str(spec.order), "infinite": spec.infinite}
    for name, value in (
        ("limit", spec.limit),
        ("random_seed", spec.seed),
        ("min_sequence", spec.clip_ms),
        ("clip_frames", spec.clip_frames),
        ("jump", None if spec.jump_ms is None else {"time": spec.jump_ms}),
        ("relative_weights", spec.relative_weights or None),
    ):
        if value is not None:
            said[name] = value
    return said


def _rule_wire(rule: MappingRule) -> Wire:
    source: Wire = {"labels": list(rule.from_labels)}
    for name, own in SOURCE.items():
        value = getattr(rule, own)
        if value is not None:
            source[name] = value
    if "dataset" not in source and "dataset_name" not in source:
        source["dataset"] = ANY
    return {**rule.more, "source": source, "target": rule.to_label}


# The other way.


def from_wire(wire: Mapping[str, object]) -> Spec:
    """Return the view that plain data says; UsageError or QueryError for what is none."""
    said = canonical(_map(wire, "a view"))
    known = TOP | _OF_RECORD
    spec = Spec(more={name: value for name, value in said.items() if name not in known})
    name, project = _text(said, "name"), _text(said, "project")
    spec.name = check_name(name, what="view") if name else None
    spec.description = check_text(_text(said, "description") or "", what="description")
    spec.project = check_name(project, what="project") if project else ""
    spec.tags = check_names(names_of(said.get("tags") or [], what="tags"), what="tag")
    spec.queries = _queries(said)
    spec.rules = [_rule(one) for one in _list(_map(said.get("mapping") or {}, "mapping"), "rules")]
    refuse_contradictions(spec.rules)
    spec.labels = checked_labels(said.get("labels_enumeration") or {})
    spec.output_rois = checked_output(said.get("output_rois") or ALL_IN_FRAME)
    spec.augmentation = _map(said.get("augmentation") or {}, "augmentation")
    _read_iteration(spec, _map(said.get("iteration") or {}, "iteration"))
    return spec


def _queries(said: Wire) -> list[Query]:
    """Return the queries; of a view without any, one for each version that it lists."""
    listed = [_map(one, "a version") for one in _list(said, "versions")]
    filters = [_map(one, "a filter") for one in _list(said, "filters")] or [
        {name: one[name] for name in ("dataset", "version") if name in one} for one in listed
    ]
    merged = {
        (str(one.get("dataset")), str(one.get("version"))): one["merge_with"]
        for one in listed
        if one.get("merge_with") is not None
    }
    for one in filters:
        place = (str(one.get("dataset")), str(one.get("version")))
        if place in merged:
            one.setdefault("merge_with", merged[place])
    return [_query(one) for one in filters]


def _query(given: object) -> Query:
    said = _map(given, "a filter")
    known = {own: said.get(name) for name, own in FILTER.items()}
    rules = [_roi_query(one) for one in _list(said, "label_rules")]
    known |= {
        "roi_queries": tuple(rules),
        "weight": 1 if said.get("weight") is None else said["weight"],
        "filter_by_roi": said.get("filter_by_roi") or LABEL_RULES,
    }
    more = {name: value for name, value in said.items() if name not in FILTER}
    return Query(**known, more=more)  # type: ignore[arg-type]


def _roi_query(given: object) -> RoiQuery:
    said = _map(given, "a rule about ROIs")
    more = {name: value for name, value in said.items() if name not in RULE}
    known = {name: said[name] for name in RULE if said.get(name) is not None}
    if known.get("must_not") and checked_range(known.get("count_range"), "count_range"):
        more["count_range"] = known.pop("count_range")  # Stored so, by whom it meant nothing.
    return RoiQuery(**known, more=more)  # type: ignore[arg-type]


def _rule(given: object) -> MappingRule:
    said = _map(given, "a mapping rule")
    source = _map(said.get("source") or {}, "the source of a mapping rule")
    known = {own: source.get(name) for name, own in SOURCE.items()}
    more = {name: value for name, value in said.items() if name not in ("source", "target")}
    labels, target = source.get("labels", ()), said.get("target")
    return MappingRule(labels, target, **known, more=more)  # type: ignore[arg-type]


def _read_iteration(spec: Spec, said: Wire) -> None:
    spec.more_iteration = {name: value for name, value in said.items() if name not in ITERATION}
    spec.order = checked_order(said.get("order") or IterationOrder.sequential)
    spec.infinite = checked_flag(said.get("infinite") or False, "infinite")
    spec.limit = checked_count(said.get("limit"), "limit")
    spec.seed = checked_seed(said.get("random_seed"))
    spec.clip_ms = checked_count(said.get("min_sequence") or None, "min_sequence")
    spec.clip_frames = checked_count(said.get("clip_frames"), "clip_frames")
    jump = _map(said.get("jump") or {}, "jump")
    spec.jump_ms = checked_count(jump.get("time"), "jump.time", least=0)
    spec.relative_weights = checked_flag(said.get("relative_weights") or False, "relative_weights")


def _map(given: object, what: str) -> Wire:
    if not isinstance(given, Mapping):
        raise UsageError(f"{what} is a dict, not {a_type(given)}")
    return dict(given)


def _list(said: Mapping[str, object], name: str) -> Sequence[object]:
    given = said.get(name)
    if given is None:
        return ()
    if not isinstance(given, list):
        raise UsageError(f"{name} is a list, not {a_type(given)}")
    return given


def _text(said: Mapping[str, object], name: str) -> str | None:
    given = said.get(name)
    if given is not None and not isinstance(given, str):
        raise UsageError(f"{name} is a str, not {a_type(given)}")
    return given


# By name.


def patched(wire: Mapping[str, object], changes: Mapping[str, object]) -> Wire:
    """Return plain data with values set by dotted names, such as `filters.0.weight`.

    None takes a field away. QueryError for a name that a view does not have.
    """
    said, before = canonical(wire), canonical(wire)
    for name, value in canonical(_map(changes, "what overrides a view")).items():
        _set(said, name, value)
    refuse_misspelt(said, before)
    return said


def _set(said: Wire, name: str, value: object) -> None:
    parts = name.split(".")
    at: object = said
    for depth, part in enumerate(parts):
        is_last = depth == len(parts) - 1
        if isinstance(at, list):
            if not part.isdecimal() or int(part) >= len(at):
                there = f"there are {len(at)}, counted from 0"
                raise QueryError(
                    f"{name!a:.200}: no item {part!a:.60} in {parts[depth - 1]}; {there}"
                )
            if is_last:
                at[int(part)] = value
                return
            at = at[int(part)]
            continue
        if not isinstance(at, dict):
            raise QueryError(f"{name!a:.200}: nothing lies below {'.'.join(parts[:depth])!a:.100}")
        known = names_below(parts[:depth])
        if known is not None and part not in known and part not in at:
            among = nearest(part, sorted(known), len(known))
            raise QueryError(f"{name!a:.200}: a view has no {part!a:.60} there; it has {among}")
        if known is None and not is_last and part not in at:  # A label may have dots in it.
            part, is_last = ".".join(parts[depth:]), True
        if is_last:
            if value is None:
                at.pop(part, None)
            else:
                at[part] = value
            return
        at = at.setdefault(part, {})
