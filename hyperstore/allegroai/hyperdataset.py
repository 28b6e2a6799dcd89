"""HyperDataset and HyperDatasetManagement: a version by the newer names."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Self

import hyperstore.maintenance.automatic  # noqa: F401 - it tidies the stores that these calls open.
from hyperstore.allegroai.adding import Errors, add_entries
from hyperstore.allegroai.dataentry import DataEntry
from hyperstore.allegroai.entries import by_destination, entry_of
from hyperstore.allegroai.neighbours import nearest_frames
from hyperstore.allegroai.vectors import VectorFields, checked_fields
from hyperstore.dataset.arguments import documented, one_of
from hyperstore.dataset.dataset import Dataset, DatasetVersion
from hyperstore.dataset.statistics import Stats
from hyperstore.errors import HyperstoreError, NotFoundError, UsageError
from hyperstore.query.dataview import DataView
from hyperstore.query.views.queries import Query, RoiQuery

__all__ = ["HyperDataset", "HyperDatasetManagement"]

_COMMIT_ERROR = "__commit_version_error__"


class HyperDatasetManagement:
    """Calls on the class that find, list and delete; on a version, those that close it."""

    _version: DatasetVersion

    @classmethod
    @documented
    def get(
        cls,
        dataset_name: str | None = None,
        version_name: str | None = None,
        project_name: str | None = None,
        *,
        dataset_id: str | None = None,
        version_id: str | None = None,
    ) -> "HyperDataset":
        """Return a version, by default the current one; NotFoundError where there is none."""
        one_of(dataset_name=dataset_name, dataset_id=dataset_id)
        one_of(version_name=version_name, version_id=version_id)
        if dataset_name is None and dataset_id is None:
            raise UsageError("no dataset is named; give dataset_name or dataset_id")
        dataset = Dataset.get(
            dataset_name=dataset_name, dataset_id=dataset_id, dataset_project=project_name
        )
        found = dataset.get_version(version_name=version_name, version_id=version_id)
        kind = cls if issubclass(cls, HyperDataset) else HyperDataset
        return kind._of(found)

    @classmethod
    @documented
    def exists(
        cls,
        dataset_name: str | None = None,
        version_name: str | None = None,
        project_name: str | None = None,
        *,
        dataset_id: str | None = None,
        version_id: str | None = None,
    ) -> bool:
        """Tell whether there is such a dataset, and such a version where one is named."""
        one_of(dataset_name=dataset_name, dataset_id=dataset_id)
        try:
            dataset = Dataset.get(
                dataset_name=dataset_name, dataset_id=dataset_id, dataset_project=project_name
            )
            if version_name is not None or version_id is not None:
                dataset.get_version(version_name=version_name, version_id=version_id)
        except NotFoundError:
            return False
        return True

    @classmethod
    @documented
    def list(
        cls,
        project_name: str | None = None,
        partial_name: str | None = None,
        tags: Sequence[str] | None = None,
        ids: Sequence[str] | None = None,
        recursive_project_search: bool = True,
        include_archived: bool = True,
    ) -> list[dict[str, object]]:
        """Return the records of datasets; `partial_name` is a regular expression to be found."""
        try:
            pattern = re.compile(partial_name or "")
        except re.error as error:
            raise UsageError(f"{partial_name!a} is no regular expression: {error}") from None
        return [
            one.to_dict()
            for one in DatasetVersion.get_datasets(tags=tags)
            if pattern.search(one.name)
            and (ids is None or one.id in ids)
            and (include_archived or "archived" not in one.record.system_tags)
            and _is_in(one.project, project_name, below=recursive_project_search)
        ]

    @classmethod
    @documented
    def delete(
        cls,
        dataset_name: str,
        version_name: str | None = None,
        project_name: str | None = None,
        *,
        force: bool = False,
    ) -> bool:
        """Delete a version, or a dataset that is empty; what is published or full with `force`."""
        if version_name is None:
            Dataset.delete(
                dataset_name,
                dataset_project=project_name,
                delete_all_versions=force,
                force=force,
            )
        else:
            dataset = Dataset.get(dataset_name=dataset_name, dataset_project=project_name)
            dataset.delete_version(version_name=version_name, force=force)
        return True

    @documented
    def commit_version(
        self,
        *,
        publish: bool = False,
        force: bool = False,
        calculate_stats: bool | None = True,
        override_stats: Stats | None = None,
        publishing_task: str | None = None,
    ) -> dict[str, object]:
        """Record what is pending, as DatasetVersion does."""
        return self._version.commit_version(publish=publish, override_stats=override_stats)

    def publish_version(self) -> bool:
        """Freeze the version, with what is pending committed first."""
        return self._version.publish_version()


class HyperDataset(HyperDatasetManagement):
    """One version of a dataset; both are made where they are not there."""

    @documented
    def __init__(
        self,
        project_name: str,
        dataset_name: str,
        version_name: str,
        description: str | None = None,
        parent_ids: Sequence[str] | None = None,
        field_mappings: Mapping[str, object] | None = None,
        raise_if_exists: bool = False,
        *,
        parent_id: str | None = None,
    ) -> None:
        one_of(parent_ids=parent_ids, parent_id=parent_id)
        fields = checked_fields(field_mappings or {})
        parents = [parent_id] if parent_id is not None else list(parent_ids or ())
        known = {one.id for one in DatasetVersion.get_datasets()}
        dataset = Dataset.create(dataset_name, dataset_project=project_name or None)
        if dataset.id in known or parents:
            version = dataset.create_version(
                version_name=version_name,
                description=description,
                parent_version_ids=parents or None,
                raise_if_exists=raise_if_exists,
            )
        else:  # Its first version is the one that was asked for.
            version = dataset.get_version()
            version.set_version_name(version_name)
            if description:
                version.set_comment(description)
        self._version = version
        if fields:
            VectorFields(dataset).declare(fields)

    @classmethod
    def _of(cls, version: DatasetVersion) -> Self:
        made = cls.__new__(cls)
        made._version = version
        return made

    # What it is called.

    @property
    def project_id(self) -> str:
        """The project's name, which is all that there is of it."""
        return self._dataset.project

    project_name = project_id

    @property
    def dataset_id(self) -> str:
        return self._version.dataset_id

    @property
    def dataset_name(self) -> str:
        return self._version.dataset_name

    @property
    def version_id(self) -> str:
        return self._version.version_id

    @property
    def version_name(self) -> str:
        return self._version.version_name

    @property
    def _dataset(self) -> Dataset:
        return Dataset.get(dataset_id=self._version.dataset_id)

    @property
    def tags(self) -> list[str]:
        """The labels of the version; a copy."""
        return self._version.tags

    @tags.setter
    def tags(self, value: Sequence[str]) -> None:
        self._version.set_tags(value)

    def get_tags(self) -> list[str]:
        return self._version.tags

    def set_tags(self, tags: Sequence[str]) -> None:
        self._version.set_tags(tags)

    def add_tags(self, tags: Sequence[str]) -> None:
        self._version.add_tags(tags)

    def remove_tags(self, tags: Sequence[str]) -> None:
        self._version.remove_tags(tags)

    def get_metadata(self) -> dict[str, object]:
        """Return a copy of the version's metadata."""
        return self._version.get_metadata()

    def set_metadata(self, metadata: Mapping[str, object]) -> bool:
        """Replace the version's metadata; False for a published version."""
        return self._version.set_metadata(metadata)

    # Entries.

    @documented
    def add_data_entries(
        self,
        data_entries: Iterable[DataEntry],
        upload_local_files_destination: str | None = None,
        batch_size: int = 1000,
        max_workers: int | None = None,
        show_progress: bool = True,
        upload_retries: int = 5,
        force_upload: bool = False,
        max_request_size_mb: float | None = None,
        hash_sources: bool = False,
    ) -> Errors:
        """Store entries, and commit them; return what failed, by the entries' ids.

        Local files are sent to `upload_local_files_destination`, or where an entry's parts say, if
        either is given; the entries then name them where they lie. With `hash_sources` the SHA-256
        of local files is recorded; those that are sent have theirs anyhow.
        """
        errors: Errors = {"upload": {}, "register": {}}
        stored = 0
        for destination, entries in by_destination(data_entries, upload_local_files_destination):
            stored += add_entries(
                self._version,
                entries,
                destination,
                errors,
                retries=upload_retries,
                force=force_upload,
                most=max_request_size_mb,
                hashed=hash_sources,
            )
        if stored:
            try:
                self._version.commit_version()
            except HyperstoreError as error:
                errors["register"][_COMMIT_ERROR] = error
        return errors

    @documented
    def delete_data_entries(
        self,
        data_entries: Iterable[DataEntry | str],
        batch_size: int = 1000,
        refresh_version_stats: bool = True,
        force: bool = False,
    ) -> int:
        """Delete entries, given as they are or by id; return how many there were."""
        return self._version.delete_frames(
            [one.id if isinstance(one, DataEntry) else one for one in data_entries]
        )

    @documented
    def get_iterator(
        self, projection: Sequence[str] | None = None, batch_size: int | None = None
    ) -> Iterator[DataEntry] | Iterator[dict[str, object]]:
        """Yield the entries in order; with a projection, a list of paths, these parts as dicts."""
        if projection is not None:
            return self._version.get_iterator(projection)
        return map(entry_of, self._version.get_iterator())

    def __iter__(self) -> Iterator[DataEntry]:
        return map(entry_of, self._version.get_iterator())

    def __len__(self) -> int:
        return len(self._version)

    @documented
    def get_data_entry(self, data_entry_id: str) -> DataEntry:
        """Return one entry; NotFoundError where there is none of that id."""
        return entry_of(self._version.get_frame(data_entry_id))

    @documented
    def vector_search(
        self,
        reference_vector: Sequence[float],
        vector_field: str,
        number_of_neighbors: int = 50,
        fast: bool = False,
        similarity_function: str = "cosine",
        *,
        roi_query: str | Sequence[str] | None = None,
        frame_query: str | None = None,
        source_query: str | None = None,
    ) -> list[DataEntry]:
        """Return the entries, of those that fit the queries, whose vectors are nearest, in order.

        By `cosine`, `l2_norm` or `dot_product`; exactly, whether or not it is to be `fast`.
        """
        query = Query(
            dataset_id=self.dataset_id,
            version_id=self.version_id,
            roi_queries=() if roi_query is None else (RoiQuery(roi_query),),
            frame_query=frame_query,
            source_query=source_query,
        )
        found = nearest_frames(
            DataView(queries=query, store=self._version._handle),
            reference_vector,
            vector_field,
            most=number_of_neighbors,
            similarity=similarity_function,
            fast=fast,
        )
        return list(map(entry_of, found))

    @documented
    def create_snapshot(
        self, publish_name: str | None = None, child_name: str | None = None
    ) -> Self:
        """Publish this version and go on in its draft child; return what was published.

        As clearml does it: this object is the child from now on.
        """
        published = self._of(self._version)
        self._version = self._version.create_snapshot(
            publish_name=publish_name, child_name=child_name
        )
        return published

    def __repr__(self) -> str:
        return f"<HyperDataset {self.dataset_name}@{self.version_name} {self.version_id[:8]}>"


def _is_in(project: str, wanted: str | None, *, below: bool) -> bool:
    return wanted is None or project == wanted or (below and project.startswith(f"{wanted}/"))
