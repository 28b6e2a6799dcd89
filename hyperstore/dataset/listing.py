"""All versions of a dataset at once: a few reads, where a handle of each would take several."""

from collections.abc import Iterable

from hyperstore.dataset.draft import Place, State
from hyperstore.dataset.handle import Handle
from hyperstore.history.branches import (
    RefReader,
    head_ref,
    read_commit,
    read_snapshot,
    versions,
    working_ref,
)
from hyperstore.history.commit import Commit
from hyperstore.ids import CommitId, ObjectId, SnapshotId

__all__ = ["frame_counts", "head_commits", "is_pending", "list_states"]


def list_states(handle: Handle, dataset_id: str) -> list[State]:
    """Return what the refs of each version of a dataset say, in one read; oldest first."""
    with handle.database.reading() as reader:
        heads = _by_version(reader, head_ref(dataset_id, ""))
        drafts = _by_version(reader, working_ref(dataset_id, ""))
        return [
            State(
                Place(dataset_id, record.id),
                record_id,
                record,
                None if record.id not in heads else CommitId(heads[record.id]),
                None if record.id not in drafts else SnapshotId(drafts[record.id]),
            )
            for record_id, record in versions(reader, dataset_id)
        ]


def head_commits(handle: Handle, states: Iterable[State]) -> dict[CommitId, Commit]:
    """Return the newest commit of each version, by id; each is read once."""
    with handle.database.reading() as reader:
        heads = dict.fromkeys(state.head for state in states if state.head is not None)
        return {head: read_commit(reader, head) for head in heads}


def frame_counts(handle: Handle, states: list[State], commits: dict[CommitId, Commit]) -> list[int]:
    """Return how many frames each version holds, of a draft what is pending included."""
    counts: dict[SnapshotId, int] = {}
    found = []
    with handle.database.reading() as reader:
        for state in states:
            held = state.working if state.working is not None else _recorded(state, commits)
            if held is not None and held not in counts:
                counts[held] = read_snapshot(reader, held).count
            found.append(0 if held is None else counts[held])
    return found


def is_pending(state: State, commits: dict[CommitId, Commit]) -> bool:
    """Tell whether a draft holds what is not committed, or was never committed to."""
    return state.working is not None and state.working != _recorded(state, commits)


def _recorded(state: State, commits: dict[CommitId, Commit]) -> SnapshotId | None:
    if state.head is None:
        return None
    return SnapshotId(ObjectId(commits[state.head].snapshot))


def _by_version(reader: RefReader, prefix: str) -> dict[str, ObjectId]:
    return {name[len(prefix) :]: found for name, found in reader.refs(prefix)}
