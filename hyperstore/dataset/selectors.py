"""From the names and ids of a documented call to one dataset or one version."""

from collections.abc import Sequence

from hyperstore.codec import Struct
from hyperstore.dataset.arguments import one_of
from hyperstore.dataset.draft import Place
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.lookup import no_version, there_are
from hyperstore.dataset.moved import datasets_moved
from hyperstore.errors import NotFoundError, UsageError, a_type, warn
from hyperstore.history.branches import (
    RefReader,
    datasets,
    unsorted_versions,
    version_of,
    version_ref,
    versions,
)
from hyperstore.history.commit import DatasetRecord, VersionRecord

__all__ = [
    "Selected",
    "Selector",
    "current_of",
    "head_version",
    "is_one_path",
    "select_dataset",
    "select_version",
]


class Selector(Struct, frozen=True):
    """Which version is meant. The id of one names its dataset too; none is the current one."""

    dataset_id: str | None = None
    dataset_name: str | None = None
    version_id: str | None = None
    version_name: str | None = None
    dataset_project: str | None = None

    def __post_init__(self) -> None:
        one_of(dataset_id=self.dataset_id, dataset_name=self.dataset_name)
        one_of(version_id=self.version_id, version_name=self.version_name)
        one_of(dataset_id=self.dataset_id, dataset_project=self.dataset_project)
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise UsageError(f"{name} is a str, not {a_type(value)}")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said at all."""
        return all(getattr(self, name) is None for name in self.__struct_fields__)

    @property
    def names_dataset(self) -> bool:
        """Whether a dataset is said."""
        return self.dataset_id is not None or self.dataset_name is not None


class Selected(Struct, frozen=True):
    """A version that was found."""

    dataset: DatasetRecord
    version: VersionRecord

    @property
    def place(self) -> Place:
        """Its ids."""
        return Place(self.dataset.id, self.version.id)


def select_dataset(handle: Handle, selector: Selector) -> DatasetRecord:
    """Return the dataset that is meant; where several projects have one, the last one updated."""
    with handle.database.reading() as reader:
        known = [record for _, record in datasets(reader)]
    if selector.dataset_id is not None:
        return _by_id(known, selector.dataset_id)
    name, project = selector.dataset_name, selector.dataset_project
    if name is None:
        raise UsageError("no dataset is named; give dataset_name or dataset_id")
    found = [one for one in known if one.name == name and project in (None, one.project)]
    if not found:
        inside = [one.name for one in known if project in (None, one.project)]
        where = "" if project is None else f" in project {project!a}"
        names = sorted(set(inside))
        raise NotFoundError(f"no dataset {name!a}{where}; {there_are(names, 'datasets', name)}")
    if len(found) > 1:
        moved = [*datasets_moved(handle, [one.id for one in found])]  # The last one first.
        found.sort(key=lambda one: one.created, reverse=True)
        found.sort(key=lambda one: moved.index(one.id) if one.id in moved else len(moved))
        projects = ", ".join(ascii(one.project) for one in found)
        warn(
            f"{len(found)} projects have a dataset {name!a}: {projects}; this is that of the "
            "first, changed last; give dataset_project to get another"
        )
    return found[0]


def _by_id(known: Sequence[DatasetRecord], dataset_id: str) -> DatasetRecord:
    for one in known:
        if one.id == dataset_id:
            return one
    raise NotFoundError(
        f"no dataset with the id {dataset_id!a}; "
        f"{there_are(sorted(one.id for one in known), 'datasets', dataset_id)}"
    )


def select_version(
    handle: Handle, selector: Selector, *, raise_on_multiple: bool = False
) -> Selected:
    """Return the version that is meant: of several of one name the newest, with a warning."""
    if selector.version_id is not None and not selector.names_dataset:
        dataset = _dataset_of_version(handle, selector.version_id)
    else:
        dataset = select_dataset(handle, selector)
    name, version_id = selector.version_name, selector.version_id
    with handle.database.reading() as reader:
        if name is None and version_id is None:
            return Selected(dataset, current_of(reader, dataset))
        known = unsorted_versions(reader, dataset.id) if name is not None else []
        if version_id is not None:
            record_id = reader.ref(version_ref(dataset.id, version_id))
            known = [] if record_id is None else [(record_id, version_of(reader, record_id))]
        found = [one for _, one in known if name in (None, one.name)]
        found.sort(key=lambda one: (one.created, one.id), reverse=True)
        if not found:
            raise no_version(reader, dataset.id, str(name or version_id))
    if len(found) > 1:
        several = f"{len(found)} versions of dataset {dataset.name!a} are named {name!a}"
        if raise_on_multiple:
            ids = " and ".join(one.id for one in found)
            raise UsageError(f"{several}, {ids}; give version_id")
        warn(f"{several}; this is the newest, {found[0].id}; give version_id to get another")
    return Selected(dataset, found[0])


def _dataset_of_version(handle: Handle, version_id: str) -> DatasetRecord:
    with handle.database.reading() as reader:
        for _, dataset in datasets(reader):
            if reader.ref(version_ref(dataset.id, version_id)) is not None:
                return dataset
    raise NotFoundError(f"no version with the id {version_id!a} in any dataset")


def current_of(reader: RefReader, dataset: DatasetRecord) -> VersionRecord:
    """Return the head version: of the drafts the one furthest from its root, then the newest."""
    known = [record for _, record in versions(reader, dataset.id)]
    found = head_version(known)
    if found is None:
        raise NotFoundError(
            f"dataset {dataset.name!a} has no draft: "
            f"{'all its versions are published' if known else 'it has no versions'}; "
            "create a version to write to"
        )
    return found


def head_version(known: Sequence[VersionRecord]) -> VersionRecord | None:
    """Return the one of a dataset's versions that is its head; None where all are published."""
    by_id = {one.id: one for one in known}
    depths: dict[str, int] = {}
    for one in known:
        path: list[str] = []
        at: VersionRecord | None = one
        while at is not None and at.id not in depths and at.id not in path:
            path.append(at.id)
            at = by_id.get(at.parent)
        depth = depths.get(at.id, 0) if at is not None else 0
        for version_id in reversed(path):
            depth += 1
            depths[version_id] = depth
    drafts = [one for one in known if not one.published]
    return max(drafts, key=lambda one: (depths[one.id], one.created, one.id), default=None)


def is_one_path(known: Sequence[VersionRecord]) -> bool:
    """Return whether versions stand in one line, each beginning from the one before."""
    parents = [one.parent for one in known if one.parent]
    return len(parents) == len(set(parents)) and len(parents) >= len(known) - 1
