"""The part of a DataView that is kept: as plain data, and in a store under an id."""

import getpass
import json
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Self

from hyperstore.codec import replace
from hyperstore.dataset.arguments import documented, one_of
from hyperstore.errors import NotFoundError, UsageError
from hyperstore.history.dataview import ViewRecord, read_view
from hyperstore.history.names import check_name
from hyperstore.query import checks
from hyperstore.query.views import viewstore as stored
from hyperstore.query.views.described import StoreLike
from hyperstore.query.views.listing import Listing
from hyperstore.query.views.spec import Wire, from_wire, to_wire
from hyperstore.query.views.wirefields import refuse_misspelt
from hyperstore.storage.host import now_ms

__all__ = ["Kept"]


class Kept(Listing):
    """A view that can be stored and fetched."""

    _id: str | None = None
    _known: Wire | None = None  # What the store said of it when this object last met it there.

    # As plain data.

    @classmethod
    def from_spec(cls, spec: Mapping[str, object], *, store: StoreLike = None) -> Self:
        """Return the view that `spec()` of another one says.

        Fields that are not known are kept; one that is only misspelt is a QueryError.
        """
        made = cls._bare(store)
        refuse_misspelt(spec)
        made._take_spec(spec)
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
        made = type(self)._bare(self._handle)
        made._take_spec(self.spec())
        made._folder = self._folder
        if name is not None:
            made.name = name
        return made

    # As it is stored.

    @property
    def id(self) -> str | None:
        """32 hex digits, once it is stored."""
        return self._id

    @property
    def status(self) -> str:
        """`draft` or `published`, as it stands in the store now."""
        record = self._record()
        return "published" if record is not None and record.published else "draft"

    @property
    def record(self) -> Mapping[str, object] | None:
        """All that the store says of it, as plain data; None where it is not stored."""
        record = self._record()
        return None if record is None else stored.record_wire(record)

    @documented
    def store(
        self, project: str | None = None, *, project_name: str | None = None, force: bool = False
    ) -> str:
        """Keep the view in its store; return its id, by which any process gets it.

        Stored again it is replaced: with `force` only where it is published, and where somebody
        else changed or deleted it since it was stored or fetched here, which is a ConflictError.
        One without a name is given one that says who stored it and when. What is pinned by a lock
        is not stored: a stored view follows its versions.
        """
        one_of(project=project, project_name=project_name)
        return self._store(project_name if project is None else project, force=force)

    def _store(self, project: str | None, *, force: bool, publish: bool = False) -> str:
        self._edit(lambda _: None)  # Refused where it is pinned: what is stored is not.
        self._name_it()
        if project is not None:
            self.project = project
        spec, queries = self.spec(), self.get_queries()
        kept = stored.store_view(
            self._store_handle(),
            spec,
            queries,
            view_id=self._id,
            known=self._known,
            force=force,
            publish=publish,
        )
        self._id, self._known = kept.id, kept.spec
        return kept.id

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
        found = stored.find_view(made._store_handle(), view_id=dataview_id, name=dataview_name)
        made._take(found)
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
        if type(page) is not int or page < 0:
            raise UsageError(f"page is a whole number of 0 or more, not {page!a:.60}")
        first = cls._bare(store)
        found = stored.list_views(
            first._store_handle(),
            name=name,
            project=project,
            tags=tags,
            only_published=only_published,
            include_archived=include_archived,
            offset=page * (size or 0),
            limit=size,
        )
        views = []
        for one in found:
            made = cls._bare(first._handle)
            made._take(one)
            views.append(made)
        return views

    @documented
    def publish(self, force: bool = False) -> str:
        """Store the view as it is now, and let it say nothing else from then on; return its id.

        Its project may change still, and its mark of being out of use. `force` is that of `store`.
        """
        return self._store(None, force=force, publish=True)

    def archive(self) -> None:
        """Mark the stored view as out of use."""
        self._change("archive", lambda one: _marked(one, archived=True))

    def unarchive(self) -> None:
        """Take that mark away."""
        self._change("unarchive", lambda one: _marked(one, archived=False))

    def move(self, project: str) -> None:
        """Move the stored view to another project, which is a name; nothing else of it changes."""
        name = check_name(project, what="project")
        self._change("move", lambda one: _moved(one, name))
        if self._known is not None:
            self._known = {**self._known, "project": name}
        self.project = name

    @documented
    def delete(self, force: bool = False) -> None:
        """Delete the stored view, a published one with `force`; this object stays as it is."""
        done = stored.delete_views(self._store_handle(), [self._stored_id()], force=force)
        _raise_first(done)
        self._id = self._known = None

    @classmethod
    @documented
    def delete_many(
        cls, dataview_ids: Sequence[str], force: bool = False, *, store: StoreLike = None
    ) -> stored.Bulk:
        """Delete stored views; say of each whether it was."""
        return stored.delete_views(cls._bare(store)._store_handle(), dataview_ids, force=force)

    @classmethod
    @documented
    def publish_many(cls, dataview_ids: Sequence[str], *, store: StoreLike = None) -> stored.Bulk:
        """Publish stored views as they stand; say of each whether it was."""
        return stored.change_views(
            cls._bare(store)._store_handle(),
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
            cls._bare(store)._store_handle(),
            dataview_ids,
            "archive" if archived else "unarchive",
            lambda one: _marked(one, archived=archived),
        )

    @classmethod
    @documented
    def move_many(
        cls, dataview_ids: Sequence[str], project: str, *, store: StoreLike = None
    ) -> stored.Bulk:
        """Move stored views to another project; say of each whether it was."""
        name = check_name(project, what="project")
        handle = cls._bare(store)._store_handle()
        return stored.change_views(handle, dataview_ids, "move", lambda one: _moved(one, name))

    def _take(self, record: ViewRecord) -> None:
        """Become a stored view."""
        self._take_spec(record.spec)
        self._id, self._known = record.id, record.spec

    def _take_spec(self, spec: Mapping[str, object]) -> None:
        self._become(from_wire(spec))
        self._pin_found()

    def _name_it(self) -> None:
        """Give a view that is about to be stored a name, where it has none."""
        if self.name is not None:
            return
        who = f"{getpass.getuser()}@{socket.gethostname()}"
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        self.name = f"Anonymous dataview ({who} {now})"
        if not self.description:
            self.description = f"Auto-generated on {now} by {who}"

    def _record(self) -> ViewRecord | None:
        if self._id is None:
            return None
        with self._store_handle().database.reading() as reader:
            found = read_view(reader, self._id)
        return None if found is None else found[1]

    def _stored_id(self) -> str:
        if self._id is None:
            raise NotFoundError("the view is not stored; store() keeps it")
        return self._id

    def _change(self, command: str, change: Callable[[ViewRecord], ViewRecord]) -> None:
        ids = [self._stored_id()]
        done = stored.change_views(self._store_handle(), ids, command, change)
        _raise_first(done)


def _marked(record: ViewRecord, *, archived: bool) -> ViewRecord:
    others = [one for one in record.system_tags if one != stored.ARCHIVED]
    return replace(record, system_tags=[*others, stored.ARCHIVED] if archived else others)


def _moved(record: ViewRecord, project: str) -> ViewRecord:
    spec = from_wire(record.spec)
    spec.project = project
    return replace(record, spec=to_wire(spec), updated=now_ms())


def _raise_first(done: stored.Bulk) -> None:
    for error in done.failed.values():
        raise error
