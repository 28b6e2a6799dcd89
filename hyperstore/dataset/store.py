"""Store: one `.hyperstore` folder, with its datasets and its operation log."""

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType

from hyperstore.dataset import lifecycle
from hyperstore.dataset.config import Config
from hyperstore.dataset.dataset import Dataset, refuse_taken
from hyperstore.dataset.draft import Place, read_state
from hyperstore.dataset.handle import DATABASE_FOLDER, SCRATCH_FOLDER, Handle, now_ms
from hyperstore.dataset.lookup import CommitInfo, commit_id_of, commit_info, find_dataset
from hyperstore.dataset.metadata import check_metadata
from hyperstore.dataset.transact import Move, transact
from hyperstore.dataset.undo import undo, undo_last
from hyperstore.dataset.version import DatasetVersion
from hyperstore.errors import (
    HyperstoreError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from hyperstore.history.branches import (
    RefReader,
    dataset_ref,
    datasets,
    read_head,
    read_snapshot,
    tag_ref,
    tags,
    version_ref,
    versions,
)
from hyperstore.history.commit import DatasetRecord, VersionRecord, encode_object
from hyperstore.history.names import check_name, check_names, check_text
from hyperstore.ids import Kind, SnapshotId, new_id
from hyperstore.storage.database import Database
from hyperstore.storage.reflog import Operation
from hyperstore.storage.translation import disk_errors

__all__ = ["STORE_FOLDER", "Store", "find_store", "init", "open_store"]

STORE_FOLDER = ".hyperstore"
STORE_VARIABLE = "HYPERSTORE_DIR"


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
        if project != "":
            check_name(project, what="project")
        created = now_ms()
        record = DatasetRecord(
            comment=check_text(comment, what="comment"),
            created=created,
            id=new_id(),
            metadata=check_metadata(metadata or {}),
            name=check_name(name, what="dataset"),
            project=project,
            tags=check_names(tags, what="tag"),
        )
        draft = VersionRecord(
            created=created, dataset=record.id, id=new_id(), name=lifecycle.CURRENT
        )
        staging = self._handle.staging()

        def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
            refuse_taken(refs, record)
            new = staging.add(Kind.RECORD, encode_object(record))
            moves = lifecycle.created(staging, refs, draft, None)
            if stand:
                moves += lifecycle.standing(staging, refs, Place(record.id, draft.id))
            return [Move(dataset_ref(record.id), None, new), *moves], None

        transact(self._handle, staging, f"create dataset {name}", prepare)
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

        def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
            held = find_dataset(refs, found.id)
            states = [
                read_state(refs, Place(found.id, record.id))
                for _, record in versions(refs, found.id)
            ]
            full = [
                state for state in states if state.head is not None or _holds(refs, state.working)
            ]
            if full and not force:
                raise RefusedError(
                    f"dataset {held[1].name!a} is not empty: {len(full)} of its versions hold "
                    "frames or commits; delete it with force"
                )
            moves = [Move(dataset_ref(found.id), held[0], None)]
            for state in states:
                moves += lifecycle.removal(state)
            moves += [
                Move(tag_ref(found.id, one.tag.name), one.id, None) for one in tags(refs, found.id)
            ]
            return moves, None

        transact(self._handle, self._handle.staging(), f"delete dataset {found.name}", prepare)

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
        while True:
            with self._handle.database.reading() as reader:
                chunk = list(islice(reader.operations(before=before), 256))
            if not chunk:
                return
            yield from chunk
            before = chunk[-1].number

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
    folder = _absolute(path)
    with disk_errors(folder):
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file; name a folder for the store")
        if folder.is_dir() and not (folder / DATABASE_FOLDER).is_dir() and not _is_ours(folder):
            raise RefusedError(
                f"{folder} holds other files; give the store a folder of its own, "
                f"such as {folder / STORE_FOLDER}"
            )
    database = Database.create(folder / DATABASE_FOLDER, allow_network=allow_network)
    return _opened(folder, database)


def open_store(
    path: str | os.PathLike[str], *, readonly: bool = False, allow_network: bool = False
) -> Store:
    """Open the store whose folder is `path`. NotFoundError where there is none."""
    folder = _absolute(path)
    with disk_errors(folder):
        if not (folder / DATABASE_FOLDER).exists():
            raise _no_store(folder)
    database = Database.open(
        folder / DATABASE_FOLDER, readonly=readonly, allow_network=allow_network
    )
    return _opened(folder, database)


def _no_store(folder: Path) -> HyperstoreError:
    if folder.exists() and not folder.is_dir():
        return UsageError(f"{folder} is a file, not a store's folder")
    inside = folder / STORE_FOLDER
    hint = f"; did you mean {inside}?" if inside.is_dir() else "; `hyperstore init` makes one"
    return NotFoundError(f"no store at {folder}{hint}")


def find_store(start: Path) -> Path:
    """Return the store's folder: HYPERSTORE_DIR, else the nearest one from `start` upwards."""
    named = os.environ.get(STORE_VARIABLE)
    if named:
        return _absolute(named)
    for folder in (start, *start.parents):
        if (folder / STORE_FOLDER / DATABASE_FOLDER).is_dir():
            return folder / STORE_FOLDER
    raise NotFoundError(f"no store in {start} or above it; `hyperstore init` makes one")


def _opened(folder: Path, database: Database) -> Store:
    if not database.readonly:
        try:
            with disk_errors(folder / SCRATCH_FOLDER):
                (folder / SCRATCH_FOLDER).mkdir(exist_ok=True)
        except HyperstoreError:
            database.close()
            raise
    return Store(Handle(folder, database))


def _absolute(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute() would keep `..`.
    except (TypeError, ValueError):
        raise UsageError(f"{path!a} is no path of a folder") from None


def _is_ours(folder: Path) -> bool:
    ours = {"config.toml", "db", "cache", "media", "previews", SCRATCH_FOLDER}
    return all(one.name in ours for one in folder.iterdir())


def _holds(refs: RefReader, working: SnapshotId | None) -> bool:
    return working is not None and read_snapshot(refs, working).count > 0
