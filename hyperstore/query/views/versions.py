"""Which versions a query means: from names to ids that outlive a rename, and from ids to frames.

A version may be given by its id, its name, a tag, or a commit. Drafts show what they hold now, as
all others see it: not what a batch of this process gathers.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.dataset.draft import Place
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.lookup import commit_id_of, find_commits, no_version, there_are
from hyperstore.dataset.selectors import Selector, head_version, select_dataset
from hyperstore.dataset.view import View
from hyperstore.errors import (
    HyperstoreError,
    NotFoundError,
    QueryError,
    count_of,
    nearest,
    warn,
)
from hyperstore.frames.home import Home
from hyperstore.history.branches import (
    datasets,
    find_tag,
    tag_ref,
    tags,
    version_of,
    version_ref,
    versions,
)
from hyperstore.history.commit import DatasetRecord, VersionRecord
from hyperstore.ids import CommitId, ObjectId
from hyperstore.limits import ID_BYTES, NAME_BYTES_MAX
from hyperstore.query.views.mapping import MappingRule
from hyperstore.query.views.queries import ANY, Query
from hyperstore.storage.reader import Reader

__all__ = ["by_ids", "check_some_dataset", "found_by_ids", "newer_views", "title_of", "views_of"]

_T = TypeVar("_T", Query, MappingRule)

_DIGITS_SHOWN = 12  # Of the id of a commit, in a message.
_TAGS_SHOWN = 5
_OPERATIONS_BACK = 1_000  # That are looked through for what is not there.


def by_ids(handle: Handle, asked: _T, *, current: bool = True) -> _T:
    """Return a query or rule with ids in the place of names; NotFoundError for what is not there.

    With `current` no version is the current one, else any.
    """
    any_dataset = (asked.dataset_id or asked.dataset_name or ANY) == ANY
    if any_dataset:
        if ANY in (asked.version_id, asked.version_name) or not _names_version(asked):
            return replace(
                asked, dataset_id=ANY, dataset_name=None, version_id=ANY, version_name=None
            )
        return replace(asked, dataset_id=ANY, dataset_name=None)
    dataset = _dataset(handle, asked)
    if isinstance(asked, Query):
        asked = replace(asked, project_name=None)
    version = asked.version_id or asked.version_name
    if version == ANY or (version is None and not current):
        found = ANY
    elif version is None:
        found = _current(handle, dataset).id
    else:
        found = _version(handle, dataset, version, by_id=asked.version_id is not None)
    said = asked.said
    if said.partition("@")[0] == asked.dataset_id:  # Messages are for people.
        said = f"{dataset.name}@{_called(handle, dataset.id, found)}"
    return replace(
        asked,
        dataset_id=dataset.id,
        dataset_name=None,
        version_id=found,
        version_name=None,
        said=said,
    )


def title_of(handle: Handle, home: Home) -> str:
    """Return how people call what was read: of a commit by its tag, where it has one."""
    if home.commit is None:
        return home.describe()
    called = _called(handle, home.dataset_id, home.commit)
    if called != home.commit[:_DIGITS_SHOWN]:
        return f"{home.dataset_name}@{called}"
    return f"{home.describe()} at {called}"


def _called(handle: Handle, dataset_id: str, version: str) -> str:
    """Return the name of a version; of a commit that of its first tag, or how its id begins."""
    if version == ANY:
        return ANY
    with handle.database.reading() as reader:
        names = [one.name for _, one in versions(reader, dataset_id) if one.id == version]
        if not names:
            tagged = tags(reader, dataset_id)
            names = [one.tag.name for one in tagged if one.tag.commit.hex() == version]
    return names[0] if names else version[:_DIGITS_SHOWN]


def found_by_ids(handle: Handle | None, asked: _T, *, current: bool = True) -> _T:
    """Return the same, or what was asked where what it names, or the store, is not there yet."""
    with suppress(NotFoundError):
        return asked if handle is None else by_ids(handle, asked, current=current)
    return asked


def views_of(handle: Handle, query: Query) -> list[View]:
    """Return the frames of every version that a query means, as they are now."""
    asked = by_ids(handle, query)
    if asked.dataset_id != ANY:
        dataset = _dataset(handle, asked)
        if asked.version_id == ANY:
            found = [_view(handle, dataset, one.id) for one in _versions(handle, dataset)]
            if not found:
                raise NotFoundError(f"dataset {dataset.name!a} has no versions")
            return found
        return [_view(handle, dataset, str(asked.version_id))]
    with handle.database.reading() as reader:
        known = [
            record for _, record in datasets(reader) if asked.project_name in (None, record.project)
        ]
    if asked.version_id == ANY:
        return [
            _view(handle, one, version.id) for one in known for version in _versions(handle, one)
        ]
    wanted = str(asked.version_id or asked.version_name)
    found = list(_views_named(handle, known, wanted))
    if not found:
        raise NotFoundError(f"no dataset has a version, tag or commit {wanted!a}")
    return found


def newer_views(handle: Handle, query: Query, views: Sequence[View]) -> dict[str, View]:
    """Return what a query asks to be merged with, by datasets of its views: those that have it.

    NotFoundError where none of them has it. It may be named as any version may be.
    """
    found: dict[str, View] = {}
    if query.merge_with is None:
        return found
    missing = None
    for dataset_id in dict.fromkeys(view.home.dataset_id for view in views):
        dataset = _dataset(handle, Query(dataset_id=dataset_id))
        try:
            version = _version(handle, dataset, query.merge_with, by_id=False)
        except NotFoundError as error:
            missing = missing or error
        else:
            found[dataset_id] = _view(handle, dataset, version)
    if missing is not None and not found:
        raise missing
    return found


def _views_named(handle: Handle, known: list[DatasetRecord], wanted: str) -> Iterator[View]:
    for dataset in known:
        try:
            version = _version(handle, dataset, wanted, by_id=False)
        except NotFoundError:
            continue
        yield _view(handle, dataset, version)


def _names_version(asked: Query | MappingRule) -> bool:
    return asked.version_id is not None or asked.version_name is not None


def _dataset(handle: Handle, asked: Query | MappingRule) -> DatasetRecord:
    if asked.dataset_id is None:
        project = getattr(asked, "project_name", None)
        return select_dataset(
            handle, Selector(dataset_name=asked.dataset_name, dataset_project=project)
        )
    with handle.database.reading() as reader:
        known = [record for _, record in datasets(reader)]
    for one in known:
        if one.id == asked.dataset_id:
            return one
    names = sorted(one.name for one in known)
    if asked.dataset_id in names:
        raise NotFoundError(
            f"no dataset has the id {asked.dataset_id!a}: that is the name of one, and a name is "
            "given as dataset_name, a version's as version_name"
        )
    raise NotFoundError(
        f"the dataset of {asked.said!a}, with the id {asked.dataset_id}, is not in this store; "
        f"{there_are(names, 'datasets', asked.said.partition('@')[0])}"
    )


def _versions(handle: Handle, dataset: DatasetRecord) -> list[VersionRecord]:
    with handle.database.reading() as reader:
        return [record for _, record in versions(reader, dataset.id)]


def _current(handle: Handle, dataset: DatasetRecord) -> VersionRecord:
    """Return the draft furthest from the root, or where all is published what came last."""
    known = _versions(handle, dataset)
    found = head_version(known) or next(reversed(known), None)
    if found is None:
        raise NotFoundError(f"dataset {dataset.name!a} has no versions")
    return found


def _version(handle: Handle, dataset: DatasetRecord, wanted: str, *, by_id: bool) -> str:
    """Return the id of a version, or that of a commit in hex."""
    with handle.database.reading() as reader:
        known = [record for _, record in versions(reader, dataset.id)]
        if any(one.id == wanted for one in known):
            return wanted
        named = [] if by_id else [one for one in known if one.name == wanted]
        tag = None
        if not by_id and len(wanted.encode("utf-8", "replace")) <= NAME_BYTES_MAX:
            tag = find_tag(reader, dataset.id, wanted)
    if named:
        found = max(named, key=lambda one: (one.created, one.id))
        if len(named) > 1:
            warn(
                f"{len(named)} versions of dataset {dataset.name!a} are named {wanted!a}; this is "
                f"the newest, {found.id}; give version_id to get another"
            )
        return found.id
    if tag is not None:
        return tag.tag.commit.hex()
    if find_commits(handle, wanted):
        commit = commit_id_of(handle, wanted)
        if handle.commit(commit).dataset == dataset.id:
            return commit.hex()
    if by_id and any(one.name == wanted for one in known):
        raise NotFoundError(
            f"no version of dataset {dataset.name!a} has the id {wanted!a}: that is the name of "
            "one, and a name is given as version_name"
        )
    with handle.database.reading() as reader:
        raise _no_version(reader, dataset, wanted)


def _no_version(reader: Reader, dataset: DatasetRecord, wanted: str) -> NotFoundError:
    """Return the error that says what there is instead, or what brings back what is asked for."""
    said = f"dataset {dataset.name!a}: {no_version(reader, dataset.id, wanted)}"
    names = [one.tag.name for one in tags(reader, dataset.id)]
    if 0 < len(names) <= _TAGS_SHOWN:
        said += f"; tags: {nearest(wanted, names)}"
    elif names:
        said += f"; and {count_of(len(names), 'tag')}"
    gone = _deletion_of(reader, dataset.id, wanted)
    if gone is not None:
        said += f"; it was deleted, and `hyperstore undo {gone}` brings it back"
    return NotFoundError(said)


def _deletion_of(reader: Reader, dataset_id: str, wanted: str) -> int | None:
    """Return the number of the operation, among the last ones, that deleted a version or a tag."""
    prefix = version_ref(dataset_id, "")
    for operation in islice(reader.operations(), _OPERATIONS_BACK):
        for move in operation.moves:
            if move.new is not None or move.old is None:
                continue
            if move.name in (tag_ref(dataset_id, wanted), prefix + wanted):
                return operation.number
            if move.name.startswith(prefix):
                with suppress(HyperstoreError):  # Its record may be collected by now.
                    if version_of(reader, move.old).name == wanted:
                        return operation.number
    return None


def _view(handle: Handle, dataset: DatasetRecord, version: str) -> View:
    """Return the frames of a version as they are now, or of a commit as it recorded them."""
    with handle.database.reading() as reader:
        is_version = reader.ref(version_ref(dataset.id, version)) is not None
    if is_version:
        return DatasetVersion(handle, Place(dataset.id, version), dataset.name).view()
    if len(version) != 2 * ID_BYTES:
        raise NotFoundError(
            f"version {version} of dataset {dataset.name!a} was deleted in this moment"
        )
    commit = handle.commit(CommitId(ObjectId(bytes.fromhex(version))))
    known = [one.id for one in _versions(handle, dataset)]
    if not known:
        raise NotFoundError(f"dataset {dataset.name!a} has no versions")
    # A commit outlives the version that it was made in; it is read under another one then.
    at = commit.version if commit.version in known else known[-1]
    return DatasetVersion(handle, Place(dataset.id, at), dataset.name).at(version)


def check_some_dataset(queries: list[Query]) -> None:
    """Raise QueryError where there is no query, or none names a dataset."""
    if not queries:
        raise QueryError(
            "the view has no query, so it has no frames; add one by add_query or `view add`"
        )
    if not any(one.names_dataset for one in queries):
        raise QueryError("no query names a dataset: '*' needs another query that names one")
