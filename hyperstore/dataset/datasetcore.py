"""What a dataset is besides its versions: its name, its words, its labels, its metadata."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from hyperstore.codec import replace
from hyperstore.dataset import lifecycle
from hyperstore.dataset.founding import read_dataset, refuse_taken
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.metadata import check_metadata
from hyperstore.dataset.transact import Move, transact
from hyperstore.errors import UsageError
from hyperstore.history.branches import RefReader, dataset_ref
from hyperstore.history.branches import tags as commit_tags
from hyperstore.history.commit import DatasetRecord, encode_object
from hyperstore.history.names import check_name, check_names, check_text
from hyperstore.ids import Kind

__all__ = ["DatasetCore"]

_ARCHIVED = "archived"


class DatasetCore:
    """One dataset of a store. Got from a Store; a handle, which always reads what is now."""

    def __init__(self, handle: Handle | None = None, dataset_id: str = "") -> None:
        if not isinstance(handle, Handle):
            raise UsageError("a Dataset is got by Dataset.get() or Dataset.create()")
        self._handle = handle
        self._id = dataset_id

    def __repr__(self) -> str:
        return f"<Dataset {self.name} {self._id[:8]}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatasetCore) and self._id == other._id

    def __hash__(self) -> int:
        return hash(self._id)

    @property
    def id(self) -> str:
        """32 hex digits; kept when the dataset is renamed."""
        return self._id

    @property
    def dataset_id(self) -> str:
        """Its id."""
        return self._id

    @property
    def name(self) -> str:
        """Its name now."""
        return self.record.name

    @property
    def dataset_name(self) -> str:
        """Its name now."""
        return self.record.name

    @property
    def project(self) -> str:
        """The project that it is in, by name; empty where it is in none."""
        return self.record.project

    @property
    def comment(self) -> str:
        """What it is in words."""
        return self.record.comment

    @property
    def description(self) -> str:
        """What it is in words."""
        return self.record.comment

    @property
    def record(self) -> DatasetRecord:
        """Its name, project, comment, tags and metadata, as recorded now."""
        with self._handle.database.reading() as reader:
            return read_dataset(reader, self._id)[1]

    @property
    def tags(self) -> list[str]:
        """Its labels now; a copy."""
        return list(self.record.tags)

    def commit_tags(self) -> dict[str, str]:
        """Return the tags of commits: name to commit id."""
        with self._handle.database.reading() as reader:
            return {one.tag.name: one.tag.commit.hex() for one in commit_tags(reader, self._id)}

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

    def set_description(self, description: str) -> None:
        """Describe it in words."""
        self.set_comment(description)

    def add_tags(self, tags: Sequence[str]) -> None:
        """Give it more labels."""
        more = check_names(tags, what="tag")
        self._change(
            "tag dataset",
            lambda record: replace(record, tags=list(dict.fromkeys([*record.tags, *more]))),
        )

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Take labels from it; those that it has not are passed over."""
        gone = frozenset(check_names(tags, what="tag"))
        self._change(
            "untag dataset",
            lambda record: replace(record, tags=[one for one in record.tags if one not in gone]),
        )

    def archive(self) -> None:
        """Mark it as out of use; nothing else changes."""
        self._mark("archive dataset", lambda marks: [*marks, _ARCHIVED])

    def unarchive(self) -> None:
        """Take that mark away."""
        self._mark("unarchive dataset", lambda marks: marks)

    def _mark(self, command: str, change: Callable[[list[str]], list[str]]) -> None:
        def changed(record: DatasetRecord) -> DatasetRecord:
            others = [one for one in record.system_tags if one != _ARCHIVED]
            return replace(record, system_tags=change(others))

        self._change(command, changed)

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

    def set_extra(self, name: str, value: object) -> None:
        """Keep what a layer above says of the dataset, beside what the user does."""
        checked = check_metadata({name: value}, path="extra")
        self._change(f"set {name}", lambda record: replace(record, extra=record.extra | checked))

    def _change(self, command: str, change: Callable[[DatasetRecord], DatasetRecord]) -> None:
        staging = self._handle.staging()

        def prepare(refs: RefReader) -> tuple[Sequence[Move], None]:
            old, record = read_dataset(refs, self._id)
            new = change(record)
            if (new.project, new.name) != (record.project, record.name):
                refuse_taken(refs, new)
            return [
                Move(dataset_ref(self._id), old, staging.add(Kind.RECORD, encode_object(new)))
            ], None

        transact(self._handle, staging, command, prepare)
