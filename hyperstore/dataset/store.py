"""Store: one `.hyperstore` folder, with its datasets and its operation log."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from hyperstore.dataset import founding, lifecycle
from hyperstore.dataset.config import Config
from hyperstore.dataset.dataset import Dataset, DatasetVersion
from hyperstore.dataset.draft import Place, read_state
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.lookup import CommitInfo, commit_id_of, commit_info, find_dataset
from hyperstore.dataset.metadata import check_metadata
from hyperstore.dataset.moved import operations
from hyperstore.dataset.opening import init_handle, open_handle
from hyperstore.dataset.transact import Move, transact
from hyperstore.dataset.undo import undo, undo_last
from hyperstore.errors import NotFoundError, UsageError
from hyperstore.history.branches import RefReader, dataset_ref, datasets, read_head, version_ref
from hyperstore.history.commit import DatasetRecord
from hyperstore.history.names import check_names, check_text
from hyperstore.ids import new_id
from hyperstore.storage.host import now_ms
from hyperstore.storage.reflog import Operation

__all__ = ["Store", "init", "open_store"]


class Store:
    """An open store. Close it, or use it as a context manager."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    def close(self) -> None:
        """Give up the handle; what was got from this store works no more. Safe to repeat."""
        self._handle.database.close()

    @property
    def path(self) -> Path:
        """The store's folder, absolute."""
        return self._handle.folder

    @property
    def handle(self) -> Handle:
        """What the layers above work on a whole store with."""
        return self._handle

    @property
    def id(self) -> str:
        """32 hex digits that no other store has."""
        return self._handle.database.store_id

    @property
    def config(self) -> Config:
        """The settings; `set_config` changes one."""
        return self._handle.config

    def set_config(self, key: str, value: str | int | None) -> None:
        """Set one setting, or unset it by None. UsageError for a key or a value that is none."""
        self._handle.set_config(key, value)

    def create_dataset(
        self,
        name: str,
        *,
        project: str = "",
        comment: str = "",
        tags: Sequence[str] = (),
        metadata: Mapping[str, object] | None = None,
        stand: bool = False,
    ) -> Dataset:
        """Make a dataset with one empty draft, `Current`. ExistsError where the name is taken.

        With `stand` the command stands on the draft after that, by the same operation.
        """
        record = DatasetRecord(
            comment=check_text(comment, what="comment"),
            created=now_ms(),
            id=new_id(),
            metadata=check_metadata(metadata or {}),
            name=name,
            project=project,
            tags=check_names(tags, what="tag"),
        )
        founding.create_dataset(self._handle, record, stand=stand)
        return Dataset(self._handle, record.id)

    def dataset(self, name: str, *, project: str | None = None) -> Dataset:
        """Return the dataset of that name or id; NotFoundError names those that there are."""
        with self._handle.database.reading() as reader:
            return Dataset(self._handle, find_dataset(reader, name, project)[1].id)

    def datasets(self) -> list[Dataset]:
        """Return all datasets, oldest first."""
        with self._handle.database.reading() as reader:
            return [Dataset(self._handle, record.id) for _, record in datasets(reader)]

    def delete_dataset(self, dataset: Dataset | str, *, force: bool = False) -> None:
        """Delete a dataset with its versions and tags; with `force` also one that is not empty.

        Its commits stay until collected, and `undo` brings it back.
        """
        found = self.dataset(dataset) if isinstance(dataset, str) else dataset
        if not isinstance(found, Dataset):
            raise UsageError(f"a Dataset or its name is deleted, not {dataset!a}")

        founding.delete_dataset(self._handle, found.id, drafts=force, published=force)

    def commit_info(self, commit: str) -> CommitInfo:
        """Return one commit by its id, which may be shortened to 6 digits."""
        commit_id = commit_id_of(self._handle, commit)
        return commit_info(commit_id, self._handle.commit(commit_id))

    def head(self) -> DatasetVersion | None:
        """Return the version on which the command stands, if it stands anywhere."""
        with self._handle.database.reading() as reader:
            record = read_head(reader)
            if record is None or reader.ref(dataset_ref(record.dataset)) is None:
                return None
            if reader.ref(version_ref(record.dataset, record.version)) is None:
                return None
        dataset = Dataset(self._handle, record.dataset)
        return DatasetVersion(self._handle, Place(record.dataset, record.version), dataset.name)

    def set_head(self, version: DatasetVersion) -> None:
        """Make the command stand on a version."""
        if not isinstance(version, DatasetVersion):
            raise UsageError(f"the command stands on a DatasetVersion, not on {version!a}")
        staging = self._handle.staging()

        def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
            place = Place(version.dataset_id, version.id)
            read_state(refs, place)
            return lifecycle.standing(staging, refs, place), None

        transact(self._handle, staging, f"switch to {version.name}", prepare)

    def operations(self, *, before: int | None = None) -> Iterator[Operation]:
        """Yield what was done to refs, newest first; with `before` from there on; lazily."""
        if before is not None and type(before) is not int:
            raise UsageError(f"an operation is named by its number, not by {before!a}")
        return operations(self._handle, before)

    def undo(self, number: int | None = None) -> Operation:
        """Put every ref that an operation moved back to where it was; return that operation.

        By default the newest one that is not undone yet; an undo is undone by its own number.
        ConflictError where a ref is not where that operation left it, or where something that was
        made since rests on it or has taken its name. HEAD blocks nothing: see undo.
        """
        if number is None:
            return undo_last(self._handle, self.operations())
        undone = self._operation(number)
        undo(self._handle, undone)
        return undone

    def _operation(self, number: int) -> Operation:
        if type(number) is not int:
            raise UsageError(f"an operation is named by its number, not by {number!a}")
        with self._handle.database.reading() as reader:
            found = reader.operation(number)
        if found is None:
            raise NotFoundError(f"no operation {number}; `reflog --all` lists them")
        return found


def init(path: str | os.PathLike[str], *, allow_network: bool = False) -> Store:
    """Make a store in the folder `path`, its own folder, or complete a half-made one; open it."""
    return Store(init_handle(path, allow_network=allow_network))


def open_store(
    path: str | os.PathLike[str], *, readonly: bool = False, allow_network: bool = False
) -> Store:
    """Open the store whose folder is `path`. NotFoundError where there is none."""
    return Store(open_handle(path, readonly=readonly, allow_network=allow_network))
