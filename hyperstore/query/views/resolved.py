"""What a view comes to at one moment: its queries with the frames of the versions they mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pyroaring import BitMap

from hyperstore.dataset.view import View
from hyperstore.ids import ObjectId
from hyperstore.query.versionsets.changes import settled
from hyperstore.query.versionsets.parts import Found, Part
from hyperstore.query.views.queries import Query

__all__ = ["Resolved"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """The queries of a view, each with the frames of the versions that it is asked of.

    `revisions` are the commits, or snapshots, with which queries compare, by dataset and text.
    """

    queries: tuple[Query, ...]
    views: tuple[tuple[View, ...], ...]  # Of each query.
    revisions: Mapping[tuple[str, str], ObjectId] = field(default_factory=dict)

    @property
    def state(self) -> tuple[tuple[str, ...], ...]:
        """What tells whether anything has changed: which frames which versions have."""
        compared = (f"{text} {oid.hex()}" for (_, text), oid in sorted(self.revisions.items()))
        contents = (
            tuple(f"{one.home.version_id} {one.content_id}" for one in views)
            for views in self.views
        )
        return (*contents, tuple(compared))

    def parts(self, weights: Sequence[Sequence[float]] | None = None) -> list[Part]:
        """Return what a selection is made of: each query in each of its versions.

        With weights, which are of what each version adds, a query has a frame in one of them.
        """
        made = [
            Part(view, query.condition(), query.weight)
            if weights is None
            else Part(view, query.condition(), weights[at][number], at)
            for at, (query, views) in enumerate(zip(self.queries, self.views, strict=True))
            for number, view in enumerate(views)
        ]
        return [self._settled(one) for one in made] if self.revisions else made

    def _settled(self, part: Part) -> Part:
        """Return a part that compares with commits in the place of what was typed."""

        def meant(dataset_id: str, text: str) -> str:
            return self.revisions[dataset_id, text].hex()

        return part._replace(condition=settled(part.condition, part.view.home.dataset_id, meant))

    def of_queries(self, found: Sequence[Found]) -> list[list[BitMap]]:
        """Return for each part what it has and no earlier one of its query has, by query.

        Versions of one dataset share frames, and a query has each of them once.
        """
        parts = iter(found)
        sets: list[list[BitMap]] = []
        for views in self.views:
            seen: dict[str, BitMap] = {}
            own = []
            for view in views:
                one = next(parts)
                before = seen.get(view.home.dataset_id, BitMap())
                frames = (one.frames | one.removed) - before
                seen[view.home.dataset_id] = before | frames
                own.append(frames)
            sets.append(own)
        return sets
