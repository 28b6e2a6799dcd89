"""What the version says that a frame was read from; looked up anew, since a frame holds no store.

The store is opened for the moment of the call, which costs next to nothing where this process has
it open already. So it works in any process that a frame was pickled to.
"""

from functools import lru_cache
from pathlib import Path

from hyperstore.errors import NotFoundError
from hyperstore.frames.home import Home
from hyperstore.frames.records import Metadata
from hyperstore.frames.wire import unshared
from hyperstore.ids import CommitId, ObjectId, SnapshotId

__all__ = ["version_metadata"]

_DATABASE = "db"


def version_metadata(home: Home | None) -> Metadata:
    """Return a copy of the metadata of a frame's version; empty for a frame that has none.

    Of a frame that was read at a commit it is that commit's, else what the version says now.
    NotFoundError where the store or the version is gone.
    """
    if home is None:
        return {}
    if home.commit is None:
        return _read(home)
    return unshared(_recorded(home))


@lru_cache(64)
def _recorded(home: Home) -> Metadata:
    """Return what a commit recorded, which stays as it is."""
    return _read(home)


def _read(home: Home) -> Metadata:
    # These bring the engine, which who only makes frames does without.
    from hyperstore.history.branches import head_of, read_commit, read_snapshot, working_of
    from hyperstore.storage.database import Database

    folder = Path(home.store) / _DATABASE
    if not folder.exists():
        raise NotFoundError(f"the store {home.store} that the frame was read from is gone")
    place = home.dataset_id, home.version_id
    opened = Database.open(folder, readonly=True, allow_network=True)
    with opened as database, database.reading() as reader:
        working: SnapshotId | None = None
        if home.commit is None:
            working = working_of(reader, *place)
            head = head_of(reader, *place)
        else:
            head = CommitId(ObjectId(bytes.fromhex(home.commit)))
        if working is None:
            if head is None:
                raise NotFoundError(f"the version {home.describe()} of the frame is gone")
            working = SnapshotId(read_commit(reader, head).snapshot)  # type: ignore[arg-type]
        return read_snapshot(reader, working).meta
