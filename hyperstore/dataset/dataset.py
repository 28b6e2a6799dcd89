"""Dataset and DatasetVersion: a named family of versions, and one of them, as users hold them.

Each makes the other, so they stand in one module. What they do is in the classes that they extend
and in the modules of their topics; calls on the classes work on the default store.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from hyperstore.dataset import choosing, founding, lifecycle
from hyperstore.dataset.arguments import Either, documented, one_of
from hyperstore.dataset.datasetcore import DatasetCore
from hyperstore.dataset.default import default_handle, find_default
from hyperstore.dataset.draft import Place
from hyperstore.dataset.lookup import commit_id_of, find_versions, no_version
from hyperstore.dataset.moved import datasets_moved
from hyperstore.dataset.publishing import SnapshotWish
from hyperstore.dataset.selected import VersionSelected
from hyperstore.dataset.selectors import (
    Selector,
    head_version,
    is_one_path,
    select_dataset,
    select_version,
)
from hyperstore.dataset.states import iso_time
from hyperstore.dataset.tagfilter import TagFilter
from hyperstore.dataset.uploading_wish import upload_default
from hyperstore.errors import ExistsError, NotFoundError, UsageError, warn
from hyperstore.history.branches import datasets, versions
from hyperstore.history.commit import DatasetRecord, VersionRecord
from hyperstore.history.names import check_name, check_names, check_text
from hyperstore.ids import new_id
from hyperstore.storage.host import now_ms

__all__ = ["Dataset", "DatasetVersion"]


class DatasetVersion(VersionSelected):
    """One version of a dataset, draft or published; a handle, which always reads what is now."""

    @Either
    @documented
    def create_snapshot(
        target: "DatasetVersion | type[DatasetVersion]",
        version_name: str | None = None,
        version_id: str | None = None,
        dataset_name: str | None = None,
        dataset_id: str | None = None,
        publish_name: str | None = None,
        publish_comment: str | None = None,
        publish_metadata: Mapping[str, object] | None = None,
        child_name: str | None = None,
        child_comment: str | None = None,
        child_metadata: Mapping[str, object] | None = None,
        dataset_project: str | None = None,
    ) -> "DatasetVersion":
        """Publish a draft in place, by default the current one; return its new draft child.

        The published version keeps its id, and is named `snapshot` and the time unless named; the
        child takes over its old name, its labels and its content.
        """
        selector = Selector(dataset_id, dataset_name, version_id, version_name, dataset_project)
        version = target
        if isinstance(version, type) or not selector.is_empty:
            version = target._selected(selector)
        stamp = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
        return version._taken(
            SnapshotWish(
                name=publish_name,
                comment=publish_comment or f"published at {stamp} by {version._user}",
                metadata=choosing.checked_metadata(publish_metadata, "publish_metadata"),
                child_name=child_name,
                child_comment=child_comment,
                child_metadata=choosing.checked_metadata(child_metadata, "child_metadata"),
            )
        )

    @property
    def _user(self) -> str:
        return self._handle.config.user()

    def _taken(self, wish: SnapshotWish) -> "DatasetVersion":
        self._editor.refuse_batch("snapshot")
        child = choosing.take_snapshot(self._handle, self._place, wish)
        return DatasetVersion(self._handle, child, self._dataset_name)

    @classmethod
    @documented
    def create_new_dataset(
        cls,
        dataset_name: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        raise_if_exists: bool = False,
        dataset_project: str | None = None,
    ) -> "Dataset":
        """Make a dataset with one empty draft, `Current`, or return that of this name."""
        if dataset_name is None:
            raise UsageError("no dataset is named; give dataset_name")
        return Dataset.create(
            dataset_name,
            description=description,
            tags=tags,
            raise_if_exists=raise_if_exists,
            dataset_project=dataset_project,
        )

    @classmethod
    @documented
    def get_datasets(
        cls, tags: Sequence[str] | None = None, *, dataset_project: str | None = None
    ) -> "list[Dataset]":
        """Return all datasets, oldest first; with `tags` those whose labels fit, see TagFilter."""
        labels = TagFilter(tags or ())
        handle = find_default()
        if handle is None:
            return []
        with handle.database.reading() as reader:
            known = [record for _, record in datasets(reader)]
        return [
            Dataset(handle, one.id)
            for one in known
            if labels.matches(one.tags) and dataset_project in (None, one.project)
        ]


class Dataset(DatasetCore):
    """One dataset of a store; a handle, which always reads what is now."""

    # Natively.

    def version(self, name: str = lifecycle.CURRENT) -> DatasetVersion:
        """Return the version of that name, the newest where several have it, or of that id."""
        with self._handle.database.reading() as reader:
            founding.read_dataset(reader, self._id)
            found = find_versions(reader, self._id, name)
            if not found:
                raise no_version(reader, self._id, name)
        if len(found) > 1:
            warn(
                f"{len(found)} versions are named {name!a}; this is the newest, "
                f"{found[0][1].id}; give an id to get another"
            )
        return self._version(found[0][1])

    def versions(self) -> list[DatasetVersion]:
        """Return all versions, oldest first."""
        with self._handle.database.reading() as reader:
            name = founding.read_dataset(reader, self._id)[1].name
            found = [Place(self._id, record.id) for _, record in versions(reader, self._id)]
        return [DatasetVersion(self._handle, place, name) for place in found]

    @documented
    def create_version(
        self,
        name: str | None = None,
        parent: VersionSelected | str | None = None,
        *,
        commit: str | None = None,
        comment: str = "",
        stand: bool = False,
        version_name: str | None = None,
        description: str | None = None,
        parent_version_ids: Sequence[str] | str | None = None,
        parent_version_names: Sequence[str] | str | None = None,
        raise_if_exists: bool = False,
        allow_draft_parent: bool = False,
        auto_upload_destination: str | None = None,
        local_dataset_root_path: str | None = None,
    ) -> DatasetVersion:
        """Make a draft that starts where `parent` stands, a version or its name, or at a commit.

        Without either it starts empty. ExistsError where a version of that name exists. With
        `stand` the command stands on it after that, by the same operation.

        By `version_name` it is the documented call: see DatasetVersion.create_version.
        """
        uploads = upload_default(auto_upload_destination, local_dataset_root_path)
        parents = choosing.Parents(parent_version_ids, parent_version_names, allow_draft_parent)
        if version_name is not None:
            one_of(version_name=version_name, name=name)
            one_of(version_name=version_name, parent=parent)
            one_of(version_name=version_name, commit=commit)
            text = comment if description is None else description
            return self._version(
                choosing.make_version(
                    self._handle,
                    self.record,
                    version_name,
                    comment=text,
                    parents=parents,
                    raise_if_exists=raise_if_exists,
                )
            )._uploading_to(uploads)
        if name is None:
            raise UsageError("a version is named by a string; give version_name")
        if parent is not None and commit is not None:
            raise UsageError("a version starts at a parent's head or at a commit; give one")
        origin = self.version(parent) if isinstance(parent, str) else parent
        if origin is not None and not isinstance(origin, DatasetVersion):
            raise UsageError(f"a parent is a DatasetVersion, its name or its id, not {parent!a}")
        start = None if commit is None else commit_id_of(self._handle, commit)
        begun = None if origin is None else Place(origin.dataset_id, origin.id)
        record = founding.new_version(
            self._id, name, comment=comment, parent="" if origin is None else origin.id
        )
        founding.create_version(self._handle, record, origin=begun, start=start, stand=stand)
        return self._version(record)._uploading_to(uploads)

    @documented
    def delete_version(
        self,
        version: VersionSelected | str | None = None,
        *,
        force: bool = False,
        version_name: str | None = None,
        version_id: str | None = None,
    ) -> None:
        """Delete a version; a published one with `force`. Its commits stay until collected.

        Where the command stands on it, it stands nowhere after that.
        """
        one_of(version=version, version_name=version_name, version_id=version_id)
        if version is None:
            if version_name is None and version_id is None:
                raise UsageError("no version is named; give version_name")
            version = self.get_version(version_name, version_id, raise_on_multiple=True)
        found = self._only(version) if isinstance(version, str) else version
        if not isinstance(found, DatasetVersion):
            raise UsageError(f"a DatasetVersion, its name or its id is deleted, not {version!a}")
        lifecycle.delete_versions(self._handle, [Place(self._id, found.id)], force=force)

    def _only(self, name: str) -> DatasetVersion:
        """Return the version of that name, which no other has, or of that id."""
        with self._handle.database.reading() as reader:
            founding.read_dataset(reader, self._id)
            found = [record for _, record in find_versions(reader, self._id, name)]
            if not found:
                raise no_version(reader, self._id, name)
        if len(found) > 1:
            ids = " and ".join(one.id for one in found)
            raise UsageError(f"{len(found)} versions are named {name!a}, {ids}; give an id")
        return self._version(found[0])

    def _version(self, record: VersionRecord) -> DatasetVersion:
        return DatasetVersion(self._handle, Place(self._id, record.id), self.name)

    # As documented.

    @classmethod
    @documented
    def create(
        cls,
        dataset_name: str,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        raise_if_exists: bool = False,
        dataset_project: str | None = None,
    ) -> "Dataset":
        """Make a dataset with one empty draft, `Current`; ExistsError only if asked for.

        Else the dataset of that name is returned as it is, of any project where none is given.
        """
        record = DatasetRecord(
            comment=check_text(description or "", what="comment"),
            created=now_ms(),
            id=new_id(),
            name=check_name(dataset_name, what="dataset"),
            project=check_name(dataset_project, what="project") if dataset_project else "",
            tags=check_names(tags or (), what="tag"),
        )
        selector = Selector(dataset_name=dataset_name, dataset_project=dataset_project)
        handle = default_handle(create=True)
        try:
            found = select_dataset(handle, selector)
        except NotFoundError:
            try:
                founding.create_dataset(handle, record, stand=False)
            except ExistsError:  # Somebody was first.
                found = select_dataset(handle, selector)
            else:
                return cls(handle, record.id)
        if raise_if_exists:
            raise ExistsError(f"dataset {dataset_name!a} exists; without raise_if_exists it is got")
        return cls(handle, found.id)

    @classmethod
    @documented
    def get(
        cls,
        dataset_name: str | None = None,
        dataset_id: str | None = None,
        dataset_project: str | None = None,
    ) -> "Dataset":
        """Return a dataset by name or id."""
        selector = Selector(dataset_id, dataset_name, dataset_project=dataset_project)
        handle = default_handle()
        return cls(handle, select_dataset(handle, selector).id)

    @classmethod
    @documented
    def delete(
        cls,
        dataset_name: str | None = None,
        delete_all_versions: bool = False,
        force: bool = False,
        delete_sources: bool = False,
        show_progress: bool = False,
        dataset_id: str | None = None,
        dataset_project: str | None = None,
    ) -> None:
        """Delete an empty dataset; with `delete_all_versions` its drafts, with `force` all of it.

        Nothing is deleted where anything may not be. With `delete_sources`, which counts beside
        `delete_all_versions` only, the objects of s3, gs and azure go first that no other dataset
        names; `show_progress` says on standard error how many. The rest is one operation.
        """
        selector = Selector(dataset_id, dataset_name, dataset_project=dataset_project)
        handle = default_handle()
        found = select_dataset(handle, selector)
        published = delete_all_versions and force
        if delete_sources and delete_all_versions:
            # It brings threads, a database and clients, which most processes do without.
            from hyperstore.dataset.deleting import delete_sources_of_dataset

            founding.check_deletable(handle, found.id, drafts=True, published=published)
            delete_sources_of_dataset(handle, found.id, show_progress=show_progress)
        founding.delete_dataset(handle, found.id, drafts=delete_all_versions, published=published)

    @documented
    def get_version(
        self,
        version_name: str | None = None,
        version_id: str | None = None,
        raise_on_multiple: bool = False,
    ) -> DatasetVersion:
        """Return one version by name or id, by default the current one."""
        selector = Selector(self._id, None, version_id, version_name)
        found = select_version(self._handle, selector, raise_on_multiple=raise_on_multiple)
        return self._version(found.version)

    @documented
    def get_versions(
        self,
        only_published: bool = False,
        only_draft: bool = False,
        *,
        tags: Sequence[str] | None = None,
        search_text: str | None = None,
    ) -> list[DatasetVersion]:
        """Return the versions, newest update first."""
        found = choosing.list_versions(
            self._handle,
            self.record,
            only_published=only_published,
            only_draft=only_draft,
            tags=tags,
            search_text=search_text,
        )
        return [self._version(one) for one in found]

    @property
    def head_version(self) -> DatasetVersion | None:
        """The draft furthest from its root; None where all versions are published."""
        found = head_version([one.record for one in self.versions()])
        return None if found is None else self._version(found)

    @property
    def paradigm(self) -> str:
        """`single_version` where the versions stand in one line, else `general`."""
        known = [one.record for one in self.versions()]
        return "single_version" if is_one_path(known) else "general"

    def to_dict(self) -> dict[str, object]:
        """Return the dataset's record, its times as ISO 8601, UTC."""
        record, head = self.record, self.head_version
        updated = datasets_moved(self._handle, [self._id]).get(self._id, record.created)
        return {
            "id": record.id,
            "name": record.name,
            "comment": record.comment,
            "created": iso_time(record.created),
            "last_update": iso_time(updated),
            "tags": list(record.tags),
            "system_tags": list(record.system_tags),
            "metadata": record.metadata,
            "project": record.project,
            "user": None,
            "company": None,
            "terms_of_use": record.extra.get("terms_of_use"),
            "paradigm": self.paradigm,
            "head_version": None if head is None else head.id,
            "version_count": len(self.versions()),
            "display_stats": None if head is None else head.get_stats(),
            "display_version_name": None if head is None else head.name,
        }
