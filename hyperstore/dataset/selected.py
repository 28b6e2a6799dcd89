"""The documented calls that find or make versions by names and ids, on the default store."""

from collections.abc import Iterable, Sequence
from typing import Self

from hyperstore.dataset import choosing, lifecycle
from hyperstore.dataset.arguments import Either, documented
from hyperstore.dataset.default import default_handle
from hyperstore.dataset.draft import Place
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.schema import frames_by_source
from hyperstore.dataset.selectors import Selector, select_dataset, select_version
from hyperstore.dataset.states import VersionStates
from hyperstore.dataset.uploading_wish import upload_default
from hyperstore.dataset.view import Frame
from hyperstore.errors import UsageError
from hyperstore.history.commit import VersionRecord

__all__ = ["VersionSelected"]


class VersionSelected(VersionStates):
    """A version with the calls on the class. Without names of a version they mean the current."""

    @classmethod
    def _of(cls, handle: Handle, record: VersionRecord, dataset_name: str) -> Self:
        return cls(handle, Place(record.dataset, record.id), dataset_name)

    @classmethod
    def _selected(cls, selector: Selector, *, raise_on_multiple: bool = False) -> Self:
        handle = default_handle()
        found = select_version(handle, selector, raise_on_multiple=raise_on_multiple)
        return cls(handle, found.place, found.dataset.name)

    @classmethod
    @documented
    def get_current(
        cls,
        dataset_id: str | None = None,
        dataset_name: str | None = None,
        auto_upload_destination: str | None = None,
        local_dataset_root_path: str | None = None,
        dataset_project: str | None = None,
    ) -> Self:
        """Return the head version of a dataset: the draft furthest from its root."""
        uploads = upload_default(auto_upload_destination, local_dataset_root_path)
        selector = Selector(dataset_id, dataset_name, dataset_project=dataset_project)
        return cls._selected(selector)._uploading_to(uploads)

    @classmethod
    @documented
    def get_version(
        cls,
        dataset_id: str | None = None,
        dataset_name: str | None = None,
        version_id: str | None = None,
        version_name: str | None = None,
        auto_upload_destination: str | None = None,
        local_dataset_root_path: str | None = None,
        raise_on_multiple: bool = False,
        dataset_project: str | None = None,
    ) -> Self:
        """Return one version, by default the current one.

        Of several of one name it is the newest, with a warning, or UsageError if asked for.
        """
        uploads = upload_default(auto_upload_destination, local_dataset_root_path)
        selector = Selector(dataset_id, dataset_name, version_id, version_name, dataset_project)
        found = cls._selected(selector, raise_on_multiple=raise_on_multiple)
        return found._uploading_to(uploads)

    @classmethod
    @documented
    def get_versions(
        cls,
        dataset_name: str | None = None,
        dataset_id: str | None = None,
        only_published: bool = False,
        only_draft: bool = False,
        dataset_project: str | None = None,
        *,
        tags: Sequence[str] | None = None,
        search_text: str | None = None,
    ) -> list[Self]:
        """Return the versions of a dataset, newest update first."""
        handle = default_handle()
        selector = Selector(dataset_id, dataset_name, dataset_project=dataset_project)
        dataset = select_dataset(handle, selector)
        found = choosing.list_versions(
            handle,
            dataset,
            only_published=only_published,
            only_draft=only_draft,
            tags=tags,
            search_text=search_text,
        )
        return [cls._of(handle, one, dataset.name) for one in found]

    @classmethod
    @documented
    def create_version(
        cls,
        version_name: str,
        description: str | None = None,
        dataset_id: str | None = None,
        dataset_name: str | None = None,
        parent_version_ids: Sequence[str] | str | None = None,
        parent_version_names: Sequence[str] | str | None = None,
        raise_if_exists: bool = False,
        auto_upload_destination: str | None = None,
        local_dataset_root_path: str | None = None,
        dataset_project: str | None = None,
        *,
        allow_draft_parent: bool = False,
    ) -> Self:
        """Make a draft that begins from one published parent, or empty without one.

        A draft of that name is returned as it is, unless `raise_if_exists`, which raises
        ExistsError; so is a published version, with a warning.
        """
        uploads = upload_default(auto_upload_destination, local_dataset_root_path)
        handle = default_handle()
        selector = Selector(dataset_id, dataset_name, dataset_project=dataset_project)
        dataset = select_dataset(handle, selector)
        record = choosing.make_version(
            handle,
            dataset,
            version_name,
            comment=description or "",
            parents=choosing.Parents(parent_version_ids, parent_version_names, allow_draft_parent),
            raise_if_exists=raise_if_exists,
        )
        return cls._of(handle, record, dataset.name)._uploading_to(uploads)

    @classmethod
    @documented
    def remove_version(
        cls,
        version_id: str | None = None,
        version_name: str | None = None,
        dataset_id: str | None = None,
        dataset_name: str | None = None,
        force: bool = False,
        dataset_project: str | None = None,
    ) -> None:
        """Delete a version, a published one with `force`. It must be named by name or id."""
        if version_id is None and version_name is None:
            raise UsageError("no version is named; give version_id or version_name")
        selector = Selector(dataset_id, dataset_name, version_id, version_name, dataset_project)
        handle = default_handle()
        place = select_version(handle, selector, raise_on_multiple=True).place
        lifecycle.delete_versions(handle, [place], force=force)

    # On a version in hand these work too; names or ids that are given choose another one.

    @Either
    @documented
    def get_single_frame(
        target: "VersionSelected | type[VersionSelected]",
        frame_id: str,
        dataset_id: str | None = None,
        dataset_name: str | None = None,
        version_id: str | None = None,
        version_name: str | None = None,
        dataset_project: str | None = None,
    ) -> Frame:
        """Return one frame; NotFoundError where there is none of that id."""
        selector = Selector(dataset_id, dataset_name, version_id, version_name, dataset_project)
        return _chosen(target, selector).get_frame(frame_id)

    @Either
    @documented
    def get_frames_by_ids(
        target: "VersionSelected | type[VersionSelected]",
        frame_ids: Iterable[str],
        projection: Sequence[str] | None = None,
        dataset_id: str | None = None,
        dataset_name: str | None = None,
        version_id: str | None = None,
        version_name: str | None = None,
        dataset_project: str | None = None,
    ) -> list[Frame]:
        """Return the frames of these ids in the order asked; unknown ids are passed over.

        With a projection, a list of paths such as `rois.*.label`, return these parts as dicts.
        """
        selector = Selector(dataset_id, dataset_name, version_id, version_name, dataset_project)
        version = _chosen(target, selector)
        view = version.view()
        frames = view.get_frames_by_ids(frame_ids)
        if projection is None:
            return frames
        return list(version._projected(view, iter(frames), projection))  # type: ignore[arg-type]

    @Either
    @documented
    def get_frames_by_source(
        target: "VersionSelected | type[VersionSelected]",
        source_uri: str,
        dataset_id: str | None = None,
        dataset_name: str | None = None,
        version_id: str | None = None,
        version_name: str | None = None,
        dataset_project: str | None = None,
    ) -> list[Frame]:
        """Return the frames that have a source of this URI; `*` stands for anything in it."""
        selector = Selector(dataset_id, dataset_name, version_id, version_name, dataset_project)
        version = _chosen(target, selector)
        return list(frames_by_source(version.view(), source_uri, version._handle.roots))


def _chosen(target: VersionSelected | type[VersionSelected], selector: Selector) -> VersionSelected:
    """Return the version in hand, or the one that is named."""
    if isinstance(target, VersionSelected) and selector.is_empty:
        return target
    return target._selected(selector)
