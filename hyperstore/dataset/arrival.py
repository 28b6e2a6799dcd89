"""What comes from outside as one operation: what has to be made for it, edits, commit, HEAD.

An import makes the dataset and the version where they are missing. All of it is one row of the
operation log, so that what fails half-way leaves nothing behind, and one `undo` takes it back.
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType

from hyperstore.dataset import lifecycle
from hyperstore.dataset.compare import changed_frames
from hyperstore.dataset.dataset import Dataset, DatasetVersion
from hyperstore.dataset.draft import (
    Place,
    State,
    commit_moves,
    held_snapshot,
    read_state,
    rebase,
    refuse_overlap,
    store_snapshot,
    with_meta,
)
from hyperstore.dataset.edit import edit_snapshot, empty_snapshot
from hyperstore.dataset.founding import refuse_taken
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.ingest import FrameLike, Ingest
from hyperstore.dataset.lookup import find_dataset, find_versions
from hyperstore.dataset.metadata import check_metadata
from hyperstore.dataset.runswatch import current_run_id
from hyperstore.dataset.transact import Move, transact
from hyperstore.dataset.view import View
from hyperstore.errors import ExistsError, UsageError, count_of
from hyperstore.frames.home import Home
from hyperstore.history.branches import (
    RefReader,
    dataset_ref,
    datasets,
    read_snapshot,
    versions,
    working_ref,
)
from hyperstore.history.commit import (
    Count,
    DatasetRecord,
    Snapshot,
    VersionRecord,
    check_message,
    encode_object,
)
from hyperstore.history.names import check_name
from hyperstore.ids import CommitId, Kind, new_id
from hyperstore.storage.host import now_ms

__all__ = ["Arrival"]

MetadataChange = Callable[[Mapping[str, object]], Mapping[str, object]]


class Arrival:
    """Frames on their way into a draft that need not exist yet. Nothing shows until `finish`.

    A context manager, which at its end lets go of what was given up.
    """

    def __init__(self, handle: Handle, dataset: str, version: str) -> None:
        """Look up the draft by names or ids. PublishedError where it does not change any more."""
        self._handle = handle
        self._staging = handle.staging()
        self._new_dataset: DatasetRecord | None = None
        self._new_version: VersionRecord | None = None
        with handle.database.reading() as reader:
            known = any(dataset in (one.name, one.id) for _, one in datasets(reader))
            if known:
                held = find_dataset(reader, dataset)[1]
            else:
                held = self._new_dataset = _dataset_record(dataset)
            if known and find_versions(reader, held.id, version):
                record = Dataset(handle, held.id).version(version).record
            else:
                created = now_ms() if known else held.created + 1  # After `Current`.
                record = self._new_version = _version_record(held.id, version, created)
        self._names = (held.name, record.name)
        self._place = Place(held.id, record.id)
        if self._new_version is not None:
            self._base = empty_snapshot(self._staging.nodes)
            self._base_id = store_snapshot(self._staging, self._base)
        else:
            self._base_id, self._base = held_snapshot(handle, self._staging, self._place)
        self._snapshot = self._base
        self._change: MetadataChange = dict

    def __enter__(self) -> "Arrival":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._staging.clear()

    @property
    def made(self) -> list[str]:
        """What `finish` makes because it was not there, in words."""
        dataset, version = self._names
        made = [f"dataset {dataset}"] if self._new_dataset is not None else []
        if self._new_version is not None and (not made or version != lifecycle.CURRENT):
            made.append(f"version {version}")
        return made

    def view(self) -> View:
        """Return the frames as they were when this began."""
        return View(self._handle, self._base, self._home(), self._staging)

    def put(self, frames: Iterable[FrameLike]) -> None:
        """Take frames, of which each id comes once. FrameError for the first that is unfit."""
        ingest = Ingest(
            self._staging, self._snapshot, self._handle.roots, self._home(), strict=True
        )
        with ingest:
            ingest.take(frames)
            self._snapshot = edit_snapshot(self._staging, self._snapshot, ingest.sorted())
        if ingest.repeated:
            raise UsageError(f"{count_of(ingest.repeated, 'frame')} came twice; give each once")

    def change_metadata(self, change: MetadataChange) -> None:
        """Replace the version's metadata by what `change` makes of it, a copy.

        It is asked again about the metadata that others have written meanwhile.
        """
        self._change = change
        self._snapshot = self._changed(self._snapshot)

    def _changed(self, snapshot: Snapshot) -> Snapshot:
        checked = check_metadata(self._change(copy.deepcopy(snapshot.meta)))
        return snapshot if checked == snapshot.meta else with_meta(snapshot, checked)

    def changes(self) -> Count | None:
        """Count the frames that differ from those found, so far; None where nothing differs."""
        if self._snapshot == self._base:
            return None
        if self._base.count == 0:
            return Count(added=self._snapshot.count)
        kinds = Counter(
            one.kind for one in changed_frames(self._staging, self._base, self._snapshot)
        )
        return Count(added=kinds["added"], changed=kinds["changed"], removed=kinds["removed"])

    def finish(self, message: str | None) -> tuple[DatasetVersion, CommitId | None]:
        """Make all of it seen, committed where there is a message, and stand there.

        Return the version, and the commit if there was anything to commit.
        """
        text = None if message is None else check_message(message)

        def prepare(refs: RefReader) -> tuple[Sequence[Move], CommitId | None]:
            return self._moves(refs, text)

        commit = transact(self._handle, self._staging, "import", prepare)
        return DatasetVersion(self._handle, self._place, self._names[0]), commit

    def _moves(
        self, refs: RefReader, message: str | None
    ) -> tuple[Sequence[Move], CommitId | None]:
        staging, place = self._staging, self._place
        moves = self._births(refs)
        snapshot = self._snapshot
        if self._new_version is None:
            state = read_state(refs, place)
            found = state.writable()
            if found != self._base_id:
                theirs = read_snapshot(refs, found)
                refuse_overlap(staging, self._base, snapshot, theirs)
                mine = with_meta(snapshot, self._base.meta)
                snapshot = self._changed(rebase(staging, self._base, mine, theirs))
        else:
            record_id = staging.add(Kind.RECORD, encode_object(self._new_version))
            state = State(place, record_id, self._new_version, None, self._base_id)
        working = store_snapshot(staging, snapshot)
        old = None if self._new_version is not None else state.working
        moves.append(Move(working_ref(place.dataset, place.version), old, working))
        commit = None
        if message is not None:
            more, head = commit_moves(self._handle, staging, refs, state, message, pending=snapshot)
            moves += more
            commit = head if more else None
        return [*moves, *lifecycle.standing(staging, refs, place)], commit

    def _births(self, refs: RefReader) -> list[Move]:
        """Return the moves that make what is missing, except the working snapshot."""
        moves: list[Move] = []
        if self._new_dataset is not None:
            refuse_taken(refs, self._new_dataset)
            new = self._staging.add(Kind.RECORD, encode_object(self._new_dataset))
            moves.append(Move(dataset_ref(self._new_dataset.id), None, new))
            if self._names[1] != lifecycle.CURRENT:  # Every dataset begins with one.
                draft = _version_record(
                    self._new_dataset.id, lifecycle.CURRENT, self._new_dataset.created
                )
                moves += lifecycle.created(self._staging, refs, draft, None)
        if self._new_version is not None:
            taken = [one.name for _, one in versions(refs, self._place.dataset)]
            if self._new_version.name in taken:
                raise ExistsError(f"version {self._new_version.name!a} was made meanwhile; retry")
            born = lifecycle.created(self._staging, refs, self._new_version, None)
            working = working_ref(self._place.dataset, self._place.version)
            moves += [move for move in born if move.name != working]
        return moves

    def _home(self) -> Home:
        return Home(
            store=str(self._handle.folder),
            dataset_id=self._place.dataset,
            dataset_name=self._names[0],
            version_id=self._place.version,
            version_name=self._names[1],
            commit=None,
            foreign=self._handle.database.trust == "foreign",
        )


def _dataset_record(name: str) -> DatasetRecord:
    return DatasetRecord(created=now_ms(), id=new_id(), name=check_name(name, what="dataset"))


def _version_record(dataset: str, name: str, created: int) -> VersionRecord:
    checked = check_name(name, what="version")
    return VersionRecord(
        created=created, dataset=dataset, id=new_id(), name=checked, task=current_run_id()
    )
