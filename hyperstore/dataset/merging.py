"""Three snapshots into one, frame by frame and field by field: what a revert does."""

from hyperstore.dataset.compare import edits_of
from hyperstore.dataset.draft import with_meta
from hyperstore.dataset.edit import edit_snapshot, root
from hyperstore.dataset.staging import Staging
from hyperstore.errors import ConflictError, count_of
from hyperstore.frames import keys
from hyperstore.frames.merging import merge_frames
from hyperstore.history.commit import Commit, Snapshot
from hyperstore.ids import CommitId, Kind, ObjectId
from hyperstore.tree.merge import merge

__all__ = ["merge_snapshots", "revert_message"]


def merge_snapshots(
    staging: Staging, base: Snapshot, ours: Snapshot, theirs: Snapshot, undone: Commit
) -> Snapshot:
    """Return `ours` with the changes from `base` to `theirs`, frame by frame."""
    result = merge(
        staging.nodes, root(base, "frames"), root(ours, "frames"), root(theirs, "frames")
    )
    changes = {change.key: change.new for change in result.changes}
    fought: list[str] = []
    for conflict in result.conflicts:
        sides = (conflict.base, conflict.ours, conflict.theirs)
        if any(side is None for side in sides):
            fought.append(keys.frame_id(conflict.key))
            continue
        ids = [ObjectId(side) for side in sides if side is not None]
        payloads = staging.frames(ids)
        merged, places = merge_frames(*(payloads[one] for one in ids))
        if places:
            fought.append(f"{keys.frame_id(conflict.key)} ({', '.join(places)})")
        else:
            changes[conflict.key] = staging.add(Kind.FRAME, merged)
    if fought:
        shown = ", ".join(ascii(one) for one in fought[:5])
        raise ConflictError(
            f"{count_of(len(fought), 'frame')} changed again after "
            f"{undone.message.splitlines()[0]!a}: "
            f"{shown}; restore them by hand"
        )
    edited = edit_snapshot(staging, ours, edits_of(staging, sorted(changes.items())))
    if base.meta == theirs.meta:
        return edited
    return with_meta(edited, _merged_meta(base.meta, ours.meta, theirs.meta))


def _merged_meta(
    base: dict[str, object], ours: dict[str, object], theirs: dict[str, object]
) -> dict[str, object]:
    merged = dict(ours)
    for key in base.keys() | theirs.keys():
        if base.get(key) == theirs.get(key):
            continue
        if ours.get(key) != base.get(key):
            raise ConflictError(f"the version's metadata {key!a} was changed again since")
        if key in theirs:
            merged[key] = theirs[key]
        else:
            merged.pop(key, None)
    return merged


def revert_message(undone: Commit, commit_id: CommitId) -> str:
    """Return what a revert says of itself unless it is told."""
    return f'Revert "{undone.message.splitlines()[0]}"\n\nThis reverts commit {commit_id.hex()}.'
