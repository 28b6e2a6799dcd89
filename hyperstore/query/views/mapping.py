"""What a view makes of labels once frames were found: mapping rules, and numbers for labels.

Queries see labels as they are stored; readers see what this makes of them. In one ROI the first
rule of which it has all labels takes them away, and puts its target where the first of them stood;
other labels stay. No second rule looks at that ROI.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hyperstore.dataset.arguments import one_of
from hyperstore.errors import QueryError, UsageError, a_type
from hyperstore.frames.home import Home
from hyperstore.frames.labelled import NO_NUMBER
from hyperstore.query.checks import (
    as_given,
    checked_label_names,
    checked_place,
    checked_text,
    plain_number,
)
from hyperstore.query.views.queries import ANY

__all__ = ["MappingRule", "checked_labels", "mapped", "refuse_contradictions", "rules_for"]


@dataclass(frozen=True, slots=True)
class MappingRule:
    """ROIs that have all of `from_labels`, or any where that is `*`, get `to_label` for them."""

    from_labels: tuple[str, ...]
    to_label: str
    dataset_id: str | None = None
    version_id: str | None = None
    dataset_name: str | None = None
    version_name: str | None = None
    more: Mapping[str, object] = field(default_factory=dict, repr=False, hash=False)
    said: str = field(default="", repr=False, compare=False)

    def __post_init__(self) -> None:
        checked_place(self)
        one_of(dataset_id=self.dataset_id, dataset_name=self.dataset_name)
        one_of(version_id=self.version_id, version_name=self.version_name)
        keep = object.__setattr__  # As dataclasses do for frozen ones.
        keep(
            self, "from_labels", tuple(sorted(checked_label_names(self.from_labels, "from_labels")))
        )
        target = checked_text(self.to_label, "to_label", QueryError)
        if not target:
            raise QueryError(f"to_label is a label, not {as_given(self.to_label)}")
        keep(self, "to_label", target)
        if not self.said:
            dataset = self.dataset_name or self.dataset_id or ANY
            keep(self, "said", f"{dataset}@{self.version_name or self.version_id or ANY}")

    @property
    def is_by_name(self) -> bool:
        """Whether it names its dataset or version by something else than an id."""
        return self.dataset_name is not None or self.version_name is not None

    def is_for(self, home: Home | None) -> bool:
        """Tell whether frames that were read there are mapped.

        A version by name is left in a rule only where any dataset may have it.
        """
        if home is None:
            return {self.dataset_id, self.version_id, self.version_name} <= {None, ANY}
        return (
            self.dataset_id in (None, ANY, home.dataset_id)
            and self.version_id in (None, ANY, home.version_id, home.commit)
            and self.version_name in (None, ANY, home.version_name)
        )


def refuse_contradictions(rules: Sequence[MappingRule]) -> None:
    """Raise QueryError where two rules map the same labels of the same versions to others."""
    targets: dict[tuple[object, ...], str] = {}
    for one in rules:
        key = (
            one.dataset_id or one.dataset_name or ANY,
            one.version_id or one.version_name or ANY,
            frozenset(one.from_labels),
        )
        before = targets.setdefault(key, one.to_label)
        if before != one.to_label:
            labels = ", ".join(map(ascii, one.from_labels))
            raise QueryError(
                f"two rules map {labels} of {one.said}: to {before!a} and to {one.to_label!a}; "
                "leave one of them out"
            )


def rules_for(rules: Sequence[MappingRule], home: Home | None) -> tuple[MappingRule, ...]:
    """Return the rules that hold for frames which were read there."""
    return tuple(one for one in rules if one.is_for(home))


def mapped(labels: Sequence[str], rules: Sequence[MappingRule]) -> list[str]:
    """Return what readers see of the labels of one ROI."""
    for rule in rules:
        wanted = rule.from_labels
        if wanted == (ANY,):
            return [rule.to_label] if labels else []
        if all(one in labels for one in wanted):
            found = [rule.to_label if one in wanted else one for one in labels]
            return list(dict.fromkeys(found))
    return list(labels)


def checked_labels(given: object) -> dict[str, int]:
    """Return numbers for labels; QueryError for what are none."""
    if not isinstance(given, Mapping):
        raise UsageError(f"labels are given as a dict of label to number, not as {a_type(given)}")
    found: dict[str, int] = {}
    for label, typed in given.items():
        number = plain_number(typed)
        if not isinstance(label, str) or not label:
            raise QueryError(f"a label is a str, not {as_given(label)}")
        checked_text(label, "a label", QueryError)
        if type(number) is not int or number < NO_NUMBER:
            raise QueryError(
                f"the number of label {as_given(label)} is an int of 0 or more, or {NO_NUMBER} for "
                f"none, not {as_given(typed)}"
            )
        if abs(number) > _NUMBER_MAX:
            raise QueryError(f"the number of label {label!a:.100} is over {_NUMBER_MAX:,}")
        found[label] = number
    return found


_NUMBER_MAX = 2**63 - 1
