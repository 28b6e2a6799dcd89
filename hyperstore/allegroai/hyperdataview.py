"""DataView and HyperDatasetQuery by the newer names of clearml: versions by id, entries out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import hyperstore.maintenance.automatic  # noqa: F401 - it tidies the stores that its calls open.
from hyperstore.allegroai.connected import ConnectedView
from hyperstore.allegroai.entries import entry_of
from hyperstore.allegroai.taskviews import VIEW_CLASSES
from hyperstore.dataset.arguments import documented
from hyperstore.dataset.view import Frame
from hyperstore.errors import UsageError, a_type
from hyperstore.query.dataview import DataView
from hyperstore.query.order import IterationOrder
from hyperstore.query.views.queries import ANY, LABEL_RULES, Query, RoiQuery
from hyperstore.query.views.shape import Shape
from hyperstore.query.views.state import StoreLike

__all__ = ["HyperDataView", "HyperDatasetQuery"]

_RULE = ("label", "count_range", "conf_range", "must_not")


class HyperDatasetQuery:
    """One query, by ids; `*` is any. A project is known by its name."""

    @documented
    def __init__(
        self,
        project_id: str = ANY,
        dataset_id: str = ANY,
        version_id: str = ANY,
        source_query: str | None = None,
        frame_query: str | None = None,
        weight: float | None = 1.0,
        filter_by_roi: object = None,
        label_rules: "Sequence[object] | None" = None,
    ) -> None:
        by = getattr(filter_by_roi, "value", filter_by_roi)
        self._query = Query(
            dataset_id=dataset_id,
            version_id=version_id,
            project_name=None if project_id == ANY else project_id,
            roi_queries=tuple(_rule(one) for one in label_rules or ()),
            frame_query=frame_query,
            source_query=source_query,
            weight=1 if weight is None else weight,
            filter_by_roi=str(by) if by else LABEL_RULES,
        )

    @classmethod
    def _of(cls, query: Query) -> Self:
        made = cls.__new__(cls)
        made._query = query
        return made

    @property
    def query(self) -> Query:
        """The same as a value, which the calls of hyperstore take."""
        return self._query

    @property
    def dataset_id(self) -> str:
        return self._query.dataset_id or ANY

    @property
    def version_id(self) -> str:
        return self._query.version_id or ANY

    @property
    def project_id(self) -> str:
        return self._query.project_name or ANY

    @property
    def source_query(self) -> str | None:
        return self._query.source_query

    @property
    def frame_query(self) -> str | None:
        return self._query.frame_query

    @property
    def weight(self) -> float:
        return self._query.weight

    @property
    def filter_by_roi(self) -> str:
        return self._query.filter_by_roi

    @property
    def label_rules(self) -> list[dict[str, object]]:
        return self._query.label_rules

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HyperDatasetQuery) and self._query == other._query

    def __hash__(self) -> int:
        return hash(self._query)

    def __repr__(self) -> str:
        return f"<HyperDatasetQuery {self._query.said}>"


class HyperDataView(ConnectedView):
    """What `clearml` calls DataView: its arguments, and entries in the place of frames."""

    @documented
    def __init__(
        self,
        name: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        iteration_order: IterationOrder | str = IterationOrder.sequential,
        iteration_infinite: bool = False,
        iteration_random_seed: int | None = None,
        iteration_limit: int | None = None,
        auto_connect_with_task: bool | str = True,
        project_name: str | None = None,
        *,
        store: StoreLike = None,
    ) -> None:
        DataView.__init__(
            self,
            name,
            iteration_order,
            iteration_infinite,
            iteration_limit,
            iteration_random_seed=iteration_random_seed,
            description=description,
            project=project_name,
            tags=tags,
            store=store,
        )
        self._connect_with_task(auto_connect_with_task)

    @classmethod
    def _bare(cls, store: StoreLike) -> Self:
        return cls(store=store, auto_connect_with_task=False)

    @documented
    def add_query(  # type: ignore[override]
        self,
        *,
        project_id: str = ANY,
        dataset_id: str = ANY,
        version_id: str = ANY,
        source_query: str | None = None,
        frame_query: str | None = None,
        weight: float = 1.0,
        filter_by_roi: object = None,
        label_rules: "Sequence[object] | None" = None,
    ) -> HyperDatasetQuery:
        """Add a query by ids, and return it."""
        made = HyperDatasetQuery(
            project_id,
            dataset_id,
            version_id,
            source_query,
            frame_query,
            weight,
            filter_by_roi,
            label_rules,
        )
        self.add_queries(made)
        return made

    def add_queries(
        self, queries: "HyperDatasetQuery | Query | Iterable[HyperDatasetQuery | Query]"
    ) -> Self:
        """Add one query or several."""
        return super().add_queries(_plain(queries))

    def set_queries(
        self, queries: "HyperDatasetQuery | Query | Iterable[HyperDatasetQuery | Query] | None"
    ) -> Self:
        """Put queries in the place of those that it has; None takes them all away."""
        return super().set_queries(_plain(queries or ()))

    def get_queries(self) -> list[HyperDatasetQuery]:  # type: ignore[override]
        """Return the queries; a new list."""
        return [HyperDatasetQuery._of(one) for one in self._state.spec.queries]

    @documented
    def add_mapping_rule(  # type: ignore[override]
        self,
        from_labels: "str | Sequence[str]",
        to_label: str,
        dataset_id: str | None = None,
        dataset_name: str | None = None,
        version_id: str | None = None,
        version_name: str | None = None,
        project_name: str | None = None,
    ) -> Self:
        """Show ROIs that have all of `from_labels` with `to_label` in the place of these."""
        return super().add_mapping_rule(
            dataset_name,
            version_name,
            from_labels,
            to_label,
            dataset_id=dataset_id,
            version_id=version_id,
        )

    def set_labels(self, label_dict: Mapping[str, int]) -> None:
        """Number the labels, as mapping leaves them."""
        super().set_labels(label_dict)

    @documented
    def set_iteration_parameters(
        self,
        order: IterationOrder | str | None = None,
        infinite: bool | None = None,
        maximum_number_of_frames: int | None = None,
        random_seed: int | None = None,
        *,
        limit: int | None = -1,
        **more: object,
    ) -> None:
        """Say how to go on; a `limit` of None takes away the one that was said."""
        super().set_iteration_parameters(
            order,
            infinite,
            maximum_number_of_frames if limit in (None, -1) else limit,
            random_seed,
            **more,  # type: ignore[arg-type]
        )
        if limit is None:
            self._state.edit(lambda spec: setattr(spec, "limit", None))

    def get_iteration_parameters(self) -> dict[str, object]:
        """Return how it is gone through: order, infinite, limit and random_seed."""
        spec = self._state.spec
        return {
            "order": str(spec.order),
            "infinite": spec.infinite,
            "limit": spec.limit,
            "random_seed": spec.seed,
        }

    def _handing(self, shape: Shape) -> Callable[..., object]:
        return _Entries(shape)


VIEW_CLASSES["clearml"] = HyperDataView


@dataclass(frozen=True, slots=True)
class _Entries:
    """Makes entries of frames; picklable."""

    shape: Shape

    def __call__(self, frame: Frame, part: int = 0, roi: int | None = None) -> object:
        return entry_of(self.shape(frame, part, roi))


def _plain(given: object) -> list[Query]:
    """Return queries of both kinds as values."""
    items = [given] if isinstance(given, HyperDatasetQuery | Query) else given
    if not isinstance(items, Iterable):
        raise UsageError(f"queries are HyperDatasetQuery, not {a_type(given)}")
    return [one.query if isinstance(one, HyperDatasetQuery) else one for one in items]


def _rule(given: object) -> RoiQuery:
    """Return a rule about ROIs: a dict, or what has its values as attributes."""
    if isinstance(given, RoiQuery):
        return given
    if isinstance(given, Mapping):
        unknown = given.keys() - set(_RULE)
        if unknown:
            raise UsageError(f"a label rule has {', '.join(_RULE)}, not {min(unknown)!a:.60}")
        said = {name: given[name] for name in _RULE if given.get(name) is not None}
    else:
        said = {name: value for name in _RULE if (value := getattr(given, name, None)) is not None}
    if "label" not in said:
        raise UsageError(f"a label rule has a label, which {given!a:.100} has not")
    return RoiQuery(**said)
