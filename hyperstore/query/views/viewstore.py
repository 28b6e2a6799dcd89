"""Views that are kept in a store: found, listed, changed, published, deleted.

A view is known by its id; of several of one name the one stored last is meant, with a warning. What
a published one says changes by force only, but for its project.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hyperstore.codec import replace
from hyperstore.dataset.arguments import names_of
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.staging import Staging
from hyperstore.dataset.tagfilter import TagFilter
from hyperstore.dataset.transact import Move, transact
from hyperstore.errors import (
    ConflictError,
    HyperstoreError,
    NotFoundError,
    PublishedError,
    UsageError,
    count_of,
    nearest,
    warn,
)
from hyperstore.history.branches import RefReader
from hyperstore.history.dataview import (
    ViewRecord,
    encode_view,
    read_view,
    stored_views,
    view_ref,
)
from hyperstore.ids import Kind, ObjectId, new_id
from hyperstore.limits import ID_BYTES
from hyperstore.query.views.queries import Query
from hyperstore.query.views.spec import Wire
from hyperstore.storage.host import now_ms

__all__ = [
    "ARCHIVED",
    "Bulk",
    "change_views",
    "delete_views",
    "find_view",
    "list_views",
    "name_of",
    "record_wire",
    "store_view",
]

ARCHIVED = "archived"
_Found = tuple[ObjectId, ViewRecord]


@dataclass(slots=True)
class Bulk:
    """What became of several views, one by one."""

    succeeded: list[str] = field(default_factory=list)
    failed: dict[str, HyperstoreError] = field(default_factory=dict)  # By id, why.


def find_view(handle: Handle, *, view_id: str | None = None, name: str | None = None) -> ViewRecord:
    """Return a stored view by its id or its name; NotFoundError names those that there are."""
    if (view_id is None) == (name is None):
        raise UsageError("a view is named by dataview_id or by dataview_name; give one of them")
    with handle.database.reading() as reader:
        if view_id is not None:
            if not isinstance(view_id, str):
                raise UsageError(f"the id of a view is a str, not {view_id!a:.100}")
            found = read_view(reader, view_id)
            if found is not None:
                return found[1]
        known = [record for _, record in stored_views(reader)]
    asked = str(name if view_id is None else view_id)
    named = [one for one in known if name_of(one) == asked]
    if len(named) > 1:
        warn(
            f"{len(named)} stored views are named {asked!a}; this is the one stored last, "
            f"{named[0].id}; give dataview_id to get another"
        )
    if not named:
        there = [name_of(one) or one.id for one in known]
        what = f"there are: {nearest(asked, there)}" if there else "there are none yet"
        raise NotFoundError(f"no stored view {asked!a}; {what}")
    return named[0]


def list_views(
    handle: Handle,
    *,
    name: str | None = None,
    project: str | None = None,
    tags: Sequence[str] | None = None,
    only_published: bool = False,
    include_archived: bool = True,
    offset: int = 0,
    limit: int | None = None,
) -> list[ViewRecord]:
    """Return the stored views that have all of this, the one stored last first.

    `name` is a part of it, without regard to case; `offset` and `limit` page.
    """
    labels = TagFilter(names_of(tags or (), what="a tag"))
    with handle.database.reading() as reader:
        known = [record for _, record in stored_views(reader)]
    part = "" if name is None else name.casefold()
    found = [
        one
        for one in known
        if part in name_of(one).casefold()
        and project in (None, one.spec.get("project", ""))
        and labels.matches(_tags(one))
        and (one.published or not only_published)
        and (include_archived or ARCHIVED not in one.system_tags)
    ]
    return found[offset : None if limit is None else offset + limit]


def store_view(
    handle: Handle,
    spec: Wire,
    queries: Iterable[Query],
    *,
    view_id: str | None = None,
    known: Wire | None = None,
    force: bool = False,
    publish: bool = False,
) -> ViewRecord:
    """Keep a view; with an id in the place of the one that has it. One that is equal stays.

    `known` is what that one said when the caller last saw it: ConflictError where it says something
    else by now, or is gone, unless `force`. With `publish` it is published by the same operation.
    """
    staging = handle.staging()
    commits = _commits(handle, queries)
    now = now_ms()

    def prepare(refs: RefReader) -> tuple[Sequence[Move], ViewRecord]:
        before = None if view_id is None else read_view(refs, view_id)
        if known is not None and not force:
            _refuse_changed(before, known, spec)
        if before is None:
            made = ViewRecord(
                commits=commits,
                created=now,
                id=view_id or new_id(),
                spec=spec,
                updated=now,
                user=handle.config.user(),
            )
        elif before[1].spec == spec:
            made = before[1]
        else:
            _refuse_published(before[1], force=force)
            made = replace(before[1], commits=commits, spec=spec, updated=now)
        if publish and not made.published:
            made = replace(made, published=now)
        new = staging.add(Kind.DATAVIEW, encode_view(made))
        old = None if before is None else before[0]
        return [Move(view_ref(made.id), old, new)], made

    verb = "publish" if publish else "store"
    return transact(handle, staging, f"{verb} view {spec.get('name', '')}".rstrip(), prepare)


def change_views(
    handle: Handle,
    view_ids: Sequence[str],
    command: str,
    change: Callable[[ViewRecord], ViewRecord],
) -> Bulk:
    """Change stored views, all that can be by one operation; say of each whether it was."""
    staging = handle.staging()

    def changed(found: _Found) -> Move:
        new = staging.add(Kind.DATAVIEW, encode_view(change(found[1])))
        return Move(view_ref(found[1].id), found[0], new)

    return _each(handle, staging, view_ids, command, changed)


def delete_views(handle: Handle, view_ids: Sequence[str], *, force: bool = False) -> Bulk:
    """Delete stored views; published ones with `force`. Undone by `undo`."""

    def gone(found: _Found) -> Move:
        _refuse_published(found[1], force=force)
        return Move(view_ref(found[1].id), found[0], None)

    return _each(handle, handle.staging(), view_ids, "delete", gone)


def _each(
    handle: Handle,
    staging: Staging,
    view_ids: Sequence[str],
    command: str,
    move: Callable[[_Found], Move],
) -> Bulk:
    wanted = list(dict.fromkeys(names_of(view_ids, what="the id of a view")))
    what = "view" if len(wanted) == 1 else count_of(len(wanted), "view")

    def prepare(refs: RefReader) -> tuple[Sequence[Move], Bulk]:
        done, moves = Bulk(), []
        for view_id in wanted:
            found = read_view(refs, view_id)
            try:
                if found is None:
                    raise NotFoundError(f"no stored view with the id {view_id!a}")
                moves.append(move(found))
                done.succeeded.append(view_id)
            except HyperstoreError as error:
                done.failed[view_id] = error
        return moves, done

    return transact(handle, staging, f"{command} {what}", prepare)


def _refuse_published(view: ViewRecord, *, force: bool) -> None:
    if view.published and not force:
        raise PublishedError(
            f"view {name_of(view)!a} is published, and does not change; clone it, or force it"
        )


def _refuse_changed(before: _Found | None, known: Wire, spec: Wire) -> None:
    """Raise ConflictError where a view is no more what the caller knows, nor what it is to be."""
    if before is None:
        raise ConflictError(
            f"view {spec.get('name', '')!a} was deleted meanwhile; `hyperstore undo` brings it "
            "back, clone() makes another one of it; or force it"
        )
    if before[1].spec not in (known, spec):
        raise ConflictError(
            f"view {name_of(before[1])!a} was changed meanwhile; get it anew and change that, or "
            "force it to drop what was changed"
        )


def _commits(handle: Handle, queries: Iterable[Query]) -> list[bytes]:
    """Return the commits that queries name in the place of versions."""
    named = [one.version_id or "" for one in queries]
    commits = {bytes.fromhex(one) for one in named if len(one) == 2 * ID_BYTES}
    with handle.database.reading() as reader:
        return sorted(reader.has_many([ObjectId(one) for one in commits]))


def _tags(view: ViewRecord) -> list[str]:
    tags = view.spec.get("tags")
    return [str(one) for one in tags] if isinstance(tags, list) else []


def name_of(view: ViewRecord) -> str:
    """Return what a stored view is called."""
    return str(view.spec.get("name") or "")


def record_wire(view: ViewRecord) -> Mapping[str, object]:
    """Return all that is known of a stored view, as one plain dict."""
    filters = view.spec.get("filters")
    versions = [
        {name: one[name] for name in ("dataset", "version", "merge_with") if name in one}
        for one in (filters if isinstance(filters, list) else ())
    ]
    return {
        "name": "",
        "description": "",
        "project": "",
        "tags": [],
        "mapping": {"rules": []},
        "labels_enumeration": {},
        "augmentation": {},
        "output_rois": "all_in_frame",
        **view.spec,
        "id": view.id,
        "user": view.user,
        "company": "",
        "created": view.created,
        "updated": view.updated,
        "system_tags": list(view.system_tags),
        "status": "published" if view.published else "draft",
        "versions": versions,
    }
