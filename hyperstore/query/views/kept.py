"""The part of a DataView that is kept: as plain data, in a store under an id, pinned by a lock.

A view that was opened from a lock shows the frames of the commits that the lock names, whatever
has become of their versions, and does not change; `clone()` gives one that does.
"""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Self

from hyperstore.codec import replace
from hyperstore.dataset.arguments import documented, one_of
from hyperstore.dataset.handle import Handle
from hyperstore.errors import UsageError
from hyperstore.history.names import check_name
from hyperstore.query import checks
from hyperstore.query.locks.lock import Lock
from hyperstore.query.views import keeping, locking
from hyperstore.query.views import viewstore as stored
from hyperstore.query.views.definition import Definition
from hyperstore.query.views.locking import LockLike
from hyperstore.query.views.resolved import Resolved
from hyperstore.query.views.state import StoreLike, ViewState
from hyperstore.query.views.wirefields import refuse_misspelt
from hyperstore.storage.host import now_ms

__all__ = ["Kept"]


class Kept(Definition):
    """A view that can be stored and fetched, locked, and opened from a lock."""

    def __init__(self, store: StoreLike = None) -> None:
        self._state = ViewState(store)

    @classmethod
    def _bare(cls, store: StoreLike) -> Self:
        """Return a new view that says nothing, and that nobody is told of."""
        return cls(store=store)

    def __setstate__(self, state: dict[str, object]) -> None:
        if "_state" not in state:
            raise UsageError(
                "this view was pickled by another release of hyperstore; from one to another it "
                "goes by to_json() and from_json(), or by a lock"
            )
        self.__dict__.update(state)

    def resolve(self) -> Resolved:
        """Return which versions it means, as they are now.

        QueryError where it says nothing, NotFoundError where what it names is not there.
        """
        return self._state.resolve()

    # As plain data.

    @classmethod
    def from_spec(cls, spec: Mapping[str, object], *, store: StoreLike = None) -> Self:
        """Return the view that `spec()` of another one says.

        Fields that are not known are kept; one that is only misspelt is a QueryError.
        """
        made = cls._bare(store)
        refuse_misspelt(spec)
        keeping.take_spec(made._state, spec)
        return made

    def to_json(self) -> str:
        """Return what `spec()` says as JSON, on one line."""
        return json.dumps(self.spec(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, *, store: StoreLike = None) -> Self:
        """Return the view that `to_json()` of another one says."""
        try:
            spec = json.loads(text)
        except (ValueError, TypeError, RecursionError) as fault:
            raise UsageError(f"this is no JSON: {fault}") from None
        return cls.from_spec(spec, store=store)

    def clone(self, name: str | None = None) -> Self:
        """Return another view that says the same, and is not stored."""
        place = self._state.place
        made = type(self)._bare(place if isinstance(place, Handle) else None)
        made._state.place = place  # Which is opened when somebody reads.
        keeping.take_spec(made._state, self.spec())
        if name is not None:
            made.name = name
        return made

    # As it is stored.

    @property
    def id(self) -> str | None:
        """32 hex digits, once it is stored."""
        return self._state.id

    @property
    def status(self) -> str:
        """`draft` or `published`, as it stands in the store now."""
        record = keeping.record_of(self._state)
        return "published" if record is not None and record.published else "draft"

    @property
    def record(self) -> Mapping[str, object] | None:
        """All that the store says of it, as plain data; None where it is not stored."""
        record = keeping.record_of(self._state)
        return None if record is None else stored.record_wire(record)

    @documented
    def store(
        self, project: str | None = None, *, project_name: str | None = None, force: bool = False
    ) -> str:
        """Keep the view in its store; return its id, by which any process gets it.

        Stored again it is replaced: with `force` only where it is published, and where somebody
        else changed or deleted it since it was stored or fetched here, which is a ConflictError.
        One without a name is given one that says who stored it and when. Several may have one
        name: by that `get` returns the one stored last, with a warning. What is pinned by a lock
        is not stored: a stored view follows its versions.
        """
        one_of(project=project, project_name=project_name)
        wanted = project_name if project is None else project
        return keeping.store(self._state, wanted, force=force)

    @classmethod
    @documented
    def get(
        cls,
        dataview_id: str | None = None,
        dataview_name: str | None = None,
        *,
        store: StoreLike = None,
    ) -> Self:
        """Return a stored view by its id or name; of several of one name the one stored last."""
        made = cls._bare(store)
        found = stored.find_view(made._state.handle, view_id=dataview_id, name=dataview_name)
        keeping.take(made._state, found)
        return made

    @classmethod
    @documented
    def list(
        cls,
        name: str | None = None,
        project: str | None = None,
        tags: Sequence[str] | None = None,
        only_published: bool = False,
        include_archived: bool = True,
        page: int = 0,
        page_size: int | None = None,
        *,
        store: StoreLike = None,
    ) -> "list[Self]":
        """Return the stored views that have all of this, the one stored last first.

        `name` is a part of it; `page` counts from 0, of `page_size` views each.
        """
        size = checks.checked_count(page_size, "page_size")
        number = checks.plain_number(page)
        if type(number) is not int or number < 0:
            raise UsageError(f"page is a whole number of 0 or more, not {page!a:.60}")
        handle = cls._bare(store)._state.handle
        found = stored.list_views(
            handle,
            name=name,
            project=project,
            tags=tags,
            only_published=only_published,
            include_archived=include_archived,
            offset=number * (size or 0),
            limit=size,
        )
        views = []
        for one in found:
            made = cls._bare(handle)
            keeping.take(made._state, one)
            views.append(made)
        return views

    @documented
    def publish(self, force: bool = False) -> str:
        """Store the view as it is now, and let it say nothing else from then on; return its id.

        Its project may change still, and its mark of being out of use. `force` is that of `store`.
        """
        return keeping.store(self._state, None, force=force, publish=True)

    def archive(self) -> None:
        """Mark the stored view as out of use."""
        keeping.change(self._state, "archive", lambda one: keeping.marked(one, archived=True))

    def unarchive(self) -> None:
        """Take that mark away."""
        keeping.change(self._state, "unarchive", lambda one: keeping.marked(one, archived=False))

    def move(self, project: str) -> None:
        """Move the stored view to another project, which is a name; nothing else of it changes."""
        keeping.move(self._state, check_name(project, what="project"))

    @documented
    def delete(self, force: bool = False) -> None:
        """Delete the stored view, a published one with `force`; this object stays as it is."""
        keeping.delete(self._state, force=force)

    @classmethod
    @documented
    def delete_many(
        cls, dataview_ids: Sequence[str], force: bool = False, *, store: StoreLike = None
    ) -> stored.Bulk:
        """Delete stored views; say of each whether it was."""
        return stored.delete_views(cls._bare(store)._state.handle, dataview_ids, force=force)

    @classmethod
    @documented
    def publish_many(cls, dataview_ids: Sequence[str], *, store: StoreLike = None) -> stored.Bulk:
        """Publish stored views as they stand; say of each whether it was."""
        return stored.change_views(
            cls._bare(store)._state.handle,
            dataview_ids,
            "publish",
            lambda one: replace(one, published=one.published or now_ms()),
        )

    @classmethod
    @documented
    def archive_many(
        cls, dataview_ids: Sequence[str], archived: bool = True, *, store: StoreLike = None
    ) -> stored.Bulk:
        """Mark stored views as out of use, or take that mark away; say of each whether it was."""
        return stored.change_views(
            cls._bare(store)._state.handle,
            dataview_ids,
            "archive" if archived else "unarchive",
            lambda one: keeping.marked(one, archived=archived),
        )

    @classmethod
    @documented
    def move_many(
        cls, dataview_ids: Sequence[str], project: str, *, store: StoreLike = None
    ) -> stored.Bulk:
        """Move stored views to another project; say of each whether it was."""
        name = check_name(project, what="project")
        handle = cls._bare(store)._state.handle
        return stored.change_views(
            handle, dataview_ids, "move", lambda one: keeping.moved(one, name)
        )

    # Pinned.

    @documented
    def lock(self, path: str | os.PathLike[str] | None = None, commit: bool = False) -> Lock:
        """Pin the frames that the view has now, by commits; keep that, and write it to a file.

        The store keeps what a lock names for as long as it keeps the lock. RefusedError where a
        draft has edits that no commit has, unless `commit`, which commits them with the lock.
        """
        return locking.lock(self._state, self.resolve, path, commit=commit)

    @documented
    def stamp(self, path: str | os.PathLike[str], commit: bool = False) -> Lock:
        """Lock the view, and put that beside a file that was made of it, such as a model.

        The file is then known by its content: `hyperstore which` says what it was made of.
        """
        return locking.stamp(self._state, self.resolve, path, commit=commit)

    @classmethod
    @documented
    def from_lock(cls, lock: LockLike, verify: bool = True, *, store: StoreLike = None) -> Self:
        """Return the view that was locked: the same frames in the same order, for good.

        `lock` is a lock, the path of its file, or its id. With `verify` all its frames are found
        and held against it; without, only that its commits are here. MissingObjectError says which
        are not, CorruptError what does not hold.
        """
        made = cls._bare(store)
        locking.open_into(made._state, lock)
        if verify:
            made.verify_lock()
        return made

    @property
    def locked(self) -> Lock | None:
        """The lock that it was opened from."""
        return self._state.origin.lock

    def verify_lock(self) -> None:
        """Find all frames of a view that was opened from a lock; CorruptError unless they fit."""
        locking.verify(self._state, self.resolve)
