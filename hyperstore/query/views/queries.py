"""What a program asks of frames, as values: a query, and within it rules about ROIs.

Checked when they are made, so that what is wrong shows where it was typed; which versions a name
means, and whether they are there, is asked when somebody reads.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hyperstore.dataset.arguments import one_of
from hyperstore.errors import QueryError, UsageError, a_type
from hyperstore.query.checks import (
    WEIGHT_MAX,
    as_given,
    checked_label_names,
    checked_place,
    checked_text,
    checked_weight,
    plain_number,
)
from hyperstore.query.language.condition import EVERYTHING, Condition, Node, RoiCondition, Scope
from hyperstore.query.language.parser import parse, roi_node

__all__ = [
    "ANY",
    "FILTERS",
    "LABEL_RULES",
    "NO_ROIS",
    "Query",
    "RoiQuery",
    "checked_range",
]

ANY = "*"
"""Any dataset, any version, any label."""

LABEL_RULES, NO_ROIS = "label_rules", "no_rois"
FILTERS = (LABEL_RULES, NO_ROIS, "disabled")
"""Frames by the rules about ROIs; those without an ROI; without a look at ROIs."""

_OPEN = -1  # What bounds nothing in a range.
_RULE = "a rule about ROIs"


@dataclass(frozen=True, slots=True)
class RoiQuery:
    """One rule: a frame has ROIs of which each fits all of this, or with `must_not` has none.

    `label` is a label, several that one ROI has at once, Lucene, or `*` or None for any ROI.
    `count_range` is how many fit, `conf_range` how sure they are: [least, most], where -1 and
    what is not given bound nothing; without a least number it is 1. A confidence that an ROI does
    not say counts as 1.0. With `must_not` there is no count to ask for.
    """

    label: str | Sequence[str] | None = None
    count_range: Sequence[int] | None = None
    conf_range: Sequence[float] | None = None
    must_not: bool | None = False
    more: Mapping[str, object] = field(default_factory=dict, repr=False, hash=False)

    def __post_init__(self) -> None:
        keep = object.__setattr__  # As dataclasses do for frozen ones.
        keep(self, "label", _labels(self.label))
        keep(self, "count_range", _counts(self.count_range))
        keep(self, "conf_range", checked_range(self.conf_range, "conf_range", most=1.0))
        keep(self, "must_not", bool(self.must_not))
        if self.must_not and self.count_range not in (None, (_OPEN, _OPEN), (1, _OPEN)):
            raise QueryError(
                f"with must_not no ROI fits, and count_range {list(self.count_range)} asks for a "
                "number of them; leave one of the two out"
            )
        self._node()

    @property
    def asks_nothing(self) -> bool:
        """Whether every frame keeps the rule, those without ROIs too."""
        is_any = self.label in (None, ANY) and not self.must_not
        return is_any and self.count_range is None and self.conf_range is None

    def condition(self) -> RoiCondition:
        """Return what is asked of ROIs."""
        least, most = self.count_range or (_OPEN, _OPEN)
        low, high = self.conf_range or (_OPEN, _OPEN)
        return RoiCondition(
            node=self._node(),
            count=(1 if least < 0 else least, None if most < 0 else most),
            confidence=None
            if self.conf_range is None
            else (max(low, 0.0), 1.0 if high < 0 else high),
            must_not=bool(self.must_not),
        )

    def wire(self) -> dict[str, object]:
        """Return the rule as a stored view has it; several labels as the Lucene that they are."""
        label: object = ANY if self.label is None else self.label
        if isinstance(label, tuple):
            label = " AND ".join(f"label.keyword:{_quoted(one)}" for one in label)
        said: dict[str, object] = {**self.more, "label": label}
        if self.count_range is not None:
            said["count_range"] = list(self.count_range)
        if self.conf_range is not None:
            said["conf_range"] = list(self.conf_range)
        if self.must_not:
            said["must_not"] = True
        return said

    def _node(self) -> Node:
        return EVERYTHING if self.label in (None, ANY) else roi_node(self.label or "")


@dataclass(frozen=True, slots=True)
class Query:
    """Frames of some versions that fit all that is said here.

    Ids and names may be `*`. The version may be a tag or a commit; where none is said it is the
    current one. Once ids are known they stand in the place of names, so that a rename breaks
    nothing; `said` is how it was typed, for messages.
    """

    dataset_id: str | None = None
    version_id: str | None = None
    dataset_name: str | None = None
    version_name: str | None = None
    project_name: str | None = None
    roi_queries: tuple[RoiQuery, ...] = ()
    frame_query: str | None = None
    source_query: str | None = None
    weight: float = 1
    filter_by_roi: str = LABEL_RULES
    name: str | None = None
    merge_with: str | None = None
    more: Mapping[str, object] = field(default_factory=dict, repr=False, hash=False)
    said: str = field(default="", repr=False, compare=False)

    def __post_init__(self) -> None:
        keep = object.__setattr__
        for name in _NAMES:
            keep(self, name, checked_text(getattr(self, name), name))
        for name in ("frame_query", "source_query"):
            keep(self, name, checked_text(getattr(self, name), name, QueryError))
        checked_place(self)
        one_of(dataset_id=self.dataset_id, dataset_name=self.dataset_name)
        one_of(version_id=self.version_id, version_name=self.version_name)
        keep(self, "roi_queries", _rules(self.roi_queries))
        keep(self, "weight", checked_weight(self.weight, WEIGHT_MAX))
        keep(self, "filter_by_roi", _filter(self.filter_by_roi))
        if not self.said:
            keep(self, "said", self._typed())
        self.condition()

    @property
    def roi_query(self) -> str | Sequence[str] | None:
        """The label, labels or Lucene of the only rule about ROIs."""
        return self.roi_queries[0].label if len(self.roi_queries) == 1 else None

    @property
    def label_rules(self) -> list[dict[str, object]]:
        """The rules about ROIs as a stored view has them."""
        return [one.wire() for one in self.roi_queries]

    @property
    def names_dataset(self) -> bool:
        """Whether it is about one dataset, and not about any."""
        return (self.dataset_id or self.dataset_name or ANY) != ANY

    @property
    def is_by_name(self) -> bool:
        """Whether it names its dataset or version by something else than an id."""
        return self.dataset_name is not None or self.version_name is not None

    def condition(self) -> Condition:
        """Return what is asked of a frame; QueryError for what cannot be read."""
        rules = self.roi_queries if self.filter_by_roi == LABEL_RULES else ()
        return Condition(
            frame=_parsed(self.frame_query, Scope.FRAME) or EVERYTHING,
            source=_parsed(self.source_query, Scope.SOURCE),
            rois=tuple(one.condition() for one in rules if not one.asks_nothing),
            no_rois=self.filter_by_roi == NO_ROIS,
        )

    def _typed(self) -> str:
        dataset = self.dataset_name or self.dataset_id or ANY
        version = self.version_name or self.version_id
        return dataset if version is None else f"{dataset}@{version}"


_NAMES = (
    "dataset_id",
    "version_id",
    "dataset_name",
    "version_name",
    "project_name",
    "name",
    "merge_with",
)


def checked_range(
    given: object, what: str, *, most: float = math.inf
) -> tuple[float, float] | None:
    """Return [least, most] as a pair, -1 where nothing bounds; None where neither does."""
    if given is None:
        return None
    is_list = isinstance(given, Iterable) and not isinstance(given, str)
    typed: Iterable[object] = given if is_list else [given]  # type: ignore[assignment]
    try:
        ends: list[float] = list(map(plain_number, typed))  # type: ignore[arg-type]
    except TypeError:  # As of an array of NumPy that has no dimension.
        ends = []
    if not 1 <= len(ends) <= 2:
        raise QueryError(f"{what} is [least, most] or [least], not {as_given(given)}")
    if len(ends) == 1:
        ends.append(_OPEN)
    for one in ends:
        if not _is_number(one):
            raise QueryError(f"{what} holds numbers, not {as_given(one)}")
        if one != _OPEN and (not 0 <= one <= most or one == math.inf):
            among = "of 0 or more" if most == math.inf else f"from 0 to {most:g}"
            raise QueryError(
                f"{what} holds numbers {among}, or -1 for no bound; not {as_given(one)}"
            )
    if ends[1] != _OPEN and ends[0] > ends[1]:
        raise QueryError(f"{what} ends before it begins: {as_given(given)}")
    return None if ends == [_OPEN, _OPEN] else (ends[0], ends[1])


def _is_number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


def _counts(given: object) -> tuple[int, int] | None:
    """Return how many are wanted; one number by itself means exactly so many."""
    number = plain_number(given)
    exactly = type(number) is int and number >= 0
    found = checked_range([given, given] if exactly else given, "count_range")
    if found is None:
        return None
    for one in found:
        if one != int(one):
            raise QueryError(f"count_range holds whole numbers, not {as_given(one)}")
    return int(found[0]), int(found[1])


def _labels(given: object) -> str | tuple[str, ...] | None:
    if given is None or (isinstance(given, str) and given.strip()):
        return checked_text(given, _RULE, QueryError)
    labels = checked_label_names("" if isinstance(given, str) else given, _RULE)
    return ANY if labels == (ANY,) else labels


def _rules(given: object) -> tuple[RoiQuery, ...]:
    if isinstance(given, RoiQuery):
        given = [given]
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise UsageError(f"roi_queries is a list of RoiQuery, not {a_type(given)}")
    rules = tuple(given)
    for one in rules:
        if not isinstance(one, RoiQuery):
            raise UsageError(f"roi_queries is a list of RoiQuery; it holds {a_type(one)}")
    return tuple(one for one in rules if one.more or not one.asks_nothing)


def _filter(given: object) -> str:
    name = getattr(given, "value", given)  # clearml's own enumeration, too.
    if not isinstance(name, str) or name not in FILTERS:
        raise QueryError(f"filter_by_roi is one of {', '.join(FILTERS)}, not {as_given(name)}")
    return name


def _parsed(text: str | None, scope: Scope) -> Node | None:
    return None if text is None or text.strip() in ("", ANY) else parse(text, scope)


def _quoted(label: str) -> str:
    escaped = label.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
