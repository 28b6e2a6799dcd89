"""Where the versions of a view come from: looked up whenever it is read, or pinned by a lock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from hyperstore.dataset.handle import Handle
from hyperstore.dataset.runswatch import WATCHERS
from hyperstore.dataset.view import View
from hyperstore.errors import UsageError
from hyperstore.frames.home import Home
from hyperstore.history.lock import LockedVersion
from hyperstore.ids import CommitId, ObjectId
from hyperstore.query.locks.lock import Lock
from hyperstore.query.versionsets.changes import commit_or_snapshot, revisions_of
from hyperstore.query.views.mapping import MappingRule
from hyperstore.query.views.resolved import Resolved
from hyperstore.query.views.spec import Spec
from hyperstore.query.views.versions import (
    by_ids,
    check_some_dataset,
    found_by_ids,
    newer_views,
    views_of,
)

__all__ = ["Following", "Origin", "Pinned"]

_T = TypeVar("_T")


class Origin(Protocol):
    """What a view asks for its versions. A value: it knows no view."""

    @property
    def lock(self) -> Lock | None:
        """What pins the view; None where nothing does."""

    def refuse_edits(self) -> None:
        """Raise UsageError where what the view says does not change."""

    def settle(self, handle: Callable[[], Handle | None], spec: Spec) -> None:
        """Put ids in the place of names that are known by now; `handle` is asked where any is."""

    def resolve(self, handle: Handle, spec: Spec) -> Resolved:
        """Return the frames that each query is asked of.

        Ids that were found for it take the place of names in `spec`, and outlive a rename.
        """

    def rules(self, handle: Handle, spec: Spec) -> tuple[MappingRule, ...]:
        """Return the mapping rules, which `spec` has by ids from then on."""

    def merged(self, handle: Handle, found: Resolved) -> list[Mapping[str, View]]:
        """Return for each query what its frames are to be merged with, by dataset."""


class Following:
    """Names mean what they mean now, and drafts show what they hold."""

    lock: Lock | None = None

    def refuse_edits(self) -> None:
        pass

    def settle(self, handle: Callable[[], Handle | None], spec: Spec) -> None:
        queries, rules = spec.queries, spec.rules
        if any(one.is_by_name for one in queries) or any(one.is_by_name for one in rules):
            known = handle()
            _put(queries, [found_by_ids(known, one) for one in queries])
            _put(rules, [found_by_ids(known, one, current=False) for one in rules])

    def resolve(self, handle: Handle, spec: Spec) -> Resolved:
        asked = spec.queries
        check_some_dataset(asked)
        queries = tuple(by_ids(handle, one) for one in asked)
        _put(asked, queries)
        views = tuple(tuple(views_of(handle, one)) for one in queries)
        compared = {
            (view.home.dataset_id, text)
            for query, several in zip(queries, views, strict=True)
            for text in revisions_of(query.condition())
            for view in several
        }
        revisions = {one: commit_or_snapshot(handle, *one) for one in sorted(compared)}
        return Resolved(queries, views, revisions)

    def rules(self, handle: Handle, spec: Spec) -> tuple[MappingRule, ...]:
        asked = spec.rules
        rules = tuple(by_ids(handle, one, current=False) for one in asked)
        _put(asked, rules)
        return rules

    def merged(self, handle: Handle, found: Resolved) -> list[Mapping[str, View]]:
        pairs = zip(found.queries, found.views, strict=True)
        return [newer_views(handle, query, views) for query, views in pairs]


@dataclass(frozen=True, slots=True)
class Pinned:
    """The commits that a lock names, whatever has become of their versions."""

    lock: Lock

    def refuse_edits(self) -> None:
        raise UsageError(
            f"the view is pinned by lock {self.lock.id[:12]}; clone() it and change that"
        )

    def settle(self, handle: Callable[[], Handle | None], spec: Spec) -> None:
        pass

    def resolve(self, handle: Handle, spec: Spec) -> Resolved:
        record = self.lock.record
        views = [_view(handle, one) for one in record.versions]
        return Resolved(
            tuple(spec.queries),
            tuple(tuple(views[at] for at in one.versions) for one in record.queries),
            {(one.dataset, one.revision): ObjectId(one.commit) for one in record.since},
        )

    def rules(self, handle: Handle, spec: Spec) -> tuple[MappingRule, ...]:
        return tuple(spec.rules)

    def merged(self, handle: Handle, found: Resolved) -> list[Mapping[str, View]]:
        record = self.lock.record
        return [
            {
                version.dataset: _view(handle, version)
                for version in map(record.versions.__getitem__, one.merged)
            }
            for one in record.queries
        ]


def _put(asked: list[_T], found: Sequence[_T]) -> None:
    """Put what is by ids in the place of the same by names; what was added meanwhile stays."""
    asked[: len(found)] = found


def _view(handle: Handle, version: LockedVersion) -> View:
    """Return the frames of a commit; its version may be gone, and is named as it was."""
    commit_id = CommitId(ObjectId(version.commit))
    snapshot = handle.snapshot(handle.commit(commit_id).snapshot)  # type: ignore[arg-type]
    home = Home(
        store=str(handle.folder),
        dataset_id=version.dataset,
        dataset_name=version.dataset_name,
        version_id=version.version,
        version_name=version.version_name,
        commit=commit_id.hex(),
        foreign=handle.database.trust == "foreign",
    )
    for watcher in WATCHERS:
        watcher.read(handle, version.dataset, version.version, commit_id)
    return View(handle, snapshot, home)
