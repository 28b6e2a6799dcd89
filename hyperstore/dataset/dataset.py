"""Dataset: a named family of versions."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence

from hyperstore.codec import replace
from hyperstore.dataset import lifecycle
from hyperstore.dataset.draft import Place, read_state
from hyperstore.dataset.handle import Handle, now_ms
from hyperstore.dataset.lookup import commit_id_of, find_versions, no_version
from hyperstore.dataset.metadata import check_metadata
from hyperstore.dataset.transact import Move, transact
from hyperstore.dataset.version import DatasetVersion
from hyperstore.errors import ExistsError, NotFoundError, UsageError
from hyperstore.history.branches import RefReader, dataset_ref, datasets, tags, versions
from hyperstore.history.commit import DatasetRecord, VersionRecord, decode_record, encode_object
from hyperstore.history.names import check_name, check_names, check_text
from hyperstore.ids import CommitId, Kind, ObjectId, new_id

__all__ = ["Dataset", "refuse_taken"]


class Dataset:
    """One dataset of a store. Got from a Store; a handle, which always reads what is now."""

    def __init__(self, handle: Handle, dataset_id: str) -> None:
        self._handle = handle
        self._id = dataset_id

    def __repr__(self) -> str:
        return f"<Dataset {self.name} {self._id[:8]}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dataset) and self._id == other._id

    def __hash__(self) -> int:
        return hash(self._id)

    @property
    def id(self) -> str:
        """32 hex digits; kept when the dataset is renamed."""
        return self._id

    @property
    def name(self) -> str:
        """Its name now."""
        return self.record.name

    @property
    def record(self) -> DatasetRecord:
        """Its name, project, comment, tags and metadata, as recorded now."""
        with self._handle.database.reading() as reader:
            return _read_record(reader, self._id)[1]

    def version(self, name: str = lifecycle.CURRENT) -> DatasetVersion:
        """Return the version of that name, the newest where several have it, or of that id."""
        with self._handle.database.reading() as reader:
            _read_record(reader, self._id)
            found = find_versions(reader, self._id, name)
            if not found:
                raise no_version(reader, self._id, name)
        if len(found) > 1:
            warnings.warn(
                f"{len(found)} versions are named {name!a}; this is the newest, "
                f"{found[0][1].id}; give an id to get another",
                UserWarning,
                stacklevel=2,
            )
        return self._version(found[0][1])

    def versions(self) -> list[DatasetVersion]:
        """Return all versions, oldest first."""
        with self._handle.database.reading() as reader:
            name = _read_record(reader, self._id)[1].name
            found = [Place(self._id, record.id) for _, record in versions(reader, self._id)]
        return [DatasetVersion(self._handle, place, name) for place in found]

    def create_version(
        self,
        name: str,
        parent: DatasetVersion | str | None = None,
        *,
        commit: str | None = None,
        comment: str = "",
        stand: bool = False,
    ) -> DatasetVersion:
        """Make a draft that starts where `parent` stands, a version or its name, or at a commit.

        Without either it starts empty. ExistsError where a version of that name exists. With
        `stand` the command stands on it after that, by the same operation.
        """
        check_name(name, what="version")
        if parent is not None and commit is not None:
            raise UsageError("a version starts at a parent's head or at a commit; give one")
        origin = self.version(parent) if isinstance(parent, str) else parent
        if origin is not None and not isinstance(origin, DatasetVersion):
            raise UsageError(f"a parent is a DatasetVersion, its name or its id, not {parent!a}")
        start = None if commit is None else commit_id_of(self._handle, commit)
        record = VersionRecord(
            comment=check_text(comment, what="comment"),
            created=now_ms(),
            dataset=self._id,
            id=new_id(),
            name=name,
            parent="" if origin is None else origin.id,
        )
        staging = self._handle.staging()

        def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
            _read_record(refs, self._id)
            if any(one.name == name for _, one in versions(refs, self._id)):
                raise ExistsError(f"version {name!a} exists in dataset {self.name!a}")
            begin: CommitId | None = start
            if origin is not None:
                begin = read_state(refs, Place(origin.dataset_id, origin.id)).head
            moves = lifecycle.created(staging, refs, record, begin)
            place = Place(self._id, record.id)
            return [*moves, *(lifecycle.standing(staging, refs, place) if stand else [])], None

        transact(self._handle, staging, f"create version {name}", prepare)
        return self._version(record)

    def delete_version(self, version: DatasetVersion | str, *, force: bool = False) -> None:
        """Delete a version; a published one with `force`. Its commits stay until collected.

        Where the command stands on it, it stands nowhere after that.
        """
        found = self.version(version) if isinstance(version, str) else version
        if not isinstance(found, DatasetVersion):
            raise UsageError(f"a DatasetVersion, its name or its id is deleted, not {version!a}")
        lifecycle.delete_versions(self._handle, [Place(self._id, found.id)], force=force)

    def tags(self) -> dict[str, str]:
        """Return the tags of commits: name to commit id."""
        with self._handle.database.reading() as reader:
            return {one.tag.name: one.tag.commit.hex() for one in tags(reader, self._id)}

    def delete_tag(self, name: str) -> None:
        """Delete a tag."""
        lifecycle.untag(self._handle, self._id, name)

    def rename(self, name: str) -> None:
        """Give it another name; ExistsError where its project has one of that name."""
        check_name(name, what="dataset")
        self._change(f"rename dataset to {name}", lambda record: replace(record, name=name))

    def move_to_project(self, project: str) -> None:
        """Move it to another project; the empty name is no project."""
        if project != "":
            check_name(project, what="project")
        self._change("move dataset", lambda record: replace(record, project=project))

    def set_comment(self, comment: str) -> None:
        """Describe it in words."""
        checked = check_text(comment, what="comment")
        self._change("comment on dataset", lambda record: replace(record, comment=checked))

    def set_tags(self, labels: Sequence[str]) -> None:
        """Replace its labels."""
        checked = check_names(labels, what="tag")
        self._change("tag dataset", lambda record: replace(record, tags=checked))

    def get_metadata(self) -> dict[str, object]:
        """Return a copy of its metadata."""
        return self.record.metadata

    def set_metadata(self, metadata: Mapping[str, object]) -> None:
        """Replace its metadata. Keys hold no `$` and no `.`."""
        checked = check_metadata(metadata)
        self._change("set metadata", lambda record: replace(record, metadata=checked))

    def describe(
        self,
        *,
        comment: str | None = None,
        project: str | None = None,
        tags: Sequence[str] | None = None,
        metadata: Mapping[str, object] | None = None,
        unset: Iterable[str] = (),
    ) -> None:
        """Replace what is given of the comment, project and labels, in one operation.

        Of the metadata the keys given are set and those in `unset` dropped; others stay, whoever
        sets them meanwhile.
        """
        changed: dict[str, object] = {}
        if comment is not None:
            changed["comment"] = check_text(comment, what="comment")
        if project is not None:
            changed["project"] = project if project == "" else check_name(project, what="project")
        if tags is not None:
            changed["tags"] = check_names(tags, what="tag")
        given, gone = check_metadata(metadata or {}), frozenset(unset)

        def change(record: DatasetRecord) -> DatasetRecord:
            held = record.metadata | given
            kept = {key: value for key, value in held.items() if key not in gone}
            return replace(record, metadata=kept, **changed)

        words = [*changed, *(["metadata"] if given or gone else [])]
        self._change(f"set {', '.join(words)} of dataset", change)

    def _change(self, command: str, change: Callable[[DatasetRecord], DatasetRecord]) -> None:
        staging = self._handle.staging()

        def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
            old, record = _read_record(refs, self._id)
            new = change(record)
            if (new.project, new.name) != (record.project, record.name):
                refuse_taken(refs, new)
            return [
                Move(dataset_ref(self._id), old, staging.add(Kind.RECORD, encode_object(new)))
            ], None

        transact(self._handle, staging, command, prepare)

    def _version(self, record: VersionRecord) -> DatasetVersion:
        return DatasetVersion(self._handle, Place(self._id, record.id), self.name)


def refuse_taken(refs: RefReader, record: DatasetRecord) -> None:
    """Raise ExistsError where another dataset of the same project has the name."""
    for _, other in datasets(refs):
        if (other.project, other.name) == (record.project, record.name) and other.id != record.id:
            place = f" in project {record.project!a}" if record.project else ""
            raise ExistsError(f"dataset {record.name!a} exists{place}")


def _read_record(reader: RefReader, dataset_id: str) -> tuple[ObjectId, DatasetRecord]:
    record_id = reader.ref(dataset_ref(dataset_id))
    if record_id is None:
        raise NotFoundError(f"no dataset {dataset_id} any more: it was deleted")
    record = decode_record(reader.get(record_id, Kind.RECORD), record_id)
    assert isinstance(record, DatasetRecord)
    return record_id, record
