"""What a version is natively: how it stands, what it shows, its history.

`contents.py` adds the calls on frames, `selected.py` and `dataset.py` those on the class.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import NamedTuple, Self

from hyperstore.codec import Struct, replace
from hyperstore.dataset import lifecycle, publishing
from hyperstore.dataset.compare import ChangedFrame, changed_frames, count_changes
from hyperstore.dataset.draft import Place, State, head_snapshot, read_state
from hyperstore.dataset.editor import Editor
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.lookup import CommitInfo, commit_id_of, commit_log
from hyperstore.dataset.publishing import SnapshotWish
from hyperstore.dataset.runswatch import RUN_VARIABLE, WATCHERS
from hyperstore.dataset.uploading_wish import UploadDefault
from hyperstore.dataset.view import Frame, View
from hyperstore.errors import UsageError
from hyperstore.frames.home import Home
from hyperstore.history.branches import read_commit, read_snapshot, version_ref, working_ref
from hyperstore.history.commit import Changes, Snapshot, VersionRecord
from hyperstore.history.names import check_name
from hyperstore.ids import CommitId, ObjectId, SnapshotId
from hyperstore.storage.reader import Reader

__all__ = ["Status", "VersionCore"]

if RUN_VARIABLE in os.environ:  # A worker of a run; whoever belongs to none does without.
    import_module("hyperstore.dataset.runsjoin").expect_run()


class Status(Struct, frozen=True):
    """`state` is draft while edits are pending, committed when none are, or published."""

    state: str
    head: str | None
    changes: Changes


class _Seen(NamedTuple):
    """The view got last: most reads find that nobody wrote since, or not to this version."""

    moment: tuple[int, int]
    refs: tuple[ObjectId | None, ObjectId | None]  # To its record, and to its working snapshot.
    view: View


class VersionCore:
    """One version of a dataset. Got from a Dataset; a handle, which always reads what is now."""

    _upload_to: UploadDefault | None = None  # Where this handle uploads to unless told otherwise.

    def __init__(
        self, handle: Handle | None = None, place: Place | None = None, dataset_name: str = ""
    ) -> None:
        if not isinstance(handle, Handle) or not isinstance(place, Place):
            raise UsageError("a DatasetVersion is got by get_version() or create_version()")
        self._handle = handle
        self._place = place
        self._dataset_name = dataset_name
        self._editor = Editor(handle, place)
        self._seen: _Seen | None = None

    def __reduce__(self) -> tuple[type[Self], tuple[Handle, Place, str], dict[str, object]]:
        given = (self._handle, self._place, self._dataset_name)
        return type(self), given, {"_upload_to": self._upload_to}

    def __repr__(self) -> str:
        return f"<DatasetVersion {self._dataset_name}@{self.name} {self._place.version[:8]}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VersionCore) and self._place == other._place

    def __hash__(self) -> int:
        return hash(self._place)

    # What it is called, and how it stands.

    @property
    def id(self) -> str:
        """32 hex digits; kept when the version is renamed or published."""
        return self._place.version

    @property
    def dataset_id(self) -> str:
        """The id of its dataset."""
        return self._place.dataset

    @property
    def name(self) -> str:
        """Its name now, which another version may share after a rename."""
        return self._state().record.name

    @property
    def record(self) -> VersionRecord:
        """Its name, comment, tags and times, as recorded now."""
        return self._state().record

    @property
    def published(self) -> bool:
        """Whether it is frozen."""
        return self._state().working is None

    @property
    def head(self) -> str | None:
        """The id of its newest commit; None before the first."""
        head = self._state().head
        return None if head is None else head.hex()

    def rename(self, name: str) -> None:
        """Give it another name; its id stays."""
        check_name(name, what="version")
        self._change("rename version", lambda record: replace(record, name=name))

    def set_comment(self, comment: str) -> None:
        """Describe it in words."""
        self._change("comment on version", lambda record: replace(record, comment=comment))

    def _change(self, command: str, change: Callable[[VersionRecord], VersionRecord]) -> None:
        lifecycle.change_record(self._handle, self._place, command, change)

    # Reading. A draft shows its working snapshot, a batch its own edits.

    def __len__(self) -> int:
        return len(self.view())

    def __iter__(self) -> Iterator[Frame]:
        return self.view().get_iterator()

    @property
    def content_id(self) -> str:
        """64 hex digits that are the same wherever the same frames are, in any store."""
        return self.view().content_id

    def get_frame(self, frame_id: str) -> Frame:
        """Return one frame; NotFoundError where there is none of that id."""
        if self._editor.pending is not None:
            return self.view().get_frame(frame_id)
        with self._handle.database.reading() as reader:
            view = self._view_in(reader)
            found = view.frame_in(reader, frame_id)
        if WATCHERS:
            self._tell_read(view)
        return found

    def get_metadata(self) -> dict[str, object]:
        """Return a copy of the version's metadata."""
        return self.view().get_metadata()

    def view(self) -> View:
        """Return the frames as they are now; what others write later does not show in it."""
        pending = self._editor.pending
        if pending is not None:
            return View(self._handle, pending[0], self._home(None), pending[1])
        with self._handle.database.reading() as reader:
            view = self._view_in(reader)
        if WATCHERS:
            self._tell_read(view)
        return view

    def _tell_read(self, view: View) -> None:
        """Tell the recorder of this process's run which state of the version is looked at."""
        commit, seen = view.home.commit, self._seen
        working = None if seen is None or seen.view is not view else seen.refs[1]
        state = working if commit is None else ObjectId(bytes.fromhex(commit))
        if state is not None:
            for watcher in WATCHERS:
                watcher.read(self._handle, self._place.dataset, self._place.version, state)

    def _view_in(self, reader: Reader) -> View:
        """Return the frames as one read finds them."""
        moment, seen = reader.moment(), self._seen
        if seen is not None and seen.moment == moment:
            return seen.view
        refs = (
            reader.ref(version_ref(self._place.dataset, self._place.version)),
            reader.ref(working_ref(self._place.dataset, self._place.version)),
        )
        if seen is not None and seen.refs == refs and refs[1] is not None:
            view = seen.view
        else:
            state = read_state(reader, self._place)
            if state.working is not None:
                view = self._view(read_snapshot(reader, state.working), None)
            else:
                assert state.head is not None
                view = self._at(state.head)
        self._seen = _Seen(moment, refs, view)
        return view

    def at(self, commit: str) -> View:
        """Return the frames as a commit recorded them; its id may be shortened to 6 digits."""
        return self._at(commit_id_of(self._handle, commit))

    def _at(self, commit_id: CommitId) -> View:
        with self._handle.database.reading() as reader:
            commit = read_commit(reader, commit_id)
            snapshot = read_snapshot(reader, SnapshotId(commit.snapshot))  # type: ignore[arg-type]
        view = self._view(snapshot, commit_id)
        if WATCHERS:
            self._tell_read(view)
        return view

    def _view(self, snapshot: Snapshot, commit_id: CommitId | None) -> View:
        return View(self._handle, snapshot, self._home(commit_id))

    def _home(self, commit_id: CommitId | None) -> Home:
        return Home(
            store=str(self._handle.folder),
            dataset_id=self._place.dataset,
            dataset_name=self._dataset_name,
            version_id=self._place.version,
            version_name=self.name,
            commit=None if commit_id is None else commit_id.hex(),
            foreign=self._handle.database.trust == "foreign",
        )

    @contextmanager
    def batch(self) -> Iterator[Self]:
        """Gather edits: this handle sees them at once, all others when the block ends.

        An exception in the block drops them all.
        """
        with self._editor.batch():
            yield self

    # History.

    def commit(self, message: str, *, allow_empty: bool = False) -> str | None:
        """Record what is pending; return the commit's id, None where nothing was pending."""
        self._editor.refuse_batch("commit")
        made = lifecycle.commit(self._handle, self._place, message, even_empty=allow_empty)
        return None if made is None else made.hex()

    def publish(self, message: str | None = None) -> str:
        """Freeze the version; what is pending is committed first. Return its last commit."""
        self._editor.refuse_batch("publish")
        return publishing.publish(self._handle, self._place, message).hex()

    def snapshot(
        self,
        name: str | None = None,
        *,
        child_name: str | None = None,
        comment: str | None = None,
        message: str | None = None,
        stand: bool = False,
    ) -> Self:
        """Publish it under a name, by default `snapshot` and the time; return the draft child.

        The published version keeps this id. The child takes over the old name unless named. With
        `stand` the command stands on the child after that, by the same operation.
        """
        self._editor.refuse_batch("snapshot")
        wish = SnapshotWish(name=name, child_name=child_name, comment=comment, message=message)
        child = publishing.snapshot(self._handle, self._place, wish, stand=stand)
        return type(self)(self._handle, child, self._dataset_name)

    def tag(
        self, name: str, commit: str | None = None, *, message: str = "", force: bool = False
    ) -> None:
        """Give the newest commit, or another one, a lasting name in this dataset."""
        commit_id = self._head() if commit is None else commit_id_of(self._handle, commit)
        lifecycle.tag(
            self._handle, self._place.dataset, name, commit_id, message=message, force=force
        )

    def log(self) -> list[CommitInfo]:
        """Return the commits that lead to the head, newest first."""
        return list(commit_log(self._handle, self._state().head))

    def status(self) -> Status:
        """Say whether edits are pending, and how many."""
        state = self._state()
        head = None if state.head is None else state.head.hex()
        if state.working is None:
            return Status("published", head, Changes())
        staging = self._handle.staging()
        with self._handle.database.reading() as reader:
            working = read_snapshot(reader, state.working)
            old = head_snapshot(reader, staging, state)
        changes = count_changes(staging, old, working)
        pending = working != old or state.head is None
        return Status("draft" if pending else "committed", head, changes)

    def diff(
        self, old: "View | str | None" = None, new: "View | str | None" = None
    ) -> Iterator[ChangedFrame]:
        """Yield the frames that differ: by default from the head to what the draft holds.

        `old` and `new` are views of any version, or ids of commits. No frame is read until its
        `change` is asked for, which says what differs in it.
        """
        before, after = self._point(old, head=True), self._point(new, head=False)
        return changed_frames(after.staging, before.snapshot, after.snapshot)

    def reset(self, commit: str | None = None, *, hard: bool = False) -> None:
        """Move the head to a commit; with `hard` also drop what is pending."""
        self._editor.refuse_batch("reset")
        target = None if commit is None else commit_id_of(self._handle, commit)
        lifecycle.reset(self._handle, self._place, target, hard=hard)

    def restore(self, frames: Iterable[str] | None = None, *, source: str | None = None) -> int:
        """Make frames as they are in a commit, by default the head; all frames where none named."""
        self._editor.refuse_batch("restore")
        commit_id = None if source is None else commit_id_of(self._handle, source)
        return lifecycle.restore(self._handle, self._place, commit_id, frames)

    def revert(self, commit: str, message: str | None = None) -> str:
        """Commit the opposite of one commit's changes; ConflictError where they were edited."""
        self._editor.refuse_batch("revert")
        target = commit_id_of(self._handle, commit)
        return lifecycle.revert(self._handle, self._place, target, message).hex()

    def _state(self) -> State:
        with self._handle.database.reading() as reader:
            return read_state(reader, self._place)

    def _head(self) -> CommitId:
        head = self._state().head
        if head is None:
            raise UsageError(f"version {self.name!a} has no commit yet; commit first")
        return head

    def _point(self, point: "View | str | None", *, head: bool) -> View:
        if isinstance(point, View):
            return point
        if point is not None:
            return self.at(point)
        if not head:
            return self.view()
        with self._handle.database.reading() as reader:
            state = read_state(reader, self._place)
            snapshot = head_snapshot(reader, self._handle.staging(), state)
        return self._view(snapshot, state.head)
