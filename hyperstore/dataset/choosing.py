"""Versions of a dataset by what the documented calls say of them: lists, new ones, snapshots."""

from collections.abc import Mapping, Sequence

from hyperstore.codec import Struct
from hyperstore.dataset import founding, publishing
from hyperstore.dataset.arguments import names_of, one_of
from hyperstore.dataset.bulk import pending_bulk, warn_of
from hyperstore.dataset.draft import Place
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.metadata import check_metadata
from hyperstore.dataset.moved import versions_moved
from hyperstore.dataset.publishing import SnapshotWish
from hyperstore.dataset.selectors import Selector, select_version
from hyperstore.dataset.tagfilter import TagFilter
from hyperstore.errors import ExistsError, UsageError, warn
from hyperstore.history.branches import versions
from hyperstore.history.commit import DatasetRecord, VersionRecord

__all__ = ["Parents", "checked_metadata", "list_versions", "make_version", "take_snapshot"]


class Parents(Struct, frozen=True):
    """From what a new version begins: at most one, given by its id or by its name."""

    ids: Sequence[str] | str | None = None
    names: Sequence[str] | str | None = None
    drafts_too: bool = False

    def place(self, handle: Handle, dataset: DatasetRecord) -> Place | None:
        """Return the parent; UsageError for more than one, and for a draft unless allowed."""
        one_of(parent_version_ids=self.ids, parent_version_names=self.names)
        given = self.names if self.ids is None else self.ids
        named = [] if given is None else names_of(given, what="a parent version")
        if not named:
            return None
        if len(named) > 1:
            raise UsageError(
                f"a version has one parent, not {len(named)}; merge the others into it"
            )
        if self.ids is None:
            selector = Selector(dataset_id=dataset.id, version_name=named[0])
        else:
            selector = Selector(version_id=named[0])
        found = select_version(handle, selector)
        if not found.version.published and not self.drafts_too:
            raise UsageError(
                f"the parent {found.version.name!a} is a draft, and may still change; publish it, "
                "or take a snapshot, which makes the child; allow_draft_parent allows it"
            )
        return found.place


def list_versions(
    handle: Handle,
    dataset: DatasetRecord,
    *,
    only_published: bool,
    only_draft: bool,
    tags: Sequence[str] | None,
    search_text: str | None,
) -> list[VersionRecord]:
    """Return the versions that are wanted, newest update first."""
    if only_published and only_draft:
        raise UsageError("only_published and only_draft exclude each other; give one")
    labels = TagFilter(tags or ())
    text = "" if search_text is None else search_text.casefold()
    with handle.database.reading() as reader:
        known = [record for _, record in versions(reader, dataset.id)]
    known = [
        one
        for one in known
        if (one.published or not only_published)
        and not (one.published and only_draft)
        and labels.matches(one.tags)
        and (text in one.name.casefold() or text in one.comment.casefold())
    ]
    times = versions_moved(handle, [Place(dataset.id, one.id) for one in known])

    def updated(one: VersionRecord) -> tuple[int, int, str]:
        return times.get(Place(dataset.id, one.id), one.created), one.created, one.id

    return sorted(known, key=updated, reverse=True)


def make_version(
    handle: Handle,
    dataset: DatasetRecord,
    name: str,
    *,
    comment: str,
    parents: Parents,
    raise_if_exists: bool,
) -> VersionRecord:
    """Make a draft, or return the version of that name, a draft rather than a published one."""
    origin = parents.place(handle, dataset)
    record = founding.new_version(
        dataset.id, name, comment=comment, parent="" if origin is None else origin.version
    )
    try:
        founding.create_version(handle, record, origin=origin, start=None)
    except ExistsError:
        if raise_if_exists:
            raise
    else:
        return record
    with handle.database.reading() as reader:
        found = [one for _, one in versions(reader, dataset.id) if one.name == name]
    drafts = [one for one in found if not one.published]
    if not drafts:
        warn(f"version {name!a} exists and is published, so it cannot be written to")
    return (drafts or found)[-1]


def take_snapshot(
    handle: Handle,
    place: Place,
    wish: SnapshotWish,
) -> Place:
    """Publish a version with what its bulk context gathered; return its draft child."""
    bulk = pending_bulk(handle, place)
    if bulk is not None:
        warn_of(bulk.settle())
    return publishing.snapshot(handle, place, wish, stand=False)


def checked_metadata(metadata: Mapping[str, object] | None, what: str) -> dict[str, object] | None:
    """Return metadata that may be stored; None where none is given."""
    return None if metadata is None else check_metadata(metadata, path=what)
