"""The part of a DataView that a program says: its name, queries, mapping, labels, iteration.

Nothing of it reads frames. Names of versions become ids as soon as they are found; what is not
found yet is looked for again when somebody reads.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from hyperstore.dataset.arguments import documented, names_of, one_of
from hyperstore.errors import UsageError, a_type
from hyperstore.query import checks
from hyperstore.query.order import IterationOrder
from hyperstore.query.views import described
from hyperstore.query.views.mapping import MappingRule, checked_labels, refuse_contradictions
from hyperstore.query.views.queries import LABEL_RULES, Query
from hyperstore.query.views.queries import RoiQuery as Rule
from hyperstore.query.views.spec import Spec, Wire, from_wire, patched
from hyperstore.query.views.state import ViewState
from hyperstore.query.views.versions import found_by_ids

__all__ = ["Definition"]


class Definition:
    """What a view says. Its parts are values: what was got from it changes nothing in it."""

    _state: ViewState
    RoiQuery = Rule

    def __bool__(self) -> bool:
        return True  # Python would ask how long it is, which reads.

    # What it is called.

    @property
    def name(self) -> str | None:
        """Its name; None before it has one."""
        return self._state.spec.name

    @name.setter
    def name(self, value: str | None) -> None:
        described.rename(self._state, value)

    @property
    def description(self) -> str:
        """What it is in words."""
        return self._state.spec.description

    @description.setter
    def description(self, value: str | None) -> None:
        described.describe(self._state, value)

    @property
    def project(self) -> str:
        """The project that it is in, by name; empty where it is in none."""
        return self._state.spec.project

    @project.setter
    def project(self, value: str | None) -> None:
        described.move_to(self._state, value)

    @property
    def tags(self) -> list[str]:
        """Its tags; a copy."""
        return list(self._state.spec.tags)

    @tags.setter
    def tags(self, value: Sequence[str]) -> None:
        self.set_tags(value)

    def get_tags(self) -> list[str]:
        """Return its tags; a copy."""
        return self.tags

    def set_tags(self, tags: Sequence[str]) -> None:
        """Replace its tags."""
        described.tag(self._state, tags)

    def add_tags(self, tags: Sequence[str]) -> None:
        """Give it more tags."""
        self.set_tags([*self.tags, *names_of(tags, what="a tag")])

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Take tags from it."""
        gone = frozenset(names_of(tags, what="a tag"))
        self.set_tags([one for one in self.tags if one not in gone])

    # Queries.

    @documented
    def add_query(
        self,
        dataset_name: str | None = None,
        version_name: str | None = None,
        roi_query: str | Sequence[str] | Rule | None = None,
        frame_query: str | None = None,
        source_query: str | None = None,
        weight: float = 1,
        *,
        dataset_id: str | None = None,
        version_id: str | None = None,
        project_name: str | None = None,
        filter_by_roi: str | None = None,
        count_range: Sequence[int] | int | None = None,
        conf_range: Sequence[float] | None = None,
        num_instances: Sequence[int] | int | None = None,
        must_not: bool = False,
        name: str | None = None,
        merge_with: str | None = None,
    ) -> Self:
        """Add frames of versions to what the view has: those that fit all that is said here.

        `roi_query` is a label, labels that one ROI has at once, or Lucene about one ROI; `*` asks
        for nothing. `frame_query` and `source_query` are Lucene about a frame and about one of its
        sources. `count_range` is how many ROIs fit, `conf_range` how sure they are; see RoiQuery.
        A frame that several queries find is that of the one added first; where versions have it
        otherwise, it comes as it is in each. Of `weight` see set_iteration_parameters. Names and
        ids may be `*`; a version may also be a tag or a commit, by default the current one.
        """
        one_of(count_range=count_range, num_instances=num_instances)
        counts = num_instances if count_range is None else count_range
        if isinstance(roi_query, Rule):
            if counts is not None or conf_range is not None or must_not:
                raise UsageError("a RoiQuery says itself how many and how sure; say it there")
            rules: tuple[Rule, ...] = (roi_query,)
        elif roi_query is None and counts is None and conf_range is None and not must_not:
            rules = ()
        else:
            rules = (Rule(roi_query, counts, conf_range, must_not),)  # type: ignore[arg-type]
        return self.add_multi_query(
            dataset_name,
            version_name,
            rules,
            frame_query,
            source_query,
            weight,
            dataset_id=dataset_id,
            version_id=version_id,
            project_name=project_name,
            filter_by_roi=filter_by_roi,
            name=name,
            merge_with=merge_with,
        )

    @documented
    def add_multi_query(
        self,
        dataset_name: str | None = None,
        version_name: str | None = None,
        roi_queries: Sequence[Rule] | Rule = (),
        frame_query: str | None = None,
        source_query: str | None = None,
        weight: float = 1,
        *,
        dataset_id: str | None = None,
        version_id: str | None = None,
        project_name: str | None = None,
        filter_by_roi: str | None = None,
        name: str | None = None,
        merge_with: str | None = None,
    ) -> Self:
        """Add a query with several rules about ROIs, all of which hold, each of ROIs of its own."""
        made = Query(
            dataset_id=dataset_id,
            version_id=version_id,
            dataset_name=dataset_name,
            version_name=version_name,
            project_name=project_name,
            roi_queries=roi_queries,  # type: ignore[arg-type]
            frame_query=frame_query,
            source_query=source_query,
            weight=weight,
            filter_by_roi=filter_by_roi or LABEL_RULES,
            name=name,
            merge_with=merge_with,
        )
        return self.add_queries(made)

    def add_queries(self, queries: "Iterable[Query] | Query") -> Self:
        """Add queries, such as `get_queries()` of a view returns: all of them, or none."""
        given = _queries(self._state, queries)
        self._state.edit(lambda spec: spec.queries.extend(given))
        return self

    def set_queries(self, queries: "Iterable[Query] | Query") -> Self:
        """Put queries in the place of those that it has."""
        given = _queries(self._state, queries)
        self._state.edit(lambda spec: setattr(spec, "queries", given))
        return self

    def get_queries(self) -> list[Query]:
        """Return the queries, as values; a new list."""
        return list(self._state.spec.queries)

    # Labels.

    @documented
    def add_mapping_rule(
        self,
        dataset_name: str | None = None,
        version_name: str | None = None,
        from_labels: Sequence[str] | str = (),
        to_label: str = "",
        *,
        dataset_id: str | None = None,
        version_id: str | None = None,
    ) -> Self:
        """Show ROIs that have all of `from_labels` with `to_label` in the place of these.

        `*` is any label, and any dataset or version where those are `*` or not said. Of several
        rules that fit an ROI the one added first is taken. Queries see what is stored.
        """
        rule = MappingRule(
            from_labels,  # type: ignore[arg-type]
            to_label,
            dataset_id=dataset_id,
            version_id=version_id,
            dataset_name=dataset_name,
            version_name=version_name,
        )
        rule = found_by_ids(self._state.known_handle(), rule, current=False)
        rules = [*self._state.spec.rules, rule]
        refuse_contradictions(rules)
        self._state.edit(lambda spec: setattr(spec, "rules", rules))
        return self

    def get_mapping_rules(self) -> list[MappingRule]:
        """Return the mapping rules in the order of their importance; a new list."""
        return list(self._state.spec.rules)

    def set_mapping_rules(self, rules: Iterable[MappingRule]) -> None:
        """Put mapping rules in the place of those that it has."""
        given = list(rules)
        for one in given:
            if not isinstance(one, MappingRule):
                raise UsageError(f"a mapping rule is what get_mapping_rules returns, not {one!a}")
        refuse_contradictions(given)
        self._state.edit(lambda spec: setattr(spec, "rules", given))

    def set_labels(self, labels: Mapping[str, int]) -> None:
        """Number the labels, as mapping leaves them: `annotation.label_enum`; others are -1."""
        checked = checked_labels(labels)
        self._state.edit(lambda spec: setattr(spec, "labels", checked))

    def get_labels(self) -> dict[str, int]:
        """Return the numbers of labels; a copy."""
        return dict(self._state.spec.labels)

    # How it is gone through.

    @documented
    def set_iteration_parameters(
        self,
        order: IterationOrder | str | None = None,
        infinite: bool | None = None,
        maximum_number_of_frames: int | None = None,
        random_seed: int | None = None,
        *,
        clip_length: int | None = None,
        min_sequence: int | None = None,
        jump_time: int | None = None,
        output_rois: str | None = None,
        relative_weights: bool | None = None,
    ) -> None:
        """Say how to go on; what is not given stays as it is.

        In sequence frames come by context, time and id; `random` shuffles by the seed, the same
        everywhere. `infinite` goes round and round, up to `maximum_number_of_frames`. A clip of
        `clip_length` frames, or of `min_sequence` ms, stays together; frames of a context that
        are more than `jump_time` ms apart are of two clips. Weights are shares of what an
        iteration with repetition gives out, or with `relative_weights` how many times more than
        naturally each query's frames come. Without repetition each frame comes once, and weights
        do nothing; but where a maximum leaves frames of a random order out, queries of different
        weights share what comes, as long as they have frames left.

        `output_rois` is what a frame comes with: all its ROIs (`all_in_frame`), those that fit its
        query (`only_filtered`), or, once for each of these, that one (`frame_per_roi`). A frame
        that several queries find is the first one's: it shows the ROIs that this one asks for.
        """
        given: dict[str, object] = {
            "order": None if order is None else checks.checked_order(order),
            "infinite": None if infinite is None else checks.checked_flag(infinite, "infinite"),
            "limit": checks.checked_count(maximum_number_of_frames, "maximum_number_of_frames"),
            "seed": checks.checked_seed(random_seed),
            "clip_frames": checks.checked_count(clip_length, "clip_length"),
            "clip_ms": checks.checked_count(min_sequence, "min_sequence"),
            "jump_ms": checks.checked_count(jump_time, "jump_time", least=0),
            "output_rois": None if output_rois is None else checks.checked_output(output_rois),
            "relative_weights": relative_weights,
        }
        if relative_weights is not None:
            checks.checked_flag(relative_weights, "relative_weights")

        def change(spec: Spec) -> None:
            for name, value in given.items():
                if value is not None:
                    setattr(spec, name, value)

        self._state.edit(change)

    def get_iteration_parameters(self) -> dict[str, object]:
        """Return how it is gone through."""
        spec = self._state.spec
        return {
            "order": spec.order,
            "infinite": spec.infinite,
            "maximum_number_of_frames": spec.limit,
            "random_seed": spec.seed,
            "clip_length": spec.clip_frames,
            "min_sequence": spec.clip_ms,
            "jump_time": spec.jump_ms,
            "output_rois": spec.output_rois,
            "relative_weights": spec.relative_weights,
        }

    @property
    def output_rois(self) -> str:
        """Which ROIs frames are given out with."""
        return self._state.spec.output_rois

    # As plain data.

    def spec(self) -> Wire:
        """Return all that it says as plain data, sorted and canonical: the form that is stored."""
        return self._state.wire()

    def override(self, changes: Mapping[str, object]) -> Self:
        """Set values by dotted names, such as `{"filters.0.weight": 3}`; None takes one away.

        The names are those of `spec()`. QueryError for one that a view has not; then nothing has
        changed.
        """
        self._state.become(from_wire(patched(self.spec(), changes)))
        return self


def _queries(state: ViewState, given: object) -> list[Query]:
    """Return queries by ids, as far as what they name is there."""
    if isinstance(given, Query):
        given = [given]
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise UsageError(f"queries are what get_queries() returns, not {a_type(given)}")
    found: list[Query] = []
    for one in given:
        if not isinstance(one, Query):
            raise UsageError(f"queries are what get_queries() returns; here is {a_type(one)}")
        found.append(one)
    return [found_by_ids(state.known_handle(), one) for one in found]
